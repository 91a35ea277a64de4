"""What a score is asked of and what it answers, as plain values; free of Qt."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...core.packages.version import package_version
from ...core.scoring import Comparison, ThesisScore, iter_compare, thesis_score
from ...core.tables import PROGRAM, write_table
from ..napari_io.writing import plain
from ..session.region import Region
from ..shared.endings import with_ending


@dataclass(frozen=True, eq=False)
class Question:
    """Two layers as tables in the detections' pixels, and how to compare them.

    Attributes
    ----------
    truth, detections : DataFrame
        ``frame, y, x``, and ``radius`` or ``sigma`` where they are known.
    names : (str, str)
        Of the truth's and the detections' layer.
    frames : tuple of int
        The frames that count.
    tracked : bool
        Whether these are the frames that were tracked; else those with points.
    region : Region or None
        The part of the frames that counts; None for all of it.
    within : float
        Farthest a pair may be apart, in pixels.
    affine : ndarray (n + 1, n + 1)
        From pixels of the detections, (frame, y, x) or (y, x), to the world.
    unit : str
        Of the world; empty where it is pixels.
    recipe : dict
        How the detections were found.
    """

    truth: pd.DataFrame
    detections: pd.DataFrame
    names: tuple[str, str]
    frames: tuple[int, ...]
    tracked: bool
    region: Region | None
    within: float
    affine: np.ndarray
    unit: str
    recipe: dict[str, Any]

    def same(self, other: Question | None) -> bool:
        """Tell whether another question has the same answer."""
        if other is None or self._terms() != other._terms() or not np.array_equal(self.affine, other.affine):
            return False
        return self.truth.equals(other.truth) and self.detections.equals(other.detections)

    def _terms(self) -> tuple[Any, ...]:
        return self.names, self.frames, self.tracked, self.region, self.within, self.unit, repr(self.recipe)

    def answered(self) -> Iterator[Answer | None]:
        """Yield None after every frame, the answer at last."""
        thesis = thesis_score(self.truth, self.detections) if "radius" in self.truth else None
        for comparison in iter_compare(self.truth, self.detections, self.within):
            yield None if comparison is None else Answer(self, comparison, thesis)

    @property
    def pixel(self) -> float:
        """Width of a pixel in the world."""
        return width(self.affine)

    def world(self, frame: float, y: float, x: float) -> np.ndarray:
        """Return where in the world a point lies, (3,) or (2,)."""
        point = np.array([frame, y, x])[-len(self.affine) + 1 :]
        return self.affine[:-1, :-1] @ point + self.affine[:-1, -1]


@dataclass(frozen=True, eq=False)
class Answer:
    """How they compare; `thesis` only where the truth has radii."""

    question: Question
    comparison: Comparison
    thesis: ThesisScore | None

    @cached_property
    def world_errors(self) -> np.ndarray:
        """Distances of matched pairs in units of the world, (n,)."""
        pairs = self.comparison.pairs
        apart = pairs[["y", "x"]].to_numpy(float) - pairs[["truth_y", "truth_x"]].to_numpy(float)
        return np.linalg.norm(apart @ self.question.affine[-3:-1, -3:-1].T, axis=1)

    def recipe(self) -> dict[str, Any]:
        """Return what a saved score carries: the numbers, the layers, the frames and how detections were found."""
        asked = self.question
        return {
            "program": PROGRAM,
            "version": package_version(),
            "truth": asked.names[0],
            "detections": asked.names[1],
            "within_px": asked.within,
            "frames": list(asked.frames),
            "score": json.loads(self.comparison.score.to_json()),
            "thesis": None if self.thesis is None else json.loads(self.thesis.to_json()),
            "found_with": plain(asked.recipe),
        }

    def saved(self, path: Path) -> Iterator[Path]:
        """Write pairs, misses and false detections as CSV and the score beside it as JSON; yield where the CSV is.

        Raises
        ------
        SettingsError
            When the file would replace another than the one that was picked.
        OutputError
            When the disk refuses.
        """
        path = with_ending(path, ".csv")
        write_table(self.comparison.table(), path, self.recipe())
        yield path


def width(affine: np.ndarray) -> float:
    """Return how wide a pixel becomes by a matrix of at least (3, 3) for (..., y, x)."""
    return math.sqrt(abs(np.linalg.det(affine[-3:-1, -3:-1])))
