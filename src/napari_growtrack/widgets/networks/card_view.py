"""What a network is for and where it comes from, what it was grown on, and the error of each of its stages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from ...core.growth.plan import Stage
from ...core.networks.card import Card
from ...core.simulation import Scene
from ...jobs.network_views import SampleWindows
from ..session.card_facts import (
    REPORTED,
    accuracy_rows,
    bound_line,
    error_lines,
    facts,
    grown_on_line,
    measured_line,
    report_rows,
)
from ..session.sentences import reason
from ..session.session import Session
from ..shared.labels import Note, Status
from ..shared.pictures import CropStrip
from ..shared.plots import Legend, Plot, colour_of, pyqtgraph_module
from ..shared.rows import Form
from ..shared.work import Newest

_ROW, _COLUMN = 20, 30
_LOOK = "QTableView::item { padding: 0px; } QHeaderView::section { padding: 1px; }"


class NumberTable(QTableWidget):
    """Shows rows of texts below their titles, and nothing where there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setStyleSheet(_LOOK)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and columns is not None:  # they are; Qt's types say they might not
            rows.hide()
            rows.setMinimumSectionSize(_ROW)
            rows.setDefaultSectionSize(_ROW)
            columns.setMinimumSectionSize(_COLUMN)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def show_rows(self, titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Show rows of texts below their titles."""
        titles, cells = [*titles], [[*row] for row in rows]
        self.setColumnCount(len(titles))
        self.setRowCount(len(cells))
        self.setHorizontalHeaderLabels(titles)
        for row, line in enumerate(cells):
            for column, text in enumerate(line):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.setItem(row, column, item)
        self.setVisible(bool(cells))
        self._fit()

    def _fit(self) -> None:
        header = self.horizontalHeader()
        above = header.sizeHint().height() if header is not None else 0
        self.setFixedHeight(above + _ROW * self.rowCount() + 4)


# In a few lines -------------------------------------------------------------------------------------------------------


LABELS = ("Size", "Particles", "Grown", "Made by", "File")

_CLOSE = 3


class CardView(QWidget):
    """Shows what a card says.

    Attributes
    ----------
    rows : Form
        To which a panel may add.
    about : Note
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.about = Note()
        self.rows = Form(self)
        self.rows.setVerticalSpacing(_CLOSE)
        self.rows.addRow(self.about)
        self._notes = {label: Note() for label in LABELS}
        for label, note in self._notes.items():
            self.rows.addRow(label, note)

    def show_card(self, card: Card, path: Path) -> None:
        """Show what a card says, and which file it is in."""
        self.about.say(card.recipe.about)
        said = {**facts(card), "File": path.name}
        self._notes["File"].setToolTip(str(path))
        for label, note in self._notes.items():
            note.say(said.get(label, ""))
            caption = self.rows.labelForField(note)
            if caption is not None:
                caption.setVisible(label in said)


# What it was grown on -------------------------------------------------------------------------------------------------


_SAMPLES = 4


class GrownOn(QWidget):
    """Shows what a network was grown on; windows are simulated where they are to be seen.

    Attributes
    ----------
    note : Note
    windows : CropStrip
    accuracies : NumberTable
    told : Status
        What it is doing, or what is in the way.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: SampleWindows | None = None
        self._seen = False
        self.note, self.told = Note(), Status()
        self.windows = CropStrip()
        self.windows.setToolTip("Simulated windows around particles, each with grey values of its own.")
        self.accuracies = NumberTable()
        self.work = Newest(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.note, self.windows, self.accuracies, self.told):
            layout.addWidget(part)
        self.work.advanced.connect(self._show)
        self.work.failed.connect(lambda error: self.told.tell(reason(error), "error"))

    def show_card(self, card: Card) -> None:
        """Show what a card's network was grown on."""
        scene = card.recipe.scene
        self.work.abandon()
        self.windows.set_rows({})
        self.told.tell("")
        self.note.say(grown_on_line(card))
        self.accuracies.show_rows(("stage", "right", "of images"), accuracy_rows(card))
        self._job = None if scene is None else sample_windows(scene, card.plan.side, card.recipe.zoom)
        self.see(self._seen)

    def see(self, seen: bool) -> None:
        """Simulate windows where they are to be seen and are not there yet."""
        self._seen = seen
        if seen and self._job is not None:
            self.told.tell("Simulating windows...")
            self.work.ask(self._session.engines.simulating, self._job)

    def follow(self) -> None:
        """Go on with what was left; may be called twice."""
        self.see(self._seen)

    def leave(self) -> None:
        """Stop working; may be called twice."""
        if self.work.running:
            self.work.abandon()
            self.told.tell("")

    def _show(self, rows: dict[float, np.ndarray]) -> None:
        self._job = None
        self.told.tell("")
        self.windows.set_rows({f"SNR {snr:g}": [*map(_stretched, windows)] for snr, windows in rows.items()})


def _stretched(window: np.ndarray) -> np.ndarray:
    """Return a window (side, side) with grey values of its own, from 0 to 1."""
    low, high = np.percentile(window, (1, 99.5))
    return np.clip((window - low) / max(high - low, 1e-6), 0, 1)


def sample_windows(scene: Scene, side: int, zoom: float) -> SampleWindows:
    """Return the job that simulates windows at the least, a middle and the greatest SNR of a scene."""
    low, high = scene.snr.low, scene.snr.high
    snrs = (low,) if math.isclose(low, high) else (low, float(f"{math.sqrt(low * high):.2g}"), high)
    odd = max(round(side / zoom) // 2 * 2 + 1, 3)
    return SampleWindows(scene, odd, snrs, _SAMPLES)


# Errors ---------------------------------------------------------------------------------------------------------------


_HEIGHT = 190
_ROOM = 0.06


class StageErrors(QWidget):
    """Draws the errors of all stages, and tells those of one.

    Attributes
    ----------
    plot : Plot
    legend : Legend
    numbers : NumberTable
    note : Note
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = Plot("signal-to-noise ratio", "median error (px)", log="xy")
        self.plot.setFixedHeight(_HEIGHT)
        self.legend, self.numbers, self.note = Legend(), NumberTable(), Note()
        self._items: list[Any] = []
        self._bound: Any = None
        self._card: Card | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.legend, self.plot, self.numbers, self.note):
            layout.addWidget(part)
        self.plot.recoloured.connect(self._colour)

    def show_stage(self, card: Card, stage: Stage) -> None:
        """Show what a card reports of a stage, beside the errors of all stages."""
        if card is not self._card:
            self._card = card
            self._draw(error_lines(card), bound_line(card))
        self.numbers.show_rows(REPORTED, report_rows(card, stage))
        self.note.say(measured_line(card, stage))

    def _draw(self, lines: dict[Stage, np.ndarray], bound: np.ndarray) -> None:
        for item in self._items:
            self.plot.remove(item)
        self._items = []
        self._bound = self._curve(bound) if len(bound) else None
        for stage, line in lines.items():
            self._curve(line, colour_of(stage), dots=True)
        self._colour()
        self._reach(np.concatenate([*lines.values(), bound]))
        self.legend.show_stages(lines, bound=bool(len(bound)))
        self.plot.setVisible(bool(lines))

    def _curve(self, line: np.ndarray, colour: str = "", dots: bool = False) -> Any:
        """Draw a line through points (n, 2), and return it."""
        pg, (x, y) = pyqtgraph_module(), np.log10(line).T
        curve = pg.PlotCurveItem(x, y, pen=pg.mkPen(colour, width=1.5) if colour else None, antialias=True)
        points = [pg.ScatterPlotItem(x, y, size=6, brush=QColor(colour), pen=None)] if dots else []
        self._items += [self.plot.add(item) for item in (curve, *points)]
        return curve

    def _reach(self, points: np.ndarray) -> None:
        """Give the axes room for all points (n, 2)."""
        if len(points):
            places = np.log10(points)
            (left, low), (right, high) = places.min(0) - _ROOM, places.max(0) + _ROOM
            self.plot.show_range((left, right), (low, high))

    def _colour(self) -> None:
        if self._bound is not None:
            self._bound.setPen(pyqtgraph_module().mkPen(self.plot.colour(), width=1.2, style=Qt.PenStyle.DashLine))
