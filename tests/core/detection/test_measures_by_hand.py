"""What a model says of its particles, and what is told of a fitted one, by examples that were worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter

from napari_growtrack.core.detection.fit import ParticleModel, fit_particles, particles
from napari_growtrack.core.detection.fit.compiled import covariances
from napari_growtrack.core.simulation import BesselParticle, EllipticalParticle, GaussianParticle, named_scene
from napari_growtrack.core.simulation.shapes import Component
from napari_growtrack.core.tables import MEASURES

GAUSSIAN, BESSEL, ELLIPSE = (Component(name, 1) for name in ("gaussian", "bessel", "ellipse"))
ROUND = ParticleModel((GAUSSIAN,), (1.5, 3.0))
RINGS = ParticleModel((BESSEL, Component("bessel", 3)), (2.0, 3.0), (1, -1))
LONG = ParticleModel((ELLIPSE,), (1.5, 3.0), stretch=2.0)


def shape_of(model, distance, number=0):
    return float(model.components[number].profile.values(np.array([distance]))[0])


# Models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "bounds"),
    [
        (ROUND, (0.75, 4.8)),
        (replace(ROUND, radius=(0.8, 1.2)), (0.5, 1.92)),
        (replace(ROUND, radius=(0.4, 1.0)), (0.4, 1.6)),
        (RINGS, (2, 3)),
    ],
)
def test_radii_reach_from_half_the_least_to_1_6_times_the_greatest_unless_there_are_rings(model, bounds):
    assert model.bounds == pytest.approx(bounds)


def test_a_fit_begins_at_four_radii_each_as_many_times_the_last():
    assert ROUND.radii == pytest.approx([1.5, 1.5 * 2 ** (1 / 3), 1.5 * 2 ** (2 / 3), 3])
    assert replace(ROUND, radius=(2.0, 2.0)).radii.tolist() == [2]


@pytest.mark.parametrize(
    ("model", "usual"),
    [
        (ROUND, [(0.75 + 4.8) / 2, 4.05**2 / 6, 0.01, 0.75, 4.8]),
        (replace(RINGS, radius=(2.0, 2.1)), [2.05, 0.105**2, 0.01, 2.0, 2.1]),
        (LONG, [(0.75 + 4.8 * 1.6**0.5) / 2, (4.8 * 1.6**0.5 - 0.75) ** 2 / 6, 0.18, 0.75, 4.8 * 1.6**0.5]),
        (replace(LONG, stretch=1.1), [None, None, 0.01, 0.75, 4.8 * (1 + 0.21 / 2.21) ** 0.5]),
    ],
)
def test_what_radii_usually_are_is_worked_out_by_hand(model, usual):
    for one, other in zip(model.usual, usual, strict=True):
        assert other is None or one == pytest.approx(other)


def test_light_that_such_particles_cannot_have_is_taken_for_none():
    unknowns = np.array([[1.0, 2, 3, -4, 5, 6], [1, 2, 3, 4, -5, -6]])
    assert RINGS.possible(unknowns).tolist() == [[1, 2, 3, -4, 5, 0], [1, 2, 3, 4, 0, -6]]
    assert replace(RINGS, signs=(0, 1)).possible(unknowns).tolist() == [[1, 2, 3, -4, 5, 6], [1, 2, 3, 4, -5, 0]]
    assert replace(RINGS, signs=()).possible(unknowns).tolist() == unknowns.tolist()
    assert unknowns[0, 5] == 6


@pytest.mark.parametrize(
    ("radius", "reach"), [((1.5, 3.0), 4.0), ((0.5, 3.0), 6.0), ((0.75, 1.0), 4.0), ((1.5, 20.0), 3.2)]
)
def test_spots_are_fitted_four_radii_far_and_three_to_sixty_four_pixels(radius, reach):
    model = replace(ROUND, radius=radius)
    assert model.reach == pytest.approx(reach)
    assert model.half == pytest.approx(reach * sum(radius) / 2)


def test_the_farthest_of_several_profiles_says_how_far():
    far = [one.profile.fitted for one in RINGS.components]
    assert far[0] != far[1]
    assert RINGS.reach == max(far)


def test_a_usual_particle_is_drawn_as_far_as_it_is_fitted():
    drawn = ROUND.drawn
    assert drawn.shape == (19, 19)
    for y, x in ((0, 0), (3, -4), (9, 0), (8, 4), (7, 6), (9, 1)):
        far = np.hypot(y, x)
        expected = np.exp(-((0.75 * far / 2.25) ** 2) / 2) if far <= 9 else 0
        assert drawn[9 + y, 9 + x] == pytest.approx(expected)


def test_only_those_averaged_over_pixels_look_wider_and_long_ones_are_averaged_in_full():
    assert ROUND.widened == pytest.approx(0.75**2 / 12)
    assert (RINGS.widened, LONG.widened) == (0, 0)
    assert [model.shape[4] for model in (ROUND, RINGS, LONG)] == [False, False, True]


@pytest.mark.parametrize("model", [ROUND, RINGS, LONG])
def test_compiled_code_reads_profiles_over_the_squared_distance(model):
    table, per_square, reach, extent, _ = model.shape
    assert (reach, extent) == (model.reach, 1.5 * model.reach)
    assert table.shape == (len(model.components), round(extent**2 * 64) + 2)
    for number in range(len(table)):
        for k in (0, 64, 200, table.shape[1] - 1):
            assert table[number, k] == pytest.approx(shape_of(model, (k / per_square) ** 0.5, number), abs=1e-6)


def test_numbers_and_rounds_of_a_fit():
    assert [(model.unknowns, model.rounds) for model in (ROUND, RINGS, LONG)] == [(5, (3, 2)), (6, (3, 2)), (7, (4, 6))]


def test_the_model_of_a_mixed_scene_is_that_of_the_most_particles():
    scene = named_scene("table42")
    kinds = [
        GaussianParticle(sigma=2, intensity=(0.0, 0.5)),
        BesselParticle(radius=3, rings={1: 0.5}, weight=0.6),
        BesselParticle(radius=5, rings={1: -0.5, 2: (-0.5, 0.0)}, weight=0.6),
    ]
    rings = ParticleModel.of(scene.with_(particles=kinds))
    assert rings == ParticleModel((BESSEL, Component("bessel", 2)), (1.5, 5.0), (0, -1))
    kinds[0] = kinds[0].with_(weight=1.3)
    assert ParticleModel.of(scene.with_(particles=kinds)) == ParticleModel((GAUSSIAN,), (1.5, 5.0), (1,), pairs=True)
    long = [EllipticalParticle(sigma=2, axis_ratio=(1, ratio), intensity=0.5) for ratio in (2, 3)]
    model = ParticleModel.of(scene.with_(particles=[*long, GaussianParticle(sigma=2, intensity=1)]))
    assert (model.stretch, model.oriented, model.pairs) == (3, True, False)
    assert ParticleModel.of(scene.with_(particles=[BesselParticle(radius=2, rings={1: 0.5}), *long[:1]])).stretch == 1


def test_the_model_of_elongated_ones_is_as_large_and_as_bright():
    model = replace(ROUND, signs=(1,), zoom=2.0, pairs=True).elongated
    assert model == ParticleModel((ELLIPSE,), (1.5, 3.0), (1,), 2.0, 4.0)
    assert replace(ROUND, signs=()).elongated.signs == ()


# Measures ---------------------------------------------------------------------------------------------------------


def measured(model, unknowns, errors, spread=1.0):
    found = particles._measures(np.array([unknowns]), np.array([errors]), model, model.shape, spread)[0]
    return dict(zip(MEASURES, found, strict=True))


def random_errors(number):
    root = np.random.default_rng(number).normal(0, 0.1, (number, number))
    return root @ root.T


@pytest.mark.parametrize("model", [ROUND, RINGS])
def test_light_is_the_profiles_sum_over_the_plane_and_its_error_that_of_radius_and_scales(model):
    unknowns = np.array([10.0, 20.0, 2.5, 7.0, 5.0, -2.0][: model.unknowns])
    errors, spread = random_errors(model.unknowns), 3.0

    def light(numbers):
        over = [
            quad(lambda r, k=k: 2 * np.pi * r * shape_of(model, r, k), 0, model.reach)[0] for k in range(len(scales))
        ]
        return spread * numbers[2] ** 2 * np.dot(over, numbers[4:])

    scales = unknowns[4:]
    found = measured(model, unknowns, errors, spread)
    assert found["signal"] == pytest.approx(light(unknowns), rel=0.01)
    steps = 1e-5 * np.eye(len(unknowns))
    slopes = np.array([(light(unknowns + step) - light(unknowns - step)) / 2e-5 for step in steps])
    assert found["signal_error"] == pytest.approx(np.sqrt(slopes @ errors @ slopes), rel=0.01)
    assert found["radius"] == pytest.approx(np.sqrt(2.5**2 - model.widened))
    assert found["radius_error"] == pytest.approx(np.sqrt(errors[2, 2]))
    assert found["background"] == pytest.approx(21)
    assert found["background_error"] == pytest.approx(3 * np.sqrt(errors[3, 3]))
    assert (found["axis_ratio"], found["angle"]) == (1, 1)  # told elsewhere


def test_a_radius_is_never_corrected_to_less_than_half():
    assert measured(ROUND, [0, 0, 0.24, 0, 1.0], np.eye(5))["radius"] == pytest.approx(0.12)
    assert measured(ROUND, [0, 0, 0.26, 0, 1.0], np.eye(5))["radius"] == pytest.approx(np.sqrt(0.26**2 - 0.75**2 / 12))


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.2, -0.7])
@pytest.mark.parametrize("ratio", [1.5, 3.0])
def test_a_long_particle_is_as_wide_long_turned_and_bright_as_its_pixels_say(angle, ratio):
    long = (ratio**2 - 1) / (ratio**2 + 1)
    turns = long * np.cos(2 * angle), long * np.sin(2 * angle)
    unknowns, errors = np.array([40.0, 40.0, 3.0, 2.0, 5.0, *turns]), random_errors(7)
    y, x = np.mgrid[-40:41, -40:41]
    p, q = turns
    square = y**2 + x**2 - p * (x**2 - y**2) - 2 * q * y * x
    image = 5 * np.exp(-square * 0.75**2 / 3.0**2 / 2)
    moments = [(image * one).sum() / image.sum() for one in (x * x, x * y, y * y)]
    widths, axes = np.linalg.eigh([moments[:2], moments[1:]])
    found = measured(LONG, unknowns, errors)
    assert found["signal"] == pytest.approx(image.sum(), rel=0.02)
    assert found["radius"] == pytest.approx(0.75 * widths[0] ** 0.5, rel=0.01)
    assert found["axis_ratio"] == pytest.approx((widths[1] / widths[0]) ** 0.5, rel=0.01)
    assert np.tan(found["angle"]) == pytest.approx(axes[1, 1] / axes[0, 1], abs=0.01)
    per_radius, per_scale = 2 * found["signal"] / 3, found["signal"] / 5
    slopes = np.array([per_radius, per_scale])
    around = errors[np.ix_([2, 4], [2, 4])]
    assert found["signal_error"] == pytest.approx(np.sqrt(slopes @ around @ slopes))
    assert found["radius_error"] == pytest.approx(np.sqrt(errors[2, 2]) * found["radius"] / 3)


def test_an_error_whose_square_rounding_made_less_than_nothing_is_none():
    assert measured(ROUND, [0, 0, 2.0, 0, 1.0], -1e-12 * np.eye(5))["radius_error"] == 0


# What a frame tells of its particles ------------------------------------------------------------------------------


def test_the_usual_radius_is_the_median_of_five_that_are_known_well():
    usual, radii = np.array([9.0, 1.0, 0.1, 0.5, 20.0]), np.array([2.0, 2.4, 2.2, 3.0, 2.6, 77.0])
    well = np.array([True] * 5 + [False])
    assert particles._sizes_of(radii, well, usual) == pytest.approx([2.4, (1.4826 * 0.2) ** 2, 0.1, 0.5, 20])
    assert usual[0] == 9
    well[0] = False
    assert particles._sizes_of(radii, well, usual) is usual
    alike, every = np.full(5, 3.0), np.ones(5, bool)
    assert particles._sizes_of(alike, every, usual)[:2] == pytest.approx([3, 0.21**2])
    assert particles._sizes_of(alike, every, np.array([9, 0.01, 0, 0, 0]))[:2] == pytest.approx([3, 0.01])


def test_the_background_leans_as_much_as_makes_planes_scatter_so():
    unknowns = np.array([[0, 0, 2.0, 5.0, 1.0], [0, 0, 2.0, 0.0, 1.0], [0, 0, 3.0, 5.0, 1.0], [0, 0, 2.0, 5.0, 1.0]])
    noise, coarse = np.array([0.5, 0.3, 1.2]), np.array([2.0, 1.31, 3.0, 1.3])
    found = particles._tilts(coarse, unknowns, noise, ROUND)
    for one, variance, half, scatter in zip(found, (2.0, 1.2, 2.0), (8, 8, 12), coarse, strict=False):
        y, x = np.mgrid[-12:13:0.05, -12:13:0.05]
        squares = (y[np.hypot(y, x) <= half] ** 2).sum() * 0.05**2  # a plane's, pixel by pixel
        assert 1 + one * squares / variance == pytest.approx(scatter**2, rel=2e-3)
    assert found[3] == 0


def test_radii_are_known_well_to_a_fifth():
    unknowns, errors = np.ones((5, 5)), np.zeros((5, 5, 5))
    unknowns[:, 2] = 2
    errors[:, 2, 2] = 0.39**2, 0.41**2, np.nan, np.inf, -1e-9
    fitted = particles._Fitted(unknowns, errors, np.ones(3), np.zeros((5, 5)), ROUND.shape)
    assert fitted.well.tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("model", [ROUND, RINGS])
def test_a_profile_is_measured_where_it_is_clearly_not_the_models(monkeypatch, model):
    table, per_square, reach, extent, _ = model.shape
    drawn, weights = [], np.full(16, 4.0)
    weights[5] = 0.0
    off = 0.4 + 0.3 * np.cos(np.arange(16.0))
    unknowns, errors = np.ones((5, model.unknowns)), np.zeros((5,) + (model.unknowns,) * 2)
    fitted = particles._Fitted(unknowns, errors, np.ones(3), np.zeros((5, 5)), model.shape)
    monkeypatch.setattr(particles, "add_each", lambda rest, unknowns, sign, shape: drawn.append((sign, shape)))
    monkeypatch.setattr(particles._Fitted, "_settled", lambda *args: args[-2])

    def measured_with(times, number=5):
        left = np.where(weights > 0, times * off * weights, 9.0)
        monkeypatch.setattr(particles, "profile_left", lambda *_: (left, weights))
        some = replace(fitted, unknowns=unknowns[:number], errors=errors[:number], ground=fitted.ground[:number])
        found = some.with_measured_profile(np.zeros((9, 9), np.float32), model)
        return None if found is some else found

    square = (off**2 * 4)[weights > 0].mean()  # the mean square in standard errors
    assert measured_with(1.01 * np.sqrt(4 / square)) is not None
    assert measured_with(0.99 * np.sqrt(4 / square)) is None
    weights *= 100
    assert measured_with(1.0, 4) is None
    few = 0.29 / np.abs(off)[weights > 0].max()  # of its scale
    assert (measured_with(few) is None) == (model is RINGS)
    assert measured_with(0.31 / 0.29 * few) is not None
    drawn.clear()
    shape = measured_with(1.0)
    assert shape[1:4] == (per_square, reach, extent)
    distance = np.sqrt(np.arange(table.shape[1]) / 64)
    middles = [(k + 0.5) * reach / 16 for k in range(16) if k != 5]
    more = np.interp(distance, middles, np.delete(off, 5))
    more *= np.clip((1.5 * reach - distance) / (0.5 * reach), 0, 1)
    np.testing.assert_allclose(shape[0][0], table[0] + more, atol=1e-5)
    np.testing.assert_array_equal(shape[0][1:], table[1:])
    assert [(sign, one[0] is table) for sign, one in drawn] == [(1, True), (-1, False)]


# Whole fits -------------------------------------------------------------------------------------------------------

GRID = np.stack(np.meshgrid([25.0, 65, 105], [25.0, 65, 105]), -1).reshape(-1, 2) + 0.3


def film(places, light, sigma=2.0, noise=3.0, seed=0, level=100.0):
    y, x = np.mgrid[:130, :130]
    peaks = np.broadcast_to(light, len(places))
    bright = sum(
        peak * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / sigma**2) for (a, b), peak in zip(places, peaks, strict=True)
    )
    return level + bright + np.random.default_rng(seed).normal(0, noise, y.shape)


def test_a_fit_that_failed_stands_out_by_what_lies_at_its_place_and_the_others_are_fitted():
    start = GRID.copy()
    start[4] += (1.2, 0.9)
    start = np.concatenate([start, [[85.0, 45.0]]])  # where there is nothing
    found = fit_particles(film(GRID, 60), start, ROUND, 1.0)
    alone = fit_particles(film(GRID, 60), GRID, ROUND, 1.0)
    good = np.isfinite(found.sigmas)
    assert not good[4]
    assert good[[0, 1, 2, 3, 5, 6, 7, 8]].all()
    assert found.positions[4].tolist() == start[4].tolist()
    assert 0.3 * alone.significances[4] < found.significances[4] < alone.significances[4]
    assert found.significances[9] < 5
    np.testing.assert_allclose(found.significances[:4], alone.significances[:4], rtol=0.05)
    assert np.isnan(found.measures[4]).all()
    assert np.isfinite(found.measures[:4]).all()


def test_a_fit_farther_than_allowed_has_failed_and_one_less_far_has_not():
    start = GRID.copy()
    start[4] += (0.8, 0.0)
    moved = np.hypot(*(fit_particles(film(GRID, 60), start, ROUND, 2.0).positions[4] - start[4]))
    for farthest, failed in ((moved + 1e-3, False), (moved - 1e-3, True)):
        assert np.isnan(fit_particles(film(GRID, 60), start, ROUND, farthest).sigmas[4]) == failed


def test_a_fit_that_leaves_the_frame_has_failed():
    places = np.concatenate([GRID, [[-1.2, 60.0], [0.3, 100.0]]])
    found = fit_particles(film(places, 200), np.maximum(places, 0), ROUND, 3.0)
    assert np.isnan(found.sigmas[9:]).tolist() == [True, False]
    assert found.positions[9].tolist() == [0, 60]


def test_errors_along_both_axes_count_alike():
    errors = []
    for seed in range(20):
        found = fit_particles(film(GRID, 60, seed=seed), GRID, ROUND, 3.0)
        errors.append((found.positions - GRID) / found.sigmas[:, None])
    errors = np.concatenate(errors)
    assert errors.std(axis=0) == pytest.approx([1, 1], abs=0.2)
    assert np.hypot(*errors.T).mean() == pytest.approx(np.sqrt(np.pi / 2), rel=0.15)


def test_grain_makes_errors_of_light_and_place_larger_and_what_stands_out_less():
    rng, light, truth = np.random.default_rng(3), film(GRID, 60, noise=0.0), 60 * 2 * np.pi * 4
    places, lights, stand = [], [], []
    for _ in range(12):
        grain, even = gaussian_filter(rng.normal(0, 1, light.shape), 1.2), rng.normal(0, 1, light.shape)
        found = [fit_particles(light + 3 * one / one.std(), GRID, ROUND, 3.0) for one in (grain, even)]
        places.append([(one.positions - GRID) / one.sigmas[:, None] for one in found])
        lights.append([(one.measures[:, 0] - truth) / one.measures[:, 1] for one in found])
        stand.append([np.median(one.significances) for one in found])
    assert np.std(places, axis=(0, 2, 3)) == pytest.approx([1.3, 1], abs=0.3)
    assert np.std(lights, axis=(0, 2)) == pytest.approx([0.85, 1], abs=0.25)
    grainy, even = np.mean(stand, axis=0)
    assert grainy < 0.6 * even


def test_elongated_ones_are_fitted_so_where_five_are_known_well_and_most_are_long():
    y, x = np.mgrid[:130, :130]
    angles = np.linspace(0, 3, 9)
    image = np.random.default_rng(4).normal(100, 2, y.shape)
    for (a, b), angle in zip(GRID, angles, strict=True):
        u = (x - b) * np.cos(angle) + (y - a) * np.sin(angle)
        v = (y - a) * np.cos(angle) - (x - b) * np.sin(angle)
        image += 80 * np.exp(-(u**2 / 2.5**2 + v**2) / 2 / 2**2)
    for places, long in ((GRID, True), (GRID[:5], True), (GRID[:4], False)):
        found = dict(zip(MEASURES, fit_particles(image, places, ROUND, 4.0).measures.T, strict=True))
        if long:
            assert found["axis_ratio"] == pytest.approx(2.5, rel=0.1)
            assert found["radius"] == pytest.approx(0.75 * 2, rel=0.1)
            assert np.tan(found["angle"]) == pytest.approx(np.tan(angles[: len(places)]), rel=0.3, abs=0.15)
        else:
            assert (found["radius"] > 0.75 * 2.4).all()


def test_what_a_fit_leaves_of_a_frame_is_its_background():
    frame = film(GRID, 60)
    left = particles.without_particles(frame, GRID + 0.2, ROUND, 3.0)
    even = film(GRID[:0], 60)
    assert np.abs(left - even).max() < 3
    assert np.std(left - even) < 0.4
    assert particles.without_particles(frame, GRID[:0], ROUND, 3.0) is frame


def test_no_places_have_no_fits():
    found = fit_particles(film(GRID, 60), np.empty((0, 2)), ROUND, 3.0)
    assert [one.shape for one in found] == [(0, 2), (0,), (0,), (0, 8), (0,)]


def test_covariances_are_those_of_least_squares():
    frame = film(GRID, 60)
    found = fit_particles(frame, GRID, ROUND, 3.0)
    y, x = np.mgrid[:130, :130]
    for (a, b), sigma in zip(GRID, found.sigmas, strict=True):
        near = np.hypot(y - a, x - b) <= ROUND.reach * 1.5
        light = 60 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / 4)[near]
        dy, dx = (y - a)[near], (x - b)[near]
        rows = np.stack([light * dy / 4, light * dx / 4, light * (dy**2 + dx**2) / 8, np.ones(len(dy)), light / 60])
        bound = np.linalg.inv(rows @ rows.T / 9)
        assert sigma == pytest.approx(np.sqrt((bound[0, 0] + bound[1, 1]) / 2), rel=0.25)
    assert covariances(np.eye(5)[None])[0] == pytest.approx(np.eye(5))


def test_errors_grow_where_all_of_a_frame_is_coarser_than_1_15_or_one_place_half_as_much_again(monkeypatch):
    monkeypatch.setattr(particles, "noise_around", lambda rest, unknowns, *_: looks[: len(unknowns)])

    def errors_with(light, place):
        nonlocal looks
        looks = np.zeros((9, 3, 32))
        looks[:, 0], looks[:, 1] = (np.broadcast_to(one, 9)[:, None] / 1.4826 for one in (light, place))
        found = fit_particles(film(GRID, 60), GRID, ROUND, 3.0)
        return np.stack([found.measures[:, MEASURES.index("signal_error")], found.sigmas])

    looks, one = None, np.arange(9) == 4
    even = errors_with(0.0, 0.0)
    for whole, mine, expected in ((1.1, 1.1, 1), (1.2, 1.2, 1.2), (1.0, 1.4, 1), (1.0, 1.6, 1.6), (1.2, 1.7, 1.2)):
        many = np.where(one, mine, whole)
        times = np.where(one, expected, 1.2 if whole == 1.2 else 1)
        np.testing.assert_allclose(errors_with(many, 1.0) / even, [times, np.ones(9)], rtol=1e-9)
        np.testing.assert_allclose(errors_with(1.0, many) / even, [np.ones(9), times], rtol=1e-9)


def test_noise_is_looked_at_again_where_the_background_leans(monkeypatch):
    looked, real = [], particles.noise_around

    def noise_around(rest, unknowns, ground, noise, shape):
        looked.append(ground[:, 4].tolist())
        return real(rest, unknowns, ground, noise, shape)

    monkeypatch.setattr(particles, "noise_around", noise_around)
    monkeypatch.setattr(particles, "_tilts", lambda *_: np.where(np.arange(9) == 4, 0.5, 0.0))
    fit_particles(film(GRID, 60), GRID, ROUND, 3.0)
    assert looked == [[0] * 9, [0.5]]
