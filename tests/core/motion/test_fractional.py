"""Fractional motion: its likelihood is that of a normal distribution, and simulated exponents are told."""

import numpy as np
import pytest
from scipy import stats

from napari_growtrack.core import motion
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion.displacement import tracks_of
from napari_growtrack.core.motion.fractional import LAGS, blurred_msd, costs, least_noise, runs_of
from napari_growtrack.core.simulation.paths import fractional_paths

OPEN = Units(exposure_share=1)


def torn(seed=0, particles=3, frames=20):
    rng = np.random.default_rng(seed)
    table = fractional_paths(rng, particles, frames, 1.3, 0.5, 1.0)
    return table[rng.random(len(table)) > 0.2].reset_index(drop=True)


def test_the_cost_is_that_of_a_normal_distribution_also_with_gaps_and_unlike_noise():
    table, rng = torn(), np.random.default_rng(1)
    tracks = tracks_of(table)
    variances = [rng.uniform(0.1, 0.5, len(track.places)) for track in tracks]
    runs = runs_of(tracks, variances)
    found, _ = costs(runs, 2.0, 1.3, 0.7, 0.6)
    for row, number in enumerate(runs.whose):
        seen = np.isfinite(tracks[number].places[:, 0])
        times, moves = np.flatnonzero(seen), np.diff(tracks[number].places[seen], axis=0)
        covariance = -blurred_msd(np.abs(times[:, None] - times), 1.3, 0.6)  # of places, but for constants
        covariance += 0.7 * np.diag(variances[number][seen])
        between = np.diff(np.eye(len(times)), axis=0)
        expected = -sum(
            stats.multivariate_normal.logpdf(moves[:, axis], cov=between @ covariance @ between.T) for axis in (0, 1)
        )
        assert found[row] + len(moves) * np.log(2 * np.pi) == pytest.approx(expected)


def test_slopes_are_those_of_the_cost():
    runs, near = runs_of(tracks_of(torn())), 1e-5
    _, slopes = costs(runs, 2.0, 1.2, 0.4, 1.0)
    numbers = [
        costs(runs, 2.0 * np.exp(a), 1.2 + b, 0.4 + c, 1.0)[0] - costs(runs, 2.0 * np.exp(-a), 1.2 - b, 0.4 - c, 1.0)[0]
        for a, b, c in near * np.eye(3)
    ]
    np.testing.assert_allclose(slopes, np.array(numbers).T / (2 * near), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("exponent", [0.4, 1.0, 1.6])
def test_with_the_least_noise_there_is_a_covariance_and_with_less_there_is_none(exponent, share):
    runs = runs_of(tracks_of(fractional_paths(np.random.default_rng(0), 1, 65, 1.0)))
    least = least_noise(blurred_msd(LAGS, exponent, share))
    assert np.isfinite(costs(runs, 1.0, exponent, least, share)[0]).all()
    assert np.isinf(costs(runs, 1.0, exponent, 1.2 * least, share)[0]).all()


@pytest.mark.parametrize(("exponent", "share"), [(0.5, 1.0), (1.0, 0.5), (1.5, 1.0)])
def test_simulated_paths_spread_as_the_formula_of_the_open_shutter_says(exponent, share):
    seen = motion.emsd(fractional_paths(np.random.default_rng(0), 400, 16, exponent, 0.0, share), 3)
    np.testing.assert_allclose(seen["msd"] / 2, blurred_msd(np.arange(1, 4), exponent, share), rtol=0.06)


@pytest.mark.parametrize("noise", [1.0, 3.0])
@pytest.mark.parametrize("exponent", [0.75, 1.25])
def test_exponents_are_told_with_noise_above_the_step_and_a_sigma_that_is_a_tenth_off(exponent, noise):
    held, values, off = [], [], []
    for seed in range(12):
        rng = np.random.default_rng([seed, 7])
        table = fractional_paths(rng, 60, 40, exponent, noise, 1.0)
        found = motion.exponent_of(table.assign(sigma=noise * np.exp(rng.normal(0, 0.1))), OPEN)
        assert found.sigma_used
        held.append(found.exponent.holds(exponent))
        values.append(found.exponent.value)
        off.append(found.sigma_factor)
    assert np.mean(held) >= 0.75
    assert np.mean(values) == pytest.approx(exponent, abs=4 * np.std(values) / np.sqrt(12) + 0.01)
    assert np.mean([one.high - one.low < 0.3 for one in off]) > 0.9  # displacements tell it better than a tenth


def test_sigma_of_bright_and_dim_particles_is_each_ones_own():
    rng = np.random.default_rng(0)
    table = fractional_paths(rng, 80, 40, 0.75, 0.0, 1.0)
    sigma = np.where(table["particle"] % 2, 0.2, 2.0)
    table[["y", "x"]] += rng.normal(0, 1, (len(table), 2)) * sigma[:, None]
    scattered = sigma * rng.uniform(0.8, 1.2, len(table))  # as fits tell it
    known = motion.exponent_of(table.assign(sigma=scattered), OPEN)
    free = motion.exponent_of(table, OPEN)
    assert known.sigma_used
    assert known.exponent.holds(0.75)
    assert known.exponent.high - known.exponent.low < 0.6 * (free.exponent.high - free.exponent.low)


def test_gaps_are_bridged():
    table = fractional_paths(np.random.default_rng(2), 40, 60, 1.5, 0.5)
    every_third = table[table["frame"] % 3 > 0].assign(sigma=0.5)
    found = motion.anomalous_exponent(every_third, Units(exposure_share=0))
    assert found.holds(1.5)
    assert found.high - found.low < 0.15
