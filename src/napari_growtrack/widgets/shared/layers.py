"""What panels take from napari's layers, the points they give back, and word of what has changed in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QObject, QTimer, Signal

from ...core.errors import StackError
from ...core.films import ArrayStack, Stack
from ..session.region import Region
from ..session.runs import Candidates, Record
from .preferences import preferences

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

RING = {
    "symbol": "disc",
    "face_color": "transparent",
    "border_width": 0.12,
    "border_width_is_relative": True,
}
PREVIEWED = "#ff9f1c"
"""Orange, which no ring of a run has."""

PREVIEW = "growtrack preview"
"""Where the metadata of a layer tells that it is the live preview's, which is nobody's detections."""

SCORED = "growtrack score"
"""Where the metadata of a layer tells that the Score panel made it, and what it shows."""

_LEAST_RING = 4.0


def open_film(image: Image) -> Stack:
    """Return an image layer as a lazy stack; of a multiscale one, its finest level.

    Raises
    ------
    StackError
        When its red, green and blue differ in the first frame, or it has more axes than (T, Y, X).
    """
    film = ArrayStack(image.data[0] if image.multiscale else image.data, image.name, image.rgb)
    if image.rgb:  # as napari's own reader opens every video
        try:
            film[0]
        except StackError as error:
            raise StackError(
                f"{image.name} is a colour image; expected grey frames. Right-click the layer, choose Split RGB, "
                "and take one of its channels."
            ) from error
    return film


def shown_frame(viewer: Viewer, image: Image, film: Stack) -> int:
    """Return the number of the frame that the slider shows.

    Raises
    ------
    StackError
        When the slider stands before or behind the film.
    """
    if image.ndim == 2:
        return 0
    frame = int(np.rint(image.world_to_data(viewer.dims.point)[0]))
    if not 0 <= frame < len(film):
        raise StackError(
            f"The slider shows no frame of {image.name}, which has {len(film)}. Move it onto the film and try again."
        )
    return frame


def visible_region(image: Image, film: Stack) -> Region:
    """Return the part of an image's frames that the canvas shows.

    Raises
    ------
    StackError
        When it shows none of it.
    """
    corners = np.asarray(image.corner_pixels, float)
    if image.multiscale:  # they are of the level that is drawn
        corners = corners * np.asarray(image.downsample_factors)[image.data_level]
    (top, left), (bottom, right) = corners[:, -2:]
    shape = film.shape[1:]
    shown = Region(max(int(top), 0), max(int(left), 0), min(int(bottom) + 1, shape[0]), min(int(right) + 1, shape[1]))
    if shown.top >= shown.bottom or shown.left >= shown.right:
        raise StackError(f"The window shows no part of {image.name}. Move the view onto it, or track the whole frame.")
    return shown


def layer_for_run(viewer: Viewer, image: Image, frames: int) -> tuple[Points, bool]:
    """Return the layer for a run of so many frames, and whether it was just added, empty.

    The layer ``<image> detections`` is used again, unless a run of more than
    one frame would give way to a shorter one, or the person has renamed it:
    then a new layer is added.
    """
    earlier = _earlier(viewer, image, frames)
    if earlier is not None:
        return earlier, False
    told = {"growtrack": {"image": image.name, "frames": []}}
    return _new_layer(viewer, image, f"{image.name} detections", preferences().ring_colour, told), True


def show_record(viewer: Viewer, image: Image, record: Record) -> Points:
    """Show a run's candidates as rings over their image, those that are no detections hidden, and return their layer.

    See `layer_for_run` for which layer that is.
    """
    layer, _ = layer_for_run(viewer, image, len(record.frames))
    _fill(layer, image, record)
    layer.metadata = {**layer.metadata, "growtrack": {**record.recipe(), "run": record.number}}
    return layer


def layer_for_preview(viewer: Viewer, image: Image) -> Points:
    """Add an empty layer for what is found on one frame; what the person works on stays selected."""
    selected = set(viewer.layers.selection)
    layer = _new_layer(viewer, image, f"{image.name} preview", PREVIEWED, {PREVIEW: True})
    viewer.layers.selection = selected
    return layer


def show_preview(layer: Points, image: Image, candidates: Candidates) -> None:
    """Show what was found on one frame as rings over their image."""
    _fill(layer, image, candidates)


def sift_layer(layer: Points, candidates: Candidates) -> bool:
    """Show those of a layer's points that are accepted; where a person has moved, added or removed some, do nothing.

    Returns
    -------
    bool
        Whether the layer holds these candidates.
    """
    same = np.array_equal(layer.data, _places(candidates, layer.ndim))
    if same:
        layer.shown = candidates.accepted
    return same


def _places(candidates: Candidates, ndim: int) -> np.ndarray:
    return candidates.table[["frame", "y", "x"]].to_numpy(float)[:, -ndim:]


def look_at(viewer: Viewer, point: np.ndarray, zoom: float) -> None:
    """Show a point of the world, given along its last axes, in the middle of the canvas and at least so large."""
    dims = viewer.dims
    camera = camera_of(viewer)
    dims.set_point(range(dims.ndim - len(point), dims.ndim), point)
    camera.center = tuple(np.append(np.zeros(dims.ndim - len(point)), point)[list(dims.displayed)])
    camera.zoom = max(camera.zoom, zoom)


def camera_of(viewer: Viewer) -> Any:
    """Return a viewer's camera; napari 0.9 moved it to the scene."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def unwrapped(layer: Any) -> Any:
    """Return a layer itself; napari hands out a new wrapper of it every time."""
    return getattr(layer, "__wrapped__", layer)


