"""Long work beside the GUI: a generator, driven in another thread, and what it warns of; or one job after the other."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, QThreadPool, Signal
from superqt.utils import GeneratorWorker

from ...core.errors import GrowtrackWarning
from ...core.films import Stack
from ...engine import Runs
from ...jobs.context import Job

_listeners: dict[int, Callable[[str], object]] = {}
_lock = threading.Lock()
_before: Callable[..., Any] = warnings.showwarning


@contextmanager
def hearing(heard: Callable[[str], object]) -> Iterator[None]:
    """Call with every `GrowtrackWarning` of this thread; libraries' warnings in it are nobody's concern.

    Python has one way of showing warnings for all threads, and putting it back
    where two overlap goes wrong; so it is changed once and stays.
    """
    _install()
    thread = threading.get_ident()
    _listeners[thread] = heard
    try:
        yield
    finally:
        _listeners.pop(thread, None)


def _install() -> None:
    global _before
    with _lock:
        if warnings.showwarning is not _show:
            _before, warnings.showwarning = warnings.showwarning, _show
        warnings.simplefilter("always", GrowtrackWarning)


def _show(message: Any, category: type[Warning], *where: Any, **how: Any) -> None:
    heard = _listeners.get(threading.get_ident())
    if heard is None:
        _before(message, category, *where, **how)
    elif issubclass(category, GrowtrackWarning):
        heard(str(message))


# Work -----------------------------------------------------------------------------------------------------------------


_THREADS = 16
"""Most work waits for another process, so there may be more of it than cores."""


class _Worker(GeneratorWorker):
    """Closes the generator when it leaves it, and hears the warnings of its own thread only."""

    def work(self) -> Any:
        """Drive the generator."""
        try:
            return super().work()
        finally:
            self._gen.close()

    def run(self) -> None:
        """Work, telling of its warnings; the worker class it is of would take those of other threads for its own."""
        self.started.emit()
        self._running = True
        with hearing(lambda sentence: self.warned.emit((sentence,))):
            self.work()
        self._running = False
        self.finished.emit()
        self._finished.emit(self)


class Work(QObject):
    """Drives one generator at a time; all signals arrive in the GUI thread.

    Generators yield None as a sign of life, which nobody hears of; between two
    values they can be stopped.

    Attributes
    ----------
    advanced : Signal(object)
        Each value the generator yields.
    warned : Signal(str)
        Each `GrowtrackWarning` it raises.
    failed : Signal(object)
        The exception that ended it.
    finished : Signal()
        It ended, was stopped, or failed.
    """

    advanced = Signal(object)
    warned = Signal(str)
    failed = Signal(object)
    finished = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: Any = None
        self._listener: _Listener | None = None

    @property
    def running(self) -> bool:
        """Whether a generator is at work."""
        return self._worker is not None

    def start(self, steps: Iterable[Any]) -> None:
        """Drive a generator to its end."""
        # napari's own worker class may show every library's deprecations to the user; superqt's leaves them to us.
        worker = create_worker(drive, steps, _start_thread=False, _worker_class=_Worker)
        self._listener = listener = _Listener(self)
        worker.yielded.connect(listener.advance)
        worker.warned.connect(listener.warn)
        worker.finished.connect(listener.end)
        self.destroyed.connect(worker.quit)
        self._worker = worker
        pool = QThreadPool.globalInstance()
        if pool is not None and pool.maxThreadCount() < _THREADS:
            pool.setMaxThreadCount(_THREADS)
        worker.start()

    def stop(self) -> None:
        """Ask it to stop at its next value; `finished` tells when it did."""
        if self._worker is not None:
            self._worker.quit()

    def abandon(self) -> None:
        """Stop, and hear no more of it."""
        if self._worker is not None:
            self._worker.quit()
            self.forget()

    def forget(self) -> None:
        """Take it that there is no generator at work any more."""
        self.destroyed.disconnect(self._worker.quit)
        if self._listener is not None:
            self._listener.leave()
        self._worker = self._listener = None


class _Listener(QObject):
    """Passes on what one worker has to say, in the GUI thread, until nobody wants to hear it.

    A signal that is on its way is delivered even after it was disconnected, and would be taken for the next worker's.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._work: Work | None = work

    def leave(self) -> None:
        """Pass on nothing more."""
        self._work = None
        self.deleteLater()

    def advance(self, value: Any) -> None:
        if self._work is not None and isinstance(value, _Failure):
            self._work.failed.emit(value.error)
        elif self._work is not None and value is not None:
            self._work.advanced.emit(value)

    def warn(self, warning: tuple[str]) -> None:
        if self._work is not None:
            self._work.warned.emit(warning[0])

    def end(self) -> None:
        if self._work is not None:
            work = self._work
            work.forget()
            work.finished.emit()


class _Failure:
    def __init__(self, error: Exception) -> None:
        self.error = error


def drive(steps: Iterable[Any]) -> Iterator[Any]:
    """Yield all values of a generator, and at last its exception, which the worker would not pass on in every case."""
    try:
        yield from steps
    except Exception as error:
        yield _Failure(error)


# The newest -----------------------------------------------------------------------------------------------------------


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
