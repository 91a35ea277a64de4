"""Open a panel of the plugin, or bring it to the front where it is open; and endings of file names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QDockWidget, QWidget

from ...core.errors import SettingsError
from ...core.tables import PROGRAM
from ..session.session import session_of

if TYPE_CHECKING:
    from napari.viewer import Viewer


def open_panel(viewer: Viewer, name: str) -> Any:
    """Return a panel of a viewer by the name it has in the menu; one that is not open yet is opened beside the others.

    napari itself knows a panel by one name when the menu opens it and by
    another when a program does, and would open a second one.

    Returns
    -------
    Panel or None
        None for a viewer without a window.
    """
    panel = session_of(viewer).panels.get(name)
    if panel is not None:
        _raise(panel)
        return panel
    window = getattr(viewer, "window", None)
    if window is None:
        return None
    dock, panel = window.add_plugin_dock_widget(PROGRAM, name, tabify=True)
    dock.raise_()
    return panel


def _raise(panel: QWidget) -> None:
    """Bring the dock that a panel is in to the front."""
    above: Any = panel
    while above is not None and not isinstance(above, QDockWidget):
        above = above.parent()
    if above is not None:
        above.show()
        above.raise_()


def with_ending(picked: Path, ending: str) -> Path:
    """Return a picked path with its ending, such as ``.json``.

    Raises
    ------
    SettingsError
        When that is another file, which is there already: nobody was asked whether to replace it.

    Examples
    --------
    >>> with_ending(Path("mine"), ".json").name, with_ending(Path("mine.JSON"), ".json").name
    ('mine.json', 'mine.JSON')
    """
    if picked.suffix.lower() == ending:
        return picked
    path = picked.with_name(f"{picked.name}{ending}")
    if path.exists():
        raise SettingsError(f"{path} is there already. Choose it by its whole name to replace it.")
    return path
