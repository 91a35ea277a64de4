"""What is done with trajectories by hand, step by step: delete, split, join, undo."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

_KEPT = 100


class Change(NamedTuple):
    """What was done, in words, and the table after it."""

    what: str
    table: pd.DataFrame


class Corrections:
    """A table and its earlier forms.

    Parameters
    ----------
    table : DataFrame

    Examples
    --------
    >>> kept = Corrections(pd.DataFrame({"particle": [1, 2]}))
    >>> kept.change("delete 2", pd.DataFrame({"particle": [1]}))
    >>> kept.undo(), kept.table.particle.tolist()
    ('delete 2', [1, 2])
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._past, self._future = [Change("", table)], list[Change]()

    @property
    def table(self) -> pd.DataFrame:
        """The table as it is now."""
        return self._past[-1].table

    @property
    def done(self) -> list[str]:
        """What was done and is not undone, the first first."""
        return [change.what for change in self._past[1:]]

    @property
    def undone(self) -> list[str]:
        """What was undone and may be done again, the next first."""
        return [change.what for change in reversed(self._future)]

    def change(self, what: str, table: pd.DataFrame) -> None:
        """Take another table; what was undone before cannot be done again."""
        self._past.append(Change(what, table))
        self._future.clear()
        del self._past[:-_KEPT]

    def undo(self) -> str:
        """Go back to the table before, and return what is undone.

        Raises
        ------
        IndexError
            When nothing was done.
        """
        if len(self._past) < 2:
            raise IndexError("nothing was done")
        self._future.append(self._past.pop())
        return self._future[-1].what

    def redo(self) -> str:
        """Do again what was undone last, and return what.

        Raises
        ------
        IndexError
            When nothing was undone.
        """
        self._past.append(self._future.pop())
        return self._past[-1].what


# Buttons --------------------------------------------------------------------------------------------------------------


class CorrectionButtons(QWidget):
    """Offers what can be done with the trajectories that are selected.

    Attributes
    ----------
    delete, split, join, undo, redo, nothing, hand_over, take_back : QPushButton
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.delete, self.split, self.join = QPushButton("Delete"), QPushButton("Split here"), QPushButton("Join")
        self.undo, self.redo, self.nothing = QPushButton("Undo"), QPushButton("Redo"), QPushButton("Select none")
        self.hand_over, self.take_back = QPushButton("Hand over..."), QPushButton("Take back...")
        self._lay_out()
        self.delete.setToolTip("Delete the selected trajectories (Del).")
        self.split.setToolTip("End the selected trajectory before the frame you look at; from there on it is another.")
        self.join.setToolTip("Make the selected trajectories one. They may not be in the same frame.")
        self.hand_over.setToolTip("Write all trajectories as GEFF, which track editors such as napari-track-edit read.")
        self.take_back.setToolTip("Read them back from GEFF, as the editor left them. This can be undone.")
        for key, button in (("Del", self.delete), ("Ctrl+Z", self.undo), ("Ctrl+Shift+Z", self.redo)):
            shortcut = QShortcut(QKeySequence(key), parent)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        first = self.delete, self.split, self.join, self.undo, self.redo, self.nothing
        for place, button in enumerate(first):
            row, column = divmod(place, 3)
            layout.addWidget(button, row, 2 * column, 1, 2)
        for column, button in enumerate((self.hand_over, self.take_back)):
            layout.addWidget(button, 2, 3 * column, 1, 3)

    def offer(self, corrections: Corrections | None, selected: int) -> None:
        """Offer what can be done now."""
        there = corrections is not None and len(corrections.table) > 0
        self.delete.setEnabled(there and selected > 0)
        self.split.setEnabled(there and selected == 1)
        self.join.setEnabled(there and selected > 1)
        self.nothing.setEnabled(selected > 0)
        self.hand_over.setEnabled(there)
        self.take_back.setEnabled(corrections is not None)
        for button, steps, verb in (
            (self.undo, [] if corrections is None else corrections.done[-1:], "Undo"),
            (self.redo, [] if corrections is None else corrections.undone[:1], "Do again"),
        ):
            button.setEnabled(bool(steps))
            button.setToolTip(f"{verb}: {steps[0]}" if steps else f"There is nothing to {verb.lower()}.")
