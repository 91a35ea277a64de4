"""How noise leans, and when two are told from one: against plain numpy, and numbers that were worked out by hand."""

import numpy as np
import pytest

from napari_growtrack.core.detection.fit import ParticleModel, compiled, fit_particles, pairs, significance
from napari_growtrack.core.detection.fit.particles import without_particles
from napari_growtrack.core.simulation.shapes import Component

# Noise that leans ---------------------------------------------------------------------------------------------------


def moments(frame, places=(), wide=0, step=1):
    """Return number, variance and third moment of pixels less their neighbours' mean, by numpy."""
    off = frame[1:-1, 1:-1] - (frame[:-2, 1:-1] + frame[2:, 1:-1] + frame[1:-1, :-2] + frame[1:-1, 2:]) / 4
    y, x = np.mgrid[1 : len(frame) - 1, 1 : frame.shape[1] - 1]
    free = (y - 1) % step == 0
    for a, b in places:
        free &= (abs(y - a) > wide) | (abs(x - b) > wide)
    kept = off[free]
    return len(kept), kept.var(), ((kept - kept.mean()) ** 3).mean()


@pytest.mark.parametrize(
    ("shape", "places", "wide", "step"),
    [
        ((40, 50), [], 0, 1),
        ((40, 50), [(20, 30)], 0, 1),
        ((40, 50), [(0, 0), (20, 30), (39, 49), (22, 1)], 4, 1),
        ((40, 50), [(-3, 20), (30, 53)], 2, 1),
        ((40, 50), [(-9, -9)], 2, 1),
        ((200, 400), [(20, 30)], 3, 2),
        ((199, 400), [(20, 30)], 3, 1),
        ((300, 410), [(20, 30)], 3, 3),
    ],
)
def test_moments_are_numpys_over_pixels_that_are_free(shape, places, wide, step):
    y, x = np.mgrid[: shape[0], : shape[1]]
    frame = (np.random.default_rng(0).gamma(1.5, size=shape) + 2e-3 * (y - x) ** 2).astype(np.float32)
    corners = np.array(places, np.int64).reshape(-1, 2)
    found = significance._moments(frame, corners, wide)
    expected = moments(frame.astype(float), places, wide, step)
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-3)


def test_where_nothing_is_free_there_are_no_moments():
    assert significance._moments(np.ones((9, 9), np.float32), np.array([[4, 4]]), 9) == (0, 0, 0)


def test_skewness_is_that_of_a_pixel_less_four_and_leaves_out_squares_around_places():
    frame = np.random.default_rng(1).gamma(2.0, size=(60, 70))
    places, half = np.array([[20.4, 30.6], [50.0, 10.0]]), 3.2
    number, variance, third = moments(frame, np.rint(places), 5)
    expected = third / variance**1.5 / ((1 - 4 / 64) / (1 + 4 / 16) ** 1.5)
    assert number > 500
    assert significance.skewness(frame, places, half) == pytest.approx(expected, rel=5e-3)


def test_of_five_hundred_pixels_skewness_is_told():
    frame = np.random.default_rng(2).gamma(1.0, size=(52, 12))
    assert significance.skewness(frame, np.empty((0, 2)), 3) > 0.5
    assert significance.skewness(frame[1:], np.empty((0, 2)), 3) == 0


def test_what_even_noise_exceeds_as_often_is_the_deviance_of_a_gamma():
    for lean, stands in ((0.5, 4.0), (1.2, 7.0), (2.0, 3.0)):
        shape = 4 / lean**2
        photons = shape + stands * np.sqrt(shape)  # so far above the mean
        deviance = 2 * (photons - shape - shape * np.log(photons / shape))
        assert significance.even(np.array([stands]), np.array([lean])) == pytest.approx(np.sqrt(deviance))


def test_a_sum_of_pixels_leans_less_than_each_and_that_of_narrow_particles_more():
    profile = np.array([[0.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 0.0]])
    kept = 1.5 / 2**1.5  # of third over second moments, by hand
    leans = significance.lean_of_light(0.8, profile, np.array([2.0, 4.0, 1.0, 0.1]), 2.0)
    assert leans == pytest.approx(0.8 * np.minimum(1.4 * kept * np.array([1, 0.5, 2, 20]), 1))


