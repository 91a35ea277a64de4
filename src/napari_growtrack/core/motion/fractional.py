"""The likelihood of fractional Brownian motion that is seen with noise, through an open shutter, and with gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..errors import MotionError
from ..packages.compiling import numba
from .diffusion import LEAST_STEPS
from .displacement import Track

_LONGEST = 64
"""Displacements that are looked at together: more tell little of the exponent, and their covariance costs the cube."""

_NEAR = 1e-5
"""Of differences in the exponent: far below what is told, far above rounding."""

_TERMS = 200
"""Of an alternating sum, whose terms fall faster than their number's square."""

LAGS = np.arange(_TERMS + 2)
"""At which mean square displacements tell the least noise."""

_ROOM = 0.98
"""Of the noise below 0 that would just leave a covariance: at that itself none can be inverted."""


class Runs(NamedTuple):
    """Pieces of trajectories, sorted so that those with one covariance follow one another.

    Attributes
    ----------
    moves : (runs, longest, 2) array
        From one place that was seen to the next, 0 behind a run's end.
    times : (runs, longest + 1) array of int
        Frames of the places, from 0 on.
    variances : (runs, longest + 1) array
        Of the places' localisation, in units of the noise.
    lengths : (runs,) array of int
        How many moves there are.
    whose : (runs,) array of int
        The trajectory.
    fresh : (runs,) array of bool
        Whether the covariance differs from that of the run before.
    tracks : int
    """

    moves: np.ndarray
    times: np.ndarray
    variances: np.ndarray
    lengths: np.ndarray
    whose: np.ndarray
    fresh: np.ndarray
    tracks: int


def runs_of(tracks: list[Track], variances: list[np.ndarray] | None = None) -> Runs:
    """Return the pieces of trajectories, none longer than 64 moves; a gap is a longer time between two places.

    Parameters
    ----------
    tracks : list of Track
    variances : list of (n,) array, optional
        Of each place's localisation; by default all are alike.

    Raises
    ------
    MotionError
        When there are too few moves.
    """
    pieces = []
    for number, track in enumerate(tracks):
        seen = np.flatnonzero(np.isfinite(track.places[:, 0]))
        noise = np.ones(len(track.places)) if variances is None else variances[number]
        for start in range(0, len(seen) - 1, _LONGEST):
            pieces.append((number, seen[start : start + _LONGEST + 1], track.places, noise))
    pairs = sum(len(piece[1]) - 2 for piece in pieces)
    if pairs < LEAST_STEPS:
        raise MotionError(
            f"Expected at least {LEAST_STEPS} pairs of displacements in a row, got {max(pairs, 0)}. "
            "Link longer trajectories, or more of them."
        )
    longest = max(len(piece[1]) for piece in pieces)
    moves, times = np.zeros((len(pieces), longest - 1, 2)), np.zeros((len(pieces), longest), int)
    noises, lengths = np.zeros((len(pieces), longest)), np.zeros(len(pieces), int)
    for row, (_, seen, places, noise) in enumerate(pieces):
        lengths[row] = len(seen) - 1
        moves[row, : lengths[row]] = np.diff(places[seen], axis=0)
        times[row, : len(seen)], noises[row, : len(seen)] = seen - seen[0], noise[seen]
    return _sorted(moves, times, noises, lengths, np.array([piece[0] for piece in pieces]), len(tracks))


def _sorted(
    moves: np.ndarray, times: np.ndarray, noises: np.ndarray, lengths: np.ndarray, whose: np.ndarray, tracks: int
) -> Runs:
    order = np.lexsort(np.concatenate([times, noises], 1).T)
    moves, times, noises, lengths, whose = (one[order] for one in (moves, times, noises, lengths, whose))
    same = (np.diff(times, axis=0) == 0).all(1) & (np.diff(noises, axis=0) == 0).all(1) & (np.diff(lengths) == 0)
    return Runs(moves, times, noises, lengths, whose, np.r_[True, ~same], tracks)


