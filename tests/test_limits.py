"""The Cramer-Rao bound reproduces the numbers worked out for the thesis's Table 4.2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_growtrack.core.simulation import BesselParticle, Scene, draw, named_scene
from napari_growtrack.core.simulation.bound import cramer_rao, median_radial_error

TABLE_42 = named_scene("table42")
SPOT = Scene(name="spot", particles=[BesselParticle(radius=2.5, rings={1: 0.5})], background=0.2, snr=10)


def bounds(scene, frames=20):
    """Covariances of some hundred particles, the same ones for every SNR."""
    rng = np.random.default_rng(1)
    return np.concatenate([cramer_rao(draw(scene, (251, 251), rng, 6)) for _ in range(frames)])


@pytest.mark.parametrize(
    ("snr", "sigma", "median"),
    [(3, 0.293, 0.341), (5, 0.176, 0.205), (10, 0.088, 0.102), (20, 0.044, 0.051), (100, 0.0087, 0.010)],
)
def test_the_bounds_of_table_4_2_are_reproduced(snr, sigma, median):
    covariances = bounds(TABLE_42.with_(snr=snr))
    per_axis = np.sqrt(np.trace(covariances, axis1=1, axis2=2) / 2)
    assert per_axis.mean() == pytest.approx(sigma, rel=0.04)
    assert median_radial_error(covariances, np.random.default_rng(2)) == pytest.approx(median, rel=0.04)


def test_twice_the_snr_halves_the_bound():
    np.testing.assert_allclose(bounds(TABLE_42.with_(snr=3), 2), 4 * bounds(TABLE_42.with_(snr=6), 2), rtol=1e-9)


def test_the_bound_of_a_round_spot_is_alike_in_all_directions():
    picture = draw(SPOT, (41, 41), np.random.default_rng(0), 1).moved_to(np.array([[20.0, 20.0]]))
    (covariance,) = cramer_rao(picture)
    np.testing.assert_allclose(covariance, covariance[0, 0] * np.eye(2), atol=1e-4 * covariance[0, 0])


def test_a_neighbour_takes_light_but_no_knowledge():
    picture = draw(SPOT, (41, 81), np.random.default_rng(0), 2)
    near, far = (cramer_rao(picture.moved_to(np.array([[20.0, 20.0], [20.0, x]])))[0] for x in (24.0, 70.0))
    assert np.trace(near) > np.trace(far)


def test_distractors_have_no_bound():
    scene = SPOT.with_(distractors=SPOT.particles, distractor_density=10)
    picture = draw(scene, (100, 100), np.random.default_rng(0), 3)
    assert len(picture.positions) == 13
    assert cramer_rao(picture).shape == (3, 2, 2)


def test_a_picture_without_particles_has_no_bounds():
    covariances = cramer_rao(draw(SPOT, (20, 20), np.random.default_rng(0), 0))
    assert covariances.shape == (0, 2, 2)
    assert np.isnan(median_radial_error(covariances, np.random.default_rng(0)))


def test_the_median_radial_error_of_equal_axes_is_that_of_rayleigh():
    covariances = np.tile(0.3**2 * np.eye(2), (50, 1, 1))
    found = median_radial_error(covariances, np.random.default_rng(0))
    assert found == pytest.approx(0.3 * np.sqrt(2 * np.log(2)), rel=0.01)


def test_clipped_pixels_tell_nothing():
    spot = named_scene("table42").with_(background=0.9, snr=10)
    picture = draw(spot, (61, 61), np.random.default_rng(0), number=1)
    dim = replace(picture, background=0.2)
    assert np.trace(cramer_rao(picture)[0]) > 1.5 * np.trace(cramer_rao(dim)[0])


def test_a_picture_wholly_clipped_has_no_bound():
    white = replace(draw(named_scene("table42"), (61, 61), np.random.default_rng(0), number=1), background=5.0)
    assert np.isinf(cramer_rao(white)[0]).any()
