"""Compare detections with the truth: one-to-one matching, and the thesis's own measures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from .matching import WITHIN, match
from .settings import Settings
from .tables import check

NAN = float("nan")


class Score(Settings):
    """How detections compare with the truth, one to one.

    Attributes
    ----------
    particles, detections, matched : int
    found, false : float
        Share of the particles that were found, and of the detections that
        match none.
    f1 : float
    median_error, mean_error : float
        Distance of matched pairs in pixels; nan without any.
    within : float
        Farthest a pair may be apart, in pixels.
    """

    particles: int
    detections: int
    matched: int
    found: float
    false: float
    f1: float
    median_error: float
    mean_error: float
    within: float

    def __str__(self) -> str:
        return (
            f"found {self.found:.1%} of {self.particles} particles, false {self.false:.1%} of {self.detections} "
            f"detections, median error {self.median_error:.3f} px, mean {self.mean_error:.3f} px"
        )


class ThesisScore(Settings):
    """The thesis's measures (4.2.3).

    Attributes
    ----------
    median_error, mean_error : float
        Distance of each found particle to the prediction closest to it, in pixels.
    missed : float
        Share of the particles whose closest prediction is farther than twice
        their radius.
    false : float
        Share of the predictions that are the closest to no particle.
    """

    median_error: float
    mean_error: float
    missed: float
    false: float


def score(truth: pd.DataFrame, detections: pd.DataFrame, within: float = WITHIN) -> Score:
    """Match detections with the truth one to one in every frame.

    Parameters
    ----------
    truth, detections : DataFrame
        With columns ``frame, y, x``, pixels.
    within : float
        Farthest a pair may be apart, in pixels.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.

    Examples
    --------
    >>> points = pd.DataFrame({"frame": [0], "y": [3.0], "x": [4.0]})
    >>> score(points, points).found
    1.0
    """
    pairs = matched_pairs(truth, detections, within)
    n, m, k = len(truth), len(detections), len(pairs)
    return Score(
        particles=n,
        detections=m,
        matched=k,
        found=k / n if n else 1.0,
        false=(m - k) / m if m else 0.0,
        f1=2 * k / (n + m) if n + m else 1.0,
        median_error=float(np.median(pairs.error)) if k else NAN,
        mean_error=float(pairs.error.mean()) if k else NAN,
        within=within,
    )


def matched_pairs(truth: pd.DataFrame, detections: pd.DataFrame, within: float = WITHIN) -> pd.DataFrame:
    """Return every matched pair: ``truth, detection`` (row labels) and ``error`` in pixels."""
    parts = []
    for mine, theirs in _by_frame(truth, detections):
        rows, columns, distances = match(mine[["y", "x"]].to_numpy(), theirs[["y", "x"]].to_numpy(), within)
        parts.append(pd.DataFrame({"truth": mine.index[rows], "detection": theirs.index[columns], "error": distances}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["truth", "detection", "error"])


def thesis_score(truth: pd.DataFrame, detections: pd.DataFrame) -> ThesisScore:
    """Judge as the thesis does: each particle takes the closest prediction.

    Raises
    ------
    TableError
        When the truth has no ``radius`` column, or a column holds no numbers.
    """
    truth = check(truth, ("frame", "y", "x", "radius"))
    closest, missed, false = [], 0, 0
    for mine, theirs in _by_frame(truth, detections):
        if not len(mine) or not len(theirs):
            missed, false = missed + len(mine), false + len(theirs)
            continue
        distances = cdist(mine[["y", "x"]], theirs[["y", "x"]])
        hit = distances.min(1) <= 2 * mine["radius"].to_numpy()
        closest.append(distances.min(1)[hit])
        missed += int((~hit).sum())
        false += len(theirs) - len(np.unique(distances.argmin(1)))
    every = np.concatenate(closest) if closest else np.empty(0)
    return ThesisScore(
        median_error=float(np.median(every)) if len(every) else NAN,
        mean_error=float(every.mean()) if len(every) else NAN,
        missed=missed / len(truth) if len(truth) else 0.0,
        false=false / len(detections) if len(detections) else 0.0,
    )


def _by_frame(truth: pd.DataFrame, detections: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    mine, theirs = (dict(iter(check(table).groupby("frame"))) for table in (truth, detections))
    frames = sorted(set(mine) | set(theirs), key=float)  # type: ignore[arg-type]
    return [(mine.get(frame, truth[:0]), theirs.get(frame, detections[:0])) for frame in frames]
