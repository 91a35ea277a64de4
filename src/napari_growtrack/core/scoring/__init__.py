"""Compare detections with the truth: one-to-one matching, and the thesis's own measures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from ..settings import Settings
from ..tables import check
from .matching import WITHIN, match, spread

NAN = float("nan")

_Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


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


class Pull(NamedTuple):
    """What `sigma` says of errors along one axis, in pixels, and what they are.

    Attributes
    ----------
    told : float
        The mean `sigma`.
    measured : float
        Half the width that holds 68 % of the errors along y and x.
    spread : float
        The same of the errors in units of their own `sigma`: 1 where it is
        right, more where it promises too much.
    """

    told: float
    measured: float
    spread: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """How detections compare with the truth, point by point.

    Attributes
    ----------
    score : Score
    pairs : DataFrame
        Every matched pair: ``frame, y, x`` of the detection, ``truth_y,
        truth_x``, ``error`` in pixels, ``truth, detection`` (row labels) and,
        where detections have it, ``sigma``.
    missed : DataFrame
        Particles without a detection: the rows of the truth, and ``nearest``,
        how far away the closest detection of that frame is, in pixels; nan
        where there is none.
    false : DataFrame
        Detections that match no particle, and how far away the ``nearest`` is.
    """

    score: Score
    pairs: pd.DataFrame
    missed: pd.DataFrame
    false: pd.DataFrame

    @property
    def shift(self) -> tuple[float, float]:
        """How far detections lie from their particles on average, along y and x in pixels; nan without any pair."""
        y, x = self._offsets.mean(0) if len(self.pairs) else (NAN, NAN)
        return float(y), float(x)

    @property
    def pull(self) -> Pull | None:
        """Whether `sigma` is right; None where detections have none above 0."""
        sigma = self.pairs["sigma"].to_numpy(float) if "sigma" in self.pairs else np.empty(0)
        known = np.flatnonzero(np.isfinite(sigma) & (sigma > 0))
        if not len(known):
            return None
        offsets, sigma = self._offsets[known], sigma[known]
        return Pull(float(sigma.mean()), spread(offsets), spread(offsets / sigma[:, None]))

    @property
    def _offsets(self) -> np.ndarray:
        return self.pairs[["y", "x"]].to_numpy(float) - self.pairs[["truth_y", "truth_x"]].to_numpy(float)

    def worst(self, number: int = 10) -> pd.DataFrame:
        """Return the pairs that are farthest apart, the worst first."""
        return self.pairs.nlargest(number, "error")

    def table(self) -> pd.DataFrame:
        """Return one row for each pair, miss and false detection, in the order of frames.

        ``frame, outcome, truth_y, truth_x, y, x, error``, where `outcome` is
        ``matched``, ``missed`` or ``false``; what there is not is nan.
        """
        truths = self.missed.rename(columns={"y": "truth_y", "x": "truth_x"})
        parts = {"matched": self.pairs, "missed": truths, "false": self.false}
        columns = ["frame", "outcome", "truth_y", "truth_x", "y", "x", "error"]
        rows = [part.assign(outcome=outcome).reindex(columns=columns) for outcome, part in parts.items() if len(part)]
        every = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
        return every.sort_values("frame", kind="stable", ignore_index=True)


def compare(truth: pd.DataFrame, detections: pd.DataFrame, within: float = WITHIN) -> Comparison:
    """Match detections with the truth, and tell which particles were missed and which detections are false.

    Parameters
    ----------
    truth, detections : DataFrame
        With columns ``frame, y, x``, pixels; no two rows have the same label.
    within : float
        Farthest a pair may be apart, in pixels.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.

    Examples
    --------
    >>> truth = pd.DataFrame({"frame": [0, 0], "y": [3.0, 9.0], "x": [4.0, 9.0]})
    >>> compare(truth, truth[:1]).missed.y.tolist()
    [9.0]
    """
    (comparison,) = filter(None, iter_compare(truth, detections, within))
    return comparison


def iter_compare(truth: pd.DataFrame, detections: pd.DataFrame, within: float = WITHIN) -> Iterator[Comparison | None]:
    """Compare as `compare` does; None comes after every frame, the comparison at last.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    """
    parts = []
    for part in _iter_pairs(truth, detections, within):
        parts.append(part)
        yield None
    pairs = _joined(parts)
    yield Comparison(
        score=_score(len(truth), len(detections), pairs.error, within),
        pairs=_placed(pairs, truth, detections),
        missed=_with_nearest(truth.drop(pairs.truth), detections),
        false=_with_nearest(detections.drop(pairs.detection), truth),
    )


def _placed(pairs: pd.DataFrame, truth: pd.DataFrame, detections: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with the places of both."""
    found = detections.loc[pairs.detection, [name for name in ("frame", "y", "x", "sigma") if name in detections]]
    true = truth.loc[pairs.truth, ["y", "x"]].add_prefix("truth_")
    return pd.concat([part.reset_index(drop=True) for part in (found, true, pairs)], axis=1)


