"""Grow a network: one stage after the other, or all side by side."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..datasets import Dataset
from ..errors import SettingsError
from ..heldout import HeldOut, held_out_images, held_out_windows
from ..normalisation import normalise_each
from ..simulation.scene import Scene
from ..work import finish
from .backend import keras
from .features import MEMORY, Features
from .feeding import Ahead, Pace, Turn
from .network import GrownNetwork
from .plan import Plan, Stage
from .position import GrowthPosition
from .schedule import MOMENTS, Record, Schedule
from .sources import Images, Source, source_of
from .tasks import answer_of, loss_of

_REPORT_EVERY = 0.5
_LOOKS = 20

Arrays = dict[str, np.ndarray]


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
        Images used so far, over all stages.
    batches : int
        Batches used so far, over all stages.
    losses : tuple of float
        Mean loss since the last report of each stage that is learning, in pixels
        for the robust loss.
    finished : bool
        Whether these stages have just been finished.
    seconds : float
        Time that growing has taken.
    error : float or None
        Error of the last of them on held-out images, once it is finished and
        where the schedule asks for it: median pixels, or share of wrong answers.
    """

    stages: tuple[Stage, ...]
    fraction: float
    seconds_left: float
    images: int
    batches: int
    losses: tuple[float, ...]
    finished: bool = False
    seconds: float = 0.0
    error: float | None = None


