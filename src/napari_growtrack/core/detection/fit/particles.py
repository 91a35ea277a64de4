"""Fit what a network knows its particles to look like to the pixels around each detection.

A network answers in a millisecond where a particle is, about as well as can be; a fit that begins there needs two or
three steps to the maximum of the likelihood, and says how sure it is. The profile is that of the scene the network was
grown on (thesis 3.5.1); noise and background are measured on the frame itself, so any camera's units will do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from ...settings import Span
from ...simulation.scene import Scene
from ...simulation.shapes import Component
from ...simulation.shapes.gaussian import RADIUS
from ...tables import MEASURES
from ..zoom import on_frame
from .compiled import LEVEL, NARROWEST, SCALES, Shape, add_each, covariances, first_guesses, settle
from .pairs import doubles, less_neighbours, settle_together, split
from .significance import SURE, even, lean_of_light, less_unusual, skewness
from .surroundings import (
    block_means,
    coarseness,
    ground_at,
    noise_around,
    profile_left,
    significances_at,
    spread_of_noise,
    stretches,
    unknown_ground,
)

_RADII = 4
_NARROWER, _WIDER = 0.5, 1.6
_LEAST_RADIUS = 0.5
_WELL, _SHOWING, _SOME, _AT_LEAST = 0.2, 3.0, 5, 0.07
"""Radii known to a fifth, of five particles or more whose light is three standard errors at least, tell what is usual
in a frame: their spread, 7 % at least."""
_ODD = 3.0
"""So many standard deviations off, a radius is taken as it is."""
_ELONGATED = 0.45
"""How elongated most particles of a frame look where they are fitted so: 1.6 times as long as wide."""
_LONGEST = 4.0
"""How long they are at most."""
_BINS, _SURPRISING, _FAR_OFF = 16, 4.0, 0.3
"""Of a measured profile; the mean square of how far off the model's is, in standard errors, where it is taken; and by
how much of its scale it has to be off where a model has several."""
_NOISY, _TILTED = (1.15, 1.5), 1.3
"""See `coarseness`; and by how much slopes scatter where the background is taken to be tilted."""
_MANY, _STANDING, _SPLITS = 8, 4.7, 4
"""Where so many stand out by so many standard errors, with radii known well, what looks like two is taken for two, so
many times over: three are found, too."""
_EXTENT = 1.5
_WIDEST = 64.0
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
    measures : ndarray (n, 8)
        What `tables.MEASURES` names; nan where the fit failed.
    parents : ndarray (n,) of int
        Which of the given positions each was found at. Where two particles were found
        at one, the second of them follows at the end; what another's light explains is left out.
    """

    positions: np.ndarray
    sigmas: np.ndarray
    significances: np.ndarray
    measures: np.ndarray
    parents: np.ndarray


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
    pairs : bool
        Whether two round particles are fitted where one looks like two; not in
        enlarged or shrunken frames.
    """

    components: tuple[Component, ...]
    radius: tuple[float, float]
    signs: tuple[int, ...] = ()
    zoom: float = 1.0
    stretch: float = 1.0
    pairs: bool = False

    @classmethod
    def of(cls, scene: Scene, zoom: float = 1.0, pairs: bool = True) -> ParticleModel:
        """Return the model of a scene's particles, seen through a network's zoom.

        Of several shapes that of the most particles: a sum of two that look nearly alike is no shape.
        """
        scales: dict[Component, list[Span]] = {}
        often: dict[str, float] = {}
        for kind in scene.particles:
            often[kind.named()] = often.get(kind.named(), 0.0) + float(kind.weight)
        usual = max(often, key=often.__getitem__)
        for kind in scene.particles:
            if kind.named() != usual:
                continue
            for number, scale in kind.amplitudes.items():
                scales.setdefault(Component(kind.named(), number), []).append(scale)
        components = tuple(sorted(scales))
        each = (scales[component] for component in components)
        signs = [all(one.low >= 0 for one in some) - all(one.high <= 0 for one in some) for some in each]
        low, high = scene.radii
        longest = max(
            (kind.stretch.high for kind in scene.particles if kind.oriented and kind.named() == usual), default=1.0
        )
        model = cls(components, (low / zoom, high / zoom), tuple(signs), zoom, longest)
        return replace(model, pairs=pairs and zoom == 1 and len(components) == 1 and not model.oriented)

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
        return (4, 6) if self.oriented else (3, 2)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest radius that is fitted: particles of other size than the scene's are found too.

        But for those of several profiles: rings of another size and order look nearly alike.
        """
        low, high = self.radius
        if len(self.components) > 1:
            return low, high
        return max(_NARROWER * low, min(_LEAST_RADIUS, low)), _WIDER * high

    @property
    def radii(self) -> np.ndarray:
        """Radii to begin with: the scene's, lest noise finds others to look like."""
        return np.geomspace(*self.radius, _RADII) if self.radius[0] < self.radius[1] else np.array(self.radius[:1])

    @property
    def usual(self) -> np.ndarray:
        """Mean and variance that radii usually have, the variance of stretches, and the bounds of radii.

        Five numbers, not as strict as the scene. A particle that is `stretch` times as long as wide is so much wider in
        the mean that the inverse squares of both are alike far from that.
        """
        squeeze = (self.stretch**2 - 1) / (self.stretch**2 + 1)
        low, high = self.bounds
        high *= np.sqrt(1 + squeeze)
        return np.array(
            [(low + high) / 2, max((high - low) ** 2 / 6, (0.05 * high) ** 2), max(squeeze**2 / 2, 0.01), low, high]
        )

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
        return min(max(farthest, NARROWEST / self.radius[0]), _WIDEST / self.radius[1])

    @cached_property
    def elongated(self) -> ParticleModel:
        """The model of particles that are elongated, each in a direction of its own, and else as these."""
        components = (Component("ellipse", 1),)
        return replace(self, components=components, signs=self.signs[:1], stretch=_LONGEST, pairs=False)

    @property
    def half(self) -> float:
        """How far from its centre a usual particle is fitted, in pixels."""
        return float(self.reach * np.mean(self.radius))

    @cached_property
    def drawn(self) -> np.ndarray:
        """A usual particle's profile, in pixels, as far as it is fitted."""
        side = int(np.ceil(self.half))
        distance = np.hypot(*np.mgrid[-side : side + 1, -side : side + 1])
        profile = self.components[0].profile.values(distance / np.mean(self.radius))
        return np.where(distance > self.half, 0, profile)

    @property
    def widened(self) -> float:
        """By how much the square of a round particle's radius grows where its light is averaged over pixels.

        A pixel's average adds a twelfth of a square pixel to the variance of a spot, and next to nothing else from a
        sigma of 0.7 px on; so profiles are read at the centres of pixels, and radii corrected. Only elongated ones are
        averaged in full.
        """
        return RADIUS**2 / 12 if not self.oriented and any(one.integrated for one in self.components) else 0.0

    @cached_property
    def shape(self) -> Shape:
        """What compiled code knows of the particles."""
        reach = self.reach
        distances = np.sqrt(np.arange(round((_EXTENT * reach) ** 2 * _PER_SQUARE) + 2) / _PER_SQUARE)
        table = np.stack([component.profile.values(distances) for component in self.components]).astype(np.float32)
        averaged = self.oriented and any(component.integrated for component in self.components)
        return table, float(_PER_SQUARE), reach, _EXTENT * reach, averaged


