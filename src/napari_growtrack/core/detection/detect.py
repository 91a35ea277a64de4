"""Track a film frame by frame: the generator that script, command line and panel all drive."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import GrowtrackWarning
from ..stacks import Stack, open_stack
from ..tables import DETECTION_COLUMNS, empty
from .cascade import Cascade, find
from .network import StagedNetwork


class FrameDetections(NamedTuple):
    """The detections of one frame, and the seconds it took to read and track it."""

    frame: int
    table: pd.DataFrame
    seconds: float = 0.0


def iter_detections(
    source: Any, network: StagedNetwork, cascade: Cascade, frames: Iterable[int] | None = None
) -> Iterator[FrameDetections]:
    """Yield the detections of each frame, reading one frame at a time.

    Parameters
    ----------
    source
        Anything `open_stack` takes.
    network : StagedNetwork
    cascade : Cascade
    frames : iterable of int, optional
        Which frames; all by default.

    Yields
    ------
    FrameDetections
        Number, table ``frame, y, x, distance, votes`` and time of a frame.

    Raises
    ------
    StackError
        When a frame cannot be read.
    IndexError
        When there is no such frame.

    Warns
    -----
    GrowtrackWarning
        When frames are smaller than the network's window, or constant.
    """
    stack = open_stack(source)
    try:
        _warn_if_small(stack, math.ceil(network.window / network.zoom))
        for number in range(len(stack)) if frames is None else frames:
            began = time.perf_counter()
            table = _one(stack, number, network, cascade)
            yield FrameDetections(number, table, time.perf_counter() - began)
    finally:
        if stack is not source:
            stack.close()


def _one(stack: Stack, number: int, network: StagedNetwork, cascade: Cascade) -> pd.DataFrame:
    frame = stack[number]
    if frame.min() == frame.max():
        _warn(f"Frame {number} of {stack.name} is constant (every pixel is {frame.flat[0]:g}): nothing to find.")
        return empty(DETECTION_COLUMNS)
    found = find(frame, network, cascade, stack.full_scale)
    found.insert(0, "frame", np.full(len(found), number, np.int64))
    return found


def median_milliseconds(found: Sequence[FrameDetections]) -> float:
    """Return the time of a typical frame, 0 without any; the first one's compilation does not count."""
    return 1e3 * float(np.median([one.seconds for one in found])) if found else 0.0


def detect(source: Any, network: StagedNetwork, cascade: Cascade, frames: Iterable[int] | None = None) -> pd.DataFrame:
    """Return all detections of a film in one table; see `iter_detections`.

    Examples
    --------
    >>> from napari_growtrack import detect, load_network
    >>> network = load_network("vesicles")  # doctest: +SKIP
    >>> detect("film.tif", network, network.cascade())  # doctest: +SKIP
    """
    return collect(found.table for found in iter_detections(source, network, cascade, frames))


def collect(tables: Iterable[pd.DataFrame], columns: Iterable[str] = DETECTION_COLUMNS) -> pd.DataFrame:
    """Join the tables of frames; without any rows, an empty table with these columns."""
    some = [table for table in tables if len(table)]
    return pd.concat(some, ignore_index=True) if some else empty(columns)


def _warn_if_small(stack: Stack, window: int) -> None:
    _, height, width = stack.shape
    if min(height, width) < window:
        _warn(
            f"The frames of {stack.name} are {height} x {width} px, smaller than the network's {window} px window. "
            "They are padded, so answers are less certain; use a larger crop if you can."
        )


def _warn(sentence: str) -> None:
    warnings.warn(sentence, GrowtrackWarning, stacklevel=3)
