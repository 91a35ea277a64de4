"""What is found on simulated frames is judged, gathered and explained as worked examples say."""

import numpy as np
import pandas as pd
import pytest

from fakes import PointSeer, frame_with
from napari_growtrack.core.detection import Cascade, Looks, evidence, metrics
from napari_growtrack.core.detection.calibrate import (
    Calibrated,
    Calibration,
    _best_threshold,
    _far,
    _needed,
    all_pairs,
    screening_distance,
)
from napari_growtrack.core.detection.cascade import _near, _stay, polished, standing, standing_out
from napari_growtrack.core.detection.merge import agree, gather, merge
from napari_growtrack.core.detection.metrics import Judged, with_errors
from napari_growtrack.core.errors import SettingsError

CASCADE = Cascade(stage=2, screen=1, screen_distance=7, accept_distance=1, merge_distance=4)


def looks_at(positions, distances, scales=None, centres=None):
    positions = np.asarray(positions, float).reshape(-1, 2)
    n = len(positions)
    return Looks(
        np.zeros((n, 2)) if centres is None else np.asarray(centres, float),
        positions,
        np.asarray(distances, float),
        np.ones(n) if scales is None else np.asarray(scales, float),
    )


# Judged -------------------------------------------------------------------------------------------------------------


def judged(distances, significances, errors, particles=10, frames=4):
    errors = np.array(errors, float)
    pulls = np.column_stack([errors, -errors])
    return Judged(np.array(distances, float), np.array(significances, float), errors, pulls, particles, frames)


def test_the_score_counts_precision_double():
    found = judged([0.1] * 4, [9] * 4, [0.5, 1.5, np.inf, 0.7])
    precision, recall = 3 / 4, 3 / 10
    assert found.score == pytest.approx(1.25 * precision * recall / (0.25 * precision + recall))
    assert found.median_error == pytest.approx(0.7)
    nothing = judged([], [], [], particles=0)
    assert nothing.score == 0
    assert nothing.median_error == np.inf


def test_thresholds_accept_what_is_near_and_stands_out_for_its_distance():
    found = judged([0.5, 1.0, 0.9, 0.5, 0.5], [5.0, 9.0, 5.3, 4.9, np.nan], [1, 2, 3, 4, 5])
    kept = found.within(1.0, 4.5, 1.0)
    assert kept.errors.tolist() == [1]
    assert (kept.particles, kept.frames) == (10, 4)
    assert kept.significances.tolist() == [5]
    assert kept.pulls.tolist() == [[1, -1]]
    assert found.within(1.0).errors.tolist() == [1, 3, 4, 5]
    assert found.within(9.0, 5.0).errors.tolist() == [1, 2, 3]


def test_pulls_of_fifty_numbers_have_a_spread_and_of_fewer_none():
    rng = np.random.default_rng(0)
    pulls = 3 * rng.normal(size=(200, 2))
    errors = np.ones(200)
    errors[150:] = np.inf
    pulls[150:] = 1e3
    pulls[0] = np.nan
    found = Judged(errors, errors, errors, pulls, 1, 1)
    low, high = np.percentile(pulls[1:150].ravel(), (16, 84))
    assert found.spread == pytest.approx((high - low) / 2)
    few = Judged(*(one[:25] for one in (errors, errors, errors)), pulls[1:26], 1, 1)
    assert few.spread != 1
    assert Judged(*(one[:25] for one in (errors, errors, errors)), pulls[:25], 1, 1).spread == 1
    alike = Judged(*(one[:30] for one in (errors, errors, errors)), np.ones((30, 2)), 1, 1)
    assert alike.spread == 1e-3


def test_noise_asks_for_what_it_exceeds_once_in_a_hundred_frames_and_for_nothing_where_it_never_stands_out():
    ghosts = np.linspace(3, 5, 40)
    found = judged(np.zeros(40), ghosts, np.full(40, np.inf), frames=20)
    assert found.noise(0.0) == pytest.approx(metrics.Noise.of(ghosts, 20).exceeded(0.01))
    far = judged(np.full(40, 2.0), ghosts, np.full(40, np.inf), frames=20)
    assert far.noise(0.5) == pytest.approx(metrics.Noise.of(ghosts - 1, 20).exceeded(0.01))
    assert far.noise(2.6) == 0
    assert judged([], [], []).noise(1.0) == 0


