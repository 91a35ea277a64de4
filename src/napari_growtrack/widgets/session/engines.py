"""The processes that work for panels; free of Qt."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import cache

from ...engine import Engine, Runs

_TO_KEEP = 25.0
"""Seconds in which a network that is growing is kept, at the end of the program."""


class Engines:
    """The processes that work for panels: one each tracks, grows, simulates, links and reads off motion.

    Each is started when it is needed.
    """

    def __init__(self, make: Callable[[], Runs] | None = None) -> None:
        self.tracking, self.simulating = (make or Engine)(), (make or Engine)()
        self.motion = (make or Engine)()
        self.growing = make() if make else Engine(patience=_TO_KEEP)

    def close(self) -> None:
        """End them all."""
        for engine in (self.tracking, self.growing, self.simulating, self.motion):
            engine.close()


@cache
def shared_engines() -> Engines:
    """Return the engines that all viewers of this process share."""
    engines = Engines()
    atexit.register(engines.close)
    return engines
