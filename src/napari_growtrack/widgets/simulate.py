"""The Simulate panel: choose or match a scene, see it change with its sliders, and make films with known truth."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd
from napari.layers import Points
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import GrowtrackError, SettingsError
from ..core.files import write_whole
from ..core.simulation import SCENES, Motion, Scene, named_scene
from ..engine import FilmFacts, Runs
from ..engine.jobs import MatchFilm, SimulateFilm, SimulateFrame
from .choices import Choice, ImageChoice
from .labels import Note
from .layers import open_film
from .opening import open_panel
from .panel import Panel
from .parts.folding import Section
from .parts.pictures import CropStrip
from .samples import CROSS
from .scene_form import NumberBox, SceneForm
from .sentences import count, duration
from .session import Session
from .work import Work

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from ..core.likeness import Likeness

FIRST = "vesicles"
OPEN_SCENE = "Open scene file..."
CLICKS = "clicked particles"
NO_FILM = "Open a film to match first (File > Open)."
NO_CLICKS = "No particle is clicked yet. Press Click particles, click 3 to 10 of them in the film, then press Match."
CLICK = "Click 3 to 10 particles, then press Match."

CLICKED = {"symbol": "cross", "face_color": "yellow", "border_width": 0, "opacity": 0.6}
"""How clicked particles are drawn."""

_MOST = 100_000
_SCENES = "Scenes (*.json)"
_BLINK = 0.05


class ScenePresets(Choice):
    """Offers the named scenes, and those that were matched, made or opened; the last entry opens a file.

    Attributes
    ----------
    chosen : Signal(object)
        The `Scene` the person has picked.
    refused : Signal(str)
        Why a file could not be opened.
    """

    chosen = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scenes: dict[str, Scene] = {}
        self.addItem(OPEN_SCENE)
        for scene in SCENES.values():
            self.offer(scene)
        self._shown = self.findText(FIRST)
        self.setCurrentIndex(self._shown)
        self.activated.connect(self._choose)

    def offer(self, scene: Scene) -> str:
        """Add a scene, in place of another that was added by its name before; return what it is called here."""
        title = scene.name if SCENES.get(scene.name, scene) == scene else f"{scene.name} (another)"
        if title not in self._scenes:
            self.insertItem(self.count() - 1, title)
        self._scenes[title] = scene
        self.setItemData(self.findText(title), scene.about, Qt.ItemDataRole.ToolTipRole)
        return title

    def show_scene(self, scene: Scene) -> None:
        """Show a scene as the chosen one, without announcing it."""
        self._shown = self.findText(self.offer(scene))
        self.setCurrentIndex(self._shown)

    def _choose(self, index: int) -> None:
        try:
            scene = self._scenes[self.itemText(index)] if index < self.count() - 1 else self._open()
        except GrowtrackError as error:
            scene = None
            self.refused.emit(str(error))
        if scene is None:
            self.setCurrentIndex(self._shown)
        else:
            self.show_scene(scene)
            self.chosen.emit(scene)

    def _open(self) -> Scene | None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a scene", "", _SCENES)
        return named_scene(Path(path)) if path else None


class ScenePicture(QWidget):
    """Draws a square frame, and a circle around each of its particles."""

    side = 280

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._scale = 1.0
        self._truth = np.empty((0, 3))
        self._circles = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the size it is drawn at."""
        return QSize(self.side, self.side)

    def show_frame(self, frame: np.ndarray, truth: pd.DataFrame) -> None:
        """Draw a frame (Y, X), from its darkest thousandth to its brightest."""
        low, high = np.percentile(frame, (0.1, 99.9))
        grey = np.clip((frame - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
        height, width = grey.shape
        self._image = QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
        self._scale = self.side / max(height, width)
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
    """A small frame of a scene that follows it: one is simulated at a time, then the latest that was asked for.

    Attributes
    ----------
    drawn : Signal()
        There is a new picture.
    failed : Signal(object)
        The exception that kept a frame from being simulated.
    """

    shape = (251, 251)
    drawn = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.work = Work(self)
        self.picture, self.caption = ScenePicture(), Note()
        self.circles = QCheckBox("Circle particles")
        self.dice = QPushButton("New picture")
        self._session = session
        self._seed = 0
        self._wanted: SimulateFrame | None = None
        self._asked: SimulateFrame | None = None
        self._shown: SimulateFrame | None = None
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(300)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.dice.setToolTip("Draw another picture of the same scene.")
        self.circles.setToolTip("Show which particles are to be found.")
        under = QHBoxLayout()
        under.addWidget(self.circles)
        under.addStretch()
        under.addWidget(self.dice)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 4)
        layout.setSpacing(2)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.caption)
        layout.addLayout(under)

    def _connect(self) -> None:
        self.circles.toggled.connect(self.picture.show_circles)
        self.dice.clicked.connect(self.new_picture)
        self.work.advanced.connect(self._show)
        self.work.failed.connect(self._fail)
        self.work.finished.connect(self._end)
        self._late.timeout.connect(self._wait)

    def show_scene(self, scene: Scene) -> None:
        """Show a scene, unless it is shown already."""
        self._want(SimulateFrame(scene, self.shape, self._seed))

    def new_picture(self) -> None:
        """Draw another picture of the scene."""
        self._seed += 1
        if self._wanted is not None:
            self.show_scene(self._wanted.scene)

    def leave(self) -> None:
        """Stop simulating."""
        self._late.stop()
        if self.work.running:
            self.work.abandon()

    def _want(self, job: SimulateFrame) -> None:
        self._wanted = job
        if not self.work.running and job != self._shown:
            self._start()

    def _start(self) -> None:
        assert self._wanted is not None
        self._asked = self._wanted
        if self._shown is None:
            self.caption.say("Starting the simulator...")
        self._late.start()
        self.work.start(self._session.engines.simulating.run(self._asked))

    def _show(self, told: tuple[np.ndarray, pd.DataFrame]) -> None:
        frame, truth = told
        self._late.stop()
        self._shown = self._asked
        self.picture.show_frame(frame, truth)
        snr = f", SNR {truth['snr'].iloc[0]:.1f}" if len(truth) else ""
        self.caption.say(f"{count(len(truth), 'particle')} in {frame.shape[0]} x {frame.shape[1]} px{snr}")
        self.drawn.emit()

    def _fail(self, error: Exception) -> None:
        self.caption.say("")
        self.failed.emit(error)

    def _end(self) -> None:
        self._late.stop()
        if self._wanted != self._asked:
            self._start()

    def _wait(self) -> None:
        if self._shown is not None:
            self.caption.say("The picture follows when the simulator is free.")


