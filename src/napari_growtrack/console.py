"""What a terminal shows while something works: bars with time left, and nothing of what libraries mutter."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

from .core.errors import GrowtrackError


def kept(steps: Iterator[Any]) -> tuple[list[Any], BaseException | None]:
    """Collect steps; on Ctrl-C, or an error of ours, return those done so far and what stopped them."""
    done: list[Any] = []
    try:
        for step in steps:
            done.append(step)
    except (KeyboardInterrupt, GrowtrackError) as stop:
        return done, stop
    return done, None


def bar(steps: Iterator[Any], total: int, doing: str, unit: str) -> Iterator[Any]:
    """Pass steps on under a progress bar with time left; without a terminal, just pass them on."""
    from tqdm import tqdm

    return iter(tqdm(steps, total=total, desc=doing, unit=f" {unit}", leave=False, disable=None))


def frames_bar(steps: Iterator[Any], total: int) -> Iterator[Any]:
    """Pass the frames of a film on under a progress bar."""
    return bar(steps, total, "tracking", "frame")


def watched(making: Any) -> Any:
    """Follow the making of a network with a progress bar and return it."""
    from tqdm import tqdm

    layout = "{desc:45.45} {percentage:3.0f}%|{bar}| {elapsed} gone, {postfix}"
    with tqdm(total=1000, bar_format=layout, disable=None) as shown:
        while True:
            try:
                step = next(making)
            except StopIteration as end:
                return end.value
            shown.n = round(1000 * step.fraction)
            shown.set_description_str(step.doing, refresh=False)
            shown.set_postfix_str(f"{step.seconds_left:.0f} s left")


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
