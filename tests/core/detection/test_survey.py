"""Noise that looks like particles is told from a film's own decoys."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from napari_growtrack.core.detection import Cascade, decoys, detect, iter_detections, survey, with_noise_of
from napari_growtrack.core.detection.cascade import FALSE_SHARE
from napari_growtrack.core.detection.decoys import Noise
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.scoring import score
from napari_growtrack.core.simulation import named_scene, simulate_film

SIGNIFICANT = 5.3


@pytest.fixture(scope="module")
def network():
    return load_network("vesicles")


@pytest.fixture(scope="module")
def dim():
    """Return a film of dim particles and its truth."""
    scene = named_scene("vesicles").with_(snr=2.5)
    return simulate_film(scene, 8, (200, 200), np.random.default_rng(5), 12)


# How noise falls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fall", [1.5, 3.0])
@pytest.mark.parametrize("once", [3.0, 4.5])
def test_how_noise_falls_is_told_from_its_most_significant_decoys(once, fall):
    rng, frames, each = np.random.default_rng(0), 8, []
    for _ in range(60):
        energy = once**2 / 2 + fall * (rng.exponential(size=6 * frames) - np.log(6))  # six a frame
        each.append(Noise.of(np.sqrt(2 * energy[energy > 0]), frames))
    assert np.mean([noise.once for noise in each]) == pytest.approx(once, rel=0.05)
    assert np.mean([noise.fall for noise in each]) == pytest.approx(fall, rel=0.2)
    noise = each[0]
    assert noise.often(noise.exceeded(0.01)) == pytest.approx(0.01)
    assert noise.often(noise.once) == pytest.approx(1)


def test_what_is_real_and_dark_is_no_decoy():
    bulk = np.sqrt(2 * np.random.default_rng(1).exponential(size=200))
    dark = np.append(bulk, np.full(40, 60.0))
    assert Noise.of(dark, 8) == Noise.of(bulk, 8)
    assert Noise.of(np.append(bulk, [np.nan, -3]), 8) == Noise.of(bulk, 8)


def test_without_decoys_noise_is_taken_to_be_even():
    noise = Noise.of(np.empty(0), 8)
    assert noise.fall == 1.25
    assert 2 < noise.exceeded(0.01) < SIGNIFICANT


def test_the_least_significance_keeps_the_share_and_asks_for_more_where_nothing_is_lost():
    noise, share = Noise(4.0, 1.5), 0.01
    dim = np.concatenate([np.full(200, 30.0), np.linspace(3, 8, 4000)])
    asked, worst = decoys.least_significance(dim, 10, [Noise(3.0, 1.25), noise], share)
    assert worst == noise
    above = [np.count_nonzero(dim >= one) / 10 for one in (asked, asked - 0.15)]
    assert noise.often(asked) <= share * above[0]
    assert noise.often(asked - 0.15) > share * above[1]
    for found in (np.full(200, 30.0), np.empty(0)):
        least, _ = decoys.least_significance(found, 10, [noise], share)
        assert asked < least < 30
        assert noise.often(least) <= share


def test_q_values_are_shares_of_what_stands_out_as_much():
    noise = Noise(4.0, 1.0)
    significances, counted = np.array([9.0, 5.0, 4.0, np.nan, 1.0]), np.array([True, True, True, True, False])
    q = decoys.q_values(significances, counted, noise)
    assert q[:3] == pytest.approx(noise.often(significances[:3]) / [1, 2, 3])
    assert np.isnan(q[3])
    assert q[4] == 1


# Decoys ---------------------------------------------------------------------------------------------------------------


def test_decoys_have_a_frames_noise_and_keep_its_particles():
    rng = np.random.default_rng(2)
    noise = stats.gamma(2).rvs(size=(160, 200), random_state=rng)
    frame = (noise + 0.004 * np.arange(200)).astype(np.float32)
    frame[70:90, 70:90] += 50
    usable = decoys.free(frame.shape, np.array([[79.5, 79.5]]), 16)
    assert not usable[70:90, 70:90].any()
    mixed, turned = decoys.shuffled(frame, usable, rng), decoys.mirrored(frame, usable)
    for one in (mixed, turned):
        assert np.array_equal(one[~usable], frame[~usable])
        assert np.std(one[usable]) == pytest.approx(np.std(frame[usable]), rel=0.08)
    assert stats.skew(mixed[usable]) == pytest.approx(stats.skew(frame[usable]), rel=0.01)
    assert stats.skew(turned[usable]) == pytest.approx(-stats.skew(noise.ravel()), rel=0.1)


def test_mirrored_frames_keep_their_grain_and_shuffled_ones_lose_it():
    grain = gaussian_filter(np.random.default_rng(3).normal(size=(128, 128)), 2).astype(np.float32)
    everywhere = np.ones(grain.shape, bool)

    def alike(frame):
        return np.corrcoef(frame[:, :-1].ravel(), frame[:, 1:].ravel())[0, 1]

    assert alike(decoys.mirrored(grain, everywhere)) == pytest.approx(alike(grain), abs=0.02)
    assert alike(decoys.shuffled(grain, everywhere, np.random.default_rng(0))) < 0.5 * alike(grain)


# Films ----------------------------------------------------------------------------------------------------------------


def test_a_networks_cascade_keeps_the_share_and_one_made_by_hand_what_it_says(network):
    cascade = network.cascade()
    assert cascade.surveys
    assert cascade.false_share == FALSE_SHARE
    asked = cascade.with_(least_significance=6.0)
    assert (asked.false_share, asked.surveys) == (0, False)
    assert not Cascade(stage=1, screen=1, screen_distance=1, accept_distance=1, merge_distance=1).surveys
    assert not network.cascade(polish=False).surveys
    assert Cascade.from_json(cascade.to_json()) == cascade


def test_films_are_judged_by_their_own_noise(network, dim):
    film, truth = dim
    _, cascade = survey(open_stack(film), network, network.cascade(), "normal", range(len(film)))
    assert not cascade.surveys
    assert cascade.noise is not None
    assert Cascade.from_json(cascade.to_json()) == cascade
    found = detect(film, network, cascade, contrast="normal")
    result = score(truth, found)
    assert result.found > 0.9
    assert result.false < 0.04
    assert (found["q"] <= 0.2).all()
    assert found["q"].median() < FALSE_SHARE
    pd.testing.assert_frame_equal(found, detect(film, network, network.cascade(), contrast="normal"))


def test_a_larger_share_asks_for_less(network, dim):
    film, _ = dim
    asked = [
        with_noise_of(list(film[:4]), network, network.cascade().with_(false_share=share)).least_significance
        for share in (0.001, 0.01, 0.2)
    ]
    assert asked[0] > asked[1] > asked[2]


@pytest.mark.parametrize("lean", [False, True])
def test_noise_alone_shows_next_to_nothing(network, lean):
    rng = np.random.default_rng(7)
    shape = (30, 160, 160)
    film = rng.gamma(1.5, 10, shape) if lean else rng.normal(100, 5, shape)
    found = detect(film.astype(np.float32), network, network.cascade(), contrast="normal")
    assert len(found) <= 1


def test_crowded_frames_tell_nothing_of_noise(network):
    scene = named_scene("vesicles").with_(density=(80, 80), snr=20, apart=6)
    film, _ = simulate_film(scene, 2, (120, 120), np.random.default_rng(1), 100)
    cascade = network.cascade()
    assert with_noise_of(list(film), network, cascade) == cascade


def test_films_that_end_early_or_hold_nothing_are_surveyed_in_peace(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not len(detect(np.zeros((3, 64, 64)), network, network.cascade()))
    with pytest.raises(SettingsError, match="contrast"):
        list(iter_detections(np.zeros((3, 64, 64)), network, network.cascade(), contrast="dark"))
