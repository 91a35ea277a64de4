"""The rungs of the ladder: simulated films, from easy to hard and large, that every method is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...networks.evaluation import SHAPE, bound, film_of
from ...simulation import Scene, draw, named_scene
from ...simulation.picture import Shape
from ..case import Scale

_SMOKE_FRAMES = 2
_BOUND_PARTICLES = 1200


@dataclass(frozen=True)
class Rung:
    """A kind of film.

    Attributes
    ----------
    name : str
    scene : Scene
    number : int
        Particles to be found in a frame.
    shape : (int, int)
        Height and width of a frame, in pixels.
    frames : int
    judges : str
        Our network for such films; every stage of it is judged.
    dark : bool
        Whether there are dark particles too, which peers have to be told.
    tuned_on : Rung, optional
        Where peers are tuned instead, if this rung has nothing to tune on.
    weighed : bool
        Whether the memory that methods need is measured here.
    in_smoke : bool
        Whether the rung is part of the smoke scale.
    """

    name: str
    scene: Scene
    number: int
    shape: Shape = SHAPE
    frames: int = 100
    judges: str = "vesicles"
    dark: bool = False
    tuned_on: Rung | None = None
    weighed: bool = False
    in_smoke: bool = False

    @property
    def pixels(self) -> int:
        """How many pixels a frame has."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Judge:
    """A film (T, Y, X) float32, its truth table, and the median radial error at the Cramer-Rao bound in pixels."""

    film: np.ndarray
    truth: pd.DataFrame
    bound: float

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.film)

    @classmethod
    def of(cls, rung: Rung, scale: Scale) -> Judge:
        """Simulate a rung's film, always the same."""
        rng = np.random.default_rng([rung.pixels, rung.number, round(10 * rung.scene.snr.middle)])
        frames = _SMOKE_FRAMES if scale == "smoke" else rung.frames
        pictures = [draw(rung.scene, rung.shape, rng, rung.number) for _ in range(frames)]
        film, truth = film_of(pictures, rng)
        enough = max(1, _BOUND_PARTICLES // max(rung.number, 1))
        return cls(film, truth, bound(pictures[:enough], rng))

    def start(self, frames: int) -> Judge:
        """Return the first frames."""
        return Judge(self.film[:frames], self.truth[self.truth.frame < frames], self.bound)


def rungs(scale: Scale) -> list[Rung]:
    """Return the rungs from the bottom; only some at ``smoke`` scale."""
    return [rung for rung in RUNGS if scale == "laptop" or rung.in_smoke]


def _table42(snr: float, frames: int, seen: bool = False) -> Rung:
    scene = named_scene("table42").with_(snr=snr)
    return Rung(f"table42, SNR {snr:g}", scene, 6, frames=frames, weighed=snr == 3, in_smoke=seen)


_SNR_3 = _table42(3, 200, seen=True)

RUNGS = (
    _table42(10, 200),
    _table42(5, 200),
    _SNR_3,
    _table42(2, 100),
    _table42(1.5, 100),
    Rung("dense", named_scene("dense"), 60),
    Rung("gradient", named_scene("gradient"), 8),
    Rung("mixed", named_scene("mixed"), 8, judges="general", dark=True, in_smoke=True),
    Rung("rings", named_scene("rings"), 6, judges="beads"),
    Rung("species", named_scene("species"), 6, judges="species"),
    Rung("empty", named_scene("empty"), 0, tuned_on=_SNR_3, in_smoke=True),
    Rung("wide", named_scene("wide"), 20, shape=(300, 700), frames=40),
    Rung("big", named_scene("big"), 100, shape=(1024, 1024), frames=8, weighed=True),
)
