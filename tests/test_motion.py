"""Motion: known numbers come out within their stated errors, and those of trackpy exactly."""

import numpy as np
import pandas as pd
import pytest
import trackpy

from napari_growtrack.core import motion
from napari_growtrack.core.errors import MotionError, TableError
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion_report import report_motion, write_motion
from napari_growtrack.core.simulation.paths import brownian_paths, trapped_path

FILMS = 200
SHORT, OPEN = Units(exposure_share=0), Units(exposure_share=1)
MICRO = Units(pixel_size=0.1, frame_time=0.02)


def share(held):
    return np.mean(held, axis=0)


def in_range(coverage):
    return np.all((np.asarray(coverage) >= 0.90) & (np.asarray(coverage) <= 0.98))


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


# Traps ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frames", "variance", "time"), [(1000, 4.0, 5.0), (100, 4.0, 3.0)])
def test_stiffness_lies_in_its_interval_as_often_as_it_says(frames, variance, time):
    held = []
    for seed in range(FILMS):
        trap = motion.trap_stiffness(trapped_path(np.random.default_rng(seed), frames, variance, time, 0.3))
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
    from napari_growtrack.core.networks import load_network

    network = load_network("beads")
    film = shared_data / "deeptrack1" / f"optically_trapped_{light}.mp4"
    trajectories = link(detect(film, network, network.cascade()), Linking(memory=3, min_length=20))
    assert trajectories.particle.nunique() == 1
    assert len(trajectories) == 100
    trap = motion.trap_stiffness(trajectories)
    assert trap.stiffness.holds({"good": 1.30, "bad": 1.49}[light])  # what the other one says, in kT/px²
    assert trap.stiffness.holds(trap.equipartition.value)
