"""Decoys, what a film asks of particles, and what is tracked together, by examples that were worked out by hand."""

import importlib
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from fakes import PointSeer, frame_with
from napari_growtrack.core.detection import Cascade, Looks, Tracker, decoys
from napari_growtrack.core.detection import cascade as cascades
from napari_growtrack.core.detection.decoys import Noise
from napari_growtrack.core.detection.windows import View, frame_passes, grid, look_at, margin_of
from napari_growtrack.core.errors import GrowtrackWarning
from napari_growtrack.core.films import open_stack

surveying = importlib.import_module("napari_growtrack.core.detection.survey")
detecting = importlib.import_module("napari_growtrack.core.detection.detect")

CASCADE = Cascade(stage=2, screen=1, screen_distance=7, accept_distance=1, merge_distance=4)
FITS = CASCADE.with_(polish=True, least_significance=4.0)


# Noise --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frames", "number"), [(2, 8), (4, 8), (5, 10), (10, 20), (20, 24)])
def test_two_decoys_a_frame_from_eight_to_twenty_four_tell_how_noise_falls(frames, number):
    stands = np.linspace(4.5, 2.0, 40)
    energy = stands[:number] ** 2 / 2
    fall = np.clip((np.sum(energy - energy[-1]) + 1) / number, 1.25, 5)
    once = np.sqrt(2 * (energy[-1] + fall * np.log(number / frames)))
    found = Noise.of(np.random.default_rng(0).permutation(stands), frames)
    assert found == pytest.approx((once, fall), abs=6e-4)
    assert Noise.of(np.append(stands, [np.nan, -1, 0, 12.0, 40]), frames) == found
    assert Noise.of(np.append(stands, 11.9), frames) != found


def test_where_decoys_are_fewer_than_eight_one_is_taken_to_stand_out_by_3_5():
    assert Noise.of(np.array([3.4, 2.0, 1.0]), 2) == Noise.of(np.empty(0), 2)
    energy = np.array([4.5, 4.0, 3.5]) ** 2 / 2
    fall = (np.sum(energy - energy[-1]) + 1) / 3
    once = np.sqrt(2 * (energy[-1] + fall * np.log(3 / 2)))
    assert Noise.of(np.array([1.0, 4.0, 2.0, 4.5]), 2) == pytest.approx((once, fall), abs=6e-4)
    assert Noise.of(np.empty(0), 100).once == pytest.approx(np.sqrt(2 * (3.5**2 / 2 - 1.25 * np.log(100))), abs=1e-3)
    assert Noise.of(np.empty(0), 1e9).once == 0


def test_flat_tails_are_no_noise():
    assert Noise.of(np.geomspace(2, 11, 30), 15).fall == 5
    assert Noise.of(np.linspace(3, 3.1, 30), 15).fall == 1.25


def test_how_often_noise_exceeds_falls_with_half_the_square():
    noise = Noise(4.0, 2.0)
    assert noise.often(np.array([4.0, 6.0, -5.0])) == pytest.approx([1, np.exp(-5), np.exp(4)])
    assert noise.among(100, 10, 6.0) == pytest.approx(10 * np.exp(-5))
    assert noise.among(3, 10, 4.0) == 3
    assert noise.exceeded(np.exp(-5)) == pytest.approx(6)
    assert noise.exceeded(np.exp(9)) == 0


def test_a_q_value_counts_what_stands_out_as_much_itself_too():
    noise = Noise(4.0, 1.0)
    stands, counted = np.array([5.0, 5.0, 6.0, 5.0, 7.0]), np.array([True, True, True, False, False])
    often = noise.often(np.array([5.0, 5.0, 6.0, 5.0, 7.0]))
    expected = np.minimum(often / [3, 3, 1, 4, 1], 1)
    assert decoys.q_values(stands, counted, noise) == pytest.approx(expected)


# Decoys -------------------------------------------------------------------------------------------------------------


