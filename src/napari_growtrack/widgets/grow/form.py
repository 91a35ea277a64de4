"""Choose what to grow on, what to begin with, which stages to add and for how long; and take up what was left."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import GrowtrackError, SettingsError
from ...core.growth.plan import Plan
from ...core.networks.archive import read_card
from ...core.networks.build import adapted
from ...core.networks.card import Card
from ...core.networks.load import network_path
from ...core.simulation import SCENES, Scene
from ..session.card_facts import scene_line
from ..session.session import Session
from ..shared.choices import Choice
from ..shared.labels import Note, Status
from ..shared.panel import Section
from ..shared.rows import Form
from ..shared.scenes import FIRST, ScenePresets
from ..shared.tables import PlanTable
from .growing import (
    DEPTH,
    PRESETS,
    STRIDED,
    UNFINISHED,
    Wish,
    check_name,
    free_name,
    likest,
    names_kept,
    window_for,
)
from .sentences import plan_line, schedule_line

NOTHING = "nothing (a new network)"
OWN, FURTHER = "edited", "grown further"
CLOCK, THESIS = "by the clock", "the thesis's own"
MINUTES, MINUTES_FURTHER = 5.0, 1.0
_WRONG = "QLineEdit { background-color: #a8233a; color: white; }"


class StartChoice(Choice):
    """Offers a new network, and to grow further each of those at hand.

    Attributes
    ----------
    chosen : Signal()
        The person has chosen, or the chosen network is gone.
    """

    chosen = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._fill()
        self.activated.connect(lambda _: self.chosen.emit())

    def follow(self) -> None:
        """Begin to follow which networks there are."""
        self._session.networks_changed.connect(self._fill, unique=True)
        self._fill()

    def leave(self) -> None:
        """Follow them no more."""
        self._session.networks_changed.disconnect(self._fill, missing_ok=True)

    @property
    def name(self) -> str | None:
        """Name or path of the network to begin with; None for a new one."""
        return self.currentData()

    @property
    def title(self) -> str:
        """What the network to begin with is called; empty for a new one."""
        return "" if self.name is None else self.currentText()

    def choose(self, name: str | None) -> None:
        """Begin with a network, without announcing it."""
        self.setCurrentIndex(max(self.findData(name), 0) if name else 0)

    def _fill(self) -> None:
        before = self.name
        self.clear()
        self.addItem(NOTHING, None)
        for title, name in self._session.networks().items():
            if Path(name).parent.name != UNFINISHED:
                self.addItem(title, name)
        self.choose(before)
        if self.name != before:
            self.chosen.emit()


class GrowForm(QWidget):
    """What to grow on, what to begin with, which stages to add, for how long, and under what name.

    Attributes
    ----------
    changed : Signal()
        Something was chosen; it may not fit together.
    refused : Signal(str)
        Why a network cannot be read; a new one is chosen then.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._scene = session.scene or SCENES[FIRST]
        self._card: Card | None = None
        self._edited = self._named = False
        self._choosing = True
        self.scene, self.scene_note = ScenePresets(), Note()
        self.start = StartChoice(session)
        self.preset, self.side, self.table = Choice(), QSpinBox(), PlanTable()
        self.plan_note, self.schedule_note, self.name_note = Note(), Note(), Status()
        self.schedule, self.minutes, self.together = Choice(), QDoubleSpinBox(), QCheckBox("Stages side by side")
        self.name = QLineEdit()
        self.plan_section = Section("Plan", opened=True)
        self._set_up()
        self._tip()
        self._lay_out()
        self._connect()
        self.show_scene(self._scene)

    # Laying out ---------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        self.preset.addItems([*PRESETS])
        self.preset.setPlaceholderText(OWN)
        self.side.setRange(15, 501)
        self.side.setSingleStep(2)
        self.side.setSuffix(" px")
        self.schedule.addItems([CLOCK, THESIS])
        self.minutes.setRange(0.1, 1440)
        self.minutes.setDecimals(1)
        self.minutes.setValue(MINUTES)
        self.minutes.setSuffix(" min")
        self.together.setChecked(True)

    def _tip(self) -> None:
        self.scene.setToolTip("What the network learns to find. Match a scene to your film in the Simulate panel.")
        self.start.setToolTip("Grow a new network, or add stages to one there is; its own stages stay as they are.")
        self.preset.setToolTip(
            "strided: locates best for its cost, and tells how sure it is\n"
            "depth: each stage adds a layer\n"
            "breadth: each stage adds a narrow network to all layers, wider than the one before\n"
            "breadth-8: the same, all alike, with 8 units in the first layer\nfeatures: each stage adds one unit\n"
            "plain: an ordinary network, of one stage"
        )
        self.side.setToolTip("Side of the squares that the network looks at; about 2 to 4 diameters of a particle.")
        self.schedule.setToolTip("Grow for some minutes, or with the thesis's batches and optimiser (3.5.1).")
        self.minutes.setToolTip("Time for all stages to learn. Thresholds and a report take about half a minute more.")
        self.together.setToolTip(
            "On: all stages learn at once on the same images, each for the whole time. The most accurate way.\n"
            "Off: one stage after the other, earlier ones frozen, as in the thesis. Each can be used once it is grown."
        )
        self.name.setToolTip("What the network is called in the Track panel, and its file.")

    def _lay_out(self) -> None:
        top, plan, bottom = (Form() for _ in range(3))
        top.addRow("Scene", self.scene)
        top.addRow(self.scene_note)
        top.addRow("Begin with", self.start)
        plan.addRow("Preset", self.preset)
        plan.addRow("Window", self.side)
        for part in (plan, self.table, self.plan_note):
            self.plan_section.add(part)
        bottom.addRow("Schedule", self.schedule)
        bottom.addRow("Time", self.minutes)
        bottom.addRow(self.together)
        bottom.addRow(self.schedule_note)
        bottom.addRow("Name", self.name)
        bottom.addRow(self.name_note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.plan_section)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        self.scene.chosen.connect(self.show_scene)
        self.start.chosen.connect(self._begin_with)
        self.preset.activated.connect(self._lay)
        self.side.valueChanged.connect(self._resize)
        self.table.changed.connect(self._edit)
        self.schedule.activated.connect(self._take_schedule)
        self.minutes.valueChanged.connect(self._tell)
        self.together.toggled.connect(self._tell)
        self.name.textEdited.connect(self._take_name)

    def follow(self) -> None:
        """Begin to follow the session's networks and scene."""
        self._session.scene_changed.connect(self._take_scene, unique=True)
        self.start.follow()
        self._offer_name()

    def leave(self) -> None:
        """Follow the session no more."""
        self._session.scene_changed.disconnect(self._take_scene, missing_ok=True)
        self.start.leave()

    # What is chosen -----------------------------------------------------------------------------------------------

    def wish(self) -> Wish:
        """Return what is to be grown.

        Raises
        ------
        SettingsError
            When the table is not a plan at present, or the name cannot be taken.
        """
        name = self.name.text()
        check_name(name, self.taken())
        minutes = self.minutes.value() if self.schedule.currentText() == CLOCK else None
        return Wish(name, self._scene, self.table.plan(), minutes, self.together.isChecked(), self._card)

    def taken(self) -> list[str]:
        """Return the names that a new network cannot have."""
        return [*self._session.networks(), *names_kept(self._session.folder)]

    def show_scene(self, scene: Scene) -> None:
        """Choose a scene, and windows that suit it."""
        self._scene = scene
        self.scene.show_scene(scene)
        self.scene_note.say(scene_line(scene))
        if self._card is None:
            self._show_side(window_for(scene))
        self._lay_again()
        self._offer_name()

    def begin_with(self, name: str | None) -> None:
        """Choose the network to begin with; None for none."""
        self.start.choose(name)
        self._begin_with()

    def likest(self, scene: Scene) -> str | None:
        """Return the name of the network at hand that knows the particles most like a scene's; None for none."""
        cards = {}
        for name in self._session.networks().values():
            with suppress(GrowtrackError):
                cards[name] = read_card(network_path(name))
        return likest(scene, cards)

    def let_choose(self, on: bool) -> None:
        """Let the person choose, or only look."""
        self._choosing = on
        for part in (self.scene, self.start, self.table, self.schedule, self.name):
            part.setEnabled(on)
        self._let_lay()
        self._tell()

    def _let_lay(self) -> None:
        for part in (self.preset, self.side):
            part.setEnabled(self._choosing and self._card is None)

    def show_learning(self, stage: int | None) -> None:
        """Highlight the stage that learns."""
        self.table.show_stage(stage)

    def new_name(self) -> None:
        """Offer another name, once this one is given away."""
        self._named = False
        self._offer_name()

    def _take_scene(self) -> None:
        if self._session.scene is None:
            return
        if self._choosing:
            self.show_scene(self._session.scene)
        else:
            self.scene.offer(self._session.scene)

    def _begin_with(self) -> None:
        before, why = self._card, self._read()
        self._let_lay()
        if (before is None) != (self._card is None):
            self.minutes.setValue(MINUTES if self._card is None else MINUTES_FURTHER)
        self._show_side(window_for(self._scene) if self._card is None else self._card.plan.side)
        self._lay()
        self._offer_name()
        if why:
            self.refused.emit(why)

    def _read(self) -> str:
        """Read the card of the network to begin with; return why that cannot be done, and choose none then."""
        self._card = None
        try:
            if self.start.name is not None:
                self._card = read_card(network_path(self.start.name))
        except GrowtrackError as error:
            self.start.choose(None)
            return str(error)
        return ""

    def _lay(self, *_: object) -> None:
        """Lay the table of the preset, or that of the network to begin with and a stage more."""
        self._edited = False
        if self._card is None:
            self.preset.setPlaceholderText(OWN)
            self.preset.setCurrentIndex(max(self.preset.currentIndex(), 0))
            self.table.set_plan(PRESETS[self.preset.currentText()](window=self.side.value()))
        else:
            self.preset.setPlaceholderText(FURTHER)
            self.preset.setCurrentIndex(-1)
            self.table.set_plan(self._further(self._card), self._card.plan.stages)
        self._tell()

    def _further(self, card: Card) -> Plan:
        try:
            return adapted(card, self._scene, MINUTES_FURTHER, card.name).plan
        except SettingsError:  # the wish itself says why, as soon as it is looked at
            return card.plan

    def _lay_again(self) -> None:
        """Keep what was edited, and lay the table anew otherwise."""
        if self._edited and self._card is None:
            with suppress(SettingsError):
                self.table.set_plan(self.table.plan().with_(window=self.side.value()))
        if self._edited:
            self._tell()
        else:
            self._lay()

    def _show_side(self, side: int) -> None:
        self.side.blockSignals(True)
        self.side.setValue(side)
        self.side.blockSignals(False)

    def _resize(self, side: int) -> None:
        if side % 2 == 0:
            return self.side.setValue(side + 1)
        self._lay_again()

    def _edit(self) -> None:
        self._edited = True
        self.preset.setCurrentIndex(-1)
        self._tell()

    def _take_schedule(self) -> None:
        """Let the thesis's schedule have a plan that it goes with."""
        ours = self.preset.currentText() == STRIDED and self.schedule.currentText() == THESIS
        if ours and self._card is None and not self._edited:
            self.preset.setCurrentText(DEPTH)
            self._lay()
        self._tell()

    # What is said -------------------------------------------------------------------------------------------------

    def _take_name(self) -> None:
        self._named = bool(self.name.text())
        self._tell()

    def _offer_name(self) -> None:
        if not self._named:
            begun = f"{self.start.title} for " if self._card is not None else ""
            self.name.setText(free_name(f"{begun}{self._scene.name}", self.taken()))
        self._tell()

    def _tell(self, *_: object) -> None:
        clock = self.schedule.currentText() == CLOCK
        self.minutes.setEnabled(clock and self._choosing)
        self.together.setEnabled(clock and self._choosing)
        plan = None if self.table.sentence() else self.table.plan()
        self.plan_note.say("" if plan is None else plan_line(plan))
        minutes = self.minutes.value() if clock else None
        given = 0 if self._card is None else self._card.plan.stages
        self.schedule_note.say(schedule_line(minutes, self.together.isChecked(), plan, given))
        wrong = self._wrong_name()
        self.name_note.tell(wrong, "error")
        self.name.setStyleSheet(_WRONG if wrong else "")
        self.changed.emit()

    def _wrong_name(self) -> str:
        if not self._choosing:
            return ""
        try:
            check_name(self.name.text(), self.taken())
        except SettingsError as error:
            return str(error)
        return ""


class KeptForm(QWidget):
    """Networks whose growing was left, to go on with or to throw away.

    Attributes
    ----------
    go_on, discard : Signal(str)
        The name of a network.
    """

    go_on = Signal(str)
    discard = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names = Choice()
        self.resume, self.drop = QPushButton("Go on growing"), QPushButton("Discard...")
        self.resume.setToolTip("Grow this network from where it was left.")
        self.drop.setToolTip("Throw away what was grown of this network.")
        self.resume.clicked.connect(lambda: self.go_on.emit(self.names.currentText()))
        self.drop.clicked.connect(lambda: self.discard.emit(self.names.currentText()))
        buttons = QHBoxLayout()
        buttons.addWidget(self.resume)
        buttons.addWidget(self.drop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.names)
        layout.addLayout(buttons)

    def show_names(self, names: list[str]) -> None:
        """Offer these, the latest first."""
        if names != self.shown():
            self.names.clear()
            self.names.addItems(names)

    def shown(self) -> list[str]:
        """Return what is offered."""
        return [self.names.itemText(index) for index in range(self.names.count())]
