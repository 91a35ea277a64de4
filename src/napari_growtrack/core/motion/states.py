"""States of motion: how many there are, how fast each diffuses, and how particles switch between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_softmax, logit

from ..errors import MotionError
from .displacement import more_in_a_row, tracks_of
from .errors_of_means import MANY, NORMAL_REACH, t_reach
from .exponent import known_variances
from .fitting import SIGMA_SURE, check_number, criteria
from .switching import Rows, Switching, log_likelihoods, probabilities, rows_of, switches_of
from .units import Estimate, Units, plain

MOST_STATES = 3
"""Four need thousands of long trajectories to be told apart."""

_LEAST_MOVES = 30
"""Fewer tell the ratio of two diffusion coefficients to no better than a factor of two."""

_STEP = 0.02
"""Of derivatives by logarithms: well below standard errors, well above rounding."""

_FLAT = 1e-3
"""Curvature below which nothing is known: a standard error of 30 in a logarithm."""

_SURE = 1.5
"""Standard errors of a logarithm above this, a factor of twenty either way, are not told."""

_ANY = 3.0
"""Standard deviation of the logarithm of what nobody knows before: everything between a 400th and 400 times."""

_USUAL_SWITCHING = 0.05
_USUAL_NOISE = 0.1
"""Of a frame and of a step's variance; what is fitted starts there and may end anywhere."""

_FEW = 40
"""Trajectories that tell which start leads to the greatest likelihood; all of them are fitted from there."""

_GLANCE, _ENOUGH = 6, 40
"""Iterations for that, and at most: a dozen are usual."""

_SETTLED = 0.01
"""What the cost still falls by when it is found: at standard errors it has risen by a half."""

_NEAR = 1e-4
"""Of slopes that only show the way."""

_LONGEST_STEP = 2.0
"""Of a logarithm in one iteration."""

_CLEARLY = 2.0
"""How much likelier an open shutter has to be than a closed one, as a logarithm, where nobody tells."""


