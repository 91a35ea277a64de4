"""A table of numbers to read, as high as they need."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

_ROW, _COLUMN = 20, 30
_LOOK = "QTableView::item { padding: 0px; } QHeaderView::section { padding: 1px; }"


class NumberTable(QTableWidget):
    """Shows rows of texts below their titles, and nothing where there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setStyleSheet(_LOOK)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and columns is not None:  # they are; Qt's types say they might not
            rows.hide()
            rows.setMinimumSectionSize(_ROW)
            rows.setDefaultSectionSize(_ROW)
            columns.setMinimumSectionSize(_COLUMN)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def show_rows(self, titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Show rows of texts below their titles."""
        titles, cells = [*titles], [[*row] for row in rows]
        self.setColumnCount(len(titles))
        self.setRowCount(len(cells))
        self.setHorizontalHeaderLabels(titles)
        for row, line in enumerate(cells):
            for column, text in enumerate(line):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.setItem(row, column, item)
        self.setVisible(bool(cells))
        self._fit()

    def _fit(self) -> None:
        header = self.horizontalHeader()
        above = header.sizeHint().height() if header is not None else 0
        self.setFixedHeight(above + _ROW * self.rowCount() + 4)
