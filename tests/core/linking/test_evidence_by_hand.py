"""What linking by evidence is made of, each with numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from napari_growtrack.core.linking.evidence import learning, link_by_evidence, linker, sweep
from napari_growtrack.core.linking.evidence.clutter import chances, gathered
from napari_growtrack.core.linking.evidence.crowding import blurred, resolution
from napari_growtrack.core.linking.evidence.learning import first_rates, guess, learn_modes, learn_rates, modes_of
from napari_growtrack.core.linking.evidence.linker import chains
from napari_growtrack.core.linking.evidence.marginals import link_chances
from napari_growtrack.core.linking.evidence.motion import (
    PP,
    PV,
    VV,
    VX,
    VY,
    WEIGHT,
    Modes,
    X,
    Y,
    begin,
    meeting,
    predict,
    update,
)
from napari_growtrack.core.linking.evidence.rates import Rates
from napari_growtrack.core.linking.evidence.sweep import Future, Links, Points, backwards, candidates, follow
from napari_growtrack.core.linking.judging import score_links
from napari_growtrack.core.progress import finish

LOG = np.log


def normal(square, variance):
    """The density of a normal distribution in two dimensions."""
    return np.exp(-square / variance / 2) / (2 * np.pi * variance)


def modes_from(step, speed, keep, share, switch):
    return Modes(*(np.array(each, float)[:, None] for each in (step, speed, keep, share)), np.array([[switch]], float))


WALK = modes_from([2.0], [0.0], [0.0], [1.0], 0.0)


def points_of(rows, variance=1.0):
    """Return detections of (step, y, x)."""
    step, y, x = np.array(rows, float).T
    return Points.of(step.astype(int), y, x, np.full(len(y), variance))


def along(steps, place=0.0, variance=1.0):
    return points_of([(step, place, 0) for step in steps], variance)


# How particles come and go -------------------------------------------------------------------------------------------


def test_chances_to_be_seen_and_to_be_alive_are_those_of_a_small_tree():
    rates = Rates(1, 1, death=0.1, hide=0.2, show=0.6, noise=np.empty(0))
    alive, missed = np.array([1.0, 0.5]), np.array([False, True])
    assert rates.seen(alive, missed) == pytest.approx([0.9 * 0.8, 0.9 * 0.5 * 0.6])
    there, gone = np.array([0.9 * 0.2, 0.9 * 0.5 * 0.4]), np.array([0.1, 0.5 + 0.1 * 0.5])
    assert rates.after_miss(alive, missed) == pytest.approx(there / (there + gone))
    never = Rates(1, 1, death=0.0, hide=0.0, show=1.0, noise=np.empty(0))
    assert never.after_miss(np.ones(2), missed).tolist() == [0, 0]


def test_rates_begin_with_what_detections_are_told_to_be():
    rates = first_rates(along([0, 0, 0, 1, 1, 2]), 10.0, np.arange(6.0))
    assert (rates.first, rates.birth) == pytest.approx((0.2, 0.01))  # 6 detections in 3 frames of 10 px²
    assert (rates.death, rates.hide, rates.show) == (0.05, 0.05, 0.6)
    assert rates.noise == pytest.approx(0.2 * np.arange(6))


def test_rates_are_counted_from_links():
    """Three trajectories in frames 2 to 7: one from 2 to 6 with a gap, one from 4 to the end, one of 3 alone."""
    points = along([2, 3, 3, 4, 5, 6, 7])
    links = Links(np.array([-1, 0, -1, -1, 1, 4, 3]), np.ones(7))
    true = np.array([0.9, 0.9, 0.5, 0.8, 0.9, 0.9, 0.8])
    rates = learn_rates(points, links, 10.0, np.full(7, 0.3), true)
    frames, gaps = 5, 1 + 2
    assert rates.death == pytest.approx((0.9 + 0.5 + 0.5) / (4.9 + gaps + 10))  # ends at 6, and alone at 3
    assert rates.birth == pytest.approx((0.5 + 0.8 + 0.5) / frames / 10)
    assert rates.hide == pytest.approx((2 + 0.5) / (4 + 10))
    assert rates.show == pytest.approx((2 + 1.2) / (gaps + 2))
    assert rates.first == pytest.approx(5.7 / (frames + 1) / 10)
    assert rates.noise == pytest.approx(np.full(7, 0.3 * 5.7 / 6 / 10))


def test_rates_of_a_single_frame_are_finite():
    rates = learn_rates(along([3, 3]), Links(np.full(2, -1), np.ones(2)), 10.0, np.ones(2), np.ones(2))
    assert (rates.birth, rates.death, rates.hide, rates.show) == pytest.approx((0.05, 0.05, 0.05, 0.6))
    assert rates.first == pytest.approx(2 / 2 / 10)


def come_and_go(rng, frames=80, births=1.5, death=0.03, hide=0.1, show=0.5, side=400.0, step=1.0, noise=0.0):
    """Simulate particles whose rates are known, with false detections anywhere."""
    rows = []
    for number, born in enumerate(np.repeat(np.arange(-150, frames), rng.poisson(births, frames + 150))):
        place, seen = rng.uniform(0, side, 2), True
        for frame in range(born, min(born + rng.geometric(death), frames)):
            if frame >= 0 and seen:
                rows.append((frame, *place, number))
            seen = rng.random() > (hide if seen else 1 - show)
            place = place + rng.normal(0, step, 2)
    ghosts = rng.poisson(noise, frames)
    rows += [(frame, *rng.uniform(0, side, 2), -1) for frame in np.repeat(np.arange(frames), ghosts)]
    return pd.DataFrame(rows, columns=["frame", "y", "x", "truth"]).sort_values("frame", ignore_index=True)


def test_rates_of_a_film_are_learned():
    table = come_and_go(np.random.default_rng(0)).assign(sigma=0.02, q=0.01)
    rates = finish(link_by_evidence(table, table["frame"].to_numpy())).rates
    field = 400.0**2
    assert rates.death == pytest.approx(0.03, rel=0.25)
    assert rates.hide == pytest.approx(0.1, rel=0.25)
    assert rates.show == pytest.approx(0.5, rel=0.25)
    assert rates.birth * field == pytest.approx(1.5, rel=0.35)
    assert rates.first * field == pytest.approx(len(table) / 80, rel=0.1)


def test_more_may_be_false_than_q_says():
    table = come_and_go(np.random.default_rng(1), frames=60, noise=10.0).assign(sigma=0.02, q=0.05)
    found = finish(link_by_evidence(table, table["frame"].to_numpy()))
    ghosts = (table["truth"] < 0).to_numpy()
    assert np.median(found.rates.noise[ghosts]) * 400**2 == pytest.approx(10, rel=0.4)  # 0.05 of all are 3 a frame
    assert found.track_q[ghosts].mean() > 4 * found.track_q[~ghosts].mean()


# What is false -------------------------------------------------------------------------------------------------------


def test_chances_to_be_false_are_those_of_each_frame_alone():
    one, other = np.array([0.01, 0.1, 0.2]), np.array([0.2, 0.01, 0.1])
    told = chances(np.concatenate([one, other]), np.repeat([4, 7], 3))
    assert told == pytest.approx([0.01, 0.19, 0.4, 0.4, 0.01, 0.19])
    assert chances(np.empty(0), np.empty(0, int)).tolist() == []


def test_no_detection_is_certain_to_be_false_or_right():
    assert chances(np.zeros(4), np.arange(4)).tolist() == [1e-4] * 4
    assert chances(np.ones(4), np.zeros(4, int)).tolist() == [0.99] * 4


def test_what_is_seen_at_a_place_again_and_again_is_gathered_there():
    """In ten frames a fold is seen each time, 1 px beside where it was first, and something else once, 2 px away."""
    y = np.array([50.0, *[51.0] * 9, 50.0, 53.1, 99.0])
    step = np.array([*range(10), 0, 5, 5])
    false = np.array([*[0.5] * 10, 0.01, 0.4, 0.4])
    order = np.lexsort([y, step])
    more = np.empty(13)
    more[order] = gathered(y[order], np.zeros(13), step[order], false[order], 2000.0)
    usual, disc = 5.8 / 10 / 2000, np.pi * 1.5**2
    assert more[:10] == pytest.approx(np.full(10, (9 * 0.5 + usual * disc) / 10 / disc / usual))
    assert more[10:].tolist() == [1, 1, 1]  # it is sure, and the others are where nothing else is


def test_odds_to_be_false_are_those_of_q_where_it_is_told():
    points = along([0, 1, 2], place=np.nan)
    assert linker._odds(points, np.full(3, np.nan), 9.0) == pytest.approx(np.full(3, 2 / 98))
    apart = points_of([(0, 0, 0), (1, 50, 0), (2, 99, 0)])
    assert linker._odds(apart, np.full(3, 0.2), 1e4) == pytest.approx(np.full(3, 0.25))


def test_what_sigma_and_q_do_not_tell_is_usual():
    table = pd.DataFrame({"sigma": [0.3, np.nan, 0.5, 0.0, 0.4, 0.001], "q": [0.1, np.nan, 0.3, 0.2, np.inf, 0.5]})
    assert linker._variance(table[:5]) == pytest.approx([0.09, 0.16, 0.25, 0.16, 0.16])
    assert linker._variance(table[5:]) == pytest.approx([0.02**2])
    assert linker._variance(table[["q"]]) == pytest.approx(np.full(6, 0.1**2))
    assert linker._variance(table[3:4]) == pytest.approx([0.1**2])
    assert linker._q(table) == pytest.approx([0.1, 0.25, 0.3, 0.2, 0.25, 0.5])
    assert np.isnan(linker._q(table[["sigma"]])).all()
    assert np.isnan(linker._q(table[1:2])).all()


def test_the_chance_of_a_trajectory_to_be_false_weighs_all_that_was_seen_of_it():
    """In frames 0 to 3: one trajectory from the first to the last, one that begins and ends in between, one alone."""
    points = along([0, 1, 1, 2, 3])
    links = Links(np.array([-1, -1, -1, 1, 0]), np.ones(5))
    rates = Rates(first=2.0, birth=0.5, death=0.1, hide=0.2, show=1.0, noise=np.array([1.0, 1, 4, 5, 10]))
    past = Future(np.empty(0), np.array([1.0, 1, 1, 20, 30]))
    told = linker._false(points, links, chains(links.before), past, rates)
    gone = 1 - 0.9 * 0.8
    whole, short, alone = 2.0 * 30 / 10, 0.5 * gone * 20 / 5, 0.5 * gone * 1 / 4
    assert told == pytest.approx(1 / (1 + np.array([whole, short, alone, short, whole])))


def test_chains_of_links_are_numbered_as_they_begin():
    assert chains(np.array([-1, -1, 0, 1, 2, -1, 3])).tolist() == [0, 1, 0, 1, 0, 2, 1]
    assert chains(np.array([], int)).tolist() == []
    long = np.arange(1000) - 2  # two that take turns
    long[:2] = -1
    assert chains(long).tolist() == [0, 1] * 500


# What is one spot ----------------------------------------------------------------------------------------------------


def test_two_spots_are_one_up_to_two_of_their_sigmas():
    """By Sparrow; a spot's radius is 0.75 sigma."""
    assert resolution(np.array([0.75, np.nan, 0.75])) == pytest.approx(2, rel=0.05)
    assert resolution(np.array([1.0, 2.0, 4.0])) == 2 * resolution(np.array([1.0]))
    assert resolution(None) == resolution(np.array([np.nan])) == 0


