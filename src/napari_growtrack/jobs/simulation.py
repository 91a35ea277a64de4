"""Simulate a frame, or a film, of a scene: for a layer, or into a file."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import SettingsError
from ..core.files import check_apart, check_room, check_writable
from ..core.films.writing import iter_write
from ..core.packages.version import package_version
from ..core.simulation import Motion, Scene, draw, iter_film, simulate_frame
from ..core.tables import PROGRAM, check_table, write_table
from .context import Context

_MOST_PIXELS = 2**28
"""Of a frame: a gibibyte of its pixels alone."""


@dataclass(frozen=True)
class SimulateFrame:
    """Simulate one frame of a scene."""

    scene: Scene
    shape: tuple[int, int]
    seed: int
    number: int | None = None

    def steps(self, context: Context) -> Iterator[Any]:
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

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield each frame (Y, X) with its truth table."""
        rng = np.random.default_rng(self.seed)
        yield from iter_film(self.scene, self.frames, self.shape, rng, self.number, self.motion)


@dataclass(frozen=True)
class SimulateToFile:
    """Simulate a film of a scene into a TIFF, whole counts as its camera's, and its truth into a table.

    Attributes
    ----------
    film : path
    scene : Scene
    frames : int
    shape : (int, int)
        Height and width in pixels.
    truth : path, optional
        A table of the true positions, by its ending.
    seed : int
    number : int, optional
        Particles to be found; by default by the scene's density.
    motion : Motion, optional
        Without it every frame is a picture of its own.
    """

    film: str | Path
    scene: Scene
    frames: int
    shape: tuple[int, int]
    truth: str | Path | None = None
    seed: int = 0
    number: int | None = None
    motion: Motion | None = None

    def steps(self, context: Context | None = None) -> Generator[int, None, pd.DataFrame]:
        """Yield how many frames are written; return the true positions.

        Raises
        ------
        SettingsError
            When scene, number and shape do not fit.
        OutputError
            When the disk refuses, or has too little room.
        """
        check_apart(str(self.film), self.truth and str(self.truth))
        check_film(self.film, self.frames, self.shape)
        if self.truth:
            check_table(self.truth)
        rng = np.random.default_rng(self.seed)
        pairs = iter_film(self.scene, self.frames, self.shape, rng, self.number, self.motion)
        truth = yield from iter_write(pairs, self.frames, self.shape, self.film, self.scene.dtype)
        if self.truth:
            write_table(truth, self.truth, self._recipe())
        return truth

    def _recipe(self) -> dict[str, Any]:
        return {
            "program": PROGRAM,
            "version": package_version(),
            "scene": json.loads(self.scene.to_json()),
            "motion": self.motion and self.motion.model_dump(),
            "seed": self.seed,
        }


def check_film(path: str | Path, frames: int, shape: tuple[int, int]) -> None:
    """Refuse a film that no memory or disk would hold, before it is drawn.

    Raises
    ------
    SettingsError
        When a frame is too large.
    OutputError
        When the disk has too little room, or the path is none of a TIFF.
    """
    height, width = shape
    if height * width > _MOST_PIXELS:
        raise SettingsError(
            f"A frame of {height} x {width} px takes {4 * height * width / 2**30:.3g} GiB of memory for its pixels "
            f"alone. Expected a size of up to {_MOST_PIXELS:.2g} pixels, which take 1 GiB."
        )
    check_room(path, 4 * frames * height * width)
    check_writable(path, "a film", (".tif", ".tiff"))
