"""Choose a network, what particles look like, its stage and what screens for it, and read what to expect of them.

Or let the film tell which: what explains a few of its frames best is chosen, until a person chooses.
"""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...core.detection import Cascade, Contrast
from ...core.errors import GrowtrackError
from ...core.films import Stack
from ...core.networks.choice import Chosen, Tried
from ..session.sentences import error_line, error_table, film_line, screen_line, speed_line, stage_line, tried_words
from ..session.session import Session
from ..shared.choices import ContrastChoice, NetworkChoice, ScreenChoice
from ..shared.labels import Note
from ..shared.panel import section
from ..shared.rows import Form
from ..shared.tables import only_read
from ..shared.work import Work

_DECIMALS = 1

DIAMETER = (
    "How wide particles look in the film: at this width a spot has fallen to a third of its peak.\n"
    "Rings are drawn this wide. Frames are resampled so that the network sees particles at the size it knows."
)

CONTRAST = (
    "automatic: track the negative where it shows far more particles than the film\n"
    "as it is: track the film\n"
    "inverted: track the negative, for dark particles with a network of bright ones, or the reverse"
)

SCREEN = (
    "A cheap stage looks at every window of a frame; the chosen stage looks only at those it passes on.\n"
    "calibrated: the cheapest stage that screens nearly as well as any"
)


AUTOMATIC = (
    "Try the bundled networks on two frames of each film, at several sizes, as it is and as the negative,\n"
    "and take what explains them best. Whatever you choose yourself stays."
)
LOOKING = "Looking which network knows these particles..."

_TITLES = ("Network", "Diameter", "Found", "Explains")
_ROW, _ROWS = 22, 4


class Chooser(QObject):
    """Lets a film tell which network is chosen.

    Attributes
    ----------
    chosen : Signal(object)
        What is `Chosen` for the film that was asked about last.
    failed : Signal(object)
        The exception that kept it from choosing.
    ended : Signal()
        It looks no more.
    """

    chosen = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.work = Work(self)
        self._session = session
        self.work.advanced.connect(self._advance)
        self.work.failed.connect(self.failed)
        self.work.finished.connect(self.ended)

    @property
    def running(self) -> bool:
        """Whether it is looking."""
        return self.work.running

    def choose(self, film: Stack) -> None:
        """Look which network knows a film's particles."""
        self.leave()
        self.work.start(self._session.tries(film))

    def leave(self) -> None:
        """Look no more."""
        if self.running:
            self.work.abandon()

    def _advance(self, told: Any) -> None:
        if isinstance(told, Chosen):
            self.chosen.emit(told)


class TriedTable(QTableWidget):
    """What was tried on a film, the best first; a click takes another.

    Attributes
    ----------
    taken : Signal(object)
        The `Tried` that the person clicked.
    """

    taken = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_TITLES), parent)
        self.setHorizontalHeaderLabels([*_TITLES])
        only_read(self, _ROW).setStretchLastSection(True)
        self.setFixedHeight((_ROWS + 1) * _ROW + 8)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTabKeyNavigation(False)
        self._tried: tuple[Tried, ...] = ()
        self.cellClicked.connect(lambda row, _: self.taken.emit(self._tried[row]))
        self.cellActivated.connect(lambda row, _: self.taken.emit(self._tried[row]))

    def show_tried(self, chosen: Chosen | None) -> None:
        """Show the best of each network, as it is and on the negative, if it found anything; nothing without it."""
        best: dict[tuple[str, str], Tried] = {}
        for one in () if chosen is None else chosen.tried:
            if one.particles:
                best.setdefault((one.network, one.contrast), one)
        self._tried = tuple(best.values())
        self.setRowCount(len(self._tried))
        for row, tried in enumerate(self._tried):
            assert chosen is not None
            for column, text in enumerate(tried_words(tried, chosen.best)):
                self.setItem(row, column, QTableWidgetItem(text))
        self.resizeColumnsToContents()