def test_the_place_of_what_is_much_brighter_than_others_is_less_sure():
    variance, signal = np.full(12, 0.1), np.array([100.0] * 9 + [np.nan, 130, 150])
    told = blurred(variance, signal, 4.0)
    assert told == pytest.approx([*[0.1] * 11, 0.1 + 0.5 * 4**2])
    assert blurred(variance, None, 4.0) is variance
    assert blurred(variance, signal, 0.0) is variance
    uneven = np.append(np.linspace(50, 150, 200), 300)  # its middle two thirds differ by 34 % of the middle
    assert blurred(np.ones(201), uneven, 4.0).tolist() == [1] * 201
    even = np.append(np.linspace(60, 140, 200), 300)  # by 27 %
    assert blurred(np.ones(201), even, 4.0).tolist() == [1] * 200 + [9]


# How sure links are --------------------------------------------------------------------------------------------------


def test_chances_of_links_in_a_ring_are_nearly_those_of_all_ways_to_link():
    """Belief propagation is exact but for rings; in one of two and two it is nearly."""
    a, b, c, d = 5.0, 1.0, 2.0, 0.5
    whole = 1 + a + b + c + d + a * d + b * c
    told, alone = link_chances(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([a, b, c, d]), 3, 3)
    assert told == pytest.approx(np.array([a + a * d, b + b * c, c + b * c, d + a * d]) / whole, abs=0.05)
    assert alone == pytest.approx([1 - told[0] - told[2], 1 - told[1] - told[3], 1])
    nothing = link_chances(np.empty(0, int), np.empty(0, int), np.empty(0), 2, 2)
    assert (nothing[0].tolist(), nothing[1].tolist()) == ([], [1, 1])


