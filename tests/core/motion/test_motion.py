"""Motion: known numbers come out within their stated errors, and those of trackpy exactly."""

import numpy as np
import pandas as pd
import pytest
import trackpy
from scipy import stats
from scipy.linalg import cholesky, expm, solve_continuous_lyapunov, toeplitz

from napari_growtrack.core import motion
from napari_growtrack.core.errors import MotionError, SettingsError, TableError
from napari_growtrack.core.motion import Estimate, Units
from napari_growtrack.core.motion.diffusion import _best_lags
from napari_growtrack.core.motion.fractional import blurred_msd
from napari_growtrack.core.motion.harmonic import Harmonic, log_likelihood
from napari_growtrack.core.motion.report import report_motion, write_motion
from napari_growtrack.core.motion.trap import _axes
from napari_growtrack.core.simulation.paths import brownian_paths, trapped_path

FILMS = 200
SHORT, OPEN = Units(exposure_share=0), Units(exposure_share=1)
MICRO = Units(pixel_size=0.1, frame_time=0.02)


def share(held):
    return np.mean(held, axis=0)


def in_range(coverage):
    return np.all((np.asarray(coverage) >= 0.90) & (np.asarray(coverage) <= 0.98))


def paths(moved, error=0.0, rng=None):
    """Return a table of places (frames, particles, 2), seen with an error."""
    seen = moved if rng is None else moved + rng.normal(0, 1, moved.shape) * error
    frame, particle = np.indices(moved.shape[:2]).reshape(2, -1)
    return pd.DataFrame({"frame": frame, "y": seen[..., 0].ravel(), "x": seen[..., 1].ravel(), "particle": particle})


def fractional_paths(seed, particles, frames, exponent, error=0.0, share=0.0, drift=(0.0, 0.0)):
    """Simulate fractional motion of 1 px² a frame along each axis, the shutter open for a share of a frame."""
    rng, lags = np.random.default_rng(seed), np.arange(frames + 1)
    spread = blurred_msd(lags, exponent, share)
    expected = np.append(spread[1], (spread[2:] + spread[:-2] - 2 * spread[1:-1]) / 2)
    steps = np.tensordot(cholesky(toeplitz(expected), lower=True), rng.normal(0, 1, (frames, particles, 2)), 1)
    return paths((steps + drift).cumsum(0), error, rng)


def blurred_paths(seed, particles, frames, diffusion, error, share=1.0, parts=12):
    """Simulate Brownian particles, each place the mean of those while the shutter is open."""
    rng = np.random.default_rng(seed)
    fine = rng.normal(0, np.sqrt(2 * diffusion / parts), (frames * parts, particles, 2)).cumsum(0)
    places = fine.reshape(frames, parts, particles, 2)[:, : max(round(share * parts), 1)].mean(1)
    return paths(places, error, rng)


def turned_trap(seed, frames, stiff, soft, angle, rotation, diffusion=0.3, error=0.2):
    """Simulate a bead in a trap whose stiff axis is turned by an angle (degrees), and that rotates."""
    rng, turned = np.random.default_rng(seed), np.radians(angle)
    axes = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    pull = diffusion * axes @ np.diag([stiff, soft]) @ axes.T + rotation * np.array([[0, 1], [-1, 0]])
    spread, decay = solve_continuous_lyapunov(pull, 2 * diffusion * np.eye(2)), expm(-pull)
    fresh = cholesky(spread - decay @ spread @ decay.T, lower=True)
    places, kicks = np.zeros((frames, 2)), rng.normal(0, 1, (frames, 2)) @ fresh.T
    for frame in range(1, frames):
        places[frame] = decay @ places[frame - 1] + kicks[frame]
    return paths((places * (1, -1))[:, None, ::-1], error, rng)  # y points down in pictures


# Mean square displacement ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_mean_square_displacements_are_trackpys(lost):
    table = brownian_paths(np.random.default_rng(0), 5, 60, 0.5, 0.2, lost=lost)
    ours = motion.imsd(table, 20, MICRO)
    theirs = trackpy.imsd(table, 0.1, 50, max_lagtime=20, pos_columns=["y", "x"])
    np.testing.assert_allclose(ours.index, theirs.index, rtol=1e-12)
    np.testing.assert_allclose(ours.to_numpy(), theirs[ours.columns].to_numpy(), rtol=1e-9)


def test_the_mean_over_trajectories_is_that_of_all_pairs_and_its_band_holds_it():
    table = brownian_paths(np.random.default_rng(1), 30, 40, 0.5)
    together = motion.emsd(table, 10)
    one = motion.emsd(table[table.particle == 0], 10)
    np.testing.assert_allclose(one.msd, motion.imsd(table[table.particle == 0], 10)[0])
    assert together.pairs.tolist() == [30 * (40 - lag) for lag in range(1, 11)]
    assert ((together.low < 2 * together.lag) & (2 * together.lag < together.high)).mean() > 0.8
    assert one.low.isna().all()  # a single trajectory has no spread


