"""A titled group that folds away, so that panels stay small."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

_INDENT = 8
# The title is flush with the labels of forms; napari draws buttons as filled boxes.
_LOOK = "QToolButton { border: none; background: transparent; padding: 2px; font-weight: bold; }"


class Section(QWidget):
    """A title that shows and hides what stands below it.

    Parameters
    ----------
    title : str
        Always seen.
    opened : bool
        Whether the contents are seen at first.

    Attributes
    ----------
    toggled : Signal(bool)
        The section has been opened, or folded.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, opened: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QToolButton()
        self.title.setText(title)
        self.title.setCheckable(True)
        self.title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.title.setStyleSheet(_LOOK)
        self.contents = QWidget()
        self._lay_out()
        self.title.toggled.connect(self._show)
        self.title.toggled.connect(self.toggled)
        self.title.setChecked(opened)
        self._show(opened)

    def _lay_out(self) -> None:
        self._inside = QVBoxLayout(self.contents)
        self._inside.setContentsMargins(_INDENT, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.contents)

    def add(self, part: QWidget | QLayout) -> None:
        """Put a part below the others."""
        if isinstance(part, QLayout):
            self._inside.addLayout(part)
        else:
            self._inside.addWidget(part)

    def is_open(self) -> bool:
        """Tell whether the contents are seen."""
        return self.title.isChecked()

    def set_open(self, opened: bool) -> None:
        """Show or hide the contents."""
        self.title.setChecked(opened)

    def _show(self, opened: bool) -> None:
        self.contents.setVisible(opened)
        self.title.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)


def section(title: str, *parts: QWidget | QLayout, opened: bool = False) -> Section:
    """Return a section with parts below one another."""
    made = Section(title, opened)
    for part in parts:
        made.add(part)
    return made
