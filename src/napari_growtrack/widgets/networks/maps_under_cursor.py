"""What the units of a network make of the window under the cursor, as it moves over an image."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from ...core.detection.zoom import to_film, to_network
from ...core.errors import GrowtrackError, StackError
from ...core.films import Stack
from ...core.growth.plan import Stage
from ...core.networks.card import Card
from ...jobs.context import FilmFacts, Loading, SizedNetwork
from ...jobs.network_views import ActivationMaps
from ..session.choice import Choice, Shown
from ..session.sentences import Kind, reason
from ..session.session import Session
from ..shared.choices import ImageChoice
from ..shared.labels import Status
from ..shared.layers import open_film, shown_frame
from ..shared.rows import Form
from ..shared.work import Newest
from .maps_view import MapsView
from .sentences import NO_IMAGE, NOT_FLAT, outside_line

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

# The cursor -----------------------------------------------------------------------------------------------------------


_versions = itertools.count(1)


class Pointed(NamedTuple):
    """A place of a film that the cursor points at.

    Attributes
    ----------
    film : Stack
    frame : int
    place : (float, float)
        ``(y, x)``, in pixels.
    version : int
        Another number than before wherever the film's pixels may be other ones.
    """

    film: Stack
    frame: int
    place: tuple[float, float]
    version: int


class Cursor(QObject):
    """Follows the cursor over the chosen image of a viewer, when asked to.

    Attributes
    ----------
    moved : Signal()
        It is elsewhere, or over another frame or other pixels.
    following : bool
    """

    moved = Signal()

    def __init__(self, viewer: Viewer, image: ImageChoice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.following = False
        self._viewer, self._choice = viewer, image
        self._at: tuple[float, ...] | None = None
        self._watched: Image | None = None
        self._version = next(_versions)
        image.changed.connect(self._watch)

    def follow(self, on: bool) -> None:
        """Follow the cursor from now on, or no more."""
        if on != self.following:
            self.following, calls, slid = on, self._viewer.mouse_move_callbacks, self._viewer.dims.events.current_step
            if on:
                calls.append(self._move)
                slid.connect(self._tell)
            else:
                calls.remove(self._move)
                slid.disconnect(self._tell)
        self._watch()

    def _move(self, viewer: Any, event: Any) -> None:
        self._at = tuple(event.position)
        self._tell()

    def _watch(self) -> None:
        """Notice when the pixels of the chosen image change."""
        self._version = next(_versions)
        if self._watched is not None:
            self._watched.events.data.disconnect(self._change)
        self._watched = self._choice.image if self.following else None
        if self._watched is not None:
            self._watched.events.data.connect(self._change)

    def _change(self, _: object = None) -> None:
        self._version = next(_versions)
        self._tell()

    def _tell(self, _: object = None) -> None:
        self.moved.emit()

    # Where it is --------------------------------------------------------------------------------------------------

    @property
    def known(self) -> bool:
        """Whether it is followed and has moved since it first was."""
        return self.following and self._at is not None

    def pointed(self) -> Pointed | str:
        """Return what it points at, or why that is nothing.

        Raises
        ------
        StackError
            When the image is not a film, the slider stands beside it, or the viewer shows a volume.
        """
        image = self._choice.image
        if image is None:
            return NO_IMAGE
        film = open_film(image)
        y, x = self._place(image)
        _, height, width = film.shape
        if not (-0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5):
            return outside_line(image.name)
        return Pointed(film, shown_frame(self._viewer, image, film), (y, x), self._version)

    def _place(self, image: Image) -> tuple[float, float]:
        """Return where in an image it is, ``(y, x)`` in pixels."""
        if self._viewer.dims.ndisplay != 2:
            raise StackError(NOT_FLAT)
        y, x = image.world_to_data(self._at)[-2:]
        return float(y), float(x)


# Maps -----------------------------------------------------------------------------------------------------------------


FOLLOW = (
    "Show what the units of a layer make of the window around the cursor, as it moves over the image\n"
    "(figure 3.17 of the thesis). Maps are as bright as their own greatest activation allows."
)
INVERTED = "Look at the negative: for dark particles with a network of bright ones, or the reverse."
BUSY = "Waiting for the process that does the work; a film that is being tracked comes first."

_WAIT_MS = 1500


class MapsUnderCursor(QWidget):
    """Follows the cursor, and shows the maps of the window around it.

    Attributes
    ----------
    following, inverted : QCheckBox
    image : ImageChoice
    told : Status
        What is in the way.
    view : MapsView
    """

    def __init__(self, viewer: Viewer, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Shown | None = None
        self._stage: Stage = 1
        self._asked: ActivationMaps | None = None
        self.following, self.inverted = QCheckBox("Follow the cursor"), QCheckBox("Inverted")
        self.following.setToolTip(FOLLOW)
        self.inverted.setToolTip(INVERTED)
        self.image = ImageChoice(viewer)
        self._cursor = Cursor(viewer, self.image, self)
        self.told, self.view = Status(), MapsView()
        self.work = Newest(self)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_WAIT_MS)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        ticks = QHBoxLayout()
        ticks.addWidget(self.following, 1)
        ticks.addWidget(self.inverted)
        rows = Form()
        rows.addRow("Image", self.image)
        rows.addRow("Layer", self.view.layer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(ticks)
        layout.addLayout(rows)
        layout.addWidget(self.told)
        layout.addWidget(self.view)

    def _connect(self) -> None:
        self.following.toggled.connect(self._toggle)
        self.inverted.toggled.connect(self._look)
        self.image.changed.connect(self._take_image)
        self._cursor.moved.connect(self._look)
        self.work.advanced.connect(self._advance)
        self.work.failed.connect(self._fail)
        self._late.timeout.connect(lambda: self.told.tell(BUSY))

    def follow(self) -> None:
        """Begin to follow viewer and cursor."""
        self._cursor.follow(self.following.isChecked())
        self.image.follow()

    def leave(self) -> None:
        """Stop working, and follow viewer and cursor no more."""
        self._cursor.follow(False)
        self.image.leave()
        self._drop()

    def see(self, seen: bool) -> None:
        """Follow the cursor only where the maps are seen."""
        if not seen:
            self.following.setChecked(False)

    def show_stage(self, shown: Shown, stage: Stage) -> None:
        """Look with a stage of a network from now on."""
        if self._shown is None or shown.file != self._shown.file:
            chosen = self._chosen(shown)
            self.inverted.setChecked(chosen is not None and chosen.contrast == "inverted")
        self._shown, self._stage = shown, stage
        self._drop()
        self.view.begin(shown.card, stage)
        self._look()

    def _toggle(self, on: bool) -> None:
        self._cursor.follow(on)
        if on:
            self._take_image()
        else:
            self._refuse("")

    def _take_image(self) -> None:
        if self._cursor.following:
            self.told.tell(NO_IMAGE if self.image.image is None else "")
            self._look()

    # What is asked ------------------------------------------------------------------------------------------------

    def _look(self, _: object = None) -> None:
        """Ask for the maps of the window where the cursor is."""
        shown = self._shown
        if shown is None or not shown.locates or not self._cursor.known:
            return
        try:
            pointed = self._cursor.pointed()
            if isinstance(pointed, Pointed):
                self._ask(self._job(shown, pointed), pointed)
            else:
                self._refuse(pointed)
        except GrowtrackError as error:
            self._refuse(str(error), "error")

    def _ask(self, job: ActivationMaps, pointed: Pointed) -> None:
        if job != self._asked:
            self._asked = job
            self._late.start()
            self.work.ask(self._session.engines.tracking, job, pointed.film)

    def _job(self, shown: Shown, pointed: Pointed) -> ActivationMaps:
        network = SizedNetwork(shown.file, self._diameter(shown))
        return ActivationMaps(
            network,
            self._stage,
            FilmFacts.of(pointed.film),
            pointed.frame,
            window_at(pointed.place, shown.card, network.diameter),
            self.inverted.isChecked(),
            pointed.version,
        )

    def _diameter(self, shown: Shown) -> float:
        """Return how wide particles are taken to be: as in Track, if the network is chosen there."""
        chosen = self._chosen(shown)
        return shown.card.recipe.located_scene.diameter if chosen is None else chosen.diameter

    def _chosen(self, shown: Shown) -> Choice | None:
        """Return what is chosen in Track, if it is of this network."""
        choice = self._session.choice
        return choice if choice is not None and choice.file == shown.file else None

    # What comes back ----------------------------------------------------------------------------------------------

    def _advance(self, told: Any) -> None:
        self._late.stop()
        if isinstance(told, Loading):
            return self.told.tell(f"Loading {told.name}...")
        self.told.tell("")
        self.view.show_maps(told)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, StackError):  # another frame may be good; another place does not mend the rest
            self.following.setChecked(False)
        self._refuse(reason(error), "error")

    def _refuse(self, why: str, kind: Kind = "plain") -> None:
        self._drop()
        self.told.tell(why, kind)

    def _drop(self) -> None:
        """Stop working."""
        self._late.stop()
        self.work.abandon()
        self._asked = None


def window_at(place: tuple[float, float], card: Card, diameter: float) -> tuple[float, float]:
    """Return the middle of the window that is nearest to a place of the film, ``(y, x)`` in its pixels."""
    zoom = card.recipe.zoom * card.magnification(diameter)
    y, x = to_film(np.rint(to_network(np.array(place, float), zoom)), zoom)
    return float(y), float(x)
