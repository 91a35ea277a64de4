"""Films with known truth: particles in Brownian motion and drift, or scattered anew in every frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat, NonNegativeFloat

from ..errors import SettingsError
from ..settings import Settings
from .picture import Picture, Shape, bounds, draw
from .render import simulate_frame
from .scene import Scene


class Motion(Settings):
    """How particles move from frame to frame."""

    diffusion: NonNegativeFloat = Field(
        0.5, allow_inf_nan=False, description="Diffusion coefficient, in square pixels per frame."
    )
    drift: tuple[FiniteFloat, FiniteFloat] = Field((0.0, 0.0), description="Common drift (y, x), in pixels per frame.")


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

    Yields
    ------
    frame : ndarray (Y, X) float32
    truth : DataFrame
        ``frame, y, x, particle, radius, snr``.

    Raises
    ------
    SettingsError
        When there is not a single frame, or the particles do not fit.
    """
    if frames < 1:
        raise SettingsError(f"Expected at least one frame, got {frames}.")
    picture = draw(scene, shape, rng, number)
    for t in range(frames):
        if t:
            picture = draw(scene, shape, rng, number) if motion is None else _step(picture, scene, motion, rng)
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


def _step(picture: Picture, scene: Scene, motion: Motion, rng: np.random.Generator, tries: int = 20) -> Picture:
    """Move every particle once."""
    low, high = bounds(picture.shape, scene.rim)
    spread = np.sqrt(2 * motion.diffusion)
    positions = picture.positions.copy()
    for i in range(len(positions)):
        others = np.delete(positions, i, axis=0)
        for _ in range(tries):
            goal = _reflected(positions[i] + motion.drift + rng.normal(0, spread, 2), low, high)
            if np.all(((others - goal) ** 2).sum(1) >= scene.apart**2):
                positions[i] = goal
                break
    return picture.moved_to(positions)


def _reflected(position: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Fold a position back into the frame at its walls."""
    width = np.maximum(high - low, 1e-9)
    folded = np.mod(position - low, 2 * width)
    return low + np.minimum(folded, 2 * width - folded)
