"""What tables that are only read have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

if TYPE_CHECKING:
    import pandas as pd
    from qtpy.QtWidgets import QHeaderView

_NO_INDEX = QModelIndex()

Index = QModelIndex | QPersistentModelIndex


class ReadingModel(QAbstractTableModel):
    """Rows of numbers under their titles; Qt asks only for those that are seen.

    Parameters
    ----------
    titles : sequence of str
    rows : DataFrame
    parent : QWidget

    Attributes
    ----------
    rows : DataFrame
    """

    def __init__(self, titles: Sequence[str], rows: pd.DataFrame, parent: QWidget) -> None:
        super().__init__(parent)
        self._titles = [*titles]
        self.rows = rows

    def text(self, row: int, column: int) -> str:
        """Return what stands in a cell."""
        raise NotImplementedError

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a title."""
        across = orientation == Qt.Orientation.Horizontal
        return self._titles[section] if across and role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a cell, flush right."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return self.text(index.row(), index.column()) if role == Qt.ItemDataRole.DisplayRole else None


def only_read(table: QTableView, row: int | None = None) -> QHeaderView:
    """Let a table be read by whole rows, without their numbers, and return the header of its columns.

    Parameters
    ----------
    table : QTableView
    row : int, optional
        Height of a row in pixels; by default what Qt gives it.
    """
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    assert rows is not None  # Qt's types say they might not be there
    assert columns is not None
    rows.hide()
    if row is not None:
        rows.setDefaultSectionSize(row)
    return columns
