"""Frames that a film stores twice: cameras, grabbers and converters fill up with copies of the frame before.

A copy says that nothing moved, which is not true. So copies are left out of linking; other frames keep their numbers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats import binom

from ..tables import check

_SAME = 1e-3
"""Detections of a copy lie nearer than so many pixels to those of its original; two measurements rarely do."""

_NEARLY, _APART = 0.2, 0.35
"""Compression changes a copy a little: its detections move by less than a fifth of what they move otherwise, and hardly
any frame is between that and a third. More than half a pixel it never is. Three quarters of them have a partner."""

_FARTHEST = 0.5
_PARTNERS = 0.75
_FEW = 5
_LONGEST_RUN = 4
"""More frames in a row that are nearly the same are particles that stand still for a while, not copies."""

_LUCK = 0.01
"""How many frames may be the same by luck, in a film of rounded positions."""


class _Step(NamedTuple):
    """From one frame to the next: which that is, how many detections it has, and how far they move, in pixels.

    ``nearly_all`` is what nine tenths of them stay below, ``most`` what three quarters of those do that have a partner,
    each the other's nearest; of those that move, ``half`` do so along one axis only and ``both`` along both.
    """

    frame: int
    number: int
    most: float
    nearly_all: float
    half: int
    both: int


def repeated_frames(detections: pd.DataFrame) -> np.ndarray:
    """Return the frames that repeat the one before, as copies in a film do, in ascending order.

    A frame is a copy where nine tenths of its detections lie exactly where
    those of the frame before do, and elsewhere they move. In compressed
    films copies differ a little: there three quarters move less than half
    a pixel and a fifth of what they move otherwise, for a few frames in a row at most.

    Parameters
    ----------
    detections : DataFrame
        With ``frame, y, x``, in pixels.

    Returns
    -------
    ndarray (n,) of int

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.

    Examples
    --------
    >>> moves = {0: 0.0, 1: 0.0, 2: 1.57, 3: 1.57, 4: 2.71, 5: 2.71}
    >>> film = pd.DataFrame([(frame, y + move, 3.1 * move) for frame, move in moves.items() for y in (20.5, 50.3)])
    >>> repeated_frames(film.set_axis(["frame", "y", "x"], axis=1)).tolist()
    [1, 3, 5]
    """
    trees = ((frame, cKDTree(places)) for frame, places in places_of(check(detections)).items())
    steps = [_step(after, one, other) for (frame, one), (after, other) in pairwise(trees) if after == frame + 1]
    frames = np.array([step.frame for step in steps], int)
    return frames[_copies(steps) | _near_copies(steps)] if steps else frames


def steps_of(frames: np.ndarray, repeated: np.ndarray) -> np.ndarray:
    """Return frame numbers as they count without the repeated ones: frames on either side of those are in a row.

    Examples
    --------
    >>> steps_of(np.array([0, 2, 5]), np.array([1, 3])).tolist()
    [0, 1, 3]
    """
    return frames - np.searchsorted(repeated, frames)


def places_of(table: pd.DataFrame) -> dict[int, np.ndarray]:
    """Return where detections are, ``(n, 2)`` by frame, in ascending order."""
    ordered = table.sort_values("frame", kind="stable")
    frames, starts = np.unique(ordered["frame"].to_numpy(), return_index=True)
    return dict(zip(frames.tolist(), np.split(ordered[["y", "x"]].to_numpy(float), starts[1:]), strict=False))


def _step(frame: int, before: cKDTree, after: cKDTree) -> _Step:
    more, fewer = (before, after) if before.n > after.n else (after, before)
    distances, nearest = fewer.query(more.data)
    mutual = more.query(fewer.data)[1][nearest] == np.arange(more.n)
    most = np.quantile(distances[mutual], 0.75) if mutual.mean() >= _PARTNERS else np.inf
    nearly_all = np.quantile(distances, 0.9, method="higher")
    still = np.abs(fewer.data[nearest] - more.data) <= _SAME
    return _Step(frame, more.n, most, nearly_all, int((still.sum(1) == 1).sum()), int((~still.any(1)).sum()))


def _by_luck(steps: list[_Step], share: float) -> np.ndarray:
    """Return in which frames so many detections may be where others were because positions are rounded."""
    half, both = sum(step.half for step in steps), sum(step.both for step in steps)
    unmoved = (half + 1) / (2 * both + half + 2)  # how often a detection that moves does not along one axis
    number = np.array([step.number for step in steps])
    there = np.array([(step.number - step.half - step.both, step.number) for step in steps if step.nearly_all > _SAME])
    still, of = there.sum(0) if len(there) else (0, 1)
    return len(steps) * binom.sf(np.ceil(share * number) - 1, number, max(unmoved**2, still / of)) > _LUCK


def _copies(steps: list[_Step]) -> np.ndarray:
    """Return which frames are the same as the one before, in a film that moves elsewhere."""
    moves = np.array([step.nearly_all for step in steps])
    return (moves <= _SAME) & (np.quantile(moves, 0.95) > _SAME / _NEARLY) & ~_by_luck(steps, 0.9)


def _near_copies(steps: list[_Step]) -> np.ndarray:
    """Return which frames are nearly the same as the one before, now and then in a film that moves."""
    moves = np.array([step.most for step in steps])
    usual = np.quantile(moves[np.isfinite(moves)], 0.9) if np.isfinite(moves).any() else 0.0
    same = (moves < min(_NEARLY * usual, _FARTHEST)) & np.array([step.number >= _FEW for step in steps])
    between = ((moves >= _NEARLY * usual) & (moves < _APART * usual)).sum()
    copies = same & (_run_lengths(same) <= _LONGEST_RUN) & ~_by_luck(steps, 0.75)
    return copies & (between <= same.sum() / 10)


def _run_lengths(chosen: np.ndarray) -> np.ndarray:
    """Return for each element how many of its kind are in a row."""
    runs = np.cumsum(np.diff(chosen, prepend=chosen[:1]) != 0)
    return np.bincount(runs)[runs]
