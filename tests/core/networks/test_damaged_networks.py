"""Hundreds of damaged and hostile network files: none crashes, hangs, runs anything, or is read as something else."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from napari_growtrack.core.detection import Calibrated, Calibration, Cascade
from napari_growtrack.core.errors import NetworkFileError
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.position import GrowthPosition
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.networks.archive import read_archive, read_card, read_growing, write_archive
from napari_growtrack.core.networks.card import Card, HistoryPoint, Provenance, Recipe, Report
from napari_growtrack.core.simulation import named_scene

PLAN = Plan.depth((2, 3), (4,), window=23)
CASCADE = Cascade(stage=2, screen=1, screen_distance=7, accept_distance=1.5, merge_distance=4)
CARD = Card(
    recipe=Recipe(name="tiny", about="For tests.", plan=PLAN, scene=named_scene("beads"), schedule=Schedule(minutes=1)),
    provenance=Provenance(version="0", backend="none", images=1, batches=1, seconds=1, record=((1,) * 200, (3,) * 200)),
    calibration=Calibration(pairs=[Calibrated(cascade=CASCADE, score=0.9)]),
    history=[HistoryPoint(images=8, stage=1, loss=0.5)],
    reports=[Report(stage=2, screen=1, snr=3, found=1, false=0, median_error=0.4, bound=0.3, milliseconds=2)],
)
WEIGHTS = {
    name: np.random.default_rng(i).normal(size=shape).astype("f4")
    for i, (name, shape) in enumerate(PLAN.weight_shapes().items())
}
MEMORY = {"optimiser/0": np.zeros((), "f4"), "optimiser/1": np.ones((3, 3, 1, 2), "f4")}
POSITION = GrowthPosition(round=1, seconds=3, record=((1,) * 200, (2,) + (0,) * 199))


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "tiny.growtrack"
    write_archive(path, CARD, WEIGHTS, POSITION, MEMORY)
    return path.read_bytes()


def parts_of(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts, **how):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **how) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Read a mutated file in an empty folder; return what came of it, and see that nothing else happened."""
    monkeypatch.chdir(tmp_path)

    def judge(mutated):
        file = tmp_path / "tiny.growtrack"
        file.write_bytes(mutated)
        tracemalloc.start()
        try:
            found = read_growing(file)
        except NetworkFileError as refusal:
            found = str(refusal)
            assert found.startswith("tiny.growtrack ")
            assert len(found) < 2000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * 2**20
        assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.growtrack"]
        return found

    return judge


def refused_or_unchanged(found):
    """A damaged file is refused, unless the damage is where nothing is read."""
    if isinstance(found, str):
        return
    card, weights, position, memory = found
    assert card == CARD
    assert position == POSITION
    for kept, came in ((WEIGHTS, weights), (MEMORY, memory)):
        assert came.keys() == kept.keys()
        for name, array in kept.items():
            np.testing.assert_array_equal(came[name], array)


def test_the_whole_file_is_read(raw, judged):
    found = judged(raw)
    assert not isinstance(found, str)
    refused_or_unchanged(found)