def fit_particles(frame: np.ndarray, positions: np.ndarray, model: ParticleModel, farthest: float) -> Fits:
    """Fit particles to the pixels of a frame, beginning where they were found.

    Particles whose fits overlap are fitted in turns, each on what the others
    leave of the frame. Where two are so near each other that they were found as
    one, both are fitted; see `pairs`.

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
        return Fits(positions, np.empty(0), np.empty(0), np.empty((0, len(MEASURES))), np.empty(0, int))
    return _fit(frame, positions, model, farthest)[0]


def without_particles(frame: np.ndarray, positions: np.ndarray, model: ParticleModel, farthest: float) -> np.ndarray:
    """Return what a fit leaves of a frame, (Y, X): the frame without its particles; see `fit_particles`."""
    return _fit(frame, positions, model, farthest)[1] if len(positions) else frame


def _fit(frame: np.ndarray, positions: np.ndarray, model: ParticleModel, farthest: float) -> tuple[Fits, np.ndarray]:
    """Return what was found, and what it leaves of the frame."""
    spread = float(np.std(frame)) or 1.0
    rest = np.divide(frame, spread, dtype=np.float32, order="C")
    positions = np.ascontiguousarray(positions, float)
    fitted = _Fitted.first(rest, positions, model)
    if not model.oriented and len(model.components) == 1 and fitted.elongated(rest):
        model = model.elongated
        rest = np.divide(frame, spread, dtype=np.float32, order="C")
        fitted = _Fitted.first(rest, positions, model)
    elif not model.oriented:
        fitted = fitted.with_measured_profile(rest, model)
    parents = np.arange(len(positions))
    if model.pairs and fitted.sure.any():
        fitted, parents = fitted.in_crowds(rest, model)
        moved = np.bincount(parents, minlength=len(positions))[parents] > 1
        positions = np.where(moved[:, None], fitted.unknowns[:, :2], positions[parents])
    return _judged(rest, fitted, positions, parents, model, farthest, spread), rest * np.float32(spread)


@dataclass(frozen=True)
class _Fitted:
    """Particles after the first steps of a fit: unknowns, how well they are known, noise, and the fitted shape."""

    unknowns: np.ndarray
    errors: np.ndarray
    noise: np.ndarray
    ground: np.ndarray
    shape: Shape

    @classmethod
    def first(cls, rest: np.ndarray, positions: np.ndarray, model: ParticleModel) -> Self:
        """Take the first steps on a frame, from which particles are taken away."""
        shape = model.shape
        unknowns = first_guesses(rest, positions, model.radii, shape, model.unknowns)
        add_each(rest, unknowns, -1.0, shape)
        ground = unknown_ground(len(unknowns))
        return cls._settled(rest, unknowns, ground, shape, model)

    @classmethod
    def _settled(
        cls, rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, shape: Shape, model: ParticleModel
    ) -> Self:
        guess = spread_of_noise(rest, unknowns, ground, shape)
        matrices = settle(rest, unknowns, ground, guess, model.usual, shape, model.rounds[0])
        noise = spread_of_noise(rest, unknowns, ground, shape, model.unknowns)
        return cls(unknowns, covariances(matrices), noise, ground, shape)

    @property
    def well(self) -> np.ndarray:
        """Which particles' radii are known well: noise that looks like a point is no particle."""
        errors = np.sqrt(np.maximum(self.errors[:, 2, 2], 0))
        return np.isfinite(errors) & (errors < _WELL * self.unknowns[:, 2]) & self.standing(_SHOWING)

    def standing(self, errors: float) -> np.ndarray:
        """Which particles' light, of one profile at least, is so many times its standard error."""
        profiles = slice(SCALES, SCALES + len(self.shape[0]))
        variances = np.einsum("naa->na", self.errors)[:, profiles]
        with np.errstate(invalid="ignore"):
            return np.asarray((self.unknowns[:, profiles] ** 2 > errors**2 * variances).any(1))

    @property
    def sure(self) -> np.ndarray:
        """Which particles stand out of the noise; none where there are too few of them to tell how others look."""
        sure = self.standing(_STANDING)
        return sure if np.count_nonzero(self.well & sure) >= _MANY else np.zeros(len(sure), bool)

    def elongated(self, rest: np.ndarray) -> bool:
        """Tell whether most of those that are known well look elongated, though round ones were fitted."""
        well = self.well
        if np.count_nonzero(well) < _SOME:
            return False
        turns = stretches(rest, self.unknowns[well], self.ground[well], self.noise, self.shape)
        return float(np.median(np.hypot(*turns.T))) > _ELONGATED

    def with_measured_profile(self, rest: np.ndarray, model: ParticleModel) -> Self:
        """Return the same with the profile that the frame's particles have, where it is clearly not the model's."""
        well = self.well
        if np.count_nonzero(well) < _SOME:
            return self
        left, weights = profile_left(rest, self.unknowns[well], self.ground[well], self.noise, self.shape, _BINS)
        known = weights > 0
        off = np.where(known, left / np.maximum(weights, 1e-30), 0.0)
        surprise = float((off**2 * weights)[known].mean()) if known.any() else 0.0
        several = len(model.components) > 1  # which mix in every proportion, and settle late
        if surprise < _SURPRISING or (several and np.abs(off).max() < _FAR_OFF):
            return self
        table, per_square, reach, extent, averaged = self.shape
        distance = np.sqrt(np.arange(table.shape[1]) / per_square)
        centres = (np.arange(_BINS) + 0.5) * reach / _BINS
        more = np.interp(distance, centres[known], off[known]) * np.clip((extent - distance) / (extent - reach), 0, 1)
        table = table.copy()
        table[0] += more.astype(table.dtype)
        shape = table, per_square, reach, extent, averaged
        add_each(rest, self.unknowns, 1.0, self.shape)
        add_each(rest, self.unknowns, -1.0, shape)
        return self._settled(rest, self.unknowns, self.ground, shape, model)

    def in_crowds(self, rest: np.ndarray, model: ParticleModel) -> tuple[Self, np.ndarray]:
        """Return the same with two particles where one looks like two, without doubles; and which each was, (n,)."""
        mine, parents = self._together(rest, model), np.arange(len(self.unknowns))
        for _ in range(_SPLITS):
            told = mine.ground, mine.noise, _sizes_of(mine.unknowns[:, 2], mine.well, model.usual), mine.shape
            two, second = split(rest, mine.unknowns, mine.sure, *told, _NOISY)
            if not len(two):
                break
            unknowns = np.concatenate([mine.unknowns, second])
            parents, errors = (np.concatenate([each, each[two]]) for each in (parents, mine.errors))
            mine = replace(mine, unknowns=unknowns, errors=errors)._together(rest, model)
        for _ in range(_SPLITS):
            told = mine.ground, mine.noise, _sizes_of(mine.unknowns[:, 2], mine.well, model.usual), mine.shape
            left = doubles(rest, mine.unknowns, mine.sure, *told)
            if left.all():
                break
            parents = parents[left]
            mine = replace(mine, unknowns=mine.unknowns[left], errors=mine.errors[left])._together(rest, model)
        return mine, parents

    def _together(self, rest: np.ndarray, model: ParticleModel) -> Self:
        """Return the same with those that overlap settled, by the background and the sizes of the frame."""
        usual = _sizes_of(self.unknowns[:, 2], self.well, model.usual)
        ground = ground_at(block_means(rest), self.unknowns[:, :2], self.noise)
        matrices = np.full_like(self.errors, np.nan)
        settle_together(rest, self.unknowns, matrices, ground, self.noise, usual, self.shape, model.rounds[1])
        errors = np.where(np.isfinite(matrices[:, :1, :1]), covariances(matrices), self.errors)
        noise = spread_of_noise(rest, self.unknowns, ground, self.shape, model.unknowns)
        return replace(self, errors=errors, noise=noise, ground=ground)


