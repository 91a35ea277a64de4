"""A small picture of a scene that follows it."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
from qtpy.QtCore import QPointF, QRectF, QSize, QTimer, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ...core.simulation import Scene
from ...jobs.simulation import SimulateFrame
from ..napari_io.samples import CROSS
from ..session.session import Session
from ..shared.labels import Note
from ..shared.pictures import grey_image
from ..shared.work import Newest
from .sentences import STARTING, WAITING, picture_words

_LATE = 300


class ScenePicture(QWidget):
    """Draws a square frame, and a circle around each of its particles."""

    side = 200

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._scale = 1.0
        self._truth = np.empty((0, 3))
        self._circles = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Be square."""
        return QSize(self.side, self.side)

    def show_frame(self, frame: np.ndarray, truth: pd.DataFrame) -> None:
        """Draw a frame (Y, X), from its darkest thousandth to its brightest."""
        low, high = np.percentile(frame, (0.1, 99.9))
        self._image = grey_image(frame, low, max(high, low + 1e-6))
        self._scale = self.side / max(frame.shape)
        self._truth = truth[["y", "x", "radius"]].to_numpy(float)
        self.update()

    def show_circles(self, on: bool) -> None:
        """Draw circles, or leave them out."""
        self._circles = on
        self.update()

    def circles(self) -> list[tuple[QPointF, float]]:
        """Return centre and radius of the circles, in pixels of the screen."""
        scaled = (self._truth + np.array([0.5, 0.5, 0])) * self._scale
        return [(QPointF(x, y), 2 * radius + 2) for y, x, radius in scaled] if self._circles else []

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw frame and circles."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))
        size = self._image.size() * self._scale
        painter.drawImage(QRectF(0, 0, size.width(), size.height()), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(str(CROSS["face_color"])), 1.5))
        for centre, radius in self.circles():
            painter.drawEllipse(centre, radius, radius)
        painter.end()


class ScenePreview(QWidget):
    """A small frame of a scene, drawn pixel by pixel, that follows the scene.

    Attributes
    ----------
    failed : Signal(object)
        The exception that kept a frame from being simulated.
    """

    shape = (ScenePicture.side, ScenePicture.side)
    failed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = Newest(self)
        self._session = session
        self.picture, self.caption = ScenePicture(), Note()
        self.circles, self.dice = QCheckBox("Circles"), QPushButton("New picture")
        self._seed = 0
        self._scene: Scene | None = None
        self._shown: SimulateFrame | None = None
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_LATE)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.dice.setToolTip("Draw another picture of the same scene.")
        self.circles.setToolTip("Circle the particles that are to be found.")
        beside = QVBoxLayout()
        beside.addWidget(self.caption)
        beside.addStretch()
        beside.addWidget(self.circles)
        beside.addWidget(self.dice)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 4)
        layout.addWidget(self.picture)
        layout.addLayout(beside, 1)

    def _connect(self) -> None:
        self.circles.toggled.connect(self.picture.show_circles)
        self.dice.clicked.connect(self.new_picture)
        self.frames.advanced.connect(self._show)
        self.frames.failed.connect(self._fail)
        self.frames.ended.connect(self._late.stop)
        self._late.timeout.connect(self._wait)

    def show_scene(self, scene: Scene) -> None:
        """Show a scene, unless it is shown already."""
        self._scene = scene
        job = SimulateFrame(scene, self.shape, self._seed)
        if self.frames.running or job != self._shown:
            self._ask(job)

    def new_picture(self) -> None:
        """Draw another picture of the scene."""
        self._seed += 1
        if self._scene is not None:
            self.show_scene(self._scene)

    def leave(self) -> None:
        """Stop simulating."""
        self.frames.abandon()

    def _ask(self, job: SimulateFrame) -> None:
        if self._shown is None:
            self.caption.say(STARTING)
        if not self._late.isActive():
            self._late.start()
        self.frames.ask(self._session.engines.simulating, job)

    def _show(self, told: tuple[np.ndarray, pd.DataFrame]) -> None:
        frame, truth = told
        self._late.stop()
        self._shown = cast(SimulateFrame, self.frames.asked)
        self.picture.show_frame(frame, truth)
        height, width = frame.shape
        snr = float(truth["snr"].iloc[0]) if len(truth) else None
        self.caption.say(picture_words(len(truth), height, width, snr))

    def _fail(self, error: Exception) -> None:
        self.caption.say("")
        self.failed.emit(error)

    def _wait(self) -> None:
        if self._shown is not None:
            self.caption.say(WAITING)
