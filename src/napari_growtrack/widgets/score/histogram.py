"""A score in a few lines, and a histogram of the errors of matched pairs."""

from __future__ import annotations

import numpy as np
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ..shared.labels import Lines, Note
from ..shared.plots import Plot, pyqtgraph_module
from .question import Answer
from .sentences import NUMBERS, errors_line, numbers

_BINS = 48
_REACH = 6.0


class Numbers(Lines):
    """Tells a score in a few lines, each under its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(NUMBERS, parent)

    def show_answer(self, answer: Answer) -> None:
        """Tell an answer."""
        self.show_values(numbers(answer))


class ErrorHistogram(QWidget):
    """Shows how the errors of matched pairs are distributed, and their median (thesis fig 4.12)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        pg = pyqtgraph_module()
        self.plot = Plot("error (px)", "pairs")
        self.caption = Note()
        self._bars = self.plot.add(pg.BarGraphItem(x0=[], x1=[], height=[], pen=None, brush=QColor(COLOURS[4])))
        self._median = self.plot.add(pg.InfiniteLine(angle=90, pen=pg.mkPen(QColor(COLOURS[3]), width=2)))
        self.setToolTip("Distances of matched pairs. The line is their median; a tail to the right is worth a look.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.caption)
        layout.addWidget(self.plot)
        self.plot.setFixedHeight(120)

    def set_errors(self, errors: np.ndarray) -> None:
        """Show errors in pixels, (n,); those far beyond the median are counted in the last bar."""
        self.setVisible(bool(len(errors)))
        if not len(errors):
            return
        median = float(np.median(errors))
        end = min(float(errors.max()), _REACH * median) or 1.0
        counts, edges = np.histogram(np.minimum(errors, end), min(_BINS, 8 + len(errors) // 4), (0, end))
        self._bars.setOpts(x0=edges[:-1], x1=edges[1:], height=counts)
        self._median.setValue(median)
        self.plot.show_range((0, end * 1.02), (0, 1.08 * counts.max()))
        beyond = int((errors > end).sum())
        self.caption.say(errors_line(median, float(np.percentile(errors, 90)), beyond))
