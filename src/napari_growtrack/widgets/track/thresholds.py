"""Two histograms of what was found, with the thresholds that choose from it."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QFocusEvent, QKeyEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ..session.runs import Candidates
from ..session.session import Session
from ..shared.labels import Note
from ..shared.plots import Plot, pyqtgraph_module
from .sentences import NOTHING_YET, accepted_line

Keep = Literal["below", "above"]

_BINS = 64
_HEIGHT, _WIDTH = 120, 240
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


class ThresholdHistogram(QWidget):
    """Shows how values are distributed, and one mark that tells which of them are kept.

    Parameters
    ----------
    name, unit : str
        What the values are, for the axis title; an empty unit for none.
    keep : {"below", "above"}
        Which side of the mark is kept.
    log : bool
        Give every decade the same room.

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
        super().__init__(parent)
        self._unit, self._keep, self._log = unit, keep, log
        self._mark = 1.0
        self._calibrated: float | None = None
        self.plot = Plot(f"{name} ({unit})" if unit else name, log="x" if log else "")
        self.caption = QLabel()
        self.button = QPushButton("Calibrated")
        self._draw_items()
        self._lay_out()
        self._connect()
        self.set_values(())

    def _draw_items(self) -> None:
        pg = pyqtgraph_module()
        self._bars = {kept: self.plot.add(pg.BarGraphItem(x0=[], x1=[], height=[], pen=None)) for kept in (True, False)}
        self._dashes = self.plot.add(pg.InfiniteLine(angle=90))
        self._line = self.plot.add(pg.InfiniteLine(angle=90))
        self._dashes.hide()
        self._colour()

    def _lay_out(self) -> None:
        self.button.setStyleSheet(_LOOK)
        self.button.setToolTip("Put the line back where it was calibrated.")
        self.button.setEnabled(False)
        self.setToolTip(TIP)
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
        self.plot.released.connect(self._release)
        self.plot.asked.connect(self._part)
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

    def set_mark(self, mark: float) -> None:
        """Put the mark somewhere without announcing it; the axis reaches there."""
        self._mark = float(mark)
        low, high = self._range
        if low <= self._place(self._mark) <= high:
            self._show_mark()
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
        """Count the values, on an axis with room for them and both lines."""
        self._range = low, high = self._reach()
        self._counts, self._edges = np.histogram(np.clip(self._places, low, high), _BINS, (low, high))
        room = (high - low) * _ROOM
        self.plot.show_range((low - room, high + room), (0, 1.08 * math.sqrt(max(1, self._counts.max()))))
        self._show_mark()

    def _reach(self) -> tuple[float, float]:
        ends = [self._place(line) for line in (self._mark, self._calibrated) if line is not None]
        if len(self._places):
            last = len(self._places) - 1
            ends += [float(self._places[round(last * share)]) for share in (_BEYOND, 1 - _BEYOND)]
        low, high = min(ends), max(ends)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def _show_mark(self) -> None:
        place = self._place(self._mark)
        self._line.setValue(place)
        centres = (self._edges[1:] + self._edges[:-1]) / 2
        below = centres <= place
        self._show_bars(kept=below if self._keep == "below" else ~below)
        self.caption.setText(self._told())

    def _show_bars(self, kept: NDArray[np.bool_]) -> None:
        heights = np.sqrt(self._counts)
        for side, bars in self._bars.items():
            shown = (kept == side) & (self._counts > 0)
            bars.setOpts(x0=self._edges[:-1][shown], x1=self._edges[1:][shown], height=heights[shown])

    def _told(self) -> str:
        share = f"{self.kept() / len(self._values):.1%}" if len(self._values) else "no values"
        return f"{self._keep} {self._mark:.3g} {self._unit}".rstrip() + f": {share}"

    def _colour(self) -> None:
        pg = pyqtgraph_module()
        self._bars[True].setOpts(brush=QColor(COLOURS[4]))
        self._bars[False].setOpts(brush=self.plot.colour(0.35))
        self._line.setPen(pg.mkPen(QColor(COLOURS[3]), width=3 if self.hasFocus() else 2))
        self._dashes.setPen(pg.mkPen(self.plot.colour(), width=1, style=Qt.PenStyle.DashLine))

    def _press(self, place: float) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._drag(place)

    def _drag(self, place: float) -> None:
        low, high = self._range
        self._mark = self._value(min(max(place, low), high))
        self._show_mark()
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

    def _reset(self) -> None:
        if self._calibrated is not None:
            self.set_mark(self._calibrated)
        self.reset.emit()

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show by a thicker line that the arrow keys move it."""
        super().focusInEvent(event)
        self._colour()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show the line as it was."""
        super().focusOutEvent(event)
        self._colour()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the mark by one percent of the axis with the arrow keys."""
        steps: dict[int, float] = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01}
        step = None if event is None else steps.get(event.key())
        if step is None:
            return super().keyPressEvent(event)
        low, high = self._range
        self._leave(self._place(self._mark) + step * (high - low))


class ThresholdForm(QWidget):
    """Shows what was found by distance and by significance, and changes which of it a session accepts.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.distance = ThresholdHistogram("distance", "px", "below")
        self.significance = ThresholdHistogram("significance", "sigma", "above", log=True)
        self.about = Note()
        self.distance.setToolTip(f"{DISTANCE}\n{self.distance.toolTip()}")
        self.significance.setToolTip(f"{SIGNIFICANCE}\n{self.significance.toolTip()}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.about, self.distance, self.significance):
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
            return
        self.distance.show()
        self.about.say(accepted_line(int(candidates.accepted.sum()), len(candidates.table), of))
        self._place(candidates)
        if candidates.table is not self._shown:
            self._shown = candidates.table
            self.distance.set_values(candidates.table["distance"])
            self.significance.set_values(candidates.table["significance"])

    def _place(self, candidates: Candidates) -> None:
        """Put both marks where they are chosen."""
        choice = candidates.choice
        chosen, calibrated = choice.cascade(), choice.calibrated()
        self.significance.setVisible(calibrated.polish)
        least = self._floor = _floor(candidates.table["significance"])
        pairs = (
            (self.distance, chosen.accept_distance / choice.zoom, calibrated.accept_distance / choice.zoom),
            (self.significance, max(chosen.least_significance, least), max(calibrated.least_significance, least)),
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
