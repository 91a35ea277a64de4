"""A scene as sliders: its light and noise, how crowded it is, and each kind of particle."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...core.errors import SettingsError
from ...core.simulation import SCENES, Particle, Scene
from ..shared.choices import Choice
from ..shared.labels import Note, Status
from ..shared.rows import Field, NumberBox, Rows
from ..shared.scenes import FIRST, KindForm, refuses
from .optics_form import EXPOSURE, LIGHT, CameraForm, SpanForm
from .sentences import bystanders_line, kind_words

_CHANGED = " changed"
_SCENE = {
    "background": Field("Background", "Level between particles; 0 is black, 1 is white.", 0, 1, 0.01, "", 2),
    "gradient": Field(
        "Gradient",
        "How much the background changes over the longer side of a frame, in a direction drawn for each.",
        *(0, 1.5, 0.01, "", 2),
    ),
    "snr": Field(
        "SNR",
        "Signal-to-noise ratio: where the intensity is 1, this number squared of photons are counted.",
        *(1, 100, 0.1, "", 1, True),
    ),
    "density": Field("Particles per\n100 x 100 px", "How many particles frames hold.", 0, 10, 0.1, "", 1),
}


class SceneForm(QWidget):
    """Shows and changes a scene; what it has no slider for stays as it was given.

    Attributes
    ----------
    camera : CameraForm
    light, exposure : SpanForm
        What turns photons into counts, what lies behind particles, and what happens to a frame: for the panel to lay
        out.
    changed : Signal()
        The person has changed something.
    note : Status
        Why there is no such scene.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given = SCENES[FIRST]
        self._kinds: list[Particle] = []
        self.rows = Rows()
        self.spans = {name: field.row() for name, field in _SCENE.items()}
        self.apart = NumberBox(0, 1000, 1, "px", 1, "Centres of particles are never nearer to each other than this.")
        self.which = Choice()
        self.add, self.remove = QPushButton("Add"), QPushButton("Remove")
        self.kind = KindForm()
        self.camera, self.light, self.exposure = CameraForm(), SpanForm(LIGHT), SpanForm(EXPOSURE)
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
        parts: list[Any] = [*self.spans.values(), self.apart, self.kind, self.camera, self.light, self.exposure]
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
        spans |= self.light.values() | self.exposure.values()
        camera = self.camera.camera()
        scene = self._given.with_(particles=kinds, apart=self.apart.number(), camera=camera, **spans)
        return self._given if scene == self._given else _renamed(scene)

    def set_scene(self, scene: Scene) -> None:
        """Show a scene without announcing it."""
        self._given = scene
        self._kinds = [*scene.particles]
        for name, row in self.spans.items():
            row.set_value(getattr(scene, name))
        self.apart.set_number(scene.apart)
        self.camera.set_camera(scene.camera)
        self.light.set_scene(scene)
        self.exposure.set_scene(scene)
        self.bystanders.say(bystanders_line(len(scene.distractors)))
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
        parts = self, self.kind, self.light, self.camera, self.exposure
        return [label for part in parts for label in part.rows.marked()]

    def _change(self) -> None:
        self._kinds[self.which.currentIndex()] = self.kind.kind()
        self._judge()
        self.changed.emit()

    def _judge(self) -> None:
        """Say what cannot be, and colour it."""
        why = self.refusal()
        self.note.tell(why, "error" if why else "plain")
        for name, row in self.spans.items():
            self.rows.mark(row, bool(why) and refuses(SCENES[FIRST], **{name: row.value()}))
        for part in (self.kind, self.light, self.camera, self.exposure):
            part.mark()

    def _list_kinds(self, shown: int) -> None:
        total = len(self._kinds)
        self.which.blockSignals(True)
        self.which.clear()
        self.which.addItems([kind_words(number + 1, total) for number in range(total)])
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


def _renamed(scene: Scene) -> Scene:
    name = scene.name.removesuffix(_CHANGED)
    return scene.with_(name=f"{name}{_CHANGED}", about=f"Like {name}, with some values changed.")
