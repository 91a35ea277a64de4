"""Rows of small grey pictures on one scale."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent, QPalette, QResizeEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

_GAP = 2
_LEAST, _MOST = 28, 64
_CLIPPED = 0.1


class CropStrip(QWidget):
    """Shows pictures in rows with a label above each, enlarged pixel by pixel, as many as find room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: dict[str, list[QImage]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_rows({})

    def set_rows(self, rows: Mapping[str, ArrayLike]) -> None:
        """Show pictures, all on the same grey scale.

        Parameters
        ----------
        rows : mapping of str to array_like, shape (n, side, side)
            By label, from the top. What is not finite is black.
        """
        stacks = {label: np.asarray(stack, dtype=np.float32) for label, stack in rows.items()}
        low, high = _scale(stacks)
        self._images = {label: [grey_image(crop, low, high) for crop in stack] for label, stack in stacks.items()}
        self._fit()

    def side(self) -> int:
        """Return how wide a picture is drawn, in pixels of the screen."""
        longest = max((len(images) for images in self._images.values()), default=0)
        return min(max((self.width() + _GAP) // max(longest, 1) - _GAP, _LEAST), _MOST)

    def shown(self) -> int:
        """Return how many pictures of a row find room."""
        return max(1, (self.width() + _GAP) // (self.side() + _GAP))

    def heading(self, label: str) -> str:
        """Return what stands above a row: its label, and how many pictures are seen where not all are."""
        total, seen = len(self._images[label]), self.shown()
        return label if total <= seen else f"{label} (first {seen} of {total})"

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Find room for as many pictures as there is."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(len(self._images) * self._row_height())
        self.update()

    def _row_height(self) -> int:
        return self.fontMetrics().height() + self.side() + 2 * _GAP

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw labels and pictures."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        for number, label in enumerate(self._images):
            self._draw(painter, label, number * self._row_height())
        painter.end()

    def _draw(self, painter: QPainter, label: str, top: int) -> None:
        text, side = self.fontMetrics().height(), self.side()
        painter.drawText(QRect(0, top, self.width(), text), Qt.AlignmentFlag.AlignLeft, self.heading(label))
        for number, image in enumerate(self._images[label][: self.shown()]):
            painter.drawImage(QRect(number * (side + _GAP), top + text, side, side), image)


def _scale(stacks: Mapping[str, NDArray[np.float32]]) -> tuple[float, float]:
    """Return the grey values drawn black and white: all but a thousandth lie between them."""
    values = [stack[np.isfinite(stack)] for stack in stacks.values()]
    together = np.concatenate(values) if values else np.empty(0)
    if not len(together):
        return 0.0, 1.0
    low, high = np.percentile(together, (_CLIPPED, 100 - _CLIPPED))
    return float(low), float(high if high > low else low + 1)


def grey_image(pixels: NDArray[np.float32], low: float, high: float) -> QImage:
    """Return a picture of pixels (height, width), black up to `low` and where not finite, white from `high`."""
    shades = np.nan_to_num((pixels - low) / (high - low), nan=0.0, posinf=0.0, neginf=0.0)
    shades = np.ascontiguousarray(np.clip(shades * 255, 0, 255).astype(np.uint8))
    height, width = shades.shape
    return QImage(shades.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
