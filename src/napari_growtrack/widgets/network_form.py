"""Choose a network, what particles look like, its stage and its cascade, and read what to expect of them."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from ..core.detection import Cascade, Contrast
from ..core.errors import GrowtrackError
from .choices import ContrastChoice, NetworkChoice
from .diameter import DiameterBox
from .labels import Note
from .sentences import error_line, error_table, screen_line, stage_line
from .session import Session

DIAMETER = (
    "How wide particles look in the film: at this width a spot has fallen to a third of its peak.\n"
    "Frames are resampled so that the network sees particles at the size it knows."
)
CONTRAST = (
    "automatic: track the negative where it shows far more particles than the film\n"
    "as it is: track the film\n"
    "inverted: track the negative, for dark particles with a network of bright ones, or the reverse"
)


class NetworkForm(QWidget):
    """Shows and changes what a session has chosen.

    Attributes
    ----------
    changed : Signal()
        Something else is chosen now.
    refused : Signal(str)
        Why a network could not be taken; the earlier choice stands.
    rows : QFormLayout
        The labelled rows at its top, to which a panel may add.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows = QFormLayout()
        self.network = NetworkChoice()
        self.about = Note()
        self.diameter = DiameterBox()
        self.diameter.setToolTip(DIAMETER)
        self.contrast = ContrastChoice()
        self.contrast.setToolTip(CONTRAST)
        self.stage = QSlider(Qt.Orientation.Horizontal)
        self.stage.setToolTip("Early stages are fast, late ones accurate; all belong to one network.")
        self.stage_note = Note()
        self.error_note = Note()
        self.screening = QCheckBox("Screen with a cheaper stage first")
        self.screen_note = Note()
        self._lay_out()
        self.network.chosen.connect(self.choose)
        self.diameter.valueChanged.connect(self._size)
        self.contrast.chosen.connect(self._see)
        self.stage.valueChanged.connect(self._slide)
        self.screening.toggled.connect(self._tick)
        self.refresh()

    def _lay_out(self) -> None:
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rows.addRow("Network", self.network)
        self.rows.addRow(self.about)
        self.rows.addRow("Diameter", self.diameter)
        self.rows.addRow("Contrast", self.contrast)
        speed = QHBoxLayout()
        speed.addWidget(QLabel("fast"))
        speed.addWidget(self.stage)
        speed.addWidget(QLabel("accurate"))
        self.rows.addRow("Stage", speed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self.rows)
        for part in (self.stage_note, self.error_note, self.screening, self.screen_note):
            layout.addWidget(part)

    def choose(self, name: str) -> None:
        """Take a network by name or path; an empty name changes nothing."""
        reason = ""
        try:
            if name:
                self._session.choose(name)
        except GrowtrackError as error:
            reason = str(error)
        self.refresh()
        self.changed.emit()
        if reason:
            self.refused.emit(reason)

    def refresh(self) -> None:
        """Show the session as it is."""
        session = self._session
        self.network.show_name(session.name)
        self.contrast.show_contrast(session.contrast)
        for part in (self.diameter, self.stage, self.screening):
            part.setEnabled(session.name is not None)
        if session.name is None:
            return
        self.diameter.show_diameter(session.diameter, *session.diameters)
        self.stage.blockSignals(True)
        self.stage.setRange(1, session.card.plan.stages)
        self.stage.setPageStep(1)
        self.stage.setValue(session.stage)
        self.stage.blockSignals(False)
        self.about.say(session.card.recipe.about)
        self._tell()

    def _size(self, diameter: float) -> None:
        own = self._session.own_diameter
        # The box rounds, and frames are not to be resampled for a rounding.
        self._session.diameter = own if self.diameter.shows(own) else diameter
        self.changed.emit()

    def _see(self, contrast: Contrast) -> None:
        self._session.contrast = contrast
        self.changed.emit()

    def _slide(self, stage: int) -> None:
        self._session.stage = stage
        self._tell()
        self.changed.emit()

    def _tick(self, on: bool) -> None:
        self._session.screening = on
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        session = self._session
        card, stage = session.card, session.stage
        self.stage_note.say(stage_line(card, stage))
        self.error_note.say(error_line(card, stage))
        self.error_note.setToolTip(error_table(card, stage))
        self.screening.blockSignals(True)
        self.screening.setChecked(session.screening)
        self.screening.blockSignals(False)
        self.screening.setEnabled(stage > 1)
        line = screen_line(stage, session.screening, self._cascade())
        self.screen_note.say(line)
        self.screening.setToolTip(line)

    def _cascade(self) -> Cascade | None:
        try:
            return self._session.cascade()
        except GrowtrackError:
            return None