@dataclass(frozen=True)
class States:
    """States of motion, from slow to fast.

    Attributes
    ----------
    coefficients : tuple of Estimate
        Diffusion coefficient of each.
    shares : tuple of Estimate
        Of the time that particles spend in each.
    rates : tuple of tuple of Estimate
        ``rates[i][j]``: how often, in a unit of time, particles in state i go over to j; the probability a frame over
        the frame time. Not told where i is j.
    dwell_times : tuple of Estimate
        How long a particle stays in each, on average.
    localisation : Estimate
        What `sigma` is times where it is used, else the standard deviation of a position along one axis.
    information : tuple of float
        Bayes' information criterion of one state, two and so on, as far as they were tried; the least is best.
    sigma_used : bool
    exposure_guessed : float or None
        The share of a frame in which the shutter seems to be open, where nobody tells: 0 or 1.
    model : Switching
        The same in pixels and frames.
    """

    coefficients: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    rates: tuple[tuple[Estimate, ...], ...]
    dwell_times: tuple[Estimate, ...]
    localisation: Estimate
    information: tuple[float, ...]
    sigma_used: bool
    exposure_guessed: float | None
    model: Switching

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.coefficients)

    @property
    def lines(self) -> list[str]:
        """What is told, to be read."""
        told = [f"states of motion       {self.number}{criteria(self.information)}"]
        for i, coefficient in enumerate(self.coefficients):
            told.append(f"  state {i + 1}              D {coefficient}")
            if self.number > 1:
                told.append(f"                       share {self.shares[i]}, dwell time {self.dwell_times[i]}")
        pairs = [(i, j) for i in range(self.number) for j in range(self.number) if i != j]
        told += [f"  from {i + 1} to {j + 1}          {self.rates[i][j]}" for i, j in pairs]
        if self.exposure_guessed is not None:
            told.append(
                "Nobody told the exposure; states are those of a shutter that is open "
                f"{'all the time' if self.exposure_guessed else 'for a moment'}, which fits better."
            )
        return told

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; what is not known is None."""
        number = range(self.number)
        return {
            "number": self.number,
            "information_criterion": list(self.information),
            "states": [
                {
                    "diffusion_coefficient": plain(self.coefficients[i]),
                    "share": plain(self.shares[i]) if self.shares else None,
                    "dwell_time": plain(self.dwell_times[i]) if self.dwell_times else None,
                    "rates": {str(j + 1): plain(self.rates[i][j]) for j in number if j != i},
                }
                for i in number
            ],
            "sigma_factor" if self.sigma_used else "localisation_error": plain(self.localisation),
            "exposure_share_guessed": self.exposure_guessed,
        }


def diffusive_states(trajectories: pd.DataFrame, units: Units | None = None, number: int | None = None) -> States:
    """Tell states of motion between which particles switch, by a hidden Markov model.

    In each state a particle diffuses freely; states change between frames, by chances that are the same at any time
    and that balance (as many particles go from i to j as come back). Positions have noise, that of ``sigma`` where it
    is there, and an open shutter blurs them; steps are therefore not taken as independent. All is fitted by maximum
    likelihood (`log_likelihoods` of `switching` tells how). The number of states is that of the least information
    criterion of Bayes (Schwarz, Ann. Stat. 6, 461, 1978). From ten trajectories on, intervals follow from how these
    differ.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels, and ``sigma`` where it is known. Gaps are allowed.
    units : Units, optional
        Pixels and frames by default. They should tell the exposure.
    number : int, optional
        Of states, 1 to 3; by default as many as the trajectories tell.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few displacements, or the number is none of 1 to 3.

    Examples
    --------
    >>> from napari_growtrack.core.simulation.paths import switching_paths
    >>> film = switching_paths(np.random.default_rng(0), 60, 40, (0.05, 1.0), 0.05, 0.1)
    >>> diffusive_states(film.assign(sigma=0.1), Units(exposure_share=0)).number
    2
    """
    check_number(number, MOST_STATES, "states")
    units, tracks = units or Units(), tracks_of(trajectories)
    variances, share = known_variances(trajectories, tracks), units.open_share
    moves = sum(max(int(np.isfinite(track.places[:, 0]).sum()) - 1, 0) for track in tracks)
    in_a_row = sum(int(np.isfinite(np.diff(track.places[:, 0])).sum()) for track in tracks)
    if moves < _LEAST_MOVES or not in_a_row:
        raise MotionError(
            f"Expected at least {_LEAST_MOVES} displacements to tell states, got {moves}, {in_a_row} of them from one "
            f"frame to the next. {more_in_a_row(tracks)}"
        )
    rows, known = rows_of(tracks, variances), variances is not None
    shares = (0.0, 1.0) if share is None else (share,)
    tried = [_tried(_Question(rows, 1, one, known), number, moves) for one in shares]
    best = [min(some, key=lambda one: one.information(moves)) if number is None else some[-1] for some in tried]
    chosen = int(len(best) > 1 and best[0].information(moves) - best[1].information(moves) > 2 * _CLEARLY)
    guessed = best[chosen].asked.open_share if share is None else None
    return _told(best[chosen], units, tuple(one.information(moves) for one in tried[chosen]), guessed)


def _tried(asked: _Question, number: int | None, moves: int) -> list[_Fitted]:
    """Return the fits of one state, two and so on, until one more gains nothing, or up to a number."""
    tried = [_fitted(asked, [asked.start])]
    while len(tried) < (number or MOST_STATES):
        tried.append(_fitted(*_more(tried[-1])))
        if number is None and tried[-1].information(moves) > tried[-2].information(moves):
            break
    return tried


def step_variances(trajectories: pd.DataFrame, states: States) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths of steps from frame to frame, in pixels, and their variance along an axis in each state."""
    tracks = tracks_of(trajectories)
    steps = np.concatenate([np.diff(track.places, axis=0) for track in tracks])
    lengths = np.hypot(*steps[np.isfinite(steps[:, 0])].T)
    variances = known_variances(trajectories, tracks) if states.sigma_used else None
    noise = states.model.noise * (1.0 if variances is None else float(np.mean(np.concatenate(variances))))
    return lengths, states.model.steps * (1 - states.model.open_share / 3) + 2 * noise


