"""A drop-down list of a viewer's layers of trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Tracks
from qtpy.QtWidgets import QWidget

from ..napari_io.tracks import is_ours
from ..shared.choices import LayerChoice

if TYPE_CHECKING:
    import napari.viewer


class TracksChoice(LayerChoice):
    """Offers the Tracks layers of a viewer; one that arrives is chosen."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent)
        self._known: list[Any] = []
        self.setPlaceholderText("Link detections, or open trajectories")

    def _offers(self, layer: Any) -> bool:
        return isinstance(layer, Tracks) and not is_ours(layer)

    def _preferred(self, chosen: Any, arriving: bool) -> Any:
        new = [layer for layer in self._layers if layer not in self._known]
        self._known = [*self._layers]
        if new:
            return new[-1]
        return next(reversed(self._layers), None) if chosen is None else chosen
