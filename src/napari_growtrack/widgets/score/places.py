"""What was missed, what is false and the worst pairs: crosses in the picture, and lists to be visited one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QModelIndex, QObject, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ...core.scoring import Comparison
from ..shared.layers import SCORED, placed, put_over
from ..shared.tables import ReadingModel, only_read

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points

# Lists ----------------------------------------------------------------------------------------------------------------


POINT = ["frame", "y", "x"]

_ROW = 20
_NARROW = 20
_DIGITS = (0, 1, 1, 2)

_HEIGHT = 190
_WORST = 10
MARK = "score mark"
"""The layer with a ring around the point that was clicked: what lies in it is near enough to match."""

_CROSS = {"symbol": "x", "border_width": 0, "size": 5}
_CIRCLE = {
    "symbol": "disc",
    "face_color": "transparent",
    "border_color": "#ffffff",
    "border_width": 0.06,
    "border_width_is_relative": True,
}

_COLOURS = {"missed": "#ffd23f", "false": "#ff3b30"}


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


# Layers ---------------------------------------------------------------------------------------------------------------


class ScoreLayers(QObject):
    """Shows points over the layer of detections; the layer that the person works on stays the active one.

    Attributes
    ----------
    lost : Signal()
        The person has removed the layer of what was missed, or of what is false.
    """

    lost = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._following = False

    def follow(self) -> None:
        """Begin to notice that a layer is removed; may be called twice."""
        if not self._following:
            self._following = True
            self._viewer.layers.events.removed.connect(self._lose)

    def leave(self) -> None:
        """Remove all layers, and notice nothing more; may be called twice."""
        if self._following:
            self._following = False
            self._viewer.layers.events.removed.disconnect(self._lose)
        self.remove()

    def show_wrong(self, compared: Comparison, detections: Points) -> None:
        """Mark with crosses what was missed and what is false."""
        for name, table in (("missed", compared.missed), ("false", compared.false)):
            self._fill(name, table, detections, face_color=_COLOURS[name], **_CROSS)

    def hide_wrong(self) -> None:
        """Remove the crosses."""
        self._remove(*_COLOURS)

    def ring(self, point: tuple[float, float, float], radius: float, detections: Points) -> None:
        """Draw a ring around a point; both in pixels of the detections."""
        self._fill(MARK, pd.DataFrame([point], columns=POINT), detections, size=2 * radius, **_CIRCLE)

    def remove(self) -> None:
        """Remove crosses and ring."""
        self._remove(MARK, *_COLOURS)

    def _ours(self, *names: str) -> list[Points]:
        return [layer for layer in self._viewer.layers if layer.metadata.get(SCORED) in names]

    def _remove(self, *names: str) -> None:
        with self._viewer.layers.events.removed.blocker(self._lose):
            for layer in self._ours(*names):
                self._viewer.layers.remove(layer)

    def _lose(self, event: Any) -> None:
        if event.value.metadata.get(SCORED) in _COLOURS:
            self.lost.emit()

    def _fill(self, name: str, table: pd.DataFrame, detections: Points, **look: Any) -> None:
        """Show points, in pixels of the detections, in the layer of this name."""
        data = table[POINT].to_numpy(float)[:, -detections.ndim :]
        if any(layer.ndim != detections.ndim for layer in self._ours(name)):
            self._remove(name)
        layer = next(iter(self._ours(name)), None)
        if layer is None:
            selected = set(self._viewer.layers.selection)
            named = {"name": name, "metadata": {SCORED: name}, "ndim": detections.ndim}
            self._viewer.add_points(data, **named, **placed(detections), **look)
            self._viewer.layers.selection = selected
        else:
            _renew(layer, data, look["size"])
            put_over(detections, layer)


def _renew(layer: Points, data: np.ndarray, size: float) -> None:
    layer.selected_data = set()
    layer.data = data
    if layer.current_size != size:
        layer.size = layer.current_size = size
