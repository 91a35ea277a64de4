"""One job at a time beside the window, and after it the newest that was asked for meanwhile."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from ..core.stacks import Stack
from ..engine.desk import Job
from .session import Session
from .work import Work


class Newest(QObject):
    """Runs jobs of the simulating engine; of those asked for while one runs, only the newest.

    Attributes
    ----------
    work : Work
        Tells what the job yields, and how it ends.
    asked : Job or None
        The one that runs, or ran last.
    ended : Signal()
        Nothing is left to be done.
    """

    ended = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.work = Work(self)
        self.asked: Job | None = None
        self._session = session
        self._wanted: tuple[Job, Stack | None] | None = None
        self.work.finished.connect(self._end)

    def ask(self, job: Job, film: Stack | None = None) -> None:
        """Run a job, now or when the one that runs has ended, unless it is that one."""
        if not self.work.running:
            self._start(job, film)
        else:
            self._wanted = None if job == self.asked else (job, film)

    def drop(self) -> None:
        """Leave whatever was asked for."""
        self._wanted = None
        if self.work.running:
            self.work.abandon()
            self.ended.emit()

    def _start(self, job: Job, film: Stack | None) -> None:
        self.asked, self._wanted = job, None
        self.work.start(self._session.engines.simulating.run(job, film))

    def _end(self) -> None:
        if self._wanted is None:
            self.ended.emit()
        else:
            self._start(*self._wanted)
