"""A list of points that are visited one after the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QModelIndex, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from ..shared.reading_table import ReadingModel, only_read

POINT = ["frame", "y", "x"]

_ROW = 20
_NARROW = 20
_DIGITS = (0, 1, 1, 2)


class _PlaceModel(ReadingModel):
    """Rows of a table of points: frame, y, x and a distance."""

    def __init__(self, distance: str, parent: QWidget) -> None:
        self._columns = *POINT, distance
        super().__init__((*POINT, f"{distance} (px)"), pd.DataFrame(columns=self._columns), parent)

    def show(self, rows: pd.DataFrame) -> None:
        self.beginResetModel()
        self.rows = rows.reset_index(drop=True)
        self._values = [self.rows[name].to_numpy(float) for name in self._columns]
        self.endResetModel()

    def text(self, row: int, column: int) -> str:
        value = self._values[column][row]
        return "none" if math.isnan(value) else f"{value:.{_DIGITS[column]}f}"


class PlaceTable(QTableView):
    """Lists points; the one that is clicked, or reached with the arrow keys, is to be shown.

    Parameters
    ----------
    distance : str
        The column, in pixels, that is listed after ``frame, y, x``.

    Attributes
    ----------
    visited : Signal(float, float, float)
        The frame, y and x of a point.
    """

    visited = Signal(float, float, float)

    def __init__(self, distance: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _PlaceModel(distance, self)
        self._left: int | None = None
        self.setModel(self._model)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        columns = only_read(self, _ROW)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        columns.setSectionResizeMode(len(POINT), QHeaderView.ResizeMode.ResizeToContents)
        columns.setMinimumSectionSize(_NARROW)
        self.clicked.connect(self._visit)

    @property
    def rows(self) -> pd.DataFrame:
        """The points that are listed."""
        return self._model.rows

    def show_rows(self, rows: pd.DataFrame) -> None:
        """List points, and stay at the one that was shown, or where it was."""
        here = self.currentIndex().row()
        point = self._points()[here] if here >= 0 else np.full(3, np.nan)
        self._model.show(rows)
        same = np.flatnonzero((self._points() == point).all(1))
        if len(same):
            self.setCurrentIndex(self._model.index(int(same[0]), 0))
        elif here >= 0:
            self._left = here

    def step(self, by: int) -> None:
        """Show the next point (1) or the previous one (-1)."""
        if len(self.rows):
            self.setCurrentIndex(self._model.index(self._reached(by) % len(self.rows), 0))
            self._visit(self.currentIndex())

    def _reached(self, by: int) -> int:
        """Return the row that a step leads to; where a point was mended, the one that took its place is the next."""
        here = self.currentIndex().row()
        return here + by if here >= 0 else (self._left or 0) + min(by, 0)

    def keyPressEvent(self, event: Any) -> None:
        """Show what the arrow keys reach."""
        before = self.currentIndex().row()
        super().keyPressEvent(event)
        if self.currentIndex().row() != before:
            self._visit(self.currentIndex())

    def _visit(self, index: QModelIndex) -> None:
        self._left = None
        self.visited.emit(*map(float, self._points()[index.row()]))

    def _points(self) -> np.ndarray:
        return self.rows[POINT].to_numpy(float)