# How particles move --------------------------------------------------------------------------------------------------


TWO = modes_from([0.5, 1.5], [0.0, 3.0], [0.0, 0.8], [0.6, 0.4], 0.1)


def some_state(rng, modes=2, n=3):
    """Return any state that there may be."""
    state = np.zeros((8, modes, n))
    state[WEIGHT] = rng.dirichlet(np.ones(modes), n).T
    state[Y : VX + 1] = rng.normal(0, 2, (4, modes, n))
    state[PP], state[VV] = rng.uniform(0.5, 2, (2, modes, n))
    state[PV] = rng.uniform(-0.4, 0.4, (modes, n))
    return state


def moments(state, k, i, axis):
    """Return mean and covariance of position and velocity along an axis."""
    place, speed = ((Y, VY), (X, VX))[axis]
    pp, pv, vv = (state[each, k, i] for each in (PP, PV, VV))
    return np.array([state[place, k, i], state[speed, k, i]]), np.array([[pp, pv], [pv, vv]])


def mixed(parts):
    """Return mean and covariance of a mixture of (weight, mean, covariance)."""
    mean = sum(weight * one for weight, one, _ in parts)
    return mean, sum(weight * (spread + np.outer(one - mean, one - mean)) for weight, one, spread in parts)


def test_modes_tell_their_typical_step():
    assert TWO.mean_square[:, 0].tolist() == [0.25, 11.25]
    assert TWO.typical == pytest.approx(np.sqrt(0.6 * 0.25 + 0.4 * 11.25))


def test_of_a_particle_seen_once_nothing_is_known_but_its_place():
    state = begin(np.array([3.0, 4.0]), np.array([5.0, 6.0]), np.array([0.1, 0.2]), TWO)
    for k, (share, speed) in enumerate([(0.6, 0.0), (0.4, 3.0)]):
        assert state[:, k, 1].tolist() == pytest.approx([share, 4, 6, 0, 0, 0.2, 0, speed**2])


def test_a_frame_later_modes_are_mixed_as_their_moments_are():
    """Those that stay in a mode, and those that are drawn anew into it, from all, with a velocity of its own."""
    rng = np.random.default_rng(0)
    state = some_state(rng)
    after = predict(state, TWO)
    step, speed, keep, share = (each[:, 0] for each in (TWO.step, TWO.speed, TWO.keep, TWO.share))
    for i in range(3):
        weight = state[WEIGHT, :, i]
        for k in range(2):
            stays = weight[k] * (1 - 0.1 * (1 - share[k]))
            drawn = (1 - weight[k]) * 0.1 * share[k]
            spreads = []
            for axis in (0, 1):
                every = mixed([(weight[m], *moments(state, m, i, axis)) for m in range(2)])
                fresh = np.array([every[0][0], 0]), np.diag([every[1][0, 0], speed[k] ** 2])
                mine, theirs = stays / (stays + drawn), drawn / (stays + drawn)
                mean, spread = mixed([(mine, *moments(state, k, i, axis)), (theirs, *fresh)])
                moves = np.array([[1, keep[k]], [0, keep[k]]])
                noise = speed[k] ** 2 * (1 - keep[k] ** 2)
                spreads.append(moves @ spread @ moves.T + [[noise + step[k] ** 2, noise], [noise, noise]])
                assert moments(after, k, i, axis)[0] == pytest.approx(moves @ mean)
            # Of two axes there is one covariance; that of all modes together is their mean, too.
            assert moments(after, k, i, 0)[1] == pytest.approx(sum(spreads) / 2)
            assert after[WEIGHT, k, i] == pytest.approx(stays + drawn)


