"""Count what looks like the clicked particles: how many there are, and how near they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree

from .looking import Look

_WIDEST_SEARCH = 640
_NEAREST = 2.5
_LEAST_LIKENESS, _LEAST_STRENGTH, _LEAST_SIGNIFICANCE = 0.6, 0.35, 5.0


class Crowd(NamedTuple):
    """All that looks like the clicked particles: places (n, 2) on each frame, and how many pixels were searched."""

    frames: list[np.ndarray]
    places: list[np.ndarray]
    searched: list[int]

    @property
    def densities(self) -> np.ndarray:
        """Particles per 100 x 100 px of each frame."""
        return np.array([1e4 * len(some) / area for some, area in zip(self.places, self.searched, strict=True)])

    @property
    def nearest(self) -> float:
        """How near two of them come, in pixels."""
        near = [cKDTree(some).query(some, 2)[0][:, 1].min() for some in self.places if len(some) > 1]
        return float(min(near, default=np.inf))

    def beside(self, look: Look) -> Look:
        """Tell each particle of a look who its neighbours are."""
        fits = [
            fit._replace(click=fit.click._replace(neighbours=self._others(fit.click.frame, fit.place, look.radius)))
            for fit in look.fits
        ]
        return look._replace(fits=fits)

    def _others(self, frame: np.ndarray, place: np.ndarray, radius: float) -> np.ndarray:
        found = (some for one, some in zip(self.frames, self.places, strict=True) if one is frame)
        places = next(found, np.empty((0, 2)))
        return places[np.hypot(*(places - place).T) > _NEAREST * radius]


class _Template(NamedTuple):
    """Weights of the pixels around a usual particle, which of them count, and the error of its light at noise 1."""

    weights: np.ndarray
    inside: np.ndarray
    error: float


class _Map(NamedTuple):
    """How strong a particle each pixel of a frame could be the centre of, the usual one being 1, and how like it."""

    frame: np.ndarray
    corner: np.ndarray
    strength: np.ndarray
    likeness: np.ndarray


def count(look: Look, frames: Sequence[np.ndarray], noise: float) -> Crowd:
    """Find all that looks like the clicked particles on some frames."""
    template = _template(look)
    maps = [_map(frame, _corner(frame, look), template) for frame in frames]
    likeness = _LEAST_LIKENESS * _usual_likeness(look, maps)
    strength = max(_LEAST_STRENGTH, _LEAST_SIGNIFICANCE * noise * template.error)
    places = [_tops(one, likeness, strength, _NEAREST * look.radius) + one.corner for one in maps]
    return Crowd(list(frames), places, [one.strength.size for one in maps])


def _template(look: Look) -> _Template:
    reach = look.components[-1].profile.searched * look.radius
    half = int(np.ceil(reach))
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1]
    distance = np.hypot(rows, columns)
    inside = distance <= max(reach, 1.5)
    each = zip(look.components, look.scales, strict=True)
    light = sum(scale * component.profile.values(distance / look.radius) for component, scale in each)
    weights = np.where(inside, light - light[inside].mean(), 0.0)
    return _Template(weights, inside.astype(float), float(1 / np.sqrt((weights**2).sum())))


def _corner(frame: np.ndarray, look: Look) -> np.ndarray:
    """Return where to begin searching a frame too large to be searched whole."""
    corner = look.places[0].astype(int) - _WIDEST_SEARCH // 2
    return np.clip(corner, 0, np.maximum(np.array(frame.shape) - _WIDEST_SEARCH, 0))


def _map(frame: np.ndarray, corner: np.ndarray, template: _Template) -> _Map:
    top, left = corner
    part = frame[top : top + _WIDEST_SEARCH, left : left + _WIDEST_SEARCH].astype(float)
    half = len(template.weights) // 2
    wide = np.pad(part - np.median(part), half, mode="reflect" if half < min(part.shape) else "edge")
    square = (template.weights**2).sum()
    total = fftconvolve(wide, template.inside, "valid")
    variance = fftconvolve(wide**2, template.inside, "valid") - total**2 / template.inside.sum()
    light = fftconvolve(wide, template.weights, "valid")
    likeness = light / np.sqrt(square * np.maximum(variance, 1e-9 * variance.max()))
    return _Map(frame, corner, light / square, likeness)


def _usual_likeness(look: Look, maps: Sequence[_Map]) -> float:
    """Return how like the usual particle those look that were clicked."""
    values = []
    for one in maps:
        places = np.array([fit.place for fit in look.fits if fit.click.frame is one.frame]).reshape(-1, 2)
        pixels = np.rint(places - one.corner).astype(int)
        inside = np.all((pixels >= 0) & (pixels < one.likeness.shape), axis=1)
        values += [*one.likeness[tuple(pixels[inside].T)]]
    return float(np.median(values)) if values else 1.0


def _tops(one: _Map, likeness: float, strength: float, apart: float) -> np.ndarray:
    """Return the pixels, (n, 2), where a map is high enough and highest; of two that are not apart, the higher one."""
    high = (one.likeness >= likeness) & (one.strength >= strength)
    score = np.where(high, one.strength * one.likeness, 0)
    tops = np.argwhere((score > 0) & (score == maximum_filter(score, 3)))
    tops = tops[np.argsort(-score[tuple(tops.T)], kind="stable")]
    kept = np.ones(len(tops), bool)
    for first, second in sorted(cKDTree(tops).query_pairs(max(apart, 1.5))) if len(tops) else ():
        kept[second] &= not kept[first]
    return tops[kept]
