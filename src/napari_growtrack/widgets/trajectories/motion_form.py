"""How motion is read off: what a pixel, a frame and an exposure stand for, and whether there is drift or a trap."""

from __future__ import annotations

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QWidget

from ...core.motion import Units
from ..shared.rows import Form

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
        self.pixel, self.frame, self.exposure = _box(" µm"), _box(" s"), _box(" s")
        self.temperature = _box(" K", 1)
        self.no_drift, self.trap = QCheckBox("Remove drift"), QCheckBox("A bead in a trap")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(self.rested)
        self._lay_out()
        self._explain()
        for box in (self.pixel, self.frame, self.exposure, self.temperature):
            box.valueChanged.connect(lambda _: self._timer.start())
        for tick in (self.no_drift, self.trap):
            tick.toggled.connect(lambda _: self._timer.start())
        self.trap.toggled.connect(self.temperature.setVisible)
        self.temperature.hide()

    def _lay_out(self) -> None:
        layout = Form(self)
        layout.addRow("Pixel", self.pixel)
        layout.addRow("Frame to frame", self.frame)
        layout.addRow("Exposure", self.exposure)
        ticks = QHBoxLayout()
        for part in (self.no_drift, self.trap):
            ticks.addWidget(part)
        layout.addRow(ticks)
        layout.addRow(self.temperature)
        self.temperature.setPrefix("at ")

    def _explain(self) -> None:
        self.pixel.setToolTip("Side of a pixel. Taken from the layer's scale where that is in a unit of length.")
        self.frame.setToolTip("Time from frame to frame. Taken from the layer's scale where that is in a unit of time.")
        self.exposure.setToolTip(
            "For how long the shutter is open in each frame; the frame time where the camera never rests. Taken from "
            "the film where it tells. Particles that move meanwhile are blurred, which shifts localisation error and "
            "exponent."
        )
        self.no_drift.setToolTip("Take away what all trajectories move in common, before all else.")
        self.trap.setToolTip("Tell the stiffness of the trap that the one bead is in.")
        self.temperature.setToolTip("With it, and a known pixel, the stiffness is told in pN/µm.")

    def leave(self) -> None:
        """Tell nothing more."""
        self._timer.stop()

    def units(self) -> Units:
        """Return what a pixel and a frame stand for."""
        boxes = {"pixel_size": self.pixel, "frame_time": self.frame, "exposure_time": self.exposure}
        return Units(**{name: box.value() or None for name, box in boxes.items()})

    def show_units(self, units: Units) -> None:
        """Show other units without announcing it."""
        known = units.pixel_size, units.frame_time, units.exposure_time
        for box, value in zip((self.pixel, self.frame, self.exposure), known, strict=True):
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
