"""Cut pixels out of a frame: a square to look at, or those that belong to one particle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_MOST_PIXELS = 1600


class Click(NamedTuple):
    """A particle that a person pointed at: its frame, about where it is, and where its neighbours are, (n, 2)."""

    frame: np.ndarray
    place: np.ndarray
    neighbours: np.ndarray


class Pixels(NamedTuple):
    """Pixels around a particle, (n,) each; of large particles every `step` of them, along y and x, is enough."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    step: int

    def away(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far they are from a place, along y and x."""
        return self.rows - place[0], self.columns - place[1]


def crop(frame: np.ndarray, place: np.ndarray, side: int) -> np.ndarray:
    """Cut a square around a place; beyond the frame its edge goes on."""
    rows, columns = (np.clip(axis, 0, size - 1) for axis, size in zip(_axes(place, side), frame.shape, strict=True))
    return frame[rows[:, None], columns]


def crop_filled(frame: np.ndarray, place: np.ndarray, side: int, level: float) -> np.ndarray:
    """Cut a square around a place; beyond the frame it shows a level."""
    rows, columns = ((axis >= 0) & (axis < size) for axis, size in zip(_axes(place, side), frame.shape, strict=True))
    return np.where(rows[:, None] & columns, crop(frame, place, side), level)


def _axes(place: np.ndarray, side: int) -> list[np.ndarray]:
    """Return the rows and the columns of a square around a place, (side,) each."""
    return [int(np.rint(middle)) + np.arange(side) - side // 2 for middle in place]


def own_pixels(click: Click, place: np.ndarray, reach: float) -> Pixels:
    """Return the pixels within reach of a place that are nearer to it than to a neighbour."""
    step = max(1, int(np.sqrt(np.pi * reach**2 / _MOST_PIXELS)))
    low = np.maximum(np.ceil(place - reach), 0).astype(int)
    high = np.minimum(np.floor(place + reach) + 1, click.frame.shape).astype(int)
    rows, columns = (axis.ravel() for axis in np.mgrid[low[0] : high[0] : step, low[1] : high[1] : step])
    square = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
    own = square <= reach**2
    for y, x in click.neighbours:
        own &= square <= (rows - y) ** 2 + (columns - x) ** 2
    rows, columns = rows[own], columns[own]
    return Pixels(rows, columns, click.frame[rows, columns].astype(float), step)