def test_what_is_no_trajectory_is_refused():
    with pytest.raises(MotionError, match="There are no trajectories"):
        motion.imsd(pd.DataFrame({"frame": [], "y": [], "x": [], "particle": []}))
    twice = pd.DataFrame({"frame": [0, 0], "y": 1.0, "x": 1.0, "particle": 3})
    with pytest.raises(MotionError, match="Particle 3 is twice in frame 0"):
        motion.imsd(twice)
    with pytest.raises(TableError, match="missing particle"):
        motion.diffusion(twice.drop(columns="particle"))
    with pytest.raises(MotionError, match="at least 8 pairs of displacements in a row, got 2"):
        motion.diffusion(brownian_paths(np.random.default_rng(0), 1, 4, 1.0))


# Diffusion ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("particles", "frames", "diffusion", "error", "lost"),
    [(1, 200, 0.5, 0.3, 0.0), (5, 60, 0.5, 0.5, 0.1), (20, 40, 1.0, 0.3, 0.05), (60, 15, 0.2, 0.4, 0.0)],
)
def test_diffusion_and_localisation_error_lie_in_their_intervals_as_often_as_they_say(
    particles, frames, diffusion, error, lost
):
    held, values = [], []
    for seed in range(FILMS):
        rng = np.random.default_rng(seed)
        found = motion.diffusion(brownian_paths(rng, particles, frames, diffusion, error, lost=lost), SHORT)
        held.append((found.coefficient.holds(diffusion), found.localisation_error.holds(error)))
        values.append(found.coefficient.value)
    assert in_range(share(held)), share(held)
    assert np.mean(values) == pytest.approx(diffusion, rel=0.04)


def test_by_mean_square_displacement_it_is_the_same_within_the_errors():
    held = []
    for seed in range(60):
        table = brownian_paths(np.random.default_rng(seed), 20, 40, 1.0, 0.3)
        found = motion.fit_msd(table, SHORT)
        held.append((found.coefficient.holds(1.0), found.localisation_error.holds(0.3)))
    assert np.all(share(held) > 0.85), share(held)


@pytest.mark.parametrize("particles", [3, 15])
def test_diffusion_is_not_anomalous_and_what_is_driven_is(particles):
    rng = np.random.default_rng(2)
    free = brownian_paths(rng, particles, 100, 0.5, 0.2)
    driven = brownian_paths(rng, particles, 100, 0.05, 0.1, drift=(1.0, 0.5))
    assert motion.anomalous_exponent(free).value == pytest.approx(1, abs=0.15)
    assert motion.anomalous_exponent(driven).low > 1.5
    caged = pd.concat([trapped_path(rng, 100, 1.0, 2.0, 0.1).assign(particle=i) for i in range(particles)])
    assert motion.anomalous_exponent(caged).high < 0.8


def test_an_open_shutter_lets_diffusion_look_driven_no_more():
    held, exponents, warned = [], [], []
    for seed in range(12):
        table = blurred_paths(seed, 12, 30, 0.5, 0.2)
        report = report_motion(table)
        found = report.exponent, motion.anomalous_exponent(table.assign(sigma=0.2), OPEN)
        held.append([one.holds(1) for one in found] + [report.by_covariance.coefficient.holds(0.5)])
        exponents.append([one.value for one in found])
        warned.append("blurred by an open shutter" in str(report))
    assert np.all(share(held) > 0.8), share(held)
    np.testing.assert_allclose(np.mean(exponents, axis=0), 1, atol=0.05)
    assert np.mean(warned) > 0.8


@pytest.mark.parametrize("told", [OPEN, Units(frame_time=0.02, exposure_time=0.02), None])
def test_with_an_open_shutter_the_localisation_error_lies_in_its_interval(told):
    held, values = [], []
    for seed in range(40):
        table = blurred_paths(seed, 12, 30, 0.5, 0.3)
        both = motion.diffusion(table, told), motion.fit_msd(table, told)
        held.append([found.localisation_error.holds(0.3) for found in both])
        values.append([found.localisation_error.value for found in both])
    assert np.all(share(held) >= 0.88), share(held)
    if told is not None:
        np.testing.assert_allclose(np.nanmedian(values, axis=0), 0.3, atol=0.05)


def test_a_short_exposure_is_not_called_blurred():
    warned = [
        motion.looks_blurred(table, motion.exponent_of(table))
        for table in (blurred_paths(seed, 15, 30, 0.5, 0.1, share=0.0) for seed in range(25))
    ]
    assert np.mean(warned) < 0.15


