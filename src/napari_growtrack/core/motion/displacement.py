"""Mean square displacements, of each trajectory and of all together."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import MotionError
from ..tables import check
from .units import Units

COLUMNS = ("frame", "y", "x", "particle")
MAX_LAG = 100
"""Frames. Pairs farther apart are few and overlap, so that they tell little that nearer ones do not."""

_DRAWS = 500
"""For the ends of a 95 % band a dozen draws lie beyond each."""


class Track(NamedTuple):
    """A trajectory: its particle, its first frame, and its places ``(y, x)``, one a frame, NaN where it was lost."""

    particle: int
    first: int
    places: np.ndarray


def tracks_of(trajectories: pd.DataFrame) -> list[Track]:
    """Return every trajectory, in pixels.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there is none, or a particle is twice in a frame.
    """
    table = check(trajectories, COLUMNS)
    if not len(table):
        raise MotionError("There are no trajectories to measure. Link detections first, or link shorter ones too.")
    particles, frames, places = (
        table["particle"].to_numpy(),
        table["frame"].to_numpy(),
        table[["y", "x"]].to_numpy(float),
    )
    order = np.lexsort((frames, particles))
    particles, frames, places = particles[order], frames[order], places[order]
    other = np.diff(particles) != 0
    twice = np.flatnonzero(~other & (np.diff(frames) == 0))
    if len(twice):
        particle, frame = particles[twice[0]], frames[twice[0]]
        raise MotionError(
            f"Particle {particle:.0f} is twice in frame {frame:.0f}; expected one place a frame. Link again."
        )
    starts = np.flatnonzero(np.r_[True, other])
    return [
        _track(particles[start], frames[start:end], places[start:end])
        for start, end in pairwise([*starts, len(particles)])
    ]


def _track(particle: float, frames: np.ndarray, places: np.ndarray) -> Track:
    filled = np.full((frames[-1] - frames[0] + 1, 2), np.nan)
    filled[frames - frames[0]] = places
    return Track(int(particle), int(frames[0]), filled)


def more_in_a_row(tracks: list[Track]) -> str:
    """Return what to do where too few places are a frame apart."""
    seen = [np.diff(np.flatnonzero(np.isfinite(track.places[:, 0]))) for track in tracks]
    step = int(np.gcd.reduce(np.concatenate(seen)))
    if step < 2:
        return "Link longer trajectories, or more of them."
    return (
        f"All places are {step} frames apart, as where a film stores each frame {step} times: divide the column "
        f"frame by {step}, and give {step} times the frame time."
    )


class Sums(NamedTuple):
    """Of each track and lag, counted from 1: sums of square displacements, and how many there are, (tracks, lags)."""

    squares: np.ndarray
    pairs: np.ndarray

    def mean(self, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the mean square displacement of some tracks, each pair of places counted once."""
        with np.errstate(invalid="ignore"):
            return self.squares[chosen].sum(0) / self.pairs[chosen].sum(0)


def sums_of(tracks: list[Track], max_lag: int) -> Sums:
    """Return sums of square displacements over all pairs of places that are a lag apart."""
    longest = max(len(track.places) for track in tracks)
    lags = min(max_lag, longest - 1)
    squares, pairs = np.zeros((2, len(tracks), lags))
    for number, track in enumerate(tracks):
        for lag in range(1, min(lags, len(track.places) - 1) + 1):
            square = np.square(track.places[lag:] - track.places[:-lag]).sum(1)
            there = np.isfinite(square)
            squares[number, lag - 1], pairs[number, lag - 1] = square[there].sum(), there.sum()
    return Sums(squares, pairs)


def imsd(trajectories: pd.DataFrame, max_lag: int = MAX_LAG, units: Units | None = None) -> pd.DataFrame:
    """Return the mean square displacement of each trajectory.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    max_lag : int
        Largest lag in frames.
    units : Units, optional
        Pixels and frames by default.

    Returns
    -------
    DataFrame
        A row for each lag, in the unit of time; a column for each particle, in
        the unit of length squared; NaN where a trajectory has no such pair.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does.
    """
    units = units or Units()
    tracks = tracks_of(trajectories)
    squares, pairs = sums_of(tracks, max_lag)
    with np.errstate(invalid="ignore"):
        values = units.pixel**2 * (squares / np.where(pairs > 0, pairs, np.nan)).T
    lags = pd.Index(units.frame * np.arange(1, len(values) + 1), name=f"lag ({units.time})")
    return pd.DataFrame(values, lags, [track.particle for track in tracks])


def emsd(
    trajectories: pd.DataFrame,
    max_lag: int = MAX_LAG,
    units: Units | None = None,
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """Return the mean square displacement of all trajectories together, with a 95 % band.

    Every pair of places counts alike, so long trajectories count more. The band
    is that of trajectories drawn again with replacement; it is NaN for fewer than three.

    Parameters
    ----------
    trajectories, max_lag, units
        As for `imsd`.
    rng : numpy.random.Generator, optional
        For the band; by default the same each time.

    Returns
    -------
    DataFrame
        ``lag``, ``msd``, ``low``, ``high`` in the units, and ``pairs``.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does.
    """
    units, rng = units or Units(), rng or np.random.default_rng(0)
    sums = sums_of(tracks_of(trajectories), max_lag)
    low, high = _band(sums, rng)
    scale = units.pixel**2
    return pd.DataFrame(
        {
            "lag": units.frame * np.arange(1, sums.pairs.shape[1] + 1),
            "msd": scale * sums.mean(),
            "low": scale * low,
            "high": scale * high,
            "pairs": sums.pairs.sum(0).astype(int),
        }
    )


def _band(sums: Sums, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    number, lags = sums.pairs.shape
    if number < 3:
        return np.full(lags, np.nan), np.full(lags, np.nan)
    counts = rng.multinomial(number, np.full(number, 1 / number), _DRAWS)
    with np.errstate(invalid="ignore"):
        means = (counts @ sums.squares) / (counts @ sums.pairs)
        low, high = np.nanpercentile(means, (2.5, 97.5), axis=0)
    return low, high
