"""Scores of small cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import TableError
from napari_growtrack.core.matching import match
from napari_growtrack.core.scoring import matched_pairs, score, thesis_score


def points(*rows, **columns):
    """A table of (frame, y, x)."""
    return pd.DataFrame(rows, columns=["frame", "y", "x"]).assign(**columns)


NONE = points()


def pairs(truth, found, within):
    rows, columns, distances = match(np.reshape(truth, (-1, 2)), np.reshape(found, (-1, 2)), within)
    np.testing.assert_allclose(
        np.linalg.norm(np.reshape(truth, (-1, 2))[rows] - np.reshape(found, (-1, 2))[columns], axis=1), distances
    )
    return dict(zip(rows.tolist(), columns.tolist(), strict=True))


# matching


@pytest.mark.parametrize(
    ("truth", "found", "within", "expected"),
    [
        pytest.param([], [], 5.0, {}, id="nothing at all"),
        pytest.param([], [(1, 1)], 5.0, {}, id="nothing to find"),
        pytest.param([(1, 1)], [], 5.0, {}, id="nothing found"),
        pytest.param([(0, 0), (9, 9)], [(9, 8), (0, 1)], 5.0, {0: 1, 1: 0}, id="any order"),
        pytest.param([(0, 0)], [(3, 4)], 5.0, {0: 0}, id="just near enough"),
        pytest.param([(0, 0)], [(3, 4.01)], 5.0, {}, id="just too far"),
        pytest.param([(0, 0)], [(0, 2), (0, 1)], 5.0, {0: 1}, id="the nearer of two"),
        pytest.param([(0, 0), (0, 1)], [(0, 0.9)], 5.0, {1: 0}, id="one found for two true"),
        # The nearest pair alone (1-0, distance 1) would leave one out; all can be matched.
        pytest.param([(0, 0), (0, 4)], [(0, 3), (0, 8.5)], 5.0, {0: 0, 1: 1}, id="as many pairs as possible"),
        # 0-1 is too far, so total distance alone must not forbid the two good pairs.
        pytest.param(
            [(0, 0), (0, 5), (0, 10)], [(0, 5), (0, 10), (0, 15)], 5.0, {0: 0, 1: 1, 2: 2}, id="a chain of far pairs"
        ),
        pytest.param([(0, 0), (0, 4)], [(0, 4.5), (0, -0.5)], 5.0, {0: 1, 1: 0}, id="least total distance"),
        pytest.param([(0, 0), (1, 1)], [(1, 1), (0, 0)], 0.0, {0: 1, 1: 0}, id="only the very same place"),
        pytest.param([(0, 0), (1, 1)], [(9e9, 0)], math.inf, {1: 0}, id="however far"),
    ],
)
def test_positions_are_paired_one_to_one(truth, found, within, expected):
    assert pairs(truth, found, within) == expected


def test_matching_is_maximal_among_many_random_points():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth, found = rng.uniform(0, 20, (12, 2)), rng.uniform(0, 20, (15, 2))
        near = np.linalg.norm(truth[:, None] - found[None], axis=2) <= 3
        assert len(pairs(truth, found, 3.0)) == largest_matching(near)


def largest_matching(near):
    """Count by augmenting paths, a method of its own."""
    taken = {}

    def augment(row, seen):
        for column in np.flatnonzero(near[row]):
            if column not in seen:
                seen.add(column)
                if column not in taken or augment(taken[column], seen):
                    taken[column] = row
                    return True
        return False

    return sum(augment(row, set()) for row in range(len(near)))


# one to one


@pytest.mark.parametrize(
    ("truth", "detections", "counts", "found", "false", "f1", "median"),
    [
        pytest.param(points((0, 1, 1)), points((0, 1, 3)), (1, 1, 1), 1, 0, 1, 2, id="found"),
        pytest.param(points((0, 1, 1)), points((0, 1, 1), (0, 1, 2)), (1, 2, 1), 1, 1 / 2, 2 / 3, 0, id="a double"),
        pytest.param(points((0, 1, 1)), points((0, 1, 7)), (1, 1, 0), 0, 1, 0, math.nan, id="too far"),
        pytest.param(points((0, 1, 1)), points((1, 1, 1)), (1, 1, 0), 0, 1, 0, math.nan, id="another frame"),
        pytest.param(
            points((0, 1, 1), (2, 5, 5)),
            points((2, 5, 6), (3, 0, 0), (3, 9, 9)),
            (2, 3, 1),
            1 / 2,
            2 / 3,
            2 / 5,
            1,
            id="frames in only one table",
        ),
        pytest.param(NONE, points((0, 1, 1)), (0, 1, 0), 1, 1, 0, math.nan, id="nothing to find"),
        pytest.param(points((0, 1, 1)), NONE, (1, 0, 0), 0, 0, 0, math.nan, id="nothing found"),
        pytest.param(NONE, NONE, (0, 0, 0), 1, 0, 1, math.nan, id="nothing at all"),
    ],
)
def test_a_score_counts_what_was_found_and_what_is_false(truth, detections, counts, found, false, f1, median):
    scored = score(truth, detections, within=5.0)
    assert (scored.particles, scored.detections, scored.matched) == counts
    assert (scored.found, scored.false, scored.f1) == pytest.approx((found, false, f1))
    assert scored.median_error == pytest.approx(median, nan_ok=True)
    assert scored.within == 5.0


def test_a_score_gives_median_and_mean_error():
    truth = points((0, 0, 0), (0, 0, 20), (1, 0, 0))
    scored = score(truth, points((0, 0, 1), (0, 3, 20), (1, 4, 3)))
    assert (scored.median_error, scored.mean_error) == (3, 3)
    assert str(scored) == (
        "found 100.0% of 3 particles, false 0.0% of 3 detections, median error 3.000 px, mean 3.000 px"
    )


@pytest.mark.parametrize("within", [1.0, 2.5])
def test_a_pair_may_be_as_far_apart_as_asked(within):
    assert score(points((0, 0, 0)), points((0, 0, 2)), within).matched == (within > 2)


def test_pairs_are_named_by_the_labels_of_their_rows():
    truth = points((0, 0, 0), (1, 9, 9)).set_axis(["a", "b"])
    detections = points((1, 9, 8), (0, 50, 50), (0, 0, 2)).set_axis([10, 20, 30])
    found = matched_pairs(truth, detections)
    assert list(found.itertuples(index=False, name=None)) == [("a", 30, 2.0), ("b", 10, 1.0)]


@pytest.mark.parametrize(("truth", "detections"), [(NONE, NONE), (points((0, 1, 1)), NONE), (NONE, points((0, 1, 1)))])
def test_without_pairs_there_is_an_empty_table_of_errors(truth, detections):
    found = matched_pairs(truth, detections)
    assert (len(found), list(found.columns)) == (0, ["truth", "detection", "error"])


def test_scoring_leaves_the_tables_untouched():
    truth, detections = points((0, 0, 0), radius=2.0), points((0, 0, 1))
    before = truth.copy(), detections.copy()
    score(truth, detections)
    thesis_score(truth, detections)
    pd.testing.assert_frame_equal(truth, before[0])
    pd.testing.assert_frame_equal(detections, before[1])


# the thesis's measures


def test_the_thesis_measures_of_a_case_worked_out_by_hand():
    truth = points((0, 0, 0), (0, 0, 30), (0, 50, 50), (1, 10, 10), radius=[2.0, 3.0, 2.0, 2.0])
    detections = points(
        (0, 0, 1),  # closest to the first particle, 1 px
        (0, 0, 2.5),  # near it too, but closest to none: false
        (0, 6, 30),  # exactly two radii from the second particle: found, 6 px
        (0, 50, 54.5),  # more than two radii from the third, which is missed; but closest to it, so not false
        (2, 10, 10),  # no particle in this frame: false
    )
    judged = thesis_score(truth, detections)
    assert (judged.median_error, judged.mean_error) == (3.5, 3.5)
    assert judged.missed == 2 / 4  # the third, and the one of frame 1, where nothing is predicted
    assert judged.false == 2 / 5


def test_in_the_thesis_two_particles_may_share_a_prediction():
    judged = thesis_score(points((0, 0, 0), (0, 0, 4), radius=2.0), points((0, 0, 1), (0, 90, 90)))
    assert (judged.mean_error, judged.missed, judged.false) == (2, 0, 1 / 2)


@pytest.mark.parametrize(
    ("truth", "detections", "missed", "false"),
    [
        (points((0, 1, 1), radius=2.0), NONE, 1, 0),
        (NONE.assign(radius=[]), points((0, 1, 1)), 0, 1),
        (NONE.assign(radius=[]), NONE, 0, 0),
        (points((0, 1, 1), radius=2.0), points((1, 1, 1)), 1, 1),
        (points((0, 1, 1), radius=2.0), points((0, 9, 9)), 1, 0),
    ],
)
def test_without_a_found_particle_the_thesis_has_no_error(truth, detections, missed, false):
    judged = thesis_score(truth, detections)
    assert (judged.missed, judged.false) == (missed, false)
    assert math.isnan(judged.median_error)
    assert math.isnan(judged.mean_error)


# what is refused


@pytest.mark.parametrize("judge", [score, matched_pairs, thesis_score])
@pytest.mark.parametrize("column", ["frame", "y", "x"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_column_is_named(judge, column, place):
    tables = [points((0, 1, 1), radius=2.0), points((0, 1, 1))]
    tables[place] = tables[place].drop(columns=column)
    with pytest.raises(TableError, match=rf"^Expected columns frame, y, x(, radius)?; missing {column}, got "):
        judge(*tables)


def test_a_value_that_is_no_number_is_named():
    with pytest.raises(TableError, match="Column y must hold a number, got nan in row 0"):
        score(points((0, math.nan, 1)), NONE)


def test_the_thesis_measures_need_radii():
    with pytest.raises(TableError, match="Expected columns frame, y, x, radius; missing radius"):
        thesis_score(points((0, 1, 1)), points((0, 1, 1)))
