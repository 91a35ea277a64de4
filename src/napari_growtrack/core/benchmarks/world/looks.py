"""What a particle looks like through a microscope: its light on each pixel, integrated over the pixel's square.

Nothing here is shared with the simulation that networks are grown on. A look answers one question: which share of its
light, or for bright-field patterns which contrast, falls on each pixel of some rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

import numpy as np
from scipy.special import erf, i0e, j0, j1

_ZERO = 3.8317059702  # first zero of J1
_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(5))
_STEP = 0.02  # px, of radial tables


class Look(Protocol):
    """What a particle looks like.

    Attributes
    ----------
    reach : float
        How far from its centre it is drawn, in pixels.
    """

    @property
    def reach(self) -> float:
        """How far from its centre it is drawn, in pixels."""

    def on(self, rows: np.ndarray, columns: np.ndarray, y: float, x: float) -> np.ndarray:
        """Return the share of its light on pixels, (rows, columns), with its centre at `y`, `x`."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Many small Gaussians of one width: a spot, a smeared spot, a rod.

    Attributes
    ----------
    sigma : float
        In pixels.
    offsets : ndarray (k, 2)
        Where they lie around the centre, y and x in pixels.
    weights : ndarray (k,)
        Their shares, together 1.
    """

    sigma: float
    offsets: np.ndarray = field(default_factory=lambda: np.zeros((1, 2)))
    weights: np.ndarray = field(default_factory=lambda: np.ones(1))

    @property
    def reach(self) -> float:
        """How far from its centre it is drawn, in pixels."""
        return float(6 * self.sigma + np.abs(self.offsets).max())

    def on(self, rows: np.ndarray, columns: np.ndarray, y: float, x: float) -> np.ndarray:
        """Return the share of its light on pixels; see `Look`."""
        along_y = in_pixels(rows[None, :] - (y + self.offsets[:, :1]), self.sigma)
        along_x = in_pixels(columns[None, :] - (x + self.offsets[:, 1:]), self.sigma)
        return (along_y * self.weights[:, None]).T @ along_x


@dataclass(frozen=True, eq=False)
class Radial:
    """A round particle by a table of its light against the distance from the centre.

    Attributes
    ----------
    values : ndarray (n,)
        Light on a square pixel's area, every 0.02 px.
    """

    values: np.ndarray

    @property
    def reach(self) -> float:
        """How far from its centre it is drawn, in pixels."""
        return _STEP * (len(self.values) - 1)

    def on(self, rows: np.ndarray, columns: np.ndarray, y: float, x: float) -> np.ndarray:
        """Return the share of its light on pixels, by 5 x 5 points of Gauss and Legendre on each; see `Look`."""
        fine_y = (rows[:, None] + _NODES - y).ravel()
        fine_x = (columns[:, None] + _NODES - x).ravel()
        far = np.hypot(fine_y[:, None], fine_x[None, :]) / _STEP
        fine = np.interp(far, np.arange(len(self.values)), self.values, right=0.0)
        shaped = fine.reshape(len(rows), len(_NODES), len(columns), len(_NODES))
        return np.einsum("ryxc,y,c->rx", shaped, _WEIGHTS, _WEIGHTS)


def in_pixels(offsets: np.ndarray, sigma: float) -> np.ndarray:
    """Return the share of a normal distribution between the edges of pixels at some offsets from its mean."""
    edge = sigma * np.sqrt(2)
    return (erf((offsets + 0.5) / edge) - erf((offsets - 0.5) / edge)) / 2


# Optics ---------------------------------------------------------------------------------------------------------------


@cache
def gaussian(sigma: float) -> Cloud:
    """Return a Gaussian spot."""
    return Cloud(sigma)


@cache
def airy(zero: float, defocus: float = 0.0, reach: float = 26.0) -> Radial:
    """Return a point through a round pupil, in focus or out of it.

    Parameters
    ----------
    zero : float
        Radius of the first dark ring in focus, in pixels.
    defocus : float
        Phase at the pupil's edge against its middle, in radians (u / 2 of Born and Wolf).
    reach : float
        In pixels.
    """
    k = _ZERO / zero
    return Radial(k**2 / (4 * np.pi) * np.abs(_wave(k, defocus, reach)) ** 2)


@cache
def bright_field(zero: float, defocus: float, radius: float, contrast: float, reach: float = 30.0) -> Radial:
    """Return the contrast of a transparent bead in bright field: the lamp's wave meets the one the bead scatters.

    A lamp's many colours are summed: far rings fade.

    Parameters
    ----------
    zero, defocus, reach : float
        As of `airy`.
    radius : float
        Of the bead, in pixels.
    contrast : float
        Strength of the scattered wave in the middle, in focus, against the lamp's.
    """
    total = np.zeros(round(reach / _STEP) + 1)
    shades = np.linspace(0.92, 1.08, 7)
    for shade in shades:
        scattered = 1j * contrast * _wave(_ZERO / (zero * shade), defocus / shade, reach, radius)
        total += np.abs(1 + scattered) ** 2 - 1
    fade = np.clip((reach - _STEP * np.arange(len(total))) / 6, 0, 1)
    return Radial(total / len(shades) * np.sin(fade * np.pi / 2) ** 2)


def _wave(k: float, defocus: float, reach: float, radius: float = 0.0) -> np.ndarray:
    """Return the wave behind a round pupil, 1 in the middle in focus: Debye's integral, with a bead's form factor."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    rho, weights = (nodes + 1) / 2, weights / 2
    form = np.ones_like(rho) if radius == 0 else 2 * j1(k * rho * radius) / (k * rho * radius)
    pupil = 2 * rho * weights * form * np.exp(1j * defocus * rho**2)
    distances = _STEP * np.arange(round(reach / _STEP) + 1)
    return j0(k * distances[:, None] * rho) @ pupil


