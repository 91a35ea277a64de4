"""Learn how particles move, and how they come and go, from the film's own links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from .motion import Modes, begin, predict, update
from .rates import Rates
from .sweep import Links, Points

_PIECE, _PIECES = 12, 150
"""Detections of a piece of a trajectory, and the most pieces that motion is learned from."""

_STEPS = 40
_NUDGE = 1e-4
_NEVER = -20.0


def modes_of(numbers: np.ndarray) -> Modes:
    """Return two random walks and a directed motion, by their numbers (..., 9).

    Logarithms of the steps of both walks, of the step beside the velocity, and of the speed; of what is kept of the
    velocity; of the shares of the second and third mode over the first's; of the chance to switch; and, which belongs
    to no mode, of the factor by which standard errors of positions are larger than they say.
    """
    slow, fast, beside, speed, keep, second, third, switch = np.moveaxis(numbers[..., :8], -1, 0)
    shares = np.exp(np.stack([np.zeros_like(second), second, third], -1))
    nothing = np.zeros_like(slow)

    def each(*values: np.ndarray) -> np.ndarray:
        return np.stack(values, -1)[..., None]

    return Modes(
        each(np.exp(slow), np.exp(fast), np.exp(beside)),
        each(nothing, nothing, np.exp(speed)),
        each(nothing, nothing, 1 / (1 + np.exp(-keep))),
        (shares / shares.sum(-1, keepdims=True))[..., None],
        (1 / (1 + np.exp(-switch)))[..., None, None],
    )


def rescaled(points: Points, numbers: np.ndarray) -> Points:
    """Return detections with the standard errors that were learned."""
    return replace(points, variance=points.variance * np.exp(2 * numbers[8]))


def guess(step: float, directed: bool = True) -> np.ndarray:
    """Return numbers of `modes_of` to begin with, by a typical step along an axis in px."""
    return np.array(
        [
            np.log(0.6 * step),
            np.log(1.2 * step),
            np.log(0.5 * step),
            np.log(1.2 * step),
            2.0,
            0.0,
            -0.5 if directed else _NEVER,
            -2.0,
            0.0,
        ]
    )


_LOOSE = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5, 1.0, 0.3])
"""How far numbers may lie from the guess before the detections have to speak for it, in standard deviations."""


def learn_modes(
    points: Points, links: Links, start: np.ndarray, prior: np.ndarray, directed: bool = True
) -> np.ndarray:
    """Return the numbers of `modes_of` of the largest posterior, by pieces of trajectories."""
    pieces = _pieces(points, links)
    if not len(pieces):
        return start

    def loss(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        tried = np.concatenate([numbers[None], numbers + _NUDGE * np.eye(len(numbers))])
        losses = -_likelihood(pieces, points, tried) + 0.5 * (((tried - prior) / _LOOSE) ** 2).sum(-1)
        return float(losses[0]), (losses[1:] - losses[0]) / _NUDGE

    bounds = [(one - 2.3, one + 3) for one in prior[:4]] + [
        (-3, 7),
        (-6, 6),
        (-6, 6) if directed else (_NEVER, _NEVER),
        (-6, 1),
        (-0.7, 1),
    ]
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
    learned: np.ndarray = result.x
    return learned


def _pieces(points: Points, links: Links) -> np.ndarray:
    """Return rows of detections that follow one another without a gap, (n, length), -1 where a piece has ended."""
    before = np.where(points.step - points.step[links.before] == 1, links.before, -1)
    chain, place = np.arange(len(points)), np.zeros(len(points), int)
    for start, end in zip(points.starts, points.ends, strict=True):
        rows = np.arange(start, end)
        on = rows[(before[rows] >= 0) & (place[before[rows]] < _PIECE - 1)]
        chain[on], place[on] = chain[before[on]], place[before[on]] + 1
    table = np.full((len(points), _PIECE), -1)
    table[chain, place] = np.arange(len(points))
    long = table[table[:, 2] >= 0]
    return long[np.unique(np.linspace(0, len(long) - 1, _PIECES).astype(int))] if len(long) else long


def _likelihood(pieces: np.ndarray, points: Points, numbers: np.ndarray) -> np.ndarray:
    """Return the logarithm of the pieces' likelihood, (...), each without its first detection."""
    first, modes, factor = pieces[:, 0], modes_of(numbers), np.exp(2 * numbers[..., 8, None, None])
    state = begin(points.y[first], points.x[first], factor * points.variance[first], modes)
    total = np.zeros(modes.step.shape[:-2])
    for place in range(1, pieces.shape[1]):
        going = pieces[:, place] >= 0
        pieces, state = pieces[going], state[..., going]
        rows = pieces[:, place]
        state, density = update(predict(state, modes), points.y[rows], points.x[rows], factor * points.variance[rows])
        total += np.log(density).sum(-1)
    return total


def typical_step(points: Points) -> float:
    """Return a typical step along an axis in px: of detections that are each other's nearest in two frames."""
    moves: list[np.ndarray] = []
    number = len(points.starts)
    for k in np.unique(np.linspace(0, max(number - 2, 0), 30).astype(int))[: number - 1]:
        one, other = (np.column_stack([points.y, points.x])[points.starts[n] : points.ends[n]] for n in (k, k + 1))
        distance, nearest = cKDTree(other).query(one)
        mutual = cKDTree(one).query(other)[1][nearest] == np.arange(len(one))
        moves.append(distance[mutual])
    every = np.concatenate(moves) if moves else np.empty(0)
    return float(max(np.median(every) / 1.177, 0.05)) if len(every) else 1.0


def first_rates(points: Points, area: float, noise: np.ndarray, near: float = 0.0) -> Rates:
    """Return rates to begin with: particles live for some twenty frames, and one in twenty hides."""
    density = len(points) / len(points.starts) / area
    return Rates(density, 0.05 * density, 0.05, 0.05, 0.6, density * noise, near)


def learn_rates(
    points: Points, links: Links, area: float, noise: np.ndarray, true: np.ndarray, near: float = 0.0
) -> Rates:
    """Return how particles come and go, by the links between them.

    Parameters
    ----------
    noise : ndarray (n,)
        Odds that each detection is false.
    true : ndarray (n,)
        Chance that each detection belongs to a particle, by its trajectory.
    near : float
        How near each other two particles are one detection, in pixels.
    """
    last = points.step[-1]
    linked = links.before >= 0
    ended = np.ones(len(points), bool)
    ended[links.before[linked]] = False
    gaps = points.step[linked] - points.step[links.before[linked]] - 1
    frames = max(last - points.step[0], 1)
    deaths = true[ended & (points.step < last)].sum()
    births = true[~linked & (points.step > points.step[0])].sum()
    alive = true[points.step < last].sum() + gaps.sum()
    hidden = (gaps > 0).sum()
    density = true.sum() / (frames + 1) / area
    return Rates(
        first=density,
        birth=(births + 0.5) / frames / area,
        death=(deaths + 0.5) / (alive + 10),
        hide=(hidden + 0.5) / (linked.sum() + 10),
        show=(hidden + 1.2) / (gaps.sum() + 2),
        noise=density * noise,
        near=near,
    )