def test_pixels_are_free_that_lie_farther_than_half_from_all_places():
    places = np.array([[10.4, 12.6], [-3.0, 30.0], [40.0, 90.0]])
    y, x = np.mgrid[:40, :50]
    expected = np.ones((40, 50), bool)
    for a, b in ((10, 13), (0, 30), (39, 49)):
        expected &= np.hypot(y - a, x - b) > 5
    np.testing.assert_array_equal(decoys.free((40, 50), places, 5.0), expected)
    assert decoys.free((3, 4), np.empty((0, 2)), 5.0).all()


def test_mirrored_frames_are_as_dark_as_they_were_bright_about_the_light_of_what_is_free():
    frame = np.random.default_rng(0).normal(9, 1, (80, 90)).astype(np.float32)
    frame[30:40, 30:40] = 100
    usable = np.ones(frame.shape, bool)
    usable[30:40, 30:40] = False
    light = gaussian_filter(np.where(usable, frame, 0.0), 24) / gaussian_filter(usable.astype(float), 24)
    found = decoys.mirrored(frame, usable)
    np.testing.assert_allclose(found, np.where(usable, 2 * light - frame, 100), rtol=1e-3)
    assert found.dtype == np.float32


def test_pixels_change_places_within_blocks_of_16():
    frame = np.arange(40.0 * 50).reshape(40, 50)
    usable = np.ones(frame.shape, bool)
    usable[5:9, 5:9] = False
    mixed = decoys.shuffled(frame, usable, np.random.default_rng(0))
    for rows in pairwise([0, 16, 32, 48]):
        for columns in pairwise([0, 16, 32, 48, 64]):
            block = np.s_[slice(*rows), slice(*columns)]
            assert sorted(mixed[block].ravel()) == sorted(frame[block].ravel())
            assert (mixed[block] != frame[block]).mean() > 0.5
    np.testing.assert_array_equal(mixed[~usable], frame[~usable])


def test_detections_lie_apart_where_their_pixel_is_free():
    usable = np.zeros((10, 20), bool)
    usable[3, 4] = usable[9, 19] = usable[0, 0] = True
    table = pd.DataFrame({"y": [3.4, 3.6, 2.6, 9.4, 99, -1], "x": [4.4, 4.0, 3.6, 19.3, 99, -2]})
    assert decoys.apart(table, usable).index.tolist() == [0, 2, 3, 4, 5]


@pytest.mark.parametrize("share", [0.01, 0.1])
@pytest.mark.parametrize("kind", ["dim", "bright", "few", "none"])
def test_the_least_significance_is_the_first_level_that_keeps_the_share_and_loses_next_to_nothing(share, kind):
    rng, noise, frames = np.random.default_rng(1), Noise(3.5, 1.4), 8
    found = {
        "dim": np.append(rng.normal(5, 1, 300), np.nan),
        "bright": np.full(200, 30.0),
        "few": np.array([9.0, 6.0]),
        "none": np.empty(0),
    }[kind]
    levels = [1 + 0.05 * k for k in range(220)]
    gains = []
    for level in levels:
        above, often = np.count_nonzero(found >= level - 1e-9) / frames, np.exp((3.5**2 - level**2) / 2.8)
        gains.append(above - 2 * often if often <= share * max(above, 1) else -np.inf)
    expected = next(level for level, gain in zip(levels, gains, strict=True) if gain >= max(gains) - share)
    asked, worst = decoys.least_significance(found, frames, [Noise(3.0, 1.4), noise, Noise(3.2, 1.4)], share)
    assert asked == pytest.approx(expected)
    assert worst is noise


def test_noise_that_no_level_holds_back_asks_for_most():
    assert decoys.least_significance(np.empty(0), 8, [Noise(20.0, 5.0)], 0.01)[0] == 12


# Surveys ------------------------------------------------------------------------------------------------------------


def found_at(*rows):
    return pd.DataFrame(rows, columns=["y", "x", "distance", "significance"])


class Zoomed(PointSeer):
    """Sees windows of 21 px, enlarged twice; it is never asked."""

    zoom, normalisation = 2, "standard"


