"""Motion on a few places, worked out by hand: sums, standard errors, bands, and where each rule begins to hold."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core import motion
from napari_growtrack.core.errors import MotionError
from napari_growtrack.core.motion import Estimate, Units
from napari_growtrack.core.motion.diffusion import _covariance, apparent_variance
from napari_growtrack.core.motion.displacement import Track, sums_of
from napari_growtrack.core.motion.errors_of_means import estimate, mean_and_error
from napari_growtrack.core.motion.exponent import Exponent, known_variances
from napari_growtrack.core.motion.fitting import Family, Question, check_number, criteria, fitted
from napari_growtrack.core.motion.fractional import runs_of
from napari_growtrack.core.motion.harmonic import Harmonic, _curvature, _inverse
from napari_growtrack.core.motion.report import chosen_motion
from napari_growtrack.core.motion.states import States, _Fitted, _Question, _some, assign_states, step_variances
from napari_growtrack.core.motion.steps import StepLengths, _distribution, _factor, _share, _steps_of
from napari_growtrack.core.motion.switching import Rows, Switching, rows_of, switches_of
from napari_growtrack.core.motion.trap import _by_equipartition, _differ, _of_logarithm, _scale

SHORT = Units(exposure_share=0)
STEPS = [1, 1, 2, -2, 2, 0, 2, 0, -1]
MICRO = Units(pixel_size=0.1, frame_time=0.02)
NORMAL, STUDENT_9, STUDENT_10 = 1.959964, 2.262157, 2.228139
"""How many standard errors a 95 % interval reaches: normal, and Student's with so many degrees of freedom."""


def table(*tracks, first=0):
    """Return trajectories of places (y, x), one a frame."""
    rows = [(first + i, *place, number) for number, places in enumerate(tracks) for i, place in enumerate(places)]
    return pd.DataFrame(rows, columns=["frame", "y", "x", "particle"])


def single_steps(*lengths):
    """Return trajectories of one step each, along y."""
    return table(*([(0, 0), (length, 0)] for length in lengths))


def along_y(*steps):
    """Return one trajectory of these steps."""
    return table([(place, 0) for place in np.cumsum([0, *steps])])


def track(places):
    return Track(0, 0, np.asarray(places, float))


# Mean square displacements --------------------------------------------------------------------------------------------


def test_square_displacements_of_short_trajectories_and_of_one_with_a_gap():
    """Squares of 5; of 1 and 4, and 9 over both; and of 25 over a gap."""
    places = [[(0, 0), (1, 2)], [(0, 0), (0, 1), (0, 3)], [(0, 0), (np.nan, np.nan), (3, 4)]]
    squares, pairs = sums_of([track(one) for one in places], 100)
    assert squares.tolist() == [[5, 0], [5, 9], [0, 25]]
    assert pairs.tolist() == [[1, 0], [2, 1], [0, 1]]
    assert sums_of([track(one) for one in places], 1).squares.tolist() == [[5], [5], [0]]
    film = table(*places).dropna()
    np.testing.assert_allclose(motion.imsd(film), [[5, 2.5, np.nan], [np.nan, 9, 25]])
    together = motion.emsd(film, units=MICRO)
    np.testing.assert_allclose(together["msd"], [0.01 * 10 / 3, 0.01 * 34 / 2])
    assert together["pairs"].tolist() == [3, 2]


def test_the_band_of_three_trajectories_reaches_from_the_least_to_the_largest_in_micrometres():
    """All three draws are the same trajectory in one of 27 cases, more than the 2.5 % beyond each end."""
    found = motion.emsd(single_steps(2, 3, 4), units=MICRO)
    np.testing.assert_allclose(found[["low", "msd", "high"]], [[0.04, 0.01 * 29 / 3, 0.16]])
    assert motion.emsd(single_steps(1, 2))[["low", "high"]].isna().all(axis=None)


def test_places_that_are_all_some_frames_apart_are_said_to_be():
    every_second = along_y(*range(9)).assign(frame=lambda one: 2 * one["frame"])
    with pytest.raises(MotionError, match=r"got 0\. All places are 2 frames apart.* divide the column frame by 2, and"):
        motion.diffusion(every_second)
    with pytest.raises(MotionError, match=r"got 7\. Link longer"):
        motion.diffusion(along_y(*range(8)))


