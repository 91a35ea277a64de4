"""Long work is a generator that reports while it goes on and returns its result at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

Step = TypeVar("Step")
Other = TypeVar("Other")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """Where long work stands.

    Attributes
    ----------
    doing : str
        What is being done, in words.
    fraction : float
        Part of it that is done, 0 to 1.
    seconds_left : float
        Estimated from the pace so far; infinite while nobody knows.
    """

    doing: str
    fraction: float
    seconds_left: float

    @classmethod
    def at(cls, doing: str, fraction: float, seconds: float, before: float = 0.0) -> Progress:
        """Estimate the time left from the seconds that went by since a fraction, `before`, was done."""
        done = fraction - before
        return cls(doing, fraction, seconds * (1 - fraction) / done if done > 0 else float("inf"))


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


def changed(steps: Generator[Step, None, Result], change: Callable[[Step], Other]) -> Generator[Other, None, Result]:
    """Pass on what work reports, each report changed, and return its result; what is thrown in goes to the work."""
    with closing(steps):
        try:
            step = next(steps)
            while True:
                try:
                    yield change(step)
                except GeneratorExit:
                    raise
                except BaseException as stop:
                    step = steps.throw(stop)
                else:
                    step = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
