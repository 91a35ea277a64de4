"""Motion of the greatest likelihood among a family of mean square displacements, seen with noise, blur and gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from ..errors import MotionError
from .errors_of_means import MANY, NORMAL_REACH, t_reach
from .fractional import LAGS, Runs, costs_of, least_noise
from .units import Estimate

SIGMA_SURE = 0.1
"""How far `sigma` is trusted: it is off by a tenth where the film is as its network expects."""

_STEP = 0.01
"""Of derivatives: well below standard errors, well above rounding."""

_LITTLE = 0.3
"""Noise over scale that the fit starts from, above the least there can be."""

_FLAT = 1e-3
"""Curvature below which nothing is known: a standard error of 30 in a logarithm."""

_NEAR = 1e-5
"""Of the noise's derivatives, which is cheap and smooth."""

_FAR = 12.0
"""Of logarithms: beyond, nothing can be told."""

_TURNS = 3
"""In which the end of an interval is found to a hundredth of its width: the root of the rise is nearly a line."""

_IMPOSSIBLE = 1e10
"""The cost of what no motion can be."""


def check_number(number: int | None, most: int, of: str) -> None:
    """Refuse a number of states, or whatever they are told ``of``, that is none of 1 to the most.

    Raises
    ------
    MotionError
        When it is given and none of these.
    """
    if number is not None and number not in range(1, most + 1):
        raise MotionError(f"Expected a number of {of} from 1 to {most}, got {number}. Choose one of these.")


def criteria(information: tuple[float, ...]) -> str:
    """Return by how much the information criteria of one, two and so on are above the least; nothing for one alone."""
    above = ", ".join(f"{one - min(information):.3g} with {i}" for i, one in enumerate(information, 1))
    return f"  (information criterion above the least: {above})" if len(information) > 1 else ""


class Family(NamedTuple):
    """Mean square displacements along an axis that differ by a scale and by one number more.

    Attributes
    ----------
    of : callable
        ``of(lags, number, share)``: at lags in frames, for a scale of 1, with the shutter open for a share of a frame.
    start, width, least, most : float
        Of the number: where the fit starts, the standard deviation of what is expected around 0, and its ends.
    normal : bool
        Whether paths are normal for sure, so that what trajectories would differ by if they were alike is known.
    """

    of: Callable[[np.ndarray, float, float], np.ndarray]
    start: float
    width: float
    least: float
    most: float
    normal: bool

    @property
    def bounds(self) -> tuple[tuple[float | None, float | None], ...]:
        """Of the parameters of a question: no noise smaller, or larger, can be told."""
        return ((None, None), (self.least, self.most), (-_FAR, _FAR))


