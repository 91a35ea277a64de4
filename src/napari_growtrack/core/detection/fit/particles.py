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

from ...settings import Span
from ...simulation.scene import Scene
from ...simulation.shapes import Component
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
_EXTENT = 1.5
_NARROWEST, _WIDEST = 3.0, 64.0
_PER_SQUARE = 64


class Fits(NamedTuple):
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
    looks : ndarray (n, 3)
        Radius across the long axis in pixels, axis ratio, and direction of the
        long axis in radians, from the x axis towards y; 1 and 0 for round particles.
    """

    positions: np.ndarray
    sigmas: np.ndarray
    significances: np.ndarray
    looks: np.ndarray


@dataclass(frozen=True)
class ParticleModel:
    """What is fitted.

    Attributes
    ----------
    components : tuple of Component
        The profiles that the particles' light is the sum of.
    radius : (float, float)
        The least and the greatest radius, in pixels of the film.
    signs : tuple of int
        1 for each profile whose scale is never negative, -1 for one that is never
        positive, else 0; without, 0 for all.
    zoom : float
        How much larger frames are made for the network than those it was
        calibrated on; its particles are so much smaller in the film.
    stretch : float
        How much longer than wide they are at most, where they are elongated.
    """

    components: tuple[Component, ...]
    radius: tuple[float, float]
    signs: tuple[int, ...] = ()
    zoom: float = 1.0
    stretch: float = 1.0

    @classmethod
    def of(cls, scene: Scene, zoom: float = 1.0) -> ParticleModel:
        """Return the model of a scene's particles, seen through a network's zoom."""
        scales: dict[Component, list[Span]] = {}
        for kind in scene.particles:
            for number, scale in kind.amplitudes.items():
                scales.setdefault(Component(kind.named(), number), []).append(scale)
        components = tuple(sorted(scales))
        each = (scales[component] for component in components)
        signs = [all(one.low >= 0 for one in some) - all(one.high <= 0 for one in some) for some in each]
        low, high = scene.radii
        longest = max((kind.stretch.high for kind in scene.particles if kind.oriented), default=1.0)
        return cls(components, (low / zoom, high / zoom), tuple(signs), zoom, longest)

    @property
    def oriented(self) -> bool:
        """Whether axis ratio and direction are fitted."""
        return any(component.oriented for component in self.components)

    @property
    def unknowns(self) -> int:
        """How many numbers describe a particle."""
        return SCALES + len(self.components) + 2 * self.oriented

    @property
    def rounds(self) -> tuple[int, int]:
        """Steps of a fit before the noise is known and after; those that are elongated begin farther off."""
        return (4, 6) if self.oriented else (1, 2)

    @property
    def radii(self) -> np.ndarray:
        """Radii to begin with."""
        return np.geomspace(*self.radius, _RADII) if self.radius[0] < self.radius[1] else np.array(self.radius[:1])

    @property
    def usual(self) -> np.ndarray:
        """Mean and variance that radii usually have, and the variance of stretches, (3,): not as strict as the scene.

        A particle that is `stretch` times as long as wide is so much wider in
        the mean that the inverse squares of both are alike far from that.
        """
        squeeze = (self.stretch**2 - 1) / (self.stretch**2 + 1)
        low, high = self.radius[0], self.radius[1] * np.sqrt(1 + squeeze)
        return np.array([(low + high) / 2, max((high - low) ** 2 / 6, (0.05 * high) ** 2), max(squeeze**2 / 2, 0.01)])

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
        farthest = max(component.profile.fitted for component in self.components)
        return min(max(farthest, _NARROWEST / self.radius[0]), _WIDEST / self.radius[1])

    @cached_property
    def shape(self) -> Shape:
        """What compiled code knows of the particles."""
        reach = self.reach
        distances = np.sqrt(np.arange(round((_EXTENT * reach) ** 2 * _PER_SQUARE) + 2) / _PER_SQUARE)
        table = np.stack([component.profile.values(distances) for component in self.components]).astype(np.float32)
        averaged = any(component.integrated for component in self.components)
        return table, float(_PER_SQUARE), reach, _EXTENT * reach, averaged


def fit_particles(frame: np.ndarray, positions: np.ndarray, model: ParticleModel, farthest: float) -> Fits:
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
    Fits
    """
    if not len(positions):
        return Fits(positions, np.empty(0), np.empty(0), np.empty((0, 3)))
    spread = float(np.std(frame))
    rest = np.divide(frame, spread if spread > 0 else 1.0, dtype=np.float32, order="C")
    shape = model.shape
    unknowns = first_guesses(rest, np.ascontiguousarray(positions, float), model.radii, shape, model.unknowns)
    add_each(rest, unknowns, -1.0, shape)
    ground, rounds = unknown_ground(len(unknowns)), model.rounds
    settle(rest, unknowns, ground, spread_of_noise(rest, unknowns, ground, shape), model.usual, shape, rounds[0])
    noise = spread_of_noise(rest, unknowns, ground, shape)
    ground = ground_at(block_means(rest), unknowns[:, :2], noise)
    variances = settle(rest, unknowns, ground, noise, model.usual, shape, rounds[1])
    found = unknowns[:, :2].copy()
    inside = np.all((found >= -0.5) & (found <= np.array(rest.shape) - 0.5), axis=1)
    good = np.isfinite(variances) & (np.hypot(*(found - positions).T) <= farthest) & inside
    if not good.all():
        unknowns[~good] = _where_found(rest, unknowns[~good], positions[~good], model)
    coarser = grain(rest)
    polished = Fits(
        np.where(good[:, None], found, positions),
        np.where(good, coarser * np.sqrt(np.maximum(variances, 0)), np.nan),
        significances_at(rest.shape, model.possible(unknowns), ground, noise, shape) / coarser,
        _looks(unknowns, model),
    )
    return as_calibrated(polished, frame, model) if model.zoom > 1 else polished


def _looks(unknowns: np.ndarray, model: ParticleModel) -> np.ndarray:
    """Return radius, axis ratio and direction of particles, (n, 3)."""
    looks = np.stack([np.abs(unknowns[:, 2]), np.ones(len(unknowns)), np.zeros(len(unknowns))], 1)
    if model.oriented:
        p, q = unknowns[:, -2:].T
        squeeze = np.hypot(p, q)
        looks[:, 0] /= np.sqrt(1 + squeeze)
        looks[:, 1] = np.sqrt((1 + squeeze) / (1 - squeeze))
        looks[:, 2] = np.arctan2(q, p) / 2
    return looks


def _where_found(rest: np.ndarray, failed: np.ndarray, positions: np.ndarray, model: ParticleModel) -> np.ndarray:
    """Return the unknowns of particles at the places where fits that ran away began."""
    add_each(rest, failed, 1.0, model.shape)
    return first_guesses(rest, np.ascontiguousarray(positions, float), model.radii, model.shape, model.unknowns)
