"""Velocities that resemble each other, and what diffusion says of spheres and liquids."""

import numpy as np
import pytest

from napari_growtrack.core import motion
from napari_growtrack.core.errors import MotionError
from napari_growtrack.core.motion import Estimate, Units
from napari_growtrack.core.simulation.paths import brownian_paths, fractional_paths

FOUND = Estimate(value=2.14, low=2.0, high=2.3, unit="µm²/s")


def test_velocities_of_diffusion_are_unlike_but_for_the_localisation_error():
    held = []
    for seed in range(100):
        table = brownian_paths(np.random.default_rng(seed), 15, 30, 0.5, 0.4, lost=0.05)
        found = motion.velocity_autocorrelation(table, 4)
        expected = np.array([2 * 0.5 + 2 * 0.16, -0.16, 0, 0, 0])
        held.append((found["low"] <= expected) & (expected <= found["high"]))
    assert 0.91 <= np.mean(held) <= 0.98, np.mean(held, axis=0)


@pytest.mark.parametrize("exponent", [0.6, 1.5])
def test_velocities_of_fractional_motion_are_alike_as_its_exponent_says(exponent):
    found = motion.velocity_autocorrelation(fractional_paths(np.random.default_rng(0), 300, 40, exponent), 3)
    lags = np.arange(1, 4)
    expected = ((lags + 1.0) ** exponent + (lags - 1.0) ** exponent - 2.0 * lags**exponent) / 2
    np.testing.assert_allclose(found["correlation"][1:], expected, atol=0.02)


def test_the_autocorrelation_has_units_and_ends_with_the_longest_trajectory():
    table = brownian_paths(np.random.default_rng(0), 12, 6, 0.5)
    plain = motion.velocity_autocorrelation(table)
    found = motion.velocity_autocorrelation(table, units=Units(pixel_size=0.1, frame_time=0.02))
    assert plain["lag"].tolist() == [0, 1, 2, 3, 4]
    assert plain["pairs"].tolist() == [60, 48, 36, 24, 12]
    np.testing.assert_allclose(found["lag"], plain["lag"] * 0.02)
    np.testing.assert_allclose(found["correlation"], plain["correlation"] * 25)


def test_a_sphere_in_water_is_as_large_as_stokes_and_einstein_say_and_back():
    radius = motion.hydrodynamic_radius(FOUND, 293.15, 1.002)
    by_hand = 1.380649e-23 * 293.15 / (6 * np.pi * 1.002e-3 * 2.14e-12) * 1e6
    assert radius.value == pytest.approx(by_hand)
    assert radius.low == pytest.approx(by_hand * 2.14 / 2.3)
    assert radius.high == pytest.approx(by_hand * 2.14 / 2.0)
    assert motion.viscosity(FOUND, 293.15, radius.value).value == pytest.approx(1.002)


def test_of_a_coefficient_that_may_be_nothing_there_is_no_radius():
    unsure = Estimate(value=1.0, low=0.0, high=2.0, unit="µm²/s")
    assert not motion.hydrodynamic_radius(unsure, 293.15, 1.0).is_told


@pytest.mark.parametrize(
    ("coefficient", "temperature", "viscosity", "words"),
    [
        (FOUND.model_copy(update={"unit": "px²/frame"}), 293, 1.0, "in µm²/s, got one in px²/frame"),
        (FOUND, 20, 1.0, "kelvin"),
        (FOUND, 293, 0.0, "viscosity in mPa s above 0, got 0"),
        (FOUND, 293, -1.0, "above 0, got -1"),
    ],
)
def test_numbers_that_cannot_be_are_refused(coefficient, temperature, viscosity, words):
    with pytest.raises(MotionError, match=words):
        motion.hydrodynamic_radius(coefficient, temperature, viscosity)
