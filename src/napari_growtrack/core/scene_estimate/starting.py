"""Find where to begin fitting: radii that explain most of what is around the clicks, and the places that do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from ..errors import SettingsError
from ..simulation.shapes import Component
from .crops import Click, crop
from .fitting import tolerance
from .looking import Look, look_at
from .model import Components, Model

_USUAL = tuple(np.geomspace(1, 12, 9))
_DIFFRACTION_LIMITED = (0.5, 0.7)
"""Radii of spots 2 and 3 px wide, which optics draw and pixels still show."""
_MISJUDGED = 1.6
_MOST_STARTS = 3
_EXTENT = 4


class _Start(NamedTuple):
    """A model to begin with, places (n, 2), and how much of the pixels' squares particles there would explain."""

    model: Model
    places: np.ndarray
    score: float


class _Patches(NamedTuple):
    """Squares around clicks, as spectra (n, size, size // 2 + 1); the pixel of a click is `half` from their edge."""

    spectra: np.ndarray
    size: int
    half: int
    clicked: np.ndarray


def radii_to_try(diameter: float | None, side: int) -> np.ndarray:
    """Return radii in pixels, from least to greatest, around a known diameter or of all usual particles.

    Raises
    ------
    SettingsError
        When particles so wide are not seen on frames of that side.
    """
    if diameter is None:
        return np.array([*_DIFFRACTION_LIMITED, *_USUAL])
    if not 1 <= diameter <= side:
        raise SettingsError(f"Expected a diameter from 1 px to the side of a frame, got {diameter:g}.")
    return diameter / 4 * np.geomspace(0.7, 1.4, 3)


def is_usual(radius: float, radii: np.ndarray) -> bool:
    """Tell whether a fitted radius is among those to be tried, or about so."""
    return bool(radii[0] / _MISJUDGED <= radius <= radii[-1] * _MISJUDGED)


def first_looks(clicks: Sequence[Click], radii: np.ndarray, candidates: Sequence[Components]) -> list[Look]:
    """Fit each set of profiles from where it explains most."""
    patches = _patches(clicks, radii[-1])
    starts = zip(*(_starts(patches, float(radius), candidates) for radius in radii), strict=True)
    return [_best_look(clicks, _tops(some), radii) for some in starts]


def _best_look(clicks: Sequence[Click], starts: Sequence[_Start], radii: np.ndarray) -> Look:
    looks = [look_at(clicks, start.places, start.model) for start in starts]
    usual = [look for look in looks if look.fits and is_usual(look.radius, radii)]
    return max(usual, key=lambda look: look.evidence, default=Look(starts[0].model, []))


def _tops(starts: Sequence[_Start]) -> list[_Start]:
    """Return those that score higher than the radii before and after them, best first."""
    scores = np.array([-np.inf, *(start.score for start in starts), -np.inf])
    are_tops = (scores[1:-1] >= scores[:-2]) & (scores[1:-1] >= scores[2:])
    tops = [start for start, is_top in zip(starts, are_tops, strict=True) if is_top]
    return sorted(tops, key=lambda start: -start.score)[:_MOST_STARTS]


def _patches(clicks: Sequence[Click], widest: float) -> _Patches:
    half = int(np.ceil(_EXTENT * widest)) + tolerance(widest)
    squares = np.stack([crop(click.frame, click.place, 2 * half + 1) for click in clicks]).astype(np.float32)
    squares -= np.median(squares, axis=(1, 2), keepdims=True)
    size = next_fast_len(2 * half + 1, real=True)
    clicked = np.rint([click.place for click in clicks])
    return _Patches(rfft2(squares, (size, size)), size, half, clicked)


def _starts(patches: _Patches, radius: float, candidates: Sequence[Components]) -> list[_Start]:
    """Return where particles of some radius explain most, for each set of profiles."""
    off = tolerance(radius)
    near = slice(patches.half - off, patches.half + off + 1)
    energies = [energy[:, near, near] for energy in _energies(patches, radius, candidates)]
    return [_start(patches, radius, *each) for each in zip(candidates, energies, strict=True)]


def _start(patches: _Patches, radius: float, components: Components, energy: np.ndarray) -> _Start:
    flat = energy.reshape(len(energy), -1)
    best = np.stack(np.unravel_index(flat.argmax(1), energy.shape[1:]), 1) - energy.shape[1] // 2
    return _Start(Model.of(components, radius), patches.clicked + best, float(np.median(flat.max(1))))


def _energies(patches: _Patches, radius: float, candidates: Sequence[Components]) -> list[np.ndarray]:
    """Return how much a particle of each set of profiles would explain, was each pixel its centre, (n, size, size).

    That is what each profile explains that those before it in the set do not.
    """
    reach = int(np.ceil(_EXTENT * radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(rows, columns)
    inside = distance <= reach

    @cache
    def alone(component: Component) -> np.ndarray:
        light = component.profile.values(distance[inside] / radius)
        return light - light.mean()

    @cache
    def explained(components: Components) -> np.ndarray:
        """Return what the last of some profiles explains beside the others."""
        rest = np.linalg.qr(np.stack([alone(component) for component in components], 1))[0][:, -1]
        return _squares(patches, rows[inside], columns[inside], rest)

    return [np.add.reduce([explained(some[: n + 1]) for n in range(len(some))]) for some in candidates]


def _squares(patches: _Patches, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Correlate patches with values at places around each pixel, and square that."""
    shape = (patches.size, patches.size)
    kernel = np.zeros(shape, np.float32)
    kernel[-rows, -columns] = values
    return irfft2(patches.spectra * rfft2(kernel), shape) ** 2
