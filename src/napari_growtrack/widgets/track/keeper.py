"""The runs of a session: listed, looked at again, their settings taken up, two compared, one saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QGridLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import GrowtrackError, SettingsError
from ...core.scoring import matched_pairs
from ...core.tables import write_table
from ..session.choice import Choice
from ..session.region import Region
from ..session.runs import Record
from ..session.sentences import Kind, frequency
from ..session.session import Session
from ..shared.labels import Note
from ..shared.layers import layer_of, show_record, sift_layer, unwrapped
from ..shared.tables import only_read
from .sentences import NOTHING_SHARED, Compared, compared_line, edited_line, gone_line, restored_line, saved_line

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

# The list -------------------------------------------------------------------------------------------------------------


_MOVED = {"settings", "limits"}
"""What of a recipe thresholds change."""

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


# What is done with them -----------------------------------------------------------------------------------------------


class Keeper(QObject):
    """The runs of a panel, with the table that lists them.

    Attributes
    ----------
    told : Signal(str, str)
        What has happened, and how that is to be taken.
    shown_changed : Signal()
        Another run is shown now.
    history : History
    records : list of Record
    shown : Record or None
        The run whose detections were shown last.
    saved : str or None
        Where a run was saved last.
    """

    told = Signal(str, str)
    shown_changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._session = viewer, session
        self.history = History()
        self.shown: Record | None = None
        self.saved: str | None = None
        self.history.show_records(self.records)
        self.history.show_again.connect(self.show_run)
        self.history.restore.connect(self.restore)
        self.history.compare.connect(self.compare)
        self.history.save.connect(self.save)

    @property
    def records(self) -> list[Record]:
        """The runs of the session, whichever panel they were of."""
        return self._session.records

    @property
    def next_number(self) -> int:
        """The number of the next run."""
        return len(self.records) + 1

    def keep(self, record: Record, image: Image) -> None:
        """Keep a run, and show it over its image if that is still there."""
        self.records.append(record)
        self.shown = record
        if image in self._viewer.layers:
            show_record(self._viewer, image, record)
        self.history.show_records(self.records)
        self.shown_changed.emit()

    def for_choice(self, choice: Choice | None, image: Image | None) -> Record | None:
        """Return the run that is shown, if it has the candidates of a choice in an image."""
        run = self.shown
        if run is None or choice is None or image is None or run.source() is not unwrapped(image):
            return None
        return run if run.choice.finds_the_same(choice) else None

    def shows(self, choice: Choice | None, image: Image | None, frame: int | None, region: Region | None) -> bool:
        """Tell whether the rings of a choice on a frame, or a part of it, are there already."""
        run = self.for_choice(choice, image)
        if run is None or frame not in run.frames or run.region not in (None, region):
            return False
        return layer_of(self._viewer, run.number) is not None

    def sift(self, choice: Choice, image: Image | None) -> None:
        """Show the run by the thresholds of a choice, if it has its candidates."""
        run = self.for_choice(choice, image)
        if run is None or run.choice == choice:
            return
        record, layer = run.sifted(choice), layer_of(self._viewer, run.number)
        if layer is not None and not sift_layer(layer, record):
            self._tell(edited_line(layer.name), "warning")
            return
        self.shown = self.records[run.number - 1] = record
        if layer is not None:
            layer.metadata["growtrack"].pop("limits", None)
            layer.metadata["growtrack"] |= {name: told for name, told in record.recipe().items() if name in _MOVED}
        self.history.refresh(record)

    def show_run(self, number: int) -> None:
        """Show a run's detections in the layer of its image."""
        record = self.records[number - 1]
        image = next((layer for layer in self._viewer.layers if unwrapped(layer) is record.source()), None)
        if image is None:
            self._tell(gone_line(record.image, number), "error")
            return
        self.shown = record
        show_record(self._viewer, image, record)
        self.shown_changed.emit()

    def restore(self, number: int) -> None:
        """Choose again all that a run was tracked with."""
        self._session.restore(self.records[number - 1].choice)
        self._tell(restored_line(number))

    def compare(self, one: int, other: int) -> None:
        """Say how two runs differ."""
        try:
            self.history.difference.say(compared_line(compare(self.records[one - 1], self.records[other - 1])))
        except GrowtrackError as error:
            self._tell(str(error), "error")

    def save(self, number: int) -> None:
        """Save a run's detections as CSV, with its settings beside it."""
        record = self.records[number - 1]
        name = f"{record.image}.detections.csv"  # a name that opens as a table of detections again
        path, _ = QFileDialog.getSaveFileName(self.history, "Save detections", name, "Tables (*.csv)")
        if not path:
            return
        path = path if path.lower().endswith(".csv") else f"{path}.csv"
        try:
            write_table(record.detections, path, record.recipe())
        except GrowtrackError as error:
            self._tell(str(error), "error")
        else:
            self.saved = path
            self._tell(saved_line(int(record.accepted.sum()), path))

    def _tell(self, text: str, kind: Kind = "plain") -> None:
        self.told.emit(text, kind)


def compare(one: Record, other: Record) -> Compared:
    """Return how two runs differ, on the frames they share.

    Raises
    ------
    SettingsError
        When they share none.
    """
    shared = sorted({*one.frames} & {*other.frames})
    if not shared or one.source() is not other.source():
        raise SettingsError(NOTHING_SHARED)
    mine, theirs = (run.detections[run.detections["frame"].isin(shared)] for run in (one, other))
    pairs = matched_pairs(mine, theirs)
    both, apart = len(pairs), float(np.median(pairs["error"])) if len(pairs) else np.nan
    return Compared((one.number, other.number), len(shared), both, apart, (len(mine) - both, len(theirs) - both))
