"""Damaged tables of every format are read or refused in a sentence; nothing else comes of them."""

import random
import re
import shutil
import warnings

import numpy as np
import pytest

from napari_growtrack.core.errors import GrowtrackError
from napari_growtrack.core.simulation.paths import brownian_paths
from napari_growtrack.core.tables import PROGRAM, read_recipe, read_table, write_table

TABLE = brownian_paths(np.random.default_rng(0), 3, 6, 0.5).assign(sigma=0.1)
RECIPE = {"program": PROGRAM, "pixel_size": 0.1, "frame_time": 0.02}
KINDS = {".csv": 40, ".csv.zip": 25, ".csv.xz": 25, ".parquet": 40, ".xml": 40, ".geff": 20}
ODD = (b"nan", b"1e400", b"-1", b"1e20", b"9" * 24, b"", b"\x00", b"abc", b"0,1", b"[]", b"inf", b"\xff\xfe", b"1.5")


def damaged(rng, content):
    """Return bytes of which some are cut off, flipped, odd, doubled or gone."""
    if not content:
        return content
    place, size = rng.randrange(len(content)), rng.randint(1, 200)
    values = [*re.finditer(rb"[-+0-9.eE]+", content)]
    value = rng.choice(values) if values else None
    return rng.choice(
        [
            content[:place],
            content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :],
            content[:place] + content[place : place + size] * 2 + content[place + size :],
            content[:place] + content[place + size :],
            content if value is None else content[: value.start()] + rng.choice(ODD) + content[value.end() :],
        ]
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for kind in KINDS:
        if kind.startswith(".csv."):
            TABLE.to_csv(folder / f"t{kind}", index=False)
        else:
            write_table(TABLE, folder / f"t{kind}", RECIPE)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_table_is_read_or_refused(tmp_path, whole, kind):
    sentences = []
    for seed in range(KINDS[kind]):
        rng, path = random.Random(f"{kind} {seed}"), tmp_path / f"{seed}{kind}"
        if kind == ".geff":
            shutil.copytree(whole / f"t{kind}", path)
            part = rng.choice(sorted(file for file in path.rglob("*") if file.is_file()))
            part.write_bytes(damaged(rng, part.read_bytes()))
        else:
            path.write_bytes(damaged(rng, (whole / f"t{kind}").read_bytes()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for read in (read_table, read_recipe):
                try:
                    read(path)
                except GrowtrackError as error:
                    sentences.append(str(error))
    assert 0 < max(map(len, sentences)) < 600
