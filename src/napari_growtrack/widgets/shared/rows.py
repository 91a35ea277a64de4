"""Rows of a form, whose labels are coloured where what they say cannot be, and the boxes in them."""

from __future__ import annotations

import math
from typing import NamedTuple

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget
from superqt import QDoubleRangeSlider

from ...core.settings import Span

_FURTHEST = 1e9
_NARROWEST = 48
# napari's boxes are at least 70 px wide and keep room for buttons; these have none. (Boxes set to have no buttons lose
# their text in Qt 6.12 as soon as they have a style sheet.)
_COMPACT = """
QDoubleSpinBox { min-width: 20px; border: none; padding: 1px 3px; }
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0px; height: 0px; border: none; }
QDoubleSpinBox::up-arrow, QDoubleSpinBox::down-arrow { width: 0px; height: 0px; image: none; }
"""
_EDGES = 22

_WRONG = "QLabel { background-color: #a8233a; color: white; border-radius: 3px; }"


class _Box(QDoubleSpinBox):
    """A box as wide as the longest number it is expected to hold, and not as the longest it could."""

    longest = 0.0

    def sizeHint(self) -> QSize:
        text = f"{self.textFromValue(self.longest)}{self.suffix()}"
        return QSize(self.fontMetrics().horizontalAdvance(text) + _EDGES, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def expect(self, limits: tuple[float, float]) -> None:
        self.longest = max(limits, key=lambda limit: len(self.textFromValue(limit)))
        self.updateGeometry()


class SpanRow(QWidget):
    """Shows and changes a span: its two ends in boxes, and a slider with two handles between them.

    Parameters
    ----------
    low, high : float
        Where the slider begins and ends. A value beyond them, shown or typed, moves them.
    step : float
        What the slider rounds to.
    unit : str
        Shown behind the numbers; empty for none.
    decimals : int
        Digits behind the point.
    logarithmic : bool
        Give every decade of the slider the same room; `low` must be above 0, and values are.

    Attributes
    ----------
    changed : Signal()
        The person has changed the span.
    """

    changed = Signal()

    def __init__(
        self,
        low: float,
        high: float,
        step: float = 0.1,
        unit: str = "",
        decimals: int = 1,
        *,
        logarithmic: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._limits = (low, high)
        self._step, self._decimals, self._logarithmic = step, decimals, logarithmic
        self._span = Span(low=low, high=high)
        self.low, self.high = self._box(unit), self._box(unit)
        self.slider = QDoubleRangeSlider(Qt.Orientation.Horizontal)
        self._lay_out()
        self._show()
        self.slider.valueChanged.connect(self._slide)
        self.low.valueChanged.connect(self._type_low)
        self.high.valueChanged.connect(self._type_high)

    def _box(self, unit: str) -> _Box:
        box = _Box()
        box.setDecimals(self._decimals)
        box.setRange(10.0**-self._decimals if self._logarithmic else -_FURTHEST, _FURTHEST)
        box.setSingleStep(self._step)
        box.setSuffix(f" {unit}" if unit else "")
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setKeyboardTracking(False)
        box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        box.setStyleSheet(_COMPACT)
        return box

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.low)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.high)
        self.slider.setMinimumWidth(_NARROWEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def value(self) -> Span:
        """Return the span; what was given and not changed is returned unrounded."""
        return self._span

    def set_value(self, span: Span) -> None:
        """Show a span without announcing it."""
        self._span = span
        self._show()

    def limits(self) -> tuple[float, float]:
        """Return where the slider begins and ends at present."""
        return self._limits

    def _show(self) -> None:
        span = self._span
        self._limits = (min(self._limits[0], self._least(span.low)), max(self._limits[1], span.high))
        for part in (self.slider, self.low, self.high):
            part.blockSignals(True)
        self.slider.setRange(*map(self._place, self._limits))
        self.slider.setSingleStep((self._place(self._limits[1]) - self._place(self._limits[0])) / 100)
        self.slider.setValue((self._place(span.low), self._place(span.high)))
        for box in (self.low, self.high):
            box.expect(self._limits)
        self.low.setValue(span.low)
        self.high.setValue(span.high)
        for part in (self.slider, self.low, self.high):
            part.blockSignals(False)

    def _least(self, value: float) -> float:
        return max(value, 10.0**-self._decimals) if self._logarithmic else value

    def _place(self, value: float) -> float:
        """Return where on the slider a value is."""
        return math.log10(self._least(value)) if self._logarithmic else value

    def _at(self, place: float) -> float:
        """Return the round value at a place of the slider."""
        value = 10**place if self._logarithmic else place
        value = round(round(value / self._step) * self._step, self._decimals)
        return min(max(value, self._limits[0]), self._limits[1])

    def _slide(self, places: tuple[float, float]) -> None:
        ends = (self._span.low, self._span.high)
        low, high = (
            end if math.isclose(self._place(end), place) else self._at(place)
            for end, place in zip(ends, places, strict=True)
        )
        self._take(low, high)

    def _type_low(self, low: float) -> None:
        self._take(low, max(low, self._span.high))

    def _type_high(self, high: float) -> None:
        self._take(min(high, self._span.low), high)

    def _take(self, low: float, high: float) -> None:
        if (low, high) != (self._span.low, self._span.high):
            self._span = Span(low=low, high=high)
            self._show()
            self.changed.emit()


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


# Rows -----------------------------------------------------------------------------------------------------------------


class Field(NamedTuple):
    """A range that is shown: its label, what it means, and what its slider reaches."""

    label: str
    about: str
    low: float
    high: float
    step: float
    unit: str
    decimals: int
    logarithmic: bool = False

    def row(self) -> SpanRow:
        """Return what shows it."""
        row = SpanRow(self.low, self.high, self.step, self.unit, self.decimals, logarithmic=self.logarithmic)
        row.setToolTip(self.about)
        return row


class Form(QFormLayout):
    """Labelled rows, whose parts are as wide as there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 0, 0, 0)
        self.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)


class Rows(Form):
    """Labelled rows, whose labels are coloured where they are wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.setVerticalSpacing(4)

    def add(self, label: str, part: QWidget, place: int = -1) -> None:
        """Add a row at a place, by default below the others."""
        title = QLabel(label)
        title.setToolTip(part.toolTip())
        self.insertRow(place, title, part)

    def show_row(self, part: QWidget, on: bool) -> None:
        """Show or hide a row."""
        part.setVisible(on)
        self._title(part).setVisible(on)

    def mark(self, part: QWidget, wrong: bool) -> None:
        """Colour the label of a part, or colour it no more."""
        self._title(part).setStyleSheet(_WRONG if wrong else "")

    def marked(self) -> list[str]:
        """Return the labels that are coloured."""
        titles = [self._title(part) for part in map(self._field, range(self.rowCount())) if part is not None]
        return [title.text() for title in titles if title.styleSheet()]

    def _title(self, part: QWidget) -> QLabel:
        title = self.labelForField(part)
        assert isinstance(title, QLabel)
        return title

    def _field(self, row: int) -> QWidget | None:
        item = self.itemAt(row, QFormLayout.ItemRole.FieldRole)
        return None if item is None else item.widget()
