"""One kind of particle as sliders, the drop-down list of scenes, and their files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from ...core.errors import GrowtrackError, SettingsError
from ...core.files import write_whole
from ...core.settings import Settings, Span
from ...core.simulation import SCENES, Particle, Scene, named_scene
from ...core.simulation.shapes import Ends
from .choices import Choice
from .forms import shown_as
from .opening import with_ending
from .rows import Field, NumberBox, Rows, SpanRow

FIRST = "vesicles"
"""The scene that is shown first."""

_NONE = Span(low=0, high=0)

_SCENES = "Scenes (*.json)"
OPEN_SCENE = "Open scene file..."


class KindForm(QWidget):
    """One kind of particle: its shape, and the numbers of that shape, whichever it has.

    Attributes
    ----------
    changed : Signal()
        The person has changed it.
    spans : dict of str to SpanRow
        What shows each number of the shape, by its name.
    series : dict of str to dict of int to SpanRow
        The same of what there are several of, as rings, by name and order.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows, self.shape = Rows(), Choice()
        self.weight = NumberBox(0.01, 1000, 0.5, "", 2, "How often this kind is drawn, relative to the others.")
        self.spans: dict[str, SpanRow] = {}
        self.series: dict[str, dict[int, SpanRow]] = {}
        self._given = SCENES[FIRST].particles[0]
        self._lay_out()
        self.set_kind(self._given)
        self.shape.activated.connect(self._reshape)
        self.weight.changed.connect(self.changed)

    def _lay_out(self) -> None:
        self.setLayout(self.rows)
        for name, shape in Particle.shapes.items():
            self.shape.addItem(shape.title, name)
        self.shape.setToolTip("What the light of a particle is like.")
        self.rows.add("Shape", self.shape)
        self.rows.add("Weight", self.weight)

    def kind(self) -> Particle:
        """Return the particle as it is shown, unchecked."""
        given = {
            name: {n: row.value() for n, row in rows.items() if n in getattr(self._given, name) or row.value() != _NONE}
            for name, rows in self.series.items()
        }
        spans = {name: row.value() for name, row in self.spans.items()}
        shown: dict[str, Any] = {**spans, **given, "weight": self.weight.number()}
        return type(self._given).model_construct(**shown)

    def set_kind(self, kind: Particle) -> None:
        """Show a kind of particle without announcing it."""
        if type(kind) is not type(self._given) or not self.spans:
            self._lay_out_numbers(type(kind))
        self._given = kind
        self.shape.setCurrentIndex(self.shape.findData(kind.named()))
        for name, row in self.spans.items():
            row.set_value(getattr(kind, name))
        for name, rows in self.series.items():
            given, always = getattr(kind, name), shown_as(type(kind), name)["always"]
            for number in {*given} - {*rows}:
                self._add_to_series(type(kind), name, number)
            for number, row in rows.items():
                row.set_value(given.get(number, _NONE))
                self.rows.show_row(row, number in always or number in given)
        self.weight.set_number(kind.weight)

    def mark(self) -> None:
        """Colour what cannot be."""
        fine = type(self._given).measured(*_FINE)
        for name, row in self.spans.items():
            self.rows.mark(row, refuses(fine, **{name: row.value()}))
        for name, rows in self.series.items():
            for row in rows.values():
                self.rows.mark(row, refuses(fine, **{name: {1: row.value()}}))

    def _lay_out_numbers(self, shape: type[Particle]) -> None:
        """Make a row for each number of a shape, between its name and its weight."""
        for row in (*self.spans.values(), *(row for rows in self.series.values() for row in rows.values())):
            self.rows.removeRow(row)
        self.spans, self.series = {}, {}
        for name in shape.model_fields:
            told = shown_as(shape, name)
            if "always" in told:
                self.series[name] = {}
                for number in told["always"]:
                    self._add_to_series(shape, name, number)
            elif told:
                self.spans[name] = self._add(shape, name)

    def _add(self, shape: type[Particle], name: str, number: int | None = None) -> SpanRow:
        field = field_of(shape, name, number)
        row = field.row()
        self.rows.add(field.label, row, self.rows.rowCount() - 1)
        row.changed.connect(self.changed)
        return row

    def _add_to_series(self, shape: type[Particle], name: str, number: int) -> None:
        self.series[name][number] = self._add(shape, name, number)

    def _reshape(self) -> None:
        """Take another shape, as large and as bright as the one before."""
        kind, shape = self._given, Particle.shapes[self.shape.currentData()]
        if type(kind) is not shape:
            bright = next(iter(kind.amplitudes.values()))
            self.set_kind(shape.measured(_ends(kind.radius), _ends(kind.stretch), {1: _ends(bright)}))
            self.changed.emit()


_FINE: tuple[Ends, Ends, dict[int, Ends]] = ((2.0, 2.0), (1.0, 1.0), {1: (0.5, 0.5)})
"""Radius, stretch and brightness that every shape can have."""


def _ends(span: Span) -> Ends:
    return span.low, span.high


def field_of(settings: type[Settings], name: str, number: int | None = None) -> Field:
    """Return how a range among settings, or one of a series of a shape, is shown."""
    told, about = shown_as(settings, name), settings.model_fields[name].description or ""
    label = told["label"] if number is None else told["labels"].get(str(number), told["label"]).format(number)
    decimals = max(0, -math.floor(math.log10(told["step"])))
    return Field(label, about, told["low"], told["high"], told["step"], told.get("unit", ""), decimals)


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
