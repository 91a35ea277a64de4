"""Enlarge frames for networks that know particles of another size, and carry points to and fro.

Pixels are areas: pixel 0 reaches from -0.5 to 0.5, and a frame's corner stays its corner at any zoom.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def enlarge(frame: np.ndarray, zoom: float) -> np.ndarray:
    """Resample a frame with cubic splines; one to be shrunk is smoothed first, so that its noise does not alias.

    Parameters
    ----------
    frame : ndarray (Y, X)
    zoom : float
        How many times larger; below 1 it shrinks.

    Returns
    -------
    ndarray (ceil(zoom * Y), ceil(zoom * X))
        Its pixel ``i`` is at ``(i + 0.5) / zoom - 0.5`` of the frame. At zoom 1
        the frame itself.
    """
    if zoom == 1:
        return frame
    if zoom < 1:
        frame = ndimage.gaussian_filter(frame, (1 / zoom - 1) / 2, mode="mirror")
    shape = tuple(np.ceil(zoom * np.array(frame.shape) - 1e-6).astype(int))
    return ndimage.affine_transform(
        frame, (1 / zoom, 1 / zoom), offset=0.5 / zoom - 0.5, output_shape=shape, order=3, mode="mirror"
    )


def to_network(points: np.ndarray, zoom: float) -> np.ndarray:
    """Carry points from pixels of the film to pixels of the enlarged frame."""
    return (points + 0.5) * zoom - 0.5


def to_film(points: np.ndarray, zoom: float) -> np.ndarray:
    """Carry points from pixels of the enlarged frame back to pixels of the film."""
    return (points + 0.5) / zoom - 0.5


def on_frame(points: np.ndarray, size: np.ndarray | tuple[int, ...]) -> np.ndarray:
    """Tell which points (n, 2) lie on a frame of some height and width, which need not be whole, (n,)."""
    return np.all((points >= -0.5) & (points <= np.asarray(size) - 0.5), axis=1)
