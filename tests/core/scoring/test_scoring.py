"""Scores of small cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import TableError
from napari_growtrack.core.scoring import compare, matched_pairs, matching, score, thesis_score
from napari_growtrack.core.scoring.matching import match, spread


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


@pytest.mark.parametrize("side", [20, 60, 200, 1000])
@pytest.mark.parametrize("within", [0.0, 1.5, 5.0, math.inf])
def test_a_crowd_is_paired_as_if_all_were_weighed_against_all(side, within):
    rng = np.random.default_rng(side)
    truth, found = (np.round(rng.uniform(0, side, (number, 2)), 1) for number in (90, 110))
    found[:40] = truth[:40]
    rows, columns, distances = match(truth, found, within)
    _, _, weighed = matching._match_all(truth, found, within)
    assert len(distances) == len(weighed) > 0
    assert distances.sum() == pytest.approx(weighed.sum())
    assert distances.max() <= within
    assert len({*rows}) == len({*columns}) == len(rows)
    np.testing.assert_allclose(np.linalg.norm(truth[rows] - found[columns], axis=1), distances)


def test_a_crowd_may_be_just_near_enough():
    truth = np.arange(60)[:, None] * np.array([20.0, 0])
    assert len(match(truth, truth + np.array([3, 4]), 5.0)[0]) == 60
    assert len(match(truth, truth + np.array([3, 4.000001]), 5.0)[0]) == 0


def test_thousands_are_paired_with_thousands():
    truth = np.stack(np.divmod(np.arange(5000.0), 100), axis=1) * 8
    found = (truth + np.random.default_rng(0).normal(0, 0.4, truth.shape))[::-1]
    rows, columns, _ = match(truth, found, 5.0)
    assert rows.tolist() == [*range(5000)]
    assert columns.tolist() == [*range(5000)][::-1]


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


@pytest.mark.parametrize("judge", [score, matched_pairs, compare, thesis_score])
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


# point by point


def test_a_comparison_tells_what_was_missed_what_is_false_and_how_far_the_nearest_is():
    truth = points((0, 0, 0), (0, 0, 20), (1, 5, 5), (2, 5, 5))
    detections = points((0, 0, 1), (0, 8, 26), (2, 9, 9), (3, 5, 5))
    compared = compare(truth, detections)
    assert compared.score == score(truth, detections)
    assert compared.pairs[["truth", "detection", "error"]].values.tolist() == [[0, 0, 1]]
    assert compared.missed.index.tolist() == [1, 2, 3]
    assert compared.missed.nearest.tolist() == pytest.approx([10, math.nan, math.hypot(4, 4)], nan_ok=True)
    assert compared.false.index.tolist() == [1, 2, 3]
    assert compared.false.nearest.tolist() == pytest.approx([10, math.hypot(4, 4), math.nan], nan_ok=True)


def test_nearest_points_are_found_in_the_same_frame_only():
    rng = np.random.default_rng(1)
    truth, found = (points(*np.column_stack([np.arange(90) // 9, rng.uniform(0, 99, (90, 2))])) for _ in range(2))
    for mine, theirs in ((compare(truth, found, 0).missed, found), (compare(truth, found, 0).false, truth)):
        far = np.linalg.norm(mine[["y", "x"]].to_numpy()[:, None] - theirs[["y", "x"]].to_numpy(), axis=2)
        far[mine.frame.to_numpy()[:, None] != theirs.frame.to_numpy()] = np.inf
        np.testing.assert_allclose(mine.nearest, far.min(1))


def test_the_nearest_point_is_found_where_all_lie_on_a_diagonal():
    compared = compare(points((0, 0, 0), (1, 9, 9)), points((0, 8, 8), (1, 1, 1)), 1)
    assert compared.missed.nearest.tolist() == pytest.approx([math.hypot(8, 8)] * 2)
    assert compared.false.nearest.tolist() == pytest.approx([math.hypot(8, 8)] * 2)


def test_the_nearest_point_is_found_however_near_all_are():
    compared = compare(points((0, 5, 5), (1, 5, 5)), points((0, 5, 5.2), (1, 5.1, 5)), 0)
    assert compared.missed.nearest.tolist() == pytest.approx([0.2, 0.1])
    assert compared.false.nearest.tolist() == pytest.approx([0.2, 0.1])


@pytest.mark.parametrize(("truth", "detections"), [(NONE, NONE), (points((0, 1, 1)), NONE), (NONE, points((0, 1, 1)))])
def test_a_comparison_with_nothing_has_no_pairs_and_no_nearest(truth, detections):
    compared = compare(truth, detections)
    assert (len(compared.pairs), len(compared.missed), len(compared.false)) == (0, len(truth), len(detections))
    assert compared.missed.nearest.isna().all()
    assert compared.pull is None
    assert all(map(math.isnan, compared.shift))
    assert len(compared.table()) == len(truth) + len(detections)


def test_a_comparison_lies_in_one_table():
    truth, detections = points((0, 1, 1), (1, 5, 5)), points((1, 50, 50), (0, 1, 2))
    assert compare(truth, detections).table().astype(object).fillna("-").values.tolist() == [
        [0, "matched", 1, 1, 1, 2, 1],
        [1, "missed", 5, 5, "-", "-", "-"],
        [1, "false", "-", "-", 50, 50, "-"],
    ]


def test_the_worst_pairs_come_first():
    truth = points((0, 0, 0), (1, 0, 0), (2, 0, 0))
    worst = compare(truth, truth.assign(x=[1.0, 3.0, 2.0])).worst(2)
    assert worst.frame.tolist() == [1, 2]


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_errors_are_as_wide_as_sigma_says_or_not(factor):
    rng = np.random.default_rng(2)
    truth = points(*np.column_stack([np.arange(4000), np.full((4000, 2), 9.0)]))
    sigma = rng.choice([0.1, 0.3], 4000)
    detections = truth.assign(y=9 + rng.normal(0, sigma), x=9.5 + rng.normal(0, sigma), sigma=sigma * factor)
    compared = compare(truth, detections.assign(x=detections.x - 0.5))
    assert compared.pull.told == pytest.approx(0.2 * factor, rel=0.02)
    assert compared.pull.spread == pytest.approx(1 / factor, rel=0.05)
    assert compare(truth, detections).shift == pytest.approx((0, 0.5), abs=0.02)


def test_half_the_width_of_68_percent_is_told():
    assert spread(np.arange(101.0)) == pytest.approx(34)
    assert spread(np.random.default_rng(0).normal(3, 2, 40_000)) == pytest.approx(2, rel=0.02)


def test_measured_errors_are_in_pixels_and_their_pull_in_sigmas():
    """Errors of -5 to 5 px along both axes, of which 68 % are within 3.4 px, with a sigma of 2 px."""
    truth = points(*[(frame, 20, 20) for frame in range(101)])
    found = truth.assign(y=20 + np.linspace(-5, 5, 101), x=20 + np.linspace(-5, 5, 101), sigma=2.0)
    assert compare(truth, found, 8).pull == pytest.approx((2, 3.4, 1.7))
    assert len(compare(truth, found, 8).worst()) == 10


def test_points_without_a_sigma_do_not_count_for_it():
    truth = points((0, 1, 1), (1, 1, 1))
    assert compare(truth, truth.assign(sigma=[0.25, math.nan])).pull.told == 0.25
    assert compare(truth, truth.assign(sigma=[0.0, math.nan])).pull is None
