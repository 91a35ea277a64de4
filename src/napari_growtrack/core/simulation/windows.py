"""Endless training windows with their targets, simulated as fast as they are used.

Two ways by name. ``field``: windows cut from frames of many particles, as a scan of a real film produces them.
``thesis``: one small picture a window, the particle to find near its centre (thesis 3.5.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from ..normalisation import Normalisation, normalise, pad
from .picture import Picture, draw, draw_window
from .render import simulate_frame
from .scene import Scene

WindowKind = Literal["field", "thesis"]
Batch = tuple[np.ndarray, np.ndarray]

FIELD_SIDE = 151
WINDOWS_PER_FIELD = 12
NEAR_SHARE = 0.75
NEAR_REACH = 8.5
EMPTY_SHARE = 0.06
RIM_SHARE = 0.15
RIM = 20


def draw_windows(
    kind: WindowKind,
    scene: Scene,
    side: int,
    number: int,
    rng: np.random.Generator,
    normalisation: Normalisation = "standard",
) -> Batch:
    """Simulate a batch of windows.

    Parameters
    ----------
    kind : {"field", "thesis"}
    scene : Scene
    side : int
        Odd side of the windows, in pixels.
    number : int
    rng : numpy.random.Generator
    normalisation : {"standard", "none"}

    Returns
    -------
    images : ndarray (number, side, side) float32
        Normalised as `normalise` does with whole frames.
    targets : ndarray (number, 3) float32
        Offset ``(y, x)`` in pixels of the nearest particle (of the first one, in
        the thesis's windows) from the window's centre, and its distance;
        ``(0, 0, inf)`` where there is none.
    """
    draw_some: Callable[..., Batch] = _field_windows if kind == "field" else _thesis_window
    images, targets, have = [], [], 0
    while have < number:
        image, target = draw_some(scene, side, rng, normalisation)
        images.append(image)
        targets.append(target)
        have += len(target)
    return np.concatenate(images)[:number], np.concatenate(targets)[:number]


def _thesis_window(scene: Scene, side: int, rng: np.random.Generator, normalisation: Normalisation) -> Batch:
    picture = draw_window(scene, side, rng)
    image = normalise(simulate_frame(picture, rng), normalisation)
    offset = picture.positions[0] - (side - 1) / 2
    return image[None], np.array([[*offset, np.hypot(*offset)]], np.float32)


def _field_windows(scene: Scene, side: int, rng: np.random.Generator, normalisation: Normalisation) -> Batch:
    """Cut windows from one random frame, most of them near a particle."""
    shape = (FIELD_SIDE, FIELD_SIDE)
    picture = draw(scene, shape, rng, number=0 if rng.random() < EMPTY_SHARE else None)
    frame = normalise(simulate_frame(picture, rng), normalisation)
    if normalisation == "standard":
        frame = _as_if_from_another_frame(frame, rng)
    centres = _centres(picture, rng)
    half = side // 2
    views = np.lib.stride_tricks.sliding_window_view(pad(frame, half), (side, side))
    return views[centres[:, 0], centres[:, 1]], nearest(picture.positions[picture.wanted], centres)


def _as_if_from_another_frame(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary gain and offset: a frame of other size or crowding has another mean and spread."""
    return frame * np.float32(np.exp(rng.uniform(-0.4, 0.4))) + np.float32(rng.normal(0, 0.1))


def _centres(picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """Choose window centres: three quarters near a particle, the others anywhere."""
    high = np.array(picture.shape) - 1
    centres = rng.uniform(0, high, (WINDOWS_PER_FIELD, 2))
    particles = picture.positions[picture.wanted]
    if len(particles):
        near = rng.random(WINDOWS_PER_FIELD) < NEAR_SHARE
        inside = np.all((particles > RIM) & (particles < high - RIM), axis=1)
        weight = np.where(inside, 1.0, RIM_SHARE)
        chosen = rng.choice(len(particles), near.sum(), p=weight / weight.sum())
        centres[near] = particles[chosen] + rng.uniform(-NEAR_REACH, NEAR_REACH, (len(chosen), 2))
    return np.clip(np.rint(centres), 0, high).astype(int)


def nearest(particles: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return offset and distance of the particle nearest to each centre, (n, 3) float32."""
    targets = np.zeros((len(centres), 3), np.float32)
    targets[:, 2] = np.inf
    if len(particles):
        offsets = particles[None] - centres[:, None]
        distances = np.hypot(offsets[..., 0], offsets[..., 1])
        closest = distances.argmin(1)
        rows = np.arange(len(centres))
        targets[:, :2] = offsets[rows, closest]
        targets[:, 2] = distances[rows, closest]
    return targets
