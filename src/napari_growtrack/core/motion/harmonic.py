"""A bead in a harmonic trap that may be turned, softer along one axis, and rotate, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from scipy.optimize import minimize

from .errors_of_means import t_reach

_STEP = 0.05
"""Of the curvature's differences: well above rounding, and below the errors of a thousand positions."""

_FLAT = 1e-3
"""Curvature below which nothing is known: a standard error of 30 in a logarithm."""

_LINE = 1e-6
"""Share of the spread below which there is none along the other axis, as where only one coordinate was recorded."""

_PLANE = np.arange(8)
_ALONG_A_LINE = np.array([0, 3, 5, 6])
"""Which parameters are free: all, or those of one axis."""

_LEAST_FREEDOM = 2.0
"""Degrees of freedom, below which an interval has no end to speak of."""

_LEAST_NOISE = 0.01
"""Of the variance of a step, which the fit starts from: 0 has no logarithm."""

_SHORT, _ENDLESS = 1e-2, 40.0
"""Of relaxation within an exposure: series do below, and numbers do not above."""

_REMEMBERS = 10.0
"""Logarithm of the likelihood gained by a bead that remembers where it was, below which chance may look so."""

_SIDE, _FALLEN = 2.0, 0.4
"""Standard errors to the side at which the likelihood is looked at, and the least part of the fall that is expected."""

_IMPOSSIBLE = 1e10
"""The cost of what has no likelihood in numbers, as a bead that returns in no time at all."""


@dataclass(frozen=True)
class Harmonic:
    """A trap as it was fitted, in pixels and frames; axes are (x, y), y upwards.

    Attributes
    ----------
    stiffness : (3,) array
        The logarithm of the stiffness matrix over kT: its elements xx, xy, yy. Its eigenvalues are the logarithms of
        the stiffnesses along the trap's own axes.
    diffusion : float
        Logarithm of the diffusion coefficient.
    rotation : float
        In radians a frame, from x to y.
    noise : float
        Variance of localisation along an axis.
    covariance : (5, 5) array
        Of ``xx, xy, yy``, the logarithm of the diffusion coefficient, and the rotation.
    noise_error : float
        Standard error of the logarithm of the noise.
    turned : float or None
        Where the bead was seen along a line only, its angle from x to y; the other axis means nothing then.
    positions : int
    """

    stiffness: np.ndarray
    diffusion: float
    rotation: float
    noise: float
    covariance: np.ndarray
    noise_error: float
    turned: float | None
    positions: int

    @property
    def reach(self) -> float:
        """How many standard errors a 95 % interval reaches; more where a slow bead was at few independent places."""
        xx, xy, yy = self.stiffness
        softest = xx if self.turned is not None else (xx + yy) / 2 - np.hypot((xx - yy) / 2, xy)
        forgotten = 1 - np.exp(-np.exp(self.diffusion + softest))
        return t_reach(1 + max(self.positions * forgotten / 2, _LEAST_FREEDOM))


def fit_harmonic(places: np.ndarray, open_share: float = 0.0) -> Harmonic:
    """Fit a trap to the places (n, 2) of its bead, x and y, NaN where it was lost, by maximum likelihood.

    Each is the mean over the share of a frame for which the shutter is open.

    The force is linear in the place, as FORMA has it (Perez Garcia et al., Nat. Commun. 9, 5166, 2018): the
    symmetric part of its matrix is the stiffness, the antisymmetric part the rotation. Least squares of velocities
    need many positions while the bead returns, and no localisation error; the likelihood of an Ornstein-Uhlenbeck
    process seen with noise needs neither.
    """
    places = places - np.nanmean(places, axis=0)
    spreads, axes = np.linalg.eigh(_covariance(places))
    line = bool(spreads[0] < _LINE * spreads[1])
    turned = float(np.arctan2(axes[1, 1], axes[0, 1])) if line else None
    if line:
        along = places @ axes[:, 1]
        places = np.stack([along, along], axis=1)
    start, scales = _start(places, line)
    free = _ALONG_A_LINE if line else _PLANE

    def cost(chosen: np.ndarray) -> float:
        whole = np.zeros(8)
        whole[free] = chosen
        if line:
            whole[2] = whole[0]
        return -float(log_likelihood(places, whole * scales, line, open_share))

    def possible(chosen: np.ndarray) -> float:
        return found if np.isfinite(found := cost(chosen)) else _IMPOSSIBLE

    found = minimize(possible, start[free], method="BFGS").x
    curvature, covariance = _curvature(cost, found), np.zeros((8, 8))
    seen = int(np.isfinite(places[:, 0]).sum())
    remembers = _of_each_alone(_covariance(places)[: 2 - line, : 2 - line], seen) - cost(found) > _REMEMBERS
    known = bool(np.isfinite(curvature).all()) and remembers and _falls(possible, found, _inverse(curvature))
    covariance[np.ix_(free, free)] = _inverse(curvature) if known else 0.0
    covariance *= np.outer(scales, scales)
    whole = np.zeros(8)
    whole[free] = found
    whole *= scales
    noise, unsure = (float(np.exp(whole[5])), float(np.sqrt(covariance[5, 5]))) if known else (np.nan, np.inf)
    return Harmonic(whole[:3], whole[3], whole[4], noise, covariance[:5, :5], unsure, turned, seen)


