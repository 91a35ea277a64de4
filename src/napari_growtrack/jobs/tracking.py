"""Track a film, or look at one of its frames, keeping what thresholds may choose from afterwards."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.detection import Cascade, Contrast, iter_detections, survey
from ..core.detection.detect import at_once
from ..core.detection.survey import resolved_contrast, varies
from ..core.errors import GrowtrackWarning
from ..core.films import ArrayStack
from ..core.networks.load import Network
from .context import Context, FilmFacts, SizedNetwork

_REPEATS = 3


class Ready(NamedTuple):
    """From now on frames are tracked: as they are, or their negatives."""

    contrast: Contrast


class Seen(NamedTuple):
    """What a stage made of a frame.

    Attributes
    ----------
    frame, stage : int
    cascade : Cascade
        By which it was found, and what of the table is accepted.
    table : DataFrame
        Candidates, as `iter_detections` yields them with `doubtful`.
    seconds : float
        The time it took.
    passed : float
        Share of its windows that the screening stage passed on.
    """

    frame: int
    stage: int
    cascade: Cascade
    table: pd.DataFrame
    seconds: float
    passed: float


@dataclass(frozen=True)
class TrackFilm:
    """Track frames of a film, keeping what thresholds may choose from."""

    network: SizedNetwork
    cascade: Cascade
    contrast: Contrast
    film: FilmFacts
    frames: Sequence[int]

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Loading`, `Ready`, and `Seen` for each frame."""
        network = yield from self.network.at(context)
        film = context.film(self.film, self.frames)
        contrast, cascade = survey(film, network, self.cascade, self.contrast, self.frames)
        yield Ready(contrast)
        for found in iter_detections(film, network, cascade, self.frames, contrast, doubtful=True):
            yield Seen(found.frame, cascade.stage, cascade, found.table, found.seconds, found.passed)


@dataclass(frozen=True, eq=False)
class LookAtFrame:
    """Let stages look at one frame, each by its cascade, in this order; then measure how long each takes.

    `film` tells the name, shape and full scale of the film that the frame,
    (Y, X), is of.
    """

    network: SizedNetwork
    cascades: Mapping[int, Cascade]
    contrast: Contrast
    film: FilmFacts
    frame: int
    pixels: np.ndarray
    measure: bool = False

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Loading`, `Ready`, and `Seen` for each stage, with `measure` once more for each."""
        network = yield from self.network.at(context)
        some = _Copies(self.film, self.pixels)
        first = next(iter(self.cascades.values()))
        contrast = resolved_contrast(some, network, first, self.contrast, range(1))
        yield Ready(contrast)
        if not varies(self.pixels):
            sentence = f"Frame {self.frame} of {self.film.name} is constant: nothing to find."
            warnings.warn(sentence, GrowtrackWarning, stacklevel=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GrowtrackWarning)  # each stage would say it again
            yield from self._looks(some, network, contrast)

    def _looks(self, some: ArrayStack, network: Network, contrast: Contrast) -> Iterator[Seen]:
        cascades = {}
        for stage, cascade in self.cascades.items():
            _, cascades[stage] = survey(some, network, cascade, contrast, range(1))
            (found,) = iter_detections(some, network, cascades[stage], [0], contrast, doubtful=True)
            yield self._seen(cascades[stage], found)
        for cascade in cascades.values() if self.measure else ():
            times = []
            for _ in range(_REPEATS):
                began = time.perf_counter()
                *_, found = iter_detections(some, network, cascade, None, contrast, doubtful=True)
                times.append((time.perf_counter() - began) / len(some))
            yield self._seen(cascade, found._replace(seconds=float(np.median(times[1:]))))

    def _seen(self, cascade: Cascade, found: Any) -> Seen:
        table = found.table.assign(frame=self.frame)
        return Seen(self.frame, cascade.stage, cascade, table, found.seconds, found.passed)


class _Copies(ArrayStack):
    """A film that shows one frame as often as frames of its size are tracked together."""

    def __init__(self, film: FilmFacts, pixels: np.ndarray) -> None:
        super().__init__(np.broadcast_to(pixels, (at_once(film.shape[1:]), *pixels.shape)), film.name)
        self.full_scale = film.full_scale