def test_what_is_seen_counts_as_in_a_kalman_filter():
    rng = np.random.default_rng(1)
    state, seen, variance = some_state(rng), rng.normal(0, 2, (2, 3)), np.array([0.1, 0.5, 2.0])
    after, density = update(state, seen[0], seen[1], variance)
    for i in range(3):
        likely = []
        for k in range(2):
            weight = state[WEIGHT, k, i]
            for axis in (0, 1):
                mean, spread = moments(state, k, i, axis)
                gain = spread[:, 0] / (spread[0, 0] + variance[i])
                assert moments(after, k, i, axis)[0] == pytest.approx(mean + gain * (seen[axis, i] - mean[0]))
                assert moments(after, k, i, axis)[1] == pytest.approx(spread - np.outer(gain, spread[0]))
                weight *= multivariate_normal.pdf(seen[axis, i], mean[0], spread[0, 0] + variance[i])
            likely.append(weight)
        assert density[i] == pytest.approx(sum(likely))
        assert after[WEIGHT, :, i] == pytest.approx(np.array(likely) / sum(likely))


def test_past_and_future_meet_in_a_mode_that_is_kept_or_drawn_anew():
    """Of two modes that go alike, only how they are weighed tells: 0.8 (0.9 0.8 + 0.1 0.2) / 0.5 + 0.2 = 1.384."""
    alike = modes_from([1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.5, 0.5], 0.2)
    past, future = (np.zeros((8, 2, 1)) for _ in range(2))
    past[WEIGHT, :, 0], future[WEIGHT, :, 0] = (0.9, 0.1), (0.8, 0.2)
    past[Y], future[X], past[PP], future[PP] = 1.0, 2.0, 1.5, 0.5
    assert meeting(past, future, alike) == pytest.approx(1.384 * normal(1**2 + 2**2, 2.0))


def test_where_a_mode_is_drawn_anew_only_the_place_of_all_counts():
    """Modes of the future lie at 0 and 4 px, with 0.25 and 0.75: together at 3 px, with a variance of 1 + 3 / 2."""
    anew = modes_from([1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.4, 0.6], 1.0)
    past, future = (np.zeros((8, 2, 1)) for _ in range(2))
    past[WEIGHT, :, 0], past[Y, :, 0], past[PP, :, 0] = (0.7, 0.3), (1, 2), (0.5, 0.7)
    future[WEIGHT, :, 0], future[Y, :, 0], future[PP] = (0.25, 0.75), (0, 4), 1.0
    first = 0.25 * normal(1**2, 1.5) + 0.75 * normal(2**2, 0.5 + 1 + 1.5)
    second = 0.75 * normal(2**2, 1.7) + 0.25 * normal(1**2, 0.7 + 1 + 1.5)
    assert meeting(past, future, anew) == pytest.approx(0.7 * first + 0.3 * second)


# What is learned of it -----------------------------------------------------------------------------------------------


def test_numbers_mean_steps_speeds_and_shares():
    modes = modes_of(LOG([2, 3, 4, 5, 4, 2, 3, 1 / 4, 1]))
    assert modes.step[:, 0] == pytest.approx([2, 3, 4])
    assert modes.speed[:, 0] == pytest.approx([0, 0, 5])
    assert modes.keep[:, 0] == pytest.approx([0, 0, 0.8])
    assert modes.share[:, 0] == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert modes.switch.tolist() == [[pytest.approx(0.2)]]
    several = modes_of(np.stack([guess(1.0), guess(2.0)]))
    assert (several.step.shape, several.switch.shape) == ((2, 3, 1), (2, 1, 1))
    assert several.step[1] == pytest.approx(2 * several.step[0])


def test_standard_errors_grow_by_the_factor_that_was_learned():
    told = learning.rescaled(along([0, 1], variance=0.5), LOG([1, 1, 1, 1, 1, 1, 1, 1, 3]))
    assert told.variance.tolist() == pytest.approx([4.5, 4.5])


def test_a_guess_is_near_the_typical_step_and_goes_straight_only_where_asked():
    modes = modes_of(guess(10.0))
    assert modes.step[:, 0] == pytest.approx([6, 12, 5])
    assert modes.speed[2, 0] == pytest.approx(12)
    assert modes.typical == pytest.approx(10, rel=0.05)
    assert 0.8 < modes.keep[2, 0] < 0.95
    assert 0.1 < modes.share[2, 0] < 0.4
    assert 0.05 < modes.switch.item() < 0.2
    assert modes_of(guess(10.0, directed=False)).share[2, 0] < 1e-8


