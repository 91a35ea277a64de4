"""Long work is a generator that reports while it goes on and returns its result at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


def finish(steps: Generator[Step, None, Result], watch: Callable[[Step], object] | None = None) -> Result:
    """Run a generator to its end and return its result.

    A Ctrl-C goes into the work wherever it comes, so that what is done is put away.

    Parameters
    ----------
    steps : generator
    watch : callable, optional
        Told of each step.
    """
    with closing(steps):
        try:
            step = next(steps)
            while True:
                try:
                    if watch is not None:
                        watch(step)
                    step = next(steps)
                except KeyboardInterrupt as stop:
                    step = steps.throw(stop)
        except StopIteration as end:
            result: Result = end.value
            return result
