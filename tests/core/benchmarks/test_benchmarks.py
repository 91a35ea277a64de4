"""Benchmarks: every figure of the thesis has one, nothing is done twice, and results lie where they are told."""

import json
from functools import cache
from importlib.metadata import metadata
from importlib.util import find_spec
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.cli import main
from napari_growtrack.core.benchmarks import catalogue as benchmarks
from napari_growtrack.core.benchmarks import running
from napari_growtrack.core.benchmarks.case import Bench, Case, Piece
from napari_growtrack.core.benchmarks.catalogue import CASES, iter_case, named, refusal
from napari_growtrack.core.benchmarks.pages import write_pages
from napari_growtrack.core.benchmarks.running import iter_run
from napari_growtrack.core.benchmarks.sources import DATA, MNIST, find, path_of
from napari_growtrack.core.benchmarks.standins import digits, pets, trapped_film
from napari_growtrack.core.benchmarks.thesis import THESIS
from napari_growtrack.core.benchmarks.thesis.common import thesis_schedule
from napari_growtrack.core.benchmarks.thesis.execution import fitted
from napari_growtrack.core.benchmarks.thesis.multi_particle import MERGED, SlidingWindow, box_centres
from napari_growtrack.core.benchmarks.thesis.trapped_bead import deviations
from napari_growtrack.core.errors import DatasetError, SettingsError
from napari_growtrack.core.progress import finish

OWED = [
    "3.3", "3.5", "3.6", "3.7", "3.8", "3.11", "3.12", "3.13", "3.14", "3.15", "3.16",
    "3.17", "3.18", "3.21", "3.22", "3.23", "3.24",
    "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11", "4.12", "4.2", "4.13", "4.14", "4.15",
]  # fmt: skip


def test_every_figure_and_table_of_the_thesis_has_a_benchmark():
    assert sorted(figure for case in THESIS.values() for figure in case.shows) == sorted(OWED)
    assert named("3.24") == "trapped-bead"
    with pytest.raises(SettingsError, match=r"no benchmark '9.9'. Choose one of mnist-conv"):
        named("9.9")


def test_the_papers_scale_is_the_thesis_own():
    assert thesis_schedule(1).images_per_stage == 1_408_000
    sizes = {name: case.settings("paper") for name, case in THESIS.items()}
    assert sizes["cats-dogs"]["conv"] == (32, 64, 128, 128, 128)
    assert (sizes["cats-dogs"]["epochs"], sizes["cats-dogs"]["long"], sizes["cats-dogs"]["side"]) == (80, 200, 150)
    assert (sizes["mnist-conv"]["epochs"], sizes["mnist-conv"]["batch"]) == (5, 5)
    assert sizes["mnist-deep"]["runs"] == {5: 5, 20: 5}
    assert sizes["mnist-deep"]["longest"] == 500
    assert (sizes["trapped-bead"]["networks"], sizes["trapped-bead"]["frames"]) == (10, 100)
    assert sizes["widths"]["networks"] == 9
    assert (sizes["multi-particle"]["frames"], sizes["multi-particle"]["step"]) == (1000, 10)
    assert sizes["execution"]["images"] == 200_000


@pytest.fixture(scope="module")
def smoked(tmp_path_factory):
    """Return a folder, and a function that runs a benchmark of the thesis there once, at smoke scale, without data."""
    folder = tmp_path_factory.mktemp("smoke")
    return folder, cache(lambda name: benchmarks.run(name, "smoke", folder))


@pytest.mark.parametrize("name", THESIS)
def test_a_run_leaves_settings_tables_figures_and_what_they_say(smoked, name):
    folder, run = smoked
    said = run(name)
    story = json.loads((folder / f"{name}.json").read_text())
    assert story["scale"] == "smoke"
    assert "seed" in story["settings"] or name == "execution"
    assert {"processor", "cores", "packages", "python"} <= set(story["machine"])
    assert story["paragraph"] in said
    assert len(pd.read_csv(folder / f"{name}.csv")) > 2
    assert all((folder / f"{stem}.png").stat().st_size > 5000 for stem in story["figures"])
    assert (folder / f"{name}.md").read_text().strip() == said.strip()
    assert not list(folder.glob("*.unfinished"))


@pytest.mark.parametrize("name", THESIS)
def test_claims_are_about_the_figures_that_are_shown(smoked, name):
    folder, run = smoked
    run(name)
    story = json.loads((folder / f"{name}.json").read_text())
    claimed = {claim["figure"] for claim in story["claims"]}
    assert claimed <= {*THESIS[name].shows}
    assert len(story["claims"]) >= 2
    assert all(claim["measured"] and claim["holds"] in (True, False, None) for claim in story["claims"])