def test_the_noise_of_frames_is_that_of_their_decoys_apart_from_what_is_sure(monkeypatch):
    rng, asked = np.random.default_rng(0), []
    frames = [rng.normal(size=(40, 40)) for _ in range(2)]
    sure = found_at((10, 10, 0.5, 9.0), (30, 30, 0.5, 6.0), (5, 30, 0.5, 5.9))
    ghosts = found_at(*((35, 3 + k, 0.25, 4.5 - 0.1 * k) for k in range(12)), (11, 11, 0.25, 11.0))

    def find_each(frames, network, cascade, full_scale):
        asked.append((len(frames), cascade.least_significance, full_scale))
        return [sure if any(frame is one for one in whole) else ghosts for frame in frames]

    whole = frames
    monkeypatch.setattr(surveying, "find_each", find_each)
    cascade = FITS.with_(false_share=0.02, doubt=1.0)
    found = surveying.with_noise_of([*frames, np.ones((40, 40))], Zoomed(), cascade, 7.0)
    assert asked == [(2, 0, 7), *[(1, 0, 7)] * 10]  # a mirrored and four shuffled ones of each that varies
    share = decoys.free((40, 40), np.array([[10.0, 10.0]]), 21 / 4).mean()
    stands = np.array([4.5 - 0.1 * k for k in range(12)]) - 0.5  # half a pixel of the enlarged frame off
    kinds = [Noise.of(np.tile(stands, 2), 2 * share), Noise.of(np.tile(stands, 8), 8 * share)]
    least, worst = decoys.least_significance(np.tile([8.0, 5.0, 4.9], 2), 2, kinds, 0.02)
    assert (found.least_significance, found.noise, found.false_share) == (least, worst, 0.02)


def test_frames_full_of_particles_and_constant_ones_tell_nothing(monkeypatch):
    y, x = np.mgrid[5:40:6, 5:40:6].reshape(2, -1)
    full = found_at(*((a, b, 0.1, 9.0) for a, b in zip(y, x, strict=True)))
    monkeypatch.setattr(surveying, "find_each", lambda frames, *_: [full for _ in frames])
    cascade = FITS.with_(false_share=0.02)
    assert surveying.with_noise_of([np.eye(40)], Zoomed(), cascade) is cascade
    assert surveying.with_noise_of([np.ones((40, 40))], Zoomed(), cascade) is cascade


@pytest.mark.parametrize(
    ("shape", "times"), [((40, 40), 4), ((500, 500), 2), ((400, 400), 3), ((600, 600), 1), ((900, 900), 1)]
)
def test_small_frames_are_shuffled_up_to_four_times(monkeypatch, shape, times):
    shuffled = []
    monkeypatch.setattr(surveying, "find_each", lambda frames, *_: [found_at() for _ in frames])
    monkeypatch.setattr(decoys, "shuffled", lambda frame, *_: shuffled.append(1) or frame)
    monkeypatch.setattr(decoys, "mirrored", lambda frame, *_: frame)
    frame = np.zeros(shape, np.float32)
    frame[0, 0] = 1
    surveying.with_noise_of([frame], Zoomed(), FITS.with_(false_share=0.02))
    assert len(shuffled) == times


@pytest.mark.parametrize(
    ("shape", "numbers", "read"),
    [
        ((30, 300, 300), range(30), [0, 6, 12, 17, 23, 29]),
        ((30, 9, 9), range(30), [0, 4, 8, 12, 17, 21, 25, 29]),
        ((30, 800, 800), range(10, 30), [10, 29]),
        ((3, 9, 9), range(3), [0, 1, 2]),
    ],
)
def test_half_a_million_pixels_are_looked_at_in_two_to_eight_frames(monkeypatch, shape, numbers, read):
    class Film:
        ndim, dtype = 3, np.dtype("f4")

        def __init__(self):
            self.shape, self.read = shape, []

        def __getitem__(self, number):
            self.read.append(number)
            return np.full(shape[1:], 1, np.float32)

    film, seen = Film(), []
    monkeypatch.setattr(surveying, "with_noise_of", lambda frames, *_: seen.extend(frames) or CASCADE)
    found = surveying.survey(open_stack(film), Zoomed(), FITS.with_(false_share=0.02), "inverted", numbers)
    assert found == ("inverted", CASCADE)
    assert film.read == read
    assert all((one == -1).all() for one in seen)
    kept = FITS.with_(false_share=0.02)
    assert surveying.survey(open_stack(film), Zoomed(), kept, "normal", []) == ("normal", kept)
    assert surveying.survey(open_stack(film), Zoomed(), FITS, "normal", numbers) == ("normal", FITS)


