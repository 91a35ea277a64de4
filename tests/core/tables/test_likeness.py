"""Whether detections look like particles."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.tables import look_like_particles

RNG = np.random.default_rng(0)


def ratios(*some):
    return pd.DataFrame({"axis_ratio": np.concatenate(some)})


@pytest.mark.parametrize(
    "table",
    [
        ratios(RNG.uniform(1, 1.5, 100)),
        ratios(RNG.uniform(1, 1.5, 70), RNG.uniform(2, 7, 30)),
        ratios(RNG.uniform(2.5, 3.5, 100)),  # rods
        ratios(np.full(19, 5.0) * RNG.uniform(0.5, 1.5, 19)),  # too few to say
        ratios(RNG.uniform(1, 1.5, 30), np.full(200, np.nan)),
        pd.DataFrame({"y": [1.0] * 30}),
    ],
)
def test_round_ones_rods_and_few_are_particles(table):
    assert look_like_particles(table)


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_what_is_long_in_ways_of_its_own_is_none(share):
    long = round(100 * share)
    assert not look_like_particles(ratios(RNG.uniform(1, 1.6, 100 - long), RNG.uniform(2, 7, long)))
