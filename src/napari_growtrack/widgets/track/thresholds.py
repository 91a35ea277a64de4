"""Histograms of what was found, with the thresholds and limits that choose from it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...core.tables import NO_LIMITS
from ..session.runs import Candidates
from ..session.session import Session
from ..shared.histograms import Histogram, LimitForm
from ..shared.labels import Note
from ..shared.plots import pyqtgraph_module
from .sentences import NOTHING_YET, accepted_line

Keep = Literal["below", "above"]

TIP = (
    "Drag the line, or click where it should be; the arrow keys move it by 1 %.\n"
    "Right-click: put it where the values fall best into two groups (Otsu 1979).\n"
    "Dashed: the calibrated threshold. Heights are square roots of counts, so that few are seen beside many."
)

DISTANCE = (
    "Distance: how much farther away than the position they agree on the windows around a candidate believe the "
    "particle to be. Near 0 they are sure."
)

SIGNIFICANCE = "Significance: by how many standard errors the fitted particle stands out of the background's noise."
_LEAST = 1e-3
"""Thresholds are greater than 0."""

LIMITED = {"signal": "counts", "radius": "px", "background": "counts", "axis_ratio": "", "sigma": "px"}
"""Columns that can be limited, with their units."""

COLUMNS = (
    "What else the fit measured: signal is a particle's light above the background, summed over its pixels;\n"
    "sigma the standard error of its position. Several may be limited at a time: a dot marks those that are."
)


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
        self.limits = LimitForm(LIMITED, NO_LIMITS, COLUMNS)
        self.about = Note()
        self.distance.setToolTip(f"{DISTANCE}\n{self.distance.toolTip()}")
        self.significance.setToolTip(f"{SIGNIFICANCE}\n{self.significance.toolTip()}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.about, self.distance, self.significance, self.limits):
            layout.addWidget(part)
        self.distance.moved.connect(lambda mark: session.change(accept_distance=max(mark, _LEAST)))
        self.significance.moved.connect(self._move_significance)
        self.limits.changed.connect(lambda limits: session.change(limits=limits))
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
        self.limits.show_table(candidates.table, self._session.chosen.limits)
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
