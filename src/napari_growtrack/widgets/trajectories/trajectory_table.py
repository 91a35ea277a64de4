"""A list of trajectories, in which any number of them can be selected."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView, QWidget

from ...core.motion import Units
from ...core.motion.tracks import TRACK_COLUMNS
from ...core.motion.tracks.columns import INTEGERS
from ..shared.histograms import worded
from ..shared.tables import ReadingModel, only_read

_ROW = 20
_HEIGHT = 170
_EDGES = 18
_FIRST = {"particle": "particle", "first_frame": "from", "last_frame": "to", "length": "seen"}
"""The columns that come first, and what they are called here."""

_TOO_SHORT = ("diffusion_coefficient", "diffusion_low", "diffusion_high")


def listed(trajectories: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each trajectory, as a table of tracks begins; D being not known yet."""
    groups = trajectories.groupby("particle")["frame"]
    rows = groups.agg(first_frame="min", last_frame="max", length="size").reset_index()
    return rows.assign(diffusion_coefficient=np.nan)


def _titled(name: str, units: Units) -> str:
    """Return the title of a column, with its unit."""
    if name in _FIRST:
        return _FIRST[name]
    unit, short = TRACK_COLUMNS[name].unit(units), "D" if name == "diffusion_coefficient" else worded(name)
    return f"{short} ({unit})" if unit else short


class _TrajectoryModel(ReadingModel):
    def __init__(self, parent: QWidget) -> None:
        none = listed(pd.DataFrame({"particle": [], "frame": []}, dtype=int))
        super().__init__([_titled(str(name), Units()) for name in none], none, parent)
        self._values = none.to_numpy(float)
        self._by, self._order = "particle", Qt.SortOrder.AscendingOrder

    def show(self, rows: pd.DataFrame, units: Units) -> None:
        self.beginResetModel()
        first = [*_FIRST, "diffusion_coefficient"]
        self.rows = rows[[*first, *(name for name in rows if name not in first)]]
        self._titles = [_titled(str(name), units) for name in self.rows]
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        particles = [self.rows["particle"].iloc[index.row()] for index in held]
        self._by, self._order = str(self.rows.columns[column]), order
        self._arrange()
        row_of = dict(zip(self.rows["particle"], range(len(self.rows)), strict=True))
        moved = [self.index(row_of[one], index.column()) for one, index in zip(particles, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        name = self._by if self._by in self.rows else "particle"
        upward = self._order == Qt.SortOrder.AscendingOrder
        self.rows = self.rows.sort_values([name, "particle"], ascending=[upward, True], ignore_index=True)
        self._values = self.rows.to_numpy(float)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a title, or what the column holds, as a tip."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return TRACK_COLUMNS[str(self.rows.columns[section])].about
        return super().headerData(section, orientation, role)

    def text(self, row: int, column: int) -> str:
        value, name = self._values[row, column], self.rows.columns[column]
        if math.isnan(value):
            return "too short" if name in _TOO_SHORT else ""
        return f"{value:.0f}" if name in INTEGERS else f"{value:.3g}"

    def copied(self, rows: Collection[int]) -> str:
        """Return some rows with their titles, every number to its last digit, as spreadsheets take them."""
        return self.rows.iloc[[*rows]].to_csv(sep="\t", index=False)


class TrajectoryTable(QTableView):
    """Lists trajectories.

    Attributes
    ----------
    chosen : Signal(tuple)
        The particles that are selected now, by the person.
    visited : Signal(int)
        A particle that is to be shown: its row was double-clicked.
    """

    chosen = Signal(tuple)
    visited = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _TrajectoryModel(self)
        self._told = True
        self.setModel(self._model)
        columns = only_read(self, _ROW)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setFixedHeight(_HEIGHT)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setToolTip(
            "Click to go there, Shift-click or Ctrl-click to select more; click a title to sort, double-click to look "
            "closely; Ctrl+C copies what is selected, or all."
        )
        self.doubleClicked.connect(lambda index: self.visited.emit(self._particle(index.row())))
        self._connect()

    def _connect(self) -> None:
        selection = self.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(self._tell)

    def _particle(self, row: int) -> int:
        return int(self._model.rows["particle"].iloc[row])

    @property
    def rows(self) -> pd.DataFrame:
        """What is listed, as it is sorted now."""
        return self._model.rows

    def show_rows(self, rows: pd.DataFrame, units: Units, selected: Collection[int]) -> None:
        """List trajectories, some of them selected."""
        self._quietly(lambda: self._model.show(rows, units))
        for column in range(self._model.columnCount()):
            title = self._model.headerData(column, Qt.Orientation.Horizontal)
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(title) + _EDGES)
        self.select(selected)

    def select(self, particles: Collection[int]) -> None:
        """Select some trajectories without announcing it, and see to it that the first is seen."""
        where = np.flatnonzero(self._model.rows["particle"].isin([*particles]).to_numpy())
        wanted, last = QItemSelection(), len(self._model.rows.columns) - 1
        for run in np.split(where, np.flatnonzero(np.diff(where) > 1) + 1):
            if len(run):
                wanted.select(self._model.index(int(run[0]), 0), self._model.index(int(run[-1]), last))
        selection = self.selectionModel()
        assert selection is not None
        self._quietly(lambda: selection.select(wanted, QItemSelectionModel.SelectionFlag.ClearAndSelect))
        if len(where):
            self.scrollTo(self._model.index(int(where[0]), 0))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Copy what is selected, or all, with Ctrl+C."""
        clipboard = QApplication.clipboard()
        if event is None or clipboard is None or not event.matches(QKeySequence.StandardKey.Copy):
            return super().keyPressEvent(event)
        selection = self.selectionModel()
        rows = [] if selection is None else sorted(index.row() for index in selection.selectedRows())
        clipboard.setText(self._model.copied(rows or range(len(self.rows))))
        return None

    def selected(self) -> tuple[int, ...]:
        """Return the particles that are selected."""
        selection = self.selectionModel()
        rows = [] if selection is None else sorted(index.row() for index in selection.selectedRows())
        return tuple(self._particle(row) for row in rows)

    def _quietly(self, act: Any) -> None:
        self._told = False
        try:
            act()
        finally:
            self._told = True

    def _tell(self, *_: object) -> None:
        if self._told:
            self.chosen.emit(self.selected())