@pytest.mark.parametrize(
    ("normal", "inverted", "frames", "more"),
    [(1, 4, 1, True), (1, 3, 1, False), (0, 2, 1, False), (0, 3, 1, True), (0, 3, 2, True), (0, 2, 2, False)],
)
def test_a_negative_shows_far_more_where_thrice_as_much_and_three_a_frame(monkeypatch, normal, inverted, frames, more):
    def find_each(frames, *_):
        return [range(normal if frame[0, 0] > 0 else inverted) for frame in frames]

    monkeypatch.setattr(surveying, "find_each", find_each)
    film = [frame_with((0, 0)) for _ in range(frames)]
    assert surveying.shows_more_inverted([*film, np.ones((9, 9))], Zoomed(), CASCADE) == more
    assert not surveying.shows_more_inverted([np.ones((9, 9))], Zoomed(), CASCADE)


def test_only_networks_of_normalised_frames_look_at_the_contrast(monkeypatch):
    looked = []
    monkeypatch.setattr(surveying, "shows_more_inverted", lambda frames, *_: looked.append(len(frames)) or True)
    film = open_stack(np.stack([frame_with((t, t)) for t in range(7)]))
    with pytest.warns(GrowtrackWarning, match="the negative is tracked"):
        assert surveying.resolved_contrast(film, Zoomed(), CASCADE, "auto", range(7)) == "inverted"
    assert surveying.resolved_contrast(film, PointSeer(), CASCADE, "auto", range(7)) == "normal"
    assert surveying.resolved_contrast(film, Zoomed(), CASCADE, "auto", []) == "normal"
    assert surveying.resolved_contrast(film, Zoomed(), CASCADE, "normal", range(7)) == "normal"
    assert looked == [2]


# Cascades -----------------------------------------------------------------------------------------------------------


def test_films_that_are_enlarged_ask_for_five_standard_errors_and_what_never_fitted_stays():
    for cascade, times, least in ((FITS, 1.0, 4.0), (FITS, 1.1, 5.0), (FITS.with_(least_significance=7.0), 2.0, 7.0)):
        asked = cascade.for_films(times)
        assert (asked.least_significance, asked.false_share, asked.noise) == (least, 0.01, None)
    assert CASCADE.with_(least_significance=4.0).for_films(2.0).false_share == 0
    open_gate = FITS.with_(least_significance=0.0)
    assert open_gate.for_films(1.0) is open_gate
    assert open_gate.for_films(2.0).least_significance == 5


def test_a_film_is_surveyed_where_it_is_fitted_a_share_is_kept_and_its_noise_unknown():
    share = FITS.with_(false_share=0.01)
    assert share.surveys
    assert not FITS.surveys
    assert not share.with_(noise=Noise(3.0, 2.0)).surveys
    assert not share.with_(polish=False).surveys


