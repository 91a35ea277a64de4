"""What part of a film is tracked, and where a run over it stands; free of Qt."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...core.detection import Cascade, Contrast
from ...core.films import CroppedStack, Stack
from ...core.tables import DETECTION_COLUMNS, empty
from .choice import Choice

_ENOUGH = 3
_RECENT = 101


class Region(NamedTuple):
    """A part of a film's frames, in whole pixels: from the first row and column to before the last."""

    top: int
    left: int
    bottom: int
    right: int

    def widened(self, margin: int, shape: tuple[int, int]) -> Region:
        """Return a part larger on all sides, as far as frames (Y, X) reach."""
        top, left = max(self.top - margin, 0), max(self.left - margin, 0)
        return Region(top, left, min(self.bottom + margin, shape[0]), min(self.right + margin, shape[1]))

    def inside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that lie in it."""
        y, x = table["y"].to_numpy(), table["x"].to_numpy()
        rows = (y >= self.top - 0.5) & (y < self.bottom - 0.5)
        return table[rows & (x >= self.left - 0.5) & (x < self.right - 0.5)]


class Part:
    """A film, or the part of it that is looked at, and how to bring what was found there back."""

    def __init__(self, film: Stack, region: Region | None, choice: Choice) -> None:
        self.film, self._region = film, region
        if region is not None:
            margin = int(np.ceil(choice.card.plan.side / choice.zoom / 2))
            self._wide = region.widened(margin, film.shape[1:])
            rows, columns = slice(self._wide.top, self._wide.bottom), slice(self._wide.left, self._wide.right)
            self.film = CroppedStack(film, rows, columns)

    def on_film(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return what was found in the part, in pixels of the whole film."""
        if self._region is None:
            return table
        return self._region.inside(table.assign(y=table["y"] + self._wide.top, x=table["x"] + self._wide.left))


class Pace:
    """How long a frame takes: the median of the latest, so that the first one's compilation is left out."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_RECENT)

    def after(self, seconds: float) -> float:
        """Take in the time of one more frame, and return the usual one."""
        self._times.append(seconds)
        return statistics.median(self._times)


@dataclass(frozen=True)
class TrackingProgress:
    """Where a run stands.

    Attributes
    ----------
    done, total : int
        Frames.
    frame : int or None
        The frame just tracked; None while the network is being loaded.
    table : DataFrame
        That frame's candidates, with `DETECTION_COLUMNS`.
    seconds : float
        Time a frame takes: the median of the latest, so that the first one's
        compilation is left out.
    passed : float
        Share of the frame's windows that the screening stage passed on.
    contrast : {"auto", "normal", "inverted"}
        Whether frames or their negatives are tracked; "auto" while that is
        not known.
    cascade : Cascade or None
        By which the frame's candidates were found; None before there are any.
    """

    done: int
    total: int
    frame: int | None = None
    table: pd.DataFrame = field(default_factory=lambda: empty(DETECTION_COLUMNS))
    seconds: float = 0.0
    passed: float = 0.0
    contrast: Contrast = "auto"
    cascade: Cascade | None = None

    @property
    def seconds_left(self) -> float | None:
        """Time the rest will take; None before there is enough to judge by."""
        return (self.total - self.done) * self.seconds if self.done >= _ENOUGH else None
