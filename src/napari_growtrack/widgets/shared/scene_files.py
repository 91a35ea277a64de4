"""Scenes as files: the person is asked which."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from ...core.files import write_whole
from ...core.simulation import Scene, named_scene
from .endings import with_ending

_SCENES = "Scenes (*.json)"


def open_scene(parent: QWidget) -> Scene | None:
    """Return the scene of the file the person picks; None if none.

    Raises
    ------
    SettingsError
        When the file holds no scene.
    """
    path, _ = QFileDialog.getOpenFileName(parent, "Open a scene", "", _SCENES)
    return named_scene(Path(path)) if path else None


def save_scene(parent: QWidget, scene: Scene) -> Path | None:
    """Save a scene as the JSON file the person picks, and return its path; None if none.

    Raises
    ------
    SettingsError
        When the file would replace another than the one that was picked.
    OutputError
        When it cannot be written.
    """
    name, _ = QFileDialog.getSaveFileName(parent, "Save the scene", f"{scene.name}.json", _SCENES)
    if not name:
        return None
    path = with_ending(Path(name), ".json")
    write_whole(path, lambda file: file.write(scene.to_json().encode()))
    return path
