"""What an engine can be asked to do: plain values, each with a generator that does it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.detection import Cascade, Contrast, iter_detections, resolved_contrast
from ..core.detection.detect import at_once, varies
from ..core.errors import GrowtrackWarning
from ..core.files import check_writable, write_or_rescue
from ..core.files.holding import Hold
from ..core.films import ArrayStack
from ..core.networks.card import Recipe
from ..core.networks.load import Network
from ..core.simulation import Motion, Scene, draw, iter_film, simulate_frame
from .desk import Desk, FilmFacts, NetworkFile

_REPEATS = 3


class Loading(NamedTuple):
    """A network is being loaded; the first one takes seconds."""

    name: str


class Ready(NamedTuple):
    """From now on frames are tracked: as they are, or their negatives."""

    contrast: Contrast


class Seen(NamedTuple):
    """What a stage made of a frame.

    Attributes
    ----------
    frame, stage : int
    table : DataFrame
        Candidates, as `iter_detections` yields them with `doubtful`.
    seconds : float
        The time it took.
    passed : float
        Share of its windows that the screening stage passed on.
    """

    frame: int
    stage: int
    table: pd.DataFrame
    seconds: float
    passed: float


@dataclass(frozen=True)
class SizedNetwork:
    """A network's file, and how wide particles look that it is to find, in pixels."""

    file: NetworkFile
    diameter: float

    def at(self, desk: Desk) -> Generator[Any, None, Network]:
        """Return the network itself, saying so where it has to be loaded."""
        if not desk.has(self.file):
            yield Loading(self.file.path.stem)
        network = desk.network(self.file)
        return network if self.diameter == network.diameter else network.for_diameter(self.diameter)


@dataclass(frozen=True)
class TrackFilm:
    """Track frames of a film, keeping what thresholds may choose from."""

    network: SizedNetwork
    cascade: Cascade
    contrast: Contrast
    film: FilmFacts
    frames: Sequence[int]

    def steps(self, desk: Desk) -> Iterator[Any]:
        """Yield `Loading`, `Ready`, and `Seen` for each frame."""
        network = yield from self.network.at(desk)
        film = desk.film(self.film, self.frames)
        contrast = resolved_contrast(film, network, self.cascade, self.contrast, self.frames)
        yield Ready(contrast)
        for found in iter_detections(film, network, self.cascade, self.frames, contrast, doubtful=True):
            yield Seen(found.frame, self.cascade.stage, found.table, found.seconds, found.passed)


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

    def steps(self, desk: Desk) -> Iterator[Any]:
        """Yield `Loading`, `Ready`, and `Seen` for each stage, with `measure` once more for each."""
        network = yield from self.network.at(desk)
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
        for stage, cascade in self.cascades.items():
            (found,) = iter_detections(some, network, cascade, [0], contrast, doubtful=True)
            yield self._seen(stage, found)
        for stage, cascade in self.cascades.items() if self.measure else ():
            times = []
            for _ in range(_REPEATS):
                began = time.perf_counter()
                *_, found = iter_detections(some, network, cascade, None, contrast, doubtful=True)
                times.append((time.perf_counter() - began) / len(some))
            yield self._seen(stage, found._replace(seconds=float(np.median(times[1:]))))

    def _seen(self, stage: int, found: Any) -> Seen:
        return Seen(self.frame, stage, found.table.assign(frame=self.frame), found.seconds, found.passed)


class _Copies(ArrayStack):
    """A film that shows one frame as often as frames of its size are tracked together."""

    def __init__(self, film: FilmFacts, pixels: np.ndarray) -> None:
        super().__init__(np.broadcast_to(pixels, (at_once(film.shape[1:]), *pixels.shape)), film.name)
        self.full_scale = film.full_scale


@dataclass(frozen=True)
class SimulateFrame:
    """Simulate one frame of a scene."""

    scene: Scene
    shape: tuple[int, int]
    seed: int
    number: int | None = None

    def steps(self, desk: Desk) -> Iterator[Any]:
        """Yield the frame (Y, X) with its truth table."""
        rng = np.random.default_rng(self.seed)
        picture = draw(self.scene, self.shape, rng, self.number)
        yield simulate_frame(picture, rng), picture.truth()


@dataclass(frozen=True)
class SimulateFilm:
    """Simulate a film of a scene."""

    scene: Scene
    frames: int
    shape: tuple[int, int]
    seed: int
    number: int | None = None
    motion: Motion | None = None

    def steps(self, desk: Desk) -> Iterator[Any]:
        """Yield each frame (Y, X) with its truth table."""
        rng = np.random.default_rng(self.seed)
        yield from iter_film(self.scene, self.frames, self.shape, rng, self.number, self.motion)


@dataclass(frozen=True, eq=False)
class MatchFilm:
    """Estimate what a film's particles look like from some that a person clicked, (n, 3): frame, y, x."""

    film: FilmFacts
    points: np.ndarray
    name: str = "matched"
    diameter: float | None = None

    def steps(self, desk: Desk) -> Iterator[Any]:
        """Yield a `Likeness`."""
        from ..core.scene_estimate import match_film

        film = desk.film(self.film)
        yield match_film(film, self.points, self.name, diameter=self.diameter)


@dataclass(frozen=True)
class Grow:
    """Grow a network and save it.

    Attributes
    ----------
    recipe : Recipe
    path : Path
        Where the network goes.
    start : NetworkFile, optional
        A network whose stages the recipe's plan begins with.
    keep : Path
        Where growing is kept when it is paused or stopped.
    usable : Path
        Where a network that can be used already is left meanwhile.
    resume : bool
        Go on from what was kept, if anything was.
    quick : bool
        Calibrate on fewer frames.
    """

    recipe: Recipe
    path: Path
    keep: Path
    usable: Path
    start: NetworkFile | None = None
    resume: bool = False
    quick: bool = False

    def steps(self, desk: Desk) -> Generator[Any, None, Path]:
        """Yield `Loading` and `MakingProgress`; return the path of the finished network.

        Raises
        ------
        OutputError
            Before growing, when `path` cannot be written, or another process grows
            the same network; or after it: then the network lies in the temporary
            folder, and what was kept is still there.
        """
        check_writable(self.path)
        with Hold(self.keep), Hold(self.path):
            return (yield from self._grown(desk))

    def _grown(self, desk: Desk) -> Generator[Any, None, Path]:
        from ..core.networks.build import iter_make, recipe_kept

        yield Loading(self.recipe.name)
        resume = self.resume and self.keep.exists()
        recipe = recipe_kept(self.keep) if resume else self.recipe
        start = None if self.start is None or resume else desk.network(self.start)
        network = yield from iter_make(
            recipe,
            start=start,
            keep=self.keep,
            resume=resume,
            watch=True,
            usable=self.usable,
            quick=self.quick,
        )
        write_or_rescue(self.path, network.save)
        for path in (self.keep, self.usable):
            with suppress(OSError):  # somebody may have it open
                path.unlink(missing_ok=True)
        return self.path
