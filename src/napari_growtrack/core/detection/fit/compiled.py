"""Fit radial profiles to pixels by Gauss and Newton, in compiled code.

A particle has ``4 + components`` unknowns, in this order: its place ``y, x``, its radius, the level of the background
around it, and the scale of each profile that its light is the sum of. The place is odd where all others are even, so
not knowing them costs it next to nothing. Where particles are elongated, two more follow, ``p, q``, which stretch it:
the square of the distance is ``y**2 + x**2 - p (x**2 - y**2) - 2 q y x``, and the radius is what it would be without.

Profiles are tabulated over the square of the distance, in squared radii, so that no pixel needs a root or a division.
They are read at the centre of each pixel, or, where light is averaged over pixels, at nine points of it.
"""

from __future__ import annotations

import numpy as np

from ...packages.compiling import numba
from ...simulation.shapes.base import NODES, WEIGHTS

Shape = tuple[np.ndarray, float, float, float, bool]
"""Profiles over the squared distance (components, entries), entries per squared radius, how far a particle is fitted
and how far its light is taken away, in radii, and whether pixels are averaged: by nine points of each."""

LEVEL, SCALES = 3, 4
NARROWEST = 3.0
LEAST_PIXELS = 10
_SPARSE = 6.0
"""First guesses read so many pixels along a radius, at most every other one."""
_DAMPING = 1e-3
MOST_STRETCHED = 0.96
"""Length of ``p, q`` where a particle is seven times as long as wide."""
_STRETCH_A_STEP = 0.2
_WIDE = 1.0
"""Radius, in pixels, from which on a pixel's average is the light at its centre, to a percent."""
_RUNAWAY = 1e6
"""Frames have a spread of 1: nothing in them is so far off."""


@numba.njit(nogil=True, cache=True)
def rows_near(shape: tuple[int, int], y: float, reach: float) -> tuple[int, int]:
    """Return the first row within reach, and the one after the last."""
    return max(0, int(np.ceil(y - reach))), min(shape[0], int(np.floor(y + reach)) + 1)


@numba.njit(nogil=True, cache=True)
def columns_near(shape: tuple[int, int], dy: float, x: float, reach: float) -> tuple[int, int]:
    """Return the stretch of a row that lies within reach."""
    half = np.sqrt(max(reach * reach - dy * dy, 0.0))
    return max(0, int(np.ceil(x - half))), min(shape[1], int(np.floor(x + half)) + 1)


@numba.njit(nogil=True, cache=True)
def farthest(unknowns: np.ndarray, components: int, reach: float) -> float:
    """Return how far from its centre a particle is fitted, in pixels: elongated ones so much farther."""
    far = max(reach * unknowns[2], NARROWEST)
    if len(unknowns) == SCALES + components:
        return far
    return far / np.sqrt(1 - min(np.hypot(unknowns[-2], unknowns[-1]), MOST_STRETCHED))


@numba.njit(nogil=True, cache=True, fastmath=True)
def averaged_light(
    table: np.ndarray, dy: float, dx: float, scale: float, unknowns: np.ndarray, row: np.ndarray
) -> float:
    """Return a particle's light, averaged over a pixel, and fill in how it changes with each of the unknowns."""
    components, last = len(table), table.shape[1] - 2.0
    oriented = len(unknowns) > SCALES + components
    p, q = (unknowns[-2], unknowns[-1]) if oriented else (0.0, 0.0)
    row[:] = 0.0
    row[LEVEL] = 1.0
    light = 0.0
    points = 3 if unknowns[2] < _WIDE else 1
    for a in range(points):
        y = dy + NODES[a] if points > 1 else dy
        for b in range(points):
            x, weight = (dx + NODES[b], WEIGHTS[a] * WEIGHTS[b]) if points > 1 else (dx, 1.0)
            both, cross = x * x - y * y, y * x
            square = max(y * y + x * x - p * both - 2 * q * cross, 0.0)
            at = min(square * scale, last)
            k = int(at)
            steep = 0.0
            for n in range(components):
                rise = table[n, k + 1] - table[n, k]
                value = weight * (table[n, k] + (at - k) * rise)
                row[SCALES + n] += value
                light += unknowns[SCALES + n] * value
                steep += unknowns[SCALES + n] * rise
            steep *= -2 * scale * weight
            row[0] += steep * (y * (1 + p) - q * x)
            row[1] += steep * (x * (1 - p) - q * y)
            row[2] += steep * square / unknowns[2]
            if oriented:
                row[-2] += steep * both / 2
                row[-1] += steep * cross
    return light


