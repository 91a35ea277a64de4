"""Trajectories of known motion without any pixel: what linking and motion are tested and measured with."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.linalg import cholesky, toeplitz


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
    table = _table(paths + rng.normal(0, 1, paths.shape) * error)
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
    return _table(seen[:, None])


def fractional_paths(
    rng: np.random.Generator,
    particles: int,
    frames: int,
    exponent: float,
    error: float = 0.0,
    open_share: float = 0.0,
    parts: int = 12,
) -> pd.DataFrame:
    """Simulate fractional Brownian motion with a mean square displacement of 1 px² along an axis after a frame.

    Parameters
    ----------
    rng : numpy.random.Generator
    particles, frames : int
    exponent : float
        1 for diffusion.
    error : float
        Localisation error along an axis, in pixels.
    open_share : float
        Of a frame in which the shutter is open.
    parts : int
        Of a frame: a place is the mean over those in which the shutter is open, simulated one by one.

    Returns
    -------
    DataFrame
        ``frame, y, x, particle``, sorted by frame.
    """
    parts = parts if open_share else 1
    chance = rng.normal(0, 1, (frames * parts, particles, 2))
    fine = np.tensordot(_fractional_factor(frames * parts, exponent), chance, 1)
    places = fine.cumsum(0).reshape(frames, parts, particles, 2) * parts ** (-exponent / 2)
    return _seen(rng, places, error, open_share)


@lru_cache(maxsize=4)
def _fractional_factor(number: int, exponent: float) -> np.ndarray:
    """Return what makes steps of fractional motion out of independent ones."""
    spread = np.arange(number + 1.0) ** exponent
    return cholesky(toeplitz(np.append(1.0, (spread[2:] + spread[:-2] - 2 * spread[1:-1]) / 2)), lower=True)


def confined_paths(
    rng: np.random.Generator,
    particles: int,
    frames: int,
    diffusion: float,
    radius: float,
    error: float = 0.0,
    open_share: float = 0.0,
    parts: int = 24,
) -> pd.DataFrame:
    """Simulate particles that diffuse in round rooms with a wall, each in its own, all at the same place.

    Parameters
    ----------
    rng : numpy.random.Generator
    particles, frames : int
    diffusion : float
        Diffusion coefficient in px²/frame.
    radius : float
        Of the rooms, in pixels.
    error : float
        Localisation error along an axis, in pixels.
    open_share : float
        Of a frame in which the shutter is open.
    parts : int
        Of a frame, simulated one by one: at a wall a step is turned back, which needs short ones.

    Returns
    -------
    DataFrame
        ``frame, y, x, particle``, sorted by frame.
    """
    angle, far = rng.uniform(0, 2 * np.pi, particles), radius * np.sqrt(rng.random(particles))
    now, fine = np.stack([far * np.sin(angle), far * np.cos(angle)], 1), np.empty((frames, parts, particles, 2))
    spread = np.sqrt(2 * diffusion / parts)
    for frame, part in np.ndindex(frames, parts):
        now = now + rng.normal(0, spread, now.shape)
        away = np.hypot(*now.T)[:, None]
        now = np.where(away > radius, now * (2 * radius - away) / np.maximum(away, radius), now)
        fine[frame, part] = now
    return _seen(rng, fine, error, open_share)


def switching_paths(
    rng: np.random.Generator,
    particles: int,
    frames: int,
    diffusion: tuple[float, ...],
    switching: float,
    error: float = 0.0,
    open_share: float = 0.0,
) -> pd.DataFrame:
    """Simulate particles that switch between states of diffusion from frame to frame.

    Parameters
    ----------
    rng : numpy.random.Generator
    particles, frames : int
    diffusion : tuple of float
        Diffusion coefficient in each state, in px²/frame.
    switching : float
        Probability of going over to each other state, a frame. All states are as frequent.
    error : float
        Localisation error along an axis, in pixels.
    open_share : float
        Of a frame in which the shutter is open; a place is the mean over that time.

    Returns
    -------
    DataFrame
        ``frame, y, x, particle, true_state``, sorted by frame.
    """
    states = np.empty((frames, particles), int)
    states[0] = rng.integers(0, len(diffusion), particles)
    for now in range(1, frames):
        others = (states[now - 1] + rng.integers(1, max(len(diffusion), 2), particles)) % len(diffusion)
        leaves = rng.random(particles) < switching * (len(diffusion) - 1)
        states[now] = np.where(leaves, others, states[now - 1])
    spread = np.sqrt(2 * np.array(diffusion))[states][..., None]
    moves, bends = spread * rng.normal(0, 1, (frames, particles, 2)), rng.normal(0, 1, (frames, particles, 2))
    blur = moves * open_share / 2 + spread * np.sqrt(open_share / 3 - open_share**2 / 4) * bends
    seen = moves.cumsum(0) - moves + blur + rng.normal(0, 1, moves.shape) * error
    return _table(seen).assign(true_state=states.ravel())


def _seen(rng: np.random.Generator, fine: np.ndarray, error: float, open_share: float) -> pd.DataFrame:
    """Return what is seen of places (frames, parts, particles, 2): the mean over open parts, with the error of it."""
    places = fine[:, : max(round(open_share * fine.shape[1]), 1)].mean(1)
    return _table(places + rng.normal(0, 1, places.shape) * error)


def _table(places: np.ndarray) -> pd.DataFrame:
    """Return places (frames, particles, 2) as a table ``frame, y, x, particle``, sorted by frame."""
    frame, particle = np.indices(places.shape[:2]).reshape(2, -1)
    return pd.DataFrame(
        {"frame": frame, "y": places[..., 0].ravel(), "x": places[..., 1].ravel(), "particle": particle}
    )
