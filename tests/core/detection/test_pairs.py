"""Two particles so near each other that they were found as one."""

import numpy as np
import pytest

from napari_growtrack import load_network
from napari_growtrack.core.detection import Sieve, iter_detections
from napari_growtrack.core.detection.fit import ParticleModel, fit_particles
from napari_growtrack.core.detection.fit.compiled import covariances
from napari_growtrack.core.detection.fit.pairs import gains, less_neighbours

SIGMA, LIGHT, DARK = 1.2, 60.0, 20.0
SPOTS = load_network("spots").for_diameter(4 * 0.75 * SIGMA)
MODEL = SPOTS._model
LONE = np.stack(np.meshgrid(np.arange(20.0, 140, 24), np.arange(20.0, 140, 24)), -1).reshape(-1, 2) + 0.3


def film(places, seed=0, light=LIGHT, shape=(150, 150)):
    """Photons of Gaussian spots at places, each as bright as it says, or all alike."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    mean = np.full(shape, DARK)
    for (a, b), peak in zip(places, np.broadcast_to(light, len(places)), strict=True):
        mean += peak * np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * SIGMA**2))
    return np.random.default_rng(seed).poisson(mean).astype(np.float32)


def apart(distance, angle=0.6):
    """Two places so far from each other."""
    middle, half = np.array([32.4, 31.8]), distance / 2 * np.array([np.sin(angle), np.cos(angle)])
    return np.stack([middle - half, middle + half])


@pytest.mark.parametrize("distance", [2.6, 3.2, 4.0])
@pytest.mark.parametrize("angle", [0.0, 0.8, 1.6, 2.4])
def test_two_that_were_found_as_one_are_both_fitted(distance, angle):
    both = apart(distance, angle)
    start = np.concatenate([LONE, both.mean(0, keepdims=True)])
    found = fit_particles(film(np.concatenate([LONE, both])), start, MODEL, 3)
    assert found.parents.tolist() == [*range(len(start)), len(start) - 1]
    pair = found.positions[-2:]
    order = pair if np.hypot(*(pair[0] - both[0])) < np.hypot(*(pair[1] - both[0])) else pair[::-1]
    assert np.hypot(*(order - both).T).max() < 0.5
    assert (found.significances[-2:] > 10).all()


def test_what_stands_alone_stays_one():
    for seed in range(10):
        found = fit_particles(film(LONE, seed), LONE, MODEL, 3)
        assert found.parents.tolist() == [*range(len(LONE))]


def test_two_that_lie_upon_each_other_and_a_dim_companion_stay_one():
    for both, light in ((apart(1.0), LIGHT), (apart(3.0), [LIGHT, LIGHT / 8])):
        places = np.concatenate([LONE, both])
        lights = np.concatenate([np.full(len(LONE), LIGHT), np.broadcast_to(light, 2)])
        start = np.concatenate([LONE, both[:1]])
        assert len(fit_particles(film(places, light=lights), start, MODEL, 3).parents) == len(start)


def test_three_at_a_place_are_three():
    middle = np.array([32.4, 31.8])
    three = middle + np.array([(0.0, -3.0), (0.0, 0.0), (0.0, 3.0)])
    found = fit_particles(film(np.concatenate([LONE, three])), np.concatenate([LONE, middle[None]]), MODEL, 3)
    assert np.count_nonzero(found.parents == len(LONE)) == 3


def test_a_frame_of_few_particles_tells_no_pairs():
    start = np.concatenate([LONE[:3], apart(3.0).mean(0, keepdims=True)])
    found = fit_particles(film(np.concatenate([LONE[:3], apart(3.0)])), start, MODEL, 3)
    assert len(found.parents) == 4


def test_only_round_particles_at_their_own_size_are_taken_for_pairs():
    scene = SPOTS.card.recipe.located_scene
    assert ParticleModel.of(scene).pairs
    assert not ParticleModel.of(scene, zoom=1.5).pairs
    assert not ParticleModel.of(scene, pairs=False).pairs
    assert not ParticleModel.of(scene).elongated.pairs


def test_the_gain_counts_squares_about_a_plane():
    y, x = np.mgrid[:21, :21].astype(np.float32)
    rng = np.random.default_rng(3)
    before, after = rng.normal(0, 2, (2, 21, 21)).astype(np.float32)
    light, noise = np.zeros((21, 21), np.float32), np.array([4.0, 0.0, 0.1])
    place, reach, level = np.array([[10.0, 9.0]]), np.array([6.0]), np.zeros(1)
    inside = np.hypot(y - 10, x - 9) <= 6
    design = np.stack([np.ones(inside.sum()), y[inside], x[inside]], 1)

    def squares(image):
        left = image[inside] - design @ np.linalg.lstsq(design, image[inside], rcond=None)[0]
        return (left**2).sum() / 4

    expected = squares(before) - squares(after)
    for tilt in (0.0, 0.5):
        found = gains(before + tilt * y, after - tilt * x, light, place, reach, level, noise)
        assert found == pytest.approx(expected, rel=1e-3)


def test_a_neighbour_makes_errors_as_much_larger_as_the_information_of_both_says():
    scales = np.array([[20.0, 20.0, 0.9, 20.0, 50.0], [20.0, 22.6, 0.9, 20.0, 50.0], [70.0, 70.0, 0.9, 20.0, 50.0]])
    noise, shape = np.array([25.0, 0.0, 0.1]), MODEL.shape
    y, x = np.mgrid[:90, :90].astype(float)

    def light(unknowns):
        table, per_square, reach, _, _ = shape
        square = ((y - unknowns[0]) ** 2 + (x - unknowns[1]) ** 2) / unknowns[2] ** 2
        near = square <= max(reach, 3 / unknowns[2]) ** 2
        return np.where(near, unknowns[4] * np.interp(square * per_square, np.arange(table.shape[1]), table[0]), 0)

    def slopes(unknowns):
        found = []
        for k in (0, 1, 2, 4):
            nudge = np.zeros(5)
            nudge[k] = 1e-4
            found.append((light(unknowns + nudge) - light(unknowns - nudge)).ravel() / 2e-4)
        near = np.hypot(y - unknowns[0], x - unknowns[1]) <= max(shape[2] * unknowns[2], 3)
        found.insert(3, near.ravel().astype(float))
        return np.stack(found)

    each = [slopes(one) for one in scales]
    matrices = np.stack([rows @ rows.T / noise[0] for rows in each])
    found = covariances(less_neighbours((90, 90), matrices, scales, noise, shape))
    alone = covariances(matrices)
    assert found[2] == pytest.approx(alone[2])  # nobody is near
    rows = np.concatenate([each[0], np.delete(each[1], 3, axis=0)])
    both = np.linalg.inv(rows @ rows.T / noise[0])
    assert found[0, 1, 1] > 1.1 * alone[0, 1, 1]
    assert found[0, 1, 1] == pytest.approx(both[1, 1], rel=0.15)


def test_pixels_beyond_any_edge_tell_nothing_of_neighbours():
    near = np.array([[1.0, 2.0, 0.9, 20.0, 50.0], [3.0, 4.0, 0.9, 20.0, 50.0]])
    far = near.copy()
    far[:, :2] = np.array([59, 49]) - near[:, :2]  # the same, seen from the other corner of 60 x 50 px
    matrices, noise = np.tile(1e4 * np.eye(5), (2, 1, 1)), np.array([25.0, 0.0, 0.1])
    one, other = (less_neighbours((60, 50), matrices, each, noise, MODEL.shape) for each in (near, far))
    assert (one[0, 0, 0], one[0, 1, 1]) < (1e4, 1e4)
    assert np.diagonal(other, axis1=1, axis2=2) == pytest.approx(np.diagonal(one, axis1=1, axis2=2), rel=1e-9)


def test_pairs_come_from_networks_and_through_thresholds_alike():
    rng = np.random.default_rng(5)
    places = LONE + rng.uniform(-2, 2, LONE.shape)
    near = places[:8] + 2.9 * np.stack([np.sin(np.arange(8.0)), np.cos(np.arange(8.0))], 1)
    frames = np.stack([film(np.concatenate([places, near]), seed) for seed in range(2)])
    cascade = SPOTS.cascade()
    found = [one.table for one in iter_detections(frames, SPOTS, cascade)]
    wide = [one.table for one in iter_detections(frames, SPOTS, cascade, doubtful=True)]
    for table, candidates in zip(found, wide, strict=True):
        assert np.count_nonzero(table["votes"] == 0) >= 6
        assert len(table) >= len(places) + 6
        chosen = candidates[Sieve(candidates, cascade, SPOTS.zoom)()]
        assert sorted(zip(chosen["y"], chosen["x"], strict=True)) == sorted(zip(table["y"], table["x"], strict=True))


def test_what_moves_during_the_exposure_is_one():
    on_its_way = np.array([32.4, 31.8]) + np.linspace(-1.6, 1.6, 9)[:, None] * np.array([0.8, 0.6])
    places, light = np.concatenate([LONE, on_its_way]), np.append(np.full(len(LONE), LIGHT), np.full(9, LIGHT / 9))
    start = np.concatenate([LONE, on_its_way[4:5]])
    found = fit_particles(film(places, light=light), start, MODEL, 3)
    assert found.parents.tolist() == [*range(len(start))]


@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_a_group_of_four_that_was_found_as_three_is_all_found(angle):
    turns = angle + np.arange(4) * np.pi / 2
    group = np.array([32.4, 31.8]) + 2.7 * np.stack([np.sin(turns), np.cos(turns)], 1)
    start = np.concatenate([LONE, group[:2], group[2:].mean(0, keepdims=True)])
    found = fit_particles(film(np.concatenate([LONE, group])), start, MODEL, 4)
    assert len(found.positions) == len(start) + 1
    away = np.hypot(*(found.positions[:, None] - group).transpose(2, 0, 1))
    assert away.min(0).max() < 0.6


def test_what_the_light_of_a_neighbour_explains_is_no_other():
    """A network that sees three where two are is told so, whichever is too many."""
    both = apart(4.2)
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        seen = np.concatenate([both, both.mean(0, keepdims=True)])[order]
        found = fit_particles(film(np.concatenate([LONE, both])), np.concatenate([LONE, seen]), MODEL, 3)
        assert np.count_nonzero(found.significances > 3) == len(LONE) + 2
        away = np.hypot(*(found.positions[:, None] - both).transpose(2, 0, 1))
        assert away.min(0).max() < 0.5


def test_overlapping_particles_are_fitted_until_they_move_no_more():
    """Each fitted once on what the others' first fits leave ends a tenth of a pixel off."""
    y, x = np.mgrid[:150, :150]
    row = np.array([32.0, 24.3]) + 3.4 * np.arange(5)[:, None] * np.array([0.2, 1.0])
    places = np.concatenate([LONE, row])
    spots = [LIGHT * np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * SIGMA**2)) for a, b in places]
    frame = DARK + sum(spots) + np.random.default_rng(0).normal(0, 0.3, (150, 150))
    found = fit_particles(frame.astype(np.float32), np.concatenate([LONE, row + 0.4]), MODEL, 3)
    np.testing.assert_allclose(found.positions[-5:], row, atol=0.06)
