"""From frames to detections, with a fake network of a few lines."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from fakes import PointSeer, frame_with
from napari_growtrack.core.detection import (
    Cascade,
    Looks,
    Sieve,
    Tracker,
    detect,
    find,
    find_each,
    frame_pass,
    iter_detections,
    window_scan,
)
from napari_growtrack.core.detection.calibrate import (
    Calibrated,
    Calibration,
    Pair,
    all_pairs,
    calibrate,
    screening_distance,
)
from napari_growtrack.core.detection.cascade import FOUND, accept, table
from napari_growtrack.core.detection.merge import agree, gather, merge
from napari_growtrack.core.detection.metrics import Judged
from napari_growtrack.core.errors import GrowtrackWarning, NetworkFileError, SettingsError, StackError
from napari_growtrack.core.films.normalisation import normalise, without_hot_pixels, without_stripes
from napari_growtrack.core.simulation import draw, named_scene, simulate_frame
from napari_growtrack.core.tables import DETECTION_COLUMNS, MEASURES

RECENTRED = Cascade(stage=2, screen=1, screen_distance=7, accept_distance=1, merge_distance=4, votes=2)
ONE_LOOK = RECENTRED.with_(looks=1, votes=1)
FAITHFUL = RECENTRED.with_(faithful=True, accept_distance=6)
SPOTS = [(10, 12), (30, 40), (30, 52), (50, 70)]
MANY_LOOKS = RECENTRED.with_(looks=4)
WAYS = [RECENTRED, ONE_LOOK, MANY_LOOKS, FAITHFUL, FAITHFUL.with_(step=5), RECENTRED.with_(screen=2)]
SHAPES = [(60, 80), (80, 61), (21, 21), (20, 35), (7, 90), (2, 3)]


@pytest.mark.parametrize("cascade", WAYS)
def test_every_cascade_finds_every_spot_once(cascade):
    found = find(frame_with(*SPOTS), PointSeer(), cascade)
    assert sorted(map(tuple, found[["y", "x"]].to_numpy())) == SPOTS


@pytest.mark.parametrize("corner", [(0, 0), (0, 79), (59, 0), (59, 79), (0, 33), (31, 79)])
@pytest.mark.parametrize("cascade", WAYS)
def test_spots_on_the_very_edge_are_found(cascade, corner):
    found = find(frame_with(corner), PointSeer(), cascade)
    assert found[["y", "x"]].to_numpy().tolist() == [list(corner)]


class OddSeer(PointSeer):
    step = 3


@pytest.mark.parametrize("cascade", WAYS)
@pytest.mark.parametrize("votes", [1, 2, 3])
def test_an_odd_step_finds_spots_where_they_are(cascade, votes):
    found = find(frame_with(*SPOTS), OddSeer(), cascade.with_(votes=votes))
    assert sorted(map(tuple, found[["y", "x"]].round(6).to_numpy())) == SPOTS


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cascade", WAYS)
def test_frames_of_any_shape_are_tracked(cascade, shape):
    spot = (shape[0] // 2, shape[1] // 3)
    found = find(frame_with(spot, shape=shape), PointSeer(), cascade)
    assert found[["y", "x"]].to_numpy().tolist() == [list(spot)]


@pytest.mark.parametrize("cascade", WAYS)
def test_an_empty_frame_gives_an_empty_table(cascade):
    found = find(frame_with(), PointSeer(), cascade)
    assert found.columns.tolist() == [*DETECTION_COLUMNS[1:]]
    assert found.empty


@pytest.mark.parametrize("shape", SHAPES)
def test_the_frame_pass_equals_the_window_scan(shape):
    frame = np.random.default_rng(3).choice([0, 1], shape, p=[0.97, 0.03]).astype(np.float32)
    at_once, one_by_one = frame_pass(frame, PointSeer(), 2), window_scan(frame, PointSeer(), 2)
    np.testing.assert_array_equal(at_once.centres, one_by_one.centres)
    np.testing.assert_array_equal(at_once.positions, one_by_one.positions)
    np.testing.assert_array_equal(at_once.distances, one_by_one.distances)


@pytest.mark.parametrize(("shape", "step"), [((60, 80), 4), ((61, 7), 4), ((20, 20), 5), ((1, 1), 4)])
def test_no_pixel_is_farther_than_half_a_step_from_a_window(shape, step):
    centres = window_scan(np.zeros(shape, np.float32), PointSeer(), 1, step).centres
    for axis in (0, 1):
        gaps = np.abs(np.arange(shape[axis])[:, None] - np.unique(centres[:, axis])).min(1)
        assert gaps.max() <= step / 2


def test_the_cascade_looks_once_a_particle_with_the_expensive_stage():
    network = PointSeer()
    find(frame_with(*SPOTS), network, RECENTRED)
    assert network.windows_asked[2] == len(SPOTS) * RECENTRED.looks * RECENTRED.votes**2


def looks_at(positions, distances, scales=None, centres=None):
    positions = np.asarray(positions, float).reshape(-1, 2)
    n = len(positions)
    return Looks(
        np.zeros((n, 2)) if centres is None else centres,
        positions,
        np.asarray(distances, float),
        np.ones(n) if scales is None else np.asarray(scales, float),
    )


def test_merging_keeps_the_surest_of_neighbours():
    looks = looks_at([[5, 5], [6, 5], [20, 20], [5, 9.5]], [2, 1, 3, 4])
    assert merge(looks, 3).tolist() == [1, 2, 3]


@pytest.mark.parametrize("radius", [0.5, 5, 100])
@pytest.mark.parametrize("number", [1, 2, 300])
def test_merging_keeps_in_order_of_sureness_whatever_no_surer_one_is_near(number, radius):
    rng = np.random.default_rng(number)
    looks = looks_at(rng.uniform(0, 60, (number, 2)), rng.uniform(0, 9, number))
    kept = []
    for i in np.argsort(looks.distances):
        if all(np.hypot(*(looks.positions[i] - looks.positions[k])) > radius for k in kept):
            kept.append(i)
    assert merge(looks, radius).tolist() == kept


def test_merging_nothing_keeps_nothing():
    assert merge(looks_at([], []), 3).size == 0
    assert gather(looks_at([], []), 3).shape == (0, 2)


def test_looks_that_agree_are_gathered_where_the_confident_ones_say():
    looks = looks_at([[5, 5], [6, 5], [20, 20]], [2, 1, 3], scales=[1, 3, 1])
    np.testing.assert_allclose(gather(looks, 3), [[5.1, 5], [20, 20]])


def test_a_vote_for_another_particle_is_left_out():
    looks = looks_at([[1.0, 0.0], [1.2, 0.0], [9.0, 0.0]], [1.1, 1.1, 9.0])
    common, votes = agree(looks, 3, radius=2)
    assert votes.tolist() == [2]
    np.testing.assert_allclose(common.positions, [[1.1, 0]])


def test_votes_count_by_their_confidence():
    common, _ = agree(looks_at([[0, 0], [1, 0]], [0, 1], scales=[1, 2]), 2, radius=2)
    np.testing.assert_allclose(common.positions, [[0.2, 0]])
    np.testing.assert_allclose(common.scales, [0.8**0.5])


def test_votes_that_believe_nothing_is_there_leave_a_large_distance():
    assert agree(looks_at([[0.5, 0], [0.6, 0]], [8, 8]), 2, 2)[0].distances[0] > 7


def test_a_threshold_is_not_itself_accepted_and_a_sieve_says_the_same():
    looks = looks_at([[5, 5], [20, 20]], [1.5, 2.0])
    cascade = RECENTRED.with_(accept_distance=2.0)
    assert accept(looks, np.array([60, 80]), cascade).tolist() == [0]
    candidates = table(looks, np.ones(2, int), np.ones((2, len(FOUND)))).assign(frame=0)
    assert Sieve(candidates, cascade)().tolist() == [True, False]


def test_a_distance_below_nothing_is_told_as_none():
    told = table(looks_at([[5, 5], [20, 20]], [-0.3, 0.4]), np.ones(2, int), np.ones((2, len(FOUND))))
    assert told.distance.tolist() == [0, 0.4]


def test_a_screen_above_the_stage_is_refused():
    with pytest.raises(SettingsError, match="expected a screening stage up to 1, got 2"):
        RECENTRED.with_(stage=1, screen=2)


class Nonsense(PointSeer):
    """Answers what weights that overflow, or that are damaged, make of a window."""

    def __init__(self, column, number):
        super().__init__()
        self.column, self.number = column, number

    def answer(self, images, stage):
        answers = super().answer(images, stage)
        answers = np.concatenate([answers, np.zeros((*answers.shape[:3], 1))], -1)
        answers[..., self.column] = self.number
        return answers


@pytest.mark.parametrize("column", [0, 1, 2, 3])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e10, -1e10, 3e38])
def test_a_network_whose_answers_are_no_places_is_refused_in_a_sentence(column, number):
    with pytest.raises(NetworkFileError, match=r"answers are no places.*grow it again"):
        find(frame_with(*SPOTS), Nonsense(column, number), RECENTRED)


@pytest.mark.parametrize("number", [-40, 40])
def test_a_network_may_be_as_sure_or_as_doubtful_as_numbers_can_say(number):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(find(frame_with(*SPOTS), Nonsense(3, number), RECENTRED)).to_numpy()[:, :4].all()


# Calibration ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    frames = []
    for t in range(6):
        spots = [] if t == 0 else [(int(y), int(x)) for y in (15, 45) for x in rng.integers(5, 75, 1)]
        frames.append((frame_with(*spots), pd.DataFrame(spots, columns=["y", "x"], dtype=float)))
    return frames


@pytest.mark.parametrize("pair", all_pairs(2))
def test_calibrated_thresholds_find_everything_and_nothing_else(samples, pair):
    (calibrated,) = calibrate(PointSeer(), samples, [pair])
    assert calibrated.score == 1
    for frame, truth in samples:
        assert len(find(frame, PointSeer(), calibrated.cascade)) == len(truth)


def test_pairs_screen_with_earlier_stages_only():
    assert all(pair.screen <= pair.stage for pair in all_pairs(4))
    assert len(all_pairs(4)) == 20


def test_calibration_on_frames_without_particles_still_gives_thresholds():
    nothing = [(frame_with(), pd.DataFrame({"y": [], "x": []}))]
    (calibrated,) = calibrate(PointSeer(), nothing, [Pair(2, 1)])
    assert calibrated.cascade.accept_distance > 0


# Films ------------------------------------------------------------------------------------------------------------


def test_detections_have_frame_numbers_and_trackpys_columns():
    found = detect(
        np.stack([frame_with(SPOTS[0]), 0.5 * frame_with(SPOTS[1]), frame_with(*SPOTS[1:3])]), PointSeer(), RECENTRED
    )
    assert found.columns.tolist() == [*DETECTION_COLUMNS]
    assert found.frame.tolist() == [0, 2, 2]


class LongSeer(PointSeer):
    """Fits everything as if it were long, each in a way of its own."""

    def fit(self, frame, positions, farthest):
        number = len(positions)
        measures = np.ones((number, len(MEASURES)))
        measures[:, MEASURES.index("axis_ratio")] = positions[:, 1] / 8
        return positions, np.full(number, 0.1), np.full(number, 9.0), measures


def test_detections_that_look_like_edges_are_told_of_once_at_the_end():
    film = np.stack([frame_with(*SPOTS)] * 12)
    cascade = RECENTRED.with_(polish=True)
    with pytest.warns(GrowtrackWarning, match="edges, lines, texture or halos") as told:
        found = detect(film, LongSeer(), cascade, contrast="normal")
    assert len(told) == 1
    assert found.axis_ratio.max() > 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detect(film[:2], LongSeer(), cascade, contrast="normal")


def test_a_film_without_particles_gives_an_empty_table_with_columns():
    film = np.random.default_rng(0).uniform(0, 0.5, (2, 60, 60))
    found = detect(film, PointSeer(), RECENTRED)
    assert found.columns.tolist() == [*DETECTION_COLUMNS]
    assert found.empty


def test_only_the_frames_asked_for_are_read():
    class Film:
        shape, dtype, ndim, read = (5, 60, 80), np.dtype("f4"), 3, []

        def __getitem__(self, i):
            self.read.append(i)
            return frame_with(SPOTS[0])

    detect(Film(), PointSeer(), RECENTRED, frames=[3, 1])
    assert Film.read == [3, 1]


BAD_FILMS = {
    "wrong dimensions": (np.zeros((2, 3, 40, 40)), StackError, r"4"),
    "colour": (np.zeros((40, 40, 3), np.uint8), StackError, "colour"),
    "no frames": (np.zeros((0, 40, 40)), StackError, "without frames"),
    "NaN": (np.full((1, 40, 40), np.nan), StackError, "Frame 0 of array holds 1600 NaN or infinite pixels"),
}


@pytest.mark.parametrize(("film", "error", "sentence"), BAD_FILMS.values(), ids=BAD_FILMS)
def test_bad_films_are_refused_in_a_sentence(film, error, sentence):
    with pytest.raises(error, match=sentence):
        detect(film, PointSeer(), RECENTRED)


def test_a_constant_frame_is_named_and_the_others_are_tracked():
    film = np.stack([np.full((60, 80), 7.0), frame_with(SPOTS[0])])
    with pytest.warns(GrowtrackWarning, match=r"Frame 0 of array is constant \(every pixel is 7\): nothing to find"):
        found = detect(film, PointSeer(), RECENTRED)
    assert found.frame.tolist() == [1]


def test_frames_smaller_than_a_window_are_tracked_with_a_warning():
    with pytest.warns(GrowtrackWarning, match="15 x 18 px, smaller than the network's 21 px window"):
        found = detect(frame_with((7, 8), shape=(15, 18)), PointSeer(), RECENTRED)
    assert found[["y", "x"]].to_numpy().tolist() == [[7, 8]]


def test_a_film_opened_by_its_path_is_closed_again(tmp_path, monkeypatch):
    import tifffile

    from napari_growtrack.core.films import TiffStack

    closed = []
    monkeypatch.setattr(TiffStack, "_release", lambda self: closed.append(self.name))
    tifffile.imwrite(tmp_path / "film.tif", np.stack([frame_with(SPOTS[0])] * 3), photometric="minisblack")
    detect(tmp_path / "film.tif", PointSeer(), RECENTRED)
    assert closed == ["film.tif"]


def test_a_run_that_is_closed_early_has_given_what_was_done():
    film = np.stack([frame_with(SPOTS[0])] * 5)
    steps = iter_detections(film, PointSeer(), RECENTRED)
    done = [next(steps), next(steps)]
    steps.close()
    assert [one.frame for one in done] == [0, 1]
    assert all(len(one.table) == 1 for one in done)


def test_a_unit_network_sees_whites_of_any_number_type_as_one():
    for kind, white in {"u1": 255, "u2": 65535, "f4": 1, "?": 1}.items():
        found = detect((white * frame_with(SPOTS[0])).astype(kind), PointSeer(), RECENTRED)
        assert found[["y", "x"]].to_numpy().tolist() == [list(SPOTS[0])], kind


# Tiles, several frames, streams -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(60, 80), (61, 23), (20, 170)])
@pytest.mark.parametrize("tile", [3, 7])
def test_tiles_answer_as_the_whole_frame(monkeypatch, shape, tile):
    frame = np.random.default_rng(3).choice([0, 1], shape, p=[0.97, 0.03]).astype(np.float32)
    whole = frame_pass(frame, PointSeer(), 2)
    monkeypatch.setattr("napari_growtrack.core.detection.windows.TILE", tile)
    tiled = frame_pass(frame, PointSeer(), 2)
    np.testing.assert_array_equal(tiled.centres, whole.centres)
    np.testing.assert_array_equal(tiled.positions, whole.positions)
    np.testing.assert_array_equal(tiled.distances, whole.distances)


@pytest.mark.parametrize("cascade", WAYS)
def test_frames_tracked_together_are_tracked_as_each_alone(cascade):
    frames = [frame_with(*SPOTS[:n]) for n in (4, 0, 1, 2)]
    together = find_each(frames, PointSeer(), cascade)
    for frame, found in zip(frames, together, strict=True):
        pd.testing.assert_frame_equal(found, find(frame, PointSeer(), cascade))


def test_frames_of_any_sizes_are_tracked_together_and_none_too():
    frames = [frame_with(SPOTS[0]), frame_with((7, 8), shape=(30, 22)), frame_with(*SPOTS)]
    tables = find_each(frames, PointSeer(), RECENTRED)
    assert [len(table) for table in tables] == [1, 1, 4]
    assert find_each([], PointSeer(), RECENTRED) == []


def test_windows_are_cut_out_only_when_their_batch_is_due(monkeypatch):
    network, batches = PointSeer(), []
    answer = network.answer
    monkeypatch.setattr(network, "answer", lambda images, stage: batches.append(len(images)) or answer(images, stage))
    one_by_one = window_scan(frame_with(*SPOTS), network, 2, batch=100)
    assert max(batches) == 100
    np.testing.assert_array_equal(one_by_one.positions, window_scan(frame_with(*SPOTS), network, 2).positions)


def test_frames_count_from_the_first_even_when_asked_for_from_the_last():
    film = np.stack([frame_with(SPOTS[0])] * 5)
    assert detect(film, PointSeer(), RECENTRED, frames=[-1, 0]).frame.tolist() == [4, 0]


def test_a_cascade_that_fits_needs_a_network_that_can():
    with pytest.raises(SettingsError, match="does not know what its particles look like"):
        find(frame_with(*SPOTS), PointSeer(), RECENTRED.with_(polish=True))


def test_a_frame_with_nan_is_refused():
    with pytest.raises(StackError, match="NaN"):
        find(np.full((30, 30), np.nan), PointSeer(), RECENTRED)


def test_thresholds_need_samples():
    with pytest.raises(SettingsError, match="simulated frames, and there are none"):
        next(calibrate(PointSeer(), [], [Pair(2, 1)]))


class FittingSeer(PointSeer):
    """Fits to the spot's own pixel plus a quarter, as significant as it is told."""

    significance = 9.0

    def fit(self, frame, positions, farthest):
        n = len(positions)
        return np.rint(positions) + 0.25, np.full(n, 0.1), np.full(n, self.significance)


