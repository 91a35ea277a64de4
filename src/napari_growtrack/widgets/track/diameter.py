"""A box for how wide particles look in a film."""

from __future__ import annotations

import math

from qtpy.QtWidgets import QDoubleSpinBox, QWidget

_DECIMALS = 1


class DiameterBox(QDoubleSpinBox):
    """Shows and changes a diameter in pixels; `valueChanged` announces what the person changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSuffix(" px")
        self.setDecimals(_DECIMALS)
        self.setSingleStep(0.5)

    def show_diameter(self, diameter: float, least: float, greatest: float) -> None:
        """Show a diameter and how far it can go, without announcing it."""
        tenths = 10**_DECIMALS
        self.blockSignals(True)
        self.setRange(math.ceil(least * tenths) / tenths, math.floor(greatest * tenths) / tenths)
        self.setValue(diameter)
        self.blockSignals(False)

    def shows(self, diameter: float) -> bool:
        """Tell whether a diameter, rounded, is the one that is shown."""
        return self.value() == self.valueFromText(self.textFromValue(diameter))
