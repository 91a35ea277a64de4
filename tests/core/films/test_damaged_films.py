"""Whatever bytes a film is made of, it is read or refused in a short sentence."""

from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from PIL import Image
from test_odd_films import FILM, OLD, OWN, TO_OWN, by_dataset, ngff, scale, written
from test_opening import write_video

from napari_growtrack.core.errors import StackError
from napari_growtrack.core.films import open_stack
from nd2_files import write_nd2

TRIES = 12


def pictures(folder):
    folder.mkdir()
    for number, frame in enumerate(FILM[:2]):
        Image.fromarray((frame // 256).astype(np.uint8)).save(folder / f"{number}.png")


MAKERS = {
    "plain.tif": written,
    "compressed.tif": lambda path: written(path, compression="zlib"),
    "imagej.tif": lambda path: written(path, imagej=True, told={"Info": "Exposure: 5 ms", "unit": "um"}),
    "ome.tif": lambda path: written(path, ome=True, told={"PhysicalSizeX": 0.1}),
    "colour.tif": lambda path: tifffile.imwrite(path, np.stack([FILM] * 3, -1), photometric="rgb"),
    "film.mp4": write_video,
    "film.mkv": lambda path: write_video(path, "ffv1", "gray"),
    "film.avi": lambda path: write_video(path, "mjpeg", "yuvj420p"),
    "film.nd2": lambda path: write_nd2(path, FILM[:, None, :, :, None], 0.1, 50.0, "Exposure: 5 ms"),
    "0.4.zarr": lambda path: ngff(path, dict(OLD | by_dataset(scale(1, 0.1, 0.1))), "0.4"),
    "0.6.zarr": lambda path: ngff(path, dict(OWN | by_dataset(scale(1, 0.1, 0.1, **TO_OWN))), "0.6"),
    "pictures": pictures,
}


def damaged(content, rng):
    """Cut bytes off, or change a few, mostly near the beginning."""
    if rng.random() < 0.4:
        return content[: rng.integers(len(content) + 1)]
    changed = bytearray(content)
    near = min(len(content), 700) if rng.random() < 0.6 else len(content)
    for place in rng.integers(near, size=rng.integers(1, 6)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def refusal_of(path):
    try:
        with open_stack(path) as stack:
            stack[0], stack[len(stack) // 2], stack[-1]
    except StackError as refusal:
        return str(refusal)
    return ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "make"), MAKERS.items(), ids=MAKERS)
def test_any_input_is_read_or_refused_in_a_sentence(tmp_path, name, make):
    make(tmp_path / name)
    av.logging.set_level(av.logging.PANIC)
    files = sorted(p for p in [tmp_path / name, *Path(tmp_path / name).rglob("*")] if p.is_file())
    rng, sentences = np.random.default_rng(7), []
    for _ in range(TRIES):
        file = files[rng.integers(len(files))]
        whole = file.read_bytes()
        file.write_bytes(damaged(whole, rng))
        sentences.append(refusal_of(tmp_path / name))
        file.write_bytes(whole)
    assert any(sentences)
    assert all(len(sentence) < 400 for sentence in sentences)
