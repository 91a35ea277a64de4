"""Thresholds choose among candidates as the cascade itself would, without asking the network again."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.detection import Cascade, Sieve, collect, detect, iter_detections, survey
from napari_growtrack.core.errors import TableError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.simulation import named_scene, simulate_film
from napari_growtrack.core.tables import NO_LIMITS, Limits

CASCADE = Cascade(stage=1, screen=1, screen_distance=9, accept_distance=2, merge_distance=4)


def table(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frame", "y", "x", "distance", "significance"])


@pytest.mark.parametrize(
    ("cascade", "thresholds", "kept"),
    [
        (CASCADE, {}, [True, True, False]),
        (CASCADE, {"accept_distance": 0.6}, [True, False, False]),
        (CASCADE, {"accept_distance": 9}, [True, True, True]),
        (CASCADE, {"least_significance": 9}, [True, True, False]),  # nothing was fitted
        (CASCADE.with_(polish=True, least_significance=5), {}, [False, True, False]),
        (CASCADE.with_(polish=True, least_significance=5), {"least_significance": 2}, [True, True, False]),
        (CASCADE.with_(polish=True, least_significance=5, doubt=3), {}, [False, False, False]),
    ],
)
def test_thresholds_choose(cascade, thresholds, kept):
    candidates = table((0, 10, 10, 0.5, 3), (0, 30, 30, 1.5, 8), (1, 10, 10, 2.5, 8))
    assert Sieve(candidates, cascade)(**thresholds).tolist() == kept


def test_of_doubles_the_surest_that_passes_stays():
    cascade = CASCADE.with_(polish=True, least_significance=5)
    doubles = table((0, 10, 10, 0.5, 4), (0, 11, 10, 0.7, 9), (0, 13, 10, 0.9, 9), (1, 11, 10, 0.9, 9))
    sieve = Sieve(doubles, cascade)
    assert sieve().tolist() == [False, True, False, True]
    assert sieve(least_significance=3).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("ends", "kept"),
    [
        ({}, [True, True, True, True]),
        ({"radius": (1, 3)}, [True, False, True, False]),  # what was not measured is left out where it is limited
        ({"radius": (None, 3)}, [True, False, True, False]),
        ({"radius": (4, None)}, [False, True, False, False]),
        ({"radius": (None, None)}, [True, True, True, True]),
        ({"radius": (1, 3), "signal": (500, None)}, [False, False, True, False]),
        ({"signal": (500, 500)}, [False, False, True, False]),
    ],
)
def test_limits_leave_out_what_lies_outside(ends, kept):
    places = table((0, 10, 10, 0.5, 9), (0, 30, 30, 0.5, 9), (0, 50, 50, 0.5, 9), (0, 70, 70, 0.5, 9))
    places = places.assign(radius=[1, 4, 3, np.nan], signal=[499, 900, 500, 600])
    assert Sieve(places, CASCADE)(limits=Limits.of(ends)).tolist() == kept


def test_limits_do_not_put_another_candidate_in_the_place_of_one():
    doubles = table((0, 10, 10, 0.5, 9), (0, 11, 10, 0.7, 9)).assign(radius=[5.0, 2.0])
    assert Sieve(doubles, CASCADE)(limits=Limits.of({"radius": (1, 3)})).tolist() == [False, False]


def test_a_table_of_earlier_columns_is_chosen_from_until_a_missing_one_is_limited():
    sieve = Sieve(table((0, 10, 10, 0.5, 3)), CASCADE)
    assert sieve(limits=NO_LIMITS).tolist() == [True]
    with pytest.raises(TableError, match="Expected a column radius"):
        sieve(limits=Limits.of({"radius": (1, 3)}))


def test_distances_are_in_the_networks_pixels():
    assert Sieve(table((0, 10, 10, 1.5, 9)), CASCADE, zoom=2)().tolist() == [False]


def test_nothing_is_chosen_from_nothing():
    assert Sieve(table(), CASCADE)().tolist() == []


@pytest.mark.parametrize("faithful", [False, True])
@pytest.mark.parametrize("stage", [1, 3])
def test_its_own_thresholds_give_the_cascades_detections(stage, faithful):
    network = load_network("vesicles")
    cascade = network.cascade(stage, faithful=faithful)
    film, _ = simulate_film(named_scene("vesicles").with_(snr=2.5), 6, (200, 170), np.random.default_rng(3), 12)
    _, cascade = survey(open_stack(film), network, cascade, "normal", range(len(film)))
    wide = collect(one.table for one in iter_detections(film, network, cascade, contrast="normal", doubtful=True))
    found = detect(film, network, cascade, contrast="normal")
    chosen = wide[Sieve(wide, cascade, network.zoom)()].reset_index(drop=True)
    assert len(wide) > len(found) > 30
    pd.testing.assert_frame_equal(chosen, found)


def test_stricter_thresholds_choose_fewer_of_the_same():
    rng = np.random.default_rng(0)
    many = pd.DataFrame(rng.uniform(0, 300, (2000, 5)), columns=["frame", "y", "x", "distance", "significance"])
    many = many.assign(frame=many.frame.astype(int) // 30, distance=many.distance / 100)
    sieve = Sieve(many, CASCADE)
    numbers = [int(sieve(accept_distance=limit).sum()) for limit in (0.1, 0.5, 1, 2, 3)]
    assert numbers == sorted(numbers)
    assert 0 < numbers[0] < numbers[-1]


def test_the_share_of_windows_passed_on_is_told():
    network = load_network("vesicles")
    film, _ = simulate_film(named_scene("vesicles").with_(snr=6), 2, (200, 200), np.random.default_rng(3), 5)
    (one, _) = iter_detections(film, network, network.cascade(3), contrast="normal")
    assert 0.005 < one.passed < 0.2
