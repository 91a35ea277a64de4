"""A network may see frames larger or smaller than they are; what it finds stays where it is."""

import warnings

import numpy as np
import pandas as pd
import pytest

from fakes import PointSeer
from napari_growtrack.core.detection import Cascade, Sieve, detect, find
from napari_growtrack.core.detection.calibrate import Pair, all_pairs, calibrate
from napari_growtrack.core.detection.zoom import enlarge, to_film, to_network
from napari_growtrack.core.errors import GrowtrackWarning

ZOOMS = [51 / 21, 0.5, 1, 3, 51 / 76]


def blobs(*spots, shape=(60, 80), width=2.0):
    """A black frame with blobs of height 1."""
    y, x = np.indices(shape)
    frame = np.zeros(shape, np.float32)
    for row, column in spots:
        frame = np.maximum(frame, np.exp(-((y - row) ** 2 + (x - column) ** 2) / 2 / width**2), dtype=np.float32)
    return frame


def centre_of_mass(frame):
    return np.array([(axis * frame).sum() for axis in np.indices(frame.shape)]) / frame.sum()


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("spot", [(30, 40), (25.3, 40.8), (29.5, 37.1)])
def test_a_blob_stays_where_it_is(zoom, spot):
    enlarged = enlarge(blobs(spot), zoom)
    np.testing.assert_allclose(to_film(centre_of_mass(enlarged), zoom), spot, atol=0.01)
    np.testing.assert_allclose(centre_of_mass(enlarged), to_network(np.array(spot), zoom), atol=0.01 * zoom)


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("shape", [(60, 80), (21, 21), (7, 1), (1, 1)])
def test_no_pixel_is_lost_and_intensities_stay(zoom, shape):
    enlarged = enlarge(np.full(shape, 0.7, np.float32), zoom)
    assert enlarged.dtype == np.float32
    np.testing.assert_allclose(enlarged, 0.7, atol=1e-6)
    lost = zoom * np.array(shape) - enlarged.shape
    assert np.all((lost > -1) & (lost < 1e-3))


def test_a_box_of_21_pixels_becomes_a_window_of_51():
    assert enlarge(np.zeros((21, 21), np.float32), 51 / 21).shape == (51, 51)


def test_zoom_1_copies_nothing():
    frame = blobs((30, 40))
    assert enlarge(frame, 1) is frame


@pytest.mark.parametrize("zoom", ZOOMS)
def test_points_come_back_from_the_network(zoom):
    points = np.random.default_rng(0).uniform(-5, 90, (20, 2))
    np.testing.assert_allclose(to_film(to_network(points, zoom), zoom), points, atol=1e-12)


# Detection --------------------------------------------------------------------------------------------------------


class PeakSeer(PointSeer):
    """Sees the highest pixel of each window, if it is high."""

    def __init__(self, zoom):
        super().__init__()
        self.zoom = zoom

    def _one(self, pixels, stage):
        return super()._one(np.where(pixels == max(pixels.max(), 0.5), 1, 0), stage)


CASCADE = Cascade(stage=2, screen=1, screen_distance=7, accept_distance=1, merge_distance=4, votes=2)
WAYS = [CASCADE, CASCADE.with_(screen=2), CASCADE.with_(faithful=True, accept_distance=6), CASCADE.with_(step=5)]
SPOTS = [(0, 79), (10, 12), (30, 40), (57, 0)]


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("cascade", WAYS)
def test_what_a_zoomed_network_finds_is_in_pixels_of_the_film(zoom, cascade):
    found = find(blobs(*SPOTS), PeakSeer(zoom), cascade)
    assert len(found) == len(SPOTS)
    np.testing.assert_allclose(sorted(found[["y", "x"]].to_numpy().tolist()), SPOTS, atol=0.5 / zoom + 1e-6)


