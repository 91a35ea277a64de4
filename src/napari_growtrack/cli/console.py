"""What a terminal shows while something works: bars with time left, and nothing of what libraries mutter."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")

CANCELLED = 130
"""Exit code after Ctrl-C."""


def say(text: str) -> None:
    """Write a line on stdout, at once."""
    print(text, flush=True)


def reason(error: BaseException) -> str:
    """Return what to say of an error; what is switched on in Python by an argument, here is by an option."""
    from ..core.errors import GrowtrackError, told_of

    told = str(error) if isinstance(error, GrowtrackError) else told_of(error)
    return re.sub(r"\b(resume|anew)=True", r"--\1", told)


class FramesBar:
    """A progress bar of a film; it is shown from the first frame on, when there is time to tell.

    Attributes
    ----------
    total : int
        Frames to come.
    """

    def __init__(self, doing: str = "tracking", total: int = 0) -> None:
        self.total = total
        self._doing = doing
        self._shown: Any = None

    def advance(self) -> None:
        """Count one more frame."""
        if self._shown is None:
            from tqdm import tqdm

            self._shown = tqdm(total=self.total, desc=self._doing, unit=" frame", leave=False, disable=None)
        self._shown.update()

    def __enter__(self) -> FramesBar:
        return self

    def close(self) -> None:
        """Take it off the screen; another film may follow."""
        if self._shown is not None:
            self._shown.close()
            self._shown = None

    def __exit__(self, *_: object) -> None:
        self.close()


def watched(
    steps: Generator[Any, None, Result], told: Callable[[Any], object] | None = None, at_once: bool = False
) -> Result:
    """Follow long work with a progress bar and return its result.

    Ctrl-C stops it at its next step, so that what is kept is whole; a second
    one stops it where it is, and so does the first with `at_once`.

    Parameters
    ----------
    steps : generator
    told : callable, optional
        Told of every step that is no progress.
    at_once : bool
    """
    from tqdm import tqdm

    from ..core.progress import finish

    layout = "{desc:45.45} {percentage:3.0f}%|{bar}| {elapsed} gone{postfix}"
    with (
        _never_asked() if at_once else _stopping_between_steps() as asked,
        tqdm(total=1000, bar_format=layout, disable=None) as shown,
    ):

        def watch(step: Any) -> None:
            if asked:
                raise KeyboardInterrupt
            if hasattr(step, "fraction"):
                shown.n = round(1000 * step.fraction)
                shown.set_description_str(step.doing, refresh=False)
                shown.set_postfix_str(_left(step.seconds_left))
            elif told is not None:
                told(step)

        return finish(steps, watch)


def _left(seconds: float) -> str:
    """Return how long work will take in words; nothing where nobody knows yet."""
    if not math.isfinite(seconds):
        return ""
    return f"{seconds:.0f} s left" if seconds < 600 else f"{seconds / 60:.0f} min left"


@contextlib.contextmanager
def _never_asked() -> Iterator[list[int]]:
    """Let every Ctrl-C through."""
    yield []


@contextlib.contextmanager
def _stopping_between_steps() -> Iterator[list[int]]:
    """Note the first Ctrl-C in the list that is handed out; let a second one through."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only the main thread hears of it
        yield asked
        return

    def note(number: int, _: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def told_on_stderr() -> Iterator[None]:
    """Show on stderr what our own code notes while it works."""
    logger, handler = logging.getLogger("napari_growtrack"), logging.StreamHandler()
    level = logger.level
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextlib.contextmanager
def told_of_compiling() -> Iterator[None]:
    """Say on a terminal, between its bars, that loops are compiled, where that takes a while."""
    if not sys.stderr.isatty():
        yield
        return
    from tqdm import tqdm

    logger, handler = logging.getLogger("napari_growtrack.core.packages.compiling"), logging.Handler()
    handler.emit = lambda record: tqdm.write(f"growtrack: {record.getMessage()}", file=sys.stderr)  # type: ignore[method-assign]
    level, passed_on = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = passed_on


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hold back what Keras's backend writes on stderr while it is loaded."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no stderr to speak of
        yield
        return
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


def load_backend() -> None:
    """Import Keras and its backend, without what that writes on stderr."""
    with quiet_import():
        from ..core.growth import backend  # noqa: F401
