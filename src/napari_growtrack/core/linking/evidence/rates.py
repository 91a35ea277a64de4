"""How often particles appear, vanish, hide and are mistaken: numbers of a film that links are weighed with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.spatial import cKDTree

_NEIGHBOURS, _MOST_HIDDEN, _ALONE = 3, 0.8, 0.2
"""So many neighbours may hide a particle, together at most so often; and by so much less than all one alone hides."""


@dataclass(frozen=True, eq=False)
class Rates:
    """How detections come and go.

    Attributes
    ----------
    first : float
        Particles on a pixel of the first frame.
    birth : float
        Particles that appear on a pixel in a frame.
    death : float
        Chance that a particle is gone in the next frame for good.
    hide : float or ndarray (n,)
        Chance that one that was detected is there in the next frame, but not detected; see `crowded`.
    show : float
        Chance that one that was not detected, but is there, is detected in the next frame.
    noise : ndarray (n,)
        False detections on a pixel of a frame that look like each detection.
    near : float
        How near each other two particles are one detection, in pixels.
    """

    first: float
    birth: float
    death: float
    hide: float | np.ndarray
    show: float
    noise: np.ndarray
    near: float = 0.0

    def seen(self, alive: np.ndarray, missed: np.ndarray) -> np.ndarray:
        """Return the chance to be detected in the next frame, by that to be alive and whether it is missed now."""
        return (1 - self.death) * alive * np.where(missed, self.show, 1 - self.hide)

    def after_miss(self, alive: np.ndarray, missed: np.ndarray) -> np.ndarray:
        """Return the chance to be alive, though not detected in the next frame."""
        there = (1 - self.death) * alive * np.where(missed, 1 - self.show, self.hide)
        gone = 1 - (1 - self.death) * alive
        return there / np.maximum(there + gone, 1e-300)

    def crowded(self, y: np.ndarray, x: np.ndarray, variance: np.ndarray) -> Self:
        """Return the rates of particles one by one: each hides more often the nearer its neighbours may be.

        Parameters
        ----------
        y, x, variance : ndarray (n,)
            Where each particle is expected, in pixels, and the variance of that along an axis.
        """
        number = min(_NEIGHBOURS + 1, len(y))
        if not self.near or number < 2:
            return self
        places = np.column_stack([y, x])
        distance, other = (each[:, 1:] for each in cKDTree(places).query(places, k=number))
        both = variance[:, None] + variance[other]
        meet = (1 - np.exp(-(self.near**2) / (2 * both))) * np.exp(-(distance**2) / (2 * both + self.near**2 / 2))
        hidden = 0.5 * meet.sum(1)  # one of the two is
        alone = max(self.hide - hidden.mean(), _ALONE * self.hide)
        return replace(self, hide=np.minimum(alone + hidden, _MOST_HIDDEN))

    def of(self, some: np.ndarray) -> Self:
        """Return the rates of some of the particles."""
        return replace(self, hide=self.hide[some]) if isinstance(self.hide, np.ndarray) else self
