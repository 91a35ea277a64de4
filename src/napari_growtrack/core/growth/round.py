"""A round of growing: the stages that learn at a time, their optimiser, and how far they are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SettingsError
from .backend import keras
from .features import Features
from .feeding import Ahead, Pace, Turn
from .network import GrownNetwork
from .plan import Stage
from .position import GrowthPosition
from .schedule import MOMENTS, Schedule
from .sources import Images, Source
from .tasks import answer_of, loss_of
from .validation import HeldOut

REPORT_EVERY = 0.5
_LOOKS = 20

Arrays = dict[str, np.ndarray]


@dataclass
class Tally:
    """What has been used so far."""

    images: int = 0
    batches: int = 0
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Time since growing began, in seconds."""
        return time.perf_counter() - self.began


@dataclass(frozen=True)
class Judge:
    """Held-out images, and the features of frozen stages on them where those are kept."""

    held_out: HeldOut
    features: Features | None = None


class Round:
    """Some stages learning.

    Parameters
    ----------
    network : GrownNetwork
    schedule : Schedule
    stages : sequence of int
        Those that learn.
    pace : Pace
    source : Source
        What they learn from.
    features : Features, optional
        Of frozen stages, on the images of the source.
    judge : Judge, optional
        What the last stage is judged by.
    """

    def __init__(
        self,
        network: GrownNetwork,
        schedule: Schedule,
        stages: Sequence[Stage],
        pace: Pace,
        source: Source,
        features: Features | None,
        judge: Judge | None,
    ) -> None:
        self.stages, self.pace = stages, pace
        self._network, self._schedule = network, schedule
        self._source, self._features, self._judge = source, features, judge
        network.train_only(stages)
        self._model = network.learner(stages, None if features is None else features.given(stages[0]))
        optimiser = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[schedule.optimiser]
        self._model.compile(
            optimiser(schedule.learning_rate),
            [loss_of(network.plan, schedule) for _ in stages],
            jit_compile=keras.backend.backend() == "jax",
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self.losses: tuple[float, ...] = ()
        self.used = 0
        self.curve: list[float] = []
        self.best_error: float | None = None
        self.looks_since_best = self._looked = 0
        self._looks = schedule.looks or (0 if schedule.until.patience is None else _LOOKS)
        self._best: Arrays = {}

    # Leaving and coming back --------------------------------------------------------------------------------------

    def go_on_from(self, position: GrowthPosition, arrays: Arrays) -> None:
        """Take up a round that was left in its middle.

        Raises
        ------
        SettingsError
            When what was kept is of another round.
        """
        record = list(position.record[-1])
        self.used = position.round_images
        self.pace.go_on_from(record, self.used, position.round_seconds)
        self.best_error, self.looks_since_best = position.best_error, position.looks_since_best
        learned = [moment for moment, count in enumerate(record) if count]
        self._looked = learned[-1] * self._looks // MOMENTS if learned else 0
        self.curve = list(position.curves[-1]) if position.curves else []
        self._best = {n.removeprefix("best/"): array for n, array in arrays.items() if n.startswith("best/")}
        shapes = self._network.plan.weight_shapes()
        variables = self._model.optimizer.variables
        kept = [arrays.get(f"optimiser/{i}") for i in range(len(variables))]
        fits = all(a is not None and tuple(a.shape) == tuple(v.shape) for a, v in zip(kept, variables, strict=True))
        if not fits or any(shapes.get(name) != array.shape for name, array in self._best.items()):
            raise SettingsError("What was kept is of another plan or schedule. Begin anew, or use its own recipe.")
        for array, variable in zip(kept, variables, strict=True):
            variable.assign(array)

    def memory(self) -> Arrays:
        """Return what the optimiser remembers, and the best weights so far."""
        optimiser = {
            f"optimiser/{i}": np.asarray(variable, np.float32)
            for i, variable in enumerate(self._model.optimizer.variables)
        }
        return optimiser | {f"best/{name}": array for name, array in self._best.items()}

    # Learning -----------------------------------------------------------------------------------------------------

    def learn(self, tally: Tally) -> Iterator[tuple[float, ...]]:
        """Learn to the end of the round, yielding each stage's mean loss since the last time.

        Raises
        ------
        SettingsError
            When a loss is no longer a number.
        """
        if self._patience_is_over():
            return
        reported, losses = time.perf_counter(), []
        with Ahead(self.pace, self._draw) as batches:
            for turn, (inputs, wanted) in batches:
                losses.append(self._step(turn, inputs, wanted))
                self.pace.learned(turn)
                self.used += turn.size
                tally.batches += 1
                tally.images += turn.size
                self._look(turn)
                if self._patience_is_over():
                    break
                if time.perf_counter() - reported > REPORT_EVERY:
                    yield self._reported(losses)
                    reported, losses = time.perf_counter(), []
        if losses:
            self._reported(losses)

    def _reported(self, losses: list[np.ndarray]) -> tuple[float, ...]:
        self.losses = tuple(map(float, np.mean(losses, axis=0)))
        if not np.isfinite(self.losses).all():
            raise SettingsError(
                f"The loss is no longer a number after {self.pace.done} batches. Lower the schedule's learning_rate."
            )
        return self.losses

    def _draw(self, turn: Turn) -> tuple[Any, np.ndarray]:
        if self._features is None or not isinstance(self._source, Images):
            return self._source.batch(turn)
        indices = self._source.indices(turn)
        return self._features.inputs(self.stages[0], indices), self._source.labels(turn)

    def _step(self, turn: Turn, inputs: Any, wanted: np.ndarray) -> np.ndarray:
        """Take one step and return each stage's loss."""
        self._model.optimizer.learning_rate = turn.rate
        self._model.reset_metrics()
        truth = wanted[:, None, None]
        number = len(self.stages)
        losses = self._model.train_on_batch(inputs, [truth] * number if number > 1 else truth)
        return np.atleast_1d(losses)[-number:]

    # Judging ------------------------------------------------------------------------------------------------------

    def _patience_is_over(self) -> bool:
        patience = self._schedule.until.patience
        return patience is not None and self.looks_since_best >= patience

    def _look(self, turn: Turn) -> None:
        """Look at the error as often as is asked for, and remember the best weights where patience wants them."""
        look = turn.moment * self._looks // MOMENTS
        if look <= self._looked:
            return
        self._looked = look
        error = self._error()
        self.curve.append(error)
        if self._schedule.until.patience is None:
            return
        if self.best_error is None or error < self.best_error:
            self.best_error, self.looks_since_best = error, 0
            weights = [self._network.weights(stage) for stage in self.stages]
            self._best = {name: array for one in weights for name, array in one.items()}
        else:
            self.looks_since_best += 1

    def keep_best(self) -> float | None:
        """Return to the best weights, where they were looked for, and return the error of the last stage."""
        if self._judge is None:
            return None
        error = self._error()
        self.curve += [error] * (self._looks > 0)
        if self.best_error is not None and self.best_error < error:
            self._network.fill(self._best)
            return self.best_error
        return error

    def _error(self) -> float:
        judge, network, stage = self._judge, self._network, self.stages[-1]
        if judge is None:
            return float("nan")
        if judge.features is None:
            return judge.held_out.error(network.answer(judge.held_out.images, stage)[:, 0, 0])
        number = len(judge.held_out)
        parts = np.array_split(np.arange(number), -(-number // 1000))
        scores = [self._model.predict_on_batch(judge.features.inputs(stage, part)) for part in parts]
        return judge.held_out.error(answer_of(np.concatenate(scores)[:, 0, 0], network.plan.task))
