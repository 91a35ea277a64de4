"""What a right click on a plot offers: to pop it out, to copy it, and to save its picture or its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from qtpy.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSize, QSizeF, Signal
from qtpy.QtGui import QCursor, QImage, QPageSize, QPainter, QPdfWriter
from qtpy.QtWidgets import QApplication, QFileDialog, QMenu, QWidget

from ...core.errors import GrowtrackError, OutputError
from ...core.files import write_bytes
from ...core.tables import as_csv
from .plots import Plot

PICTURES = {".png": "Picture", ".pdf": "PDF", ".svg": "SVG", ".csv": "Numbers, CSV"}
"""What a plot is saved as."""

_SHARP = 3
"""Pixels of a picture for one of the screen: enough for print."""

_POINTS = 0.75
"""Points of a page for a pixel of the screen."""


def picture_of(plot: Plot) -> QImage:
    """Return a plot as a picture, sharper than it is on the screen."""
    size = plot.view.viewport().size()
    image = QImage(_SHARP * size, QImage.Format.Format_ARGB32)
    image.fill(plot.colour(0.0))
    _paint(plot, image)
    return image


def save_plot(plot: Plot, numbers: pd.DataFrame, path: Path) -> None:
    """Save a plot by the ending of a name, as a picture or, as CSV, its numbers; whole or not at all.

    Raises
    ------
    OutputError
        When the ending is none of `PICTURES`, or the disk refuses.
    """
    write_bytes(path, as_csv(numbers) if path.suffix.lower() == ".csv" else _drawn(plot, path))


def _drawn(plot: Plot, path: Path) -> bytes:
    ending = path.suffix.lower()
    if ending not in PICTURES:
        raise OutputError(f"Cannot write {path}: a plot is {', '.join(PICTURES)}. Choose a name that ends so.")
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if ending == ".png":
        picture_of(plot).save(buffer, "PNG")
    else:
        _paint(plot, _page(plot.view.viewport().size(), buffer) if ending == ".pdf" else _svg(plot, buffer))
    return bytes(buffer.data().data())


def _page(size: QSize, buffer: QBuffer) -> QPdfWriter:
    page = QPdfWriter(buffer)
    page.setPageSize(QPageSize(_POINTS * QSizeF(size), QPageSize.Unit.Point))
    page.setPageMargins(QMarginsF(0, 0, 0, 0))
    return page


def _svg(plot: Plot, buffer: QBuffer) -> Any:
    from qtpy.QtSvg import QSvgGenerator

    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setSize(plot.view.viewport().size())
    drawing.setViewBox(QRectF(plot.view.viewport().rect()))
    return drawing


def _paint(plot: Plot, device: Any) -> None:
    painter = QPainter(device)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    plot.view.render(painter)
    painter.end()


class PlotMenu(QMenu):
    """Offers what can be done with a plot.

    Parameters
    ----------
    plot : Plot
        A right click on it opens the menu.
    numbers : callable
        Returns what is drawn, as a table.
    parent : QWidget

    Attributes
    ----------
    enlarged : Signal()
        It is to be shown larger.
    saved : Signal(object)
        Where it was saved.
    refused : Signal(str)
        Why it was not.
    """

    enlarged = Signal()
    saved = Signal(object)
    refused = Signal(str)

    def __init__(self, plot: Plot, numbers: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._plot, self._numbers = plot, numbers
        self.addAction("Pop out", self.enlarged.emit)
        self.addAction("Copy picture", self.copy_picture)
        self.addAction("Copy numbers", self.copy_numbers)
        self.addAction("Save as...", self.ask)
        plot.asked.connect(lambda: self.popup(QCursor.pos()))

    def copy_picture(self) -> None:
        """Put the picture where other programs take it from."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setImage(picture_of(self._plot))

    def copy_numbers(self) -> None:
        """Put what is drawn where spreadsheets take it from."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self._numbers().to_csv(sep="\t", index=False))

    def ask(self) -> None:
        """Save the plot where the person says."""
        filters = ";;".join(f"{what} (*{ending})" for ending, what in PICTURES.items())
        named, _ = QFileDialog.getSaveFileName(self.parentWidget(), "Save plot", "plot.png", filters)
        if not named:
            return
        path = Path(named) if Path(named).suffix else Path(named).with_suffix(".png")
        try:
            save_plot(self._plot, self._numbers(), path)
        except GrowtrackError as error:
            self.refused.emit(str(error))
        else:
            self.saved.emit(path)
