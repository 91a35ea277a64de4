"""Trajectories as napari's Tracks layers, and back as tables."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Tracks
from napari.utils.colormaps import Colormap

from ...core.motion import Units
from ..shared.layers import about, placed, put_over
from .tracks_tables import SHADE, data_of, known_units, table_of_tracks

if TYPE_CHECKING:
    from napari.layers import Layer, Points
    from napari.viewer import Viewer

MARK = "selected trajectories"
"""The layer that shows the whole paths of those that are selected."""

OURS = "growtrack trajectories"
"""Where the metadata of a layer tells that the Trajectories panel made it to show something, not to hold it."""

BLENDING = "translucent_no_depth"
"""Added light, which napari takes for tracks by itself, is not seen on a bright field."""

AXES = ("frame", "y", "x")

_TAIL, _WIDTH = 30, 3
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
    layer.color_by = colour if colour in features else SHADE


def shade_tracks(layer: Tracks, values: np.ndarray) -> None:
    """Colour each point of a layer by a number from 0 to 1."""
    layer.features = pd.DataFrame(layer.features).drop(columns="track_id", errors="ignore").assign(**{SHADE: values})
    layer.color_by = SHADE


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
