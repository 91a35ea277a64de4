"""Points layers as tables that other programs read, with what is needed to make them again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat

from ..core.errors import TableError
from ..core.settings import Settings
from ..core.tables import PROGRAM, check, write_table
from ..core.version import package_version

LAYER = "layer"
"""Where a recipe says how its points lie in the world."""

RUN = "run"
"""Where a layer says which run of a session it shows, which means nothing in another session."""

_POINT = ["frame", "y", "x"]


class Place(Settings):
    """How pixels become world coordinates, axis by axis."""

    scale: tuple[FiniteFloat, ...] = Field(min_length=2, max_length=3, description="World units in a pixel.")
    translate: tuple[FiniteFloat, ...] = Field(min_length=2, max_length=3, description="World place of pixel 0.")
    units: tuple[str, ...] = Field(min_length=2, max_length=3, description="World units.")
    axis_labels: tuple[str, ...] = Field(min_length=2, max_length=3, description="What the axes are called.")


def write_points(path: str | os.PathLike[str], data: np.ndarray, about: dict[str, Any]) -> list[str]:
    """Write a points layer as CSV and, beside it as ``<stem>.json``, its recipe.

    The table has ``frame, y, x`` and the layer's features, a row for each point
    that is shown. `y` and `x` are in pixels, whatever the layer's scale; scale,
    offset and units of the world are in the recipe, under ``layer``.
    Points of a single picture, which have no frame, get frame 0. Where a point
    was moved by hand, its new place is written, not that of the features.

    Parameters
    ----------
    path
        The CSV file; where it does not end in ``.csv``, ``.detections.csv`` is
        added. Written whole or not at all.
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
    path = _csv(Path(path))
    table = _table(np.asarray(data, float), about, path.name)
    write_table(table, path, _recipe(about, np.shape(data)[1]))
    return [str(path), str(path.with_suffix(".json"))]


def framed(data: np.ndarray) -> pd.DataFrame:
    """Return points (n, 3), or of a single picture (n, 2), as ``frame, y, x``."""
    whole = data if data.shape[1] == 3 else np.insert(data, 0, 0, axis=1)
    return pd.DataFrame(whole, columns=_POINT).assign(frame=np.rint(whole[:, 0]))


def _csv(path: Path) -> Path:
    """Return a path that ends in .csv and, where a person typed no ending, is known again as ours when it is opened."""
    if path.suffix.lower() == ".csv":
        return path
    return path.with_name(path.name + (".csv" if path.name.endswith("detections") else ".detections.csv"))


def _table(data: np.ndarray, about: dict[str, Any], name: str) -> pd.DataFrame:
    """Return the shown points, ``frame, y, x`` first and then whatever else is known of them."""
    axes = data.shape[1]
    if axes not in (2, 3):
        raise TableError(
            f"Cannot write {name}: its points have {axes} coordinates; expected (frame, y, x) or (y, x). "
            "Choose one channel and one z plane."
        )
    points = framed(data)
    features = pd.DataFrame(about.get("features", {})).reset_index(drop=True).drop(columns=_POINT, errors="ignore")
    table = pd.concat([points, features], axis=1)
    return check(table[np.asarray(about.get("shown", np.ones(len(data), bool)), bool)])


def _recipe(about: dict[str, Any], axes: int) -> dict[str, Any]:
    """Return how the points were made, as far as the layer knows, and where they lie."""
    made = about.get("metadata", {}).get("growtrack")
    told = {name: value for name, value in plain(made).items() if name != RUN} if isinstance(made, dict) else {}
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
