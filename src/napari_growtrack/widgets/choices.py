"""Drop-down lists that keep up: the viewer's image layers, and the networks at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from ..core.archive import SUFFIX
from ..core.detection import Contrast
from ..core.zoo import bundled

if TYPE_CHECKING:
    from napari.viewer import Viewer

OPEN = "Open file..."
CONTRASTS: dict[str, Contrast] = {"automatic": "auto", "as it is": "normal", "inverted": "inverted"}


class Choice(QComboBox):
    """A drop-down list that long names do not widen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)


class ImageChoice(Choice):
    """Offers the image layers of a viewer, and keeps to the chosen one while layers come, go and are renamed."""

    changed = Signal()

    def __init__(self, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._images: list[Image] = []
        self._following = False
        self.currentIndexChanged.connect(self.changed)

    @property
    def image(self) -> Image | None:
        """The chosen layer."""
        return self._images[self.currentIndex()] if self._images and self.currentIndex() >= 0 else None

    def follow(self) -> None:
        """Begin to follow the viewer."""
        if not self._following:
            self._following = True
            for event in self._events():
                event.connect(self._refresh)
        self._refresh()

    def leave(self) -> None:
        """Follow the viewer no more."""
        if self._following:
            self._following = False
            for event in self._events():
                event.disconnect(self._refresh)

    def _events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed, events.reordered, events.renamed]

    def _refresh(self, _: object = None) -> None:
        chosen = self.image
        self._images = [layer for layer in self._viewer.layers if isinstance(layer, Image)]
        self.blockSignals(True)
        self.clear()
        self.addItems([image.name for image in self._images])
        self.setCurrentIndex(self._images.index(chosen) if chosen in self._images else len(self._images) - 1)
        self.blockSignals(False)
        self.changed.emit()


class ContrastChoice(Choice):
    """Offers to track a film as it is or its negative, or to let the core see which."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for text, contrast in CONTRASTS.items():
            self.addItem(text, contrast)
        self.activated.connect(self._choose)

    def show_contrast(self, contrast: Contrast) -> None:
        """Show a contrast as the chosen one, without announcing it."""
        self.setCurrentIndex(self.findData(contrast))

    def _choose(self, index: int) -> None:
        self.chosen.emit(self.itemData(index))


class NetworkChoice(Choice):
    """Offers the bundled networks, and files opened before; the last entry opens another."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Choose a network")
        for name in bundled():
            self.addItem(name, name)
        self.addItem(OPEN)
        self.setCurrentIndex(-1)
        self.activated.connect(self._choose)

    def show_name(self, name: str | None) -> None:
        """Show a network as the chosen one, without announcing it."""
        if name is not None and self.findData(name) < 0:
            self.insertItem(self.count() - 1, Path(name).stem, name)
        self.setCurrentIndex(-1 if name is None else self.findData(name))

    def _choose(self, index: int) -> None:
        name = self.itemData(index) or self._ask()
        self.chosen.emit(name)

    def _ask(self) -> str:
        """Return the file the person picks; empty if none."""
        path, _ = QFileDialog.getOpenFileName(self, "Open a grown network", "", f"Grown networks (*{SUFFIX})")
        return path
