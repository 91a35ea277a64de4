"""Link by evidence: sweep through the film, learn from the links how its particles move, and sweep again."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ...progress import Progress, changed
from .clutter import chances, gathered
from .crowding import blurred, resolution
from .learning import first_rates, guess, learn_modes, learn_rates, modes_of, rescaled, typical_step
from .motion import Modes
from .rates import Rates
from .sweep import Future, Links, Points, backwards, follow, sweep

_ROUNDS = 3
"""Sweeps after the first one, each with what was learned by the one before; more change less than one link in 500."""

_LEARNED_FROM = 20_000
"""Detections, from the first on, that are enough to learn from."""

_ERROR = 0.1
"""Standard error of positions that do not tell theirs, in pixels; the steps that are learned take up the rest."""

_LEAST_ERROR = 0.02
_FALSE = 0.02
"""Share of false detections to begin with, where no `q` tells it."""

_ROOM = 20.0
"""Least side of the field that particles may appear in, in typical steps: that of a few in a line is not known."""

_FARTHEST = 0.05, 20.0
"""How many times as many detections may be false as `q` says."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What linking by evidence brought, for each detection.

    Attributes
    ----------
    particle : ndarray (n,) of int
    link_chance : ndarray (n,)
        That the link to the detection before it is right; nan where there is none.
    track_q : ndarray (n,)
        Chance of its trajectory to be false.
    modes : Modes
        How particles move.
    rates : Rates
        How they come and go.
    """

    particle: np.ndarray
    link_chance: np.ndarray
    track_q: np.ndarray
    modes: Modes
    rates: Rates


def link_by_evidence(
    table: pd.DataFrame, steps: np.ndarray, longest: float = np.inf, fastest: float = np.inf, directed: bool = True
) -> Generator[Progress, None, Evidence]:
    """Link detections, reporting after every frame.

    Parameters
    ----------
    table : DataFrame
        ``frame, y, x``, and perhaps ``sigma`` and ``q``, sorted by frame.
    steps : ndarray (n,) of int
        Frame numbers without those that are left out.
    longest : float
        Most steps that a particle may be missed in a row.
    fastest : float
        Farthest that it may move in a step, in pixels.
    directed : bool
        Whether particles may go straight for a while.
    """
    order = np.lexsort((table["x"], table["y"], steps))  # whatever order the rows are in, the same links
    table, steps = table.iloc[order], steps[order]
    y, x = (table[axis].to_numpy(float) for axis in ("y", "x"))
    near = resolution(table["radius"].to_numpy(float) if "radius" in table else None)
    signal = table["signal"].to_numpy(float) if "signal" in table else None
    points = Points.of(steps, y, x, blurred(_variance(table), signal, near))
    linker = _Linker(points, _q(table), near, longest, fastest, directed)
    links = yield from linker.linked()
    particle, back = chains(links.before), np.argsort(order)
    chance = np.where(links.before < 0, np.nan, links.chance)
    return Evidence(particle[back], chance[back], linker.false(links)[back], linker.modes, linker.rates)


class _Linker:
    """What is known of a film, more with each sweep."""

    def __init__(
        self, points: Points, q: np.ndarray, near: float, longest: float, fastest: float, directed: bool
    ) -> None:
        self.told = points
        self.limits, self.directed = (longest, fastest), directed
        step = typical_step(points)
        self.area = float(np.prod([max(np.ptp(axis), _ROOM * step) for axis in (points.y, points.x)]))
        self.odds = _odds(points, q, self.area)
        self.numbers = self.prior = guess(step, directed)
        self.rates = first_rates(points, self.area, self.odds, near)
        self.began, self.done, self.total = time.perf_counter(), 0, 0

    @property
    def modes(self) -> Modes:
        return modes_of(self.numbers)

    @property
    def points(self) -> Points:
        return rescaled(self.told, self.numbers)

    def linked(self) -> Generator[Progress, None, Links]:
        """Learn from the start of the film, then link all of it, by the past alone and by past and future."""
        whole, odds = self.told, self.odds
        self.told = whole.until(_LEARNED_FROM)
        self.odds = odds[: len(self.told)]
        rest = 0 if len(self.told) == len(whole) else 1
        self.total = (_ROUNDS + 1 - rest) * len(self.told.starts) + 2 * rest * len(whole.starts)
        future = None
        for turn in range(_ROUNDS):
            self.rates = replace(self.rates, noise=self.rates.noise[: len(self.told)])
            links = yield from self._swept(future)
            self._learn(links)
            if rest and turn == _ROUNDS - 1:
                break
            future = backwards(self.points, links.before, self.modes, self.rates)
        if rest:
            noise = self.rates.noise[0] / self.odds[0] * odds
            self.told, self.odds, self.rates = whole, odds, replace(self.rates, noise=noise)
            links = yield from self._swept(None)
            future = backwards(self.points, links.before, self.modes, self.rates)
        return (yield from self._swept(future))

    def _swept(self, future: Future | None) -> Generator[Progress, None, Links]:
        def told(step: int) -> Progress:
            return Progress.at("linking", (self.done + step) / self.total, time.perf_counter() - self.began)

        links = yield from changed(sweep(self.points, self.modes, self.rates, future, *self.limits), told)
        self.done += len(self.told.starts)
        return links

    def _learn(self, links: Links) -> None:
        false = self.false(links)
        self.numbers = learn_modes(self.told, links, self.numbers, self.prior, self.directed)
        more = np.clip((false.sum() + 0.5) / ((self.odds / (1 + self.odds)).sum() + 0.5), *_FARTHEST)
        self.rates = learn_rates(self.told, links, self.area, self.odds * more, 1 - false, self.rates.near)

    def false(self, links: Links) -> np.ndarray:
        """Return the chance of each detection's trajectory to be false."""
        past = follow(self.points, links.before, self.modes, self.rates)
        return _false(self.told, links, chains(links.before), past, self.rates)


