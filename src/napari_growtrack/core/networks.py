"""Networks ready to track with: load, save, and grow by a recipe with thresholds and a report."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .archive import SUFFIX, Weights, read_archive, read_growing, write_archive
from .assessment import calibration_samples, report, snr_levels
from .card import Accuracy, Card, HistoryPoint, Provenance, Recipe
from .datasets import Dataset
from .deeptrack import read_deeptrack, unit_of
from .detection import Calibration, all_pairs, calibrate
from .detection.cascade import Cascade
from .errors import GrowtrackWarning, NetworkFileError, OutputError, SettingsError
from .heldout import held_out_images
from .normalisation import Normalisation
from .simulation import Scene
from .version import package_version
from .work import finish
from .zoo import bundled

if TYPE_CHECKING:
    from .growth.network import GrownNetwork
    from .growth.plan import Plan
    from .growth.training import GrowthProgress

HISTORY_POINTS = 100
KEEP_EVERY = 120.0


@dataclass(frozen=True)
class Network:
    """A grown network with its card; it is a `StagedNetwork`.

    Attributes
    ----------
    grown : GrownNetwork
    card : Card
    """

    grown: GrownNetwork
    card: Card

    @property
    def plan(self) -> Plan:
        """The growth table."""
        return self.grown.plan

    @property
    def window(self) -> int:
        """Side of the window in pixels."""
        return self.grown.window

    @property
    def step(self) -> int:
        """Distance of neighbouring windows in an answer, in pixels."""
        return self.grown.step

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return self.grown.stages

    @property
    def normalisation(self) -> Normalisation:
        """How frames are scaled."""
        return self.grown.normalisation

    @property
    def zoom(self) -> float:
        """How much larger the network sees a frame than it is."""
        return self.grown.zoom

    def answer(self, images: np.ndarray, stage: int) -> np.ndarray:
        """Answer every aligned window of normalised images; see `GrownNetwork.answer`."""
        return self.grown.answer(images, stage)

    def cascade(self, stage: int | None = None, screen: int | None = None, faithful: bool = False) -> Cascade:
        """Return the calibrated cascade for a stage; see `Card.cascade`."""
        return self.card.cascade(stage, screen, faithful)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file, whole or not at all.

        Raises
        ------
        OutputError
            When the disk refuses.
        """
        write_archive(path, self.card, self.grown.weights())


def network_path(name: str | os.PathLike[str]) -> Path:
    """Return the file of a bundled network's name, or the path itself.

    Raises
    ------
    NetworkFileError
        When there is neither.
    """
    names = bundled()
    if str(name) in names:
        return names[str(name)]
    path = Path(name)
    if path.suffix == SUFFIX or path.exists():
        return path
    raise NetworkFileError(
        f"There is no network {str(name)!r}. Choose one of {', '.join(names)}, or the path of a {SUFFIX} file."
    )


def load_network(name: str | os.PathLike[str]) -> Network:
    """Load a bundled network by name, or one from a file.

    Raises
    ------
    NetworkFileError
        When there is no such network, or the file is truncated, foreign or newer.

    Examples
    --------
    >>> load_network("vesicles").stages  # doctest: +SKIP
    3
    """
    card, weights = read_archive(network_path(name))
    return Network(_filled(card, weights), card)


