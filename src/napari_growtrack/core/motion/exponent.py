"""The exponent of anomalous motion: that of fractional Brownian motion, seen through an open shutter and with noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import LinAlgError, cholesky, solve_triangular, toeplitz
from scipy.optimize import minimize
from scipy.special import expit

from ..errors import MotionError
from .diffusion import LEAST_STEPS, apparent_variance
from .displacement import Track, tracks_of
from .errors_of_means import MANY, NORMAL_REACH, t_reach
from .units import Estimate, Units

_LONGEST = 64
"""Displacements that are looked at together: more tell little of the exponent, and their covariance costs the cube."""

_MOST = 2.0
"""Of exponents, which are fitted as a share of it between 0 and 1, by the logistic function."""

_FAR = 8.0
"""On the logistic scale: exponents are held from 0 and 2 themselves, where no covariance can be inverted."""

_SIGMA_SURE = 0.1
"""How far `sigma` is trusted: it is off by a tenth where the film is as its network expects."""

_AGREE = 2.0
"""Standard errors that the noise may be off what `sigma` says before that is not believed."""

_TELLS = 1.6
"""An interval as wide as this holds nearly every exponent there is."""

_STEP = 0.01
"""Of derivatives: well below standard errors, well above rounding."""

_LITTLE = 0.05
"""Noise over scale that the fit starts from."""

_LEAST_NOISE = -0.25
"""Noise over scale at least: a shutter always open makes -1/6 of none where particles diffuse, and there is some room.
Without an end what is confined would be told as boundless motion within each frame, all of it blurred."""

_FLAT = 1e-3
"""Curvature below which nothing is known: a standard error of 30 in a logarithm."""

_IMPOSSIBLE = 1e100
"""The cost of noise so far below 0 that no motion has such displacements."""


@dataclass(frozen=True)
class Exponent:
    """How fast motion spreads, and what was found on the way.

    Attributes
    ----------
    exponent : Estimate
        1 for diffusion, less in a cage, more where something drives.
    sigma_used : bool
        Whether the localisation error is that of the column ``sigma``.
    sigma_refuted : bool
        Whether there is such a column and the positions scatter otherwise.
    """

    exponent: Estimate
    sigma_used: bool
    sigma_refuted: bool


@dataclass(frozen=True)
class _Steps:
    """Runs of displacements: (longest, runs, 2), 0 behind a run's end; which are there; and whose each run is."""

    moves: np.ndarray
    there: np.ndarray
    whose: np.ndarray
    tracks: int


def anomalous_exponent(trajectories: pd.DataFrame, units: Units | None = None) -> Estimate:
    """Estimate the exponent of ``msd ~ t^a``: 1 for diffusion, less in a cage, more where something drives.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels; ``sigma`` is used where it is there, the exposure is known, and the
        positions do not contradict it.
    units : Units, optional
        With the exposure, where it is known.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few displacements in a row, or the exposure is longer than a frame.
    """
    return exponent_of(trajectories, units).exponent


def exponent_of(trajectories: pd.DataFrame, units: Units | None = None) -> Exponent:
    """Estimate the exponent, and tell whether ``sigma`` was of use; parameters and errors as `anomalous_exponent`.

    Displacements are those of fractional Brownian motion averaged over the exposure (Backlund, Joyner and Moerner,
    Phys. Rev. E 91, 062716, 2015) with a constant variance of localisation added. Exponent, scale and variance are
    those of the greatest likelihood. The variance may be below 0: so it takes in an exposure that nobody told,
    which shifts mean square displacements by nearly a constant (Berglund, Phys. Rev. E 82, 011917, 2010).
    """
    share = (units or Units()).open_share
    steps = _steps_of(tracks_of(trajectories))
    free, errors = _fitted(steps, share or 0.0)
    sigma = _sigma(trajectories)
    if sigma is None or share is None:
        return Exponent(_told(free, errors, steps.tracks), False, False)
    noise = np.exp(free[0]) * _noise(free)
    unsure = np.hypot(np.exp(free[0] + free[2]) * errors[2], 2 * _SIGMA_SURE * sigma)
    if abs(noise - sigma) > _AGREE * unsure:
        return Exponent(_told(free, errors, steps.tracks), False, True)
    return Exponent(_told(*_fitted(steps, share, sigma), steps.tracks), True, False)