def test_pieces_are_detections_in_a_row_at_most_twelve():
    """One particle for 14 frames, one for two, and one that is missed once."""
    frames = {0: range(14), 1: [0, 1], 2: [0, 1, 3, 4, 5]}
    rows = sorted((frame, who) for who, some in frames.items() for frame in some)
    last, before = {}, []
    for row, (_, who) in enumerate(rows):
        before.append(last.get(who, -1))
        last[who] = row
    pieces = learning._pieces(along([frame for frame, _ in rows]), Links(np.array(before), np.ones(len(rows))))
    told = [[rows[row] for row in piece if row >= 0] for piece in pieces]
    assert sorted(told, key=len) == [[(3, 2), (4, 2), (5, 2)], [(frame, 0) for frame in range(12)]]
    assert (pieces[[len(piece) == 3 for piece in told], 3:] == -1).all()


def test_of_many_pieces_some_are_chosen_all_over_the_film():
    steps = np.repeat(np.arange(3), 400)
    before = np.concatenate([np.full(400, -1), np.arange(800)])
    pieces = learning._pieces(along(steps), Links(before, np.ones(1200)))
    assert len(pieces) == 150
    assert (pieces[0, 0], pieces[-1, 0]) == (0, 399)
    none = learning._pieces(along(steps[:800]), Links(before[:800], np.ones(800)))
    assert len(none) == 0


def test_the_likelihood_of_pieces_is_that_of_their_moves():
    """Moves of a random walk with errors of position are normal, and those in a row share the error between them."""
    rng = np.random.default_rng(2)
    places = rng.normal(0, 3, (7, 2))
    points = Points.of(np.array([0, 0, 1, 1, 2, 2, 3]), places[:, 0], places[:, 1], np.full(7, 0.3))
    pieces = np.array([[0, 2, 4, 6], [1, 3, 5, -1]])
    walk, never, twice = LOG(1.7), -700.0, LOG(2.0)
    numbers = np.array([walk, walk, 0, 0, 0, 0, never, -1, twice])
    error, whole = 0.3 * 4, 0.0
    for rows in ([0, 2, 4, 6], [1, 3, 5]):
        moves = np.diff(places[rows], axis=0)
        n = len(moves)
        spread = np.eye(n) * (1.7**2 + 2 * error) - error * (np.eye(n, k=1) + np.eye(n, k=-1))
        whole += sum(multivariate_normal.logpdf(moves[:, axis], np.zeros(n), spread) for axis in (0, 1))
    assert learning._likelihood(pieces, points, numbers) == pytest.approx(whole)
    several = learning._likelihood(pieces, points, np.stack([numbers, numbers + 0.1, numbers]))
    assert several[[0, 2]] == pytest.approx(whole)
    assert several[1] != pytest.approx(whole)


def straight(rng, number, frames, speed, step, keep, error):
    """Simulate particles that go straight for a while, linked as they are."""
    velocity = rng.normal(0, speed, (number, 2))
    place, places = rng.uniform(0, 1000, (number, 2)), []
    for _ in range(frames):
        places.append(place + rng.normal(0, error, place.shape))
        velocity = keep * velocity + rng.normal(0, speed * np.sqrt(1 - keep**2), velocity.shape)
        place = place + velocity + rng.normal(0, step, place.shape)
    y, x = np.concatenate(places).T
    before = np.concatenate([np.full(number, -1), np.arange(number * (frames - 1))])
    return y, x, np.repeat(np.arange(frames), number), Links(before, np.ones(len(y)))


@pytest.mark.parametrize("directed", [True, False])
def test_motion_is_learned_from_links(directed):
    y, x, step, links = straight(np.random.default_rng(3), 60, 24, speed=3.0, step=0.5, keep=0.95, error=0.2)
    points = Points.of(step, y, x, np.full(len(y), 0.04))
    begun = guess(3.0, directed)
    modes = modes_of(learn_modes(points, links, begun, begun, directed))
    if directed:
        assert modes.typical == pytest.approx(3, rel=0.15)
        assert modes.share[2, 0] > 0.9
        assert modes.speed[2, 0] == pytest.approx(3, rel=0.15)
        assert modes.step[2, 0] == pytest.approx(0.5, rel=0.3)
        assert modes.keep[2, 0] == pytest.approx(0.95, abs=0.02)
        assert modes.switch.item() < 0.1
    else:
        assert modes.share[2, 0] < 1e-8


def test_errors_that_are_larger_than_they_say_are_learned():
    y, x, step, links = straight(np.random.default_rng(4), 60, 24, speed=0.0, step=0.3, keep=0.0, error=1.0)
    points = Points.of(step, y, x, np.full(len(y), 0.5**2))
    begun = guess(1.0)
    numbers = learn_modes(points, links, begun, begun)
    assert np.exp(numbers[8]) == pytest.approx(2, rel=0.15)
    assert modes_of(numbers).typical == pytest.approx(0.3, rel=0.3)


def test_few_detections_say_little_against_the_guess():
    """Three detections of one particle; and none that go on, of which nothing can be learned."""
    points, before = points_of([(0, 0, 0), (1, 1, 0), (2, 0, 1)], 0.01), np.array([-1, 0, 1])
    begun = guess(1.0)
    learned = learn_modes(points, Links(before, np.ones(3)), begun, begun)
    assert 0.01 < np.abs(learned - begun).max() < 0.5
    start = guess(7.0)
    assert learn_modes(points, Links(np.full(3, -1), np.ones(3)), start, begun) is start


