"""Spots by trackpy's `locate`, which climbs to the centre of mass (Crocker and Grier)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from ...packages.plotting import load_matplotlib
from .tuning import COLUMNS, Baseline

DIAMETERS = (7, 9, 11, 13, 15, 19, 23, 27)
Engine = Literal["numba", "python"]
_SPELT = {"numba": "numba", "python": "Python"}


@dataclass(frozen=True)
class Trackpy:
    """`trackpy.locate` with everything but `minmass` chosen.

    Attributes
    ----------
    diameter : int
        Odd, in pixels.
    separation : int
        Least distance of two spots, in pixels; trackpy's own default is one more than the diameter.
    engine : {"numba", "python"}
    dark : bool
        Whether dark spots are found as well as bright ones: it then looks twice, once at the negative.
    """

    diameter: int
    separation: int
    engine: Engine = "numba"
    dark: bool = False

    def __call__(self, frame: np.ndarray, least: float = 0.0) -> pd.DataFrame:
        """Return ``y, x, strength``; the strength is trackpy's mass."""
        bright = self._located(frame, least)
        if not self.dark:
            return bright
        return _apart(pd.concat([bright, self._located(frame.max() - frame, least)]), self.separation)

    def _located(self, frame: np.ndarray, least: float) -> pd.DataFrame:
        locate = _locate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a frame without spots is an ordinary case
            found = locate(frame, self.diameter, minmass=least, separation=self.separation, engine=self.engine)
        if not len(found):
            return pd.DataFrame({column: pd.Series(dtype=float) for column in COLUMNS})
        return found.rename(columns={"mass": "strength"})[list(COLUMNS)].reset_index(drop=True)

    def __str__(self) -> str:
        return f"diameter {self.diameter}, separation {self.separation}"


def trackpy_baseline(
    diameter: int | None = None, engine: Engine = "numba", dark: bool = False, diameters: Sequence[int] = DIAMETERS
) -> Baseline:
    """Return the baseline of one diameter in pixels, with trackpy's own separation, or of many of both to be tuned."""
    if diameter is not None:
        return Baseline(f"trackpy {diameter}, {_SPELT[engine]}", (Trackpy(diameter, diameter + 1, engine, dark),))
    sizes = [(one, separation) for one in diameters for separation in (one + 1, (one + 1) // 2)]
    return Baseline("trackpy, tuned", tuple(Trackpy(*size, engine, dark) for size in sizes))


@cache
def _locate() -> Callable[..., Any]:
    load_matplotlib()  # which it loads by itself
    import trackpy

    trackpy.ignore_logging()  # it writes to stdout by itself
    return trackpy.locate


def _apart(found: pd.DataFrame, separation: float) -> pd.DataFrame:
    """Keep of spots that are too near to each other the strongest."""
    ordered = found.sort_values("strength", ascending=False, ignore_index=True)
    near = np.triu(cdist(ordered[["y", "x"]], ordered[["y", "x"]]) < separation, 1)
    kept = np.ones(len(ordered), bool)
    for i in range(len(ordered)):
        if kept[i]:
            kept &= ~near[i]
    return ordered[kept].reset_index(drop=True)