def _judged(
    rest: np.ndarray,
    fitted: _Fitted,
    positions: np.ndarray,
    parents: np.ndarray,
    model: ParticleModel,
    farthest: float,
    spread: float,
) -> Fits:
    """Take the last steps of a fit, with noise and background known, and tell what was found."""
    unknowns, noise, shape = fitted.unknowns, fitted.noise, fitted.shape
    profiles = slice(SCALES, SCALES + len(model.components))
    dark = ~model.possible(unknowns)[:, profiles].any(1)
    add_each(rest, unknowns[dark], 1.0, shape)  # what is dark lends its neighbours no light
    unknowns[dark, profiles] = 0
    usual = _sizes_of(unknowns[:, 2], fitted.well, model.usual)
    ground = ground_at(block_means(rest), unknowns[:, :2], noise)
    looks = noise_around(rest, unknowns, ground, noise, shape)
    ground[:, 4] = _tilts(coarseness(looks, *_NOISY)[2], unknowns, noise, model)
    odd = fitted.well & (np.abs(unknowns[:, 2] - usual[0]) > _ODD * np.sqrt(usual[1] + fitted.errors[:, 2, 2]))
    matrices = np.full_like(fitted.errors, np.nan)
    for some, expected in ((~odd & ~dark, usual), (odd & ~dark, model.usual)):  # an odd one is not made like others
        mine = unknowns[some]
        found = settle(rest, mine, ground[some], noise, expected, shape, model.rounds[1])
        if model.pairs:
            settle_together(rest, mine, found, ground[some], noise, expected, shape, model.rounds[1])
        matrices[some], unknowns[some] = found, mine
    if model.pairs:
        matrices = less_neighbours(rest.shape, matrices, unknowns, noise, shape)
    errors = covariances(matrices)
    found, variances = unknowns[:, :2].copy(), (errors[:, 0, 0] + errors[:, 1, 1]) / 2
    good = np.isfinite(variances) & (np.hypot(*(found - positions).T) <= farthest) & on_frame(found, rest.shape)
    anywhere = good & (variances > unknowns[:, 2] ** 2)
    if not good.all():
        add_each(rest, unknowns[~good], 1.0, shape)
        unknowns[~good] = first_guesses(rest, positions[~good], model.radii, shape, model.unknowns)
    tilted = ground[:, 4] > 0
    looks[tilted] = noise_around(rest, unknowns[tilted], ground[tilted], noise, shape)
    of_light, of_place, _ = coarseness(looks, *_NOISY)
    standing = significances_at(rest.shape, model.possible(unknowns), ground, noise, shape) / of_light
    lean = skewness(rest, unknowns[standing > SURE, :2], model.half)
    standing = even(standing, lean_of_light(lean, model.drawn, unknowns[:, 2], model.usual[0]))
    standing = np.where(anywhere, 0, less_unusual(standing, unknowns[:, 2], usual))
    measures = _measures(unknowns, errors * of_light[:, None, None] ** 2, model, shape, spread)
    if not model.oriented:
        measures[:, -2:] = _turned(stretches(rest, unknowns, ground, noise, shape))
    measures[~good] = np.nan
    if model.zoom > 1:  # a fit that failed stands at the network's answer to noise that it has never seen
        standing = np.where(good, standing, np.nan)
    sigmas = np.where(good, of_place * np.sqrt(np.maximum(variances, 0)), np.nan)
    return Fits(np.where(good[:, None], found, positions), sigmas, standing, measures, parents)


