"""The exponent of anomalous diffusion, by the likelihood of fractional Brownian motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from .diffusion import apparent_variance
from .displacement import Track, tracks_of
from .errors_of_means import MANY, NORMAL_REACH, t_reach
from .fractional import Runs, costs, least_noise, runs_of
from .units import Estimate, Units

_MOST = 2.0
"""Of exponents, which are fitted as a share of it between 0 and 1, by the logistic function."""

_FAR = 8.0
"""On the logistic scale: exponents are held from 0 and 2 themselves, where no covariance can be inverted."""

_SIGMA_SURE = 0.1
"""How far `sigma` is trusted: it is off by a tenth where the film is as its network expects."""

_REFUTED = 4.5
"""How much less likely displacements may be with `sigma` before that is not believed: by three standard errors."""

_TELLS = 1.6
"""An interval as wide as this holds nearly every exponent there is."""

_STEP = 0.01
"""Of derivatives: well below standard errors, well above rounding."""

_LITTLE = 0.3
"""Noise over scale that the fit starts from, above the least there can be."""

_FLAT = 1e-3
"""Curvature below which nothing is known: a standard error of 30 in a logarithm."""

_NEAR = 1e-5
"""Of the noise's derivatives, which is cheap and smooth."""

_BOUNDS = ((None, None), (-12.0, 12.0), (-12.0, 12.0))
"""Of the parameters: no exponent nearer to its ends, and no noise smaller, can be told from them."""

_TURNS = 3
"""In which the end of an interval is found to a hundredth of its width: the root of the rise is nearly a line."""

_IMPOSSIBLE = 1e10
"""The cost of what no motion can be."""

_NOT_TOLD = Estimate.between(np.nan, np.nan, np.nan, "")