@pytest.mark.parametrize(("exponent", "share_open"), [(0.5, 1.0), (0.75, 0.5), (1.5, 1.0)])
def test_anomalous_exponents_are_right_where_exposure_and_sigma_are_known(exponent, share_open):
    units, held, values = Units(exposure_share=share_open), [], []
    for seed in range(12):
        found = motion.anomalous_exponent(
            fractional_paths(seed, 12, 40, exponent, 0.3, share_open).assign(sigma=0.3), units
        )
        held.append(found.holds(exponent))
        values.append(found.value)
    assert np.mean(values) == pytest.approx(exponent, abs=0.05)
    assert np.mean(held) >= 0.75


def test_a_sigma_that_the_displacements_contradict_is_not_relied_on():
    table = blurred_paths(0, 15, 40, 0.5, 0.2)
    free = motion.exponent_of(table, OPEN)
    right, wrong = (motion.exponent_of(table.assign(sigma=sigma), OPEN) for sigma in (0.2, 0.9))
    assert (right.sigma_used, right.sigma_refuted) == (True, False)
    assert (wrong.sigma_used, wrong.sigma_refuted) == (False, True)
    assert wrong.exponent == free.exponent
    assert right.exponent.high - right.exponent.low < free.exponent.high - free.exponent.low
    assert "does not rely on the column sigma" in str(report_motion(table.assign(sigma=0.9), OPEN))
    some = table.assign(sigma=np.where(table["frame"] == 3, np.nan, 0.2))
    assert not motion.exponent_of(some, OPEN).sigma_used
    assert not motion.exponent_of(table.assign(sigma=0.2)).sigma_used  # without the exposure it says too little


def test_where_nobody_tells_the_exposure_the_localisation_error_may_be_that_with_any():
    table = brownian_paths(np.random.default_rng(0), 30, 40, 0.1, 0.5)
    free, short, opened = (motion.diffusion(table, units).localisation_error for units in (None, SHORT, OPEN))
    assert (free.value, free.low, free.high) == (short.value, short.low, opened.high)
    assert motion.exponent_of(table) == motion.exponent_of(table, SHORT) != motion.exponent_of(table, OPEN)


def test_where_nothing_diffuses_the_line_goes_through_the_first_two_lags():
    table = paths(np.zeros((40, 12, 2)), 0.5, np.random.default_rng(2))
    assert motion.diffusion(table).coefficient.value == 0
    assert motion.fit_msd(table) == motion.fit_msd(table, lags=2)


def test_gaps_and_pieces_leave_the_exponent_what_it_is():
    table = fractional_paths(3, 4, 300, 1.0, 0.2)
    torn = table[table["frame"] % 50 > 0]
    whole, gapped = motion.anomalous_exponent(table), motion.anomalous_exponent(torn)
    assert gapped.holds(whole.value)
    assert gapped.value == pytest.approx(whole.value, abs=0.05)


def test_mean_square_displacements_with_an_open_shutter_are_berglunds_and_those_of_paths():
    lags = np.arange(5)
    np.testing.assert_allclose(blurred_msd(lags, 1.0, 1.0), [0, *(lags[1:] - 1 / 3)])
    np.testing.assert_allclose(blurred_msd(lags, 1.0, 0.5), [0, *(lags[1:] - 1 / 6)])
    np.testing.assert_allclose(blurred_msd(lags, 1.3, 0.0), lags**1.3)
    np.testing.assert_allclose(blurred_msd(lags, 1.3, 2e-3), blurred_msd(lags, 1.3, 0.0), atol=1e-3)
    seen = motion.emsd(blurred_paths(0, 300, 20, 0.5, 0.0), 3)
    np.testing.assert_allclose(seen["msd"] / 2, blurred_msd(np.arange(1, 4), 1.0, 1.0), rtol=0.05)


@pytest.mark.parametrize(
    ("error", "coefficient", "lags"), [(0.0, 1.0, 2), (1.0, 1.0, 4), (2.0, 1.0, 6), (10.0, 1.0, 27), (1e4, 1.0, 100)]
)
def test_as_many_lags_are_fitted_as_michalet_has(error, coefficient, lags):
    def told(value):
        return Estimate(value=value, low=0.0, high=2 * value + 1, unit="")

    assert _best_lags(motion.Diffusion(told(coefficient), told(error), 1, 1)) == lags


def test_what_cannot_be_told_is_said_so_and_is_null_in_json():
    still = paths(np.zeros((30, 3, 2)))
    report = report_motion(still)
    assert "0 (0 to 0)" not in str(report)
    assert str(report.by_covariance.coefficient) == str(report.exponent) == str(report.drift.y) == "cannot be told"
    assert report.to_dict()["anomalous_exponent"] == {"value": None, "low": None, "high": None, "unit": ""}
    noisy = report_motion(paths(np.zeros((6, 2, 2)), 1.0, np.random.default_rng(0)))
    assert str(noisy.exponent) == "cannot be told"


