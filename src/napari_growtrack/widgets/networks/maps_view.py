"""What a stage and its units make of one window, drawn small."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ...core.figures.style import COLOURS
from ...core.growth.plan import Block, Plan, Stage
from ...core.networks.card import Card
from ...jobs.network_views import Maps
from ..shared.choices import Choice
from ..shared.labels import Note
from ..shared.pictures import grey_image
from ..shared.plots import Legend, colour_of
from .sentences import answer_line

_SIDE, _ARM = 104, 5
_GAP, _LINE, _LEAST = 3, 2, 4


class WindowPicture(QWidget):
    """Shows a window in grey, with a cross where the stage believes the particle to be."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._maps: Maps | None = None
        self._image = QImage()
        self.setFixedSize(_SIDE, _SIDE)
        self.setToolTip("The window as the network sees it: resampled and normalised. Cross: where its particle is.")
        self.show_window(None)

    def show_window(self, maps: Maps | None) -> None:
        """Show the window that maps were made of; none for none."""
        self._maps = maps
        self.setVisible(maps is not None)
        if maps is not None:
            low, high = float(maps.window.min()), float(maps.window.max())
            self._image = grey_image(maps.window, low, max(high, low + 1e-6))
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw window and cross."""
        if self._maps is None:
            return
        painter = QPainter(self)
        painter.drawImage(self.rect(), self._image)
        side = len(self._maps.window)
        y, x = (round((side / 2 + self._maps.zoom * step) * _SIDE / side) for step in self._maps.offset)
        painter.setPen(QPen(QColor(COLOURS[3]), 1.5))
        painter.drawLine(x - _ARM, y, x + _ARM, y)
        painter.drawLine(x, y - _ARM, x, y + _ARM)
        painter.end()


class MapTiles(QWidget):
    """Draws all maps of a layer side by side, dark where nothing is active, a line above each in its stage's colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles: list[tuple[QImage, QColor]] = []
        self._across = 8
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Convolutions: every map is as bright as its own greatest activation allows.\n"
            "Dense layers: a square for each unit, all on one scale."
        )

    def show_maps(self, maps: dict[Block, np.ndarray]) -> None:
        """Show the maps of some blocks of a row.

        Parameters
        ----------
        maps : dict of Block to ndarray (rows, columns, units)
        """
        units = [(unit, block.stage) for block, found in maps.items() for unit in np.moveaxis(found, -1, 0)]
        dense = bool(units) and units[0][0].shape == (1, 1)
        together = max((float(unit.max()) for unit, _ in units), default=0.0) if dense else None
        self._tiles = [(_image(unit, together), QColor(colour_of(stage))) for unit, stage in units]
        self._across = 16 if dense or len(units) > 96 else 12 if len(units) > 48 else 8
        self._fit()

    def tiles(self) -> int:
        """Return how many maps are shown."""
        return len(self._tiles)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Be as high as all maps need."""
        super().resizeEvent(event)
        self._fit()

    def _side(self) -> float:
        return max(self.width() / self._across - _GAP, _LEAST)

    def _pitch(self) -> float:
        """Return how far apart two rows begin."""
        return self._side() + 2 * _GAP

    def _fit(self) -> None:
        self.setFixedHeight(math.ceil(math.ceil(len(self._tiles) / self._across) * self._pitch()))
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw maps and lines."""
        painter, side = QPainter(self), self._side()
        for number, (image, colour) in enumerate(self._tiles):
            row, column = divmod(number, self._across)
            left, top = column * (side + _GAP), row * self._pitch()
            painter.fillRect(QRectF(left, top, side, _LINE), colour)
            painter.drawImage(QRectF(left, top + _GAP, side, side), image)
        painter.end()


def _image(unit: np.ndarray, most: float | None) -> QImage:
    """Return a picture of a map (height, width), as bright as the activation `most`, or its own greatest, allows."""
    shades = np.clip(unit / ((float(unit.max()) if most is None else most) or 1.0), 0, 1)
    pixels = _inferno()[(np.nan_to_num(shades) * 255).astype(np.uint8)]
    height, width, _ = pixels.shape
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


@cache
def _inferno() -> np.ndarray:
    """Return 256 colours from dark to bright, (256, 3) uint8."""
    from napari.utils.colormaps import ensure_colormap

    return (ensure_colormap("inferno").map(np.linspace(0, 1, 256))[:, :3] * 255).astype(np.uint8)


class MapsView(QWidget):
    """Shows a window, what a stage answers for it, and the maps of a layer.

    Attributes
    ----------
    maps : Maps or None
        What is shown.
    layer : QComboBox
        A row of the growth table, or one block of it; a panel lays it out.
    seen : WindowPicture
    answer : Note
    legend : Legend
    tiles : MapTiles
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.maps: Maps | None = None
        self._card: Card | None = None
        self.layer = Choice()
        self.seen, self.tiles = WindowPicture(), MapTiles()
        self.answer, self.legend = Note(), Legend()
        self.answer.setToolTip("(y, x) in pixels of the film; the particle's from the middle of the window.")
        beside = QHBoxLayout()
        beside.addWidget(self.seen)
        beside.addWidget(self.answer, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(beside)
        layout.addWidget(self.legend)
        layout.addWidget(self.tiles)
        self.layer.currentIndexChanged.connect(self._paint)

    def begin(self, card: Card, stage: Stage) -> None:
        """Offer the layers of a network's stage, and show no maps yet."""
        self._card = card
        before = self.layer.currentData()
        self.layer.blockSignals(True)
        self.layer.clear()
        offered = layers(card.plan, stage)
        for text, data in offered.items():
            self.layer.addItem(text, data)
        places = [*offered.values()]  # Qt's own search takes two tuples that are equal for different
        self.layer.setCurrentIndex(places.index(before) if before in places else 0)
        self.layer.blockSignals(False)
        self.show_maps(None)

    def show_maps(self, maps: Maps | None) -> None:
        """Show the maps of a window; none for none."""
        self.maps = maps
        self._paint()

    def _paint(self, _: object = None) -> None:
        maps, (row, stage) = self.maps, self.layer.currentData() or (None, None)
        found = {} if maps is None else maps.maps
        seen = {block: units for block, units in found.items() if block.row == row and stage in (None, block.stage)}
        self.seen.show_window(maps)
        self.tiles.show_maps(seen)
        self.legend.show_stages(sorted({block.stage for block in seen}))
        self.answer.say("" if maps is None or self._card is None else answer_line(maps, self._card))


def layers(plan: Plan, stage: Stage) -> dict[str, tuple[int, Stage | None]]:
    """Return what can be looked at of a stage by what it is called: a row and all its stages, or one of them."""
    found: dict[str, tuple[int, Stage | None]] = {}
    needed = plan.needs(stage)
    for row, name in enumerate(plan.row_names()[: plan.top(stage)], start=1):
        blocks = [block for block in needed if block.row == row]
        what = "maps" if plan.layers[row - 1].kind == "conv" else "units"
        found[f"{name}: {sum(map(plan.width, blocks))} {what}"] = (row, None)
        if len(blocks) > 1:
            for block in blocks:
                found[f"{name}, stage {block.stage}: {plan.width(block)} {what}"] = (row, block.stage)
    return found
