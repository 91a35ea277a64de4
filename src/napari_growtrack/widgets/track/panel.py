"""The Track panel: choose an image, a network and a stage; watch it live; get detections as points."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QSpinBox

from ...core.errors import GrowtrackError, SettingsError
from ...core.networks.bundled import AUTO, DEFAULT
from ..session.region import Region, TrackingProgress
from ..session.runs import Candidates, Run
from ..session.sentences import Kind, error_of, progress_line, reason
from ..session.session import Session
from ..shared.choices import ImageChoice
from ..shared.layers import (
    camera_of,
    layer_for_preview,
    layer_for_run,
    open_film,
    show_preview,
    shown_frame,
    sift_layer,
    unwrapped,
    visible_region,
)
from ..shared.panel import Panel, Shortcuts, section
from ..shared.preferences import preferences
from .into_file import FileRun, how_to_begin, job_of, pick_table
from .keeper import Keeper
from .network_form import LOOKING, Chooser, NetworkForm
from .preview import Preview, Speed, Spot
from .sentences import NO_FILM, NO_NETWORK, WHOLE_FRAMES, in_frame, in_run, range_words
from .thresholds import ThresholdForm

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Points

    from ...core.films import Stack
    from ...core.networks.choice import Chosen

_BREATH = 60
"""Milliseconds in which the window draws what has changed, before napari adds a layer."""


class TrackPanel(Panel):
    """Track the particles of an image layer with a grown network.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        What is chosen, shared with other panels.
    """

    name = "Track"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.image = ImageChoice(viewer)
        self.form = NetworkForm(self.session)
        self.live = QCheckBox("Live preview")
        self.view_only = QCheckBox("Field of view only")
        self.thresholds = ThresholdForm(self.session)
        self.first, self.last = QSpinBox(), QSpinBox()
        self.this_frame = QPushButton("Track this frame")
        self.all_frames = QPushButton("Track all frames")
        self.into_file = QPushButton("Into a file...")
        self.runs = Keeper(viewer, self.session, self)
        self.preview = Preview(self.session, self)
        self.chooser = Chooser(self.session, self)
        self._preparing, self._removing, self._layering, self._moving = (QTimer(self) for _ in range(4))
        for timer, act in (
            (self._preparing, self._prepare),
            (self._removing, self._live_off_if_image_stays),
            (self._layering, self._add_layer),
            (self._moving, self._look),
        ):
            timer.setSingleShot(True)
            timer.timeout.connect(act)
        self.shortcuts = Shortcuts(viewer, self._keys())
        self._run: Run | FileRun | None = None
        self._film: tuple[Image, object, Stack] | None = None
        self._watched: Image | None = None
        self._range_of: tuple[object, int] = (None, -1)
        self._preview_layer: Points | None = None
        self._layer: tuple[Points, bool] | None = None
        self._following = False
        self._hindered = False
        self._previewing = ""
        self._lay_out()
        self._connect()
        self._begin_as_preferred()
        self.follow()

    def _begin_as_preferred(self) -> None:
        preferred = preferences()
        self.live.setChecked(preferred.live)
        if self.session.choice is None:
            self.session.automatic = preferred.network == AUTO
            self.form.choose(DEFAULT if self.session.automatic else preferred.network)
            with suppress(SettingsError):  # it could not be chosen, which has been said
                self.session.change(contrast=preferred.contrast)

    # Laying out ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.form.rows.insertRow(0, "Image", self.image)
        self.live.setToolTip("Show at once what the chosen stage finds on the frame you look at.")
        self.view_only.setToolTip("Track only the part of the frames that the window shows.")
        ticks = QHBoxLayout()
        ticks.addWidget(self.live)
        ticks.addWidget(self.view_only)
        frames = QHBoxLayout()
        for part in (QLabel("Frames"), self.first, QLabel("to"), self.last):
            frames.addWidget(part, 1 if isinstance(part, QSpinBox) else 0)
        buttons = QHBoxLayout()
        buttons.addWidget(self.this_frame)
        buttons.addWidget(self.all_frames)
        buttons.addWidget(self.into_file)
        self.into_file.setToolTip(
            "Track the chosen frames into a table on the disk: films of any length, and what is stopped can be gone on "
            "with."
        )
        self.history_section = section("Runs", self.runs.history)
        self.body.addWidget(self.form)
        self.body.addLayout(ticks)
        self.body.addWidget(section("Thresholds", self.thresholds, opened=True))
        self.body.addWidget(self.history_section)
        self.body.addWidget(section("Keys", self.shortcuts.label()))
        self.body.addStretch(1)
        self.pinned.addLayout(frames)
        self.pinned.addLayout(buttons)

    def _keys(self) -> dict[str, tuple[str, Callable[[], object]]]:
        return {
            "Alt-T": ("track this frame", self.track_this_frame),
            "Alt-Shift-T": ("track all frames", self.track_all_frames),
            "Alt-P": ("live preview on or off", self.live.toggle),
            "Alt-Left": ("a faster stage", lambda: self._step(-1)),
            "Alt-Right": ("a more accurate stage", lambda: self._step(1)),
            "Alt-C": ("cancel", self.cancel.click),
        }

    def _connect(self) -> None:
        self.image.changed.connect(self._take_image)
        self.form.refused.connect(self.refuse)
        self.form.asked.connect(self._choose)
        self.chooser.chosen.connect(self._take_chosen)
        self.chooser.failed.connect(self._fail_to_choose)
        self.chooser.ended.connect(self._choice_changed)
        self.live.toggled.connect(self._switch_live)
        self.view_only.toggled.connect(self._look)
        self.first.valueChanged.connect(self._bound)
        self.last.valueChanged.connect(self._bound)
        self.this_frame.clicked.connect(self.track_this_frame)
        self.all_frames.clicked.connect(self.track_all_frames)
        self.into_file.clicked.connect(self.track_into_file)
        self.work.advanced.connect(self._advance)
        self.work.warned.connect(self._warn)
        self.work.finished.connect(self._finish)
        self.preview.seen.connect(self._show_seen)
        self.preview.told.connect(self._tell_preview)
        self.preview.failed.connect(lambda error: self.status.tell(reason(error), "error"))
        self.preview.work.warned.connect(lambda sentence: self.status.tell(sentence, "warning"))
        self.runs.told.connect(self.status.tell)
        self.runs.shown_changed.connect(self._tell)

    def follow(self) -> None:
        """Begin to follow viewer and session."""
        super().follow()
        if self._following:
            return
        self._following = True
        self.session.changed.connect(self._choice_changed)
        self.viewer.dims.events.current_step.connect(self._look)
        self.viewer.layers.events.removed.connect(self._removed)
        camera_of(self.viewer).events.connect(self._move)
        self.form.follow()
        self.image.follow()
        self.shortcuts.bind()
        self._choice_changed()

    def leave(self) -> None:
        """Stop working, and follow viewer and session no more."""
        if self._following:
            self._following = False
            self.session.changed.disconnect(self._choice_changed, missing_ok=True)
            self.viewer.dims.events.current_step.disconnect(self._look)
            self.viewer.layers.events.removed.disconnect(self._removed)
            camera_of(self.viewer).events.disconnect(self._move)
            self._watch(None)
            self.chooser.leave()
            for timer in (self._preparing, self._removing, self._layering, self._moving):
                timer.stop()
            self.form.leave()
            self.image.leave()
            self.shortcuts.release()
            self.preview.forget()
            self._drop_preview()
            if self.work.running:
                self._drop_layer()
        super().leave()

    # What is chosen -----------------------------------------------------------------------------------------------

    def _film_of(self, image: Image) -> Stack:
        """Return an image as a film, the same one as long as its data are the same."""
        data = getattr(image.data, "__wrapped__", image.data)  # napari wraps some data anew every time
        if self._film is None or self._film[0] != image or self._film[1] is not data:
            self._film = image, data, open_film(image)
        return self._film[2]

    def _take_image(self, _: object = None) -> None:
        """Take another image: its frames, and what is to be seen of it."""
        image = self.image.image
        self._watch(image)
        try:
            last = len(self._film_of(image)) - 1 if image is not None else 0
        except GrowtrackError:
            last = 0
        if image is None:
            self._film = None
        of = unwrapped(image), last
        if of != self._range_of:
            self._range_of = of
            self._offer_frames(last)
        self.preview.forget()
        self._drop_preview()
        self._choose()
        self._check()
        self._look()
        self._tell()

    def _choose(self) -> None:
        """Let the film tell which network is chosen, unless a person did."""
        self.chooser.leave()
        self.form.show_chosen(None)
        if self.image.image is None or not self.session.automatic or self.work.running:
            return
        with suppress(GrowtrackError):  # a film that cannot be opened is what is in the way
            self.chooser.choose(self._film_of(self.image.image))
        self._check()

    def _take_chosen(self, chosen: Chosen) -> None:
        self.form.show_chosen(chosen)
        if self.session.automatic:
            self.session.take(chosen.best)

    def _fail_to_choose(self, error: Exception) -> None:
        self._hindered = False  # what is said now stays
        self.status.tell(reason(error), "error")

    def _watch(self, image: Image | None) -> None:
        """Hear of new data in the image, and of the image that was chosen before no more."""
        if self._watched is not None:
            self._watched.events.data.disconnect(self._take_image)
        self._watched = image
        if image is not None:
            image.events.data.connect(self._take_image)

    def _offer_frames(self, last: int) -> None:
        for box, value in ((self.first, 0), (self.last, last)):
            box.blockSignals(True)
            box.setRange(0, last)
            box.setValue(value)
            box.setEnabled(last > 0)
            box.blockSignals(False)
        self._bound()

    def _bound(self) -> None:
        self.first.setMaximum(self.last.value())
        self.last.setMinimum(self.first.value())
        whole = self.last.value() - self.first.value() == self.last.maximum()
        self.all_frames.setText(range_words(self.first.value(), self.last.value(), whole))

    def _choice_changed(self) -> None:
        self._check()
        if self.session.choice is not None:
            self.runs.sift(self.session.choice, self.image.image)
        self._look()
        self._tell()

    def _step(self, by: int) -> None:
        self.form.stage.setValue(self.form.stage.value() + by)

    # The live preview ---------------------------------------------------------------------------------------------

    def _switch_live(self, on: bool) -> None:
        if not on:
            self.preview.forget()
            self._drop_preview()
            self._tell()
        self._look()

    def _look(self, _: object = None) -> None:
        """Let the preview look where the person looks."""
        image = self.image.image
        if image is None or not self.live.isChecked() or self.work.running or self._hindrance()[0]:
            return
        try:
            film = self._film_of(image)
            self._prepare_soon()
            self.preview.look(Spot(film, shown_frame(self.viewer, image, film), self._region(image, film)))
        except GrowtrackError as error:
            self.status.tell(str(error), "warning")

    def _move(self, _: object = None) -> None:
        """Look anew when the view is moved, where only that is looked at."""
        if self.view_only.isChecked():
            self._moving.start(_BREATH)

    def _prepare_soon(self) -> None:
        """Add the layer of the preview while the person waits anyway: napari takes its time for one.

        Not at once: napari may be about to remove layers, and would never come to an end.
        """
        if self._preview_layer is None:
            self._preparing.start(0)

    def _prepare(self) -> None:
        image = self.image.image
        if image is not None and self.live.isChecked() and not self.work.running:
            self._layer_for_preview(image)

    def _removed(self, event: Any) -> None:
        """Take the preview's layer being removed for the wish to have none."""
        if event.value == self._preview_layer:
            self._preview_layer = None
            self._removing.start(0)

    def _live_off_if_image_stays(self) -> None:
        if self.image.image is not None:
            self.live.setChecked(False)

    def _region(self, image: Image, film: Stack) -> Region | None:
        return visible_region(image, film) if self.view_only.isChecked() else None

    def _show_seen(self) -> None:
        candidates, image = self.preview.candidates(), self.image.image
        if candidates is None or image is None or image not in self.viewer.layers:
            return
        layer = self._layer_for_preview(image)
        if self._same_table(layer, candidates):
            sift_layer(layer, candidates)
        else:
            show_preview(layer, image, candidates)
        layer.visible = not self.runs.shows(self.session.choice, image, self.preview.frame, self.preview.region)
        self._tell()

    def _layer_for_preview(self, image: Image) -> Points:
        layer = self._preview_layer
        if layer is None or layer.ndim != min(image.ndim, 3):
            layer = self._preview_layer = layer_for_preview(self.viewer, image)
        return layer

    def _same_table(self, layer: Points, candidates: Candidates) -> bool:
        return len(layer.data) == len(candidates.table) and layer.features.equals(candidates.table)

    def _drop_preview(self) -> None:
        layer, self._preview_layer = self._preview_layer, None
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def _drop_layer(self) -> None:
        """Take away the layer that was added for a run which brought nothing."""
        layer, added = self._layer or (None, False)
        if added and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def _tell_preview(self, text: str) -> None:
        """Tell what the preview does; when it is done, only that is taken away, and not what a run has told."""
        before, self._previewing = self._previewing, text
        if self.work.running or self.status.kind != "plain":
            return
        if text or self.status.said() == before:
            self.status.tell(text)

    def _tell(self) -> None:
        """Tell what was measured, and show how candidates are distributed."""
        choice, image = self.session.choice, self.image.image
        if choice is None:
            return
        shape = self._film[2].shape[1:] if self._film is not None and image is not None else None
        speed = None if shape is None else self.preview.speed(shape)
        run = self.runs.for_choice(choice, image)
        candidates = run or self.preview.candidates()
        self.form.tell(speed, None if candidates is None else error_of(candidates.detections))
        of = in_run(run.number) if run is not None else in_frame(self.preview.frame)
        self.thresholds.show_candidates(candidates, of)

    # Tracking -----------------------------------------------------------------------------------------------------

    def track_this_frame(self, _: object = None) -> None:
        """Track the frame that the viewer shows."""
        self._track(every=False)

    def track_all_frames(self, _: object = None) -> None:
        """Track the film, or the chosen frames of it."""
        self._track(every=True)

    def _track(self, every: bool) -> None:
        image = self.image.image
        if image is None or self.work.running:
            return
        try:
            film = self._film_of(image)
            chosen = range(self.first.value(), self.last.value() + 1)
            frames = chosen if every else [shown_frame(self.viewer, image, film)]
            region = self._region(image, film)
            steps = self.session.run(film, frames, region)
        except GrowtrackError as error:
            return self.refuse(str(error))
        self.preview.forget()
        self._run = run = Run(image, self.session.chosen, len(frames), self.runs.next_number, region)
        self._layer = None
        self.begin(run.follow(steps))
        self._advance(run.progress)
        self._layering.start(_BREATH)

    def track_into_file(self, _: object = None) -> None:
        """Track the chosen frames into a table on the disk."""
        image = self.image.image
        if image is None or self.work.running:
            return
        if self.view_only.isChecked():
            return self.refuse(WHOLE_FRAMES)
        try:
            film = self._film_of(image)
            path = pick_table(self, film.name)
            how = None if path is None else how_to_begin(self, path)
            if path is None or how is None:
                return
            frames = range(self.first.value(), self.last.value() + 1)
            job = job_of(image, film, self.session.chosen, frames, path, how)
        except GrowtrackError as error:
            return self.refuse(str(error))
        self.preview.forget()
        self._run = run = FileRun(path, TrackingProgress(0, len(frames)))
        self.begin(run.follow(self.session, job, film))
        self._advance(run.progress)

    def _add_layer(self) -> None:
        """Add the layer of the run while the first frames are tracked: napari takes its time for one."""
        run = self._run
        if isinstance(run, Run) and run.image in self.viewer.layers:
            self._layer = layer_for_run(self.viewer, run.image, run.progress.total)

    def _advance(self, progress: TrackingProgress) -> None:
        if self._run is not None:
            total = 0 if progress.frame is None else progress.total
            self.show_progress(progress.done, total, progress_line(progress))

    def _warn(self, sentence: str) -> None:
        if self._run is not None:
            self._run.warnings.append(sentence)

    def fail(self, error: Exception) -> None:
        """Keep why the run ended, to say it at its end."""
        super().fail(error)
        if self._run is not None:
            self._run.error = error

    def _finish(self) -> None:
        run, self._run = self._run, None
        self._layering.stop()
        self.show_working(False)
        self._check()
        if run is None:
            return
        if isinstance(run, FileRun):
            self.status.tell(*run.outcome())
            self._look()
            return
        record = run.record
        if run.progress.done:
            self.runs.keep(record, run.image)
            self.history_section.set_open(True)
        else:
            self._drop_layer()
        whole = run.region is None and run.progress.done > 1
        if whole and self._film is not None and self._film[0] == run.image:
            self.preview.keep_speed(record.choice, Speed(record.seconds, record.passed, self._film[2].shape[1:]))
        self.status.tell(*run.outcome())
        self._look()
        self._tell()

    # What is in the way -------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Offer the buttons, or say what is in the way."""
        if self.work.running:
            return
        hindrance, kind = self._hindrance()
        self.this_frame.setEnabled(not hindrance)
        self.all_frames.setEnabled(not hindrance)
        self.into_file.setEnabled(not hindrance)
        if hindrance or self._hindered:
            self.status.tell(hindrance, kind)
        self._hindered = bool(hindrance)

    def _hindrance(self) -> tuple[str, Kind]:
        image = self.image.image
        if image is None:
            return NO_FILM, "plain"
        if self.session.choice is None:
            return NO_NETWORK, "plain"
        if self.chooser.running:
            return LOOKING, "plain"
        try:
            self._film_of(image)
            self.session.cascade()
        except GrowtrackError as error:
            return str(error), "error"
        return "", "plain"

    def show_working(self, on: bool) -> None:
        """Let nothing that would change the run be touched while it goes on."""
        super().show_working(on)
        for part in (self.form, self.view_only, self.first, self.last, self.thresholds, self.runs.history):
            part.setEnabled(not on)
        self.this_frame.setVisible(not on)
        self.all_frames.setVisible(not on)
        self.into_file.setVisible(not on)
