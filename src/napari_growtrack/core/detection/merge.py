"""Bring many opinions to one a particle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from .windows import Looks

_FEW = 400


def merge(looks: Looks, radius: float) -> np.ndarray:
    """Keep the surest of all looks whose positions lie within a radius (thesis 4.2.2).

    Returns
    -------
    ndarray of int
        Indices of the looks kept, surest (smallest distance) first.
    """
    if not len(looks):
        return np.empty(0, int)
    neighbours = _neighbours(looks.positions, radius)
    waiting = np.ones(len(looks), bool)
    kept = []
    for i in np.argsort(looks.distances, kind="stable"):
        if waiting[i]:
            kept.append(i)
            waiting[neighbours(i)] = False
    return np.array(kept)


def _neighbours(positions: np.ndarray, radius: float) -> Callable[[int], Any]:
    """Return a function that gives all positions near one of them: by a table if there are few, else by a tree."""
    if len(positions) <= _FEW:
        near = cdist(positions, positions) <= radius
        return lambda i: near[i]
    tree = cKDTree(positions)
    return lambda i: tree.query_ball_point(positions[i], radius)


def agree(looks: Looks, votes: int, radius: float) -> tuple[Looks, np.ndarray]:
    """Combine the votes around each centre.

    Votes within a radius of the votes' median are averaged; a window that
    sees another particle nearer to it is left out.

    Parameters
    ----------
    looks : Looks
        ``n * votes`` of them, those of one centre in a row.
    votes : int
    radius : float
        In pixels.

    Returns
    -------
    Looks (n)
        Mean positions. The distance is how much farther away than the common
        position the windows on average believe the particle to be: near 0
        where they are sure, several pixels where there is nothing.
    ndarray (n,) of int
        How many votes agreed.
    """
    positions = looks.positions.reshape(-1, votes, 2)
    centres = looks.centres.reshape(-1, votes, 2)
    middle = np.median(positions, axis=1, keepdims=True)
    near = np.hypot(*np.moveaxis(positions - middle, -1, 0)) <= radius
    near |= ~near.any(1, keepdims=True)  # nobody agrees: nothing is there, and the distance will say so
    weight = near / near.sum(1, keepdims=True)
    mean = (positions * weight[..., None]).sum(1)
    implied = np.hypot(*np.moveaxis(mean[:, None] - centres, -1, 0))
    excess = ((looks.distances.reshape(-1, votes) - implied) * weight).sum(1)
    return Looks(centres.mean(1), mean, np.maximum(excess, 0)), near.sum(1)
