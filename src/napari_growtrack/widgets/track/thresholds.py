"""Histograms of what was found, with the thresholds and limits that choose from it."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QFocusEvent, QKeyEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ..session.runs import Candidates
from ..session.session import Session
from ..shared.choices import Choice
from ..shared.labels import Note
from ..shared.plots import Plot, pyqtgraph_module
from .sentences import NOTHING_YET, accepted_line, number, span_words

Keep = Literal["below", "above"]

_BINS = 64
_HEIGHT, _WIDTH = 120, 240
_BOX = 64
_ROOM = 0.02
_BEYOND = 0.001
TIP = (
    "Drag the line, or click where it should be; the arrow keys move it by 1 %.\n"
    "Right-click: put it where the values fall best into two groups (Otsu 1979).\n"
    "Dashed: the calibrated threshold. Heights are square roots of counts, so that few are seen beside many."
)
_LOOK = "QPushButton { padding: 1px 6px; }"

DISTANCE = (
    "Distance: how much farther away than the position they agree on the windows around a candidate believe the "
    "particle to be. Near 0 they are sure."
)

SIGNIFICANCE = "Significance: by how many standard errors the fitted particle stands out of the background's noise."
_LEAST = 1e-3
"""Thresholds are greater than 0."""

LIMITED = {"signal": "counts", "radius": "px", "background": "counts", "axis_ratio": "", "sigma": "px"}
"""Columns that can be limited, with their units."""

LIMIT = (
    "Drag either line, or click where the nearer one should be; the arrow keys move the last one by 1 %.\n"
    "At the end of the axis it is off. Of a limited column, what was not fitted is left out too."
)
COLUMNS = (
    "What else the fit measured: signal is a particle's light above the background, summed over its pixels;\n"
    "sigma the standard error of its position. Several may be limited at a time: a dot marks those that are."
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


class ThresholdHistogram(Histogram):
    """Shows how values are distributed, and one mark that tells which of them are kept.

    Parameters
    ----------
    name, unit, log
        As for `Histogram`.
    keep : {"below", "above"}
        Which side of the mark is kept.

    Attributes
    ----------
    moved : Signal(float)
        Where the mark is, at every step of its way.
    released : Signal(float)
        Where the mark was left.
    reset : Signal()
        The person wants the calibrated threshold; where it is known, the mark is there already.
    """

    moved = Signal(float)
    released = Signal(float)
    reset = Signal()

    def __init__(
        self, name: str, unit: str = "px", keep: Keep = "below", log: bool = False, parent: QWidget | None = None
    ) -> None:
        self._keep = keep
        self._mark = 1.0
        self._calibrated: float | None = None
        super().__init__(name, unit, log, "Calibrated", parent)
        self.button.setToolTip("Put the line back where it was calibrated.")
        self.button.setEnabled(False)
        self.setToolTip(TIP)

    def _draw_lines(self) -> None:
        pg = pyqtgraph_module()
        self._dashes = self.plot.add(pg.InfiniteLine(angle=90))
        self._line = self.plot.add(pg.InfiniteLine(angle=90))
        self._dashes.hide()

    def _connect(self) -> None:
        super()._connect()
        self.plot.released.connect(self._release)
        self.plot.asked.connect(self._part)

    def set_mark(self, mark: float) -> None:
        """Put the mark somewhere without announcing it; the axis reaches there."""
        self._mark = float(mark)
        low, high = self._range
        if low <= self._place(self._mark) <= high:
            self._show()
        else:
            self._count()

    def set_calibrated(self, mark: float | None) -> None:
        """Draw a dashed line at the calibrated threshold; None for none."""
        self._calibrated = mark
        self.button.setEnabled(mark is not None)
        self._dashes.setVisible(mark is not None)
        if mark is not None:
            self._dashes.setValue(self._place(mark))
        self._count()

    def mark(self) -> float:
        """Return where the mark is, in the unit of the axis."""
        return self._mark

    def kept(self) -> int:
        """Return how many values are on the side that is kept; a value on the mark is."""
        if self._keep == "below":
            return int(np.searchsorted(self._values, self._mark, side="right"))
        return len(self._values) - int(np.searchsorted(self._values, self._mark, side="left"))

    def _lines(self) -> list[float]:
        return [line for line in (self._mark, self._calibrated) if line is not None]

    def _show(self) -> None:
        place = self._place(self._mark)
        self._line.setValue(place)
        centres = (self._edges[1:] + self._edges[:-1]) / 2
        below = centres <= place
        self._show_bars(kept=below if self._keep == "below" else ~below)
        self.caption.setText(f"{self._keep} {self._mark:.3g} {self._unit}".rstrip() + f": {self._share()}")

    def _colour(self) -> None:
        super()._colour()
        self._line.setPen(self._pen())
        self._dashes.setPen(pyqtgraph_module().mkPen(self.plot.colour(), width=1, style=Qt.PenStyle.DashLine))

    def _drag(self, place: float) -> None:
        low, high = self._range
        self._mark = self._value(min(max(place, low), high))
        self._show()
        self.moved.emit(self._mark)

    def _release(self, _: float) -> None:
        self.released.emit(self._mark)

    def _part(self) -> None:
        if len(self._places) > 1:
            from skimage.filters import threshold_otsu

            self._leave(float(threshold_otsu(self._places)))

    def _leave(self, place: float) -> None:
        self._drag(place)
        self.released.emit(self._mark)

    def _step(self, share: float) -> None:
        low, high = self._range
        self._leave(self._place(self._mark) + share * (high - low))

    def _reset(self) -> None:
        if self._calibrated is not None:
            self.set_mark(self._calibrated)
        self.reset.emit()


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
    """Limits what a session accepts by a column of what the fit measured, one column after the other.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[object, str] | None = None
        self._table: pd.DataFrame | None = None
        self.column = Choice()
        self.least, self.greatest = QLineEdit(), QLineEdit()
        self.histogram = LimitHistogram()
        self._lay_out()
        self.column.currentIndexChanged.connect(self._refresh)
        self.histogram.moved.connect(self._limit)
        for box in (self.least, self.greatest):
            box.editingFinished.connect(self._take_typed)

    def _lay_out(self) -> None:
        self.column.setMinimumContentsLength(10)
        self.column.setToolTip(COLUMNS)
        for name in LIMITED:
            self.column.addItem(_worded(name), name)
        row = QHBoxLayout()
        row.addWidget(self.column, 1)
        for word, box, tip in (("from", self.least, "least"), ("to", self.greatest, "greatest")):
            box.setPlaceholderText("off")
            box.setToolTip(f"The {tip} value that is kept; empty for none.")
            box.setFixedWidth(_BOX)
            row.addWidget(QLabel(word))
            row.addWidget(box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.histogram)

    @property
    def name(self) -> str:
        """The column that is shown."""
        return str(self.column.currentData())

    def show_candidates(self, candidates: Candidates) -> None:
        """Show what was found, and how it is limited."""
        self._table = candidates.table
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        if self._table is None:
            return
        limits, name = self._session.chosen.limits, self.name
        low, high = limits.of_column(name)
        if self._shown is None or self._shown[0] is not self._table or self._shown[1] != name:
            self._shown = self._table, name
            values = self._table.get(name, ())
            self.histogram.show_column(_worded(name), LIMITED[name], values, (low, high))
        self.histogram.set_span(low, high)
        for box, end in ((self.least, low), (self.greatest, high)):
            box.setText(number(end) if math.isfinite(end) else "")
        for row, column in enumerate(LIMITED):
            limited = limits.of_column(column) != (-math.inf, math.inf)
            text = f"{_worded(column)} \N{BULLET}" if limited else _worded(column)
            if self.column.itemText(row) != text:
                self.column.setItemText(row, text)

    def _limit(self, low: float, high: float) -> None:
        self._session.change(limits=self._session.chosen.limits.with_(self.name, low, high))

    def _take_typed(self) -> None:
        """Take numbers that were typed, the smaller one as the least; what is no number is put back."""
        boxes, known = (self.least, self.greatest), self._session.chosen.limits.of_column(self.name)
        if any(box.isModified() for box in boxes):
            ends = [_typed(box, end, off) for box, end, off in zip(boxes, known, (-math.inf, math.inf), strict=True)]
            self._limit(min(ends), max(ends))
            self._refresh()


