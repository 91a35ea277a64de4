"""Count photons: exact Poisson numbers, several times faster than numpy draws them.

A mean below 64 is a multiple of 1/8 and a rest, and the counts of both add up to one of the whole. Multiples are
counted by indexed inversion: a guide says where in their tabulated cumulative probabilities to start the search
(Devroye 1986, III.2.4). The rest counts nothing at least seven times in eight, which one comparison tells. Greater
means are counted by transformed rejection (Hörmann 1993, PTRS).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.special import pdtr

from ..packages.compiling import numba

Tables = tuple[np.ndarray, np.ndarray]

TOP_MEAN = 64
PER_UNIT = 8
ENTRIES = 256


@cache
def tables() -> Tables:
    """Make the tables for means below 64, a row for every eighth of a photon.

    Returns
    -------
    below : ndarray (means, counts) float64
        Probability of at most so many photons.
    start : ndarray (means, shares) uint8
        The least count for which it reaches each 256th share.
    """
    means = np.arange(TOP_MEAN * PER_UNIT) / PER_UNIT
    below = pdtr(np.arange(ENTRIES), means[:, None])  # each row ends with ones, so every search ends
    shares = np.arange(ENTRIES) / ENTRIES
    return below, np.stack([np.searchsorted(row, shares) for row in below]).astype(np.uint8)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def count_photons(
    image: np.ndarray, photons: float, seen: np.ndarray, tables: Tables, rng: np.random.Generator
) -> None:
    """Draw ``poisson(image * photons) / photons`` for every pixel of a flat image into `seen`; 0 stays 0."""
    below, start = tables
    for i in range(image.size):
        mean = image[i] * photons
        if mean >= TOP_MEAN:
            seen[i] = _by_rejection(mean, rng) / photons
            continue
        row = int(mean * PER_UNIT)
        rest = mean - row / PER_UNIT
        none = 1.0 - rest  # never more than exp(-rest), the probability that the rest counts nothing
        u, more = rng.random(), 0
        if u < none:
            u /= none  # evenly from 0 to below 1, as it was
        else:
            u, more = rng.random(), by_search(u, rest)
        count = np.int64(start[row, int(u * ENTRIES)])
        while u > below[row, count]:
            count += 1
        seen[i] = (count + more) / photons


@numba.njit(nogil=True, cache=True, error_model="numpy")
def by_search(u: float, mean: float) -> int:
    """Invert by adding up probabilities, for small means."""
    count, share = 0, math.exp(-mean)
    below = share
    while u > below and share > 1e-18:
        count += 1
        share *= mean / count
        below += share
    return count


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _by_rejection(mean: float, rng: np.random.Generator) -> float:
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    while True:
        u, v = rng.random() - 0.5, rng.random()
        edge = 0.5 - abs(u)
        count = np.floor((2 * a / edge + b) * u + mean + 0.43)
        if edge >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return count
        if count < 0 or (edge < 0.013 and v > edge):
            continue
        scale = (1.1239 + 1.1328 / (b - 3.4)) / (a / (edge * edge) + b)
        if math.log(v * scale) <= count * math.log(mean) - mean - math.lgamma(count + 1):
            return count
