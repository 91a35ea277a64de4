"""The challenge's measures, on cases that can be worked out by hand: the gate is 5 px."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from napari_growtrack.core.errors import TableError
from napari_growtrack.core.scoring import matching
from napari_growtrack.core.scoring.matching import best_edges
from napari_growtrack.core.scoring.trajectories import compare_tracks, filled, score_tracks


def track(number, frames, y=0.0, x=0.0):
    return pd.DataFrame({"frame": frames, "y": y, "x": x, "particle": number})


def tracks(*some):
    return pd.concat(some, ignore_index=True)


TEN = range(10)
TWO = tracks(track(0, TEN), track(1, TEN, y=50.0))

CASES = {
    # found: alpha, beta, JSC, JSC theta, RMSE, switches
    "the truth": (TWO, 1, 1, 1, 1, 0, 0),
    "nothing": (TWO[:0], 0, 0, 0, 0, np.nan, 0),
    "all 1 px off": (TWO.assign(y=TWO.y + 1), 0.8, 0.8, 1, 1, 1, 0),
    "one of two": (track(7, TEN), 0.5, 0.5, 0.5, 0.5, 0, 0),
    # 20 true positions, 10 spurious: 20 / (20 + 10)
    "one too many": (tracks(TWO, track(2, TEN, y=90.0)), 1, 2 / 3, 2 / 3, 2 / 3, 0, 0),
    # A gap of 2 frames is filled.
    "a gap": (TWO.drop([3, 4]), 1, 1, 1, 1, 0, 0),
    # 6 of 10 positions are paired, 4 are spurious: alpha (6 + 10) / 20, beta 16 / 24, of 24 positions 16 are right.
    "cut in two": (
        tracks(track(0, range(6)), track(5, range(6, 10)), TWO[10:]),
        0.8, 16 / 24, 16 / 24, 2 / 3, 0, 1,
    ),
    # Each has 6 frames right, and 4 farther away than the gate.
    "swapped": (
        tracks(track(0, range(6)), track(0, range(6, 10), y=50.0), track(1, range(6), y=50.0), track(1, range(6, 10))),
        0.6, 0.6, 12 / 28, 1, 0, 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_measures_are_those_worked_out_by_hand(case):
    found, alpha, beta, jsc, theta, rmse, switches = CASES[case]
    score = score_tracks(TWO, found)
    told = [score.alpha, score.beta, score.jsc, score.jsc_theta, score.rmse]
    assert told == pytest.approx([alpha, beta, jsc, theta, rmse], nan_ok=True)
    assert score.switches == switches


def test_what_costs_more_than_it_is_worth_is_not_paired():
    """A trajectory that shares 4 frames with a particle, and 6 with none, is farther from it than nothing."""
    truth = track(0, range(10, 20))
    score = score_tracks(truth, track(3, range(4, 14)))
    assert (score.paired, score.alpha, score.beta, score.jsc) == (0, 0, 0, 0)
    better = score_tracks(truth, track(3, range(8, 18)))  # shares 8, and 2 frames are its own
    assert (better.paired, better.alpha, better.jsc) == (1, pytest.approx(0.6), 8 / 12)


@pytest.mark.parametrize(
    ("truth", "found", "alpha", "beta", "jsc", "theta"),
    [
        (TWO[:0], TWO[:0], 1, 1, 1, 1),
        (TWO[:0], TWO, 1, 0, 0, 0),  # nothing was to be found, and 20 positions are spurious
        (TWO, TWO[:0], 0, 0, 0, 0),
    ],
    ids=["nothing of nothing", "something of nothing", "nothing of something"],
)
def test_where_there_is_nothing_measures_are_those_of_their_limits(truth, found, alpha, beta, jsc, theta):
    score = score_tracks(truth, found)
    assert (score.alpha, score.beta, score.jsc, score.jsc_theta) == (alpha, beta, jsc, theta)
    assert np.isnan(score.rmse)
    assert (score.particles, score.trajectories) == (truth.particle.nunique(), found.particle.nunique())
    assert (score.paired, score.switches) == (0, 0)


def test_a_position_at_the_gate_is_right_and_one_beyond_is_not():
    """Of ten positions eight are 1 px off, one 5 px: those count; one is 6 px off, no farther than none."""
    truth = track(0, TEN)
    score = score_tracks(truth, truth.assign(y=[1.0] * 8 + [5, 6]))
    assert score.alpha == pytest.approx(1 - (8 * 1 + 5 + 5) / (5 * 10))
    assert score.jsc == 9 / 11  # the last is missed, and spurious
    assert score.rmse == pytest.approx(np.sqrt((8 * 1 + 25) / 9))


@pytest.mark.parametrize("gate", [0.25, 0.4, 5.0])
def test_only_positions_of_the_same_frame_are_near_each_other(gate):
    """A particle that stays where it is, and a trajectory that is there a frame later, share 9 of 11 frames."""
    score = score_tracks(track(0, TEN), track(3, range(1, 11)), gate)
    assert (score.alpha, score.jsc) == (pytest.approx(0.8), 9 / 11)
    assert score_tracks(track(0, TEN), track(3, range(10, 20)), gate).paired == 0


def test_of_several_trajectories_a_particle_takes_the_one_that_gains_most():
    """6 frames within 3 px gain 12 of 50; 4 frames at the very place gain 20."""
    found = tracks(track(1, range(6), y=3.0), track(2, range(6, 10)))
    comparison = compare_tracks(track(0, TEN), found)
    assert comparison.pairs.to_numpy().tolist() == [[0, 2]]
    assert comparison.score.alpha == pytest.approx(20 / 50)
    assert comparison.score.beta == pytest.approx(20 / (50 + 30))


def test_switches_are_those_within_the_gate_and_of_one_particle():
    """The first particle goes from 5 to 6 and, after frames without any, back; the second keeps its own."""
    found = tracks(track(5, [0, 1]), track(6, [2, 3]), track(8, range(9, 12), y=3.0), track(7, range(12), y=50.0))
    truth = tracks(track(0, range(12)), track(1, range(12), y=50.0))
    told = compare_tracks(truth, found, 4).switches
    assert told[["frame", "y", "truth", "before", "particle"]].to_numpy().tolist() == [[2, 0, 0, 5, 6], [9, 3, 0, 6, 8]]
    assert len(compare_tracks(truth, found, 2).switches) == 1


def test_pairs_and_switches_are_told_by_their_numbers():
    comparison = compare_tracks(TWO, CASES["cut in two"][0].replace({"particle": {1: 9}}))
    assert comparison.pairs.sort_values("truth").to_numpy().tolist() == [[0, 0], [1, 9]]
    assert comparison.switches[["frame", "truth", "before", "particle"]].to_numpy().tolist() == [[6, 0, 0, 5]]


def test_gaps_are_filled_by_straight_lines():
    table = pd.DataFrame({"frame": [5, 2, 0], "y": [8.0, 2.0, 0.0], "x": [0.0, 3.0, 3.0], "particle": [4, 4, 4]})
    whole = filled(table)
    assert whole["frame"].tolist() == [0, 1, 2, 3, 4, 5]
    assert whole["y"].tolist() == [0, 1, 2, 4, 6, 8]
    assert whole["x"].tolist() == [3, 3, 3, 2, 1, 0]
    assert len(filled(table[:0])) == 0


def test_the_end_of_one_trajectory_and_the_begin_of_the_next_are_no_gap():
    table = tracks(track(1, [7, 9], y=[0.0, 4.0]), track(0, [0, 0, 1], y=[1.0, 2.0, 3.0]))
    assert filled(table)[["particle", "frame", "y"]].to_numpy().tolist() == [
        [0, 0, 1], [0, 0, 2], [0, 1, 3], [1, 7, 0], [1, 8, 2], [1, 9, 4],
    ]  # fmt: skip


@pytest.mark.parametrize("small", [0, 20_000], ids=["as a graph", "as a matrix"])
def test_the_best_edges_are_those_of_the_whole_matrix(monkeypatch, small):
    monkeypatch.setattr(matching, "_SMALL", small)
    rng = np.random.default_rng(0)
    for _ in range(50):
        costs = rng.normal(size=(12, 9))
        there = rng.random(costs.shape) < 0.3
        rows, columns = np.nonzero(there)
        chosen = best_edges(rows, columns, costs[there])
        whole = np.where(there & (costs < 0), costs, 0)
        assert costs[there][chosen].sum() == pytest.approx(whole[linear_sum_assignment(whole)].sum())
        assert len(np.unique(rows[chosen])) == len(np.unique(columns[chosen])) == len(chosen)


@pytest.mark.parametrize("small", [0, 20_000], ids=["as a graph", "as a matrix"])
@pytest.mark.parametrize(
    ("costs", "taken"),
    [
        ([[-3, -2], [-2, None]], [1, 2]),  # two of 2 are more than one of 3
        ([[-5, -2], [-2, None]], [0]),
        ([[-1, -2], [-2, -1]], [1, 2]),
        ([[0, 1], [1, 0]], []),
        ([[-1, 3], [3, 0]], [0]),
        ([[None, -2, None], [-7, -8, -9], [None, None, -3]], [0, 1, 4]),  # 12 in all, the others at most 11
    ],
)
def test_the_best_edges_of_a_few_are_those_found_by_hand(monkeypatch, small, costs, taken):
    monkeypatch.setattr(matching, "_SMALL", small)
    there = [(row, column, cost) for row, each in enumerate(costs) for column, cost in enumerate(each)]
    rows, columns, known = map(np.array, zip(*[edge for edge in there if edge[2] is not None], strict=True))
    assert best_edges(rows, columns, known.astype(float)).tolist() == taken


def test_tables_without_particles_are_refused():
    with pytest.raises(TableError, match="missing particle"):
        score_tracks(TWO, TWO.drop(columns="particle"))
