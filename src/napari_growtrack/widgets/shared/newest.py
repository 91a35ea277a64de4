"""One job at a time beside the window, and after it the newest that was asked for meanwhile."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from ...core.films import Stack
from ...engine import Runs
from ...jobs.context import Job
from .work import Work


class Newest(Work):
    """Has one job done at a time; of those asked for meanwhile, only the newest comes next.

    Attributes
    ----------
    asked : Job or None
        The one that is being done, or was last.
    ended : Signal()
        Nothing is left to be done.
    """

    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.asked: Job | None = None
        self._next: tuple[Runs, Job, Stack | None] | None = None
        self.finished.connect(self._go_on)

    def ask(self, engine: Runs, job: Job, film: Stack | None = None) -> None:
        """Have an engine do a job, now or when the one at work has ended, unless it is that one."""
        self._next = None if self.running and job == self.asked else (engine, job, film)
        if not self.running:
            self._go_on()

    def abandon(self) -> None:
        """Stop, hear no more of it, and forget what was to come next."""
        self._next = None
        if self.running:
            super().abandon()
            self.ended.emit()

    def _go_on(self) -> None:
        if self._next is None:
            return self.ended.emit()
        (engine, self.asked, film), self._next = self._next, None
        self.start(engine.run(self.asked, film))
