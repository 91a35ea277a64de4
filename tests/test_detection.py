"""From frames to detections, with a fake network of a few lines."""

import warnings

import numpy as np
import pytest

from fakes import PointSeer, frame_with
from napari_growtrack.core.detection import Cascade, Looks, detect, find, frame_pass, iter_detections, window_scan
from napari_growtrack.core.detection.calibrate import Pair, all_pairs, calibrate
from napari_growtrack.core.detection.merge import agree, merge
from napari_growtrack.core.errors import GrowtrackWarning, SettingsError, StackError
from napari_growtrack.core.normalisation import normalise

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
    assert found.columns.tolist() == ["y", "x", "distance", "votes"]
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


def test_merging_keeps_the_surest_of_neighbours():
    looks = Looks(np.zeros((4, 2)), np.array([[5, 5], [6, 5], [20, 20], [5, 9.5]]), np.array([2.0, 1.0, 3.0, 4.0]))
    assert merge(looks, 3).tolist() == [1, 2, 3]


def test_merging_many_keeps_what_merging_few_would(monkeypatch):
    rng = np.random.default_rng(0)
    looks = Looks(np.zeros((300, 2)), rng.uniform(0, 60, (300, 2)), rng.uniform(0, 9, 300))
    by_table = merge(looks, 5)
    monkeypatch.setattr("napari_growtrack.core.detection.merge._FEW", 10)
    assert merge(looks, 5).tolist() == by_table.tolist()


def test_merging_nothing_keeps_nothing():
    assert merge(Looks(np.empty((0, 2)), np.empty((0, 2)), np.empty(0)), 3).size == 0


def test_a_vote_for_another_particle_is_left_out():
    centres = np.zeros((3, 2))
    looks = Looks(centres, np.array([[1.0, 0.0], [1.2, 0.0], [9.0, 0.0]]), np.array([1.1, 1.1, 9.0]))
    common, votes = agree(looks, 3, radius=2)
    assert votes.tolist() == [2]
    np.testing.assert_allclose(common.positions, [[1.1, 0]])


def test_votes_that_believe_nothing_is_there_leave_a_large_distance():
    looks = Looks(np.zeros((2, 2)), np.array([[0.5, 0], [0.6, 0]]), np.array([8.0, 8.0]))
    assert agree(looks, 2, 2)[0].distances[0] > 7


def test_a_screen_above_the_stage_is_refused():
    with pytest.raises(SettingsError, match="expected a screening stage up to 1, got 2"):
        RECENTRED.with_(stage=1, screen=2)


# Calibration ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples():
    import pandas as pd

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
    import pandas as pd

    nothing = [(frame_with(), pd.DataFrame({"y": [], "x": []}))]
    (calibrated,) = calibrate(PointSeer(), nothing, [Pair(2, 1)])
    assert calibrated.cascade.accept_distance > 0


# Films ------------------------------------------------------------------------------------------------------------


def test_detections_have_frame_numbers_and_trackpys_columns():
    found = detect(
        np.stack([frame_with(SPOTS[0]), 0.5 * frame_with(SPOTS[1]), frame_with(*SPOTS[1:3])]), PointSeer(), RECENTRED
    )
    assert found.columns.tolist() == ["frame", "y", "x", "distance", "votes"]
    assert found.frame.tolist() == [0, 2, 2]


def test_a_film_without_particles_gives_an_empty_table_with_columns():
    film = np.random.default_rng(0).uniform(0, 0.5, (2, 60, 60))
    found = detect(film, PointSeer(), RECENTRED)
    assert found.columns.tolist() == ["frame", "y", "x", "distance", "votes"]
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

    from napari_growtrack.core.stacks import TiffStack

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
