"""Watch a network while it grows: how far off its stages are by now, and a file to track with meanwhile."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..datasets import Dataset
from ..detection import Calibration
from ..detection.calibrate import Calibrated, Pair
from ..errors import GrowtrackError, GrowtrackWarning
from ..growth.validation import HeldOut, held_out_images, held_out_windows
from ..simulation import Scene
from .archive import Weights, write_archive
from .calibration import PROVISIONAL, thresholds
from .card import Card
from .load import Network, filled

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork
    from ..growth.schedule import Schedule

WINDOWS, IMAGES = 256, 1000
"""Simulated windows, and images of a dataset, that a growing network is judged on."""

EVERY = 3.0
SHARE = 0.03
GRACE = 5.0
"""Stages that learn are judged every 3 s, or as often as takes 3 % of the time. A finished one is judged at once, where
that takes no more than 5 s beyond."""

SAVING_SHARE = 0.1
SAVING_GRACE = 5.0
LONGEST = 20.0
"""Networks to track with meanwhile take a tenth of the time, and about 5 s beyond. One whose thresholds take longer
than 20 s to find has learned too little yet: it sees particles everywhere."""


def watched_images(data: Scene | Dataset, network: GrownNetwork, schedule: Schedule, seed: int) -> HeldOut:
    """Return images, which no stage learns from, to watch a network's errors on; none of a scene without particles."""
    if isinstance(data, Dataset):
        return held_out_images(data, network.normalisation, IMAGES, seed)
    return held_out_windows(data, network.window, network.normalisation, seed, WINDOWS, schedule.windows)


class Watch:
    """Errors of the stages of a network while it grows.

    Parameters
    ----------
    network : GrownNetwork, optional
        The one that is growing; it is only asked.
    held_out : HeldOut, optional
        Without these two, nothing is judged.
    """

    def __init__(self, network: GrownNetwork | None = None, held_out: HeldOut | None = None) -> None:
        self._network, self._held_out = network, held_out
        self._done: dict[int, float] = {}
        self._asked: set[tuple[int, ...]] = set()
        self._began = self._looked = time.perf_counter()
        self._spent = self._wait = 0.0

    @property
    def bound(self) -> float | None:
        """Median error at the Cramer-Rao bound, in pixels; None where there is none."""
        if self._held_out is None or not np.isfinite(self._held_out.bound):
            return None
        return self._held_out.bound

    def errors(self, learning: Sequence[int], finished: bool) -> Mapping[int, float]:
        """Return the error of every stage up to those that are learning, where it is time to judge; else nothing."""
        if self._network is None or not self._held_out or not self._due(finished):
            return {}
        began = time.perf_counter()
        stages = tuple(stage for stage in range(1, learning[-1] + 1) if stage not in self._done)
        found = self._done | _judged(self._network, stages, self._held_out)
        self._done |= {stage: error for stage, error in found.items() if finished or stage < learning[0]}
        self._looked = time.perf_counter()
        self._note(stages, self._looked - began)
        return found

    def _due(self, finished: bool) -> bool:
        now = time.perf_counter()
        if finished:
            return self._spent < GRACE + SHARE * (now - self._began)
        return now - self._looked >= max(EVERY, self._wait)

    def _note(self, stages: tuple[int, ...], took: float) -> None:
        """Note what judging costs; the first time, it is mostly building a model that is used again."""
        self._spent += took
        self._wait = took / SHARE if stages in self._asked else 0.0
        self._asked.add(stages)


def _judged(network: GrownNetwork, stages: tuple[int, ...], held_out: HeldOut) -> dict[int, float]:
    if len(stages) == 1:
        answers = {stages[0]: network.answer(held_out.images, stages[0])}
    else:
        answers = dict(enumerate(network.answers(held_out.images), start=1))
    return {stage: held_out.error(answers[stage][:, 0, 0]) for stage in stages}


class Provisional:
    """A network file that can be tracked with while later stages, or all of them, still grow.

    Parameters
    ----------
    path : path or None
        Without, nothing is written.
    together : bool
        Whether the stages learn side by side: then a file is written after each
        quarter of the time, else whenever a stage is finished.

    Attributes
    ----------
    stages : int
        How many stages the file has; 0 while there is none.
    """

    def __init__(self, path: str | os.PathLike[str] | None, together: bool) -> None:
        self._path, self._together = path, together
        self.stages = self._quarter = 0
        self._network: GrownNetwork | None = None
        self._known: dict[Pair, Calibrated] = {}
        self._began, self._spent = time.perf_counter(), 0.0

    def due(self, fraction: float, finished: bool) -> bool:
        """Return whether to write now, given how much of growing is done and whether some stages have just finished."""
        if self._path is None or self._spent > SAVING_GRACE + SAVING_SHARE * (time.perf_counter() - self._began):
            return False
        if not self._together:
            return finished
        before, self._quarter = self._quarter, int(4 * fraction)
        return before < self._quarter < 4

    def write(self, card: Card, weights: Weights, learning: int) -> None:
        """Write a network as its card says, with thresholds quickly found; warn where that fails, and go on.

        Parameters
        ----------
        card : Card
            Without thresholds.
        weights : dict
            Those of the plan, and perhaps of later stages.
        learning : int
            The first stage that is learning, or has just learned: earlier ones have
            not changed since the last time.
        """
        if self._path is None:
            return
        began = time.perf_counter()
        try:
            network = Network(self._grown(card, weights), card)
            if self._calibrated(network, learning):
                card = card.with_(calibration=Calibration(pairs=tuple(self._known.values())))
                write_archive(self._path, card, network.grown.weights())
                self.stages = network.stages
        except GrowtrackError as error:
            warnings.warn(f"{error} Growing goes on without it.", GrowtrackWarning, stacklevel=2)
        self._spent += time.perf_counter() - began

    def _grown(self, card: Card, weights: Weights) -> GrownNetwork:
        """Return a network apart from the one that is growing, the last one again where it has the same plan."""
        if self._network is not None and self._network.plan == card.plan:
            return self._network.fill(weights)
        before, self._network = self._network, filled(card, weights)
        if before is not None and before.step != self._network.step:  # other windows of a frame are answered
            self._known.clear()
        return self._network

    def _calibrated(self, network: Network, learning: int) -> bool:
        """Find thresholds of the stages that are learning, and of earlier ones the first time; False if it lasts."""
        self._known = {pair: found for pair, found in self._known.items() if pair.stage < learning}
        began = time.perf_counter()
        for found in thresholds(network, PROVISIONAL, self._known):
            if time.perf_counter() - began > LONGEST:
                return False
            cascade = found.cascade
            self._known[Pair(cascade.stage, cascade.screen, cascade.faithful)] = found
        return True
