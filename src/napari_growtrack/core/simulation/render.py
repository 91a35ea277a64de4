"""Turn the numbers of a picture into pixels (thesis 3.5.1).

A particle is the sum over Bessel orders n of ``I 4 n**2.5 (J_n(d) / d)**2``, with ``d`` the distance from its
centre in units of its radius. The radial profiles are tabulated once, finely enough that reading between two
entries errs by less than 1e-5 of the peak; a compiled loop then adds every particle to every pixel, however far.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np
from scipy.special import jv

from .picture import Picture
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
    image = background(picture)
    intensity = np.ascontiguousarray(picture.intensity, np.float64)
    profiles = _profiles()[: intensity.shape[1]]
    _add_particles(image, picture.positions, picture.radius, picture.ellipticity, picture.angle, intensity, profiles)
    return image


def background(picture: Picture) -> np.ndarray:
    """Return level and gradient of the background, (Y, X) float32, not clipped."""
    height, width = picture.shape
    y = np.arange(height) - (height - 1) / 2
    x = np.arange(width) - (width - 1) / 2
    slope = picture.gradient / (np.sqrt(2) * max(height, width))
    tilt = x[None, :] * np.sin(picture.gradient_angle) + y[:, None] * np.cos(picture.gradient_angle)
    return (picture.background + slope * tilt).astype(np.float32)


def expose(image: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera sees of a noise-free image: ``poisson(image snr**2) / snr**2``, float32."""
    return (rng.poisson(np.asarray(image, np.float64) * snr**2) / snr**2).astype(np.float32)


def simulate_frame(picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """Render a picture and expose it, (Y, X) float32."""
    return expose(render(picture), picture.snr, rng)


def profile(order: int, distance: np.ndarray) -> np.ndarray:
    """Return ``4 n**2.5 (J_n(d) / d)**2`` at distances given in radii."""
    d = np.hypot(distance, 1e-3)
    return 4 * order**2.5 * (jv(order, d) / d) ** 2


@cache
def _profiles() -> np.ndarray:
    """Return the table of radial profiles, (orders, distances)."""
    distance = np.arange(_REACH * _PER_RADIUS + 2) / _PER_RADIUS
    return np.stack([profile(order, distance) for order in range(1, MAX_ORDER + 1)]).astype(np.float32)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_particles(image, positions, radius, ellipticity, angle, intensity, profiles):  # type: ignore[no-untyped-def]
    height, width = image.shape
    last = profiles.shape[1] - 2
    for p in range(positions.shape[0]):
        scale = _PER_RADIUS / radius[p]
        cos, sin, squeeze = np.cos(angle[p]), np.sin(angle[p]), 1.0 / ellipticity[p]
        for i in range(height):
            dy = i - positions[p, 0]
            for j in range(width):
                dx = j - positions[p, 1]
                along = (cos * dx + sin * dy) * squeeze
                across = cos * dy - sin * dx
                at = np.float32(np.sqrt(along * along + across * across) * scale)
                k = int(at)
                if k < last:
                    part = at - np.float32(k)
                    for n in range(intensity.shape[1]):
                        if intensity[p, n] != 0.0:
                            table = profiles[n]
                            image[i, j] += intensity[p, n] * (table[k] + part * (table[k + 1] - table[k]))
    for i in range(height):
        for j in range(width):
            image[i, j] = min(max(image[i, j], np.float32(0.0)), np.float32(1.0))
