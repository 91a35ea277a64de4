"""Make a network: grow it by a recipe, or import it, then calibrate its thresholds and measure what it reaches."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .archive import read_card, read_growing, write_archive
from .assessment import calibration_samples, noise_samples, report, snr_levels
from .card import Accuracy, Card, HistoryPoint, Provenance, Recipe
from .datasets import Dataset
from .deeptrack import read_deeptrack, unit_of
from .detection import Calibration, all_pairs, calibrate
from .errors import GrowtrackWarning, OutputError, SettingsError
from .heldout import held_out_images
from .networks import Network, filled
from .simulation import Scene
from .version import package_version
from .work import finish

if TYPE_CHECKING:
    from .growth.network import GrownNetwork
    from .growth.training import Growth, GrowthProgress

HISTORY_POINTS = 100
KEEP_EVERY = 120.0
JUDGES = 0.1
"""Part of a dataset's training images that is held out where the schedule says until when to grow."""


@dataclass(frozen=True)
class MakingProgress:
    """Where the making of a network stands.

    Attributes
    ----------
    doing : str
        ``growing``, ``calibrating`` or ``measuring``, and what.
    fraction : float
        Part of that which is done, 0 to 1.
    seconds_left : float
        Of that.
    """

    doing: str
    fraction: float
    seconds_left: float


