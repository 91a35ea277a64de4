"""Grow a network: one stage after the other, or all side by side."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ..datasets import Dataset
from ..errors import SettingsError
from ..films.normalisation import normalise_each
from ..progress import finish
from ..simulation.scene import Scene
from .features import MEMORY, Features
from .feeding import Pace
from .network import GrownNetwork
from .plan import Plan, Stage
from .position import GrowthPosition
from .round import Arrays, Judge, Round, Tally
from .schedule import Record, Schedule
from .sources import source_of
from .validation import HeldOut, held_out_images, held_out_windows


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
        self._given = _check_start(plan, start)
        if start is not None:
            schedule = schedule.with_(normalisation=start.normalisation, unit=start.unit)
        self.plan, self.schedule, self.seed = plan, schedule, seed
        self._data, self._memory = data, memory
        todo = list(range(self._given + 1, plan.stages + 1))
        self._rounds = [todo] if schedule.together else [[stage] for stage in todo]
        if schedule.record is not None and len(schedule.record) < len(self._rounds):
            raise SettingsError(
                f"The record has {len(schedule.record)} rounds, the plan has {len(self._rounds)} to grow. Leave it out."
            )
        source_of(data, plan, schedule, seed, 0)
        self._held_out = self._judged_by(held_out)
        self.network = GrownNetwork(plan, seed, schedule.normalisation, schedule.unit, initial=schedule.initial)
        if start is not None:
            self.network.fill(start.weights())
        self._left: tuple[GrowthPosition, Arrays] | None = None
        self._errors: list[float] = []
        self._records: list[tuple[int, ...]] = []
        self._curves: list[tuple[float, ...]] = []
        self._now: Round | None = None
        self._tally = Tally()

    def _judged_by(self, given: HeldOut | Dataset | None) -> HeldOut | None:
        schedule, until = self.schedule, self.schedule.until
        if isinstance(given, Dataset):
            given = held_out_images(given, schedule.normalisation)
        if until.patience is None and schedule.looks is None and not until.between_stages:
            return given
        if given is None and isinstance(self._data, Scene):
            given = held_out_windows(
                self._data, self.plan.side, schedule.normalisation, self.seed, kind=schedule.windows
            )
        if given is None or not len(given):
            raise SettingsError(
                "The schedule judges what it grows, so images are needed to judge by. Give held-out images, or a scene "
                "with particles."
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
    def errors(self) -> dict[Stage, float]:
        """Error on held-out images of each finished round's last stage, where they were judged."""
        return {stages[-1]: error for stages, error in zip(self._rounds, self._errors, strict=False)}

    @property
    def curves(self) -> dict[Stage, tuple[float, ...]]:
        """Error on held-out images at each look of every finished round, by its last stage; see `Schedule.looks`."""
        return {stages[-1]: curve for stages, curve in zip(self._rounds, self._curves, strict=False)}

    # Going on -----------------------------------------------------------------------------------------------------

    def steps(self) -> Generator[GrowthProgress, None, GrownNetwork]:
        """Grow, reporting twice a second and after each round; the generator returns the network.

        Raises
        ------
        SettingsError
            When a loss is no longer a number.
        OutputError
            When features outgrow memory and the disk is full.
        """
        first = 0 if self._left is None else self._left[0].round
        with ExitStack() as kept:
            learned, judge = self._features(first, kept)
            before = self._error_before(judge)
            end = self._enough(first - 1, before)
            for number in range(first, len(self._rounds)):
                if end is not None:
                    break
                yield from self._round(number, learned, judge)
                for features in (learned, None if judge is None else judge.features):
                    if features is not None:
                        features.add(self._rounds[number][-1])
                end = self._enough(number, before)
            self.network.train_only(())
            return self.network if end is None else self._cut(end)

    def _round(self, number: int, learned: Features | None, judge: Judge | None) -> Iterator[GrowthProgress]:
        """Let the stages of a round learn."""
        stages = self._rounds[number]
        source = source_of(self._data, self.plan, self.schedule, self.seed, number)
        pace = Pace(self.schedule, len(self._rounds), number, source.images)
        now = Round(self.network, self.schedule, stages, pace, source, learned, judge)
        if self._left is not None and len(self._left[0].record) > number:
            now.go_on_from(*self._left)
        self._now, self._left = now, None
        for losses in now.learn(self._tally):
            yield self._report(number, now, losses)
        error = now.keep_best()
        if error is not None:
            self._errors.append(error)
        self._records.append(tuple(now.pace.record))
        self._curves.append(tuple(now.curve))
        self._now = None
        yield self._report(number, now, now.losses, finished=True, error=error)

    def _report(
        self, number: int, now: Round, losses: tuple[float, ...], finished: bool = False, error: float | None = None
    ) -> GrowthProgress:
        part = 1.0 if finished else min(now.pace.work, 1.0)
        fraction = (number + part) / len(self._rounds)
        tally, elapsed = self._tally, self._tally.seconds
        left = elapsed * (1 - fraction) / fraction if fraction > 0 else float("inf")
        return GrowthProgress(
            tuple(now.stages), fraction, left, tally.images, tally.batches, losses, finished, elapsed, error
        )

    def _error_before(self, judge: Judge | None) -> float | None:
        """Return the error of the last stage that was grown before, where a new one has to gain on it."""
        if judge is None or not self._given or self.schedule.until.gain is None:
            return None
        held_out = judge.held_out
        return held_out.error(self.network.answer(held_out.images, self._given)[:, 0, 0])

    def _enough(self, number: int, before: float | None) -> Stage | None:
        """Return the stage to end at after a round, None to go on."""
        until, errors = self.schedule.until, [*([] if before is None else [before]), *self._errors]
        if not until.between_stages or self._held_out is None or number < 0:
            return None
        stage = self._rounds[number][-1]
        if until.gain is not None and len(errors) > 1 and errors[-1] > (1 - until.gain) * errors[-2]:
            return stage - 1
        reached = until.bound is not None and errors[-1] <= until.bound * self._held_out.bound
        return stage if reached or (until.error is not None and errors[-1] <= until.error) else None

    def _cut(self, stage: Stage) -> GrownNetwork:
        """Return the network without the stages after this one."""
        mine = self.network
        cut = GrownNetwork(self.plan.until(stage), self.seed, mine.normalisation, mine.unit)
        return cut.fill(mine.weights())

    def _features(self, first: int, kept: ExitStack) -> tuple[Features | None, Judge | None]:
        """Keep the features of frozen stages where images come back unchanged: those learned from, those judged by."""
        data, held_out, how = self._data, self._held_out, self.schedule.normalisation
        judge = None if held_out is None else Judge(held_out)
        plain = self.plan.answers == "own" and self.plan.members is None and not self.schedule.together
        if not plain or not isinstance(data, Dataset) or self.schedule.augmentation or first == len(self._rounds):
            return None, judge
        total = len(data) + (0 if held_out is None else len(held_out))

        def features(read: Any, number: int) -> Features:
            made = kept.enter_context(Features(self.network, read, number, self._memory * number // total))
            for stage in range(1, self._rounds[first][0]):
                made.add(stage)
            return made

        learned = features(lambda some: normalise_each(data.batch(some)[0], how), len(data))
        if held_out is None:
            return learned, None
        return learned, Judge(held_out, features(lambda some: held_out.images[some], len(held_out)))

    # Leaving and coming back --------------------------------------------------------------------------------------

    def leave(self) -> tuple[GrowthPosition, Arrays]:
        """Return where growing stands, with all weights and the optimiser's memory, to be taken up by `resume`.

        Call it between two steps.
        """
        weights = {f"weights/{name}": array for name, array in self.network.weights().items()}
        if self._left is not None:  # taken up, but not a step further yet
            return self._left[0], weights | self._left[1]
        position = GrowthPosition(
            stages_given=self._given,
            round=len(self._records),
            seconds=self._tally.seconds,
            record=self.record,
            images=self._tally.images,
            batches=self._tally.batches,
            errors=self._errors,
            curves=[*self._curves, *([] if self._now is None else [tuple(self._now.curve)])],
        )
        if self._now is None:
            return position, weights
        position = position.with_(
            round_seconds=self._now.pace.elapsed,
            round_images=self._now.used,
            best_error=self._now.best_error,
            looks_since_best=self._now.looks_since_best,
        )
        return position, weights | self._now.memory()

    def resume(self, position: GrowthPosition, arrays: Arrays) -> None:
        """Take up growing where `leave` left it.

        Raises
        ------
        SettingsError
            When the position is of another plan or schedule.
        """
        weights = {name.removeprefix("weights/"): a for name, a in arrays.items() if name.startswith("weights/")}
        rounds, running = position.round, len(position.record) - position.round
        judged = self._held_out is None or len(position.errors) == rounds
        fits = {name: array.shape for name, array in weights.items()} == self.plan.weight_shapes()
        if not fits or rounds > len(self._rounds) or running not in (0, 1) or not judged:
            raise SettingsError("What was kept is of another plan or schedule. Begin anew, or use its own recipe.")
        self.network.fill(weights)
        memory = {name: array for name, array in arrays.items() if not name.startswith("weights/")}
        self._left = position, memory
        self._records = [*position.record[:rounds]]
        self._errors = list(position.errors)
        self._curves = list(position.curves[:rounds])
        self._tally = Tally(position.images, position.batches, time.perf_counter() - position.seconds)


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