# Standard errors ------------------------------------------------------------------------------------------------------


def test_from_ten_trajectories_on_their_own_spread_tells_the_error():
    """Half of them 1 and half 3: a variance of 10/9, over ten; with nine, each number adds its own square."""
    ten, nine = [1.0, 3.0] * 5, [1.0, 3.0] * 4 + [2.0]
    told = mean_and_error([np.array([one]) for one in ten], 1)
    assert told == pytest.approx((2, 1 / 3, STUDENT_9))
    assert mean_and_error([np.array([one]) for one in nine], 1) == pytest.approx((2, np.sqrt(8) / 9, NORMAL))
    without = [*(np.array([one]) for one in nine), np.array([np.nan])]  # the tenth has nothing to tell
    assert mean_and_error(without, 1) == pytest.approx((2, np.sqrt(8) / 9, NORMAL))


def test_longer_trajectories_count_more_and_empty_ones_not_at_all():
    """Nine of one 0 and one of two 2: a mean of 4/11, of which they are off by 4/11 and 36/11 in all."""
    parts = [np.array([0.0])] * 9 + [np.array([2, np.nan, 2])] + [np.array([np.nan])]
    assert mean_and_error(parts, 1) == pytest.approx((4 / 11, np.sqrt(10 / 9 * 1440) / 11 / 11, STUDENT_9))
    assert np.isnan(mean_and_error([np.array([np.nan])], 1)).all()


@pytest.mark.parametrize(
    ("numbers", "reach", "variance"),
    [
        ([3, 1, 0, 0], 0, 6 / 16),  # 2, 0, -1 and -1 from the mean
        ([3, 1, 0, 0], 1, (6 + 2) / 16),
        ([3, 1, 0, 0], 2, (6 + 2 - 4) / 16),
        ([3, 1, 0, 0], 9, 0),
        ([3, np.nan, 0, 0], 1, (4 + 1 + 1 + 2) / 9),
        ([1, -1, 1, -1], 1, 0),  # 4 - 6: no variance is below 0
    ],
)
def test_the_error_along_one_trajectory_holds_what_neighbours_have_in_common(numbers, reach, variance):
    assert mean_and_error([np.array(numbers, float)], reach)[1] == pytest.approx(np.sqrt(variance))


def test_an_estimate_is_scaled_and_cut_off_at_its_least():
    parts = [np.array([1.0, 3.0])]
    half = 2 * NORMAL * np.sqrt(2) / 2
    told = estimate(parts, 0, -2.0, "px")
    assert (told.value, told.low, told.high) == pytest.approx((-4, -4 - half, -4 + half))
    cut = estimate(parts, 0, 2.0, "px", least=3.0)
    assert (cut.value, cut.low, cut.high) == pytest.approx((4, 3, 4 + half))


# Diffusion and drift --------------------------------------------------------------------------------------------------


def test_local_diffusion_coefficients_and_variances_of_three_steps():
    """Steps along y of 1, 2, 0 and along x of 0, 0, 2."""
    coefficients, variances, number = _covariance([track([(0, 0), (1, 0), (3, 0), (3, 2)])], 0.1)
    np.testing.assert_allclose(coefficients, [[(2.5 / 2 + 2 + 0) / 2, (2 / 2 + 2 / 2) / 2]])
    np.testing.assert_allclose(variances, [[(0.25 - 0.8 * 2) / 2, (0.2 + 0.2) / 2]])
    assert number == 2


def test_the_interval_of_diffusion_takes_estimates_up_to_two_apart_as_dependent():
    first, second = np.array(STEPS[:-1], float), np.array(STEPS[1:], float)
    squares, products = (first**2 + second**2) / 4, first * second / 2  # of both axes, and nothing moves along x
    near = np.abs(np.subtract.outer(range(8), range(8))) <= 2

    def end(local):
        off = local - local.mean()
        return local.mean() + NORMAL * np.sqrt(off @ near @ off) / 8

    short, unknown = motion.diffusion(along_y(*STEPS), SHORT), motion.diffusion(along_y(*STEPS))
    assert short.displacements == 8
    assert short.coefficient.value == pytest.approx(0.25)
    assert short.coefficient.high == pytest.approx(end(squares / 2 + products))
    assert short.localisation_error.high == pytest.approx(np.sqrt(end(-products)))
    assert unknown.localisation_error.value == pytest.approx(np.sqrt(-products.mean()))
    assert unknown.localisation_error.high == pytest.approx(np.sqrt(end(squares / 6 - products * 2 / 3)))
    assert apparent_variance(along_y(*STEPS)).high == pytest.approx(end(-products))


