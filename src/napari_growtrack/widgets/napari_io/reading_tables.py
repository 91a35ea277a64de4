"""Tables that napari opens through this plugin: detections and truth as points, trajectories as tracks."""

from __future__ import annotations

import csv
import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...core.errors import GrowtrackError, GrowtrackWarning
from ...core.tables import SUFFIXES, check, read_recipe, read_table
from ..shared.layers import RING
from ..shared.preferences import preferences
from .samples import CROSS
from .tracks import AXES, BLENDING
from .tracks_tables import SHADE, data_of
from .writing import LAYER, RUN, Place

LayerData = tuple[Any, ...]
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Reader = Callable[[Paths], list[LayerData]]

_HEADER_LIMIT = 65_536
_BEGINNING = 4096


def listed(path: Paths) -> list[Path]:
    """Return one path or several as several."""
    return [Path(path)] if isinstance(path, (str, os.PathLike)) else [Path(one) for one in path]


def table_reader(path: Paths) -> Reader | None:
    """Return `read_tables` for tables with the columns ``frame, y, x``, None for anything else.

    Tables are CSV, Parquet, GEFF and TrackMate's XML.
    """
    return read_tables if all(map(_is_table, listed(path))) else None


def read_tables(path: Paths) -> list[LayerData]:
    """Open tables as layers, one each: those with ``particle`` as tracks, others and truth as points.

    All their columns become features. A recipe that came with a table goes to ``metadata["growtrack"]`` and says
    where the layer lies, its scale and its units. A layer has the whole name of its file, so that no panel takes it
    for its own and fills it anew.

    Raises
    ------
    TableError
        When a value is missing, or is not a number.
    OutputError
        When a format needs a package that is not installed.
    """
    return [_layer(table) for table in listed(path)]


def _is_table(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _has_points(path)
    if suffix == ".xml":
        return _begins_with(path, b"<TrackMate")
    if suffix == ".geff":
        return path.is_dir()
    return suffix in SUFFIXES


def _begins_with(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return mark in file.read(_BEGINNING)
    except OSError:
        return False


def _layer(path: Path) -> LayerData:
    table, recipe = read_table(path), _recipe(path)
    place = _place(recipe.pop(LAYER, None), path.name)
    flat = len(place.get("scale", AXES)) == 2 and not table["frame"].any()
    about = {
        "name": path.name,
        "metadata": {"growtrack": recipe} if recipe else {},
        **({} if flat else {"axis_labels": AXES}),
        **place,
    }
    if "particle" in table and "truth" not in path.stem.lower() and len(table) and not flat:
        data, features = data_of(check(table, (*AXES, "particle")))
        return (
            data,
            {**about, "features": features, "color_by": SHADE, "tail_width": 3, "blending": BLENDING},
            "tracks",
        )
    points = table[[*AXES]].to_numpy(float)[:, -2 if flat else -3 :]
    return points, {**about, "features": table, **_style(table, path)}, "points"


def _has_points(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            header = file.readline(_HEADER_LIMIT).decode("utf-8-sig")
        return set(AXES) <= set(next(csv.reader([header]), ()))
    except (OSError, UnicodeError, csv.Error):
        return False


def _style(table: pd.DataFrame, path: Path) -> dict[str, Any]:
    """Draw truth, whose radii are known, as crosses and detections as rings; TrackMate knows radii of all it finds."""
    if "radius" in table and path.suffix.lower() != ".xml":
        return CROSS
    return {**RING, "size": 12, "border_color": preferences().ring_colour}


def _recipe(path: Path) -> dict[str, Any]:
    """Return how a table was made, as far as it is told."""
    return {name: value for name, value in (read_recipe(path) or {}).items() if name != RUN}


def _place(told: Any, name: str) -> dict[str, Any]:
    """Return where a layer lies, if napari can place one there."""
    from napari.layers import Points

    if told is None:
        return {}
    try:
        place = Place.from_json(json.dumps(told)).model_dump()
        Points(ndim=len(place["scale"]), **place)
    except (GrowtrackError, ValueError, TypeError) as error:
        warnings.warn(f"The scale and units saved with {name} are not used: {error}", GrowtrackWarning, stacklevel=2)
        return {}
    return place