def test_detections_are_compared_with_the_truth_in_pixels_of_the_film():
    class Zoomed(PointSeer):
        zoom, window = 2.0, 21

    truth = pd.DataFrame({"y": [10.0, 10.0, 40.0, 60.0], "x": [10.0, 15.0, 40.0, 60.0]})
    found = pd.DataFrame(
        {
            "y": [40.3, 10.0, 80.0, 64.9],
            "x": [40.4, 10.5, 80.0, 60.0],
            "distance": [0.1, 0.2, 0.3, 0.4],
            "sigma": [0.1, 0.1, 0.1, 0.5],
            "significance": [9.0, 8.0, 7.0, 6.0],
        }
    )
    distances, significances, errors, pulls = metrics._compared(found, truth, Zoomed())
    assert distances.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert significances.tolist() == [9, 8, 7, 6]
    assert errors == pytest.approx([0.5, 0.5, np.inf, 4.9])
    assert pulls[0] == pytest.approx([3, 4])
    assert np.isnan(pulls[1]).all()  # another lies 5 px beside it, less than half a window of 21 / 2
    assert np.isinf(pulls[2]).all()
    assert pulls[3] == pytest.approx([9.8, 0])
    truth.loc[1, "x"] = 15.3
    assert metrics._compared(found, truth, Zoomed())[3][1] == pytest.approx([0, 5])
    for empty in (metrics._compared(found[:0], truth, Zoomed()), metrics._compared(found, truth[:0], Zoomed())):
        assert not np.isfinite(empty[2]).any()


class NoisyFitter(PointSeer):
    """Answers a little off, fits better, and sees ghosts that stand out less."""

    fit_error = 0.1

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def answer(self, images, stage):
        answers = super().answer(images, stage)
        off = self.rng.normal(0, 0.3, answers.shape)
        off[..., 2] = 0
        return answers + np.where(answers[..., 2:] < 8, off, 0)

    def fit(self, frame, positions, farthest):
        true = np.argwhere(frame == 1)
        n = len(positions)
        if not len(true):
            return positions, np.full(n, 0.1), np.full(n, 2.0)
        nearest = true[np.hypot(*(positions[:, None] - true).transpose(2, 0, 1)).argmin(1)]
        return nearest + self.rng.normal(0, self.fit_error, (n, 2)), np.full(n, 0.05), np.full(n, 9.0)


@pytest.fixture
def samples():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(40):
        spots = [(int(y), int(rng.integers(5, 75))) for y in (12, 46)]
        found.append((frame_with(*spots), pd.DataFrame(spots, columns=["y", "x"], dtype=float)))
    return found


def test_a_cascade_fits_where_that_helps_and_knows_both_errors(samples):
    plain, fitted = with_errors(NoisyFitter(), samples, [], CASCADE.with_(accept_distance=4))
    assert not plain.polish
    assert plain.looks == 2
    assert fitted is not None
    cascade = fitted.cascade
    assert cascade.polish
    assert cascade.looks == 1  # a second one does not pay
    assert cascade.polished_sigma_factor == pytest.approx(2, rel=0.2)  # twice as far off as the fit says
    assert plain.sigma_factor == pytest.approx(0.3, rel=0.15)
    assert fitted.score == pytest.approx(1)
    assert cascade.accept_distance == 4  # the loosest of what is as good
    assert (cascade.least_significance, cascade.doubt) == (0, 1)


def test_a_fit_that_is_worse_or_a_network_that_finds_too_little_is_not_used(samples):
    worse = NoisyFitter()
    worse.fit_error = 0.6
    assert with_errors(worse, samples, [], CASCADE.with_(accept_distance=4))[1] is None
    blind = NoisyFitter()
    some = [*samples[:1], *((frame_with(), truth) for _, truth in samples[1:])]
    assert with_errors(blind, some, [], CASCADE.with_(accept_distance=4))[1] is None
    assert with_errors(PointSeer(), samples, [], CASCADE.with_(accept_distance=4))[1] is None


# Thresholds ---------------------------------------------------------------------------------------------------------