def test_a_typical_step_is_that_of_mutual_neighbours():
    """Half of all steps of a normal random walk in two dimensions are shorter than 1.177 of its steps along an axis."""
    typical = learning.typical_step
    assert typical(points_of([(0, 0, 0), (0, 50, 0), (1, 2.354, 0)])) == pytest.approx(2)
    moving = points_of([(0, 0, 0), (1, 1.177, 0), (2, 1.177, 3 * 1.177)])
    assert typical(moving) == pytest.approx(2)  # of steps of 1 and 3
    assert typical(along([0, 1, 2])) == 0.05
    assert typical(along([4, 4])) == typical(along([4])) == 1
    y, x, step, _ = straight(np.random.default_rng(5), 60, 40, speed=0.0, step=0.8, keep=0.0, error=0.0)
    assert typical(Points.of(step, y, x, np.ones(len(y)))) == pytest.approx(0.8, rel=0.05)


# The sweep -----------------------------------------------------------------------------------------------------------


BIRTH, NOISE = 1e-4, 2e-4
RATES = {"first": 0.01, "birth": BIRTH, "death": 0.1, "hide": 0.2, "show": 0.6}


def swept(points, **more):
    rates = Rates(**RATES, noise=np.full(len(points), NOISE))
    return finish(sweep.sweep(points, WALK, rates, **more))


def test_points_are_those_of_steps_and_the_first_of_them_whole_steps():
    points = along([0, 0, 3, 3, 3, 4, 4, 4, 4])
    assert (points.starts.tolist(), points.ends.tolist(), len(points)) == ([0, 2, 5], [2, 5, 9], 9)
    assert [len(points.until(number)) for number in (1, 2, 3, 5, 6, 99)] == [2, 2, 5, 5, 9, 9]


def test_the_weight_of_a_link_is_that_of_being_seen_against_beginning_and_noise():
    """One detection, and one 3 px away in the next frame."""
    links = swept(points_of([(0, 0, 0), (1, 3, 0)]))
    assert links.before.tolist() == [-1, 0]
    odds = 0.01 / NOISE
    seen = odds / (1 + odds) * 0.9 * 0.8
    weight = normal(3**2, 1 + 4 + 1) * seen / (1 - seen) / (BIRTH + NOISE)
    assert links.chance == pytest.approx([1, weight / (1 + weight)], rel=2e-3)


def test_what_was_seen_before_makes_a_particle_surer():
    """Three in a row, 3 px and 0 px apart: after the second one, its place is known to 1 / (1 + 1 / 5) px²."""
    links = swept(points_of([(0, 0, 0), (1, 3, 0), (2, 3, 0)]))
    known, gain = 5 / 6, 5 / 6
    odds = 0.01 / NOISE * 0.9 * 0.8 * normal(3**2, 6) / NOISE
    seen = odds / (1 + odds) * 0.9 * 0.8
    weight = normal((3 - 3 * gain) ** 2, known + 4 + 1) * seen / (1 - seen) / (BIRTH + NOISE)
    assert links.chance[2] == pytest.approx(weight / (1 + weight), rel=2e-3)


@pytest.mark.parametrize("beside", [False, True], ids=["through empty frames", "beside another"])
def test_the_weight_of_a_gap_is_that_of_hiding_and_showing_again(beside):
    """Two frames without the particle, though perhaps with another, 1000 px away."""
    rows = [(0, 0, 0), (3, 2, 0)] + [(frame, 1000, 0) for frame in range(4) if beside]
    points = points_of(sorted(rows))
    links = swept(points)
    place = [*map(tuple, np.column_stack([points.step, points.y]).tolist())].index((3, 2))
    odds, alive = 0.01 / NOISE, 1.0
    for hide, show in ((0.2, 0.8), (0.4, 0.6)):
        odds *= 1 - 0.9 * alive * show
        alive = 0.9 * alive * hide / (0.9 * alive * hide + 1 - 0.9 * alive)
    seen = odds / (1 + odds) * 0.9 * alive * 0.6
    weight = normal(2**2, 1 + 3 * 4 + 1) * seen / (1 - seen) / (BIRTH + NOISE)
    assert links.chance[place] == pytest.approx(weight / (1 + weight), rel=5e-3)
    assert (links.before[place] == 0) == (weight > 1)


@pytest.mark.parametrize("beside", [False, True], ids=["through empty frames", "beside another"])
@pytest.mark.parametrize("gap", [0, 1, 2, 3])
def test_no_particle_is_missed_for_longer_than_allowed(beside, gap):
    frames = [*range(10), *range(10 + gap, 20 + gap)]
    rows = [(frame, 0, 0) for frame in frames] + [(frame, 1000, 0) for frame in range(20 + gap) if beside]
    points = points_of(sorted(rows))
    for longest in (0, 1, 2, 3):
        mine = chains(swept(points, longest=longest).before)[points.y == 0]
        assert (len({*mine.tolist()}) == 1) == (longest >= gap)


def test_no_particle_moves_farther_than_allowed_in_each_of_the_frames_that_it_was_missed():
    frames = [*range(6), *range(8, 12)]
    points = points_of([(frame, 3.0 * frame, 4.0 * frame) for frame in frames])
    wide = modes_from([6.0], [0.0], [0.0], [1.0], 0.0)
    rates = Rates(**RATES, noise=np.full(len(points), 1e-6))

    def number(fastest):
        return chains(finish(sweep.sweep(points, wide, rates, fastest=fastest)).before).max() + 1

    assert [number(fastest) for fastest in (4.9, 5.0, 5.1, np.inf)] == [10, 1, 1, 1]
    points = points_of([(frame, 3.0 * frame if frame < 6 else 15, 0) for frame in frames])
    assert number(3.0) == 1


