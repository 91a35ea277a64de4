"""Limits say which values of which columns are kept, as plain values that can be compared and kept."""

import math

import pytest

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.tables import NO_LIMITS, Limits


def test_limits_are_values():
    one, other = Limits.of({"radius": (1, 3), "signal": (500, None)}), Limits.of({"signal": (500, None)})
    assert one == other.with_("radius", 1, 3)
    assert hash(one) == hash(Limits.of({"signal": (500, math.inf), "radius": (1, 3)}))
    assert one.plain() == {"radius": [1, 3], "signal": [500, None]}
    assert one.with_("radius", None, None) == other


def test_limits_that_are_open_on_both_sides_are_none():
    assert not Limits.of({"radius": (None, math.inf)})
    assert Limits.of({"radius": (-math.inf, None)}) == NO_LIMITS
    assert NO_LIMITS.of_column("radius") == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ({"radus": (1, 3)}, "got radus"),
        ({"radius": (3, 1)}, "got 3 and 1"),
        ({"radius": (math.nan, 1)}, "got nan and 1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(ends, said):
    with pytest.raises(SettingsError, match=said):
        Limits.of(ends)
