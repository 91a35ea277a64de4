"""The diffusion coefficient and the localisation error, by covariance and by the mean square displacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import MotionError
from .displacement import MAX_LAG, Sums, Track, more_in_a_row, sums_of, tracks_of
from .errors_of_means import MANY, NORMAL_REACH, estimate, mean_and_error, t_reach
from .units import Estimate, Units

_DRAWS = 300
"""Of 300 draws a standard deviation is sure to 4 %."""

LEAST_STEPS = 8
"""Fewer pairs tell an error that is itself off by a third."""

_LEAST_LAGS = 2
"""A line needs two points."""


@dataclass(frozen=True)
class Diffusion:
    """How particles diffuse.

    Attributes
    ----------
    coefficient : Estimate
        Diffusion coefficient D, where the mean square displacement in a plane is 4 D t.
    localisation_error : Estimate
        Standard deviation of a position along one axis.
    trajectories, displacements : int
        How many there were to tell.
    """

    coefficient: Estimate
    localisation_error: Estimate
    trajectories: int
    displacements: int


def diffusion(trajectories: pd.DataFrame, units: Units | None = None, blur: float | None = None) -> Diffusion:
    """Estimate the diffusion coefficient by the covariance of neighbouring displacements.

    ``D = <d²> / 2t + <d d'> / t`` and ``s² = B <d²> + (2B - 1) <d d'>`` for
    displacements ``d`` along an axis and the next one ``d'``; both axes are averaged
    (Vestergaard, Blainey and Flyvbjerg, Phys. Rev. E 89, 022726, 2014). Nothing is
    fitted, gaps are left out, and localisation error does not bias it. Drift does:
    remove it first.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    units : Units, optional
        Pixels and frames by default. Where they tell the exposure, B follows from it.
    blur : float, optional
        The motion-blur coefficient B itself: 0 for short exposures, 1/6 where the shutter is open all the time. Where
        nobody tells, the interval of the localisation error holds what it may be with any exposure.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few displacements in a row, or the exposure is longer than a frame.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, x = rng.normal(0, 1, (2, 4000)).cumsum(1)
    >>> film = pd.DataFrame({"frame": range(4000), "y": y, "x": x, "particle": 0})
    >>> print(diffusion(film).coefficient)
    0.499 (0.471 to 0.527) px²/frame
    """
    units = units or Units()
    tracks = tracks_of(trajectories)
    least, most = (blur, blur) if blur is not None else _blurs(units)
    coefficients, variances, number = _covariance(tracks, least)
    if number < LEAST_STEPS:
        raise MotionError(
            f"Expected at least {LEAST_STEPS} pairs of displacements in a row, got {number}. {more_in_a_row(tracks)}"
        )
    scale = units.pixel**2 / units.frame
    variance = estimate(variances, 2, units.pixel**2, "")
    blurred = variances if most == least else _covariance(tracks, most)[1]
    highest = estimate(blurred, 2, units.pixel**2, "").high
    return Diffusion(
        estimate(coefficients, 2, scale, units.diffusion, least=0.0),
        _root(variance.value, variance.low, highest, units.length),
        len(tracks),
        number,
    )


def apparent_variance(trajectories: pd.DataFrame) -> Estimate:
    """Estimate the variance of localisation in px² as if the shutter were open for no time.

    What an open shutter blurs is taken away from it, ``D t / 3`` where it is always open, so that it may come out
    below 0: then positions look blurred (Berglund, Phys. Rev. E 82, 011917, 2010). Parameters and errors as for
    `diffusion`.
    """
    return estimate(_covariance(tracks_of(trajectories), 0.0)[1], 2, 1.0, "px²")


def _blurs(units: Units) -> tuple[float, float]:
    """Return the least and the largest blur that the exposure allows, a sixth of the share of a frame it takes."""
    share = units.open_share
    return (0.0, 1 / 6) if share is None else (share / 6, share / 6)


def _covariance(tracks: list[Track], blur: float) -> tuple[list[np.ndarray], list[np.ndarray], int]:
    """Return local estimates of D (px²/frame) and of the localisation variance (px²) along each track, and how many."""
    coefficients, variances, number = [], [], 0
    for track in tracks:
        steps = np.diff(track.places, axis=0)
        squares = (np.square(steps[:-1]) + np.square(steps[1:])) / 2
        products = steps[:-1] * steps[1:]
        local = (squares / 2 + products).mean(1)
        number += int(np.isfinite(local).sum())
        coefficients.append(local)
        variances.append((blur * squares + (2 * blur - 1) * products).mean(1))
    return coefficients, variances, number


def _root(value: float, low: float, high: float, unit: str) -> Estimate:
    """Return a standard deviation by its variance and the ends of its interval, which are below 0 where it is small."""
    roots = np.sqrt(np.maximum([value, low, high], 0))
    return Estimate.between(float(roots[0]), float(roots[1]), float(roots[2]), unit)


def diffusion_of_each(trajectories: pd.DataFrame, units: Units | None = None) -> pd.DataFrame:
    """Estimate the diffusion coefficient of every trajectory by itself, by covariance.

    Parameters
    ----------
    trajectories, units
        As for `diffusion`.

    Returns
    -------
    DataFrame
        ``particle, positions, diffusion_coefficient, low, high``; only of trajectories that are long enough to have
        one. Below 0 is possible: a mean of such numbers is right, one of numbers that are cut off there is not.

    Raises
    ------
    TableError, MotionError
        As `drift` does.
    """
    units = units or Units()
    scale, rows = units.pixel**2 / units.frame, []
    for track in tracks_of(trajectories):
        coefficients, _, number = _covariance([track], 0.0)
        if number >= LEAST_STEPS:
            mean, error, wide = mean_and_error(coefficients, 2)
            half = wide * error or np.nan
            seen = int(np.isfinite(track.places[:, 0]).sum())
            rows.append((track.particle, seen, scale * mean, scale * (mean - half), scale * (mean + half)))
    return pd.DataFrame(rows, columns=["particle", "positions", "diffusion_coefficient", "low", "high"])


# By mean square displacement ------------------------------------------------------------------------------------------


def fit_msd(
    trajectories: pd.DataFrame,
    units: Units | None = None,
    lags: int | None = None,
    rng: np.random.Generator | None = None,
) -> Diffusion:
    """Estimate the diffusion coefficient by a straight line through the first mean square displacements.

    ``msd = 4 D t + 4 s² - 8 B D`` for a motion-blur coefficient B as in `diffusion`. How many lags are best follows
    from the localisation error (Michalet, Phys. Rev. E 82, 041914, 2010). Intervals are those of
    trajectories drawn again with replacement, or for fewer than ten of Brownian ones simulated
    with what was found.

    Parameters
    ----------
    trajectories, units
        As for `diffusion`.
    lags : int, optional
        Lags that the line is fitted to, two or more.
    rng : numpy.random.Generator, optional
        For the intervals; by default the same each time.

    Raises
    ------
    TableError, MotionError
        As `diffusion` does.
    """
    units, rng = units or Units(), rng or np.random.default_rng(0)
    found, blurs = diffusion(trajectories, blur=0.0), _blurs(units)
    tracks = tracks_of(trajectories)
    longest = max(len(track.places) for track in tracks) - 1
    lags = min(max(lags or _best_lags(found), _LEAST_LAGS), longest)

    def line(sums: Sums, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        slope, start = np.polyfit(np.arange(1, lags + 1), sums.mean(chosen)[:lags], 1)
        return np.array([slope / 4, *((start + 2 * blur * slope) / 4 for blur in blurs)])

    values, lows, highs = _with_interval(tracks, lags, line, found, rng)
    scale = units.pixel**2 / units.frame
    lowest, coefficient, highest = np.maximum(scale * np.array([lows[0], values[0], highs[0]]), 0)
    return Diffusion(
        Estimate.between(float(coefficient), float(lowest), float(highest), units.diffusion),
        _root(units.pixel**2 * values[1], units.pixel**2 * lows[1], units.pixel**2 * highs[2], units.length),
        len(tracks),
        found.displacements,
    )


def _best_lags(found: Diffusion) -> int:
    """Return Michalet's number of lags for this localisation error."""
    if not (found.coefficient.value > 0 and found.localisation_error.is_told):
        return _LEAST_LAGS
    reduced = found.localisation_error.value**2 / found.coefficient.value
    return int(min(_LEAST_LAGS + 2.3 * reduced**0.52, MAX_LAG))  # Michalet (2010), equation for the slope


def _with_interval(
    tracks: list[Track], lags: int, fit: Callable[..., np.ndarray], found: Diffusion, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a fit finds, and the ends of its 95 % interval."""
    sums = sums_of(tracks, lags)
    values = fit(sums)
    if len(tracks) >= MANY:
        number = len(tracks)
        again = [fit(sums, rng.integers(0, number, number)) for _ in range(_DRAWS)]
        half = t_reach(number) * np.sqrt(number / (number - 1)) * np.nanstd(again, axis=0)
    else:
        again = [fit(sums_of([_like(track, found, rng) for track in tracks], lags)) for _ in range(_DRAWS // 3)]
        half = NORMAL_REACH * np.nanstd(again, axis=0)
    return values, values - half, values + half


def _like(track: Track, found: Diffusion, rng: np.random.Generator) -> Track:
    """Simulate a Brownian track, seen in the same frames."""
    shape = track.places.shape
    path = rng.normal(0, np.sqrt(2 * found.coefficient.value), shape).cumsum(0)
    seen = path + rng.normal(0, 1, shape) * np.nan_to_num(found.localisation_error.value)
    return Track(track.particle, track.first, np.where(np.isnan(track.places), np.nan, seen))