def test_what_follows_is_told_by_its_own_filter_and_by_how_much_it_makes_noise_less_likely():
    """Three in a row, 2 px apart each: from the first to the second and on, once with a frame in between."""
    rates = Rates(**RATES, noise=np.array([0.004, 0.005, 0.006]))
    for gap in (1, 2):
        points = points_of([(0, 0, 0), (1, 2, 0), (1 + gap, 4, 0)])
        known = follow(points, np.array([-1, 0, 1]), WALK, rates)
        first = 0.9 * 0.8 * normal(2**2, 6) / 0.004
        wide = 5 / 6 + 4 * gap
        seen, alive = 0.9 * 0.8, 1.0
        missed = 1.0
        if gap == 2:
            missed, alive = 1 - seen, 0.9 * 0.2 / (0.9 * 0.2 + 0.1)
            seen = 0.9 * alive * 0.6
        second = missed * seen * normal((4 - 2 * 5 / 6) ** 2, wide + 1) / 0.005
        assert known.odds == pytest.approx([1, first, first * second])
        assert known.state[PP, 0] == pytest.approx([1, 5 / 6, wide / (wide + 1)])
        assert known.state[Y, 0, :2] == pytest.approx([0, 2 * 5 / 6])


def test_the_past_of_a_film_that_runs_backwards_is_its_future():
    rng = np.random.default_rng(6)
    step, before = np.array([0, 0, 1, 2, 2, 4]), np.array([-1, -1, 0, 1, 2, 4])
    points = Points.of(step, rng.normal(0, 2, 6), rng.normal(0, 2, 6), rng.uniform(0.1, 1, 6))
    noise = rng.uniform(0.001, 0.01, 6)
    turned = Points.of(*(each[::-1] for each in (4 - step, points.y, points.x, points.variance)))
    after = np.full(6, -1)
    for row, last in enumerate(before):
        if last >= 0:
            after[5 - last] = 5 - row
    future = backwards(points, before, TWO, Rates(**RATES, noise=noise))
    mirrored = follow(turned, after, TWO, Rates(**RATES, noise=noise[::-1]))
    np.testing.assert_allclose(future.state, mirrored.state[..., ::-1])
    np.testing.assert_allclose(future.odds, mirrored.odds[::-1])


def test_what_follows_speaks_for_the_detection_that_goes_on():
    """Two detections are as near; one of them is followed by three others."""
    rows = [(0, 0, 0), (1, 0, 2), (1, 0, -2), *[(frame, 0, 2) for frame in (2, 3, 4)]]
    points = points_of(rows)
    rates = Rates(**RATES, noise=np.full(6, NOISE))
    before = np.array([-1, -1, -1, 1, 3, 4])
    links = finish(sweep.sweep(points, WALK, rates, backwards(points, before, WALK, rates)))
    assert links.before[1] == 0
    assert links.chance[1] > 0.7
    assert links.chance[2] > 0.7  # that it begins
    assert swept(points).chance[1] < 0.6


def test_only_detections_within_reach_are_candidates():
    """Five standard deviations; where two modes lie apart, of both of them from their middle."""
    state = np.zeros((8, 2, 2))
    state[WEIGHT] = [[1, 0.5], [0, 0.5]]
    state[Y, :, 1], state[Y, 1, 0] = (98, 102), 1e3  # a mode without weight has no reach
    state[PP] = 0.75
    near = np.array([4.9, -5.1, 0, 93.1, 107.1, 0, 100])
    beside = np.array([0.0, 0, -4.9, 0, 0, 5.1, 6.9])
    i, j = candidates(state, near, beside, np.array([0.25, 0.1]))
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 0), (0, 2), (1, 3), (1, 6)]
    assert [len(each) for each in candidates(state[..., :0], near, beside, near)] == [0, 0]
    assert [len(each) for each in candidates(state, near[:0], near[:0], near[:0])] == [0, 0]


def test_of_a_crowd_the_likeliest_are_kept(monkeypatch):
    monkeypatch.setattr(sweep, "_CANDIDATES", 2)
    i, j = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 2, 1, 3, 0])
    weight = np.array([1.0, 3, 2, 5, 4, 0.1])
    told = sweep._fewer(i, j, weight)
    assert [each.tolist() for each in told] == [[0, 0, 1, 1, 2], [1, 2, 1, 3, 0], [3, 2, 5, 4, 0.1]]
    few = sweep._fewer(i[1:], j[1:], weight[1:])
    assert few[2].tolist() == [3, 2, 5, 4, 0.1]


def test_particles_that_are_probably_gone_or_false_are_given_up():
    """One in a thousand is the least chance: odds of 0.006 become 0.0012 where one is not seen, 0.004 too little."""
    rates = Rates(first=1.0, birth=1.0, death=0.0, hide=0.2, show=0.6, noise=np.ones(5))
    state = begin(np.arange(5.0), np.zeros(5), np.ones(5), WALK)
    alive, missed = np.array([1, 1, 1, 1, 0.0005]), np.array([0, 0, 2, 3, 0])
    tracks = sweep._Tracks(state, np.array([0.006, 0.004, 4, 4, 9]), alive, missed, np.arange(5))
    left = sweep._Sweep(along([0] * 5), WALK, rates, None, 3, np.inf)._missed(tracks, rates)
    assert left.last.tolist() == [0, 2]
    assert left.missed.tolist() == [1, 3]
    assert left.odds == pytest.approx([0.006 * 0.2, 4 * 0.4])
    assert left.alive.tolist() == [1, 1]
    assert left.state[Y, 0].tolist() == [0, 2]


