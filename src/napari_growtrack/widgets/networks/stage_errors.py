"""The error of every stage against the signal-to-noise ratio, and all that was measured of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...core.growth.plan import Stage
from ...core.networks.card import Card
from ..session.card_facts import REPORTED, bound_line, error_lines, measured_line, report_rows
from ..shared.labels import Note
from ..shared.legend import Legend, colour_of
from ..shared.plots import Plot, pyqtgraph_module
from .numbers import NumberTable

_HEIGHT = 190
_ROOM = 0.06


class StageErrors(QWidget):
    """Draws the errors of all stages, and tells those of one.

    Attributes
    ----------
    plot : Plot
    legend : Legend
    numbers : NumberTable
    note : Note
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = Plot("signal-to-noise ratio", "median error (px)", log="xy")
        self.plot.setFixedHeight(_HEIGHT)
        self.legend, self.numbers, self.note = Legend(), NumberTable(), Note()
        self._items: list[Any] = []
        self._bound: Any = None
        self._card: Card | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.legend, self.plot, self.numbers, self.note):
            layout.addWidget(part)
        self.plot.recoloured.connect(self._colour)

    def show_stage(self, card: Card, stage: Stage) -> None:
        """Show what a card reports of a stage, beside the errors of all stages."""
        if card is not self._card:
            self._card = card
            self._draw(error_lines(card), bound_line(card))
        self.numbers.show_rows(REPORTED, report_rows(card, stage))
        self.note.say(measured_line(card, stage))

    def _draw(self, lines: dict[Stage, np.ndarray], bound: np.ndarray) -> None:
        for item in self._items:
            self.plot.remove(item)
        self._items = []
        self._bound = self._curve(bound) if len(bound) else None
        for stage, line in lines.items():
            self._curve(line, colour_of(stage), dots=True)
        self._colour()
        self._reach(np.concatenate([*lines.values(), bound]))
        self.legend.show_stages(lines, bound=bool(len(bound)))
        self.plot.setVisible(bool(lines))

    def _curve(self, line: np.ndarray, colour: str = "", dots: bool = False) -> Any:
        """Draw a line through points (n, 2), and return it."""
        pg, (x, y) = pyqtgraph_module(), np.log10(line).T
        curve = pg.PlotCurveItem(x, y, pen=pg.mkPen(colour, width=1.5) if colour else None, antialias=True)
        points = [pg.ScatterPlotItem(x, y, size=6, brush=QColor(colour), pen=None)] if dots else []
        self._items += [self.plot.add(item) for item in (curve, *points)]
        return curve

    def _reach(self, points: np.ndarray) -> None:
        """Give the axes room for all points (n, 2)."""
        if len(points):
            places = np.log10(points)
            (left, low), (right, high) = places.min(0) - _ROOM, places.max(0) + _ROOM
            self.plot.show_range((left, right), (low, high))

    def _colour(self) -> None:
        if self._bound is not None:
            self._bound.setPen(pyqtgraph_module().mkPen(self.plot.colour(), width=1.2, style=Qt.PenStyle.DashLine))
