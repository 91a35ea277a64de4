"""Runs over films: what one brings while it goes on, and what is kept of it; free of Qt."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ...core.detection import Cascade, Contrast, Sieve
from ...core.tables import DETECTION_COLUMNS
from .choice import Choice
from .region import Region, TrackingProgress
from .sentences import Kind, outcome_line, reason, warning_line

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a choice found, and what of it is accepted.

    Attributes
    ----------
    choice : Choice
    table : DataFrame
        The columns of detections, and ``stage``.
    cascade : Cascade
        By which they were found.
    """

    choice: Choice
    table: pd.DataFrame
    cascade: Cascade

    @cached_property
    def _sieve(self) -> Sieve:
        return Sieve(self.table, self.cascade, self.choice.zoom)

    @cached_property
    def accepted(self) -> np.ndarray:
        """Which of them are detections, (n,) of bool."""
        return self._sieve(self.choice.accept_distance, self.choice.least_significance, self.choice.limits)

    @property
    def noise(self) -> float | None:
        """How many of those that are accepted are expected to be noise; None where that is not known."""
        known, least = self.cascade.noise, self.choice.cascade(self.cascade).least_significance
        return known and known.among(int(self.accepted.sum()), self.number_of_frames, least)

    @property
    def number_of_frames(self) -> int:
        """How many frames were looked at."""
        return 1

    @property
    def detections(self) -> pd.DataFrame:
        """Those that are accepted."""
        return self.table[self.accepted].reset_index(drop=True)

    def sifted(self, choice: Choice) -> Self:
        """Return the same candidates with the thresholds of another choice."""
        names = ("accept_distance", "least_significance", "limits")
        other = replace(self, choice=self.choice.with_(**{name: getattr(choice, name) for name in names}))
        other.__dict__["_sieve"] = self._sieve
        return other


@dataclass(frozen=True, eq=False)
class Record(Candidates):
    """A run that has ended.

    Attributes
    ----------
    number : int
        Runs count from 1.
    image : str
        Name of the image layer.
    frames : sequence of int
        The frames that were looked at, with or without particles.
    total : int
        The frames that were to be.
    contrast : {"normal", "inverted"}
        Whether the film or its negative was tracked.
    seconds : float
        Time a typical frame took.
    passed : float
        Share of the windows that the screening stage passed on.
    region : Region or None
        The part of the frames that was tracked; None for whole ones.
    source : callable
        Returns the image layer, as long as it is there: names may change.
    """

    number: int = 1
    image: str = ""
    frames: Sequence[int] = ()
    total: int = 0
    contrast: Contrast = "normal"
    seconds: float = 0.0
    passed: float = 0.0
    region: Region | None = None
    source: Callable[[], Any] = field(default=lambda: None, repr=False)

    @property
    def number_of_frames(self) -> int:
        """How many frames were looked at."""
        return len(self.frames)

    def recipe(self) -> dict[str, Any]:
        """Return how it was found."""
        made = {**self.choice.recipe(self.cascade), "contrast": self.contrast}
        where = {} if self.region is None else {"region": list(self.region)}
        return {**made, "image": self.image, "frames": [int(frame) for frame in self.frames], **where}

    @property
    def title(self) -> str:
        """What it is called in a list."""
        return f"{self.number}: {self.choice.card.name}, stage {self.choice.stage}, {self.image}"


class Run:
    """Collects frames, warnings and the error that ended it.

    Parameters
    ----------
    image : napari.layers.Image
    choice : Choice
        How it is tracked.
    total : int
        Frames to track.
    number : int
    region : Region, optional
        The part of the frames that is tracked.
    """

    def __init__(self, image: Image, choice: Choice, total: int, number: int = 1, region: Region | None = None) -> None:
        self.image, self.choice, self.number, self.region = image, choice, number, region
        self.progress = TrackingProgress(0, total)
        self.warnings: list[str] = []
        self.error: Exception | None = None
        self._frames: list[int] = []
        self._rows: list[np.ndarray] = []
        self._passed: list[float] = []
        self._cascade: Cascade | None = None

    def follow(self, steps: Iterable[TrackingProgress | None]) -> Iterator[TrackingProgress | None]:
        """Yield the steps of a run, keeping what they bring; at their end, count what is accepted."""
        try:
            for progress in steps:
                if progress is not None:
                    self._take(progress)
                yield progress
        finally:  # beside the window, also where it was stopped
            _ = self.record.accepted

    def _take(self, progress: TrackingProgress) -> None:
        self.progress = progress
        if progress.frame is not None:
            self._frames.append(progress.frame)
            self._rows.append(progress.table.reindex(columns=[*DETECTION_COLUMNS]).to_numpy(float))
            self._passed.append(progress.passed)
            self._cascade = progress.cascade or self._cascade

    @cached_property
    def record(self) -> Record:
        """All there is, once it has ended."""
        return Record(
            choice=self.choice,
            table=self._table(),
            cascade=self._cascade or self.choice.calibrated(),
            number=self.number,
            image=self.image.name,
            frames=tuple(self._frames),
            total=self.progress.total,
            contrast=self.progress.contrast,
            seconds=self.progress.seconds,
            passed=float(np.mean(self._passed)) if self._passed else 0.0,
            region=self.region,
            source=weakref.ref(getattr(self.image, "__wrapped__", self.image)),
        )

    def _table(self) -> pd.DataFrame:
        rows = np.concatenate(self._rows) if self._rows else np.empty((0, len(DETECTION_COLUMNS)))
        table = pd.DataFrame(rows, columns=[*DETECTION_COLUMNS])
        kinds = {"frame": np.int64, "votes": np.int64}
        return table.astype(kinds).assign(stage=np.full(len(table), self.choice.stage, np.int64))

    def outcome(self) -> tuple[str, Kind]:
        """Say how it ended."""
        line = outcome_line(int(self.record.accepted.sum()), self.progress)
        if self.error is not None:
            kept = f"\n{line}" if self.progress.done else ""
            return f"{reason(self.error)}{kept}", "error"
        if self.warnings:
            return f"{line}\n{warning_line(self.warnings)}", "warning"
        return line, "plain"
