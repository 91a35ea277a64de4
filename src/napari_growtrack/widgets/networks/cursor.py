"""What the cursor points at in an image."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import QObject, Signal

from ...core.errors import StackError
from ...core.films import Stack
from ..shared.choices import ImageChoice
from ..shared.layers import open_film, shown_frame
from .sentences import NO_IMAGE, NOT_FLAT, outside_line

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

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
