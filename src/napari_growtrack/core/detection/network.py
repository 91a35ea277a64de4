"""What detection asks of a network; a grown network has it, and so has a twenty-line fake."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..films.normalisation import Normalisation


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
        """How many stages there are."""

    @property
    def normalisation(self) -> Normalisation:
        """How intensities are scaled before the network sees them."""

    @property
    def zoom(self) -> float:
        """How much larger the network sees a frame than it is; 1 for most."""

    def answer(self, images: np.ndarray, stage: int) -> np.ndarray:
        """Answer all aligned windows of images (n, Y, X) with (n, rows, columns, 3 or 4).

        The window of row i and column j begins at pixel ``(step * i, step * j)``;
        its answer is ``y, x, distance``, in pixels, where ``y, x`` point from its
        centre to the nearest particle, and perhaps the logarithm of how far off
        they may be.
        """


class FittingNetwork(StagedNetwork, Protocol):
    """A network that knows what its particles look like, and can fit them."""

    def fit(self, frame: np.ndarray, positions: np.ndarray, farthest: float) -> tuple[np.ndarray, ...]:
        """Fit particles to a frame (Y, X) of the film, beginning where they were found.

        Returns positions (n, 2) in pixels of the film, their standard errors
        along one axis, and by how many standard errors each particle stands out
        of its background; nan where the fit failed or ended farther away. What
        `tables.MEASURES` names, (n, 8), may follow, and then which of the given
        positions each was found at: those first, and second particles at the same
        places after them.
        """
