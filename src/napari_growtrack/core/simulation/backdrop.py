"""What lies behind particles, in compiled code: uneven light, and a texture as cells have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..packages.compiling import numba
from .chance import at, keyed, normals

_FINE = 4.0
"""How many times finer the second scale of a texture is."""
_PARTS = 0.8, 0.6
"""How strong the two are; the squares add up to 1."""
_SPREAD = 0.479
"""Standard deviation of normal numbers after a cubic B-spline has smoothed them along both axes."""


@numba.njit(nogil=True)
def shade(image: np.ndarray, vignetting: float) -> None:
    """Darken an image towards its corners, by the square of the distance from its middle."""
    height, width = image.shape
    y, x = (height - 1) / 2, (width - 1) / 2
    loss = vignetting / max(y * y + x * x, 1.0)
    for i in range(height):
        left, slope = np.float32(1 - loss * (i - y) ** 2), np.float32(loss)
        for j in range(width):
            dx = np.float32(j - x)
            image[i, j] *= left - slope * dx * dx


@numba.njit(nogil=True)
def weave(image: np.ndarray, strength: float, size: float, key: float) -> None:
    """Multiply an image by 1 and a smooth random field of so great a standard deviation, or 0 where that is below."""
    height, width = image.shape
    field = np.zeros((height, width), np.float32)
    for scale in range(2):
        spacing = size if scale == 0 else max(size / _FINE, 1.0)
        _add_field(field, strength * _PARTS[scale] / _SPREAD, spacing, keyed(key, 4 + scale))
    for i in range(height):
        for j in range(width):
            image[i, j] *= max(np.float32(1) + field[i, j], np.float32(0.0))


@numba.njit(nogil=True)
def _add_field(field: np.ndarray, scale: float, spacing: float, counter: Any) -> None:
    """Add normal numbers on a grid, smoothed by a cubic B-spline: first along each row of the grid, then across."""
    height, width = field.shape
    phase = at(counter, 0)
    top = np.float64(np.int64(phase & np.uint64(0xFFFF))) / 65536
    left = np.float64(np.int64((phase >> np.uint64(16)) & np.uint64(0xFFFF))) / 65536
    rows, columns = int((height - 1) / spacing + top) + 4, int((width - 1) / spacing + left) + 4
    lines, nodes = np.zeros((rows, width), np.float32), np.empty(columns + 1, np.float32)
    node, weights = np.empty(width, np.int32), np.empty((4, width), np.float32)
    for j in range(width):
        node[j] = _bspline(j / spacing + left, weights[:, j])
    for r in range(rows):
        for c in range(0, columns, 2):
            nodes[c], nodes[c + 1] = normals(at(counter, 1 + (r << 32 | c)))
        line = lines[r]
        for j in range(width):
            n = node[j]
            line[j] = (
                weights[0, j] * nodes[n]
                + weights[1, j] * nodes[n + 1]
                + weights[2, j] * nodes[n + 2]
                + weights[3, j] * nodes[n + 3]
            )
    down = np.empty(4, np.float32)
    for i in range(height):
        r, row = _bspline(i / spacing + top, down), field[i]
        down *= np.float32(scale)
        a, b, c, d = lines[r], lines[r + 1], lines[r + 2], lines[r + 3]
        for j in range(width):
            row[j] += down[0] * a[j] + down[1] * b[j] + down[2] * c[j] + down[3] * d[j]


@numba.njit(nogil=True)
def _bspline(place: float, weights: np.ndarray) -> int:
    """Fill in how much each of four nodes counts at a place; return the first of them."""
    first = int(place)
    t = place - first
    weights[0] = (1 - t) ** 3 / 6
    weights[1] = (4 - 6 * t * t + 3 * t**3) / 6
    weights[2] = (1 + 3 * t + 3 * t * t - 3 * t**3) / 6
    weights[3] = t**3 / 6
    return first
