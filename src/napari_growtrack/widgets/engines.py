"""The processes that work for panels; free of Qt."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import cache

from ..engine import Engine, Runs


class Engines:
    """The processes that work for panels: one tracks, one grows, one simulates; each is started when it is needed."""

    def __init__(self, make: Callable[[], Runs] = Engine) -> None:
        self.tracking, self.growing, self.simulating = make(), make(), make()

    def close(self) -> None:
        """End them all."""
        for engine in (self.tracking, self.growing, self.simulating):
            engine.close()


@cache
def shared_engines() -> Engines:
    """Return the engines that all viewers of this process share."""
    engines = Engines()
    atexit.register(engines.close)
    return engines
