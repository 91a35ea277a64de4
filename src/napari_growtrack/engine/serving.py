"""The engine's own side: wait for a job, run it, send what it yields."""

from __future__ import annotations

import os
import queue
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, BinaryIO

import numpy as np

from ..core.errors import EngineError, GrowtrackError, GrowtrackWarning, out_of_memory, told_of
from ..core.films import Stack
from ..jobs.context import Context, FilmFacts
from .distant import DistantFilm
from .pipe import Begin, Ended, Frame, Sender, Stop, Told, Wanted, Warned, receive

_NICE = 5
"""What draws and listens comes first where there are fewer cores than work."""


class Stopped(BaseException):
    """The job is to be left; nothing in it should catch this."""


def serve() -> None:
    """Run one job after the other until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the program that started this one
    if hasattr(os, "nice"):
        os.nice(_NICE)
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not mingle with what is sent
    sys.stdin = open(os.devnull)  # noqa: SIM115  # for the life of the process
    Server(source, Sender(sink)).run()


class Server:
    """Reads messages in one thread and runs jobs in the other."""

    def __init__(self, source: BinaryIO, send: Sender) -> None:
        self._source, self._send = source, send
        self._context = Context()
        self._context.lay(self._film)
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._frames: dict[int, Any] = {}
        self._news = Condition()
        self._stopped = False
        self._serial = 0

    def run(self) -> None:
        """Work until the other end is closed."""
        warnings.simplefilter("always", GrowtrackWarning)
        warnings.showwarning = self._warn  # type: ignore[assignment]
        Thread(target=self._listen, daemon=True).start()
        while (job := self._jobs.get()) is not None:
            with suppress(Stopped):
                self._tell(self._done(job))

    def _listen(self) -> None:
        try:
            while True:
                self._hear(receive(self._source))
        except Exception:  # the end, or something that is no message of ours
            self._leave()
            self._jobs.put(None)

    def _hear(self, message: Any) -> None:
        if isinstance(message, Begin):
            with self._news:
                self._stopped, self._serial = False, message.serial
                self._frames.clear()
            self._jobs.put(message.job)
        elif isinstance(message, Frame):
            with self._news:
                if message.serial == self._serial:
                    self._frames[message.number] = message.pixels
                    self._news.notify_all()
        elif isinstance(message, Stop):
            self._leave()

    def _leave(self) -> None:
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def _done(self, job: Any) -> Ended:
        """Run a job to its end, or until it is to be left."""
        try:
            return Ended(self._run(job))
        except Stopped:
            return Ended()
        except GrowtrackError as error:
            return Ended(error=error)
        except Exception as error:  # not all of them can be sent
            if out_of_memory(error):
                return Ended(error=EngineError(told_of(error)))
            return Ended(error=RuntimeError(f"{type(error).__name__}: {error}"))

    def _run(self, job: Any) -> Any:
        steps = job.steps(self._context)
        try:
            while not self._stopped:
                try:
                    value = next(steps)
                except StopIteration as end:
                    return end.value
                self._tell(Told(value))
        finally:
            steps.close()
        return None

    def _film(self, facts: FilmFacts, frames: Sequence[int]) -> Stack:
        return DistantFilm(facts, frames, lambda number: self._tell(Wanted(number)), self._frame)

    def _frame(self, number: int) -> np.ndarray:
        with self._news:
            self._news.wait_for(lambda: self._stopped or number in self._frames)
            if self._stopped:
                raise Stopped
            pixels = self._frames.pop(number)
        if isinstance(pixels, Exception):
            raise pixels
        return pixels

    def _warn(self, message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, GrowtrackWarning):
            self._tell(Warned(str(message)))

    def _tell(self, message: Any) -> None:
        try:
            self._send(message)
        except OSError as error:  # nobody listens any more
            raise Stopped from error
