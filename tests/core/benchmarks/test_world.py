"""The world: optics and cameras against theory, truth and bound, empty twins, and what a rung's rows and files hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import dblquad
from scipy.optimize import minimize
from scipy.special import j1

from napari_growtrack.core.benchmarks import catalogue as benchmarks
from napari_growtrack.core.benchmarks.case import Bench
from napari_growtrack.core.benchmarks.world import RUNGS, Ours, cameras, film, judge, looks, measuring, rung, told
from napari_growtrack.core.benchmarks.world import methods as world_methods
from napari_growtrack.core.benchmarks.world.exposures import median_radius
from napari_growtrack.core.benchmarks.world.films import made
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.networks.load import load_network

MEASURED = [
    "found", "false", "F1", "median error (px)", "bound (px)", "error / bound", "pull", "68 %", "95 %",
    "ghosts a frame", "ms a frame",
]  # fmt: skip
ROWS = np.arange(80.0)
LOOKS = {
    "gaussian": looks.gaussian(1.3),
    "airy": looks.airy(3.8),
    "out of focus": looks.airy(3.8, 8.5),
    "disc": looks.disc(6, 1.2),
    "sphere": looks.sphere(1.5, 1.2),
    "rod": looks.rod(5, 3, 0.4, 1.2),
    "smeared": looks.smeared(1.3, np.random.default_rng(0).normal(size=(40, 2)).cumsum(0) / 3),
}


# Optics ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_the_centroid_of_a_particles_light_is_its_true_position(look):
    light = look.on(ROWS, ROWS, 40.31, 39.77)
    assert light.sum() == pytest.approx(1, abs=0.06)  # an Airy pattern's tail is long
    assert (light.sum(1) @ ROWS) / light.sum() == pytest.approx(40.31, abs=5e-3)
    assert (light.sum(0) @ ROWS) / light.sum() == pytest.approx(39.77, abs=5e-3)


@pytest.mark.parametrize(("row", "column"), [(5, 5), (6, 4), (8, 5)])
def test_a_gaussian_is_integrated_over_each_pixel(row, column):
    def density(x, y):
        return np.exp(-((y - 5.2) ** 2 + (x - 4.7) ** 2) / (2 * 0.8**2)) / (2 * np.pi * 0.8**2)

    light = looks.gaussian(0.8).on(ROWS, ROWS, 5.2, 4.7)
    exact, _ = dblquad(density, row - 0.5, row + 0.5, column - 0.5, column + 0.5)
    assert light[row, column] == pytest.approx(exact, rel=1e-6)


def test_an_airy_pattern_is_integrated_over_each_pixel():
    def density(x, y):
        v = 3.8317 / 3.8 * np.hypot(y - 40.2, x - 40.1)
        return (3.8317 / 3.8) ** 2 / (4 * np.pi) * (2 * j1(v) / v) ** 2

    light = looks.airy(3.8).on(ROWS, ROWS, 40.2, 40.1)
    for row, column in ((40, 42), (44, 40), (46, 41)):
        exact, _ = dblquad(density, row - 0.5, row + 0.5, column - 0.5, column + 0.5)
        assert light[row, column] == pytest.approx(exact, rel=0.01, abs=2e-6)


def test_a_disc_is_even_inside_and_half_as_bright_at_its_edge():
    light = looks.disc(6, 0.5).on(ROWS, ROWS, 40, 40) * np.pi * 36
    assert light[40, 38:43] == pytest.approx(1, abs=1e-3)
    assert light[40, 46] == pytest.approx(0.5, abs=0.05)


def test_a_rod_is_three_times_as_long_as_wide():
    light = looks.rod(6, 3, 0, 0.5).on(ROWS, ROWS, 40, 40)
    long, wide = (int((light.sum(axis) > 0.02 * light.sum(axis).max()).sum()) for axis in (0, 1))
    assert long == pytest.approx(18, abs=2)
    assert wide == pytest.approx(6, abs=2)


def test_a_bead_out_of_focus_has_rings():
    profile = looks.bright_field(4.2, 5, 2.5, 0.35).on(ROWS, ROWS, 40, 40)[40, 40:60]
    turns = np.flatnonzero(np.diff(np.sign(np.diff(profile))))
    assert len(turns) >= 3
    assert abs(profile[-1]) < 0.05 * np.abs(profile).max()


# Cameras --------------------------------------------------------------------------------------------------------------


def photons(camera, mean, frames=1500):
    rng = np.random.default_rng(1)
    grey = np.stack([camera.exposed(np.full((12, 12), mean), rng) for _ in range(frames)])
    return (grey - camera.offset) / camera.gain


def test_an_emccd_doubles_the_variance():
    camera = cameras.emccd()
    seen = photons(camera, 30.0)
    assert seen.mean() == pytest.approx(30, rel=0.01)
    assert seen.var() == pytest.approx(60, rel=0.03)
    assert camera.variance(np.array(30.0)) == pytest.approx(60, rel=0.01)


def test_each_pixel_of_an_scmos_has_its_own_noise():
    camera = cameras.scmos((12, 12), np.random.default_rng(0))
    camera = camera.with_(read=camera.read * np.where(np.arange(12) % 2, 4, 1))
    seen = photons(camera, 10.0)
    rounding = 1 / 12 / np.square(camera.gain)
    ratio = seen.var(0) / (camera.variance(np.full((12, 12), 10.0)) + rounding)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert ratio.std() < 0.06


def test_stripes_are_as_strong_as_they_are_said_to_be():
    camera = cameras.with_stripes(cameras.counting(), 5.0, (400, 400), np.random.default_rng(0))
    stripes = (camera.offset - 100) / camera.gain
    assert stripes.std() == pytest.approx(5, rel=0.1)
    assert stripes.mean(1).std() == pytest.approx(stripes.mean(0).std(), rel=0.1)


# Films ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", RUNGS, ids=lambda one: one.name)
def test_a_rungs_film_has_particles_inside_the_frame_and_an_empty_twin(one):
    judged = made(one, 1)
    assert judged.film.shape == judged.empty.shape == (1, 192, 192)
    assert judged.film.dtype == judged.empty.dtype == np.float32
    assert 6 <= len(judged.truth) <= 80
    assert judged.truth[["y", "x"]].to_numpy().min() >= 8
    assert judged.truth[["y", "x"]].to_numpy().max() <= 183
    assert 0.02 < judged.bound < 0.5


@pytest.mark.parametrize("name", ["airy", "emccd 3200", "cell", "crowd 4", "rods", "sizes", "touching", "video"])
def test_particles_stand_out_where_the_truth_says_and_nowhere_in_the_empty_twin(name):
    judged = made(rung(name), 2)
    difference = judged.film - judged.empty
    places = np.rint(judged.truth[["frame", "y", "x"]].to_numpy()).astype(int)
    noise = 1.4826 * np.median(np.abs(difference))
    around = np.stack([difference[places[:, 0], places[:, 1] + i, places[:, 2] + j] for i in (0, 1) for j in (0, 1)])
    assert np.median(around.mean(0)) > 4 * noise
    difference = judged.empty[0] - judged.empty[1]
    if name not in ("video", "cell"):
        assert np.abs(difference).max() < 7 * difference.std()


def test_films_are_always_the_same_and_other_seeds_give_others():
    one, again, other = (made(rung("scmos 500"), 2, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.film, again.film)
    assert np.array_equal(one.empty, again.empty)
    assert one.truth.equals(again.truth)
    assert not np.array_equal(one.film, other.film)


def test_crowds_are_as_dense_as_they_are_said_to_be():
    places = film("crowd 4", 1).truth[["y", "x"]].to_numpy()
    apart = np.linalg.norm(places[:, None] - places, axis=2) + 1e3 * np.eye(len(places))
    assert apart.min() >= 4 - 1e-6
    assert apart.min(1).max() <= 4.5


def test_a_film_says_which_rungs_there_are():
    with pytest.raises(SettingsError, match="airy"):
        film("nothing")


@pytest.mark.parametrize("name", ["gaussian 1.3", "emccd 800", "stripes"])
def test_brute_force_maximum_likelihood_reaches_the_bound(name):
    one = rung(name)
    exposures = list(one.draw(np.random.default_rng(5), 25))
    camera = one.camera(np.random.default_rng(6))
    rng, errors, covariances = np.random.default_rng(7), [], []
    for exposure in exposures:
        mean = exposure.mean()
        seen = (camera.exposed(mean, rng) - camera.offset) / camera.gain
        covariances.append(exposure.covariances(camera))
        errors += [most_likely(seen, mean, particle, camera) for particle in exposure.wanted]
    bound = median_radius(np.concatenate(covariances))
    assert np.median(np.linalg.norm(errors, axis=1)) == pytest.approx(bound, rel=0.1)


def most_likely(seen, mean, particle, camera):
    part = particle.around(seen.shape)
    there, rest = seen[part], mean[part] - particle.drawn(part)

    def unlikely(shift):
        expected = rest + particle.drawn(part, *shift)
        variance = camera.variance(expected)
        return float((np.square(there - expected) / variance + np.log(variance)).sum())

    return minimize(unlikely, [0, 0], method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3}).x


# Judging --------------------------------------------------------------------------------------------------------------


class Honest:
    """Sees the truth, off by as much as it says."""

    def __init__(self, judged):
        self.judged = judged

    def film(self, frames):
        if frames is self.judged.empty:
            return self.judged.truth[:0]
        rng, truth = np.random.default_rng(0), self.judged.truth
        found = truth.assign(sigma=rng.uniform(0.05, 0.2, len(truth)))
        found[["y", "x"]] += rng.normal(size=(len(truth), 2)) * found.sigma.to_numpy()[:, None]
        return found


def test_honest_errors_have_a_spread_of_one_and_cover_as_they_say():
    judged = made(rung("airy"), 40)
    row = judge(Honest(judged), judged)
    assert list(row) == MEASURED
    assert (row["F1"], row["ghosts a frame"]) == (1, 0)
    assert row["pull"] == pytest.approx(1, abs=0.1)
    assert row["68 %"] == pytest.approx(0.683, abs=0.04)
    assert row["95 %"] == pytest.approx(0.95, abs=0.03)


def test_a_detector_that_finds_nothing_has_a_row_too():
    row = judge(lambda frame: pd.DataFrame({"y": [], "x": [], "strength": []}), "airy", frames=2)
    assert (row["found"], row["median error (px)"], row["pull"]) == (0, "", "")


def test_a_crowds_particle_is_not_found_by_its_neighbours_detection():
    judged = film("crowd 4", 1)

    def beside(frame):
        return judged.truth[["y", "x"]] + np.array([0, 2.1])

    assert judge(beside, judged)["found"] < 0.3


def test_the_first_bundled_network_of_a_kind_is_told(monkeypatch):
    one = rung("airy")
    monkeypatch.setattr(world_methods, "bundled", lambda: {"spots": None, "vesicles": None})
    assert world_methods.network_of(one) == "spots"
    monkeypatch.setattr(world_methods, "bundled", lambda: {"vesicles": None})
    assert world_methods.network_of(one) == "vesicles"


def test_a_size_that_a_network_refuses_is_told_as_the_nearest_it_takes():
    network = load_network("vesicles")
    assert Ours(network, 0.5).sized.diameter == pytest.approx(network.card.diameters[0])
    assert told(rung("airy"), network).sized.diameter == pytest.approx(rung("airy").diameter)


# Benchmark ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def climbed():
    return measuring.climb("airy", "smoke")


def test_a_rungs_rows_hold_every_column_for_every_method(climbed):
    assert [row["method"] for row in climbed] == [*world_methods.METHODS]
    for row in climbed:
        assert list(row) == ["rung", "method", *MEASURED, "setting"]
        assert (row["pull"] == "") == (row["method"] not in ("growtrack", "growtrack, told"))


def test_what_is_asked_stands_beside_what_was_measured(climbed):
    claims = measuring.claims({"": climbed})
    assert len(claims) == 4
    row = next(row for row in climbed if row["method"] == "growtrack, told")
    held = (row["F1"] >= 0.995, row["error / bound"] <= 1.06, 0.9 <= row["pull"] <= 1.1, row["ghosts a frame"] <= 0.02)
    assert tuple(claim.holds for claim in claims) == held
    (asked,) = measuring.asked({"": climbed})
    assert asked["missed"] == (4 - sum(held) or "")


def test_the_world_leaves_tables_and_figures(climbed, tmp_path, monkeypatch):
    case = benchmarks.measured("", lambda scale, **_: climbed)
    monkeypatch.setitem(benchmarks.CASES, "world", replace(benchmarks.CASES["world"], pieces=case.pieces))
    benchmarks.run("world", "smoke", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "world.json", "world.md", "world.csv", "world-asked.csv", "world-sheet.png", "world-errors.png"
    }  # fmt: skip
    assert list(pd.read_csv(tmp_path / "world.csv")) == ["rung", "method", *MEASURED, "setting"]


def test_each_rung_is_a_piece_of_its_own():
    pieces = measuring.pieces(Bench("laptop"))
    assert [piece.name for piece in pieces] == [one.name for one in RUNGS]