@pytest.mark.parametrize(("significance", "found"), [(9.0, 4), (3.0, 0), (np.nan, 0)])
def test_fitted_particles_have_to_stand_out(significance, found):
    network = FittingSeer()
    network.significance = significance
    cascade = RECENTRED.with_(polish=True, least_significance=5, doubt=1, polished_sigma_factor=2)
    table = find(frame_with(*SPOTS), network, cascade)
    assert len(table) == found
    np.testing.assert_allclose(table.sigma, 0.2)
    np.testing.assert_allclose(table.y % 1, 0.25)


def test_a_network_that_fits_gets_both_kinds_of_thresholds(samples):
    noise = [(frame_with(), samples[0][1])]
    (calibrated,) = calibrate(FittingSeer(), samples * 10, [Pair(2, 1)], noise)
    assert calibrated.unpolished is None  # a quarter of a pixel off is worse than the network's own answer
    assert not calibrated.cascade.polish


@pytest.mark.parametrize(("frames", "a_frame"), [(1000, 5.0), (400, 0.5), (100, 40.0)])
def test_the_least_significance_is_what_noise_exceeds_once_in_a_hundred_frames(frames, a_frame):
    rng = np.random.default_rng(3)
    levels = []
    for _ in range(40):  # ghosts as a Rayleigh tail has them: exp(-s^2/2) of them above s
        ghosts = np.sqrt(2 * rng.exponential(size=rng.poisson(frames * a_frame)))
        nothing = np.full(len(ghosts), np.inf)
        levels.append(Judged(np.zeros(len(ghosts)), ghosts, nothing, nothing[:, None], 0, frames).noise(doubt=0.0))
    expected = max(np.sqrt(2 * np.log(100 * a_frame)), 3.2)
    assert 0.97 < np.median(levels) / expected < 1.09  # rather too much than too little