class Growth:
    """The growing of a network, which can be left at any step and taken up again.

    Parameters
    ----------
    plan : Plan
    data : Scene or Dataset
        What the network learns from: simulated windows, or labelled images.
    schedule : Schedule
    seed : int
        Seeds weights and images.
    start : GrownNetwork, optional
        A network grown before by the first columns of the same plan: its
        stages stay as they are and only later ones are grown. Its
        normalisation and unit hold for the new stages too.
    held_out : HeldOut or Dataset, optional
        Images to judge stages by. Where the schedule says until when to grow,
        windows of the scene are simulated by default; a dataset needs its own.
    memory : int
        Bytes of frozen stages' features kept in memory; more goes to disk.

    Raises
    ------
    SettingsError
        When plan, data, schedule and start do not fit one another.
    """

    def __init__(
        self,
        plan: Plan,
        data: Scene | Dataset,
        schedule: Schedule,
        seed: int = 0,
        start: GrownNetwork | None = None,
        held_out: HeldOut | Dataset | None = None,
        memory: int = MEMORY,
    ) -> None:
        grown = _check_start(plan, start)
        if start is not None:
            schedule = schedule.with_(normalisation=start.normalisation, unit=start.unit)
        self.plan, self.schedule, self.seed = plan, schedule, seed
        self._data, self._memory = data, memory
        todo = list(range(grown + 1, plan.stages + 1))
        self._rounds = [todo] if schedule.together else [[stage] for stage in todo]
        source_of(data, plan, schedule, seed, 0)
        self._held_out = self._judge(held_out)
        self.network = GrownNetwork(plan, seed, schedule.normalisation, schedule.unit)
        if start is not None:
            self.network.fill(start.weights())
        self._left = GrowthPosition()
        self._errors: list[float] = []
        self._records: list[tuple[int, ...]] = []
        self._now: _Round | None = None
        self._tally = _Tally()
        self._kept: Arrays = {}

    def _judge(self, given: HeldOut | Dataset | None) -> HeldOut | None:
        schedule, until = self.schedule, self.schedule.until
        if isinstance(given, Dataset):
            given = held_out_images(given, schedule.normalisation)
        if until.patience is None and not until.between_stages:
            return given
        if given is None and isinstance(self._data, Scene):
            given = held_out_windows(self._data, self.plan.side, schedule.normalisation, self.seed)
        if given is None or not len(given):
            raise SettingsError(
                "The schedule says until when to grow, so images are needed to judge by. Give held-out images, or a "
                "scene with particles."
            )
        if until.bound is not None and not given.located:
            raise SettingsError("There is no Cramer-Rao bound of classes. Use until.error or until.gain instead.")
        return given

    @property
    def record(self) -> Record:
        """Batches at each moment of every round so far."""
        now = () if self._now is None else (tuple(self._now.pace.record),)
        return (*self._records, *now)

    @property
    def errors(self) -> tuple[float, ...]:
        """Error on held-out images of each finished round's last stage, where they were judged."""
        return tuple(self._errors)

    # Going on -----------------------------------------------------------------------------------------------------

    def steps(self) -> Generator[GrowthProgress, None, GrownNetwork]:
        """Grow, reporting twice a second and after each round; the generator returns the network."""
        with ExitStack() as kept:
            first = self._left.round
            learned, judged = self._features(first, kept)
            end = self._enough(first - 1)
            for number in range(first, len(self._rounds)):
                if end is not None:
                    break
                yield from self._round(number, learned, judged)
                for features in filter(None, (learned, judged)):
                    features.add(self._rounds[number][-1])
                end = self._enough(number)
            self.network.train_only(())
            return self.network if end is None else self._cut(end)

    def _round(self, number: int, learned: Features | None, judged: Features | None) -> Iterator[GrowthProgress]:
        """Let the stages of a round learn."""
        stages = self._rounds[number]
        source = source_of(self._data, self.plan, self.schedule, self.seed, number)
        self._now = now = _Round(self, number, stages, source, learned, judged)
        now.go_on_from(self._left, self._kept)
        self._left, self._kept = GrowthPosition(), {}
        for losses in now.learn(self._tally):
            yield self._report(now, losses)
        error = None if self._held_out is None else now.keep_best()
        if error is not None:
            self._errors.append(error)
        self._records.append(tuple(now.pace.record))
        self._now = None
        yield self._report(now, now.losses, finished=True, error=error)

    def _report(self, now: _Round, losses: tuple[float, ...], finished: bool = False, error: Any = None) -> Any:
        part = 1.0 if finished else min(now.pace.fraction, 1.0)
        fraction = (now.number + part) / len(self._rounds)
        elapsed = self._tally.seconds
        left = elapsed * (1 - fraction) / fraction if fraction > 0 else float("inf")
        tally = self._tally
        return GrowthProgress(
            tuple(now.stages), fraction, left, tally.images, tally.batches, losses, finished, elapsed, error
        )

    def _enough(self, number: int) -> Stage | None:
        """Return the stage to end at after a round, None to go on."""
        until, errors = self.schedule.until, self._errors
        if not until.between_stages or self._held_out is None or number < 0:
            return None
        stage = self._rounds[number][-1]
        if until.gain is not None and len(errors) > 1 and errors[-1] > (1 - until.gain) * errors[-2]:
            return self._rounds[number - 1][-1]
        reached = until.bound is not None and errors[-1] <= until.bound * self._held_out.bound
        return stage if reached or (until.error is not None and errors[-1] <= until.error) else None

    def _cut(self, stage: Stage) -> GrownNetwork:
        """Return the network without the stages after this one."""
        mine = self.network
        cut = GrownNetwork(self.plan.until(stage), self.seed, mine.normalisation, mine.unit)
        return cut.fill(mine.weights())

    def _features(self, first: int, kept: ExitStack) -> tuple[Features | None, Features | None]:
        """Keep the features of frozen stages where images come back unchanged: those learned from, those judged by."""
        data, held_out, how = self._data, self._held_out, self.schedule.normalisation
        over = first == len(self._rounds)
        if not isinstance(data, Dataset) or self.schedule.augmentation is not None or over:
            return None, None
        if self.schedule.together or self.plan.answers != "own":
            return None, None
        reads = [(lambda indices: normalise_each(data.batch(indices)[0], how), len(data))]
        if held_out is not None:
            reads.append((lambda indices: held_out.images[indices], len(held_out)))
        both = [kept.enter_context(Features(self.network, *read, memory=self._memory)) for read in reads]
        for features in both:
            for stage in range(1, self._rounds[first][0]):
                features.add(stage)
        return both[0], both[1] if held_out is not None else None

    # Leaving and coming back --------------------------------------------------------------------------------------

    def leave(self) -> tuple[GrowthPosition, Arrays]:
        """Return where growing stands, with all weights and the optimiser's memory, to be taken up by `resume`.

        Call it between two steps.
        """
        position = GrowthPosition(
            stages_given=self.plan.stages - sum(map(len, self._rounds)),
            round=len(self._records),
            seconds=self._tally.seconds,
            record=self.record,
            images=self._tally.images,
            batches=self._tally.batches,
            errors=self._errors,
        )
        arrays: Arrays = {f"weights/{name}": array for name, array in self.network.weights().items()}
        if self._now is not None:
            position = position.with_(
                round_seconds=self._now.pace.elapsed,
                round_images=self._now.used,
                best_error=self._now.best_error,
                looks_since_best=self._now.looks_since_best,
            )
            arrays |= self._now.memory()
        return position, arrays

    def resume(self, position: GrowthPosition, arrays: Arrays) -> None:
        """Take up growing where `leave` left it.

        Raises
        ------
        SettingsError
            When the position is of another plan or schedule.
        """
        weights = {name.removeprefix("weights/"): a for name, a in arrays.items() if name.startswith("weights/")}
        shapes = {name: array.shape for name, array in weights.items()}
        running = len(position.record) - position.round
        if shapes != self.plan.weight_shapes() or position.round > len(self._rounds) or running not in (0, 1):
            raise SettingsError("What was kept is of another plan or schedule. Begin anew, or use its own recipe.")
        self.network.fill(weights)
        self._left = position
        self._kept = {name: array for name, array in arrays.items() if not name.startswith("weights/")}
        self._records = [tuple(record) for record in position.record[: position.round]]
        self._errors = list(position.errors)
        self._tally = _Tally(position.images, position.batches, time.perf_counter() - position.seconds)


