"""Measure what a frame shows besides particles: its noise, and how its background changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import SettingsError

_SMALLEST_FRAME = 8
_WITHIN_THREE_SPREADS = 0.9866
_ROUNDING = 0.29


def usual_noise(frames: Sequence[np.ndarray]) -> float:
    """Return the noise of single pixels on most frames.

    Raises
    ------
    SettingsError
        When a frame is tiny, or the same everywhere.
    """
    return float(np.median([_noise(frame) for frame in frames]))


def usual_slope(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Return how the background of most frames changes per pixel along y and x, (2,)."""
    return np.median([_slope(frame) for frame in frames], axis=0)


def _noise(frame: np.ndarray) -> float:
    """Return the noise, by how 2 x 2 pixels twist out of a plane; edges of particles do not count."""
    _refuse_blank(frame)
    twist = (frame[1:, 1:] - frame[1:, :-1] - frame[:-1, 1:] + frame[:-1, :-1]) / 2
    spread = _spread(np.abs(twist - np.median(twist)))
    whole = float(np.abs(frame - np.rint(frame)).max()) == 0
    return max(spread, _ROUNDING if whole else 1e-6 * float(np.ptp(frame)))


def _refuse_blank(frame: np.ndarray) -> None:
    if min(frame.shape) < _SMALLEST_FRAME:
        least, (height, width) = _SMALLEST_FRAME, frame.shape
        raise SettingsError(f"Expected frames of at least {least} x {least} px, got {height} x {width}.")
    if np.ptp(frame) <= 1e-6 * abs(float(frame.mean())):
        raise SettingsError("The clicked frame is the same everywhere: there is no particle to look at.")


def _spread(sizes: np.ndarray) -> float:
    """Return the standard deviation of what is usual among deviations of these sizes."""
    spread = 1.48 * float(np.median(sizes)) or float(np.std(sizes))
    for _ in range(4):
        spread = float(np.sqrt(np.mean(sizes[sizes <= 3 * spread] ** 2))) / _WITHIN_THREE_SPREADS
    return spread


def _slope(frame: np.ndarray) -> np.ndarray:
    """Fit a plane to the medians of blocks; those far off it count little."""
    side = max(4, min(32, min(frame.shape) // 6))
    rows, columns = frame.shape[0] // side, frame.shape[1] // side
    blocks = frame[: rows * side, : columns * side].reshape(rows, side, columns, side)
    values = np.median(blocks, axis=(1, 3)).ravel()
    y, x = (axis.ravel() * side for axis in np.mgrid[:rows, :columns])
    design, weights = np.column_stack([y, x, np.ones(len(y))]), np.ones(len(y))
    for _ in range(5):
        plane = np.linalg.lstsq(design * weights[:, None], values * weights, rcond=None)[0]
        off = np.abs(values - design @ plane)
        weights = 1 / np.maximum(1, off / max(1.5 * np.median(off), 1e-9))
    return plane[:2]