def test_the_line_through_two_lags_gives_a_slope_of_four_times_the_coefficient():
    film = along_y(*STEPS)
    one, two = motion.emsd(film, 2)["msd"]
    slope, start = two - one, 2 * one - two
    blurred = max((start + slope / 3) / 4, 0)
    assert slope > 0 < blurred
    found = motion.fit_msd(film, Units(pixel_size=0.1, frame_time=0.02, exposure_share=1), lags=2)
    assert found.coefficient.value == pytest.approx(slope / 4 * 0.01 / 0.02)
    assert found.localisation_error.value == pytest.approx(0.1 * np.sqrt(blurred))
    assert motion.fit_msd(film, SHORT, lags=50) == motion.fit_msd(film, SHORT, lags=9)  # there are no more


def test_positions_look_blurred_where_their_variance_is_below_what_sigma_a_tenth_too_large_says():
    film = along_y(*STEPS)
    sigma = np.sqrt(apparent_variance(film).high) / 0.9
    assert sigma > 0

    def looks(factor, low):
        spreading = Exponent(Estimate.between(1.2, low, 1.5, ""), Estimate.between(1, 0.9, 1.1, ""), True, False)
        return motion.looks_blurred(film.assign(sigma=factor * sigma), spreading)

    assert looks(1.01, 1.0)
    assert not looks(0.99, 1.0)
    assert not looks(1.01, 1.01)


def test_sigma_is_the_mean_square_of_each_trajectory_or_nothing():
    film = table([(0, 0), (1, 0)], [(0, 0), (1, 0), (2, 0)])
    tracks = motion.displacement.tracks_of(film)
    known = known_variances(film.assign(sigma=[1, 3, 2, 2, 2]), tracks)
    assert [one.tolist() for one in known] == [[5, 5], [4, 4, 4]]
    for wrong in (0, -1, np.nan, np.inf):
        assert known_variances(film.assign(sigma=[1, 3, 2, 2, wrong]), tracks) is None


def test_the_drift_of_ten_single_steps_is_as_sure_as_their_spread_and_that_of_nine_has_both_axes():
    ten, nine = (motion.drift_velocity(single_steps(*one)) for one in ([1, 3] * 5, [1, 3] * 4 + [2]))
    assert (ten.y.value, ten.y.high - ten.y.value) == pytest.approx((2, STUDENT_9 / 3))
    assert not ten.x.is_told  # alike along x
    assert nine.x.high == pytest.approx(2.119905 * np.sqrt(9 / 8 * 8 / 2) / 9)  # Student's with 16 degrees
    assert (ten.is_sure, ten.trajectories, nine.trajectories) == (True, 10, 9)


def test_the_drift_of_one_trajectory_is_as_sure_as_its_six_parts_are_alike():
    """Twelve steps along y; parts of two move by 1 and 3 in turn, 1 off from what they should."""
    found = motion.drift_velocity(along_y(*[0, 1, 1, 2] * 3), MICRO)
    half = STUDENT_10 * np.sqrt(6 / 5 * 6 / 2) / 12
    assert (found.y.value, found.y.high, found.x.high) == pytest.approx((5, 5 * (1 + half), 5 * half))


def test_velocities_of_three_steps_resemble_each_other_by_their_products():
    film = along_y(1, 2, 3)
    found = motion.velocity_autocorrelation(film)
    assert found["correlation"].tolist() == pytest.approx([14 / 6, 8 / 4, 3 / 2])
    assert found["pairs"].tolist() == [3, 2, 1]
    off = np.array([1, 4, 9]) / 2 - 14 / 6
    assert found["high"][0] - found["correlation"][0] == pytest.approx(
        NORMAL * np.sqrt(off @ off + 2 * off[1:] @ off[:-1]) / 3
    )
    assert np.isnan(found["high"][2])
    assert len(motion.velocity_autocorrelation(film, 1)) == 2
    gaps = film[film["frame"] != 2]  # a single step is left
    assert motion.velocity_autocorrelation(gaps)["lag"].tolist() == [0]


