"""Drop-down lists that keep up: the viewer's layers, which of them is meant, and the networks at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Points
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from ...core.detection import Cascade, Contrast
from ...core.networks.archive import SUFFIX
from ..session.session import Session
from .layers import about, only_shows

if TYPE_CHECKING:
    import napari.viewer
    from napari.viewer import Viewer

OPEN = "Open file..."
CONTRASTS: dict[str, Contrast] = {"automatic": "auto", "as it is": "normal", "inverted": "inverted"}


class Choice(QComboBox):
    """A drop-down list that long names do not widen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)


class LayerChoice(Choice):
    """Offers layers of a viewer, and keeps to the chosen one while layers come, go and are renamed.

    Attributes
    ----------
    changed : Signal()
        Another layer is chosen, or the chosen one is called differently.
    """

    changed = Signal()

    def __init__(self, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers: list[Any] = []
        self._following = False
        self._told: tuple[Any, str] | None = None
        self.currentIndexChanged.connect(self.changed)
        self.changed.connect(self._note_told)

    def _note_told(self) -> None:
        self._told = self.layer, self.currentText()

    @property
    def layer(self) -> Any:
        """The chosen layer; None without any."""
        return self._layers[self.currentIndex()] if 0 <= self.currentIndex() < len(self._layers) else None

    @property
    def layers(self) -> list[Any]:
        """All that can be chosen."""
        return [*self._layers]

    def follow(self) -> None:
        """Begin to follow the viewer."""
        if not self._following:
            self._following = True
            for event in self._events():
                event.connect(self._refresh)
        self._told = None
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

    def _offers(self, layer: Any) -> bool:
        """Tell whether a layer can be chosen."""
        raise NotImplementedError

    def _preferred(self, chosen: Any, arriving: bool) -> Any:
        """Return which layer to choose where this one was, or None; `arriving` where there may be new ones."""
        raise NotImplementedError

    def _refresh(self, event: Any = None) -> None:
        before, self._layers = self.layer, [layer for layer in self._viewer.layers if self._offers(layer)]
        arriving = event is None or event.type == "inserted"
        chosen = self._preferred(before if before in self._layers else None, arriving)
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in self._layers])
        self.setCurrentIndex(-1 if chosen is None else self._layers.index(chosen))
        self.blockSignals(False)
        # napari hands out a new wrapper of a layer every time: they are equal, but not the same.
        if (self.layer, self.currentText()) != self._told:
            self.changed.emit()


class ImageChoice(LayerChoice):
    """Offers the image layers of a viewer; the one that is selected there is chosen, where none is, the last."""

    @property
    def image(self) -> Image | None:
        """The chosen layer."""
        return self.layer

    def follow(self) -> None:
        """Begin to follow the viewer, and which of its layers is selected."""
        if not self._following:
            self._viewer.layers.selection.events.active.connect(self._take_selected)
        super().follow()

    def leave(self) -> None:
        """Follow the viewer no more."""
        if self._following:
            self._viewer.layers.selection.events.active.disconnect(self._take_selected)
        super().leave()

    def _take_selected(self, event: Any) -> None:
        if self.isEnabled() and isinstance(event.value, Image) and event.value in self._layers:
            self.setCurrentIndex(self._layers.index(event.value))

    def _offers(self, layer: Any) -> bool:
        return isinstance(layer, Image)

    def _preferred(self, chosen: Any, arriving: bool) -> Any:
        return next(reversed(self._layers), None) if chosen is None else chosen


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


class ScreenChoice(Choice):
    """Offers the stages that may screen for another.

    Attributes
    ----------
    chosen : Signal(bool, object)
        Whether to screen, and the stage; None for the calibrated one.
    """

    chosen = Signal(bool, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.activated.connect(self._choose)

    def show_screen(self, stage: int, screening: bool, screen: int | None, cascade: Cascade | None) -> None:
        """Show what there is to choose for a stage, and what is chosen, without announcing it."""
        best = "" if cascade is None or screen is not None or not screening else f" (stage {cascade.screen})"
        entries: list[tuple[str, tuple[bool, int | None]]] = [(f"calibrated choice{best}", (True, None))]
        entries += [(f"stage {number}", (True, number)) for number in range(1, stage)]
        entries += [(f"nothing: stage {stage} looks everywhere", (False, None))]
        self.clear()
        for text, data in entries:
            self.addItem(text, data)
        wanted = (True, screen) if screening else (False, None)
        self.setCurrentIndex(next((i for i, (_, data) in enumerate(entries) if data == wanted), 0))
        self.setEnabled(stage > 1)

    def _choose(self, index: int) -> None:
        self.chosen.emit(*self.itemData(index))


class NetworkChoice(Choice):
    """Offers the networks at hand; the last entry opens a file.

    Attributes
    ----------
    chosen : Signal(str)
        Name or path of a network; empty if the person thought better of it.
    """

    chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._name: str | None = None
        self.setPlaceholderText("Choose a network")
        self.activated.connect(self._choose)
        self._fill()

    def follow(self) -> None:
        """Begin to follow which networks there are."""
        self.leave()
        self._session.networks_changed.connect(self._fill)
        self._fill()

    def leave(self) -> None:
        """Follow them no more."""
        self._session.networks_changed.disconnect(self._fill, missing_ok=True)

    def show_name(self, name: str | None) -> None:
        """Show a network as the chosen one, without announcing it."""
        self._name = name
        if name is not None and self.findData(name) < 0:
            self.insertItem(self.count() - 1, Path(name).stem, name)
        self.setCurrentIndex(-1 if name is None else self.findData(name))

    def _fill(self) -> None:
        self.clear()
        for title, name in self._session.networks().items():
            self.addItem(title, name)
        self.addItem(OPEN)
        self.show_name(self._name)

    def _choose(self, index: int) -> None:
        self.chosen.emit(self.itemData(index) or self._ask())

    def _ask(self) -> str:
        """Return the file the person picks; empty if none."""
        path, _ = QFileDialog.getOpenFileName(self, "Open a grown network", "", f"Grown networks (*{SUFFIX})")
        return path


# Points ---------------------------------------------------------------------------------------------------------------


SceneEstimate = Callable[[Points], int]


class PointsChoice(LayerChoice):
    """Offers the points layers of a viewer, but those of the live preview and the Score panel.

    Until the person chooses, it takes the likeliest; when the chosen layer is
    removed, it takes none rather than another.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    likeness : callable
        How likely a layer is the one; 0 where it is not.
    """

    def __init__(self, viewer: napari.viewer.Viewer, likeness: SceneEstimate, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent)
        self._likeness = likeness
        self._by_hand = False
        self.setPlaceholderText("Choose a points layer")
        self.activated.connect(self._keep)

    def _keep(self, _: int) -> None:
        self._by_hand = True

    def _offers(self, layer: Any) -> bool:
        return isinstance(layer, Points) and not only_shows(layer)

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
    if "truth" in layer.name.lower() or ("radius" in columns and "votes" not in columns):
        return 0
    if "frames" in about(layer):
        return 2
    return 1 if about(layer) or "votes" in columns else 0
