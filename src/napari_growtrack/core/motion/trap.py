"""The stiffness of a trap, by the trajectory of the one bead in it: how far it strays, and how fast it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from ..compiling import numba
from ..errors import MotionError
from .displacement import tracks_of
from .units import Estimate, Units

BOLTZMANN = 1.380649e-23
"""Joule per kelvin."""

_LEAST = 20
_Z = 1.96
_STEP = 0.05
_UNSURE = 2.0
"""Largest standard error of the noise's logarithm that counts: a noise of nearly nothing is unsure by far more."""


@dataclass(frozen=True)
class Trap:
    """A harmonic trap.

    Attributes
    ----------
    stiffness : Estimate
        The geometric mean of both axes, in kT per unit of length squared, or pN/µm where temperature and pixel size
        are known; by maximum likelihood.
    along_y, along_x : Estimate
        Of each axis.
    equipartition : Estimate
        By the variance of the positions alone, corrected for the localisation error.
    relaxation_time : Estimate
        In which the bead returns by a factor e; the geometric mean of both axes.
    localisation_error : float
        Standard deviation of a position along one axis, in the unit of length.
    positions : int
    """

    stiffness: Estimate
    along_y: Estimate
    along_x: Estimate
    equipartition: Estimate
    relaxation_time: Estimate
    localisation_error: float
    positions: int


@dataclass(frozen=True)
class _Axis:
    """What was found along one axis, in pixels and frames, with standard errors of logarithms."""

    variance: float
    variance_error: float
    time: float
    time_error: float
    noise: float
    spread: float
    spread_error: float


def trap_stiffness(
    trajectories: pd.DataFrame,
    units: Units | None = None,
    temperature: float | None = None,
    particle: int | None = None,
) -> Trap:
    """Estimate the stiffness of the trap that holds a bead.

    A bead in a harmonic trap is an Ornstein-Uhlenbeck process seen with noise;
    its variance, relaxation time and the noise are those of the greatest
    likelihood, gaps in the trajectory being allowed for. Intervals follow from the
    curvature of the likelihood, so that a slow bead counts as few independent
    positions.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    units : Units, optional
        Pixels and frames by default.
    temperature : float, optional
        In kelvin; with it, and with the pixel size, stiffness is in pN/µm.
    particle : int, optional
        Which one, where there are several.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are several particles and none is named, or too few positions.

    Examples
    --------
    >>> trap = trap_stiffness(trajectories, Units(pixel_size=0.1), temperature=298)  # doctest: +SKIP
    >>> print(trap.stiffness)  # doctest: +SKIP
    1.2 (0.9 to 1.6) pN/µm
    """
    units = units or Units()
    places = _places(trajectories, particle)
    axes = [_fitted(places[:, axis] - np.nanmean(places[:, axis])) for axis in (0, 1)]
    scale, unit = _scale(units, temperature)

    def stiffness(some: list[_Axis]) -> Estimate:
        logs = [-np.log(axis.variance) for axis in some]
        return _geometric(logs, [axis.variance_error for axis in some], scale, unit)

    return Trap(
        stiffness(axes),
        stiffness(axes[:1]),
        stiffness(axes[1:]),
        _geometric([-np.log(axis.spread) for axis in axes], [axis.spread_error for axis in axes], scale, unit),
        _geometric([np.log(axis.time) for axis in axes], [axis.time_error for axis in axes], units.frame, units.time),
        units.pixel * float(np.sqrt(np.mean([axis.noise for axis in axes]))),
        int(np.isfinite(places[:, 0]).sum()),
    )


def _places(trajectories: pd.DataFrame, particle: int | None) -> np.ndarray:
    tracks = tracks_of(trajectories)
    if particle is None and len(tracks) > 1:
        raise MotionError(
            f"A trap holds one bead, and there are {len(tracks)} trajectories. Name the particle, or link with more "
            "memory and a least length."
        )
    chosen = [track for track in tracks if particle in (None, track.particle)]
    if not chosen:
        raise MotionError(f"There is no particle {particle}. Choose one of the trajectories' own.")
    places = chosen[0].places
    if np.isfinite(places[:, 0]).sum() < _LEAST:
        raise MotionError(f"Expected at least {_LEAST} positions of the bead, got {np.isfinite(places[:, 0]).sum()}.")
    return places


