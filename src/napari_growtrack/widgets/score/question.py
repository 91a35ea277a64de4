"""What a score is asked of, read from two points layers, and what it answers, as plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import pandas as pd

from ...core.errors import TableError
from ...core.packages.version import package_version
from ...core.scoring import Comparison, ThesisScore, iter_compare, thesis_score
from ...core.tables import PROGRAM, check, write_table
from ..napari_io.writing import framed, plain
from ..session.region import Region
from ..shared.layers import about
from ..shared.opening import with_ending

if TYPE_CHECKING:
    from napari.layers import Points


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


# Reading the layers ---------------------------------------------------------------------------------------------------


NO_TRUTH = "Choose the layer that holds the truth: a table opened with File > Open, or points set by hand."
NO_DETECTIONS = "Choose the layer that holds the detections: track the film, or open a table of detections."


def ask(truth: Points | None, detections: Points | None, within: float, only_marked: bool = False) -> Question:
    """Read two layers, so that they can be compared elsewhere.

    What counts are the frames, and the part of them, that the detections say
    were tracked; without that, all frames with points.

    Parameters
    ----------
    truth, detections : Points or None
    within : float
        Farthest a pair may be apart, in pixels of the detections.
    only_marked : bool
        Leave out frames without any truth.

    Raises
    ------
    TableError
        When there is nothing to compare, or the layers do not go together.
    """
    if truth is None:
        raise TableError(NO_TRUTH)
    if detections is None:
        raise TableError(NO_DETECTIONS)
    _refuse_misfits(truth, detections)
    true, found, region = _table(truth, detections), _table(detections, detections), _region(detections)
    if region is not None:
        true, found = region.inside(true), region.inside(found)
    frames, tracked = _frames(detections, true, found)
    if only_marked:
        frames = tuple(sorted({*frames} & {*true["frame"].tolist()}))
    return Question(
        truth=true[true["frame"].isin(frames)],
        detections=found[found["frame"].isin(frames)],
        names=(truth.name, detections.name),
        frames=frames,
        tracked=tracked,
        region=region,
        within=within,
        affine=_affine(detections),
        unit=_unit(detections),
        recipe={name: value for name, value in about(detections).items() if name != "frames"},
    )


def _refuse_misfits(truth: Points, detections: Points) -> None:
    if truth is detections:
        raise TableError(f"Truth and detections are the same layer, {truth.name}. Choose another one for either.")
    for layer in (truth, detections):
        if layer.ndim not in (2, 3):
            raise TableError(
                f"{layer.name} has {layer.ndim} axes; expected points as (frame, y, x) or (y, x). Choose another layer."
            )
    if truth.ndim != detections.ndim:
        flat, film = sorted((truth, detections), key=lambda layer: layer.ndim)
        raise TableError(
            f"{flat.name} holds points of a single picture (y, x), {film.name} those of a film (frame, y, x). "
            "Choose two layers of the same kind."
        )
    if (mine := truth.units) != (theirs := detections.units):
        raise TableError(
            f"{truth.name} is in {_listed(mine)}, {detections.name} in {_listed(theirs)}. In the layer list, "
            f"right-click {detections.name} to copy its units, then {truth.name} to apply them."
        )


def _listed(units: Sequence[Any]) -> str:
    return ", ".join(map(str, units))


def _table(layer: Points, detections: Points) -> pd.DataFrame:
    """Return the points that are shown, in the pixels of the detections, and what else the comparison needs."""
    shown = np.flatnonzero(np.asarray(layer.shown, bool))
    if not len(shown):
        raise TableError(f"{layer.name} shows no points, so there is nothing to compare. {_remedy(layer, detections)}")
    data, scale = np.asarray(layer.data, float)[shown], 1.0
    if layer is not detections:
        to_pixels = np.linalg.inv(_affine(detections)) @ _affine(layer)
        data, scale = data @ to_pixels[:-1, :-1].T + to_pixels[:-1, -1], width(to_pixels)
    try:
        return check(framed(data).set_index(shown).assign(**_measures(layer, shown, scale)))
    except TableError as error:
        raise TableError(f"{layer.name}: {error}") from error


def _remedy(layer: Points, detections: Points) -> str:
    if layer is detections:
        return "Track the film, or accept more by its thresholds."
    return "Set points by hand, or choose another layer."


def _measures(layer: Points, shown: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    """Return sigma, and radii in pixels of the detections if all are known."""
    measures = {}
    for name in {"sigma", "radius"} & {*layer.features.columns}:
        values = pd.to_numeric(layer.features[name], errors="coerce").to_numpy(float)[shown] * scale
        if name == "sigma" or np.isfinite(values).all():
            measures[name] = values
    return measures


def _region(detections: Points) -> Region | None:
    """Return the part of the frames that was tracked; None for all of it, or where its record is odd."""
    told = about(detections).get("region")
    if not _whole_numbers(told) or len(told) != len(Region._fields):
        return None
    region = Region(*told)
    return region if region.top < region.bottom and region.left < region.right else None


def _frames(detections: Points, true: pd.DataFrame, found: pd.DataFrame) -> tuple[tuple[int, ...], bool]:
    """Return the frames that count, and whether they are those that were tracked."""
    tracked = about(detections).get("frames")
    if _whole_numbers(tracked) and tracked:
        return tuple(sorted(set(tracked))), True
    return tuple(sorted({*true["frame"].tolist(), *found["frame"].tolist()})), False


def _whole_numbers(told: Any) -> TypeGuard[Sequence[int]]:
    return isinstance(told, (list, tuple)) and all(isinstance(number, int) for number in told)


def _affine(layer: Points) -> np.ndarray:
    """Return the matrix (n + 1, n + 1) from a layer's pixels to the world."""
    axes = layer.ndim
    origin = np.array(layer.data_to_world(np.zeros(axes)))
    matrix = np.eye(axes + 1)
    matrix[:-1, -1] = origin
    matrix[:-1, :-1] = np.column_stack([np.array(layer.data_to_world(axis)) - origin for axis in np.eye(axes)])
    return matrix


def _unit(layer: Points) -> str:
    """Return the unit of the world, empty where it is the layer's own pixel."""
    unit = f"{layer.units[-1]:~}"
    if unit not in ("pixel", "px"):
        return unit
    return "" if np.allclose(_affine(layer)[-3:-1, -3:-1], np.eye(2)) else "world units"
