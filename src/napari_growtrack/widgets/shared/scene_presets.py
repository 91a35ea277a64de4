"""The drop-down list of scenes."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QWidget

from ...core.errors import GrowtrackError
from ...core.simulation import SCENES, Scene
from .choices import Choice
from .scene_files import open_scene
from .scenes import FIRST

OPEN_SCENE = "Open scene file..."


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
            scene = self._scenes[self.itemText(index)] if index < self.count() - 1 else open_scene(self)
        except GrowtrackError as error:
            scene = None
            self.refused.emit(str(error))
        if scene is None:
            self.setCurrentIndex(self._shown)
        else:
            self.show_scene(scene)
            self.chosen.emit(scene)
