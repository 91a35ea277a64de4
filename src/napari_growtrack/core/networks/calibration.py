"""Finish a network that was grown: find its thresholds and measure what it reaches, thoroughly or quickly."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..detection import Calibration, all_pairs, calibrate
from ..detection.calibrate import Calibrated, Pair
from ..progress import Progress
from .card import Card
from .evaluation import calibration_samples, noise_samples, report, snr_levels
from .load import Network

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork


@dataclass(frozen=True)
class MakingProgress(Progress):
    """Where the making of a network stands: ``growing``, ``calibrating`` or ``measuring``.

    Attributes
    ----------
    stages : tuple of int
        Those that are learning now; none where nothing is.
    losses : tuple of float
        Of each of them, the mean since the last report; empty until there is one.
    seconds : float
        Spent growing.
    errors : mapping of int to float
        Error on held-out images of every stage that is learning or has learned:
        median pixels, or the share of wrong answers. Only in reports where it was
        just measured.
    bound : float or None
        Median error at the Cramer-Rao bound on the same images, in pixels; None
        for classes, and where nobody watches.
    usable : int
        How many stages the provisional network on disk has; 0 while there is none.
    """

    stages: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    errors: Mapping[int, float] = field(default_factory=dict)
    bound: float | None = None
    usable: int = 0


@dataclass(frozen=True)
class Effort:
    """How much is simulated to finish a network.

    Attributes
    ----------
    samples : int
        Frames that thresholds are found on, and as many that show only noise.
    faithful : bool
        Whether pairs of stages are calibrated for the thesis's cascade as well.
    frames : int
        Frames of each report.
    levels : int or None
        Measure at no more than so many signal-to-noise ratios, the least and the
        greatest among them; None for all.
    """

    samples: int = 64
    faithful: bool = True
    frames: int = 24
    levels: int | None = None

    def pairs(self, stages: int) -> list[Pair]:
        """Return the pairs of stages to calibrate."""
        return [pair for pair in all_pairs(stages) if self.faithful or not pair.faithful]

    def snr_levels(self, levels: list[float]) -> list[float]:
        """Return those of some levels to measure at, from the least to the greatest."""
        if self.levels is None or len(levels) <= self.levels:
            return levels
        last = len(levels) - 1
        return [levels[round(i * last / (self.levels - 1))] for i in range(self.levels)]


THOROUGH = Effort()
QUICK = Effort(samples=24, faithful=False, frames=8, levels=2)
PROVISIONAL = Effort(samples=12, faithful=False)


def thresholds(network: Network, effort: Effort, known: Collection[Pair] = ()) -> Iterator[Calibrated]:
    """Yield the calibrated cascade of each pair of a network's stages, but for those that are known.

    Raises
    ------
    SettingsError
        When the network does not locate.
    """
    recipe = network.card.recipe
    pairs = [pair for pair in effort.pairs(network.stages) if pair not in known]
    samples = calibration_samples(recipe.located_scene, recipe.seed, effort.samples)
    noise = noise_samples(recipe.located_scene, recipe.seed, effort.samples)
    return calibrate(network, samples, pairs, noise)


def finished(grown: GrownNetwork, card: Card, effort: Effort = THOROUGH) -> Generator[MakingProgress, None, Network]:
    """Calibrate and measure a network; the generator returns it with its new card.

    Raises
    ------
    SettingsError
        When the network does not locate.
    """
    card = yield from _calibrated(grown, card, effort)
    card = yield from _measured(grown, card, effort)
    return Network(grown, card)


def _calibrated(grown: GrownNetwork, card: Card, effort: Effort) -> Generator[MakingProgress, None, Card]:
    began, number, done = time.perf_counter(), len(effort.pairs(grown.stages)), []
    for pair in thresholds(Network(grown, card), effort):
        done.append(pair)
        yield _progress("calibrating", len(done) / number, began)
    return card.with_(calibration=Calibration(pairs=done))


def _measured(grown: GrownNetwork, card: Card, effort: Effort) -> Generator[MakingProgress, None, Card]:
    began, reports, network = time.perf_counter(), [], Network(grown, card)
    scene, seed = card.recipe.located_scene, card.recipe.seed
    levels = effort.snr_levels(snr_levels(scene))
    todo = [(stage, snr) for stage in range(1, grown.stages + 1) for snr in levels]
    for stage, snr in todo:
        reports.append(report(network, card.cascade(stage), scene.with_(snr=snr), seed, effort.frames))
        yield _progress("measuring", len(reports) / len(todo), began)
    return card.with_(reports=reports)


def _progress(doing: str, fraction: float, began: float) -> MakingProgress:
    return MakingProgress(doing, fraction, (time.perf_counter() - began) * (1 - fraction) / fraction)