def _scale(units: Units, temperature: float | None) -> tuple[float, str]:
    """Return what 1 kT per square pixel is, and in which unit."""
    if temperature is None or units.pixel_size is None:
        return 1 / units.pixel**2, f"kT/{units.length}²"
    return BOLTZMANN * temperature * 1e18 / units.pixel_size**2, "pN/µm"  # J/µm² is 1e12 N/m, and N/m is 1e6 pN/µm


def _geometric(logs: list[float], errors: list[float], scale: float, unit: str) -> Estimate:
    """Return a geometric mean with its 95 % interval."""
    mean = float(np.mean(logs))
    half = _Z * float(np.sqrt(np.square(errors).sum())) / len(errors)
    value, low, high = (scale * float(np.exp(one)) for one in (mean, mean - half, mean + half))
    return Estimate(value=value, low=low, high=high, unit=unit)


def _fitted(places: np.ndarray) -> _Axis:
    """Fit one axis: parameters are the logarithms of variance, time and noise, and the mean."""
    spread = float(np.nanvar(places))
    start = np.array([np.log(spread), np.log(3.0), np.log(0.05 * spread), 0.0])

    def cost(parameters: np.ndarray) -> float:
        return -log_likelihood(places, parameters)

    found = minimize(cost, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-4, "fatol": 1e-6}).x
    variance, time, noise = np.exp(found[:3])
    errors = _standard_errors(cost, found)
    share = variance / (variance + noise)
    decay = np.exp(-1 / time)
    independent = np.isfinite(places).sum() / (1 + 2 * share**2 * decay**2 / (1 - decay**2))
    total = max(spread - noise, 1e-3 * spread)
    unsure = np.hypot(np.sqrt(2 / max(independent, 2)) * spread, min(errors[2], _UNSURE) * noise) / total
    return _Axis(variance, errors[0], time, errors[1], noise, total, float(unsure))


def _standard_errors(cost: Callable[[np.ndarray], float], found: np.ndarray) -> np.ndarray:
    """Return standard errors of the parameters by the curvature of the likelihood; flat directions are left out."""
    number = len(found)
    steps = np.diag([_STEP, _STEP, _STEP, _STEP * np.exp(found[0] / 2)])
    curvature = np.empty((number, number))
    for i in range(number):
        for j in range(number):
            corners = [cost(found + a * steps[i] + b * steps[j]) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            curvature[i, j] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * steps[i, i] * steps[j, j])
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    sure = values > 1e-3
    inverse = (vectors[:, sure] / values[sure]) @ vectors[:, sure].T
    return np.sqrt(np.maximum(np.diag(inverse), 0))


@numba.njit(cache=True)
def log_likelihood(places: np.ndarray, parameters: np.ndarray) -> float:
    """Return the logarithm of the likelihood of places (n,), NaN where unknown, by a Kalman filter.

    The parameters are the logarithms of variance, relaxation time and noise
    variance, in pixels and frames, and the mean.
    """
    variance, time, noise = np.exp(parameters[0]), np.exp(parameters[1]), np.exp(parameters[2])
    decay = np.exp(-1 / time)
    mean, spread, total = parameters[3], variance, 0.0
    for place in places:
        if np.isfinite(place):
            expected = spread + noise
            off = place - mean
            total -= 0.5 * (np.log(2 * np.pi * expected) + off * off / expected)
            gain = spread / expected
            mean += gain * off
            spread *= 1 - gain
        mean = parameters[3] + decay * (mean - parameters[3])
        spread = decay * decay * spread + variance * (1 - decay * decay)
    return total
