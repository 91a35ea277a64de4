"""Trajectories as napari's Tracks layers, and back as tables."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pint
from napari.layers import Tracks
from napari.utils.colormaps import AVAILABLE_COLORMAPS, Colormap

from ...core.errors import TableError
from ...core.motion import Units
from ...core.tables import check
from ..shared.layers import about, placed, put_over

if TYPE_CHECKING:
    from napari.layers import Layer, Points
    from napari.viewer import Viewer

# Tables ---------------------------------------------------------------------------------------------------------------


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


# Layers ---------------------------------------------------------------------------------------------------------------


MARK = "selected trajectories"
"""The layer that shows the whole paths of those that are selected."""

OURS = "growtrack trajectories"
"""Where the metadata of a layer tells that the Trajectories panel made it to show something, not to hold it."""

BLENDING = "translucent_no_depth"
"""Added light, which napari takes for tracks by itself, is not seen on a bright field."""

AXES = ("frame", "y", "x")

_TAIL, _WIDTH = 30, 3
_SEEN, _COLOURS = 0.05, 64
"""Where the colours of what is seen begin, on a map whose low end is clear; and how many it is made of."""

_WHITE = Colormap([[1, 1, 1, 1], [1, 1, 1, 1]], name="growtrack white")


def table_of(layer: Tracks) -> pd.DataFrame:
    """Return a layer's trajectories as ``frame, y, x, particle`` and whatever else is known, in pixels.

    Raises
    ------
    TableError
        When it has other axes than (frame, y, x).
    """
    return table_of_tracks(layer.data, layer.features, layer.name)


def make_tracks(table: pd.DataFrame, name: str, how: dict[str, Any], place: dict[str, Any] | None = None) -> Tracks:
    """Return a layer of trajectories that is in no viewer yet, so that it can be made in any thread.

    Parameters
    ----------
    table : DataFrame
        With ``frame, y, x, particle``; not empty.
    name : str
    how : dict
        How they were made.
    place : dict, optional
        Where it lies, as `layers.placed` tells it of another layer.
    """
    data, features = data_of(table)
    return Tracks(
        data,
        features=features,
        name=name,
        color_by=SHADE,
        blending=BLENDING,
        tail_length=_TAIL,
        tail_width=_WIDTH,
        metadata={"growtrack": how},
        **({"axis_labels": AXES} if place is None else place),
    )


def add_tracks(viewer: Viewer, layer: Tracks) -> None:
    """Add a layer of trajectories; it is the active one then."""
    viewer.add_layer(layer)
    viewer.layers.selection.active = layer


def fill_tracks(layer: Tracks, table: pd.DataFrame) -> None:
    """Put other trajectories into a layer."""
    data, features = data_of(table)
    colour = layer.color_by
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # napari forgets all features for a moment, and says that it misses one
        layer.data = data
        layer.features = features
        layer.colormaps_dict = {name: colours for name, colours in layer.colormaps_dict.items() if name != SHADE}
    layer.color_by = colour if colour in features else SHADE


def shade_tracks(layer: Tracks, values: np.ndarray, shown: np.ndarray | None = None) -> None:
    """Colour each point of a layer by a number from 0 to 1; those that are not `shown`, (n,) of bool, are not seen."""
    colours = {name: map_ for name, map_ in layer.colormaps_dict.items() if name != SHADE}
    if shown is not None and not shown.all():
        values = np.where(shown, _SEEN + (1 - _SEEN) * values, 0.0)
        colours[SHADE] = _with_unseen(layer.colormap)
    layer.colormaps_dict = colours
    layer.features = pd.DataFrame(layer.features).drop(columns="track_id", errors="ignore").assign(**{SHADE: values})
    layer.color_by = SHADE


def _with_unseen(name: str) -> Colormap:
    """Return a colour map whose low end is clear, the other colours following behind it."""
    colours = AVAILABLE_COLORMAPS[name].map(np.linspace(0, 1, _COLOURS))
    clear = np.zeros((2, 4))
    places = np.concatenate([[0, _SEEN / 2, _SEEN / 2], np.linspace(_SEEN, 1, _COLOURS)[1:]])
    return Colormap(np.concatenate([clear, colours]), name="growtrack seen", controls=places)


def mark_tracks(viewer: Viewer, layer: Tracks, table: pd.DataFrame, particles: Collection[int]) -> None:
    """Show the whole paths of some trajectories in white; those of none are not shown."""
    mark = marked(viewer)
    chosen = table[table["particle"].isin([*particles])]
    if not len(chosen):
        if mark is not None:
            mark.visible = False
        return
    data, _ = data_of(chosen)
    span = int(table["frame"].max()) + 1
    if mark is None:
        selected, active = set(viewer.layers.selection), viewer.layers.selection.active
        mark = Tracks(
            data,
            name=MARK,
            blending=BLENDING,
            tail_width=5,
            tail_length=span,
            head_length=span,
            colormaps_dict={"track_id": _WHITE},
            metadata={OURS: True},
            **placed(layer),
        )
        viewer.add_layer(mark)
        viewer.layers.selection = selected
        viewer.layers.selection.active = active
    else:
        mark.data = data
        mark.tail_length = mark.head_length = span
        put_over(layer, mark)
        mark.visible = True


def marked(viewer: Viewer) -> Tracks | None:
    """Return the layer of paths that are marked."""
    return next((layer for layer in viewer.layers if is_ours(layer)), None)


def unmark(viewer: Viewer) -> None:
    """Remove the layer of paths that are marked."""
    mark = marked(viewer)
    if mark is not None:
        viewer.layers.remove(mark)


def is_ours(layer: Layer) -> bool:
    """Tell whether a layer only marks what is selected in another one."""
    return OURS in layer.metadata


def units_of(layer: Points | Tracks) -> Units:
    """Return what is known of a layer's pixel and frame: what was told or saved with it, else its scale and units."""
    told = {"metadata": layer.metadata, "scale": layer.scale, "units": layer.units}
    return Units(**known_units(told))


def tell_units(layer: Tracks, units: Units) -> None:
    """Keep with a layer what its pixel and frame stand for."""
    told = {name: value for name, value in about(layer).items() if name not in Units.model_fields}
    known = {name: value for name, value in units.model_dump().items() if value is not None}
    layer.metadata = {**layer.metadata, "growtrack": told | known}
