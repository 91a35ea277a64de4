"""A scene as sliders: its light and noise, how crowded it is, and each kind of particle."""

from __future__ import annotations

from typing import Any, NamedTuple

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..core.errors import SettingsError
from ..core.settings import Settings, Span
from ..core.simulation import SCENES, Particle, Scene
from .choices import Choice
from .labels import Note, Status
from .parts.spans import SpanRow
from .sentences import count

_WRONG = "QLabel { background-color: #a8233a; color: white; border-radius: 3px; }"
_NONE = Span(low=0, high=0)
_ALWAYS = (1, 2)
_FIRST = "vesicles"
_CHANGED = " changed"


class _Field(NamedTuple):
    """A range that is shown: its label, what it means, and what its slider reaches."""

    label: str
    about: str
    low: float
    high: float
    step: float
    unit: str
    decimals: int
    logarithmic: bool = False

    def row(self) -> SpanRow:
        row = SpanRow(self.low, self.high, self.step, self.unit, self.decimals, logarithmic=self.logarithmic)
        row.setToolTip(self.about)
        return row


_SCENE = {
    "background": _Field("Background", "Level between particles; 0 is black, 1 is white.", 0, 1, 0.01, "", 2),
    "gradient": _Field(
        "Gradient",
        "How much the background changes over the longer side of a frame, in a direction drawn for each.",
        *(0, 1.5, 0.01, "", 2),
    ),
    "snr": _Field(
        "SNR",
        "Signal-to-noise ratio: where the intensity is 1, this number squared of photons are counted.",
        *(1, 100, 0.1, "", 1, True),
    ),
    "density": _Field("Particles per\n100 x 100 px", "How many particles frames hold.", 0, 10, 0.1, "", 1),
}
_KIND = {
    "radius": _Field("Radius", "A spot looks four radii wide: there it has fallen to a third.", 0.5, 12, 0.1, "px", 1),
    "ellipticity": _Field(
        "Stretch", "How much longer than wide, in a direction drawn for each; 1 is round.", 0.5, 3, 0.05, "", 2
    ),
}


def _ring(order: int) -> _Field:
    names = {1: "Spot", 2: "Ring"}
    about = f"Intensity of Bessel order {order}: above 0 brighter than the background, below 0 darker; 0 to 0 is none."
    return _Field(f"{names.get(order, 'Rings')}\n(order {order})", about, -1, 1, 0.01, "", 2)


class NumberBox(QDoubleSpinBox):
    """A box for a number, which it keeps unrounded until the person changes it.

    Attributes
    ----------
    changed : Signal()
        The person has changed it.
    """

    changed = Signal()

    def __init__(self, low: float, high: float, step: float, unit: str, decimals: int, about: str = "") -> None:
        super().__init__()
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setSuffix(f" {unit}" if unit else "")
        self.setToolTip(about)
        self._number = self.value()
        self.valueChanged.connect(self._take)

    def number(self) -> float:
        """Return the number."""
        return self._number

    def set_number(self, number: float) -> None:
        """Show a number without announcing it."""
        self.blockSignals(True)
        self.setValue(number)
        self.blockSignals(False)
        self._number = number

    def _take(self, number: float) -> None:
        self._number = number
        self.changed.emit()


