"""Which colour is which stage."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from ...core.figures.style import BOUND, COLOURS
from .plots import SMALL


def colour_of(stage: int) -> str:
    """Return the colour of a stage, as in figures."""
    return COLOURS[(stage - 1) % len(COLOURS)]


class Legend(QLabel):
    """Names stages in their colours, and the dashed line of the bound."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)

    def show_stages(self, stages: Iterable[int], bound: bool = False) -> None:
        """Name some stages; without any, show nothing."""
        signs = [f'<span style="color:{colour_of(stage)}">━</span>&nbsp;stage&nbsp;{stage}' for stage in stages]
        signs += [f"┄&nbsp;{BOUND.replace(' ', '&nbsp;')}"] if signs and bound else []
        self.setText(f'<span style="font-size:{SMALL}pt">{" ".join(signs)}</span>')
        self.setVisible(bool(signs))
