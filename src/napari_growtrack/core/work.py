"""Long work is a generator that reports while it goes on and returns its result at the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


def finish(steps: Generator[Any, None, Result]) -> Result:
    """Run a generator to its end, reports unheard, and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
