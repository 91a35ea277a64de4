"""Lines of text that fit a narrow panel."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from ..session.sentences import Kind

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
