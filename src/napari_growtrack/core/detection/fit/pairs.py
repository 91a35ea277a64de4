"""Two particles so near each other that a network saw one: told by their light, which is longer than wide.

Two round particles together look like one elongated one. Each that does is fitted as two, and stays two where that
explains its pixels so much better that it cannot be chance: by the logarithm of the likelihood, which has to pay for
the second particle, and for how seldom two of a frame's particles lie so near each other.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ...packages.compiling import numba
from ...simulation.shapes.gaussian import RADIUS
from ..zoom import on_frame
from .compiled import (
    LEVEL,
    SCALES,
    Shape,
    add_each,
    columns_near,
    farthest,
    light_at,
    rows_near,
    settle,
    solved,
)
from .surroundings import coarseness, noise_around, stretches

_LONG = 0.2
"""Length of ``p, q`` from which on a particle may be two: those of a pair 1.4 sigma apart, equally bright."""
_CLEARLY = 1.3
"""By so many times what half of a frame's particles look long by: noise alone makes fewer than a third look so."""
_LARGE = 1.4
"""So many times the usual radius: of three that lie in a triangle, one is no longer than wide."""
_NEAREST = 1.6
"""Least distance of two, in radii."""
_DIMMEST = 0.25
"""How bright the dimmer one is at least, as part of the other: halos and grain are not."""
_COST = 8.0
"""Nats that a second particle costs, beside how seldom it is there."""
_OVERLAP = 6.5
"""Within so many radii of each other, one's light tells of the other's: five sigmas of a Gaussian."""
_DOUBLE = 3.5
"""Within so many, one of two may be there for the other's light alone."""
_SOME, _LEAST_SPREAD, _UNUSUAL = 5, 0.15, 36.0
"""Of so many others the logarithm of light tells how bright one is; its spread, at least, and what is as unusual as can
be, in variances."""
_SETTLED, _MOST_TURNS = 0.01, 6
"""Overlapping particles are fitted in turns until they move by less, in pixels, but so often at most."""
_NO_NOISE = 1e-12
_MOST_SHARED = 0.98
"""What is left of what is known of a number, at least, is the rest."""
_TURNS, _ROUNDS = 3, 3
"""A pair is fitted in so many turns, each particle by so many steps a turn."""


def settle_together(
    rest: np.ndarray,
    unknowns: np.ndarray,
    matrices: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    usual: np.ndarray,
    shape: Shape,
    rounds: int,
) -> None:
    """Improve those particles that overlap, as `settle` does, again and again, until they move no more.

    Their normal matrices take the place of what was in `matrices`.
    """
    some = np.flatnonzero(np.isfinite(unknowns[:, :2]).all(1))
    if len(some) > 1:
        away = cKDTree(unknowns[some, :2]).query(unknowns[some, :2], k=2)[0][:, 1]
        some = some[away < _OVERLAP * unknowns[some, 2]]
    for _ in range(_MOST_TURNS):
        if len(some) < 2:
            break
        mine = unknowns[some]
        matrices[some] = settle(rest, mine, ground[some], noise, usual, shape, rounds)
        moved = np.hypot(*(mine[:, :2] - unknowns[some, :2]).T)
        unknowns[some] = mine
        some = some[moved > _SETTLED]


