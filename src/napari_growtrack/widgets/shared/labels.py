"""Lines of text that fit a narrow panel, and a few named values, one below the other."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from ..session.sentences import Kind
from .rows import Form

_BREAK = "\u200b"
_LONG = 30
# Colours of their own, so that they are read in napari's dark and light themes alike.
_LOOK: dict[Kind, str] = {
    "plain": "",
    "warning": "QLabel { background-color: #f2c14e; color: black; padding: 4px; border-radius: 3px; }",
    "error": "QLabel { background-color: #a8233a; color: white; padding: 4px; border-radius: 3px; }",
}


class Note(QLabel):
    """Plain text that wraps instead of widening its panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.say("")

    def say(self, text: str) -> None:
        """Show a text; long words, such as paths, may break anywhere."""
        words = [word if len(word) <= _LONG else _BREAK.join(word) for word in text.split(" ")]
        self.setText(" ".join(words))
        self.setVisible(bool(text))

    def said(self) -> str:
        """Return the text as it was given."""
        return self.text().replace(_BREAK, "")


class Status(Note):
    """The line that tells how things stand; what went wrong stands out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind: Kind = "plain"

    def tell(self, text: str, kind: Kind = "plain") -> None:
        """Show a text of some kind."""
        self.say(text)
        if kind != self.kind:
            self.kind = kind
            self.setStyleSheet(_LOOK[kind])


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
