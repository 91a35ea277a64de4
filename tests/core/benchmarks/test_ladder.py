"""The ladder: scenes, classical detectors and their tuning, and what a rung's rows and files hold."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.cli import arguments
from napari_growtrack.core.benchmarks import catalogue as benchmarks
from napari_growtrack.core.benchmarks import ladder, scaling
from napari_growtrack.core.benchmarks.ladder import methods as ladder_methods
from napari_growtrack.core.benchmarks.ladder.rungs import RUNGS, Judge
from napari_growtrack.core.benchmarks.peers import (
    Detector,
    Laplacian,
    Trackpy,
    detections,
    laplacian_baseline,
    peak_of,
    trackpy_baseline,
    tuning,
)
from napari_growtrack.core.networks.evaluation import bound, film_of
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.scoring import score
from napari_growtrack.core.simulation import SCENES, draw, named_scene, simulate_film

COLUMNS = [
    "rung", "method", "network", "stage", "way", "found", "false", "F1", "median error (px)", "mean error (px)",
    "bound (px)", "error / bound", "pull", "false per 100 frames", "ms per frame", "peak memory (MiB)", "setting",
]  # fmt: skip


def rung(name):
    return next(one for one in RUNGS if one.name == name)


# Scenes ---------------------------------------------------------------------------------------------------------------


def test_the_command_line_knows_every_scene():
    assert tuple(SCENES) == arguments.SCENES


@pytest.mark.parametrize("one", RUNGS, ids=lambda one: one.name)
def test_a_rungs_scene_draws_its_number_of_particles_by_itself(one):
    assert draw(one.scene, one.shape, np.random.default_rng(0)).wanted.sum() == one.number


# Classical detectors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "baseline", [laplacian_baseline(), trackpy_baseline(19, "python")], ids=lambda baseline: baseline.name
)
def test_tuned_baselines_find_bright_spots_near_the_bound(baseline):
    scene, rng = named_scene("table42").with_(snr=5), np.random.default_rng(1)
    pictures = [draw(scene, (251, 251), rng, 6) for _ in range(6)]
    film, truth = film_of(pictures, rng)
    result = score(truth, detections(baseline.tuned(film, truth), film))
    assert result.f1 == 1
    assert result.median_error < 1.4 * bound(pictures, rng)


@pytest.mark.parametrize("locator", [Laplacian(6, dark=True), Trackpy(19, 20, dark=True)], ids=["LoG", "trackpy"])
def test_dark_spots_are_found_where_they_are_asked_for(locator):
    film, truth = simulate_film(named_scene("mixed").with_(gradient=0), 4, (251, 251), np.random.default_rng(0), 8)
    both, bright = (
        score(truth, detections(tuning.Baseline("", (one,)).tuned(film, truth), film)).found
        for one in (locator, replace(locator, dark=False))
    )
    assert bright < 0.8 < both


@pytest.mark.parametrize("locator", [Laplacian(3), Trackpy(13, 14), Trackpy(13, 14, dark=True)])
def test_nothing_is_found_in_a_black_frame(locator):
    found = locator(np.zeros((64, 64), np.float32))
    assert len(found) == 0
    assert list(found) == ["y", "x", "strength"]


def test_detectors_travel_to_other_processes():
    detector = Detector(Trackpy(13, 14), 2.0)
    assert pickle.loads(pickle.dumps(detector)) == detector


def test_the_threshold_lies_in_the_middle_of_the_gap_between_particles_and_noise():
    truth = pd.DataFrame({"frame": [0, 0], "y": [10.0, 30.0], "x": [10.0, 30.0]})
    found = pd.DataFrame(
        {"frame": 0, "y": [10.0, 30.0, 50.0, 30.0], "x": [10.0, 30.0, 50.0, 31.0], "strength": [9.0, 8.0, 2.0, 1.0]}
    )
    assert tuning.best_threshold(found, truth) == 5
    assert tuning.best_threshold(found[:0], truth) == 0


def test_of_equally_good_settings_the_most_exact_is_chosen():
    film, truth = simulate_film(named_scene("table42").with_(snr=10), 2, (251, 251), np.random.default_rng(0), 6)
    blurred = tuning.Baseline("", (Laplacian(3.5), Laplacian(6), Laplacian(4))).tuned(film, truth)
    assert blurred.locator.sigma == 6


def test_memory_is_that_of_a_process_of_its_own():
    ballast = np.ones(2**26)  # 512 MiB here are nobody else's
    assert 20 < peak_of(Detector(Laplacian(3), 0.1), [np.eye(64, dtype=np.float32)]) < 400
    del ballast


# Rungs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def climbed():
    return [row for name in ("table42, SNR 3", "empty") for _, row in ladder.climb(rung(name), "smoke", None)]


def test_a_rungs_rows_hold_every_column_for_every_method(climbed):
    assert all(list(row) == COLUMNS for row in climbed)
    methods = {row["method"] for row in climbed}
    assert methods == {"growtrack", "LoG + parabola", "trackpy, tuned", "trackpy 13, numba", "trackpy 19, Python"}
    stages = {row["stage"] for row in climbed if row["network"] == "vesicles"}
    assert stages == set(range(1, load_network("vesicles").stages + 1))


def test_particles_are_scored_and_empty_frames_only_counted(climbed):
    for row in climbed:
        empty = row["rung"] == "empty"
        assert (row["F1"] == "") == empty
        assert row["false per 100 frames"] >= 0
        assert row["ms per frame"] > 0
        assert empty or 0.5 < row["error / bound"] < 3


def test_ours_is_not_tuned_and_peers_say_how_they_are(climbed):
    assert all((row["setting"] == "") == (row["method"] == "growtrack") for row in climbed)


def test_the_speed_table_scales_spotiflow_by_trackpy(climbed):
    for row in ladder.speed(climbed):
        assert row["Spotiflow, scaled (ms)"] / row["trackpy (ms)"] == pytest.approx(39, abs=0.1)
        assert row["trackpy / ours"] == pytest.approx(row["trackpy (ms)"] / row["ours (ms)"])


def test_the_ladder_leaves_tables_and_figures(climbed, tmp_path, monkeypatch):
    case = benchmarks.measured("", lambda scale, **_: climbed)
    monkeypatch.setitem(benchmarks.CASES, "ladder", replace(benchmarks.CASES["ladder"], pieces=case.pieces))
    said = benchmarks.run("ladder", "smoke", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "ladder.json", "ladder.md", "ladder.csv", "ladder-speed.csv", "ladder-snr.png", "ladder-front.png"
    }  # fmt: skip
    assert (tmp_path / "ladder.md").read_text().strip() == said.strip()
    assert list(pd.read_csv(tmp_path / "ladder.csv")) == COLUMNS


def test_a_network_can_be_tuned_as_a_peer_is():
    judge = Judge.of(rung("table42, SNR 10"), "smoke")
    locator = ladder_methods.TrackedBySureness("vesicles", load_network("vesicles").cascade())
    detector = tuning.Baseline("", (locator,)).tuned(judge.film, judge.truth)
    assert score(judge.truth, detections(detector, judge.film)).f1 == 1


def test_the_pull_of_honest_errors_is_one():
    rng = np.random.default_rng(0)
    y, x = np.indices((30, 30)).reshape(2, -1) * 20.0
    truth = pd.DataFrame({"frame": 0, "y": y, "x": x})
    found = truth.assign(sigma=rng.uniform(0.1, 0.5, 900))
    found[["y", "x"]] += rng.normal(size=(900, 2)) * found.sigma.to_numpy()[:, None]
    assert ladder.pull(truth, found) == pytest.approx(1, abs=0.05)
    assert np.isnan(ladder.pull(truth, found.drop(columns="sigma")))


def test_the_line_of_times_is_found_again():
    sizes = [(256, 10), (512, 10), (1024, 1), (1024, 100)]
    coefficients, line, r2 = scaling.fitted(sizes, [2 + 3e-6 * side**2 + 0.1 * number for side, number in sizes])
    assert coefficients == pytest.approx([2, 3e-6, 0.1])
    assert line[0] == pytest.approx(2 + 3e-6 * 256**2 + 1)
    assert r2 == pytest.approx(1)
