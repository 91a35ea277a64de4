"""The artefacts of compressed video, in compiled code: blocks of 8 x 8 pixels whose cosines are rounded."""

from __future__ import annotations

import numpy as np

from ..packages.compiling import numba

_SIDE = 8
_WAVE = np.sqrt(2 / _SIDE) * np.cos(np.pi * np.arange(_SIDE)[:, None] * (2 * np.arange(_SIDE) + 1) / (2 * _SIDE))
_WAVE[0] /= np.sqrt(2)
_FORTH = _WAVE.astype(np.float32)
_BACK = np.ascontiguousarray(_FORTH.T)
_ROUND = 1 / 3
"""Below two thirds of a step, a cosine is left out, as encoders do."""
_WHITE = 255


@numba.njit(nogil=True, cache=True)
def compress(image: np.ndarray, step: float, black: float, white: float) -> None:
    """Pass an image through a video codec.

    Parameters
    ----------
    image : ndarray (Y, X) float32
    step : float
        To multiples of what amplitudes of cosines are rounded, in the codec's 255 levels of grey.
    black, white : float
        Intensities that become its darkest and brightest level.
    """
    height, width = image.shape
    blocks = (width + _SIDE - 1) // _SIDE
    one, other = np.empty((_SIDE, blocks * _SIDE), np.float32), np.empty((_SIDE, blocks * _SIDE), np.float32)
    levels = np.float32(_WHITE / (white - black))
    for top in range(0, height, _SIDE):
        for i in range(_SIDE):
            row, line = image[min(top + i, height - 1)], one[i]
            for j in range(width):
                line[j] = (row[j] - np.float32(black)) * levels
            line[width:] = line[width - 1]
        _across(one, other, _FORTH)
        _along(other, one, _BACK)
        _round(one, np.float32(step))
        _across(one, other, _BACK)
        _along(other, one, _FORTH)
        for i in range(min(_SIDE, height - top)):
            row, line = image[top + i], one[i]
            for j in range(width):
                level = min(max(np.rint(line[j]), np.float32(0)), np.float32(_WHITE))
                row[j] = level / levels + np.float32(black)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _across(lines: np.ndarray, out: np.ndarray, wave: np.ndarray) -> None:
    """Transform each column of eight rows."""
    for k in range(_SIDE):
        a, b, c, d, e, f, g, h = wave[k]
        row = out[k]
        for j in range(lines.shape[1]):
            row[j] = (
                a * lines[0, j]
                + b * lines[1, j]
                + c * lines[2, j]
                + d * lines[3, j]
                + e * lines[4, j]
                + f * lines[5, j]
                + g * lines[6, j]
                + h * lines[7, j]
            )


@numba.njit(nogil=True, cache=True, fastmath=True)
def _along(lines: np.ndarray, out: np.ndarray, wave: np.ndarray) -> None:
    """Transform each eight pixels of eight rows; `wave` is that of `_across` the other way round."""
    for i in range(_SIDE):
        for first in range(0, lines.shape[1], _SIDE):
            part, to = lines[i, first : first + _SIDE], out[i, first : first + _SIDE]
            for u in range(_SIDE):
                to[u] = part[0] * wave[0, u]
            for j in range(1, _SIDE):
                for u in range(_SIDE):
                    to[u] += part[j] * wave[j, u]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _round(lines: np.ndarray, step: float) -> None:
    for i in range(_SIDE):
        line = lines[i]
        for j in range(lines.shape[1]):
            steps = np.floor(abs(line[j]) / step + np.float32(_ROUND)) * step
            line[j] = steps if line[j] > 0 else -steps
