"""Choose a film, click particles in it, and see how like them the simulated ones look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...core.errors import SettingsError
from ...core.films import Stack
from ...jobs.context import FilmFacts
from ...jobs.scene_estimate import MatchFilm
from ..shared.choices import ImageChoice
from ..shared.labels import Note, Status
from ..shared.layers import open_film, placed
from ..shared.pictures import CropStrip
from ..shared.rows import Form
from .sentences import NO_CLICKS, NO_FILM, levels_line, residual_line

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from ...core.scene_estimate import SceneEstimate

# Clicks ---------------------------------------------------------------------------------------------------------------


CLICKS = "clicked particles"
ENOUGH = 3
"""Clicks that tell a particle from chance."""

_CLICKED = {"symbol": "cross", "face_color": "yellow", "border_width": 0, "opacity": 0.6}

REST = 1000
"""Milliseconds without a click after which they are looked at."""


class Clicks(QObject):
    """The points layer that particles are clicked in.

    Attributes
    ----------
    rested : Signal()
        Enough particles are clicked, and for a second none was added, moved or removed.
    """

    rested = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._watched: Points | None = None
        self._known = np.empty((0, 3))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST)
        self._timer.timeout.connect(self._rest)

    def layer(self) -> Points | None:
        """Return the layer of clicked particles; without one, a points layer that is selected."""
        layers = [layer for layer in self._viewer.layers if isinstance(layer, Points)]
        named = [layer for layer in layers if _is_named(layer)]
        active = self._viewer.layers.selection.active
        return active if active in (named or layers) else next(iter(reversed(named)), None)

    def let_click(self, image: Image, diameter: float) -> None:
        """Make a layer to click particles of an image with, or go on with the one there is.

        Raises
        ------
        StackError
            When the image is no film.
        """
        open_film(image)
        layer = self.layer()
        if layer is None or not _is_named(layer) or layer.ndim != image.ndim:
            layer = self._viewer.add_points(ndim=image.ndim, name=CLICKS, size=diameter, **placed(image), **_CLICKED)
        self._viewer.layers.selection.active = layer
        layer.mode = "add"
        self._watch(layer)

    def let_go(self) -> None:
        """Let clicks move the picture again."""
        layer: Points | None = self._watched
        if layer is not None and layer in self._viewer.layers and layer.mode == "add":
            layer.mode = "pan_zoom"

    def take(self, image: Image) -> np.ndarray:
        """Return what is clicked, (n, 3) frame, y, x in pixels of the image; `rested` waits for other clicks then.

        Raises
        ------
        SettingsError
            When nothing is clicked.
        """
        self._timer.stop()
        layer = self.layer()
        if layer is None or not len(layer.data):
            raise SettingsError(NO_CLICKS)
        self._known = layer.data.copy()
        return in_pixels(self._viewer, layer, image)

    def follow(self) -> None:
        """Begin to follow the layer, if there is one; may be called twice."""
        layer = self.layer()
        if layer is not None and _is_named(layer):
            self._known = layer.data.copy()
            self._watch(layer)

    def leave(self) -> None:
        """Follow the layer no more; may be called twice."""
        self._timer.stop()
        self.let_go()
        if self._watched is not None:
            self._watched.events.data.disconnect(self._wait)
            self._watched = None

    def _watch(self, layer: Points) -> None:
        if layer != self._watched:
            if self._watched is not None:
                self._watched.events.data.disconnect(self._wait)
            layer.events.data.connect(self._wait)
            self._watched = layer

    def _wait(self, _: Any = None) -> None:
        self._timer.start()

    def _rest(self) -> None:
        layer = self.layer()
        if layer is None or layer != self._watched:  # napari wraps layers anew whenever they are asked for
            return
        if len(layer.data) >= ENOUGH and not np.array_equal(layer.data, self._known):
            self.rested.emit()


def _is_named(layer: Points) -> bool:
    """Tell whether a layer was made to click particles with; napari numbers those of one name."""
    return layer.name == CLICKS or layer.name.startswith(f"{CLICKS} [")


def in_pixels(viewer: napari.viewer.Viewer, points: Points, image: Image) -> np.ndarray:
    """Return points (n, 3) as frame, y, x in pixels of an image, hidden ones left out.

    Those without a frame are on the one that is shown.
    """
    shown = np.array(viewer.dims.point, float)
    seen = points.data[points.shown]
    found = np.zeros((len(seen), 3))
    for row, point in zip(found, seen, strict=True):
        world = np.array(points.data_to_world(point))
        place = np.concatenate([shown[: max(len(shown) - len(world), 0)], world])
        pixel = np.array(image.world_to_data(place))
        row[-len(pixel) :] = pixel
    return found


# Match ----------------------------------------------------------------------------------------------------------------


class MatchForm(QWidget):
    """Choose a film, click particles in it, and see how like them the simulated ones look.

    Attributes
    ----------
    image : ImageChoice
    clicks : Clicks
    click, match, unclicked, adapt : QPushButton
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image, self.clicks = ImageChoice(viewer), Clicks(viewer, self)
        self.click, self.match = QPushButton("Click particles"), QPushButton("Match")
        self.unclicked = QPushButton("Match without clicks")
        self.adapt = QPushButton("Adapt a network (1 min)")
        self.strip, self.note, self.caution = CropStrip(), Note(), Status()
        self._lay_out()
        self.adapt.hide()

    def _lay_out(self) -> None:
        self.click.setToolTip("Click particles of one kind in the film; they are kept in a points layer.")
        self.match.setToolTip("Find a scene whose particles look like the clicked ones, of which one or two will do.")
        self.unclicked.setToolTip("Begin from what the bundled network finds that explains the film best.")
        self.adapt.setToolTip("Open the Grow panel and adapt the chosen network to this scene; it begins at once.")
        film = Form()
        film.addRow("Film", self.image)
        buttons = QHBoxLayout()
        buttons.addWidget(self.click)
        buttons.addWidget(self.match)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(film)
        layout.addLayout(buttons)
        layout.addWidget(self.unclicked)
        for part in (self.strip, self.note, self.caution, self.adapt):
            layout.addWidget(part)

    def follow(self) -> None:
        """Begin to follow the viewer; may be called twice."""
        self.image.follow()
        self.clicks.follow()

    def leave(self) -> None:
        """Follow the viewer no more; may be called twice."""
        self.image.leave()
        self.clicks.leave()

    def let_click(self, diameter: float) -> None:
        """Let the person click particles so wide, in pixels.

        Raises
        ------
        SettingsError
            Without a film.
        StackError
            When the image is not one.
        """
        self.clicks.let_click(self._film(), diameter)

    def job(self, clicked: bool = True) -> tuple[MatchFilm, Stack]:
        """Return what an engine is to do, and the film it works on; if nothing is clicked, particles are found.

        Raises
        ------
        SettingsError
            Without a film or clicks.
        StackError
            When the image is not a film.
        """
        image = self._film()
        film = open_film(image)
        return MatchFilm(FilmFacts.of(film), self.clicks.take(image) if clicked else np.empty((0, 3))), film

    def let_ask(self, on: bool) -> None:
        """Let the person ask for a match, or not while there is one."""
        self.match.setEnabled(on)
        self.unclicked.setEnabled(on)

    def show_likeness(self, likeness: SceneEstimate) -> None:
        """Show crops of film and simulation on one scale, and how well it fits."""
        self.strip.set_rows({"film": likeness.real, "simulated": likeness.simulated})
        self.note.say(residual_line(likeness.residual))
        self.note.setToolTip(levels_line(likeness.unit, likeness.offset))
        self.adapt.show()

    def _film(self) -> Image:
        image = self.image.image
        if image is None:
            raise SettingsError(NO_FILM)
        return image
