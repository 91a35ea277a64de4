"""Files that napari opens through this plugin: films in videos, and grown networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from ...core.errors import NetworkFileError
from ...core.films import VIDEO_SUFFIXES, Stack, open_stack
from ...core.networks.archive import SUFFIX, read_card
from ..shared.opening import open_panel
from .reading_tables import LayerData, Paths, Reader, listed
from .tracks import AXES

if TYPE_CHECKING:
    import dask.array
    from napari.viewer import Viewer
    from numpy.typing import NDArray

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
