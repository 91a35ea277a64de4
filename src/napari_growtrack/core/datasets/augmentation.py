"""Show every image a little turned, moved, leaned, zoomed and mirrored, so that few images teach as many."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ..packages.compiling import numba
from ..settings import Settings


class Augmentation(Settings):
    """How far images are changed at random; the defaults are those of Chollet's cats and dogs.

    Examples
    --------
    >>> Augmentation(rotation=0, flip=False).zoom
    0.2
    """

    rotation: float = Field(40.0, ge=0, le=180, description="Largest turn to either side, in degrees.")
    shift: float = Field(0.2, ge=0, le=1, description="Largest move along each axis, as a share of the side.")
    shear: float = Field(0.2, ge=0, le=80, description="Largest lean to either side, in degrees.")
    zoom: float = Field(0.2, ge=0, le=0.9, description="Largest change of size, as a share, for each axis by itself.")
    flip: bool = Field(True, description="Mirror half of the images, left to right.")

    @classmethod
    def none(cls) -> Augmentation:
        """Return the augmentation that leaves images as they are."""
        return cls(rotation=0, shift=0, shear=0, zoom=0, flip=False)


def augment(images: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Warp each image by a random map of its own, read between pixels, its edge carried on outwards.

    Parameters
    ----------
    images : ndarray (n, Y, X, C) float32
    settings : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (n, Y, X, C) float32
        New images, whose values stay within the range of the old ones.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    >>> np.array_equal(augment(images, Augmentation.none(), np.random.default_rng(1)), images)
    True
    """
    matrices, shifts = draw_maps(len(images), images.shape[1:3], settings, rng)
    return warp(images, matrices, shifts)


def draw_maps(
    number: int, shape: tuple[int, ...], settings: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the maps of some images: ``old = matrix @ new + shift``, places ``(y, x)`` counted from the centre.

    As in Keras's ImageDataGenerator, a new place is mirrored and zoomed, leaned, moved, and turned last.

    Parameters
    ----------
    number : int
    shape : (Y, X)
    settings : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    matrices : ndarray (number, 2, 2)
    shifts : ndarray (number, 2)
        In pixels.
    """
    turn, lean = np.deg2rad([[settings.rotation], [settings.shear]]) * rng.uniform(-1, 1, (2, number))
    move = settings.shift * np.array(shape) * rng.uniform(-1, 1, (number, 2))
    zoom = 1 + settings.zoom * rng.uniform(-1, 1, (number, 2))
    if settings.flip:
        zoom[:, 1] *= rng.choice([-1, 1], number)
    turning = _matrices([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    leaning = _matrices([[np.cos(lean), np.zeros(number)], [-np.sin(lean), np.ones(number)]])
    return turning @ (leaning * zoom[:, None]), np.einsum("nij,nj->ni", turning, move)


def _matrices(entries: list[list[np.ndarray]]) -> np.ndarray:
    return np.moveaxis(np.array(entries), -1, 0)


def warp(images: np.ndarray, matrices: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Read each image (n, Y, X, C) where its map, as `draw_maps` draws them, sends the places of the new one."""
    images = np.ascontiguousarray(images, np.float32)
    warped = np.empty_like(images)
    _warp(images, np.ascontiguousarray(matrices, np.float64), np.ascontiguousarray(shifts, np.float64), warped)
    return warped


# Blended in double precision: rounding to float32 then never leaves the range of the four pixels.
@numba.njit(nogil=True, cache=True)
def _warp(images, matrices, shifts, warped):  # type: ignore[no-untyped-def]
    number, height, width, channels = images.shape
    bottom, right = height - 1, width - 1
    for n in range(number):
        image, matrix = images[n], matrices[n]
        for i in range(height):
            down = i - bottom / 2
            for j in range(width):
                along = j - right / 2
                y = matrix[0, 0] * down + matrix[0, 1] * along + shifts[n, 0] + bottom / 2
                x = matrix[1, 0] * down + matrix[1, 1] * along + shifts[n, 1] + right / 2
                y, x = min(max(y, 0.0), bottom), min(max(x, 0.0), right)
                above, left = int(y), int(x)
                below, beside = min(above + 1, bottom), min(left + 1, right)
                v, u = y - above, x - left
                for c in range(channels):
                    upper = image[above, left, c] * (1 - u) + image[above, beside, c] * u
                    lower = image[below, left, c] * (1 - u) + image[below, beside, c] * u
                    warped[n, i, j, c] = upper * (1 - v) + lower * v
