"""A network while it grows by a recipe: what it has learned is kept, may be watched, and may be used meanwhile."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Dataset
from ..errors import GrowtrackWarning, OutputError, SettingsError
from ..growth.validation import held_out_images
from ..packages.version import package_version
from .archive import read_growing, write_archive
from .calibration import MakingProgress
from .card import Accuracy, Card, HistoryPoint, Provenance, Recipe
from .load import Network, filled
from .monitoring import Provisional, Watch, watched_images

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork
    from ..growth.training import Growth, GrowthProgress

HISTORY_POINTS = 100
KEEP_EVERY = 120.0
JUDGES = 0.1
"""Part of a dataset's training images that is held out where the schedule says until when to grow."""


class Making:
    """A network while it grows: what it learned so far, and where that is kept; see `iter_make`."""

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
        self.seconds = 0.0
        if resume:
            self.growth = self._taken_up(data)
        else:
            self.growth = self._growth(data, None if start is None else start.grown)
        self.network = self.growth.network

    def _growth(self, data: tuple[Dataset, Dataset] | None, start: GrownNetwork | None) -> Growth:
        from ..growth.training import Growth

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
        self._images, self._batches, self.seconds = position.images, position.batches, position.seconds
        given = position.stages_given
        growth = self._growth(data, filled(card, weights, given) if given else None)
        growth.resume(position, {f"weights/{name}": array for name, array in weights.items()} | memory)
        return growth

    def watch(self, data: tuple[Dataset, Dataset] | None) -> Watch:
        """Return a watch over the errors on images of the scene, or of the dataset to judge by."""
        recipe = self.recipe
        seen = data[1] if recipe.scene is None and data is not None else recipe.located_scene
        return Watch(self.network, watched_images(seen, self.network, self.growth.schedule, recipe.seed))

    def provisional(self, path: str | os.PathLike[str] | None) -> Provisional:
        """Return where networks to track with are left meanwhile; nowhere for a recipe of classes."""
        return Provisional(None if self.recipe.scene is None else path, self.growth.schedule.together)

    def grown(self, watch: Watch, usable: Provisional) -> Generator[MakingProgress, None, None]:
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
                self._images, self._batches, self.seconds = step.images, step.batches, step.seconds
                if step.losses and (step.fraction >= noted or step.finished):
                    self._note(step)
                    noted = step.fraction + 1 / HISTORY_POINTS
                if step.finished or time.perf_counter() - kept_at > KEEP_EVERY:
                    self._keep()
                    kept_at = time.perf_counter()
                errors = watch.errors(step.stages, step.finished)
                if usable.due(step.fraction, step.finished):
                    usable.write(self._card_so_far(step), self.network.weights(), step.stages[0])
                yield _growing(step, errors, watch.bound, usable.stages)
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

    def _card_so_far(self, step: GrowthProgress) -> Card:
        """Return the card of the stages up to those that have just learned, which says that it is not the last word."""
        plan, schedule = self.recipe.plan, self.growth.schedule.with_(record=None)
        so_far = f"stage {step.stages[-1]} of {plan.stages}" if step.finished else f"{step.fraction:.0%}"
        return self._card(
            self.recipe.with_(
                name=f"{self.recipe.name} (still growing, {so_far})",
                about=f"Still growing, {so_far}. {self.recipe.about}".rstrip(),
                plan=plan.until(step.stages[-1]),
                schedule=schedule,
            )
        )

    def _card(self, recipe: Recipe) -> Card:
        growth = self.growth
        made = provenance(
            images=self._images,
            batches=self._batches,
            seconds=round(self.seconds, 1),
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


def provenance(images: int = 0, batches: int = 0, seconds: float = 0.0, **more: Any) -> Provenance:
    """Return where a network comes from: this version, this backend, and what it learned from."""
    from ..growth.backend import backend_name

    made = {"version": package_version(), "backend": backend_name()}
    return Provenance(**made, images=images, batches=batches, seconds=seconds, **more)


def _origin(card: Card) -> str:
    scene = card.recipe.scene
    return f"{card.name} ({card.plan.stages} stages, scene {scene.name if scene else card.recipe.dataset})"


def _growing(step: GrowthProgress, errors: Mapping[int, float], bound: float | None, usable: int) -> MakingProgress:
    losses = " ".join(f"{loss:.2f}" for loss in step.losses[-8:])
    return MakingProgress(
        f"growing {_stages(step.stages)}, loss {losses}",
        step.fraction,
        step.seconds_left,
        stages=step.stages,
        losses=step.losses,
        seconds=step.seconds,
        errors=errors,
        bound=bound,
        usable=usable,
    )


def _stages(stages: Sequence[int]) -> str:
    return f"stage {stages[0]}" if len(stages) == 1 else f"stages {stages[0]} to {stages[-1]}"
