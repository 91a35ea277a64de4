"""Confinement: the radius of simulated rooms is told, and free diffusion is not told to be confined."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from napari_growtrack.core import motion
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion.confinement import tethered_msd
from napari_growtrack.core.motion.report import report_motion
from napari_growtrack.core.simulation.paths import brownian_paths, confined_paths, fractional_paths, trapped_path

SHORT, OPEN = Units(exposure_share=0), Units(exposure_share=1)


def rooms(seed, open_share=0.0, particles=20, frames=50):
    rng = np.random.default_rng([seed, 5])
    table = confined_paths(rng, particles, frames, 0.5, 3.0, 0.3, open_share)
    return table.assign(sigma=0.3 * np.exp(rng.normal(0, 0.1)))


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("time", [0.4, 5.0, 3000.0])
def test_blur_on_a_tether_is_the_mean_over_the_exposure(share, time):
    def alike(lag):
        return dblquad(lambda a, b: np.exp(-abs(lag + a - b) / time), 0, share, 0, share)[0] / share**2

    expected = [alike(0) - alike(lag) for lag in (1, 3)]
    np.testing.assert_allclose(tethered_msd(np.array([0, 1, 3]), np.log(time), share), [0, *expected], rtol=1e-5)
    exact = tethered_msd(np.array([1, 3]), np.log(time), 0.0)
    np.testing.assert_allclose(exact, 1 - np.exp(-np.array([1, 3]) / time))


def test_simulated_rooms_hold_their_particles_evenly():
    table = confined_paths(np.random.default_rng(0), 3000, 8, 0.5, 3.0)
    far = np.hypot(table["y"], table["x"])
    assert far.max() <= 3
    assert np.square(far).mean() == pytest.approx(4.5, rel=0.02)


@pytest.mark.parametrize(("units", "known"), [(SHORT, True), (OPEN, True), (OPEN, False), (Units(), False)])
def test_radius_and_relaxation_time_are_told(units, known):
    held, values, truth = [], [], (3.0, 9 / 3.39 / 0.5)
    for seed in range(8):
        table = rooms(seed, units.open_share or 0.0)
        found = motion.confinement(table if known else table.drop(columns="sigma"), units)
        told = (found.radius, found.relaxation_time)
        held.append([one.holds(true) for one, true in zip(told, truth, strict=True)])
        values.append([one.value / true for one, true in zip(told, truth, strict=True)])
    assert np.mean(held) >= 0.8, np.mean(held, axis=0)
    np.testing.assert_allclose(np.mean(values, axis=0), 1, atol=0.06)


def test_on_a_tether_the_radius_is_twice_the_standard_deviation_along_an_axis():
    table = trapped_path(np.random.default_rng(0), 4000, 2.25, 4.0, 0.2)
    found = motion.confinement(table.assign(sigma=0.2), SHORT)
    assert found.radius.holds(3.0)
    assert found.relaxation_time.holds(4.0)
    assert found.radius.high - found.radius.low < 0.4


@pytest.mark.parametrize("units", [SHORT, OPEN])
def test_free_diffusion_is_not_told_to_be_confined(units):
    for seed in range(10):
        table = fractional_paths(np.random.default_rng([seed, 6]), 20, 50, 1.0, 0.5, units.open_share)
        found = motion.confinement(table.assign(sigma=0.5), units)
        assert not found.radius.is_told
        assert "may as well diffuse freely" in found.lines[0]


def test_a_report_tells_the_room_in_its_units():
    table = rooms(0)
    plain, units = motion.confinement(table, SHORT), Units(pixel_size=0.1, frame_time=0.02, exposure_time=0)
    report = report_motion(table, units, confined=True)
    assert report.room.radius.unit == "µm"
    assert report.room.radius.high == pytest.approx(plain.radius.high * 0.1)
    assert report.room.relaxation_time.low == pytest.approx(plain.relaxation_time.low * 0.02)
    assert f"confinement radius     {report.room.radius}" in str(report)
    assert report.to_dict()["confinement"]["radius"]["unit"] == "µm"
    assert "confinement" not in report_motion(table, units).to_dict()


def test_what_does_not_move_has_no_room_to_tell():
    still = brownian_paths(np.random.default_rng(0), 12, 20, 0.0)
    assert not motion.confinement(still, SHORT).radius.is_told
