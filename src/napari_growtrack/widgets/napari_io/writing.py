"""Layers of points and tracks as tables that other programs read, with what is needed to make them again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat

from ...core.errors import TableError
from ...core.packages.version import package_version
from ...core.settings import Settings
from ...core.tables import PROGRAM, SUFFIXES, check, write_table
from ..shared.opening import with_ending
from .tracks import known_units, table_of_tracks

LAYER = "layer"
"""Where a recipe says how its points lie in the world."""

RUN = "run"
"""Where a layer says which run of a session it shows, which means nothing in another session."""

SAVED = {
    ".csv": "Tables with settings beside them",
    ".parquet": "Parquet",
    ".geff": "GEFF, for track editors",
    ".xml": "TrackMate",
}
"""What trajectories can be saved as."""

_POINT = ["frame", "y", "x"]


class Place(Settings):
    """How pixels become world coordinates, axis by axis."""

    scale: tuple[FiniteFloat, ...] = Field(min_length=2, max_length=3, description="World units in a pixel.")
    translate: tuple[FiniteFloat, ...] = Field(min_length=2, max_length=3, description="World place of pixel 0.")
    units: tuple[str, ...] = Field(min_length=2, max_length=3, description="World units.")
    axis_labels: tuple[str, ...] = Field(min_length=2, max_length=3, description="What the axes are called.")


def write_points(path: str | os.PathLike[str], data: np.ndarray, about: dict[str, Any]) -> list[str]:
    """Write a points layer with its recipe: as CSV with ``<stem>.json`` beside it, Parquet, GEFF or TrackMate's XML.

    The table has ``frame, y, x`` and the layer's features, a row for each point
    that is shown. `y` and `x` are in pixels, whatever the layer's scale; scale,
    offset and units of the world are in the recipe, under ``layer``.
    Points of a single picture, which have no frame, get frame 0. Where a point
    was moved by hand, its new place is written, not that of the features.

    Parameters
    ----------
    path
        Where it ends in nothing that is known, ``.detections.csv`` is added.
        Written whole or not at all.
    data : (n, 2) or (n, 3) array
        Points in pixels, (y, x) or (frame, y, x).
    about : dict
        The layer's other values, as napari passes them on.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    TableError
        When points have more than three coordinates, or lie before frame 0.
    OutputError
        When the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "points.csv"
    >>> [Path(file).name for file in write_points(path, np.array([[0, 1.5, 2]]), {})]
    ['points.csv', 'points.json']
    """
    path = _with_ending(Path(path))
    table = table_of_points(data, about, path.name)
    write_table(table, path, _recipe(about, np.shape(data)[1]))
    return _written(path)


def write_tracks(path: str | os.PathLike[str], data: np.ndarray, about: dict[str, Any]) -> list[str]:
    """Write a tracks layer, which napari itself cannot save, with its recipe: as CSV, Parquet, GEFF or TrackMate's XML.

    The table has ``frame, y, x, particle`` and the layer's features. Where the
    world's units are lengths and times, the recipe tells the size of a pixel and a frame.

    Parameters
    ----------
    path
        Where it does not end in one of `SAVED`, ``.trajectories.csv`` is added. Written whole or not at all.
    data : (n, 4) array
        Number, frame, y and x, in pixels.
    about : dict
        The layer's other values, as napari passes them on.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    TableError
        When tracks have other axes than (frame, y, x).
    OutputError
        When the disk refuses, or a format needs a package that is not installed.
    """
    path = _with_ending(Path(path), "trajectories")
    table = table_of_tracks(data, about.get("features", {}), path.name)
    recipe = known_units(about) | _recipe(about, np.shape(data)[1] - 1)
    write_table(table, path, recipe)
    return _written(path)


def framed(data: np.ndarray) -> pd.DataFrame:
    """Return points (n, 3), or of a single picture (n, 2), as ``frame, y, x``."""
    whole = data if data.shape[1] == 3 else np.insert(data, 0, 0, axis=1)
    return pd.DataFrame(whole, columns=_POINT).assign(frame=np.rint(whole[:, 0]))


def with_known_ending(path: Path, ending: str) -> Path:
    """Return a picked path with an ending that says how it is written: its own, or else this one.

    Raises
    ------
    SettingsError
        When that is another file, which is there already.
    """
    return path if path.suffix.lower() in SUFFIXES else with_ending(path, ending)


def _with_ending(path: Path, kind: str = "detections") -> Path:
    """Return a path that says what it holds, so that it is known again as ours when it is opened."""
    if path.suffix.lower() in SUFFIXES:
        return path
    return path.with_name(path.name + (".csv" if path.name.endswith(kind) else f".{kind}.csv"))


def _written(path: Path) -> list[str]:
    beside = [] if path.suffix.lower() in SUFFIXES[1:] else [str(path.with_suffix(".json"))]
    return [str(path), *beside]


def table_of_points(data: np.ndarray, about: dict[str, Any], name: str) -> pd.DataFrame:
    """Return the points that are shown, ``frame, y, x`` first and then whatever else is known of them.

    Parameters
    ----------
    data : (n, 2) or (n, 3) array
        In pixels, (y, x) or (frame, y, x).
    about : dict
        ``features`` and ``shown``, where they are known.
    name : str
        Of the layer or file, for what is said.

    Raises
    ------
    TableError
        When points have more than three coordinates, or lie before frame 0.
    """
    data = np.asarray(data, float)
    axes = data.shape[1]
    if axes not in (2, 3):
        raise TableError(
            f"Cannot use {name}: its points have {axes} coordinates; expected (frame, y, x) or (y, x). "
            "Choose one channel and one z plane."
        )
    points = framed(data)
    features = pd.DataFrame(about.get("features", {})).reset_index(drop=True).drop(columns=_POINT, errors="ignore")
    table = pd.concat([points, features], axis=1)
    return check(table[np.asarray(about.get("shown", np.ones(len(data), bool)), bool)])


def made(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return how a layer was made, as far as its metadata tell, as plain values."""
    told = metadata.get("growtrack")
    return {name: value for name, value in plain(told).items() if name != RUN} if isinstance(told, dict) else {}


def _recipe(about: dict[str, Any], axes: int) -> dict[str, Any]:
    """Return how the points were made, as far as the layer knows, and where they lie."""
    told = made(about.get("metadata", {}))
    return {"version": package_version(), **told, "program": PROGRAM, LAYER: _place(about, axes).model_dump()}


def _place(about: dict[str, Any], axes: int) -> Place:
    return Place(
        scale=_numbers(about.get("scale"), np.ones(axes)),
        translate=_numbers(about.get("translate"), np.zeros(axes)),
        units=tuple(map(str, about.get("units") or ("pixel",) * axes)),
        axis_labels=tuple(about.get("axis_labels") or _POINT[-axes:]),
    )


def _numbers(values: Any, default: np.ndarray) -> tuple[float, ...]:
    return tuple(map(float, default if values is None else values))


def plain(value: Any) -> Any:
    """Return what JSON can hold of a value that any program may have put into a layer's metadata."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, range, set)):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
