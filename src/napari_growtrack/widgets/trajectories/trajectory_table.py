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
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from ...core.motion import Units
from ..shared.tables import ReadingModel, only_read

_ROW = 20
_HEIGHT = 170
_WHOLE = 4
"""How many columns hold whole numbers; D comes after them."""


def listed(trajectories: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each trajectory: ``particle, first, last, seen``, D being not known yet."""
    groups = trajectories.groupby("particle")["frame"]
    rows = groups.agg(first="min", last="max", seen="size").reset_index()
    return rows.assign(diffusion=np.nan)


class _TrajectoryModel(ReadingModel):
    def __init__(self, parent: QWidget) -> None:
        none = listed(pd.DataFrame({"particle": [], "frame": []}, dtype=int))
        super().__init__(("particle", "from", "to", "seen", "D"), none, parent)
        self._values = none.to_numpy(float)
        self._by, self._order = 0, Qt.SortOrder.AscendingOrder

    def show(self, rows: pd.DataFrame, unit: str) -> None:
        self.beginResetModel()
        self.rows, self._titles[-1] = rows, f"D ({unit})"
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        particles = [self.rows["particle"].iloc[index.row()] for index in held]
        self._by, self._order = column, order
        self._arrange()
        row_of = dict(zip(self.rows["particle"], range(len(self.rows)), strict=True))
        moved = [self.index(row_of[one], index.column()) for one, index in zip(particles, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        name = self.rows.columns[self._by]
        upward = self._order == Qt.SortOrder.AscendingOrder
        self.rows = self.rows.sort_values([name, "particle"], ascending=[upward, True], ignore_index=True)
        self._values = self.rows.to_numpy(float)

    def text(self, row: int, column: int) -> str:
        value = self._values[row, column]
        if math.isnan(value):
            return "too short" if column >= _WHOLE else ""
        return f"{value:.0f}" if column < _WHOLE else f"{value:.3g}"


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
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column in (0, _WHOLE):
            columns.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setFixedHeight(_HEIGHT)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setToolTip("Click, Shift-click or Ctrl-click to select; click a title to sort; double-click to go there.")
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
        self._quietly(lambda: self._model.show(rows, units.diffusion))
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
