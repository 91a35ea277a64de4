"""Trajectories are corrected by hand."""

import pandas as pd
import pytest

import napari_growtrack as gt
from napari_growtrack.core.errors import LinkingError, TableError

FRAMES = {3: range(5), 4: range(5, 9), 7: range(2, 6)}


@pytest.fixture
def film():
    rows = [(frame, 5.0 + frame, 5.0, particle) for particle, frames in FRAMES.items() for frame in frames]
    return pd.DataFrame(rows, columns=["frame", "y", "x", "particle"]).assign(sigma=0.1).sort_values("frame")


def frames_of(table):
    return {particle: sorted(rows["frame"]) for particle, rows in table.groupby("particle")}


def test_others_stay_as_they_are_when_some_are_deleted(film):
    before = film.copy()
    left = gt.delete(film, [3, 7])
    pd.testing.assert_frame_equal(left, film[film["particle"] == 4].reset_index(drop=True))
    pd.testing.assert_frame_equal(film, before)


def test_the_second_part_of_a_split_gets_a_new_number(film):
    parts = frames_of(gt.split(film, 3, 2))
    assert parts[3] == [0, 1]
    assert parts[8] == [2, 3, 4]
    assert parts[4] == [*FRAMES[4]]


@pytest.mark.parametrize("frame", [0, 5, 99])
def test_a_split_where_nothing_is_on_one_side_is_refused(film, frame):
    with pytest.raises(LinkingError, match=r"lasts from frame 0 to 4: .* Go to a frame from 1 to 4\."):
        gt.split(film, 3, frame)


def test_joined_trajectories_keep_the_number_of_the_first(film):
    assert frames_of(gt.join(film, [4, 3])) == {3: [*range(9)], 7: [*FRAMES[7]]}


def test_a_single_detection_may_be_the_first_that_is_joined():
    film = pd.DataFrame({"frame": [1, 0, 2], "y": 1.0, "x": 1.0, "particle": [2, 9, 2]})
    assert gt.join(film, [2, 9]).particle.tolist() == [9, 9, 9]


def test_what_is_joined_can_be_split_again(film):
    again = gt.split(gt.join(film, [3, 4]), 3, 5)
    assert sorted(map(tuple, frames_of(again).values())) == sorted(tuple(frames) for frames in FRAMES.values())


def test_particles_of_the_same_frame_are_not_joined(film):
    with pytest.raises(LinkingError, match="Trajectories 3 and 7 are both in frame 2"):
        gt.join(film, [3, 7])


def test_one_trajectory_is_not_joined(film):
    with pytest.raises(LinkingError, match="Expected two trajectories or more to join, got 1"):
        gt.join(film, [3, 3])


@pytest.mark.parametrize(
    "act", [lambda f: gt.delete(f, [1]), lambda f: gt.split(f, 1, 2), lambda f: gt.join(f, [1, 3])]
)
def test_a_trajectory_that_is_not_there_is_named(film, act):
    with pytest.raises(LinkingError, match=r"There is no trajectory 1\."):
        act(film)


def test_detections_that_are_not_linked_are_refused(film):
    with pytest.raises(TableError, match="missing particle"):
        gt.delete(film.drop(columns="particle"), [3])
