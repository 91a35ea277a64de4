"""What tables that are only read have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAbstractItemView, QTableView

if TYPE_CHECKING:
    from qtpy.QtWidgets import QHeaderView


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