@numba.njit(nogil=True, cache=True, fastmath=True)
def light_at(
    table: np.ndarray, dy: float, dx: float, scale: float, averaged: bool, unknowns: np.ndarray, row: np.ndarray
) -> float:
    """Return a particle's light at a pixel, and fill in how it changes with each of the unknowns.

    Read at the pixel's centre, as round particles are, or averaged over it.
    """
    if averaged:
        return averaged_light(table, dy, dx, scale, unknowns, row)
    square = dy * dy + dx * dx
    at = min(square * scale, table.shape[1] - 2.0)
    k = int(at)
    light, steep = 0.0, 0.0
    for n in range(len(table)):
        rise = table[n, k + 1] - table[n, k]
        value = table[n, k] + (at - k) * rise
        row[SCALES + n] = value
        light += unknowns[SCALES + n] * value
        steep += unknowns[SCALES + n] * rise
    steep *= -2 * scale
    row[0], row[1], row[2] = steep * dy, steep * dx, steep * square / unknowns[2]
    row[LEVEL] = 1.0
    return light


@numba.njit(nogil=True, cache=True, fastmath=True)
def first_guesses(frame: np.ndarray, places: np.ndarray, radii: np.ndarray, shape: Shape, unknowns: int) -> np.ndarray:
    """Return unknowns, (n, unknowns): of some radii the one that fits best, with level and scales to it."""
    table, per_square, reach, _, averaged = shape
    orders = len(table)
    size = 1 + orders
    found, row = np.zeros((len(places), unknowns)), np.zeros(SCALES + orders)
    trial = np.zeros(SCALES + orders)
    matrix, right, values = np.zeros((size, size)), np.zeros(size), np.ones(size)
    for p in range(len(places)):
        y, x = places[p, 0], places[p, 1]
        found[p, 0], found[p, 1] = y, x
        top, bottom = rows_near(frame.shape, y, reach * radii[-1])
        step = max(2, int(reach * radii[-1] / _SPARSE))
        best = -1.0
        for radius in radii:
            matrix[:], right[:], square = 0.0, 0.0, 0.0
            trial[2] = radius
            scale, last = per_square / radius**2, table.shape[1] - 2.0
            for i in range(top, bottom, step):
                left, end = columns_near(frame.shape, i - y, x, reach * radii[-1])
                for j in range(left, end, step):
                    if averaged:
                        averaged_light(table, i - y, j - x, scale, trial, row)
                        values[1:] = row[SCALES:]
                    else:
                        at = min(((i - y) ** 2 + (j - x) ** 2) * scale, last)
                        k = int(at)
                        for n in range(orders):
                            values[1 + n] = table[n, k] + (at - k) * (table[n, k + 1] - table[n, k])
                    pixel = frame[i, j]
                    square += pixel * pixel
                    for a in range(size):
                        right[a] += values[a] * pixel
                        for b in range(a + 1):
                            matrix[a, b] += values[a] * values[b]
            solution = solved(matrix, right, 1e-6)
            left_over = square
            for a in range(size):
                left_over -= solution[a] * right[a]
            if best < 0 or left_over < best:
                best = max(left_over, 0.0)
                found[p, 2] = radius
                found[p, 3 : 3 + size] = solution
    return found


@numba.njit(nogil=True, cache=True)
def solved(matrix: np.ndarray, right: np.ndarray, damping: float) -> np.ndarray:
    """Solve with the lower half of a symmetric matrix, its diagonal damped, by Cholesky."""
    n = len(right)
    lower = np.zeros((n, n))
    for a in range(n):
        for b in range(a + 1):
            total = matrix[a, b] * (1 + damping if a == b else 1.0)
            for c in range(b):
                total -= lower[a, c] * lower[b, c]
            lower[a, b] = np.sqrt(max(total, 1e-12)) if a == b else total / lower[b, b]
    solution = right.copy()
    for a in range(n):
        for c in range(a):
            solution[a] -= lower[a, c] * solution[c]
        solution[a] /= lower[a, a]
    for a in range(n - 1, -1, -1):
        for c in range(a + 1, n):
            solution[a] -= lower[c, a] * solution[c]
        solution[a] /= lower[a, a]
    return solution


