"""The error of every stage, drawn while the stages learn."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QColor, QFontMetrics, QPen
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ..shared.plots import SMALL, Plot, colour_of, pyqtgraph_module, small_font

_HEIGHT = 180
_PAUSE_MS = 120
_DRAWN = 300
_MARGINS = 10
_STROKES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
_SIGNS = ("━", "╍", "┅", "┉")


class ErrorCurve(QWidget):
    """Shows how the error of each stage falls; a stage has the colour that it has in figures.

    What is added is drawn a moment later, at most eight times a second.

    Parameters
    ----------
    x : str
        What errors are drawn over, such as ``"time (s)"`` or ``"images"``.
    y : str
        What the errors are, with their unit.
    """

    def __init__(self, x: str = "time (s)", y: str = "error (px)", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = Plot(x, y, log="y")
        self.legend = QLabel()
        self._points: dict[int, tuple[array[float], array[float]]] = {}
        self._curves: dict[int, Any] = {}
        self._marks: list[Any] = []
        self._bound: float | None = None
        self._level = self.plot.add(pyqtgraph_module().InfiniteLine(angle=0))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self.draw)
        self.plot.recoloured.connect(self._colour)
        self.plot.box.sigResized.connect(self._later)
        self._lay_out()
        self.begin(None)

    def _lay_out(self) -> None:
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.plot.setFixedHeight(_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot)

    def begin(self, bound: float | None) -> None:
        """Start anew, with a dashed line at the Cramér-Rao bound in px; None for none."""
        for item in (*self._curves.values(), *self._marks):
            self.plot.remove(item)
        self._points, self._curves, self._marks = {}, {}, []
        self._bound = bound if bound and bound > 0 else None
        self._level.setVisible(self._bound is not None)
        if self._bound is not None:
            self._level.setValue(math.log10(self._bound))
        self._colour()
        self._tell()
        self.draw()

    def add(self, x: float, errors: dict[int, float]) -> None:
        """Add the error of each stage, in px, at a time or number of images; errors that are not above 0 are left out.

        Parameters
        ----------
        x : float
            Not less than before.
        errors : dict of int to float
            By stage, counted from 1.
        """
        for stage, error in errors.items():
            if math.isfinite(error) and error > 0:
                xs, ys = self._points.setdefault(stage, (array("d"), array("d")))
                xs.append(x)
                ys.append(math.log10(error))
        self._later()

    def mark(self, x: float, text: str) -> None:
        """Draw a thin vertical line, such as where a stage begins."""
        pg = pyqtgraph_module()
        line = pg.InfiniteLine(x, angle=90, label=text, labelOpts={"position": 0.93, "movable": False})
        line.label.setFont(small_font())
        self._marks.append(self.plot.add(line))
        self._colour()
        self._later()

    def points(self, stage: int) -> NDArray[np.float64]:
        """Return what was added of a stage: shape (n, 2), x and the error in px."""
        xs, ys = self._points.get(stage, (array("d"), array("d")))
        return np.column_stack([np.array(xs), 10.0 ** np.array(ys)])

    def _later(self, *_: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def draw(self) -> None:
        """Draw what was added."""
        for stage, (xs, ys) in self._points.items():
            every = max(1, math.ceil(len(xs) / _DRAWN))
            # From the newest backwards, so that the last error is always seen.
            self._curve(stage).setData(np.array(xs)[::-every], np.array(ys)[::-every])
        self._reach()
        self._label()

    def _curve(self, stage: int) -> Any:
        if stage not in self._curves:
            self._curves[stage] = self.plot.add(pyqtgraph_module().PlotCurveItem(pen=_pen(stage), antialias=True))
            self._tell()
        return self._curves[stage]

    def _reach(self) -> None:
        """Give the axes room for all points, marks and the bound."""
        xs = [end for xs, _ in self._points.values() for end in (xs[0], xs[-1])]
        xs += [line.value() for line in self._marks]
        ys = [end for _, ys in self._points.values() for end in _ends(ys)]
        ys += [] if self._bound is None else [math.log10(self._bound)]
        self.plot.show_range(_around(xs, 0.0), _around(ys, 0.1))

    def _label(self) -> None:
        """Show the texts of marks right of their lines, or left at the far end, where they cover no other text."""
        letters, taken = QFontMetrics(small_font()), 0.0
        end = self.plot.pixel(self.plot.box.viewRange()[0][1], 0).x()
        for line in sorted(self._marks, key=lambda line: line.value()):
            width = letters.horizontalAdvance(line.label.format) + _MARGINS
            place = self.plot.pixel(line.value(), 0).x()
            left = place if place + width <= end else place - width
            seen = left >= taken
            if seen:
                taken = left + width
                line.label.anchors = [(0 if left == place else 1, 0.5)] * 2
                line.label.updatePosition()
            line.label.setVisible(seen)

    def _tell(self) -> None:
        """Write the legend."""
        signs = [
            f'<span style="color:{colour_of(n)}">{_SIGNS[_stroke_of(n)]}</span>&nbsp;{n}' for n in sorted(self._curves)
        ]
        bound = ["┄&nbsp;bound"] if self._bound is not None else []
        text = " ".join(["stage", *signs, *bound]) if signs else ""
        self.legend.setText(f'<span style="font-size:{SMALL}pt">{text}</span>' if text else "")

    def _colour(self) -> None:
        pg = pyqtgraph_module()
        self._level.setPen(pg.mkPen(self.plot.colour(), width=1.2, style=Qt.PenStyle.DashLine))
        for line in self._marks:
            line.setPen(pg.mkPen(self.plot.colour(0.4), width=1))
            line.label.setColor(self.plot.colour(0.8))


def _ends(values: array[float]) -> tuple[float, float]:
    found = np.array(values)
    return float(found.min()), float(found.max())


def _around(values: list[float], room: float) -> tuple[float, float]:
    """Return a range that holds all values, with some room; a unit wide where there are none."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = max(room * (high - low), 0.0 if high > low else 0.5)
    return low - room, high + room


def _stroke_of(stage: int) -> int:
    """Return which kind of line tells a stage from others of its colour."""
    return (stage - 1) // len(COLOURS) % len(_STROKES)


def _pen(stage: int) -> QPen:
    pen = pyqtgraph_module().mkPen(QColor(colour_of(stage)), width=1.5)
    pen.setStyle(_STROKES[_stroke_of(stage)])
    return pen
