"""Sweep through a film: assign the detections of each frame to the particles seen before it, at the least cost."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ...scoring.matching import best_edges
from .marginals import link_chances
from .motion import PP, WEIGHT, Modes, X, Y, begin, meeting, predict, update
from .rates import Rates

_REACH = 5.0
"""Standard deviations that are searched."""

_CERTAIN, _LEAST_NOISE = 1e12, 1e-100
"""Odds that a track is true grow no further, nor is noise rarer: floating-point numbers have an end."""
_UNLIKELY = 1e-3
"""Weights of links, against none, that need no thought; chances to be alive below which a particle is given up."""

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
    before, chance = np.full(len(points), -1), np.ones(len(points))
    tracks, now = None, 0
    for done, (start, end) in enumerate(zip(points.starts, points.ends, strict=True), start=1):
        rows = slice(start, end)
        if tracks is None:
            tracks = _new(points, rows, rates.first, modes, rates)
        else:
            tracks = _waited(tracks, points.step[start] - now - 1, modes, rates, longest)
            tracks = _linked(tracks, points, rows, modes, rates, future, before, chance, longest, fastest)
        now = points.step[start]
        yield done
    return Links(before, chance)


def _new(points: Points, rows: slice | np.ndarray, density: float, modes: Modes, rates: Rates) -> _Tracks:
    state = begin(points.y[rows], points.x[rows], points.variance[rows], modes)
    number = state.shape[-1]
    last = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    return _Tracks(state, density / rates.noise[rows], np.ones(number), np.zeros(number, int), last)


def _waited(tracks: _Tracks, steps: int, modes: Modes, rates: Rates, longest: float) -> _Tracks:
    """Return the particles after steps without any detection."""
    while steps > 0 and len(tracks.last):
        tracks.state = predict(tracks.state, modes)
        tracks = _kept(tracks, rates, longest)
        steps -= 1
    return tracks


def _kept(tracks: _Tracks, rates: Rates, longest: float) -> _Tracks:
    """Return those that were not detected, but may be later."""
    gone = tracks.missed > 0
    tracks.odds = tracks.odds * (1 - rates.seen(tracks.alive, gone))
    tracks.alive = rates.after_miss(tracks.alive, gone)
    tracks.missed = tracks.missed + 1
    stay = (tracks.alive * tracks.odds / (1 + tracks.odds) > _UNLIKELY) & (tracks.missed <= longest)
    return tracks.those(np.flatnonzero(stay))


def _linked(
    tracks: _Tracks,
    points: Points,
    rows: slice,
    modes: Modes,
    rates: Rates,
    future: Future | None,
    before: np.ndarray,
    chance: np.ndarray,
    longest: float,
    fastest: float,
) -> _Tracks:
    """Fill in the links of a step, and return the particles after it."""
    tracks.state = predict(tracks.state, modes)
    number = rows.stop - rows.start
    i, j = candidates(tracks.state, points.y[rows], points.x[rows], points.variance[rows])
    if np.isfinite(fastest):
        moved = np.hypot(*(axis[rows][j] - axis[tracks.last[i]] for axis in (points.y, points.x)))
        slow = moved <= fastest * (tracks.missed[i] + 1)
        i, j = i[slow], j[slow]
    if future is None:
        after = begin(points.y[rows], points.x[rows], points.variance[rows], modes)
        sure = np.ones(number)
    else:
        after, sure = future.state[..., rows], future.odds[rows]
    seen = rates.seen(tracks.alive, tracks.missed > 0)
    true = tracks.odds / (1 + tracks.odds) * seen
    weight = meeting(tracks.state[..., i], after[..., j], modes) * (true / (1 - true))[i]
    weight /= (rates.birth + rates.noise[rows] / sure)[j]
    kept = weight > _UNLIKELY
    i, j, weight = _fewer(i[kept], j[kept], weight[kept])
    chosen = best_edges(i, j, -np.log(weight))
    chances, alone = link_chances(i, j, weight, len(true), number)
    mine, theirs = i[chosen], j[chosen]
    chance[rows] = alone
    chance[rows.start + theirs] = chances[chosen]
    before[rows.start + theirs] = tracks.last[mine]
    followed = rows.start + theirs
    state, density = update(tracks.state[..., mine], points.y[followed], points.x[followed], points.variance[followed])
    odds = tracks.odds[mine] * seen[mine] * density / np.maximum(rates.noise[followed], _LEAST_NOISE)
    odds = np.minimum(odds, _CERTAIN)
    free = np.ones(len(true), bool)
    free[mine] = False
    begun = np.ones(number, bool)
    begun[theirs] = False
    going = _Tracks(state, odds, np.ones(len(mine)), np.zeros(len(mine), int), followed)
    new = _new(points, rows.start + np.flatnonzero(begun), rates.birth, modes, rates)
    lost = _kept(tracks.those(np.flatnonzero(free)), rates, longest)
    return going.and_(new).and_(lost)


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
            odds[some] = np.minimum(likelihood * density / rates.noise[last], 1e100)
    return Future(state, odds)


def backwards(points: Points, before: np.ndarray, modes: Modes, rates: Rates) -> Future:
    """Return what is known of each detection by those that follow it."""
    n = len(points)
    after = np.full(n, -1)
    linked = np.flatnonzero(before >= 0)
    after[before[linked]] = linked
    turned = Points.of(*(each[::-1] for each in (-points.step, points.y, points.x, points.variance)))
    followed = np.where(after < 0, -1, n - 1 - after)[::-1]
    turned_rates = Rates(rates.first, rates.birth, rates.death, rates.hide, rates.show, rates.noise[::-1])
    future = follow(turned, followed, modes, turned_rates)
    return Future(future.state[..., ::-1], future.odds[::-1])
