"""Simulate a frame, or a film, of a scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.simulation import Motion, Scene, draw, iter_film, simulate_frame
from .context import Context


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
