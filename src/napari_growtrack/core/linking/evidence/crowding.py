"""Particles so near to each other that they are one detection: how near that is, and how likely."""

from __future__ import annotations

import numpy as np

_NEAR = 2.7
"""Two spots become one at about two sigma, by Sparrow; a spot's radius is 0.75 sigma."""

_BRIGHT, _EVEN = 1.4, 0.3
"""What is so many times as bright as others is two, where the middle two thirds differ by less than this part."""

_OFF = 0.5
"""Variance of the place of one of two merged particles along an axis, in units of the square of how near they are: of
0.12 to 0.5 what links best, by our detections on PTC-like films."""


def resolution(radius: np.ndarray | None) -> float:
    """Return how near two particles are one detection, in pixels, by their radii, (n,); 0 where nobody tells."""
    if radius is None or not np.isfinite(radius).any():
        return 0.0
    return _NEAR * float(np.nanmedian(radius))


def blurred(variance: np.ndarray, signal: np.ndarray | None, near: float) -> np.ndarray:
    """Return variances of positions, larger where the light is that of two particles, (n,)."""
    if signal is None or not near:
        return variance
    low, middle, high = np.nanpercentile(signal, (16, 50, 84))
    if not high - low < 2 * _EVEN * middle:
        return variance
    return variance + np.where(signal > _BRIGHT * middle, _OFF * near**2, 0.0)