def test_what_stands_out_pays_for_its_distance():
    assert standing(np.array([5.0, 3.0]), np.array([2.0, 0.0]), 0.5).tolist() == [4, 3]
    significances, distances = np.array([5.0, 4.9, np.nan, 9.0]), np.array([2.0, 2.0, 0.0, 11.0])
    assert standing_out(significances, distances, 4.0, 0.5).tolist() == [True, False, False, False]
    assert standing_out(significances, distances, 0.0, 9.0).all()


def test_the_best_threshold_is_in_the_middle_of_those_that_are_as_good():
    score, distance = _best_threshold(np.array([0.5, 1.0]), np.array([4.0]), 2)
    assert score == 1
    assert distance == pytest.approx(2)  # from 1 to 4
    score, distance = _best_threshold(np.array([1.0, 1.0]), np.empty(0), 4)
    assert score == pytest.approx(1.25 * 2 / (2 + 1))
    assert distance == pytest.approx(np.sqrt(1.0 * 2.0))  # half as far again, and a half
    assert _best_threshold(np.array([0.0, 1e-3]), np.array([0.2]), 2)[1] == pytest.approx(np.sqrt(0.05 * 0.2))
    assert _best_threshold(np.empty(0), np.empty(0), 3) == (0, 1)
    many = np.linspace(1, 2, 100)
    score, distance = _best_threshold(many, np.array([1.5]), 100)
    assert score == pytest.approx(1.25 * 100 / (101 + 25))
    assert distance == pytest.approx(np.sqrt(2 * (1.5 * 2 + 0.5)))


def test_a_surest_look_that_catches_each_particle_tells_what_is_needed():
    looks = looks_at([[10, 10], [10, 13], [30, 30], [90, 90]], [2.0, 1.5, 4.0, 0.1], centres=np.zeros((4, 2)))
    truth = np.array([[10.0, 11.0], [30.0, 35.0], [30.0, 30.0], [60.0, 60.0]])
    assert _needed(looks, truth, 5).tolist() == [1.5, 4, 4]
    assert _needed(looks, truth, 1.9).tolist() == [2, 4]
    assert _needed(looks, truth[:0], 5).size == _needed(looks[:0], truth, 5).size == 0


def test_windows_far_from_any_particle_show_nothing():
    looks = looks_at(np.zeros((3, 2)), [1.0, 2.0, 3.0], centres=[[0, 0], [0, 10], [0, 11]])
    assert _far(looks, np.array([[0.0, 0.0]]), 10).tolist() == [3]
    assert _far(looks, np.empty((0, 2)), 10).tolist() == [1, 2, 3]


def test_the_screening_distance_passes_98_of_100_and_at_most_one_in_a_hundred_windows_of_nothing():
    n = 101
    near = np.column_stack([np.arange(n) * 100.0, np.zeros(n)])
    looks = looks_at(near, np.linspace(2, 4, n), centres=near)
    truths = [near.copy()]
    assert screening_distance([looks], truths, 5, 20) == pytest.approx(1.05 * 3.96)
    assert screening_distance([looks], truths, 5, 20, step=6) == pytest.approx(1.05 * 6 / np.sqrt(2))
    nothing = looks_at(near, np.linspace(3, 5, n), centres=near)
    both, none = [looks, nothing], [near, np.empty((0, 2))]
    assert screening_distance(both, none, 5, 20) == pytest.approx(3.02)
    assert screening_distance([nothing], [np.empty((0, 2))], 5, 20) == pytest.approx(3.02)
    assert screening_distance([looks_at(near, np.full(n, 0.1), centres=near)], truths, 5, 20) == 1


def test_of_many_stages_a_dozen_screen_and_each_for_itself():
    pairs = all_pairs(23)
    assert {pair.screen for pair in pairs if pair.stage == 23} == {*range(1, 24, 2)}
    assert {pair.screen for pair in pairs if pair.stage == 4} == {1, 3, 4}
    assert [tuple(pair) for pair in all_pairs(2)] == [
        (stage, screen, faithful) for faithful in (False, True) for stage, screen in ((1, 1), (2, 1), (2, 2))
    ]