def _typed(box: QLineEdit, known: float, off: float) -> float:
    if not box.isModified():
        return known
    text = box.text().strip().replace(",", ".")
    try:
        return float(text) if math.isfinite(float(text or "0")) and text else off
    except ValueError:
        return known


def _worded(name: str) -> str:
    return name.replace("_", " ")


class ThresholdForm(QWidget):
    """Shows what was found by distance, by significance and by a column of choice, and changes which of it counts.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.distance = ThresholdHistogram("distance", "px", "below")
        self.significance = ThresholdHistogram("significance", "sigma", "above", log=True)
        self.limits = LimitForm(session)
        self.about = Note()
        self.distance.setToolTip(f"{DISTANCE}\n{self.distance.toolTip()}")
        self.significance.setToolTip(f"{SIGNIFICANCE}\n{self.significance.toolTip()}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.about, self.distance, self.significance, self.limits):
            layout.addWidget(part)
        self.distance.moved.connect(lambda mark: session.change(accept_distance=max(mark, _LEAST)))
        self.significance.moved.connect(self._move_significance)
        self.distance.reset.connect(lambda: session.change(accept_distance=None))
        self.significance.reset.connect(lambda: session.change(least_significance=None))
        self._shown: object = None
        self._floor = 0.0
        self._homes: dict[ThresholdHistogram, float] = {}

    def _move_significance(self, mark: float) -> None:
        self._session.change(least_significance=mark if mark > self._floor else 0.0)

    def show_candidates(self, candidates: Candidates | None, of: str) -> None:
        """Show what was found, and `of` what; None for nothing yet."""
        if candidates is None:
            self._shown = None
            self.about.say(NOTHING_YET)
            self.distance.hide()
            self.significance.hide()
            self.limits.hide()
            return
        self.distance.show()
        self.about.say(accepted_line(int(candidates.accepted.sum()), len(candidates.table), of, candidates.noise))
        self._place(candidates)
        self.limits.show_candidates(candidates)
        if candidates.table is not self._shown:
            self._shown = candidates.table
            self.distance.set_values(candidates.table["distance"])
            self.significance.set_values(candidates.table["significance"])

    def _place(self, candidates: Candidates) -> None:
        """Put both marks where they are chosen."""
        choice = candidates.choice
        known = candidates.cascade
        chosen = choice.cascade(known)
        self.significance.setVisible(known.polish)
        self.limits.setVisible(known.polish or bool(choice.limits))
        least = self._floor = _floor(candidates.table["significance"])
        pairs = (
            (self.distance, chosen.accept_distance / choice.zoom, known.accept_distance / choice.zoom),
            (self.significance, max(chosen.least_significance, least), max(known.least_significance, least)),
        )
        for histogram, mark, home in pairs:
            if not np.isclose(histogram.mark(), mark, rtol=1e-9):
                histogram.set_mark(mark)
            if self._homes.get(histogram) != home:
                self._homes[histogram] = home
                histogram.set_calibrated(home)


def _floor(significances: pd.Series) -> float:
    """Return where the mark stands that drops nothing: a logarithmic axis has no 0."""
    some = significances[significances > 0]
    return float(some.min()) / 2 if len(some) else 1.0