class _Rows(QFormLayout):
    """Labelled rows, whose labels are coloured where they are wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setVerticalSpacing(4)
        self.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def add(self, label: str, part: QWidget) -> None:
        title = QLabel(label)
        title.setToolTip(part.toolTip())
        self.addRow(title, part)

    def show_row(self, part: QWidget, on: bool) -> None:
        part.setVisible(on)
        self._title(part).setVisible(on)

    def mark(self, part: QWidget, wrong: bool) -> None:
        self._title(part).setStyleSheet(_WRONG if wrong else "")

    def marked(self) -> list[str]:
        titles = [self._title(part) for part in map(self._field, range(self.rowCount())) if part is not None]
        return [title.text() for title in titles if title.styleSheet()]

    def _title(self, part: QWidget) -> QLabel:
        title = self.labelForField(part)
        assert isinstance(title, QLabel)
        return title

    def _field(self, row: int) -> QWidget | None:
        item = self.itemAt(row, QFormLayout.ItemRole.FieldRole)
        return None if item is None else item.widget()


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
        self._given = SCENES[_FIRST].particles[0]
        self.rows = _Rows()
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
        kind, fine = self.kind(), SCENES[_FIRST].particles[0]
        self.rows.mark(self.radius, _refuses(fine, radius=kind.radius))
        self.rows.mark(self.ellipticity, _refuses(fine, ellipticity=kind.ellipticity))
        for row in self.rings.values():
            self.rows.mark(row, _refuses(fine, rings={1: row.value()}))

    def _add_ring(self, order: int) -> None:
        row = self.rings[order] = _ring(order).row()
        title = QLabel(_ring(order).label)
        title.setToolTip(row.toolTip())
        self.rows.insertRow(self.rows.rowCount() - 2, title, row)
        row.changed.connect(self.changed)


class SceneForm(QWidget):
    """Shows and changes a scene; what it has no slider for stays as it was given.

    Attributes
    ----------
    changed : Signal()
        The person has changed something.
    note : Status
        Why there is no such scene.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given = SCENES[_FIRST]
        self._kinds: list[Particle] = []
        self.rows = _Rows()
        self.spans = {name: field.row() for name, field in _SCENE.items()}
        self.apart = NumberBox(0, 1000, 1, "px", 1, "Centres of particles are never nearer to each other than this.")
        self.which = Choice()
        self.add, self.remove = QPushButton("Add"), QPushButton("Remove")
        self.kind = KindForm()
        self.bystanders, self.note = Note(), Status()
        self._lay_out()
        self._connect()
        self.set_scene(self._given)

    def _lay_out(self) -> None:
        for name, row in self.spans.items():
            self.rows.add(_SCENE[name].label, row)
        self.rows.add("Least distance", self.apart)
        self.which.setToolTip("Each particle is of one of these kinds.")
        self.add.setToolTip("Add a kind of particle, like the one shown to begin with.")
        self.remove.setToolTip("Take the shown kind of particle out of the scene.")
        kinds = QHBoxLayout()
        kinds.addWidget(self.which, 1)
        kinds.addWidget(self.add)
        kinds.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self.rows)
        layout.addLayout(kinds)
        for part in (self.kind, self.bystanders, self.note):
            layout.addWidget(part)

    def _connect(self) -> None:
        parts: list[SpanRow | NumberBox | KindForm] = [*self.spans.values(), self.apart, self.kind]
        for part in parts:
            part.changed.connect(self._change)
        self.which.currentIndexChanged.connect(self._show_kind)
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)

    def scene(self) -> Scene:
        """Return the scene; one that was changed says so by its name.

        Raises
        ------
        SettingsError
            When there can be no such scene.
        """
        spans = {name: row.value() for name, row in self.spans.items()}
        kinds = [kind.with_() for kind in self._kinds]
        scene = self._given.with_(particles=kinds, apart=self.apart.number(), **spans)
        return self._given if scene == self._given else _renamed(scene)

    def set_scene(self, scene: Scene) -> None:
        """Show a scene without announcing it."""
        self._given = scene
        self._kinds = [*scene.particles]
        for name, row in self.spans.items():
            row.set_value(getattr(scene, name))
        self.apart.set_number(scene.apart)
        others = count(len(scene.distractors), "kind")
        self.bystanders.say(f"and {others} of bystanders, kept as they are" if scene.distractors else "")
        self._list_kinds(0)
        self._judge()

    def refusal(self) -> str:
        """Return why there is no such scene; empty if there is one."""
        try:
            self.scene()
        except SettingsError as error:
            return str(error)
        return ""

    def marked(self) -> list[str]:
        """Return the labels that are coloured, because what they say cannot be."""
        return [*self.rows.marked(), *self.kind.rows.marked()]

    def _change(self) -> None:
        self._kinds[self.which.currentIndex()] = self.kind.kind()
        self._judge()
        self.changed.emit()

    def _judge(self) -> None:
        """Say what cannot be, and colour it."""
        why = self.refusal()
        self.note.tell(why, "error" if why else "plain")
        for name, row in self.spans.items():
            self.rows.mark(row, bool(why) and _refuses(SCENES[_FIRST], **{name: row.value()}))
        self.kind.mark()

    def _list_kinds(self, shown: int) -> None:
        total = len(self._kinds)
        self.which.blockSignals(True)
        self.which.clear()
        self.which.addItems([f"Kind {number + 1} of {total}" for number in range(total)])
        self.which.setCurrentIndex(shown)
        self.which.blockSignals(False)
        self.remove.setEnabled(total > 1)
        self._show_kind(shown)

    def _show_kind(self, number: int) -> None:
        self.kind.set_kind(self._kinds[number])
        self.kind.mark()

    def _add(self) -> None:
        self._kinds.append(self.kind.kind())
        self._list_kinds(len(self._kinds) - 1)
        self._change()

    def _remove(self) -> None:
        number = self.which.currentIndex()
        del self._kinds[number]
        self._list_kinds(min(number, len(self._kinds) - 1))
        self._change()


def _refuses(settings: Settings, **change: Any) -> bool:
    try:
        settings.with_(**change)
    except SettingsError:
        return True
    return False


def _renamed(scene: Scene) -> Scene:
    name = scene.name.removesuffix(_CHANGED)
    return scene.with_(name=f"{name}{_CHANGED}", about=f"Like {name}, with some values changed.")
