"""Sweep through a film: assign the detections of each frame to the particles seen before it, at the least cost."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from ...scoring.matching import best_edges
from .marginals import link_chances
from .motion import PP, WEIGHT, Modes, X, Y, begin, collapsed, meeting, predict, update
from .rates import Rates

_REACH = 5.0
"""Standard deviations that are searched."""

_UNLIKELY = 1e-3
"""Weights of links, against none, that need no thought; chances to be alive below which a particle is given up."""

_SURE = 1e100
"""Odds that need not grow any further."""

_CANDIDATES = 12
"""Most detections that are considered for a particle, those of the largest weights: crowds do not explode."""


@dataclass(frozen=True, eq=False)
class Points:
    """Detections sorted by step, each (n,).

    Attributes
    ----------
    step : ndarray of int
        Frames, without those that are left out.
    y, x : ndarray
        In pixels.
    variance : ndarray
        Of y and x, in px².
    starts, ends : ndarray of int
        Rows of each step that has any.
    """

    step: np.ndarray
    y: np.ndarray
    x: np.ndarray
    variance: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, step: np.ndarray, y: np.ndarray, x: np.ndarray, variance: np.ndarray) -> Points:
        """Return detections whose steps ascend."""
        _, starts = np.unique(step, return_index=True)
        return cls(step, y, x, variance, starts, np.append(starts[1:], len(step)))

    def __len__(self) -> int:
        return len(self.step)

    def until(self, number: int) -> Points:
        """Return the first detections: all of so many steps that there are at least so many."""
        end = int(self.ends[min(int(np.searchsorted(self.ends, number)), len(self.ends) - 1)])
        return Points.of(*(each[:end] for each in (self.step, self.y, self.x, self.variance)))


@dataclass(frozen=True, eq=False)
class Links:
    """Which detection each one follows.

    Attributes
    ----------
    before : ndarray (n,) of int
        Row of the detection before it, -1 where a trajectory begins.
    chance : ndarray (n,)
        That this link is right, against all others; of a beginning, that it is one.
    """

    before: np.ndarray
    chance: np.ndarray


@dataclass(eq=False)
class _Tracks:
    """Particles that may be seen again."""

    state: np.ndarray
    odds: np.ndarray
    alive: np.ndarray
    missed: np.ndarray
    last: np.ndarray

    def those(self, chosen: np.ndarray) -> _Tracks:
        return _Tracks(self.state[..., chosen], *(each[chosen] for each in self._rest))

    def and_(self, others: _Tracks) -> _Tracks:
        state = np.concatenate([self.state, others.state], -1)
        return _Tracks(state, *map(np.concatenate, zip(self._rest, others._rest, strict=True)))

    @property
    def _rest(self) -> tuple[np.ndarray, ...]:
        return self.odds, self.alive, self.missed, self.last


@dataclass(frozen=True, eq=False)
class Future:
    """What is known of detections by those that follow them.

    Attributes
    ----------
    state : ndarray (8, modes, n)
        Filtered backwards.
    odds : ndarray (n,)
        By how much what follows makes a detection likelier to be a particle.
    """

    state: np.ndarray
    odds: np.ndarray


def sweep(
    points: Points,
    modes: Modes,
    rates: Rates,
    future: Future | None = None,
    longest: float = np.inf,
    fastest: float = np.inf,
) -> Generator[int, None, Links]:
    """Link detections; yields how many steps are done.

    Parameters
    ----------
    points : Points
    modes : Modes
    rates : Rates
    future : Future, optional
        By an earlier sweep; without it, only the past counts.
    longest : float
        Most steps that a particle may be missed in a row.
    fastest : float
        Farthest that it may move in a step, in pixels.
    """
    return _Sweep(points, modes, rates, future, longest, fastest).links()


class _Sweep:
    """A sweep on its way, with what it has linked."""

    def __init__(
        self,
        points: Points,
        modes: Modes,
        rates: Rates,
        future: Future | None,
        longest: float,
        fastest: float,
    ) -> None:
        self.points, self.modes, self.rates, self.future = points, modes, rates, future
        self.longest, self.fastest = longest, fastest
        self.before, self.chance = np.full(len(points), -1), np.ones(len(points))

    def links(self) -> Generator[int, None, Links]:
        points, now = self.points, int(self.points.step[0])
        tracks = self._begun(np.arange(points.ends[0]), self.rates.first)
        yield 1
        for done in range(1, len(points.starts)):
            rows = slice(int(points.starts[done]), int(points.ends[done]))
            step = int(points.step[rows.start])
            tracks = self._linked(self._waited(tracks, step - now - 1), rows)
            now = step
            yield done + 1
        return Links(self.before, self.chance)

    def _begun(self, rows: np.ndarray, density: float) -> _Tracks:
        """Return particles of which only one detection is known."""
        points = self.points
        state = begin(points.y[rows], points.x[rows], points.variance[rows], self.modes)
        odds = density / self.rates.noise[rows]
        return _Tracks(state, odds, np.ones(len(rows)), np.zeros(len(rows), int), rows)

    def _waited(self, tracks: _Tracks, steps: int) -> _Tracks:
        """Return the particles after steps without any detection."""
        while steps > 0 and len(tracks.last):
            tracks.state = predict(tracks.state, self.modes)
            tracks = self._missed(tracks, self.rates)
            steps -= 1
        return tracks

    def _missed(self, tracks: _Tracks, rates: Rates) -> _Tracks:
        """Return those that were not detected, but may be later."""
        gone = tracks.missed > 0
        odds = tracks.odds * (1 - rates.seen(tracks.alive, gone))
        alive, missed = rates.after_miss(tracks.alive, gone), tracks.missed + 1
        stay = (alive * odds / (1 + odds) > _UNLIKELY) & (missed <= self.longest)
        return _Tracks(tracks.state, odds, alive, missed, tracks.last).those(np.flatnonzero(stay))

    def _linked(self, tracks: _Tracks, rows: slice) -> _Tracks:
        """Fill in the links of a step, and return the particles after it."""
        tracks.state = predict(tracks.state, self.modes)
        rates = self.rates.crowded(*(each[0] for each in collapsed(tracks.state)))
        seen = rates.seen(tracks.alive, tracks.missed > 0)
        i, j, weight = self._weighed(tracks, rows, tracks.odds / (1 + tracks.odds) * seen)
        chosen = best_edges(i, j, -np.log(weight))
        number = rows.stop - rows.start
        chances, self.chance[rows] = link_chances(i, j, weight, len(seen), number)
        mine, theirs = i[chosen], rows.start + j[chosen]
        self.before[theirs], self.chance[theirs] = tracks.last[mine], chances[chosen]
        free, new = np.ones(len(seen), bool), np.ones(number, bool)
        free[mine], new[j[chosen]] = False, False
        going = self._seen(tracks.those(mine), seen[mine], theirs)
        begun = self._begun(rows.start + np.flatnonzero(new), self.rates.birth)
        left = np.flatnonzero(free)
        return going.and_(begun).and_(self._missed(tracks.those(left), rates.of(left)))

    def _weighed(self, tracks: _Tracks, rows: slice, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which particles may be which detections of a step, and the weight of each link against none."""
        points, noise = self.points, self.rates.noise[rows]
        y, x, variance = points.y[rows], points.x[rows], points.variance[rows]
        i, j = candidates(tracks.state, y, x, variance)
        if np.isfinite(self.fastest):
            last = tracks.last[i]
            slow = np.hypot(y[j] - points.y[last], x[j] - points.x[last]) <= self.fastest * (tracks.missed[i] + 1)
            i, j = i[slow], j[slow]
        if self.future is None:
            after = begin(y, x, variance, self.modes)
        else:
            after, noise = self.future.state[..., rows], noise / self.future.odds[rows]
        weight = meeting(tracks.state[..., i], after[..., j], self.modes) * (seen / (1 - seen))[i]
        weight /= (self.rates.birth + noise)[j]
        kept = weight > _UNLIKELY
        return _fewer(i[kept], j[kept], weight[kept])

    def _seen(self, tracks: _Tracks, seen: np.ndarray, rows: np.ndarray) -> _Tracks:
        """Return particles after they were detected."""
        points = self.points
        state, density = update(tracks.state, points.y[rows], points.x[rows], points.variance[rows])
        odds = np.minimum(tracks.odds * seen * density / self.rates.noise[rows], _SURE)
        return _Tracks(state, odds, np.ones(len(rows)), np.zeros(len(rows), int), rows)


