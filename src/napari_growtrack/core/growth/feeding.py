"""Keep batches coming while a network learns: how many, how large, and drawn ahead in a thread of their own."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from typing import Any, NamedTuple

from .schedule import MOMENTS, Schedule

_AHEAD = 3
_OVERHEAD = 10
"""A batch takes as long as so many images more than it has."""


class Turn(NamedTuple):
    """One batch to be: its number in the round, the images used before it, its size, and how to learn from it."""

    number: int
    first: int
    size: int
    rate: float
    moment: int


class Pace:
    """How a round of learning goes on: by the number of its batches or images, by the clock, or as recorded.

    A turn follows from the schedule and the turns before it, and by the clock
    also from the time; what is recorded of such a round repeats it exactly.

    Parameters
    ----------
    schedule : Schedule
    rounds : int
        Rounds that share the schedule's minutes.
    round_ : int
        Which of them this is, from 0.
    images : int
        Images of a fixed dataset, for epochs.
    """

    def __init__(self, schedule: Schedule, rounds: int = 1, round_: int = 0, images: int = 0) -> None:
        self.schedule = schedule
        self._seconds = 60 * (schedule.minutes or 0) / rounds
        self._images = images * (schedule.epochs or 0)
        self._batches = sum(phase.share for phase in schedule.phases)
        record = schedule.record
        self._recorded = None if record is None else [*accumulate(record[round_])]
        self._planned = self._used = 0
        self._elapsed, self._began = 0.0, time.perf_counter()
        self.record = [0] * MOMENTS
        self.done = 0

    def go_on_from(self, record: list[int], used: int, elapsed: float) -> None:
        """Take up a round where it was left: batches learned at each moment, images used, seconds gone."""
        self.record, self.done = list(record), sum(record)
        self._planned, self._used, self._elapsed = self.done, used, elapsed

    @property
    def elapsed(self) -> float:
        """Seconds that this round has taken."""
        return self._elapsed + time.perf_counter() - self._began

    @property
    def fraction(self) -> float:
        """Part of the round that is planned, from 0 on."""
        if self._recorded is not None:
            return self._planned / self._recorded[-1]
        if self.schedule.minutes is not None:
            return self.elapsed / self._seconds
        if self.schedule.epochs is not None:
            return self._used / self._images
        return self._planned / self._batches

    @property
    def work(self) -> float:
        """Part of the round's work that is planned, from 0 on: large batches are more of it than small ones."""
        if self.schedule.images_per_stage is None:
            return self.fraction
        total = self.schedule.images_per_stage + _OVERHEAD * self._batches
        return (self._used + _OVERHEAD * self._planned) / total

    def next(self) -> Turn | None:
        """Plan one more batch, the first one in any case, or return None when the round is over."""
        fraction = self.fraction
        if fraction >= 1 and self._planned:
            return None
        moment = min(int(fraction * MOMENTS), MOMENTS - 1)
        if self._recorded is not None:
            moment = bisect_right(self._recorded, self._planned)
        if self.schedule.minutes is not None:
            fraction = moment / MOMENTS
        size, rate = self.schedule.at(fraction)
        if self.schedule.epochs is not None:
            size = min(size, self._images - self._used)
        turn = Turn(self._planned, self._used, size, rate, moment)
        self._planned += 1
        self._used += size
        return turn

    def learned(self, turn: Turn) -> None:
        """Count a batch that has been learned from."""
        self.record[turn.moment] += 1
        self.done += 1


class Ahead:
    """Draw batches in a thread while the network learns from those before; ends with the round.

    Use it in a ``with`` statement and iterate over it.

    Parameters
    ----------
    pace : Pace
    draw : callable
        Makes a batch of a turn.
    """

    def __init__(self, pace: Pace, draw: Callable[[Turn], Any]) -> None:
        self._pace, self._draw = pace, draw
        self._waiting: deque[tuple[Turn, Future[Any]]] = deque()

    def __enter__(self) -> Iterator[tuple[Turn, Any]]:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        return self._batches()

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _batches(self) -> Iterator[tuple[Turn, Any]]:
        while True:
            while len(self._waiting) < _AHEAD and (turn := self._pace.next()) is not None:
                self._waiting.append((turn, self._pool.submit(self._draw, turn)))
            if not self._waiting:
                return
            turn, batch = self._waiting.popleft()
            yield turn, batch.result()
