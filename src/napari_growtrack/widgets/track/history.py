"""The runs of a session: look at one again, take up its settings, compare two, save one."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..session.runs import Record
from ..session.sentences import frequency
from ..shared.labels import Note
from ..shared.reading_table import only_read

HEADS = ("run", "network", "stage", "frames", "found", "frames/s")


class History(QWidget):
    """A table of runs, the latest on top, and what can be done with those that are selected.

    Attributes
    ----------
    show_again, restore, save : Signal(int)
        What is wanted of the run of this number.
    compare : Signal(int, int)
        Two runs are to be compared.
    """

    show_again = Signal(int)
    restore = Signal(int)
    save = Signal(int)
    compare = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = QTableWidget(0, len(HEADS))
        self.showing = QPushButton("Show")
        self.restoring = QPushButton("Restore settings")
        self.comparing = QPushButton("Compare two")
        self.saving = QPushButton("Save as CSV...")
        self.difference = Note()
        self._numbers: list[int] = []
        self._lay_out()
        self._connect()
        self.show_records([])

    def _lay_out(self) -> None:
        self.table.setHorizontalHeaderLabels(HEADS)
        columns = only_read(self.table)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setFixedHeight(110)
        self.showing.setToolTip("Show its detections again, in the layer of its image.")
        self.restoring.setToolTip("Choose again all it was tracked with: network, stage, diameter, thresholds.")
        self.comparing.setToolTip("Select two runs (Ctrl-click) to learn what only one of them found.")
        self.saving.setToolTip("Its detections as a table, with its settings beside it.")
        buttons = QGridLayout()
        for place, button in enumerate((self.showing, self.restoring, self.comparing, self.saving)):
            buttons.addWidget(button, *divmod(place, 2))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.difference)

    def _connect(self) -> None:
        self.table.itemSelectionChanged.connect(self._offer)
        self.table.itemDoubleClicked.connect(lambda _: self.show_again.emit(self.selected()[0]))
        self.showing.clicked.connect(lambda: self.show_again.emit(self.selected()[0]))
        self.restoring.clicked.connect(lambda: self.restore.emit(self.selected()[0]))
        self.saving.clicked.connect(lambda: self.save.emit(self.selected()[0]))
        self.comparing.clicked.connect(lambda: self.compare.emit(*sorted(self.selected())))

    def selected(self) -> list[int]:
        """Return the numbers of the selected runs."""
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        return [self._numbers[row] for row in rows]

    def show_records(self, records: list[Record]) -> None:
        """Show runs, the latest first and selected."""
        self._numbers = [record.number for record in reversed(records)]
        self.table.setRowCount(len(records))
        for row, record in enumerate(reversed(records)):
            for column, text in enumerate(_cells(record)):
                item = QTableWidgetItem(text)
                item.setToolTip(record.title)
                if column != 1:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self.table.clearSelection()
        if records:
            self.table.selectRow(0)
        self._offer()

    def refresh(self, record: Record) -> None:
        """Show a run as it is now."""
        row = self._numbers.index(record.number)
        for column, text in enumerate(_cells(record)):
            item = self.table.item(row, column)
            if item is not None:
                item.setText(text)

    def _offer(self) -> None:
        number = len(self.selected())
        for button in (self.showing, self.restoring, self.saving):
            button.setEnabled(number == 1)
        self.comparing.setEnabled(number == 2)


def _cells(record: Record) -> tuple[str, ...]:
    part = "" if len(record.frames) == record.total else f" of {record.total:,}"
    return (
        str(record.number),
        record.choice.card.name,
        str(record.choice.stage),
        f"{len(record.frames):,}{part}",
        f"{int(record.accepted.sum()):,}",
        frequency(1 / record.seconds) if record.seconds else "",
    )
