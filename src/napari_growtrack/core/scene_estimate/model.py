"""What is fitted to a particle: Bessel profiles on a sloping background, round or elliptical.

A particle's unknowns are, in this order, its place ``y, x``, the logarithm of its radius, ``p, q`` that stretch it (the
square of the distance is ``y**2 + x**2 - p (x**2 - y**2) - 2 q y x``), the background's level, its rise over the reach
of the fit down and to the right, and the scale of each order.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, Self

import numpy as np

from ..simulation.render import profile

Orders = tuple[int, ...]

ORDERS: tuple[Orders, ...] = ((1,), (2,), (1, 2))
Y, X, LOG_RADIUS, P, Q, LEVEL, DOWN, RIGHT, SCALES = range(9)

_REACH = 5.5
_FARTHEST, _PER_RADIUS = 40, 100


class Model(NamedTuple):
    """Which orders are fitted, from which radius on, how far from the centre, and whether particles may be elliptical.

    Radius and reach are in pixels.
    """

    orders: Orders
    radius: float
    reach: float
    elliptical: bool = False

    @classmethod
    def of(cls, orders: Orders, radius: float, elliptical: bool = False) -> Self:
        """Return a model that is fitted as far as its particles are seen."""
        return cls(orders, radius, reach_of(radius), elliptical)

    @property
    def free(self) -> np.ndarray:
        """Which unknowns are fitted, (unknowns,) bool."""
        free = np.ones(SCALES + len(self.orders), bool)
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
        """Return each order's profile at some distances, (pixels, orders), and the slope of their sum, (pixels,)."""
        tables = [_table(order) for order in self.orders]
        profiles = np.stack([np.interp(distance, table.distances, table.values) for table in tables], 1)
        slopes = np.stack([np.interp(distance, table.distances, table.slopes) for table in tables], 1)
        return profiles, slopes @ scales


class _Table(NamedTuple):
    """Distances in radii, the profile of an order there, and its slope, (n,) each."""

    distances: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


@cache
def _table(order: int) -> _Table:
    distances = np.linspace(0, _FARTHEST, _FARTHEST * _PER_RADIUS + 1)
    values = profile(order, distances)
    return _Table(distances, values, np.gradient(values, distances))


def reach_of(radius: float) -> float:
    """Return how far from its centre a particle is seen."""
    return _REACH * radius


def light(unknowns: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return what pixels show by what changes them; see `Model.slopes`."""
    return slopes[:, LEVEL:] @ unknowns[LEVEL:]


def height(order: int) -> float:
    """Return the peak of an order whose scale is 1."""
    return float(_table(order).values.max())


def peak(orders: Orders, scales: np.ndarray) -> float:
    """Return the farthest that a particle rises above its background, or falls below it."""
    light = sum(scale * _table(order).values for order, scale in zip(orders, scales, strict=True))
    return float(light[np.argmax(np.abs(light))])
