"""How particles move: modes of motion that each of them switches between, followed by a bank of Kalman filters.

An interacting-multiple-model filter (Blom and Bar-Shalom, IEEE Trans. Autom. Control 33, 780, 1988). In each mode the
position does a random walk; in a directed mode it has a velocity, too, that is kept for a while. With a chance
of `switch` a frame the mode is drawn anew, and with another mode the velocity. Such motion looks the same backwards in
time, so the same filter tells what the detections after a frame say about it.

States are arrays (8, ..., modes, n): weight, position y and x, velocity y and x, and the variances of position and
velocity with their covariance, the same along both axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...packages.compiling import numba

WEIGHT, Y, X, VY, VX, PP, PV, VV = range(8)
_TINY = 1e-300
_TWO_PI = 2 * np.pi


@dataclass(frozen=True, eq=False)
class Modes:
    """Modes of motion; arrays are (..., modes, 1).

    Attributes
    ----------
    step : ndarray
        Standard deviation of the random walk's step along an axis, in px a frame.
    speed : ndarray
        Standard deviation of the velocity along an axis, in px a frame; 0 where there is none.
    keep : ndarray
        Part of the velocity that is kept from a frame to the next, 0 to 1.
    share : ndarray
        How often each mode is, together 1.
    switch : ndarray (..., 1, 1)
        Chance a frame that the mode is drawn anew, perhaps the same.
    """

    step: np.ndarray
    speed: np.ndarray
    keep: np.ndarray
    share: np.ndarray
    switch: np.ndarray

    @property
    def mean_square(self) -> np.ndarray:
        """Mean square step along an axis in px², (..., modes, 1)."""
        return self.step**2 + self.speed**2

    @property
    def typical(self) -> float:
        """Root of the mean square step along an axis, all modes together, in px a frame."""
        return float(np.sqrt((self.share * self.mean_square).sum()))


def begin(y: np.ndarray, x: np.ndarray, variance: np.ndarray, modes: Modes) -> np.ndarray:
    """Return the states of particles of which nothing is known but a position and its variance, each (n,)."""
    state = np.zeros((8, *np.broadcast_shapes(modes.step.shape, y.shape)))
    state[WEIGHT], state[VV] = modes.share, modes.speed**2
    state[Y], state[X], state[PP] = y, x, variance
    return state


def predict(state: np.ndarray, modes: Modes) -> np.ndarray:
    """Return the states a frame later."""
    state = np.ascontiguousarray(state)
    after = np.empty_like(state)
    many = math.prod(state.shape[1:-2]), *state.shape[-2:]
    numbers = modes.step**2, modes.speed**2, modes.keep, modes.share
    walk, speed, keep, share = (np.reshape(one, (-1, state.shape[-2])) for one in numbers)
    _predict(state.reshape(8, *many), after.reshape(8, *many), walk, speed, keep, share, np.ravel(modes.switch))
    return after


@numba.njit(nogil=True, cache=True)
def _predict(
    state: np.ndarray,
    after: np.ndarray,
    walk: np.ndarray,
    speed: np.ndarray,
    keep: np.ndarray,
    share: np.ndarray,
    switch: np.ndarray,
) -> None:
    """Fill in the states a frame later, (8, several, modes, n), by squares of steps and speeds, (several, modes)."""
    _, several, modes, n = state.shape
    for p in range(several):
        for i in range(n):
            y, x, pp = 0.0, 0.0, 0.0  # of all modes together: where those were that come from another one
            for k in range(modes):
                y += state[WEIGHT, p, k, i] * state[Y, p, k, i]
                x += state[WEIGHT, p, k, i] * state[X, p, k, i]
            for k in range(modes):
                away = (state[Y, p, k, i] - y) ** 2 + (state[X, p, k, i] - x) ** 2
                pp += state[WEIGHT, p, k, i] * (state[PP, p, k, i] + away / 2)
            for k in range(modes):
                weight, kept = state[WEIGHT, p, k, i], keep[p, k]
                total = (1 - switch[p]) * weight + switch[p] * share[p, k]
                part = (1 - switch[p] * (1 - share[p, k])) * weight / max(total, _TINY)
                rest = 1 - part
                dy, dx = state[Y, p, k, i] - y, state[X, p, k, i] - x
                vy, vx = state[VY, p, k, i], state[VX, p, k, i]
                place = part * state[PP, p, k, i] + rest * pp + part * rest * (dy**2 + dx**2) / 2
                both = part * state[PV, p, k, i] + part * rest * (dy * vy + dx * vx) / 2
                spread = part * state[VV, p, k, i] + rest * speed[p, k] + part * rest * (vy**2 + vx**2) / 2
                spread = kept**2 * spread + speed[p, k] * (1 - kept**2)
                after[WEIGHT, p, k, i] = total
                after[VY, p, k, i], after[VX, p, k, i] = kept * part * vy, kept * part * vx
                after[Y, p, k, i] = y + part * dy + kept * part * vy
                after[X, p, k, i] = x + part * dx + kept * part * vx
                after[VV, p, k, i], after[PV, p, k, i] = spread, kept * both + spread
                after[PP, p, k, i] = place + 2 * kept * both + spread + walk[p, k]


def collapsed(state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean position and its variance, all modes together, each (..., 1, n)."""
    weight = state[WEIGHT]
    y, x = ((weight * state[i]).sum(-2, keepdims=True) for i in (Y, X))
    spread = ((state[Y] - y) ** 2 + (state[X] - x) ** 2) / 2
    return y, x, (weight * (state[PP] + spread)).sum(-2, keepdims=True)


