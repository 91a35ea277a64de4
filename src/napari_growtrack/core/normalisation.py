"""Bring frames of any camera to one scale; the same function serves training and use."""

from __future__ import annotations

from typing import Literal

import numpy as np

Normalisation = Literal["standard", "unit"]
"""``standard``: zero mean, unit spread of the whole frame. ``unit``: 0 to 1 by the number type's full scale."""


def normalise(frame: np.ndarray, how: Normalisation = "standard", full_scale: float = 1.0) -> np.ndarray:
    """Return a frame on the scale that networks are trained on.

    Parameters
    ----------
    frame : ndarray (Y, X)
        Intensities in any unit.
    how : {"standard", "unit"}
        ``standard`` takes the mean away and divides by the standard deviation
        of the whole frame, so gain and offset of the camera do not matter. A
        constant frame becomes zeros. ``unit`` divides by the full scale.
    full_scale : float
        The largest intensity the film's number type can hold, 1 for floats; see
        `Stack.full_scale`.

    Returns
    -------
    ndarray (Y, X) float32
    """
    frame = np.asarray(frame, dtype=np.float32)
    if how != "standard":
        return frame / np.float32(full_scale)
    mean = frame.mean(dtype=np.float64)
    centred = frame - np.float32(mean)
    spread = np.sqrt(np.vdot(centred, centred) / frame.size)
    if spread <= 1e-6 * abs(mean):  # constant up to the rounding of float32
        return np.zeros_like(frame)
    centred /= spread
    return centred


def normalise_each(images: np.ndarray, how: Normalisation) -> np.ndarray:
    """Return images (n, Y, X, channels) from 0 to 1, each normalised by itself; see `normalise`."""
    return np.stack([normalise(image, how) for image in images]) if how == "standard" and len(images) else images


def pad(frame: np.ndarray, padding: int | list[tuple[int, int]]) -> np.ndarray:
    """Surround a frame with its own mean, so that windows may reach over its edge.

    Parameters
    ----------
    frame : ndarray (Y, X)
    padding : int or [(above, below), (left, right)]
        Pixels to add.
    """
    return np.pad(frame, padding, constant_values=frame.mean())