def test_the_first_stage_that_screens_within_three_percent_of_the_best_screens():
    def of(screen, score, faithful=False, stage=3):
        cascade = CASCADE.with_(stage=stage, screen=screen, faithful=faithful)
        return Calibrated(cascade=cascade, score=score)

    every = Calibration(pairs=(of(3, 0.9), of(2, 0.871), of(1, 0.869), of(1, 1.0, True), of(1, 1.0, stage=2)))
    assert every.cascade(3).screen == 2
    assert every.cascade(3, 1).screen == 1
    assert every.cascade(3, faithful=True).faithful
    assert every.cascade(3, polish=False).screen == 2
    for asked, sentence in (
        ((4,), "stage 4. "),
        ((2, 2), "stage 2 screened by stage 2. "),
        ((2, None, True), "stage 2"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            every.cascade(*asked)


# Merging ------------------------------------------------------------------------------------------------------------


def kept_one_by_one(positions, distances, radius):
    """Return what is kept, surest first, and to which of those each goes: the surest within the radius."""
    kept, owners = [], np.empty(len(positions), int)
    for i in np.argsort(distances, kind="stable"):
        near = [n for n, k in enumerate(kept) if ((positions[i] - positions[k]) ** 2).sum() <= radius**2]
        if not near:
            near = [len(kept)]
            kept.append(i)
        owners[i] = near[0]
    return kept, owners


@pytest.mark.parametrize("radius", [0.5, 3.0, 20.0, 1e3])
@pytest.mark.parametrize("spread", [(60, 60), (5, 300), (300, 5), (0, 40), (5000, 5000)])
def test_looks_go_to_the_surest_within_the_radius_wherever_they_lie(radius, spread):
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 1, (250, 2)) * spread - (7, 3)
    distances, scales = rng.uniform(0, 9, 250).round(1), rng.uniform(0.5, 2, 250)
    looks = looks_at(positions, distances, scales)
    kept, owners = kept_one_by_one(positions, distances, radius)
    assert merge(looks, radius).tolist() == kept
    weights = scales**-2
    expected = [np.average(positions[owners == n], axis=0, weights=weights[owners == n]) for n in range(len(kept))]
    np.testing.assert_allclose(gather(looks, radius), expected, rtol=1e-6, atol=1e-6)


def test_votes_agree_about_their_median_and_their_distance_is_what_they_believe_beyond_it():
    positions = [[10.0, 10.0], [10.0, 11.0], [10.0, 10.4], [10.0, 17.0]]
    centres = [[10.0, 8.0], [10.0, 9.0], [10.0, 13.0], [10.0, 12.0]]
    common, votes = agree(looks_at(positions, [2.5, 2.5, 3.0, 9.0], [1, 2, 1, 0.1], centres), 4, 2.0)
    weights = np.array([1, 0.25, 1])
    x = (10 + 0.25 * 11 + 10.4) / 2.25
    assert votes.tolist() == [3]
    assert common.positions[0] == pytest.approx([10, x])
    assert common.scales[0] == pytest.approx(weights.sum() ** -0.5)
    assert common.centres[0] == pytest.approx([10, 10.5])
    assert common.distances[0] == pytest.approx((2.5 - abs(x - 8) + 2.5 - abs(x - 9) + 3.0 - abs(x - 13)) / 3)


def test_votes_that_do_not_agree_at_all_count_all_and_none_is_nearer_than_nothing():
    common, votes = agree(looks_at([[0, 0], [9, 0], [0, 9], [9, 9]], [1.0] * 4, [1, 2, 1, 1]), 4, 2.0)
    assert votes.tolist() == [4]
    assert common.positions[0] == pytest.approx([(9 / 4 + 9) / 3.25, 18 / 3.25])
    assert agree(looks_at([[5, 0], [5, 0]], [1.0, 1.0]), 2, 2.0)[0].distances[0] == 0
    exactly = agree(looks_at([[0, 0], [4, 0]], [0.0, 4.0]), 2, 2.0)[1]
    assert exactly.tolist() == [2]


# After the fit ------------------------------------------------------------------------------------------------------


def test_near_ones_are_those_with_another_within_the_radius():
    places, others = np.array([[0.0, 0], [0, 5], [0, 9]]), np.array([[0.0, 2.0], [0, 99]])
    assert _near(places, others, 3.0).tolist() == [0, 1]
    assert _near(places, others[:0], 3.0).size == _near(places[:0], others, 3.0).size == 0


def test_of_two_upon_each_other_the_surer_stays_unless_it_is_the_second_of_a_place():
    looks = looks_at([[10, 10], [10, 11.9], [40, 40], [40, 41], [70, 70]], [0.5, 0.4, 0.3, 0.3, 0.1])
    votes, stands = np.array([4, 4, 4, 0, 0]), np.array([9.0, 9, 9, 9, 5.0])
    cascade = CASCADE.with_(polish=True, least_significance=5, doubt=1)
    assert sorted(_stay(looks, votes, stands, cascade, 2.0).tolist()) == [1, 2, 3]
    assert sorted(_stay(looks, votes, stands, cascade, 2.2).tolist()) == [0, 1, 2, 3]
    assert 4 in _stay(looks, votes, stands, cascade.with_(doubt=0), 2.0)


def test_a_fit_tells_places_errors_and_second_ones_and_where_it_failed_the_networks_errors_stay():
    class Splitter(PointSeer):
        def fit(self, frame, positions, farthest):
            self.farthest = farthest
            places = np.concatenate([positions + 0.5, positions[1:2] - 3])
            measures = np.arange(24.0).reshape(3, 8)
            return places, np.array([0.1, np.nan, 0.3]), np.array([9.0, 8, 7]), measures, np.array([0, 1, 1])

    network, looks = Splitter(), looks_at([[10, 10], [30, 30]], [0.2, 0.4])
    found = np.full((2, 11), np.nan)
    found[:, 0] = 0.7, 0.8
    cascade = CASCADE.with_(polished_sigma_factor=2.0)
    (looks, votes, found), parents = polished(np.zeros((50, 50)), network, cascade, looks, np.array([3, 4]), found)
    assert looks.positions.tolist() == [[10.5, 10.5], [30.5, 30.5], [27, 27]]
    assert looks.distances.tolist() == [0.2, 0.4, 0.4]
    assert votes.tolist() == [3, 4, 0]
    assert parents.tolist() == [0, 1, 1]
    assert found[:, 0] == pytest.approx([0.2, 0.8, 0.6])
    assert found[:, 1].tolist() == [9, 8, 7]
    assert found[2, 2:10].tolist() == [16, 17, 18, 19, 20, 21, 22, 23]
    assert np.isnan(found[:, 10]).all()
    assert network.farthest == 4


# Evidence -----------------------------------------------------------------------------------------------------------


def spectrum(image):
    """Return mean power and number of frequencies by rings of the whole plane of frequencies."""
    height, width = image.shape
    window = np.outer(*(np.sin(np.pi * np.arange(1, n + 1) / (n + 1)) ** 2 for n in (height, width)))
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    ring = np.minimum((64 * frequency).astype(int), 63).ravel()
    number = np.bincount(ring)
    return (np.bincount(ring, power.ravel()) / np.maximum(number, 1))[number > 0], number[number > 0]


@pytest.mark.parametrize("shape", [(40, 50), (41, 50), (40, 51), (33, 35)])
def test_evidence_is_half_of_what_the_logarithm_of_each_rings_power_falls_by(shape):
    rng = np.random.default_rng(0)
    left = rng.normal(100, 3, shape)
    frame = left.copy()
    frame[10, 12:15] += 60
    (before, number), (after, _) = spectrum(frame), spectrum(left)
    expected = 0.5 * (number * np.log(before / after)).sum()
    assert number.sum() == shape[0] * shape[1]
    assert evidence.evidence(frame, left, 0) == pytest.approx(expected, rel=1e-6)
    assert evidence.evidence(frame, left, 5) == pytest.approx(expected - 40, rel=1e-6)


def test_frames_that_show_nothing_have_no_evidence_but_what_particles_cost():
    even = np.full((30, 30), 7.0)
    assert evidence.evidence(even, even, 3) == -24
    spots = even.copy()
    spots[15, 15] += 1
    explained = evidence.evidence(spots, even, 1)
    (before, number) = spectrum(spots)
    floor = 1e-12 * before.max()
    assert explained == pytest.approx(0.5 * (number * np.log((before + floor) / floor)).sum() - 8)
