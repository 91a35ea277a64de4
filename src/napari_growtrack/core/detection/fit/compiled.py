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
_NARROWEST = 3.0
_LEAST_PIXELS = 10
_LEAST_SHARE = 0.2
_ENOUGH = 8
_SPARSE = 6.0
"""First guesses read so many pixels along a radius, at most every other one."""
_DAMPING = 1e-3
_SIDE = 16
_AROUND = 3
_UNKNOWN = 1e30
_RINGS, _SPOKES, _SMALL = 4, 8, 7
"""Where the noise around a particle is looked at: at so many places of each of so many rings."""
_MOST_STRETCHED = 0.96
"""Length of ``p, q`` where a particle is seven times as long as wide."""
_STRETCH_A_STEP = 0.2
_RUNAWAY = 1e6
"""Frames have a spread of 1: nothing in them is so far off."""


@numba.njit(nogil=True, cache=True)
def _rows(shape: tuple[int, int], y: float, reach: float) -> tuple[int, int]:
    return max(0, int(np.ceil(y - reach))), min(shape[0], int(np.floor(y + reach)) + 1)


@numba.njit(nogil=True, cache=True)
def _columns(shape: tuple[int, int], dy: float, x: float, reach: float) -> tuple[int, int]:
    """Return the stretch of a row that lies within reach."""
    half = np.sqrt(max(reach * reach - dy * dy, 0.0))
    return max(0, int(np.ceil(x - half))), min(shape[1], int(np.floor(x + half)) + 1)


@numba.njit(nogil=True, cache=True)
def _farthest(unknowns: np.ndarray, components: int, reach: float) -> float:
    """Return how far from its centre a particle is fitted, in pixels: an elongated one so much farther, and all a bit."""
    far = max(reach * unknowns[2], _NARROWEST)
    if len(unknowns) == SCALES + components:
        return far
    return far / np.sqrt(1 - min(np.hypot(unknowns[-2], unknowns[-1]), _MOST_STRETCHED))


@numba.njit(nogil=True, cache=True, fastmath=True)
def _averaged(table: np.ndarray, dy: float, dx: float, scale: float, unknowns: np.ndarray, row: np.ndarray) -> float:
    """Return a particle's light, averaged over a pixel, and fill in how it changes with each of the unknowns."""
    components, last = len(table), table.shape[1] - 2.0
    oriented = len(unknowns) > SCALES + components
    p, q = (unknowns[-2], unknowns[-1]) if oriented else (0.0, 0.0)
    row[:] = 0.0
    row[LEVEL] = 1.0
    light = 0.0
    for a in range(3):
        y = dy + NODES[a]
        for b in range(3):
            x, weight = dx + NODES[b], WEIGHTS[a] * WEIGHTS[b]
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
        top, bottom = _rows(frame.shape, y, reach * radii[-1])
        step = max(2, int(reach * radii[-1] / _SPARSE))
        best = -1.0
        for radius in radii:
            matrix[:], right[:], square = 0.0, 0.0, 0.0
            trial[2] = radius
            scale, last = per_square / radius**2, table.shape[1] - 2.0
            for i in range(top, bottom, step):
                left, end = _columns(frame.shape, i - y, x, reach * radii[-1])
                for j in range(left, end, step):
                    if averaged:
                        _averaged(table, i - y, j - x, scale, trial, row)
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
            solution = _solved(matrix, right, 1e-6)
            left_over = square
            for a in range(size):
                left_over -= solution[a] * right[a]
            if best < 0 or left_over < best:
                best = max(left_over, 0.0)
                found[p, 2] = radius
                found[p, 3 : 3 + size] = solution
    return found


