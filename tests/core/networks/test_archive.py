"""The file of a network: it round-trips, and what is not one is refused in a sentence."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from napari_growtrack.core.datasets import Augmentation
from napari_growtrack.core.detection import Calibrated, Calibration, Cascade
from napari_growtrack.core.errors import NetworkFileError, SettingsError
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.position import GrowthPosition
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.networks.archive import read_archive, read_card, read_growing, write_archive
from napari_growtrack.core.networks.card import Accuracy, Card, HistoryPoint, Provenance, Recipe, Report
from napari_growtrack.core.networks.load import load_network, network_path
from napari_growtrack.core.simulation import named_scene

PLAN = Plan.breadth((2, 3, 4), (3, 4, 5), conv=2, window=23)
CASCADE = Cascade(stage=2, screen=1, screen_distance=7, accept_distance=1.5, merge_distance=4)
CARD = Card(
    recipe=Recipe(name="tiny", about="For tests.", plan=PLAN, scene=named_scene("beads"), schedule=Schedule(minutes=1)),
    provenance=Provenance(version="0", backend="none", images=1, batches=1, seconds=1),
    calibration=Calibration(pairs=[Calibrated(cascade=CASCADE, score=0.9)]),
    history=[HistoryPoint(images=8, stage=1, loss=0.5), HistoryPoint(images=8, stage=2, loss=0.25)],
    reports=[Report(stage=2, screen=1, snr=3, found=1, false=0, median_error=float("nan"), bound=0.3, milliseconds=2)],
)
WEIGHTS = {
    name: np.random.default_rng(i).normal(size=shape).astype("f4")
    for i, (name, shape) in enumerate(PLAN.weight_shapes().items())
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.growtrack"
    write_archive(path, CARD, WEIGHTS)
    return path


def rewritten(file, change):
    """Copy an archive with some of its parts changed; a part changed to None is left out."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts.update(change(parts))
    with zipfile.ZipFile(file, "w") as new:
        for name, raw in parts.items():
            if raw is not None:
                new.writestr(name, raw)
    return file


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def test_card_and_weights_round_trip(file):
    card, weights = read_archive(file)
    assert card.model_dump_json() == CARD.model_dump_json()
    assert weights.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(weights[name], array)


CLASSES = Card(
    recipe=Recipe(
        name="digits",
        dataset="mnist train",
        plan=Plan.depth((), (4, 3), window=(5, 7), task="classes", outputs=10),
        schedule=Schedule.images(3, augmentation=Augmentation()),
        zoom=2,
    ),
    provenance=Provenance(version="0", backend="none", images=1, batches=1, seconds=1, record=((0, 3) * 100,)),
    accuracies=[Accuracy(stage=1, right=0.5, images=10)],
)


def test_a_network_of_classes_round_trips(tmp_path):
    weights = {name: np.ones(shape, "f4") for name, shape in CLASSES.plan.weight_shapes().items()}
    write_archive(tmp_path / "digits.growtrack", CLASSES, weights)
    assert read_card(tmp_path / "digits.growtrack") == CLASSES
    with pytest.raises(SettingsError, match="digits tells classes of mnist train apart; it does not locate"):
        read_card(tmp_path / "digits.growtrack").cascade()


def test_a_growing_network_round_trips(tmp_path):
    position = GrowthPosition(round=1, record=((1, 2) * 100, (3,) * 200), errors=[0.5], images=7)
    memory = {"optimiser/0": np.float32(3).reshape(()), "best/head_1.bias": np.ones(3, "f4")}
    write_archive(tmp_path / "x.growtrack.growing", CARD, WEIGHTS, position, memory)
    card, weights, where, kept = read_growing(tmp_path / "x.growtrack.growing")
    assert (card.to_json(), where) == (CARD.to_json(), position)
    for come, went in ((weights, WEIGHTS), (kept, memory)):
        assert come.keys() == went.keys()
        for name, array in went.items():
            np.testing.assert_array_equal(come[name], array)
            assert come[name].shape == array.shape  # a number stays one: the optimiser keeps some


def test_a_finished_network_cannot_be_taken_up(file):
    with pytest.raises(NetworkFileError, match=r"tiny\.growtrack has finished growing"):
        read_growing(file)