def _covariance(places: np.ndarray) -> np.ndarray:
    return np.asarray(np.cov(places[np.isfinite(places[:, 0])].T, bias=True))


def _start(places: np.ndarray, line: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return where the fit starts, and what a step of 1 in each parameter is: rotation and middle have no logarithm."""
    steps = np.diff(places, axis=0)
    square, product = np.nanmean(np.square(steps)), np.nanmean(steps[1:] * steps[:-1])
    noise = max(-product, _LEAST_NOISE * square)
    diffusion = max(square / 2 - noise, _LEAST_NOISE * square)
    spread = _covariance(places)
    values, vectors = np.linalg.eigh(np.diag(np.diag(spread)) if line else spread)
    logs = vectors @ np.diag(-np.log(np.maximum(values, noise))) @ vectors.T
    rate, width = diffusion / values.mean(), np.sqrt(values.mean())
    start = [logs[0, 0], logs[0, 1], logs[1, 1], np.log(diffusion), 0.0, np.log(noise), 0.0, 0.0]
    return np.array(start), np.array([1, 1, 1, 1, rate, 1, width, width])


def _curvature(cost: Callable[[np.ndarray], float], found: np.ndarray) -> np.ndarray:
    """Return second derivatives."""
    number = len(found)
    steps, curvature = _STEP * np.eye(number), np.empty((number, number))
    for i in range(number):
        for j in range(i + 1):
            corners = [cost(found + a * steps[i] + b * steps[j]) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            curvature[i, j] = curvature[j, i] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * _STEP**2)
    return curvature


def _inverse(curvature: np.ndarray) -> np.ndarray:
    """Return the covariance of the parameters; flat directions are left out."""
    values, vectors = np.linalg.eigh(curvature)
    sure = values > _FLAT
    return (vectors[:, sure] / values[sure]) @ vectors[:, sure].T


def _of_each_alone(spread: np.ndarray, positions: int) -> float:
    """Return the cost of places that know nothing of one another."""
    return positions / 2 * float(len(spread) * (np.log(2 * np.pi) + 1) + np.linalg.slogdet(spread)[1])


def _falls(cost: Callable[[np.ndarray], float], found: np.ndarray, covariance: np.ndarray) -> bool:
    """Tell whether the likelihood falls to both sides of the stiffness about as its curvature says, all else fitted.

    It does not where the bead forgets its place from frame to frame, and may as well be stiffer and seen with noise.
    """
    weights = np.zeros(len(found))
    weights[[0, 2] if len(found) == 8 else [0]] = 1
    slope = covariance @ weights
    if not (variance := float(weights @ slope)) > 0:
        return False
    others = np.linalg.svd(weights[None])[2][1:].T

    def fallen(side: float) -> float:
        there = found + side * slope / np.sqrt(variance)
        return float(minimize(lambda rest: cost(there + others @ rest), np.zeros(len(found) - 1)).fun) - cost(found)

    return all(_FALLEN * _SIDE**2 / 2 < fallen(side) < _IMPOSSIBLE / 4 for side in (-_SIDE, _SIDE))


@numba.njit(cache=True, error_model="numpy")
def log_likelihood(places: np.ndarray, parameters: np.ndarray, line: bool, open_share: float = 0.0) -> float:
    """Return the logarithm of the likelihood of places (n, 2), NaN where unknown, by a Kalman filter.

    Parameters
    ----------
    places : (n, 2) array
        x and y in pixels, from their middle.
    parameters : (8,) array
        ``xx, xy, yy`` of the logarithm of the stiffness matrix over kT, the logarithm of the diffusion coefficient,
        the rotation, the logarithm of the variance of localisation, and the middle's x and y.
    line : bool
        Whether only x is looked at.
    open_share : float
        Part of a frame over which places are means.
    """
    diffusion, noise = np.exp(parameters[3]), np.exp(parameters[5])
    pull = diffusion * _exp(parameters[0], parameters[1], parameters[1], parameters[2])
    pull[0, 1] += parameters[4]
    pull[1, 0] -= parameters[4]
    trace, area = pull[0, 0] + pull[1, 1], pull[0, 0] * pull[1, 1] - pull[0, 1] * pull[1, 0]
    away = pull - trace * np.eye(2)
    spread = diffusion * (area * np.eye(2) + away @ away.T) / (trace * area)
    decay = _exp(-pull[0, 0], -pull[0, 1], -pull[1, 0], -pull[1, 1])
    d00, d01, d10, d11 = decay[0, 0], decay[0, 1], decay[1, 0], decay[1, 1]
    if trace * open_share > _ENDLESS:
        return -np.inf
    spread, lost = _blurred(open_share * pull, spread)
    fresh, r00, r01, r11 = spread - decay @ spread @ decay.T, noise - lost[0, 0], -lost[0, 1], noise - lost[1, 1]
    a, b, c, x, y, total = spread[0, 0], spread[0, 1], spread[1, 1], 0.0, 0.0, 0.0
    for place in places:
        if np.isfinite(place[0]):
            u, v = place[0] - parameters[6] - x, place[1] - parameters[7] - y
            if line:
                expected = a + r00
                total -= 0.5 * (np.log(2 * np.pi * expected) + u * u / expected)
                x, y = x + a * u / expected, y + b * u / expected
                a, b, c = a * r00 / expected, b * r00 / expected, c - b * b / expected
            else:
                e, f, g = a + r00, b + r01, c + r11
                size = e * g - f * f
                total -= np.log(2 * np.pi) + 0.5 * (np.log(size) + (g * u * u - 2 * f * u * v + e * v * v) / size)
                k00, k01 = (a * g - b * f) / size, (b * e - a * f) / size
                k10, k11 = (b * g - c * f) / size, (c * e - b * f) / size
                x, y = x + k00 * u + k01 * v, y + k10 * u + k11 * v
                a, b, c = a - k00 * a - k01 * b, b - k00 * b - k01 * c, c - k10 * b - k11 * c
        x, y = d00 * x + d01 * y, d10 * x + d11 * y
        p, q, r, s = d00 * a + d01 * b, d00 * b + d01 * c, d10 * a + d11 * b, d10 * b + d11 * c
        a, b, c = p * d00 + q * d01 + fresh[0, 0], p * d10 + q * d11 + fresh[0, 1], r * d10 + s * d11 + fresh[1, 1]
    return total


@numba.njit(cache=True, error_model="numpy")
def _blurred(turn: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spread that places have in common with others, and how much less they stray themselves."""
    if turn[0, 0] + turn[1, 1] < _SHORT:
        common, lost = spread, turn @ spread / 3
    else:
        grown = _exp(turn[0, 0], turn[0, 1], turn[1, 0], turn[1, 1])
        left, twice = _exp(-turn[0, 0], -turn[0, 1], -turn[1, 0], -turn[1, 1]), turn @ turn
        square = (np.trace(twice) * np.eye(2) - twice) / (twice[0, 0] * twice[1, 1] - twice[0, 1] * twice[1, 0])
        common, lost = square @ (grown + left - 2 * np.eye(2)) @ spread, square @ (grown - left - 2 * turn) @ spread
    return (common + common.T) / 2, (lost + lost.T) / 2


@numba.njit(cache=True, error_model="numpy")
def _exp(a: float, b: float, c: float, d: float) -> np.ndarray:
    """Return the exponential of the matrix ((a, b), (c, d))."""
    middle, half = (a + d) / 2, (a - d) / 2
    square = half * half + b * c
    root = np.sqrt(abs(square))
    if root < 1e-9:
        even, odd = 1.0, 1.0
    elif square > 0:
        even, odd = np.cosh(root), np.sinh(root) / root
    else:
        even, odd = np.cos(root), np.sin(root) / root
    return np.exp(middle) * np.array([[even + odd * half, odd * b], [odd * c, even - odd * half]])
