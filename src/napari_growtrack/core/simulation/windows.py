"""Endless training windows with their targets, simulated as fast as they are used.

Two ways by name. ``field``: windows cut from frames of many particles, as a scan of a real film produces them.
``thesis``: one small picture a window, the particle to find near its centre (thesis 3.5.1).

A batch is one compiled call that leaves Python alone, so a network can learn meanwhile.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..films.normalisation import Normalisation
from ..packages.compiling import numba
from .drawing import Numbers, Ranges, choose, draw_around_centre, draw_frame, uniform
from .linked import linked
from .picture import frame_ranges, window_ranges
from .poisson import Tables, tables
from .render import Profiles, paint, profiles, take
from .scene import Scene

WindowKind = Literal["field", "thesis"]
Batch = tuple[np.ndarray, np.ndarray]
Look = tuple[Profiles, Tables, bool, np.ndarray]
"""Tables of profiles and of photon counts, whether frames are normalised, and `linked`."""

FIELD_SIDE = 151
WINDOWS_PER_FIELD = 12
NEAR_SHARE = 0.75
NEAR_REACH = 8.5
"""A little farther than half the diagonal of a step of 8 px: windows that a frame pass answers come as near."""
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
    near: float = NEAR_REACH,
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
    normalisation : {"standard", "unit"}
    near : float
        How far from a particle, along each axis, most windows of a field are centred, in pixels.

    Returns
    -------
    images : ndarray (number, side, side) float32
        Normalised as `normalise` does with whole frames.
    targets : ndarray (number, 3) float32
        Offset ``(y, x)`` in pixels of the nearest particle (of the first one, in
        the thesis's windows) from the window's centre, and its distance;
        ``(0, 0, inf)`` where there is none.
    """
    images = np.empty((number, side, side), np.float32)
    targets = np.empty((number, 3), np.float32)
    look = profiles(scene.components), tables(), normalisation == "standard", linked()
    if kind == "field":
        _cut_from_fields(images, targets, frame_ranges(scene, (FIELD_SIDE, FIELD_SIDE)), look, near, rng)
    else:
        _draw_each(images, targets, window_ranges(scene, side), look, rng)
    return images, targets


