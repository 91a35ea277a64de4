"""Plots of motion: mean square displacements, diffusion coefficients, and drift; what is selected stands out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ...core.motion import Units
from ...jobs.motion import Reading, Survey
from ..shared.labels import Note
from ..shared.plot_menu import PlotMenu
from ..shared.plots import Plot, pyqtgraph_module
from .sentences import bin_line, drift_line, lag_line

_HEIGHT, _UNBOUND = 190, 16_777_215
_LARGE = 900, 600
_MANY = 300
_NEAR = 0.15
"""Decades that a click may be off a curve."""

_ROOM = 0.05
_BINS = 40
_BAND = 70


class PlotWithHint(QWidget):
    """A plot and a line below it that tells what is under the mouse, else what is drawn.

    Attributes
    ----------
    picked : Signal(tuple)
        The particles that are wanted to be selected.
    """

    picked = Signal(tuple)

    def __init__(self, plot: Plot, hint: str) -> None:
        super().__init__()
        self.plot, self.caption, self._hint = plot, Note(), hint
        self.units = Units()
        plot.setFixedHeight(_HEIGHT)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(plot)
        layout.addWidget(self.caption)
        layout.addStretch(0)
        plot.hovered.connect(self.tell)
        plot.left.connect(lambda: self.caption.say(self._hint))
        plot.pressed.connect(self.pick)
        plot.recoloured.connect(self.colour)
        self.menu = PlotMenu(plot, self.drawn, self)
        self.caption.say(hint)

    def let_grow(self, on: bool) -> None:
        """Let the plot be as large as there is room, or as high as in the panel."""
        self.plot.setMinimumHeight(_HEIGHT)
        self.plot.setMaximumHeight(_UNBOUND if on else _HEIGHT)
        self._layout.setStretch(0, int(on))

    def drawn(self) -> pd.DataFrame:
        """Return what is drawn, as a table."""
        raise NotImplementedError

    def tell(self, x: float, y: float) -> None:
        """Say what is at a place."""

    def pick(self, x: float, y: float) -> None:
        """Select what is at a place."""

    def colour(self) -> None:
        """Follow the theme."""


class MsdPlot(PlotWithHint):
    """Mean square displacements of each trajectory, of those selected, and of all together with their 95 % band."""

    def __init__(self) -> None:
        super().__init__(Plot("lag", "MSD", log="xy"), "Blue: all, with 95 % band. Dashed: diffusion. Click a line.")
        pg = pyqtgraph_module()
        blue, orange = QColor(COLOURS[0]), QColor(COLOURS[1])
        faint = QColor(blue)
        faint.setAlpha(_BAND)
        self._each = self.plot.add(pg.PlotCurveItem(antialias=True))
        self._picked = self.plot.add(pg.PlotCurveItem(pen=pg.mkPen(orange, width=1.5), antialias=True))
        self._ends = [pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)]
        for end in self._ends:
            self.plot.add(end)
        self._band = self.plot.add(pg.FillBetweenItem(*self._ends, brush=faint))
        self._slope = self.plot.add(pg.PlotCurveItem())
        self._together = self.plot.add(
            pg.PlotDataItem(pen=pg.mkPen(blue, width=2), symbol="o", symbolSize=4, symbolBrush=blue, symbolPen=None)
        )
        self._survey, self._msd = pd.DataFrame(), pd.DataFrame()
        self.colour()

    def colour(self) -> None:
        """Follow the theme."""
        pg = pyqtgraph_module()
        self._each.setPen(pg.mkPen(self.plot.colour(0.35), width=1))
        self._slope.setPen(pg.mkPen(self.plot.colour(0.8), width=1, style=Qt.PenStyle.DashLine))

    def show_survey(self, survey: Survey | None, units: Units) -> None:
        """Show the trajectories one by one; of very many, some."""
        self.units, self._survey = units, pd.DataFrame() if survey is None else survey.msd
        self.plot.set_title(0, f"lag ({'s' if units.frame_time else 'frames'})")
        self.plot.set_title(1, f"MSD ({units.length}²)")
        some = self._survey.iloc[:, :: max(1, self._survey.shape[1] // _MANY)]
        self._each.setData(*_curves(some), connect="finite")
        if survey is None:
            self.show_reading(None)

    def show_reading(self, reading: Reading | None) -> None:
        """Show what is known of some together."""
        msd = pd.DataFrame(columns=["lag", "msd", "low", "high", "pairs"], dtype=float)
        if reading is not None:
            msd = reading.msd[reading.msd["msd"] > 0]
        self._msd = msd
        lag, mean = np.log10(msd["lag"].to_numpy(float)), np.log10(msd["msd"].to_numpy(float))
        self._together.setData(lag, mean)
        banded = (msd["low"] > 0).to_numpy()
        for end, name in zip(self._ends, ("low", "high"), strict=True):
            end.setData(lag[banded], np.log10(msd[name].to_numpy(float)[banded]))
        self._slope.setData(lag, mean[:1] + lag - lag[:1] if len(lag) else lag)
        self.show_selected(() if reading is None else reading.particles or ())
        if len(lag):
            low, high = mean.min(), mean.max()
            room = 0.15 * (high - low) + 0.3
            self.plot.show_range((lag[0] - 0.05, max(lag[-1], lag[0] + 0.3) + 0.05), (low - room, high + room))

    def show_selected(self, particles: Collection[int]) -> None:
        """Let the curves of some trajectories stand out."""
        known = [particle for particle in particles if particle in self._survey.columns]
        self._picked.setData(*_curves(self._survey[known[:_MANY]]), connect="finite")

    def drawn(self) -> pd.DataFrame:
        """Return the mean square displacement of all together, with its band, and of each."""
        if not len(self._survey):
            return self._msd
        return self._msd.merge(self._survey.rename_axis("lag").reset_index(), on="lag", how="outer")

    def tell(self, x: float, y: float) -> None:
        """Say what the mean square displacement is at the nearest lag."""
        if len(self._msd):
            nearest = int(np.abs(np.log10(self._msd["lag"].to_numpy(float)) - x).argmin())
            self.caption.say(lag_line(self._msd.iloc[nearest], self.units))

    def pick(self, x: float, y: float) -> None:
        """Select the trajectory whose curve is nearest."""
        if not self._survey.size:
            return
        row = int(np.abs(np.log10(self._survey.index.to_numpy(float)) - x).argmin())
        values = self._survey.iloc[row].to_numpy(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            away = np.abs(np.log10(values) - y)
        away = np.where(np.isfinite(away), away, np.inf)
        if away.min() < _NEAR:
            self.picked.emit((int(self._survey.columns[int(away.argmin())]),))


def _curves(values: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return curves of a table, lags by particles, one after the other with gaps between, as powers of ten."""
    if not values.size:
        return np.empty(0), np.empty(0)
    gap = np.full((1, values.shape[1]), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log10(np.concatenate([values.to_numpy(float), gap]))
    y[~np.isfinite(y)] = np.nan
    x = np.append(np.log10(values.index.to_numpy(float)), np.nan)
    return np.tile(x, values.shape[1]), y.T.ravel()


class DiffusionPlot(PlotWithHint):
    """How the diffusion coefficients of single trajectories are distributed."""

    def __init__(self) -> None:
        super().__init__(Plot("D", "trajectories"), "Trajectories one by one; line: all. Click a bar.")
        pg = pyqtgraph_module()
        self._bars = self.plot.add(pg.BarGraphItem(x0=[], x1=[], height=[], pen=None, brush=QColor(COLOURS[4])))
        self._picked = self.plot.add(pg.BarGraphItem(x0=[], x1=[], height=[], pen=None, brush=QColor(COLOURS[1])))
        self._mean = self.plot.add(pg.InfiniteLine(angle=90, pen=pg.mkPen(QColor(COLOURS[0]), width=2)))
        self._known = pd.DataFrame({"particle": [], "diffusion_coefficient": []}, dtype=float)
        self._edges, self._bin = np.empty(0), np.empty(0, int)
        self._selected: tuple[int, ...] = ()
        self._mean.hide()

    def show_survey(self, survey: Survey | None, units: Units) -> None:
        """Show how all are distributed; the few most extreme are in the first and last bar."""
        self.units = units
        self.plot.set_title(0, f"D ({units.diffusion})")
        known = self._known.iloc[:0] if survey is None else survey.diffusion
        self._known = known
        values = known["diffusion_coefficient"].to_numpy(float)
        if not len(values):
            self._edges, self._bin = np.empty(0), np.empty(0, int)
            for bars in (self._bars, self._picked):
                bars.setOpts(x0=[], x1=[], height=[])
            return
        low, high = np.percentile(values, (1, 99))
        low, high = (low, high) if low < high else (low - 0.5, high + 0.5)
        number = int(np.clip(len(values) // 4, 8, _BINS))
        self._edges = np.linspace(min(low, 0.0), high, number + 1)
        self._bin = np.clip(np.searchsorted(self._edges, values, side="right") - 1, 0, number - 1)
        counts = np.bincount(self._bin, minlength=number)
        self._bars.setOpts(x0=self._edges[:-1], x1=self._edges[1:], height=counts)
        room = _ROOM * (self._edges[-1] - self._edges[0])
        self.plot.show_range((self._edges[0] - room, self._edges[-1] + room), (0, 1.1 * counts.max()))
        self.show_selected(self._selected)

    def show_reading(self, reading: Reading | None) -> None:
        """Show D of all that are asked about, and let those stand out."""
        report = None if reading is None else reading.report
        told = report is not None and report.by_covariance.coefficient.is_told
        self._mean.setVisible(told)
        if report is not None and told:
            self._mean.setValue(report.by_covariance.coefficient.value)
        self.show_selected(() if reading is None else reading.particles or ())

    def show_selected(self, particles: Collection[int]) -> None:
        """Let the part of some trajectories stand out in each bar."""
        self._selected = tuple(particles)
        if len(self._edges):
            chosen = self._known["particle"].isin(self._selected).to_numpy()
            counts = np.bincount(self._bin[chosen], minlength=len(self._edges) - 1)
            self._picked.setOpts(x0=self._edges[:-1], x1=self._edges[1:], height=counts)

    def drawn(self) -> pd.DataFrame:
        """Return the diffusion coefficient of each."""
        return self._known

    def bar_at(self, x: float) -> tuple[float, float, int] | None:
        """Return from where to where the bar at a place reaches, and how many trajectories are in it."""
        place = self._at(x)
        if place is None:
            return None
        low, high = self._edges[place : place + 2].tolist()
        return low, high, int((self._bin == place).sum())

    def _at(self, x: float) -> int | None:
        place = int(np.searchsorted(self._edges, x, side="right")) - 1
        return place if 0 <= place < len(self._edges) - 1 else None

    def tell(self, x: float, y: float) -> None:
        """Say how many are in a bar."""
        bar = self.bar_at(x)
        if bar is not None:
            self.caption.say(bin_line(*bar, self.units))

    def pick(self, x: float, y: float) -> None:
        """Select the trajectories of a bar."""
        place = self._at(x)
        if place is not None:
            self.picked.emit(tuple(self._known["particle"].to_numpy()[self._bin == place].astype(int).tolist()))


class DriftPlot(PlotWithHint):
    """How far all particles have moved in common, and those that are selected."""

    def __init__(self) -> None:
        super().__init__(Plot("time", "drift"), "What all move in common. Blue: y, orange: x; dashed: those selected.")
        self._curves, self._picked = self._lines(Qt.PenStyle.SolidLine), self._lines(Qt.PenStyle.DashLine)
        self._drift = pd.DataFrame({"frame": [], "y": [], "x": []}, dtype=float)

    def _lines(self, style: Qt.PenStyle) -> dict[str, Any]:
        pg = pyqtgraph_module()
        pens = {axis: pg.mkPen(QColor(COLOURS[number]), width=2, style=style) for number, axis in enumerate("yx")}
        return {axis: self.plot.add(pg.PlotCurveItem(pen=pen, antialias=True)) for axis, pen in pens.items()}

    def show_survey(self, survey: Survey | None, units: Units) -> None:
        """Show the drift."""
        self.units = units
        self.plot.set_title(0, f"time ({'s' if units.frame_time else 'frames'})")
        self.plot.set_title(1, f"drift ({units.length})")
        self._drift = self._drift.iloc[:0] if survey is None else survey.drift
        self._draw(self._curves, self._drift)
        self.show_reading(None)

    def show_reading(self, reading: Reading | None) -> None:
        """Show the drift of those that are selected beside that of all."""
        none = self._drift.iloc[:0]
        mine = none if reading is None or reading.particles is None else reading.drift
        self._draw(self._picked, mine)
        if len(self._drift):
            both = pd.concat([self._drift, mine])
            moved = self.units.pixel * both[["y", "x"]].to_numpy(float)
            time = self.units.frame * self._drift["frame"].to_numpy(float)
            low, high = moved.min(), moved.max()
            room = _ROOM * (high - low) or 1.0
            self.plot.show_range((time[0], max(time[-1], time[0] + 1e-9)), (low - room, high + room))

    def _draw(self, curves: dict[str, Any], drift: pd.DataFrame) -> None:
        time = self.units.frame * drift["frame"].to_numpy(float)
        for axis, curve in curves.items():
            curve.setData(time, self.units.pixel * drift[axis].to_numpy(float))

    def drawn(self) -> pd.DataFrame:
        """Return the drift of all in pixels, by frame."""
        return self._drift

    def tell(self, x: float, y: float) -> None:
        """Say how far they have moved at the nearest frame."""
        if len(self._drift):
            nearest = int(np.abs(self.units.frame * self._drift["frame"].to_numpy(float) - x).argmin())
            self.caption.say(drift_line(self._drift.iloc[nearest], self.units))


class MotionPlots(QTabWidget):
    """The three plots, one behind the other.

    Attributes
    ----------
    picked : Signal(tuple)
        The particles that are wanted to be selected.
    saved : Signal(object)
        Where a plot was saved.
    refused : Signal(str)
        Why it was not.
    window_of_its_own : QDialog or None
        Where the plots are while they are popped out.
    """

    picked = Signal(tuple)
    saved = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.msd, self.diffusion, self.drift = MsdPlot(), DiffusionPlot(), DriftPlot()
        self.window_of_its_own: QDialog | None = None
        self.setToolTip("Right-click a plot to pop it out, to copy it, or to save its picture or its numbers.")
        for plot, title in ((self.msd, "MSD"), (self.diffusion, "D of each"), (self.drift, "Drift")):
            self.addTab(plot, title)
            plot.picked.connect(self.picked)
            for told, passed_on in ((plot.menu.saved, self.saved), (plot.menu.refused, self.refused)):
                told.connect(passed_on)
            plot.menu.enlarged.connect(self.pop_out)

    def pop_out(self) -> None:
        """Show the plots in a window of their own until that is closed; then they are where they were."""
        home = self.parentWidget()
        place = home.layout() if home is not None else None
        if self.window_of_its_own is not None or home is None or not isinstance(place, QVBoxLayout):
            return
        row = place.indexOf(self)
        self.window_of_its_own = window = QDialog(home.window())
        window.setWindowTitle("Motion")
        window.resize(*_LARGE)
        QVBoxLayout(window).addWidget(self)
        self._let_grow(True)
        window.finished.connect(lambda _: self._come_home(place, row))
        window.show()

    def come_home(self) -> None:
        """Close the window of their own, if there is one."""
        if self.window_of_its_own is not None:
            self.window_of_its_own.close()

    def _come_home(self, place: QVBoxLayout, row: int) -> None:
        window, self.window_of_its_own = self.window_of_its_own, None
        self._let_grow(False)
        place.insertWidget(row, self)
        if window is not None:
            window.deleteLater()

    def _let_grow(self, on: bool) -> None:
        for plot in (self.msd, self.diffusion, self.drift):
            plot.let_grow(on)

    def show_survey(self, survey: Survey | None, units: Units) -> None:
        """Show what each trajectory tells by itself; None for nothing."""
        for plot in (self.msd, self.diffusion, self.drift):
            plot.show_survey(survey, units)
        if survey is None:
            self.diffusion.show_reading(None)

    def show_reading(self, reading: Reading) -> None:
        """Show what some tell together."""
        for plot in (self.msd, self.diffusion, self.drift):
            plot.show_reading(reading)