def looks_blurred(trajectories: pd.DataFrame, spreading: Exponent) -> bool:
    """Tell whether positions look blurred by a shutter that is open for long.

    Blur makes neighbouring steps resemble each other, so that the variance of localisation seems to be below 0, or
    below what `sigma` says. So does motion that keeps its direction, but then the exponent is above 1.
    """
    expected = (_sigma(trajectories) or 0.0) * (1 - _SIGMA_SURE) ** 2
    return apparent_variance(trajectories).high < expected and not spreading.exponent.low > 1


def _sigma(trajectories: pd.DataFrame) -> float | None:
    """Return the mean square of what detections say of their own errors, in px²; None where one says nothing."""
    if "sigma" not in trajectories:
        return None
    values = pd.to_numeric(trajectories["sigma"], errors="coerce").to_numpy(float)
    return float(np.square(values).mean()) if np.all(np.isfinite(values) & (values > 0)) else None


def _told(found: np.ndarray, errors: np.ndarray, tracks: int) -> Estimate:
    half = errors[1] * (t_reach(tracks) if tracks >= MANY else NORMAL_REACH)
    value, low, high = _MOST * expit(found[1] + half * np.array([0, -1, 1]))
    if high - low > _TELLS:
        value = np.nan
    return Estimate.between(float(value), float(low), float(high), "")


def _steps_of(tracks: list[Track]) -> _Steps:
    """Return displacements in a row, cut where a trajectory has a gap, and into pieces that are not too long."""
    runs, whose = [], []
    for number, track in enumerate(tracks):
        there = np.isfinite(track.places[:, 0])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there, [0]])))
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            moves = np.diff(track.places[first:end], axis=0)
            pieces = [moves[start : start + _LONGEST] for start in range(0, len(moves), _LONGEST)]
            runs += pieces
            whose += [number] * len(pieces)
    number = sum(max(len(run) - 1, 0) for run in runs)
    if number < LEAST_STEPS:
        raise MotionError(
            f"Expected at least {LEAST_STEPS} pairs of displacements in a row, got {number}. "
            "Link longer trajectories, or more of them."
        )
    lengths = np.array([len(run) for run in runs])
    moves = np.zeros((lengths.max(), len(runs), 2))
    for column, run in enumerate(runs):
        moves[: len(run), column] = run
    return _Steps(moves, np.arange(lengths.max())[:, None] < lengths, np.array(whose), len(tracks))


