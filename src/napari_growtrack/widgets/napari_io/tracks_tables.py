"""Trajectories as napari keeps them, and as tables; free of napari and Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pint

from ...core.errors import TableError
from ...core.tables import check

SHADE = "shade"
"""The feature that colours follow."""

_DERIVED = (SHADE, "track_id")
_SPREAD = (2, 98)
_AXES = 4


def table_of_tracks(data: np.ndarray, features: Any, name: str) -> pd.DataFrame:
    """Return tracks (n, 4) as napari keeps them, number, frame, y, x, as a table; see `table_of`."""
    data = np.asarray(data, float)
    if data.shape[1] != _AXES:
        raise TableError(
            f"{name} has tracks of {data.shape[1] - 1} axes; expected (frame, y, x). Choose tracks of a plane."
        )
    columns = {"frame": data[:, 1], "y": data[:, 2], "x": data[:, 3], "particle": data[:, 0]}
    known = pd.DataFrame(features).reset_index(drop=True)
    known = known.drop(columns=[*columns, *_DERIVED], errors="ignore")
    return check(pd.concat([pd.DataFrame(columns), known], axis=1), tuple(columns))


def data_of(table: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Return a table of trajectories as napari takes tracks: (n, 4) number, frame, y, x, and their features.

    A number of a whole trajectory is right for each of its points, so both are sorted by trajectory, then by frame.
    """
    ordered = table.sort_values(["particle", "frame"], kind="stable", ignore_index=True)
    return ordered[["particle", "frame", "y", "x"]].to_numpy(float), _features(ordered)


def _features(ordered: pd.DataFrame) -> pd.DataFrame:
    known = ordered.drop(columns=["frame", "y", "x"])
    return known.assign(**{SHADE: shades(ordered, "particle")})


def shades(ordered: pd.DataFrame, by: str | pd.Series) -> np.ndarray:
    """Return what colours follow, from 0 to 1, a number for each row.

    Parameters
    ----------
    ordered : DataFrame
        Sorted by trajectory, then by frame.
    by : str or Series
        A column; or a value for each particle. The few most extreme ones have the
        colours of the ends; where nothing is known it is that of the low end.
    """
    values = (ordered[by] if isinstance(by, str) else ordered["particle"].map(by)).to_numpy(float)
    if isinstance(by, str) and by == "particle":  # neighbouring numbers should not look alike
        return np.modf(values * (np.sqrt(5) - 1) / 2)[0]
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        return np.zeros(len(values))
    low, high = np.percentile(known, _SPREAD)
    low, high = (low, high) if low < high else (known.min(), known.max())
    return np.nan_to_num(np.clip((values - low) / (high - low), 0, 1))


def speeds(ordered: pd.DataFrame) -> pd.Series:
    """Return how far each detection is from the one before in its trajectory, in pixels a frame."""
    steps = ordered.groupby("particle")[["frame", "y", "x"]].diff()
    return (np.hypot(steps["y"], steps["x"]) / steps["frame"]).bfill()


def known_units(about: dict[str, Any]) -> dict[str, float]:
    """Return ``pixel_size`` (µm), ``frame_time`` (s) and ``exposure_time`` (s), as far as a layer's values tell them.

    Parameters
    ----------
    about : dict
        ``metadata``, ``scale`` and ``units``, as napari has them.
    """
    kept = about.get("metadata", {}).get("growtrack")
    told = kept if isinstance(kept, dict) else {}
    scale, units = (() if about.get(name) is None else tuple(about[name]) for name in ("scale", "units"))
    pixel, frame = _number(told.get("pixel_size")), _number(told.get("frame_time"))
    if pixel is None and len(scale) > 1 and len(units) > 1 and np.isclose(*scale[-2:]):
        pixel = _in(units[-1], scale[-1], "micrometer")
    if frame is None and len(scale) > 2 and len(units) > 2:
        frame = _in(units[-3], scale[-3], "second")
    found = {"pixel_size": pixel, "frame_time": frame, "exposure_time": _number(told.get("exposure_time"))}
    return {name: value for name, value in found.items() if value is not None}


def _number(told: Any) -> float | None:
    usable = isinstance(told, (int, float)) and np.isfinite(told) and told > 0
    return float(told) if usable else None


def _in(unit: Any, scale: float, wanted: str) -> float | None:
    """Return a scale in another unit; None where the layer's unit is of another kind, such as a pixel."""
    quantity = pint.Unit(str(unit))
    if not quantity.is_compatible_with(wanted):
        return None
    return _number(float((float(scale) * quantity).to(wanted).magnitude))