def candidates(state: np.ndarray, y: np.ndarray, x: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which particle may be which detection: indices of both, (k,)."""
    if not state.shape[-1] or not len(y):
        return np.empty(0, int), np.empty(0, int)
    weight = state[WEIGHT]
    middle = [(weight * state[axis]).sum(0) for axis in (Y, X)]
    away = np.hypot(state[Y] - middle[0], state[X] - middle[1]) + _REACH * np.sqrt(state[PP] + variance.max())
    reach = np.where(weight > _UNLIKELY, away, 0).max(0)
    order = np.argsort(y, kind="stable")
    low, high = (np.searchsorted(y[order], middle[0] + side * reach) for side in (-1, 1))
    counts = high - low
    i = np.repeat(np.arange(len(counts)), counts)
    j = order[np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)]
    near = (y[j] - middle[0][i]) ** 2 + (x[j] - middle[1][i]) ** 2 <= reach[i] ** 2
    return i[near], j[near]


def _fewer(i: np.ndarray, j: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the likeliest detections of each particle."""
    if not len(i) or np.bincount(i).max() <= _CANDIDATES:
        return i, j, weight
    order = np.lexsort((-weight, i))
    rank = np.arange(len(i)) - np.searchsorted(i[order], i[order])
    kept = np.sort(order[rank < _CANDIDATES])
    return i[kept], j[kept], weight[kept]


def follow(points: Points, before: np.ndarray, modes: Modes, rates: Rates) -> Future:
    """Return what is known of each detection by those before it in its trajectory, along links (n,)."""
    state = np.empty((8, len(modes.step), len(points)), np.float32)
    odds = np.ones(len(points))
    for start, end in zip(points.starts, points.ends, strict=True):
        rows = np.arange(start, end)
        begun = before[rows] < 0
        new = rows[begun]
        state[..., new] = begin(points.y[new], points.x[new], points.variance[new], modes)
        gaps = points.step[rows] - points.step[before[rows]]
        for gap in np.unique(gaps[~begun]):
            some = rows[~begun & (gaps == gap)]
            last = before[some]
            known, alive = state[..., last].astype(float), np.ones(len(some))
            likelihood = odds[last]
            for missed in range(gap):
                known = predict(known, modes)
                seen = rates.seen(alive, np.full(len(some), missed > 0))
                likelihood = likelihood * (seen if missed == gap - 1 else 1 - seen)
                alive = rates.after_miss(alive, np.full(len(some), missed > 0))
            known, density = update(known, points.y[some], points.x[some], points.variance[some])
            state[..., some] = known
            odds[some] = np.minimum(likelihood * density / rates.noise[last], _SURE)
    return Future(state, odds)


def backwards(points: Points, before: np.ndarray, modes: Modes, rates: Rates) -> Future:
    """Return what is known of each detection by those that follow it."""
    n = len(points)
    after = np.full(n, -1)
    linked = np.flatnonzero(before >= 0)
    after[before[linked]] = linked
    turned = Points.of(*(each[::-1] for each in (-points.step, points.y, points.x, points.variance)))
    followed = np.where(after < 0, -1, n - 1 - after)[::-1]
    future = follow(turned, followed, modes, replace(rates, noise=rates.noise[::-1]))
    return Future(future.state[..., ::-1], future.odds[::-1])
