"""What was missed, what is false and the worst pairs, to be visited one by one."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from ...core.scoring import Comparison
from .place_table import POINT, PlaceTable

_HEIGHT = 190
_WORST = 10


class Places(QWidget):
    """Three lists of points, one in front, and buttons that go through it.

    Attributes
    ----------
    visited : Signal(float, float, float)
        The frame, y and x of a point to be shown.
    tables : dict of str to PlaceTable
    """

    visited = Signal(float, float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tabs = QTabWidget()
        self.tables = {"Missed": PlaceTable("nearest"), "False": PlaceTable("nearest"), "Worst": PlaceTable("error")}
        self.previous, self.next = QPushButton("Previous (P)"), QPushButton("Next (N)")
        self._lay_out()
        for table in self.tables.values():
            table.visited.connect(self.visited)
        self.previous.clicked.connect(self.go_back)
        self.next.clicked.connect(self.go_on)

    def _lay_out(self) -> None:
        for title, table in self.tables.items():
            self.tabs.addTab(table, title)
        self.tabs.setFixedHeight(_HEIGHT)
        self.previous.setToolTip("Go to the previous point of the list.")
        self.next.setToolTip("Go to the next point of the list.")
        steps = QHBoxLayout()
        steps.addWidget(self.previous)
        steps.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        layout.addLayout(steps)

    def show_comparison(self, compared: Comparison) -> None:
        """List the points of a comparison."""
        missed, false = (table.sort_values(POINT) for table in (compared.missed, compared.false))
        for index, rows in enumerate((missed, false, compared.worst(_WORST))):
            title = [*self.tables][index]
            self.tables[title].show_rows(rows)
            self.tabs.setTabText(index, f"{title} ({len(rows):,})")

    def clear(self) -> None:
        """List nothing."""
        for table in self.tables.values():
            table.show_rows(table.rows[:0])

    def go_on(self) -> None:
        """Visit the next point of the list in front."""
        self._front().step(1)

    def go_back(self) -> None:
        """Visit the previous point of the list in front."""
        self._front().step(-1)

    def _front(self) -> PlaceTable:
        return [*self.tables.values()][self.tabs.currentIndex()]
