"""Histograms of what was found, with lines that are dragged to choose from it; and limits on any column of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QFocusEvent, QKeyEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ...core.tables import Limits
from .choices import Choice
from .plots import Plot, pyqtgraph_module

_BINS = 64
_HEIGHT, _WIDTH = 120, 240
_BOX = 64
_ROOM = 0.02
_BEYOND = 0.001
_LOOK = "QPushButton { padding: 1px 6px; }"

LIMIT = (
    "Drag either line, or click where the nearer one should be; the arrow keys move the last one by 1 %.\n"
    "At the end of the axis it is off. Of a limited column, what is not known is left out too."
)


class Histogram(QWidget):
    """Shows how values are distributed, and in colour which of them are kept.

    Parameters
    ----------
    name, unit : str
        What the values are, for the axis title; an empty unit for none.
    log : bool
        Give every decade the same room.
    back : str
        What the button says that takes back what was moved.
    """

    def __init__(self, name: str, unit: str, log: bool, back: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit, self._log = unit, log
        self.plot = Plot(_titled(name, unit), log="x" if log else "")
        self.caption = QLabel()
        self.button = QPushButton(back)
        pg = pyqtgraph_module()
        self._bars = {kept: self.plot.add(pg.BarGraphItem(x0=[], x1=[], height=[], pen=None)) for kept in (True, False)}
        self._draw_lines()
        self._colour()
        self._lay_out()
        self._connect()
        self.set_values(())

    def _lay_out(self) -> None:
        self.button.setStyleSheet(_LOOK)
        top = QHBoxLayout()
        top.addWidget(self.caption, 1)
        top.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.plot)
        self.setFixedHeight(_HEIGHT)
        self.setMinimumWidth(_WIDTH)
        self.caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.view.viewport().setCursor(Qt.CursorShape.SplitHCursor)

    def _connect(self) -> None:
        self.plot.pressed.connect(self._press)
        self.plot.dragged.connect(self._drag)
        self.plot.recoloured.connect(self._colour)
        self.button.clicked.connect(self._reset)

    def set_values(self, values: ArrayLike) -> None:
        """Show how values are distributed; those that are not finite, or not above 0 on a logarithmic axis, are not.

        Parameters
        ----------
        values : array_like, shape (n,)
            In the unit of the axis. One in a thousand at either end may lie
            beyond the axis; they are counted in its first and last bar.
        """
        values = np.asarray(values, dtype=np.float64).ravel()
        values = np.sort(values[np.isfinite(values) & ((values > 0) | (not self._log))])
        self._values, self._places = values, np.log10(values) if self._log else values
        self._count()

    def limits(self) -> tuple[float, float]:
        """Return where the axis begins and ends, in its unit."""
        low, high = self._range
        return self._value(low), self._value(high)

    def _place(self, value: float) -> float:
        """Return where on the axis a value is: its power of ten on a logarithmic one."""
        if not self._log:
            return value
        return math.log10(value) if value > 0 else float(self._places[0]) if len(self._places) else 0.0

    def _value(self, place: float) -> float:
        return 10.0**place if self._log else place

    def _count(self) -> None:
        """Count the values, on an axis with room for them and all lines."""
        self._range = low, high = self._reach()
        self._counts, self._edges = np.histogram(np.clip(self._places, low, high), _BINS, (low, high))
        room = (high - low) * _ROOM
        self.plot.show_range((low - room, high + room), (0, 1.08 * math.sqrt(max(1, self._counts.max()))))
        self._show()

    def _reach(self) -> tuple[float, float]:
        ends = [self._place(line) for line in self._lines()]
        if len(self._places):
            last = len(self._places) - 1
            ends += [float(self._places[round(last * share)]) for share in (_BEYOND, 1 - _BEYOND)]
        low, high = min(ends, default=0.5), max(ends, default=0.5)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def _show_bars(self, kept: NDArray[np.bool_]) -> None:
        heights = np.sqrt(self._counts)
        for side, bars in self._bars.items():
            shown = (kept == side) & (self._counts > 0)
            bars.setOpts(x0=self._edges[:-1][shown], x1=self._edges[1:][shown], height=heights[shown])

    def _share(self) -> str:
        return f"{self.kept() / len(self._values):.1%}" if len(self._values) else "no values"

    def _colour(self) -> None:
        self._bars[True].setOpts(brush=QColor(COLOURS[4]))
        self._bars[False].setOpts(brush=self.plot.colour(0.35))

    def _pen(self) -> Any:
        return pyqtgraph_module().mkPen(QColor(COLOURS[3]), width=3 if self.hasFocus() else 2)

    def _press(self, place: float) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._drag(place)

    def kept(self) -> int:
        """Return how many values are kept."""
        raise NotImplementedError

    def _draw_lines(self) -> None:
        raise NotImplementedError

    def _lines(self) -> list[float]:
        """Return the values that the axis must reach."""
        raise NotImplementedError

    def _show(self) -> None:
        raise NotImplementedError

    def _drag(self, place: float) -> None:
        raise NotImplementedError

    def _step(self, share: float) -> None:
        """Move a line by a share of the axis."""
        raise NotImplementedError

    def _reset(self) -> None:
        raise NotImplementedError

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show by a thicker line that the arrow keys move it."""
        super().focusInEvent(event)
        self._colour()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show the line as it was."""
        super().focusOutEvent(event)
        self._colour()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move a line by one percent of the axis with the arrow keys."""
        steps: dict[int, float] = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01}
        step = None if event is None else steps.get(event.key())
        if step is None:
            return super().keyPressEvent(event)
        self._step(step)


