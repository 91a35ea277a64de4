"""Look at frames through windows: all at once in one pass, one by one in a scan, or centred on chosen spots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import NetworkFileError
from ..films.normalisation import surrounded
from .network import StagedNetwork
from .zoom import to_film

TILE = 128
"""Windows along each side that a pass answers at a time; larger frames are passed in tiles, to bound the memory."""
_FARTHEST, _DOUBT = 1e6, 40.0
"""Answers beyond are nonsense: more pixels than a frame is long, and a logarithm whose inverse square overflows."""
TOGETHER = 2**18
"""Pixels of small frames that a pass answers at a time."""


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
    scales : ndarray (n,)
        How far off it believes the position may be, in pixels up to a common
        factor; 1 where the network does not say.
    """

    centres: np.ndarray
    positions: np.ndarray
    distances: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, centres: np.ndarray, answers: np.ndarray) -> Looks:
        """Turn answers relative to the centres, (n, 3) or (n, 4), into places in the frame.

        Raises
        ------
        NetworkFileError
            When an answer is no number, or so large that no network that has
            learned gives it.
        """
        centres, answers = centres.reshape(-1, 2), answers.reshape(-1, answers.shape[-1])
        _refuse_nonsense(answers)
        scales = np.exp(answers[:, 3]) if answers.shape[1] > 3 else np.ones(len(answers), np.float32)
        return cls(centres, centres + answers[:, :2], answers[:, 2], scales)

    @classmethod
    def none(cls) -> Looks:
        """Return no looks."""
        return cls.of(np.empty((0, 2)), np.empty((0, 3), np.float32))

    @classmethod
    def joined(cls, some: Iterable[Looks]) -> Looks:
        """Return all of some looks, in their order."""
        parts = [(one.centres, one.positions, one.distances, one.scales) for one in some]
        return cls(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def on_film(self, zoom: float) -> Looks:
        """Return the same looks at an enlarged frame in pixels of the film."""
        places = to_film(self.centres, zoom), to_film(self.positions, zoom)
        return Looks(*places, self.distances / zoom, self.scales / zoom)

    def __len__(self) -> int:
        return len(self.distances)

    def __getitem__(self, which: np.ndarray | slice) -> Looks:
        return Looks(self.centres[which], self.positions[which], self.distances[which], self.scales[which])


def _refuse_nonsense(answers: np.ndarray) -> None:
    limits = np.array([_FARTHEST, _FARTHEST, _FARTHEST, _DOUBT])[: answers.shape[1]]
    if not (np.abs(answers) <= limits).all():  # NaN is not below a limit either
        raise NetworkFileError(
            "The network's answers are no places: expected pixels from a window's centre, got numbers that are NaN, "
            "infinite, or larger than a frame. Its weights are damaged, or it never learned; load another, or grow it "
            "again."
        )


@dataclass(frozen=True)
class View:
    """A normalised frame surrounded by its mean, so that windows may reach over its edge.

    Attributes
    ----------
    pixels : ndarray (Y + 2 margin, X + 2 margin) float32
    margin : int
        In pixels.
    """

    pixels: np.ndarray
    margin: int

    @classmethod
    def of(cls, frame: np.ndarray, margin: int) -> View:
        """Surround a frame (Y, X)."""
        return cls(surrounded(frame, margin), margin)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frame itself."""
        height, width = self.pixels.shape
        return height - 2 * self.margin, width - 2 * self.margin

    def cut(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Return a part, by its first pixel in the frame, without copying."""
        top, left = top + self.margin, left + self.margin
        return self.pixels[top : top + height, left : left + width]


def grid(length: int, step: int) -> np.ndarray:
    """Return window centres along one side of a frame: every pixel is at most half a step from one."""
    number = -(-length // step)
    first = (length - 1 - (number - 1) * step) // 2
    return first + step * np.arange(number)


def margin_of(network: StagedNetwork, votes: int = 1, shifts: Sequence[tuple[int, int]] = ((0, 0),)) -> int:
    """Return how far from a frame's edge windows may reach, in network pixels."""
    return (network.window + network.step * (votes - 1)) // 2 + int(np.abs(shifts).max()) + 1


def frame_pass(frame: np.ndarray, network: StagedNetwork, stage: int) -> Looks:
    """Answer all windows of a normalised frame (Y, X) in one pass that shares every convolution.

    The frame is surrounded by its mean, so that particles at its edge are seen,
    and frames smaller than a window too.
    """
    return frame_passes([View.of(frame, margin_of(network))], network, stage)[0]


def frame_passes(views: Sequence[View], network: StagedNetwork, stage: int) -> list[Looks]:
    """Answer all windows of some frames: small ones of one size several at a time, large ones in overlapping tiles.

    Tiles give the same answers as the whole frame would.
    """
    if len({view.shape for view in views}) != 1:
        return [frame_passes([view], network, stage)[0] for view in views]
    ys, xs = grid(views[0].shape[0], network.step), grid(views[0].shape[1], network.step)
    centres = _mesh(ys, xs)
    rows, columns = _tiles(len(ys)), _tiles(len(xs))
    if len(rows) * len(columns) == 1:
        answers = _answer_whole(views, network, stage, ys, xs)
    else:
        answers = [_answer_tiles(view, network, stage, (ys, xs), (rows, columns)) for view in views]
    return [Looks.of(centres, one) for one in answers]


def _answer_whole(
    views: Sequence[View], network: StagedNetwork, stage: int, ys: np.ndarray, xs: np.ndarray
) -> list[np.ndarray]:
    """Answer frames of one tile each, several at a time."""
    cuts = [_cut(view, network, ys, xs) for view in views]
    some = max(1, TOGETHER // cuts[0].size)
    parts = [cuts[i : i + some] for i in range(0, len(cuts), some)]
    return [one for part in parts for one in network.answer(np.stack(part) if len(part) > 1 else part[0][None], stage)]


def _answer_tiles(
    view: View,
    network: StagedNetwork,
    stage: int,
    centres: tuple[np.ndarray, np.ndarray],
    tiles: tuple[list[slice], list[slice]],
) -> np.ndarray:
    """Answer a frame tile by tile; all tiles have one size, so the last ones overlap those before."""
    ys, xs = centres
    answers = None
    for rows in tiles[0]:
        for columns in tiles[1]:
            part = network.answer(_cut(view, network, ys[rows], xs[columns])[None], stage)[0]
            if answers is None:
                answers = np.empty((len(ys), len(xs), part.shape[-1]), part.dtype)
            answers[rows, columns] = part
    return np.asarray(answers)


def _tiles(number: int) -> list[slice]:
    """Return stretches of a row of windows, as long as one another."""
    starts = [*range(0, max(number - TILE, 0), TILE), max(number - TILE, 0)]
    return [slice(start, min(start + TILE, number)) for start in starts]


def _cut(view: View, network: StagedNetwork, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Return what the windows centred on a grid see."""
    half, window = network.window // 2, network.window
    return view.cut(ys[0] - half, xs[0] - half, ys[-1] - ys[0] + window, xs[-1] - xs[0] + window)


def window_scan(
    frame: np.ndarray, network: StagedNetwork, stage: int, step: int | None = None, batch: int = 256
) -> Looks:
    """Answer windows of a normalised frame (Y, X) one by one at any step, as the thesis does (4.2.1).

    Equal to `frame_pass` where `step` is the network's own, only slower.
    """
    return view_scan(View.of(frame, margin_of(network)), network, stage, step, batch)


def view_scan(view: View, network: StagedNetwork, stage: int, step: int | None = None, batch: int = 256) -> Looks:
    """Answer windows of a surrounded frame one by one; see `window_scan`."""
    step = step or network.step
    centres = _mesh(grid(view.shape[0], step), grid(view.shape[1], step)).reshape(-1, 2)
    return look_at([view], [centres], network, stage, batch=batch)[0]


def look_at(
    views: Sequence[View],
    centres: Sequence[np.ndarray],
    network: StagedNetwork,
    stage: int,
    votes: int = 1,
    shifts: Sequence[tuple[int, int]] = ((0, 0),),
    batch: int = 256,
) -> list[Looks]:
    """Look through windows centred on whole pixels of some frames, all frames' windows together.

    Parameters
    ----------
    views : sequence of View
        With a margin of `margin_of` or more.
    centres : sequence of ndarray (n, 2) of int
        One array a view.
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
    list of Looks
        Of each view, ``n * len(shifts) * votes**2``, those of one centre in a row.
    """
    side = network.window + network.step * (votes - 1)
    inside = network.step * np.arange(votes) + network.window // 2 - side // 2
    spots = [(one[:, None] + np.array(shifts)).reshape(-1, 2) for one in centres]
    corners = [some - side // 2 for some in spots]
    parts = [network.answer(squares, stage) for squares in _batches(views, corners, side, batch)]
    if not parts:
        return [Looks.none() for _ in views]
    answers = np.concatenate(parts) if len(parts) > 1 else parts[0]
    ends = np.cumsum([len(some) for some in spots])
    around = _mesh(inside, inside).reshape(1, -1, 2)
    return [
        Looks.of(some[:, None] + around, part.reshape(-1, part.shape[-1]))
        for some, part in zip(spots, np.split(answers, ends[:-1]), strict=True)
    ]


def _batches(views: Sequence[View], corners: Sequence[np.ndarray], side: int, size: int) -> Iterator[np.ndarray]:
    """Yield squares of all views in order, (up to size, side, side), copied when their turn comes."""
    parts, number = [], 0
    for view, some in zip(views, corners, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(view.pixels, (side, side))
        rows, columns = some.T + view.margin
        first = 0
        while first < len(some):
            last = min(first + size - number, len(some))
            parts.append(windows[rows[first:last], columns[first:last]])
            number, first = number + last - first, last
            if number == size:
                yield np.concatenate(parts) if len(parts) > 1 else parts[0]
                parts, number = [], 0
    if number:
        yield np.concatenate(parts) if len(parts) > 1 else parts[0]


def _mesh(ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Return all pairs ``(y, x)``, (rows, columns, 2)."""
    return np.stack(np.meshgrid(ys, xs, indexing="ij"), -1)
