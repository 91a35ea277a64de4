"""What a camera makes of light, in compiled code: electrons, their multiplication, noise of reading, counts.

Noise that differs from frame to frame is drawn; what belongs to a pixel, a column or a row follows from a key, so
that it is the same in all frames of a film. Electrons are multiplied by the gamma distribution that many stages of
small gain come to (Basden, Haniff and Mackay 2003): its variance is that of another Poisson count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from ..packages.compiling import numba
from .chance import STEP, at, begun, fill_normals, keyed, mixed, normals, share, shares
from .poisson import ENTRIES, PER_UNIT, TOP_MEAN, Tables, by_search

GAIN, OFFSET, READ, MULTIPLICATION, WELL, TOP, OFFSETS, GAINS, READS, HOT, DEAD, COLUMNS, ROWS, COUNTS = range(14)
"""Where a sensor's numbers stand: see `Camera`. TOP is the greatest count, 0 without rounding; COUNTS is 0 for a frame
in units of intensity, with nothing but counted photons."""

PLAIN = (1.0, 0.0, 0.0, 1.0, np.inf, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""The sensor that nothing but counts photons."""

OFFSET_MAP, GAIN_MAP, READ_MAP, HOT_MAP = range(4)
"""Of each pixel: offset in counts, counts per electron, noise of reading in electrons, and the intensity that it sees
though there is none, or -1 where it sees nothing."""

_HOTTEST = 1.0
_Z = ndtri((np.arange(256) + 0.5) / 256)


@numba.njit(nogil=True)
def fill_maps(maps: np.ndarray, sensor: np.ndarray, key: float) -> None:
    """Fill in what the pixels of a sensor are like, (4, Y, X) float32."""
    _, height, width = maps.shape
    maps[OFFSET_MAP] = sensor[OFFSET]
    maps[GAIN_MAP] = sensor[GAIN]
    maps[READ_MAP] = sensor[READ]
    maps[HOT_MAP] = 0.0
    if sensor[OFFSETS] > 0 or sensor[GAINS] > 0 or sensor[READS] > 0:
        _spread(maps, sensor, keyed(key, 0))
    if sensor[COLUMNS] > 0:
        counter, size = keyed(key, 1), sensor[COLUMNS] * sensor[GAIN]
        column = np.array([np.float32(size * normals(at(counter, j))[0]) for j in range(width)], np.float32)
        for i in range(height):
            maps[OFFSET_MAP, i] += column
    if sensor[ROWS] > 0:
        counter, size = keyed(key, 2), sensor[ROWS] * sensor[GAIN]
        for i in range(height):
            maps[OFFSET_MAP, i] += np.float32(size * normals(at(counter, i))[0])
    if sensor[HOT] > 0 or sensor[DEAD] > 0:
        _spoil(maps, sensor, keyed(key, 3))


@numba.njit(nogil=True)
def _spread(maps: np.ndarray, sensor: np.ndarray, counter: Any) -> None:
    """Give each pixel its own offset, gain and noise."""
    _, height, width = maps.shape
    reads = (sensor[READ] * np.exp(sensor[READS] * _Z)).astype(np.float32)
    offsets, gains = np.float32(sensor[OFFSETS]), np.float32(sensor[GAINS])
    for i in range(height):
        offset, gain, read = maps[OFFSET_MAP, i], maps[GAIN_MAP, i], maps[READ_MAP, i]
        for j in range(width):
            counter += STEP
            own = mixed(counter)
            one, other = normals(own)
            offset[j] += offsets * one
            gain[j] *= max(np.float32(1) + gains * other, np.float32(0.0))
            read[j] = reads[own & np.uint64(255)]


@numba.njit(nogil=True)
def _spoil(maps: np.ndarray, sensor: np.ndarray, counter: Any) -> None:
    """Have some pixels hot, each as if it saw an intensity up to 1, and others dead."""
    _, height, width = maps.shape
    hot, spoilt = sensor[HOT], sensor[HOT] + sensor[DEAD]
    for i in range(height):
        for j in range(width):
            counter += STEP
            u = share(mixed(counter))
            if u < spoilt:
                maps[HOT_MAP, i, j] = _HOTTEST * (0.2 + 0.8 * u / hot) if u < hot else -1.0


