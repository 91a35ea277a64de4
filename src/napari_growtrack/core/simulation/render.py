"""Turn the numbers of a picture into pixels (thesis 3.5.1).

A particle is a sum of profiles, see `shapes`, each over the distance from its centre in units of its radius. They are
tabulated once, finely enough that reading between two entries errs by less than 1e-5 of the peak; a compiled loop then
adds every particle to every pixel that sees it. Where a shape is averaged over pixels, nine points of each pixel are
read (Gauss and Legendre's, three a side), which errs by less than 1e-4 of the peak from a sigma of 0.7 px on.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..errors import SettingsError
from ..packages.compiling import numba
from .backdrop import shade, weave
from .codec import compress
from .drawing import Light, Numbers, Particles, Stage
from .linked import linked
from .picture import Picture
from .poisson import Tables, count_photons, tables
from .sensor import COUNTS, GAIN, MULTIPLICATION, OFFSET, fill_maps, read_out
from .shapes import Component
from .shapes.base import NODES, WEIGHTS
from .shapes.bessel import profile

__all__ = ["background", "expose", "paint", "profile", "profiles", "render", "simulate_frame", "take"]

_PER_RADIUS = 128
_REACH = 256
_PAIR = np.array([-0.5, 0.5]) / np.sqrt(3)
_HALVES = np.array([0.5, 0.5])
"""The same for two points a side, which do where a path blurs as well."""
_BLURRED = 6.0
"""Radii within which a particle's light is averaged over its path, where it never ends."""

Profiles = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Tables of profiles that end with zeros, (components, distances) float32; how far each is seen, in radii; and whether
it is averaged over pixels."""


def render(picture: Picture) -> np.ndarray:
    """Return the noise-free image.

    Returns
    -------
    ndarray (Y, X) float32
        Intensities clipped to [0, 1].
    """
    image = np.empty(picture.shape, np.float32)
    paint(image, picture.numbers, profiles(picture.components), linked())
    return image


def background(picture: Picture) -> np.ndarray:
    """Return level, gradient and texture of the background, (Y, X) float32, not clipped."""
    image = np.empty(picture.shape, np.float32)
    _, _, light, _, stage, _ = picture.numbers
    _lay_background(image, light, stage, linked())
    return image


def brightness(picture: Picture) -> np.ndarray:
    """Return how bright the light is at each pixel, (Y, X) float32: 1, and less towards corners."""
    image = np.ones(picture.shape, np.float32)
    if picture.stage[0] > 0:
        _shade(image, picture.stage[0], linked())
    return image


def sensor_maps(picture: Picture) -> np.ndarray:
    """Return what the pixels of its sensor are like, (4, Y, X) float32; see `sensor`."""
    maps = np.empty((4, *picture.shape), np.float32)
    _fill_maps(maps, picture.sensor, picture.stage[-1], linked())
    return maps


@numba.njit(nogil=True, cache=True)
def _shade(image: np.ndarray, vignetting: float, linked: np.ndarray) -> None:
    shade(image, vignetting)


@numba.njit(nogil=True, cache=True)
def _fill_maps(maps: np.ndarray, sensor: np.ndarray, key: float, linked: np.ndarray) -> None:
    fill_maps(maps, sensor, key)


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
    """Render a picture and expose it, (Y, X) float32, in units of intensity, or in counts of its camera."""
    image = render(picture)
    maps = np.empty((4, *picture.shape), np.float32)
    take(image, picture.numbers, maps, tables(), linked(), rng)
    return image


@numba.njit(nogil=True, cache=True)
def take(
    image: np.ndarray,
    numbers: Numbers,
    maps: np.ndarray,
    tables: Tables,
    linked: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Turn a noise-free image into what is in a film; `maps` is room for those of its sensor, (4, Y, X) float32."""
    _, _, _, snr, stage, sensor = numbers
    _, _, _, _, compression, key = stage
    photons = snr**2
    if sensor[COUNTS] > 0:
        fill_maps(maps, sensor, key)
        read_out(image, photons, sensor, maps, tables, rng)
    else:
        pixels = image.reshape(-1)
        count_photons(pixels, photons, pixels, tables, rng)
    if compression > 0:
        black, white = 0.0, 1.0
        if sensor[COUNTS] > 0:
            black, white = sensor[OFFSET], sensor[OFFSET] + photons * sensor[GAIN] * sensor[MULTIPLICATION]
        compress(image, compression, black, white)


@cache
def profiles(components: tuple[Component, ...]) -> Profiles:
    """Return what compiled code reads profiles from."""
    distance = np.arange(_REACH * _PER_RADIUS) / _PER_RADIUS
    table = np.stack([component.profile.values(distance) for component in components])
    seen = np.array([component.profile.seen for component in components])
    integrated = np.array([component.integrated for component in components])
    return np.pad(table, ((0, 0), (0, 2))).astype(np.float32), seen, integrated


