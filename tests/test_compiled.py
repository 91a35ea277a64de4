"""The compiled loops of the fit give what the same sums give in plain numpy."""

import numpy as np
import pytest

from napari_growtrack.core.detection.fit import compiled

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
    found = compiled.spread_of_noise(frame, unknowns, ground, SHAPE)
    np.testing.assert_allclose(found[:2], (offset, slope), rtol=1e-4)
    assert found[2] == pytest.approx(compiled._LEAST_SHARE * square.mean(), rel=1e-5)


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


@pytest.mark.parametrize("blocks", [(4, 5), (25, 3), (3, 49)])
def test_blocks_vary_and_twist_as_numpy_says(blocks):
    image = np.random.default_rng(1).normal(5, 2, (16 * blocks[0], 16 * blocks[1])).astype(np.float32)
    variances, twists = compiled._quads(image)
    steps = [-(-number // compiled._ENOUGH) for number in blocks]
    whole = image.reshape(blocks[0], 16, blocks[1], 16).swapaxes(1, 2)[:: steps[0], :: steps[1]].astype(float)
    np.testing.assert_allclose(variances, whole.var(axis=(2, 3)).ravel(), rtol=1e-4)
    means = whole.reshape(*whole.shape[:2], 4, 4, 4, 4).mean(axis=(3, 5))
    pairs = means.reshape(*means.shape[:2], 2, 2, 2, 2)  # block, block, u, inner row, v, inner column
    twist = pairs[..., 0, :, 0] - pairs[..., 1, :, 0] - pairs[..., 0, :, 1] + pairs[..., 1, :, 1]
    np.testing.assert_allclose(twists, (twist**2).ravel(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(48, 48), (50, 61), (16, 20), (10, 9)])
def test_means_of_blocks_are_numpys_and_what_is_left_over_joins_the_last(shape):
    image = np.random.default_rng(2).normal(5, 2, shape).astype(np.float32)
    rows, columns = max(1, shape[0] // 16), max(1, shape[1] // 16)
    ends = [*range(16, 16 * rows, 16)], [*range(16, 16 * columns, 16)]
    expected = [[part.mean() for part in np.split(row, ends[1], axis=1)] for row in np.split(image, ends[0])]
    np.testing.assert_allclose(compiled.block_means(image), expected, rtol=1e-5)