@pytest.mark.parametrize("cascade", WAYS)
def test_whole_zooms_find_whole_pixels_exactly(cascade):
    found = find(blobs(*SPOTS), PeakSeer(3), cascade)
    np.testing.assert_allclose(sorted(found[["y", "x"]].to_numpy().tolist()), SPOTS, atol=1e-9)


def test_the_distance_is_in_pixels_of_the_film_and_its_threshold_in_the_network_s():
    class FarSeer(PeakSeer):
        def _one(self, pixels, stage):
            return super()._one(pixels, stage) + np.array([0, 0, 6])

    open_gate = CASCADE.with_(screen_distance=20, merge_distance=12, accept_distance=6.5)
    found = find(blobs((30, 40)), FarSeer(3), open_gate)
    np.testing.assert_allclose(found.distance, 2)
    assert find(blobs((30, 40)), FarSeer(3), open_gate.with_(accept_distance=5.5)).empty


@pytest.mark.parametrize("zoom", [2, 0.5])
def test_distances_that_are_told_count_pixels_of_the_film_as_the_table_does(zoom):
    class FarSeer(PeakSeer):
        def _one(self, pixels, stage):
            return super()._one(pixels, stage) + np.array([0, 0, 2 * zoom])

    open_gate = CASCADE.with_(screen_distance=20, merge_distance=12, accept_distance=20)
    frame, network = blobs((30, 40)), FarSeer(zoom)
    found = find(frame, network, open_gate)
    surest = found.distance.min()
    assert surest == pytest.approx(2, rel=0.15)
    sieve = Sieve(found.assign(frame=0), open_gate, zoom)
    for limit, number in [(surest - 0.05, 0), (surest + 0.05, 1)]:
        assert len(find(frame, network, open_gate.on_film(zoom, accept_distance=limit))) == number
        assert sieve(accept_distance=limit).sum() == number
    assert len(find(frame, network, open_gate.on_film(zoom, 1.9, surest + 0.05))) == 0
    assert len(find(frame, network, open_gate.on_film(zoom, 20 / zoom, surest + 0.05))) == 1


@pytest.mark.parametrize("zoom", ZOOMS)
def test_distances_that_are_not_told_stay_to_the_bit(zoom):
    assert CASCADE.on_film(zoom) == CASCADE


def test_a_film_smaller_than_the_zoomed_window_is_tracked_with_a_warning():
    film = blobs((15, 20), shape=(30, 36))
    with pytest.warns(GrowtrackWarning, match="30 x 36 px, smaller than the network's 42 px window"):
        assert len(detect(film, PeakSeer(0.5), CASCADE)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(detect(film, PeakSeer(2), CASCADE)) == 1


# Calibration ------------------------------------------------------------------------------------------------------


def sample(*spots):
    return blobs(*spots), pd.DataFrame(spots, columns=["y", "x"], dtype=float)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    rows = [[(int(y), int(rng.integers(5, 75))) for y in (15, 45)] for _ in range(4)]
    return [sample(*spots) for spots in [[], *rows]]


@pytest.mark.parametrize("zoom", [3, 0.75])
@pytest.mark.parametrize("pair", all_pairs(2))
def test_a_zoomed_network_is_calibrated_in_its_own_pixels(samples, zoom, pair):
    (calibrated,) = calibrate(PeakSeer(zoom), samples, [pair])
    assert calibrated.score == 1
    for frame, truth in samples:
        assert len(find(frame, PeakSeer(zoom), calibrated.cascade)) == len(truth)


@pytest.mark.parametrize(("off", "score"), [(4, 1), (6, 0)])
def test_a_find_may_be_five_pixels_of_the_film_off_at_any_zoom(samples, off, score):
    class OffSeer(PeakSeer):
        def _one(self, pixels, stage):
            return super()._one(pixels, stage) + np.array([3 * off, 0, 0])

    (calibrated,) = calibrate(OffSeer(3), samples, [Pair(1, 1, faithful=True)])
    assert calibrated.score == pytest.approx(score, abs=0.01)
