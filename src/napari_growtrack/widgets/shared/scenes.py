"""One kind of particle as sliders, the drop-down list of scenes, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from ...core.errors import GrowtrackError, SettingsError
from ...core.files import write_whole
from ...core.settings import Settings, Span
from ...core.simulation import SCENES, Particle, Scene, named_scene
from .choices import Choice
from .opening import with_ending
from .rows import Field, NumberBox, Rows, SpanRow

FIRST = "vesicles"
"""The scene that is shown first."""

_NONE = Span(low=0, high=0)
_ALWAYS = (1, 2)
_KIND = {
    "radius": Field("Radius", "A spot looks four radii wide: there it has fallen to a third.", 0.5, 12, 0.1, "px", 1),
    "ellipticity": Field(
        "Stretch", "How much longer than wide, in a direction drawn for each; 1 is round.", 0.5, 3, 0.05, "", 2
    ),
}

_SCENES = "Scenes (*.json)"
OPEN_SCENE = "Open scene file..."


def _ring(order: int) -> Field:
    names = {1: "Spot", 2: "Ring"}
    about = f"Intensity of Bessel order {order}: above 0 brighter than the background, below 0 darker; 0 to 0 is none."
    return Field(f"{names.get(order, 'Rings')}\n(order {order})", about, -1, 1, 0.01, "", 2)


class KindForm(QWidget):
    """One kind of particle.

    Attributes
    ----------
    changed : Signal()
        The person has changed it.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given = SCENES[FIRST].particles[0]
        self.rows = Rows()
        self.radius, self.ellipticity = (field.row() for field in _KIND.values())
        self.rings = {order: _ring(order).row() for order in _ALWAYS}
        self.weight = NumberBox(0.01, 1000, 0.5, "", 2, "How often this kind is drawn, relative to the others.")
        self._lay_out()

    def _lay_out(self) -> None:
        self.setLayout(self.rows)
        self.rows.add(_KIND["radius"].label, self.radius)
        for order, row in self.rings.items():
            self.rows.add(_ring(order).label, row)
        self.rows.add(_KIND["ellipticity"].label, self.ellipticity)
        self.rows.add("Weight", self.weight)
        parts: list[SpanRow | NumberBox] = [self.radius, self.ellipticity, self.weight, *self.rings.values()]
        for part in parts:
            part.changed.connect(self.changed)

    def kind(self) -> Particle:
        """Return the particle as it is shown, unchecked."""
        shown = {order: row.value() for order, row in self.rings.items()}
        rings = {order: span for order, span in shown.items() if order in self._given.rings or span != _NONE}
        return Particle.model_construct(
            radius=self.radius.value(),
            rings=rings,
            ellipticity=self.ellipticity.value(),
            weight=self.weight.number(),
        )

    def set_kind(self, kind: Particle) -> None:
        """Show a kind of particle without announcing it."""
        self._given = kind
        for order in {*kind.rings} - {*self.rings}:
            self._add_ring(order)
        self.radius.set_value(kind.radius)
        self.ellipticity.set_value(kind.ellipticity)
        self.weight.set_number(kind.weight)
        for order, row in self.rings.items():
            row.set_value(kind.rings.get(order, _NONE))
            self.rows.show_row(row, order in _ALWAYS or order in kind.rings)

    def mark(self) -> None:
        """Colour what cannot be."""
        kind, fine = self.kind(), SCENES[FIRST].particles[0]
        self.rows.mark(self.radius, refuses(fine, radius=kind.radius))
        self.rows.mark(self.ellipticity, refuses(fine, ellipticity=kind.ellipticity))
        for row in self.rings.values():
            self.rows.mark(row, refuses(fine, rings={1: row.value()}))

    def _add_ring(self, order: int) -> None:
        row = self.rings[order] = _ring(order).row()
        self.rows.add(_ring(order).label, row, self.rows.rowCount() - 2)
        row.changed.connect(self.changed)


def refuses(settings: Settings, **change: Any) -> bool:
    """Tell whether settings refuse a change."""
    try:
        settings.with_(**change)
    except SettingsError:
        return True
    return False


# Files ----------------------------------------------------------------------------------------------------------------


def open_scene(parent: QWidget) -> Scene | None:
    """Return the scene of the file the person picks; None if none.

    Raises
    ------
    SettingsError
        When the file holds no scene.
    """
    path, _ = QFileDialog.getOpenFileName(parent, "Open a scene", "", _SCENES)
    return named_scene(Path(path)) if path else None


def save_scene(parent: QWidget, scene: Scene) -> Path | None:
    """Save a scene as the JSON file the person picks, and return its path; None if none.

    Raises
    ------
    SettingsError
        When the file would replace another than the one that was picked.
    OutputError
        When it cannot be written.
    """
    name, _ = QFileDialog.getSaveFileName(parent, "Save the scene", f"{scene.name}.json", _SCENES)
    if not name:
        return None
    path = with_ending(Path(name), ".json")
    write_whole(path, lambda file: file.write(scene.to_json().encode()))
    return path


# The list -------------------------------------------------------------------------------------------------------------


class ScenePresets(Choice):
    """Offers the named scenes, and those that were matched, made or opened; the last entry opens a file.

    Attributes
    ----------
    chosen : Signal(object)
        The `Scene` the person has picked.
    refused : Signal(str)
        Why a file could not be opened.
    """

    chosen = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scenes: dict[str, Scene] = {}
        self.addItem(OPEN_SCENE)
        for scene in SCENES.values():
            self.offer(scene)
        self._shown = self.findText(FIRST)
        self.setCurrentIndex(self._shown)
        self.activated.connect(self._choose)

    def offer(self, scene: Scene) -> str:
        """Add a scene, in place of another that was added by its name before; return what it is called here."""
        title = scene.name if SCENES.get(scene.name, scene) == scene else f"{scene.name} (another)"
        if title not in self._scenes:
            self.insertItem(self.count() - 1, title)
        self._scenes[title] = scene
        self.setItemData(self.findText(title), scene.about, Qt.ItemDataRole.ToolTipRole)
        return title

    def show_scene(self, scene: Scene) -> None:
        """Show a scene as the chosen one, without announcing it."""
        self._shown = self.findText(self.offer(scene))
        self.setCurrentIndex(self._shown)

    def _choose(self, index: int) -> None:
        try:
            scene = self._scenes[self.itemText(index)] if index < self.count() - 1 else open_scene(self)
        except GrowtrackError as error:
            scene = None
            self.refused.emit(str(error))
        if scene is None:
            self.setCurrentIndex(self._shown)
        else:
            self.show_scene(scene)
            self.chosen.emit(scene)
