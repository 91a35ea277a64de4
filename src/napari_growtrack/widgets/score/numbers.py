"""A score in a few lines."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from ..shared.lines import Lines
from .question import Answer
from .sentences import NUMBERS, numbers


class Numbers(Lines):
    """Tells a score in a few lines, each under its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(NUMBERS, parent)

    def show_answer(self, answer: Answer) -> None:
        """Tell an answer."""
        self.show_values(numbers(answer))
