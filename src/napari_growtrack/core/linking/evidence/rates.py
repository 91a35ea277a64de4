"""How often particles appear, vanish, hide and are mistaken: numbers of a film that links are weighed with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    hide : float
        Chance that one that was detected is there in the next frame, but not detected.
    show : float
        Chance that one that was not detected, but is there, is detected in the next frame.
    noise : ndarray (n,)
        False detections on a pixel of a frame that look like each detection.
    """

    first: float
    birth: float
    death: float
    hide: float
    show: float
    noise: np.ndarray

    def seen(self, alive: np.ndarray, missed: np.ndarray) -> np.ndarray:
        """Return the chance to be detected in the next frame, by that to be alive and whether it is missed now."""
        return (1 - self.death) * alive * np.where(missed, self.show, 1 - self.hide)

    def after_miss(self, alive: np.ndarray, missed: np.ndarray) -> np.ndarray:
        """Return the chance to be alive, though not detected in the next frame."""
        there = (1 - self.death) * alive * np.where(missed, 1 - self.show, self.hide)
        gone = 1 - (1 - self.death) * alive
        return there / np.maximum(there + gone, 1e-300)
