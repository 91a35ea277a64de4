"""The compiled loops of the fit give what the same sums give in plain numpy."""

import numpy as np
import pytest
from scipy.ndimage import convolve, gaussian_filter

from napari_growtrack.core.detection.fit import compiled, surroundings

TABLE = np.stack([np.exp(-np.linspace(0, 6, 121)), np.linspace(1, 0, 121) ** 2])
SHAPE = (TABLE, 20.0, 2.0, 0.0, False)
"""Two profiles, twenty steps of them a squared radius, and a reach of two radii."""


def seen(places, shape, radius, reach):
    """Return the pixels within reach of each place, and both profiles there."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    for place in places:
        square = (y - place[0]) ** 2 + (x - place[1]) ** 2
        near = square <= reach**2
        at = np.minimum(square[near] * SHAPE[1] / radius**2, TABLE.shape[1] - 2)
        yield near, np.stack([np.interp(at, np.arange(TABLE.shape[1]), one) for one in TABLE])


@pytest.fixture
def frame():
    return np.random.default_rng(0).normal(10, 2, (40, 44)).astype(np.float32)


def test_noise_near_particles_grows_with_their_light_as_a_line_fitted_by_numpy(frame):
    unknowns = np.array([[12.3, 20.6, 3.0, 10.0, 8.0, -2.0], [30.2, 31.9, 3.0, 11.0, 6.0, 1.0]])
    ground = np.array([[0.05, -0.02, 0.0, 1.0], [-0.01, 0.03, 0.0, 1.0]])
    lights, squares = [], []
    for (near, profiles), unknown, slope in zip(
        seen(unknowns[:, :2], frame.shape, 3.0, 6.0), unknowns, ground, strict=True
    ):
        y, x = np.nonzero(near)
        dark = unknown[3] + slope[0] * (y - unknown[0]) + slope[1] * (x - unknown[1])
        lights.append(dark + unknown[4:] @ profiles)
        squares.append((frame[near] - dark) ** 2)
    light, square = np.concatenate(lights), np.concatenate(squares)
    slope, offset = np.polyfit(light, square, 1)
    found = surroundings.spread_of_noise(frame, unknowns, ground, SHAPE)
    np.testing.assert_allclose(found[:2], (offset, slope), rtol=1e-4)
    assert found[2] == pytest.approx(surroundings._LEAST_SHARE * square.mean(), rel=1e-5)


@pytest.mark.parametrize("place", [(12.0, 20.0), (1.0, 2.0), (38.5, 42.5)])
def test_a_first_guess_is_the_least_squares_solution_over_every_second_pixel(frame, place):
    places, radii = np.array([place]), np.array([2.0, 3.0, 4.0])
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    square = (y - place[0]) ** 2 + (x - place[1]) ** 2
    half = 2 * radii[-1]
    top = max(0, int(np.ceil(place[0] - half)))
    left = np.maximum(0, np.ceil(place[1] - np.sqrt(np.maximum(half**2 - (y[:, :1] - place[0]) ** 2, 0)))).astype(int)
    used = (square <= half**2) & ((y - top) % 2 == 0) & ((x - left) % 2 == 0)
    best, expected = np.inf, None
    for radius in radii:
        at = np.minimum(square[used] * SHAPE[1] / radius**2, TABLE.shape[1] - 2)
        profiles = [np.interp(at, np.arange(TABLE.shape[1]), one) for one in TABLE]
        matrix = np.column_stack([np.ones(used.sum()), *profiles])
        solution = np.linalg.lstsq(matrix, frame[used].astype(float), rcond=None)[0]
        left_over = ((matrix @ solution - frame[used]) ** 2).sum()
        if left_over < best:
            best, expected = left_over, [*place, radius, *solution]
    found = compiled.first_guesses(frame, places, radii, SHAPE, 4 + len(TABLE))
    np.testing.assert_allclose(found[0], expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.0])
def test_noise_around_particles_is_that_of_their_matched_filter(sigma):
    rng = np.random.default_rng(1)
    frame = rng.normal(0, 1, (200, 200))
    frame = (gaussian_filter(frame, sigma) if sigma else frame).astype(np.float32)
    frame /= frame.std()
    places = np.stack(np.meshgrid(np.arange(40, 161, 30.0), np.arange(40, 161, 30.0)), -1).reshape(-1, 2)
    unknowns = np.column_stack([places, np.full(len(places), 2.0), np.zeros(len(places)), np.ones(len(places))])
    ground = surroundings.unknown_ground(len(places))
    shape = (TABLE[:1], *SHAPE[1:])
    looks = surroundings.noise_around(frame, unknowns, ground, np.array([1.0, 0.0, 0.5]), shape)
    side = int(np.ceil(SHAPE[2] * 2))
    square = (np.mgrid[-side : side + 1, -side : side + 1] ** 2).sum(0)
    inside = square <= (SHAPE[2] * 2) ** 2
    at = np.minimum(square * SHAPE[1] / 4, TABLE.shape[1] - 2)
    light = np.interp(at, np.arange(TABLE.shape[1]), TABLE[0])
    slope = np.gradient(light)[0] * inside
    light = (light - light[inside].mean()) * inside
    for number, filt in ((0, light), (1, slope)):
        expected = convolve(frame.astype(float), filt / np.sqrt((filt**2).sum()))[30:-30, 30:-30].std()
        found = 1.48 * np.nanmedian(np.abs(looks[:, number]))
        assert found == pytest.approx(expected, rel=0.15)


def test_noise_around_is_not_looked_at_beyond_the_edge():
    unknowns = np.array([[2.0, 2.0, 2.0, 0.0, 1.0]])
    frame, noise = np.zeros((9, 9), np.float32), np.array([1.0, 0.0, 0.5])
    looks = surroundings.noise_around(frame, unknowns, surroundings.unknown_ground(1), noise, (TABLE[:1], *SHAPE[1:]))
    assert np.isnan(looks).all()


@pytest.mark.parametrize("shape", [(48, 48), (50, 61), (16, 20), (10, 9)])
def test_means_of_blocks_are_numpys_and_what_is_left_over_joins_the_last(shape):
    image = np.random.default_rng(2).normal(5, 2, shape).astype(np.float32)
    rows, columns = max(1, shape[0] // 16), max(1, shape[1] // 16)
    ends = [*range(16, 16 * rows, 16)], [*range(16, 16 * columns, 16)]
    expected = [[part.mean() for part in np.split(row, ends[1], axis=1)] for row in np.split(image, ends[0])]
    np.testing.assert_allclose(surroundings.block_means(image), expected, rtol=1e-5)
