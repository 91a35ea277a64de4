"""Track a film into a table on the disk: whatever its length, in bounded memory, and to be gone on with."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from ...core.detection import FrameDetections
from ...core.progress import changed
from ...core.tables import SUFFIXES
from ...core.tracking.streaming import SUFFIX
from ...jobs.context import FilmFacts
from ...jobs.track_to_table import Begun, TrackedTable, TrackToTable
from ..napari_io.tracks import known_units
from ..session.choice import Choice
from ..session.region import Pace, TrackingProgress
from ..session.sentences import Kind, reason
from ..session.session import Session
from ..shared.opening import with_ending
from .sentences import file_left_line, file_written_line, go_on_question

if TYPE_CHECKING:
    from napari.layers import Image

    from ...core.films import Stack

_FILTERS = f"Tables ({' '.join(f'*{suffix}' for suffix in SUFFIXES)})"


@dataclass
class FileRun:
    """A run into a file: where it stands, and what came of it.

    Attributes
    ----------
    path : Path
    progress : TrackingProgress
    result : TrackedTable or None
        None while it goes on, and where it was left.
    warnings : list of str
    error : Exception or None
        What ended it before its first frame.
    """

    path: Path
    progress: TrackingProgress
    result: TrackedTable | None = None
    warnings: list[str] = field(default_factory=list)
    error: Exception | None = None

    def follow(self, session: Session, job: TrackToTable, film: Stack) -> Iterator[TrackingProgress | None]:
        """Track, telling how far it is, and None now and then while there is nothing to tell."""
        yield self.progress
        self.result = yield from self._told(session.engines.tracking.run(job, film))

    def _told(self, steps: Generator[Any, None, Any]) -> Generator[TrackingProgress | None, None, Any]:
        pace = Pace()

        def shown(told: Any) -> TrackingProgress | None:
            if isinstance(told, Begun):
                self.progress = TrackingProgress(told.done, len(told.frames))
            elif isinstance(told, FrameDetections):
                typical, now = pace.after(told.seconds), self.progress
                self.progress = TrackingProgress(now.done + 1, now.total, told.frame, told.table, typical)
            return None if told is None else self.progress

        return changed(steps, shown)

    def outcome(self) -> tuple[str, Kind]:
        """Say what came of it."""
        done, total = self.progress.done, self.progress.total
        if self.result is None:
            return (
                (reason(self.error), "error") if self.error else (file_left_line(done, total, self.path.name), "plain")
            )
        if self.result.stopped is not None:
            left = file_left_line(len(self.result.frames), self.result.wanted, self.path.name)
            return f"{self.result.stopped} {left}", "error"
        told = [file_written_line(self.result.rows, len(self.result.frames), self.path.name), *self.warnings]
        return " ".join(told), "warning" if self.warnings else "plain"


def job_of(
    image: Image, film: Stack, choice: Choice, frames: range, path: Path, how: Mapping[str, bool]
) -> TrackToTable:
    """Return the job that tracks what a layer shows, as it is chosen, into a table."""
    known = known_units({"metadata": image.metadata, "scale": image.scale, "units": image.units})
    facts = FilmFacts.of(film)._replace(told=tuple(known.items()))
    return TrackToTable(
        facts,
        path,
        choice.name,
        slice(frames.start, frames.stop),
        diameter=choice.diameter,
        contrast=choice.contrast,
        cascade=choice.cascade(),
        limits=choice.limits,
        resume=how.get("resume", False),
        anew=how.get("anew", False),
    )


def pick_table(parent: QWidget, film: str) -> Path | None:
    """Return the table the person picks; None if none.

    Raises
    ------
    SettingsError
        When it has no ending, and with one is another file that is there already.
    """
    name, _ = QFileDialog.getSaveFileName(parent, "Track into a file", f"{film}.detections.csv", _FILTERS)
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() in SUFFIXES else with_ending(path, ".csv")


def how_to_begin(parent: QWidget, path: Path) -> dict[str, Any] | None:
    """Ask whether to go on where an earlier run left something; None where the person would rather do neither."""
    if not path.with_name(f"{path.name}{SUFFIX}").exists():
        return {}
    yes, no, cancel = (getattr(QMessageBox.StandardButton, name) for name in ("Yes", "No", "Cancel"))
    answer = QMessageBox.question(parent, "Track into a file", go_on_question(path.name), yes | no | cancel, yes)
    return {yes: {"resume": True}, no: {"anew": True}}.get(answer)