@numba.njit(nogil=True, cache=True, fastmath=True)
def add(image: np.ndarray, unknowns: np.ndarray, sign: float, shape: Shape) -> None:
    """Add a particle's light to an image, or take it away."""
    table, per_square, _, extent, averaged = shape
    if averaged:
        _add_averaged(image, unknowns, sign, shape)
        return
    y, x, radius = unknowns[0], unknowns[1], unknowns[2]
    scale = np.float32(per_square / radius**2)
    last = np.int32(table.shape[1] - 2)
    far = farthest(unknowns, len(table), extent)
    top, bottom = rows_near(image.shape, y, far)
    for i in range(top, bottom):
        left, end = columns_near(image.shape, i - y, x, far)
        rise, row = np.float32((i - y) ** 2), image[i]
        for n in range(len(table)):
            peak, profile = np.float32(sign * unknowns[SCALES + n]), table[n]
            for j in range(left, end):
                dx = np.float32(j - x)
                at = (rise + dx * dx) * scale
                k = min(np.int32(at), last)
                row[j] += peak * (profile[k] + (at - np.float32(k)) * (profile[k + 1] - profile[k]))


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_averaged(image: np.ndarray, unknowns: np.ndarray, sign: float, shape: Shape) -> None:
    table, per_square, _, extent, _ = shape
    y, x, radius = unknowns[0], unknowns[1], unknowns[2]
    scale, row = per_square / radius**2, np.empty(len(unknowns))
    far = farthest(unknowns, len(table), extent)
    top, bottom = rows_near(image.shape, y, far)
    for i in range(top, bottom):
        left, end = columns_near(image.shape, i - y, x, far)
        for j in range(left, end):
            image[i, j] += np.float32(sign * averaged_light(table, i - y, j - x, scale, unknowns, row))


@numba.njit(nogil=True, cache=True)
def add_each(image: np.ndarray, unknowns: np.ndarray, sign: float, shape: Shape) -> None:
    """Add the light of particles (n, unknowns) to an image, or take it away."""
    for p in range(len(unknowns)):
        add(image, unknowns[p], sign, shape)


@numba.njit(nogil=True, cache=True, fastmath=True)
def settle(
    rest: np.ndarray,
    unknowns: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    usual: np.ndarray,
    shape: Shape,
    rounds: int,
) -> np.ndarray:
    """Improve one particle after the other on what the others leave; return their normal matrices, see `covariances`.

    Parameters
    ----------
    rest : ndarray (Y, X)
        The frame less the light of all particles; kept up to date.
    unknowns : ndarray (n, unknowns)
        Improved in place.
    ground : ndarray (n, 5)
        The background at each particle: slope along y and x per pixel, level,
        and the variances of level and slopes; see `ground_at`.
    noise : ndarray (3,)
        Variance of a pixel: the first plus the second times its intensity, at least the third.
    usual : ndarray (5,)
        Mean and variance that radii usually have, the variance of `p` and `q` around 0, and the least and the
        greatest radius there can be.
    shape : Shape
    rounds : int

    Returns
    -------
    ndarray (n, unknowns, unknowns)
        Their lower halves count; nan where too few pixels are seen.
    """
    size, oriented = unknowns.shape[1], unknowns.shape[1] > SCALES + len(shape[0])
    matrices = np.full((len(unknowns), size, size), np.nan)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    for p in range(len(unknowns)):
        add(rest, unknowns[p], 1.0, shape)
        stepped = False
        for _ in range(rounds):
            matrix[:], right[:] = 0.0, 0.0
            number = _normal(rest, unknowns[p], ground[p], noise, shape, matrix, right)
            if number < LEAST_PIXELS:
                break
            if ground[p, 4] > 0:
                _tilt(rest, unknowns[p], ground[p], noise, shape, matrix, right)
            _expect(unknowns[p], ground[p], usual, oriented, matrix, right)
            step = solved(matrix, right, _DAMPING)
            if np.abs(step).max() > _RUNAWAY:
                stepped = False
                break
            _move(unknowns[p], step, usual, oriented)
            stepped = True
            if abs(step[0]) + abs(step[1]) < 2e-3:
                break
        if stepped:
            matrices[p] = matrix
        add(rest, unknowns[p], -1.0, shape)
    return matrices


@numba.njit(nogil=True, cache=True)
def _expect(
    unknowns: np.ndarray, ground: np.ndarray, usual: np.ndarray, oriented: bool, matrix: np.ndarray, right: np.ndarray
) -> None:
    """Add to the normal equations what radius, level and stretch usually are."""
    matrix[2, 2] += 1 / usual[1]
    right[2] += (usual[0] - unknowns[2]) / usual[1]
    matrix[LEVEL, LEVEL] += 1 / ground[3]
    right[LEVEL] += (ground[2] - unknowns[LEVEL]) / ground[3]
    if oriented:
        for a in range(len(unknowns) - 2, len(unknowns)):
            matrix[a, a] += 1 / usual[2]
            right[a] -= unknowns[a] / usual[2]


@numba.njit(nogil=True, cache=True)
def _move(unknowns: np.ndarray, step: np.ndarray, usual: np.ndarray, oriented: bool) -> None:
    """Take a step, but no farther than a pixel, a quarter of the radius, and what radii there can be."""
    shrink = min(1.0, 1.0 / max(np.hypot(step[0], step[1]), 1e-9))
    small = min(1.0, 0.25 * unknowns[2] / max(abs(step[2]), 1e-9))
    for a in range(len(unknowns)):
        unknowns[a] += step[a] * (shrink if a < 2 else small if a == 2 else 1.0)
    unknowns[2] = min(max(unknowns[2], usual[3]), usual[4])
    if oriented:
        _bound_stretch(unknowns, step)