# Bodies, each behind a Gaussian blur ----------------------------------------------------------------------------------


@cache
def disc(radius: float, blur: float) -> Radial:
    """Return an evenly bright disc."""
    return _blurred(lambda far: np.ones_like(far), radius, blur)


@cache
def sphere(radius: float, blur: float) -> Radial:
    """Return a sphere filled with dye, seen from above."""
    return _blurred(lambda far: np.sqrt(radius**2 - far**2), radius, blur)


def _blurred(body: Callable[[np.ndarray], np.ndarray], radius: float, blur: float) -> Radial:
    """Return a round body behind a blur, by the integral over its rings."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    ring, weights = radius * (nodes + 1) / 2, radius * weights / 2
    distances = _STEP * np.arange(round((radius + 6 * blur) / _STEP) + 1)[:, None]
    kernel = np.exp(-((distances - ring) ** 2) / (2 * blur**2)) * i0e(distances * ring / blur**2) / blur**2
    light = weights * ring * body(ring)
    return Radial(kernel @ light / (2 * np.pi * light.sum()))


def rod(width: float, aspect: float, angle: float, blur: float) -> Cloud:
    """Return a spherocylinder filled with dye, such as a bacterium, seen from above.

    Parameters
    ----------
    width, blur : float
        Width of the body, and sigma of the blur, in pixels.
    aspect : float
        Length over width.
    angle : float
        Of its long axis against x, in radians.
    """
    radius, half = width / 2, width * (aspect - 1) / 2
    spacing = blur / 3
    along = np.arange(-(half + radius), half + radius + spacing / 2, spacing)
    across = np.arange(-radius, radius + spacing / 2, spacing)
    u, v = (part.ravel() for part in np.meshgrid(along - along.mean(), across - across.mean()))
    depth = radius**2 - v**2 - np.maximum(np.abs(u) - half, 0) ** 2
    u, v, depth = (part[depth > 0] for part in (u, v, depth))
    weights = np.sqrt(depth)
    turned = np.column_stack([u * np.sin(angle) + v * np.cos(angle), u * np.cos(angle) - v * np.sin(angle)])
    return Cloud(blur, turned, weights / weights.sum())


def smeared(sigma: float, path: np.ndarray) -> Cloud:
    """Return a Gaussian spot that moves while the shutter is open: its centre is the mean of its path, (k, 2)."""
    return Cloud(sigma, path - path.mean(0), np.full(len(path), 1 / len(path)))
