"""The compiled loops of the fit give what the same sums give in plain numpy."""

import numpy as np
import pytest
from scipy.ndimage import convolve, gaussian_filter
from scipy.optimize import least_squares

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


# Light and its slopes -------------------------------------------------------------------------------------------------

FALL = np.exp(-0.015 * np.arange(1201))
SMOOTH = np.stack([FALL, 0.015 * np.arange(1201) * FALL])
ROUND, AVERAGED = (SMOOTH, 20.0, 2.0, 3.0, False), (SMOOTH, 20.0, 2.0, 3.0, True)
POINTS = (np.stack(np.polynomial.legendre.leggauss(3), 1) / 2).tolist()
WIDE, SMALL = [10.31, 12.57, 2.43, 1.5, 6.0, -2.0], [10.31, 12.57, 0.83, 1.5, 6.0, -2.0]
KINDS = {
    "round": (ROUND, WIDE),
    "small": (AVERAGED, SMALL),
    "long": (AVERAGED, [*WIDE, 0.35, -0.2]),
    "small and long": (AVERAGED, [*SMALL, 0.35, -0.2]),
}


def light_of(unknowns, y, x, shape):
    """Return a particle's light at pixels, by the formula."""
    table, per_square, _, _, averaged = shape
    p, q = unknowns[4 + len(table) :] if len(unknowns) > 4 + len(table) else (0.0, 0.0)

    def at(dy, dx):
        square = dy**2 + dx**2 - p * (dx**2 - dy**2) - 2 * q * dy * dx
        where = np.minimum(square * per_square / unknowns[2] ** 2, table.shape[1] - 2)
        return sum(
            u * np.interp(where, np.arange(table.shape[1]), one) for u, one in zip(unknowns[4:], table, strict=False)
        )

    dy, dx = y - unknowns[0], x - unknowns[1]
    if not averaged or unknowns[2] >= 1:
        return at(dy, dx)
    return sum(v * w * at(dy + a, dx + b) for a, v in POINTS for b, w in POINTS)


def slopes_of(unknowns, y, x, shape, near=1e-8):
    """Return how light and level change with each of the unknowns, by differences: (unknowns, pixels)."""
    unknowns = np.asarray(unknowns, float)
    steps = near * np.eye(len(unknowns))
    sides = [[one[3] + light_of(one, y, x, shape) for one in (unknowns + step, unknowns - step)] for step in steps]
    return np.array([(after - before) / (2 * near) for after, before in sides])


def disc(unknowns, shape, frame_shape, radii=None):
    """Return the rows and columns of the pixels that a particle is fitted to."""
    far = max((shape[2] if radii is None else radii) * unknowns[2], 3.0)
    if len(unknowns) > 4 + len(shape[0]):
        far /= np.sqrt(1 - np.hypot(*unknowns[-2:]))
    y, x = np.mgrid[: frame_shape[0], : frame_shape[1]]
    return np.nonzero((y - unknowns[0]) ** 2 + (x - unknowns[1]) ** 2 <= far**2)


@pytest.mark.parametrize("kind", KINDS)
def test_light_and_its_slopes_are_those_of_the_formula(kind):
    shape, unknowns = KINDS[kind][0], np.array(KINDS[kind][1])
    for dy, dx in ((0.4, -1.1), (-1.3, 0.7), (1.2, 1.6), (0.1, 0.2)):
        row = np.full(len(unknowns), np.nan)
        scale = shape[1] / unknowns[2] ** 2
        found = compiled.light_at(shape[0], dy, dx, scale, shape[4], unknowns, row)
        at = unknowns[0] + dy, unknowns[1] + dx
        assert found == pytest.approx(light_of(unknowns, *at, shape), rel=1e-9)
        np.testing.assert_allclose(row, slopes_of(unknowns, *at, shape), rtol=1e-4, atol=1e-6)