@pytest.mark.parametrize(
    ("value", "low", "high", "told"),
    [
        (0.5, 0.4, 0.6, "0.5 (0.4 to 0.6) px"),
        (0.600123, 0.6001, 0.60015, "0.600123 (0.6001 to 0.60015) px"),
        (0.0, 0.0, 0.0, "cannot be told"),
        (1.0, 1.0, 1.0, "cannot be told"),
        (1.0, 0.5, np.inf, "cannot be told"),
        (np.nan, 0.0, 1.0, "cannot be told"),
        (0.0, 0.0, 0.2, "0 (0 to 0.2) px"),
    ],
)
def test_an_interval_without_width_or_end_is_never_told(value, low, high, told):
    assert str(Estimate.between(value, low, high, "px")) == told


@pytest.mark.parametrize(
    ("exposure", "known", "open_share"),
    [
        (None, {}, None),
        (None, {"exposure_time": 0.01}, None),
        (None, {"exposure_time": 0.01, "frame_time": 0.02}, 0.5),
        ("0.01", {"exposure_time": 0.02, "frame_time": 0.02}, 0.5),
        ("25%", {"exposure_time": 0.02, "frame_time": 0.02}, 0.25),
        ("0", {"frame_time": 0.02}, 0.0),
        (" 100 % ", {}, 1.0),
        (None, {"exposure_time": 0.0203, "frame_time": 0.02}, 1.0),  # both rounded
    ],
)
def test_an_exposure_is_told_in_seconds_or_as_a_share_of_a_frame(exposure, known, open_share):
    assert Units.told(exposure, **known).open_share == (open_share and pytest.approx(open_share))


@pytest.mark.parametrize("exposure", ["-1", "nan", "inf", "soon", "120%", "-5%", "%", ""])
def test_an_exposure_that_cannot_be_is_refused(exposure):
    with pytest.raises(SettingsError, match="Expected an exposure in seconds"):
        Units.told(exposure)


@pytest.mark.parametrize("name", ["pixel_size", "frame_time", "exposure_time"])
@pytest.mark.parametrize("value", [-1, np.nan, np.inf, "abc", [1]])
def test_a_scale_that_cannot_be_is_refused(name, value):
    with pytest.raises(SettingsError, match=f"Units cannot be read at '{name}'"):
        Units(**{name: value})


def test_an_exposure_longer_than_a_frame_is_refused_and_one_without_a_frame_time_is_said_to_tell_nothing():
    table = brownian_paths(np.random.default_rng(0), 5, 30, 0.5, 0.2)
    with pytest.raises(MotionError, match=r"exposure of 0.05 s is longer than the 0.02 s from frame to frame"):
        report_motion(table, Units(frame_time=0.02, exposure_time=0.05))
    report = report_motion(table, Units(exposure_time=0.05))
    assert "tells nothing without the time from frame to frame" in report.remarks[0]
    assert report.to_dict()["remarks"] == list(report.remarks)


def test_units_are_carried_through():
    table = brownian_paths(np.random.default_rng(0), 10, 50, 0.5, 0.2)
    pixels, micro = motion.diffusion(table), motion.diffusion(table, MICRO)
    assert micro.coefficient.unit == "µm²/s"
    assert micro.coefficient.value == pytest.approx(pixels.coefficient.value * 0.1**2 / 0.02)
    assert micro.localisation_error.unit == "µm"
    assert micro.localisation_error.value == pytest.approx(0.1 * pixels.localisation_error.value)
    assert motion.emsd(table, 3, MICRO).lag.tolist() == pytest.approx([0.02, 0.04, 0.06])
    assert motion.drift_velocity(table, MICRO).y.unit == "µm/s"


# Drift ----------------------------------------------------------------------------------------------------------------


def test_drift_lies_in_its_interval_and_can_be_taken_away():
    held, left = [], []
    for seed in range(FILMS):
        table = brownian_paths(np.random.default_rng(seed), 20, 40, 0.5, 0.3, drift=(0.1, -0.2))
        found = motion.drift_velocity(table)
        held.append((found.y.holds(0.1), found.x.holds(-0.2)))
        if seed < 20:
            left.append(motion.diffusion(motion.remove_drift(table)).coefficient.value)
    assert in_range(share(held)), share(held)
    assert np.mean(left) == pytest.approx(0.5 * 19 / 20, rel=0.05)  # each is a twentieth of what is common


def test_drift_is_trackpys_also_where_frames_are_empty():
    table = brownian_paths(np.random.default_rng(0), 6, 30, 0.2, drift=(0.5, 0.0))
    common = motion.drift(table)
    np.testing.assert_allclose(
        common[["y", "x"]].iloc[1:], trackpy.compute_drift(table)[["y", "x"]].to_numpy(), rtol=1e-9
    )
    torn = motion.drift(table[(table.frame < 10) | (table.frame > 14)])
    assert torn.frame.tolist() == list(range(30))
    assert np.isfinite(torn.to_numpy()).all()


