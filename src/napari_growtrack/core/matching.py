"""Pair true with found positions, one to one."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

WITHIN = 5.0
"""Farthest that a found position may be from the true one, in pixels."""


def spread(values: np.ndarray) -> float:
    """Return half the width that holds 68 % of some values: for normal ones, their standard deviation."""
    low, high = np.percentile(values, (16, 84))
    return float(high - low) / 2


def match(truth: np.ndarray, found: np.ndarray, within: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair as many positions as possible, at the least total distance.

    Parameters
    ----------
    truth : ndarray (n, 2)
    found : ndarray (m, 2)
    within : float
        Farthest a pair may be apart, in pixels.

    Returns
    -------
    rows, columns : ndarray (k,) of int
        Indices into `truth` and `found` of each pair.
    distances : ndarray (k,)
        In pixels.
    """
    if not len(truth) or not len(found):
        nothing = np.empty(0, int)
        return nothing, nothing, np.empty(0)
    distances = cdist(truth, found)
    too_far = (min(len(truth), len(found)) + 1) * within + 1  # one such pair costs more than all good ones
    rows, columns = linear_sum_assignment(np.where(distances <= within, distances, too_far))
    good = distances[rows, columns] <= within
    rows, columns = rows[good], columns[good]
    return rows, columns, distances[rows, columns]
