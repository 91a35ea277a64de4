"""Tells that points layers have changed, once nothing has for a moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from napari.layers import Points

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