class FilmForm(QWidget):
    """How long and large a film is, and how its particles move."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = _whole(1, 30, "", "How many frames the film has.")
        self.rows, self.columns = (_whole(1, 251, "px", f"{side} of a frame.") for side in ("Height", "Width"))
        self.number = _whole(-1, -1, "", "How many particles the film shows; by density, they follow from the scene.")
        self.number.setSpecialValueText("by density")
        self.moving = QCheckBox("Particles move")
        self.diffusion = NumberBox(0, 1000, 0.1, "px²/frame", 2, "Diffusion coefficient; 0 is no Brownian motion.")
        drift = "How far all particles drift from one frame to the next, {}."
        self.down = NumberBox(-100, 100, 0.1, "px/frame", 2, drift.format("downwards (y)"))
        self.right = NumberBox(-100, 100, 0.1, "px/frame", 2, drift.format("to the right (x)"))
        self.seed = _whole(0, 0, "", "The same seed gives the same film.")
        self._lay_out()

    def _lay_out(self) -> None:
        self.diffusion.set_number(Motion().diffusion)
        self.moving.setToolTip("Otherwise particles are scattered anew in each frame.")
        self.moving.toggled.connect(self._let_move)
        self.moving.setChecked(True)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for label, part in self._parts().items():
            form.addRow(label, part)
        form.insertRow(4, self.moving)

    def _parts(self) -> dict[str, QWidget]:
        return {
            "Frames": self.frames,
            "Height": self.rows,
            "Width": self.columns,
            "Particles": self.number,
            "Diffusion": self.diffusion,
            "Drift down": self.down,
            "Drift right": self.right,
            "Seed": self.seed,
        }

    def _let_move(self, on: bool) -> None:
        for part in (self.diffusion, self.down, self.right):
            part.setEnabled(on)
        self.moving.setText("Particles move" if on else "Particles move (off: scattered anew in each frame)")

    def job(self, scene: Scene) -> SimulateFilm:
        """Return what an engine is to do.

        Raises
        ------
        SettingsError
            When the film would fill more than half of the free memory.
        """
        shape = self.rows.value(), self.columns.value()
        refuse_vast(self.frames.value(), shape)
        number = None if self.number.value() < 0 else self.number.value()
        drift = self.down.number(), self.right.number()
        motion = Motion(diffusion=self.diffusion.number(), drift=drift) if self.moving.isChecked() else None
        return SimulateFilm(scene, self.frames.value(), shape, self.seed.value(), number, motion)


def _whole(low: int, value: int, unit: str, about: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, _MOST)
    box.setValue(value)
    box.setSuffix(f" {unit}" if unit else "")
    box.setToolTip(about)
    return box


def refuse_vast(frames: int, shape: tuple[int, int]) -> None:
    """Refuse a film that would fill more than half of the free memory.

    Raises
    ------
    SettingsError
        With the film's size.
    """
    size, free = 4 * frames * shape[0] * shape[1], free_memory()
    if size > free / 2:
        raise SettingsError(
            f"{count(frames, 'frame')} of {shape[0]} x {shape[1]} px take {_gigabytes(size)}, more than half of the "
            f"{_gigabytes(free)} of memory that are free. Make fewer frames, or smaller ones."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size < 1e10 else f"{size / 1e9:,.0f} GB"


def free_memory() -> int:
    """Return how many bytes of memory are free."""
    import psutil

    return int(psutil.virtual_memory().available)


class FilmProgress(NamedTuple):
    """Frames that are made, and seconds the others will take."""

    done: int
    total: int
    seconds_left: float


@dataclass(frozen=True, eq=False)
class Film:
    """A film that was made.

    Attributes
    ----------
    frames : ndarray (T, Y, X) float32
    truth : DataFrame
        ``frame, y, x, particle, radius, snr``.
    limits : (float, float)
        Its darkest and its brightest pixel.
    job : SimulateFilm
    """

    frames: np.ndarray
    truth: pd.DataFrame
    limits: tuple[float, float]
    job: SimulateFilm

    def layers(self) -> list[tuple[Any, dict[str, Any], str]]:
        """Return an image layer and one of points, as samples have them."""
        axes = {"axis_labels": ("frame", "y", "x")}
        scene = self.job.scene
        made = {"growtrack": {"scene": scene.model_dump(mode="json"), "seed": self.job.seed}}
        image = {"name": scene.name, **axes, "contrast_limits": self.limits, "metadata": made}
        points = {"name": "truth", **axes, "features": self.truth[["frame", "particle", "radius"]], **CROSS}
        return [(self.frames, image, "image"), (self.truth[["frame", "y", "x"]].to_numpy(float), points, "points")]


def make_film(engine: Runs, job: SimulateFilm) -> Iterator[FilmProgress | Film | None]:
    """Have a film made, frame after frame; yield how it goes, None as a sign of life, and at last the film."""
    frames = np.empty((job.frames, *job.shape), np.float32)
    truths: list[pd.DataFrame] = []
    low, high, began, told_at = np.inf, -np.inf, 0.0, 0.0
    for told in engine.run(job):
        now = time.monotonic()
        if told is None:
            yield None
            continue
        frames[len(truths)], truth = told
        began = began or now
        low, high = min(low, float(told[0].min())), max(high, float(told[0].max()))
        truths.append(truth)
        news = now - told_at > _BLINK
        told_at = now if news else told_at
        left = (now - began) / max(len(truths) - 1, 1) * (job.frames - len(truths))
        yield FilmProgress(len(truths), job.frames, left) if news else None
    yield Film(frames, pd.concat(truths, ignore_index=True), (low, high if high > low else low + 1), job)


class MatchForm(QWidget):
    """Choose a film, click particles in it, and see how like them the simulated ones look.

    Attributes
    ----------
    image : ImageChoice
    click, match, adapt : QPushButton
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.image = ImageChoice(viewer)
        self.click, self.match = QPushButton("Click particles"), QPushButton("Match")
        self.adapt = QPushButton("Adapt a network to this (Grow)")
        self.strip, self.note = CropStrip(), Note()
        self._lay_out()

    def _lay_out(self) -> None:
        self.click.setToolTip("Add a points layer to click particles with; all of one kind.")
        self.match.setToolTip("Find a scene whose particles look like the clicked ones.")
        self.adapt.setToolTip("Open the Grow panel with this scene.")
        film = QFormLayout()
        film.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        film.addRow("Film", self.image)
        buttons = QHBoxLayout()
        buttons.addWidget(self.click)
        buttons.addWidget(self.match)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(film)
        layout.addLayout(buttons)
        for part in (self.strip, self.note, self.adapt):
            layout.addWidget(part)
        self.adapt.hide()

    def clicks(self) -> Points | None:
        """Return the layer of clicked particles; without one, a points layer that is selected."""
        layers = [layer for layer in self._viewer.layers if isinstance(layer, Points)]
        named = [layer for layer in layers if layer.name == CLICKS or layer.name.startswith(f"{CLICKS} [")]
        active = self._viewer.layers.selection.active
        return active if active in (named or layers) else next(iter(reversed(named)), None)

    def let_click(self, diameter: float) -> None:
        """Make a layer to click particles with, or go on with the one there is.

        Raises
        ------
        SettingsError
            Without a film.
        StackError
            When the image is not one.
        """
        image = self._film()
        open_film(image)
        layer = self.clicks()
        if layer is None or not layer.name.startswith(CLICKS) or layer.ndim != image.ndim:
            placed = _placed(image)
            layer = self._viewer.add_points(ndim=image.ndim, name=CLICKS, size=diameter, **placed, **CLICKED)
        self._viewer.layers.selection.active = layer
        layer.mode = "add"

    def job(self) -> tuple[MatchFilm, Any]:
        """Return what an engine is to do, and the film it works on.

        Raises
        ------
        SettingsError
            Without a film or clicks.
        StackError
            When the image is not a film.
        """
        image = self._film()
        film = open_film(image)
        layer = self.clicks()
        if layer is None or not len(layer.data):
            raise SettingsError(NO_CLICKS)
        return MatchFilm(FilmFacts.of(film), in_pixels(self._viewer, layer, image)), film

    def show_likeness(self, likeness: Likeness) -> None:
        """Show crops of film and simulation on one scale, and what was found."""
        self.strip.set_rows({"film": likeness.real, "simulated": likeness.simulated})
        left = f"What the fits leave is {likeness.residual:.1f} times the noise; 1 is perfect."
        self.note.say(f"{_capital(str(likeness))}. {left}")
        self.note.setToolTip(
            f"An intensity of 1 in the scene stands for {likeness.unit:.4g} in the film, "
            f"a level of 0 for {likeness.offset:.4g}."
        )
        self.adapt.show()

    def _film(self) -> Image:
        image = self.image.image
        if image is None:
            raise SettingsError(NO_FILM)
        return image


