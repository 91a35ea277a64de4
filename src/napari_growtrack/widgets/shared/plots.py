"""A small plot in the colours of its panel, which does not zoom, pan or open menus; and which colour is which stage."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import qtpy
from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from qtpy.QtGui import QColor, QFont, QPalette
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from ...core.figures.style import BOUND, COLOURS

if TYPE_CHECKING:
    import pyqtgraph

SMALL = 8
_TITLE = {"font-size": f"{SMALL}pt"}
_AXIS = 29
_FEW_DECADES, _DECADES = 2.5, 8


def pyqtgraph_module() -> Any:
    """Return pyqtgraph, imported when the first plot is made, on the Qt that napari uses."""
    os.environ.setdefault("PYQTGRAPH_QT_LIB", qtpy.API_NAME)
    import pyqtgraph

    return pyqtgraph


def mixed(palette: QPalette, share: float) -> QColor:
    """Return a colour between that of the background (0) and that of the text (1)."""
    ground, text = (
        palette.color(role).getRgbF()[:3] for role in (QPalette.ColorRole.Window, QPalette.ColorRole.WindowText)
    )
    return QColor.fromRgbF(*(b + share * (t - b) for b, t in zip(ground, text, strict=True)))


def small_font() -> QFont:
    """Return the font of ticks and axis titles."""
    font = QFont()
    font.setPointSize(SMALL)
    return font


def _log_axis_type() -> Any:
    """Return an axis of powers of ten that writes 0.1, 1 and 10, and 2 and 5 between them where there is room."""
    base: Any = pyqtgraph_module().AxisItem

    class LogAxis(base):
        def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
            low, high = min(low, high), max(low, high)
            decades = range(math.floor(low), math.ceil(high) + 1)
            between = [decade + math.log10(digit) for decade in decades for digit in range(2, 10)]
            every = math.ceil(len(decades) / _DECADES)
            levels = [(1.0, [float(d) for d in decades if d % every == 0]), (0.1, between if every == 1 else [])]
            return [(spacing, [value for value in values if low <= value <= high]) for spacing, values in levels]

        def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            low, high = self.range
            labelled = (1,) if spacing == 1 else (2, 5) if high - low < _FEW_DECADES else ()
            return [f"{10**value:.3g}" if _leading(value) in labelled else "" for value in values]

    return LogAxis


def _leading(place: float) -> int:
    """Return the first digit of a power of ten."""
    return round(10 ** (place - math.floor(place + 1e-9)))


class Plot(QWidget):
    """Axes without zoom, panning and menus, in the colours of the widget's palette.

    Parameters
    ----------
    x, y : str
        Titles of the axes with their units; an empty `y` leaves the left axis out.
    log : str
        Which axes are logarithmic: ``""``, ``"x"``, ``"y"`` or ``"xy"``. What is drawn there are powers of ten.

    Attributes
    ----------
    pressed, dragged, released : Signal(float, float)
        Where the left button is, in the units of the axes.
    hovered : Signal(float, float)
        Where the mouse is, no button pressed.
    left : Signal()
        The mouse is elsewhere.
    asked : Signal()
        The right button was pressed.
    recoloured : Signal()
        The theme has changed; colours of what is drawn follow.
    """

    pressed = Signal(float, float)
    dragged = Signal(float, float)
    released = Signal(float, float)
    hovered = Signal(float, float)
    left = Signal()
    asked = Signal()
    recoloured = Signal()

    def __init__(self, x: str, y: str = "", log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        pg = pyqtgraph_module()
        self.view = pg.GraphicsView()
        self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self.axes = [self._axis("bottom", x, "x" in log)]
        if y:
            self.axes.append(self._axis("left", y, "y" in log))
        self._lay_out(pg)
        self.view.viewport().installEventFilter(self)
        self.view.viewport().setMouseTracking(True)
        self._recolour()

    def _axis(self, side: str, title: str, log: bool) -> pyqtgraph.AxisItem:
        axis_type = _log_axis_type() if log else pyqtgraph_module().AxisItem
        axis = axis_type(side, linkView=self.box, maxTickLength=-4)
        axis.setStyle(tickFont=small_font(), tickTextOffset=2, hideOverlappingLabels=True)
        axis.enableAutoSIPrefix(False)
        axis.setLogMode(**{"x" if side == "bottom" else "y": log})
        axis.setLabel(title, **_TITLE)
        if side == "bottom":
            axis.setHeight(_AXIS)
        return axis

    def _lay_out(self, pg: Any) -> None:
        grid = pg.GraphicsLayout()
        grid.layout.setSpacing(0)
        grid.setContentsMargins(2, 2, 6, 3)
        grid.addItem(self.box, row=0, col=1)
        for axis, place in zip(self.axes, ((1, 1), (0, 0)), strict=False):
            grid.addItem(axis, *place)
        self.view.setCentralItem(grid)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)

    def set_title(self, axis: int, title: str) -> None:
        """Write another title below (0) or left (1) of the plot."""
        self.axes[axis].setLabel(title, **_TITLE)
        self._recolour_axis(self.axes[axis])

    def add(self, item: Any) -> Any:
        """Draw an item, and return it."""
        self.box.addItem(item, ignoreBounds=True)
        return item

    def remove(self, item: Any) -> None:
        """Draw an item no more."""
        self.box.removeItem(item)

    def show_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show this part of the plane."""
        self.box.setRange(xRange=x, yRange=y, padding=0)

    def colour(self, share: float = 1.0) -> QColor:
        """Return a grey that stands out from the background: 0 not at all, 1 as the text does."""
        return mixed(self.palette(), share)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._recolour()

    def _recolour(self) -> None:
        self.view.setBackground(self.palette().color(QPalette.ColorRole.Window))
        for axis in self.axes:
            self._recolour_axis(axis)
        self.recoloured.emit()

    def _recolour_axis(self, axis: pyqtgraph.AxisItem) -> None:
        axis.setPen(self.colour(0.5))
        axis.setTextPen(self.colour())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the mouse from pyqtgraph; leave the wheel to the panel that scrolls, and tips to the part around."""
        if event is None:
            return False
        kind = event.type()
        if kind in (QEvent.Type.Wheel, QEvent.Type.ToolTip):
            event.ignore()
            return True
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease):
            self._tell(event)
            return True
        if kind == QEvent.Type.Leave:
            self.left.emit()
        return kind in (QEvent.Type.MouseButtonDblClick, QEvent.Type.ContextMenu)

    def _tell(self, event: Any) -> None:
        press, release = QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease
        left = Qt.MouseButton.LeftButton
        if event.type() == press and event.button() == Qt.MouseButton.RightButton:
            self.asked.emit()
        elif event.type() == press and event.button() == left:
            self.pressed.emit(*self.place(event.position().toPoint()))
        elif event.type() == release and event.button() == left:
            self.released.emit(*self.place(event.position().toPoint()))
        elif event.type() == QEvent.Type.MouseMove and event.buttons() & left:
            self.dragged.emit(*self.place(event.position().toPoint()))
        elif event.type() == QEvent.Type.MouseMove and not event.buttons():
            self.hovered.emit(*self.place(event.position().toPoint()))

    def place(self, pixel: QPoint) -> tuple[float, float]:
        """Return where in the axes a pixel of the view is."""
        point = self.box.mapSceneToView(self.view.mapToScene(pixel))
        return point.x(), point.y()

    def pixel(self, x: float, y: float) -> QPoint:
        """Return the pixel of the view where a place of the axes is."""
        return self.view.mapFromScene(self.box.mapViewToScene(QPointF(x, y)))


# Stages ---------------------------------------------------------------------------------------------------------------


def colour_of(stage: int) -> str:
    """Return the colour of a stage, as in figures."""
    return COLOURS[(stage - 1) % len(COLOURS)]


class Legend(QLabel):
    """Names stages in their colours, and the dashed line of the bound."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)

    def show_stages(self, stages: Iterable[int], bound: bool = False) -> None:
        """Name some stages; without any, show nothing."""
        signs = [f'<span style="color:{colour_of(stage)}">━</span>&nbsp;stage&nbsp;{stage}' for stage in stages]
        signs += [f"┄&nbsp;{BOUND.replace(' ', '&nbsp;')}"] if signs and bound else []
        self.setText(f'<span style="font-size:{SMALL}pt">{" ".join(signs)}</span>')
        self.setVisible(bool(signs))
