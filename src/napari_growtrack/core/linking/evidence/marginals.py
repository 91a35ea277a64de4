"""How sure a link is: its share among all ways to assign detections to particles, each by its likelihood."""

from __future__ import annotations

import numpy as np

_ROUNDS, _SETTLED = 50, 1e-3


def link_chances(
    i: np.ndarray, j: np.ndarray, weight: np.ndarray, particles: int, detections: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the chance of each possible link, (n,), and that of each detection to be linked to none.

    By belief propagation, which converges for assignments (Williams and Lau, IEEE Trans. Aerosp. Electron. Syst. 50,
    2942, 2014).

    Parameters
    ----------
    i, j : ndarray (n,) of int
        Particle and detection.
    weight : ndarray (n,)
        Likelihood of the link, over that of neither of them being linked.
    particles, detections : int

    Examples
    --------
    >>> chances, alone = link_chances(np.array([0, 0]), np.array([0, 1]), np.array([2.0, 1.0]), 1, 2)
    >>> chances.tolist(), alone.tolist()
    ([0.5, 0.25], [0.5, 0.75])
    """
    back = np.ones(len(i))
    for _ in range(_ROUNDS):
        pulled = weight * back
        there = weight / (1 + np.bincount(i, pulled, particles)[i] - pulled)
        new = 1 / (1 + np.bincount(j, there, detections)[j] - there)
        settled = np.abs(new - back).max(initial=0.0) < _SETTLED
        back = new
        if settled:
            break
    pulled = weight * back
    chances = pulled / (1 + np.bincount(i, pulled, particles)[i])
    return chances, 1 - np.minimum(np.bincount(j, chances, detections), 1)