@numba.njit(nogil=True, cache=True)
def _bound_stretch(unknowns: np.ndarray, step: np.ndarray) -> None:
    """Take back what a step stretches a particle too much, at once or in all."""
    for a in range(-2, 0):
        unknowns[a] += min(max(step[a], -_STRETCH_A_STEP), _STRETCH_A_STEP) - step[a]
    length = np.hypot(unknowns[-2], unknowns[-1])
    if length > MOST_STRETCHED:
        unknowns[-2:] *= MOST_STRETCHED / length


@numba.njit(nogil=True, cache=True, fastmath=True)
def _normal(
    image: np.ndarray,
    unknowns: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    shape: Shape,
    matrix: np.ndarray,
    right: np.ndarray,
) -> int:
    """Fill in the normal equations of one particle (the lower half), and return how many pixels they stand on."""
    table, per_square, reach, _, averaged = shape
    y, x, radius, level = unknowns[0], unknowns[1], unknowns[2], unknowns[3]
    orders, size = len(table), len(unknowns)
    row = np.empty(size)
    row[3] = 1.0
    scale, last, number = per_square / radius**2, table.shape[1] - 2.0, 0
    far = farthest(unknowns, orders, reach)
    top, bottom = rows_near(image.shape, y, far)
    for i in range(top, bottom):
        dy = i - y
        left, end = columns_near(image.shape, dy, x, far)
        number += max(0, end - left)
        for j in range(left, end):
            dx = j - x
            if averaged:
                light = averaged_light(table, dy, dx, scale, unknowns, row)
            else:
                square = dy * dy + dx * dx
                at = min(square * scale, last)
                k = int(at)
                light, steep = 0.0, 0.0
                for n in range(orders):
                    rise = table[n, k + 1] - table[n, k]
                    value = table[n, k] + (at - k) * rise
                    row[SCALES + n] = value
                    light += unknowns[SCALES + n] * value
                    steep += unknowns[SCALES + n] * rise
                steep *= -2 * scale
                row[0], row[1], row[2] = steep * dy, steep * dx, steep * square / radius
            model = level + ground[0] * dy + ground[1] * dx + light
            weight = 1 / max(noise[0] + noise[1] * model, noise[2])
            miss = weight * (image[i, j] - model)
            for a in range(size):
                right[a] += row[a] * miss
                weighted = weight * row[a]
                for b in range(a + 1):
                    matrix[a, b] += weighted * row[b]
    return number


@numba.njit(nogil=True, cache=True, fastmath=True)
def _tilt(
    image: np.ndarray,
    unknowns: np.ndarray,
    ground: np.ndarray,
    noise: np.ndarray,
    shape: Shape,
    matrix: np.ndarray,
    right: np.ndarray,
) -> None:
    """Let the background's slopes be other than told, by their variance: take out what they explain."""
    table, per_square, reach, _, averaged = shape
    y, x, level, size = unknowns[0], unknowns[1], unknowns[LEVEL], len(unknowns)
    row, both = np.zeros(size), np.zeros((2, size))
    own, told = np.full(2, 1 / ground[4]), np.zeros(2)
    scale, far = per_square / unknowns[2] ** 2, farthest(unknowns, len(table), reach)
    top, bottom = rows_near(image.shape, y, far)
    for i in range(top, bottom):
        dy = i - y
        left, end = columns_near(image.shape, dy, x, far)
        for j in range(left, end):
            dx = j - x
            model = level + ground[0] * dy + ground[1] * dx
            model += light_at(table, dy, dx, scale, averaged, unknowns, row)
            weight = 1 / max(noise[0] + noise[1] * model, noise[2])
            for axis in range(2):
                off = weight * (dx if axis else dy)
                own[axis] += off * (dx if axis else dy)
                told[axis] += off * (image[i, j] - model)
                for a in range(size):
                    both[axis, a] += off * row[a]
    for axis in range(2):
        for a in range(size):
            right[a] -= both[axis, a] * told[axis] / own[axis]
            for b in range(a + 1):
                matrix[a, b] -= both[axis, a] * both[axis, b] / own[axis]


@numba.njit(nogil=True, cache=True)
def covariances(matrices: np.ndarray) -> np.ndarray:
    """Return the inverses of normal matrices, (n, unknowns, unknowns); nan where they are."""
    found, unit = np.full(matrices.shape, np.nan), np.zeros(matrices.shape[1])
    for p in range(len(matrices)):
        if np.isfinite(matrices[p, 0, 0]):
            for a in range(len(unit)):
                unit[:] = 0.0
                unit[a] = 1.0
                found[p, a] = solved(matrices[p], unit, 1e-9)
    return found
