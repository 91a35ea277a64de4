"""The Track panel: choose an image, a network and a stage; get detections as points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEvent
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ..core.errors import GrowtrackError
from ..core.zoo import DEFAULT, bundled
from .choices import ImageChoice
from .labels import Status
from .layers import open_film, show_detections, shown_frame
from .network_form import NetworkForm
from .run import Run
from .sentences import Kind, progress_line
from .session import Progress, Session
from .work import Work

if TYPE_CHECKING:
    import napari.viewer

NO_FILM = "Open a film first (File > Open, or File > Open Sample > GrowTrack)"
NO_NETWORK = "Choose a network first."


class TrackPanel(QWidget):
    """Track the particles of an image layer with a grown network.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        What is chosen, shared with other panels.
    """

    _run: Run

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__()
        self.viewer = viewer
        self.session = session or Session()
        self.work = Work(self)
        self.image = ImageChoice(viewer)
        self.form = NetworkForm(self.session)
        self.this_frame = QPushButton("Track this frame")
        self.all_frames = QPushButton("Track all frames")
        self.cancel = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.status = Status()
        self._hindered = False
        self._lay_out()
        self._connect()
        if self.session.name is None and DEFAULT in bundled():
            self.form.choose(DEFAULT)
        self.image.follow()

    def _lay_out(self) -> None:
        self.form.rows.insertRow(0, "Image", self.image)
        buttons = QHBoxLayout()
        for button in (self.this_frame, self.all_frames, self.cancel):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.form)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        self.bar.setTextVisible(False)
        self._show_working(False)

    def _connect(self) -> None:
        self.image.changed.connect(self._check)
        self.form.changed.connect(self._check)
        self.form.refused.connect(self._refuse)
        self.this_frame.clicked.connect(self.track_this_frame)
        self.all_frames.clicked.connect(self.track_all_frames)
        self.cancel.clicked.connect(self._cancel)
        self.work.advanced.connect(self._advance)
        self.work.warned.connect(self._warn)
        self.work.failed.connect(self._fail)
        self.work.finished.connect(self._finish)

    def event(self, event: QEvent | None) -> bool:
        """Follow the viewer while docked in it; napari takes a closed panel out of its dock without closing it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            move = self.leave if self.parent() is None else self.image.follow
            move()
        return super().event(event)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Let go of worker and viewer."""
        self.leave()
        super().closeEvent(event)

    def leave(self) -> None:
        """Stop working and follow the viewer no more."""
        self.image.leave()
        if self.work.running:
            self.work.abandon()
            self._show_working(False)
            self.status.tell("")

    def track_this_frame(self) -> None:
        """Track the frame that the viewer shows."""
        self._track(every=False)

    def track_all_frames(self) -> None:
        """Track the whole film."""
        self._track(every=True)

    def _track(self, every: bool) -> None:
        image = self.image.image
        if image is None or self.work.running:
            return
        try:
            film = open_film(image)
            frames = range(len(film)) if every else [shown_frame(self.viewer, image, film)]
            steps = self.session.run(film, frames)
        except GrowtrackError as error:
            return self._refuse(str(error))
        self._run = Run(image, self.session.recipe(), len(frames))
        self._show_working(True)
        self._advance(self._run.progress)
        self.work.start(steps)

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.work.stop()

    def _advance(self, progress: Progress) -> None:
        self._run.take(progress)
        self.bar.setRange(0, 0 if progress.frame is None else progress.total)
        self.bar.setValue(progress.done)
        self.status.tell(progress_line(progress))

    def _warn(self, sentence: str) -> None:
        self._run.warnings.append(sentence)

    def _fail(self, error: Exception) -> None:
        self._run.error = error
        if not isinstance(error, GrowtrackError):
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _finish(self) -> None:
        run = self._run
        if run.progress.done:
            show_detections(self.viewer, run.image, run.detected())
        self._show_working(False)
        self._check()
        self.status.tell(*run.outcome())

    def _refuse(self, reason: str) -> None:
        self.status.tell(reason, "error")

    def _check(self) -> None:
        """Offer the buttons, or say what is in the way."""
        if self.work.running:
            return
        hindrance, kind = self._hindrance()
        self.this_frame.setEnabled(not hindrance)
        self.all_frames.setEnabled(not hindrance)
        if hindrance or self._hindered:
            self.status.tell(hindrance, kind)
        self._hindered = bool(hindrance)

    def _hindrance(self) -> tuple[str, Kind]:
        image = self.image.image
        if image is None:
            return NO_FILM, "plain"
        if self.session.name is None:
            return NO_NETWORK, "plain"
        try:
            open_film(image)
            self.session.cascade()
        except GrowtrackError as error:
            return str(error), "error"
        return "", "plain"

    def _show_working(self, on: bool) -> None:
        self.form.setEnabled(not on)
        self.this_frame.setVisible(not on)
        self.all_frames.setVisible(not on)
        self.cancel.setVisible(on)
        self.cancel.setEnabled(on)
        self.bar.setVisible(on)