# Steps and their populations ------------------------------------------------------------------------------------------


def step_lengths(number, exposure_told):
    each = (Estimate.between(1.0, 0.5, 2.0, "px²/frame"),) * number
    shares = (Estimate.between(0.5, 0.4, 0.6, ""),) * number if number > 1 else ()
    nothing = np.zeros(0)
    return StepLengths(each, shares, (0.0,) * number, True, exposure_told, pd.DataFrame(), nothing, nothing, nothing)


@pytest.mark.parametrize(("number", "told", "said"), [(1, True, 0), (1, False, 0), (2, True, 0), (2, False, 1)])
def test_the_exposure_is_asked_for_only_where_it_matters_and_nobody_told_it(number, told, said):
    found = step_lengths(number, told)
    assert sum("Nobody told the exposure" in line for line in found.lines) == said
    assert len(found.lines) == 1 + number + said
    assert [one["share"] is None for one in found.to_dict()["populations"]] == [number == 1] * number


def test_a_share_reaches_as_far_as_its_logit_and_is_not_told_beyond_three():
    told = _share(0.2, np.log(4))
    assert (told.value, told.low, told.high) == pytest.approx((1 / 5, 1 / 17, 1 / 2))
    assert _share(0.5, 2.99).is_told
    assert not _share(0.5, 3.01).is_told


def test_neighbouring_steps_and_sigma_tell_the_noise_together():
    """Two trajectories say 1 and 3, so 2 with a variance of 1/2; sigma says 1, with one of 1/25."""
    local, by = np.array([1, np.nan, 3]), np.array([4, 4, 7])
    alone, rest, slopes = _factor(local, np.ones(3), by, np.array([4, 7]), False)
    assert (alone, rest, slopes.tolist()) == (2, 0, [-0.5, 0.5])
    both, rest, slopes = _factor(local, np.ones(3), by, np.array([4, 7]), True)
    assert (both, rest) == pytest.approx(((2 * 2 + 25 * 1) / 27, 25 / 27**2))
    assert slopes.tolist() == pytest.approx([-1 / 27, 1 / 27])
    assert _factor(np.array([-1.0]), np.ones(1), np.array([4]), np.array([4]), True)[0] == 0


def test_a_hundred_steps_are_enough_and_few_trajectories_are_cut_into_pieces_of_thirty():
    places = np.cumsum(np.tile([[0, 0], [1, 0], [0, 2]], (34, 1)), axis=0)[:101]
    found = _steps_of([track(places)], [np.full(101, 0.25)], 0.5)
    assert len(found.halves) == 100
    assert found.halves[:3].tolist() == [0.5, 2, 0]
    assert set(found.noises) == {0.5}
    assert found.growth == pytest.approx(2 - 1 / 3)
    assert np.bincount(found.whose).tolist() == [30, 30, 30, 10]
    ten, nine = (_steps_of([track(places)] * number, None, 0.0) for number in (10, 9))
    assert (ten.whose.max() + 1, nine.whose.max() + 1) == (10, 36)
    with pytest.raises(MotionError, match="got 99"):
        _steps_of([track(places[:100])], None, 0.0)


def test_the_noise_without_sigma_is_what_neighbouring_steps_take_back():
    """Steps of 1 and -1 in turn along y: products of -1/2 and halves of 1/2; an open shutter adds a sixth of these."""
    back = [(i % 2, 0) for i in range(101)]
    for share in (0.0, 1.0):
        told = _steps_of([track(back)], None, share).factor
        assert told == pytest.approx(share / 6 * 0.5 + (1 - share / 3) * 0.5)


def test_the_distribution_has_sixty_bins_to_all_but_the_longest_steps():
    found = _distribution(np.arange(1001.0), np.array([0.25, 0.75]), np.array([1e4, 9e4]), 0.1)
    width = 995 / 60
    middle = 3.5 * width
    assert len(found) == 60
    assert found["length"][3] == pytest.approx(0.1 * middle)
    assert found["density"][3] == pytest.approx(10 * 17 / 1001 / width)  # 50 to 66
    parts = [w * middle / v * np.exp(-(middle**2) / 2 / v) for w, v in ((0.25, 1e4), (0.75, 9e4))]
    assert found.loc[3, ["population_1", "population_2", "fit"]].tolist() == pytest.approx(
        [10 * parts[0], 10 * parts[1], 10 * sum(parts)]
    )


