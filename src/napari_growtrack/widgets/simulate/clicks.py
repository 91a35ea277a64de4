"""Particles that a person clicks in a film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QObject, QTimer, Signal

from ...core.errors import SettingsError
from ..shared.layers import open_film, placed
from .sentences import NO_CLICKS

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

CLICKS = "clicked particles"
ENOUGH = 3
"""Clicks that tell a particle from chance."""

_CLICKED = {"symbol": "cross", "face_color": "yellow", "border_width": 0, "opacity": 0.6}

REST = 1000
"""Milliseconds without a click after which they are looked at."""


class Clicks(QObject):
    """The points layer that particles are clicked in.

    Attributes
    ----------
    rested : Signal()
        Enough particles are clicked, and for a second none was added, moved or removed.
    """

    rested = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._watched: Points | None = None
        self._known = np.empty((0, 3))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST)
        self._timer.timeout.connect(self._rest)

    def layer(self) -> Points | None:
        """Return the layer of clicked particles; without one, a points layer that is selected."""
        layers = [layer for layer in self._viewer.layers if isinstance(layer, Points)]
        named = [layer for layer in layers if _is_named(layer)]
        active = self._viewer.layers.selection.active
        return active if active in (named or layers) else next(iter(reversed(named)), None)

    def let_click(self, image: Image, diameter: float) -> None:
        """Make a layer to click particles of an image with, or go on with the one there is.

        Raises
        ------
        StackError
            When the image is no film.
        """
        open_film(image)
        layer = self.layer()
        if layer is None or not _is_named(layer) or layer.ndim != image.ndim:
            layer = self._viewer.add_points(ndim=image.ndim, name=CLICKS, size=diameter, **placed(image), **_CLICKED)
        self._viewer.layers.selection.active = layer
        layer.mode = "add"
        self._watch(layer)

    def let_go(self) -> None:
        """Let clicks move the picture again."""
        layer: Points | None = self._watched
        if layer is not None and layer in self._viewer.layers and layer.mode == "add":
            layer.mode = "pan_zoom"

    def take(self, image: Image) -> np.ndarray:
        """Return what is clicked, (n, 3) frame, y, x in pixels of the image; `rested` waits for other clicks then.

        Raises
        ------
        SettingsError
            When nothing is clicked.
        """
        self._timer.stop()
        layer = self.layer()
        if layer is None or not len(layer.data):
            raise SettingsError(NO_CLICKS)
        self._known = layer.data.copy()
        return in_pixels(self._viewer, layer, image)

    def follow(self) -> None:
        """Begin to follow the layer, if there is one; may be called twice."""
        layer = self.layer()
        if layer is not None and _is_named(layer):
            self._known = layer.data.copy()
            self._watch(layer)

    def leave(self) -> None:
        """Follow the layer no more; may be called twice."""
        self._timer.stop()
        self.let_go()
        if self._watched is not None:
            self._watched.events.data.disconnect(self._wait)
            self._watched = None

    def _watch(self, layer: Points) -> None:
        if layer != self._watched:
            if self._watched is not None:
                self._watched.events.data.disconnect(self._wait)
            layer.events.data.connect(self._wait)
            self._watched = layer

    def _wait(self, _: Any = None) -> None:
        self._timer.start()

    def _rest(self) -> None:
        layer = self.layer()
        if layer is None or layer != self._watched:  # napari wraps layers anew whenever they are asked for
            return
        if len(layer.data) >= ENOUGH and not np.array_equal(layer.data, self._known):
            self.rested.emit()


def _is_named(layer: Points) -> bool:
    """Tell whether a layer was made to click particles with; napari numbers those of one name."""
    return layer.name == CLICKS or layer.name.startswith(f"{CLICKS} [")


def in_pixels(viewer: napari.viewer.Viewer, points: Points, image: Image) -> np.ndarray:
    """Return points (n, 3) as frame, y, x in pixels of an image, hidden ones left out.

    Those without a frame are on the one that is shown.
    """
    shown = np.array(viewer.dims.point, float)
    seen = points.data[points.shown]
    found = np.zeros((len(seen), 3))
    for row, point in zip(found, seen, strict=True):
        world = np.array(points.data_to_world(point))
        place = np.concatenate([shown[: max(len(shown) - len(world), 0)], world])
        pixel = np.array(image.world_to_data(place))
        row[-len(pixel) :] = pixel
    return found