class LimitHistogram(Histogram):
    """Shows how values are distributed, and two lines between which they are kept; at an end of the axis one is off.

    Attributes
    ----------
    moved : Signal(float, float)
        The least and the greatest value; -inf and inf where they are off.
    """

    moved = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._span = [-math.inf, math.inf]
        self._side = 0
        super().__init__("", "", False, "No limits", parent)
        self.button.setToolTip("Take both limits of this column back.")
        self.setToolTip(LIMIT)

    def _draw_lines(self) -> None:
        pg = pyqtgraph_module()
        self._two = [self.plot.add(pg.InfiniteLine(angle=90)) for _ in range(2)]

    def show_column(self, name: str, unit: str, values: ArrayLike, span: tuple[float, float]) -> None:
        """Show other values, and where they are limited."""
        self._unit, self._span = unit, [*span]
        self.plot.set_title(0, _titled(name, unit))
        self.set_values(values)

    def set_span(self, low: float, high: float) -> None:
        """Put the lines somewhere without announcing it; the axis reaches there."""
        if self._span != [low, high]:
            self._span = [low, high]
            self._count()

    def span(self) -> tuple[float, float]:
        """Return the least and the greatest value; -inf and inf where they are off."""
        return self._span[0], self._span[1]

    def kept(self) -> int:
        """Return how many values are kept; those on a line are."""
        low, high = self._span
        return int(np.searchsorted(self._values, high, side="right") - np.searchsorted(self._values, low, side="left"))

    def _lines(self) -> list[float]:
        return [end for end in self._span if math.isfinite(end)]

    def _ends(self) -> tuple[float, float]:
        """Return where the lines are drawn."""
        return max(self._span[0], self._range[0]), min(self._span[1], self._range[1])

    def _show(self) -> None:
        low, high = self._span
        for line, place in zip(self._two, self._ends(), strict=True):
            line.setValue(place)
        centres = (self._edges[1:] + self._edges[:-1]) / 2
        self._show_bars(kept=(low <= centres) & (centres <= high))
        self.button.setEnabled(bool(self._lines()))
        self.caption.setText(f"{span_words(low, high, self._unit)}: {self._share()}")

    def _colour(self) -> None:
        super()._colour()
        for line in self._two:
            line.setPen(self._pen())

    def _press(self, place: float) -> None:
        low, high = self._ends()
        self._side = int(abs(place - high) < abs(place - low))
        super()._press(place)

    def _drag(self, place: float) -> None:
        low, high = self._range
        if self._side == 0:
            self._span[0] = -math.inf if place <= low else min(place, self._ends()[1])
        else:
            self._span[1] = math.inf if place >= high else max(place, self._ends()[0])
        self._show()
        self.moved.emit(*self._span)

    def _step(self, share: float) -> None:
        low, high = self._range
        self._drag(self._ends()[self._side] + share * (high - low))

    def _reset(self) -> None:
        self._span = [-math.inf, math.inf]
        self._count()
        self.moved.emit(*self._span)