def iter_growth(
    plan: Plan,
    data: Scene | Dataset,
    schedule: Schedule,
    seed: int = 0,
    start: GrownNetwork | None = None,
    held_out: HeldOut | Dataset | None = None,
) -> Generator[GrowthProgress, None, GrownNetwork]:
    """Grow a network, reporting twice a second; the generator returns the network.

    The parameters are those of `Growth`, which can also be left and taken up.

    Yields
    ------
    GrowthProgress

    Raises
    ------
    SettingsError
        When plan, data, schedule and start do not fit one another.

    Examples
    --------
    >>> network = yield from iter_growth(plan, scene, Schedule(minutes=2))  # doctest: +SKIP
    """
    return (yield from Growth(plan, data, schedule, seed, start, held_out).steps())


def grow(
    plan: Plan,
    data: Scene | Dataset,
    schedule: Schedule,
    seed: int = 0,
    start: GrownNetwork | None = None,
    held_out: HeldOut | Dataset | None = None,
) -> GrownNetwork:
    """Grow a network; see `Growth` for what is asked, and `iter_growth`, which reports while it works.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import named_scene
    >>> network = grow(Plan.depth(), named_scene("vesicles"), Schedule(minutes=2))  # doctest: +SKIP
    """
    return finish(iter_growth(plan, data, schedule, seed, start, held_out))


def _check_start(plan: Plan, start: GrownNetwork | None) -> int:
    """Return how many stages are grown already."""
    if start is None:
        return 0
    if start.zoom != 1:
        raise SettingsError(
            "This network looks through enlarged boxes, and windows are simulated as large as they are. "
            "Import it without a box of its own, or begin a new network."
        )
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

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began


