"""What a terminal shows while something works: bars with time left, and nothing of what libraries mutter."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from typing import Any

_TRACKING = ("tracking", "frame")


def bar(steps: Iterator[Any], total: int, doing: str, unit: str) -> Iterator[Any]:
    """Pass steps on under a progress bar with time left; without a terminal, just pass them on."""
    return iter(_shown(total, doing, unit, steps))


def _shown(total: int, doing: str, unit: str, steps: Iterator[Any] | None = None) -> Any:
    from tqdm import tqdm

    return tqdm(steps, total=total, desc=doing, unit=f" {unit}", leave=False, disable=None)


def frames_bar(steps: Iterator[Any], total: int) -> Iterator[Any]:
    """Pass the frames of a film on under a progress bar."""
    return bar(steps, total, *_TRACKING)


class FramesBar:
    """A progress bar of a film that is tracked; it is shown from the first frame on, when there is time to tell.

    Attributes
    ----------
    total : int
        Frames to come.
    """

    def __init__(self) -> None:
        self.total = 0
        self._shown: Any = None

    def advance(self) -> None:
        """Count one more frame."""
        if self._shown is None:
            self._shown = _shown(self.total, *_TRACKING)
        self._shown.update()

    def __enter__(self) -> FramesBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._shown.close()


def watched(making: Generator[Any, None, Any], at_once: bool = False) -> Any:
    """Follow long work with a progress bar and return its result.

    Ctrl-C stops it at its next step, so that what is kept is whole; a second
    one stops it where it is, and so does the first with `at_once`.
    """
    from tqdm import tqdm

    layout = "{desc:45.45} {percentage:3.0f}%|{bar}| {elapsed} gone{postfix}"
    with (
        _never_asked() if at_once else _stopping_between_steps() as asked,
        contextlib.closing(making),
        tqdm(total=1000, bar_format=layout, disable=None) as shown,
    ):
        while True:
            try:
                step = next(making)
            except StopIteration as end:
                return end.value
            if asked:
                raise KeyboardInterrupt
            shown.n = round(1000 * step.fraction)
            shown.set_description_str(step.doing, refresh=False)
            shown.set_postfix_str(_left(step.seconds_left))


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
