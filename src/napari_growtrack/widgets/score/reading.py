"""Two points layers as a question that can be answered elsewhere; free of Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import pandas as pd

from ...core.errors import TableError
from ...core.tables import check
from ..napari_io.writing import framed
from ..session.region import Region
from ..shared.layers import about
from .question import Question, width

if TYPE_CHECKING:
    from napari.layers import Points

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