def _titled(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


class LimitForm(QWidget):
    """Limits the rows of a table by a column of choice, one column after the other; a dot marks those that are limited.

    Parameters
    ----------
    columns : mapping of str to str
        Columns that can be limited, with their units.
    tip : str
        What they are.

    Attributes
    ----------
    changed : Signal(object)
        The limits that the person has chosen now.
    limits : Limits
    """

    changed = Signal(object)

    def __init__(
        self, columns: Mapping[str, str], limits: Limits, tip: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._shown: tuple[object, str] | None = None
        self._table: pd.DataFrame | None = None
        self._units: dict[str, str] = {}
        self.limits = limits
        self.column = Choice()
        self.least, self.greatest = QLineEdit(), QLineEdit()
        self.histogram = LimitHistogram()
        self._lay_out(tip)
        self.set_columns(columns)
        self.column.currentIndexChanged.connect(self._refresh)
        self.histogram.moved.connect(self._limit)
        for box in (self.least, self.greatest):
            box.editingFinished.connect(self._take_typed)

    def _lay_out(self, tip: str) -> None:
        self.column.setMinimumContentsLength(4)  # the axis has the whole name
        self.column.setToolTip(tip)
        row = QHBoxLayout()
        row.addWidget(self.column, 1)
        for word, box, which in (("from", self.least, "least"), ("to", self.greatest, "greatest")):
            box.setPlaceholderText(word)
            box.setToolTip(f"The {which} value that is kept; empty for none.")
            box.setFixedWidth(_BOX)
            row.addWidget(box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.histogram)

    def set_columns(self, columns: Mapping[str, str]) -> None:
        """Offer other columns, or other units of them; the one that is shown stays where it is there."""
        if self._units == columns and [*self._units] == [*columns]:
            return
        name, self._units, self._shown = self.name, {**columns}, None
        self.column.blockSignals(True)
        self.column.clear()
        for column in columns:
            self.column.addItem(worded(column), column)
        self.column.setCurrentIndex(max(self.column.findData(name), 0))
        self.column.blockSignals(False)

    @property
    def name(self) -> str:
        """The column that is shown."""
        return str(self.column.currentData())

    def show_table(self, table: pd.DataFrame, limits: Limits) -> None:
        """Show how a table's values are distributed, and how they are limited."""
        self._table, self.limits = table, limits
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        if self._table is None:
            return
        low, high = self.limits.of_column(self.name)
        if self._shown is None or self._shown[0] is not self._table or self._shown[1] != self.name:
            self._shown = self._table, self.name
            values = self._table.get(self.name, ())
            self.histogram.show_column(worded(self.name), self._units[self.name], values, (low, high))
        self.histogram.set_span(low, high)
        for box, end in ((self.least, low), (self.greatest, high)):
            box.setText(number(end) if math.isfinite(end) else "")
        for row, column in enumerate(self._units):
            limited = self.limits.of_column(column) != (-math.inf, math.inf)
            text = f"{worded(column)} \N{BULLET}" if limited else worded(column)
            if self.column.itemText(row) != text:
                self.column.setItemText(row, text)

    def _limit(self, low: float, high: float) -> None:
        self.limits = self.limits.with_(self.name, low, high)
        self._refresh()
        self.changed.emit(self.limits)

    def _take_typed(self) -> None:
        """Take numbers that were typed, the smaller one as the least; what is no number is put back."""
        boxes, known = (self.least, self.greatest), self.limits.of_column(self.name)
        if any(box.isModified() for box in boxes):
            ends = [_typed(box, end, off) for box, end, off in zip(boxes, known, (-math.inf, math.inf), strict=True)]
            self._limit(min(ends), max(ends))


def _typed(box: QLineEdit, known: float, off: float) -> float:
    if not box.isModified():
        return known
    text = box.text().strip().replace(",", ".")
    try:
        return float(text) if math.isfinite(float(text or "0")) and text else off
    except ValueError:
        return known


# Words ----------------------------------------------------------------------------------------------------------------


def worded(name: str) -> str:
    """Return the name of a column as it is said."""
    return name.replace("_", " ")


def span_words(low: float, high: float, unit: str) -> str:
    """Say between which values something is kept.

    Examples
    --------
    >>> span_words(1, 3, "px"), span_words(500, math.inf, "counts"), span_words(-math.inf, math.inf, "px")
    ('1 to 3 px', 'from 500 counts', 'no limits')
    """
    if math.isinf(low) and math.isinf(high):
        return "no limits"
    if math.isinf(low):
        words = f"up to {number(high)}"
    else:
        words = f"from {number(low)}" if math.isinf(high) else f"{number(low)} to {number(high)}"
    return f"{words} {unit}".rstrip()


def number(value: float) -> str:
    """Return a number of four digits, or all those before the point.

    Examples
    --------
    >>> number(2.81334), number(123456.7)
    ('2.813', '123457')
    """
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
