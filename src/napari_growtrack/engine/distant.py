"""A film that lies in another process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..core.films import Stack
from ..jobs.context import FilmFacts


class DistantFilm(Stack):
    """A film whose frames are sent when they are asked for; those wanted next are asked for ahead.

    Parameters
    ----------
    facts : FilmFacts
    frames : sequence of int
        Which frames will be wanted, in order.
    ask : callable
        Asks for a frame.
    wait : callable
        Waits for the frame of a number, and returns its pixels.
    """

    def __init__(
        self,
        facts: FilmFacts,
        frames: Sequence[int],
        ask: Callable[[int], None],
        wait: Callable[[int], np.ndarray],
    ) -> None:
        super().__init__(*facts[:3])
        self._frames, self._ask, self._wait = frames, ask, wait
        self._place = {number: place for place, number in enumerate(frames)} if len(frames) else {}
        self._asked: set[int] = set()
        height, width = facts.shape[1:]
        self._ahead = max(2, min(8, 2**23 // max(height * width, 1)))

    def _read(self, number: int) -> np.ndarray:
        self._want(number)
        place = self._place.get(number)
        if place is not None:
            for following in self._frames[place + 1 : place + 1 + self._ahead]:
                self._want(following)
        self._asked.discard(number)
        return self._wait(number)

    def _want(self, number: int) -> None:
        if number not in self._asked:
            self._asked.add(number)
            self._ask(number)

    def _release(self) -> None:
        self._asked.clear()