def test_pages_are_made_of_results_and_notes(smoked, tmp_path):
    folder, run = smoked
    for name in THESIS:
        run(name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "depth.md").write_text("Said by hand.")
    laptop = tmp_path / "results" / "laptop"
    laptop.mkdir(parents=True)
    for path in folder.iterdir():
        (laptop / path.name).write_bytes(path.read_bytes())
    pages = {path.stem: path.read_text() for path in write_pages(tmp_path)}
    assert set(pages) == {"index", "chapter-3", "chapter-4"}
    assert "Said by hand." in pages["chapter-3"]
    assert pages["chapter-3"].count("| figure | the thesis | measured | holds |") == 5
    for figure in OWED:
        shown = pages["chapter-3"] + pages["chapter-4"]
        assert figure in shown
    for name, case in THESIS.items():
        story = json.loads((laptop / f"{name}.json").read_text())
        assert story["paragraph"] in pages["chapter-3"] + pages["chapter-4"]  # said again from the tables alone
        assert f"chapter-{case.shows[0][0]}.md#{name}" in pages["index"]


# Kept and taken up ----------------------------------------------------------------------------------------------------


def counting(done, settings=None):
    def pieces(bench: Bench):
        def work(number):
            done.append(number)
            yield 0.5
            return {"": [{"number": number, "value": 1 / (number + 1)}], "more": [{"bench": bench.scale}]}

        return [Piece(f"piece {number}", lambda number=number: work(number)) for number in range(4)]

    return Case("numbers", pieces, settings=lambda scale: settings or {})


def test_a_run_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    done: list[int] = []
    steps = iter_run("numbers", counting(done), "smoke", tmp_path / "stopped")
    assert [step.doing for step in islice(steps, 3)] == ["piece 0", "piece 1", "piece 2"]
    steps.close()
    (journal,) = (tmp_path / "stopped").glob("*.unfinished/pieces.jsonl")
    with journal.open("a") as file:
        file.write('{"name": "piece 2", "tab')  # cut off by a kill
    finish(iter_run("numbers", counting(done), "smoke", tmp_path / "stopped"))
    assert done == [0, 1, 2, 2, 3]
    finish(iter_run("numbers", counting([]), "smoke", tmp_path / "whole"))
    for file in ("numbers.csv", "numbers-more.csv", "numbers.md"):
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert not journal.parent.exists()


def test_what_was_kept_with_other_settings_is_not_taken_up(tmp_path):
    done: list[int] = []
    for settings in ({"epochs": 1}, {"epochs": 2}):
        steps = iter_run("numbers", counting(done, settings), "smoke", tmp_path)
        list(islice(steps, 2))
        steps.close()
    assert done == [0, 1, 0, 1]


def test_progress_counts_what_was_done_before(tmp_path):
    steps = iter_run("numbers", counting([]), "smoke", tmp_path)
    list(islice(steps, 3))
    steps.close()
    again = list(iter_run("numbers", counting([]), "smoke", tmp_path))
    assert [step.fraction for step in again] == [0.625, 0.875]
    assert all(step.seconds_left > 0 for step in again)


def test_a_network_is_grown_once_for_all_that_need_it(tmp_path):
    from napari_growtrack.core.growth.plan import Plan
    from napari_growtrack.core.simulation import named_scene

    plan, schedule = Plan.plain((2, 2), (2,)), thesis_schedule(0)
    bench = Bench("smoke", None, tmp_path)
    first = finish(bench.grown("one", plan, named_scene("default"), schedule, 3))
    second = finish(bench.grown("one", plan, named_scene("default"), schedule, 4))  # another seed, were it grown
    for name, array in first.weights().items():
        np.testing.assert_array_equal(second.weights()[name], array)


# Data -----------------------------------------------------------------------------------------------------------------


def test_files_are_found_where_they_are_told_in_the_environment_and_in_kerass_cache(tmp_path, monkeypatch):
    monkeypatch.delenv(DATA, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert find(MNIST) is None
    with pytest.raises(DatasetError, match=r"Cannot find mnist\.npz\. Keras fetches it: python -c"):
        path_of(MNIST)
    reason = refusal("mnist-deep", CASES["mnist-deep"], "laptop")
    assert "needs mnist.npz. Keras fetches it" in reason
    assert "--data" in reason
    assert refusal("mnist-deep", CASES["mnist-deep"], "smoke") is None  # drawn digits stand in
    places = [tmp_path / "keras/datasets", tmp_path / "environment", tmp_path / "told"]
    for place in places:
        place.mkdir(parents=True)
        (place / "mnist.npz").touch()
    assert find(MNIST) == places[0] / "mnist.npz"
    monkeypatch.setenv(DATA, str(places[1]))
    assert find(MNIST) == places[1] / "mnist.npz"
    assert find(MNIST, places[2]) == find(MNIST, places[2] / "mnist.npz") == places[2] / "mnist.npz"


def test_a_scale_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match="speed has no scale 'paper'; choose smoke or laptop"):
        finish(iter_case("speed", "paper"))