@numba.njit(nogil=True, cache=True)
def _solved(matrix: np.ndarray, right: np.ndarray, damping: float) -> np.ndarray:
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
    far = _farthest(unknowns, len(table), extent)
    top, bottom = _rows(image.shape, y, far)
    for i in range(top, bottom):
        left, end = _columns(image.shape, i - y, x, far)
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
    far = _farthest(unknowns, len(table), extent)
    top, bottom = _rows(image.shape, y, far)
    for i in range(top, bottom):
        left, end = _columns(image.shape, i - y, x, far)
        for j in range(left, end):
            image[i, j] += np.float32(sign * _averaged(table, i - y, j - x, scale, unknowns, row))


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
            if number < _LEAST_PIXELS:
                break
            if ground[p, 4] > 0:
                _tilt(rest, unknowns[p], ground[p], noise, shape, matrix, right)
            matrix[2, 2] += 1 / usual[1]
            right[2] += (usual[0] - unknowns[p, 2]) / usual[1]
            matrix[LEVEL, LEVEL] += 1 / ground[p, 3]
            right[LEVEL] += (ground[p, 2] - unknowns[p, LEVEL]) / ground[p, 3]
            if oriented:
                for a in range(size - 2, size):
                    matrix[a, a] += 1 / usual[2]
                    right[a] -= unknowns[p, a] / usual[2]
            step = _solved(matrix, right, _DAMPING)
            if np.abs(step).max() > _RUNAWAY:
                stepped = False
                break
            shrink = min(1.0, 1.0 / max(np.hypot(step[0], step[1]), 1e-9))
            small = min(1.0, 0.25 * unknowns[p, 2] / max(abs(step[2]), 1e-9))
            for a in range(size):
                unknowns[p, a] += step[a] * (shrink if a < 2 else small if a == 2 else 1.0)
            unknowns[p, 2] = min(max(unknowns[p, 2], usual[3]), usual[4])
            if oriented:
                _bound_stretch(unknowns[p], step)
            stepped = True
            if abs(step[0]) + abs(step[1]) < 2e-3:
                break
        if stepped:
            matrices[p] = matrix
        add(rest, unknowns[p], -1.0, shape)
    return matrices


@numba.njit(nogil=True, cache=True)
def _bound_stretch(unknowns: np.ndarray, step: np.ndarray) -> None:
    """Take back what a step stretches a particle too much, at once or in all."""
    for a in range(-2, 0):
        unknowns[a] += min(max(step[a], -_STRETCH_A_STEP), _STRETCH_A_STEP) - step[a]
    length = np.hypot(unknowns[-2], unknowns[-1])
    if length > _MOST_STRETCHED:
        unknowns[-2:] *= _MOST_STRETCHED / length


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
    far = _farthest(unknowns, orders, reach)
    top, bottom = _rows(image.shape, y, far)
    for i in range(top, bottom):
        dy = i - y
        left, end = _columns(image.shape, dy, x, far)
        number += max(0, end - left)
        for j in range(left, end):
            dx = j - x
            if averaged:
                light = _averaged(table, dy, dx, scale, unknowns, row)
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
    """Let the background's slopes be other than told, by their variance: take out of the equations what they explain."""
    table, per_square, reach, _, _ = shape
    y, x, radius, level = unknowns[0], unknowns[1], unknowns[2], unknowns[LEVEL]
    orders, size = len(table), len(unknowns)
    row, both = np.zeros(size), np.zeros((2, size))
    row[LEVEL] = 1.0
    own, told = np.full(2, 1 / ground[4]), np.zeros(2)
    scale, last = per_square / radius**2, table.shape[1] - 2.0
    far = _farthest(unknowns, orders, reach)
    top, bottom = _rows(image.shape, y, far)
    for i in range(top, bottom):
        dy = i - y
        left, end = _columns(image.shape, dy, x, far)
        for j in range(left, end):
            dx = j - x
            square = dy * dy + dx * dx
            at = min(square * scale, last)
            k = int(at)
            light, steep = 0.0, 0.0
            for n in range(orders):
                rise = table[n, k + 1] - table[n, k]
                row[SCALES + n] = table[n, k] + (at - k) * rise
                light += unknowns[SCALES + n] * row[SCALES + n]
                steep += unknowns[SCALES + n] * rise
            steep *= -2 * scale
            row[0], row[1], row[2] = steep * dy, steep * dx, steep * square / radius
            model = level + ground[0] * dy + ground[1] * dx + light
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
                found[p, a] = _solved(matrices[p], unit, 1e-9)
    return found