# What likelihoods look at ---------------------------------------------------------------------------------------------


def test_rows_are_trajectories_of_two_places_and_more():
    one, two, three = (track([(i, 0) for i in range(number)]) for number in (1, 2, 3))
    rows = rows_of([one, two, three])
    assert rows.places[:, 0].tolist() == [0, 1, 0, 1, 2]
    assert rows.starts.tolist() == [0, 2, 5]
    assert rows.variances.tolist() == [1] * 5
    known = rows_of([one, two, three], [np.full(1, 9.0), np.full(2, 4.0), np.full(3, 5.0)])
    assert known.variances.tolist() == [4, 4, 5, 5, 5]


def test_runs_are_of_sixty_four_moves_at_most_and_gaps_are_longer_times():
    long, short = track([(i, 2 * i) for i in range(67)]), track([(0, 0), (np.nan, np.nan), (4, 4), (5, 4)])
    runs = runs_of([long, short])
    assert sorted(zip(runs.whose.tolist(), runs.lengths.tolist(), strict=True)) == [(0, 2), (0, 64), (1, 2)]
    torn = runs.whose.tolist().index(1)
    assert runs.times[torn, :3].tolist() == [0, 2, 3]
    assert runs.moves[torn, :3].tolist() == [[4, 4], [1, 0], [0, 0]]
    assert runs_of([track(long.places[:65])]).lengths.tolist() == [64]
    assert runs_of([track(long.places[:10])]).lengths.tolist() == [9]
    with pytest.raises(MotionError, match="got 7"):
        runs_of([track(long.places[:9])])
    with pytest.raises(MotionError, match="got 0"):
        runs_of([track(long.places[:1]), track(long.places[:2])])


def test_trajectories_alike_in_time_and_noise_share_a_covariance():
    places = [(i, 0) for i in range(6)]
    runs = runs_of([track(places)] * 3, [np.full(6, 1.0), np.full(6, 2.0), np.full(6, 1.0)])
    assert runs.fresh.tolist() == [True, False, True]
    assert runs.whose.tolist() == [0, 2, 1]
    assert runs.tracks == 3


def test_criteria_are_told_over_the_least_and_of_one_alone_nothing():
    assert criteria((10.0, 7.0, 8.5)) == "  (information criterion above the least: 3 with 1, 0 with 2, 1.5 with 3)"
    assert criteria((10.0,)) == ""
    for number in (None, 1, 3):
        check_number(number, 3, "states")
    for number in (0, 4):
        with pytest.raises(MotionError, match=f"of states from 1 to 3, got {number}"):
            check_number(number, 3, "states")


def line(lags, number, share):
    """Return mean square displacements of diffusion, the open shutter being taken for a constant."""
    return np.where(lags > 0, np.exp(number) * lags - share / 3, 0.0)


def test_noise_is_a_factor_where_sigma_is_known_and_else_begins_at_the_least_there_can_be():
    family, runs = Family(line, 0.0, 2.0, -1.0, 1.0, True), runs_of([track([(i, 0) for i in range(12)])])
    known, free = Question(family, runs, 0.6, True), Question(family, runs, 0.6, False)
    parameters = np.log([2.0, 1.0, 3.0])
    assert known.noise(parameters) == pytest.approx(3)
    # only neighbouring moves have anything in common: the spectrum at the highest frequency has two terms
    spread, after = 1 - 0.2, np.array([(2 - 0.2 - 2 * (1 - 0.2)) / 2])
    least = -0.98 * (spread - 2 * after.sum()) / 4
    assert free.noise(parameters) == pytest.approx(2 * (least + 3))
    assert known.widths.tolist() == [np.inf, 2, 0.2]
    assert free.widths.tolist() == [np.inf, 2, np.inf]
    off = np.array([0.3, 0.5, 0.1])
    assert known.whole(off)[0] - known.costs(off)[0].sum() == pytest.approx((0.0625 + 0.25) / 2)
    for asked in (known, free):
        moved = [asked.whole(off + one)[0] - asked.whole(off - one)[0] for one in 1e-5 * np.eye(3)]
        np.testing.assert_allclose(asked.whole(off)[1], np.array(moved) / 2e-5, rtol=1e-4)


