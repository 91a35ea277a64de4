"""What a significance means: by how many standard errors light stands out, as often as even noise says.

Noise of few photons, and of electrons that are multiplied, leans towards bright pixels, and a particle of few pixels
averages less of that away: nothing but noise would then show 10 standard errors once a frame. How far it leans is
measured on the frame, and taken out.
"""

from __future__ import annotations

import numpy as np

from ...packages.compiling import numba

SURE = 8.0
"""What stands out by more is no noise, however noise leans, and is left out where that is measured."""
_LEANS_AT_MOST = 2.0
"""Skewness of pixels: that of electrons multiplied from one photon a pixel. More comes of hot pixels, not of noise."""
_LEFT_OF_SKEWNESS = 0.67
"""Of a pixel less the mean of its four neighbours: (1 - 4 / 64) / (1 + 4 / 16)**1.5."""
_OF_FEW_PIXELS = 1.4
"""How much more the light of few pixels leans than their weighted sum says: with 1, frames of multiplied electrons
without particles show 3.5 times the ghosts at 4 px that they show unenlarged, with this half as many as unenlarged."""
_COST = 100.0
_FEWEST_PIXELS = 500
"""The third moment of fewer is a guess: its standard error is the root of 6 over their number, 0.1."""
_ENOUGH_PIXELS = 40_000


def skewness(frame: np.ndarray, places: np.ndarray, half: float) -> float:
    """Return the skewness of a frame's noise, 0 to 2, apart from some places; 0 where few pixels are left.

    Of pixels less their neighbours' mean, so that uneven light does not count.

    Parameters
    ----------
    frame : ndarray (Y, X)
    places : ndarray (n, 2)
        Of sure particles.
    half : float
        How far around them pixels are left out.
    """
    corners = np.rint(places).astype(np.int64)
    number, variance, third = _moments(np.ascontiguousarray(frame, np.float32), corners, int(np.ceil(half)) + 1)
    if number < _FEWEST_PIXELS or variance <= 0:
        return 0.0
    return float(np.clip(third / variance**1.5 / _LEFT_OF_SKEWNESS, 0, _LEANS_AT_MOST))


@numba.njit(nogil=True, cache=True)
def _moments(frame: np.ndarray, places: np.ndarray, wide: int) -> tuple[int, float, float]:
    """Return of how many pixels, at most some 40 000, the variance and the third moment about the mean."""
    rows, columns = frame.shape
    taken = np.zeros(frame.shape, np.bool_)
    for y, x in places:
        taken[max(0, y - wide) : max(0, y + wide + 1), max(0, x - wide) : max(0, x + wide + 1)] = True
    step = max(1, rows * columns // _ENOUGH_PIXELS)
    number, s1, s2, s3 = 0, 0.0, 0.0, 0.0
    for i in range(1, rows - 1, step):
        for j in range(1, columns - 1):
            if not taken[i, j]:
                around = frame[i - 1, j] + frame[i + 1, j] + frame[i, j - 1] + frame[i, j + 1]
                off = float(frame[i, j]) - float(around) / 4
                number += 1
                s1 += off
                s2 += off * off
                s3 += off * off * off
    if number == 0:
        return 0, 0.0, 0.0
    mean, square = s1 / number, s2 / number
    return number, square - mean * mean, s3 / number - 3 * mean * square + 2 * mean**3


def even(significances: np.ndarray, lean: np.ndarray) -> np.ndarray:
    """Return the significances that even noise exceeds as often as noise of some skewness exceeds these.

    By the deviance of a gamma distribution of that skewness, whose shape is four over its square.

    Parameters
    ----------
    significances, lean : ndarray (n,)
        The latter is the skewness of each particle's light.
    """
    lean = np.maximum(lean, 1e-3)
    above = lean / 2 * significances
    return np.sqrt(2 * np.maximum(above - np.log1p(above), 0)) * 2 / lean


def lean_of_light(lean: float, profile: np.ndarray, radius: np.ndarray, usual: float) -> np.ndarray:
    """Return the skewness of particles' light, (n,), from that of pixels.

    Parameters
    ----------
    lean : float
        Of pixels.
    profile : ndarray (rows, columns)
        A particle's profile, at its usual radius: its light is a sum of pixels so weighted.
    radius : ndarray (n,)
    usual : float
        Both in pixels: narrower ones average less of it away.
    """
    kept = float((profile**3).sum() / (profile**2).sum() ** 1.5)
    return np.minimum(_OF_FEW_PIXELS * kept * usual / radius, 1.0) * lean


def less_unusual(significances: np.ndarray, radius: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return significances that are worth less where a particle's radius is unusual in its frame.

    As much as the odds: the square of a significance is twice the logarithm of those that noise gives such light, and
    the square of how far the radius is off, in standard deviations, is twice that of such a radius. What stands out
    by 12 still does by 6.6: there may be other particles than most.

    Parameters
    ----------
    significances, radius : ndarray (n,)
    usual : ndarray
        Mean and variance of radii come first.
    """
    cost = np.minimum((radius - usual[0]) ** 2 / usual[1], _COST)
    return np.sqrt(np.maximum(significances**2 - cost, 0))
