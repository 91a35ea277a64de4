"""Grow a network on simulated windows: one stage after the other, or all side by side."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SettingsError
from ..simulation.scene import Scene
from ..simulation.windows import Batch
from ..work import finish
from .backend import keras
from .feeding import Pace, WindowsAhead
from .network import GrownNetwork
from .plan import Plan, Stage
from .schedule import Schedule

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
        network.fill(start.weights())
    todo = list(range(grown + 1, plan.stages + 1))
    rounds = [todo] if schedule.together else [[stage] for stage in todo]
    tally = _Tally()
    for number, stages in enumerate(rounds):
        pace = Pace(schedule, len(rounds))
        with WindowsAhead(scene, plan.window, pace, np.random.default_rng([seed, stages[0]])) as batches:
            for losses in _train(network, stages, pace, batches, tally):
                yield tally.report(stages, (number + min(pace.fraction, 1.0)) / len(rounds), losses)
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
    return finish(iter_growth(plan, scene, schedule, seed, start))


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

    images: int = 0
    batches: int = 0
    began: float = field(default_factory=time.perf_counter)

    def report(self, stages: Sequence[Stage], fraction: float, losses: tuple[float, ...]) -> GrowthProgress:
        elapsed = time.perf_counter() - self.began
        left = elapsed * (1 - fraction) / fraction if fraction > 0 else float("inf")
        return GrowthProgress(tuple(stages), fraction, left, self.images, self.batches, losses)


def _train(
    network: GrownNetwork, stages: Sequence[Stage], pace: Pace, batches: Iterator[Batch], tally: _Tally
) -> Iterator[tuple[float, ...]]:
    """Train some stages, yielding each one's mean loss since the last time."""
    model = _compiled(network, stages, pace.schedule)
    reported, losses = time.perf_counter(), []
    for images, targets in batches:
        model.optimizer.learning_rate = pace.schedule.at(pace.fraction)[1]
        losses.append(_learn(model, images, _scaled(targets, pace.schedule), len(stages)))
        pace.done += 1
        tally.batches += 1
        tally.images += len(images)
        if time.perf_counter() - reported > _REPORT_EVERY:
            yield tuple(map(float, np.mean(losses, axis=0)))
            reported, losses = time.perf_counter(), []
    if losses:
        yield tuple(map(float, np.mean(losses, axis=0)))


def _compiled(network: GrownNetwork, stages: Sequence[Stage], schedule: Schedule) -> keras.Model:
    """Return the model of some stages, ready to train them and nothing else."""
    network.train_only(stages)
    model = network.wire(tuple(stages))
    optimiser = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[schedule.optimiser]
    model.compile(
        optimiser(schedule.learning_rate),
        [position_loss(schedule)] * len(stages),
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def _learn(model: keras.Model, images: np.ndarray, targets: np.ndarray, stages: int) -> np.ndarray:
    """Take one step and return each stage's loss."""
    model.reset_metrics()
    truth = targets[:, None, None]
    losses = model.train_on_batch(images[..., None], [truth] * stages if stages > 1 else truth)
    return np.atleast_1d(losses)[-stages:]


def _scaled(targets: np.ndarray, schedule: Schedule) -> np.ndarray:
    """Clip the distance and bring targets to the unit of the network's outputs."""
    clipped = np.minimum(targets, [np.inf, np.inf, schedule.reach])
    return (clipped / schedule.unit).astype(np.float32)


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
