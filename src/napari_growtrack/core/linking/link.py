"""Link detections by trackpy's linker, frame by frame (Crocker and Grier, J. Colloid Interface Sci. 179, 298, 1996)."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ..errors import LinkingError
from ..settings import Settings
from ..tables import RELATIVES, check
from ..work import finish
from .filtering import drop_short
from .radius import suggest_radius

_ADAPTIVE_STEP = 0.9
_LEAST_SHARE = 0.1
"""In a crowd the search shrinks down to this part of the radius."""


class Linking(Settings):
    """How detections are linked.

    Examples
    --------
    >>> Linking(search_radius=4, memory=2).min_length
    1
    """

    search_radius: PositiveFloat | None = Field(
        None, description="Farthest a particle moves from a frame to the next, in pixels; by default from the data."
    )
    memory: NonNegativeInt = Field(0, description="Frames for which a particle may be lost and still be the same.")
    min_length: PositiveInt = Field(1, description="Least number of detections in a trajectory; shorter ones go.")


@dataclass(frozen=True)
class LinkingProgress:
    """Where linking stands.

    Attributes
    ----------
    frame : int
        The frame that was linked last.
    fraction : float
        Part of the frames that are linked, 0 to 1.
    seconds_left : float
        Estimated from the pace so far.
    """

    frame: int
    fraction: float
    seconds_left: float

    @property
    def doing(self) -> str:
        """What is being done, in words."""
        return f"linking frame {self.frame}"


def iter_link(
    detections: pd.DataFrame, linking: Linking | None = None
) -> Generator[LinkingProgress, None, pd.DataFrame]:
    """Link detections, reporting after every frame; the generator returns the trajectories.

    The parameters, the result and the errors are those of `link`.
    """
    linking = linking or Linking()
    table = check(detections).sort_values("frame", kind="stable", ignore_index=True)
    table = table.drop(columns=[*RELATIVES], errors="ignore")  # of trajectories that are no more
    particle = np.empty(len(table), np.int64)
    if len(table):
        radius = linking.search_radius or suggest_radius(table).radius
        yield from _linked(table, particle, radius, linking.memory)
    return drop_short(table.assign(particle=particle), linking.min_length)


def _linked(
    table: pd.DataFrame, particle: np.ndarray, radius: float, memory: int
) -> Generator[LinkingProgress, None, None]:
    """Fill in which particle each row is."""
    places, frames = table[["y", "x"]].to_numpy(float), table["frame"].to_numpy()
    first, last = int(frames[0]), int(frames[-1])
    starts = np.searchsorted(frames, np.arange(first, last + 2))
    began = time.perf_counter()

    def each() -> Iterator[tuple[int, np.ndarray]]:
        for frame, (start, end) in enumerate(pairwise(starts), start=first):
            yield frame, places[start:end]

    linked = _trackpys_linker(each(), radius, memory)
    for done in range(last - first + 1):
        frame, ids = _next(linked, radius, first + done, starts[done + 1] - starts[done])
        particle[starts[done] : starts[done + 1]] = ids
        fraction = (done + 1) / (last - first + 1)
        gone = time.perf_counter() - began
        yield LinkingProgress(frame, fraction, gone * (1 - fraction) / fraction)


def _trackpys_linker(frames: Iterator[tuple[int, np.ndarray]], radius: float, memory: int) -> Iterator[Any]:
    """Return trackpy's links, frame by frame; where a crowd is too large to resolve, it searches less far there."""
    import trackpy

    trackpy.ignore_logging()  # it writes to stdout by itself
    adaptive = {"adaptive_stop": _LEAST_SHARE * radius, "adaptive_step": _ADAPTIVE_STEP}
    return trackpy.link_iter(frames, radius, memory=memory, **adaptive)


def _next(linked: Iterator[Any], radius: float, frame: int, number: int) -> tuple[int, Any]:
    from trackpy.linking import SubnetOversizeException

    try:
        return next(linked)
    except SubnetOversizeException as error:
        raise LinkingError(
            f"Frame {frame} holds {number} detections so near to each other that a search of {radius:.3g} px finds too "
            f"many ways to link them, and so does one of {_LEAST_SHARE * radius:.2g} px. Choose a search radius well "
            "below the distance of neighbouring particles, or keep surer detections only."
        ) from error


def link(detections: pd.DataFrame, linking: Linking | None = None) -> pd.DataFrame:
    """Link the detections of a film to trajectories.

    Parameters
    ----------
    detections : DataFrame
        With ``frame, y, x`` in pixels, in any order; other columns are kept.
    linking : Linking, optional
        By default the search radius is suggested by the data.

    Returns
    -------
    DataFrame
        Sorted by frame, with a column ``particle``: whole numbers, the same for
        all detections of a trajectory.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    LinkingError
        When a crowd cannot be resolved even by a search that is ten times nearer.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 0, 1, 1], "y": [5.0, 50.0, 6.0, 51.0], "x": [5.0, 5.0, 5.0, 5.0]})
    >>> link(film, Linking(search_radius=3)).particle.tolist()
    [0, 1, 0, 1]
    """
    return finish(iter_link(detections, linking))
