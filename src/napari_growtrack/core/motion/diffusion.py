"""The diffusion coefficient and the localisation error, by covariance and by the mean square displacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import MotionError
from .displacement import Sums, Track, sums_of, tracks_of
from .errors_of_means import MANY, NORMAL_REACH, estimate, t_reach
from .units import Estimate, Units

_DRAWS = 300
_LEAST_STEPS = 8


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


def diffusion(trajectories: pd.DataFrame, units: Units | None = None, blur: float = 0.0) -> Diffusion:
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
        Pixels and frames by default.
    blur : float
        The motion-blur coefficient B: 0 for short exposures, 1/6 where the shutter is open all the time.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few displacements in a row.

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
    coefficients, variances, number = _covariance(tracks, blur)
    if number < _LEAST_STEPS:
        raise MotionError(
            f"Expected at least {_LEAST_STEPS} pairs of displacements in a row, got {number}. "
            "Link longer trajectories, or more of them."
        )
    scale = units.pixel**2 / units.frame
    return Diffusion(
        estimate(coefficients, 2, scale, units.diffusion, least=0.0),
        _root(estimate(variances, 2, units.pixel**2, "", least=0.0), units.length),
        len(tracks),
        number,
    )


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


def _root(square: Estimate, unit: str) -> Estimate:
    value, low, high = np.sqrt([square.value, square.low, square.high])
    return Estimate(value=float(value), low=float(low), high=float(high), unit=unit)


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
        if number >= _LEAST_STEPS:
            found = estimate(coefficients, 2, scale, units.diffusion)
            seen = int(np.isfinite(track.places[:, 0]).sum())
            rows.append((track.particle, seen, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["particle", "positions", "diffusion_coefficient", "low", "high"])


# By mean square displacement ------------------------------------------------------------------------------------------


def fit_msd(
    trajectories: pd.DataFrame,
    units: Units | None = None,
    lags: int | None = None,
    rng: np.random.Generator | None = None,
) -> Diffusion:
    """Estimate the diffusion coefficient by a straight line through the first mean square displacements.

    ``msd = 4 D t + 4 s²``. How many lags are best follows from the localisation
    error (Michalet, Phys. Rev. E 82, 041914, 2010). Intervals are those of
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
    found = diffusion(trajectories)
    tracks = tracks_of(trajectories)
    longest = max(len(track.places) for track in tracks) - 1
    lags = min(max(lags or _best_lags(found), 2), longest)

    def line(sums: Sums, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        slope, start = np.polyfit(np.arange(1, lags + 1), sums.mean(chosen)[:lags], 1)
        return np.array([slope / 4, start / 4])

    values, lows, highs = _with_interval(tracks, lags, line, found, rng)
    scale = units.pixel**2 / units.frame
    coefficient = Estimate(
        value=scale * values[0], low=max(scale * lows[0], 0.0), high=scale * highs[0], unit=units.diffusion
    )
    low, value, high = units.pixel * np.sqrt(np.maximum([lows[1], values[1], highs[1]], 0))
    error = Estimate(value=float(value), low=float(low), high=float(high), unit=units.length)
    return Diffusion(coefficient, error, len(tracks), found.displacements)


def _best_lags(found: Diffusion) -> int:
    """Return Michalet's number of lags for this localisation error."""
    reduced = found.localisation_error.value**2 / max(found.coefficient.value, 1e-12)
    return int(min(2 + 2.3 * reduced**0.52, 1000))


def anomalous_exponent(
    trajectories: pd.DataFrame, lags: int | None = None, rng: np.random.Generator | None = None
) -> Estimate:
    """Estimate the exponent of ``msd ~ t^a``: 1 for diffusion, less in a cage, more where something drives.

    The localisation error, by covariance, is taken away from the mean square displacements first; a line is
    fitted to their logarithms. Intervals as for `fit_msd`.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``.
    lags : int, optional
        By default a quarter of the longest trajectory, from 3 to 10.
    rng : numpy.random.Generator, optional
        For the interval; by default the same each time.

    Raises
    ------
    TableError, MotionError
        As `diffusion` does.
    """
    rng = rng or np.random.default_rng(0)
    found, tracks = diffusion(trajectories), tracks_of(trajectories)
    longest = max(len(track.places) for track in tracks) - 1
    lags = min(lags or int(np.clip(longest // 4, 3, 10)), longest)
    _, variances, _ = _covariance(tracks, 0.0)
    sums_of_variances = np.array([(np.nansum(part), np.isfinite(part).sum()) for part in variances])

    def slope(sums: Sums, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        total, number = sums_of_variances[chosen].sum(0)
        noise = 4 * max(total / max(number, 1), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(np.maximum(sums.mean(chosen)[:lags] - noise, 1e-12))
        return np.array([np.polyfit(np.log(np.arange(1, lags + 1)), logs, 1)[0]])

    values, lows, highs = _with_interval(tracks, lags, slope, found, rng)
    return Estimate(value=float(values[0]), low=float(lows[0]), high=float(highs[0]), unit="")


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
    seen = path + rng.normal(0, 1, shape) * found.localisation_error.value
    return Track(track.particle, track.first, np.where(np.isnan(track.places), np.nan, seen))