def test_the_drift_of_two_single_steps_has_students_interval():
    """Steps of 1 and 3 px along y, both of 0.5 px along x, whose spread counts as well."""
    table = pd.DataFrame({"frame": [0, 1] * 2, "y": [0, 1, 0, 3], "x": [0, 0.5] * 2, "particle": [0, 0, 1, 1]})
    found = motion.drift_velocity(table)
    half = stats.t.ppf(0.975, 2) * np.sqrt(2 * (2 + 0) / 2) / 2
    assert (found.y.value, found.x.value) == (2, 0.5)
    assert (found.y.high - found.y.value, found.x.value - found.x.low) == pytest.approx((half, half))


@pytest.mark.parametrize(("particles", "exponent"), [(2, 1.5), (3, 1.0), (5, 1.5), (4, 0.6)])
def test_the_drift_of_few_trajectories_lies_in_its_interval_however_alike_their_steps_are(particles, exponent):
    held = []
    for seed in range(FILMS):
        found = motion.drift_velocity(fractional_paths(seed, particles, 40, exponent, 0.2, drift=(0.1, -0.2)))
        held.append((found.y.holds(0.1), found.x.holds(-0.2)))
    assert 0.92 <= np.mean(held) <= 0.98, np.mean(held)


def test_the_interval_of_two_trajectories_is_students_with_both_axes_telling_the_spread():
    places = np.array([[[0, 0], [0, 0]], [[1, 0], [3, 2]], [[2, 0], [6, 4]]], float)
    found = motion.drift_velocity(paths(places), Units(pixel_size=0.5, frame_time=0.1))
    reach = 4.302653  # of Student's distribution with two degrees of freedom; the standard error is 1 px/frame
    np.testing.assert_allclose(
        (found.y.value, found.y.low, found.y.high), 5 * np.array([2, 2 - reach, 2 + reach]), 1e-6
    )
    np.testing.assert_allclose(
        (found.x.value, found.x.low, found.x.high), 5 * np.array([1, 1 - reach, 1 + reach]), 1e-6
    )


def test_the_drift_of_one_trajectory_follows_from_its_parts():
    held = []
    for seed in range(FILMS):
        found = motion.drift_velocity(fractional_paths(seed, 1, 120, 1.0, 0.2, drift=(0.1, -0.2)))
        held.append((found.y.holds(0.1), found.x.holds(-0.2)))
    assert 0.92 <= np.mean(held) <= 0.99, np.mean(held)
    alone = brownian_paths(np.random.default_rng(0), 1, 2, 0.5)
    assert not motion.drift_velocity(alone).is_sure
    assert str(motion.drift_velocity(alone).x) == "cannot be told"


