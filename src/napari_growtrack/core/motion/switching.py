"""The likelihood of particles that switch between diffusing fast and slowly, seen with noise, blur and gaps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..packages.compiling import numba
from .displacement import Track

_HISTORY = 2
"""States that are told apart at a time: those of the two frames before. With one fewer, slow particles of 0.05
px²/frame beside others of 0.3, with a noise of 0.5 px, come out 6 % too slow instead of 4 %, and a hundredth more
positions get the wrong state; one more takes as many times as long as there are states."""


class Rows(NamedTuple):
    """Trajectories one below another.

    Attributes
    ----------
    places : (rows, 2) array
        One a frame, NaN where it was lost; the first and last of a trajectory are there.
    variances : (rows,) array
        Of the places' localisation, in units of the noise.
    starts : (tracks + 1,) array of int
        The row with which each trajectory begins.
    """

    places: np.ndarray
    variances: np.ndarray
    starts: np.ndarray


class Switching(NamedTuple):
    """States and how particles switch between them, in pixels and frames.

    Attributes
    ----------
    steps : (states,) array
        Mean square displacement along an axis in a frame, 2 D.
    shares : (states,) array
        Of the time spent in each.
    switches : (states, states) array
        Probability of each state in the frame after; rows add up to 1.
    noise : float
        What the places' variances are times.
    open_share : float
        Of a frame in which the shutter is open, from its beginning.
    """

    steps: np.ndarray
    shares: np.ndarray
    switches: np.ndarray
    noise: float
    open_share: float


def rows_of(tracks: list[Track], variances: list[np.ndarray] | None = None) -> Rows:
    """Return trajectories of two places and more, one below another; by default all places are alike."""
    chosen = [number for number, track in enumerate(tracks) if len(track.places) > 1]
    lengths = [len(tracks[number].places) for number in chosen]
    noise = [np.ones(len(tracks[number].places)) if variances is None else variances[number] for number in chosen]
    places = np.concatenate([tracks[number].places for number in chosen])
    return Rows(places, np.concatenate(noise), np.concatenate([[0], np.cumsum(lengths)]))


def switches_of(shares: np.ndarray, exchanges: np.ndarray) -> np.ndarray:
    """Return the probabilities of switching in a frame that leave the shares as they are, (states, states).

    Parameters
    ----------
    shares : (states,) array
    exchanges : (pairs,) array
        How fast each pair of states is exchanged: the rate from i to j is that times the share of j, a frame.
    """
    states = len(shares)
    rates, roots = np.zeros((states, states)), np.sqrt(shares)
    rates[np.triu_indices(states, 1)] = exchanges
    rates = rates + rates.T
    even = rates * roots[:, None] * roots  # alike to the matrix of rates, and symmetric
    np.fill_diagonal(even, -(rates * shares).sum(1))
    values, vectors = np.linalg.eigh(even)
    after = (vectors * np.exp(values)) @ vectors.T * roots / roots[:, None]
    after = np.maximum(after, 0)
    return after / after.sum(1, keepdims=True)


def log_likelihoods(rows: Rows, model: Switching, history: int = _HISTORY) -> np.ndarray:
    """Return the logarithm of the likelihood of each row given those before, but for a constant: (rows,).

    A Kalman filter runs for each history of states over the last frames; histories that differ only farther back are
    made one, with the mean and the variance that they have together (Blom and Bar-Shalom, IEEE Trans. Autom. Control
    33, 780, 1988). So it is exact where the noise is 0, and where there is one state. States change between frames.
    """
    return _filter(*rows, *model, history, np.zeros((0, 1)))


def probabilities(rows: Rows, model: Switching, history: int = _HISTORY) -> np.ndarray:
    """Return the probability of each state in each frame, from all places of the trajectory: (rows, states)."""
    states = len(model.steps)
    weights = np.zeros((len(rows.places), states**history))
    _filter(*rows, *model, history, weights)
    return _smooth(rows.starts, model.switches, weights, history)


@numba.njit(cache=True, nogil=True)
def _filter(places, variances, starts, steps, shares, switches, noise, open_share, history, kept):  # type: ignore[no-untyped-def]
    states = len(steps)
    number = states**history
    found = np.zeros(len(places))
    now, after = np.zeros((number, 4)), np.zeros((number, 4))  # of each history: weight, mean y and x, variance
    branches = np.zeros((number, states, 5))
    for track in range(len(starts) - 1):
        first = starts[track]
        now[:] = 0.0
        for state in range(states):
            ahead = steps[state] * (1 - open_share + open_share / 3)  # from the frame's mean place to its end
            now[state] = shares[state], places[first, 0], places[first, 1], ahead + noise * variances[first]
        if len(kept):
            kept[first] = now[:, 0]
        for row in range(first + 1, starts[track + 1]):
            least = _branch(now, places[row], noise * variances[row], steps, switches, open_share, branches)
            total = _merge(branches, least, after)
            found[row] = np.log(total) - least
            now[:] = after
            now[:, 0] /= total
            if len(kept):
                kept[row] = now[:, 0]
    return found


@numba.njit(cache=True, nogil=True)
def _branch(now, place, noise, steps, switches, open_share, branches):  # type: ignore[no-untyped-def]
    """Let each history go on by each state through one frame, and return the least misfit.

    A branch holds weight, mean y and x and variance at the end of the frame, and its misfit to the place that was seen.
    """
    least = np.inf
    for old in range(len(now)):
        weight, y, x, variance = now[old]
        for state in range(len(steps)):
            chance, step = weight * switches[old % len(steps), state], steps[state]
            if chance <= 0:
                branches[old, state] = 0.0, 0.0, 0.0, 0.0, 0.0
                continue
            if np.isnan(place[0]):
                branches[old, state] = chance, y, x, variance + step, 0.0
            else:
                total = variance + step * open_share / 3 + noise
                gain = (variance + step * open_share / 2) / total
                off_y, off_x = place[0] - y, place[1] - x
                misfit = (off_y * off_y + off_x * off_x) / (2 * total)
                rest = variance + step - gain * gain * total
                branches[old, state] = chance / total, y + gain * off_y, x + gain * off_x, rest, misfit
            least = min(least, branches[old, state, 4])
    return least


@numba.njit(cache=True, nogil=True)
def _merge(branches, least, after):  # type: ignore[no-untyped-def]
    """Make one of the branches that differ only in their oldest state; return the sum of all weights."""
    number, states = branches.shape[:2]
    after[:] = 0.0
    for old in range(number):
        for state in range(states):
            new, one = (old * states + state) % number, branches[old, state]
            one[0] *= np.exp(least - one[4]) if one[0] > 0 else 0.0
            after[new, 0] += one[0]
            after[new, 1] += one[0] * one[1]
            after[new, 2] += one[0] * one[2]
    for new in range(number):
        if after[new, 0] > 0:
            after[new, 1] /= after[new, 0]
            after[new, 2] /= after[new, 0]
    for old in range(number):
        for state in range(states):
            new, one = (old * states + state) % number, branches[old, state]
            if after[new, 0] > 0:
                off_y, off_x = one[1] - after[new, 1], one[2] - after[new, 2]
                after[new, 3] += one[0] * (one[3] + (off_y * off_y + off_x * off_x) / 2) / after[new, 0]
    return after[:, 0].sum()


@numba.njit(cache=True, nogil=True)
def _smooth(starts, switches, weights, history):  # type: ignore[no-untyped-def]
    """Go back from the end of each trajectory, as in a hidden Markov model whose states are histories."""
    number, states = weights.shape[1], len(switches)
    found = np.zeros((len(weights), states))
    later, now, expected = np.zeros(number), np.zeros(number), np.zeros(number)
    for track in range(len(starts) - 1):
        for row in range(starts[track + 1] - 1, starts[track] - 1, -1):
            if row == starts[track + 1] - 1:
                now[:] = weights[row]
            else:
                expected[:] = 0.0
                for old in range(number):
                    for state in range(states):
                        expected[(old * states + state) % number] += weights[row, old] * switches[old % states, state]
                now[:] = 0.0
                for old in range(number):
                    for state in range(states):
                        new = (old * states + state) % number
                        if expected[new] > 0:
                            now[old] += weights[row, old] * switches[old % states, state] * later[new] / expected[new]
            for old in range(number):
                found[row, old % states] += now[old]
            later[:] = now
    return found