@numba.njit(nogil=True, cache=True)
def paint(image: np.ndarray, numbers: Numbers, profiles: Profiles, linked: np.ndarray) -> None:
    """Fill an image, (Y, X) float32, with background and particles, clipped to [0, 1]."""
    particles, _, light, _, stage, _ = numbers
    _lay_background(image, light, stage, linked)
    _add_particles(image, particles, profiles)
    if stage[0] > 0:
        shade(image, stage[0])
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            image[i, j] = min(max(image[i, j], np.float32(0.0)), np.float32(1.0))


@numba.njit(nogil=True, cache=True)
def _lay_background(image: np.ndarray, light: Light, stage: Stage, linked: np.ndarray) -> None:
    height, width = image.shape
    background, gradient, angle = light
    slope = gradient / (np.sqrt(2.0) * max(height, width))
    down, right = slope * np.cos(angle), slope * np.sin(angle)
    for i in range(height):
        level = background + down * (i - (height - 1) / 2)
        for j in range(width):
            image[i, j] = level + right * (j - (width - 1) / 2)
    _, texture, size, _, _, key = stage
    if texture > 0:
        weave(image, texture, size, key)


@numba.njit(nogil=True, cache=True)
def _add_particles(image: np.ndarray, particles: Particles, profiles: Profiles) -> None:
    """Add particles, each along its path, and those that are averaged over pixels from nine points of each."""
    positions, radius, ellipticity, angle, intensity, paths = particles
    _, seen, integrated = profiles
    for p in range(len(radius)):
        reach, points = 0.0, 1
        for n in range(intensity.shape[1]):
            if intensity[p, n] != 0:
                reach, points = max(reach, seen[n]), 3 if integrated[n] else 1
        looks = radius[p], ellipticity[p], angle[p]
        farthest = reach * radius[p] * max(ellipticity[p], 1.0)
        if not paths.shape[1]:
            _add_one(image, positions[p], looks, intensity[p], farthest, points, profiles[0])
            continue
        near = farthest if reach < np.inf else _BLURRED * radius[p] * max(ellipticity[p], 1.0)
        if near < farthest:  # far away its light hardly changes along its path, and there is much of it to be added
            _add_one(image, positions[p], looks, intensity[p], farthest, points, profiles[0])
            _add_one(image, positions[p], looks, -intensity[p], near, points, profiles[0])
        for k in range(paths.shape[1]):
            place, part = positions[p] + paths[p, k], intensity[p] / paths.shape[1]
            _add_one(image, place, looks, part, near, min(points, 2), profiles[0])


@numba.njit(nogil=True, cache=True)
def _add_one(
    image: np.ndarray,
    position: np.ndarray,
    looks: tuple[float, float, float],
    intensity: np.ndarray,
    farthest: float,
    points: int,
    profiles: np.ndarray,
) -> None:
    """Add a particle that stands still."""
    y, x = position
    nodes, weights = (_PAIR, _HALVES) if points == 2 else (NODES, WEIGHTS)
    if points == 1:
        _add_particle(image, y, x, looks, intensity, farthest, profiles)
        return
    for a in range(points):
        for b in range(points):
            share = intensity * (weights[a] * weights[b])
            _add_particle(image, y - nodes[a], x - nodes[b], looks, share, farthest, profiles)


@numba.njit(nogil=True, cache=True)
def _add_particle(
    image: np.ndarray,
    y: float,
    x: float,
    looks: tuple[float, float, float],
    intensity: np.ndarray,
    farthest: float,
    profiles: np.ndarray,
) -> None:
    """Add a particle row by row: first where in the table each pixel reads, then what it reads, for each component."""
    radius, ellipticity, angle = looks
    height, width = image.shape
    top, bottom = max(0.0, np.ceil(y - farthest)), min(height - 1.0, np.floor(y + farthest))
    left, right = max(0.0, np.ceil(x - farthest)), min(width - 1.0, np.floor(x + farthest))
    first, columns = int(left), max(int(right - left) + 1, 0)
    entry, part = np.empty(columns, np.int32), np.empty(columns, np.float32)
    end = np.float32(profiles.shape[1] - 2)
    scale, squeeze = np.float32(_PER_RADIUS / radius), np.float32(1 / ellipticity)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    for i in range(int(top), int(bottom) + 1):
        row, dy = image[i, first : first + columns], np.float32(i - y)
        for j in range(columns):
            dx = np.float32(first + j - x)
            along, across = (cos * dx + sin * dy) * squeeze, cos * dy - sin * dx
            at = min(np.sqrt(along * along + across * across) * scale, end)
            entry[j] = np.int32(at)
            part[j] = at - np.float32(entry[j])
        for n in range(len(intensity)):
            peak, table = np.float32(intensity[n]), profiles[n]
            if peak != 0:
                for j in range(columns):
                    k = np.uint32(entry[j])
                    row[j] += peak * (table[k] + part[j] * (table[k + np.uint32(1)] - table[k]))
