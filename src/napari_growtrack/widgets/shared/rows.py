"""Rows of a form, whose labels are coloured where what they say cannot be."""

from __future__ import annotations

from typing import NamedTuple

from qtpy.QtWidgets import QFormLayout, QLabel, QWidget

from .spans import SpanRow

_WRONG = "QLabel { background-color: #a8233a; color: white; border-radius: 3px; }"


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