def iter_make(
    recipe: Recipe,
    data: tuple[Dataset, Dataset] | None = None,
    start: Network | None = None,
    keep: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> Generator[MakingProgress, None, Network]:
    """Grow, calibrate and measure a network, reporting progress; the generator returns it.

    Parameters
    ----------
    recipe : Recipe
        With `resume`, the one that `recipe_kept` returns.
    data : (Dataset, Dataset), optional
        Images to learn from and to judge by, for a recipe of classes.
    start : Network, optional
        A network whose stages the recipe's plan begins with; they stay as they are.
    keep : path, optional
        Where to keep what is grown: after every round, every two minutes, and
        when it is stopped. It is for the caller to remove it at the end.
    resume : bool
        Whether to go on from what was kept there.

    Raises
    ------
    SettingsError
        When the recipe cannot be followed.
    NetworkFileError
        When what was kept cannot be read.
    """
    making = _Making(recipe, data, start, keep, resume)
    yield from making.grown()
    card = making.card()
    if recipe.scene is None and data is not None:
        return Network(making.network, card.with_(accuracies=making.accuracies(data[1])))
    card = yield from _calibrated(making.network, card)
    card = yield from _measured(making.network, card)
    return Network(making.network, card)


def iter_import(
    path: str | os.PathLike[str], scene: Scene, box: int | None = None
) -> Generator[MakingProgress, None, Network]:
    """Make a network of DeepTrack 1.0 one of ours, with thresholds and a report; the generator returns it.

    Parameters
    ----------
    path : path
        An HDF5 file, as DeepTrack 1.0 publishes them.
    scene : Scene
        What its particles look like: thresholds are calibrated on it.
    box : int, optional
        Side in pixels of the boxes it looks at; they are resized to its window.
        By default as large as the window.

    Raises
    ------
    NetworkFileError
        When the file is not such a network.
    """
    from .growth.schedule import Schedule

    plan, weights = read_deeptrack(path)
    recipe = Recipe(
        name=Path(path).stem,
        about=f"A network of DeepTrack 1.0, with thresholds for the scene {scene.name}.",
        plan=plan,
        scene=scene,
        schedule=Schedule.thesis().with_(unit=unit_of(plan)),
        zoom=plan.side / (box or plan.side),
    )
    made = _provenance(imported_from=f"{Path(path).name}, a network of DeepTrack 1.0")
    card = Card(recipe=recipe, provenance=made)
    grown = filled(card, weights)
    card = yield from _calibrated(grown, card)
    card = yield from _measured(grown, card)
    return Network(grown, card)


def iter_calibrate(network: Network) -> Generator[MakingProgress, None, Network]:
    """Find a network's thresholds and report again, as this version does; the generator returns the network.

    Its weights stay as they are.

    Raises
    ------
    SettingsError
        When the network does not locate.
    """
    card = yield from _calibrated(network.grown, network.card)
    card = yield from _measured(network.grown, card)
    return Network(network.grown, card)


def make_network(recipe: Recipe, data: tuple[Dataset, Dataset] | None = None, start: Network | None = None) -> Network:
    """Grow, calibrate and measure a network; see `iter_make`, which reports while it works."""
    return finish(iter_make(recipe, data, start))


def recipe_kept(path: str | os.PathLike[str]) -> Recipe:
    """Return the recipe of a network that was left while it grew.

    Raises
    ------
    NetworkFileError
        When there is none, or it cannot be read.
    """
    return read_card(path).recipe


class _Making:
    """A network while it grows: what it learned so far, and where that is kept."""

    def __init__(
        self,
        recipe: Recipe,
        data: tuple[Dataset, Dataset] | None,
        start: Network | None,
        keep: str | os.PathLike[str] | None,
        resume: bool,
    ) -> None:
        self.recipe, self.keep = recipe, keep
        self.history: list[HistoryPoint] = []
        self.began_with = "" if start is None else _origin(start.card)
        self._images = self._batches = 0
        self._seconds = 0.0
        if resume:
            self.growth = self._taken_up(data)
        else:
            self.growth = self._growth(data, None if start is None else start.grown)
        self.network = self.growth.network

    def _growth(self, data: tuple[Dataset, Dataset] | None, start: GrownNetwork | None) -> Growth:
        from .growth.training import Growth

        recipe = self.recipe
        if recipe.scene is not None:
            return Growth(recipe.plan, recipe.scene, recipe.schedule, recipe.seed, start)
        if data is None:
            raise SettingsError(f"{recipe.name} learns from {recipe.dataset}. Give its images as well.")
        if data[0].name != recipe.dataset:
            raise SettingsError(f"{recipe.name} learns from {recipe.dataset}, got {data[0].name}. Give that dataset.")
        learn, judge = data
        until = recipe.schedule.until
        if until.between_stages or until.patience is not None:  # the test images must not choose
            learn, judge = learn.split(JUDGES, np.random.default_rng(recipe.seed))
        return Growth(recipe.plan, learn, recipe.schedule, recipe.seed, start, judge)

    def _taken_up(self, data: tuple[Dataset, Dataset] | None) -> Growth:
        """Return the growth that was kept, as it was left."""
        if self.keep is None:
            raise SettingsError("Say where the network was kept that is to go on.")
        card, weights, position, memory = read_growing(self.keep)
        self.history, self.began_with = [*card.history], card.provenance.began_with
        self._images, self._batches, self._seconds = position.images, position.batches, position.seconds
        given = position.stages_given
        growth = self._growth(data, filled(card, weights, given) if given else None)
        growth.resume(position, {f"weights/{name}": array for name, array in weights.items()} | memory)
        return growth

    def grown(self) -> Generator[MakingProgress, None, None]:
        """Grow, keeping what is grown: after every round, now and then, and when it is stopped."""
        kept_at, noted = time.perf_counter(), 0.0
        steps, stopped = self.growth.steps(), True
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    self.network, stopped = end.value, False
                    return
                self._images, self._batches, self._seconds = step.images, step.batches, step.seconds
                if step.losses and (step.fraction >= noted or step.finished):
                    self._note(step)
                    noted = step.fraction + 1 / HISTORY_POINTS
                if step.finished or time.perf_counter() - kept_at > KEEP_EVERY:
                    self._keep()
                    kept_at = time.perf_counter()
                losses = " ".join(f"{loss:.2f}" for loss in step.losses[-8:])
                yield MakingProgress(f"growing {_stages(step.stages)}, loss {losses}", step.fraction, step.seconds_left)
        except SettingsError:  # a loss that is no number: what was kept before is better than what is here
            stopped = False
            raise
        finally:
            if stopped:
                self._keep()
            steps.close()

    def _note(self, step: GrowthProgress) -> None:
        self.history += [
            HistoryPoint(images=step.images, stage=stage, loss=round(loss, 4))
            for stage, loss in zip(step.stages, step.losses, strict=True)
        ]

    def _keep(self) -> None:
        if self.keep is None:
            return
        position, arrays = self.growth.leave()
        weights = {n.removeprefix("weights/"): a for n, a in arrays.items() if n.startswith("weights/")}
        memory = {name: array for name, array in arrays.items() if not name.startswith("weights/")}
        recipe = self.recipe.with_(schedule=self.growth.schedule)
        try:
            write_archive(self.keep, self._card(recipe), weights, position, memory)
        except OutputError as error:
            warnings.warn(f"{error} Growing goes on, but is not kept meanwhile.", GrowtrackWarning, stacklevel=2)

    def card(self) -> Card:
        """Return the card of what was grown; growing may have ended at an early stage."""
        schedule = self.growth.schedule.with_(record=None)
        return self._card(self.recipe.with_(plan=self.network.plan, schedule=schedule))

    def _card(self, recipe: Recipe) -> Card:
        growth = self.growth
        made = _provenance(
            images=self._images,
            batches=self._batches,
            seconds=round(self._seconds, 1),
            record=growth.record if growth.schedule.minutes is not None else (),
            began_with=self.began_with,
        )
        history = [point for point in self.history if point.stage <= recipe.plan.stages]
        return Card(recipe=recipe, provenance=made, history=history)

    def accuracies(self, test: Dataset) -> list[Accuracy]:
        """Return how many test images every stage gives the right class."""
        until = self.recipe.schedule.until
        chose = until.between_stages or until.patience is not None
        errors = {} if chose else self.growth.errors
        stages = range(1, self.network.stages + 1)
        held_out = held_out_images(test, self.network.normalisation)
        if not all(stage in errors for stage in stages):
            answers = self.network.answers(held_out.images)
            errors = {stage: held_out.error(answers[stage - 1][:, 0, 0]) for stage in stages}
        return [Accuracy(stage=stage, right=1 - errors[stage], images=len(held_out)) for stage in stages]


def _provenance(images: int = 0, batches: int = 0, seconds: float = 0.0, **more: Any) -> Provenance:
    from .growth.backend import backend_name

    made = {"version": package_version(), "backend": backend_name()}
    return Provenance(**made, images=images, batches=batches, seconds=seconds, **more)


def _origin(card: Card) -> str:
    scene = card.recipe.scene
    return f"{card.name} ({card.plan.stages} stages, scene {scene.name if scene else card.recipe.dataset})"


def _stages(stages: Sequence[int]) -> str:
    return f"stage {stages[0]}" if len(stages) == 1 else f"stages {stages[0]} to {stages[-1]}"


def _calibrated(grown: GrownNetwork, card: Card) -> Generator[MakingProgress, None, Card]:
    began, pairs, done = time.perf_counter(), all_pairs(grown.stages), []
    scene, seed = card.recipe.located_scene, card.recipe.seed
    samples, noise = calibration_samples(scene, seed), noise_samples(scene, seed)
    for pair in calibrate(Network(grown, card), samples, pairs, noise):
        done.append(pair)
        yield _progress("calibrating", len(done) / len(pairs), began)
    return card.with_(calibration=Calibration(pairs=done))


def _measured(grown: GrownNetwork, card: Card) -> Generator[MakingProgress, None, Card]:
    began, reports = time.perf_counter(), []
    scene = card.recipe.located_scene
    todo = [(stage, snr) for stage in range(1, grown.stages + 1) for snr in snr_levels(scene)]
    for stage, snr in todo:
        reports.append(report(Network(grown, card), card.cascade(stage), scene.with_(snr=snr), card.recipe.seed))
        yield _progress("measuring", len(reports) / len(todo), began)
    return card.with_(reports=reports)


def _progress(doing: str, fraction: float, began: float) -> MakingProgress:
    return MakingProgress(doing, fraction, (time.perf_counter() - began) * (1 - fraction) / fraction)
