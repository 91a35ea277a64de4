"""Fit what a network knows its particles to look like to the pixels around each detection.

A network answers in a millisecond where a particle is, about as well as can be; a fit that begins there needs two or
three steps to the maximum of the likelihood, and says how sure it is. The profile is that of the scene the network was
grown on (thesis 3.5.1); noise and background are measured on the frame itself, so any camera's units will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..simulation.render import PER_RADIUS, profiles
from ..simulation.scene import Scene
from .compiled import (
    add,
    block_means,
    first_guesses,
    ground_at,
    settle,
    significances_at,
    spread_of_noise,
    unknown_ground,
)

_RADII = 5
_EXTENT = 1.6
_MOST_PIXELS_WIDE = 64.0


class Polished(NamedTuple):
    """What a fit found.

    Attributes
    ----------
    positions : ndarray (n, 2)
        ``(y, x)`` in pixels of the frame; where the fit failed, as given.
    sigmas : ndarray (n,)
        Standard error along one axis in pixels; nan where the fit failed.
    significances : ndarray (n,)
        How many standard errors the particle's light stands out of the
        background, where the fit failed that at the given position; nan where
        the frame shows too few pixels of it.
    """

    positions: np.ndarray
    sigmas: np.ndarray
    significances: np.ndarray


@dataclass(frozen=True)
class ParticleModel:
    """What is fitted.

    Attributes
    ----------
    orders : tuple of int
        The Bessel orders that the particles are made of.
    radius : (float, float)
        The least and the greatest radius R, in pixels of the film.
    """

    orders: tuple[int, ...]
    radius: tuple[float, float]

    @classmethod
    def of(cls, scene: Scene, zoom: float = 1.0) -> ParticleModel:
        """Return the model of a scene's particles, seen through a network's zoom."""
        orders = sorted({order for kind in scene.particles for order in kind.rings})
        low = min(kind.radius.low for kind in scene.particles)
        high = max(kind.radius.high for kind in scene.particles)
        return cls(tuple(orders), (low / zoom, high / zoom))

    @property
    def reach(self) -> float:
        """How far from its centre a particle is fitted, in radii: to the first zero of the highest order, nearly."""
        return (3.4, 4.8, 6.0, 7.2, 8.4, 9.5, 10.6, 11.7)[self.orders[-1] - 1]

    @property
    def radii(self) -> np.ndarray:
        """Radii to begin with."""
        return np.geomspace(*self.radius, _RADII) if self.radius[0] < self.radius[1] else np.array(self.radius[:1])


def polish(frame: np.ndarray, positions: np.ndarray, model: ParticleModel, farthest: float) -> Polished:
    """Fit particles to the pixels of a frame, beginning where they were found.

    Particles whose fits overlap are fitted in turns, each on what the others
    leave of the frame.

    Parameters
    ----------
    frame : ndarray (Y, X)
        Intensities in any unit.
    positions : ndarray (n, 2)
        ``(y, x)`` in pixels.
    model : ParticleModel
    farthest : float
        A fit that ends farther from where it began has failed, in pixels.

    Returns
    -------
    Polished
    """
    if not len(positions):
        return Polished(positions, np.empty(0), np.empty(0))
    rest = np.array(frame, np.float32)
    rows = [order - 1 for order in model.orders]
    table = np.ascontiguousarray(profiles()[rows])
    reach = min(model.reach, _MOST_PIXELS_WIDE / model.radius[1])
    shape = table, float(PER_RADIUS), reach
    extent = _EXTENT * reach
    unknowns = first_guesses(rest, np.ascontiguousarray(positions, float), model.radii, *shape)
    for particle in unknowns:
        add(rest, particle, -1.0, table, float(PER_RADIUS), extent)
    low, high = model.radius
    usual = np.array([(low + high) / 2, max((high - low) ** 2 / 6, (0.05 * high) ** 2)])
    ground = unknown_ground(len(unknowns))
    noise = spread_of_noise(rest, unknowns, ground, *shape)
    settle(rest, unknowns, ground, noise, usual, *shape, extent, 2)
    noise = spread_of_noise(rest, unknowns, ground, *shape)
    ground = ground_at(block_means(rest), unknowns[:, :2], noise)
    variances = settle(rest, unknowns, ground, noise, usual, *shape, extent, 3)
    found, moved = unknowns[:, :2].copy(), np.hypot(*(unknowns[:, :2] - positions).T)
    good = np.isfinite(variances) & (moved <= farthest)
    if not good.all():
        unknowns[~good] = _where_found(rest, unknowns[~good], positions[~good], model, shape)
    return Polished(
        np.where(good[:, None], found, positions),
        np.where(good, np.sqrt(np.maximum(variances, 0)), np.nan),
        significances_at(rest.shape, unknowns, ground, noise, *shape),
    )


def _where_found(
    rest: np.ndarray,
    failed: np.ndarray,
    positions: np.ndarray,
    model: ParticleModel,
    shape: tuple[np.ndarray, float, float],
) -> np.ndarray:
    """Return the unknowns of particles at the places where fits that ran away began."""
    for particle in failed:
        add(rest, particle, 1.0, shape[0], shape[1], _EXTENT * shape[2])
    return first_guesses(rest, np.ascontiguousarray(positions, float), model.radii, *shape)