def assign_states(trajectories: pd.DataFrame, states: States) -> pd.DataFrame:
    """Return trajectories with the most likely state of each position and its probability.

    Parameters
    ----------
    trajectories : DataFrame
        Those that the states were told of, or others filmed alike.
    states : States

    Returns
    -------
    DataFrame
        With ``state``, 0 for the slowest, and ``state_probability``, which is NaN where a trajectory is a single
        position; that one's state is -1.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does; when ``sigma`` was used and is missing.
    """
    tracks = tracks_of(trajectories)
    variances = known_variances(trajectories, tracks) if states.sigma_used else None
    if states.sigma_used and variances is None:
        raise MotionError("The states were told with the column sigma, which is missing here. Keep it in the table.")
    chosen = [track for track in tracks if len(track.places) > 1]
    table = trajectories.assign(state=-1, state_probability=np.nan)
    if not chosen:
        return table
    found = probabilities(rows_of(tracks, variances), states.model)
    keys = [(track.particle, track.first + i) for track in chosen for i in range(len(track.places))]
    place = pd.Series(range(len(keys)), pd.MultiIndex.from_tuples(keys))
    rows = place.reindex(pd.MultiIndex.from_frame(table[["particle", "frame"]])).to_numpy()
    there = np.isfinite(rows)
    of_rows = found[rows[there].astype(int)]
    table.loc[there, "state"], table.loc[there, "state_probability"] = of_rows.argmax(1), of_rows.max(1)
    return table


@dataclass(frozen=True)
class _Question:
    """Trajectories, how many states they are asked about, the open share of a frame, and whether the noise is known.

    Parameters are logarithms: of the mean square step of each state, of the noise, of the shares over that of the
    first state, and of how fast each pair of states is exchanged.
    """

    rows: Rows
    states: int
    open_share: float
    known: bool

    @cached_property
    def spread(self) -> float:
        """Mean square move along an axis, in px²."""
        squares = np.square(np.diff(self.rows.places, axis=0))
        squares[self.rows.starts[1:-1] - 1] = np.nan  # from one trajectory to the next
        return float(np.nanmean(squares)) or 1e-6

    @cached_property
    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """What parameters are expected to be before anything is seen, and how far they may be off."""
        pairs, noise = self.states * (self.states - 1) // 2, 0.0 if self.known else np.log(_USUAL_NOISE * self.spread)
        middle = np.concatenate(
            [np.zeros(self.states), [noise], np.zeros(self.states - 1), np.full(pairs, np.log(_USUAL_SWITCHING))]
        )
        width = np.full(len(middle), _ANY)
        width[: self.states], width[self.states] = np.inf, 2 * SIGMA_SURE if self.known else _ANY
        return middle, width

    @property
    def start(self) -> np.ndarray:
        """Where the fit of one state begins."""
        return np.array([np.log(self.spread), self.expected[0][1]])

    def model(self, parameters: np.ndarray) -> Switching:
        """Return what parameters stand for."""
        states = self.states
        shares = np.exp(log_softmax(np.append(0.0, parameters[states + 1 : 2 * states])))
        switches = switches_of(shares, np.exp(parameters[2 * states :]))
        return Switching(
            np.exp(parameters[:states]), shares, switches, float(np.exp(parameters[states])), self.open_share
        )

    def costs(self, parameters: np.ndarray) -> np.ndarray:
        """Return the cost of each place, given those before."""
        return -log_likelihoods(self.rows, self.model(parameters))

    def doubt(self, parameters: np.ndarray) -> float:
        """Return what speaks against parameters before anything is seen, as a cost."""
        middle, width = self.expected
        return 0.5 * float(np.square((parameters - middle) / width).sum())

    def whole(self, parameters: np.ndarray) -> float:
        """Return the cost of everything."""
        return float(self.costs(parameters).sum()) + self.doubt(parameters)


