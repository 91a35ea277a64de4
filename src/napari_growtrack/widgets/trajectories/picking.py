"""Picks trajectories in the picture with the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QObject, Signal

from ..shared.layers import camera_of

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Tracks

_REACH = 10.0
"""Pixels of the screen that a click may be off a trajectory."""

_ADDING = {"Control", "Shift", "Meta"}


class Places:
    """Where trajectories are, by frame, so that one near a point is quickly found; free of Qt.

    Parameters
    ----------
    table : DataFrame
        With ``frame, y, x, particle``.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        ordered = table.sort_values("frame", kind="stable")
        self._frames = ordered["frame"].to_numpy()
        self._places = ordered[["y", "x"]].to_numpy(float)
        self._particles = ordered["particle"].to_numpy()

    def nearest(self, frame: int, y: float, x: float, reach: float, back: int = 0) -> int | None:
        """Return the particle that was nearest within so many frames before one, None if none was in reach."""
        first, end = np.searchsorted(self._frames, (frame - back, frame + 1))
        if first == end:
            return None
        away = np.hypot(*(self._places[first:end] - (y, x)).T)
        place = int(away.argmin())
        return int(self._particles[first + place]) if away[place] <= reach else None


class Picking(QObject):
    """Tells which trajectory of a layer is clicked, and which one is under the mouse.

    Attributes
    ----------
    picked : Signal(object, bool)
        The particle, None where there is none; and whether it is to be added to those selected.
    hovered : Signal(object)
        The particle, or None; told once.
    """

    picked = Signal(object, bool)
    hovered = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Tracks | None = None
        self._places = Places(pd.DataFrame({"frame": [], "y": [], "x": [], "particle": []}))
        self._under: int | None = None

    def watch(self, layer: Tracks | None, table: pd.DataFrame | None = None) -> None:
        """Pick in a layer, which shows these trajectories; None for in none."""
        if self._layer is not None:
            for callbacks, mine in self._heard(self._layer):
                if mine in callbacks:
                    callbacks.remove(mine)
        self._layer = layer
        if layer is not None and table is not None:
            self._places = Places(table)
            for callbacks, mine in self._heard(layer):
                callbacks.append(mine)

    def _heard(self, layer: Tracks) -> list[tuple[Any, Any]]:
        return [(layer.mouse_drag_callbacks, self._press), (layer.mouse_move_callbacks, self._move)]

    def _press(self, layer: Tracks, event: Any) -> Iterator[None]:
        """Tell of a click; where the mouse moves before it is released, the view was dragged."""
        yield
        if event.type == "mouse_move":
            while event.type == "mouse_move":
                yield
            return
        adding = bool(_ADDING & {getattr(key, "name", str(key)) for key in event.modifiers})
        self.picked.emit(self._at(layer, event), adding)

    def _move(self, layer: Tracks, event: Any) -> None:
        under = self._at(layer, event)
        if under != self._under:
            self._under = under
            self.hovered.emit(under)

    def _at(self, layer: Tracks, event: Any) -> int | None:
        frame, y, x = layer.world_to_data(event.position)
        zoom = camera_of(self._viewer).zoom * float(np.mean(layer.scale[-2:]))
        return self._places.nearest(round(frame), y, x, _REACH / zoom, int(layer.tail_length))
