"""Files that napari opens through this plugin: films in videos, tables of points, and grown networks."""

from __future__ import annotations

import csv
import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from ..core.archive import SUFFIX, read_card
from ..core.errors import GrowtrackError, GrowtrackWarning, NetworkFileError
from ..core.stacks import VIDEO_SUFFIXES, Stack, open_stack
from ..core.tables import PROGRAM, read_table
from .layers import RING
from .opening import open_panel
from .preferences import preferences
from .samples import CROSS
from .writing import LAYER, RUN, Place

if TYPE_CHECKING:
    import dask.array
    from napari.viewer import Viewer
    from numpy.typing import NDArray


AXES = ("frame", "y", "x")

LayerData = tuple[Any, ...]
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Reader = Callable[[Paths], list[LayerData]]

_NO_LAYER: list[LayerData] = [(None,)]
_SAMPLED = (0, 5, 10)
_HEADER_LIMIT = 65_536


def film_reader(path: Paths) -> Reader | None:
    """Return `read_films` for videos, None for anything else."""
    return read_films if _all_end(path, VIDEO_SUFFIXES) else None


def read_films(path: Paths) -> list[LayerData]:
    """Open videos as grey image layers (T, Y, X), one each; a frame is decoded when it is shown.

    Values are those of the luma plane, as uint8 or, with more bits, uint16. The
    contrast limits are those of a few frames near the beginning.

    Raises
    ------
    StackError
        When a video is damaged, cut short, or holds no pictures.
    """
    return [_film_layer(film) for film in _listed(path)]


def lazy_frames(film: Stack) -> dask.array.Array:
    """Return a stack as a dask array (T, Y, X) of the smallest type that holds its values, a chunk each frame."""
    import dask.array

    frames, height, width = film.shape
    kind = _kind(film)

    def read(block_id: tuple[int, int, int]) -> NDArray[Any]:
        return film[block_id[0]].astype(kind)[np.newaxis]

    return dask.array.map_blocks(
        read,
        name=f"{film.name}-{uuid4().hex}",
        chunks=((1,) * frames, (height,), (width,)),
        dtype=kind,
        meta=np.empty((0, 0, 0), kind),
    )


def points_reader(path: Paths) -> Reader | None:
    """Return `read_points` for tables with the columns ``frame, y, x``, None for anything else."""
    ours = _all_end(path, (".csv",)) and all(map(_has_points, _listed(path)))
    return read_points if ours else None


def read_points(path: Paths) -> list[LayerData]:
    """Open tables of detections or truth as points layers, one each, all their columns as features.

    A recipe beside the table, as ``<stem>.json``, goes to ``metadata["growtrack"]``
    and says where the layer lies, its scale and its units. A layer has the whole
    name of its file, so that the panel does not take it for its own and fill it anew.

    Raises
    ------
    TableError
        When a value is missing, or is not a number.
    """
    return [_points_layer(table) for table in _listed(path)]


def network_reader(path: Paths) -> Reader | None:
    """Return `read_network` for grown networks, None for anything else."""
    return read_network if _all_end(path, (SUFFIX,)) else None


def read_network(path: Paths) -> list[LayerData]:
    """Offer grown networks to the panels, and return no layer.

    What is wrong with a file is said in a notification, not raised: napari
    would put a sentence of its own in its place.
    """
    from napari.utils.notifications import show_error

    for network in _listed(path):
        try:
            read_card(network)
        except NetworkFileError as error:
            show_error(str(error))
        else:
            announce(network)
    return _NO_LAYER


def announce(path: Path) -> None:
    """Choose a network in the Track panel of the window in front, if there is one."""
    import napari

    viewer = napari.current_viewer()
    if viewer is not None:
        show_network(viewer, path)


def show_network(viewer: Viewer, path: Path) -> None:
    """Choose a network in a viewer's Track panel, which is opened where it is not."""
    panel = open_panel(viewer, "Track")
    if panel is not None:
        panel.form.choose(str(path))


def _listed(path: Paths) -> list[Path]:
    return [Path(path)] if isinstance(path, (str, os.PathLike)) else [Path(one) for one in path]


def _all_end(path: Paths, suffixes: tuple[str, ...]) -> bool:
    return all(one.suffix.lower() in suffixes for one in _listed(path))


def _film_layer(path: Path) -> LayerData:
    film = open_stack(path)
    about = {
        "name": path.stem,
        "rgb": False,
        "axis_labels": AXES,
        "contrast_limits": _contrast_limits(film),
        "metadata": {"growtrack": {"film": path.stem}},
    }
    return lazy_frames(film), about, "image"


def _kind(film: Stack) -> type[np.generic]:
    if film.full_scale <= np.iinfo(np.uint8).max:
        return np.uint8
    return np.uint16 if film.full_scale <= np.iinfo(np.uint16).max else np.float32


def _contrast_limits(film: Stack) -> tuple[float, float]:
    """Return the least and the greatest value of a few frames near the beginning, which are quick to reach."""
    frames = [film[number] for number in _SAMPLED if number < len(film)]
    low, high = float(np.min(frames)), float(np.max(frames))
    return (low, high) if low < high else (0.0, film.full_scale)


def _has_points(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            header = file.readline(_HEADER_LIMIT).decode("utf-8-sig")
        return set(AXES) <= set(next(csv.reader([header]), ()))
    except (OSError, UnicodeError, csv.Error):
        return False


def _points_layer(path: Path) -> LayerData:
    table = read_table(path)
    recipe = _recipe(path.with_suffix(".json"))
    place = _place(recipe.pop(LAYER, None), path.name)
    flat = len(place.get("scale", AXES)) == 2 and not table.frame.any()
    about = {
        "name": path.name,
        "features": table,
        "metadata": {"growtrack": recipe} if recipe else {},
        **({} if flat else {"axis_labels": AXES}),
        **_style(table),
        **place,
    }
    return table[[*AXES]].to_numpy(float)[:, -2 if flat else -3 :], about, "points"


def _style(table: pd.DataFrame) -> dict[str, Any]:
    """Draw truth, whose radii are known, as crosses and detections as rings."""
    return CROSS if "radius" in table else {**RING, "size": 12, "border_color": preferences().ring_colour}


def _recipe(path: Path) -> dict[str, Any]:
    """Return how a table was made, as far as a file of ours tells."""
    try:
        recipe = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(recipe, dict) or recipe.get("program") != PROGRAM:
        return {}
    return {name: value for name, value in recipe.items() if name != RUN}


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
