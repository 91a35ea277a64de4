"""Keep windows coming while a network learns, in batches as its schedule asks for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..simulation.scene import Scene
from ..simulation.windows import Batch, draw_windows
from .schedule import Schedule

_AHEAD = 3


@dataclass
class Pace:
    """How far a round of learning has come: by its batches, or by the clock.

    Parameters
    ----------
    schedule : Schedule
    rounds : int
        Rounds that share the schedule's minutes.
    """

    schedule: Schedule
    rounds: int = 1
    done: int = 0
    began: float = field(default_factory=time.perf_counter)

    @property
    def fraction(self) -> float:
        """Part of the round that is done, from 0 on."""
        return self.after(0)

    def after(self, batches: int) -> float:
        """Return the fraction once some more batches are done; by the clock they make no difference."""
        if self.schedule.minutes is None:
            return (self.done + batches) / sum(phase.share for phase in self.schedule.phases)
        return (time.perf_counter() - self.began) * self.rounds / (60 * self.schedule.minutes)


class WindowsAhead:
    """Simulate batches in a thread while the network learns from those before; ends with the schedule.

    Use it in a ``with`` statement and iterate over it: batches of images and
    targets in pixels, as `draw_windows` gives them.
    """

    def __init__(self, scene: Scene, side: int, pace: Pace, rng: np.random.Generator) -> None:
        self._scene, self._side, self._pace, self._rng = scene, side, pace, rng
        self._waiting: deque[Future[Batch]] = deque()

    def __enter__(self) -> Iterator[Batch]:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="windows")
        return self._batches()

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _batches(self) -> Iterator[Batch]:
        """Yield batches until the schedule is over, one at least."""
        while not self._pace.done or self._pace.fraction < 1:
            while not self._waiting or (len(self._waiting) < _AHEAD and self._pace.after(len(self._waiting)) < 1):
                size, _ = self._pace.schedule.at(self._pace.after(len(self._waiting)))
                self._waiting.append(self._pool.submit(self._simulate, size))
            yield self._waiting.popleft().result()

    def _simulate(self, size: int) -> Batch:
        schedule = self._pace.schedule
        return draw_windows(schedule.windows, self._scene, self._side, size, self._rng, schedule.normalisation)