@pytest.mark.parametrize("thousandth", range(0, 1000, 20))
def test_a_file_cut_short_is_refused(raw, judged, thousandth):
    assert isinstance(judged(raw[: len(raw) * thousandth // 1000]), str)


@pytest.mark.parametrize("seed", range(120))
def test_a_damaged_byte_is_noticed(raw, judged, seed):
    rng = np.random.default_rng(seed)
    damaged = bytearray(raw)
    for place in rng.integers(len(raw), size=1 + seed % 3):
        damaged[place] ^= int(rng.integers(1, 256))
    refused_or_unchanged(judged(bytes(damaged)))


@pytest.mark.parametrize("seed", range(20))
def test_a_stretch_of_noise_is_noticed(raw, judged, seed):
    rng = np.random.default_rng(1000 + seed)
    first, length = int(rng.integers(len(raw))), int(rng.integers(4, 4000))
    damaged = raw[:first] + rng.bytes(length) + raw[first + length :]
    refused_or_unchanged(judged(damaged))


PARTS = [
    "schema.json",
    "about.json",
    "plan.json",
    "scene.json",
    "schedule.json",
    "calibration.json",
    "reports.json",
    "accuracies.json",
    "provenance.json",
    "growing.json",
]


@pytest.mark.parametrize("part", [*PARTS, "weights/head_3.kernel.npy", "weights/block_1_1.bias.npy"])
@pytest.mark.parametrize("content", [None, b"", b"\x00" * 100, b"[" * 50_000, b'{"a": 1}', b"nonsense", b"\xff\xfe"])
def test_a_part_that_is_missing_or_nonsense_is_refused(raw, judged, part, content):
    parts = {name: old for name, old in parts_of(raw).items() if name != part}
    if content is not None:
        parts[part] = content
    assert isinstance(judged(packed(parts)), str)


def leaves(value, path=()):
    """Yield the way to every single value of some JSON."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def at(value, path):
    for key in path:
        if not isinstance(value, (dict, list)):  # a range from a number to itself is written as that number
            return value
        value = value[key]
    return value


TEXTS = {
    "plan.json": CARD.plan.to_json(),
    "scene.json": CARD.recipe.scene.to_json(),
    "schedule.json": CARD.recipe.schedule.to_json(),
    "calibration.json": CARD.calibration.to_json(),
    "provenance.json": CARD.provenance.to_json(),
    "growing.json": POSITION.to_json(),
}
# Of the long records of batches, the first numbers stand for all.
LEAVES = [
    (part, path)
    for part, text in TEXTS.items()
    for path in leaves(json.loads(text))
    if not (path[0] == "record" and path[2:] > (2,))
]


@pytest.mark.parametrize(("part", "path"), LEAVES, ids=[f"{part}-{'.'.join(map(str, path))}" for part, path in LEAVES])
def test_a_changed_value_is_refused_or_read_as_it_stands(raw, judged, part, path):
    """What a text says is what the card says: no value is quietly put right."""
    parts, text = parts_of(raw), json.loads(TEXTS[part])
    for new in (None, -1, 0, 10**15, 1e308, "x" * 100, [], [[]], {}, True, -0.5):
        parts[part] = json.dumps(replaced(text, path, new)).encode()
        found = judged(packed(parts))
        if isinstance(found, str):
            continue
        card, _, position, _ = found
        whole = {
            "plan.json": card.plan,
            "scene.json": card.recipe.scene,
            "schedule.json": card.recipe.schedule,
            "calibration.json": card.calibration,
            "provenance.json": card.provenance,
            "growing.json": position,
        }[part]
        read = at(json.loads(whole.to_json()), path)
        defaults = new == {} and isinstance(read, dict)
        assert read == new or defaults, f"{new!r} was read as {read!r}"


def npy(array, **how):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **how)
    return buffer.getvalue()


def header(text):
    """A .npy file with any header."""
    line = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line


class Hostile:
    """Runs when unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


SHAPE = PLAN.weight_shapes()["head_3.kernel"]
ARRAYS = {
    "object": npy(np.array([Hostile()], object), allow_pickle=True),
    "pickle": pickle.dumps(Hostile()),
    "half": npy(np.zeros(SHAPE, "f2")),
    "double": npy(np.zeros(SHAPE, "f8")),
    "big endian": npy(np.zeros(SHAPE, ">f4")),
    "integers": npy(np.zeros(SHAPE, "i4")),
    "text": npy(np.zeros(SHAPE, "U4")),
    "records": npy(np.zeros(SHAPE, [("a", "f4")])),
    "other shape": npy(np.zeros(SHAPE[::-1], "f4")),
    "flat": npy(np.zeros(int(np.prod(SHAPE)), "f4")),
    "empty": npy(np.zeros((0, *SHAPE), "f4")),
    "fortran": npy(np.asfortranarray(np.zeros((1, 1, 4, 3), "f4"))),
    "nan": npy(np.full(SHAPE, np.nan, "f4")),
    "inf": npy(np.full(SHAPE, -np.inf, "f4")),
    "version 2": npy(np.zeros(SHAPE, "f4"), version=(2, 0)),
    "version 3": npy(np.zeros(SHAPE, "f4"), version=(3, 0)),
    "short": npy(np.zeros(SHAPE, "f4"))[:-4],
    "long": npy(np.zeros(SHAPE, "f4")) + b"\x00" * 4,
    "huge shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"),
    "nothing, endlessly": header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 10**30), }"),
    "two negative sides": header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -2), }") + b"\x00" * 16,
    "nothing, absurdly": header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1000000000000000000000), }"),
    "negative shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }"),
    "code in the header": header("__import__('os').mkdir('executed')"),
    "nested header": header("(" * 3000 + ")" * 3000),
    "endless header": header("{'descr': '<f4', 'x': '" + "y" * 60_000 + "'}"),
    "no header": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("part", ["weights/head_3.kernel.npy", "growing/optimiser/1.npy"])