def update(state: np.ndarray, y: np.ndarray, x: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the states after positions were seen, each (n,), and the density of seeing them there, (..., n)."""
    state = np.ascontiguousarray(state)
    after = np.empty_like(state)
    several, (modes, n) = state.shape[1:-2], state.shape[-2:]
    many = 8, math.prod(several), modes, n
    spread = np.broadcast_to(variance, (*several, 1, n)).reshape(many[1], n)
    density = np.empty((*several, n))
    _update(state.reshape(many), after.reshape(many), y, x, spread, density.reshape(many[1], n))
    return after, density


@numba.njit(nogil=True, cache=True)
def _update(
    state: np.ndarray, after: np.ndarray, y: np.ndarray, x: np.ndarray, variance: np.ndarray, density: np.ndarray
) -> None:
    """Fill in the states (8, several, modes, n) after positions were seen, and their density (several, n)."""
    _, several, modes, n = state.shape
    for p in range(several):
        for i in range(n):
            whole = 0.0
            for k in range(modes):
                total = state[PP, p, k, i] + variance[p, i]
                dy, dx = y[i] - state[Y, p, k, i], x[i] - state[X, p, k, i]
                seen = state[WEIGHT, p, k, i] * np.exp(-0.5 * (dy**2 + dx**2) / total) / (_TWO_PI * total)
                gain, turn = state[PP, p, k, i] / total, state[PV, p, k, i] / total
                whole += seen
                after[WEIGHT, p, k, i] = seen
                after[Y, p, k, i], after[X, p, k, i] = state[Y, p, k, i] + gain * dy, state[X, p, k, i] + gain * dx
                after[VY, p, k, i], after[VX, p, k, i] = state[VY, p, k, i] + turn * dy, state[VX, p, k, i] + turn * dx
                after[PP, p, k, i], after[PV, p, k, i] = gain * variance[p, i], state[PV, p, k, i] * (1 - gain)
                after[VV, p, k, i] = state[VV, p, k, i] - turn * state[PV, p, k, i]
            density[p, i] = max(whole, _TINY)
            for k in range(modes):
                after[WEIGHT, p, k, i] /= density[p, i]


def _normal(square: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return the density of a normal distribution in two dimensions, by its squared distance."""
    return np.exp(-0.5 * square / variance) / (_TWO_PI * variance)


def meeting(before: np.ndarray, after: np.ndarray, modes: Modes) -> np.ndarray:
    """Return the density of particles to be what they are after a frame, given what they were before it, (n,).

    Parameters
    ----------
    before : ndarray (8, modes, n)
        Predicted for a frame from those before it.
    after : ndarray (8, modes, n)
        Filtered backwards, from the last frame to this one.
    modes : Modes
    """
    y, x, variance = collapsed(after)
    drawn = _normal((before[Y] - y) ** 2 + (before[X] - x) ** 2, before[PP] + variance)
    share = np.maximum(modes.share, _TINY)
    stays = (1 - modes.switch * (1 - modes.share)) * after[WEIGHT] / share * _both(before, after, modes)
    each = before[WEIGHT] * (stays + modes.switch * (1 - after[WEIGHT]) * drawn)
    return np.asarray(each.sum(0))


def _both(before: np.ndarray, after: np.ndarray, modes: Modes) -> np.ndarray:
    """Return the density of position and velocity together in each mode that is kept, (modes, n)."""
    square = (before[Y] - after[Y]) ** 2 + (before[X] - after[X]) ** 2
    density = _normal(square, before[PP] + after[PP])
    for k in np.flatnonzero(modes.speed[:, 0] > 0):
        density[k] = _directed(before[:, k], after[:, k], modes.keep[k, 0], modes.speed[k, 0] ** 2)
    return density


def _directed(before: np.ndarray, after: np.ndarray, keep: float, prior: float) -> np.ndarray:
    """Return the density of position and velocity together, (n,).

    The product of two normal distributions, by the past and by the future, over what is known of a velocity beforehand,
    which both of them count. The future's velocities point backwards.
    """
    y, x = after[Y] - before[Y], after[X] - before[X]
    vy, vx = -after[VY] - keep * before[VY], -after[VX] - keep * before[VX]
    b, c = keep * before[PV], keep**2 * before[VV] + prior * (1 - keep**2)
    one, both, other = before[PP] + after[PP], b - after[PV], c + after[VV]
    det = one * other - both**2
    squares = (other * (y**2 + x**2) - 2 * both * (y * vy + x * vx) + one * (vy**2 + vx**2)) / det
    g, h = (b * other - c * both) / det, (c * one - b * both) / det
    known = np.minimum(h * after[VV] - g * after[PV], 0.999 * prior)  # variance of the velocity, by both
    speeds = (keep * before[VY] + g * y + h * vy) ** 2 + (keep * before[VX] + g * x + h * vx) ** 2
    exponent = 0.5 * (speeds / (prior - known) - squares)
    density: np.ndarray = np.exp(exponent) * prior / (_TWO_PI * det * (1 - known / prior))
    return density