def _fitted(steps: _Steps, share: float, sigma: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of the scale in px², the exponent and the noise as they are fitted; and errors.

    From many trajectories on, the errors follow from how these differ, so that particles may differ (White,
    Econometrica 50, 1, 1982).
    """

    def doubt(parameters: np.ndarray) -> float:
        far = 0.5 * (parameters[1] / _FAR) ** 2
        return far if sigma is None else far + _doubt(parameters, sigma)

    def cost(parameters: np.ndarray) -> float:
        return float(_costs(steps, parameters, share).sum())

    scale = np.square(steps.moves).sum() / (2 * steps.there.sum())
    if not scale > 0:
        return np.array([0.0, np.nan, np.nan]), np.full(3, np.nan)
    start = np.array([np.log(scale), 0.0, np.log(_LITTLE - _LEAST_NOISE)])
    found = minimize(
        lambda parameters: cost(parameters) + doubt(parameters), start, method="Nelder-Mead",
        options={"maxiter": 1000, "xatol": 1e-4, "fatol": 1e-4},
    ).x  # fmt: skip
    known = _curvature(doubt, found)
    values, vectors = np.linalg.eigh(_curvature(cost, found) + known)
    sure = values > _FLAT
    bread = (vectors[:, sure] / values[sure]) @ vectors[:, sure].T
    if steps.tracks >= MANY:
        bread = bread @ (_spread(steps, found, share) + known) @ bread
    return found, np.sqrt(np.maximum(np.diag(bread), 0))


def _noise(parameters: np.ndarray) -> float:
    """Return the variance of localisation over the scale."""
    return _LEAST_NOISE + float(np.exp(parameters[2]))


def _doubt(parameters: np.ndarray, sigma: float) -> float:
    """Return how much a noise contradicts `sigma`, as a cost."""
    return 0.5 * float((np.exp(parameters[0]) * _noise(parameters) / sigma - 1) / (2 * _SIGMA_SURE)) ** 2


def _costs(steps: _Steps, parameters: np.ndarray, share: float) -> np.ndarray:
    """Return minus the logarithm of the likelihood of each run, but for a constant.

    Covariances of shorter runs are corners of that of the longest, and so are their Cholesky factors.
    """
    scale, exponent, noise = np.exp(parameters[0]), _MOST * expit(parameters[1]), _noise(parameters)
    impossible = np.full(len(steps.whose), _IMPOSSIBLE)
    expected = _covariance(len(steps.moves), exponent, share)
    expected[:2] += noise * np.array([2.0, -1.0])[: len(expected)]
    try:
        factor = cholesky(toeplitz(scale * expected), lower=True, check_finite=False)
    except (LinAlgError, ValueError):
        return impossible
    flat = steps.moves.reshape(len(steps.moves), -1)
    white = solve_triangular(factor, flat, lower=True, check_finite=False).reshape(steps.moves.shape)
    each = 0.5 * np.square(white).sum(2) + 2 * np.log(np.diag(factor))[:, None]
    return (each * steps.there).sum(0)


def _covariance(number: int, exponent: float, share: float) -> np.ndarray:
    """Return the covariance of a displacement with itself and those after it, for a scale of 1."""
    spread = blurred_msd(np.arange(number + 1), exponent, share)
    before = np.concatenate([spread[1:2], spread[:-2]])
    return (spread[1:] + before - 2 * spread[:-1]) / 2


def blurred_msd(lags: np.ndarray, exponent: float, share: float) -> np.ndarray:
    """Return the mean square displacement along an axis of fractional motion with an open shutter, 1 after a frame.

    After Backlund, Joyner and Moerner (2015), without noise. For an exponent of 1 it is ``lag - share / 3``.

    Parameters
    ----------
    lags : (n,) array
        In frames.
    exponent : float
    share : float
        Of a frame in which the shutter is open.
    """
    lags = np.asarray(lags, float)
    if share < 0.001:  # differences of powers drown in rounding
        return lags**exponent
    power, norm = exponent + 2, (exponent + 1) * (exponent + 2)
    differences = (lags + share) ** power + np.abs(lags - share) ** power - 2 * lags**power
    blurred = differences / (share**2 * norm) - 2 * share**exponent / norm
    return np.where(lags > 0, blurred, 0.0)


def _curvature(cost: Callable[[np.ndarray], float], found: np.ndarray) -> np.ndarray:
    """Return second derivatives."""

    def corners(one: np.ndarray, other: np.ndarray) -> float:
        return sum(a * b * cost(found + a * one + b * other) for a in (1, -1) for b in (1, -1))

    steps = _STEP * np.eye(len(found))
    return np.array([[corners(one, other) for other in steps] for one in steps]) / (4 * _STEP**2)


def _spread(steps: _Steps, found: np.ndarray, share: float) -> np.ndarray:
    """Return how the trajectories' slopes of the likelihood vary, summed: (3, 3)."""
    slopes = []
    for step in _STEP * np.eye(len(found)):
        slope = (_costs(steps, found + step, share) - _costs(steps, found - step, share)) / (2 * _STEP)
        slopes.append(np.bincount(steps.whose, slope, steps.tracks))
    return np.array(slopes) @ np.array(slopes).T * steps.tracks / (steps.tracks - 1)
