"""The Grow panel: choose what to grow on and how, watch the error fall, and track with the network while it grows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtCore import QFileSystemWatcher
from qtpy.QtWidgets import QHBoxLayout, QMessageBox, QPushButton

from ...core.errors import GrowtrackError, SettingsError
from ...core.networks.build import recipe_kept
from ...core.networks.calibration import MakingProgress
from ...core.networks.load import network_path
from ...core.simulation import Scene
from ...jobs.context import Loading, NetworkFile
from ...jobs.growing import Grow
from ..session.choice import Choice
from ..session.sentences import reason
from ..session.session import Session
from ..shared.labels import Status
from ..shared.opening import open_panel
from ..shared.panel import Panel, Section
from .curve import ErrorCurve
from .form import GrowForm, KeptForm
from .growing import Files, Grown, best_stage, free_name, grow, names_kept
from .sentences import (
    GROWS_ALREADY,
    PAUSING,
    STARTING,
    STOPPING,
    discard_question,
    discarded_line,
    failed_line,
    left_words,
    making_line,
    outcome_line,
    paused_line,
    stages_words,
    stopped_line,
    unfinished_line,
)

if TYPE_CHECKING:
    import napari.viewer

_STEPS = 1000

State = Literal["idle", "growing", "pausing", "paused"]


class GrowPanel(Panel):
    """Grow a network for a scene, from nothing or from one there is.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.
    """

    name = "Grow"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.form = GrowForm(self.session)
        self.kept, self.kept_section = KeptForm(), Section("Unfinished", opened=True)
        self.curve, self.caution = ErrorCurve("time growing (min)", "median error (px)"), Status()
        self.track = QPushButton()
        self.grow, self.pause, self.resume = (QPushButton(text) for text in ("Grow", "Pause", "Resume"))
        self._watcher = QFileSystemWatcher(self)
        self.state: State = "idle"
        self._job: Grow | None = None
        self._files = Files.of(self.session.folder, "")
        self._learning: tuple[int, ...] = ()
        self._minutes = 0.0
        self._errors: dict[int, float] = {}
        self._bound: float | None = None
        self._drawn = self._failed = self._hindered = False
        self._grown: Path | None = None
        self._lay_out()
        self._connect()
        self.show_state("idle")
        self.follow()

    # Laying out ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.cancel.setText("Stop")
        self.cancel.setToolTip("Leave growing. What is grown is kept, and listed under Unfinished.")
        self.pause.setToolTip("Let the computer rest; nothing is lost.")
        self.resume.setToolTip("Go on from where growing was paused.")
        self.grow.setToolTip("Grow the network, find its thresholds, measure what it reaches, and save it.")
        self.track.setToolTip("Choose the new network, and open the Track panel.")
        self.kept_section.add(self.kept)
        for part in (self.kept_section, self.form, self.curve, self.caution, self.track):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.curve.hide()
        self.track.hide()
        buttons = QHBoxLayout()
        for button in (self.grow, self.pause, self.resume, self.cancel):
            buttons.addWidget(button)
        self.pinned.addLayout(buttons)

    def _connect(self) -> None:
        self.form.changed.connect(self._check)
        self.form.refused.connect(self.refuse)
        self.grow.clicked.connect(self.begin_growing)
        self.pause.clicked.connect(self.pause_growing)
        self.resume.clicked.connect(self.go_on)
        self.track.clicked.connect(self.track_with_it)
        self.kept.go_on.connect(self.take_up)
        self.kept.discard.connect(self.discard)
        self._watcher.directoryChanged.connect(self._show_kept)
        self.work.advanced.connect(self._advance)
        self.work.warned.connect(lambda sentence: self.caution.tell(sentence, "warning"))
        self.work.finished.connect(self._finish)

    def follow(self) -> None:
        """Begin to follow the session; say what was left."""
        super().follow()
        self.form.follow()
        self._show_kept()
        if self.state == "idle" and (names := self.kept.shown()):
            self.status.tell(unfinished_line(names[0]))

    def leave(self) -> None:
        """Pause what grows, which is kept, and follow the session no more."""
        super().leave()
        if self.state != "idle":
            self._leave_off()
        self.form.leave()
        if self._watcher.directories():
            self._watcher.removePaths(self._watcher.directories())

    def show_state(self, state: State) -> None:
        """Offer what can be done where growing stands so."""
        self.state = state
        self.form.let_choose(state == "idle")
        self.kept_section.setEnabled(state == "idle")
        for button, states in (
            (self.grow, ("idle",)),
            (self.pause, ("growing", "pausing")),
            (self.resume, ("paused",)),
        ):
            button.setVisible(state in states)
        self.cancel.setVisible(state != "idle")
        self.cancel.setEnabled(state != "pausing")
        self.pause.setEnabled(state == "growing")
        self._show_kept()
        self._check()

    # Growing ------------------------------------------------------------------------------------------------------

    def begin_growing(self) -> None:
        """Grow what the form says."""
        try:
            wish = self.form.wish()
            files = Files.of(self.session.folder, wish.name)
            files.check_free()
            start = None if self.form.start.name is None else NetworkFile.of(network_path(self.form.start.name))
            job = replace(files.beginning(wish.recipe()), start=start)
        except (GrowtrackError, OSError) as error:
            return self.refuse(reason(error))
        self._start(job, files)

    def adapt(self, scene: Scene) -> None:
        """Adapt the network that knows particles most like those of a scene to it; where none does, grow a new one."""
        if self.work.running:
            return self.refuse(GROWS_ALREADY)
        self.form.show_scene(scene)
        self.form.begin_with(self.form.likest(scene))
        self.begin_growing()

    def take_up(self, name: str) -> None:
        """Go on growing a network that was left."""
        files = Files.of(self.session.folder, name)
        try:
            files.check_free()
            job = files.beginning(recipe_kept(files.keep))
        except GrowtrackError as error:
            return self.refuse(str(error))
        self._start(replace(job, path=self._free(files), resume=True), files)

    def _free(self, files: Files) -> Path:
        """Return where a network goes that was left, if another one has taken its place since."""
        there = [
            path.name.removesuffix(files.path.suffix) for path in self.session.folder.glob(f"*{files.path.suffix}")
        ]
        return files.path.with_name(f"{free_name(files.name, there)}{files.path.suffix}")

    def _start(self, job: Grow, files: Files) -> None:
        self._job, self._files, self._drawn = job, files, False
        self._learning, self._minutes, self._errors, self._bound = (), 0.0, {}, None
        self.curve.begin(None)
        self.form.plan_section.set_open(False)
        self.track.hide()
        self._go(job)

    def go_on(self) -> None:
        """Go on with what was paused."""
        if self._job is not None:
            self._go(replace(self._job, resume=True))

    def _go(self, job: Grow) -> None:
        if self.work.running:
            return
        self._failed, self._grown = False, None
        self.caution.tell("")
        self.curve.show()
        self.begin(grow(self.session.engines.growing, job))
        self.show_state("growing")
        self.status.tell(STARTING)
        self._area.ensureWidgetVisible(self.curve)

    def pause_growing(self) -> None:
        """Stop for a while."""
        self.show_state("pausing")
        self.status.tell(PAUSING)
        self.work.stop()

    def _cancel(self) -> None:
        if self.work.running:
            self.cancel.setEnabled(False)
            self.status.tell(STOPPING)
            self.work.stop()
        else:
            self._leave_off()

    # What growing tells -------------------------------------------------------------------------------------------

    def _advance(self, told: Any) -> None:
        if isinstance(told, Grown):
            self._grown = told.path
        elif isinstance(told, MakingProgress):
            self._show_progress(told)
        elif isinstance(told, Loading):
            self.status.tell(STARTING)

    def _show_progress(self, progress: MakingProgress) -> None:
        if progress.stages:
            self._draw(progress)
        self._offer(progress)
        self.bar.setRange(0, _STEPS)
        self.bar.setValue(round(_STEPS * progress.fraction))
        self.bar.setFormat(left_words(progress.seconds_left))
        self.bar.setTextVisible(True)
        if self.state == "growing" and self.cancel.isEnabled():
            self.status.tell(making_line(progress, self._error(progress.stages), self._bound))

    def _draw(self, progress: MakingProgress) -> None:
        if not self._drawn:
            self._drawn, self._bound = True, progress.bound
            self.curve.begin(progress.bound)
        if progress.stages != self._learning:
            self._learning = progress.stages
            self.curve.mark(self._minutes, stages_words(progress.stages))
            self.form.show_learning(progress.stages[-1])
        self._minutes = max(self._minutes, progress.seconds / 60)
        if progress.errors:
            self._errors.update(progress.errors)
            self.curve.add(self._minutes, dict(progress.errors))

    def _error(self, stages: tuple[int, ...]) -> float | None:
        return self._errors.get(stages[-1]) if stages else None

    def _offer(self, progress: MakingProgress) -> None:
        """Let the other panels have the network as it is by now."""
        usable = self._files.usable
        if not progress.usable or not usable.exists():
            return
        if self._files.title not in self.session.opened:
            self.session.offer(self._files.title, usable)
        chosen = self.session.choice
        if chosen is not None and chosen.name == str(usable) and chosen.file != NetworkFile.of(usable):
            self._choose_instead(usable)

    def _choose_instead(self, path: Path) -> None:
        """Choose a network in place of the growing one, as far on as that was chosen."""
        old = self.session.chosen
        with suppress(GrowtrackError):
            new = Choice.of(str(path))
            last = old.stage == old.card.plan.stages
            stage = new.stage if last else min(old.stage, new.stage)
            kept = {"diameter": old.diameter, "contrast": old.contrast, "screening": old.screening}
            self.session.restore(new.with_(stage=stage, **kept))

    # When it ends -------------------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """Say why growing ended."""
        self._failed = True
        super().fail(error)

    def _finish(self) -> None:
        self.show_working(False)
        if self._grown is not None:
            self._welcome(self._grown)
        elif self._failed:
            self._mourn()
        elif self.state == "pausing":
            self.show_state("paused")
            self.status.tell(paused_line(self._files.name))
        else:
            self._leave_off()

    def _welcome(self, path: Path) -> None:
        """Hand over a finished network."""
        chosen = self.session.choice
        if chosen is not None and chosen.name == str(self._files.usable):
            self._choose_instead(path)
        self.session.withdraw(self._files.title)
        self.session.networks_changed.emit()
        self.show_state("idle")
        self.form.new_name()
        self.form.show_learning(None)
        self.track.setText(f"Track with {path.stem}")
        self.track.show()
        self.status.tell(*outcome_line(path.stem, self._errors, self._bound))

    def _mourn(self) -> None:
        """Let the person go on from what was kept, if anything was."""
        kept = self._files.keep.exists()
        self.show_state("paused" if kept else "idle")
        if kept:
            self.status.tell(failed_line(self.status.said()), "error")

    def _leave_off(self) -> None:
        self.show_state("idle")
        self.form.show_learning(None)
        self.form.new_name()
        self.status.tell(stopped_line(self._files.name, grown=bool(self._learning)))

    def show_working(self, on: bool) -> None:
        """Show or hide the bar."""
        self.bar.setVisible(on)
        self.bar.setTextVisible(False)

    # What was left, and what comes next ---------------------------------------------------------------------------

    def _show_kept(self, *_: object) -> None:
        folder = self.session.folder
        if folder.is_dir() and not self._watcher.directories():
            self._watcher.addPath(str(folder))
        mine = self._files.name if self.state != "idle" else None
        names = [name for name in names_kept(folder) if name != mine]
        self.kept.show_names(names)
        self.kept_section.setVisible(bool(names))

    def discard(self, name: str) -> None:
        """Throw away what was grown of a network, if the person is sure."""
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        if QMessageBox.question(self, "Discard", discard_question(name), yes | no, no) != yes:
            return
        files = Files.of(self.session.folder, name)
        try:
            files.discard()
        except GrowtrackError as error:
            return self.refuse(str(error))
        self.session.withdraw(files.title)
        self._show_kept()
        self.form.new_name()
        self.status.tell(discarded_line(name))

    def track_with_it(self) -> None:
        """Choose the network that was grown last, and its best stage, and show the Track panel."""
        if self._grown is None:
            return
        try:
            self.session.choose(str(self._grown))
            self.session.change(stage=best_stage(self._errors, self.session.card.plan.stages))
        except GrowtrackError as error:
            return self.refuse(str(error))
        open_panel(self.viewer, "Track")

    def _check(self) -> None:
        """Say what does not fit together, if anything; nothing while it grows."""
        if self.state != "idle":
            return
        why = self._hindrance()
        self.grow.setEnabled(not why)
        if why or self._hindered:
            self.status.tell(why, "error" if why else "plain")
        self._hindered = bool(why)

    def _hindrance(self) -> str:
        try:
            self.form.wish().recipe()
        except SettingsError as error:
            return str(error)
        return ""