@numba.njit(nogil=True, error_model="numpy")
def read_out(
    image: np.ndarray,
    photons: float,
    sensor: np.ndarray,
    maps: np.ndarray,
    tables: Tables,
    rng: np.random.Generator,
) -> None:
    """Turn intensities (Y, X) float32 into what the camera writes, where intensity 1 is so many photons."""
    counter, noise = begun(rng), np.empty(image.shape[1] + 1, np.float32)
    for i in range(image.shape[0]):
        row = image[i]
        if sensor[HOT] > 0 or sensor[DEAD] > 0:
            _see_falsely(row, maps[HOT_MAP, i])
        counter = _count(row, photons, tables, counter)
        if sensor[WELL] < np.inf:
            _fill(row, np.float32(sensor[WELL]))
        if sensor[MULTIPLICATION] > 1:
            counter = fill_normals(noise, counter)
            counter = _multiply(row, np.float32(sensor[MULTIPLICATION]), noise, counter)
        if sensor[READ] > 0:
            counter = fill_normals(noise, counter)
            _add_noise(row, maps[READ_MAP, i], noise)
        _amplify(row, maps[GAIN_MAP, i], maps[OFFSET_MAP, i])
        if sensor[TOP] > 0:
            _digitise(row, np.float32(sensor[TOP]))


@numba.njit(nogil=True)
def _see_falsely(row: np.ndarray, hot: np.ndarray) -> None:
    for j in range(len(row)):
        row[j] = row[j] + hot[j] if hot[j] >= 0 else np.float32(0.0)


@numba.njit(nogil=True, error_model="numpy")
def _count(row: np.ndarray, photons: float, tables: Tables, counter: Any) -> Any:
    """Count photons as `count_photons` does; from 64 on by Cornish and Fisher's expansion. Return the counter."""
    below, start = tables
    for j in range(len(row)):
        counter += STEP
        own, mean = mixed(counter), row[j] * photons
        if mean >= TOP_MEAN:
            z = normals(own)[0]
            row[j] = np.rint(mean + np.sqrt(mean) * z + (z * z - 1) / 6)
            continue
        multiple = int(mean * PER_UNIT)
        rest = mean - multiple / PER_UNIT
        u, v = shares(own)
        count = np.int64(start[multiple, int(u * ENTRIES)])
        while u > below[multiple, count]:
            count += 1
        if v >= 1.0 - rest:
            count += by_search(v, rest)
        row[j] = count
    return counter


@numba.njit(nogil=True)
def _fill(row: np.ndarray, well: np.float32) -> None:
    for j in range(len(row)):
        row[j] = min(row[j], well)


@numba.njit(nogil=True, error_model="numpy")
def _multiply(row: np.ndarray, times: np.float32, noise: np.ndarray, counter: Any) -> Any:
    """Draw from gamma distributions; for two electrons and more by Wilson and Hilferty's cube. Return the counter."""
    for j in range(len(row)):
        electrons = row[j]
        if electrons > 1:
            spread = np.float32(1 / 9) / electrons
            root = max(np.float32(1) - spread + np.sqrt(spread) * noise[j], np.float32(0))
            row[j] = times * electrons * root * root * root
        elif electrons == 1:
            counter += STEP
            row[j] = -times * np.log(np.float32(1.0 - shares(mixed(counter))[0]))
    return counter


@numba.njit(nogil=True)
def _add_noise(row: np.ndarray, read: np.ndarray, noise: np.ndarray) -> None:
    for j in range(len(row)):
        row[j] += read[j] * noise[j]


@numba.njit(nogil=True)
def _amplify(row: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> None:
    for j in range(len(row)):
        row[j] = row[j] * gain[j] + offset[j]


@numba.njit(nogil=True)
def _digitise(row: np.ndarray, top: np.float32) -> None:
    for j in range(len(row)):
        row[j] = min(max(np.rint(row[j]), np.float32(0)), top)
