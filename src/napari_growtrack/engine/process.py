"""The window's side of an engine: start it, send it jobs, hear what it has to tell, stop it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Protocol

from ..core.errors import EngineError, GrowtrackWarning, StackError
from ..core.films import Stack
from ..core.networks.load import Network, load_network
from ..jobs.context import Context, FilmFacts, Job
from .pipe import Begin, Ended, Frame, Sender, Stop, Told, Wanted, Warned, receive

HEARTBEAT = 0.05
"""Seconds between signs of life while there is nothing to tell."""

PATIENCE = 30.0
"""Seconds an engine has to put away a job that was left, before it is ended and another one started."""

_GONE = object()


class Runs(Protocol):
    """Something that runs jobs: an `Engine`, or `Here`."""

    def run(self, job: Job, film: Stack | None = None) -> Generator[Any, None, Any]:
        """Yield what a job yields, and None now and then while there is nothing; return what it returns."""

    def close(self) -> None:
        """Let go of everything."""


class Engine:
    """A process that runs one job at a time; it is started by the first.

    Parameters
    ----------
    patience : float
        Seconds that `close` waits for a job to be put away.

    Examples
    --------
    >>> engine = Engine()  # doctest: +SKIP
    >>> for told in engine.run(job, film):  # doctest: +SKIP
    ...     print(told)
    """

    def __init__(self, patience: float = 3.0) -> None:
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._send: Sender | None = None
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._turn = Lock()
        self._busy = False
        self._serial = 0
        self._reader: Thread | None = None

    @property
    def running(self) -> bool:
        """Whether its process is alive."""
        return self._process is not None and self._process.poll() is None

    def run(self, job: Job, film: Stack | None = None) -> Generator[Any, None, Any]:
        """Yield what a job yields as it comes; return what it returns.

        None is yielded every `HEARTBEAT` while there is nothing to tell, so that
        whoever drives this can leave at any time: closing the generator stops
        the job, which may go on putting things away for a while.

        Raises
        ------
        EngineError
            When the process cannot be started, or ends before the job.
        Exception
            Whatever ended the job.
        """
        while not self._turn.acquire(blocking=False):
            yield None
            time.sleep(HEARTBEAT)
        try:
            yield from self._ready()
            return (yield from self._follow(job, film))
        finally:
            self._turn.release()

    def _follow(self, job: Job, film: Stack | None) -> Generator[Any, None, Any]:
        self._serial += 1
        self._tell(Begin(self._serial, job))
        self._busy, reader = True, ThreadPoolExecutor(1, "growtrack-read")
        try:
            while True:
                message = self._next()
                if message is None:
                    yield None
                elif isinstance(message, Told):
                    yield message.value
                elif isinstance(message, Wanted):
                    reader.submit(self._fetch, film, self._serial, message.number)
                elif isinstance(message, Warned):
                    warnings.warn(message.sentence, GrowtrackWarning, stacklevel=2)
                elif isinstance(message, Ended):
                    self._busy = False
                    if message.error is not None:
                        raise message.error
                    return message.result
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
            if self._busy and self.running:
                with suppress(EngineError):
                    self._tell(Stop())

    def _next(self) -> Any:
        """Return the next message, None if there is none for a while."""
        try:
            message = self._heard.get(timeout=HEARTBEAT)
        except queue.Empty:
            return None
        if message is _GONE:
            raise self._died()
        return message

    def _died(self) -> EngineError:
        self._kill()  # what cannot be understood may still be alive
        code = None if self._process is None else self._process.returncode
        self._process = None
        why = "; perhaps memory ran out" if code == -9 else ""
        return EngineError(
            f"The process that does the work ended unexpectedly (exit code {code}){why}. "
            "Nothing in this window is lost. Try again: another one is started."
        )

    def _fetch(self, film: Stack | None, serial: int, number: int) -> None:
        """Read a frame and send it."""
        try:
            if film is None:
                raise StackError("There is no film to read from.")
            pixels: Any = film[number]
        except StackError as error:
            pixels = error
        except IndexError as error:
            pixels = StackError(str(error))
        except Exception as error:  # whatever a lazy array may raise; not all of that can be sent
            pixels = StackError(f"Cannot read frame {number}: {type(error).__name__}: {error}")
        with suppress(EngineError):  # the loop hears of that itself
            self._tell(Frame(serial, number, pixels))

    def _tell(self, message: Any) -> None:
        try:
            if self._send is not None:
                self._send(message)
        except (OSError, ValueError) as error:
            raise self._died() from error

    # Starting and ending ------------------------------------------------------------------------------------------

    def _ready(self) -> Generator[None, None, None]:
        """Wait until a job that was left is put away; start the process where it is not there."""
        deadline = time.monotonic() + PATIENCE
        while self._busy and self.running:
            try:
                message = self._heard.get(timeout=HEARTBEAT)
            except queue.Empty:
                yield None
                if time.monotonic() > deadline:
                    self._kill()
                continue
            self._busy = not isinstance(message, Ended)
        if not self.running:
            self._start()

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __package__],  # -P: what lies in the current folder is not ours
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise EngineError(
                f"Cannot start {sys.executable} for the work beside the window: {error.strerror or error}. "
                "Start napari from a Python environment in which napari-growtrack is installed."
            ) from error
        self._heard = queue.SimpleQueue()
        self._send = Sender(self._process.stdin)  # type: ignore[arg-type]
        self._busy = False
        self._reader = Thread(target=_listen, args=(self._process.stdout, self._heard), daemon=True)
        self._reader.start()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._busy = False

    def close(self) -> None:
        """End the process; what it was doing is stopped and put away first, as long as there is patience."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(timeout=self._patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(timeout=5)
        process.stdout.close()  # type: ignore[union-attr]


def _listen(source: Any, heard: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            heard.put(receive(source))
    except Exception:  # the end, or something that is no message of ours
        heard.put(_GONE)


class Here:
    """Runs jobs in this very process: for tests, and where no other can be started."""

    def __init__(self, load: Callable[[Path], Network] = load_network) -> None:
        self._context = Context(load)

    def run(self, job: Job, film: Stack | None = None) -> Generator[Any, None, Any]:
        """Yield what a job yields; return what it returns."""

        def at_hand(facts: FilmFacts, frames: Sequence[int]) -> Stack:
            if film is None:
                raise StackError("There is no film to read from.")
            return film

        self._context.lay(at_hand)
        return (yield from job.steps(self._context))

    def close(self) -> None:
        """Let go of the networks."""
        self._context = Context()
