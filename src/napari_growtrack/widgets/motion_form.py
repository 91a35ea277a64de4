"""How motion is read off: what a pixel and a frame stand for, and whether drift and a trap are taken into account."""

from __future__ import annotations

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QWidget

from ..core.motion import Units
from .rows import Form

_REST = 400
_UNKNOWN = "unknown"


class MotionForm(QWidget):
    """Asks how motion is read off.

    Attributes
    ----------
    rested : Signal()
        The person has changed something, and for a moment nothing more.
    """

    rested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pixel, self.frame = _box(" µm"), _box(" s")
        self.temperature = _box(" K", 1)
        self.no_drift, self.trap = QCheckBox("Remove drift"), QCheckBox("A bead in a trap")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(self.rested)
        self._lay_out()
        self._explain()
        for box in (self.pixel, self.frame, self.temperature):
            box.valueChanged.connect(lambda _: self._timer.start())
        for tick in (self.no_drift, self.trap):
            tick.toggled.connect(lambda _: self._timer.start())
        self.trap.toggled.connect(self.temperature.setVisible)
        self.temperature.hide()

    def _lay_out(self) -> None:
        layout = Form(self)
        layout.addRow("Pixel", self.pixel)
        layout.addRow("Frame to frame", self.frame)
        ticks = QHBoxLayout()
        for part in (self.no_drift, self.trap):
            ticks.addWidget(part)
        layout.addRow(ticks)
        layout.addRow(self.temperature)
        self.temperature.setPrefix("at ")

    def _explain(self) -> None:
        self.pixel.setToolTip("Side of a pixel. Taken from the layer's scale where that is in a unit of length.")
        self.frame.setToolTip("Time from frame to frame. Taken from the layer's scale where that is in a unit of time.")
        self.no_drift.setToolTip("Take away what all trajectories move in common, before all else.")
        self.trap.setToolTip("Tell the stiffness of the trap that the one bead is in.")
        self.temperature.setToolTip("With it, and a known pixel, the stiffness is told in pN/µm.")

    def leave(self) -> None:
        """Tell nothing more."""
        self._timer.stop()

    def units(self) -> Units:
        """Return what a pixel and a frame stand for."""
        return Units(pixel_size=self.pixel.value() or None, frame_time=self.frame.value() or None)

    def show_units(self, units: Units) -> None:
        """Show other units without announcing it."""
        for box, value in ((self.pixel, units.pixel_size), (self.frame, units.frame_time)):
            box.blockSignals(True)
            box.setValue(value or 0)
            box.blockSignals(False)


def _box(unit: str, decimals: int = 5) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(0, 1e5)
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setSpecialValueText(_UNKNOWN)
    box.setSuffix(unit)
    return box
