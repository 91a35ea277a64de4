"""Bring frames of any camera to one scale; the same function serves training and use."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import ndimage

from ..packages.compiling import numba

Normalisation = Literal["standard", "unit"]
"""``standard``: zero mean, unit spread of the whole frame. ``unit``: 0 to 1 by the number type's full scale."""

_HOT_SPREADS = 6.0
_HOT_RANGES = 3.0
_STRIPED = 0.6
"""Correlation of two halves of a frame, in how levels of lines differ, from which on these are stripes."""
_LINES_LOOKED_AT = 32
_FEWEST_LINES = 32
_SMOOTH = 10.0
"""Levels of lines that change over more than about twice as many lines are light, not stripes."""


def normalise(
    frame: np.ndarray, how: Normalisation = "standard", full_scale: float = 1.0, margin: int = 0
) -> np.ndarray:
    """Return a frame on the scale that networks are trained on.

    Parameters
    ----------
    frame : ndarray (Y, X)
        Intensities in any unit.
    how : {"standard", "unit"}
        ``standard`` takes the mean away and divides by the standard deviation
        of the whole frame, so gain and offset of the camera do not matter. A
        constant frame becomes zeros. ``unit`` divides by the full scale.
    full_scale : float
        The largest intensity the film's number type can hold, 1 for floats; see
        `Stack.full_scale`.
    margin : int
        Pixels to surround the frame with, as `surrounded` does.

    Returns
    -------
    ndarray (Y + 2 margin, X + 2 margin) float32
    """
    frame = np.ascontiguousarray(frame, dtype=np.float32)
    if how == "standard":
        return _standard(frame, margin)
    frame = frame / np.float32(full_scale)
    return surrounded(frame, margin) if margin else frame


def normalise_each(images: np.ndarray, how: Normalisation) -> np.ndarray:
    """Return images (n, Y, X, channels) from 0 to 1, each normalised by itself; see `normalise`."""
    if how != "standard" or not len(images):
        return images
    return np.stack([normalise(image.reshape(len(image), -1), how).reshape(image.shape) for image in images])


def without_hot_pixels(frame: np.ndarray) -> np.ndarray:
    """Return a frame whose hot and dead pixels have the median of their neighbours.

    A pixel is hot, or dead, when it is far from the frame's mean (six standard
    deviations of the others) and stands out of its eight neighbours by three
    times their own range. Particles do not, unless they are less than about two
    pixels wide at half their height.

    Parameters
    ----------
    frame : ndarray (Y, X)

    Returns
    -------
    ndarray (Y, X) float32
        The frame itself where there is nothing to mend.
    """
    frame = np.ascontiguousarray(frame, np.float32)
    for _ in range(3):  # very hot pixels hide others, which the spread without them brings out
        mean, spread = _mean_and_spread(frame)
        suspects = _outside(frame, mean - _HOT_SPREADS * spread, mean + _HOT_SPREADS * spread)
        mended = frame.copy() if len(suspects) else frame
        if not len(suspects) or not _mend(frame, mended, suspects):
            break
        frame = mended
    return frame


def without_stripes(frame: np.ndarray) -> np.ndarray:
    """Return a frame whose columns and rows have no offsets of their own.

    Sensors read through an amplifier for each column or row show faint stripes.
    They are told from noise, light and texture by neighbouring lines that
    differ in one half of the frame as they do in the other.

    Parameters
    ----------
    frame : ndarray (Y, X)

    Returns
    -------
    ndarray (Y, X) float32
        The frame itself where there are no stripes.
    """
    frame = np.ascontiguousarray(frame, np.float32)
    if min(frame.shape) < _FEWEST_LINES:
        return frame
    for axis in (0, 1):
        some = np.linspace(0, frame.shape[axis] - 1, min(_LINES_LOOKED_AT, frame.shape[axis])).astype(int)
        if _striped(np.take(frame, some, axis), axis):
            levels = _levels(frame, axis)
            frame = frame - np.expand_dims(levels - _smooth(levels), axis)
    return frame