def test_doubt_counts_against_a_ghosts_significance():
    ghosts = np.linspace(3, 5, 50)
    nothing = np.full(50, np.inf)
    far = Judged(np.full(50, 2.0), ghosts, nothing, nothing[:, None], 0, 50)
    near = replace(far, distances=np.zeros(50), significances=ghosts - 1)
    assert far.noise(doubt=0.5) == pytest.approx(near.noise(doubt=0.5))


def test_thresholds_are_those_of_the_fit_unless_it_is_left_out():
    fitted, plain = RECENTRED.with_(polish=True), RECENTRED.with_(accept_distance=0.5)
    calibration = Calibration(pairs=(Calibrated(cascade=fitted, score=0.9, unpolished=plain),))
    assert calibration.cascade(2) == fitted
    assert calibration.cascade(2, polish=False) == plain


def test_frames_before_an_unreadable_one_are_kept():
    film = np.stack([frame_with(SPOTS[0])] * 5)
    film[3] = np.nan
    steps = iter_detections(film, PointSeer(), RECENTRED)
    assert [next(steps).frame for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StackError, match="Frame 3"):
        next(steps)


def test_a_tracker_tracks_a_stream_as_a_film_and_tells_its_latency():
    film = np.stack([frame_with(*SPOTS[:n]) for n in (1, 0, 2, 4)])
    tracker = Tracker(PointSeer(), RECENTRED)
    assert tracker.latency == (0, 0, 0)
    tables = [tracker(frame) for frame in film]
    with pytest.warns(GrowtrackWarning, match="constant"):
        pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), detect(film, PointSeer(), RECENTRED))
    assert tracker.latency.frames == 4
    assert 0 < tracker.latency.median <= tracker.latency.percentile_99


