"""Look closely at what was clicked, and measure it: particles, their number, light and noise."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..errors import GrowtrackWarning, SettingsError
from .background import usual_noise, usual_slope
from .clicks import Clicked
from .counting import Crowd, count
from .looking import Look, simplest, with_ellipticity
from .model import Model, candidates
from .starting import first_looks, is_usual

_LEAST_EVIDENCE = 30.0
"""Squares of the noise that a usual fit explains at least. The best of some hundred places and radii around a click
explains about 15 of pure noise."""
_BRIGHT, _DARK = (0.5, 0.3), (-0.35, 0.6)
_PEAKS, _LEVELS, _BRIGHTEST = (0.15, 0.75), (0.18, 0.8), 1.05


class Scale(NamedTuple):
    """What a scene's intensity of 1, and its level of 0, stand for in the film."""

    unit: float
    offset: float

    def to_scene(self, values: np.ndarray) -> np.ndarray:
        """Bring values of the film to the scene's units."""
        return (values - self.offset) / self.unit


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of a film, in its own units.

    Attributes
    ----------
    look : Look
    crowd : Crowd
    noise : float
        Of single pixels.
    levels : ndarray (n,)
        The background at the middle of a frame, as each fit tells it.
    gradient : float
        How much it changes over a frame, as a scene counts that.
    scale : Scale
    """

    look: Look
    crowd: Crowd
    noise: float
    levels: np.ndarray
    gradient: float
    scale: Scale

    @property
    def level(self) -> float:
        """The usual one of the levels."""
        return float(np.median(self.levels))

    @cached_property
    def residual(self) -> float:
        """The spread of what the fits leave over the noise there, which grows with the light as photons do."""
        light = np.concatenate([fit.shown for fit in self.look.fits]) - self.scale.offset
        rest = np.concatenate([fit.rest for fit in self.look.fits])
        expected = self.noise * np.sqrt(np.maximum(light / max(self.level - self.scale.offset, 1e-9), 0.1))
        return float(np.sqrt(np.mean((rest / expected) ** 2)))


def measure(clicked: Clicked, radii: np.ndarray, shape: tuple[int, int], full_scale: float, kind: str) -> Measured:
    """Measure what was clicked.

    Parameters
    ----------
    clicked : Clicked
    radii : ndarray (n,)
        To be tried, in pixels.
    shape : (int, int)
        Of a frame.
    full_scale : float
        Of the film, see `Stack`.
    kind : str
        The shape of its particles; see `simulation.shapes`.

    Raises
    ------
    SettingsError
        When frames are blank, or nothing that looks like one kind of particle is at the clicks.
    """
    noise = usual_noise(clicked.frames)
    look = _look_closely(clicked, radii, noise, kind)
    crowd = count(look, [*clicked.frames, *clicked.following], noise)
    slope = usual_slope(look.frames)
    levels = np.array([fit.level for fit in look.fits]) - (look.places - (np.array(shape) - 1) / 2) @ slope
    gradient = float(np.hypot(*slope) * np.sqrt(2) * max(shape))
    return Measured(look, crowd, noise, levels, gradient, _scale(look.peak, float(np.median(levels)), full_scale))


def _look_closely(clicked: Clicked, radii: np.ndarray, noise: float, kind: str) -> Look:
    """Fit the clicked particles twice: alone, and then without the pixels that belong to their neighbours."""
    alone = simplest(first_looks(clicked.clicks, radii, candidates(kind)), noise)
    _refuse_nothing(alone, noise, len(clicked.clicks))
    known = count(alone, [*clicked.frames, *clicked.following], noise).beside(alone)
    models = [Model.of(components, alone.radius) for components in candidates(kind)]
    beside = simplest([known.again(model) for model in models], noise)
    look = with_ellipticity(beside if beside.fits else alone, noise)
    _refuse_size(look.radius, radii)
    _warn_of_others(look, len(clicked.clicks))
    return look


def _refuse_nothing(look: Look, noise: float, number: int) -> None:
    if look.explained < _LEAST_EVIDENCE * noise**2:
        where = "the click" if number == 1 else f"the {number} clicks"
        raise SettingsError(
            f"There is nothing but noise at {where}. Click within 4 px of the centres of particles that stand out."
        )


def _refuse_size(radius: float, radii: np.ndarray) -> None:
    if not is_usual(radius, radii):
        low, high = 4 * radii[0], 4 * radii[-1]
        raise SettingsError(
            f"Expected particles {low:.0f} to {high:.0f} px wide, but what is at the clicks looks {4 * radius:.0f} px "
            "wide. Click on the centres of particles, and give a diameter if they are of unusual size."
        )


def _warn_of_others(look: Look, number: int) -> None:
    if look.odd:
        usual, other = ("bright", "dark") if look.peak > 0 else ("dark", "bright")
        sentence = (
            f"Left out {look.odd} of {number} clicks because what is there is {other}, and {usual} at the others. "
            "Click one kind at a time."
        )
        warnings.warn(sentence, GrowtrackWarning, stacklevel=5)


def _scale(peak: float, level: float, full_scale: float) -> Scale:
    """Bring particles and background to where networks are grown.

    By the film's own full scale where that does, else from its zero, else by neither.
    """
    if _suits(peak / full_scale, level / full_scale):
        return Scale(full_scale, 0.0)
    scale, background = _BRIGHT if peak > 0 else _DARK
    unit = peak / scale
    return Scale(unit, 0.0 if _suits(scale, level / unit) else level - background * unit)


def _suits(peak: float, level: float) -> bool:
    least, most = _LEVELS
    return _PEAKS[0] <= abs(peak) <= _PEAKS[1] and least <= level <= most and 0 <= level + peak <= _BRIGHTEST