def test_what_does_not_move_has_no_parameters():
    family = Family(line, 0.0, 2.0, -1.0, 1.0, True)
    found = fitted(Question(family, runs_of([track(np.zeros((12, 2)))]), 0.0, False))
    assert np.isnan([*found.parameters, *found.reaches, found.cost]).all()


# States ---------------------------------------------------------------------------------------------------------------


def rows_of_lengths(*lengths):
    """Return trajectories along y with steps of 1, 2 and so on, far from each other."""
    return rows_of(
        [track([(1000 * n + i * (i + 1) / 2, 0) for i in range(number)]) for n, number in enumerate(lengths)]
    )


def test_what_is_expected_of_states_before_anything_is_seen():
    """Squared steps of 1, 4 and 1, of which half is along an axis; the step to the next trajectory is none."""
    rows = rows_of_lengths(3, 2)
    one, three = _Question(rows, 1, 0.0, False), _Question(rows, 3, 0.0, True)
    assert one.spread == pytest.approx(6 / 3 / 2)
    assert one.start.tolist() == pytest.approx([0, np.log(0.1)])
    assert one.expected[1].tolist() == [np.inf, 3]
    middle, width = three.expected
    assert middle.tolist() == pytest.approx([0] * 6 + [np.log(0.05)] * 3)
    assert width.tolist() == [np.inf] * 3 + [0.2] + [3] * 5
    off = np.array([7, 8, 9, 0.1, 3, 0, 6, 0, 0])
    assert three.doubt(middle + off) == pytest.approx((0.25 + 1 + 4) / 2)
    assert _Fitted(three, middle + off, 10.0).information(100) == pytest.approx(2 * (10 - 2.625) + 9 * np.log(100))
    still = _Question(Rows(np.zeros((3, 2)), np.ones(3), np.array([0, 3])), 1, 0.0, False)
    assert still.spread == 1e-6


def test_parameters_of_states_are_logarithms():
    parameters = np.log([0.1, 0.5, 2.0, 3.0, 0.2])
    model = _Question(rows_of_lengths(3), 2, 0.3, True).model(parameters)
    assert model.steps.tolist() == pytest.approx([0.1, 0.5])
    assert (model.noise, model.open_share) == (pytest.approx(2), 0.3)
    assert model.shares.tolist() == pytest.approx([1 / 4, 3 / 4])
    leaving = 1 - np.exp(-0.2)  # to and fro together
    np.testing.assert_allclose(
        model.switches, [[1 - 0.75 * leaving, 0.75 * leaving], [0.25 * leaving, 1 - 0.25 * leaving]]
    )
    np.testing.assert_allclose(switches_of(model.shares, np.array([0.2])), model.switches)


def test_forty_trajectories_at_most_are_looked_at_first():
    assert len(_some(rows_of_lengths(*[2] * 40)).starts) - 1 == 40
    some = _some(rows_of_lengths(*[2, 3] * 20, 4))
    assert len(some.starts) - 1 == 21  # every second of 41
    assert np.diff(some.starts).tolist() == [2] * 20 + [4]
    assert (len(some.places), len(some.variances)) == (44, 44)
    assert some.places[2, 0] == 2000