@dataclass(frozen=True)
class _Fitted:
    """What was found: the parameters of the least cost."""

    asked: _Question
    parameters: np.ndarray
    cost: float

    def information(self, moves: int) -> float:
        """Return Bayes' information criterion."""
        alone = self.cost - self.asked.doubt(self.parameters)
        return 2 * alone + len(self.parameters) * float(np.log(moves))


def _fitted(asked: _Question, starts: list[np.ndarray]) -> _Fitted:
    """Return the best fit from several starts, which some of the trajectories choose among."""
    start = starts[0]
    if len(starts) > 1:
        some = replace(asked, rows=_some(asked.rows))
        start = min((_minimum(some, one, _GLANCE) for one in starts), key=lambda one: one.cost).parameters
    return _minimum(asked, start, _ENOUGH)


def _minimum(asked: _Question, parameters: np.ndarray, iterations: int) -> _Fitted:
    """Return the least cost by steps that the slopes of single places make (Berndt, Hall, Hall and Hausman, 1974)."""
    middle, width = asked.expected
    cost, damping = asked.whole(parameters), 1e-3
    for _ in range(iterations):
        costs = asked.costs(parameters)
        slopes = np.array([asked.costs(parameters + one) - costs for one in _NEAR * np.eye(len(parameters))]) / _NEAR
        slope = slopes.sum(1) + (parameters - middle) / width**2
        bend = slopes @ slopes.T + np.diag(1 / width**2)
        before = cost
        while damping < 1e6:
            step = -np.linalg.solve(bend + damping * np.diag(np.diag(bend) + 1e-9), slope)
            tried = parameters + step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-9))
            if (found := asked.whole(tried)) < cost:
                parameters, cost, damping = tried, found, damping / 5
                break
            damping *= 5
        if before - cost < _SETTLED:
            break
    return _Fitted(asked, parameters, cost)


