"""Grow a network on simulated windows: one stage after the other, or all side by side."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SettingsError
from ..simulation.scene import Scene
from ..simulation.windows import Batch, draw_windows
from .backend import keras
from .network import GrownNetwork
from .plan import Plan, Stage
from .schedule import Schedule

logger = logging.getLogger(__name__)

_REPORT_EVERY = 0.5


@dataclass(frozen=True)
class GrowthProgress:
    """Where growing stands.

    Attributes
    ----------
    stages : tuple of int
        The stages that are learning now.
    fraction : float
        Part of the whole work that is done, 0 to 1.
    seconds_left : float
        Estimated from the pace so far.
    images : int
        Windows used so far, over all stages.
    batches : int
        Batches used so far, over all stages.
    losses : tuple of float
        Mean loss since the last report of each stage that is learning, in pixels
        for the robust loss.
    """

    stages: tuple[Stage, ...]
    fraction: float
    seconds_left: float
    images: int
    batches: int
    losses: tuple[float, ...]


def iter_growth(
    plan: Plan,
    scene: Scene,
    schedule: Schedule,
    seed: int = 0,
    start: GrownNetwork | None = None,
) -> Generator[GrowthProgress, None, GrownNetwork]:
    """Grow a network, reporting twice a second; the generator returns the network.

    Parameters
    ----------
    plan : Plan
    scene : Scene
        What the training windows look like.
    schedule : Schedule
    seed : int
        Seeds weights and windows.
    start : GrownNetwork, optional
        A network grown before by the first columns of the same plan: its
        stages stay as they are and only later ones are grown.

    Yields
    ------
    GrowthProgress

    Raises
    ------
    SettingsError
        When `start` is not a part of the plan.

    Examples
    --------
    >>> network = yield from iter_growth(plan, scene, Schedule(minutes=2))  # doctest: +SKIP
    """
    grown = _check_start(plan, start)
    network = GrownNetwork(plan, seed, schedule.normalisation, schedule.unit)
    if start is not None:
        network.with_weights(start.weights())
    todo = list(range(grown + 1, plan.stages + 1))
    rounds = [todo] if schedule.together else [[stage] for stage in todo]
    tally = _Tally(len(rounds))
    for number, stages in enumerate(rounds):
        rng = np.random.default_rng([seed, stages[0]])
        for fraction, losses in _train(network, stages, scene, schedule, rng, tally, len(rounds)):
            yield tally.report(stages, (number + fraction) / len(rounds), losses)
    network.train_only(())
    return network


def grow(
    plan: Plan, scene: Scene, schedule: Schedule, seed: int = 0, start: GrownNetwork | None = None
) -> GrownNetwork:
    """Grow a network; see `iter_growth`, which reports while it works.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import named_scene
    >>> network = grow(Plan.depth(), named_scene("vesicles"), Schedule(minutes=2))  # doctest: +SKIP
    """
    growing = iter_growth(plan, scene, schedule, seed, start)
    while True:
        try:
            next(growing)
        except StopIteration as end:
            return end.value


def _check_start(plan: Plan, start: GrownNetwork | None) -> int:
    """Return how many stages are grown already."""
    if start is None:
        return 0
    if start.stages >= plan.stages or plan.until(start.stages) != start.plan:
        raise SettingsError(
            "Expected a plan that begins with the network's own stages and adds at least one. "
            "Make it with network.plan.deeper(...) or network.plan.wider(...)."
        )
    return start.stages


@dataclass
class _Tally:
    """What has been used so far."""

    rounds: int
    images: int = 0
    batches: int = 0
    began: float = field(default_factory=time.perf_counter)

    def report(self, stages: Sequence[Stage], fraction: float, losses: tuple[float, ...]) -> GrowthProgress:
        elapsed = time.perf_counter() - self.began
        left = elapsed * (1 - fraction) / fraction if fraction > 0 else float("inf")
        return GrowthProgress(tuple(stages), fraction, left, self.images, self.batches, losses)


def _train(
    network: GrownNetwork,
    stages: Sequence[Stage],
    scene: Scene,
    schedule: Schedule,
    rng: np.random.Generator,
    tally: _Tally,
    rounds: int,
) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Train some stages, yielding the fraction done and each stage's loss."""
    network.train_only(stages)
    model = network.wire(tuple(stages))
    loss = position_loss(schedule)
    model.compile(_optimiser(schedule), [loss] * len(stages), jit_compile=keras.backend.backend() == "jax")
    pace = _Pace(schedule, rounds)
    reported, sums, count = time.perf_counter(), np.zeros(len(stages)), 0
    with _windows_ahead(network, scene, schedule, rng, pace) as batches:
        for images, targets in batches:
            model.optimizer.learning_rate = schedule.at(pace.fraction)[1]
            sums += _learn(model, images, targets, len(stages))
            count += 1
            pace.done += 1
            tally.images += len(images)
            tally.batches += 1
            if time.perf_counter() - reported > _REPORT_EVERY or pace.fraction >= 1:
                yield min(pace.fraction, 1.0), tuple(sums / count)
                reported, sums, count = time.perf_counter(), np.zeros(len(stages)), 0
    logger.info("stages %s: %d batches", stages, pace.done)


