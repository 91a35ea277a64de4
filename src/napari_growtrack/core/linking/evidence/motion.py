"""How particles move: modes of motion that each of them switches between, followed by a bank of Kalman filters.

An interacting-multiple-model filter (Blom and Bar-Shalom, IEEE Trans. Autom. Control 33, 780, 1988). In each mode the
position does a random walk; in a directed mode it has a velocity, too, that is kept for a while. With a chance
of `switch` a frame the mode is drawn anew, and with another mode the velocity. Such motion looks the same backwards in
time, so the same filter tells what the detections after a frame say about it.

States are arrays (8, ..., modes, n): weight, position y and x, velocity y and x, and the variances of position and
velocity with their covariance, the same along both axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    weight = state[WEIGHT]
    stays = (1 - modes.switch * (1 - modes.share)) * weight
    after = np.empty_like(state)
    after[WEIGHT] = (1 - modes.switch) * weight + modes.switch * modes.share
    part = stays / np.maximum(after[WEIGHT], _TINY)  # of each mode that was in it before
    rest = 1 - part
    whole = _collapsed(state)  # the others' place; all modes' serves, since they differ little
    spread = part * rest * ((state[Y] - whole[0]) ** 2 + (state[X] - whole[1]) ** 2) / 2
    after[Y] = part * state[Y] + rest * whole[0]
    after[X] = part * state[X] + rest * whole[1]
    velocity_spread = part * rest * (state[VY] ** 2 + state[VX] ** 2) / 2
    between = part * rest * ((state[Y] - whole[0]) * state[VY] + (state[X] - whole[1]) * state[VX]) / 2
    pp = part * state[PP] + rest * whole[2] + spread
    pv = part * state[PV] + between
    vv = part * state[VV] + rest * modes.speed**2 + velocity_spread
    keep, noise = modes.keep, modes.speed**2 * (1 - modes.keep**2)
    after[VY], after[VX] = keep * part * state[VY], keep * part * state[VX]
    after[Y] += after[VY]
    after[X] += after[VX]
    after[VV] = keep**2 * vv + noise
    after[PV] = keep * pv + after[VV]
    after[PP] = pp + 2 * keep * pv + after[VV] + modes.step**2
    return after


def _collapsed(state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean position and its variance, all modes together, each (..., 1, n)."""
    weight = state[WEIGHT]
    y, x = ((weight * state[i]).sum(-2, keepdims=True) for i in (Y, X))
    spread = ((state[Y] - y) ** 2 + (state[X] - x) ** 2) / 2
    return y, x, (weight * (state[PP] + spread)).sum(-2, keepdims=True)


def update(state: np.ndarray, y: np.ndarray, x: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the states after positions were seen, each (n,), and the density of seeing them there, (..., n)."""
    total = state[PP] + variance
    dy, dx = y - state[Y], x - state[X]
    density = state[WEIGHT] * _normal(dy**2 + dx**2, total)
    whole = np.maximum(density.sum(-2, keepdims=True), _TINY)
    after = np.empty_like(state)
    after[WEIGHT] = density / whole
    gain, turn = state[PP] / total, state[PV] / total
    after[Y], after[X] = state[Y] + gain * dy, state[X] + gain * dx
    after[VY], after[VX] = state[VY] + turn * dy, state[VX] + turn * dx
    after[PP] = gain * variance
    after[PV] = state[PV] * (1 - gain)
    after[VV] = state[VV] - turn * state[PV]
    return after, whole[..., 0, :]


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
    y, x, variance = _collapsed(after)
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
