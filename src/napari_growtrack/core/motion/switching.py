"""The likelihood of particles that switch between diffusing fast and slowly, seen with noise, blur and gaps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..packages.compiling import numba
from .displacement import Track

_HISTORY = 2
"""States that are told apart at a time: those of the two frames before. One fewer makes rates of slow, noisy particles
a tenth too small; one more changes nothing and takes as many times as long as there are states."""


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


def log_likelihoods(rows: Rows, model: Switching, history: int = _HISTORY) -> np.ndarray:
    """Return the logarithm of the likelihood of each trajectory, but for a constant.

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
    found = np.zeros(len(starts) - 1)
    weight, mean, variance = np.zeros(number), np.zeros((number, 2)), np.zeros(number)
    new_weight, new_mean, new_variance = np.zeros(number), np.zeros((number, 2)), np.zeros(number)
    ahead = 1 - open_share + open_share / 3  # of a frame's diffusion, what its mean place does not share
    logs = np.zeros((number, states))
    means, spreads = np.zeros((number, states, 2)), np.zeros((number, states))
    for track in range(len(starts) - 1):
        first = starts[track]
        weight[:] = 0.0
        for state in range(states):
            weight[state] = shares[state]
            mean[state] = places[first]
            variance[state] = steps[state] * ahead + noise * variances[first]
        if len(kept):
            kept[first] = weight
        for row in range(first + 1, starts[track + 1]):
            seen = not np.isnan(places[row, 0])
            best = -np.inf
            for old in range(number):
                if weight[old] <= 0:
                    continue
                for state in range(states):
                    chance = weight[old] * switches[old % states, state]
                    step = steps[state]
                    if not seen:
                        logs[old, state] = np.log(chance) if chance > 0 else -np.inf
                        means[old, state] = mean[old]
                        spreads[old, state] = variance[old] + step
                    else:
                        total = variance[old] + step * open_share / 3 + noise * variances[row]
                        gain = (variance[old] + step * open_share / 2) / total
                        off_y, off_x = places[row, 0] - mean[old, 0], places[row, 1] - mean[old, 1]
                        logs[old, state] = -np.log(total) - (off_y**2 + off_x**2) / (2 * total)
                        logs[old, state] += np.log(chance) if chance > 0 else -np.inf
                        means[old, state, 0] = mean[old, 0] + gain * off_y
                        means[old, state, 1] = mean[old, 1] + gain * off_x
                        spreads[old, state] = variance[old] + step - gain**2 * total
                    best = max(best, logs[old, state])
            new_weight[:], new_mean[:], new_variance[:] = 0.0, 0.0, 0.0
            for old in range(number):
                if weight[old] <= 0:
                    continue
                for state in range(states):
                    new = (old * states + state) % number
                    share = np.exp(logs[old, state] - best)
                    logs[old, state] = share
                    new_weight[new] += share
                    new_mean[new] += share * means[old, state]
            for new in range(number):
                if new_weight[new] > 0:
                    new_mean[new] /= new_weight[new]
            for old in range(number):
                if weight[old] <= 0:
                    continue
                for state in range(states):
                    new = (old * states + state) % number
                    if new_weight[new] > 0:
                        off_y = means[old, state, 0] - new_mean[new, 0]
                        off_x = means[old, state, 1] - new_mean[new, 1]
                        apart = (off_y**2 + off_x**2) / 2
                        new_variance[new] += logs[old, state] * (spreads[old, state] + apart) / new_weight[new]
            total = new_weight.sum()
            found[track] += np.log(total) + best
            weight[:], mean[:], variance[:] = new_weight / total, new_mean, new_variance
            if len(kept):
                kept[row] = weight
    return found


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
