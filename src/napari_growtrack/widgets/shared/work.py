"""Long work beside the GUI: a generator, driven in another thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, QThreadPool, Signal
from superqt.utils import GeneratorWorker

from .warned import hearing

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