def test_an_array_that_is_not_what_the_plan_says_is_refused(raw, judged, array, part):
    found = judged(packed({**parts_of(raw), part: array}))
    if part.startswith("weights"):
        assert isinstance(found, str)
    elif not isinstance(found, str):  # an optimiser may remember arrays of any shape
        memory = found[3]["optimiser/1"]
        assert memory.dtype == np.float32
        assert np.isfinite(memory).all()


def stored_as(raw, name, change):
    """Return a file with some fields of one part's central directory entry changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, content in parts_of(raw).items():
            info = zipfile.ZipInfo(part)
            archive.writestr(info, content)
            if part == name:
                change(info)
    return buffer.getvalue()


def declared_huge(info):
    info.file_size = 2**32 - 2


def encrypted(info):
    info.flag_bits |= 1


def unknown_method(info):
    info.compress_type = 99


@pytest.mark.parametrize("change", [declared_huge, encrypted, unknown_method])
@pytest.mark.parametrize("part", ["plan.json", "weights/head_3.kernel.npy"])
def test_a_part_packed_in_a_way_nobody_reads_is_refused(raw, judged, change, part):
    refused_or_unchanged(judged(stored_as(raw, part, change)))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("part", ["plan.json", "weights/head_3.kernel.npy", "growing/optimiser/1.npy", "more/bomb.npy"])
def test_a_bomb_does_not_go_off(raw, judged, part, method):
    bomb = packed({**parts_of(raw), part: b"\x00" * (96 * 2**20)}, compression=method)
    found = judged(bomb)
    if part == "more/bomb.npy":  # nobody asks for it
        refused_or_unchanged(found)
    else:
        assert isinstance(found, str)


@pytest.mark.parametrize("name", ["../outside.npy", "/tmp/outside.npy", "weights/../../outside.npy", "C:\\outside.npy"])
def test_parts_that_want_to_lie_elsewhere_are_never_unpacked(raw, judged, name):
    refused_or_unchanged(judged(packed({**parts_of(raw), name: b"out"})))


def test_a_hundred_thousand_parts_do_not_matter(raw, judged):
    more = {f"growing/x/{i}.txt": b"" for i in range(60_000)}
    refused_or_unchanged(judged(packed({**parts_of(raw), **more})))


@pytest.mark.parametrize(
    "units", [[[1] * 2000] * 3, [[100_000] * 3] * 3, [[1] * 100_000], [[10**12]], [[1, 1], [1]], [[0] * 2000]]
)
def test_absurd_tables_are_refused_at_once(raw, judged, units):
    table = json.loads(TEXTS["plan.json"]) | {"units": units}
    assert isinstance(judged(packed({**parts_of(raw), "plan.json": json.dumps(table).encode()})), str)


@pytest.mark.parametrize("schema", [{}, {"format": "growtrack"}, {"format": "growtrack", "schema": "2"}, [], 3, None])
@pytest.mark.parametrize("read", [read_card, read_archive, read_growing])
def test_a_file_that_does_not_say_its_format_is_refused(raw, tmp_path, schema, read):
    path = tmp_path / "tiny.growtrack"
    path.write_bytes(packed({**parts_of(raw), "schema.json": json.dumps(schema).encode()}))
    with pytest.raises(NetworkFileError, match=r"tiny\.growtrack"):
        read(path)