def states_of(number, guessed=None, sigma_used=False):
    each, pairs = (Estimate.between(1.0, 0.5, 2.0, ""),) * number, np.full(number * (number - 1) // 2, 0.1)
    shares = np.full(number, 1 / number)
    model = Switching(np.array([0.01, 1.0, 9.0])[:number], shares, switches_of(shares, pairs), 0.25, 0.6)
    some = each if number > 1 else ()
    return States(each, some, (each,) * number, some, each[0], (0.0,) * number, sigma_used, guessed, model)


@pytest.mark.parametrize(("number", "lines"), [(1, 2), (2, 7), (3, 13)])
def test_each_state_and_each_way_between_two_has_a_line(number, lines):
    found, guessed = states_of(number).lines, states_of(number, 0.0).lines
    assert (len(found), len(guessed)) == (lines, lines + 1)
    assert "open for a moment" in guessed[-1]
    assert "open all the time" in states_of(number, 1.0).lines[-1]
    told = states_of(number).to_dict()
    assert [sorted(one["rates"]) for one in told["states"]] == [
        [str(j) for j in range(1, number + 1) if j != i] for i in range(1, number + 1)
    ]
    assert [one["share"] is None for one in told["states"]] == [number == 1] * number
    assert ("localisation_error" in told, "sigma_factor" in told) == (True, False)


def test_states_are_given_to_trajectories_of_two_places_and_none_to_a_single_one():
    film = table([(0, 0)], [(0, 0), (6, 0)], [(0, 0), (0, 0.01), (0, 0)], first=5)
    told = assign_states(film, states_of(2))
    assert told["state"].tolist() == [-1, 1, 1, 0, 0, 0]
    assert np.isnan(told["state_probability"][0])
    assert (told["state_probability"][1:] >= 0.5).all()
    assert assign_states(film[:1], states_of(2))["state"].tolist() == [-1]
    lengths, variances = step_variances(film, states_of(2))
    assert lengths.tolist() == pytest.approx([6, 0.01, 0.01])
    assert variances.tolist() == pytest.approx([0.01 * 0.8 + 0.5, 0.8 + 0.5])
    _, known = step_variances(film.assign(sigma=[1, 2, 2, 1, 1, 1]), states_of(2, sigma_used=True))
    assert known.tolist() == pytest.approx([0.01 * 0.8 + 0.5 * 2, 0.8 + 0.5 * 2])


# Units and traps ------------------------------------------------------------------------------------------------------


def test_an_exposure_may_be_two_per_cent_longer_than_a_frame_and_no_more():
    assert Units(frame_time=1, exposure_time=1.02).open_share == 1
    with pytest.raises(MotionError, match="longer than the 1 s"):
        assert Units(frame_time=1, exposure_time=1.021).open_share


def test_both_ends_belong_to_an_interval():
    told = Estimate.between(1, 0.5, 2, "")
    assert [told.holds(one) for one in (0.49, 0.5, 2, 2.01)] == [False, True, True, False]


def test_a_stiffness_is_told_up_to_a_factor_of_a_hundred_to_either_side():
    told = _of_logarithm(np.log(3), 2, np.log(2) ** 2, 10, "kT/px²")
    assert (told.value, told.low, told.high) == pytest.approx((30, 7.5, 120))
    assert _of_logarithm(0, 1, np.log(99) ** 2, 1, "").is_told
    assert not _of_logarithm(0, 1, np.log(101) ** 2, 1, "").is_told
    assert _scale(MICRO, None) == (pytest.approx(100), "kT/µm²")
    assert _scale(Units(), 300) == (1, "kT/px²")
    assert _scale(MICRO, 300) == (pytest.approx(1.380649e-23 * 300 * 1e20), "pN/µm")


def bead(stiffness=(0.0, 0.0, 0.0), diffusion=0.0, noise=0.0, unsure=0.0, turned=None, positions=1000):
    return Harmonic(np.array(stiffness), diffusion, 0.0, noise, np.zeros((5, 5)), unsure, turned, positions)


def test_a_slow_bead_is_at_half_as_many_independent_places_as_it_forgets_frames():
    """It forgets half in a frame, along the softer axis if there are two: 40 positions are 10 and a factor 2.228."""
    half = np.log(np.log(2))
    assert bead(diffusion=half, positions=40).reach == pytest.approx(STUDENT_10)
    assert bead((1, 0, 0), diffusion=half, positions=40).reach == pytest.approx(STUDENT_10)
    assert bead((0.5, 0.5, 0.5), diffusion=half, positions=40).reach == pytest.approx(STUDENT_10)  # 1 and 0, turned
    assert bead((0, 0, -9), diffusion=half, turned=0.0, positions=40).reach == pytest.approx(STUDENT_10)
    assert bead(diffusion=half, positions=4).reach == pytest.approx(4.302653)  # never fewer than two


@pytest.mark.parametrize(
    ("noise", "unsure", "stiffness", "variance"),
    [
        (0.0, 0.0, 1 / 2, 2 * (2 / 12) / 4),  # 20 positions that forget half in a frame are 12 independent ones
        (0.5, 0.1, 1 / np.sqrt(0.5 * 3.5), None),
        (0.5, 9.0, 1 / np.sqrt(0.5 * 3.5), None),
        (1.0, 0.1, 1 / np.sqrt(0.001 * 3), None),  # nothing is left of the first but a thousandth
    ],
)
def test_a_bead_that_strays_by_one_and_four_square_pixels(noise, unsure, stiffness, variance):
    places = np.array([(y, x) for y in (-1, 1) for x in (-2, 2)] * 5 + [(np.nan, np.nan)], float)
    found = bead(diffusion=np.log(np.log(2)), noise=noise, unsure=unsure)
    told = _by_equipartition(places, found, 10.0, "kT/µm²")
    if variance is None:
        own = [max(1 - noise, 0.001), 4 - noise]
        shares = [one / (one + noise) for one in own]
        independent = [max(20 / (1 + 2 * share**2 / 3), 2) for share in shares]
        off = [
            (2 / n * s**2 + (min(unsure, 2) * noise) ** 2) / o**2
            for n, s, o in zip(independent, (1, 4), own, strict=True)
        ]
        variance = sum(off) / 4
    if found.reach * np.sqrt(variance) > np.log(100):
        assert not told.is_told
        return
    assert told.value == pytest.approx(10 * stiffness)
    assert np.log(told.high / told.value) == pytest.approx(found.reach * np.sqrt(variance))


def test_curvature_is_of_second_derivatives_and_what_is_flat_is_left_out():
    bend = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    found = _curvature(lambda one: float(one @ bend @ one / 2), np.array([0.3, -0.2, 0.1]))
    np.testing.assert_allclose(found, bend, atol=1e-9)
    np.testing.assert_allclose(_inverse(found), np.array([[2, -1, 0], [-1, 4, 0], [0, 0, 0]]) / 7, atol=1e-9)


def test_twenty_positions_of_a_bead_are_enough_and_one_that_returns_within_a_frame_is_no_error():
    """Of places that have nothing in common any stiffness above that of their spread is as likely."""
    for seed in range(4):
        places = np.random.default_rng(seed).normal(0, 1, (20, 2))
        assert motion.trap_stiffness(table(places)).positions == 20
    with pytest.raises(MotionError, match="at least 20 positions of the bead, got 19"):
        motion.trap_stiffness(table(places[1:]))


def test_what_is_colder_than_any_liquid_is_meant_in_degrees():
    motion.check_temperature(200.0)
    with pytest.raises(MotionError, match=r"got 199\. 199 °C are 472\.15 K\.$"):
        motion.check_temperature(199)
    with pytest.raises(MotionError, match=r"got -200\.$"):
        motion.check_temperature(-200)


@pytest.mark.parametrize(
    ("stiffness", "differ"),
    [
        ((-2.0, 0.0, -2.0), False),
        ((-2.0, 0.0, -1.0), True),
        ((2.0, 0.0, 2.5), True),  # 0.25 / 0.02 is more than 5.99
        ((2.0, 0.0, 2.3), False),
        ((-2.0, 0.25, -2.0), True),  # 0.5 squared over 0.04
        ((-2.0, 0.2, -2.0), False),
        ((-2.0, 0.2, -1.7), True),  # 4 and 4.5 together
    ],
)
def test_two_stiffnesses_differ_where_their_difference_or_their_turn_is_more_than_chance(stiffness, differ):
    covariance = np.diag([0.01, 0.01, 0.01, 0.0, 0.0])
    assert _differ(Harmonic(np.array(stiffness), 0.0, 0.0, 0.1, covariance, 0.1, None, 500)) == differ


def test_the_drift_of_two_particles_can_be_taken_away_and_that_of_one_cannot():
    film = table([(0, 0), (1, 0)], [(0, 0), (3, 0)])
    assert chosen_motion(film, True)["y"].tolist() == pytest.approx([0, -1, 0, 1])
    assert chosen_motion(film, True, [1])["y"].tolist() == pytest.approx([0, 1])
    with pytest.raises(MotionError, match="drift of a single particle"):
        chosen_motion(film[:2], True)