def test_a_file_of_the_first_format_is_read(file):
    def as_it_was(parts):
        schedule = json.loads(parts["schedule.json"])
        kept = {
            name: value for name, value in schedule.items() if name not in ("epochs", "until", "augmentation", "record")
        }
        plan = json.loads(parts["plan.json"])
        old = {name: plan[name] for name in ("layers", "units", "window", "channels", "outputs")}
        about = json.loads(parts["about.json"])
        return {
            "schema.json": json.dumps({"format": "growtrack", "schema": 1}),
            "schedule.json": json.dumps(kept | {"normalisation": "none"}),
            "plan.json": json.dumps(old),
            "about.json": json.dumps({name: about[name] for name in ("name", "about", "seed")}),
            "accuracies.json": None,
        }

    card, weights = read_archive(rewritten(file, as_it_was))
    assert card.recipe.schedule.normalisation == "unit"
    assert card.plan == PLAN
    assert weights.keys() == WEIGHTS.keys()


def test_a_loaded_network_answers_identically(file, tmp_path):
    network = load_network(file)
    network.save(tmp_path / "again.growtrack")
    again = load_network(tmp_path / "again.growtrack")
    images = np.random.default_rng(0).normal(size=(2, 31, 23)).astype("f4")
    for stage in (1, 2):
        np.testing.assert_array_equal(network.answer(images, stage), again.answer(images, stage))


def test_the_card_gives_calibrated_cascades_and_refuses_others(file):
    card = read_card(file)
    assert card.cascade() == CASCADE
    with pytest.raises(SettingsError, match="There is no stage 3; this network has stages 1 to 2"):
        card.cascade(3)
    with pytest.raises(SettingsError, match="no thresholds for stage 2 screened by stage 2"):
        card.cascade(2, screen=2)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_is_refused(file, share):
    raw = file.read_bytes()
    file.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(NetworkFileError, match=r"tiny.growtrack is not a grown network, or was cut short"):
        read_archive(file)


