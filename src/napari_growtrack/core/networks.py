"""Networks ready to track with: load, save, and grow by a recipe with thresholds and a report."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .archive import SUFFIX, read_archive, write_archive
from .assessment import calibration_samples, report
from .card import Card, HistoryPoint, Provenance, Recipe
from .detection import Calibration, all_pairs, calibrate
from .detection.cascade import Cascade
from .errors import NetworkFileError
from .normalisation import Normalisation
from .version import package_version
from .work import finish
from .zoo import bundled

if TYPE_CHECKING:
    from .growth.network import GrownNetwork
    from .growth.plan import Plan

HISTORY_POINTS = 100


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
    from .growth.network import GrownNetwork

    card, weights = read_archive(network_path(name))
    schedule = card.recipe.schedule
    grown = GrownNetwork(card.plan, card.recipe.seed, schedule.normalisation, schedule.unit)
    return Network(grown.fill(weights), card)


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


def iter_make(recipe: Recipe) -> Generator[MakingProgress, None, Network]:
    """Grow, calibrate and measure a network, reporting progress; the generator returns it.

    Raises
    ------
    SettingsError
        When the recipe cannot be followed.
    """
    from .growth.training import iter_growth

    began = time.perf_counter()
    growing = iter_growth(recipe.plan, recipe.scene, recipe.schedule, recipe.seed)
    history: list[HistoryPoint] = []
    recorded = 0.0
    while True:
        try:
            step = next(growing)
        except StopIteration as end:
            grown = end.value
            break
        if step.fraction >= recorded:
            history += [
                HistoryPoint(images=step.images, stage=stage, loss=round(loss, 4))
                for stage, loss in zip(step.stages, step.losses, strict=True)
            ]
            recorded = step.fraction + 1 / HISTORY_POINTS
        losses = " ".join(f"{loss:.2f}" for loss in step.losses)
        yield MakingProgress(f"growing, loss {losses}", step.fraction, step.seconds_left)
    provenance = _provenance(step.images, step.batches, time.perf_counter() - began)
    card = Card(recipe=recipe, provenance=provenance, history=history)
    card = yield from _calibrated(grown, card)
    card = yield from _measured(grown, card)
    return Network(grown, card)


def make_network(recipe: Recipe) -> Network:
    """Grow, calibrate and measure a network; see `iter_make`, which reports while it works."""
    return finish(iter_make(recipe))


def _calibrated(grown: GrownNetwork, card: Card) -> Generator[MakingProgress, None, Card]:
    began, pairs, done = time.perf_counter(), all_pairs(grown.stages), []
    samples = calibration_samples(card.recipe.scene, card.recipe.seed)
    for pair in calibrate(grown, samples, pairs):
        done.append(pair)
        yield _progress("calibrating", len(done) / len(pairs), began)
    return card.with_(calibration=Calibration(pairs=done))


def _measured(grown: GrownNetwork, card: Card) -> Generator[MakingProgress, None, Card]:
    began, reports = time.perf_counter(), []
    scene = card.recipe.scene
    levels = sorted({scene.snr.low, *(s for s in (3, 5, 10, 20) if scene.snr.low < s < scene.snr.high), scene.snr.high})
    todo = [(stage, snr) for stage in range(1, grown.stages + 1) for snr in levels]
    for stage, snr in todo:
        reports.append(report(grown, card.cascade(stage), scene.with_(snr=snr), card.recipe.seed))
        yield _progress("measuring", len(reports) / len(todo), began)
    return card.with_(reports=reports)


def _progress(doing: str, fraction: float, began: float) -> MakingProgress:
    return MakingProgress(doing, fraction, (time.perf_counter() - began) * (1 - fraction) / fraction)


def _provenance(images: int, batches: int, seconds: float) -> Provenance:
    from .growth.backend import backend_name

    return Provenance(
        version=package_version(), backend=backend_name(), images=images, batches=batches, seconds=round(seconds, 1)
    )
