"""A few named values, one below the other."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from .labels import Note
from .rows import Form


class Lines(QWidget):
    """Tells a few values, each under its name; a name without a value is not shown.

    Parameters
    ----------
    names : mapping of str to str
        What is told, and what each means.
    """

    def __init__(self, names: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = {name: QLabel(name) for name in names}
        self._values = {name: Note() for name in names}
        layout = Form(self)
        layout.setVerticalSpacing(1)
        for name, value in self._values.items():
            layout.addRow(self._labels[name], value)
            for part in (self._labels[name], value):
                part.setToolTip(names[name])
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def said(self, name: str) -> str:
        """Return what is told under a name."""
        return self._values[name].said()

    def show_values(self, values: Mapping[str, str]) -> None:
        """Tell values by their names, and nothing under other names."""
        for name, value in self._values.items():
            value.say(values.get(name, ""))
            self._labels[name].setVisible(bool(values.get(name)))