@pytest.mark.parametrize("frame", [np.zeros((3, 4, 5)), np.full((9, 9), np.nan), np.zeros((0, 4))])
def test_a_tracker_refuses_what_is_no_frame(frame):
    tracker = Tracker(PointSeer(), RECENTRED)
    with pytest.raises(StackError):
        tracker(frame)


# Contrast ---------------------------------------------------------------------------------------------------------


class SpotSeer(PointSeer):
    """Sees pixels that stand six spreads above the mean."""

    normalisation = "standard"

    def _one(self, pixels, stage):
        return super()._one((pixels > 4).astype(float), stage)


def disc(*spots):
    """A grey frame with bright discs three pixels wide, and noise."""
    frame = np.random.default_rng(0).normal(0, 0.05, (60, 80))
    for y, x in spots:
        frame[y - 1 : y + 2, x - 1 : x + 2] += [[0.6, 1, 0.6], [1, 1.4, 1], [0.6, 1, 0.6]]
    return frame.astype(np.float32)


def test_a_film_of_dark_particles_is_tracked_as_its_negative():
    film = -np.stack([disc(*SPOTS)] * 3)
    cascade = RECENTRED.with_(accept_distance=3)
    with pytest.warns(GrowtrackWarning, match="the negative is tracked"):
        found = detect(film, SpotSeer(), cascade)
    assert found.groupby("frame").size().tolist() == [4, 4, 4]
    assert detect(film, SpotSeer(), cascade, contrast="normal").empty
    pd.testing.assert_frame_equal(found, detect(-film, SpotSeer(), cascade))