def test_what_stands_out_by_12_still_does_by_6_6_whatever_its_size():
    stands = significance.less_unusual(np.array([12.0, 12.0, 12.0]), np.array([2.9, 3.1, 99]), np.array([2.0, 0.01]))
    assert stands == pytest.approx([np.sqrt(144 - 81), 44**0.5, 44**0.5])


# Pairs --------------------------------------------------------------------------------------------------------------


def test_halves_lie_as_far_apart_as_second_moments_tell_and_no_nearer_than_two_ever_do():
    single = np.array([[10.0, 20.0, 2.0, 7.0, 6.0], [30.0, 40.0, 2.0, 8.0, 4.0], [50.0, 60.0, 1.8, 8.0, 4.0]])
    halves = pairs._halves(single, np.array([0.5, 0.02, 0.02]), np.array([np.pi / 6, np.pi / 2, np.pi / 2]), 1.8)
    half = 2 / 0.75  # the root of twice 0.5 is 1
    wider = (2 * (2**2 - 1.8**2)) ** 0.5 / 0.75  # two add the square of it to the variance along one axis
    expected = [
        [10 + half / 2, 20 + half * 3**0.5 / 2, 1.8, 7, 3],
        [10 - half / 2, 20 - half * 3**0.5 / 2, 1.8, 7, 3],
        [30 + wider, 40, 1.8, 8, 2],
        [30 - wider, 40, 1.8, 8, 2],
        [50 + 0.8 * 1.8, 60, 1.8, 8, 2],
        [50 - 0.8 * 1.8, 60, 1.8, 8, 2],
    ]
    np.testing.assert_allclose(halves, expected)
    assert single[0].tolist() == [10, 20, 2, 7, 6]


def two(*rows):
    """Return pairs of particles at (y, x) of some light."""
    return np.array([[y, x, 2.0, 0.0, light] for y, x, light in rows])


def test_two_are_like_particles_where_far_enough_apart_near_enough_and_of_much_the_same_light():
    rows = [
        ((0, 0, 5), (0, 3.3, 5)),
        ((0, 0, 5), (3.1, 0, 5)),  # 1.6 radii are 3.2 px
        ((0, 0, 5), (0, 7.9, 5)),
        ((0, 0, 5), (0, 8.1, 5)),
        ((0, 0, 5), (0, 5, 1.3)),
        ((0, 0, 5), (0, 5, 1.2)),  # less than a quarter
        ((0, 0, 1.2), (0, 5, 5)),
        ((0, 0, -5), (0, 5, -5)),
        ((0, 0, 5), (0, 5, -5)),
    ]
    many = two(*(one for row in rows for one in row))
    told = [True, False, True, False, True, False, False, True, False]
    assert pairs._like_particles(many, 2.0, 8.0).tolist() == told
    assert pairs._apart(many)[:3] == pytest.approx([3.3, 3.1, 7.9])


def test_pairs_lie_where_one_was_seen_and_upon_no_other():
    many = two((10, 9, 5), (10, 13, 5), (40, 38, 5), (42, 42, 5), (70, 70, 5), (70, 74, 5))
    single = two((10, 14.9, 5), (41, 44.1, 5), (73.9, 72, 5))
    nobody = np.empty((0, 5))
    assert pairs._in_place(many, single, nobody, 2.0).tolist() == [True, False, True]
    others = two((10, 16.1, 5), (70, 66.7, 5))
    assert pairs._in_place(many, single, others, 2.0).tolist() == [False, False, True]


def test_a_gain_is_that_of_weighted_squares_about_a_plane():
    rng, (y, x) = np.random.default_rng(3), np.mgrid[:21, :25]
    before, after = (rng.normal(7, 2, (2, 21, 25))).astype(np.float32)
    light = (40 * np.exp(-((y - 9) ** 2 + (x - 11) ** 2) / 8)).astype(np.float32)
    places, reach, level = np.array([[10.2, 9.1], [2.0, 23.0]]), np.array([6.0, 4.5]), np.array([5.0, 8.0])
    noise = np.array([1.0, 0.4, 4.0])
    expected = []
    for place, far, dark in zip(places, reach, level, strict=True):
        inside = np.hypot(y - place[0], x - place[1]) <= far
        weights = 1 / np.maximum(1 + 0.4 * (dark + light[inside]), 4)
        design = np.stack([np.ones(inside.sum()), y[inside], x[inside]], 1) * weights[:, None] ** 0.5
        squares = [
            np.linalg.lstsq(design, weights**0.5 * image[inside].astype(float), rcond=None)[1][0]
            for image in (before, after)
        ]
        expected.append(squares[0] - squares[1])
    np.testing.assert_allclose(pairs.gains(before, after, light, places, reach, level, noise), expected, rtol=1e-3)
    free = np.array([0.0, 0.0, 0.0])  # without noise, what is there weighs as much as can be
    assert np.isfinite(pairs.gains(before, after, light, places, reach, level, free)).all()


