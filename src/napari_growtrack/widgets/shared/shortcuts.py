"""Keys that work anywhere in the viewer's window while a panel is open, and the list that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .labels import Note


class Shortcuts:
    """Binds keys to actions.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    keys : dict of str to (str, callable)
        What each key does, in a few words, and the action.
    """

    def __init__(self, viewer: Any, keys: Mapping[str, tuple[str, Callable[[], object]]]) -> None:
        self._viewer, self._keys = viewer, keys
        self._bound: list[str] = []

    def bind(self) -> None:
        """Begin to listen, except for keys that somebody else has taken."""
        for key, (_, action) in self._keys.items():
            with suppress(ValueError):  # taken already, by this or by another
                self._viewer.bind_key(key, _ignoring_viewer(action))
                self._bound.append(key)

    def release(self) -> None:
        """Listen no more."""
        while self._bound:
            self._viewer.bind_key(self._bound.pop(), None, overwrite=True)

    def label(self) -> Note:
        """Return a list of the keys to show."""
        note = Note()
        note.say("\n".join(f"{key.replace('-', '+')}: {what}" for key, (what, _) in self._keys.items()))
        return note


def _ignoring_viewer(action: Callable[[], object]) -> Callable[[Any], None]:
    def pressed(viewer: Any) -> None:
        action()

    return pressed