def nearest(particles: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return offset and distance of the particle nearest to each centre, (n, 3) float32."""
    targets = np.empty((len(centres), 3), np.float32)
    for target, (y, x) in zip(targets, np.asarray(centres, float), strict=True):
        _point_at_nearest(target, np.ascontiguousarray(particles, float), y, x)
    return targets


@numba.njit(nogil=True, cache=True)
def _draw_each(images: np.ndarray, targets: np.ndarray, ranges: Ranges, look: Look, rng: np.random.Generator) -> None:
    """Draw the thesis's windows."""
    middle = (images.shape[1] - 1) / 2
    maps = np.empty((4, *images.shape[1:]), np.float32)
    for w in range(len(images)):
        numbers = draw_around_centre(ranges, rng)
        _simulate(images[w], numbers, look, maps, rng)
        positions = numbers[0][0]
        _point_at_nearest(targets[w], positions[:1], middle, middle)


@numba.njit(nogil=True, cache=True)
def _cut_from_fields(
    images: np.ndarray, targets: np.ndarray, ranges: Ranges, look: Look, near: float, rng: np.random.Generator
) -> None:
    """Cut windows from random frames, a dozen each, most of them near a particle."""
    frame, maps = np.empty((FIELD_SIDE, FIELD_SIDE), np.float32), np.empty((4, FIELD_SIDE, FIELD_SIDE), np.float32)
    for first in range(0, len(images), WINDOWS_PER_FIELD):
        numbers = draw_frame(ranges, (0.0, 0.0) if rng.random() < EMPTY_SHARE else ranges[0], rng)
        positions = numbers[0][0][numbers[1]]
        _simulate(frame, numbers, look, maps, rng)
        if look[2]:
            _as_if_from_another_frame(frame, rng)
        outside, odds = _mean(frame), _odds(positions)
        for w in range(first, min(first + WINDOWS_PER_FIELD, len(images))):
            y, x = _centre(positions, odds, near, rng)
            _cut(images[w], frame, y, x, outside)
            _point_at_nearest(targets[w], positions, y, x)


@numba.njit(nogil=True, cache=True)
def _simulate(frame: np.ndarray, numbers: Numbers, look: Look, maps: np.ndarray, rng: np.random.Generator) -> None:
    """Render, expose and normalise a picture, as `simulate_frame` and `normalise` do."""
    profiles, tables, standard, linked = look
    paint(frame, numbers, profiles, linked)
    take(frame, numbers, maps, tables, linked, rng)
    pixels = frame.reshape(-1)
    if standard:
        mean = _mean(frame)
        pixels -= np.float32(mean)
        spread = np.sqrt(_mean(frame * frame))
        pixels *= np.float32(1 / spread if spread > 1e-6 * abs(mean) else 0.0)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _mean(frame: np.ndarray) -> float:
    total = 0.0
    for value in frame.reshape(-1):
        total += value
    return total / frame.size


@numba.njit(nogil=True, cache=True)
def _as_if_from_another_frame(frame: np.ndarray, rng: np.random.Generator) -> None:
    """Vary gain and offset: a frame of other size or crowding has another mean and spread."""
    frame *= np.float32(np.exp(uniform((-0.4, 0.4), rng)))
    frame += np.float32(0.1 * rng.standard_normal())


@numba.njit(nogil=True, cache=True)
def _odds(particles: np.ndarray) -> np.ndarray:
    """Return the running sum of how often each particle is to be near a window's centre."""
    odds, total = np.empty(len(particles)), 0.0
    for p, (y, x) in enumerate(particles):
        inside = min(y, x) > RIM and max(y, x) < FIELD_SIDE - 1 - RIM
        total += 1.0 if inside else RIM_SHARE
        odds[p] = total
    return odds


@numba.njit(nogil=True, cache=True)
def _centre(particles: np.ndarray, odds: np.ndarray, near: float, rng: np.random.Generator) -> tuple[int, int]:
    """Choose a window's centre: three quarters near a particle, the others anywhere."""
    high = FIELD_SIDE - 1.0
    y, x = uniform((0.0, high), rng), uniform((0.0, high), rng)
    if len(particles) and rng.random() < NEAR_SHARE:
        p = choose(odds, rng)
        y = particles[p, 0] + uniform((-near, near), rng)
        x = particles[p, 1] + uniform((-near, near), rng)
    return int(np.rint(min(max(y, 0.0), high))), int(np.rint(min(max(x, 0.0), high)))


@numba.njit(nogil=True, cache=True)
def _cut(window: np.ndarray, frame: np.ndarray, y: int, x: int, outside: float) -> None:
    """Copy what lies around a centre, with `outside` beyond the frame's edge."""
    (height, width), (rows, columns) = frame.shape, window.shape
    top, left = y - rows // 2, x - columns // 2
    window.fill(outside)
    for i in range(max(0, -top), min(rows, height - top)):
        for j in range(max(0, -left), min(columns, width - left)):
            window[i, j] = frame[top + i, left + j]


@numba.njit(nogil=True, cache=True)
def _point_at_nearest(target: np.ndarray, particles: np.ndarray, y: float, x: float) -> None:
    """Fill in offset and distance of the particle nearest to a centre; 0, 0 and infinity where there is none."""
    target[:2], target[2] = 0.0, np.inf
    least = np.inf
    for p in range(len(particles)):
        dy, dx = particles[p, 0] - y, particles[p, 1] - x
        distance = np.hypot(dy, dx)
        if distance < least:
            least = distance
            target[0], target[1], target[2] = dy, dx, distance