def _learn(model: keras.Model, images: np.ndarray, targets: np.ndarray, stages: int) -> np.ndarray:
    """Take one step and return each stage's loss."""
    model.reset_metrics()
    truth = targets[:, None, None]
    losses = model.train_on_batch(images[..., None], [truth] * stages if stages > 1 else truth)
    return np.atleast_1d(losses)[-stages:]


class _Pace:
    """How far a round has come: by its batches or by the clock."""

    def __init__(self, schedule: Schedule, rounds: int) -> None:
        self.total = sum(phase.share for phase in schedule.phases)
        self.seconds = schedule.minutes * 60 / rounds if schedule.minutes else None
        self.began = time.perf_counter()
        self.done = 0

    @property
    def fraction(self) -> float:
        if self.seconds is None:
            return self.done / self.total
        return (time.perf_counter() - self.began) / self.seconds

    def ahead(self, batches: int) -> float:
        """Return the fraction at which the batch after some waiting ones will be used."""
        return (self.done + batches) / self.total if self.seconds is None else self.fraction


class _windows_ahead:
    """Simulate batches in a thread while the network learns from those before; ends with the schedule."""

    def __init__(
        self, network: GrownNetwork, scene: Scene, schedule: Schedule, rng: np.random.Generator, pace: _Pace
    ) -> None:
        self._draw = (schedule.windows, scene, network.window)
        self._schedule, self._rng, self._pace, self._network = schedule, rng, pace, network
        self._waiting: deque[Future[Batch]] = deque()

    def __enter__(self) -> Iterator[Batch]:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="windows")
        return self._batches()

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _batches(self) -> Iterator[Batch]:
        while self._pace.fraction < 1:
            while len(self._waiting) < 3 and self._pace.ahead(len(self._waiting)) < 1:
                self._waiting.append(self._pool.submit(self._simulate, self._size()))
            images, targets = self._waiting.popleft().result()
            yield images, self._scaled(targets)

    def _size(self) -> int:
        return self._schedule.at(self._pace.ahead(len(self._waiting)))[0]

    def _simulate(self, size: int) -> Batch:
        return draw_windows(*self._draw, size, self._rng, self._network.normalisation)

    def _scaled(self, targets: np.ndarray) -> np.ndarray:
        """Clip the distance and bring targets to the unit of the network's outputs."""
        clipped = np.concatenate((targets[:, :2], np.minimum(targets[:, 2:], self._schedule.reach)), 1)
        return clipped / np.float32(self._network.unit)


def position_loss(schedule: Schedule) -> Any:
    """Return the loss of one stage: of positions where a particle is in reach, and of the distance everywhere.

    ``squared`` is the thesis's mean squared error. ``robust`` is the distance between found and true position
    plus the error of the distance, in pixels, so that rare large errors do not drown the fine ones.
    """
    ops = keras.ops
    limit = schedule.reach / schedule.unit * (1 - 1e-6)

    def loss(truth: Any, found: Any) -> Any:
        in_reach = ops.cast(truth[..., 2] < limit, found.dtype)
        square = ops.square(truth - found)
        position = (square[..., 0] + square[..., 1]) * in_reach
        if schedule.loss == "squared":
            return ops.mean(position + square[..., 2]) / 3
        return schedule.unit * ops.mean(_root(position) + 0.5 * _root(square[..., 2]))

    def _root(square: Any) -> Any:
        return ops.sqrt(square + 1e-6) - 1e-3

    return loss


def _optimiser(schedule: Schedule) -> keras.optimizers.Optimizer:
    if schedule.optimiser == "adam":
        return keras.optimizers.Adam(schedule.learning_rate, clipnorm=None)
    return keras.optimizers.RMSprop(schedule.learning_rate)
