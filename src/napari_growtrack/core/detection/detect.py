"""Track a film frame by frame: the generator that script, command line and panel all drive."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import StackError
from ..films import Stack, open_stack
from ..tables import DETECTION_COLUMNS, UNLIKE_PARTICLES, empty, look_like_particles
from .cascade import Cascade, Sighting, sight_each, standing_out
from .network import StagedNetwork
from .survey import Contrast, negative, survey, varies, warn
from .windows import TOGETHER

_MOST_AT_ONCE = 8
_ENOUGH = 5000
"""Detections that are looked at to tell whether they are particles."""


class FrameDetections(NamedTuple):
    """The detections of one frame, the seconds it took to read and track it, and the share of windows passed on."""

    frame: int
    table: pd.DataFrame
    seconds: float = 0.0
    passed: float = 0.0


def iter_detections(
    source: Any,
    network: StagedNetwork,
    cascade: Cascade,
    frames: Iterable[int] | None = None,
    contrast: Contrast = "auto",
    doubtful: bool = False,
) -> Iterator[FrameDetections]:
    """Yield the detections of each frame, reading one frame, or a few small ones, at a time.

    Parameters
    ----------
    source
        Anything `open_stack` takes.
    network : StagedNetwork
    cascade : Cascade
        With a `false_share`, a few frames are looked at first, to tell particles
        from the film's own noise; see `survey`.
    frames : iterable of int, optional
        Which frames; all by default.
    contrast : {"auto", "normal", "inverted"}
        ``inverted`` tracks the film's negative, for networks of bright particles
        where particles are dark, or the reverse. ``auto`` looks at two frames and
        takes the negative where it shows far more; see `shows_more_inverted`.
    doubtful : bool
        Keep also what the last thresholds drop, for a `Sieve` to choose from.

    Yields
    ------
    FrameDetections
        Number, table of `DETECTION_COLUMNS`, time of a frame, and the share of its windows that the
        screening stage passed on.

    Raises
    ------
    StackError
        When a frame cannot be read.
    IndexError
        When there is no such frame.
    SettingsError
        When there is no such contrast.

    Warns
    -----
    GrowtrackWarning
        When frames are smaller than the network's window, or constant, where
        ``auto`` has taken the negative, and at the end where detections look
        like edges and texture rather than particles; see `look_like_particles`.
    """
    stack = open_stack(source)
    try:
        _warn_if_small(stack, math.ceil(network.window / network.zoom))
        numbers = range(len(stack)) if frames is None else [_from_start(number, len(stack)) for number in frames]
        contrast, cascade = survey(stack, network, cascade, contrast, numbers)
        yield from _each(stack, numbers, network, cascade, contrast == "inverted", doubtful)
    finally:
        if stack is not source:
            stack.close()


def _each(
    stack: Stack, numbers: Sequence[int], network: StagedNetwork, cascade: Cascade, inverted: bool, doubtful: bool
) -> Iterator[FrameDetections]:
    """Track frame after frame; say at the end where what was found is no particles."""
    ratios: list[float] = []
    for some in _groups(numbers, at_once(stack.shape[1:])):
        for found in _tracked(stack, some, network, cascade, inverted, doubtful):
            if len(ratios) < _ENOUGH:
                ratios += _surely(found.table, network, cascade)["axis_ratio"].tolist()
            yield found
    if not look_like_particles(pd.DataFrame({"axis_ratio": ratios})):
        warn(UNLIKE_PARTICLES)


def _surely(table: pd.DataFrame, network: StagedNetwork, cascade: Cascade) -> pd.DataFrame:
    """Return those of a frame's detections that the cascade accepts, where others are listed too."""
    distances = network.zoom * table["distance"].to_numpy()
    out = standing_out(table["significance"].to_numpy(), distances, cascade.least_significance, cascade.doubt)
    return table[(distances < cascade.accept_distance) & (out if cascade.polish else True)]


