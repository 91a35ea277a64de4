"""What detection asks of a network; a grown network has it, and so has a twenty-line fake."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..normalisation import Normalisation


class StagedNetwork(Protocol):
    """Anything that answers windows at several stages."""

    @property
    def window(self) -> int:
        """Odd side of a window, in pixels as the network sees them."""

    @property
    def step(self) -> int:
        """Distance of neighbouring windows in an answer, in pixels as the network sees them."""

    @property
    def stages(self) -> int:
        """How many stages there are; they count from 1."""

    @property
    def normalisation(self) -> Normalisation:
        """How intensities are scaled before the network sees them."""

    @property
    def zoom(self) -> float:
        """How much larger the network sees a frame than it is; 1 for most."""

    def answer(self, images: np.ndarray, stage: int) -> np.ndarray:
        """Answer all aligned windows of images (n, Y, X) with (n, rows, columns, 3): y, x, distance in pixels.

        The window of row i and column j begins at pixel ``(step * i, step * j)``;
        ``y, x`` point from its centre to the nearest particle.
        """