def test_rows_and_columns_within_reach_are_those_a_circle_holds():
    for y, reach in ((5.3, 2.0), (0.4, 2.0), (8.9, 3.5), (4.0, 2.0)):
        rows = [i for i in range(10) if abs(i - y) <= reach]
        assert [*range(*compiled.rows_near((10, 9), y, reach))] == rows
        for dy in (0.0, 1.2, -2.0):
            columns = [j for j in range(9) if (j - y) ** 2 + dy**2 <= reach**2]
            assert [*range(*compiled.columns_near((10, 9), dy, y, reach))] == columns


def test_a_particle_is_fitted_three_pixels_far_at_least_and_farther_where_it_is_long():
    assert compiled.farthest(np.array([0, 0, 2.0, 0, 1]), 1, 2.5) == 5
    assert compiled.farthest(np.array([0, 0, 0.5, 0, 1]), 1, 2.5) == 3
    assert compiled.farthest(np.array([0, 0, 2.0, 0, 1, 0.3, 0.4]), 1, 2.5) == pytest.approx(5 / np.sqrt(0.5))
    assert compiled.farthest(np.array([0, 0, 2.0, 0, 1, 0.9, 0.9]), 1, 2.5) == pytest.approx(5 / np.sqrt(0.04))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [(10.31, 12.57), (1.23, 22.71)])
def test_a_particle_is_drawn_as_far_as_its_light_is_seen_and_no_farther(kind, place):
    shape, unknowns = KINDS[kind][0], np.array([*place, *KINDS[kind][1][2:]])
    image = np.zeros((20, 24), np.float32)
    compiled.add(image, unknowns, 1.0, shape)
    expected, where = np.zeros(image.shape), disc(unknowns, shape, image.shape, shape[3])
    expected[where] = light_of(unknowns, *where, shape)
    np.testing.assert_allclose(image, expected, atol=1e-4)
    compiled.add_each(image, np.stack([unknowns, unknowns]), -0.5, shape)
    np.testing.assert_allclose(image, 0, atol=1e-5)


# Normal equations -----------------------------------------------------------------------------------------------------

NOISE = np.array([0.5, 0.3, 1.6])
GROUND = np.array([0.05, -0.03, 1.2, 0.7, 0.02])


def equations(frame, unknowns, shape):
    """Return slopes (unknowns, pixels), how far pixels are off, their weights, and where they are from the centre."""
    y, x = disc(unknowns, shape, frame.shape)
    dy, dx = y - unknowns[0], x - unknowns[1]
    model = unknowns[3] + GROUND[0] * dy + GROUND[1] * dx + light_of(unknowns, y, x, shape)
    return (
        slopes_of(unknowns, y, x, shape),
        frame[y, x] - model,
        1 / np.maximum(NOISE[0] + NOISE[1] * model, NOISE[2]),
        dy,
        dx,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [(10.31, 12.57), (1.23, 22.71)])