def _striped(lines: np.ndarray, axis: int) -> bool:
    """Tell whether levels of lines along an axis differ in one half of the frame as they do in the other."""
    halves = (np.diff(_levels(half, axis), 2) for half in np.array_split(lines, 2, axis))
    one, other = (np.clip(half, -limit, limit) for half in halves if (limit := 4 * _usual(half)) >= 0)
    alike, most = float((one * other).mean()), float(np.sqrt((one**2).mean() * (other**2).mean()))
    return alike > _STRIPED * most > 0


def _levels(lines: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of the middle half of each line's pixels."""
    number = lines.shape[axis]
    ordered = np.sort(lines, axis=axis)
    return np.take(ordered, range(number // 4, number - number // 4), axis).mean(axis)


def _usual(values: np.ndarray) -> float:
    """Return the standard deviation of what is usual."""
    return 1.4826 * float(np.median(np.abs(values)))


def _smooth(levels: np.ndarray) -> np.ndarray:
    """Return what changes slowly from line to line; single lines that are far off do not count."""
    kept = ndimage.median_filter(levels, 5, mode="nearest")
    return ndimage.gaussian_filter1d(kept, _SMOOTH, mode="nearest")


def surrounded(frame: np.ndarray, margin: int) -> np.ndarray:
    """Surround a frame with its own mean, so that windows may reach over its edge.

    Parameters
    ----------
    frame : ndarray (Y, X)
    margin : int
        Pixels to add on every side.
    """
    height, width = frame.shape
    wide = np.full((height + 2 * margin, width + 2 * margin), frame.mean(), np.float32)
    wide[margin : margin + height, margin : margin + width] = frame
    return wide


@numba.njit(nogil=True, cache=True, fastmath=True)
def _mean_and_spread(frame: np.ndarray) -> tuple[float, float]:
    """Sum row by row in float32, which is quick, and over rows in float64, which is exact enough."""
    height, width = frame.shape
    total, square = 0.0, 0.0
    for i in range(height):
        row, part = frame[i], np.float32(0.0)
        for j in range(width):
            part += row[j]
        total += float(part)
    mean = total / frame.size
    level = np.float32(mean)
    for i in range(height):
        row, part = frame[i], np.float32(0.0)
        for j in range(width):
            off = row[j] - level
            part += off * off
        square += float(part)
    return mean, np.sqrt(square / frame.size)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _standard(frame: np.ndarray, margin: int) -> np.ndarray:
    mean, spread = _mean_and_spread(frame)
    height, width = frame.shape
    found = np.zeros((height + 2 * margin, width + 2 * margin), np.float32)
    if spread > 1e-6 * abs(mean):  # else constant, up to the rounding of float32
        level, gain = np.float32(mean), np.float32(1 / spread)
        for i in range(height):
            row = found[i + margin]
            for j in range(width):
                row[j + margin] = (frame[i, j] - level) * gain
    return found


@numba.njit(nogil=True, cache=True, fastmath=True)
def _outside(frame: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the places of pixels below or above some limits, (n, 2)."""
    least, most = np.float32(low), np.float32(high)
    places = []
    height, width = frame.shape
    for i in range(height):
        row, some = frame[i], np.int32(0)
        for j in range(width):
            some += np.int32(1) if row[j] < least else np.int32(0)
            some += np.int32(1) if row[j] > most else np.int32(0)
        if some:
            for j in range(width):
                if row[j] < least or row[j] > most:
                    places.append((i, j))
    found = np.empty((len(places), 2), np.int64)
    for n in range(len(places)):
        found[n, 0], found[n, 1] = places[n]
    return found


@numba.njit(nogil=True, cache=True)
def _mend(frame: np.ndarray, mended: np.ndarray, suspects: np.ndarray) -> bool:
    """Mend those of the suspected pixels that stand out of their neighbours; tell whether there was one."""
    any_mended = False
    around = np.empty(8, np.float32)
    for i, j in suspects:
        n = 0
        for u in range(max(0, i - 1), min(frame.shape[0], i + 2)):
            for v in range(max(0, j - 1), min(frame.shape[1], j + 2)):
                if u != i or v != j:
                    around[n] = frame[u, v]
                    n += 1
        some = around[:n]
        if n < 3:
            continue
        low, high = some.min(), some.max()
        reach = _HOT_RANGES * (high - low)
        if frame[i, j] > high + reach or frame[i, j] < low - reach:
            mended[i, j] = np.median(some)
            any_mended = True
    return any_mended
