"""The Score panel: detections against a truth, and every miss and false detection one click away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QCheckBox, QFileDialog, QPushButton, QVBoxLayout, QWidget

from ...core.errors import GrowtrackError
from ..session.sentences import Kind
from ..session.session import Session
from ..shared.labels import Note
from ..shared.layers import look_at
from ..shared.panel import BUSY, Panel
from ..shared.work import Work
from .form import ScoreForm
from .histogram import ErrorHistogram, Numbers
from .places import Places, ScoreLayers
from .question import Answer, Question
from .sentences import NOTHING, STOPPED, comparing_line, frames_line, saved_line, sigma_line, thesis_line, verdict

if TYPE_CHECKING:
    import napari.viewer


_PATIENCE = 500
_CLOSE = 8.0


class ScorePanel(Panel):
    """Compare detections with a truth, and visit what was missed and what is false.

    It compares again by itself, shortly after either layer changes.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.

    Attributes
    ----------
    answer : Answer or None
        What is shown.
    """

    name = "Score"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.form = ScoreForm(viewer)
        self.results = QWidget()
        self.frames, self.numbers = Note(), Numbers()
        self.places = Places()
        self.marks = QCheckBox("Show missed and false as layers")
        self.histogram = ErrorHistogram()
        self.sigma, self.thesis = Note(), Note()
        self.save = QPushButton("Save score...")
        self.saving = Work(self)
        self.layers = ScoreLayers(viewer, self)
        self.answer: Answer | None = None
        self._asked: Question | None = None
        self._patience = QTimer(self)
        self._lay_out()
        self._explain()
        self._connect()
        self.follow()

    def _lay_out(self) -> None:
        self.body.addWidget(self.form)
        self.body.addWidget(self.results)
        self.body.addStretch()
        layout = QVBoxLayout(self.results)
        layout.setContentsMargins(0, 0, 0, 0)
        told: tuple[QWidget, ...] = (self.frames, self.numbers, self.places)
        for part in (*told, self.marks, self.histogram, self.sigma, self.thesis, self.save):
            layout.addWidget(part)
        self.results.hide()

    def _explain(self) -> None:
        self.sigma.setToolTip(
            "sigma is the error that each detection promises along one axis. Measured: half the width that holds 68 % "
            "of the errors. More than 1 time as wide: sigma promises too much."
        )
        self.thesis.setToolTip(
            "Each particle takes the closest prediction; it is missed beyond twice its radius. Predictions that are "
            "the closest to no particle are false (section 4.2.3)."
        )
        self.marks.setToolTip("Yellow crosses: missed. Red crosses: false. They follow every change.")
        self.save.setToolTip("A table of all pairs, misses and false detections, and the score beside it as JSON.")

    def _connect(self) -> None:
        self.form.rested.connect(self.compare)
        self.marks.toggled.connect(self._show_marks)
        self.layers.lost.connect(lambda: self.marks.setChecked(False))
        self.places.visited.connect(self.go)
        self.save.clicked.connect(self._save)
        self.work.advanced.connect(self._show)
        self.work.finished.connect(self._finish)
        self.saving.advanced.connect(lambda path: self.status.tell(saved_line(path)))
        self.saving.failed.connect(self.fail)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._tell_it_takes_long)
        for key, step in (("P", self.places.go_back), ("N", self.places.go_on)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(step)

    def follow(self) -> None:
        """Begin to follow the viewer's layers."""
        super().follow()
        self.layers.follow()
        self.form.follow()

    def leave(self) -> None:
        """Stop, follow the viewer's layers no more, and take those made here along; all is compared anew after that."""
        super().leave()
        self.form.leave()
        self.layers.leave()
        self._patience.stop()
        self._asked = None

    # Comparing --------------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare the chosen layers, unless that is what is shown already."""
        if not self.form.truth.layers:
            return self._refuse_all(NOTHING, "plain")
        try:
            question = self.form.question()
        except GrowtrackError as error:
            return self._refuse_all(str(error), "error")
        if not question.same(self._asked):
            self._give_up()
            self._asked = question
            self.cancel.setEnabled(True)
            self.work.start(question.answered())
            self._patience.start(_PATIENCE)

    def _give_up(self) -> None:
        """Want no answer any more to what was asked."""
        self._asked = None
        self._patience.stop()
        if self.work.running:
            self.work.abandon()
            self.show_working(False)

    def _refuse_all(self, sentence: str, kind: Kind) -> None:
        """Say why nothing is compared."""
        self._give_up()
        self._forget()
        self.status.tell(sentence, kind)

    def _forget(self) -> None:
        """Show nothing that is no longer true."""
        self.answer = self._asked = None
        self.results.hide()
        self.places.clear()
        self.layers.remove()

    def _tell_it_takes_long(self) -> None:
        if self.work.running and self._asked is not None:
            self.show_working(True)
            self.bar.setRange(*BUSY)
            self.status.tell(comparing_line(len(self._asked.frames)))

    def _show(self, answer: Answer) -> None:
        self.answer, compared = answer, answer.comparison
        self.frames.say(frames_line(answer.question))
        self.numbers.show_answer(answer)
        self.sigma.say(sigma_line(compared))
        self.thesis.say(thesis_line(answer.thesis))
        self.histogram.set_errors(compared.pairs["error"].to_numpy(float))
        self.places.show_comparison(compared)
        self.results.show()
        self._show_marks(self.marks.isChecked())

    def _finish(self) -> None:
        stopped = not self.cancel.isEnabled()
        self._patience.stop()
        self.show_working(False)
        if self.answer is not None and self.answer.question is self._asked:
            return self.status.tell(*verdict(self.answer.comparison.score))
        self._forget()
        if stopped:
            self.status.tell(STOPPED)

    # Showing ----------------------------------------------------------------------------------------------------------

    def go(self, frame: float, y: float, x: float) -> None:
        """Show a point, given in pixels of the detections, in the middle of the canvas and near by."""
        detections = self.form.detections.layer
        if self.answer is not None and detections is not None:
            question = self.answer.question
            look_at(self.viewer, question.world(frame, y, x), _CLOSE / question.pixel)
            self.layers.ring((frame, y, x), question.within, detections)

    def _show_marks(self, on: bool) -> None:
        detections = self.form.detections.layer
        if on and self.answer is not None and detections is not None:
            self.layers.show_wrong(self.answer.comparison, detections)
        else:
            self.layers.hide_wrong()

    def _save(self) -> None:
        if self.answer is None or self.saving.running:
            return
        suggested = f"{self.answer.question.names[1]} score.csv"
        path, _ = QFileDialog.getSaveFileName(self, "Save score", suggested, "Tables (*.csv)")
        if path:
            self.saving.start(self.answer.saved(Path(path)))
