"""Turn the numbers of a picture into pixels (thesis 3.5.1).

A particle is the sum over Bessel orders n of ``I 4 n**2.5 (J_n(d) / d)**2``, with ``d`` the distance from its
centre in units of its radius. The radial profiles are tabulated once, finely enough that reading between two
entries errs by less than 1e-5 of the peak; a compiled loop then adds every particle to every pixel, however far.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import jv

from ..errors import SettingsError
from ..packages.compiling import numba
from .drawing import Light, Numbers, Particles
from .picture import Picture
from .poisson import count_photons, tables
from .scene import MAX_ORDER

_PER_RADIUS = 128
_REACH = 256


def render(picture: Picture) -> np.ndarray:
    """Return the noise-free image.

    Returns
    -------
    ndarray (Y, X) float32
        Intensities clipped to [0, 1].
    """
    image = np.empty(picture.shape, np.float32)
    paint(image, picture.numbers, profiles())
    return image


def background(picture: Picture) -> np.ndarray:
    """Return level and gradient of the background, (Y, X) float32, not clipped."""
    image = np.empty(picture.shape, np.float32)
    _, _, light, _ = picture.numbers
    _lay_background(image, light)
    return image


def expose(image: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera sees of a noise-free image: ``poisson(image snr**2) / snr**2``, float32.

    Raises
    ------
    SettingsError
        When an intensity is negative or not a number.
    """
    image = np.asarray(image, float)
    if not np.all(image >= 0):
        raise SettingsError(f"Expected intensities of 0 or more, got {image.min():g}. Clip the image first.")
    seen = np.empty(image.shape, np.float32)
    count_photons(image.ravel(), float(snr) ** 2, seen.reshape(-1), tables(), rng)
    return seen


def simulate_frame(picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """Render a picture and expose it, (Y, X) float32."""
    return expose(render(picture), picture.snr, rng)


def profile(order: int, distance: np.ndarray) -> np.ndarray:
    """Return ``4 n**2.5 (J_n(d) / d)**2`` at distances given in radii."""
    d = np.hypot(distance, 1e-3)
    return 4 * order**2.5 * (jv(order, d) / d) ** 2


@cache
def profiles() -> np.ndarray:
    """Return the table of radial profiles, (orders, distances) float32, that ends with zeros."""
    distance = np.arange(_REACH * _PER_RADIUS) / _PER_RADIUS
    table = np.stack([profile(order, distance) for order in range(1, MAX_ORDER + 1)])
    return np.pad(table, ((0, 0), (0, 2))).astype(np.float32)


@numba.njit(nogil=True, cache=True)
def paint(image: np.ndarray, numbers: Numbers, profiles: np.ndarray) -> None:
    """Fill an image, (Y, X) float32, with background and particles, clipped to [0, 1]."""
    particles, _, light, _ = numbers
    _lay_background(image, light)
    _add_particles(image, particles, profiles)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            image[i, j] = min(max(image[i, j], np.float32(0.0)), np.float32(1.0))


@numba.njit(nogil=True, cache=True)
def _lay_background(image: np.ndarray, light: Light) -> None:
    height, width = image.shape
    background, gradient, angle = light
    slope = gradient / (np.sqrt(2.0) * max(height, width))
    down, right = slope * np.cos(angle), slope * np.sin(angle)
    for i in range(height):
        level = background + down * (i - (height - 1) / 2)
        for j in range(width):
            image[i, j] = level + right * (j - (width - 1) / 2)


@numba.njit(nogil=True, cache=True)
def _add_particles(image: np.ndarray, particles: Particles, profiles: np.ndarray) -> None:
    """Add particles row by row: first where in the table each pixel reads, then what it reads, for each order."""
    positions, radius, ellipticity, angle, intensity = particles
    height, width = image.shape
    entry, part = np.empty(width, np.int32), np.empty(width, np.float32)
    end = np.float32(profiles.shape[1] - 2)
    for p in range(len(radius)):
        scale, squeeze = np.float32(_PER_RADIUS / radius[p]), np.float32(1 / ellipticity[p])
        cos, sin = np.float32(np.cos(angle[p])), np.float32(np.sin(angle[p]))
        for i in range(height):
            row, dy = image[i], np.float32(i - positions[p, 0])
            for j in range(width):
                dx = np.float32(j - positions[p, 1])
                along, across = (cos * dx + sin * dy) * squeeze, cos * dy - sin * dx
                at = min(np.sqrt(along * along + across * across) * scale, end)
                entry[j] = np.int32(at)
                part[j] = at - np.float32(entry[j])
            for n in range(intensity.shape[1]):
                peak, table = np.float32(intensity[p, n]), profiles[n]
                if peak != 0:
                    for j in range(width):
                        k = np.uint32(entry[j])
                        row[j] += peak * (table[k] + part[j] * (table[k + np.uint32(1)] - table[k]))