def test_the_share_of_windows_that_were_passed_on_counts_every_window():
    for step in (None, 5):
        cascade = CASCADE.with_(step=step)
        (seen,) = cascades.sight_each([frame_with((30, 40), shape=(60, 81))], PointSeer(), cascade)
        wide = step or 4
        ys, xs = grid(60, wide), grid(81, wide)
        assert (len(ys), len(xs)) == (-(-60 // wide), -(-81 // wide))
        spot = 2 * np.round((np.array([30, 40]) - np.stack(np.meshgrid(ys, xs, indexing="ij"), -1)) / 2)
        near = np.hypot(*np.moveaxis(spot, -1, 0)) < 7
        assert seen.passed == pytest.approx(near.mean())


def test_q_values_count_what_is_near_enough_at_its_distance():
    looks = Looks(np.zeros((3, 2)), np.zeros((3, 2)), np.array([0.2, 0.2, 0.6]), np.ones(3))
    found = np.full((3, len(cascades.FOUND)), np.nan)
    found[:, 1] = 6.0, 5.0, 7.0
    cascade = FITS.with_(noise=Noise(4.0, 1.0), doubt=1.0)
    told = cascades._with_q(looks, found, cascade, 2.0)[:, -1]
    often = Noise(4.0, 1.0).often(np.array([5.6, 4.6, 5.8]))
    assert told == pytest.approx(np.minimum(often / [1, 2, 1], 1))
    found[:, -1] = np.nan
    assert np.isnan(cascades._with_q(looks, found, FITS, 2.0)[:, -1]).all()


def test_what_is_told_of_detections_is_sorted_from_top_to_bottom():
    looks = Looks(np.zeros((3, 2)), np.array([[5.0, 9], [2, 3], [5, 4]]), np.array([0.1, 0.2, 0.3]), np.ones(3))
    found = np.arange(33.0).reshape(3, 11)
    table = cascades.table(looks, np.array([1, 2, 3]), found)
    assert table[["y", "x"]].to_numpy().tolist() == [[2, 3], [5, 4], [5, 9]]
    assert table["votes"].tolist() == [2, 3, 1]
    assert table["sigma"].tolist() == [11, 22, 0]
    assert table["q"].tolist() == [21, 32, 10]


class Fitter(PointSeer):
    """Fits nothing away from where it is, and remembers what it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def fit(self, frame, positions, farthest):
        self.asked.append(len(positions))
        return positions, np.full(len(positions), 0.1), np.full(len(positions), 9.0)


def test_doubtful_ones_are_up_to_twice_as_far_and_fitted_beside_those_that_are_kept():
    class FarSeer(Fitter):
        def _one(self, pixels, stage):
            seen = super()._one(pixels, stage)
            spots = np.argwhere(pixels.reshape(21, 21) == 1)
            more = 1.5 if len(spots) > 1 else 0.0
            return seen + np.array([0, 0, more])

    frame, cascade = frame_with((10, 10), (12, 16), (40, 40)), FITS.with_(accept_distance=1.0)
    network = FarSeer()
    (seen,) = cascades.sight_each([frame], network, cascade, doubtful=True)
    assert sorted(map(tuple, seen.table[["y", "x"]].to_numpy())) == [(10, 10), (12, 16), (40, 40)]
    assert network.asked == [1, 2]
    network.asked.clear()
    assert len(cascades.sight_each([frame], network, cascade)[0].table) == 1
    near = cascade.with_(accept_distance=0.7)
    assert len(cascades.sight_each([frame], network, near, doubtful=True)[0].table) == 1


# Windows, frames together, streams ----------------------------------------------------------------------------------


def test_windows_reach_over_the_edge_as_far_as_votes_and_shifts_need():
    network = PointSeer()
    assert margin_of(network) == 11
    assert margin_of(network, 2) == 13
    assert margin_of(network, 3, ((0, 0), (3, -1))) == 18


def test_every_window_of_a_square_of_votes_is_where_it_says():
    frame = np.random.default_rng(0).normal(size=(40, 44)).astype(np.float32)
    network = PointSeer()

    class CentreSeer(PointSeer):
        def _one(self, pixels, stage):
            return np.array([0.0, 0.0, pixels[len(pixels) // 2]])

    shifts = ((0, 0), (2, -1))
    view = View.of(frame, margin_of(network, 3, shifts))
    centres = [np.array([[20, 20], [12, 30]]), np.array([[25, 9]])]
    for batch in (1, 2, 3, 256):
        found = look_at([view, view], centres, CentreSeer(), 1, 3, shifts, batch)
        for one, some in zip(found, centres, strict=True):
            assert len(one) == len(some) * 18
            rows, columns = one.centres.astype(int).T
            np.testing.assert_array_equal(one.distances, frame[rows, columns])
            around = [
                (a + c + p, b + d + q) for a, b in some for c, d in shifts for p in (-4, 0, 4) for q in (-4, 0, 4)
            ]
            assert one.centres.tolist() == [list(place) for place in around]


def test_frames_of_one_size_are_answered_together_as_many_as_fit(monkeypatch):
    stacks = []

    class Counter(PointSeer):
        def answer(self, images, stage):
            stacks.append(len(images))
            return super().answer(images, stage)

    frames = [frame_with((9, 9 + t)) for t in range(5)]
    views = [View.of(frame, 11) for frame in frames]
    alone = [frame_passes([view], PointSeer(), 2)[0] for view in views]
    one = (4 * 14 + 21) * (4 * 19 + 21)
    for pixels, expected in ((2 * one, [2, 2, 1]), (2 * one - 1, [1] * 5), (5 * one, [5]), (1, [1] * 5)):
        stacks.clear()
        monkeypatch.setattr("napari_growtrack.core.detection.windows.TOGETHER", pixels)
        together = frame_passes(views, Counter(), 2)
        assert stacks == expected
        for mine, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(mine.positions, other.positions)


@pytest.mark.parametrize(("shape", "frames"), [((100, 100), 8), ((256, 256), 4), ((512, 512), 1), ((2000, 2000), 1)])
def test_so_many_frames_are_tracked_at_once(shape, frames):
    assert detecting.at_once(shape) == frames


def test_frames_count_from_the_end_too_and_one_that_is_not_there_is_refused():
    film = np.stack([frame_with((9, 9 + t)) for t in range(4)])
    assert [one.frame for one in detecting.iter_detections(film, PointSeer(), CASCADE, [-1, -4, 2])] == [3, 0, 2]
    for number in (4, -5):
        with pytest.raises(IndexError):
            list(detecting.iter_detections(film, PointSeer(), CASCADE, [number]))


def test_of_all_that_is_listed_only_what_is_accepted_tells_of_particles():
    table = pd.DataFrame({"distance": [0.4, 0.6, 0.4, 0.4], "significance": [9.0, 9.0, 4.5, 4.9]})
    cascade, network = FITS.with_(doubt=1.0), Zoomed()
    assert detecting._surely(table, network, cascade).index.tolist() == [0, 3]
    assert detecting._surely(table, network, cascade.with_(polish=False)).index.tolist() == [0, 2, 3]


def test_the_time_of_a_typical_frame_is_the_median():
    some = [detecting.FrameDetections(t, pd.DataFrame(), seconds) for t, seconds in enumerate((9.0, 0.2, 0.1))]
    assert detecting.median_milliseconds(some) == pytest.approx(200)
    assert detecting.median_milliseconds([]) == 0


def test_tables_are_joined_and_none_is_an_empty_one():
    some = [pd.DataFrame({"y": [1.0]}), pd.DataFrame({"y": []}), pd.DataFrame({"y": [2.0]})]
    assert detecting.collect(some).y.tolist() == [1, 2]
    assert detecting.collect([], ["y", "z"]).columns.tolist() == ["y", "z"]


def test_a_stream_is_warmed_up_by_looking_wide_and_then_as_it_will():
    network = Fitter()
    tracker = Tracker(network, CASCADE)
    tracker.warm_up((40, 40), 2)
    assert sum(network.windows_asked.values()) > 3 * 100
    assert tracker.frames == 0
    assert tracker.latency == (0, 0, 0)
    tracker(frame_with((9, 9)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tracker(frame_with((9, 9))).frame.tolist() == [1]
    tracker._milliseconds.extend([0.0] * 98)
    times = np.array(tracker._milliseconds)
    assert tracker.latency == pytest.approx((np.median(times), np.percentile(times, 99), 100))
