"""What the bundled networks promise: their rungs, any camera, any diameter, any size of frame."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage, special

from napari_growtrack import Tracker, detect, load_network, score
from napari_growtrack.core.benchmarks import world
from napari_growtrack.core.benchmarks.ladder import pull
from napari_growtrack.core.detection import find, frame_pass
from napari_growtrack.core.errors import GrowtrackWarning, SettingsError
from napari_growtrack.core.films.normalisation import normalise
from napari_growtrack.core.networks.evaluation import bound, film_of
from napari_growtrack.core.simulation import BesselParticle, draw, named_scene, simulate_film, simulate_frame

RUNGS = {"table42": "vesicles", "dense": "vesicles", "gradient": "vesicles", "mixed": "general", "rings": "beads"}
RUNGS |= {"species": "species"}


@cache
def bundled(name, diameter=None):
    """Load a network once for all tests, for what it compiles for a size of frame takes a second."""
    return load_network(name) if diameter is None else bundled(name).for_diameter(diameter)


@pytest.fixture(scope="module")
def vesicles():
    return bundled("vesicles")


@pytest.fixture(scope="module")
def film():
    return simulate_film(named_scene("table42").with_(snr=5), 6, (200, 180), np.random.default_rng(3), 5)


@pytest.mark.parametrize("name", ["vesicles", "beads", "general", "species", "spots"])
def test_stages_cost_more_and_find_no_less(name):
    card = bundled(name).card
    found = {stage: [r.found for r in card.reports if r.stage == stage] for stage in range(1, card.plan.stages + 1)}
    for stage in range(2, card.plan.stages + 1):
        assert card.plan.cost(stage) > card.plan.cost(stage - 1)
        assert np.mean(found[stage]) > np.mean(found[stage - 1]) - 0.04  # which reports of 200 frames tell apart
    assert np.mean(found[card.plan.stages]) > np.mean(found[1])


@pytest.mark.parametrize(("scene", "name"), RUNGS.items())
def test_every_rung_is_climbed_to_the_bound(scene, name):
    rng, network = np.random.default_rng(8), bundled(name)
    pictures = [draw(named_scene(scene), (251, 251), rng) for _ in range(12)]
    movie, truth = film_of(pictures, rng)
    found = detect(movie, network, network.cascade(), contrast="normal")
    result = score(truth, found)
    assert result.found > 0.97
    assert result.false < 0.03
    assert result.median_error < 1.3 * bound(pictures, rng)
    assert 0.7 < pull(truth, found) < 1.3


CAMERAS = {
    "8 bit": lambda film: np.clip(200 * film + 10, 0, 255).astype("u1"),
    "16 bit": lambda film: (9000 * film + 400).astype("u2"),
    "large floats": lambda film: 1e9 * film.astype("f8"),
    "not contiguous": lambda film: np.asfortranarray(film),
}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_any_cameras_units_give_the_same_particles(vesicles, film, camera):
    movie, truth = film
    result = score(truth, detect(camera(movie), vesicles, vesicles.cascade()))
    assert (result.found, result.false) == (1, 0)
    assert result.median_error < 0.3


def test_dark_particles_and_hot_pixels_need_no_word(vesicles, film):
    movie, truth = film
    spoiled = 1 - movie
    for t in range(len(spoiled)):
        spoiled[t, 17 * t % 90, (31 * t + 5) % 90] = 50
        spoiled[t, 100, 100] = -20
    with pytest.warns(GrowtrackWarning, match="the negative is tracked"):
        result = score(truth, detect(spoiled, vesicles, vesicles.cascade()))
    assert (result.found, result.false) == (1, 0)


@pytest.mark.parametrize("times", [0.5, 2.5])
def test_a_diameter_is_all_there_is_to_say(vesicles, times):
    spot = BesselParticle(radius=(2 * times, 3 * times), rings={1: (0.4, 0.7)})
    scene = named_scene("table42").with_(particles=[spot], snr=5 / times, apart=20 * times)
    side = int(200 * times)
    movie, truth = simulate_film(scene, 4, (side, side), np.random.default_rng(1), 5)
    network = vesicles.for_diameter(10 * times)
    assert network.diameter == pytest.approx(10 * times)
    found = detect(movie, network, network.cascade())
    result = score(truth, found)
    assert (result.found, result.false) == (1, 0)
    assert result.median_error < 0.35 * times
    assert 0.6 < pull(truth, found) < 1.5


@pytest.mark.parametrize(("times", "false"), [(2, 0.05), (3, 0.1)])
def test_rescaled_films_whose_noise_is_smooth_show_few_ghosts(vesicles, film, times, false):
    movie = np.stack([ndimage.zoom(frame, times, order=3, grid_mode=True, mode="reflect") for frame in film[0]])
    truth = film[1].assign(**{axis: (film[1][axis] + 0.5) * times - 0.5 for axis in "yx"})
    network = vesicles.for_diameter(10.2 * times)
    found = detect(movie, network, network.cascade())
    result = score(truth, found)
    assert result.found == 1
    assert result.false < false
    assert pull(truth, found) < 1.7


def test_sizes_that_a_network_knows_need_no_resampling(vesicles):
    assert vesicles.for_diameter(8).zoom == 1
    assert vesicles.for_diameter(20.4).zoom == 0.5
    assert "20.4 px" in repr(vesicles.for_diameter(20.4))
    assert len(repr(vesicles)) < 100


@pytest.mark.parametrize("diameter", [3, 5, 10, 20])
def test_noise_shows_few_particles_of_any_diameter(vesicles, diameter):
    network = vesicles.for_diameter(diameter)
    side = int(20 * diameter)
    film = np.random.default_rng(0).normal(size=(4, side, side)).astype(np.float32)
    assert len(detect(film, network, network.cascade(), contrast="normal")) <= 3


SPREAD = 1.3
"""Of a spot as narrow as optics draw it, in pixels: it looks 4 px wide."""


def counts(camera, mean, rng):
    """Return what a camera makes of a mean number of photons."""
    photons = rng.poisson(mean)
    if camera == "EMCCD":
        return np.where(photons > 0, rng.gamma(np.maximum(photons, 1e-3), 25.0), 0.0) + rng.normal(100, 4, mean.shape)
    read = np.exp(np.random.default_rng(5).normal(np.log(1.6), 0.35, mean.shape)) if camera == "sCMOS" else 0.0
    return photons + rng.normal(0, 1, mean.shape) * read


def narrow_spots(camera, frames=4, side=150, number=9):
    """Return a film of pixel-integrated Gaussians, its truth, and the same film without them."""
    rng, level, rows, films = np.random.default_rng(6), 5.0 if camera == "EMCCD" else 20.0, [], ([], [])
    ends = np.arange(side + 1) - 0.5
    for t in range(frames):
        places = 25.0 + 50 * np.stack(np.mgrid[:3, :3], -1).reshape(-1, 2)[:number] + rng.uniform(-9, 9, (number, 2))
        shares = [np.diff(special.ndtr((ends - at[:, None]) / SPREAD)) for at in places.T]
        for film, light in zip(films, (400.0, 0.0), strict=True):
            film.append(counts(camera, level + light * np.einsum("ny,nx->yx", *shares), rng))
        rows += [(t, *place) for place in places]
    return np.stack(films[0]), pd.DataFrame(rows, columns=["frame", "y", "x"]), np.stack(films[1])


@pytest.mark.parametrize("camera", ["photons", "EMCCD", "sCMOS"])
@pytest.mark.parametrize(("name", "diameter"), [("vesicles", 4), ("species", 4)])
def test_spots_narrower_than_a_network_knows_come_with_no_ghosts(name, diameter, camera):
    network = bundled(name, diameter)
    film, truth, empty = narrow_spots(camera)
    found = detect(film, network, network.cascade(), contrast="normal")
    result = score(truth, found)
    assert result.found > (0.85 if name == "species" else 0.97)
    assert result.false < 0.03
    assert 0.8 < pull(truth, found) < 1.25
    assert len(detect(empty, network, network.cascade(), contrast="normal")) <= 1


@pytest.mark.parametrize("diameter", [3.8, 4, 5.9])
def test_a_network_of_many_kinds_is_not_shown_enlarged_noise(diameter):
    with pytest.raises(SettingsError, match=r"expected a diameter from 6 to 120 px.*single kind, such as vesicles"):
        bundled("general").for_diameter(diameter)


def test_a_diameter_out_of_reach_is_refused(vesicles):
    for diameter in (0, -3, 2, 90, float("nan")):
        with pytest.raises(SettingsError, match=r"expected a diameter from 2\.55 to 81\.6 px"):
            vesicles.for_diameter(diameter)


def test_tiles_of_a_large_frame_answer_as_the_whole(vesicles, monkeypatch):
    frame = normalise(
        simulate_frame(draw(named_scene("big"), (333, 290), np.random.default_rng(0)), np.random.default_rng(0))
    )
    whole = frame_pass(frame, vesicles, 2)
    monkeypatch.setattr("napari_growtrack.core.detection.windows.TILE", 16)
    tiled = frame_pass(frame, vesicles, 2)
    np.testing.assert_allclose(tiled.positions, whole.positions, atol=2e-4)
    np.testing.assert_allclose(tiled.scales, whole.scales, rtol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 7), (39, 12)])
def test_frames_of_any_shape_do_no_harm(vesicles, shape):
    frame = np.random.default_rng(0).normal(size=shape)
    assert find(frame, vesicles, vesicles.cascade()).columns.tolist()[0] == "y"


def test_a_stream_is_tracked_as_the_film(vesicles, film):
    tracker = Tracker(vesicles)
    tracker.warm_up(film[0].shape[1:])
    found = [tracker(frame) for frame in film[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = detect(film[0], vesicles, vesicles.cascade())
    assert sum(map(len, found)) == len(together)
    np.testing.assert_allclose(np.concatenate([table[["y", "x"]] for table in found]), together[["y", "x"]], atol=1e-2)


@pytest.mark.parametrize("stage", [3, 5])
@pytest.mark.parametrize("kind", ["gaussian 0.8", "stripes", "bad pixels"])
def test_every_stage_of_spots_finds_spots_of_another_world_and_no_ghosts(kind, stage):
    judged = world.film(kind, frames=4)
    row = world.judge(world.Ours("spots", judged.rung.diameter, "normal", stage), judged)
    assert row["F1"] > 0.98
    assert row["error / bound"] < 1.4
    assert row["ghosts a frame"] <= 0.25
