"""States of motion: the likelihood is that of all sequences of states, and what was simulated is told."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

from napari_growtrack.core import motion
from napari_growtrack.core.errors import MotionError
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion.displacement import Track
from napari_growtrack.core.motion.report import report_motion, write_motion
from napari_growtrack.core.motion.states import step_variances
from napari_growtrack.core.motion.switching import Switching, log_likelihoods, probabilities, rows_of, switches_of
from napari_growtrack.core.simulation.paths import brownian_paths, switching_paths

SHORT, OPEN = Units(exposure_share=0), Units(exposure_share=1)
SLOW_AND_FAST = (0.05, 1.0)


def two_states(seed, particles=60, frames=40, open_share=0.0, error=0.2):
    table = switching_paths(np.random.default_rng(seed), particles, frames, SLOW_AND_FAST, 0.05, error, open_share)
    return table.assign(sigma=error)


def model_of(steps, noise=1.0, open_share=0.0, exchange=0.2):
    shares = np.arange(1.0, len(steps) + 1) / sum(range(1, len(steps) + 1))
    pairs = len(steps) * (len(steps) - 1) // 2
    return Switching(np.array(steps), shares, switches_of(shares, np.full(pairs, exchange)), noise, open_share)


def chances(places, variances, model):
    """Return the logarithms of the probabilities of all sequences of states together with the places, by rows."""
    number, found = len(places), []
    seen = np.isfinite(places[:, 0])
    sequences = list(itertools.product(range(len(model.steps)), repeat=number))
    for sequence in sequences:
        steps = model.steps[list(sequence)]
        before = np.concatenate([[0], steps.cumsum()])
        covariance = np.array(
            [
                [
                    before[min(i, j)] + steps[min(i, j)] * model.open_share * (1 / 3 if i == j else 1 / 2)
                    for j in range(number)
                ]
                for i in range(number)
            ]
        )
        covariance = (covariance + model.noise * np.diag(variances))[np.ix_(seen, seen)]
        between = np.diff(np.eye(seen.sum()), axis=0)
        moves = np.diff(places[seen], axis=0)
        chance = np.log(model.shares[sequence[0]])
        chance += sum(np.log(model.switches[a, b]) for a, b in itertools.pairwise(sequence))
        chance += sum(
            stats.multivariate_normal.logpdf(moves[:, axis], cov=between @ covariance @ between.T) for axis in (0, 1)
        )
        found.append(chance + len(moves) * np.log(2 * np.pi))
    return np.array(sequences), np.array(found)


@pytest.mark.parametrize("open_share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("noise", "exact"), [(0.0, 1e-9), (0.05, 0.01)])
def test_the_likelihood_is_that_of_all_sequences_of_states(open_share, noise, exact):
    rng, model = np.random.default_rng(3), model_of([0.1, 1.5], 1.0, open_share)
    if open_share and not noise:
        exact = 0.01  # blur is noise, too
    places = rng.normal(0, 0.7, (8, 2)).cumsum(0)
    places[4] = np.nan
    variances = noise * rng.uniform(0.5, 1.5, 8)
    rows = rows_of([Track(0, 0, places)], [variances])
    expected = logsumexp(chances(places, variances, model)[1])
    assert log_likelihoods(rows, model).sum() == pytest.approx(expected, abs=exact)
    assert log_likelihoods(rows, model, 3).sum() == pytest.approx(expected, abs=exact / 2)


def test_of_one_state_the_likelihood_is_exact_also_with_noise_blur_and_gaps():
    rng, model = np.random.default_rng(0), model_of([0.8], 1.3, 0.7)
    places, variances = rng.normal(0, 1, (12, 2)), rng.uniform(0.1, 0.4, 12)
    places[[3, 4, 9]] = np.nan
    rows = rows_of([Track(0, 0, places)], [variances])
    assert log_likelihoods(rows, model).sum() == pytest.approx(chances(places, variances, model)[1][0], rel=1e-9)


def test_probabilities_of_states_are_those_of_all_sequences():
    rng, model = np.random.default_rng(5), model_of([0.1, 0.6, 3.0], 1.0, 0.3)
    places, variances = rng.normal(0, 0.8, (6, 2)).cumsum(0), np.full(6, 0.02)
    sequences, logs = chances(places, variances, model)
    weights = np.exp(logs - logsumexp(logs))
    expected = np.array([[weights[sequences[:, i] == state].sum() for state in range(3)] for i in range(6)])
    found = probabilities(rows_of([Track(0, 0, places)], [variances]), model)
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_switching_leaves_the_shares_as_they_are(number):
    model = model_of([1.0] * number)
    np.testing.assert_allclose(model.switches.sum(1), 1)
    np.testing.assert_allclose(model.shares @ model.switches, model.shares)
    flow = model.shares[:, None] * model.switches
    np.testing.assert_allclose(flow, flow.T, atol=1e-12)


@pytest.mark.parametrize(("units", "open_share"), [(SHORT, 0.0), (OPEN, 1.0)])
def test_two_states_are_told_with_their_coefficients_shares_and_rates(units, open_share):
    held, values = [], []
    for seed in range(8):
        found = motion.diffusive_states(two_states(seed, open_share=open_share), units, 2)
        told = [*found.coefficients, found.shares[1], found.rates[0][1], found.rates[1][0], found.dwell_times[0]]
        truth = [*SLOW_AND_FAST, 0.5, 0.05, 0.05, 20]
        held.append([one.holds(true) for one, true in zip(told, truth, strict=True)])
        values.append([one.value / true for one, true in zip(told, truth, strict=True)])
    assert np.mean(held) > 0.85, np.mean(held, axis=0)
    np.testing.assert_allclose(np.mean(values, axis=0), 1, atol=0.15)
    assert sum(share.value for share in found.shares) == pytest.approx(1)


def test_the_number_of_states_is_told():
    for seed in range(4):
        one = brownian_paths(np.random.default_rng(seed), 40, 30, 0.5, 0.2)
        assert motion.diffusive_states(one.assign(sigma=0.2), SHORT).number == 1
    assert motion.diffusive_states(two_states(0), SHORT).number == 2
    three = switching_paths(np.random.default_rng(0), 80, 50, (0.01, 0.3, 6.0), 0.03, 0.05)
    found = motion.diffusive_states(three.assign(sigma=0.05), SHORT)
    assert found.number == 3
    assert [round(one.value / true, 1) for one, true in zip(found.coefficients, (0.01, 0.3, 6.0), strict=True)] == (
        pytest.approx([1, 1, 1], abs=0.2)
    )


def test_without_sigma_and_exposure_both_are_found_out():
    for open_share in (0.0, 1.0):
        table = two_states(2, 80, open_share=open_share).drop(columns="sigma")
        found = motion.diffusive_states(table, number=2)
        assert found.exposure_guessed == open_share
        assert found.coefficients[1].holds(1.0)
        assert found.localisation.value == pytest.approx(0.2, rel=0.2)
        assert "Nobody told the exposure" in "\n".join(found.lines)


def test_each_position_gets_its_state_whatever_the_order_of_rows():
    table = two_states(1)
    table = table[table["frame"] % 11 > 0]
    found = motion.diffusive_states(table, SHORT, 2)
    shuffled = table.sample(frac=1, random_state=0)
    told = motion.assign_states(shuffled, found)
    assert (told["state"] == told["true_state"]).mean() > 0.93
    sure = told["state_probability"] > 0.9
    assert (told["state"] == told["true_state"])[sure].mean() > 0.97
    pd.testing.assert_frame_equal(told.loc[table.index], motion.assign_states(table, found))
    alone = pd.DataFrame({"frame": [0], "y": 1.0, "x": 1.0, "particle": 999, "sigma": 0.2})
    assert motion.assign_states(alone, found)["state"].tolist() == [-1]


def test_states_have_units():
    table = two_states(0, 30, 30)
    plain = motion.diffusive_states(table, SHORT, 2)
    found = motion.diffusive_states(table, Units(pixel_size=0.1, frame_time=0.02, exposure_time=0), 2)
    assert found.coefficients[1].value == pytest.approx(plain.coefficients[1].value * 0.01 / 0.02)
    assert found.coefficients[1].unit == "µm²/s"
    assert found.rates[0][1].value == pytest.approx(plain.rates[0][1].value / 0.02)
    assert found.rates[0][1].unit == "1/s"
    assert found.dwell_times[0].value == pytest.approx(1 / found.rates[0][1].value)
    assert str(found.rates[0][0]) == "cannot be told"


def test_particles_that_never_switch_have_shares_and_no_rates():
    table = switching_paths(np.random.default_rng(0), 60, 30, SLOW_AND_FAST, 0.0, 0.1).assign(sigma=0.1)
    found = motion.diffusive_states(table, SHORT)
    assert found.number == 2
    fast = table["true_state"].mean()
    assert found.shares[1].value == pytest.approx(fast, abs=0.02)
    assert not found.rates[0][1].is_told or found.rates[0][1].high < 0.005


@pytest.mark.parametrize("told", [motion.diffusion, motion.step_lengths, motion.diffusive_states])
def test_of_a_film_that_stores_every_frame_twice_it_is_said_what_to_do(told):
    y, x = np.random.default_rng(0).normal(0, 1, (2, 100)).cumsum(1)
    film = pd.DataFrame({"frame": range(0, 200, 2), "y": y, "x": x, "particle": 0})
    with pytest.raises(MotionError, match=r"All places are 2 frames apart.* divide the column frame by 2"):
        told(film)


def test_what_cannot_be_states_is_refused():
    table = two_states(0, 5, 5)
    with pytest.raises(MotionError, match="number of states from 1 to 3, got 4"):
        motion.diffusive_states(table, number=4)
    with pytest.raises(MotionError, match="at least 30 displacements to tell states, got 20"):
        motion.diffusive_states(table)
    found = motion.diffusive_states(two_states(0, 20, 20), SHORT, 2)
    with pytest.raises(MotionError, match="column sigma, which is missing"):
        motion.assign_states(table.drop(columns="sigma"), found)


def test_states_are_reported_and_drawn(tmp_path):
    table = two_states(0)
    report = report_motion(table, OPEN, states=0)
    told = report.to_dict()["states"]
    assert told["number"] == len(told["states"]) == 2
    assert told["states"][0]["rates"]["2"]["unit"] == "1/frame"
    assert "states of motion       2" in str(report)
    assert report_motion(table, OPEN).states is None
    paths = write_motion(table, tmp_path, OPEN, states=report.states)
    assert {"states.csv", "states.png"} <= {path.name for path in paths}
    assert set(pd.read_csv(tmp_path / "states.csv")["state"]) == {0, 1}


def test_the_lengths_of_steps_have_the_variance_that_states_say():
    table = two_states(4, 200, open_share=1.0)
    lengths, variances = step_variances(table, motion.diffusive_states(table, OPEN, 2))
    assert np.square(lengths).mean() == pytest.approx(2 * variances.mean(), rel=0.1)
    np.testing.assert_allclose(variances, 2 * np.array(SLOW_AND_FAST) * 2 / 3 + 0.08, rtol=0.1)