def _variance(table: pd.DataFrame) -> np.ndarray:
    """Return the variance of y and x in px² by the column ``sigma``; what it does not tell is usual."""
    sigma = table["sigma"].to_numpy(float) if "sigma" in table else np.full(len(table), np.nan)
    known = np.isfinite(sigma) & (sigma > 0)
    usual = np.median(sigma[known]) if known.any() else _ERROR
    return np.square(np.maximum(np.where(known, sigma, usual), _LEAST_ERROR))


def _q(table: pd.DataFrame) -> np.ndarray:
    """Return the column ``q``; what it does not tell is usual, nan where nothing is told."""
    q = table["q"].to_numpy(float) if "q" in table else np.full(len(table), np.nan)
    known = np.isfinite(q)
    return np.where(known, q, np.median(q[known]) if known.any() else np.nan)


def _odds(points: Points, q: np.ndarray, area: float) -> np.ndarray:
    """Return the odds of each detection to be false, by its `q`, and by what is seen at its place otherwise."""
    if np.isnan(q).any():
        return np.full(len(q), _FALSE / (1 - _FALSE))
    false = chances(q, points.step)
    return false / (1 - false) * gathered(points.y, points.x, points.step, false, area)


def chains(before: np.ndarray) -> np.ndarray:
    """Return numbers of trajectories, from 0 in the order of their beginnings, by links to earlier rows (n,)."""
    particle = np.where(before < 0, np.cumsum(before < 0) - 1, -1)
    linked = np.flatnonzero(before >= 0)
    root = before.copy()
    root[before < 0] = np.flatnonzero(before < 0)
    while (before[root[linked]] >= 0).any():
        root[linked] = root[root[linked]]  # twice as far each time
    numbers: np.ndarray = particle[root]
    return numbers


def _false(points: Points, links: Links, particle: np.ndarray, past: Future, rates: Rates) -> np.ndarray:
    """Return the chance of each detection's trajectory to be false."""
    last = np.ones(len(points), bool)
    last[links.before[links.before >= 0]] = False
    first = links.before < 0
    odds = np.empty(particle.max(initial=-1) + 1)
    start = np.where(points.step == points.step[0], rates.first, rates.birth)[first]
    odds[particle[first]] = start
    gone = 1 - (1 - rates.death) * (1 - rates.hide)
    ends = np.where(points.step == points.step[-1], 1.0, gone)[last]
    odds[particle[last]] *= ends * past.odds[last] / rates.noise[last]
    false: np.ndarray = (1 / (1 + odds))[particle]
    return false