@numba.njit(nogil=True, cache=True, fastmath=True)
def significances_at(
    frame_shape: tuple[int, int], unknowns: np.ndarray, ground: np.ndarray, noise: np.ndarray, shape: Shape
) -> np.ndarray:
    """Return how many standard errors each particle's light stands out of the background, (n,).

    The errors are those that the background alone would make: nothing but noise
    exceeds a significance as often, whatever the noise of particles is.
    """
    table, per_square, reach, _, averaged = shape
    found = np.full(len(unknowns), np.nan)
    orders, row = len(table), np.empty(unknowns.shape[1])
    values, sums, products = np.empty(orders), np.zeros(orders), np.zeros((orders, orders))
    for p in range(len(unknowns)):
        y, x, radius = unknowns[p, 0], unknowns[p, 1], unknowns[p, 2]
        scale, last, number = per_square / radius**2, table.shape[1] - 2.0, 0
        sums[:], products[:] = 0.0, 0.0
        far = _farthest(unknowns[p], orders, reach)
        top, bottom = _rows(frame_shape, y, far)
        for i in range(top, bottom):
            left, end = _columns(frame_shape, i - y, x, far)
            number += max(0, end - left)
            for j in range(left, end):
                if averaged:
                    _averaged(table, i - y, j - x, scale, unknowns[p], row)
                    values[:] = row[SCALES : SCALES + orders]
                else:
                    at = min(((i - y) ** 2 + (j - x) ** 2) * scale, last)
                    k = int(at)
                    for n in range(orders):
                        values[n] = table[n, k] + (at - k) * (table[n, k + 1] - table[n, k])
                for n in range(orders):
                    sums[n] += values[n]
                    for m in range(n + 1):
                        products[n, m] += values[n] * values[m]
        if number < _LEAST_PIXELS:
            continue
        variance = max(noise[0] + noise[1] * unknowns[p, LEVEL], noise[2])
        unsure = 1 / (number / variance + 1 / ground[p, 3])
        square = 0.0
        for n in range(orders):
            for m in range(orders):
                both = products[max(n, m), min(n, m)] / variance - sums[n] * sums[m] / variance**2 * unsure
                square += unknowns[p, SCALES + n] * unknowns[p, SCALES + m] * both
        found[p] = np.sqrt(max(square, 0.0))
    return found


@numba.njit(nogil=True, cache=True, fastmath=True)
def spread_of_noise(
    rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, shape: Shape, fitted: float = 0.0
) -> np.ndarray:
    """Return how the variance of pixels near particles grows with their intensity, and its least value, (3,).

    So many numbers a particle were `fitted` to these very pixels, and have taken their share of the noise with them.
    """
    table, per_square, reach, _, averaged = shape
    row = np.empty(unknowns.shape[1])
    s0 = s1 = s2 = q0 = q1 = 0.0
    for p in range(len(unknowns)):
        y, x, radius, level = unknowns[p, 0], unknowns[p, 1], unknowns[p, 2], unknowns[p, 3]
        scale, last = per_square / radius**2, table.shape[1] - 2.0
        far = _farthest(unknowns[p], len(table), reach)
        top, bottom = _rows(rest.shape, y, far)
        for i in range(top, bottom):
            left, end = _columns(rest.shape, i - y, x, far)
            for j in range(left, end):
                dark = level + ground[p, 0] * (i - y) + ground[p, 1] * (j - x)
                light = dark
                if averaged:
                    light += _averaged(table, i - y, j - x, scale, unknowns[p], row)
                else:
                    at = min(((i - y) ** 2 + (j - x) ** 2) * scale, last)
                    k = int(at)
                    for n in range(len(table)):
                        light += unknowns[p, SCALES + n] * (table[n, k] + (at - k) * (table[n, k + 1] - table[n, k]))
                square = (rest[i, j] - dark) ** 2
                s0 += 1.0
                s1 += light
                s2 += light * light
                q0 += square
                q1 += square * light
    found = np.array([1.0, 0.0, 1.0])
    if s0 < _LEAST_PIXELS or q0 <= 0:
        return found
    mean, square = s1 / s0, q0 / s0
    spread = s2 / s0 - mean * mean
    found[1] = (q1 / s0 - mean * square) / spread if spread > 1e-12 * (mean * mean + 1e-300) else 0.0
    found[0] = square - found[1] * mean
    found[2] = _LEAST_SHARE * square
    return found / max(1 - fitted * len(unknowns) / s0, 0.5)


