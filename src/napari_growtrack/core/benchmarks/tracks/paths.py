"""Particles that move as those of the ISBI Particle Tracking Challenge do: vesicles, receptors, microtubules.

After the published specification (Chenouard et al., Nat. Methods 11, 281, 2014), its kinds and densities; the numbers
that it leaves open are our own, hence *PTC-like*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

_LIFETIME, _YOUNGEST = 20, 4
"""Mean lifetime, and the least, in frames."""

_BROWNIAN = np.sqrt(2.0)  # px a frame and axis: D is 1 px² a frame
_TETHER, _PULL = 0.7, 0.5  # px of spread around an anchor, and the part of the way back in a frame
_SWITCH = 0.1  # chance a frame that a receptor is tethered, or let go
_SPEEDS = 2.0, 4.0  # px a frame
_TURN = 0.1  # rad a frame, of a microtubule's tip


@dataclass(frozen=True)
class Kind:
    """A kind of particle.

    Attributes
    ----------
    name : str
    densities : mapping
        Particles in 512 x 512 px by ``low``, ``mid`` and ``high``.
    walk : callable
        Makes a `Walk` of particles at some places, (n, 2).
    elongation : float
        How much longer than wide it looks.
    """

    name: str
    densities: Mapping[str, int]
    walk: Callable[[np.random.Generator, np.ndarray], Walk]
    elongation: float = 1.0


class Walk(Protocol):
    """Particles on their way.

    Attributes
    ----------
    places : ndarray (n, 2)
        In pixels.
    angles : ndarray (n,)
        Where they point to, in radians from x towards y.
    """

    places: np.ndarray
    angles: np.ndarray

    def step(self, rng: np.random.Generator) -> None:
        """Go on for a frame."""


class Brownian:
    """Particles that diffuse."""

    def __init__(self, rng: np.random.Generator, places: np.ndarray) -> None:
        self.places, self.angles = places, np.zeros(len(places))

    def step(self, rng: np.random.Generator) -> None:
        """Go on for a frame."""
        self.places = self.places + rng.normal(0, _BROWNIAN, self.places.shape)


class Directed:
    """Particles that keep their speed, and nearly their direction."""

    def __init__(self, rng: np.random.Generator, places: np.ndarray) -> None:
        self.places = places
        self.angles, self.speeds = rng.uniform(-np.pi, np.pi, len(places)), rng.uniform(*_SPEEDS, len(places))

    def step(self, rng: np.random.Generator) -> None:
        """Go on for a frame."""
        self.angles = self.angles + rng.normal(0, _TURN, len(self.angles))
        self.places = self.places + self.speeds[:, None] * np.column_stack([np.sin(self.angles), np.cos(self.angles)])


class Switching:
    """Particles that are tethered to a place, or go straight, and switch now and then."""

    def __init__(self, rng: np.random.Generator, places: np.ndarray) -> None:
        self.places, self.anchors = places, places
        self.tethered, self.angles = rng.random(len(places)) < 0.5, np.zeros(len(places))
        self.velocities = _velocities(rng, len(places))

    def step(self, rng: np.random.Generator) -> None:
        """Go on for a frame."""
        switch = rng.random(len(self.places)) < _SWITCH
        self.tethered = self.tethered ^ switch
        self.anchors = np.where(switch[:, None], self.places, self.anchors)
        self.velocities = np.where(switch[:, None], _velocities(rng, len(switch)), self.velocities)
        noise = rng.normal(0, _TETHER * np.sqrt(_PULL * (2 - _PULL)), self.places.shape)
        pulled = self.places + _PULL * (self.anchors - self.places) + noise
        self.places = np.where(self.tethered[:, None], pulled, self.places + self.velocities)


def _velocities(rng: np.random.Generator, number: int) -> np.ndarray:
    angles, speeds = rng.uniform(-np.pi, np.pi, number), rng.uniform(*_SPEEDS, number)
    return speeds[:, None] * np.column_stack([np.sin(angles), np.cos(angles)])


VESICLES = Kind("vesicles", {"low": 100, "mid": 500, "high": 1000}, Brownian)
RECEPTORS = Kind("receptors", {"low": 100, "mid": 500, "high": 1000}, Switching)
MICROTUBULES = Kind("microtubules", {"low": 60, "mid": 400, "high": 700}, Directed, elongation=2.0)
KINDS = {kind.name: kind for kind in (VESICLES, RECEPTORS, MICROTUBULES)}


def paths(kind: Kind, number: float, frames: int, side: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return where particles are in each frame; some die, some leave, and as many are born.

    Parameters
    ----------
    kind : Kind
    number : float
        How many there are at a time.
    frames : int
    side : float
        Of the frame, in pixels.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        ``frame, y, x, particle, angle``, sorted by frame.
    """
    parts: list[pd.DataFrame] = []
    first = 0
    for birth in range(frames):
        alive = sum((part["frame"] == birth).sum() for part in parts)
        born = int(rng.poisson(max(number - alive, 0)))
        lives = _lives(kind, born, birth, frames, side, rng)
        parts.append(lives.assign(particle=lives["particle"] + first))
        first += born
    table = pd.concat(parts, ignore_index=True).sort_values(["frame", "particle"], ignore_index=True)
    return table.assign(particle=table["particle"].rank(method="dense").astype(np.int64) - 1)


def _lives(kind: Kind, number: int, birth: int, frames: int, side: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return where particles are that are born in a frame, for as long as they live and are seen."""
    walk = kind.walk(rng, rng.uniform(-0.5, side - 0.5, (number, 2)))
    death = birth + _YOUNGEST + rng.geometric(1 / (_LIFETIME - _YOUNGEST + 1), number) - 1
    death = np.where(birth == 0, death - rng.integers(0, _YOUNGEST, number), death)  # some are older already
    seen, rows = np.ones(number, bool), []
    for frame in range(birth, frames):
        if frame > birth:
            walk.step(rng)
        seen &= (frame < death) & ((walk.places > -0.5) & (walk.places < side - 0.5)).all(1)
        here = np.flatnonzero(seen)
        rows.append(np.column_stack([np.full(len(here), frame), walk.places[here], here, walk.angles[here]]))
        if not len(here):
            break
    table = pd.DataFrame(np.concatenate(rows), columns=["frame", "y", "x", "particle", "angle"])
    return table.astype({"frame": np.int64, "particle": np.int64})
