"""What can be done with a network: track with it, copy its file, delete it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QPushButton, QWidget

from ...core.errors import GrowtrackError, OutputError
from ...core.files import check_apart, write_whole
from ...core.networks.archive import SUFFIX
from ..session.choice import Shown
from ..session.sentences import saved_as_line
from ..session.session import Session
from ..shared.opening import open_panel, with_ending
from .sentences import NOT_FOR_TRACKING, chosen_line, delete_question, deleted_line, kept_line

if TYPE_CHECKING:
    from napari.viewer import Viewer

USE = "Choose this network in the Track panel, and open that."


class NetworkButtons(QWidget):
    """Tracks with a network that is shown, copies its file, or deletes it if it was grown here.

    Attributes
    ----------
    told : Signal(str, str)
        What has happened, and how that is to be taken.
    deleted : Signal()
        The network's file is gone.
    use, copy, delete : QPushButton
    """

    told = Signal(str, str)
    deleted = Signal()
    _shown: Shown

    def __init__(self, viewer: Viewer, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._session = viewer, session
        self.use, self.copy = QPushButton("Use in Track"), QPushButton("Save a copy...")
        self.delete = QPushButton("Delete...")
        self.copy.setToolTip(f"Write the network's {SUFFIX} file somewhere else.")
        self.delete.setToolTip("Delete the network's file from the folder of grown networks.")
        self.use.clicked.connect(self._use)
        self.copy.clicked.connect(self._copy)
        self.delete.clicked.connect(self._delete)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (self.use, self.copy, self.delete):
            layout.addWidget(button)

    def show_network(self, shown: Shown) -> None:
        """Offer what can be done with a network."""
        self._shown = shown
        self.use.setEnabled(shown.locates)
        self.use.setToolTip(USE if shown.locates else NOT_FOR_TRACKING)
        self.delete.setVisible(shown.file.path.resolve().parent == self._session.folder.resolve())

    def _use(self) -> None:
        try:
            self._session.choose(self._shown.name)
        except GrowtrackError as error:
            self.told.emit(str(error), "error")
            return
        open_panel(self._viewer, "Track")
        self.told.emit(chosen_line(self._shown.card.name), "plain")

    def _copy(self) -> None:
        source = self._shown.file.path
        path, _ = QFileDialog.getSaveFileName(self, "Save a copy", source.name, f"Grown networks (*{SUFFIX})")
        if not path:
            return
        try:
            target = with_ending(Path(path), SUFFIX)
            copy_network(source, target)
        except GrowtrackError as error:
            self.told.emit(str(error), "error")
        else:
            self.told.emit(saved_as_line(target), "plain")

    def _delete(self) -> None:
        path, name = self._shown.file.path, self._shown.card.name
        if not self._sure(path, name):
            return
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self.told.emit(kept_line(path, error), "error")
            return
        self.deleted.emit()
        self._session.networks_changed.emit()
        self.told.emit(deleted_line(name), "plain")

    def _sure(self, path: Path, name: str) -> bool:
        choice = self._session.choice
        text = delete_question(name, path, chosen=choice is not None and choice.file.path == path)
        return QMessageBox.question(self, "Delete a network", text) == QMessageBox.StandardButton.Yes


def copy_network(source: Path, target: Path) -> None:
    """Copy a network's file, whole or not at all.

    Raises
    ------
    OutputError
        When it has gone, is copied onto itself, or the disk refuses.
    """
    check_apart(source, target)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise OutputError(f"{source} cannot be copied: {error.strerror or error}. Choose another network.") from error
    write_whole(target, lambda file: file.write(content))