def test_the_negative_of_a_unit_film_reaches_from_0_to_1():
    film = 255 - np.stack([255 * frame_with(*SPOTS)] * 2).astype("u1")
    found = detect(film, PointSeer(), RECENTRED, contrast="inverted")
    assert found.groupby("frame").size().tolist() == [4, 4]
    assert len(Tracker(PointSeer(), RECENTRED, inverted=True)(film[0])) == 4


def test_the_first_and_the_middle_frame_tell_the_contrast():
    nothing = disc()
    film = np.stack([-disc(*SPOTS) if t in (0, 4) else nothing for t in range(9)])
    with pytest.warns(GrowtrackWarning, match="the negative is tracked"):
        found = detect(film, SpotSeer(), RECENTRED.with_(accept_distance=3))
    assert sorted(set(found.frame)) == [0, 4]


def test_an_unknown_contrast_is_refused():
    with pytest.raises(SettingsError, match="Expected a contrast of auto, normal, inverted, got 'dark'"):
        detect(np.stack([disc()]), SpotSeer(), RECENTRED, contrast="dark")


def test_a_film_that_shows_nothing_either_way_is_not_inverted():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert detect(np.stack([disc()] * 2), SpotSeer(), RECENTRED).empty


# Normalisation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "offset", "kind"), [(1, 0, "f4"), (200, 50, "u1"), (-3, 100, "f4"), (9000, 400, "u2")]
)
def test_gain_and_offset_of_the_camera_do_not_matter(gain, offset, kind):
    frame = np.random.default_rng(0).integers(0, 2, (30, 30))
    scaled = (gain * frame + offset).astype(kind)
    np.testing.assert_allclose(normalise(scaled), np.sign(gain) * normalise(frame.astype("f4")), atol=1e-4)