FALL = np.exp(-0.015 * np.arange(1201))
TABLE = np.stack([FALL, 0.015 * np.arange(1201) * FALL])


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("floor", [0.5, 2.0])
def test_a_neighbour_takes_what_cannot_be_told_from_its_light(averaged, floor):
    shape, noise, frame = (TABLE, 20.0, 2.0, 3.0, averaged), np.array([0.5, 0.3, floor]), (30, 34)
    unknowns = np.array([[8.2, 9.1, 2.4, 1.5, 6, -2], [11.3, 12.9, 2.0, 1.5, 4, 1], [25.0, 28.0, 2.2, 1.5, 6, 1]])
    rng, number = np.random.default_rng(5), 6
    matrices = []
    for _ in unknowns:
        root = rng.normal(size=(number, number))
        matrices.append(900 * (root @ root.T / number + np.eye(number)))
    matrices = np.array(matrices)
    y, x = np.mgrid[: frame[0], : frame[1]]

    def expected_of(p, q):
        far = [max(2.0 * unknowns[k, 2], 3) for k in (p, q)]
        near = [np.hypot(y - unknowns[k, 0], x - unknowns[k, 1]) <= reach for k, reach in zip((p, q), far, strict=True)]
        crossed = np.zeros((number, number))
        for i, j in np.argwhere(near[0] & near[1]):
            rows, light = np.zeros((2, number)), 0.0
            for row, k in zip(rows, (p, q), strict=True):
                one = unknowns[k]
                light += compiled.light_at(TABLE, i - one[0], j - one[1], 20.0 / one[2] ** 2, averaged, one, row)
            weight = 1 / max(0.5 + 0.3 * (1.5 + light), floor)
            rows[1, 3] = 0  # one background for both
            crossed += weight * np.outer(rows[0], rows[1])
        theirs = matrices[q].copy()
        theirs[3, [0, 1, 2, 4, 5]] = theirs[[0, 1, 2, 4, 5], 3] = 0
        less = crossed @ np.linalg.inv(theirs) @ crossed.T
        np.fill_diagonal(less, np.minimum(np.diag(less), 0.98 * np.diag(matrices[p])))
        return matrices[p] - less

    found = pairs.less_neighbours(frame, np.tril(matrices), unknowns, noise, shape)
    for p, q in ((0, 1), (1, 0)):
        assert np.abs(expected_of(p, q) - matrices[p]).max() > 0.01
        np.testing.assert_allclose(found[p], np.tril(expected_of(p, q)), rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(found[2], np.tril(matrices[2]))  # nobody is near
    much = pairs.less_neighbours(frame, np.tril(0.01 * matrices), unknowns, noise, shape)
    assert np.diagonal(much, axis1=1, axis2=2)[0].min() >= 0.0199 * np.diag(0.01 * matrices[0]).min()


def test_a_neighbour_that_is_not_known_or_too_far_takes_nothing():
    shape, noise = (TABLE[:1], 20.0, 2.0, 3.0, False), np.array([0.5, 0.3, 0.5])
    unknowns = np.array([[8.0, 9.0, 2.0, 1.5, 6], [8.0, 13.0, 2.0, 1.5, 6]])
    matrices = np.tile(900 * np.eye(5), (2, 1, 1))
    assert pairs.less_neighbours((30, 30), matrices, unknowns, noise, shape)[0, 1, 1] < 899.9
    assert pairs.less_neighbours((30, 30), matrices[:1], unknowns[:1], noise, shape) is not None
    for changed, place in ((np.nan, 13.0), (1.0, 17.1), (1.0, np.nan)):
        other, there = matrices.copy(), unknowns.copy()
        other[1] *= changed
        there[1, 1] = place
        found = pairs.less_neighbours((30, 30), other, there, noise, shape)
        np.testing.assert_array_equal(found, other)


def test_light_is_likelier_of_two_where_one_would_be_brighter_than_others_are():
    others = np.array([[0, 0, 2.0, 0, light] for light in (8, 9, 10, 11, 12.5)])
    spread = 1.4826 * np.log(10 / 9)  # the median of how far their logarithms lie from that of 10
    both, halves = two((0, 0, 10), (0, 4, 10)), two((0, 0, 5), (0, 4, 5))
    one = np.array([[0, 2, 4.0, 0, 5.0]])  # twice the light of most
    assert pairs._likelier(one, both, others) == pytest.approx([(np.log(2) / spread) ** 2])
    one[0, 4] = 2.5
    assert pairs._likelier(one, halves, others) == pytest.approx([-2 * (np.log(2) / spread) ** 2])
    one[0, 4] = 250
    assert pairs._likelier(one, both, others).tolist() == [36.0]
    assert pairs._likelier(one, both, others[:4]).tolist() == [0.0]
    alike = np.repeat(others[2:3], 9, axis=0)  # by a spread of 15 % at least
    one[0, 4] = 2.5 * 1.2
    assert pairs._likelier(one, both, alike) == pytest.approx([(np.log(1.2) / 0.15) ** 2])


# Whole frames -------------------------------------------------------------------------------------------------------

SPOTS = ParticleModel((Component("gaussian", 1),), (0.7, 1.1), (1,), pairs=True)
LONE = np.stack(np.meshgrid([20.0, 50, 80], [20.0, 50, 80]), -1).reshape(-1, 2) + 0.3


def film(places, light=60.0, seed=0):
    y, x = np.mgrid[:100, :100]
    peaks = np.broadcast_to(light, len(places))
    mean = 20 + sum(
        peak * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2.88) for (a, b), peak in zip(places, peaks, strict=True)
    )
    return np.random.default_rng(seed).poisson(mean).astype(np.float32)


