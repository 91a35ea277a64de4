"""A drop-down list of a viewer's points layers that guesses which one is meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Points
from qtpy.QtWidgets import QWidget

from .choices import LayerChoice
from .layers import about, is_scored

if TYPE_CHECKING:
    import napari.viewer

Likeness = Callable[[Points], int]


class PointsChoice(LayerChoice):
    """Offers the points layers of a viewer, but those that the Score panel made.

    Until the person chooses, it takes the likeliest; when the chosen layer is
    removed, it takes none rather than another.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    likeness : callable
        How likely a layer is the one; 0 where it is not.
    """

    def __init__(self, viewer: napari.viewer.Viewer, likeness: Likeness, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent)
        self._likeness = likeness
        self._by_hand = False
        self.setPlaceholderText("Choose a points layer")
        self.activated.connect(self._keep)

    def _keep(self, _: int) -> None:
        self._by_hand = True

    def _offers(self, layer: Any) -> bool:
        return isinstance(layer, Points) and not is_scored(layer)

    def _preferred(self, chosen: Any, arriving: bool) -> Any:
        if not arriving or not self._layers or (self._by_hand and chosen is not None):
            return chosen
        likeliest = max(self._layers, key=self._likeness)
        return likeliest if self._likeness(likeliest) > self._worth(chosen) else chosen

    def _worth(self, layer: Points | None) -> int:
        return 0 if layer is None else self._likeness(layer)


def like_truth(layer: Points) -> int:
    """Say how likely a layer holds a truth: by its name, by what is known of its points, or because a hand set them."""
    columns = {*layer.features.columns}
    if "truth" in layer.name.lower():
        return 3
    if columns & {"radius", "particle"} and "votes" not in columns:
        return 2
    return 0 if like_detections(layer) else 1


def like_detections(layer: Points) -> int:
    """Say how likely a layer holds detections: one that knows its frames was tracked here."""
    columns = {*layer.features.columns}
    if "truth" in layer.name.lower() or "radius" in columns:
        return 0
    if "frames" in about(layer):
        return 2
    return 1 if about(layer) or "votes" in columns else 0