def test_normal_equations_are_those_of_weighted_least_squares(frame, kind, place):
    shape, unknowns = KINDS[kind][0], np.array([*place, *KINDS[kind][1][2:]])
    frame = frame[:20, :24] - 8
    slopes, off, weights, dy, dx = equations(frame, unknowns, shape)
    assert 0 < (weights == 1 / NOISE[2]).mean() < 1
    matrix, right = np.zeros((len(unknowns),) * 2), np.zeros(len(unknowns))
    number = compiled._normal(frame, unknowns, GROUND, NOISE, shape, matrix, right)
    assert number == len(off)
    expected = (slopes * weights) @ slopes.T
    np.testing.assert_allclose(matrix, np.tril(expected), rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(right, slopes @ (weights * off), rtol=2e-4, atol=1e-4)
    compiled._tilt(frame, unknowns, GROUND, NOISE, shape, matrix, right)  # each slope of the ground is one unknown more
    for more in (dy, dx):
        both, own = (slopes * weights) @ more, (weights * more**2).sum() + 1 / GROUND[4]
        expected = expected - np.outer(both, both) / own
        slopes_told = (weights * off * more).sum()
        right += both * slopes_told / own
    np.testing.assert_allclose(matrix, np.tril(expected), rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(right, slopes @ (weights * off), rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["round", "small and long"])
def test_particles_settle_where_scipy_finds_the_least_squares(kind):
    shape, true = KINDS[kind][0], np.array(KINDS[kind][1])
    rng, even = np.random.default_rng(4), np.array([0.04, 0.0, 0.01])
    y, x = np.mgrid[:40, :24]
    other = true.copy()
    other[0] += 19
    clean = true[3] + sum(light_of(one, y, x, shape) for one in (true, other))
    frame = (clean + rng.normal(0, 0.2, clean.shape)).astype(np.float32)
    ground, usual = np.tile([0.01, 0.02, 1.4, 0.05, 0.0], (2, 1)), np.array([true[2] + 0.1, 0.02, 0.03, 0.3, 4.0])

    def misses(unknowns):
        there = disc(true, shape, frame.shape)
        model = light_of(unknowns, *there, shape) + unknowns[3]
        model = model + 0.01 * (there[0] - unknowns[0]) + 0.02 * (there[1] - unknowns[1])
        told = [(unknowns[2] - usual[0]) / np.sqrt(usual[1]), (unknowns[3] - 1.4) / np.sqrt(0.05)]
        return np.concatenate([(frame[there] - model) / 0.2, told, unknowns[6:] / np.sqrt(usual[2])])

    expected = least_squares(misses, true)
    unknowns = np.stack([true, other])
    unknowns[:, :2] += 0.3
    unknowns[:, 2] *= 1.1
    unknowns[:, 6:] += 0.1
    rest = frame.copy()
    compiled.add_each(rest, unknowns, -1.0, shape)
    for _ in range(12):  # it stops where the place no longer moves
        matrices = compiled.settle(rest, unknowns, ground, even, usual, shape, 20)
    np.testing.assert_allclose(unknowns[0], expected.x, atol=0.03)
    errors = np.sqrt(np.diagonal(compiled.covariances(matrices)[0]))
    np.testing.assert_allclose(errors, np.sqrt(np.diag(np.linalg.inv(expected.jac.T @ expected.jac))), rtol=0.05)
    left = frame.copy()
    compiled.add_each(left, unknowns, -1.0, shape)
    np.testing.assert_allclose(rest, left, atol=1e-4)


def test_a_particle_of_few_pixels_or_that_runs_away_is_left_where_it_was():
    unknowns, ground = np.array([[0.0, 0.0, 2.4, 1.5, 6.0, -2.0]]), np.array([[0.0, 0, 0, 1e30, 0]])
    usual = np.array([2.0, 1.0, 0.1, 0.5, 4.0])
    few, wild = np.zeros((3, 3), np.float32), np.full((30, 30), 1e9, np.float32)
    for frame in (few, wild):
        one = unknowns.copy()
        assert np.isnan(compiled.settle(frame, one, ground, NOISE, usual, ROUND, 3)).all()
        np.testing.assert_array_equal(one, unknowns)
    assert np.isnan(compiled.covariances(np.full((1, 3, 3), np.nan))).all()
    ten = compiled.settle(np.zeros((2, 5), np.float32), unknowns.copy(), ground, NOISE, usual, ROUND, 3)
    assert np.isfinite(ten[0, 0, 0])


def test_a_step_is_no_longer_than_a_pixel_a_quarter_of_the_radius_and_a_fifth_of_the_stretch():
    usual = np.array([2.0, 1.0, 0.1, 0.5, 4.0])
    unknowns = np.array([10.0, 20.0, 2.0, 1.0, 5.0, 0.1, -0.1])
    compiled._move(unknowns, np.array([3.0, -4.0, 2.0, 7.0, 8.0, 0.5, -0.05]), usual, True)
    np.testing.assert_allclose(unknowns, [10.6, 19.2, 2.5, 8.0, 13.0, 0.3, -0.15])
    compiled._move(unknowns, np.array([0.3, -0.4, 0.2, 0.0, 0.0, 0.0, -0.5]), usual, True)
    np.testing.assert_allclose(unknowns, [10.9, 18.8, 2.7, 8.0, 13.0, 0.3, -0.35])
    for radius, step, ended in ((0.6, -0.4, 0.5), (3.9, 0.5, 4.0), (2.0, -3.0, 1.5)):
        unknowns = np.array([0, 0, radius, 0, 1.0])
        compiled._move(unknowns, np.array([0, 0, step, 0, 0.0]), usual, False)
        assert unknowns[2] == pytest.approx(ended)
    long = np.array([0, 0, 2.0, 0, 1, 0.72, 0.54])
    compiled._move(long, np.array([0, 0, 0, 0, 0, 0.16, 0.12]), usual, True)
    np.testing.assert_allclose(long[-2:], [0.96 * 0.8, 0.96 * 0.6])


def test_equations_are_solved_with_their_diagonal_damped():
    rng = np.random.default_rng(3)
    root, right = rng.normal(size=(5, 5)), rng.normal(size=5)
    matrix = root @ root.T + np.eye(5)
    for damping in (0.0, 0.3):
        expected = np.linalg.solve(matrix + damping * np.diag(np.diag(matrix)), right)
        np.testing.assert_allclose(compiled.solved(np.tril(matrix), right, damping), expected, rtol=1e-9)
    np.testing.assert_allclose(compiled.covariances(np.tril(matrix)[None])[0], np.linalg.inv(matrix), rtol=1e-6)


@pytest.mark.parametrize("radii", [[0.9, 4.0], [2.0, 3.0], [6.0, 9.0]])
def test_a_first_guess_of_averaged_light_is_that_of_least_squares_too(radii):
    frame = np.random.default_rng(0).normal(10, 2, (60, 64)).astype(np.float32)
    place, half = (30.0, 31.0), 2 * radii[-1]
    step, best, expected = max(2, int(half / 6)), np.inf, None
    y, x = np.mgrid[:60, :64]
    frame += light_of([*place, radii[0], 0, 20, 5], y, x, AVERAGED).astype(np.float32)
    top = int(np.ceil(30 - half))
    left = np.ceil(31 - np.sqrt(np.maximum(half**2 - (y[:, :1] - 30) ** 2, 0))).astype(int)
    used = ((y - 30) ** 2 + (x - 31) ** 2 <= half**2) & ((y - top) % step == 0) & ((x - left) % step == 0)
    for radius in radii:
        ones = [[*place, radius, 0, *scales] for scales in ((1, 0), (0, 1))]
        matrix = np.column_stack([np.ones(used.sum()), *(light_of(one, y[used], x[used], AVERAGED) for one in ones)])
        solution = np.linalg.lstsq(matrix, frame[used].astype(float), rcond=None)[0]
        left_over = ((matrix @ solution - frame[used]) ** 2).sum()
        if left_over < best:
            best, expected = left_over, [*place, radius, *solution, 0, 0]
    found = compiled.first_guesses(frame, np.array([place]), np.array(radii), AVERAGED, 8)
    np.testing.assert_allclose(found[0], expected, rtol=5e-3, atol=5e-3)


# What lies around -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [(10.31, 12.57), (1.23, 22.71)])
@pytest.mark.parametrize("floor", [0.5, 3.0])
def test_significance_is_the_light_over_its_error_where_the_level_is_unknown(kind, place, floor):
    shape, unknowns = KINDS[kind][0], np.array([*place, *KINDS[kind][1][2:]])
    noise, ground = np.array([0.5, 0.3, floor]), np.array([[0.0, 0, 0, 0.4, 0]])
    there, variance = disc(unknowns, shape, (20, 24)), max(0.5 + 0.3 * 1.5, floor)
    rows = slopes_of(unknowns, *there, shape)[[3, 4, 5]]
    information = rows @ rows.T / variance + np.diag([1 / 0.4, 0, 0])
    of_scales = np.linalg.inv(np.linalg.inv(information)[1:, 1:])
    found = surroundings.significances_at((20, 24), unknowns[None], ground, noise, shape)
    assert found[0] == pytest.approx(np.sqrt(unknowns[4:6] @ of_scales @ unknowns[4:6]), rel=1e-4)


def test_of_fewer_than_ten_pixels_nothing_stands_out():
    unknowns, noise = np.array([[1.0, 1.0, 2.4, 0, 6.0, 0]]), np.array([1.0, 0, 0.5])
    ground = surroundings.unknown_ground(1)
    assert np.isnan(surroundings.significances_at((3, 3), unknowns, ground, noise, ROUND)[0])
    assert surroundings.significances_at((2, 5), unknowns, ground, noise, ROUND)[0] > 0


def test_noise_near_averaged_particles_is_a_line_too_and_what_was_fitted_is_made_up_for(frame):
    unknowns = np.array([[12.3, 20.6, 0.9, 10.0, 8.0, -2.0, 0.3, -0.2], [30.2, 31.9, 2.0, 11.0, 6.0, 1.0, 0.1, 0.4]])
    ground = np.array([[0.05, -0.02, 0.0, 1.0, 0], [-0.01, 0.03, 0.0, 1.0, 0]])
    lights, squares = [], []
    for one, slope in zip(unknowns, ground, strict=True):
        y, x = disc(one, AVERAGED, frame.shape)
        dark = one[3] + slope[0] * (y - one[0]) + slope[1] * (x - one[1])
        lights.append(dark + light_of(one, y, x, AVERAGED))
        squares.append((frame[y, x] - dark) ** 2)
    light, square = np.concatenate(lights), np.concatenate(squares)
    slope, offset = np.polyfit(light, square, 1)
    expected = np.array([offset, slope, surroundings._LEAST_SHARE * square.mean()])
    found = surroundings.spread_of_noise(frame, unknowns, ground, AVERAGED)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    for fitted in (8.0, 1000.0):
        more = surroundings.spread_of_noise(frame, unknowns, ground, AVERAGED, fitted)
        np.testing.assert_allclose(more, expected / max(1 - 2 * fitted / len(light), 0.5), rtol=1e-4)
    nothing = surroundings.spread_of_noise(np.zeros((40, 44), np.float32), np.zeros((0, 8)), ground, AVERAGED)
    assert nothing.tolist() == [1, 0, 1]


@pytest.mark.parametrize("kind", ["round", "small and long"])
@pytest.mark.parametrize(("radius", "tilt"), [(1.03, 0.0), (1.61, 0.01), (9.07, 0.01)])
def test_around_a_particle_its_light_its_slopes_and_a_plane_are_laid_over_the_rest(kind, radius, tilt):
    shape, unknowns = KINDS[kind][0], np.array(KINDS[kind][1])
    side = int(np.ceil(half := max(2 * radius, 3.0)))
    unknowns[:3] = 5.4 * half, 5.2 * half, radius
    frame = np.random.default_rng(6).normal(2, 3, (int(11 * half), int(11 * half))).astype(np.float32)
    ground, noise = np.array([[0.05, -0.02, 0.0, 1.0, tilt]]), np.array([0.5, 0.3, 0.9])
    i, j = np.mgrid[-side : side + 1, -side : side + 1]
    inside = i**2 + j**2 <= half**2
    at = unknowns[0] + i, unknowns[1] + j
    light = np.where(inside, light_of(unknowns, *at, shape), 0)
    filters = [light - np.where(inside, light[inside].mean(), 0)]
    slopes, variance = slopes_of(unknowns, *(one.ravel() for one in at), shape), max(0.5 + 0.3 * 1.5, 0.9)
    planes = [np.where(inside, i, 0), np.where(inside, j, 0)]
    slopes = [np.where(inside, one.reshape(inside.shape), 0) for one in slopes[:2]]
    part = (slopes[0] * planes[0]).sum() / ((planes[0] ** 2).sum() + variance / tilt) if tilt else 0.0
    filters += [one - part * plane for one, plane in zip(slopes, planes, strict=True)] + planes
    filters = [one / np.sqrt((one**2).sum()) for one in filters]
    expected = np.full((3, 4, 8), np.nan)
    for ring in range(4):
        for spoke in range(ring % 2 if half >= 15 else 0, 8, 2 if half >= 15 else 1):
            turn, away = 2 * np.pi * (spoke + ring / 2) / 8, (1.6 + 0.8 * ring) * half
            dy, dx = round(away * np.sin(turn)), round(away * np.cos(turn))
            y, x = round(unknowns[0]) + dy, round(unknowns[1]) + dx
            if not (side <= y < len(frame) - side and side <= x < len(frame) - side):
                continue
            part = frame[y - side : y + side + 1, x - side : x + side + 1].astype(float)
            off = part - unknowns[3] - 0.05 * (dy + i) + 0.02 * (dx + j)
            chosen = filters[0], filters[1 + ring % 2], filters[3 + ring % 2]
            spread = np.sqrt(max(0.5 + 0.3 * part[inside].mean(), 0.9))
            expected[:, ring, spoke] = [(one * off).sum() / spread for one in chosen]
    assert np.isfinite(expected).sum() > 30
    found = surroundings.noise_around(frame, unknowns[None], ground, noise, shape)[0]
    np.testing.assert_allclose(found, expected.reshape(3, 32), rtol=1e-3, atol=1e-3)


def test_noise_is_as_coarse_as_all_of_a_frame_unless_one_place_clearly_differs():
    rng = np.random.default_rng(8)
    looks = rng.normal(0, 1, (6, 3, 32)) * np.array([1.0, 2.0, 1.1])[:, None]
    looks[2, 1] *= 4
    looks[3, 1, 7:] = np.nan
    looks[3, 1, :7] *= 50
    found = surroundings.coarseness(looks, 1.15, 1.5)
    whole = 1.4826 * np.nanmedian(np.abs(looks[:, 1]))
    alone = 1.4826 * np.median(np.abs(looks[2, 1]))
    assert whole > 1.15
    np.testing.assert_allclose(found[1], np.where(np.arange(6) == 2, alone, whole))
    np.testing.assert_allclose(found[[0, 2]], 1)
    looks[3, 1, 7] = 400.0  # eight are enough
    assert surroundings.coarseness(looks, 1.15, 1.5)[1, 3] > 20
    assert (surroundings.coarseness(looks[2:3, :, :23], 1.15, 1e9)[1] == 1).all()
    assert (surroundings.coarseness(looks[2:3, :, :24], 1.15, 1e9)[1] > 1).all()


def planes_through(means, place, noise):
    """Return slopes, level and its variance by Tukey's weights, as `ground_at` says it does."""
    down, across = (np.array(place) + 0.5) / 16 - 0.5 - 0.5 / 16
    rows, columns = np.indices(means.shape)
    near = (np.abs(rows - np.rint(down)) <= 3) & (np.abs(columns - np.rint(across)) <= 3)
    value, design = means[near], np.column_stack([np.ones(near.sum()), rows[near] - down, columns[near] - across])
    weights = np.ones(len(value))
    for _ in range(3):
        plane = np.linalg.solve((design.T * weights) @ design, design.T @ (weights * value))
        off = np.abs(value - design @ plane)
        scatter = 1.48 * np.median(off)
        weights = np.maximum((1 - np.minimum(off / (4 * scatter + 1e-12), 1) ** 2) ** 2, 1e-3)
    shot = max(noise[0] + noise[1] * plane[0], noise[2]) / 256
    return *plane[1:] / 16, plane[0], max(scatter**2 - shot, 0) + 4 * max(scatter**2, shot) / len(value)


@pytest.mark.parametrize("noise", [(0.5, 0.3, 0.1), (900.0, 0.3, 0.1), (0.5, 0.3, 700.0)])
def test_the_background_is_a_plane_through_blocks_of_which_odd_ones_count_less(noise):
    a, b = np.mgrid[:9, :11]
    means = 20 + 3 * a - 2 * b + np.random.default_rng(1).normal(0, 0.4, a.shape)
    means[4, 5] += 50
    places = np.array([[70.0, 88.0], [0.0, 0.0], [143.0, 175.0], [20.0, 90.0]])
    found = surroundings.ground_at(means, places, np.array(noise))
    for one, place in zip(found, places, strict=True):
        np.testing.assert_allclose(one[:4], planes_through(means, place, noise), rtol=1e-5)
        assert one[4] == 0
    assert found[0, 0] == pytest.approx(3 / 16, abs=0.02)
    assert found[0, 2] == pytest.approx(20 + 3 * (70 / 16 - 0.5) - 2 * (88 / 16 - 0.5), abs=0.3)


@pytest.mark.parametrize(("shape", "told"), [((2, 9), False), ((9, 2), False), ((3, 3), True)])
def test_of_less_than_three_blocks_a_side_no_background_is_told(shape, told):
    found = surroundings.ground_at(np.ones(shape), np.array([[10.0, 10.0]]), np.array([1.0, 0, 0.5]))
    assert (found[0, 3] < 1e29) == told
    assert (found[0, 2] == pytest.approx(1)) == told
    assert surroundings.unknown_ground(2).tolist() == [[0, 0, 0, 1e30, 0]] * 2


@pytest.mark.parametrize("place", [(10.31, 12.57), (1.23, 22.71)])
def test_how_long_a_round_particle_looks_is_a_step_of_least_squares(frame, place):
    unknowns, long = np.array([*place, *WIDE[2:]]), (SMOOTH, 20.0, 2.0, 3.0, True)
    rest = frame[:20, :24] - 8.5
    y, x = disc(unknowns, ROUND, rest.shape)
    dark = 1.5 + 0.05 * (y - place[0]) - 0.03 * (x - place[1])
    weights = 1 / np.maximum(0.5 + 0.3 * (dark + light_of(unknowns, y, x, ROUND)), NOISE[2])
    slopes = slopes_of([*unknowns, 0.0, 0.0], y, x, long)[-2:]
    expected = np.linalg.solve((slopes * weights) @ slopes.T, slopes @ (weights * (rest[y, x] - dark)))
    found = surroundings.stretches(rest, unknowns[None], GROUND[None], NOISE, ROUND)[0]
    np.testing.assert_allclose(found, expected * min(1, 0.96 / np.hypot(*expected)), rtol=1e-3)
    far = surroundings.stretches(1000 * rest, unknowns[None], GROUND[None], NOISE, ROUND)[0]
    assert np.hypot(*far) == pytest.approx(0.96)
    unknowns[4:] = 0.0
    assert surroundings.stretches(rest, unknowns[None], GROUND[None], NOISE, ROUND)[0].tolist() == [0, 0]


def test_what_is_left_of_profiles_is_a_weighted_mean_over_the_distance(frame):
    unknowns = [[10.31, 12.57, 2.43, 1.5, 6.0, -2.0], [1.2, 30.0, 2.0, 1.0, 4.0, 1.0]]
    unknowns.append([30.0, 20.0, 2.0, 1.0, 4.0, 1.0])  # the farthest pixels are in the last bin
    unknowns, rest = np.array(unknowns), frame - 8
    total, weight = np.zeros(5), np.zeros(5)
    for one in unknowns:
        y, x = disc(one, ROUND, rest.shape)
        dy, dx = y - one[0], x - one[1]
        dark = one[3] + 0.05 * dy - 0.03 * dx
        weights = 1 / np.maximum(0.5 + 0.3 * (dark + light_of(one, y, x, ROUND)), NOISE[2])
        bins = np.minimum(5 * np.hypot(dy, dx) / (2 * one[2]), 4).astype(int)
        total += np.bincount(bins, weights * one[4] * (rest[y, x] - dark), 5)
        weight += np.bincount(bins, weights * one[4] ** 2, 5)
    found = surroundings.profile_left(rest, unknowns, np.stack([GROUND] * 3), NOISE, ROUND, 5)
    np.testing.assert_allclose(found, [total, weight], rtol=1e-4, atol=1e-4)
