"""Choose a detector's settings on frames of known truth, generously: those may be the ones it is judged on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from ...scoring import Score, score
from ...scoring.matching import WITHIN

COLUMNS = ("y", "x", "strength")
AS_GOOD = 2e-3
"""Difference of F1 values that counts as none."""


class Locator(Protocol):
    """Finds spots with settings of its own; all but the least strength that counts."""

    def __call__(self, frame: np.ndarray, least: float = 0.0) -> pd.DataFrame:
        """Return ``y, x`` in pixels and ``strength`` of all spots stronger than `least`."""


@dataclass(frozen=True)
class Detector:
    """A locator and the least strength it accepts.

    Attributes
    ----------
    locator : Locator
    least : float
        In the locator's own unit.
    """

    locator: Locator
    least: float

    def __call__(self, frame: np.ndarray) -> pd.DataFrame:
        """Return ``y, x, strength`` of a frame's spots, ``(Y, X)``."""
        return self.locator(frame, self.least)

    def __str__(self) -> str:
        return f"{self.locator}, threshold {self.least:.3g}"


@dataclass(frozen=True)
class Baseline:
    """A classical detector before it is tuned: a name, and a locator for every setting worth trying.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import named_scene, simulate_film
    >>> film, truth = simulate_film(named_scene("table42"), 2, (251, 251), np.random.default_rng(0), number=6)
    >>> len(laplacian_baseline().tuned(film, truth)(film[0]))  # doctest: +SKIP
    6
    """

    name: str
    locators: tuple[Locator, ...]

    def tuned(self, film: np.ndarray, truth: pd.DataFrame, within: float = WITHIN) -> Detector:
        """Return the detector of best F1 on a film, (T, Y, X); of nearly as good ones, that of least median error."""
        tried = [_tuned(locator, film, truth, within) for locator in self.locators]
        good = max(result.f1 for _, result in tried) - AS_GOOD
        return min((pair for pair in tried if pair[1].f1 >= good), key=lambda pair: pair[1].median_error)[0]


def _tuned(locator: Locator, film: np.ndarray, truth: pd.DataFrame, within: float) -> tuple[Detector, Score]:
    every = detections(locator, film)
    least = best_threshold(every, truth, within)
    result = score(truth, every[every.strength > least].reset_index(drop=True), within)
    return Detector(locator, least), result if result.matched else result.with_(median_error=np.inf)


def detections(detector: Callable[[np.ndarray], pd.DataFrame], film: Sequence[np.ndarray] | np.ndarray) -> pd.DataFrame:
    """Return what a detector finds in the frames of a film, with a column ``frame``."""
    tables = [detector(frame) for frame in film]
    frames = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    return pd.concat(tables, ignore_index=True).assign(frame=frames)


def best_threshold(found: pd.DataFrame, truth: pd.DataFrame, within: float = WITHIN) -> float:
    """Return the strength that separates particles from the rest with the best F1: the middle of the widest gap.

    Parameters
    ----------
    found : DataFrame
        With ``frame, y, x, strength``.
    truth : DataFrame
        With ``frame, y, x``.
    within : float
        Farthest that a hit may be from its particle, in pixels.
    """
    if not len(found):
        return 0.0
    ordered = found.sort_values("strength", ascending=False, ignore_index=True)
    strengths = np.append(ordered.strength, min(0.0, 2 * ordered.strength.iloc[-1]))
    hits = np.cumsum(_is_first_hit(ordered, truth, within))
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + len(truth))
    gaps = np.where(f1 == f1.max(), strengths[:-1] - strengths[1:], -1.0)
    return float(strengths[gaps.argmax() : gaps.argmax() + 2].mean())


def _is_first_hit(ordered: pd.DataFrame, truth: pd.DataFrame, within: float) -> np.ndarray:
    """Tell of each detection, strongest first, whether it is the first to hit its nearest particle."""
    hit = np.zeros(len(ordered), bool)
    particles = dict(iter(truth.groupby("frame")))
    for frame, rows in ordered.groupby("frame"):
        if frame in particles:
            distances = cdist(rows[["y", "x"]], particles[frame][["y", "x"]])
            near = np.where(distances.min(1) <= within, distances.argmin(1), -1)
            nearest, first = np.unique(near, return_index=True)
            hit[rows.index[first[nearest >= 0]]] = True
    return hit
