"""Which detections are false, and where: by their own `q`, and by what is seen at the same place again and again."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.spatial import cKDTree

_UNLIKELY, _SURELY = 1e-4, 0.99
"""No detection is so sure that its `q` could not be wrong once in ten thousand, nor so doubtful."""

_NEAR = 1.5
"""What stays at its place is seen within so many pixels of it."""

_FRAMES = 60
"""Frames, spread over the film, that are searched for what stays."""

_DOUBTFUL = 0.02
"""Detections that are false with a smaller chance are no clutter."""


def chances(q: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the chance of each detection to be false, (n,), by the share of noise among all as sure as it or surer.

    As many as `q` times its rank in its frame are expected to be noise among those as sure as it or surer; by how much
    that grows from one detection to the next is the next one's own chance, the more the less sure it is.

    Parameters
    ----------
    q : ndarray (n,)
    step : ndarray (n,) of int
        Its frame, ascending.

    Examples
    --------
    >>> chances(np.array([0.01, 0.1, 0.2]), np.zeros(3, int)).round(2).tolist()
    [0.01, 0.19, 0.4]
    """
    if not len(q):
        return q
    order = np.lexsort((q, step))
    _, starts, counts = np.unique(step, return_index=True, return_counts=True)
    rank = np.empty(len(q))
    rank[order] = np.arange(1, len(q) + 1) - np.repeat(starts, counts)
    noise = q * rank
    surest = np.argsort(noise, kind="stable")
    grown = np.diff(len(starts) * noise[surest], prepend=0.0)
    false = np.empty(len(q))
    false[surest] = isotonic_regression(grown).x
    return np.clip(false, _UNLIKELY, _SURELY)


def gathered(y: np.ndarray, x: np.ndarray, step: np.ndarray, false: np.ndarray, area: float) -> np.ndarray:
    """Return how many times as often as elsewhere something false is seen at each place in other frames, (n,), from 1.

    Folds of the background and hot pixels stay where they are, so their detections line up as those of a particle do.

    Parameters
    ----------
    y, x : ndarray (n,)
    step : ndarray (n,) of int
    false : ndarray (n,)
        Chance of each detection to be false.
    area : float
        Of the field, in px².
    """
    more = np.ones(len(y))
    mine = np.flatnonzero(false > _DOUBTFUL)
    frames = np.unique(step)
    looked = frames[np.unique(np.linspace(0, len(frames) - 1, _FRAMES).astype(int))]
    usual = false[mine].sum() / len(frames) / area
    places = np.column_stack([y, x])
    seen, searched = np.zeros(len(mine)), np.full(len(mine), len(looked)) - np.isin(step[mine], looked)
    for frame in looked:
        there = mine[step[mine] == frame]
        if len(there):
            distance, which = cKDTree(places[there]).query(places[mine], distance_upper_bound=_NEAR)
            hit = np.isfinite(distance) & (step[mine] != frame)
            seen[hit] += false[there[which[hit]]]
    local = (seen + usual * np.pi * _NEAR**2) / (searched + 1) / (np.pi * _NEAR**2)
    more[mine] = np.maximum(local / max(usual, 1e-12), 1.0)
    return more