def at_once(shape: tuple[int, int]) -> int:
    """Return how many frames (Y, X) are tracked together: small ones a few at a time, which is faster."""
    return max(1, min(_MOST_AT_ONCE, TOGETHER // (shape[0] * shape[1])))


def _from_start(number: int, length: int) -> int:
    """Return a frame's number from the first on; one that is not there stays, and is refused when its turn comes."""
    return number + length if -length <= number < 0 else number


def _groups(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[i : i + size] for i in range(0, len(numbers), size))


def _tracked(
    stack: Stack, numbers: Sequence[int], network: StagedNetwork, cascade: Cascade, inverted: bool, doubtful: bool
) -> Iterator[FrameDetections]:
    """Track some frames together; where one cannot be read, those before it are tracked first."""
    began, frames, stop = time.perf_counter(), [], None
    for number in numbers:
        try:
            frames.append(negative(stack[number], network, stack.full_scale) if inverted else stack[number])
        except (StackError, IndexError) as error:
            stop = error
            break
    _warn_if_constant(stack, numbers, frames, network, inverted)
    seen = sightings_of(frames, numbers, network, cascade, stack.full_scale, doubtful)
    seconds = (time.perf_counter() - began) / max(len(frames), 1)
    for number, (table, passed) in zip(numbers, seen, strict=False):
        yield FrameDetections(number, table, seconds, passed)
    if stop is not None:
        raise stop


def _warn_if_constant(
    stack: Stack, numbers: Sequence[int], frames: list[np.ndarray], network: StagedNetwork, inverted: bool
) -> None:
    for number, frame in zip(numbers, frames, strict=False):
        if not varies(frame):
            seen = negative(frame, network, stack.full_scale) if inverted else frame
            warn(f"Frame {number} of {stack.name} is constant (every pixel is {seen.flat[0]:g}): nothing to find.")


def sightings_of(
    frames: Sequence[np.ndarray],
    numbers: Sequence[int],
    network: StagedNetwork,
    cascade: Cascade,
    full_scale: float,
    doubtful: bool = False,
) -> list[Sighting]:
    """Return what is seen in frames, with their numbers, nothing in constant ones; see `sight_each`."""
    varied = [frame for frame in frames if varies(frame)]
    seen = iter(sight_each(varied, network, cascade, full_scale, doubtful))
    all_seen = [next(seen) if varies(frame) else Sighting(empty(DETECTION_COLUMNS[1:]), 0.0) for frame in frames]
    for (table, _), number in zip(all_seen, numbers, strict=False):
        table.insert(0, "frame", np.full(len(table), number, np.int64))
    return all_seen


def median_milliseconds(found: Sequence[FrameDetections]) -> float:
    """Return the time of a typical frame, 0 without any; the first one's compilation does not count."""
    return 1e3 * float(np.median([one.seconds for one in found])) if found else 0.0


def detect(
    source: Any,
    network: StagedNetwork,
    cascade: Cascade,
    frames: Iterable[int] | None = None,
    contrast: Contrast = "auto",
) -> pd.DataFrame:
    """Return all detections of a film in one table; see `iter_detections`.

    Examples
    --------
    >>> from napari_growtrack import detect, load_network
    >>> network = load_network("vesicles")  # doctest: +SKIP
    >>> detect("film.tif", network, network.cascade())  # doctest: +SKIP
    """
    return collect(found.table for found in iter_detections(source, network, cascade, frames, contrast))


def collect(tables: Iterable[pd.DataFrame], columns: Iterable[str] = DETECTION_COLUMNS) -> pd.DataFrame:
    """Join the tables of frames; without any rows, an empty table with these columns."""
    some = [table for table in tables if len(table)]
    return pd.concat(some, ignore_index=True) if some else empty(columns)


def _warn_if_small(stack: Stack, window: int) -> None:
    _, height, width = stack.shape
    if min(height, width) < window:
        warn(
            f"The frames of {stack.name} are {height} x {width} px, smaller than the network's {window} px window. "
            "They are padded, so answers are less certain; use a larger crop if you can."
        )
