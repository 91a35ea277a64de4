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


@numba.njit(nogil=True)
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
    blocks = -(-height // _SIDE) * -(-width // _SIDE)
    one, other = np.empty((_SIDE**2, blocks), np.float32), np.empty((_SIDE**2, blocks), np.float32)
    levels = np.float32(_WHITE / (white - black))
    _cut_up(image, one, np.float32(black), levels)
    _transform(one, other, _FORTH, 1)
    _transform(other, one, _FORTH, _SIDE)
    _round(one.reshape(-1), np.float32(step))
    _transform(one, other, _BACK, 1)
    _transform(other, one, _BACK, _SIDE)
    _put_together(one, image, np.float32(black), levels)


@numba.njit(nogil=True)
def _cut_up(image: np.ndarray, pixels: np.ndarray, black: np.float32, levels: np.float32) -> None:
    """Sort pixels by their place in a block, (64, blocks), where loops over blocks are fast; edges are repeated."""
    height, width = image.shape
    across = -(-width // _SIDE)
    for i in range(-(-height // _SIDE) * _SIDE):
        row, first = image[min(i, height - 1)], i // _SIDE * across
        for u in range(_SIDE):
            line = pixels[i % _SIDE * _SIDE + u, first : first + across]
            for b in range(across):
                line[b] = (row[min(_SIDE * b + u, width - 1)] - black) * levels


@numba.njit(nogil=True)
def _put_together(pixels: np.ndarray, image: np.ndarray, black: np.float32, levels: np.float32) -> None:
    height, width = image.shape
    across, size = -(-width // _SIDE), np.float32(1) / levels
    for i in range(height):
        row, first = image[i], i // _SIDE * across
        for u in range(_SIDE):
            line = pixels[i % _SIDE * _SIDE + u, first : first + across]
            for b in range((width - u + _SIDE - 1) // _SIDE):
                level = min(max(np.rint(line[b]), np.float32(0)), np.float32(_WHITE))
                row[_SIDE * b + u] = level * size + black


@numba.njit(nogil=True, fastmath=True)
def _transform(pixels: np.ndarray, out: np.ndarray, wave: np.ndarray, apart: int) -> None:
    """Transform all blocks along their rows, whose pixels are 1 apart, or along their columns, 8 apart."""
    for line in range(_SIDE):
        first = _SIDE * line if apart == 1 else line
        a, b, c, d = pixels[first], pixels[first + apart], pixels[first + 2 * apart], pixels[first + 3 * apart]
        last = first + 4 * apart
        e, f, g, h = pixels[last], pixels[last + apart], pixels[last + 2 * apart], pixels[last + 3 * apart]
        for k in range(_SIDE):
            to, w = out[first + k * apart], wave[k]
            w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
            for n in range(len(to)):
                near = w0 * a[n] + w1 * b[n] + w2 * c[n] + w3 * d[n]
                to[n] = near + w4 * e[n] + w5 * f[n] + w6 * g[n] + w7 * h[n]


@numba.njit(nogil=True, fastmath=True)
def _round(amplitudes: np.ndarray, step: np.float32) -> None:
    for n in range(len(amplitudes)):
        steps = np.floor(abs(amplitudes[n]) / step + np.float32(_ROUND))
        amplitudes[n] = np.copysign(steps * step, amplitudes[n])