def in_pixels(viewer: napari.viewer.Viewer, points: Points, image: Image) -> np.ndarray:
    """Return points (n, 3) as frame, y, x in pixels of an image; those without a frame are on the one that is shown."""
    shown = np.array(viewer.dims.point, float)
    found = np.zeros((len(points.data), 3))
    for row, point in zip(found, points.data, strict=True):
        world = np.array(points.data_to_world(point))
        place = np.concatenate([shown[: max(len(shown) - len(world), 0)], world])
        pixel = np.array(image.world_to_data(place))
        row[-len(pixel) :] = pixel
    return found


def _placed(image: Image) -> dict[str, Any]:
    """Return what puts a layer where the image is."""
    return {
        "scale": image.scale,
        "translate": image.translate,
        "rotate": image.rotate,
        "shear": image.shear,
        "affine": np.array(image.affine.affine_matrix),
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


class SimulatePanel(Panel):
    """Simulate films of a scene, and find the scene that looks like a film.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.

    Attributes
    ----------
    adapt : Signal()
        The person wants to grow a network for the scene, which the session has.
    """

    name = "Simulate"
    adapt = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.presets, self.about = ScenePresets(), Note()
        self.preview = ScenePreview(self.session)
        self.form, self.film, self.matching = SceneForm(), FilmForm(), MatchForm(viewer)
        self.save, self.use = QPushButton("Save scene..."), QPushButton("Use for growing")
        self.make = QPushButton("Make film")
        self._unless_told = ""
        self._lay_out()
        self._connect()
        self.show_scene(self.session.scene or SCENES[FIRST])
        self.follow()

    def _lay_out(self) -> None:
        self.save.setToolTip("Save the scene as a JSON file, to open or to grow on elsewhere.")
        self.use.setToolTip("Hand the scene to the Grow panel.")
        # Room for two lines, so that the picture stays where it is when the words change.
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing())
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.make.setToolTip("Add the film as an image layer, and the truth as points.")
        scene = QFormLayout()
        scene.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        scene.setContentsMargins(8, 4, 8, 0)
        scene.addRow("Scene", self.presets)
        scene.addRow(self.about)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save)
        buttons.addWidget(self.use)
        outer = cast(QVBoxLayout, self.layout())
        outer.insertLayout(0, scene)
        outer.insertWidget(1, self.preview)
        self.sections = {title: Section(title) for title in ("Match my film", "Scene", "Film")}
        match, sliders, film = self.sections.values()
        match.add(self.matching)
        sliders.add(self.form)
        sliders.add(buttons)
        film.add(self.film)
        film.add(self.make)
        sliders.set_open(True)
        for section in self.sections.values():
            self.body.addWidget(section)
        self.body.addStretch()

    def _connect(self) -> None:
        self.presets.chosen.connect(self.show_scene)
        self.presets.refused.connect(self.refuse)
        self.form.changed.connect(self._show)
        self.preview.failed.connect(self.fail)
        self.save.clicked.connect(self.save_scene)
        self.use.clicked.connect(self.use_scene)
        self.make.clicked.connect(self.make_film)
        self.matching.click.clicked.connect(self.let_click)
        self.matching.match.clicked.connect(self.match)
        self.matching.adapt.clicked.connect(self._adapt)
        self.adapt.connect(self._open_grow)
        self.work.advanced.connect(self._advance)
        self.work.failed.connect(self._note_told)
        self.work.finished.connect(self._finish)

    def follow(self) -> None:
        """Begin to follow viewer and session, and show the scene."""
        super().follow()
        self.matching.image.follow()
        self.session.scene_changed.connect(self._offer, unique=True)
        self._offer()
        self._show()

    def leave(self) -> None:
        """Stop working, and follow viewer and session no more."""
        super().leave()
        self.matching.image.leave()
        self.preview.leave()
        self.session.scene_changed.disconnect(self._offer, missing_ok=True)

    def show_scene(self, scene: Scene) -> None:
        """Fill a scene into the sliders, and simulate it."""
        self.presets.show_scene(scene)
        self.form.set_scene(scene)
        self.status.tell("")
        self._show()

    def save_scene(self) -> None:
        """Save the scene where the person says."""
        try:
            scene = self.form.scene()
            if path := self._ask_where(scene):
                write_whole(path, lambda file: file.write(scene.to_json().encode()))
                self.status.tell(f"Saved {path}")
        except GrowtrackError as error:
            self.refuse(str(error))

    def use_scene(self) -> bool:
        """Hand the scene to whoever grows networks; tell whether there is one."""
        try:
            scene = self.form.scene()
        except SettingsError as error:
            self.refuse(str(error))
            return False
        self.session.take_scene(scene)
        self.presets.show_scene(scene)
        self.status.tell(f"The Grow panel grows on {scene.name} now.")
        return True

    def make_film(self) -> None:
        """Make a film of the scene."""
        if self.work.running:
            return
        try:
            job = self.film.job(self.form.scene())
        except GrowtrackError as error:
            return self.refuse(str(error))
        steps = make_film(self.session.engines.simulating, job)
        self._begin(steps, "Making the film...", "Stopped; no frame was kept.")

    def let_click(self) -> None:
        """Let the person click particles of the chosen film."""
        try:
            choice = self.session.choice
            self.matching.let_click(self.form.scene().diameter if choice is None else choice.diameter)
        except GrowtrackError as error:
            return self.refuse(str(error))
        self.status.tell(CLICK)

    def match(self) -> None:
        """Find a scene that looks like the clicked particles."""
        if self.work.running:
            return
        try:
            job, film = self.matching.job()
        except GrowtrackError as error:
            return self.refuse(str(error))
        steps = self.session.engines.simulating.run(job, film)
        self._begin(steps, "Looking at the clicked particles...", "Stopped; the scene is as it was.")

    def show_working(self, on: bool) -> None:
        """Show or hide what belongs to work in the background."""
        super().show_working(on)
        for button in (self.make, self.matching.match):
            button.setEnabled(not on)

    def _begin(self, steps: Iterator[Any], doing: str, unless_told: str) -> None:
        self._unless_told = unless_told
        self.begin(steps)
        self.status.tell(doing)

    def _advance(self, told: Any) -> None:
        if isinstance(told, FilmProgress):
            self.bar.setRange(0, told.total)
            self.bar.setValue(told.done)
            self.status.tell(f"Frame {told.done} of {told.total}, {duration(told.seconds_left)} left")
            return
        self._note_told()
        if isinstance(told, Film):
            self._add(told)
        else:
            self._take(told)

    def _note_told(self, _: object = None) -> None:
        """Note that work did not just stop."""
        self._unless_told = ""

    def _add(self, film: Film) -> None:
        (frames, image, _), (points, truth, _) = film.layers()
        self.viewer.add_image(frames, **image)
        self.viewer.add_points(points, **truth)
        made = f"{count(len(frames), 'frame')} of {frames.shape[1]} x {frames.shape[2]} px"
        self.status.tell(f"Made {made} with {count(film.truth['particle'].nunique(), 'particle')}.")

    def _take(self, likeness: Likeness) -> None:
        self.show_scene(likeness.scene)
        self.matching.show_likeness(likeness)
        self.session.take_scene(likeness.scene)
        self.status.tell("Matched. Judge by the pictures, or move the sliders to mend it.")

    def _finish(self) -> None:
        self.show_working(False)
        if self._unless_told:
            self.status.tell(self._unless_told)

    def _show(self) -> None:
        """Show the scene that the sliders make, if they make one."""
        if not self.form.refusal():
            scene = self.form.scene()
            self.about.say(scene.about)
            self.preview.show_scene(scene)

    def _offer(self) -> None:
        if self.session.scene is not None:
            self.presets.offer(self.session.scene)

    def _ask_where(self, scene: Scene) -> Path | None:
        """Return the JSON file the person picks."""
        name, _ = QFileDialog.getSaveFileName(self, "Save the scene", f"{scene.name}.json", _SCENES)
        path = Path(name)
        if not name or path.suffix.lower() == ".json":
            return path if name else None
        path = path.with_name(f"{path.name}.json")
        if path.exists():
            raise SettingsError(f"{path} is there already. Choose it by its whole name to replace it.")
        return path

    def _adapt(self) -> None:
        if self.use_scene():
            self.adapt.emit()

    def _open_grow(self) -> None:
        open_panel(self.viewer, "Grow")
