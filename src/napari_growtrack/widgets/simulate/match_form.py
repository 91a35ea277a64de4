"""Choose a film, click particles in it, and see how like them the simulated ones look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...core.errors import SettingsError
from ...core.films import Stack
from ...jobs.context import FilmFacts
from ...jobs.scene_estimate import MatchFilm
from ..shared.choices import ImageChoice
from ..shared.labels import Note, Status
from ..shared.layers import open_film
from ..shared.pictures import CropStrip
from ..shared.rows import Form
from .clicks import Clicks
from .sentences import NO_FILM, levels_line, residual_line

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from ...core.scene_estimate import Likeness


class MatchForm(QWidget):
    """Choose a film, click particles in it, and see how like them the simulated ones look.

    Attributes
    ----------
    image : ImageChoice
    clicks : Clicks
    click, match, adapt : QPushButton
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image, self.clicks = ImageChoice(viewer), Clicks(viewer, self)
        self.click, self.match = QPushButton("Click particles"), QPushButton("Match")
        self.adapt = QPushButton("Adapt a network (1 min)")
        self.strip, self.note, self.caution = CropStrip(), Note(), Status()
        self._lay_out()
        self.adapt.hide()

    def _lay_out(self) -> None:
        self.click.setToolTip("Click particles of one kind in the film; they are kept in a points layer.")
        self.match.setToolTip("Find a scene whose particles look like the clicked ones, of which one or two will do.")
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

    def job(self) -> tuple[MatchFilm, Stack]:
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
        return MatchFilm(FilmFacts.of(film), self.clicks.take(image)), film

    def show_likeness(self, likeness: Likeness) -> None:
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
