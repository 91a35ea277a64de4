"""The live preview: what the chosen network finds on the frame that is looked at, as the person moves about."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from ...core.detection import Cascade, Contrast
from ...core.errors import GrowtrackError
from ...core.films import Stack
from ...jobs.context import Loading
from ...jobs.tracking import Ready, Seen
from ..session.choice import Choice
from ..session.region import Region
from ..session.runs import Candidates
from ..session.session import Session
from ..shared.work import Work
from .sentences import loading_line

_FEW = 6
_DELAY = 15


class Spot(NamedTuple):
    """Where the person looks: a film, a frame of it, and perhaps a part of the frame."""

    film: Stack
    frame: int
    region: Region | None = None

    def same_as(self, other: Spot | None) -> bool:
        """Tell whether another spot shows the same pixels; films are compared by what they are."""
        return other is not None and (self.film is other.film, self.frame, self.region) == (True, *other[1:])


class Speed(NamedTuple):
    """Seconds a stage takes for a frame, the share of windows passed on, and the frame's height and width."""

    seconds: float
    passed: float
    shape: tuple[int, int]


class Preview(QObject):
    """Looks at one spot at a time, always the latest, and remembers what each stage saw there.

    Attributes
    ----------
    seen : Signal()
        There is something new to show.
    told : Signal(str)
        What it is doing, or why it cannot; empty when it is done.
    failed : Signal(object)
        The exception that kept it from looking.
    """

    seen = Signal()
    told = Signal(str)
    failed = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.work = Work(self)
        self._session = session
        self._spot: Spot | None = None
        self._choice: Choice | None = None
        self._seen: dict[int, Seen] = {}
        self._speeds: dict[tuple[Any, ...], Speed] = {}
        self._contrasts: WeakKeyDictionary[Stack, dict[tuple[Any, ...], Contrast]] = WeakKeyDictionary()
        self._cascades: WeakKeyDictionary[Stack, dict[tuple[Any, ...], dict[int, Cascade]]] = WeakKeyDictionary()
        self._wanted: Spot | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY)
        self._timer.timeout.connect(self._start)
        self.work.advanced.connect(self._advance)
        self.work.failed.connect(self._fail)
        self.work.finished.connect(self._end)

    def look(self, spot: Spot) -> None:
        """Look at a spot by what is chosen now; what was being looked at is left, unless it is this."""
        if self._knows(spot):
            self._wanted = None
            self._timer.stop()
            self._choice = self._session.chosen
            self.seen.emit()
        else:
            self._wanted = spot
            self.work.stop()
            self._timer.start()

    def forget(self) -> None:
        """Leave what is being looked at, and forget what was seen."""
        self._timer.stop()
        self._wanted = self._spot = None
        self._seen = {}
        if self.work.running:
            self.work.abandon()

    def candidates(self) -> Candidates | None:
        """Return what the chosen stage saw at the latest spot."""
        choice = self._session.choice
        if choice is None or self._spot is None or choice.stage not in self._seen or not self._is_same(choice):
            return None
        seen = self._seen[choice.stage]
        table = seen.table.assign(stage=np.full(len(seen.table), choice.stage, np.int64))
        return Candidates(choice, table, seen.cascade)

    @property
    def frame(self) -> int | None:
        """The frame that was looked at."""
        return None if self._spot is None else self._spot.frame

    @property
    def region(self) -> Region | None:
        """The part of the frame that was looked at."""
        return None if self._spot is None else self._spot.region

    def speed(self, shape: tuple[int, int]) -> Speed | None:
        """Return how fast the chosen stage is on frames (Y, X), if that was measured."""
        choice = self._session.choice
        return None if choice is None else self._speeds.get((*_way(choice), choice.stage, shape))

    def keep_speed(self, choice: Choice, speed: Speed) -> None:
        """Remember how fast a choice was in a run."""
        self._speeds[(*_way(choice), choice.stage, speed.shape)] = speed

    def _knows(self, spot: Spot) -> bool:
        choice = self._session.chosen
        return spot.same_as(self._spot) and self._is_same(choice) and choice.stage in self._seen

    def _is_same(self, choice: Choice) -> bool:
        """Tell whether a choice differs at most in its stage and thresholds from the one it was looked by."""
        return self._choice is not None and _way(choice) == _way(self._choice)

    def _start(self) -> None:
        if self.work.running:  # its end will start this
            return
        spot, self._wanted = self._wanted, None
        if spot is None:
            return
        choice = self._session.chosen
        if not spot.same_as(self._spot) or not self._is_same(choice):
            self._seen = {}
        self._spot, self._choice = spot, choice
        stages = _stages(choice)
        shape = spot.film.shape[1:]
        measure = any((*_way(choice), stage, shape) not in self._speeds for stage in stages)
        contrast = self._contrasts.get(spot.film, {}).get(_way(choice), choice.contrast)
        known = self._cascades.get(spot.film, {}).get(_way(choice))
        try:
            steps = self._session.look(spot.film, spot.frame, stages, contrast, spot.region, measure, known)
        except GrowtrackError as error:
            self.failed.emit(error)
            return
        self.work.start(steps)

    def _advance(self, told: Any) -> None:
        if self._wanted is not None or self._spot is None or self._choice is None:
            return
        if isinstance(told, Loading):
            self.told.emit(loading_line(told.name))
        elif isinstance(told, Ready):
            self.told.emit("")
            self._contrasts.setdefault(self._spot.film, {})[_way(self._choice)] = told.contrast
        elif isinstance(told, Seen):
            self._take(told, self._spot, self._choice)

    def _take(self, told: Seen, spot: Spot, choice: Choice) -> None:
        if told.cascade.noise is not None:
            self._cascades.setdefault(spot.film, {}).setdefault(_way(choice), {})[told.stage] = told.cascade
        again = told.stage in self._seen
        self._seen[told.stage] = told
        if again and spot.region is None:
            self.keep_speed(choice.with_(stage=told.stage), Speed(told.seconds, told.passed, spot.film.shape[1:]))
        if told.stage == self._session.chosen.stage:
            self.seen.emit()

    def _fail(self, error: Exception) -> None:
        self.told.emit("")
        if self._wanted is None:
            self.failed.emit(error)

    def _end(self) -> None:
        if self._wanted is not None:
            self._timer.start(0)


def _stages(choice: Choice) -> list[int]:
    """Return the stages worth looking by, the chosen one first: all of a few, else its neighbours."""
    last = choice.card.plan.stages
    others = range(1, last + 1) if last <= _FEW else range(choice.stage - 1, choice.stage + 2)
    return [choice.stage, *(stage for stage in others if stage != choice.stage and 1 <= stage <= last)]


def _way(choice: Choice) -> tuple[Any, ...]:
    """Return what decides what all stages see."""
    return (
        choice.file,
        choice.diameter,
        choice.screening,
        choice.screen,
        choice.faithful,
        choice.contrast,
    )