class _Round:
    """Some stages learning: the model, its optimiser, and how far they are."""

    def __init__(
        self,
        growth: Growth,
        number: int,
        stages: Sequence[Stage],
        source: Source,
        features: Features | None,
        judged: Features | None,
    ) -> None:
        self.number, self.stages = number, stages
        self._growth, self._source, self._features, self._judged = growth, source, features, judged
        network, schedule = growth.network, growth.schedule
        self.pace = Pace(schedule, len(growth._rounds), number, source.images)
        network.train_only(stages)
        self._model = network.learner(stages, None if features is None else features.given(stages[0]))
        optimiser = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[schedule.optimiser]
        self._model.compile(
            optimiser(schedule.learning_rate),
            [loss_of(growth.plan, schedule) for _ in stages],
            jit_compile=keras.backend.backend() == "jax",
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self.losses: tuple[float, ...] = ()
        self.used = 0
        self.best_error: float | None = None
        self.looks_since_best = self._looked = 0
        self._best: Arrays = {}

    def go_on_from(self, position: GrowthPosition, arrays: Arrays) -> None:
        """Take up a round that was left in its middle."""
        if len(position.record) <= self.number:
            return
        self.used = position.round_images
        self.pace.go_on_from(list(position.record[self.number]), self.used, position.round_seconds)
        self.best_error, self.looks_since_best = position.best_error, position.looks_since_best
        self._best = {n.removeprefix("best/"): array for n, array in arrays.items() if n.startswith("best/")}
        variables = self._model.optimizer.variables
        kept = [arrays.get(f"optimiser/{i}") for i in range(len(variables))]
        if all(a is not None and tuple(a.shape) == tuple(v.shape) for a, v in zip(kept, variables, strict=True)):
            for array, variable in zip(kept, variables, strict=True):
                variable.assign(array)

    def memory(self) -> Arrays:
        """Return what the optimiser remembers, and the best weights so far."""
        optimiser = {
            f"optimiser/{i}": np.asarray(variable, np.float32)
            for i, variable in enumerate(self._model.optimizer.variables)
        }
        return optimiser | {f"best/{name}": array for name, array in self._best.items()}

    def learn(self, tally: _Tally) -> Iterator[tuple[float, ...]]:
        """Learn to the end of the round, yielding each stage's mean loss since the last time."""
        reported, losses = time.perf_counter(), []
        with Ahead(self.pace, self._draw) as batches:
            for turn, (inputs, wanted) in batches:
                losses.append(self._step(turn, inputs, wanted))
                self.pace.learned(turn)
                self.used += turn.size
                tally.batches += 1
                tally.images += turn.size
                if self._gave_up(turn):
                    break
                if time.perf_counter() - reported > _REPORT_EVERY:
                    self.losses = tuple(map(float, np.mean(losses, axis=0)))
                    yield self.losses
                    reported, losses = time.perf_counter(), []
        if losses:
            self.losses = tuple(map(float, np.mean(losses, axis=0)))

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

    def _gave_up(self, turn: Turn) -> bool:
        """Look at the error 20 times a round where patience asks for it; say whether patience is over."""
        patience = self._growth.schedule.until.patience
        look = turn.moment * _LOOKS // MOMENTS
        if patience is None or look <= self._looked:
            return False
        self._looked = look
        error = self._error()
        if self.best_error is None or error < self.best_error:
            self.best_error, self.looks_since_best = error, 0
            weights = [self._growth.network.weights(stage) for stage in self.stages]
            self._best = {name: array for one in weights for name, array in one.items()}
        else:
            self.looks_since_best += 1
        return self.looks_since_best >= patience

    def keep_best(self) -> float:
        """Return to the best weights, where they were looked for, and return the error of the last stage."""
        error = self._error()
        if self.best_error is not None and self.best_error < error:
            self._growth.network.fill(self._best)
            return self.best_error
        return error

    def _error(self) -> float:
        held_out, network, stage = self._growth._held_out, self._growth.network, self.stages[-1]
        assert held_out is not None
        if self._judged is None:
            return held_out.error(network.answer(held_out.images, stage)[:, 0, 0])
        parts = np.array_split(np.arange(len(held_out)), -(-len(held_out) // 1000))
        scores = [self._model.predict_on_batch(self._judged.inputs(stage, part)) for part in parts]
        return held_out.error(answer_of(np.concatenate(scores)[:, 0, 0], network.plan.task))
