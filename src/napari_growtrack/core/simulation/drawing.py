"""Draw pictures in compiled code, from a scene's ranges as plain numbers: in bulk, and without Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..packages.compiling import numba

Pair = tuple[float, float]

# Compiled code passes plain tuples on. Classes of ours would be looked up by name in what numba has cached, ever after.
Particles = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Positions, radius, ellipticity, angle, intensity and paths; see `Picture`."""
Light = tuple[float, float, float]
"""Background, gradient and its angle."""
Stage = tuple[float, float, float, float, float, float]
"""Vignetting, texture and its size, motion blur, compression, and the key to patterns that stay; see `Picture`."""
Numbers = tuple[Particles, np.ndarray, Light, float, Stage, np.ndarray]
"""A picture: its particles, which of them are wanted, its light and SNR, its stage, and its sensor's numbers."""
Ranges = tuple[Any, ...]
"""What a scene's pictures are drawn from, see `frame_ranges` and `window_ranges`."""

_MISSES_IN_A_ROW = 500
_TRIES = 1000
STATIONS = 4
"""Places on its way that a particle is drawn at where its motion is blurred."""


@numba.njit(nogil=True, cache=True)
def draw_frame(ranges: Ranges, wanted: Pair, rng: np.random.Generator) -> Numbers:
    """Draw a frame with at least and at most so many particles to be found, as far as they fit."""
    _, others, (low, high, apart), looks = ranges
    number = _round(uniform(wanted, rng))
    positions = place_apart(number + _round(uniform(others, rng)), low, high, apart, rng)
    return _describe(looks, positions, min(number, len(positions)), rng)


@numba.njit(nogil=True, cache=True)
def draw_around_centre(ranges: Ranges, rng: np.random.Generator) -> Numbers:
    """Draw one of the thesis's windows, as `draw_window` does."""
    (centre, number, apart, first, others), looks = ranges
    positions = np.empty((number, 2))
    for p in range(number):
        for _ in range(_TRIES):
            positions[p, 0] = centre + _offset(others if p else first, rng)
            positions[p, 1] = centre + _offset(others if p else first, rng)
            if _is_free(positions, p, apart):
                break
    return _describe(looks, positions, number, rng)


@numba.njit(nogil=True, cache=True)
def uniform(span: Pair, rng: np.random.Generator) -> float:
    """Draw a number evenly from low to high."""
    return span[0] + (span[1] - span[0]) * rng.random()


@numba.njit(nogil=True, cache=True)
def choose(odds: np.ndarray, rng: np.random.Generator) -> int:
    """Choose an index by the running sum of the weights."""
    goal, i = odds[-1] * rng.random(), 0
    while odds[i] <= goal and i < len(odds) - 1:
        i += 1
    return i


@numba.njit(nogil=True, cache=True)
def _round(number: float) -> int:
    return int(np.rint(number))


@numba.njit(nogil=True, cache=True)
def place_apart(number: int, low: np.ndarray, high: np.ndarray, apart: float, rng: np.random.Generator) -> np.ndarray:
    """Place centres evenly from low to high, as many as fit so far apart; see `place`."""
    positions = np.empty((number, 2))
    n = misses = 0
    while n < number and misses < _MISSES_IN_A_ROW:
        for axis in range(2):
            positions[n, axis] = uniform((low[axis], high[axis]), rng)
        free = _is_free(positions, n, apart)
        n, misses = (n + 1, 0) if free else (n, misses + 1)
    return positions[:n]


@numba.njit(nogil=True, cache=True)
def _is_free(positions: np.ndarray, n: int, apart: float) -> bool:
    """Tell whether position `n` keeps its distance from all before it."""
    for p in range(n if apart > 0 else 0):
        dy, dx = positions[n, 0] - positions[p, 0], positions[n, 1] - positions[p, 1]
        if dy * dy + dx * dx < apart * apart:
            return False
    return True


@numba.njit(nogil=True, cache=True)
def _offset(spread: tuple[float, float, float], rng: np.random.Generator) -> float:
    normal, low, high = spread
    away = uniform((low, high), rng)
    return normal * rng.standard_normal() + (away if rng.random() < 0.5 else -away)


@numba.njit(nogil=True, cache=True)
def _describe(looks: tuple[Any, ...], positions: np.ndarray, wanted: int, rng: np.random.Generator) -> Numbers:
    """Give each position a kind of particle, its size and brightness, and the picture its background."""
    particles, distractors, (background, gradient, (low, high), by_ratio), (stages, sensors) = looks
    n, components = len(positions), particles[1].shape[1] - 2
    radius, ellipticity, angle, intensity = np.empty(n), np.empty(n), np.empty(n), np.empty((n, components))
    for p in range(n):
        odds, kinds = particles if p < wanted else distractors
        spans = kinds[choose(odds, rng)]
        radius[p] = uniform((spans[0, 0], spans[0, 1]), rng)
        ellipticity[p] = uniform((spans[1, 0], spans[1, 1]), rng)
        angle[p] = uniform((0.0, np.pi), rng)
        for i in range(components):
            intensity[p, i] = uniform((spans[2 + i, 0], spans[2 + i, 1]), rng)
    light = uniform(background, rng), uniform(gradient, rng), uniform((0.0, 2 * np.pi), rng)
    snr = low * (high / low) ** rng.random() if by_ratio else uniform((low, high), rng)
    sensor = np.array([_perhaps(sensors[row], rng) for row in range(len(sensors))])
    vignetting, texture, size = _perhaps(stages[0], rng), _perhaps(stages[1], rng), _perhaps(stages[2], rng)
    blur, compression = _perhaps(stages[3], rng), _perhaps(stages[4], rng)
    key = rng.random() if stages[1, 1] > 0 or sensor[-1] > 0 else 0.0
    paths = _walks(n, STATIONS if stages[3, 1] > 0 else 0, blur, rng)
    stage = vignetting, texture, size, blur, compression, key
    return (positions, radius, ellipticity, angle, intensity, paths), np.arange(n) < wanted, light, snr, stage, sensor


@numba.njit(nogil=True, cache=True)
def _perhaps(span: np.ndarray, rng: np.random.Generator) -> float:
    """Draw a number evenly; none where there is nothing to draw."""
    return uniform((span[0], span[1]), rng) if span[1] > span[0] else span[0]


@numba.njit(nogil=True, cache=True)
def _walks(n: int, stations: int, diffusion: float, rng: np.random.Generator) -> np.ndarray:
    """Draw Brownian paths (n, stations, 2) around their means, as far spread as continuous ones of one exposure.

    The spread along an axis of a continuous path about its mean is a third of the diffusion.
    """
    paths = np.zeros((n, stations, 2))
    step = np.sqrt(2 * diffusion * stations / max(stations**2 - 1, 1))
    for p in range(n):
        for axis in range(2):
            for k in range(1, stations):
                paths[p, k, axis] = paths[p, k - 1, axis] + step * rng.standard_normal()
            if stations:
                paths[p, :, axis] -= paths[p, :, axis].mean()
    return paths
