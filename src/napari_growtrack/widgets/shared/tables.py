"""The growth table, drawn and edited: a row for each layer, a column for each stage; and tables that are only read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import SettingsError
from ...core.figures.style import COLOURS
from ...core.growth.plan import Layer, Plan, Stage
from .labels import Status
from .plots import mixed

if TYPE_CHECKING:
    import pandas as pd

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


# Growth tables --------------------------------------------------------------------------------------------------------


MOST_UNITS = 512
_EMPTY = "."
_COLUMN, _ROW = 36, 22
_SHOWN_ROWS = 8
_DIGITS = 8
_OWN, _READ = 120, 45
_FROZEN = 0.65
_WRONG, _WRONG_INK = QColor("#a8233a"), QColor("white")
_LOOK = "QPushButton { padding: 2px 4px; }"
_CELLS = "QTableView::item { padding: 0px; } QTableView QLineEdit { padding: 0px; }"
TIP = "Units that a stage adds to a layer; . for none. Grey stages are grown already and stay as they are."


class PlanTable(QWidget):
    """Shows and changes a plan.

    What the table does not show, such as window, kernels and outputs, is kept
    as it was given.

    Attributes
    ----------
    changed : Signal()
        The person has changed the table; it may be invalid now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given = Plan.depth()
        self._layers = list(self._given.layers)
        self._frozen = 0
        self._stage: Stage | None = None
        self._most = MOST_UNITS
        self.cells: Any = QTableWidget()
        self.note = Status()
        self.add_stage = self._button("+ stage", "Add a stage, with as many units as the last one.", self._add_stage)
        self.remove_stage = self._button("− stage", "Remove the last stage.", self._remove_stage)
        self.add_conv = self._button("+ conv", "Add a convolution above the others.", lambda: self._add_row("conv"))
        self.add_dense = self._button("+ dense", "Add a dense layer on top.", lambda: self._add_row("dense"))
        self.remove_row = self._button("− row", "Remove the chosen row, or the topmost layer.", self._remove_row)
        self._lay_out()
        self.cells.itemChanged.connect(self._edit)
        self.cells.currentCellChanged.connect(self._offer)
        self.set_plan(self._given)

    def _button(self, text: str, tip: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setStyleSheet(_LOOK)
        button.clicked.connect(act)
        return button

    def _lay_out(self) -> None:
        self.cells.setToolTip(TIP)
        self.cells.setStyleSheet(_CELLS)
        self.cells.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for header, size in ((self.cells.horizontalHeader(), _COLUMN), (self.cells.verticalHeader(), _ROW)):
            header.setMinimumSectionSize(size)
            header.setDefaultSectionSize(size)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        buttons = QHBoxLayout()
        buttons.setSpacing(3)
        for button in (self.add_stage, self.remove_stage, self.add_conv, self.add_dense, self.remove_row):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.cells)
        layout.addLayout(buttons)
        layout.addWidget(self.note)

    def plan(self) -> Plan:
        """Return the plan that the table shows.

        Raises
        ------
        SettingsError
            When a cell is not a whole number, or the table breaks a rule of plans.
        """
        units = [[self._units(row, column) for column in range(self._stages)] for row in range(len(self._layers))]
        return self._given.with_(layers=tuple(self._layers), units=units, members=self._members())

    def set_plan(self, plan: Plan, frozen: int = 0) -> None:
        """Show a plan without announcing it; its first `frozen` stages are grown already and cannot be changed."""
        self._given, self._layers, self._frozen = plan, list(plan.layers), frozen
        self._most = max(MOST_UNITS, max(map(max, plan.units)))
        self._fill([[str(units or _EMPTY) for units in row] for row in plan.units])
        self._check()

    def show_stage(self, stage: Stage | None) -> None:
        """Highlight the column of a stage and, more faintly, those of the earlier stages that it reads."""
        self._stage = stage
        self._paint()

    def sentence(self) -> str:
        """Return why the table is not a plan at present; empty if it is one."""
        try:
            self.plan()
        except SettingsError as error:
            return str(error)
        return ""

    @property
    def _stages(self) -> int:
        return self.cells.columnCount()

    def _members(self) -> tuple[int, ...] | None:
        """Return the members of an ensemble; an added stage belongs to the last one."""
        members = self._given.members
        if members is None:
            return None
        return (*members, *members[-1:] * self._stages)[: self._stages]

    def _units(self, row: int, column: int) -> int:
        units = self._number(row, column)
        if units is None:
            raise SettingsError(
                f"Expected a whole number of units from 0 to {self._most} in {self._names()[row]} of stage "
                f"{column + 1}, got {self._text(row, column)!r}."
            )
        return units

    def _number(self, row: int, column: int) -> int | None:
        """Return the units of a cell, None where it says something else."""
        text = self._text(row, column)
        if text in ("", _EMPTY):
            return 0
        digits = text.isascii() and text.isdigit() and len(text) < _DIGITS
        return int(text) if digits and int(text) <= self._most else None

    def _text(self, row: int, column: int) -> str:
        item = self.cells.item(row, column)
        return "" if item is None else item.text().strip()

    def _names(self) -> list[str]:
        convs = self._convs()
        return [f"conv {i}" if i <= convs else f"dense {i - convs}" for i in range(1, len(self._layers) + 1)]

    def _convs(self) -> int:
        return sum(layer.kind == "conv" for layer in self._layers)

    # What is shown ------------------------------------------------------------------------------------------------

    def _texts(self) -> list[list[str]]:
        return [[self._text(row, column) for column in range(self._stages)] for row in range(len(self._layers))]

    def _fill(self, texts: list[list[str]]) -> None:
        """Show these cells, a list for each row."""
        self.cells.blockSignals(True)
        self.cells.setRowCount(len(texts))
        self.cells.setColumnCount(len(texts[0]))
        self.cells.setVerticalHeaderLabels(self._names())
        self.cells.setHorizontalHeaderLabels([str(stage) for stage in range(1, len(texts[0]) + 1)])
        for row, line in enumerate(texts):
            for column, text in enumerate(line):
                self.cells.setItem(row, column, self._cell(text, column))
        self.cells.blockSignals(False)
        self._fit()

    def _cell(self, text: str, column: int) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        if column < self._frozen:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        return item

    def _fit(self) -> None:
        """Be as high as the rows are, up to a few, with a scroll bar where not all stages are seen."""
        cells, rows = self.cells, len(self._layers)
        wide = cells.verticalHeader().sizeHint().width() + self._stages * _COLUMN > self.width() - 2
        on, off = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        cells.setHorizontalScrollBarPolicy(on if wide else off)
        cells.setVerticalScrollBarPolicy(on if rows > _SHOWN_ROWS else off)
        bar = cells.horizontalScrollBar().sizeHint().height() if wide else 0
        cells.setFixedHeight(cells.horizontalHeader().sizeHint().height() + min(rows, _SHOWN_ROWS) * _ROW + bar + 4)

    def _paint(self) -> None:
        self.cells.blockSignals(True)
        for column in range(self._stages):
            tint, ink = self._tint(column), QBrush(mixed(self.palette(), _FROZEN if column < self._frozen else 1))
            for row in range(self.cells.rowCount()):
                wrong = self._number(row, column) is None
                item = self.cells.item(row, column)
                item.setForeground(_WRONG_INK if wrong else ink)
                item.setBackground(_WRONG if wrong else tint)
        self.cells.blockSignals(False)

    def _tint(self, column: int) -> QBrush:
        stage, members = self._stage, self._members()
        if stage is None or column >= stage:
            frozen = QBrush(mixed(self.palette(), 0.12))
            return frozen if column < self._frozen else QBrush()
        colour = QColor(COLOURS[4])
        mine = members is None or stage > self._stages or members[column] == members[stage - 1]
        colour.setAlpha(_OWN if column == stage - 1 else _READ if mine else 0)
        return QBrush(colour)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        themes = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if event is not None and event.type() in themes:
            self._paint()
            self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Make room for a scroll bar where not all stages are seen."""
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Measure the headers, whose size the theme decides."""
        super().showEvent(event)
        self._fit()

    def _check(self) -> None:
        """Say what is wrong, if anything, and offer what can be done."""
        self.note.tell(self.sentence(), "error")
        self._paint()
        self._offer()

    # What the person does -----------------------------------------------------------------------------------------

    def _edit(self, item: QTableWidgetItem) -> None:
        if item.text().strip() in ("", "0"):
            self.cells.blockSignals(True)
            item.setText(_EMPTY)
            self.cells.blockSignals(False)
        self._announce()

    def _announce(self) -> None:
        self._check()
        self.changed.emit()

    def _change(self, texts: list[list[str]]) -> None:
        self._fill(texts)
        self._announce()

    def _offer(self, *_: object) -> None:
        self.remove_stage.setEnabled(self._stages > max(1, self._frozen))
        self.add_conv.setEnabled(self._convs() >= self._grown())
        self.remove_row.setEnabled(len(self._layers) > 1 and self._chosen() >= self._grown())

    def _grown(self) -> int:
        """Return how many rows, from the image upwards, belong to stages that are grown already."""
        return max((self._given.top(stage) for stage in range(1, self._frozen + 1)), default=0)

    def _chosen(self) -> int:
        row = self.cells.currentRow()
        return row if 0 <= row < len(self._layers) else len(self._layers) - 1

    def _add_stage(self) -> None:
        self._change([[*row, row[-1]] for row in self._texts()])

    def _remove_stage(self) -> None:
        self._change([row[:-1] for row in self._texts()])

    def _add_row(self, kind: Literal["conv", "dense"]) -> None:
        """Add a row above its kind, with the units of the row below it where they may still be chosen."""
        row = self._convs() if kind == "conv" else len(self._layers)
        texts = self._texts()
        like = texts[max(row - 1, 0)]
        texts.insert(row, [_EMPTY if column < self._frozen else text for column, text in enumerate(like)])
        self._layers.insert(row, self._layer(kind))
        self._change(texts)

    def _layer(self, kind: Literal["conv", "dense"]) -> Layer:
        """Return a layer like the topmost of its kind."""
        return next((layer for layer in reversed(self._layers) if layer.kind == kind), Layer(kind=kind))

    def _remove_row(self) -> None:
        row, texts = self._chosen(), self._texts()
        del self._layers[row], texts[row]
        self._change(texts)