def test_odds_do_not_grow_without_end():
    rates = Rates(**RATES, noise=np.full(400, 1e-9))
    points = along(range(400))
    before = np.arange(400) - 1
    assert follow(points, before, WALK, rates).odds.max() == 1e100
    links = finish(sweep.sweep(points, WALK, rates, backwards(points, before, WALK, rates)))
    assert links.before.tolist() == before.tolist()
    assert np.isfinite(links.chance).all()


# All of it -----------------------------------------------------------------------------------------------------------


def test_a_film_that_is_learned_from_its_start_is_linked_as_well(monkeypatch):
    table = come_and_go(np.random.default_rng(7), frames=60, births=0.8).assign(sigma=0.05, q=0.01)
    whole = [*link_by_evidence(table, table["frame"].to_numpy())]
    monkeypatch.setattr(linker, "_LEARNED_FROM", len(table) // 3)
    reported = []
    part = finish(link_by_evidence(table, table["frame"].to_numpy()), reported.append)
    score = score_links(table.assign(particle=part.particle))
    assert score.purity > 0.97
    assert score.completeness > 0.97
    assert len(part.rates.noise) == len(table)
    for told in (whole, reported):
        fractions = [progress.fraction for progress in told]
        assert fractions[-1] == 1
        assert np.allclose(np.diff(fractions), fractions[0])  # each step counts the same


def test_a_field_is_as_large_as_where_detections_are_and_at_least_twenty_steps_wide():
    q = np.full(6, np.nan)
    line = points_of([(frame, 2 * 1.1774 * frame, 0) for frame in range(6)])
    assert linker._Linker(line, q, 0.0, np.inf, np.inf, True).area == pytest.approx(40**2, rel=0.01)
    spread = points_of([(frame, 2 * 1.1774 * frame + side, 0) for frame in range(3) for side in (0, 95)])
    assert linker._Linker(spread, q, 0.0, np.inf, np.inf, True).area == pytest.approx((95 + 4 * 1.1774) * 40, rel=0.01)


def test_links_are_chances_and_beginnings_have_none():
    table = pd.DataFrame({"frame": [3, 2, 1, 0], "y": [0.3, 0.2, 0.1, 0.0], "x": 0.0}).sort_values("frame")
    found = finish(link_by_evidence(table, table["frame"].to_numpy()))
    assert found.particle.tolist() == [0] * 4
    assert np.isnan(found.link_chance).tolist() == [True, False, False, False]
    assert (found.link_chance[1:] > 0.5).all()
    assert len({*found.track_q.tolist()}) == 1


def test_a_bright_spot_may_be_two_particles():
    """Where two meet, the one spot that is left lies between them; its place is less sure, and both go on."""
    table = pd.DataFrame(
        [(frame, 50 + side * max(abs(frame - 10), 2), 50.0, 100.0) for frame in range(21) for side in (-1, 1)],
        columns=["frame", "y", "x", "signal"],
    ).assign(radius=1.5, sigma=0.05)
    met = table["frame"].between(9, 11) & (table["y"] < 50)
    table.loc[met, ["y", "signal"]] = 50.0, 200.0
    table = table[~(table["frame"].between(9, 11) & (table["y"] > 50))].reset_index(drop=True)
    steps = table["frame"].to_numpy()
    told, blind = (finish(link_by_evidence(each, steps)) for each in (table, table.drop(columns="signal")))
    assert told.track_q.max() < 0.01
    assert len({*told.particle.tolist()}) <= len({*blind.particle.tolist()})


def test_neighbours_hide_a_particle_as_often_as_they_may_meet_it():
    rates = Rates(1e-3, 1e-5, 0.02, 0.1, 0.5, np.full(1, 1e-6), near=2.0)
    y, x, variance = np.array([10.0, 10.0, 80.0]), np.array([10.0, 13.0, 80.0]), np.array([0.5, 1.5, 0.5])
    found = rates.crowded(y, x, variance)
    meet = 0.5 * (1 - np.exp(-4 / 4)) * np.exp(-9 / (4 + 2))  # of 2 px² together, 3 px away
    alone = 0.1 - 2 * meet / 3
    assert found.hide == pytest.approx([alone + meet, alone + meet, alone])
    assert found.of(np.array([2])).hide == pytest.approx([alone])
    assert found.seen(np.ones(3), np.zeros(3, bool)) == pytest.approx(0.98 * (1 - found.hide))
    crowd = rates.crowded(np.full(9, 10.0), np.full(9, 10.0), np.full(9, 1e-3))
    assert crowd.hide == pytest.approx(np.full(9, 0.8))  # never surely


def test_where_nobody_tells_how_near_is_one_all_hide_alike():
    rates = Rates(1e-3, 1e-5, 0.02, 0.1, 0.5, np.full(1, 1e-6))
    places = np.zeros(4), np.zeros(4), np.ones(4)
    assert rates.crowded(*places) is rates
    assert rates.of(np.arange(2)) is rates
    alone = replace(rates, near=2.0)
    assert alone.crowded(np.zeros(1), np.zeros(1), np.ones(1)) is alone