class Hostile:
    """Runs when unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


KERNEL = "weights/head_1.kernel.npy"
SHAPE = PLAN.weight_shapes()["head_1.kernel"]
WIDE = PLAN.model_dump() | {"units": [[90000, 90000]] * 3}
MUTATIONS = {
    "another zip": (lambda _: {"schema.json": None}, "has no part schema.json"),
    "another format": (lambda _: {"schema.json": b"{}"}, "is a zip file, but not a grown network"),
    "a newer one": (
        lambda _: {"schema.json": json.dumps({"format": "growtrack", "schema": 99})},
        "has format 99, this version reads 1 to 3. Update napari-growtrack",
    ),
    "no plan": (lambda _: {"plan.json": None}, "has no part plan.json"),
    "damaged text": (lambda _: {"plan.json": b"{"}, "has a damaged part plan.json"),
    "deeply nested text": (lambda _: {"plan.json": b"[" * 100_000}, "has a damaged part plan.json"),
    "a network for colour": (
        lambda _: {"plan.json": json.dumps(PLAN.model_dump() | {"channels": 3})},
        "tracking needs 1 channel and the task 'locate', got 3 and 'locate'",
    ),
    "an endless table": (
        lambda _: {"plan.json": json.dumps(PLAN.model_dump() | {"units": [[1] * 200_000] * 3})},
        "expected up to 400000 cells",
    ),
    "a plan that cannot be": (lambda _: {"plan.json": json.dumps({"layers": [], "units": []})}, "describes no network"),
    "an absurdly wide plan": (lambda _: {"plan.json": json.dumps(WIDE)}, "more than the 67,108,864 allowed"),
    "an endless text": (lambda _: {"scene.json": b" " * (9 * 2**20)}, "has a part scene.json larger than"),
    "a damaged history": (lambda _: {"history.csv": b"images,stage,loss\n1,one,2"}, "describes no network"),
    "binary history": (lambda _: {"history.csv": b"\xff\xfe\x00"}, "has a damaged part history.csv"),
    "missing weights": (lambda _: {KERNEL: None}, f"has no part {KERNEL}"),
    "weights of other shape": (lambda _: {KERNEL: npy(np.zeros((2, 2), "f4"))}, r"values of shape \(2, 2\)"),
    "weights of other type": (lambda _: {KERNEL: npy(np.zeros(SHAPE, "f2"))}, "has float16 values"),
    "pickled weights": (lambda _: {KERNEL: npy(np.array([Hostile()], object))}, "has object values"),
    "a bare pickle": (lambda _: {KERNEL: pickle.dumps(Hostile())}, "has a damaged part"),
    "NaN weights": (lambda _: {KERNEL: npy(np.full(SHAPE, np.nan, "f4"))}, "holds NaN or infinite weights"),
    "cut weights": (lambda parts: {KERNEL: parts[KERNEL][:-4]}, "bytes instead of"),
    "too many weights": (lambda parts: {KERNEL: parts[KERNEL] + b"0" * 2**20}, "larger than"),
}


@pytest.mark.parametrize(("change", "sentence"), MUTATIONS.values(), ids=MUTATIONS)
def test_what_is_not_a_network_is_refused_and_runs_nothing(file, tmp_path, monkeypatch, change, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkFileError, match=sentence):
        read_archive(rewritten(file, change))
    assert not (tmp_path / "executed").exists()


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "notes.growtrack"
    path.write_text("my notes")
    with pytest.raises(NetworkFileError, match=r"notes\.growtrack is not a grown network"):
        read_card(path)


def test_a_missing_file_and_an_unknown_name_are_told_apart(tmp_path):
    with pytest.raises(NetworkFileError, match=r"cannot be read: No such file or directory"):
        read_card(tmp_path / "none.growtrack")
    with pytest.raises(
        NetworkFileError, match=r"There is no network 'vesicle'. Choose one of beads, general, species, spots, vesicles"
    ):
        network_path("vesicle")


def test_no_flipped_byte_crashes_or_loads_another_network(file):
    raw, rng = file.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(0, len(raw), 400):
        changed = bytearray(raw)
        changed[place] ^= 1 << rng.integers(8)
        file.write_bytes(bytes(changed))
        try:
            card, weights = read_archive(file)
        except NetworkFileError:
            continue
        assert card.model_dump_json() == CARD.model_dump_json()
        assert all(np.array_equal(weights[name], array) for name, array in WEIGHTS.items())


@pytest.mark.parametrize("header", [b"{'descr': (", b"(" * 3000, b"  x", b"{'shape': [[]]}", b"1"])
def test_a_crafted_array_header_is_refused(file, header):
    crafted = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with pytest.raises(NetworkFileError, match="damaged part"):
        read_archive(rewritten(file, lambda _: {KERNEL: crafted}))


MEMORY = "growing/optimiser/0.npy"


def npy_of_shape(shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        npy_of_shape("(" + "1, " * 70 + ")") + b"1234",
        npy_of_shape("(-1, -1)") + b"1234",
        npy_of_shape("(2, 0)"),
        npy_of_shape("(10 ** 9,)"),
        npy_of_shape("(4000000000, 4000000000)"),
        npy_of_shape("3") + b"123456789012",
        npy_of_shape("('a',)"),
        npy(np.zeros(3, [(f"field{i}", "f4") for i in range(150)])),
        b"",
        b"\x93NUMPY",
    ],
    ids=range(10),
)
def test_what_an_optimiser_cannot_have_remembered_is_refused(tmp_path, content):
    path = tmp_path / "x.growtrack.growing"
    write_archive(path, CARD, WEIGHTS, GrowthPosition(round=1, errors=[0.5], images=7), {"optimiser/0": np.ones(3)})
    with pytest.raises(NetworkFileError) as caught:
        read_growing(rewritten(path, lambda _: {MEMORY: content}))
    assert len(str(caught.value)) < 500


def test_a_small_file_does_not_become_a_gigabyte(tmp_path):
    wide = Plan.plain((), (14_000, 4_000), window=9)
    card = CARD.with_(recipe=CARD.recipe.with_(plan=wide), calibration=Calibration(), reports=(), history=())
    path = tmp_path / "bomb.growtrack"
    write_archive(path, card, {})
    with pytest.raises(NetworkFileError, match=r"holds [\d,]+ bytes, and its plan asks for weights of 228,"):
        read_archive(path)


def test_a_name_does_not_steer_the_terminal(file):
    def steered(parts):
        about = json.loads(parts["about.json"])
        return {"about.json": json.dumps(about | {"name": "\x1b[2J\x1b]0;gone\x07tiny", "about": "\x9b31mFor tests."})}

    card = read_card(rewritten(file, steered))
    assert (card.name, card.recipe.about) == ("[2J]0;gonetiny", "31mFor tests.")
    assert str(card).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("name", "sentence"), [("\x1b\x07", "1 to 1000 letters, got 0"), ("a" * 1001, "1 to 1000 letters, got 1001")]
)
def test_a_name_is_neither_empty_nor_endless(file, name, sentence):
    def named(parts):
        return {"about.json": json.dumps(json.loads(parts["about.json"]) | {"name": name})}

    with pytest.raises(NetworkFileError, match=sentence):
        read_card(rewritten(file, named))


def test_a_format_of_many_values_is_told_in_few(file):
    schema = json.dumps({"format": "growtrack", "schema": [*range(10_000)]})
    with pytest.raises(NetworkFileError, match=r"has format .0, 1, 2") as caught:
        read_card(rewritten(file, lambda _: {"schema.json": schema}))
    assert len(str(caught.value)) < 300
