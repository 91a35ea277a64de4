"""A score in a few lines."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from .labels import Note
from .rows import Form
from .score_question import Answer
from .score_sentences import NUMBERS, numbers


class Numbers(QWidget):
    """Tells a score in a few lines, each under its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = {name: Note() for name in NUMBERS}
        layout = Form(self)
        layout.setVerticalSpacing(1)
        for name, value in self._values.items():
            label = QLabel(name)
            layout.addRow(label, value)
            for part in (label, value):
                part.setToolTip(NUMBERS[name])
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def said(self, name: str) -> str:
        """Return what is told under a name."""
        return self._values[name].said()

    def show_answer(self, answer: Answer) -> None:
        """Tell an answer."""
        for name, text in numbers(answer).items():
            self._values[name].say(text)