@numba.njit(nogil=True, cache=True, fastmath=True)
def block_means(image: np.ndarray) -> np.ndarray:
    """Return the means of blocks of 16 x 16 px; what is left over at the ends joins the last ones."""
    rows, columns = max(1, image.shape[0] // _SIDE), max(1, image.shape[1] // _SIDE)
    means = np.zeros((rows, columns))
    for a in range(rows):
        bottom = image.shape[0] if a == rows - 1 else (a + 1) * _SIDE
        for b in range(columns):
            end = image.shape[1] if b == columns - 1 else (b + 1) * _SIDE
            total = 0.0
            for i in range(a * _SIDE, bottom):
                part = np.float32(0.0)
                for j in range(b * _SIDE, end):
                    part += image[i, j]
                total += float(part)
            means[a, b] = total / ((bottom - a * _SIDE) * (end - b * _SIDE))
    return means


@numba.njit(nogil=True, cache=True, fastmath=True)
def noise_around(
    rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, noise: np.ndarray, shape: Shape
) -> np.ndarray:
    """Return what the background around particles would make of their light, place and slope, (n, 3, places).

    At places around each, where nothing was found, the particle's profile, its slopes (less what a tilted background
    explains, as far as it may be tilted) and a plane are laid over what is left of the frame, in units of what noise
    makes of them that is each pixel's own. Numbers beyond 1 tell of noise that neighbours share (enlarged and
    compressed frames, rows and columns of a sensor) and of texture. nan beyond the edge. Of large particles every
    second pixel, or fewer, is read.
    """
    table, per_square, reach, _, averaged = shape
    found = np.full((len(unknowns), 3, _RINGS * _SPOKES), np.nan)
    row = np.empty(unknowns.shape[1])
    for p in range(len(unknowns)):
        radius, orders = unknowns[p, 2], len(table)
        half = max(reach * radius, _NARROWEST)
        every = max(1, int(half) // _SMALL)
        side = every * int(np.ceil(half / every))
        scale, last = per_square / radius**2, table.shape[1] - 2.0
        light, slopes = np.zeros((2 * side + 1, 2 * side + 1)), np.zeros((2 * side + 1, 2 * side + 1, 2))
        number, mean = 0, 0.0
        for i in range(-side, side + 1, every):
            for j in range(-side, side + 1, every):
                square = float(i * i + j * j)
                if square > half * half:
                    continue
                number += 1
                if averaged:
                    value = _averaged(table, i, j, scale, unknowns[p], row)
                    light[i + side, j + side] = value
                    slopes[i + side, j + side, 0], slopes[i + side, j + side, 1] = row[0], row[1]
                else:
                    at = min(square * scale, last)
                    k = int(at)
                    value, steep = 0.0, 0.0
                    for n in range(orders):
                        rise = table[n, k + 1] - table[n, k]
                        value += unknowns[p, SCALES + n] * (table[n, k] + (at - k) * rise)
                        steep += unknowns[p, SCALES + n] * rise
                    light[i + side, j + side] = value
                    slopes[i + side, j + side, 0] = -2 * scale * steep * i
                    slopes[i + side, j + side, 1] = -2 * scale * steep * j
                mean += value
        mean /= max(number, 1)
        tilted, plane = 0.0, 0.0
        for i in range(-side, side + 1, every):
            for j in range(-side, side + 1, every):
                if i * i + j * j <= half * half:
                    plane += i * i
                    tilted += slopes[i + side, j + side, 0] * i
        if ground[p, 4] > 0:
            tilted /= plane + max(noise[0] + noise[1] * unknowns[p, LEVEL], noise[2]) / ground[p, 4]
            for i in range(-side, side + 1, every):
                for j in range(-side, side + 1, every):
                    if i * i + j * j <= half * half:
                        slopes[i + side, j + side, 0] -= tilted * i
                        slopes[i + side, j + side, 1] -= tilted * j
        bright, steepest = 0.0, np.zeros(2)
        for i in range(-side, side + 1, every):
            for j in range(-side, side + 1, every):
                if i * i + j * j <= half * half:
                    light[i + side, j + side] -= mean
                    bright += light[i + side, j + side] ** 2
                    for axis in range(2):
                        steepest[axis] += slopes[i + side, j + side, axis] ** 2
        if number < _LEAST_PIXELS or bright <= 0 or steepest.min() <= 0:
            continue
        level, down, across = unknowns[p, LEVEL], ground[p, 0], ground[p, 1]
        for ring in range(_RINGS):
            away = (1.6 + 0.8 * ring) * half
            for spoke in range(_SPOKES):
                turn = 2 * np.pi * (spoke + 0.5 * ring) / _SPOKES
                dy, dx = int(np.rint(away * np.sin(turn))), int(np.rint(away * np.cos(turn)))
                y, x = int(np.rint(unknowns[p, 0])) + dy, int(np.rint(unknowns[p, 1])) + dx
                if min(y, x) < side or y >= rest.shape[0] - side or x >= rest.shape[1] - side:
                    continue
                of_light, of_place, of_plane, total = 0.0, 0.0, 0.0, 0.0
                for i in range(-side, side + 1, every):
                    for j in range(-side, side + 1, every):
                        if i * i + j * j <= half * half:
                            off = rest[y + i, x + j] - level - down * (dy + i) - across * (dx + j)
                            of_light += light[i + side, j + side] * off
                            of_place += slopes[i + side, j + side, ring % 2] * off
                            of_plane += (j if ring % 2 else i) * off
                            total += rest[y + i, x + j]
                variance = max(noise[0] + noise[1] * total / number, noise[2])
                found[p, 0, ring * _SPOKES + spoke] = of_light / np.sqrt(bright * variance)
                found[p, 1, ring * _SPOKES + spoke] = of_place / np.sqrt(steepest[ring % 2] * variance)
                found[p, 2, ring * _SPOKES + spoke] = of_plane / np.sqrt(plane * variance)
    return found


@numba.njit(nogil=True, cache=True)
def coarseness(looks: np.ndarray, usual: float, clearly: float) -> np.ndarray:
    """Return how much larger errors of light, place and slope are than each pixel's own noise makes them, (3, n).

    At least 1. What is seen around a single particle tells little, so that all of a frame are taken together,
    and a single one counts where it sees clearly more.

    Parameters
    ----------
    looks : ndarray (n, 3, places)
        As `noise_around` returns them.
    usual, clearly : float
        What scatters by so much is nothing but noise; and so many times more than in all of the frame.
    """
    number, _, places = looks.shape
    found = np.ones((3, number))
    some, all_of_them = np.empty(places), np.empty(number * places)
    for kind in range(3):
        total = 0
        for p in range(number):
            n = 0
            for look in looks[p, kind]:
                if not np.isnan(look):
                    some[n] = all_of_them[total] = abs(look)
                    n, total = n + 1, total + 1
            found[kind, p] = 1.4826 * np.median(some[:n]) if n >= _ENOUGH else 0.0
        whole = max(1.4826 * np.median(all_of_them[:total]) / usual, 1.0) if total >= 3 * _ENOUGH else 1.0
        for p in range(number):
            found[kind, p] = found[kind, p] if found[kind, p] > clearly * whole else whole
    return found


def unknown_ground(number: int) -> np.ndarray:
    """Return backgrounds of which nothing is known but that they are level, (n, 5); see `ground_at`."""
    return np.tile([0.0, 0.0, 0.0, _UNKNOWN, 0.0], (number, 1))


@numba.njit(nogil=True, cache=True)
def ground_at(means: np.ndarray, places: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the background at each place, (n, 5): of a plane through the means of the blocks around it.

    Slope along y and x per pixel, level, and the variances of level and slopes, the latter 0: blocks
    that scatter about the plane more than noise makes them say how far from
    flat it is. Blocks far off the plane, where something is that was not taken
    away, count less (Tukey's weights).
    """
    ground = np.zeros((len(places), 5))
    ground[:, 3] = _UNKNOWN
    rows, columns = means.shape
    count = (2 * _AROUND + 1) ** 2
    design, value, weight = np.empty((count, 3)), np.empty(count), np.empty(count)
    off, matrix, right = np.empty(count), np.zeros((3, 3)), np.zeros(3)
    for p in range(len(places)):
        down, across = places[p, 0] / _SIDE - 0.5, places[p, 1] / _SIDE - 0.5
        a0, b0 = int(np.rint(down)), int(np.rint(across))
        n = 0
        for a in range(max(0, a0 - _AROUND), min(rows, a0 + _AROUND + 1)):
            for b in range(max(0, b0 - _AROUND), min(columns, b0 + _AROUND + 1)):
                design[n, 0], design[n, 1], design[n, 2] = 1.0, a - down, b - across
                value[n], weight[n] = means[a, b], 1.0
                n += 1
        if min(rows, columns) < 3 or n < 9:
            continue
        plane, scatter = np.zeros(3), 0.0
        for _ in range(3):
            matrix[:], right[:] = 0.0, 0.0
            for m in range(n):
                for u in range(3):
                    weighted = weight[m] * design[m, u]
                    right[u] += weighted * value[m]
                    for v in range(u + 1):
                        matrix[u, v] += weighted * design[m, v]
            plane = _solved(matrix, right, 1e-9)
            for m in range(n):
                off[m] = abs(value[m] - plane[0] - plane[1] * design[m, 1] - plane[2] * design[m, 2])
            scatter = 1.48 * np.median(off[:n])
            for m in range(n):
                weight[m] = max(1e-3, (1 - min(1.0, off[m] / (4 * scatter + 1e-12)) ** 2) ** 2)
        ground[p, 0], ground[p, 1], ground[p, 2] = plane[1] / _SIDE, plane[2] / _SIDE, plane[0]
        shot = max(noise[0] + noise[1] * plane[0], noise[2]) / _SIDE**2
        ground[p, 3] = max(scatter**2 - shot, 0.0) + 4 * max(scatter**2, shot) / n
    return ground


@numba.njit(nogil=True, cache=True, fastmath=True)
def stretches(rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, noise: np.ndarray, shape: Shape) -> np.ndarray:
    """Return how elongated particles that were fitted as round ones look: `p` and `q` by a single step, (n, 2).

    Light is round but for these two, which turn it twice around its centre: so nothing else that is fitted changes.
    """
    table, per_square, reach, _, averaged = shape
    found, row, orders = np.zeros((len(unknowns), 2)), np.empty(unknowns.shape[1]), len(table)
    for p in range(len(unknowns)):
        y, x, radius, level = unknowns[p, 0], unknowns[p, 1], unknowns[p, 2], unknowns[p, LEVEL]
        scale, last = per_square / radius**2, table.shape[1] - 2.0
        far = _farthest(unknowns[p], orders, reach)
        top, bottom = _rows(rest.shape, y, far)
        a00 = a01 = a11 = b0 = b1 = 0.0
        for i in range(top, bottom):
            dy = i - y
            left, end = _columns(rest.shape, dy, x, far)
            for j in range(left, end):
                dx = j - x
                at = min((dy * dy + dx * dx) * scale, last)
                k = int(at)
                light, steep = 0.0, 0.0
                for n in range(orders):
                    rise = table[n, k + 1] - table[n, k]
                    light += unknowns[p, SCALES + n] * (table[n, k] + (at - k) * rise)
                    steep += unknowns[p, SCALES + n] * rise
                dark = level + ground[p, 0] * dy + ground[p, 1] * dx
                weight = 1 / max(noise[0] + noise[1] * (dark + light), noise[2])
                along, cross = -scale * steep * (dx * dx - dy * dy), -2 * scale * steep * dy * dx
                a00 += weight * along * along
                a01 += weight * along * cross
                a11 += weight * cross * cross
                b0 += weight * along * (rest[i, j] - dark)
                b1 += weight * cross * (rest[i, j] - dark)
        whole = a00 * a11 - a01 * a01
        if whole > 1e-12 * (a00 + a11) ** 2:
            found[p, 0], found[p, 1] = (a11 * b0 - a01 * b1) / whole, (a00 * b1 - a01 * b0) / whole
            length = np.hypot(found[p, 0], found[p, 1])
            found[p] *= min(1.0, _MOST_STRETCHED / max(length, 1e-9))
    return found


@numba.njit(nogil=True, cache=True, fastmath=True)
def profile_left(
    rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, noise: np.ndarray, shape: Shape, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of particles' light, per unit of the first profile's scale, and the weight of that, (bins,).

    Over the distance from the centre, up to how far they are fitted.
    """
    table, per_square, reach, _, _ = shape
    total, weights, orders = np.zeros(bins), np.zeros(bins), len(table)
    for p in range(len(unknowns)):
        y, x, radius, level = unknowns[p, 0], unknowns[p, 1], unknowns[p, 2], unknowns[p, LEVEL]
        scale, last = per_square / radius**2, table.shape[1] - 2.0
        peak = unknowns[p, SCALES]
        far = reach * radius
        top, bottom = _rows(rest.shape, y, far)
        for i in range(top, bottom):
            dy = i - y
            left, end = _columns(rest.shape, dy, x, far)
            for j in range(left, end):
                dx = j - x
                square = dy * dy + dx * dx
                at = min(square * scale, last)
                k = int(at)
                light = 0.0
                for n in range(orders):
                    light += unknowns[p, SCALES + n] * (table[n, k] + (at - k) * (table[n, k + 1] - table[n, k]))
                dark = level + ground[p, 0] * dy + ground[p, 1] * dx
                weight = 1 / max(noise[0] + noise[1] * (dark + light), noise[2])
                b = min(int(bins * np.sqrt(square) / far), bins - 1)
                total[b] += weight * peak * (rest[i, j] - dark)
                weights[b] += weight * peak * peak
    return total, weights
