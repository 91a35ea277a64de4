"""One exposure: particles over a background, its mean image, and how exactly its particles can be located at best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from .cameras import Camera
from .looks import Look

Part = tuple[slice, slice]
"""Rows and columns of a frame."""

_SHIFT = 0.05  # px, of numerical derivatives
_SHIFTS = ((_SHIFT, 0.0), (0.0, _SHIFT))
_DRAWS = 64


@dataclass(frozen=True, eq=False)
class Particle:
    """A particle, or something like one that nobody wants.

    Attributes
    ----------
    y, x : float
        Its mean position over the exposure, in pixels.
    photons : float
        Of its whole light; for bright-field patterns, of the lamp on a pixel.
    look : Look
    wanted : bool
    """

    y: float
    x: float
    photons: float
    look: Look
    wanted: bool = True

    def around(self, shape: tuple[int, int]) -> Part:
        """Return the part of a frame that it reaches."""
        reach = self.look.reach
        parts = [
            slice(max(0, int(np.floor(place - reach))), max(0, min(size, int(np.ceil(place + reach)) + 1)))
            for place, size in zip((self.y, self.x), shape, strict=True)
        ]
        return parts[0], parts[1]

    def drawn(self, part: Part, dy: float = 0.0, dx: float = 0.0) -> np.ndarray:
        """Return its photons on a part of the frame, with its centre shifted."""
        rows, columns = (np.arange(one.start, max(one.start, one.stop), dtype=float) for one in part)
        return self.photons * self.look.on(rows, columns, self.y + dy, self.x + dx)


@dataclass(frozen=True, eq=False)
class Exposure:
    """What there is in a frame.

    Attributes
    ----------
    particles : sequence of Particle
    background : ndarray (Y, X)
        Photons of each pixel without them.
    light : ndarray (Y, X)
        By how much the illumination weakens everything, 0 to 1.
    """

    particles: Sequence[Particle]
    background: np.ndarray
    light: np.ndarray

    @property
    def wanted(self) -> list[Particle]:
        """The particles that are to be found."""
        return [one for one in self.particles if one.wanted]

    def mean(self) -> np.ndarray:
        """Return the mean number of photons on each pixel, (Y, X)."""
        photons = self.background.astype(float)
        for one in self.particles:
            part = one.around(photons.shape)
            photons[part] += one.drawn(part)
        return np.maximum(self.light * photons, 0.0)

    def without_particles(self) -> Exposure:
        """Return the same with nothing in it."""
        return Exposure((), self.background, self.light)

    def covariances(self, camera: Camera) -> np.ndarray:
        """Return the least covariance of y and x of each wanted particle, (n, 2, 2) in px², by Cramér and Rao.

        Positions of all of them are unknown together; brightness, background and
        the camera's numbers are known.
        """
        parts, slopes = self._slopes(camera)
        information = np.zeros((len(parts), 2, len(parts), 2))
        for i, j in combinations_with_replacement(range(len(parts)), 2):
            if (common := _common(parts[i], parts[j])) is not None:
                mine, theirs = (slopes[k][:, *_within(common, parts[k])] for k in (i, j))
                block = np.einsum("ayx,byx->ab", mine, theirs)
                information[i, :, j], information[j, :, i] = block, block.T
        size = 2 * len(parts)
        covariance = np.linalg.inv(information.reshape(size, size)).reshape(information.shape)
        return np.stack([covariance[i, :, i] for i in range(len(parts))]) if parts else np.zeros((0, 2, 2))

    def _slopes(self, camera: Camera) -> tuple[list[Part], list[np.ndarray]]:
        """Return where each wanted particle is drawn, and how its pixels change with its place, in units of noise."""
        shape, scale = self.background.shape, self.light / np.sqrt(camera.variance(self.mean()))
        parts = [one.around(shape) for one in self.wanted]
        slopes = [
            scale[part]
            / (2 * _SHIFT)
            * np.stack([one.drawn(part, *shift) - one.drawn(part, *np.negative(shift)) for shift in _SHIFTS])
            for one, part in zip(self.wanted, parts, strict=True)
        ]
        return parts, slopes


def _common(one: Part, other: Part) -> Part | None:
    """Return where two parts of a frame overlap."""
    rows, columns = (slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _within(part: Part, whole: Part) -> Part:
    """Return a part as seen from the corner of another."""
    rows, columns = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(part, whole, strict=True))
    return rows, columns


def median_radius(covariances: np.ndarray) -> float:
    """Return the median distance of normal errors of these covariances, (n, 2, 2), from 0, all particles together."""
    if not len(covariances):
        return float("nan")
    draws = np.random.default_rng(0).normal(size=(len(covariances), _DRAWS, 2))
    errors = draws @ np.linalg.cholesky(covariances).transpose(0, 2, 1)
    return float(np.median(np.hypot(errors[..., 0], errors[..., 1])))
