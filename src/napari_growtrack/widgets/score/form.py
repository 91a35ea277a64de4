"""What is compared with what: two points layers, how near a pair must be, and which frames count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QWidget

from ...core.scoring.matching import WITHIN
from ..shared.choices import PointsChoice, like_detections, like_truth
from ..shared.layers import LayerWatch
from ..shared.rows import Form
from .question import Question, ask

if TYPE_CHECKING:
    import napari.viewer


class ScoreForm(QWidget):
    """Asks what is to be compared, and watches the layers that are chosen.

    Attributes
    ----------
    rested : Signal()
        Something may have changed, and for a moment nothing has.
    """

    rested = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.truth, self.detections = PointsChoice(viewer, like_truth), PointsChoice(viewer, like_detections)
        self.within = QDoubleSpinBox()
        self.only_marked = QCheckBox("Only frames that hold truth")
        self.watch = LayerWatch(self)
        self._lay_out()
        self._explain()
        self.truth.changed.connect(self._take_up)
        self.detections.changed.connect(self._take_up)
        self.within.valueChanged.connect(self.watch.touch)
        self.only_marked.toggled.connect(self.watch.touch)
        self.watch.rested.connect(self.rested)

    def _lay_out(self) -> None:
        self.within.setRange(0.1, 999)
        self.within.setDecimals(1)
        self.within.setSingleStep(0.5)
        self.within.setSuffix(" px")
        self.within.setValue(WITHIN)
        layout = Form(self)
        layout.addRow("Truth", self.truth)
        layout.addRow("Detections", self.detections)
        layout.addRow("Within", self.within)
        layout.addRow(self.only_marked)

    def _explain(self) -> None:
        self.truth.setToolTip("Where particles are: a simulated film's truth, or points set or corrected by hand.")
        self.detections.setToolTip("What is judged. Of both layers, only points that are shown count.")
        self.within.setToolTip("How far a detection may be from its particle, in pixels of the detections.")
        self.only_marked.setToolTip("Tick it where truth was set by hand in a few frames of the film.")

    def follow(self) -> None:
        """Begin to follow the viewer's layers; may be called twice."""
        self.truth.follow()
        self.detections.follow()

    def leave(self) -> None:
        """Follow them no more; may be called twice."""
        self.truth.leave()
        self.detections.leave()
        self.watch.leave()

    def question(self) -> Question:
        """Return what is asked.

        Raises
        ------
        TableError
            When there is nothing to compare, or the layers do not go together.
        """
        return ask(self.truth.layer, self.detections.layer, self.within.value(), self.only_marked.isChecked())

    def _take_up(self) -> None:
        """Hear of changes of the layers that are chosen now."""
        chosen = dict.fromkeys((self.truth.layer, self.detections.layer))
        self.watch.watch(layer for layer in chosen if layer is not None)
        self.watch.touch()
