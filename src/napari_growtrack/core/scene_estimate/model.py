"""What is fitted to a particle: the profiles of a shape on a sloping background, round or elliptical.

A particle's unknowns are, in this order, its place ``y, x``, the logarithm of its radius, ``p, q`` that stretch it (the
square of the distance is ``y**2 + x**2 - p (x**2 - y**2) - 2 q y x``), the background's level, its rise over the reach
of the fit down and to the right, and the scale of each profile.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, Self

import numpy as np

from ..simulation.shapes import Component, Particle
from ..simulation.shapes.base import NODES, WEIGHTS

Components = tuple[Component, ...]

Y, X, LOG_RADIUS, P, Q, LEVEL, DOWN, RIGHT, SCALES = range(9)

_REACH = 5.5
_FARTHEST, _PER_RADIUS = 40, 100


def candidates(shape: str) -> tuple[Components, ...]:
    """Return what particles of a shape may be made of."""
    sets = Particle.shapes[shape].candidates
    return tuple(tuple(Component(shape, number) for number in numbers) for numbers in sets)


class Model(NamedTuple):
    """Which profiles are fitted, from which radius on, how far from the centre, and whether they may be elliptical.

    Radius and reach are in pixels.
    """

    components: Components
    radius: float
    reach: float
    elliptical: bool = False

    @classmethod
    def of(cls, components: Components, radius: float, elliptical: bool = False) -> Self:
        """Return a model that is fitted as far as its particles are seen."""
        return cls(components, radius, reach_of(radius), elliptical)

    @property
    def shape(self) -> str:
        """The shape's name."""
        return self.components[0].shape

    @property
    def free(self) -> np.ndarray:
        """Which unknowns are fitted, (unknowns,) bool."""
        free = np.ones(SCALES + len(self.components), bool)
        free[[P, Q]] = self.elliptical
        return free

    def slopes(self, unknowns: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> np.ndarray:
        """Return how the light of pixels changes with each unknown, (pixels, unknowns).

        Parameters
        ----------
        unknowns : ndarray (unknowns,)
        dy, dx : ndarray (pixels,)
            From the particle's centre to the pixels.
        """
        if not self.components[0].integrated:
            return self._slopes(unknowns, dy, dx)
        return sum(
            down * across * self._slopes(unknowns, dy + y, dx + x)
            for y, down in zip(NODES, WEIGHTS, strict=True)
            for x, across in zip(NODES, WEIGHTS, strict=True)
        )

    def _slopes(self, unknowns: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> np.ndarray:
        p, q = unknowns[[P, Q]]
        inverse = np.exp(-2 * np.clip(unknowns[LOG_RADIUS], -5, 8))
        both, cross = dx**2 - dy**2, dx * dy
        distance = np.sqrt(np.maximum((dy**2 + dx**2 - p * both - 2 * q * cross) * inverse, 1e-6))
        profiles, steep = self._profiles(unknowns[SCALES:], distance)
        per = steep * inverse / distance
        found = np.empty((len(dy), len(unknowns)))
        found[:, Y] = per * (q * dx - dy * (1 + p))
        found[:, X] = per * (q * dy - dx * (1 - p))
        found[:, LOG_RADIUS] = -steep * distance
        found[:, P], found[:, Q] = -per * both / 2, -per * cross
        found[:, LEVEL], found[:, DOWN], found[:, RIGHT] = 1, dy / self.reach, dx / self.reach
        found[:, SCALES:] = profiles
        return found

    def _profiles(self, scales: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each profile at some distances, (pixels, components), and the slope of their sum, (pixels,)."""
        tables = [_table(component) for component in self.components]
        profiles = np.stack([np.interp(distance, table.distances, table.values) for table in tables], 1)
        slopes = np.stack([np.interp(distance, table.distances, table.slopes) for table in tables], 1)
        return profiles, slopes @ scales


class _Table(NamedTuple):
    """Distances in radii, a profile there, and its slope, (n,) each."""

    distances: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


@cache
def _table(component: Component) -> _Table:
    distances = np.linspace(0, _FARTHEST, _FARTHEST * _PER_RADIUS + 1)
    values = component.profile.values(distances)
    return _Table(distances, values, np.gradient(values, distances))


def reach_of(radius: float) -> float:
    """Return how far from its centre a particle is seen."""
    return _REACH * radius


def light(unknowns: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return what pixels show by what changes them; see `Model.slopes`."""
    return slopes[:, LEVEL:] @ unknowns[LEVEL:]


def height(component: Component) -> float:
    """Return the peak of a profile whose scale is 1."""
    return float(_table(component).values.max())


def peak(components: Components, scales: np.ndarray) -> float:
    """Return the farthest that a particle rises above its background, or falls below it."""
    light = sum(scale * _table(component).values for component, scale in zip(components, scales, strict=True))
    return float(light[np.argmax(np.abs(light))])
