"""Radii, steps, gaps and sentences of linking, on tables of a few rows."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import LinkingError, SettingsError
from napari_growtrack.core.linking import (
    Linkage,
    Linking,
    drop_doubtful,
    iter_linkage,
    link,
    provenance_of,
    repeated_frames,
    repeats,
    suggest_radius,
)
from napari_growtrack.core.linking.radius import _lengths, _wide_enough, is_cut, rim_share
from napari_growtrack.core.progress import finish
from napari_growtrack.core.tables import PROGRAM

module = import_module("napari_growtrack.core.linking.link")  # the package has a function of that name


def points_of(*rows):
    return pd.DataFrame(rows, columns=["frame", "y", "x"])


# Trackpy's linker ----------------------------------------------------------------------------------------------------


def test_moves_are_those_of_one_particle_from_a_step_to_the_next():
    table = pd.DataFrame({"particle": [1, 1, 1, 2, 2], "y": [0.0, 3, 9, 9, 9], "x": [0.0, 4, 9, 9, 10], "frame": 0})
    assert module._moves(table, np.array([0, 1, 3, 4, 5])).tolist() == [5, 1]  # none over a gap, nor to another
    assert sorted(module._moves(table, np.array([2, 0, 1, 5, 4]))) == pytest.approx([1, np.hypot(6, 5), np.hypot(9, 9)])


def test_empty_steps_count_as_long_as_something_is_remembered():
    starts, ends, gaps = module._parts(np.array([3, 3, 5, 9]), 1)
    assert (starts.tolist(), ends.tolist(), gaps.tolist()) == ([0, 2, 3], [2, 3, 4], [0, 1, 2])
    assert module._parts(np.array([0, 9]), 99)[2].tolist() == [0, 8]
    with pytest.raises(LinkingError, match=r"memory of 300,000 frames .* 299,999 frames .* below 100,000 frames"):
        module._parts(np.array([0, 300_000]), 300_000)


@pytest.mark.parametrize("linker", ["trackpy", "evidence"])
def test_relatives_are_gone_and_rows_come_by_frames(linker):
    table = points_of((2, 5.2, 5), (0, 5, 5), (1, 5.1, 5)).assign(parent=4, child=7, note=["c", "a", "b"])
    linked = link(table, Linking(linker=linker, min_length=1, most_false=1))
    assert linked["note"].tolist() == ["a", "b", "c"]
    assert not {"parent", "child"} & {*linked}
    assert linked["particle"].nunique() == 1


def test_what_is_cut_short_and_false_is_counted():
    """One particle of six frames, one of two."""
    rows = [*((frame, 0.1 * frame, 0) for frame in range(6)), (0, 90, 0), (1, 90.1, 0)]
    linkage = finish(iter_linkage(points_of(*rows), Linking(search_radius=3)))
    assert (linkage.short, linkage.false, linkage.cut, linkage.frames) == (1, 0, False, 6)
    assert linkage.linking.memory == 0
    none = finish(iter_linkage(points_of(*rows), Linking(linker="evidence", most_false=1e-300)))
    assert (len(none.trajectories), none.short, none.false) == (0, 0, 2)
    assert finish(iter_linkage(points_of(*rows)[:0], Linking(search_radius=3))).cut is False


@pytest.mark.parametrize(("linker", "parts"), [("trackpy", 4), ("evidence", 16)])
def test_the_time_left_is_that_of_the_pace_so_far(monkeypatch, linker, parts):
    """By a clock that shows 100 s at first, and 103 s from then on."""
    shown = iter([100.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(shown, 103.0))
    told = [*iter_linkage(points_of(*((frame, 0, 0) for frame in range(4))), Linking(linker=linker))]
    assert [step.fraction for step in told] == pytest.approx([(done + 1) / parts for done in range(parts)])
    assert [step.seconds_left for step in told] == pytest.approx(
        [3 * (parts - done) / done for done in range(1, parts + 1)]
    )


@pytest.mark.parametrize("wrong", [{"most_false": 0}, {"most_false": 1.01}, {"min_length": 0}, {"memory": -1}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Linking(**wrong)
    assert Linking(most_false=1, min_length=1, memory=0).linker == "trackpy"


def test_a_linkage_says_what_was_left_out():
    empty = points_of()
    linkage = Linkage(empty, Linking(), 9, np.array([1, 3]), short=1, cut=False, false=1)
    assert linkage.left_out == (
        "2 of 9 frames repeat the one before and are left out; the others keep their numbers. "
        "1 trajectory dropped that may be false. 1 trajectory of fewer than 3 detections dropped."
    )
    more = Linkage(empty, Linking(), 9, np.empty(0, int), short=2, cut=False, false=3)
    assert more.left_out == (
        "3 trajectories dropped that may be false. 2 trajectories of fewer than 3 detections dropped."
    )
    assert Linkage(empty, Linking(), 9, np.empty(0, int), short=0, cut=False).left_out == ""
    chances = pd.DataFrame({"link_chance": [0.89, 0.9, 0.95, np.nan]})
    sure = Linkage(chances[1:], Linking(), 9, np.empty(0, int), 0, False)
    doubtful = Linkage(chances, Linking(), 9, np.empty(0, int), 0, False)
    assert (sure.doubts, doubtful.doubts) == ("", "1 of 3 links are less sure than 90% (link_chance).")


def test_how_trajectories_were_made_is_told_beside_them():
    linkage = Linkage(points_of(), Linking(search_radius=4), 9, np.array([1, 3]), short=5, cut=False, false=7)
    told = provenance_of(linkage, "spots", {}, {"pixel_size": 0.1, "frame_time": None, "name": "film"}, 1.5, None)
    assert told.pop("version")
    assert told.pop("linking")["search_radius"] == 4
    assert told == {
        "program": PROGRAM, "pixel_size": 0.1, "detections": "spots", "detected": None, "repeated_frames": 2,
        "short_trajectories": 5, "false_trajectories": 7, "warning": None, "max_distance": 1.5,
        "min_significance": None,
    }  # fmt: skip
    cut = Linkage(points_of(), Linking(search_radius=4), 9, np.array([]), short=5, cut=True)
    told = provenance_of(cut, "spots", {"network": "a"}, {}, None, 4.0)
    assert told["warning"].startswith("Moves do not end before the search radius of 4 px")
    assert (told["detected"], told["min_significance"]) == ({"network": "a"}, 4)


def test_what_does_not_stand_out_is_dropped_and_what_was_not_fitted_stays():
    table = pd.DataFrame({"frame": [0, 1] * 3, "y": 1.0, "x": 1.0, "particle": [1, 1, 2, 2, 3, 3]})
    table = table.assign(significance=[4.0, 4, 3.9, 4.05, np.nan, np.nan], distance=[2.0, 2, 1, 1, 1, 1])
    assert drop_doubtful(table, least_significance=4).particle.tolist() == [1, 1, 3, 3]
    assert drop_doubtful(table, farthest=2, least_significance=4).particle.tolist() == [1, 1, 3, 3]
    assert drop_doubtful(table, farthest=1.9, least_significance=4).particle.tolist() == [3, 3]
    assert drop_doubtful(table).equals(table)


# The radius ----------------------------------------------------------------------------------------------------------


def test_moves_are_cut_where_the_outer_fifth_of_a_search_holds_too_much():
    moves = np.array([1.0] * 20 + [9.0] * 5 + [11.0])
    assert rim_share(moves, 10) == pytest.approx(5 * 81 / (20 + 5 * 81))
    assert rim_share(moves, 12) == pytest.approx(121 / (20 + 5 * 81 + 121))  # 9 is no more than 0.8 of 12
    assert rim_share(moves, 0.5) == rim_share(np.zeros(3), 1) == 0
    assert is_cut(moves, 10)
    assert not is_cut(moves[:-2], 10)  # four are few
    assert not is_cut(np.append(np.full(20_000, 2.0), np.full(5, 9.0)), 10)  # a two hundredth of the mean square
    assert not is_cut(moves, 8.9)


def test_a_search_is_as_wide_as_it_needs_and_there_is_room_for():
    moves = np.array([1.0] * 20 + [5.0] * 6)
    assert _wide_enough(moves, 4, 3) == 3
    assert _wide_enough(moves, 4, 100) == 4
    assert _wide_enough(moves, 5.5, 100) == 5.5  # nothing is farther
    assert _wide_enough(moves, 5, 5.2) == 5  # no room to be wide enough: both cut as much
    assert _wide_enough(np.append(moves, [7.0] * 4), 5, 100) == pytest.approx(5 * 1.15**2)  # 5 is below 0.8 of it
    steady = np.linspace(0, 10, 400)  # as many of every length: what cuts off least is the first beyond the last
    assert _wide_enough(steady, 2, 100) == pytest.approx(2 * 1.15**12)


def test_lengths_are_those_of_mutual_neighbours_and_to_the_next_in_the_same_frame():
    rows = [(0, 0, 0), (0, 20, 0), (1, 2, 0), (1, 90, 0), (3, 0, 0), (4, 0, 7)]
    moves, apart = _lengths(points_of(*rows))
    assert moves.tolist() == [2, 7]
    assert apart.tolist() == [20, 20]


def test_the_radius_is_four_moves_and_at_least_a_pixel():
    still = points_of(*((frame, 0.01 * frame, 0) for frame in range(6)))
    assert suggest_radius(still).radius == 1
    assert suggest_radius(points_of(*((frame, 3.0 * frame, 0) for frame in range(6)))).radius == 12
    pair = points_of(*((frame, 3.0 * frame + side, 0) for frame in range(6) for side in (0, 10)))
    assert suggest_radius(pair).radius == 8


def test_a_radius_counts_no_frames_that_repeat_unless_asked():
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 900, (8, 2))
    rows = []
    for frame in range(20):
        places = places + (rng.normal(0, 2, places.shape) if frame % 2 == 0 else 0)
        rows += [(frame, *place) for place in places]
    alone, kept = (suggest_radius(points_of(*rows), keep_repeats=keep).radius for keep in (False, True))
    assert alone > 1.5 * kept


# Repeats -------------------------------------------------------------------------------------------------------------


def drawn(moved, number=8, seed=0):
    """Return detections that move by so much from frame to frame, each in its own direction."""
    rng = np.random.default_rng(seed)
    places, rows = rng.uniform(0, 900, (number, 2)), []
    for frame, step in enumerate([0, *moved]):
        angle = rng.uniform(0, 2 * np.pi, number)
        places = places + step * np.stack([np.sin(angle), np.cos(angle)], 1)
        rows += [(frame, *place) for place in places]
    return points_of(*rows)


@pytest.mark.parametrize(
    ("moved", "number", "repeated"),
    [
        ([3, 0.3, 3, 0.3, 3, 0.3, 3, 3], 8, [2, 4, 6]),
        ([3, 0.3, 3, 0.3, 3, 0.3, 3, 3], 5, [2, 4, 6]),  # five are enough to tell
        ([3, 0.3, 3, 0.3, 3, 0.3, 3, 3], 4, []),
        ([3, 0.7, 3, 0.7, 3, 0.7, 3, 3], 8, []),  # more than a fifth
        ([6, 0.7, 6, 0.7, 6, 0.7, 6, 6], 8, []),  # more than half a pixel
        ([6, 0.45, 6, 0.45, 6, 0.45, 6, 6], 8, [2, 4, 6]),
        ([3, 0.3, 0.3, 0.3, 0.3, 3, 3, 3], 8, [2, 3, 4, 5]),
        ([3, 0.3, 0.3, 0.3, 0.3, 0.3, 3, 3], 8, []),  # five in a row stand still
        ([3, 0.3, 3, 0.8, 3, 0.3, 3, 3], 8, []),  # some are neither
        ([3, 0, 3, 0, 3, 3], 4, [2, 4]),  # exact copies need not be many
    ],
)
def test_copies_are_told_by_how_far_they_move(moved, number, repeated):
    assert repeated_frames(drawn(moved, number)).tolist() == repeated


def test_runs_are_as_long_as_all_of_a_kind_in_a_row():
    assert repeats._run_lengths(np.array([1, 1, 0, 1, 0, 0, 0], bool)).tolist() == [2, 2, 1, 1, 3, 3, 3]


def test_places_come_by_frames():
    told = repeats.places_of(points_of((4, 1, 2), (2, 3, 4), (4, 5, 6)))
    assert {frame: places.tolist() for frame, places in told.items()} == {2: [[3, 4]], 4: [[1, 2], [5, 6]]}
    assert repeats.places_of(points_of()) == {}


def test_a_step_tells_how_far_detections_move_and_along_which_axes():
    """Ten detections, of which six move by 2 px along one axis, two along both by 3 and 4 px, and two do not."""
    from scipy.spatial import cKDTree

    one = np.stack([100.0 * np.arange(10), np.zeros(10)], 1)
    moves = np.array([[2, 0]] * 3 + [[0, 2]] * 3 + [[3, 4]] * 2 + [[0, 0]] * 2)
    step = repeats._step(7, cKDTree(one), cKDTree(one + moves))
    assert step == (7, 10, 2, 5, 6, 2)
    fewer = repeats._step(7, cKDTree(one), cKDTree((one + moves)[:7]))
    assert (fewer.most, fewer.number) == (np.inf, 10)  # too many have no partner
    enough = repeats._step(7, cKDTree((one + moves)[:8]), cKDTree(one))
    assert (enough.most, enough.nearly_all) == (2.75, pytest.approx(100, abs=110))