class DiameterBox(QDoubleSpinBox):
    """Shows and changes a diameter in pixels; `valueChanged` announces what the person changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSuffix(" px")
        self.setDecimals(_DECIMALS)
        self.setSingleStep(0.5)

    def show_diameter(self, diameter: float, least: float, greatest: float) -> None:
        """Show a diameter and how far it can go, without announcing it."""
        tenths = 10**_DECIMALS
        self.blockSignals(True)
        self.setRange(math.ceil(least * tenths) / tenths, math.floor(greatest * tenths) / tenths)
        self.setValue(diameter)
        self.blockSignals(False)

    def shows(self, diameter: float) -> bool:
        """Tell whether a diameter, rounded, is the one that is shown."""
        return self.value() == self.valueFromText(self.textFromValue(diameter))


class NetworkForm(QWidget):
    """Shows and changes what a session has chosen.

    Attributes
    ----------
    refused : Signal(str)
        Why a network could not be taken; the earlier choice stands.
    asked : Signal()
        The film is to tell which network is chosen.
    rows : Form
        The labelled rows at its top, to which a panel may add.
    """

    refused = Signal(str)
    asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows = Form()
        self.automatic = QCheckBox("Chosen by the film")
        self.automatic.setToolTip(AUTOMATIC)
        self.chosen_note, self.tried = Note(), TriedTable()
        self.network = NetworkChoice(session)
        self.about = Note()
        self.diameter = DiameterBox()
        self.diameter.setToolTip(DIAMETER)
        self.contrast = ContrastChoice()
        self.contrast.setToolTip(CONTRAST)
        self.stage = QSlider(Qt.Orientation.Horizontal)
        self.stage.setToolTip("Early stages are fast, late ones accurate; all belong to one network.")
        self.stage.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.stage.setTickInterval(1)
        self.stage_note, self.speed_note, self.error_note = Note(), Note(), Note()
        self.screening = ScreenChoice()
        self.screening.setToolTip(SCREEN)
        self.screen_note = Note()
        self._lay_out()
        self.automatic.clicked.connect(self._let_film_tell)
        self.tried.taken.connect(self._take)
        self.network.chosen.connect(self._choose_by_hand)
        self.diameter.valueChanged.connect(self._size)
        self.contrast.chosen.connect(self._see)
        self.stage.valueChanged.connect(lambda stage: self._session.change(stage=stage))
        self.screening.chosen.connect(self._screen)
        self.refresh()

    def _lay_out(self) -> None:
        self.rows.addRow("Network", self.network)
        self.rows.addRow("", self.automatic)
        self.rows.addRow(self.about)
        self.rows.addRow(self.chosen_note)
        self.tried_section = section("Also tried", self.tried)
        self.rows.addRow(self.tried_section)
        self.tried_section.hide()
        self.rows.addRow("Diameter", self.diameter)
        self.rows.addRow("Contrast", self.contrast)
        speed = QHBoxLayout()
        speed.addWidget(QLabel("fast"))
        speed.addWidget(self.stage)
        speed.addWidget(QLabel("accurate"))
        self.rows.addRow("Stage", speed)
        screen = Form()
        screen.addRow("Screen with", self.screening)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self.rows)
        for part in (self.stage_note, self.speed_note, self.error_note):
            layout.addWidget(part)
        layout.addLayout(screen)
        layout.addWidget(self.screen_note)

    def follow(self) -> None:
        """Begin to show the session as it changes."""
        self.leave()
        self._session.changed.connect(self.refresh)
        self.network.follow()
        self.refresh()

    def leave(self) -> None:
        """Follow the session no more."""
        self._session.changed.disconnect(self.refresh, missing_ok=True)
        self.network.leave()

    def choose(self, name: str) -> None:
        """Take a network by name or path; an empty name changes nothing."""
        try:
            if name:
                self._session.choose(name)
        except GrowtrackError as error:
            self.refused.emit(str(error))
        self.refresh()

    def show_chosen(self, chosen: Chosen | None) -> None:
        """Say what the film told, and what else was tried; nothing without it."""
        self.chosen_note.say("" if chosen is None else str(chosen))
        self.tried.show_tried(chosen)
        self.tried_section.setVisible(chosen is not None)

    def refresh(self) -> None:
        """Show the session as it is."""
        choice = self._session.choice
        self.automatic.setChecked(self._session.automatic)
        for part in (self.diameter, self.stage, self.screening, self.contrast):
            part.setEnabled(choice is not None)
        self.network.show_name(choice.name if choice else None)
        if choice is None:
            return
        self.contrast.show_contrast(choice.contrast)
        self.diameter.show_diameter(choice.diameter, *choice.card.diameters)
        self.stage.blockSignals(True)
        self.stage.setRange(1, choice.card.plan.stages)
        self.stage.setPageStep(1)
        self.stage.setValue(choice.stage)
        self.stage.blockSignals(False)
        self.about.say(choice.card.recipe.about)
        self.stage_note.say(stage_line(choice.card, choice.stage))
        cascade = self._cascade()
        self.screening.show_screen(choice.stage, choice.screening, choice.screen, cascade)
        self.screen_note.say(screen_line(choice.stage, cascade))

    def tell(self, speed: tuple[float, float, tuple[int, int]] | None, error: float | None) -> None:
        """Say what was measured of the chosen stage.

        Parameters
        ----------
        speed : (float, float, (int, int)), optional
            Seconds a frame takes, the share of windows passed on, the size of the frame.
        error : float, optional
            Median error in pixels that fits to the film expect.
        """
        choice = self._session.chosen
        self.speed_note.say(speed_line(*speed) if speed else "")
        measured = error is not None and error > 0
        self.error_note.say(film_line(error or 0) if measured else error_line(choice.card, choice.stage))
        self.error_note.setToolTip(error_table(choice.card, choice.stage))

    def _let_film_tell(self, on: bool) -> None:
        self._session.automatic = on
        if on:
            self.asked.emit()

    def _take(self, tried: Tried) -> None:
        self._session.by_hand()
        self._session.take(tried)

    def _choose_by_hand(self, name: str) -> None:
        if name:
            self._session.by_hand()
        self.choose(name)

    def _size(self, diameter: float) -> None:
        self._session.by_hand()
        own = self._session.card.recipe.located_scene.diameter
        # The box rounds, and frames are not to be resampled for a rounding.
        self._session.change(diameter=own if self.diameter.shows(own) else diameter)

    def _see(self, contrast: Contrast) -> None:
        self._session.by_hand()
        self._session.change(contrast=contrast)

    def _screen(self, screening: bool, screen: int | None) -> None:
        self._session.change(screening=screening, screen=screen)

    def _cascade(self) -> Cascade | None:
        try:
            return self._session.cascade()
        except GrowtrackError:
            return None
