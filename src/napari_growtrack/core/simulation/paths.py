"""Trajectories of known motion without any pixel: what linking and motion are tested and measured with."""

from __future__ import annotations

import numpy as np
import pandas as pd


def brownian_paths(
    rng: np.random.Generator,
    particles: int,
    frames: int,
    diffusion: float,
    error: float = 0.0,
    drift: tuple[float, float] = (0.0, 0.0),
    lost: float = 0.0,
    side: float = 300.0,
) -> pd.DataFrame:
    """Simulate Brownian particles that begin anywhere in a square and may leave it.

    Parameters
    ----------
    rng : numpy.random.Generator
    particles, frames : int
    diffusion : float
        Diffusion coefficient in px²/frame.
    error : float
        Localisation error along an axis, in pixels.
    drift : (float, float)
        Along y and x, in px/frame.
    lost : float
        Share of the positions that is missing.
    side : float
        Of the square, in pixels.

    Returns
    -------
    DataFrame
        ``frame, y, x, particle``, sorted by frame.
    """
    steps = rng.normal(0, np.sqrt(2 * diffusion), (frames, particles, 2)) + drift
    paths = steps.cumsum(0) + rng.uniform(0, side, (particles, 2))
    seen = (paths + rng.normal(0, 1, paths.shape) * error).reshape(-1, 2)
    frame, particle = np.indices((frames, particles)).reshape(2, -1)
    table = pd.DataFrame({"frame": frame, "y": seen[:, 0], "x": seen[:, 1], "particle": particle})
    return table[rng.random(len(table)) >= lost].reset_index(drop=True)


def trapped_path(
    rng: np.random.Generator, frames: int, variance: float, time: float, error: float = 0.0
) -> pd.DataFrame:
    """Simulate a bead in a harmonic trap: an Ornstein-Uhlenbeck process.

    Parameters
    ----------
    rng : numpy.random.Generator
    frames : int
    variance : float
        Of the bead's position along an axis, in px²: kT over the stiffness.
    time : float
        Relaxation time in frames.
    error : float
        Localisation error along an axis, in pixels.

    Returns
    -------
    DataFrame
        ``frame, y, x, particle``.
    """
    decay = np.exp(-1 / time)
    places = rng.normal(0, np.sqrt(variance), (frames, 2))
    for t in range(1, frames):
        places[t] = decay * places[t - 1] + np.sqrt(1 - decay**2) * places[t]
    seen = places + rng.normal(0, 1, places.shape) * error
    return pd.DataFrame({"frame": range(frames), "y": seen[:, 0], "x": seen[:, 1], "particle": 0})