def about(layer: Any) -> dict[str, Any]:
    """Return what this program knows of how a layer was made."""
    told = layer.metadata.get("growtrack")
    return told if isinstance(told, dict) else {}


def only_shows(layer: Any) -> bool:
    """Tell whether the live preview or the Score panel made a layer, to show something and not to hold it."""
    return not {PREVIEW, SCORED}.isdisjoint(layer.metadata)


def layer_of(viewer: Viewer, number: int) -> Points | None:
    """Return the layer that shows a run."""
    for layer in viewer.layers:
        if isinstance(layer, Points) and about(layer).get("run") == number:
            return layer
    return None


def _new_layer(viewer: Viewer, image: Image, name: str, colour: str, told: dict[str, Any]) -> Points:
    """Add an empty layer; what is told of it must be there before napari says that it is."""
    ndim = min(image.ndim, 3)
    look = {"name": name, "border_color": colour, "metadata": told, **placed(image), **RING}
    return viewer.add_points(np.empty((0, ndim)), ndim=ndim, **look)


def _fill(layer: Points, image: Image, candidates: Candidates) -> None:
    """Put candidates into a layer that lies where its image lies; napari draws anew for whatever is set."""
    table, size = candidates.table, max(candidates.choice.diameter, _LEAST_RING)
    layer.selected_data = set()
    layer.current_size = size
    layer.data = _places(candidates, layer.ndim)
    layer.features = table.reset_index(drop=True)
    if len(layer.size) and not np.all(layer.size == size):
        layer.size = size
    if not np.array_equal(layer.shown, candidates.accepted):
        layer.shown = candidates.accepted
    put_over(image, layer)


def put_over(other: Image | Points, layer: Points) -> None:
    """Put a layer where another one lies."""
    for name, value in placed(other).items():
        if not np.array_equal(getattr(layer, name), value):
            setattr(layer, name, value)


def placed(image: Image | Points) -> dict[str, Any]:
    """Return what puts a layer where another one lies."""
    return {
        "scale": image.scale,
        "translate": image.translate,
        "rotate": image.rotate,
        "shear": image.shear,
        "affine": np.array(image.affine.affine_matrix),
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def _earlier(viewer: Viewer, image: Image, frames: int) -> Points | None:
    """Return the layer of an earlier run that may give way to one of so many frames."""
    title = f"{image.name} detections"
    for layer in viewer.layers:
        told = about(layer)
        ours = isinstance(layer, Points) and told.get("image") == image.name and "frames" in told
        named = layer.name == title or layer.name.startswith(f"{title} [")
        if ours and named and layer.ndim == min(image.ndim, 3) and len(told["frames"]) <= max(frames, 1):
            return layer
    return None


# Changes --------------------------------------------------------------------------------------------------------------


_WAIT = 200
_TOLD = ("data", "features", "metadata", "scale", "translate", "rotate", "shear", "affine", "units")


class LayerWatch(QObject):
    """Watches points layers.

    Attributes
    ----------
    rested : Signal()
        Something may have changed, and for a moment nothing has.
    """

    rested = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Points] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self._timer.timeout.connect(self.rested)

    @property
    def waiting(self) -> bool:
        """Whether it is about to tell."""
        return self._timer.isActive()

    def watch(self, layers: Iterable[Points]) -> None:
        """Hear of changes of these layers, and of no others."""
        for layer in self._layers:
            for event in _changes(layer):
                event.disconnect(self.touch)
            layer.events.set_data.disconnect(self._perhaps)
        self._layers = [*layers]
        for layer in self._layers:
            for event in _changes(layer):
                event.connect(self.touch)
            layer.events.set_data.connect(self._perhaps)

    def leave(self) -> None:
        """Hear of no changes, and tell nothing more."""
        self.watch(())
        self._timer.stop()

    def touch(self, _: object = None) -> None:
        """Tell in a moment, counted from now."""
        self._timer.start()

    def _perhaps(self, _: object = None) -> None:
        """Tell in a moment: napari says that points are hidden only as it says that another frame is drawn."""
        if not self.waiting:
            self._timer.start()


def _changes(layer: Points) -> list[Any]:
    return [getattr(layer.events, name) for name in _TOLD]
