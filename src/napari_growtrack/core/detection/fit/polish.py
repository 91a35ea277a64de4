"""Fit what a network knows its particles to look like to the pixels around each detection.

A network answers in a millisecond where a particle is, about as well as can be; a fit that begins there needs two or
three steps to the maximum of the likelihood, and says how sure it is. The profile is that of the scene the network was
grown on (thesis 3.5.1); noise and background are measured on the frame itself, so any camera's units will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...simulation.render import profile
from ...simulation.scene import Scene
from .compiled import (
    SCALES,
    Shape,
    add_each,
    block_means,
    first_guesses,
    grain,
    ground_at,
    settle,
    significances_at,
    spread_of_noise,
    unknown_ground,
)
from .enlarging import as_calibrated

_RADII = 4
_REACHES = (3.4, 4.8, 6.0, 7.2, 8.4, 9.5, 10.6, 11.7)
_EXTENT = 1.5
_NARROWEST, _WIDEST = 3.0, 64.0
_PER_SQUARE = 64


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
    signs : tuple of int
        1 for each order whose scale is never negative, -1 for one that is never
        positive, else 0; without, 0 for all.
    zoom : float
        How much larger frames are made for the network than those it was
        calibrated on; its particles are so much smaller in the film.
    """

    orders: tuple[int, ...]
    radius: tuple[float, float]
    signs: tuple[int, ...] = ()
    zoom: float = 1.0

    @classmethod
    def of(cls, scene: Scene, zoom: float = 1.0) -> ParticleModel:
        """Return the model of a scene's particles, seen through a network's zoom."""
        orders = sorted({order for kind in scene.particles for order in kind.rings})
        low, high = scene.radii
        scales = [[kind.rings[order] for kind in scene.particles if order in kind.rings] for order in orders]
        signs = [all(one.low >= 0 for one in some) - all(one.high <= 0 for one in some) for some in scales]
        return cls(tuple(orders), (low / zoom, high / zoom), tuple(signs), zoom)

    @property
    def radii(self) -> np.ndarray:
        """Radii to begin with."""
        return np.geomspace(*self.radius, _RADII) if self.radius[0] < self.radius[1] else np.array(self.radius[:1])

    @property
    def usual(self) -> np.ndarray:
        """Mean and variance that radii usually have, (2,): not quite as strict as the scene."""
        low, high = self.radius
        return np.array([(low + high) / 2, max((high - low) ** 2 / 6, (0.05 * high) ** 2)])

    def possible(self, unknowns: np.ndarray) -> np.ndarray:
        """Return unknowns without the light that such particles cannot have: what is dark if they are bright."""
        possible = unknowns.copy()
        for column, sign in enumerate(self.signs, start=SCALES):
            if sign:
                possible[:, column] = sign * np.maximum(sign * possible[:, column], 0)
        return possible

    @property
    def reach(self) -> float:
        """How far particles are fitted, in radii: nearly to the first zero of the highest order, and a few pixels."""
        return min(max(_REACHES[self.orders[-1] - 1], _NARROWEST / self.radius[0]), _WIDEST / self.radius[1])

    @cached_property
    def shape(self) -> Shape:
        """What compiled code knows of the particles."""
        reach = self.reach
        distances = np.sqrt(np.arange(round((_EXTENT * reach) ** 2 * _PER_SQUARE) + 2) / _PER_SQUARE)
        table = np.stack([profile(order, distances) for order in self.orders]).astype(np.float32)
        return table, float(_PER_SQUARE), reach, _EXTENT * reach


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
    spread = float(np.std(frame))
    rest = np.divide(frame, spread if spread > 0 else 1.0, dtype=np.float32, order="C")
    shape = model.shape
    unknowns = first_guesses(rest, np.ascontiguousarray(positions, float), model.radii, shape)
    add_each(rest, unknowns, -1.0, shape)
    ground = unknown_ground(len(unknowns))
    settle(rest, unknowns, ground, spread_of_noise(rest, unknowns, ground, shape), model.usual, shape, 1)
    noise = spread_of_noise(rest, unknowns, ground, shape)
    ground = ground_at(block_means(rest), unknowns[:, :2], noise)
    variances = settle(rest, unknowns, ground, noise, model.usual, shape, 2)
    found = unknowns[:, :2].copy()
    inside = np.all((found >= -0.5) & (found <= np.array(rest.shape) - 0.5), axis=1)
    good = np.isfinite(variances) & (np.hypot(*(found - positions).T) <= farthest) & inside
    if not good.all():
        unknowns[~good] = _where_found(rest, unknowns[~good], positions[~good], model)
    coarser = grain(rest)
    polished = Polished(
        np.where(good[:, None], found, positions),
        np.where(good, coarser * np.sqrt(np.maximum(variances, 0)), np.nan),
        significances_at(rest.shape, model.possible(unknowns), ground, noise, shape) / coarser,
    )
    return as_calibrated(polished, frame, model) if model.zoom > 1 else polished


def _where_found(rest: np.ndarray, failed: np.ndarray, positions: np.ndarray, model: ParticleModel) -> np.ndarray:
    """Return the unknowns of particles at the places where fits that ran away began."""
    add_each(rest, failed, 1.0, model.shape)
    return first_guesses(rest, np.ascontiguousarray(positions, float), model.radii, model.shape)
