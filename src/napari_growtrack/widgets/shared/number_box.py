"""A box for a number with its unit."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox


class NumberBox(QDoubleSpinBox):
    """A box for a number, which it keeps unrounded until the person changes it.

    Attributes
    ----------
    changed : Signal()
        The person has changed it.
    """

    changed = Signal()

    def __init__(self, low: float, high: float, step: float, unit: str, decimals: int, about: str = "") -> None:
        super().__init__()
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setSuffix(f" {unit}" if unit else "")
        self.setToolTip(about)
        self._number = self.value()
        self.valueChanged.connect(self._take)

    def number(self) -> float:
        """Return the number."""
        return self._number

    def set_number(self, number: float) -> None:
        """Show a number without announcing it."""
        self.blockSignals(True)
        self.setValue(number)
        self.blockSignals(False)
        self._number = number

    def _take(self, number: float) -> None:
        self._number = number
        self.changed.emit()