def split(
    rest: np.ndarray,
    unknowns: np.ndarray,
    sure: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    usual: np.ndarray,
    shape: Shape,
    noisy: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Fit two particles where one looks like two, and return for which it is so, and the second ones.

    Parameters
    ----------
    rest : ndarray (Y, X)
        The frame less the light of all particles; kept up to date.
    unknowns : ndarray (n, unknowns)
        Of round particles; see `compiled`. In place, the first of each pair takes the place of what it was.
    sure : ndarray (n,) of bool
        Which of them stand out of the noise; the others may be nothing, and are no pairs.
    ground, noise, usual, shape
        See `settle`.
    noisy : (float, float)
        See `coarseness`.

    Returns
    -------
    ndarray (k,) of int
        Which particles are two.
    ndarray (k, unknowns)
        Their second ones.
    """
    turns = stretches(rest, unknowns, ground, noise, shape)
    lengths = np.hypot(*turns.T)
    least = max(_LONG, _CLEARLY * float(np.median(lengths[sure]))) if sure.any() else np.inf
    large = unknowns[:, 2] > _LARGE * usual[0]
    tried = np.flatnonzero(sure & ((lengths > least) | large) & np.isfinite(unknowns).all(1))
    if not len(tried):
        return tried, unknowns[tried]
    single, before = unknowns[tried].copy(), rest.copy()
    pairs = _halves(single, lengths[tried], np.arctan2(*turns[tried].T[::-1]) / 2, usual[0])
    add_each(rest, single, 1.0, shape)
    add_each(rest, pairs, -1.0, shape)
    around = np.repeat(ground[tried], 2, axis=0)
    for _ in range(_TURNS):
        settle(rest, pairs, around, noise, usual, shape, _ROUNDS)
    others = np.delete(unknowns, tried, axis=0)
    light = np.zeros_like(rest)
    add_each(light, np.concatenate([others, pairs]), 1.0, shape)
    widest = 2 * shape[2] * usual[0]
    density = np.count_nonzero(sure) / rest.size
    gained, asked = _gained(before, rest, light, pairs, single[:, LEVEL], noise, widest, density)
    _smear(before, single, turns[tried], ground[tried], noise, usual, shape)
    over_smeared, seldom = _gained(before, rest, light, pairs, single[:, LEVEL], noise, widest, density, 0)
    over_smeared += _likelier(single, pairs, np.delete(unknowns, tried, axis=0)[np.delete(sure, tried)])
    two = (
        (gained > asked)
        & (over_smeared > seldom)
        & _like_particles(pairs, usual[0], widest)
        & _in_place(pairs, single, others, usual[0])
    )
    two &= on_frame(pairs[:, :2], rest.shape).reshape(-1, 2).all(1)
    if two.any():  # noise that neighbours share gains as much by chance as its grain is coarse
        of_light = coarseness(noise_around(rest, single[two], ground[tried][two], noise, shape), *noisy)[0]
        two[two] = gained[two] / of_light**2 > asked[two]
    add_each(rest, pairs[np.repeat(~two, 2)], 1.0, shape)
    add_each(rest, single[~two], -1.0, shape)
    unknowns[tried[two]] = pairs[::2][two]
    return tried[two], pairs[1::2][two]


def doubles(
    rest: np.ndarray,
    unknowns: np.ndarray,
    sure: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    usual: np.ndarray,
    shape: Shape,
) -> np.ndarray:
    """Fit one particle where two are, now that their neighbours are known, and return which are left, (n,) of bool.

    Parameters
    ----------
    rest : ndarray (Y, X)
        The frame less the light of all particles; kept up to date.
    unknowns : ndarray (n, unknowns)
        In place, the first of two that are one becomes that one.
    sure : ndarray (n,) of bool
        Which of them stand out of the noise; the others are nobody's double.
    ground, noise, usual, shape
        See `settle`.
    """
    left, known = np.ones(len(unknowns), bool), np.flatnonzero(sure & np.isfinite(unknowns).all(1))
    away, nearest = (each[:, 1] for each in cKDTree(unknowns[known, :2]).query(unknowns[known, :2], k=2))
    mutual = nearest[nearest] == np.arange(len(known))
    first = np.flatnonzero(mutual & (np.arange(len(known)) < nearest) & (away < _DOUBLE * usual[0]))
    two = np.stack([known[first], known[nearest[first]]], 1)
    if not len(two):
        return left
    left[two[:, 1]] = False
    pairs, before, others = unknowns[two.ravel()], rest.copy(), unknowns.copy()
    share = np.maximum(pairs[:, SCALES], _NO_NOISE).reshape(-1, 2)
    share /= share.sum(1, keepdims=True)
    single = pairs[::2].copy()
    single[:, :2] = np.einsum("np,npa->na", share, pairs[:, :2].reshape(-1, 2, 2))
    single[:, 2], single[:, SCALES] = usual[0], pairs[:, SCALES].reshape(-1, 2).sum(1)
    others[two[:, 0]] = single
    add_each(before, pairs, 1.0, shape)
    add_each(before, single, -1.0, shape)
    settled = others[left]
    unknown = np.empty((len(settled), *2 * settled.shape[1:]))
    settle_together(before, settled, unknown, ground[left], noise, usual, shape, _ROUNDS)
    others[left] = settled
    light = np.zeros_like(rest)
    add_each(light, unknowns[np.isfinite(unknowns).all(1)], 1.0, shape)
    widest, density = 2 * shape[2] * usual[0], len(known) / rest.size
    gained, asked = _gained(before, rest, light, pairs, pairs[::2, LEVEL].copy(), noise, widest, density)
    both = (gained > asked) & (_apart(pairs) > _NEAREST * usual[0])
    add_each(before, others[two[both, 0]], 1.0, shape)
    add_each(before, pairs[np.repeat(both, 2)], -1.0, shape)
    others[two[both].ravel()] = pairs[np.repeat(both, 2)]
    left[two[both, 1]] = True
    rest[:], unknowns[:] = before, others
    return left


def _gained(
    before: np.ndarray,
    after: np.ndarray,
    light: np.ndarray,
    pairs: np.ndarray,
    level: np.ndarray,
    noise: np.ndarray,
    widest: float,
    density: float,
    cost: float = _COST,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what two particles gain over one, and what is asked of them where there are so many a pixel; both (n,)."""
    far = (widest + _apart(pairs)) / 2
    gained = gains(before, after, light, (pairs[::2, :2] + pairs[1::2, :2]) / 2, np.minimum(far, widest), level, noise)
    return gained, 2 * (cost - np.log(np.minimum(density * np.pi * far**2, 0.5)))


def _likelier(single: np.ndarray, pairs: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return by how much likelier the light of two particles is than that of one, by that of others, as a deviance."""
    if len(others) < _SOME:
        return np.zeros(len(single))
    one, two, light = (
        np.log(np.maximum(each[:, SCALES] * each[:, 2] ** 2, _NO_NOISE)) for each in (single, pairs, others)
    )
    middle = np.median(light)
    spread = max(1.4826 * float(np.median(np.abs(light - middle))), _LEAST_SPREAD)
    one, two = (np.minimum(((each - middle) / spread) ** 2, _UNUSUAL) for each in (one, two))
    return np.asarray(one - two.reshape(-1, 2).sum(1))


def _smear(
    rest: np.ndarray,
    single: np.ndarray,
    turns: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    usual: np.ndarray,
    shape: Shape,
) -> None:
    """Let elongated particles, as motion smears them, take the place of round ones in what is left of a frame."""
    long = np.concatenate([single, turns], axis=1)
    free = usual.copy()
    free[1], free[2], free[4] = (usual[4] - usual[3]) ** 2 / 6, 1.0, 2 * usual[4]
    elongated = (*shape[:-1], True)
    add_each(rest, single, 1.0, shape)
    add_each(rest, long, -1.0, elongated)
    settle(rest, long, ground, noise, free, elongated, _TURNS * _ROUNDS)


def _halves(single: np.ndarray, lengths: np.ndarray, angles: np.ndarray, radius: float) -> np.ndarray:
    """Return two particles for each elongated one, (2 n, unknowns), as far apart as its second moments tell."""
    wider = np.sqrt(np.maximum(single[:, 2] ** 2 - radius**2, 0))
    half = np.maximum(np.maximum(np.sqrt(lengths) * single[:, 2], wider) * np.sqrt(2) / RADIUS, _NEAREST * radius / 2)
    pairs = np.repeat(single, 2, axis=0)
    for axis, along in enumerate((np.sin(angles), np.cos(angles))):
        pairs[::2, axis] += half * along
        pairs[1::2, axis] -= half * along
    pairs[:, 2] = radius
    pairs[:, SCALES:] /= 2
    return pairs


def _apart(pairs: np.ndarray) -> np.ndarray:
    """Return how far the two of each pair are apart, (n,)."""
    return np.asarray(np.hypot(*(pairs[::2, :2] - pairs[1::2, :2]).T))


def _like_particles(pairs: np.ndarray, radius: float, widest: float) -> np.ndarray:
    """Tell which pairs are far enough apart and near enough together, and of much the same light, (n,)."""
    apart, one, other = _apart(pairs), pairs[::2, SCALES], pairs[1::2, SCALES]
    alike = one * other > _DIMMEST * np.maximum(one**2, other**2)
    return np.asarray(alike & (apart > _NEAREST * radius) & (apart < widest))


def _in_place(pairs: np.ndarray, single: np.ndarray, others: np.ndarray, radius: float) -> np.ndarray:
    """Tell which pairs lie where one was seen, and upon no other particle, (n,)."""
    middle = (pairs[::2, :2] + pairs[1::2, :2]) / 2
    good = np.hypot(*(middle - single[:, :2]).T) < 2 * radius
    if len(others):
        away = cKDTree(others[:, :2]).query(pairs[:, :2])[0]
        good &= (away > _NEAREST * radius).reshape(-1, 2).all(1)
    return np.asarray(good)


@numba.njit(nogil=True, cache=True, fastmath=True)
def gains(
    before: np.ndarray,
    after: np.ndarray,
    light: np.ndarray,
    places: np.ndarray,
    reach: np.ndarray,
    level: np.ndarray,
    noise: np.ndarray,
) -> np.ndarray:
    """Return by how much smaller the squares of what a fit leaves have become around places, in variances of noise.

    Squares about a plane of their own: how bright the background is, and how it leans, does not count.

    Parameters
    ----------
    before, after : ndarray (Y, X)
        The frame less all particles.
    light : ndarray (Y, X)
        All particles' light after it.
    places : ndarray (n, 2)
    reach, level : ndarray (n,)
        How far around each place pixels count, and the background there.
    noise : ndarray (3,)
        See `settle`.
    """
    found = np.zeros(len(places))
    plane, matrix, rights = np.ones(3), np.zeros((3, 3)), np.zeros((2, 3))
    for p in range(len(places)):
        y, x = places[p, 0], places[p, 1]
        top, bottom = rows_near(before.shape, y, reach[p])
        matrix[:], rights[:] = 0.0, 0.0
        gained = 0.0
        for i in range(top, bottom):
            left, end = columns_near(before.shape, i - y, x, reach[p])
            plane[1] = i - y
            for j in range(left, end):
                plane[2] = j - x
                weight = 1 / max(noise[0] + noise[1] * (level[p] + light[i, j]), noise[2], _NO_NOISE)
                one, other = before[i, j] - level[p], after[i, j] - level[p]
                gained += weight * (one * one - other * other)
                for a in range(3):
                    rights[0, a] += weight * plane[a] * one
                    rights[1, a] += weight * plane[a] * other
                    for b in range(a + 1):
                        matrix[a, b] += weight * plane[a] * plane[b]
        first, second = solved(matrix, rights[0], 1e-6), solved(matrix, rights[1], 1e-6)
        for a in range(3):
            gained += second[a] * rights[1, a] - first[a] * rights[0, a]
        found[p] = gained
    return found


def less_neighbours(
    frame_shape: tuple[int, int], matrices: np.ndarray, unknowns: np.ndarray, noise: np.ndarray, shape: Shape
) -> np.ndarray:
    """Return normal matrices without what cannot be told from the light of the nearest neighbour.

    Parameters
    ----------
    frame_shape : (int, int)
    matrices : ndarray (n, unknowns, unknowns)
        Each as if its particle's neighbours were known; their lower halves count.
    unknowns : ndarray (n, unknowns)
    noise, shape
        See `settle`.
    """
    if len(unknowns) < 2 or not np.isfinite(unknowns[:, :2]).all():
        return matrices
    distance, nearest = (each[:, 1] for each in cKDTree(unknowns[:, :2]).query(unknowns[:, :2], k=2))
    known = np.isfinite(matrices[:, 0, 0])
    near = np.flatnonzero(known & known[nearest % len(known)] & (distance < 2 * shape[2] * unknowns[:, 2]))
    return _without(frame_shape, matrices, unknowns, noise, shape, near, nearest[near])


@numba.njit(nogil=True, cache=True, fastmath=True)
def _without(
    frame_shape: tuple[int, int],
    matrices: np.ndarray,
    unknowns: np.ndarray,
    noise: np.ndarray,
    shape: Shape,
    near: np.ndarray,
    nearest: np.ndarray,
) -> np.ndarray:
    table, per_square, reach, _, averaged = shape
    found, size = matrices.copy(), unknowns.shape[1]
    mine, other, right = np.zeros(size), np.zeros(size), np.zeros(size)
    crossed, solutions, theirs = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    for k in range(len(near)):
        p, q = near[k], nearest[k]
        one, two = unknowns[p], unknowns[q]
        crossed[:] = 0.0
        far = farthest(one, len(table), reach)
        limit = farthest(two, len(table), reach)
        top, bottom = rows_near(frame_shape, one[0], far)
        for i in range(top, bottom):
            left, end = columns_near(frame_shape, i - one[0], one[1], far)
            for j in range(left, end):
                if (i - two[0]) ** 2 + (j - two[1]) ** 2 > limit * limit:
                    continue
                light = light_at(table, i - one[0], j - one[1], per_square / one[2] ** 2, averaged, one, mine)
                light += light_at(table, i - two[0], j - two[1], per_square / two[2] ** 2, averaged, two, other)
                weight = 1 / max(noise[0] + noise[1] * (one[LEVEL] + light), noise[2], _NO_NOISE)
                other[LEVEL] = 0.0  # both have the same background
                for a in range(size):
                    for b in range(size):
                        crossed[a, b] += weight * mine[a] * other[b]
        theirs[:] = matrices[q]
        theirs[LEVEL, :LEVEL] = 0.0
        theirs[LEVEL + 1 :, LEVEL] = 0.0
        for a in range(size):
            right[:] = crossed[a]
            solutions[a] = solved(theirs, right, 1e-6)
        for a in range(size):
            for b in range(a + 1):
                less = 0.0
                for c in range(size):
                    less += crossed[a, c] * solutions[b, c]
                if a == b:
                    less = min(less, _MOST_SHARED * matrices[p, a, a])
                found[p, a, b] -= less
    return found