@dataclass(frozen=True)
class Exponent:
    """How fast motion spreads, and what was found on the way.

    Attributes
    ----------
    exponent : Estimate
        1 for diffusion, less in a cage, more where something drives.
    sigma_factor : Estimate
        What the detections' `sigma` is times, by all the displacements say; not told where it was not used.
    sigma_used : bool
        Whether the localisation error is that of the column ``sigma``.
    sigma_refuted : bool
        Whether there is such a column and the positions scatter otherwise.
    """

    exponent: Estimate
    sigma_factor: Estimate
    sigma_used: bool
    sigma_refuted: bool


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
    Phys. Rev. E 91, 062716, 2015) with localisation added. Exponent, scale and noise are those of the greatest
    likelihood. The variance of each place is the mean square of its trajectory's ``sigma`` times a factor, which is 1
    within a fifth as long as the displacements know no better. Without ``sigma`` all places are alike, and their
    variance may be below 0: so it takes in an exposure that nobody told, which shifts mean square displacements by
    nearly a constant (Berglund, Phys. Rev. E 82, 011917, 2010).
    """
    share, tracks = (units or Units()).open_share, tracks_of(trajectories)
    free = _fitted(_Question(runs_of(tracks), share or 0.0, False))
    variances = known_variances(trajectories, tracks)
    if variances is None or share is None:
        return Exponent(free.exponent, _NOT_TOLD, False, False)
    asked = _Question(runs_of(tracks, variances), share, True)
    known = _fitted(asked)
    if known.cost - free.cost > _REFUTED:
        return Exponent(free.exponent, _NOT_TOLD, False, True)
    return Exponent(known.exponent, known.factor, True, False)


def looks_blurred(trajectories: pd.DataFrame, spreading: Exponent) -> bool:
    """Tell whether positions look blurred by a shutter that is open for long.

    Blur makes neighbouring steps resemble each other, so that the variance of localisation seems to be below 0, or
    below what `sigma` says. So does motion that keeps its direction, but then the exponent is above 1.
    """
    variances = known_variances(trajectories, tracks_of(trajectories))
    said = 0.0 if variances is None else float(np.nanmean(np.concatenate(variances)))
    expected = said * (1 - _SIGMA_SURE) ** 2
    return apparent_variance(trajectories).high < expected and not spreading.exponent.low > 1


def known_variances(trajectories: pd.DataFrame, tracks: list[Track]) -> list[np.ndarray] | None:
    """Return the variance of each place, in px², as ``sigma`` tells it; None where one detection says nothing.

    It is the mean of its trajectory: particles differ in brightness, but single values of `sigma` are noisy themselves.
    """
    if "sigma" not in trajectories:
        return None
    values = pd.to_numeric(trajectories["sigma"], errors="coerce").to_numpy(float)
    if not np.all(np.isfinite(values) & (values > 0)):
        return None
    squares = trajectories.assign(square=np.square(values)).groupby("particle")["square"].mean()
    return [np.full(len(track.places), squares[track.particle]) for track in tracks]


@dataclass(frozen=True)
class _Question:
    """Runs, the share of a frame in which the shutter is open, and whether their variances are known.

    Parameters are the logarithm of the scale in px², the exponent on the logistic scale, and a logarithm: of what
    known variances are times, or else of how far the noise over the scale is above the least.
    """

    runs: Runs
    share: float
    known: bool

    @property
    def widths(self) -> np.ndarray:
        """Standard deviations of what is expected of the parameters before anything is seen."""
        return np.array([np.inf, _FAR, 2 * _SIGMA_SURE if self.known else np.inf])

    def noise(self, parameters: np.ndarray) -> float:
        """Return what the variances are times."""
        if self.known:
            return float(np.exp(parameters[2]))
        least = least_noise(_MOST * float(expit(parameters[1])), self.share)
        return float(np.exp(parameters[0]) * (least + np.exp(parameters[2])))

    def costs(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the cost of each run, and its slopes (runs, 3) by the parameters."""
        scale, part = float(np.exp(parameters[0])), float(expit(parameters[1]))
        found, slopes = costs(self.runs, scale, _MOST * part, self.noise(parameters), self.share)
        near = _NEAR * np.eye(3)
        by_noise = [(self.noise(parameters + one) - self.noise(parameters - one)) / (2 * _NEAR) for one in near]
        return found, slopes * [1.0, _MOST * part * (1 - part), 0.0] + slopes[:, 2:] * by_noise

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
class _Fitted:
    """What was found: parameters, how far their 95 % intervals reach, by how many standard errors, and the cost."""

    asked: _Question
    parameters: np.ndarray
    reaches: np.ndarray
    rise: float
    cost: float

    @property
    def factor(self) -> Estimate:
        """What known variances are times, as a factor of `sigma`."""
        ends = self.parameters[2] + self.reaches[2] * np.array([0, -1, 1])
        value, low, high = (float(one) for one in np.exp(ends / 2))
        return Estimate.between(value, low, high, "")

    @property
    def exponent(self) -> Estimate:
        """The exponent; not told where nearly each one is possible."""
        ends = [self.parameters[1], self._end(-1), self._end(1)]
        value, low, high = (float(one) for one in _MOST * expit(ends))
        return Estimate.between(value if high - low < _TELLS else np.nan, low, high, "")

    def _end(self, side: int) -> float:
        """Return where the exponent's interval ends: where the least cost with that exponent has risen by so much.

        Where noise is larger than steps, the likelihood leans: an interval alike to both sides is missed by 1 in 10.
        """
        value, way = self.parameters[1], side * self.reaches[1]
        if not np.isfinite(way):
            return float(way)
        rest = self.parameters[[0, 2]]
        for _ in range(_TURNS):
            cost, rest = self._cost_at(value + way, rest)
            rose = np.sqrt(max(2 * (cost - self.cost), 1e-6))
            way *= min(max(self.rise / rose, 0.5), 2.0)
        return float(value + way)

    def _cost_at(self, exponent: float, start: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the least cost with an exponent, on its scale, and the other parameters there."""

        def cost(rest: np.ndarray) -> tuple[float, np.ndarray]:
            whole, slope = self.asked.whole(np.array([rest[0], exponent, rest[1]]))
            return whole, slope[[0, 2]]

        found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS[::2])
        return float(found.fun), found.x


def _fitted(asked: _Question) -> _Fitted:
    """Return the parameters of the greatest likelihood.

    From many trajectories on, the errors follow from how these differ, so that particles may differ (White,
    Econometrica 50, 1, 1982).
    """
    runs = asked.runs
    spread = float(np.square(runs.moves).sum() / (2 * runs.lengths.sum()))
    if not spread > 0:
        return _Fitted(asked, np.full(3, np.nan), np.full(3, np.nan), np.nan, np.nan)
    start = [np.log(spread), 0.0, 0.0 if asked.known else np.log(_LITTLE)]
    found = minimize(asked.whole, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    bread = _inverse([asked.whole(found.x + one)[1] - asked.whole(found.x - one)[1] for one in _STEP * np.eye(3)])
    errors = np.sqrt(np.maximum(np.diag(bread), 1e-12))
    if runs.tracks >= MANY:
        bread = bread @ asked.spread(found.x) @ bread
    reach = t_reach(runs.tracks) if runs.tracks >= MANY else NORMAL_REACH
    reaches = reach * np.sqrt(np.maximum(np.diag(bread), 0))
    return _Fitted(asked, found.x, reaches, float(reaches[1] / errors[1]), float(found.fun))


def _inverse(differences: list[np.ndarray]) -> np.ndarray:
    """Return the inverse of a curvature, told by differences of slopes; nothing where it is flat."""
    bend = np.array(differences) / (2 * _STEP)
    values, vectors = np.linalg.eigh((bend + bend.T) / 2)
    sure = values > _FLAT
    return (vectors[:, sure] / values[sure]) @ vectors[:, sure].T