# Traps ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frames", "variance", "time"), [(1000, 4.0, 5.0), (100, 4.0, 3.0)])
def test_stiffness_lies_in_its_interval_as_often_as_it_says(frames, variance, time):
    held = []
    for seed in range(FILMS // 2):
        table = trapped_path(np.random.default_rng(seed), frames, variance, time, 0.3)
        trap = motion.trap_stiffness(table, Units(exposure_share=0))
        held.append((trap.stiffness.holds(1 / variance), trap.relaxation_time.holds(time)))
    assert in_range(share(held)), share(held)


def test_stiffness_has_units_and_survives_gaps():
    table = trapped_path(np.random.default_rng(1), 600, 4.0, 4.0, 0.3)
    whole = motion.trap_stiffness(table)
    torn = motion.trap_stiffness(table[table.frame % 7 > 0])
    assert whole.stiffness.unit == "kT/px²"
    assert torn.stiffness.low < whole.stiffness.value < torn.stiffness.high
    assert whole.equipartition.holds(0.25)
    physical = motion.trap_stiffness(table, MICRO, temperature=298)
    expected = 1.380649e-23 * 298 / (4.0 * 1e-14) * 1e6  # kT / variance in N/m, in pN/µm
    assert physical.stiffness.unit == "pN/µm"
    assert physical.stiffness.holds(expected)
    assert physical.relaxation_time.unit == "s"


@pytest.mark.parametrize(("angle", "rotation"), [(30, 0.2), (-60, 0.0)])
def test_a_turned_or_rotating_trap_is_told_along_its_own_axes(angle, rotation):
    held, values = [], []
    for seed in range(40):
        trap = motion.trap_stiffness(turned_trap(seed, 600, 1.5, 0.5, angle, rotation))
        held.append(
            (trap.stiff.holds(1.5), trap.soft.holds(0.5), trap.angle.holds(angle), trap.rotation.holds(rotation))
        )
        values.append((trap.stiff.value, trap.soft.value, trap.angle.value, trap.rotation.value))
    assert np.all(share(held) >= 0.84), share(held)
    np.testing.assert_allclose(np.median(values, axis=0), (1.5, 0.5, angle, rotation), rtol=0.1, atol=0.02)


def averaged_trap(seed, time, share, frames=300, parts=40):
    """Simulate a bead of variance 1 in a trap whose places are means over a share of each frame."""
    path = trapped_path(np.random.default_rng([seed, 7]), frames * parts, 1.0, parts * time)
    seen = path[path["frame"] % parts < max(1, share * parts)]
    places = seen.groupby(seen["frame"] // parts)[["y", "x"]].mean()
    return (places + np.random.default_rng(seed).normal(0, 0.2, places.shape)).reset_index().assign(particle=0)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("time", [0.1, 0.2])
def test_of_a_bead_that_returns_within_a_frame_nothing_is_told(time, share):
    for seed in range(10):
        trap = motion.trap_stiffness(averaged_trap(seed, time, share), Units(exposure_share=share))
        told = (trap.stiffness, trap.stiff, trap.soft, trap.equipartition, trap.relaxation_time, trap.rotation)
        assert {str(one) for one in told} == {"cannot be told"}
        assert np.isnan(trap.localisation_error)


@pytest.mark.parametrize(("time", "said"), [(1.0, 1.0), (3.0, 1.0), (3.0, None)])
def test_the_trap_of_a_bead_that_moves_while_the_shutter_is_open(time, said):
    held, told = [], []
    for seed in range(30):
        trap = motion.trap_stiffness(averaged_trap(seed, time, 1.0), Units(exposure_share=said))
        told.append(trap.stiffness.is_told)
        equipartition = trap.equipartition.holds(1) if time > 1 else not trap.equipartition.is_told
        every = (trap.stiffness.holds(1), equipartition, trap.relaxation_time.holds(time))
        held += [every] if told[-1] else []
    assert np.mean(told) > 0.7
    assert np.all(share(held) >= 0.84), share(held)


def test_where_nobody_tells_the_exposure_the_interval_of_a_stiffness_holds_those_of_all():
    table = trapped_path(np.random.default_rng(2), 400, 1.0, 2.0, 0.2)
    unknown, none, whole = (motion.trap_stiffness(table, Units(exposure_share=s)).stiffness for s in (None, 0, 1))
    assert (unknown.low, unknown.high) == (min(none.low, whole.low), max(none.high, whole.high))
    assert unknown.value == none.value


@pytest.mark.parametrize("line", [False, True])
def test_the_likelihood_of_a_bead_in_a_trap_is_that_of_all_its_places_together(line):
    """All places are one normal vector; the filter, which goes from place to place, has to find the same."""
    stiffness, diffusion, rotation, noise = np.array([[0.4, 0.3], [0.3, -0.5]]), 0.2, 0.15, 0.1
    parameters = np.array([*stiffness.ravel()[[0, 1, 3]], np.log(diffusion), rotation, np.log(noise), 0.3, -0.2])
    pull = diffusion * expm(stiffness) + rotation * np.array([[0, 1], [-1, 0]])
    spread, number = solve_continuous_lyapunov(pull, 2 * diffusion * np.eye(2)), 12
    blocks = [[expm(-pull * abs(i - j)) @ spread for j in range(number)] for i in range(number)]
    blocks = [[one if i >= j else blocks[j][i].T for j, one in enumerate(row)] for i, row in enumerate(blocks)]
    places = np.random.default_rng(0).normal(0, 1, (number, 2))
    places[[3, 7, 8]] = np.nan
    seen = np.isfinite(places) & np.array([True, not line])
    covariance = (np.block(blocks) + noise * np.eye(2 * number))[np.ix_(seen.ravel(), seen.ravel())]
    expected = stats.multivariate_normal.logpdf(places[seen], np.tile([0.3, -0.2], (number, 1))[seen], covariance)
    assert log_likelihood(places, parameters, line) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("diffusion", "shutter"), [(0.2, 0.7), (1e-3, 1.0)])
def test_the_likelihood_of_a_bead_that_moves_while_the_shutter_is_open(diffusion, shutter):
    stiffness, noise, number, parts = np.array([[0.4, 0.3], [0.3, -0.5]]), 0.1, 6, 60
    parameters = np.array([0.4, 0.3, -0.5, np.log(diffusion), 0.0, np.log(noise), 0.3, -0.2])
    pull, spread = diffusion * expm(stiffness), expm(-stiffness)
    at = (np.arange(parts) + 0.5) * shutter / parts

    def alike(lag):
        return np.mean([expm(-pull * abs(lag + a - b)) for a in at for b in at], axis=0) @ spread

    one_by_one = [alike(lag) for lag in range(number)]
    covariance = np.block([[one_by_one[abs(i - j)] for j in range(number)] for i in range(number)])
    places = np.random.default_rng(0).normal(0, 1, (number, 2))
    whole = covariance + noise * np.eye(2 * number)
    expected = stats.multivariate_normal.logpdf(places.ravel(), np.tile([0.3, -0.2], number), whole)
    assert log_likelihood(places, parameters, False, shutter) == pytest.approx(expected, rel=1e-4)


def harmonic(stiffness, errors, diffusion=-1.0):
    covariance = np.diag([*np.square(errors), 1e-4, 1e-4])
    return Harmonic(np.asarray(stiffness, float), diffusion, 0.0, 0.1, covariance, 0.1, None, 500)


def test_the_angle_is_as_unsure_as_the_elements_of_the_stiffness_make_it():
    values, errors = np.array([0.9, 0.3, 0.2]), np.array([0.03, 0.01, 0.02])
    found, mean = harmonic(values, errors), Estimate.between(1.7, 1.6, 1.8, "")

    def angle(stiffness):
        xx, xy, yy = stiffness
        return np.degrees(np.arctan2(2 * xy, xx - yy) / 2)

    slopes = [(angle(values + step) - angle(values - step)) / 2e-6 for step in 1e-6 * np.eye(3)]
    told = _axes(found, mean, 1.0, "")[2]
    assert told.value == pytest.approx(angle(values))
    assert told.high - told.value == pytest.approx(found.reach * np.hypot.reduce(slopes * errors), rel=1e-4)


def test_turning_a_trap_leaves_the_reach_of_its_intervals_what_it_is():
    along, across = -1.0, -4.0
    turns = [
        harmonic([along * c**2 + across * s**2, (along - across) * c * s, along * s**2 + across * c**2], np.ones(3))
        for c, s in ((np.cos(angle), np.sin(angle)) for angle in (0, 0.5, 1.2))
    ]
    np.testing.assert_allclose([one.reach for one in turns], turns[0].reach)
    assert turns[0].reach > harmonic([along, 0, along], np.ones(3)).reach > 1.96  # what is softer forgets more slowly


def test_a_trap_that_is_alike_along_both_axes_has_no_angle():
    traps = [motion.trap_stiffness(turned_trap(seed, 400, 1.0, 1.0, 0, 0)) for seed in range(30)]
    assert np.mean([trap.angle.is_told for trap in traps]) < 0.2
    assert np.mean([trap.stiff.holds(1) and trap.soft.holds(1) for trap in traps]) > 0.8


def test_equipartition_is_not_told_of_a_trap_that_rotates():
    trap = motion.trap_stiffness(turned_trap(0, 1000, 1.5, 0.5, 30, 0.3))
    assert not trap.rotation.holds(0)
    assert str(trap.equipartition) == "cannot be told"


@pytest.mark.parametrize("drawn", [(0.0, 1.0), (1.0, 0.0), (0.6, 0.8)])
def test_of_a_bead_seen_along_a_line_one_stiffness_is_told(drawn):
    table = trapped_path(np.random.default_rng(4), 600, 4.0, 4.0, 0.3)
    along = table["x"].to_numpy()
    trap = motion.trap_stiffness(table.assign(y=50 + drawn[0] * along, x=70 + drawn[1] * along))
    assert trap.stiffness.holds(0.25)
    assert trap.relaxation_time.holds(4.0)
    assert trap.equipartition.holds(0.25)
    assert trap.stiff == trap.stiffness
    assert {str(one) for one in (trap.soft, trap.angle, trap.rotation)} == {"cannot be told"}


@pytest.mark.parametrize("kelvin", [-3, 0, 25, np.nan, np.inf])
def test_a_temperature_that_is_none_in_kelvin_is_refused(kelvin):
    table = trapped_path(np.random.default_rng(0), 60, 1.0, 2.0, 0.1)
    for units in (MICRO, None):
        with pytest.raises(MotionError, match="Expected the temperature in kelvin"):
            report_motion(table, units, trap=True, temperature=kelvin)


def test_traps_of_forma_are_as_stiff_as_they_were_made_and_rotate_so(shared_data):
    """The first two seconds of the trajectories that FORMA comes with; all of them give narrower intervals."""
    from scipy.io import loadmat

    units = Units(pixel_size=0.1, frame_time=0.0002)
    films = (loadmat(shared_data / "forma" / f"forma{axes}d.mat") for axes in (1, 2))
    line, plane = (
        motion.trap_stiffness(
            paths(np.stack([film.get("y", 0 * film["x"]), film["x"]], -1)[:10_000] * 1e7), units, temperature=300
        )
        for film in films
    )
    assert line.stiffness.holds(0.600)
    assert plane.stiff.holds(1.5)
    assert plane.soft.holds(0.5)
    assert plane.angle.holds(30)
    assert plane.rotation.holds(100)
    assert plane.rotation.unit == "rad/s"
    assert plane.localisation_error < 0.004


def test_a_trap_is_reported_along_its_own_axes():
    report = report_motion(turned_trap(0, 300, 1.5, 0.5, 30, 0.2), MICRO, trap=True, temperature=298)
    told = report.to_dict()["trap"]
    assert told["stiffness_along_stiff_axis"]["unit"] == "pN/µm"
    assert told["stiffness_along_stiff_axis"]["value"] > told["stiffness_along_soft_axis"]["value"]
    assert told["angle_of_stiff_axis"]["unit"] == "°"
    assert told["rotation"]["unit"] == "rad/s"
    assert f"rotation               {report.trap.rotation}" in str(report)


def test_a_trap_holds_one_bead():
    rng = np.random.default_rng(0)
    two = pd.concat([trapped_path(rng, 60, 1.0, 2.0, 0.1).assign(particle=i) for i in range(2)])
    with pytest.raises(MotionError, match="holds one bead, and there are 2 trajectories"):
        motion.trap_stiffness(two)
    assert motion.trap_stiffness(two, particle=1).positions == 60
    with pytest.raises(MotionError, match="no particle 5"):
        motion.trap_stiffness(two, particle=5)
    with pytest.raises(MotionError, match="at least 20 positions"):
        motion.trap_stiffness(two[two.frame < 10], particle=0)


# All of it ------------------------------------------------------------------------------------------------------------


def test_a_report_holds_everything_and_leaves_tables_and_figures(tmp_path):
    table = brownian_paths(np.random.default_rng(0), 12, 60, 0.5, 0.3, drift=(0.3, 0.0))
    report = report_motion(table, MICRO, without_drift=True)
    told = report.to_dict()
    assert set(told["diffusion_coefficient"]) == {"value", "low", "high", "unit"}
    assert told["drift_removed"]
    assert report.drift.is_sure
    assert "µm²/s" in str(report)
    paths = write_motion(table, tmp_path / "motion", MICRO, without_drift=True)
    assert {path.name for path in paths} == {
        "msd.csv", "imsd.csv", "diffusion.csv", "drift.csv", "msd.png", "diffusion.png", "drift.png", "trajectories.png"
    }  # fmt: skip
    assert all(path.stat().st_size > 100 for path in paths)
    assert len(pd.read_csv(tmp_path / "motion" / "diffusion.csv")) == 12
    with pytest.raises(MotionError, match="drift of a single particle"):
        report_motion(table[table.particle == 0], without_drift=True)


def test_of_some_trajectories_only_these_are_told_and_the_drift_is_that_of_all(tmp_path):
    table = brownian_paths(np.random.default_rng(0), 12, 60, 0.5, 0.3, drift=(0.3, 0.0))
    some = report_motion(table, particles=[3, 5])
    alone = table[table["particle"].isin([3, 5])]
    assert some.by_covariance == motion.diffusion(alone)
    assert some.drift == motion.drift_velocity(table)
    without = report_motion(table, without_drift=True, particles=[3])
    freed = motion.remove_drift(table)
    assert without.by_covariance == motion.diffusion(freed[freed["particle"] == 3])
    write_motion(table, tmp_path, particles=[3, 5])
    assert pd.read_csv(tmp_path / "diffusion.csv")["particle"].tolist() == [3, 5]


def test_each_trajectory_has_its_own_diffusion_coefficient():
    table = brownian_paths(np.random.default_rng(0), 5, 60, 0.5, 0.3)
    short = table[(table["particle"] != 2) | (table["frame"] < 6)]
    each = motion.diffusion_of_each(short, MICRO)
    assert each["particle"].tolist() == [0, 1, 3, 4]
    for row in each.itertuples():
        alone = motion.diffusion(short[short["particle"] == row.particle], MICRO).coefficient
        assert (max(row.diffusion_coefficient, 0), max(row.low, 0), row.high) == pytest.approx(
            (alone.value, alone.low, alone.high)
        )
    assert each["positions"].tolist() == [60] * 4


@pytest.mark.parametrize("light", ["good", "bad"])
def test_the_trap_of_a_real_film_is_as_stiff_in_either_light(shared_data, light):
    """DeepTrack 1.0's films of one trapped bead: what one says lies within the other's interval."""
    from napari_growtrack.core.detection import detect
    from napari_growtrack.core.linking import Linking, link
    from napari_growtrack.core.networks.load import load_network

    network = load_network("beads")
    film = shared_data / "deeptrack1" / f"optically_trapped_{light}.mp4"
    trajectories = link(detect(film, network, network.cascade()), Linking(memory=3, min_length=20))
    assert trajectories.particle.nunique() == 1
    assert len(trajectories) == 100
    trap = motion.trap_stiffness(trajectories)
    assert trap.stiffness.holds({"good": 1.30, "bad": 1.49}[light])  # what the other one says, in kT/px²
    assert trap.stiffness.holds(trap.equipartition.value)
