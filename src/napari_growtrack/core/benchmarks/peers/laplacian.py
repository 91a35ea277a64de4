"""Spots as maxima of the Laplacian of a Gaussian, brought to fractions of a pixel by a parabola along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_laplace, maximum_filter

from .tuning import Baseline

SIGMAS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0)
_SIDE = 5  # px; of 3 to 11, the one that loses least in crowds without doubling dim spots


@dataclass(frozen=True)
class Laplacian:
    """A locator of spots about as wide as a Gaussian.

    Attributes
    ----------
    sigma : float
        Of the Gaussian, in pixels.
    dark : bool
        Whether dark spots are found as well as bright ones.
    """

    sigma: float
    dark: bool = False

    def __call__(self, frame: np.ndarray, least: float = 0.0) -> pd.DataFrame:
        """Return ``y, x, strength``; the strength is the response in the frame's own unit of intensity."""
        response = -(self.sigma**2) * gaussian_laplace(frame, self.sigma)
        response = np.abs(response) if self.dark else response
        peaks = (response == maximum_filter(response, _SIDE)) & (response > least)
        y, x = np.nonzero(peaks)
        around = np.pad(response, 1, mode="edge").astype(float)
        return pd.DataFrame(
            {
                "y": y + _vertex(around[y, x + 1], around[y + 1, x + 1], around[y + 2, x + 1]),
                "x": x + _vertex(around[y + 1, x], around[y + 1, x + 1], around[y + 1, x + 2]),
                "strength": response[y, x].astype(float),
            }
        )

    def __str__(self) -> str:
        return f"sigma {self.sigma:g}"


def laplacian_baseline(dark: bool = False, sigmas: Sequence[float] = SIGMAS) -> Baseline:
    """Return the baseline with these sigmas in pixels, by default from 1.5 to 8."""
    return Baseline("LoG + parabola", tuple(Laplacian(sigma, dark) for sigma in sigmas))


def _vertex(before: np.ndarray, middle: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where the parabola through three neighbours is highest, from -0.5 to 0.5 px off the middle one."""
    bend = before - 2 * middle + after
    return np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
