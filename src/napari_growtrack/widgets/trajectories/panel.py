"""The Trajectories panel: link detections, correct what is wrong, and read off motion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...core.errors import GrowtrackError, LinkingError
from ...core.linking import Linkage, delete, join, provenance_of, split
from ...core.motion import Units
from ...core.motion.tracks import of_tracks
from ...core.packages.version import package_version
from ...core.progress import Progress
from ...core.tables import PROGRAM
from ...jobs.linking import LinkPoints
from ...jobs.motion import (
    Doing,
    FromFile,
    MotionOf,
    Reading,
    ReadMotion,
    ReadTrajectories,
    SaveMotion,
    SaveTable,
    Survey,
    SurveyMotion,
)
from ...jobs.tracks import SurveyTracks, TrackSurvey, check_suffix, recipe_of_tracks
from ..napari_io.tracks import make_tracks, tell_units, units_of
from ..napari_io.writing import SAVED, made, with_known_ending
from ..session.sentences import saved_as_line
from ..session.session import Session
from ..shared.labels import Lines, Note
from ..shared.layers import look_at, placed, unwrapped
from ..shared.panel import BUSY, Panel, section
from ..shared.rows import Form
from .context import TracksDesk, name_for
from .corrections import CorrectionButtons
from .forms import NO_DETECTIONS, LinkingForm, MotionForm
from .motion_plots import MotionPlots
from .sentences import (
    HOW,
    MEASURING,
    NUMBERS,
    STOPPED,
    corrected_line,
    deletion,
    joining,
    keeping,
    linked_line,
    linking_line,
    numbers,
    of_line,
    opened_line,
    particle_line,
    redone_line,
    remarks_line,
    splitting,
    taken_back_line,
    trajectories_line,
    undone_line,
)
from .shading import Shading, TracksChoice
from .track_limits import TrackLimitForm
from .trajectory_table import TrajectoryTable, listed

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points, Tracks

_BREATH = 60
"""Milliseconds in which the window draws what has changed, before more changes."""

_REST = 150
_PATIENCE = 500
_CLOSE = 6.0
_MOTION = ["frame", "y", "x", "particle"]
_KNOWN = ["signal", "q"]
"""What a table of tracks reads of detections besides."""


class Linked(NamedTuple):
    """What linking brought: trajectories of a layer's detections, and the layer that shows them; None without any."""

    linkage: Linkage
    detections: Points
    number: int
    tracks: Tracks | None