@pytest.mark.parametrize("grain", [1.0, 1.5])
def test_a_second_particle_pays_eight_nats_how_seldom_it_is_and_for_grain(monkeypatch, grain):
    both = np.array([[33.6, 35.0], [36.2, 35.0]])
    frame, start = film(np.concatenate([LONE, both])), np.concatenate([LONE, both.mean(0, keepdims=True)])
    radii = fit_particles(frame, LONE, SPOTS, 3).measures[:, 2]
    reaches = []

    def gains_of(gain):
        def gains(before, after, light, middle, reach, level, noise):
            mine = np.hypot(*(middle - both.mean(0)).T) < 1
            reaches.extend(reach[mine])
            return np.where(mine, gain, 0.0)

        return gains

    monkeypatch.setattr(pairs, "coarseness", lambda looks, *_: np.full((3, len(looks)), grain))
    monkeypatch.setattr(pairs, "gains", gains_of(0.0))
    assert len(fit_particles(frame, start, SPOTS, 3).positions) == 10
    usual = np.sqrt(np.median(radii) ** 2 + SPOTS.widened)
    assert reaches[0] == pytest.approx(SPOTS.reach * usual + 2.6 / 2, rel=0.05)
    limit = grain**2 * 2 * (8 - np.log(10 / 100**2 * np.pi * reaches[0] ** 2))
    for times, number in ((1.01, 11), (0.99, 10)):
        monkeypatch.setattr(pairs, "gains", gains_of(times * limit))
        assert len(fit_particles(frame, start, SPOTS, 3).positions) == number


def test_pairs_are_told_where_eight_are_sure_and_known_well():
    both = np.array([[33.6, 35.0], [36.6, 35.0]])
    for number, found in ((7, 9), (6, 7)):
        places = np.concatenate([LONE[:number], both])
        start = np.concatenate([LONE[:number], both.mean(0, keepdims=True)])
        assert len(fit_particles(film(places, 100.0), start, SPOTS, 3).positions) == found


def test_a_pair_that_is_split_leaves_the_frame_without_its_light_and_one_that_is_not_too():
    y, x = np.mgrid[:100, :100]
    for apart in (3.0, 1.2):
        both = np.array([[35.0, 35.0 - apart / 2], [35.0, 35.0 + apart / 2]])
        frame, start = film(np.concatenate([LONE, both])), np.concatenate([LONE, both.mean(0, keepdims=True)])
        rest = without_particles(frame, start, SPOTS, 3)
        near = np.hypot(y - 35, x - 35) < 5
        assert rest[near].std() < 8
        assert rest[near].mean() == pytest.approx(20, abs=3)
        for a, b in LONE:
            assert rest[np.hypot(y - a, x - b) < 4].mean() == pytest.approx(20, abs=3)