@pytest.fixture
def without_distributed(monkeypatch):
    monkeypatch.setattr(running, "find_spec", lambda name: None if name == "distributed" else find_spec(name))


def test_a_benchmark_whose_package_is_missing_says_what_brings_it(without_distributed):
    with pytest.raises(SettingsError, match=r"needs distributed, .*: pip install 'napari-growtrack\[distributed"):
        finish(iter_case("workers", "smoke"))


def test_all_benchmarks_leave_out_what_cannot_run_and_say_so(without_distributed, monkeypatch, capsys):
    few = {"workers": CASES["workers"], "counted": Case("counts", lambda _: [Piece("one", counted)])}
    monkeypatch.setattr(benchmarks, "CASES", few)
    assert main(["benchmark", "all", "--scale", "smoke"]) == 0
    said = capsys.readouterr().out
    assert "workers is left out. The benchmark workers needs distributed, which is not installed." in said
    assert "counted (smoke): counts" in said


def counted():
    yield 0.0
    return {"": [{"number": 1}]}


def test_every_package_that_a_benchmark_needs_is_an_extra_of_ours():
    extras = metadata("napari-growtrack").get_all("Provides-Extra")
    assert {package for case in CASES.values() for package in case.packages} <= {*extras}


def test_stand_ins_can_be_learned_from_and_are_the_same_each_time():
    for make in (digits, pets):
        (train, test), (again, _) = make(), make()
        assert train.number_of_classes == len(set(train.labels))
        assert train.shape == test.shape
        np.testing.assert_array_equal(train.images, again.images)
        means = [train.images[train.labels == label].mean(0) for label in range(train.number_of_classes)]
        assert np.std(means, axis=0).max() > 0.05
    film = trapped_film(3, 50)
    assert film.shape == (3, 120, 120)
    assert film.std() > 0.005


# Measures -------------------------------------------------------------------------------------------------------------


class Sees:
    """A network that sees the particle at a place exactly, at every stage; at the first one 1 px lower."""

    window, step, stages, normalisation, zoom = 51, 8, 2, "unit", 1.0

    def __init__(self, frame):
        (self.place,) = np.argwhere(frame == frame.max())
        self.asked = []

    def answer(self, images, stage):
        self.asked.append((stage, len(images)))
        answers = np.full((len(images), 1, 1, 3), 50.0, np.float32)
        for answer, image in zip(answers, images, strict=True):
            if image.max() == 1:
                offset = np.argwhere(image == 1)[0] - 25.0
                answer[0, 0] = offset[0] + (stage == 1), offset[1], np.hypot(*offset)
        return answers


def test_the_sliding_window_is_the_thesis_own():
    boxes = box_centres((251, 251))
    assert len(boxes) == 441
    assert boxes.min() == 25
    assert boxes.max() == 225
    frame = np.zeros((251, 251), np.float32)
    frame[103, 118] = 1
    network = Sees(frame)
    found = SlidingWindow(network, 2, 1, 12.0)(frame)
    assert found[["y", "x"]].to_numpy().tolist() == [[103, 118]]  # several boxes see it, one answer is kept
    assert network.asked[0][0] == 1
    assert sum(number for stage, number in network.asked if stage == 1) == 441
    assert 1 < sum(number for stage, number in network.asked if stage == 2) < 10
    assert SlidingWindow(network, 1)(frame).y.tolist() == [104]
    assert MERGED == 8


def test_deviations_are_distances_to_the_mean_of_plain_networks():
    rows = [
        {"film": "good", "way": way, "network": number, "stage": 1, "frame": 0, "y": y, "x": 0.0}
        for way, number, y in (("plain", 1, 1.0), ("plain", 2, 3.0), ("layer by layer", 1, 5.0))
    ]
    found = {(row["way"], row["network"]): row["distance from the ensemble (px)"] for row in deviations({"": rows})}
    assert found == {("plain", 1): 1, ("plain", 2): 1, ("layer by layer", 1): 3}


def test_the_quadratic_of_times_is_found_again():
    rows = [
        {
            "kind": "plain",
            "units in the first layer": n,
            "ms per image": 0.1 + 0.02 * n + 0.003 * n**2,
            "operations": n**2,
        }
        for n in (4, 8, 16, 32)
    ]
    coefficients, r2 = fitted({"": rows})
    assert coefficients == pytest.approx([0.1, 0.02, 0.003])
    assert r2 == pytest.approx(1)
