"""The first-steps panel: from an unknown film to trajectories, one step after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image, Points, Tracks
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..core.tables import PROGRAM
from .session.choice import Choice
from .session.session import Session
from .shared.labels import Note
from .shared.layers import about
from .shared.opening import open_panel
from .shared.panel import Panel

if TYPE_CHECKING:
    import napari.viewer

_EVERY = 300
_OPEN, _DONE = "○", "✓"


@dataclass(frozen=True)
class Step:
    """Something to do.

    Attributes
    ----------
    title, about, action : str
        What it is, what to know of it, and what its button says.
    act : callable
        Does it.
    done : callable
        Tells whether it has been done.
    """

    title: str
    about: str
    action: str
    act: Callable[[], object]
    done: Callable[[], bool]


class FirstStepsPanel(Panel):
    """Leads through a first film: open it, watch the preview, choose a stage, track, check, save, link.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        What is chosen, shared with other panels.
    """

    name = "First steps"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self._seen: Choice | None = None
        self._slid = False
        self.rows = [StepRow(number, step) for number, step in enumerate(self._steps(), start=1)]
        for row in self.rows:
            self.body.addWidget(row)
        self.body.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self.refresh)
        self.follow()

    def _steps(self) -> list[Step]:
        return [*self._steps_to_detections(), *self._steps_after_them()]

    def _steps_to_detections(self) -> list[Step]:
        return [
            Step(
                "Open a film",
                "Drop your own film into the window (TIFF, mp4, avi, mov), or take a sample: simulated, so that "
                "where every particle truly is is known.",
                "Open a sample",
                lambda: self.viewer.open_sample(PROGRAM, "vesicles"),
                lambda: any(isinstance(layer, Image) for layer in self.viewer.layers),
            ),
            Step(
                "Watch the live preview",
                "The Track panel rings what the network finds on the frame you look at. Rings are as wide as "
                "Diameter says; make them fit your particles. The first time, loading the network takes some seconds.",
                "Open Track",
                lambda: open_panel(self.viewer, "Track"),
                lambda: any(layer.name.endswith((" preview", " detections")) for layer in self._points()),
            ),
            Step(
                "Slide from fast to accurate",
                "Every stage of the network answers by itself. The lines below the slider tell what each costs and "
                "reaches on this film and this computer.",
                "A faster stage",
                self._slide,
                lambda: self._slid,
            ),
            Step(
                "If rings miss particles, or ring nothing",
                "Match my film, in the Simulate panel, measures how your particles look from a few clicks. The Grow "
                "panel then adapts a network to them in a minute. Skip this for the sample.",
                "Open Simulate",
                lambda: open_panel(self.viewer, "Simulate"),
                lambda: self.session.scene is not None,
            ),
            Step(
                "Track all frames",
                "Drag the thresholds afterwards: detections come and go at once, the network is not asked again.",
                "Track all frames",
                self._track,
                lambda: any(about(layer).get("run") for layer in self._points()),
            ),
        ]

    def _steps_after_them(self) -> list[Step]:
        return [
            Step(
                "Check against the truth",
                "For simulated films, or points you corrected by hand: how many are found, how many false, how far "
                "off, each of them a click away.",
                "Open Score",
                lambda: open_panel(self.viewer, "Score"),
                lambda: "Score" in self.session.panels,
            ),
            Step(
                "Save",
                "A table for pandas, trackpy or Excel, with the settings that made it in a file beside it.",
                "Save detections",
                self._save,
                self._has_saved,
            ),
            Step(
                "Link, and read off motion",
                "Trajectories of the particles, their diffusion coefficient with its interval, drift, and all of it "
                "as tables and figures.",
                "Open Trajectories",
                lambda: open_panel(self.viewer, "Trajectories"),
                lambda: any(isinstance(layer, Tracks) for layer in self.viewer.layers),
            ),
        ]

    def _points(self) -> list[Points]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Points)]

    def _slide(self) -> None:
        panel = open_panel(self.viewer, "Track")
        if panel is not None:
            slider = panel.form.stage
            slider.setValue(slider.value() - 1 if slider.value() > 1 else slider.maximum())

    def _watch_stage(self) -> None:
        choice, before = self.session.choice, self._seen
        if choice and before and choice.name == before.name and choice.stage != before.stage:
            self._slid = True
        self._seen = choice

    def _track(self) -> None:
        panel = open_panel(self.viewer, "Track")
        if panel is not None:
            panel.track_all_frames()

    def _save(self) -> None:
        panel = open_panel(self.viewer, "Track")
        if panel is None or not panel.runs.records:
            return self.refuse("There is nothing to save yet. Track all frames first.")
        panel.runs.save(panel.runs.records[-1].number)

    def _has_saved(self) -> bool:
        panel = self.session.panels.get("Track")
        return panel is not None and panel.runs.saved is not None and Path(panel.runs.saved).exists()

    def follow(self) -> None:
        """Begin to look what has been done."""
        super().follow()
        self._watch_stage()
        self.session.changed.connect(self._watch_stage, unique=True)
        self.refresh()
        self._timer.start()

    def leave(self) -> None:
        """Look no more."""
        self._timer.stop()
        self.session.changed.disconnect(self._watch_stage, missing_ok=True)
        super().leave()

    def refresh(self) -> None:
        """Tick what has been done."""
        for row in self.rows:
            row.tick()


class StepRow(QWidget):
    """A step: its number, whether it is done, what it is, and the button that does it."""

    def __init__(self, number: int, step: Step) -> None:
        super().__init__()
        self.step = step
        self.mark = QLabel(_OPEN)
        self.title = QLabel(f"<b>{number}. {step.title}</b>")
        self.title.setWordWrap(True)
        self.about = Note()
        self.about.say(step.about)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.button = QPushButton(step.action)
        self.button.clicked.connect(lambda: step.act())
        self._lay_out()

    def _lay_out(self) -> None:
        self.mark.setFixedWidth(18)
        top = QHBoxLayout()
        top.addWidget(self.mark)
        top.addWidget(self.title, 1)
        below = QHBoxLayout()
        below.addSpacing(24)
        text = QVBoxLayout()
        text.addWidget(self.about)
        text.addWidget(self.button)
        below.addLayout(text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 6)
        layout.addLayout(top)
        layout.addLayout(below)

    @property
    def done(self) -> bool:
        """Whether the step has been seen to be done."""
        return self.mark.text() == _DONE

    def tick(self) -> None:
        """Look whether it has been done; what was once done stays so."""
        if not self.done and self.step.done():
            self.mark.setText(_DONE)
            self.mark.setStyleSheet("QLabel { color: #3ddc97; font-weight: bold; }")
