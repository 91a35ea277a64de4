"""Look at a frame through windows: all at once in one pass, one by one in a scan, or centred on chosen spots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..normalisation import pad
from .network import StagedNetwork
from .zoom import to_film


@dataclass(frozen=True)
class Looks:
    """What windows answered.

    Attributes
    ----------
    centres : ndarray (n, 2)
        Window centres ``(y, x)`` in pixels of the frame.
    positions : ndarray (n, 2)
        Where each window believes the nearest particle to be, ``(y, x)`` in pixels.
    distances : ndarray (n,)
        How far from its centre it believes it to be, in pixels.
    """

    centres: np.ndarray
    positions: np.ndarray
    distances: np.ndarray

    @classmethod
    def of(cls, centres: np.ndarray, answers: np.ndarray) -> Looks:
        """Turn answers relative to the centres, (n, 3), into places in the frame."""
        answers = answers.reshape(-1, 3)
        centres = centres.reshape(-1, 2)
        return cls(centres, centres + answers[:, :2], answers[:, 2])

    def on_film(self, zoom: float) -> Looks:
        """Return the same looks at an enlarged frame in pixels of the film."""
        return Looks(to_film(self.centres, zoom), to_film(self.positions, zoom), self.distances / zoom)

    def __len__(self) -> int:
        return len(self.distances)

    def __getitem__(self, which: np.ndarray) -> Looks:
        return Looks(self.centres[which], self.positions[which], self.distances[which])


def grid(length: int, step: int) -> np.ndarray:
    """Return window centres along one side of a frame: every pixel is at most half a step from one."""
    number = -(-length // step)
    first = (length - 1 - (number - 1) * step) // 2
    return first + step * np.arange(number)


def frame_pass(frame: np.ndarray, network: StagedNetwork, stage: int) -> Looks:
    """Answer all windows of a normalised frame in one pass that shares every convolution.

    The frame is padded with its mean, so that particles at its edge are seen,
    and frames smaller than a window too.
    """
    ys, xs = grid(frame.shape[0], network.step), grid(frame.shape[1], network.step)
    padded = _framed(frame, ys, xs, network.window)
    return Looks.of(_mesh(ys, xs), network.answer(padded[None], stage))


def window_scan(
    frame: np.ndarray, network: StagedNetwork, stage: int, step: int | None = None, batch: int = 256
) -> Looks:
    """Answer windows one by one at any step, as the thesis does (4.2.1).

    Equal to `frame_pass` where `step` is the network's own, only slower.
    """
    step = step or network.step
    ys, xs = grid(frame.shape[0], step), grid(frame.shape[1], step)
    centres = _mesh(ys, xs)
    return look_at(frame, centres.reshape(-1, 2), network, stage, batch=batch)


def look_at(
    frame: np.ndarray,
    centres: np.ndarray,
    network: StagedNetwork,
    stage: int,
    votes: int = 1,
    shifts: Sequence[tuple[int, int]] = ((0, 0),),
    batch: int = 256,
) -> Looks:
    """Look through windows centred on whole pixels.

    Parameters
    ----------
    frame : ndarray (Y, X)
        Normalised.
    centres : ndarray (n, 2) of int
    network : StagedNetwork
    stage : int
    votes : int
        Windows per side of a small square around each centre, one step apart.
        They share their convolutions: 2 x 2 cost a third more than one.
    shifts : sequence of (int, int)
        Such squares are laid around each centre, moved by each of these.
    batch : int
        Squares handed to the network at a time.

    Returns
    -------
    Looks
        ``n * len(shifts) * votes**2`` of them, those of one centre in a row.
    """
    if not len(centres):
        return Looks.of(np.empty((0, 2)), np.empty((0, 3)))
    side = network.window + network.step * (votes - 1)
    inside = network.step * np.arange(votes) + network.window // 2 - side // 2
    margin = side // 2 + int(np.abs(shifts).max())
    views = np.lib.stride_tricks.sliding_window_view(pad(frame, margin), (side, side))
    spots = (centres[:, None] + np.array(shifts)).reshape(-1, 2)
    corners = spots + margin - side // 2
    parts = [
        network.answer(views[some[:, 0], some[:, 1]], stage).reshape(-1, 3)
        for some in (corners[i : i + batch] for i in range(0, len(corners), batch))
    ]
    return Looks.of(spots[:, None] + _mesh(inside, inside).reshape(1, -1, 2), np.concatenate(parts))


def _framed(frame: np.ndarray, ys: np.ndarray, xs: np.ndarray, window: int) -> np.ndarray:
    """Cut or pad a frame so that its aligned windows are centred on the grid."""
    half = window // 2
    padding = []
    for length, centres in zip(frame.shape, (ys, xs), strict=True):
        padding.append((half - centres[0], max(0, centres[-1] + half + 1 - length)))
    return pad(frame, padding)[: ys[-1] - ys[0] + window, : xs[-1] - xs[0] + window]


def _mesh(ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Return all pairs ``(y, x)``, (rows, columns, 2)."""
    return np.stack(np.meshgrid(ys, xs, indexing="ij"), -1)