def _sizes_of(radii: np.ndarray, well: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return `usual` radii as the frame itself tells them: by those that are known well, where there are some."""
    if np.count_nonzero(well) < _SOME:
        return usual
    middle = float(np.median(radii[well]))
    spread = max(1.4826 * float(np.median(np.abs(radii[well] - middle))), _AT_LEAST * middle)
    told = usual.copy()
    told[0], told[1] = middle, min(spread**2, usual[1])
    return told


def _tilts(coarse: np.ndarray, unknowns: np.ndarray, noise: np.ndarray, model: ParticleModel) -> np.ndarray:
    """Return the variance of the background's slope at each particle, (n,); 0 where it is as even as can be."""
    half = model.reach * np.abs(unknowns[:, 2])
    variance = np.maximum(noise[0] + noise[1] * unknowns[:, LEVEL], noise[2])
    return np.where(coarse > _TILTED, (coarse**2 - 1) * variance / (np.pi * half**4 / 4), 0.0)


def _measures(
    unknowns: np.ndarray, errors: np.ndarray, model: ParticleModel, shape: Shape, spread: float
) -> np.ndarray:
    """Return what `MEASURES` names of particles, (n, 8), from unknowns, their covariances and the fitted shape."""
    found = np.ones((len(unknowns), len(MEASURES)))
    radius, scales = unknowns[:, 2], unknowns[:, SCALES : SCALES + len(model.components)]
    table, per_square, reach, _, _ = shape
    area = np.pi * table[:, : round(reach**2 * per_square)].sum(1) / per_square * radius[:, None] ** 2
    slopes = np.zeros((len(unknowns), unknowns.shape[1]))
    slopes[:, 2] = 2 * (area * scales).sum(1) / radius
    slopes[:, SCALES : SCALES + len(model.components)] = area
    squeeze = 1.0
    if model.oriented:
        found[:, -2:] = _turned(unknowns[:, -2:])
        length = np.hypot(*unknowns[:, -2:].T)
        squeeze = np.sqrt(1 + length)
        slopes /= np.sqrt(1 - length**2)[:, None]
        area = area / np.sqrt(1 - length**2)[:, None]
    found[:, 0], found[:, 1] = (area * scales).sum(1), np.einsum("na,nab,nb->n", slopes, errors, slopes)
    radius = np.sqrt(np.maximum(radius**2 - model.widened, (radius / 2) ** 2))
    found[:, 2], found[:, 3] = radius / squeeze, errors[:, 2, 2] / squeeze**2
    found[:, 4], found[:, 5] = unknowns[:, LEVEL], errors[:, LEVEL, LEVEL]
    found[:, 1:6:2] = np.sqrt(np.maximum(found[:, 1:6:2], 0))
    found[:, [0, 1, 4, 5]] *= spread
    return found


def _turned(stretch: np.ndarray) -> np.ndarray:
    """Return axis ratio, and direction of the long axis in radians, of some `p, q`, (n, 2)."""
    p, q = stretch.T
    squeeze = np.hypot(p, q)
    return np.stack([np.sqrt((1 + squeeze) / (1 - squeeze)), np.arctan2(q, p) / 2], 1)