def _filled(card: Card, weights: Weights, stage: int | None = None) -> GrownNetwork:
    """Build a network, up to a stage, and put its weights in place."""
    from .growth.network import GrownNetwork

    recipe = card.recipe
    plan = card.plan if stage is None else card.plan.until(stage)
    schedule = recipe.schedule
    return GrownNetwork(plan, recipe.seed, schedule.normalisation, schedule.unit, recipe.zoom).fill(weights)


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
    if recipe.scene is None:
        assert data is not None
        return Network(making.growth.network, card.with_(accuracies=making.accuracies(data[1])))
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
    grown = _filled(card, weights)
    card = yield from _calibrated(grown, card)
    card = yield from _measured(grown, card)
    return Network(grown, card)


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
    return read_growing(path)[0].recipe


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
        from .growth.training import Growth

        self.recipe, self.keep = recipe, keep
        self.history: list[HistoryPoint] = []
        self.began_with = "" if start is None else _origin(start.card)
        grown = None if start is None else start.grown
        if recipe.scene is None and data is None:
            raise SettingsError(f"{recipe.name} learns from {recipe.dataset}. Give its images as well.")
        learn, judge = (recipe.located_scene, None) if data is None else data
        left = None
        if resume:
            assert keep is not None
            card, weights, position, memory = read_growing(keep)
            self.history, self.began_with = [*card.history], card.provenance.began_with
            if position.stages_given:
                grown = _filled(card, weights, position.stages_given)
            left = position, {f"weights/{name}": array for name, array in weights.items()} | memory
        self.growth = Growth(recipe.plan, learn, recipe.schedule, recipe.seed, grown, judge)
        self.network = self.growth.network
        self._images = self._batches = 0
        self._seconds = 0.0
        if left is not None:
            self.growth.resume(*left)
            self._images, self._batches, self._seconds = position.images, position.batches, position.seconds

    def grown(self) -> Generator[MakingProgress, None, None]:
        """Grow, keeping what is grown."""
        last_kept, recorded = time.perf_counter(), 0.0
        steps, done = self.growth.steps(), False
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    self.network, done = end.value, True
                    return
                self._images, self._batches, self._seconds = step.images, step.batches, step.seconds
                if step.losses and (step.fraction >= recorded or step.finished):
                    self._note(step)
                    recorded = step.fraction + 1 / HISTORY_POINTS
                if step.finished or time.perf_counter() - last_kept > KEEP_EVERY:
                    self._keep()
                    last_kept = time.perf_counter()
                losses = " ".join(f"{loss:.2f}" for loss in step.losses[-8:])
                yield MakingProgress(f"growing {_stages(step.stages)}, loss {losses}", step.fraction, step.seconds_left)
        finally:
            if not done:
                self._keep()
            steps.close()

    def _note(self, step: GrowthProgress) -> None:
        self.history += [
            HistoryPoint(images=step.images, stage=stage, loss=round(loss, 4))
            for stage, loss in zip(step.stages, step.losses, strict=True)
        ]

    def _keep(self) -> None:
        if self.keep is not None:
            position, arrays = self.growth.leave()
            weights = {n.removeprefix("weights/"): a for n, a in arrays.items() if n.startswith("weights/")}
            memory = {name: array for name, array in arrays.items() if not name.startswith("weights/")}
            try:
                write_archive(self.keep, self.card(self.recipe), weights, position, memory)
            except OutputError as error:
                warnings.warn(f"{error} Growing goes on, but is not kept meanwhile.", GrowtrackWarning, stacklevel=2)

    def card(self, recipe: Recipe | None = None) -> Card:
        """Return the card as far as it is known; growing may have ended at an early stage."""
        growth = self.growth
        schedule = growth.schedule
        made = _provenance(
            images=self._images,
            batches=self._batches,
            seconds=round(self._seconds, 1),
            record=growth.record if schedule.minutes is not None else (),
            began_with=self.began_with,
        )
        recipe = recipe or self.recipe.with_(plan=self.network.plan)
        history = [point for point in self.history if point.stage <= recipe.plan.stages]
        return Card(recipe=recipe.with_(schedule=schedule.with_(record=None)), provenance=made, history=history)

    def accuracies(self, test: Dataset) -> list[Accuracy]:
        """Return how many test images every stage gives the right class."""
        errors = [*self.growth.errors]
        if len(errors) < self.network.stages:
            held_out = held_out_images(test, self.network.normalisation)
            errors = [held_out.error(answers[:, 0, 0]) for answers in self.network.answers(held_out.images)]
        stages = range(1, self.network.stages + 1)
        return [Accuracy(stage=s, right=1 - error, images=len(test)) for s, error in zip(stages, errors, strict=False)]


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
    samples = calibration_samples(card.recipe.located_scene, card.recipe.seed)
    for pair in calibrate(grown, samples, pairs):
        done.append(pair)
        yield _progress("calibrating", len(done) / len(pairs), began)
    return card.with_(calibration=Calibration(pairs=done))


def _measured(grown: GrownNetwork, card: Card) -> Generator[MakingProgress, None, Card]:
    began, reports = time.perf_counter(), []
    scene = card.recipe.located_scene
    todo = [(stage, snr) for stage in range(1, grown.stages + 1) for snr in snr_levels(scene)]
    for stage, snr in todo:
        reports.append(report(grown, card.cascade(stage), scene.with_(snr=snr), card.recipe.seed))
        yield _progress("measuring", len(reports) / len(todo), began)
    return card.with_(reports=reports)


def _progress(doing: str, fraction: float, began: float) -> MakingProgress:
    return MakingProgress(doing, fraction, (time.perf_counter() - began) * (1 - fraction) / fraction)
