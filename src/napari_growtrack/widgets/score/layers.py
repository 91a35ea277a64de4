"""The layers that the Score panel makes: crosses at misses and false detections, a ring around the point visited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QObject, Signal

from ...core.scoring import Comparison
from ..shared.layers import SCORED, placed, put_over
from .place_table import POINT

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points

MARK = "score mark"
"""The layer with a ring around the point that was clicked: what lies in it is near enough to match."""

_CROSS = {"symbol": "x", "border_width": 0, "size": 5}
_CIRCLE = {
    "symbol": "disc",
    "face_color": "transparent",
    "border_color": "#ffffff",
    "border_width": 0.06,
    "border_width_is_relative": True,
}
_COLSCORED = {"missed": "#ffd23f", "false": "#ff3b30"}


class ScoreLayers(QObject):
    """Shows points over the layer of detections; the layer that the person works on stays the active one.

    Attributes
    ----------
    lost : Signal()
        The person has removed the layer of what was missed, or of what is false.
    """

    lost = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._following = False

    def follow(self) -> None:
        """Begin to notice that a layer is removed; may be called twice."""
        if not self._following:
            self._following = True
            self._viewer.layers.events.removed.connect(self._lose)

    def leave(self) -> None:
        """Remove all layers, and notice nothing more; may be called twice."""
        if self._following:
            self._following = False
            self._viewer.layers.events.removed.disconnect(self._lose)
        self.remove()

    def show_wrong(self, compared: Comparison, detections: Points) -> None:
        """Mark with crosses what was missed and what is false."""
        for name, table in (("missed", compared.missed), ("false", compared.false)):
            self._fill(name, table, detections, face_color=_COLSCORED[name], **_CROSS)

    def hide_wrong(self) -> None:
        """Remove the crosses."""
        self._remove(*_COLSCORED)

    def ring(self, point: tuple[float, float, float], radius: float, detections: Points) -> None:
        """Draw a ring around a point; both in pixels of the detections."""
        self._fill(MARK, pd.DataFrame([point], columns=POINT), detections, size=2 * radius, **_CIRCLE)

    def remove(self) -> None:
        """Remove crosses and ring."""
        self._remove(MARK, *_COLSCORED)

    def _ours(self, *names: str) -> list[Points]:
        return [layer for layer in self._viewer.layers if layer.metadata.get(SCORED) in names]

    def _remove(self, *names: str) -> None:
        with self._viewer.layers.events.removed.blocker(self._lose):
            for layer in self._ours(*names):
                self._viewer.layers.remove(layer)

    def _lose(self, event: Any) -> None:
        if event.value.metadata.get(SCORED) in _COLSCORED:
            self.lost.emit()

    def _fill(self, name: str, table: pd.DataFrame, detections: Points, **look: Any) -> None:
        """Show points, in pixels of the detections, in the layer of this name."""
        data = table[POINT].to_numpy(float)[:, -detections.ndim :]
        if any(layer.ndim != detections.ndim for layer in self._ours(name)):
            self._remove(name)
        layer = next(iter(self._ours(name)), None)
        if layer is None:
            selected = set(self._viewer.layers.selection)
            named = {"name": name, "metadata": {SCORED: name}, "ndim": detections.ndim}
            self._viewer.add_points(data, **named, **placed(detections), **look)
            self._viewer.layers.selection = selected
        else:
            _renew(layer, data, look["size"])
            put_over(detections, layer)


def _renew(layer: Points, data: np.ndarray, size: float) -> None:
    layer.selected_data = set()
    layer.data = data
    if layer.current_size != size:
        layer.size = layer.current_size = size
