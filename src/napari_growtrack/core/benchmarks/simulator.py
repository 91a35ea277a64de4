"""Training windows a second: the compiled simulator against the same windows written plainly in NumPy and SciPy."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.special import j1

from ..simulation import Scene, draw_windows, named_scene

SIDE = 51
_PLAIN_BATCH = 8  # the fastest of 8 to 256: its arrays still fit into the cache
_PLAIN, _OURS = 64, 600  # windows in a turn, so that turns take about as long


def measure(scale: str) -> list[dict[str, Any]]:
    """Time windows of the vesicle scene drawn plainly and by `draw_windows`, in turns and in one run.

    All but the last row use one thread. A thesis window shows the same picture
    as a plain one; field windows are what networks learn from.
    """
    scene = named_scene("vesicles")
    one, other = np.random.default_rng(0), np.random.default_rng(1)

    def plain() -> None:
        for _ in range(_PLAIN // _PLAIN_BATCH):
            plain_windows(scene, _PLAIN_BATCH, one)

    def field(rng: np.random.Generator) -> None:
        draw_windows("field", scene, SIDE, _OURS, rng)

    with ThreadPoolExecutor(2) as pool:
        ways: dict[str, tuple[int, Callable[[], Any]]] = {
            "plain NumPy and SciPy": (_PLAIN, plain),
            "ours, thesis windows": (_OURS, lambda: draw_windows("thesis", scene, SIDE, _OURS, one)),
            "ours, field windows": (_OURS, lambda: field(one)),
            "ours, field windows, two threads": (2 * _OURS, lambda: [*pool.map(field, (one, other))]),
        }
        rates = _rates(ways, turns=3 if scale == "smoke" else 100)
    first = next(iter(rates.values()))
    return [
        {"way": way, "windows per second": rate, "times the plain version": rate / first} for way, rate in rates.items()
    ]


def _rates(ways: dict[str, tuple[int, Callable[[], Any]]], turns: int) -> dict[str, float]:
    """Return each way's windows a second, the median of turns; the first turn warms up."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(turns + 1):
        for way, (_, work) in ways.items():
            began = time.perf_counter()
            work()
            seconds[way] += [time.perf_counter() - began] * (turn > 0)
    return {way: windows / float(np.median(seconds[way])) for way, (windows, _) in ways.items()}


def plain_windows(scene: Scene, number: int, rng: np.random.Generator, side: int = SIDE) -> np.ndarray:
    """Draw thesis windows of bright spots (thesis 3.5.1), vectorised over windows, particles and pixels.

    Returns
    -------
    ndarray (number, side, side) float32
        Each of zero mean and unit spread.
    """
    (kind,) = scene.particles
    many = (number, scene.window_number, 1, 1)
    radius = kind.radius.draw(rng, many).astype(np.float32)
    intensity = kind.amplitudes[1].draw(rng, many).astype(np.float32)
    y, x = np.moveaxis(plain_positions(scene, number, rng).astype(np.float32), -1, 0)[..., None, None]
    axis = np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)
    distance = np.sqrt((axis[:, None] - y) ** 2 + (axis - x) ** 2 + np.float32(1e-6)) / radius
    image = (4 * intensity * (j1(distance) / distance) ** 2).sum(1)
    image += _plain_background(scene, axis, number, rng)
    np.clip(image, 0, 1, out=image)
    photons = scene.snr.draw(rng, number)[:, None, None] ** 2
    seen = (rng.poisson(image * photons) / photons).astype(np.float32)
    seen -= seen.mean((1, 2), keepdims=True)
    seen /= seen.std((1, 2), keepdims=True)
    return seen


def _plain_background(scene: Scene, axis: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return level and gradient, (number, side, side) float32."""
    slope = scene.gradient.draw(rng, number) / (np.sqrt(2) * len(axis))
    angle = rng.uniform(0, 2 * np.pi, number)
    down, right = (slope * np.cos(angle)).astype(np.float32), (slope * np.sin(angle)).astype(np.float32)
    level = scene.background.draw(rng, number).astype(np.float32)
    return (level[:, None] + down[:, None] * axis)[:, :, None] + (right[:, None] * axis)[:, None, :]


def plain_positions(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Place particles in boxes, those too near to an earlier one again, (number, particles, 2) from the centre."""
    first, others = scene.window_first.size.high, scene.window_others.size.high
    positions = np.full((number, scene.window_number, 2), np.inf)
    positions[:, 0] = rng.uniform(-first, first, (number, 2))
    for p in range(1, scene.window_number):
        missing = np.arange(number)
        while len(missing):
            spots = rng.uniform(-others, others, (len(missing), 2))
            near = ((positions[missing, :p] - spots[:, None]) ** 2).sum(-1) < scene.apart**2
            positions[missing, p] = spots
            missing = missing[near.any(1)]
    return positions
