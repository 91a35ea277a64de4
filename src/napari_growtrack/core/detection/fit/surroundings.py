"""Measure what lies around fitted particles: noise, background, and what a fit leaves of them; in compiled code."""

from __future__ import annotations

import numpy as np

from ...packages.compiling import numba
from .compiled import (
    LEAST_PIXELS,
    LEVEL,
    MOST_STRETCHED,
    NARROWEST,
    SCALES,
    Shape,
    averaged_light,
    columns_near,
    farthest,
    light_at,
    rows_near,
    solved,
)

_LEAST_SHARE = 0.2
_ENOUGH = 8
_SIDE = 16
_AROUND = 3
_UNKNOWN = 1e30
_RINGS, _SPOKES, _LARGE = 4, 8, 15.0
"""Where the noise around a particle is looked at: at so many places of each of so many rings."""


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
        far = farthest(unknowns[p], orders, reach)
        top, bottom = rows_near(frame_shape, y, far)
        for i in range(top, bottom):
            left, end = columns_near(frame_shape, i - y, x, far)
            number += max(0, end - left)
            for j in range(left, end):
                if averaged:
                    averaged_light(table, i - y, j - x, scale, unknowns[p], row)
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
        if number < LEAST_PIXELS:
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
        far = farthest(unknowns[p], len(table), reach)
        top, bottom = rows_near(rest.shape, y, far)
        for i in range(top, bottom):
            left, end = columns_near(rest.shape, i - y, x, far)
            for j in range(left, end):
                dark = level + ground[p, 0] * (i - y) + ground[p, 1] * (j - x)
                light = dark
                if averaged:
                    light += averaged_light(table, i - y, j - x, scale, unknowns[p], row)
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
    if s0 < LEAST_PIXELS or q0 <= 0:
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
    compressed frames, rows and columns of a sensor) and of texture. nan beyond the edge, and at every
    other place around large particles.
    """
    found = np.full((len(unknowns), 3, _RINGS * _SPOKES), np.nan)
    for p in range(len(unknowns)):
        half = max(shape[2] * unknowns[p, 2], NARROWEST)
        side, thinned = int(np.ceil(half)), 1 if half < _LARGE else 2
        variance = max(noise[0] + noise[1] * unknowns[p, LEVEL], noise[2])
        inside, filters = _filters(unknowns[p], half, ground[p, 4] / variance, shape)
        number = inside.sum()
        if number < LEAST_PIXELS or not (filters[0] != 0).any() or not (filters[1:3] != 0).any():
            continue
        for ring in range(_RINGS):
            away = (1.6 + 0.8 * ring) * half
            for spoke in range(ring % thinned, _SPOKES, thinned):
                turn = 2 * np.pi * (spoke + 0.5 * ring) / _SPOKES
                dy, dx = int(np.rint(away * np.sin(turn))), int(np.rint(away * np.cos(turn)))
                y, x = int(np.rint(unknowns[p, 0])) + dy, int(np.rint(unknowns[p, 1])) + dx
                if min(y, x) < side or y >= rest.shape[0] - side or x >= rest.shape[1] - side:
                    continue
                total, sums = 0.0, found[p, :, ring * _SPOKES + spoke]
                sums[:] = 0.0
                for i in range(-side, side + 1):
                    dark = unknowns[p, LEVEL] + ground[p, 0] * (dy + i) + ground[p, 1] * dx
                    for j in range(-side, side + 1):
                        if inside[i + side, j + side]:
                            pixel = rest[y + i, x + j]
                            total += pixel
                            off = pixel - dark - ground[p, 1] * j
                            sums[0] += filters[0, i + side, j + side] * off
                            sums[1] += filters[1 + ring % 2, i + side, j + side] * off
                            sums[2] += filters[3 + ring % 2, i + side, j + side] * off
                sums /= np.sqrt(max(noise[0] + noise[1] * total / number, noise[2]))
    return found


@numba.njit(nogil=True, cache=True, fastmath=True)
def _filters(unknowns: np.ndarray, half: float, tilt: float, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return what is laid over a frame to measure a particle like one, and which pixels of it count.

    Parameters
    ----------
    unknowns : ndarray (unknowns,)
    half : float
        How far pixels count, in pixels.
    tilt : float
        Variance of the background's slope over that of a pixel's noise.
    shape : Shape

    Returns
    -------
    ndarray (side, side) of bool
    ndarray (5, side, side)
        Its light less the mean, its slopes along y and x, and planes along y and x, the squares of each adding up to 1.
    """
    table, per_square, _, _, averaged = shape
    side, scale, row = int(np.ceil(half)), per_square / unknowns[2] ** 2, np.empty(len(unknowns))
    inside = np.zeros((2 * side + 1, 2 * side + 1), np.bool_)
    filters = np.zeros((5, 2 * side + 1, 2 * side + 1))
    for i in range(-side, side + 1):
        for j in range(-side, side + 1):
            if i * i + j * j <= half * half:
                a, b = i + side, j + side
                inside[a, b] = True
                filters[0, a, b] = light_at(table, i, j, scale, averaged, unknowns, row)
                filters[1, a, b], filters[2, a, b], filters[3, a, b], filters[4, a, b] = row[0], row[1], i, j
    mean = filters[0].sum() / inside.sum()
    explained = (filters[1] * filters[3]).sum() / ((filters[3] ** 2).sum() + 1 / tilt) if tilt > 0 else 0.0
    filters[0] -= np.where(inside, mean, 0.0)
    filters[1:3] -= explained * filters[3:]
    for k in range(5):
        filters[k] /= max(np.sqrt((filters[k] ** 2).sum()), 1e-30)
    return inside, filters


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
        whole = 1.4826 * np.median(all_of_them[:total]) if total >= 3 * _ENOUGH else 1.0
        whole = whole if whole > usual else 1.0
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
            plane = solved(matrix, right, 1e-9)
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
def stretches(
    rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, noise: np.ndarray, shape: Shape
) -> np.ndarray:
    """Return how elongated particles that were fitted as round ones look: `p` and `q` by a single step, (n, 2).

    Light is round but for these two, which turn it twice around its centre: so nothing else that is fitted changes.
    """
    table, per_square, reach, _, _ = shape
    found, orders = np.zeros((len(unknowns), 2)), len(table)
    for p in range(len(unknowns)):
        y, x, radius, level = unknowns[p, 0], unknowns[p, 1], unknowns[p, 2], unknowns[p, LEVEL]
        scale, last = per_square / radius**2, table.shape[1] - 2.0
        far = farthest(unknowns[p], orders, reach)
        top, bottom = rows_near(rest.shape, y, far)
        a00 = a01 = a11 = b0 = b1 = 0.0
        for i in range(top, bottom):
            dy = i - y
            left, end = columns_near(rest.shape, dy, x, far)
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
            found[p] *= min(1.0, MOST_STRETCHED / max(length, 1e-9))
    return found


