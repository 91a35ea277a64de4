"""Step lengths: simulated populations are told, and what is one is told to be one."""

import json

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core import motion
from napari_growtrack.core.errors import MotionError
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion.report import report_motion, write_motion
from napari_growtrack.core.simulation.paths import brownian_paths, switching_paths

SHORT, OPEN = Units(exposure_share=0), Units(exposure_share=1)
TRUTH = (0.05, 1.0, 0.5)


def two_populations(seed, particles=80, frames=40, open_share=0.0, switching=0.0, error=0.2):
    rng = np.random.default_rng([seed, 7])
    table = switching_paths(rng, particles, frames, TRUTH[:2], switching, error, open_share)
    return table.assign(sigma=error * np.exp(rng.normal(0, 0.1)))


@pytest.mark.parametrize(("units", "switching"), [(SHORT, 0.0), (SHORT, 0.1), (OPEN, 0.0)])
@pytest.mark.parametrize("known", [True, False])
def test_two_populations_are_told_with_sigma_a_tenth_off_or_without(units, switching, known):
    held, values = [], []
    for seed in range(10):
        table = two_populations(seed, open_share=units.open_share, switching=switching)
        found = motion.step_lengths(table if known else table.drop(columns="sigma"), units, 2)
        told = [*found.coefficients, found.shares[1]]
        held.append([one.holds(true) for one, true in zip(told, TRUTH, strict=True)])
        values.append([one.value / true for one, true in zip(told, TRUTH, strict=True)])
        assert found.sigma_used == known
    assert np.mean(held) >= 0.85, np.mean(held, axis=0)
    off = 3 * np.std(values, axis=0) / np.sqrt(10) + 0.02
    assert (np.abs(np.mean(values, axis=0) - 1) < off).all(), np.mean(values, axis=0)


def test_of_one_population_seen_exactly_the_coefficient_is_the_mean_square_step():
    table = brownian_paths(np.random.default_rng(0), 20, 30, 0.5)
    found = motion.step_lengths(table.assign(sigma=1e-6), SHORT, 1)
    steps = table.sort_values(["particle", "frame"]).groupby("particle")[["y", "x"]].diff().dropna()
    squares = np.square(steps).sum(axis=1)
    by_track = squares.groupby(table["particle"]).mean() / 4
    assert found.coefficients[0].value == pytest.approx(squares.mean() / 4, rel=1e-5)
    width = found.coefficients[0].high - found.coefficients[0].low
    assert width == pytest.approx(2 * 2.093 * by_track.std() / np.sqrt(20), rel=0.01)  # Student's t of 19
    assert found.shares == ()


@pytest.mark.parametrize("units", [SHORT, OPEN])
def test_without_sigma_one_population_diffuses_as_fast_as_neighbouring_steps_tell(units):
    table = switching_paths(np.random.default_rng(1), 40, 60, (0.3,), 0.0, 0.4, units.open_share)
    found = motion.step_lengths(table, units, 1).coefficients[0]
    assert found.value == pytest.approx(motion.diffusion(table, units).coefficient.value, rel=0.02)


def test_the_number_of_populations_is_told():
    for seed in range(6):
        one = brownian_paths(np.random.default_rng(seed), 40, 30, 0.5, 0.2)
        assert motion.step_lengths(one.assign(sigma=0.2), SHORT).number == 1
        assert motion.step_lengths(two_populations(seed), SHORT).number == 2
    three = switching_paths(np.random.default_rng(0), 120, 50, (0.01, 0.3, 6.0), 0.0, 0.05)
    found = motion.step_lengths(three.assign(sigma=0.05), SHORT)
    assert found.number == 3
    assert [one.value for one in found.coefficients] == pytest.approx([0.01, 0.3, 6.0], rel=0.2)
    assert sum(one.value for one in found.shares) == pytest.approx(1)


def test_the_distribution_is_that_of_the_steps_and_its_fit_goes_through_it():
    found = motion.step_lengths(two_populations(0, 200), Units(exposure_share=0, pixel_size=0.1), 2)
    table, bin_ = found.distribution, found.distribution["length"].diff()[1]
    assert (table["density"] * bin_).sum() == pytest.approx(0.995, abs=0.002)
    np.testing.assert_allclose(table["fit"], table[["population_1", "population_2"]].sum(axis=1))
    assert np.abs(table["fit"] - table["density"]).sum() * bin_ < 0.1
    assert table["length"].max() * 10 == pytest.approx(np.quantile(found.lengths, 0.995), rel=0.02)


def test_few_trajectories_are_told_by_their_pieces_and_too_few_not_at_all():
    long = brownian_paths(np.random.default_rng(0), 1, 900, 0.5, 0.1).assign(sigma=0.1)
    assert motion.step_lengths(long, SHORT, 1).coefficients[0].holds(0.5)
    assert not motion.step_lengths(long[:200], SHORT, 1).coefficients[0].is_told


def test_populations_have_units_and_do_not_depend_on_the_order_of_rows():
    table = two_populations(3)
    plain = motion.step_lengths(table, SHORT, 2)
    units = Units(pixel_size=0.1, frame_time=0.02, exposure_time=0)
    found = motion.step_lengths(table.sample(frac=1, random_state=0), units, 2)
    assert found.coefficients[1].unit == "µm²/s"
    assert found.coefficients[1].high == pytest.approx(plain.coefficients[1].high * 0.01 / 0.02)
    assert found.shares[0].low == pytest.approx(plain.shares[0].low)


def test_particles_that_are_stuck_are_told_to_be():
    rng = np.random.default_rng(0)
    table = two_populations(0).drop(columns=["sigma", "true_state"])
    stuck = brownian_paths(rng, 80, 40, 0.0, 0.2).assign(particle=lambda one: one["particle"] + 1000)
    found = motion.step_lengths(pd.concat([table, stuck]).assign(sigma=0.2), SHORT, 3)
    assert found.coefficients[0].low == 0 < found.coefficients[0].high < 0.02
    still = brownian_paths(rng, 12, 20, 0.0, 0.0)
    assert motion.step_lengths(still, SHORT, 1).coefficients[0].value == pytest.approx(0, abs=1e-12)


def test_a_report_tells_populations_and_leaves_their_table_and_picture(tmp_path):
    table = two_populations(0)
    report = report_motion(table, SHORT, steps=0)
    assert "populations by steps   2  (information criterion above the least: " in str(report)
    told = json.loads(json.dumps(report.to_dict()))["step_lengths"]
    assert [set(one) for one in told["populations"]] == [{"diffusion_coefficient", "share"}] * 2
    write_motion(table, tmp_path, SHORT, steps=report.steps)
    assert {"length", "density", "fit", "population_2"} < set(pd.read_csv(tmp_path / "steps.csv"))
    assert (tmp_path / "steps.png").exists()
    assert "Nobody told the exposure" in "\n".join(motion.step_lengths(table, Units(), 2).lines)


def test_what_cannot_be_populations_is_refused():
    with pytest.raises(MotionError, match="number of populations from 1 to 3, got 4"):
        motion.step_lengths(two_populations(0), populations=4)
    with pytest.raises(MotionError, match=r"at least 100 steps from frame to frame .*, got 36"):
        motion.step_lengths(two_populations(0, 4, 10), SHORT)
