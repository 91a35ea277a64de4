"""Films with known truth: particles in Brownian motion and drift, or scattered anew in every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat, NonNegativeFloat

from ..errors import SettingsError
from ..settings import Settings
from .picture import Picture, Shape, bounds, draw
from .render import simulate_frame
from .scene import Scene

Frames = Annotated[float, Field(ge=1, le=1e9)]
"""A number of frames, on average."""

_STATIONS = 16
"""Places on its way that a particle of a film is drawn at where its motion is blurred."""


class Motion(Settings):
    """How particles move, blink and bleach from frame to frame.

    Times on, off and until bleaching are exponential, as those of single
    molecules are: in each frame the odds are the same. A particle that is off
    or gone is neither in the frame nor in its truth.
    """

    diffusion: NonNegativeFloat = Field(
        0.5, allow_inf_nan=False, description="Diffusion coefficient, in square pixels per frame."
    )
    drift: tuple[FiniteFloat, FiniteFloat] = Field((0.0, 0.0), description="Common drift (y, x), in pixels per frame.")
    blinking: tuple[Frames, Frames] | None = Field(
        None, description="Frames that a particle is on and off, on average; without it, it is on."
    )
    bleaching: Frames | None = Field(
        None, description="Frames until a particle is gone for good, on average; without it, it stays."
    )


def iter_film(
    scene: Scene,
    frames: int,
    shape: Shape,
    rng: np.random.Generator,
    number: int | None = None,
    motion: Motion | None = None,
) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
    """Yield each frame of a film with its truth.

    Parameters
    ----------
    scene : Scene
    frames : int
    shape : (int, int)
        Height and width in pixels.
    rng : numpy.random.Generator
    number : int, optional
        Particles to be found; by default by the scene's density.
    motion : Motion, optional
        Without it every frame is a picture of its own, drawn anew. With it
        particles stay at least `scene.apart` pixels apart and inside the
        frame: a step that would break this is drawn again, at last not made.
        Where the scene blurs motion, particles diffuse as far during the
        exposure, and what is left of their diffusion after it.

    Yields
    ------
    frame : ndarray (Y, X) float32
    truth : DataFrame
        ``frame, y, x, particle, radius, snr``; places are those halfway
        through the exposure, on average over a particle's path.

    Raises
    ------
    SettingsError
        When there is not a single frame, or the particles do not fit.
    """
    if frames < 1:
        raise SettingsError(f"Expected at least one frame, got {frames}.")
    first = draw(scene, shape, rng, number)
    if motion is None:
        others = (_seen_alike(draw(scene, shape, rng, number), first) for _ in range(1, frames))
        pictures: Iterator[Picture] = chain([first], others)
    else:
        pictures = _moving(first, scene, motion, frames, rng)
    for t, picture in enumerate(pictures):
        yield simulate_frame(picture, rng), picture.truth(t)


def simulate_film(
    scene: Scene,
    frames: int,
    shape: Shape,
    rng: np.random.Generator,
    number: int | None = None,
    motion: Motion | None = None,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return a whole film, (T, Y, X) float32, and its truth table; see `iter_film`."""
    pairs = list(iter_film(scene, frames, shape, rng, number, motion))
    return np.stack([frame for frame, _ in pairs]), pd.concat([t for _, t in pairs], ignore_index=True)


def _seen_alike(picture: Picture, first: Picture) -> Picture:
    """Return another picture by the same microscope and camera, over the same texture."""
    return replace(picture, stage=first.stage, sensor=first.sensor)


def _moving(picture: Picture, scene: Scene, motion: Motion, frames: int, rng: np.random.Generator) -> Iterator[Picture]:
    """Yield a picture again and again, while its particles move, blink and bleach."""
    lit = _first_lit(len(picture.positions), motion, rng)
    for t in range(frames):
        if t:
            picture = _step(picture, scene, motion, rng)
            lit = _next_lit(lit, motion, rng)
        seen, picture = _exposed(picture, scene, rng) if picture.motion_blur > 0 else (picture, picture)
        yield seen if lit is None else seen.only(lit == _ON)


def _exposed(picture: Picture, scene: Scene, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """Let particles diffuse during the exposure, off the walls: return what is seen, and where they are at its end."""
    n = len(picture.positions)
    steps = rng.normal(0, np.sqrt(2 * picture.motion_blur / _STATIONS), (n, _STATIONS + 1, 2))
    steps[:, [0, -1]] *= np.sqrt(0.5)  # the first place is half a step after the beginning, the last before the end
    ways = _reflected(picture.positions[:, None] + np.cumsum(steps, axis=1), *bounds(picture.shape, scene.rim))
    middle = ways[:, :-1].mean(1)
    seen = replace(picture.moved_to(middle), paths=ways[:, :-1] - middle[:, None])
    return seen, picture.moved_to(ways[:, -1])


def _step(picture: Picture, scene: Scene, motion: Motion, rng: np.random.Generator, tries: int = 20) -> Picture:
    """Move every particle once."""
    low, high = bounds(picture.shape, scene.rim)
    spread = np.sqrt(2 * max(motion.diffusion - picture.motion_blur, 0.0))
    positions = picture.positions.copy()
    for i in range(len(positions)):
        others = np.delete(positions, i, axis=0)
        for _ in range(tries):
            goal = _reflected(positions[i] + motion.drift + rng.normal(0, spread, 2), low, high)
            if np.all(((others - goal) ** 2).sum(1) >= scene.apart**2):
                positions[i] = goal
                break
    return picture.moved_to(positions)


_GONE, _OFF, _ON = range(3)


def _first_lit(number: int, motion: Motion, rng: np.random.Generator) -> np.ndarray | None:
    """Return which particles are on, as often as they are on average; None where all always are."""
    if motion.blinking is None and motion.bleaching is None:
        return None
    lit = np.full(number, _ON)
    if motion.blinking is not None:
        on, off = motion.blinking
        lit[rng.random(number) >= on / (on + off)] = _OFF
    return lit


def _next_lit(lit: np.ndarray | None, motion: Motion, rng: np.random.Generator) -> np.ndarray | None:
    if lit is None:
        return None
    after = lit.copy()
    if motion.blinking is not None:
        on, off = motion.blinking
        chance = rng.random(len(lit))
        after[(lit == _ON) & (chance < 1 / on)] = _OFF
        after[(lit == _OFF) & (chance < 1 / off)] = _ON
    if motion.bleaching is not None:
        after[(lit == _GONE) | (rng.random(len(lit)) < 1 / motion.bleaching)] = _GONE
    return after


def _reflected(position: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Fold positions (..., 2) back into the frame at its walls."""
    width = np.maximum(high - low, 1e-9)
    folded = np.mod(position - low, 2 * width)
    return low + np.minimum(folded, 2 * width - folded)