def test_unit_frames_are_divided_by_the_full_scale_and_floats_are_as_they_are():
    frame = np.random.default_rng(0).integers(0, 256, (30, 30))
    scaled = normalise(frame, "unit", 255.0)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, frame / 255, rtol=1e-6)
    np.testing.assert_array_equal(normalise(frame, "unit"), frame)


@pytest.mark.parametrize("value", [0, 0.1, -3, 65535])
def test_a_constant_frame_becomes_zeros(value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not normalise(np.full((30, 30), value, np.float32)).any()


@pytest.mark.parametrize("value", [9.0, -9.0, 65535.0])
def test_hot_and_dead_pixels_are_mended_and_nothing_else(value):
    frame = disc(*SPOTS)
    spoiled = frame.copy()
    hot = [(5, 5), (0, 0), (59, 40), (31, 60)]
    for pixel in hot:
        spoiled[pixel] = value
    mended = without_hot_pixels(spoiled)
    changed = {tuple(pixel) for pixel in np.argwhere(mended != frame).tolist()}
    assert changed <= set(hot)
    assert np.abs(mended - frame).max() < 0.4


def test_particles_are_not_mended_away():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        picture = draw(named_scene("table42").with_(snr=100), (120, 120), rng, 6)
        frame = simulate_frame(picture, rng)
        assert without_hot_pixels(frame) is frame


# Screening ------------------------------------------------------------------------------------------------------------


def test_a_particle_between_windows_is_passed_on_however_few_showed_that():
    near = looks_at([(10, 10)] * 3, [2.0, 2.5, 3.0])
    truths = [np.array([(10.0, 10.0)])]
    assert screening_distance([near], truths, within=4, far=20) == pytest.approx(1.05 * 2)
    assert screening_distance([near], truths, within=4, far=20, step=8) == pytest.approx(1.05 * 4 * np.sqrt(2))


@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_of_a_sensor_are_taken_away_and_light_stays(axis):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:150, :200]
    light = 100 + 0.1 * y + 30 * np.exp(-((y - 60) ** 2 + (x - 90) ** 2) / 20)
    noise = rng.normal(0, 3, light.shape)
    stripes = np.expand_dims(rng.normal(0, 2, light.shape[1 - axis]), axis)
    mended = without_stripes(light + noise + stripes)
    changed = mended - light - noise
    assert np.std(changed) < 0.4 * np.std(stripes)
    particle, around = changed[58:63, 88:93], changed[50:70, 80:100]
    assert abs(particle.mean() - around.mean()) < 0.02 * 30


@pytest.mark.parametrize("blur", [0.0, 1.5, 4.0])
def test_frames_without_stripes_stay_as_they_are(blur):
    rng = np.random.default_rng(1)
    frame = gaussian_filter(rng.normal(0, 3, (150, 200)), blur).astype(np.float32)
    assert without_stripes(frame) is frame
    assert without_stripes(np.zeros((150, 200), np.float32)).max() == 0
    few = rng.normal(size=(20, 300)).astype(np.float32)
    assert without_stripes(few) is few