class TrajectoriesPanel(Panel):
    """Link detections to trajectories, correct them, and read off motion.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.

    Attributes
    ----------
    desk : TracksDesk
        The trajectories that are worked on.
    survey : Survey or None
        What each of them tells.
    known : DataFrame or None
        Their table of tracks.
    reading : Reading or None
        What those that are selected, or all, tell together.
    """

    name = "Trajectories"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.form = LinkingForm(viewer, self.session)
        self.tracks, self.shading = TracksChoice(viewer), Shading()
        self.motion = MotionForm()
        self.whose, self.numbers, self.warning = Note(), Lines(NUMBERS), Note()
        self.plots = MotionPlots()
        self.table, self.under, self.limits = TrajectoryTable(), Note(), TrackLimitForm()
        self.buttons = CorrectionButtons(self)
        self.results = QWidget()
        self.open = QPushButton("Open GEFF...")
        self.link, self.save = QPushButton("Link"), QPushButton("Save trajectories...")
        self.save_motion, self.save_tracks = QPushButton("Save motion..."), QPushButton("Save list...")
        self.desk = TracksDesk(viewer, self)
        self.survey: Survey | None = None
        self.known: pd.DataFrame | None = None
        self.reading: Reading | None = None
        self._outcome: tuple[str, Any] | None = None
        self._before: tuple[str, Any] = "", "plain"
        self._handed_over: Path | None = None
        self._measuring = self._following = self._taking_back = False
        self._showing, self._resting, self._patience = QTimer(self), QTimer(self), QTimer(self)
        for timer, act in (
            (self._showing, self._show_list),
            (self._resting, self._measure),
            (self._patience, self._tell_it_takes_long),
        ):
            timer.setSingleShot(True)
            timer.timeout.connect(act)
        self._lay_out()
        self._connect()
        self.follow()

    # Laying out -------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.save.setToolTip(f"All trajectories as a table: {', '.join(SAVED)}.")
        self.save_motion.setToolTip("A folder of tables and figures, and all numbers as JSON.")
        self.save_tracks.setToolTip("What is told of each trajectory that is listed, as a table: .csv or .parquet.")
        self.open.setToolTip("Trajectories of a track editor. Other tables are opened with File > Open, or dropped.")
        self.tracks.setToolTip("What is measured and corrected. Trajectories of another program can be opened, too.")
        self.linking_section = section("Linking", self.form, opened=True)
        self.body.addWidget(self.linking_section)
        choice = Form()
        choice.addRow("Trajectories", self.tracks)
        self.body.addLayout(choice)
        self.body.addWidget(self.results)
        self.body.addStretch(1)
        self.list_section = section("Trajectories", self.under, self.table, self.save_tracks, self.buttons, opened=True)
        self.limits_section = section("Choose by what each tells", self.limits)
        self.under.say(HOW)
        told = self.shading, self.motion, self.whose, self.numbers, self.warning, self.plots, self.limits_section
        self.results.hide()
        results = QVBoxLayout(self.results)
        results.setContentsMargins(0, 0, 0, 0)
        for part in (*told, self.list_section):
            results.addWidget(part)
        for pair in ((self.link, self.open), (self.save, self.save_motion)):
            buttons = QHBoxLayout()
            for button in pair:
                buttons.addWidget(button)
            self.pinned.addLayout(buttons)

    def _connect(self) -> None:
        self.form.changed.connect(self._check)
        self.link.clicked.connect(self.link_detections)
        self.open.clicked.connect(self._open)
        self.save.clicked.connect(self._save)
        self.save_motion.clicked.connect(self._save_motion)
        self.save_tracks.clicked.connect(self._save_tracks)
        self.tracks.changed.connect(self._take)
        self.shading.changed.connect(self._shade)
        self.motion.rested.connect(self._remeasure)
        self.table.chosen.connect(self._select_listed)
        self.table.visited.connect(lambda particle: self.go(particle, _CLOSE))
        self.limits.changed.connect(self._list)
        self.limits.rested.connect(self._shade)
        self.limits.keep.clicked.connect(self._keep)
        self.limits.select.clicked.connect(self._select_kept)
        self.plots.picked.connect(self.desk.select)
        self.plots.saved.connect(lambda path: self.status.tell(saved_as_line(path)))
        self.plots.refused.connect(self.refuse)
        self.desk.changed.connect(self._show_others)
        self.desk.selection_changed.connect(self._show_selection)
        self.desk.hovered.connect(self._tell_under)
        self.desk.refused.connect(self.refuse)
        self.work.advanced.connect(self._advance)
        self.work.finished.connect(self._finish)
        for button, act in (
            (self.buttons.delete, self._delete),
            (self.buttons.split, self._split),
            (self.buttons.join, self._join),
            (self.buttons.undo, lambda: self._tell_done(undone_line, self.desk.undo())),
            (self.buttons.redo, lambda: self._tell_done(redone_line, self.desk.redo())),
            (self.buttons.nothing, lambda: self.desk.select(())),
            (self.buttons.hand_over, self._hand_over),
            (self.buttons.take_back, self._take_back),
        ):
            button.clicked.connect(lambda _, act=act: act())

    def follow(self) -> None:
        """Begin to follow the viewer's layers."""
        super().follow()
        if not self._following:
            self._following = True
            self.form.follow()
            self.tracks.follow()
            self._take()

    def leave(self) -> None:
        """Stop, and follow the viewer's layers no more."""
        if self._following:
            self._following = False
            self.plots.come_home()
            for timer in (self._showing, self._resting, self._patience):
                timer.stop()
            self.form.leave()
            self.tracks.leave()
            self.motion.leave()
            self._show_all()
            self.desk.leave()
        super().leave()

    # Linking ----------------------------------------------------------------------------------------------------------

    def link_detections(self, _: object = None) -> None:
        """Link the detections that are chosen."""
        layer = self.form.layer
        try:
            job = self.form.job()
        except GrowtrackError as error:
            return self.refuse(str(error))
        assert layer is not None
        self._start(self._linking(job, layer))

    def _linking(self, job: LinkPoints, layer: Points) -> Iterator[Any]:
        """Return a generator that links, and makes the layer where nobody waits for it."""
        name, told, place = name_for(layer), _told_of(layer), placed(layer)

        def steps() -> Iterator[Any]:
            linkage = yield from self.session.engines.motion.run(job)
            table, how = linkage.trajectories, provenance_of(linkage, *told, job.farthest, job.least_significance)
            tracks = make_tracks(table, name, how, place) if len(table) else None
            yield Linked(linkage, layer, len(job.detections), tracks)

        return steps()

    def _show_linked(self, linked: Linked) -> None:
        said, table = linked_line(linked.linkage, linked.number), linked.linkage.trajectories
        if linked.tracks is None:
            self._outcome = said, "warning"
        elif linked.detections in self.viewer.layers:
            self._outcome = said, "warning" if linked.linkage.warning else "plain"
            self.desk.show_linked(linked.tracks, table)

    # Working ----------------------------------------------------------------------------------------------------------

    def _start(self, steps: Iterator[Any], quietly: bool = False) -> None:
        """Set to work; what is being measured gives way."""
        if self.work.running:
            if not self._measuring:
                return
            self.work.abandon()
        if not quietly:
            self._before = "", "plain"
        elif self._outcome is not None and self._outcome[1] != "error":
            self._before = self._outcome  # to be told again, where measuring takes so long that its own words cover it
        self._measuring, self._outcome = quietly, None
        if quietly:
            self.cancel.setEnabled(True)
            self.work.start(steps)
            self._patience.start(_PATIENCE)
        else:
            self._patience.stop()
            self.begin(steps)
            self._check()

    def _advance(self, told: Any) -> None:
        if isinstance(told, Progress):
            self.show_progress(round(1000 * told.fraction), 1000, linking_line(told))
        elif isinstance(told, Doing):
            if not self._measuring or self.bar.isVisible():
                self.status.tell(told.what)
        elif isinstance(told, Linked):
            self._show_linked(told)
        elif isinstance(told, Survey):
            self._show_survey(told)
        elif isinstance(told, TrackSurvey):
            self._show_tracks(told.table)
        elif isinstance(told, Reading):
            self._show_reading(told)
        elif isinstance(told, Path):
            self._outcome = saved_as_line(told), "plain"
        elif isinstance(told, FromFile):
            self._show_from_file(told)

    def _show_from_file(self, told: FromFile) -> None:
        try:
            if self._taking_back:
                self.desk.put("take back", told.table)
            else:
                self.desk.show_opened(told.table, told.path.name, told.recipe)
        except LinkingError as error:
            self._outcome = str(error), "error"
            return
        line = taken_back_line if self._taking_back else opened_line
        self._outcome = line(len(told.table)), "plain"

    def _tell_it_takes_long(self) -> None:
        if self.work.running and self._measuring:
            self.show_working(True)
            self.bar.setRange(*BUSY)
            self.status.tell(MEASURING)

    def fail(self, error: Exception) -> None:
        """Say why work ended."""
        super().fail(error)
        self._outcome = self.status.said(), "error"

    def _finish(self) -> None:
        stopped, shown = not self.cancel.isEnabled(), self.bar.isVisible()
        measured, self._measuring = self._measuring, False
        self._patience.stop()
        self.show_working(False)
        self._check()
        if self._outcome is not None:
            self.status.tell(*self._outcome)
        elif stopped:
            self.status.tell(STOPPED)
        elif shown and measured:
            self.status.tell(*self._before)
        if not measured and self.survey is None and not self._showing.isActive():
            self._resting.start(0)

    def show_working(self, on: bool) -> None:
        """Let nothing be touched that the work is about."""
        super().show_working(on)
        saves = self.save, self.save_tracks, self.save_motion
        for part in (self.form, self.open, self.link, *saves, self.limits, self.buttons):
            part.setEnabled(not on or self._measuring)

    def _check(self) -> None:
        """Offer what can be done."""
        busy = self.work.running and not self._measuring
        self.link.setEnabled(not busy and self.form.layer is not None)
        nothing = self.form.layer is None and self.tracks.layer is None
        if nothing or self.status.said() == NO_DETECTIONS:
            self.status.tell(NO_DETECTIONS if nothing else "")
        there = self.desk.table is not None and len(self.desk.table) > 0
        for button in (self.save, self.save_motion):
            button.setEnabled(there and not busy)
        self.save_tracks.setEnabled(there and not busy and self.known is not None)
        self.buttons.offer(self.desk.corrections, len(self.desk.selected))

    # Measuring --------------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        if unwrapped(self.tracks.layer) is not self.desk.layer:
            self._show_all()
        self.desk.take(self.tracks.layer)

    def _show_all(self) -> None:
        """Limit nothing, as a layer is to be left whose tracks would stay unseen."""
        if self.limits.clear():
            self._shade()

    def _show_others(self) -> None:
        """Forget what the others told, and show these once napari has drawn their layer."""
        self.survey = self.reading = self.known = None
        if self._measuring:
            self.work.abandon()
            self._measuring = False
            self._patience.stop()
            self.show_working(False)
        self._check()
        if self.desk.layer is None:
            self.results.hide()
        self._showing.start(_BREATH)

    def _show_list(self) -> None:
        """Show which trajectories there are; what they tell comes later."""
        layer, table = self.desk.layer, self.desk.table
        if layer is None or table is None:
            return
        self.results.show()
        self.motion.show_units(units_of(layer))
        self.plots.show_survey(None, self._units)
        self.numbers.show_values({})
        self.whose.say("")
        self.warning.say("")
        self.limits.show_tracks(None, self._units)
        self._list()
        self.shading.show_layer(layer, table, None)
        self._resting.start(_REST)

    def _list(self) -> None:
        """List the trajectories within the limits, with what is known of each."""
        assert self.desk.table is not None
        kept = self.limits.kept()
        known = listed(self.desk.table) if self.known is None else self.known
        rows = known if kept is None else kept
        self.table.show_rows(rows, self._units, self.desk.selected)
        self.list_section.title.setText(trajectories_line(len(rows)).capitalize())

    def _show_selection(self) -> None:
        self.table.select(self.desk.selected)
        self.plots.msd.show_selected(self.desk.selected)
        self.plots.diffusion.show_selected(self.desk.selected)
        self.buttons.offer(self.desk.corrections, len(self.desk.selected))
        self.reading = None
        self._resting.start(_REST)

    def _remeasure(self) -> None:
        """Measure in other units, or otherwise."""
        if self.desk.layer is not None:
            tell_units(self.desk.layer, self._units)
            self.survey = self.reading = self.known = None
            self._resting.start(0)

    @property
    def _units(self) -> Units:
        return self.motion.units()

    def _motion(self) -> MotionOf:
        assert self.desk.table is not None
        form = self.motion
        wanted = form.wanted()
        told = wanted.without_drift, wanted.trap, wanted.temperature
        columns = [*_MOTION, *(name for name in _KNOWN if name in self.desk.table)]
        return MotionOf(self.desk.table[columns], self.desk.selected or None, self._units, *told)

    def _measure(self) -> None:
        """Measure what is not known yet."""
        if self.desk.table is None or not len(self.desk.table) or (self.work.running and not self._measuring):
            return
        self._start(self._measured(self._motion(), self.survey is None), quietly=True)

    def _measured(self, motion: MotionOf, every: bool) -> Iterator[Any]:
        engine = self.session.engines.motion
        if every:
            yield from engine.run(SurveyMotion(motion))
            yield from engine.run(SurveyTracks(motion))
        yield from engine.run(ReadMotion(motion))

    def _show_survey(self, survey: Survey) -> None:
        self.survey = survey
        self.plots.show_survey(survey, self._units)

    def _show_tracks(self, known: pd.DataFrame) -> None:
        assert self.desk.table is not None
        assert self.desk.layer is not None
        self.known = known
        self.limits.show_tracks(known, self._units)
        self._list()
        self.shading.show_layer(self.desk.layer, self.desk.table, known, self._kept())

    def _kept(self) -> pd.Series | None:
        kept = self.limits.kept()
        return None if kept is None else kept["particle"]

    def _show_reading(self, reading: Reading) -> None:
        assert self.desk.table is not None
        self.reading = reading
        self.plots.show_reading(reading)
        particles = None if reading.particles is None else len(reading.particles)
        self.whose.say(of_line(particles, self.desk.table["particle"].nunique()))
        report = reading.report
        self.numbers.show_values({} if report is None else numbers(report))
        self.warning.say(remarks_line(reading, not self.motion.no_drift.isChecked()))

    def _shade(self) -> None:
        if self.desk.layer is not None and self.desk.table is not None:
            self.shading.shade(self.desk.layer, self.desk.table, self.known, self._kept())

    # Correcting -------------------------------------------------------------------------------------------------------

    def _select_listed(self, particles: tuple[int, ...]) -> None:
        """Select what was chosen in the list, and go where it is."""
        self.desk.select(particles)
        if len(particles) == 1:
            self.go(particles[0])

    def _select_kept(self) -> None:
        kept = self._kept()
        self.desk.select(() if kept is None else kept.tolist())

    def _keep(self) -> None:
        kept = self.limits.kept()
        if kept is not None and self.known is not None:
            self._correct(keeping(len(kept), len(self.known)), lambda table: of_tracks(table, kept))

    def go(self, particle: int, close: float = 0.0) -> None:
        """Show where a trajectory begins, in the middle of the canvas, a pixel being at least so many of the screen."""
        layer, table = self.desk.layer, self.desk.table
        if layer is not None and table is not None:
            first = table[table["particle"] == particle].sort_values("frame").iloc[0]
            place = layer.data_to_world(first[["frame", "y", "x"]].to_numpy(float))
            look_at(self.viewer, place, close / float(layer.scale[-1]))

    def _tell_under(self, particle: int | None) -> None:
        table = self.desk.table
        if particle is None or table is None:
            return self.under.say(HOW)
        rows = self.table.rows.set_index("particle")["diffusion_coefficient"]
        known = rows.get(particle)
        coefficient = None if known is None or known != known else float(known)
        self.under.say(particle_line(particle, table[table["particle"] == particle], coefficient, self._units))
        return None

    def _correct(self, what: str, act: Callable[[pd.DataFrame], pd.DataFrame], keep: bool = True) -> None:
        if self.desk.table is None:
            return
        try:
            self.desk.put(what, act(self.desk.table), self.desk.selected if keep else ())
        except LinkingError as error:
            return self.refuse(str(error))
        self.status.tell(corrected_line(what))

    def _delete(self) -> None:
        chosen = self.desk.selected
        self._correct(deletion(chosen), lambda table: delete(table, chosen), keep=False)

    def _split(self) -> None:
        assert self.desk.layer is not None
        frame = round(float(self.desk.layer.world_to_data(self.viewer.dims.point)[0]))
        (particle,) = self.desk.selected
        self._correct(splitting(particle, frame), lambda table: split(table, particle, frame))

    def _join(self) -> None:
        chosen = self.desk.selected
        self._correct(joining(chosen), lambda table: join(table, chosen))

    def _tell_done(self, line: Callable[[str], str], what: str) -> None:
        if what:
            self.status.tell(line(what))

    # Saving -----------------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        filters = ";;".join(f"{what} (*{ending})" for ending, what in SAVED.items())
        self._write("Save trajectories", ".csv", filters)

    def _hand_over(self) -> None:
        """Write what an editor gives back as it is: some turn pixels into micrometres where they know how."""
        written = self._write("Hand over to a track editor", ".geff", "GEFF (*.geff)", scaled=False)
        self._handed_over = written or self._handed_over

    def _write(self, title: str, ending: str, filters: str, scaled: bool = True) -> Path | None:
        """Save all trajectories where the person says, and return that."""
        layer, table = self.desk.layer, self.desk.table
        if layer is None or table is None:
            return None
        named, _ = QFileDialog.getSaveFileName(self, title, f"{layer.name}{ending}", filters)
        if not named:
            return None
        try:
            path = with_known_ending(Path(named), ending)
        except GrowtrackError as error:
            self.refuse(str(error))
            return None
        tell_units(layer, self._units)
        done = [] if self.desk.corrections is None else self.desk.corrections.done
        recipe = {"program": PROGRAM, "version": package_version(), **made(layer.metadata), "corrected": done}
        if not scaled:
            recipe = {name: value for name, value in recipe.items() if name not in Units.model_fields}
        self._start(self.session.engines.motion.run(SaveTable(table, path, recipe)))
        return path

    def _save_tracks(self) -> None:
        """Save what is told of each trajectory within the limits where the person says."""
        rows, layer = self.table.rows, self.desk.layer
        if layer is None or self.known is None:
            return
        filters = "CSV, with units beside it (*.csv);;Parquet (*.parquet)"
        named, _ = QFileDialog.getSaveFileName(self, "Save tracks", f"{layer.name} tracks.csv", filters)
        if named:
            try:
                path = with_known_ending(Path(named), ".csv")
                check_suffix(path)
            except GrowtrackError as error:
                return self.refuse(str(error))
            how = self.motion.wanted().without_drift, self.limits.form.limits
            recipe = recipe_of_tracks(layer.name, made(layer.metadata), self._units, [*rows], *how)
            self._start(self.session.engines.motion.run(SaveTable(rows, path, recipe)))
        return None

    def _save_motion(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save motion in a folder")
        if folder and self.desk.table is not None:
            self._start(self.session.engines.motion.run(SaveMotion(self._motion(), Path(folder))))

    def _take_back(self) -> None:
        start = "" if self._handed_over is None else str(self._handed_over)
        self._read("Take back from GEFF", start, taking_back=True)

    def _open(self) -> None:
        self._read("Open GEFF", "", taking_back=False)

    def _read(self, title: str, start: str, taking_back: bool) -> None:
        folder = QFileDialog.getExistingDirectory(self, title, start)
        if folder:
            self._taking_back = taking_back
            self._start(self.session.engines.motion.run(ReadTrajectories(Path(folder))))


def _told_of(layer: Points) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a layer's name, how its detections are made, and its units."""
    return layer.name, made(layer.metadata), units_of(layer).model_dump()
