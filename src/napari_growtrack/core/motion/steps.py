"""How long steps are: the populations of diffusing particles that their lengths tell, without asking who switches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit

from ..errors import MotionError
from .displacement import Track, more_in_a_row, tracks_of
from .errors_of_means import MANY, t_reach
from .exponent import known_variances
from .fitting import SIGMA_SURE, check_number, criteria
from .units import Estimate, Units, plain

MOST_POPULATIONS = 3
"""Step lengths of four look like those of three."""

_LEAST_STEPS = 100
"""Fewer do not tell one population from two that differ by a factor of five."""

_PIECE = 30
"""Steps of a piece, where fewer than ten trajectories have to tell how far off a number is."""

_FAR = 1_000_000
"""More pieces than a trajectory has."""

_LEAST_VARIANCE = 1e-6
"""Of a step, over the mean: particles that are stuck and seen exactly have none, which has no logarithm."""

_NEAR = 1e-4
"""Of differences of slopes: well below what is told, well above rounding."""

_SURE = 1.5
"""Standard errors of a share's logit above this, from a twentieth to all, are not told."""

_BINS = 60
_MOST_OF_THEM = 0.995
"""Of step lengths, which are shown; the longest few would make the rest narrow."""


@dataclass(frozen=True)
class StepLengths:
    """Populations of diffusing particles, from slow to fast.

    Attributes
    ----------
    coefficients : tuple of Estimate
        Diffusion coefficient of each.
    shares : tuple of Estimate
        Of the steps; none where there is a single population.
    information : tuple of float
        Bayes' information criterion of one population, two and so on, as far as they were tried; the least is best.
    sigma_used : bool
        Whether the localisation error is that of the column ``sigma``, else what neighbouring steps tell.
    exposure_told : bool
    distribution : DataFrame
        ``length`` of a step in the unit of length, ``density`` of what was seen, ``fit``, and ``population_1`` and so
        on, each with its share; empty bins are rows, too.
    lengths : (n,) array
        Of steps, in pixels.
    weights, variances : (populations,) array
        The shares, and the mean variance of a step along an axis in px².
    """

    coefficients: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    information: tuple[float, ...]
    sigma_used: bool
    exposure_told: bool
    distribution: pd.DataFrame
    lengths: np.ndarray
    weights: np.ndarray
    variances: np.ndarray

    @property
    def number(self) -> int:
        """How many populations there are."""
        return len(self.coefficients)

    @property
    def lines(self) -> list[str]:
        """What is told, to be read."""
        told = [f"populations by steps   {self.number}{criteria(self.information)}"]
        for i, coefficient in enumerate(self.coefficients):
            share = f", share {self.shares[i]}" if self.shares else ""
            told.append(f"  population {i + 1}         D {coefficient}{share}")
        if not self.exposure_told and self.number > 1:
            told.append("Nobody told the exposure; populations are those of a shutter that is open for a moment.")
        return told

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; what is not known is None."""
        shares = self.shares or (None,) * self.number
        return {
            "number": self.number,
            "information_criterion": list(self.information),
            "populations": [
                {"diffusion_coefficient": plain(one), "share": share and plain(share)}
                for one, share in zip(self.coefficients, shares, strict=True)
            ],
            "sigma_used": self.sigma_used,
        }


def step_lengths(trajectories: pd.DataFrame, units: Units | None = None, populations: int | None = None) -> StepLengths:
    """Fit the distribution of step lengths from frame to frame by one and more diffusing populations.

    The steps of a population are normal along each axis, with the variance ``2 D (t - T / 3) + 2 s²`` for an exposure T
    and a localisation error s, so that their lengths have a Rayleigh distribution; the whole is a mixture. The error is
    that of ``sigma`` times a factor, which is 1 within a tenth and which neighbouring steps tell (Vestergaard,
    Blainey and Flyvbjerg, Phys. Rev. E 89, 022726, 2014); without ``sigma`` they alone tell it. Particles may stay in
    their population or switch between frames: intervals follow from how trajectories differ, of fewer than ten from how
    pieces of 30 steps do (White, Econometrica 50, 1, 1982). The number of populations is that of the least information
    criterion of Bayes. Who switches when, `diffusive_states` tells; through an open shutter steps lie between two
    populations where a particle switches, which only that knows.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels, and ``sigma`` where it is known. Steps across gaps are left out.
    units : Units, optional
        Pixels and frames by default. They should tell the exposure.
    populations : int, optional
        1 to 3; by default as many as the steps tell.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few steps, or the number is none of 1 to 3.

    Examples
    --------
    >>> from napari_growtrack.core.simulation.paths import switching_paths
    >>> film = switching_paths(np.random.default_rng(0), 60, 40, (0.05, 1.0), 0.05, 0.1)
    >>> step_lengths(film.assign(sigma=0.1), Units(exposure_share=0)).number
    2
    """
    check_number(populations, MOST_POPULATIONS, "populations")
    units, tracks = units or Units(), tracks_of(trajectories)
    variances = known_variances(trajectories, tracks)
    steps = _steps_of(tracks, variances, units.open_share or 0.0)
    tried = [_fitted(_Mixture(steps, 1), [np.array([1.0])])]
    while len(tried) < (populations or MOST_POPULATIONS):
        tried.append(_fitted(_Mixture(steps, len(tried) + 1), _more(tried[-1])))
        if populations is None and tried[-1].information > tried[-2].information:
            break
    best = min(tried, key=lambda one: one.information) if populations is None else tried[-1]
    return _told(best, units, tuple(one.information for one in tried), variances is not None)


class _Steps(NamedTuple):
    """Steps from frame to frame, and what neighbouring ones tell of the noise.

    Attributes
    ----------
    halves : (n,) array
        Half of each squared length, in px²: its mean is the variance along an axis.
    noises : (n,) array
        What localisation adds to that variance, if the factor is 1.
    whose : (n,) array of int
        Who tells how far off a mean is: the trajectory, or the piece of one.
    growth : float
        What a step's variance grows by with D, a frame: 2 less what the shutter blurs.
    factor, factor_prior : float
        What the noises are times, and the variance of that which only `sigma` itself leaves.
    factor_slopes : (tellers,) array
        How the factor differs by each teller.
    """

    halves: np.ndarray
    noises: np.ndarray
    whose: np.ndarray
    growth: float
    factor: float
    factor_prior: float
    factor_slopes: np.ndarray


def _steps_of(tracks: list[Track], variances: list[np.ndarray] | None, share: float) -> _Steps:
    """Return the steps, and the factor of their noise: by `sigma` and neighbouring steps, each as sure as it is."""
    parts: list[tuple[np.ndarray, ...]] = []
    for number, track in enumerate(tracks):
        steps = np.diff(track.places, axis=0)
        half, both = np.square(steps).sum(1) / 2, (steps[1:] * steps[:-1]).mean(1)
        noise = 1.0 if variances is None else float(variances[number][0])
        piece = np.arange(len(half)) // _PIECE if len(tracks) < MANY else np.zeros(len(half), int)
        teller, local = number * _FAR + piece, share / 6 * (half[1:] + half[:-1]) / 2 + (share / 3 - 1) * both
        parts.append((half, np.full(len(half), 2 * noise), teller, local, np.full(len(local), noise), teller[1:]))
    half, noises, whose, local, unit, by = (np.concatenate(one) for one in zip(*parts, strict=True))
    there = np.isfinite(half)
    if there.sum() < _LEAST_STEPS:
        raise MotionError(
            f"Expected at least {_LEAST_STEPS} steps from frame to frame to tell their lengths' distribution, got "
            f"{there.sum()}. {more_in_a_row(tracks)}"
        )
    names, tellers = np.unique(whose[there], return_inverse=True)
    told = _factor(local, unit, by, names, variances is not None)
    return _Steps(half[there], noises[there], tellers, 2 - 2 * share / 3, *told)


def _factor(
    local: np.ndarray, unit: np.ndarray, by: np.ndarray, names: np.ndarray, known: bool
) -> tuple[float, float, np.ndarray]:
    """Return the factor of the noise, the variance that only `sigma` leaves it, and how it differs by tellers."""
    there = np.isfinite(local)
    place = np.searchsorted(names, by[there])
    sums, counts = (np.bincount(place, one[there], len(names)) for one in (local, unit))
    alone = sums.sum() / counts.sum()
    slopes = (sums - alone * counts) / counts.sum()
    sure, expected = 1 / (np.square(slopes).sum() or 1e-12), 1 / (2 * SIGMA_SURE) ** 2 if known else 0.0
    part = sure / (sure + expected)
    return max(part * alone + (1 - part), 0.0) if known else alone, expected / (sure + expected) ** 2, part * slopes


@dataclass(frozen=True)
class _Mixture:
    """Steps and how many populations they are asked about.

    Parameters are D of each over that of all, and the logits of the shares over that of the first population.
    """

    steps: _Steps
    number: int

    @cached_property
    def scale(self) -> float:
        """Mean diffusion coefficient with the noise in it, in px²/frame: what the first guess is measured by."""
        return float(self.steps.halves.mean()) / self.steps.growth or 1e-12

    def logs(self, parameters: np.ndarray) -> np.ndarray:
        """Return the logarithm of each population's part of each step's density: (populations, n)."""
        variances = self.variances(parameters)
        return np.log(self.weights(parameters))[:, None] - np.log(variances) - self.steps.halves / variances

    def variances(self, parameters: np.ndarray) -> np.ndarray:
        """Return the variance of each step along an axis in each population: (populations, n)."""
        spread = self.scale * self.steps.growth
        found = spread * parameters[: self.number, None] + self.steps.factor * self.steps.noises
        return np.maximum(found, _LEAST_VARIANCE * spread)

    def weights(self, parameters: np.ndarray) -> np.ndarray:
        """Return the shares."""
        return np.exp(log_softmax(np.append(0.0, parameters[self.number :])))

    def slopes(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost, and each step's slope by each parameter: (parameters, n)."""
        logs = self.logs(parameters)
        whole = np.logaddexp.reduce(logs)
        chance, variances = np.exp(logs - whole), self.variances(parameters)
        by_scale = chance * (1 / variances - self.steps.halves / variances**2) * self.scale * self.steps.growth
        by_share = self.weights(parameters)[1:, None] - chance[1:]
        return -float(whole.sum()), np.concatenate([by_scale, by_share])

    def whole(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its slope."""
        cost, slopes = self.slopes(parameters)
        return cost, slopes.sum(1)


@dataclass(frozen=True)
class _Fitted:
    """What was found, from slow to fast."""

    mixture: _Mixture
    parameters: np.ndarray
    cost: float

    @property
    def information(self) -> float:
        """Bayes' information criterion."""
        return 2 * self.cost + len(self.parameters) * float(np.log(len(self.mixture.steps.halves)))

    def reaches(self, shares: bool) -> np.ndarray:
        """Return how far the 95 % intervals reach of each D in px²/frame, or of the shares' logits."""
        covariance, tellers = self._covariance(), len(self.mixture.steps.factor_slopes)
        number, weights = self.mixture.number, self.mixture.weights(self.parameters)
        if shares:  # by the logits over the first: d logit(w_k) = sum_j (kronecker - w_j) / (1 - w_k) d a_j
            by = (np.eye(number) - weights)[:, 1:] / (1 - weights[:, None])
            errors = np.einsum("kp,pq,kq->k", by, covariance[number:, number:], by)
        else:
            errors = self.mixture.scale**2 * np.diag(covariance)[:number]
        return np.sqrt(errors) * (t_reach(tellers) if tellers >= MANY else np.nan)

    def _covariance(self) -> np.ndarray:
        """Return that of the parameters, with what the noise's factor adds."""
        mixture, steps, found = self.mixture, self.mixture.steps, self.parameters
        near = _NEAR * np.eye(len(found))
        bend = np.array([mixture.whole(found + one)[1] - mixture.whole(found - one)[1] for one in near]) / (2 * _NEAR)
        off = [_Mixture(steps._replace(factor=steps.factor + one), mixture.number) for one in (_NEAR, -_NEAR)]
        by_factor = (off[0].whole(found)[1] - off[1].whole(found)[1]) / (2 * _NEAR)
        bread = np.linalg.pinv((bend + bend.T) / 2)
        slopes, tellers = mixture.slopes(found)[1], len(steps.factor_slopes)
        sums = np.array([np.bincount(steps.whose, one, tellers) for one in slopes])
        moves = bread @ (sums + by_factor[:, None] * steps.factor_slopes)
        turn = bread @ by_factor
        return moves @ moves.T * tellers / max(tellers - 1, 1) + np.outer(turn, turn) * steps.factor_prior


def _fitted(mixture: _Mixture, starts: list[np.ndarray]) -> _Fitted:
    """Return the best fit from several starts, each by D over that of all."""
    bounds = [(0.0, None)] * mixture.number + [(-12.0, 12.0)] * (mixture.number - 1)
    begins = [np.append(np.sort(one), np.zeros(mixture.number - 1)) for one in starts]
    tried = [minimize(mixture.whole, one, jac=True, method="L-BFGS-B", bounds=bounds) for one in begins]
    best = min(tried, key=lambda one: one.fun)
    order = np.argsort(best.x[: mixture.number])
    logits = np.append(0.0, best.x[mixture.number :])[order]
    return _Fitted(mixture, np.append(best.x[: mixture.number][order], (logits - logits[0])[1:]), float(best.fun))


def _more(found: _Fitted) -> list[np.ndarray]:
    """Return starts with one more population: far slower, between, or far faster."""
    scales = np.maximum(found.parameters[: found.mixture.number], 0.01)
    between = np.sqrt(scales[0] * scales[1]) if len(scales) > 1 else scales[0] * 0.5
    return [np.append(scales, one) for one in (scales[0] / 6, between, scales[-1] * 3)]


def _told(found: _Fitted, units: Units, information: tuple[float, ...], known: bool) -> StepLengths:
    mixture, number = found.mixture, found.mixture.number
    scale = units.pixel**2 / units.frame
    values = mixture.scale * found.parameters[:number]
    ends = scale * np.maximum(values + found.reaches(False) * np.array([[0], [-1], [1]]), 0)
    weights, variances = mixture.weights(found.parameters), mixture.variances(found.parameters).mean(1)
    lengths = np.sqrt(2 * mixture.steps.halves)
    return StepLengths(
        tuple(Estimate.between(float(value), float(low), float(high), units.diffusion) for value, low, high in ends.T),
        tuple(_share(one, reach) for one, reach in zip(weights, found.reaches(True), strict=True))
        if number > 1
        else (),
        information,
        known,
        units.open_share is not None,
        _distribution(lengths, weights, variances, units.pixel),
        lengths,
        weights,
        variances,
    )


def _share(weight: float, reach: float) -> Estimate:
    value, low, high = (float(one) for one in expit(logit(weight) + reach * np.array([0, -1, 1])))
    return Estimate.between(value if reach < 2 * _SURE else np.nan, low, high, "")


def _distribution(lengths: np.ndarray, weights: np.ndarray, variances: np.ndarray, pixel: float) -> pd.DataFrame:
    """Return how often steps of each length were seen and are expected, in the unit of length."""
    seen, edges = np.histogram(lengths, _BINS, (0, float(np.quantile(lengths, _MOST_OF_THEM)) or 1.0))
    density = seen / (len(lengths) * np.diff(edges))
    middles = (edges[1:] + edges[:-1]) / 2
    each = [w * middles / v * np.exp(-(middles**2) / (2 * v)) for w, v in zip(weights, variances, strict=True)]
    parts = {f"population_{i}": one / pixel for i, one in enumerate(each, 1)}
    table = {"length": pixel * middles, "density": density / pixel, "fit": np.sum(each, axis=0) / pixel}
    return pd.DataFrame(table | parts)
