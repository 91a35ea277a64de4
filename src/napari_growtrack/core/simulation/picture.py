"""Draw the numbers of one picture: how many particles, where, how large and how bright."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..errors import SettingsError
from .scene import Particle, Placement, Scene

Shape = tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """The numbers of one picture before any pixel exists.

    Attributes
    ----------
    shape : (int, int)
        Height and width in pixels.
    positions : ndarray (n, 2)
        Centres ``(y, x)`` in pixels, pixel centres on integers.
    radius, ellipticity, angle : ndarray (n,)
        Radius in pixels, stretch, and direction of the stretch in radians.
    intensity : ndarray (n, orders)
        Scale of each Bessel order, from order 1 on.
    wanted : ndarray (n,) of bool
        Whether the particle is to be found (a distractor is not).
    background, gradient, gradient_angle, snr : float
        Background level, its change over the longer side and direction, and
        the signal-to-noise ratio.
    """

    shape: Shape
    positions: np.ndarray
    radius: np.ndarray
    ellipticity: np.ndarray
    angle: np.ndarray
    intensity: np.ndarray
    wanted: np.ndarray
    background: float
    gradient: float
    gradient_angle: float
    snr: float

    def moved_to(self, positions: np.ndarray) -> Picture:
        """Return the same picture with its particles elsewhere, ``(n, 2)``."""
        return replace(self, positions=positions)

    def truth(self, frame: int = 0) -> pd.DataFrame:
        """Return the particles to be found as a truth table."""
        wanted = np.flatnonzero(self.wanted)
        return pd.DataFrame(
            {
                "frame": np.full(len(wanted), frame, np.int64),
                "y": self.positions[wanted, 0],
                "x": self.positions[wanted, 1],
                "particle": wanted.astype(np.int64),
                "radius": self.radius[wanted],
                "snr": np.full(len(wanted), float(self.snr)),
            }
        )


def draw(scene: Scene, shape: Shape, rng: np.random.Generator, number: int | None = None) -> Picture:
    """Draw one picture of a scene.

    Parameters
    ----------
    scene : Scene
    shape : (int, int)
        Height and width of the frame in pixels.
    rng : numpy.random.Generator
    number : int, optional
        Particles to be found. By default it follows from the scene's density
        (then as many as fit are drawn).

    Raises
    ------
    SettingsError
        When `number` particles do not fit `scene.apart` pixels apart.
    """
    if min(shape) < 1:
        raise SettingsError(f"A frame has at least one pixel along each side, got {shape[0]} x {shape[1]}.")
    area = shape[0] * shape[1] / 1e4
    if number is not None and number < 0:
        raise SettingsError(f"Expected a number of particles from 0, got {number}.")
    wanted = round(scene.density.draw(rng) * area) if number is None else number
    others = round(scene.distractor_density.draw(rng) * area)
    positions = place(wanted + others, shape, rng, apart=scene.apart, rim=scene.rim)
    if number is not None and len(positions) < number:
        raise SettingsError(
            f"Only {len(positions)} of {number} particles fit into {shape[0]} x {shape[1]} px at least "
            f"{scene.apart:g} px apart. Ask for fewer, or for a larger frame."
        )
    return _fill(scene, shape, positions, min(wanted, len(positions)), rng)


def draw_window(scene: Scene, side: int, rng: np.random.Generator) -> Picture:
    """Draw one of the thesis's windows: the first particle is the one to find.

    Particles lie as the scene's `window_first` and `window_others` say, those
    in a box at least `scene.apart` pixels from each other where there is room
    (thesis 3.5.1).
    """
    centre = (side - 1) / 2
    apart = scene.apart if scene.window_others.shape == "box" else 0.0
    positions = [_placed(scene.window_first, rng)]
    while len(positions) < scene.window_number:
        for _ in range(1000):
            spot = _placed(scene.window_others, rng)
            if all(math.dist(spot, other) >= apart for other in positions):
                break
        positions.append(spot)
    return _fill(scene, (side, side), np.array(positions) + centre, len(positions), rng)


def place(number: int, shape: Shape, rng: np.random.Generator, apart: float = 0.0, rim: float = 0.0) -> np.ndarray:
    """Place up to `number` centres evenly over a frame, at least `apart` pixels from each other.

    Returns
    -------
    ndarray (n, 2)
        ``(y, x)``; fewer than `number` where they do not fit.
    """
    low, high = bounds(shape, rim)
    if apart <= 0:
        return rng.uniform(low, high, (number, 2))
    placed = np.empty((number, 2))
    n = misses = 0
    while n < number and misses < 200:
        for spot in rng.uniform(low, high, (number + 20, 2)):
            if n < number and np.all(((placed[:n] - spot) ** 2).sum(1) >= apart**2):
                placed[n] = spot
                n, misses = n + 1, 0
            else:
                misses += 1
    return placed[:n]


def bounds(shape: Shape, rim: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest ``(y, x)`` a centre may have; both the middle where the rim leaves nothing."""
    side = np.asarray(shape, float)
    low = np.minimum(rim * side - 0.5 * (rim == 0), (side - 1) / 2)
    return low, side - 1 - low


def _placed(placement: Placement, rng: np.random.Generator) -> np.ndarray:
    size = placement.size
    if placement.shape == "normal":
        return rng.normal(0, size.high, 2)
    if placement.shape == "box":
        return rng.uniform(-size.high, size.high, 2)
    return rng.choice((-1, 1), 2) * size.draw(rng, 2)


def _fill(scene: Scene, shape: Shape, positions: np.ndarray, wanted: int, rng: np.random.Generator) -> Picture:
    """Give each position a kind of particle, its size and brightness, and the picture its background."""
    n = len(positions)
    radius, ellipticity = np.ones(n), np.ones(n)
    intensity = np.zeros((n, scene.orders))
    for kinds, members in (
        (scene.particles, np.arange(wanted)),
        (scene.distractors, np.arange(wanted, n)),
    ):
        for kind, which in _split(kinds, members, rng):
            radius[which] = kind.radius.draw(rng, len(which))
            ellipticity[which] = kind.ellipticity.draw(rng, len(which))
            for order, scale in kind.rings.items():
                intensity[which, order - 1] = scale.draw(rng, len(which))
    return Picture(
        shape=shape,
        positions=positions,
        radius=radius,
        ellipticity=ellipticity,
        angle=rng.uniform(0, np.pi, n),
        intensity=intensity,
        wanted=np.arange(n) < wanted,
        background=scene.background.draw(rng),
        gradient=scene.gradient.draw(rng),
        gradient_angle=rng.uniform(0, 2 * np.pi),
        snr=scene.snr.draw(rng),
    )


def _split(
    kinds: tuple[Particle, ...], members: np.ndarray, rng: np.random.Generator
) -> list[tuple[Particle, np.ndarray]]:
    """Share out members among kinds by weight."""
    if not len(members):
        return []
    weights = np.array([kind.weight for kind in kinds])
    choice = rng.choice(len(kinds), len(members), p=weights / weights.sum())
    return [(kind, members[choice == i]) for i, kind in enumerate(kinds)]
