"""Random numbers from a counter: several to the time of one of numpy's, and the same for a pixel whenever it is asked.

A counter's bits are mixed (Steele, Lea and Flood 2014, SplitMix64). Normal numbers are read from tabulated quantiles,
between which they are interpolated; what lies beyond the outermost of those is drawn from the tail itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from ..packages.compiling import numba

_CELLS = 4096
_FIRST, _LAST = 1, _CELLS - 2
_QUANTILES = ndtri(np.clip(np.arange(_CELLS + 1), 0.2, _CELLS - 0.2) / _CELLS).astype(np.float32)
_TAIL = float(ndtri(1 - 1 / _CELLS))
STEP = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64(0xFFFFFFFF)


@numba.njit(nogil=True)
def mixed(counter: Any) -> Any:
    """Return the 64 random bits of a counter."""
    counter = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    counter = (counter ^ (counter >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return counter ^ (counter >> np.uint64(31))


@numba.njit(nogil=True)
def keyed(key: float, number: int) -> Any:
    """Return the counter that belongs to a key, 0 to 1, and one of the things that it decides."""
    return mixed(np.uint64(key * 2.0**53) + np.uint64(number + 1) * STEP)


@numba.njit(nogil=True)
def at(counter: Any, place: int) -> Any:
    """Return the 64 random bits that belong to a place."""
    return mixed(counter + np.uint64(place) * STEP)


@numba.njit(nogil=True)
def begun(rng: np.random.Generator) -> Any:
    """Return a counter that a generator has chosen."""
    return mixed(np.uint64(rng.random() * 2.0**53))


@numba.njit(nogil=True)
def share(bits: Any) -> float:
    """Return a number from 0 to below 1."""
    return np.float64(np.int64(bits >> np.uint64(11))) * 2.0**-53


@numba.njit(nogil=True)
def shares(bits: Any) -> tuple[float, float]:
    """Return two numbers from 0 to below 1, of 32 bits each."""
    return np.float64(np.int64(bits >> np.uint64(32))) * 2.0**-32, np.float64(np.int64(bits & _LOW)) * 2.0**-32


@numba.njit(nogil=True)
def normals(bits: Any) -> tuple[float, float]:
    """Return two normal numbers."""
    return _normal(bits >> np.uint64(32)), _normal(bits & _LOW)


@numba.njit(nogil=True)
def _normal(bits: Any) -> Any:
    """Return the normal number of 32 bits."""
    cell = np.int64(bits >> np.uint64(20))
    part = np.float32(np.int64(bits & np.uint64(0xFFFFF))) * np.float32(2.0**-20)
    if _FIRST <= cell <= _LAST:
        return _QUANTILES[cell] + part * (_QUANTILES[cell + 1] - _QUANTILES[cell])
    beyond = np.float32(np.sqrt(_TAIL * _TAIL - 2 * np.log(1.0 - part)))
    return beyond if cell else -beyond


@numba.njit(nogil=True)
def fill_normals(numbers: np.ndarray, counter: Any) -> Any:
    """Fill an array, all but perhaps its last, with normal numbers, and return the counter."""
    for j in range(0, len(numbers) - 1, 2):
        counter += STEP
        numbers[j], numbers[j + 1] = normals(mixed(counter))
    return counter
