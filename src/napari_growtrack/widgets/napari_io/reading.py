"""What napari opens through this plugin: films in videos, grown networks, and tables of points and trajectories."""

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

from ...core.errors import GrowtrackError, GrowtrackWarning, NetworkFileError
from ...core.films import VIDEO_SUFFIXES, Stack, open_stack
from ...core.networks.archive import SUFFIX, read_card
from ...core.tables import SUFFIXES, check, read_recipe, read_table
from ..shared.layers import RING
from ..shared.opening import open_panel
from ..shared.preferences import preferences
from .samples import CROSS
from .tracks import AXES, BLENDING, SHADE, data_of
from .writing import LAYER, RUN, Place

if TYPE_CHECKING:
    import dask.array
    from napari.viewer import Viewer
    from numpy.typing import NDArray

# Tables ---------------------------------------------------------------------------------------------------------------


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
    """Draw truth, whose radii are known, as crosses; detections, which have votes too, and TrackMate's as rings."""
    if "radius" in table and "votes" not in table and path.suffix.lower() != ".xml":
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


# Films and networks ---------------------------------------------------------------------------------------------------


_NO_LAYER: list[LayerData] = [(None,)]
_SAMPLED = (0, 5, 10)


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
    return [_film_layer(film) for film in listed(path)]


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


def network_reader(path: Paths) -> Reader | None:
    """Return `read_network` for grown networks, None for anything else."""
    return read_network if _all_end(path, (SUFFIX,)) else None


def read_network(path: Paths) -> list[LayerData]:
    """Offer grown networks to the panels, and return no layer.

    What is wrong with a file is said in a notification, not raised: napari
    would put a sentence of its own in its place.
    """
    from napari.utils.notifications import show_error

    for network in listed(path):
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


def _all_end(path: Paths, suffixes: tuple[str, ...]) -> bool:
    return all(one.suffix.lower() in suffixes for one in listed(path))


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