def _some(rows: Rows) -> Rows:
    """Return some of the trajectories, evenly chosen."""
    every = -(-(len(rows.starts) - 1) // _FEW)
    pieces = [slice(rows.starts[i], rows.starts[i + 1]) for i in range(0, len(rows.starts) - 1, every)]
    lengths = [one.stop - one.start for one in pieces]
    return Rows(
        np.concatenate([rows.places[one] for one in pieces]),
        np.concatenate([rows.variances[one] for one in pieces]),
        np.concatenate([[0], np.cumsum(lengths)]),
    )


def _more(found: _Fitted) -> tuple[_Question, list[np.ndarray]]:
    """Return the question of one more state, and starts: with one far slower, between, or far faster."""
    asked = replace(found.asked, states=found.asked.states + 1)
    model = found.asked.model(found.parameters)
    steps = np.sort(model.steps)
    guesses = [np.append(steps * 1.2, steps[0] / 6), np.append(steps / 1.5, steps[-1] * 3)]
    guesses += [np.append(steps, np.sqrt(steps[0] * steps[1]))] if len(steps) > 1 else [steps[0] * np.array([0.4, 2.0])]
    middle = asked.expected[0][asked.states + 1 :]
    return asked, [np.concatenate([np.log(np.sort(guess)), [np.log(model.noise)], middle]) for guess in guesses]


# What is told ---------------------------------------------------------------------------------------------------------


def _told(found: _Fitted, units: Units, information: tuple[float, ...], guessed: float | None) -> States:
    asked, number = found.asked, found.asked.states
    plain = asked.model(found.parameters)
    order = np.argsort(plain.steps)
    model = Switching(
        plain.steps[order], plain.shares[order], plain.switches[np.ix_(order, order)], plain.noise, plain.open_share
    )

    def numbers(parameters: np.ndarray) -> np.ndarray:
        one = asked.model(parameters)
        switches = one.switches[np.ix_(order, order)]
        leaving = 1 - np.diag(switches)
        parts = [np.log(one.steps[order]), logit(one.shares[order]) if number > 1 else np.zeros(1)]
        parts += [np.log(np.maximum(switches, 1e-300)).ravel(), -np.log(np.maximum(leaving, 1e-300))]
        return np.concatenate([*parts, [np.log(one.noise) / 2]])

    values, reaches = numbers(found.parameters), _reaches(found, numbers)
    frame, tells = units.frame, number > 1

    def estimate(place: int, scale: float, unit: str, inverse: Callable[[np.ndarray], np.ndarray] = np.exp) -> Estimate:
        ends = values[place] + reaches[place] * np.array([0, -1, 1])
        value, low, high = (scale * float(one) for one in inverse(ends))
        sure = reaches[place] < _SURE * NORMAL_REACH
        return Estimate.between(value if sure else np.nan, low, high, unit)

    each, at = range(number), 2 * number
    per_time = f"1/{units.time}"
    nothing = Estimate.between(np.nan, np.nan, np.nan, per_time)
    return States(
        tuple(estimate(i, units.pixel**2 / frame / 2, units.diffusion) for i in each),
        tuple(estimate(number + i, 1.0, "", lambda one: 1 / (1 + np.exp(-one))) for i in each) if tells else (),
        tuple(
            tuple(nothing if i == j else estimate(at + number * i + j, 1 / frame, per_time) for j in each) for i in each
        ),
        tuple(estimate(at + number**2 + i, frame, units.time) for i in each) if tells else (),
        estimate(len(values) - 1, 1.0 if asked.known else units.pixel, "" if asked.known else units.length),
        information,
        asked.known,
        guessed,
        model,
    )


def _reaches(found: _Fitted, numbers: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return how far the 95 % intervals of functions of the parameters reach."""
    tracks = len(found.asked.rows.starts) - 1
    covariances, steps = _covariances(found), _STEP * np.eye(len(found.parameters))
    slopes = np.array([numbers(found.parameters + one) - numbers(found.parameters - one) for one in steps])
    slopes /= 2 * _STEP
    errors = np.sqrt(np.maximum(np.einsum("pn,cpq,qn->cn", slopes, covariances, slopes).max(0), 0))
    return errors * (t_reach(tracks) if tracks >= MANY else NORMAL_REACH)


def _covariances(found: _Fitted) -> np.ndarray:
    """Return those of the parameters, the larger of which counts: of trajectories alike, and by how they differ.

    The second, of many trajectories (White, 1982), holds also where particles differ, but is itself off by chance.
    """
    asked, middle, tracks = found.asked, found.parameters, len(found.asked.rows.starts) - 1
    steps = _STEP * np.eye(len(middle))
    here = asked.whole(middle)
    sides = [asked.whole(middle + one) + asked.whole(middle - one) - 2 * here for one in steps]
    bend = np.diag(sides)
    for i, one in enumerate(steps):
        for j, other in enumerate(steps[:i]):
            both = asked.whole(middle + one + other) + asked.whole(middle - one - other) - 2 * here
            bend[i, j] = bend[j, i] = (both - sides[i] - sides[j]) / 2
    bend /= _STEP**2
    values, vectors = np.linalg.eigh(bend)
    sure = values > _FLAT
    bread = (vectors[:, sure] / values[sure]) @ vectors[:, sure].T
    if tracks < MANY:
        return bread[None]
    slopes = np.array([asked.costs(middle + one) - asked.costs(middle - one) for one in steps]) / (2 * _STEP)
    slopes = np.add.reduceat(slopes, asked.rows.starts[:-1], axis=1)
    spread = slopes @ slopes.T * tracks / (tracks - 1) + np.diag(1 / np.square(asked.expected[1]))
    return np.stack([bread, bread @ spread @ bread])