def _with_nearest(points: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return points with their distance to the nearest of others in the same frame, nan where there is none."""
    if not len(points) or not len(others):
        return points.assign(nearest=NAN)
    mine, theirs = (table[["frame", "y", "x"]].to_numpy(float) for table in (points, others))
    apart = 2 * (np.ptp(np.concatenate([mine, theirs])[:, 1:], axis=0).sum() + 1)  # frames farther than any two points
    distances, _ = cKDTree(theirs * (apart, 1, 1)).query(mine * (apart, 1, 1))
    return points.assign(nearest=np.where(distances < apart / 2, distances, NAN))


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
    return _score(len(truth), len(detections), matched_pairs(truth, detections, within).error, within)


def _score(n: int, m: int, errors: pd.Series, within: float) -> Score:
    k = len(errors)
    return Score(
        particles=n,
        detections=m,
        matched=k,
        found=k / n if n else 1.0,
        false=(m - k) / m if m else 0.0,
        f1=2 * k / (n + m) if n + m else 1.0,
        median_error=float(np.median(errors)) if k else NAN,
        mean_error=float(errors.mean()) if k else NAN,
        within=within,
    )


def matched_pairs(truth: pd.DataFrame, detections: pd.DataFrame, within: float = WITHIN) -> pd.DataFrame:
    """Return every matched pair: ``truth, detection`` (row labels) and ``error`` in pixels."""
    return _joined(list(_iter_pairs(truth, detections, within)))


def _iter_pairs(truth: pd.DataFrame, detections: pd.DataFrame, within: float) -> Iterator[_Pairs]:
    """Yield the matched pairs of each frame: their rows' labels, and how far apart they are."""
    truth, detections = check(truth), check(detections)
    mine, theirs = _places(truth), _places(detections)
    labels, others = truth.index.to_numpy(), detections.index.to_numpy()
    for these, those in _by_frame(truth, detections):
        rows, columns, distances = match(mine[these], theirs[those], within)
        yield labels[these[rows]], others[those[columns]], distances


def _places(table: pd.DataFrame) -> np.ndarray:
    return np.column_stack([table["y"].to_numpy(), table["x"].to_numpy()])


def _joined(parts: list[_Pairs]) -> pd.DataFrame:
    columns = ["truth", "detection", "error"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.DataFrame(
        {name: np.concatenate(each) for name, each in zip(columns, zip(*parts, strict=True), strict=True)}
    )


def thesis_score(truth: pd.DataFrame, detections: pd.DataFrame) -> ThesisScore:
    """Judge as the thesis does: each particle takes the closest prediction.

    Raises
    ------
    TableError
        When the truth has no ``radius`` column, or a column holds no numbers.
    """
    truth, detections = check(truth, ("frame", "y", "x", "radius")), check(detections)
    mine, theirs, radii = _places(truth), _places(detections), truth["radius"].to_numpy()
    closest, missed, false = [], 0, 0
    for these, those in _by_frame(truth, detections):
        if not len(these) or not len(those):
            missed, false = missed + len(these), false + len(those)
            continue
        distances = cdist(mine[these], theirs[those])
        hit = distances.min(1) <= 2 * radii[these]
        closest.append(distances.min(1)[hit])
        missed += int((~hit).sum())
        false += len(those) - len(np.unique(distances.argmin(1)))
    every = np.concatenate(closest) if closest else np.empty(0)
    return ThesisScore(
        median_error=float(np.median(every)) if len(every) else NAN,
        mean_error=float(every.mean()) if len(every) else NAN,
        missed=missed / len(truth) if len(truth) else 0.0,
        false=false / len(detections) if len(detections) else 0.0,
    )


def _by_frame(truth: pd.DataFrame, detections: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each frame which rows of the truth, and which of the detections, are in it."""
    mine, theirs = _rows(truth), _rows(detections)
    none = np.empty(0, int)
    return [(mine.get(frame, none), theirs.get(frame, none)) for frame in sorted({*mine, *theirs})]


def _rows(table: pd.DataFrame) -> dict[int, np.ndarray]:
    frames = table["frame"].to_numpy()
    order = np.argsort(frames, kind="stable")
    found, starts = np.unique(frames[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, starts[1:]), strict=False))  # an empty table splits into one part
