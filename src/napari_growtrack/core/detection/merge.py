"""Bring many opinions to one a particle."""

from __future__ import annotations

import numpy as np

from ..packages.compiling import numba
from .windows import Looks

_CELLS = 256


def merge(looks: Looks, radius: float) -> np.ndarray:
    """Keep the surest of all looks whose positions lie within a radius (thesis 4.2.2).

    Returns
    -------
    ndarray of int
        Indices of the looks kept, surest (smallest distance) first.
    """
    return _kept(looks, radius)[0]


def gather(looks: Looks, radius: float) -> np.ndarray:
    """Return one place for each group of looks within a radius of its surest: their mean, weighted by confidence.

    Returns
    -------
    ndarray (n, 2)
        ``(y, x)`` in pixels, surest first.
    """
    kept, owners = _kept(looks, radius)
    weights = looks.scales.astype(float) ** -2
    total = np.bincount(owners, weights, len(kept))
    sums = [np.bincount(owners, weights * axis, len(kept)) for axis in looks.positions.T]
    return np.stack(sums, 1) / total[:, None]


def _kept(looks: Looks, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices kept, and for every look which of those it went to."""
    order = np.argsort(looks.distances, kind="stable")
    return _greedy(np.ascontiguousarray(looks.positions, float), order, float(radius))


@numba.njit(nogil=True, cache=True)
def _greedy(positions: np.ndarray, order: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Keep positions in order, unless one kept before is near; those kept wait in cells, to be found quickly."""
    kept, owners = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    if not len(order):
        return kept, owners
    low_y, low_x = positions[:, 0].min(), positions[:, 1].min()
    wide = max(positions[:, 0].max() - low_y, positions[:, 1].max() - low_x)
    cell = max(radius, wide / _CELLS, 1e-6)
    side = int(wide / cell) + 3
    first, following = np.full((side, side), -1), np.full(len(order), -1)
    n = 0
    for i in order:
        a, b = int((positions[i, 0] - low_y) / cell) + 1, int((positions[i, 1] - low_x) / cell) + 1
        owner = -1
        for u in range(a - 1, a + 2):
            for v in range(b - 1, b + 2):
                k = first[u, v]
                while k >= 0:
                    dy, dx = positions[kept[k], 0] - positions[i, 0], positions[kept[k], 1] - positions[i, 1]
                    if dy * dy + dx * dx <= radius * radius and (owner < 0 or k < owner):
                        owner = k
                    k = following[k]
        if owner < 0:
            owner, kept[n] = n, i
            following[n], first[a, b] = first[a, b], n
            n += 1
        owners[i] = owner
    return kept[:n].copy(), owners


def agree(looks: Looks, votes: int, radius: float) -> tuple[Looks, np.ndarray]:
    """Combine the votes around each centre by their confidence.

    Votes within a radius of the votes' median are averaged, each weighted by
    the inverse square of its scale; a window that sees another particle nearer
    to it is left out.

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
        Mean positions, and their scales as if votes erred independently. The
        distance is how much farther away than the common position the windows
        on average believe the particle to be: near 0 where they are sure,
        several pixels where there is nothing.
    ndarray (n,) of int
        How many votes agreed.
    """
    positions = looks.positions.reshape(-1, votes, 2)
    centres = looks.centres.reshape(-1, votes, 2)
    middle = np.median(positions, axis=1, keepdims=True)
    near = np.hypot(*np.moveaxis(positions - middle, -1, 0)) <= radius
    near |= ~near.any(1, keepdims=True)  # nobody agrees: nothing is there, and the distance will say so
    confidence = near / looks.scales.reshape(-1, votes).astype(float) ** 2
    total = confidence.sum(1, keepdims=True)
    mean = (positions * (confidence / total)[..., None]).sum(1)
    implied = np.hypot(*np.moveaxis(mean[:, None] - centres, -1, 0))
    excess = ((looks.distances.reshape(-1, votes) - implied) * near).sum(1) / near.sum(1)
    return Looks(centres.mean(1), mean, np.maximum(excess, 0), total[:, 0] ** -0.5), near.sum(1)
