"""The Simulate panel: choose or match a scene, see it change with its sliders, and make films with known truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from napari.layers import Layer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from ...core.errors import GrowtrackError, SettingsError
from ...core.simulation import SCENES, Scene
from ...jobs.context import Loading
from ..session.session import Session
from ..shared.labels import Note
from ..shared.opening import open_panel
from ..shared.panel import Panel, section
from ..shared.rows import Form
from ..shared.scenes import FIRST, ScenePresets, save_scene
from ..shared.work import Newest
from .film_form import Film, FilmForm, make_film
from .match_form import MatchForm
from .scene_form import SceneForm
from .scene_preview import ScenePreview
from .sentences import (
    CLICK,
    FINDING,
    MAKING,
    MATCHED,
    MATCHING,
    NO_FILM,
    STOPPED,
    FilmProgress,
    frame_line,
    made_line,
    saved_line,
    used_line,
)

if TYPE_CHECKING:
    import napari.viewer

    from ...core.scene_estimate import SceneEstimate


_BREATH = 50


class SimulatePanel(Panel):
    """Simulate films of a scene, and find the scene that looks like a film.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.
    """

    name = "Simulate"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.presets, self.about = ScenePresets(), Note()
        self._breath = QTimer(self)
        self._breath.setSingleShot(True)
        self._breath.timeout.connect(self._add_truth)
        self.preview = ScenePreview(self.session)
        self.form, self.film, self.matching = SceneForm(), FilmForm(), MatchForm(viewer)
        self.matches = Newest(self)
        self.save, self.use = QPushButton("Save scene..."), QPushButton("Use for growing")
        self.make = QPushButton("Make film")
        self._stopped = False
        self._lay_out()
        self._connect()
        self.show_scene(self.session.scene or SCENES[FIRST])
        self.follow()

    # Laying out ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.save.setToolTip("Save the scene as a JSON file, to open or to grow on elsewhere.")
        self.use.setToolTip("Hand the scene to the Grow panel.")
        self.make.setToolTip("Add the film as an image layer, and the truth as points.")
        outer = cast(QVBoxLayout, self.layout())
        outer.insertLayout(0, self._choosing())
        outer.insertWidget(1, self.preview)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save)
        buttons.addWidget(self.use)
        sections = (
            section("Match my film", self.matching),
            section("Scene", self.form, buttons, opened=True),
            section("Light and background", self.form.light),
            section("Camera", self.form.camera, self.form.exposure),
            section("Film", self.film, self.make),
        )
        self.sections = {part.title.text(): part for part in sections}
        for part in sections:
            self.body.addWidget(part)
        self.body.addStretch()

    def _choosing(self) -> Form:
        # Room for two lines, so that the picture stays where it is when the words change.
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing())
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        rows = Form()
        rows.setContentsMargins(8, 4, 8, 0)
        rows.addRow("Scene", self.presets)
        rows.addRow(self.about)
        return rows

    def _connect(self) -> None:
        self.presets.chosen.connect(self.choose_scene)
        self.presets.refused.connect(self.refuse)
        self.form.changed.connect(self._show)
        self.preview.failed.connect(self.fail)
        self.save.clicked.connect(self.save_scene)
        self.use.clicked.connect(self.use_scene)
        self.make.clicked.connect(self.make_film)
        self.work.advanced.connect(self._advance)
        self.work.failed.connect(self._note_told)
        self.work.finished.connect(self._finish)
        self._connect_matching()

    def _connect_matching(self) -> None:
        self.sections["Match my film"].toggled.connect(self._turn_to_matching)
        self.matching.click.clicked.connect(self.let_click)
        self.matching.match.clicked.connect(lambda: self.match())
        self.matching.unclicked.clicked.connect(lambda: self.match(clicked=False))
        self.matching.clicks.rested.connect(self.match)
        self.matching.adapt.clicked.connect(self.adapt)
        self.matches.advanced.connect(self._take)
        self.matches.warned.connect(lambda sentence: self.matching.caution.tell(sentence, "warning"))
        self.matches.failed.connect(self.fail)
        self.matches.ended.connect(lambda: self.matching.let_ask(True))

    def follow(self) -> None:
        """Begin to follow viewer and session, and show the scene."""
        super().follow()
        self.matching.follow()
        self.session.scene_changed.connect(self._offer, unique=True)
        self._offer()
        self._show()

    def leave(self) -> None:
        """Stop working, and follow viewer and session no more."""
        super().leave()
        self._breath.stop()
        self.matching.leave()
        if self.matches.running:
            self.matches.abandon()
            self.status.tell("")
        self.preview.leave()
        self.session.scene_changed.disconnect(self._offer, missing_ok=True)

    # The scene ----------------------------------------------------------------------------------------------------

    def choose_scene(self, scene: Scene) -> None:
        """Show a scene, rather than one that is being matched."""
        self.matches.abandon()
        self.show_scene(scene)
        self.status.tell("")

    def show_scene(self, scene: Scene) -> None:
        """Fill a scene into the sliders, and simulate it."""
        self.presets.show_scene(scene)
        self.form.set_scene(scene)
        self._show()

    def _show(self) -> None:
        """Show the scene that the sliders make, if they make one."""
        if not self.form.refusal():
            scene = self.form.scene()
            self.about.say(scene.about)
            self.preview.show_scene(scene)

    def _offer(self) -> None:
        if self.session.scene is not None:
            self.presets.offer(self.session.scene)

    def save_scene(self) -> None:
        """Save the scene where the person says."""
        try:
            path = save_scene(self, self.form.scene())
        except GrowtrackError as error:
            return self.refuse(str(error))
        if path is not None:
            self.status.tell(saved_line(path))

    def use_scene(self) -> bool:
        """Hand the scene to whoever grows networks; tell whether there is one."""
        try:
            scene = self.form.scene()
        except SettingsError as error:
            self.refuse(str(error))
            return False
        self.session.take_scene(scene)
        self.presets.show_scene(scene)
        self.status.tell(used_line(scene.name))
        return True

    # Films --------------------------------------------------------------------------------------------------------

    def make_film(self) -> None:
        """Make a film of the scene."""
        if self.work.running:
            return
        try:
            job = self.film.job(self.form.scene())
        except GrowtrackError as error:
            return self.refuse(str(error))
        self._stopped = True
        self.begin(make_film(self.session.engines.simulating, job))
        self.status.tell(MAKING)

    def show_working(self, on: bool) -> None:
        """Show or hide what belongs to work in the background."""
        super().show_working(on)
        self.make.setEnabled(not on)

    def _advance(self, told: FilmProgress | Film) -> None:
        if isinstance(told, FilmProgress):
            self.show_progress(told.done, told.total, frame_line(told))
        else:
            self._note_told()
            self._add(told)

    def _note_told(self, _: object = None) -> None:
        self._stopped = False

    def _add(self, film: Film) -> None:
        """Add a film, and its truth once the film is drawn: napari stands still for each."""
        image, truth = film.layers()
        self.viewer.add_layer(Layer.create(*image))
        self._truth = truth
        self._breath.start(_BREATH)
        frames, height, width = film.frames.shape
        self.status.tell(made_line(frames, height, width, film.truth["particle"].nunique()))

    def _add_truth(self) -> None:
        self.viewer.add_layer(Layer.create(*self._truth))

    def _finish(self) -> None:
        self.show_working(False)
        if self._stopped:
            self.status.tell(STOPPED)

    # Matching -----------------------------------------------------------------------------------------------------

    def _turn_to_matching(self, opened: bool) -> None:
        if not opened:
            self.matching.clicks.let_go()
        elif self.matching.image.image is None:
            self.status.tell(NO_FILM)
        else:
            self.let_click()

    def let_click(self) -> None:
        """Let the person click particles of the chosen film."""
        try:
            choice = self.session.choice
            self.matching.let_click(self.form.scene().diameter if choice is None else choice.diameter)
        except GrowtrackError as error:
            return self.refuse(str(error))
        self.status.tell(CLICK)

    def match(self, clicked: bool = True) -> None:
        """Find a scene that looks like the clicked particles, or like those that a network finds."""
        try:
            job, film = self.matching.job(clicked)
        except GrowtrackError as error:
            return self.refuse(str(error))
        self.matching.let_ask(False)
        self.matching.caution.tell("")
        self.status.tell(MATCHING if clicked else FINDING)
        engines = self.session.engines
        self.matches.ask(engines.simulating if clicked else engines.tracking, job, film)

    def _take(self, likeness: SceneEstimate | Loading) -> None:
        if isinstance(likeness, Loading):
            return
        self.show_scene(likeness.scene)
        self.matching.show_likeness(likeness)
        self.session.take_scene(likeness.scene)
        self.status.tell(MATCHED)

    def adapt(self) -> None:
        """Hand the scene to the Grow panel, and let that adapt the chosen network to it."""
        if self.use_scene():
            panel: Any = open_panel(self.viewer, "Grow")
            if hasattr(panel, "adapt"):
                panel.adapt(self.session.scene)