def costs(runs: Runs, scale: float, exponent: float, noise: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return minus the logarithm of the likelihood of each run, but for a constant, and its slopes.

    Parameters
    ----------
    runs : Runs
    scale : float
        Mean square displacement along an axis after a frame, in px², if the shutter were open for no time.
    exponent : float
        Between 0 and 2.
    noise : float
        What the places' variances are times.
    share : float
        Of a frame in which the shutter is open.

    Returns
    -------
    costs : (runs,) array
        Infinite where no motion has such a covariance.
    slopes : (runs, 3) array
        By the logarithm of the scale, the exponent, and the noise.
    """
    return costs_of(runs, scale, lambda lags, number: blurred_msd(lags, number, share), exponent, noise)


def costs_of(
    runs: Runs, scale: float, spreads: Callable[[np.ndarray, float], np.ndarray], number: float, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same for any motion whose steps are normal, by its mean square displacement along an axis.

    Parameters
    ----------
    runs, scale, noise
        As for `costs`; the scale is what mean square displacements are times.
    spreads : callable
        ``spreads(lags, number)`` returns them.
    number : float
        What else they depend on; the second slope is by it.
    """
    lags = np.arange(runs.times.max() + 2)
    slope = (spreads(lags, number + _NEAR) - spreads(lags, number - _NEAR)) / (2 * _NEAR)
    found = _walk(*runs[:4], runs.fresh, scale * spreads(lags, number), scale * slope, noise)
    return found[:, 0], found[:, 1:]


@numba.njit(cache=True, nogil=True)
def _walk(moves, times, variances, lengths, fresh, spread, slope, noise):  # type: ignore[no-untyped-def]
    """Go from run to run with the inverse of its covariance, found anew where that differs; (runs, 4)."""
    longest = moves.shape[1]
    covariance, bent, shaken, inverse = [np.zeros((longest, longest)) for _ in range(4)]
    found, traces = np.zeros((len(moves), 4)), np.zeros(4)
    white, turned = np.zeros(longest), np.zeros(4)
    for run in range(len(moves)):
        n = lengths[run]
        if fresh[run]:
            _cover(times[run], spread, n, covariance)
            _cover(times[run], slope, n, bent)
            _shake(variances[run], n, shaken)
            traces[0] = _invert(covariance, shaken, noise, n, inverse)
            traces[1:] = 0.0
            for i in range(n):
                for j in range(n):
                    traces[1] += inverse[i, j] * covariance[i, j]
                    traces[2] += inverse[i, j] * bent[i, j]
                    traces[3] += inverse[i, j] * shaken[i, j]
        found[run] = traces
        for axis in range(2):
            for i in range(n):
                white[i] = 0.0
                for j in range(n):
                    white[i] += inverse[i, j] * moves[run, j, axis]
            turned[:] = 0.0
            for i in range(n):
                turned[0] += white[i] * moves[run, i, axis]
                for j in range(n):
                    both = white[i] * white[j]
                    turned[1] -= both * covariance[i, j]
                    turned[2] -= both * bent[i, j]
                    turned[3] -= both * shaken[i, j]
            found[run] += turned / 2
    return found


@numba.njit(cache=True, nogil=True)
def _cover(times, spread, n, into):  # type: ignore[no-untyped-def]
    """Fill in the covariance of moves between places at given times, by the mean square displacement."""
    for i in range(n):
        for j in range(i + 1):
            a, b, c, d = times[i], times[i + 1], times[j], times[j + 1]
            into[i, j] = (spread[abs(b - c)] + spread[abs(a - d)] - spread[abs(b - d)] - spread[abs(a - c)]) / 2
            into[j, i] = into[i, j]


@numba.njit(cache=True, nogil=True)
def _shake(variances, n, into):  # type: ignore[no-untyped-def]
    """Fill in what localisation adds: each place is the end of one move and the start of the next."""
    into[:n, :n] = 0.0
    for i in range(n):
        into[i, i] = variances[i] + variances[i + 1]
        if i + 1 < n:
            into[i, i + 1] = into[i + 1, i] = -variances[i + 1]


@numba.njit(cache=True, nogil=True)
def _invert(covariance, shaken, noise, n, into):  # type: ignore[no-untyped-def]
    """Fill in the inverse of a covariance with noise, by Cholesky, and return its determinant's logarithm."""
    factor, other = np.zeros((n, n)), np.zeros((n, n))
    determinant = 0.0
    for i in range(n):
        for j in range(i + 1):
            rest = covariance[i, j] + noise * shaken[i, j]
            for k in range(j):
                rest -= factor[i, k] * factor[j, k]
            if i > j:
                factor[i, j] = rest / factor[j, j]
            elif rest > 0:
                factor[i, i] = np.sqrt(rest)
                determinant += 2 * np.log(factor[i, i])
            else:
                into[:n, :n] = 0.0
                return np.inf
    for j in range(n):  # the factor's inverse, a column a row
        other[j, j] = 1 / factor[j, j]
        for i in range(j + 1, n):
            rest = 0.0
            for k in range(j, i):
                rest -= factor[i, k] * other[j, k]
            other[j, i] = rest / factor[i, i]
    for i in range(n):
        for j in range(i + 1):
            rest = 0.0
            for k in range(i, n):
                rest += other[i, k] * other[j, k]
            into[i, j] = into[j, i] = rest
    return determinant


def least_noise(spread: np.ndarray) -> float:
    """Return the variance of localisation over the scale, below 0, that motion of a spread at `LAGS` can just stand.

    The spectrum of moves at the highest frequency is where noise below 0 takes most away.
    """
    after = (spread[2:] + spread[:-2] - 2 * spread[1:-1]) / 2
    signs = np.where(np.arange(1, _TERMS + 1) % 2, -1.0, 1.0)
    signs[-1] /= 2  # the mean of the last two sums of an alternating series
    return -_ROOM * float(spread[1] + 2 * (signs * after).sum()) / 4


def blurred_msd(lags: np.ndarray, exponent: float, share: float) -> np.ndarray:
    """Return the mean square displacement along an axis of fractional motion with an open shutter, 1 after a frame.

    After Backlund, Joyner and Moerner (2015), without noise. For an exponent of 1 it is ``lag - share / 3``.

    Parameters
    ----------
    lags : (n,) array
        In frames.
    exponent : float
    share : float
        Of a frame in which the shutter is open.
    """
    lags = np.asarray(lags, float)
    if share < 0.001:  # differences of powers drown in rounding
        return np.where(lags > 0, np.where(lags > 0, lags, 1.0) ** exponent, 0.0)
    power, norm = exponent + 2, (exponent + 1) * (exponent + 2)
    differences = (lags + share) ** power + np.abs(lags - share) ** power - 2 * lags**power
    blurred = differences / (share**2 * norm) - 2 * share**exponent / norm
    return np.where(lags > 0, blurred, 0.0)