@numba.njit(nogil=True, cache=True, fastmath=True)
def profile_left(
    rest: np.ndarray, unknowns: np.ndarray, ground: np.ndarray, noise: np.ndarray, shape: Shape, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of particles' light, per unit of the first profile's scale, and the weight of that, (bins,).

    Over the distance from the centre, up to how far they are fitted.
    """
    table, per_square, reach, _, averaged = shape
    total, weights, row = np.zeros(bins), np.zeros(bins), np.empty(unknowns.shape[1])
    for p in range(len(unknowns)):
        y, x, radius, level = unknowns[p, 0], unknowns[p, 1], unknowns[p, 2], unknowns[p, LEVEL]
        scale, peak, far = per_square / radius**2, unknowns[p, SCALES], reach * radius
        top, bottom = rows_near(rest.shape, y, far)
        for i in range(top, bottom):
            dy = i - y
            left, end = columns_near(rest.shape, dy, x, far)
            for j in range(left, end):
                dx = j - x
                dark = level + ground[p, 0] * dy + ground[p, 1] * dx
                light = light_at(table, dy, dx, scale, averaged, unknowns[p], row)
                weight = 1 / max(noise[0] + noise[1] * (dark + light), noise[2])
                b = min(int(bins * np.hypot(dy, dx) / far), bins - 1)
                total[b] += weight * peak * (rest[i, j] - dark)
                weights[b] += weight * peak * peak
    return total, weights
