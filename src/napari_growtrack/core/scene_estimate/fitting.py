"""Fit a particle to the pixels around a click, by least squares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from .crops import Click, Pixels, own_pixels
from .model import LEVEL, LOG_RADIUS, SCALES, Model, P, Q, X, Y, light

_CLICK = 4.0
_LEAST_PIXELS = 4
_MOST_GROWTH = 1.1
_MOST_SQUEEZED = 0.8


class Fit(NamedTuple):
    """A clicked particle, fitted: its unknowns, see `model`, and how good they are.

    Attributes
    ----------
    click : Click
    unknowns, errors : ndarray (unknowns,)
        Errors are 0 where nothing was free.
    rest, shown : ndarray (pixels,)
        What the fit leaves of the pixels, and what it shows there.
    explained : float
        How much less the squares of all pixels sum up to with the particle than with a sloping background alone.
    share : float
        The part of the squares that this is.
    """

    click: Click
    unknowns: np.ndarray
    errors: np.ndarray
    rest: np.ndarray
    shown: np.ndarray
    explained: float
    share: float

    @property
    def place(self) -> np.ndarray:
        """``(y, x)`` of its centre."""
        return self.unknowns[:2]

    @property
    def radius(self) -> float:
        """In pixels."""
        return float(np.exp(self.unknowns[LOG_RADIUS]))

    @property
    def radius_across(self) -> float:
        """The radius across the direction in which it is stretched."""
        return self.radius / float(np.sqrt(1 + self.squeeze))

    @property
    def scales(self) -> np.ndarray:
        """Of each profile."""
        return self.unknowns[SCALES:]

    @property
    def squeeze(self) -> float:
        """How elliptical it is, from 0 for round ones."""
        return min(float(np.hypot(*self.unknowns[[P, Q]])), _MOST_SQUEEZED)

    @property
    def doubt_of_squeeze(self) -> float:
        """The variance of the squeeze."""
        return float((self.errors[[P, Q]] ** 2).sum())

    @property
    def level(self) -> float:
        """Of the background around it."""
        return float(self.unknowns[LEVEL])


def tolerance(radius: float) -> int:
    """Return how far a click may be off the centre of a particle, in pixels."""
    return int(np.ceil(max(_CLICK, 4 * radius / 3)))


def ellipticity(squeeze: float) -> float:
    """Return how many times longer than wide a squeezed particle is."""
    return float(np.sqrt((1 + squeeze) / (1 - squeeze)))


def fit_particle(click: Click, place: np.ndarray, model: Model) -> Fit | None:
    """Fit a particle, beginning at a place; None where that fails, or ends at something else."""
    pixels = own_pixels(click, place, model.reach)
    if len(pixels.values) < _LEAST_PIXELS * (SCALES - LEVEL + len(model.components)):
        return None
    start = _start(pixels, place, model)
    found = _least_squares(pixels, start, model)
    if found is None or _ran_away(found.unknowns, start):
        return None
    return _judged(click, pixels, found, model, _unexplained(pixels, start, model))


class _Solution(NamedTuple):
    """Unknowns that fit, and how the light of pixels changes with those that were free, (pixels, free)."""

    unknowns: np.ndarray
    slopes: np.ndarray


def _slopes(unknowns: np.ndarray, pixels: Pixels, model: Model) -> np.ndarray:
    return model.slopes(unknowns, *pixels.away(unknowns[:2]))


def _start(pixels: Pixels, place: np.ndarray, model: Model) -> np.ndarray:
    """Return unknowns to begin with: level, slopes and scales that fit a round particle at a place."""
    start = np.zeros(SCALES + len(model.components))
    start[[Y, X, LOG_RADIUS]] = *place, np.log(model.radius)
    start[LEVEL:] = np.linalg.lstsq(_slopes(start, pixels, model)[:, LEVEL:], pixels.values, rcond=None)[0]
    return start


def _least_squares(pixels: Pixels, start: np.ndarray, model: Model) -> _Solution | None:
    free = model.free

    def at(some: np.ndarray) -> np.ndarray:
        unknowns = start.copy()
        unknowns[free] = some
        return unknowns

    def miss(some: np.ndarray) -> np.ndarray:
        return light(at(some), _slopes(at(some), pixels, model)) - pixels.values

    def slopes(some: np.ndarray) -> np.ndarray:
        return _slopes(at(some), pixels, model)[:, free]

    try:
        with np.errstate(all="ignore"):
            best = least_squares(miss, start[free], slopes, method="lm", max_nfev=40, xtol=1e-4, ftol=1e-5)
    except (ValueError, np.linalg.LinAlgError):
        return None
    return _Solution(at(best.x), best.jac)


def _ran_away(unknowns: np.ndarray, start: np.ndarray) -> bool:
    moved, grown = np.hypot(*(unknowns - start)[:2]), abs(unknowns[LOG_RADIUS] - start[LOG_RADIUS])
    far = moved > tolerance(float(np.exp(start[LOG_RADIUS]))) or grown > _MOST_GROWTH
    return bool(far or not np.isfinite(unknowns).all())


def _unexplained(pixels: Pixels, start: np.ndarray, model: Model) -> float:
    """Return the sum of squares that a sloping background without a particle leaves."""
    plane = _slopes(start, pixels, model)[:, LEVEL:SCALES]
    flat = pixels.values - plane @ np.linalg.lstsq(plane, pixels.values, rcond=None)[0]
    return float(flat @ flat)


def _judged(click: Click, pixels: Pixels, found: _Solution, model: Model, before: float) -> Fit:
    """Say how good a fit is, by the sum of squares before."""
    shown = light(found.unknowns, _slopes(found.unknowns, pixels, model))
    rest = pixels.values - shown
    errors = np.zeros(len(found.unknowns))
    covariance = np.linalg.pinv(found.slopes.T @ found.slopes) * rest.var()
    errors[model.free] = np.sqrt(np.maximum(np.diag(covariance), 0))
    after = float(rest @ rest)
    explained, share = pixels.step**2 * (before - after), 1 - after / max(before, 1e-12)
    return Fit(click, found.unknowns, errors, rest, shown, explained, share)
