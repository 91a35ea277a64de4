"""The last polish gets to the Cramer-Rao bound, knows how sure it is, and leaves alone what it cannot fit."""

import numpy as np
import pytest

from napari_growtrack.core.fitting import ParticleModel, polish
from napari_growtrack.core.limits import cramer_rao, median_radial_error
from napari_growtrack.core.simulation import Particle, draw, named_scene, simulate_frame

SCENES = {
    "few photons": named_scene("table42"),
    "many photons": named_scene("table42").with_(snr=20),
    "a gradient": named_scene("gradient"),
    "rings": named_scene("rings"),
    "bright and dark": named_scene("mixed"),
    "bystanders": named_scene("species"),
    "a crowd": named_scene("dense").with_(density=(5, 5)),
}
SPOTS = ParticleModel((1,), (2, 3))


def fitted(scene, frames=12, gain=1.0, offset=0.0):
    """Fit from places a little off; return errors, pulls and the bound."""
    rng, errors, pulls, bounds = np.random.default_rng(1), [], [], []
    for _ in range(frames):
        picture = draw(scene, (200, 200), rng)
        true, bound = picture.positions[picture.wanted], cramer_rao(picture)
        spread = np.median(np.sqrt(np.trace(bound, axis1=1, axis2=2)))
        start = true + rng.normal(0, spread, true.shape)
        found = polish(gain * simulate_frame(picture, rng) + offset, start, ParticleModel.of(scene), 4)
        errors.append(np.hypot(*(found.positions - true).T))
        pulls.append((found.positions - true) / found.sigmas[:, None])
        bounds.append(bound)
    limit = median_radial_error(np.concatenate(bounds), rng)
    return np.concatenate(errors), np.concatenate(pulls), limit


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_fits_come_near_the_bound_and_know_their_errors(scene):
    errors, pulls, bound = fitted(scene)
    assert np.median(errors) < 1.35 * bound
    low, high = np.nanpercentile(pulls, (16, 84))
    assert 0.75 < (high - low) / 2 < 1.35


def test_the_cameras_units_do_not_matter():
    plain, units = fitted(SCENES["few photons"], 3), fitted(SCENES["few photons"], 3, gain=-700.0, offset=3000.0)
    np.testing.assert_allclose(units[0], plain[0], atol=2e-3)
    np.testing.assert_allclose(units[1], plain[1], atol=2e-2)


def test_without_noise_a_particle_is_found_where_it_is():
    picture = draw(SCENES["few photons"].with_(snr=1e4), (120, 120), np.random.default_rng(0), 3)
    found = polish(simulate_frame(picture, np.random.default_rng(0)), picture.positions + 0.4, SPOTS, 3)
    np.testing.assert_allclose(found.positions, picture.positions, atol=2e-2)


def test_a_fit_that_runs_away_leaves_the_position():
    frame = np.random.default_rng(0).normal(size=(90, 90)).astype(np.float32)
    picture = draw(SCENES["many photons"], (90, 90), np.random.default_rng(3), 1)
    frame += 50 * simulate_frame(picture, np.random.default_rng(0))
    start = picture.positions + np.array([3.0, 0.0])
    found = polish(frame, start, SPOTS, farthest=1.0)
    np.testing.assert_array_equal(found.positions, start)
    assert np.isnan(found.sigmas).all()


@pytest.mark.parametrize("positions", [np.empty((0, 2)), np.array([[0.0, 0.0]]), np.array([[4.0, 2.0], [4.0, 2.0]])])
@pytest.mark.parametrize("frame", [np.zeros((5, 5)), np.ones((9, 4)), np.full((3, 3), 1e6)])
def test_frames_that_show_nothing_do_no_harm(frame, positions):
    found = polish(frame, positions, SPOTS, 2)
    assert found.positions.shape == positions.shape
    assert np.isfinite(found.positions).all()


def test_the_model_of_a_scene_spans_its_particles_and_shrinks_with_the_film():
    scene = named_scene("table42").with_(
        particles=[Particle(radius=(2, 3), rings={1: 0.5}), Particle(radius=6, rings={3: 0.2})]
    )
    assert ParticleModel.of(scene) == ParticleModel((1, 3), (2, 6), (1, 1))
    assert ParticleModel.of(scene, zoom=2) == ParticleModel((1, 3), (1, 3), (1, 1))
    assert ParticleModel.of(named_scene("mixed")).signs == (0, 0)
    assert ParticleModel.of(named_scene("rings")).signs == (1, -1)


def test_too_few_pixels_tell_no_error():
    found = polish(np.random.default_rng(0).normal(size=(3, 3)), np.array([[1.0, 1.0]]), SPOTS, 2)
    assert np.isnan(found.sigmas).all()


def test_a_dark_hole_is_no_bright_particle():
    picture = draw(SCENES["many photons"], (90, 90), np.random.default_rng(3), 1)
    frame = simulate_frame(picture, np.random.default_rng(0))
    assert polish(frame, picture.positions, SPOTS, 4).significances > 20
    bright = ParticleModel((1,), (2, 3), (1,))
    assert polish(frame, picture.positions, bright, 4).significances > 20
    assert polish(-frame, picture.positions, bright, 4).significances < 3