@dataclass(frozen=True)
class Question:
    """A family, runs, the share of a frame in which the shutter is open, and whether their variances are known.

    Parameters are the logarithm of the scale in px², the family's number, and a logarithm: of what known variances are
    times, or else of how far the noise over the scale is above the least.
    """

    family: Family
    runs: Runs
    share: float
    known: bool

    @property
    def widths(self) -> np.ndarray:
        """Standard deviations of what is expected of the parameters before anything is seen."""
        return np.array([np.inf, self.family.width, 2 * SIGMA_SURE if self.known else np.inf])

    def noise(self, parameters: np.ndarray) -> float:
        """Return what the variances are times."""
        if self.known:
            return float(np.exp(parameters[2]))
        least = least_noise(self.family.of(LAGS, float(parameters[1]), self.share))
        return float(np.exp(parameters[0]) * (least + np.exp(parameters[2])))

    def costs(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the cost of each run, and its slopes (runs, 3) by the parameters."""

        def spreads(lags: np.ndarray, number: float) -> np.ndarray:
            return self.family.of(lags, number, self.share)

        scale, number = float(np.exp(parameters[0])), float(parameters[1])
        found, slopes = costs_of(self.runs, scale, spreads, number, self.noise(parameters))
        near = _NEAR * np.eye(3)
        by_noise = [(self.noise(parameters + one) - self.noise(parameters - one)) / (2 * _NEAR) for one in near]
        return found, slopes * [1.0, 1.0, 0.0] + slopes[:, 2:] * by_noise

    def whole(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost of everything, expectations included, and its slopes (3,)."""
        found, slopes = self.costs(parameters)
        off = parameters / self.widths
        total = float(found.sum() + off @ off / 2)
        return (total, slopes.sum(0) + off / self.widths) if np.isfinite(total) else (_IMPOSSIBLE, np.zeros(3))

    def spread(self, parameters: np.ndarray) -> np.ndarray:
        """Return how the trajectories' slopes vary, summed, with what the expectations add: (3, 3)."""
        slopes, tracks = np.zeros((self.runs.tracks, 3)), self.runs.tracks
        np.add.at(slopes, self.runs.whose, self.costs(parameters)[1])
        return slopes.T @ slopes * tracks / (tracks - 1) + np.diag(1 / np.square(self.widths))


@dataclass(frozen=True)
class Fitted:
    """What was found: parameters, how far their 95 % intervals reach, by how many standard errors, and the cost."""

    asked: Question
    parameters: np.ndarray
    reaches: np.ndarray
    rises: np.ndarray
    cost: float

    @property
    def factor(self) -> Estimate:
        """What known variances are times, as a factor of `sigma`."""
        ends = self.parameters[2] + self.reaches[2] * np.array([0, -1, 1])
        value, low, high = (float(one) for one in np.exp(ends / 2))
        return Estimate.between(value, low, high, "")

    def interval(self, which: int) -> tuple[float, float]:
        """Return where a parameter's interval ends: where the least cost with that value has risen by so much.

        Where noise is larger than steps, the likelihood leans: an interval alike to both sides is missed by 1 in 10.
        """
        return self._end(which, -1), self._end(which, 1)

    def _end(self, which: int, side: int) -> float:
        value, way = self.parameters[which], side * self.reaches[which]
        if not np.isfinite(way):
            return float(way)
        rest = np.delete(self.parameters, which)
        for _ in range(_TURNS):
            cost, rest = self.cost_at(which, value + way, rest)
            rose = np.sqrt(max(2 * (cost - self.cost), 1e-6))
            way *= min(max(self.rises[which] / rose, 0.5), 2.0)
        return float(value + way)

    def cost_at(self, which: int, value: float, start: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the least cost with this value of a parameter, and the other parameters there."""
        others = np.delete(np.arange(3), which)

        def cost(rest: np.ndarray) -> tuple[float, np.ndarray]:
            whole, slope = self.asked.whole(np.insert(rest, which, value))
            return whole, slope[others]

        bounds = [self.asked.family.bounds[one] for one in others]
        found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
        return float(found.fun), found.x


def fitted(asked: Question) -> Fitted:
    """Return the parameters of the greatest likelihood.

    From many trajectories on, the errors follow from how these differ, so that particles may differ (White,
    Econometrica 50, 1, 1982), but are never below those of normal paths that are alike: what a hundred differ by is
    itself off by a seventh, and an interval that is narrow by chance is missed more often.
    """
    runs = asked.runs
    spread = float(np.square(runs.moves).sum() / (2 * runs.lengths.sum()))
    if not spread > 0:
        unknown = np.full(3, np.nan)
        return Fitted(asked, unknown, unknown, unknown, np.nan)
    start = [np.log(spread), asked.family.start, 0.0 if asked.known else np.log(_LITTLE)]
    found = minimize(asked.whole, start, jac=True, method="L-BFGS-B", bounds=asked.family.bounds)
    bread = _inverse([asked.whole(found.x + one)[1] - asked.whole(found.x - one)[1] for one in _STEP * np.eye(3)])
    errors = robust = np.sqrt(np.maximum(np.diag(bread), 1e-12))
    if runs.tracks >= MANY:
        least = errors if asked.family.normal else 0.0
        robust = np.maximum(np.sqrt(np.diag(bread @ asked.spread(found.x) @ bread)), least)
    reaches = robust * (t_reach(runs.tracks) if runs.tracks >= MANY else NORMAL_REACH)
    return Fitted(asked, found.x, reaches, reaches / errors, float(found.fun))


def _inverse(differences: list[np.ndarray]) -> np.ndarray:
    """Return the inverse of a curvature, told by differences of slopes; nothing where it is flat."""
    bend = np.array(differences) / (2 * _STEP)
    values, vectors = np.linalg.eigh((bend + bend.T) / 2)
    sure = values > _FLAT
    return (vectors[:, sure] / values[sure]) @ vectors[:, sure].T
