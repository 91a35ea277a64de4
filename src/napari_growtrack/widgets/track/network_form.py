"""Choose a network, what particles look like, its stage and what screens for it, and read what to expect of them."""

from __future__ import annotations

import math

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from ...core.detection import Cascade, Contrast
from ...core.errors import GrowtrackError
from ..session.sentences import error_line, error_table, film_line, screen_line, speed_line, stage_line
from ..session.session import Session
from ..shared.choices import ContrastChoice, NetworkChoice, ScreenChoice
from ..shared.labels import Note
from ..shared.rows import Form

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
    rows : Form
        The labelled rows at its top, to which a panel may add.
    """

    refused = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows = Form()
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
        self.network.chosen.connect(self.choose)
        self.diameter.valueChanged.connect(self._size)
        self.contrast.chosen.connect(self._see)
        self.stage.valueChanged.connect(lambda stage: self._session.change(stage=stage))
        self.screening.chosen.connect(self._screen)
        self.refresh()

    def _lay_out(self) -> None:
        self.rows.addRow("Network", self.network)
        self.rows.addRow(self.about)
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

    def refresh(self) -> None:
        """Show the session as it is."""
        choice = self._session.choice
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
        self.error_note.say(
            film_line(choice.card, choice.stage, error or 0) if measured else error_line(choice.card, choice.stage)
        )
        self.error_note.setToolTip(error_table(choice.card, choice.stage))

    def _size(self, diameter: float) -> None:
        own = self._session.card.recipe.located_scene.diameter
        # The box rounds, and frames are not to be resampled for a rounding.
        self._session.change(diameter=own if self.diameter.shows(own) else diameter)

    def _see(self, contrast: Contrast) -> None:
        self._session.change(contrast=contrast)

    def _screen(self, screening: bool, screen: int | None) -> None:
        self._session.change(screening=screening, screen=screen)

    def _cascade(self) -> Cascade | None:
        try:
            return self._session.cascade()
        except GrowtrackError:
            return None
