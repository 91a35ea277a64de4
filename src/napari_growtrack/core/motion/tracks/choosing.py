"""Choose among trajectories by limits on the columns of their table of tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pandas as pd

from ...tables import Limits
from ...tables.limits import Ends
from .. import Units
from .columns import EXPONENT, TRACK_COLUMNS
from .measuring import measure_tracks


class TrackLimits(Limits):
    """Which values of which columns of a table of tracks are kept; without any, all are.

    Examples
    --------
    >>> TrackLimits.of({"length": (10, None)}).inside(pd.DataFrame({"length": [9, 10]}))
    array([False,  True])
    """

    columns: ClassVar[tuple[str, ...]] = tuple(TRACK_COLUMNS)
    of_what: ClassVar[str] = "tracks"
    missing: ClassVar[str] = "Track the film with a network that fits its particles, which brings signal and q."

    @property
    def needs_exponent(self) -> bool:
        """Whether it takes the exponent of each trajectory to tell which are kept."""
        return any(name in EXPONENT for name, *_ in self.spans)


NO_TRACK_LIMITS = TrackLimits()


def keep_tracks(
    trajectories: pd.DataFrame, limits: TrackLimits | Mapping[str, Ends], units: Units | None = None
) -> pd.DataFrame:
    """Return the trajectories that lie within limits, whole ones.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    limits : TrackLimits or mapping
        A least and a greatest value by column of `TRACK_COLUMNS`; None for no end. What is not known of a trajectory
        lies outside the limits of that column.
    units : Units, optional
        Of the limits; pixels and frames by default.

    Raises
    ------
    SettingsError
        When there is no such column.
    TableError, MotionError
        As `measure_tracks` does, or when the detections lack what a column is made of.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 1, 2, 0, 1], "y": 1.0, "x": 2.0, "particle": [1, 1, 1, 2, 2]})
    >>> keep_tracks(film, {"length": (3, None)})["particle"].unique().tolist()
    [1]
    """
    limits = limits if isinstance(limits, TrackLimits) else TrackLimits.of(limits)
    tracks = measure_tracks(trajectories, units, limits.needs_exponent)
    return of_tracks(trajectories, tracks[limits.inside(tracks)])


def of_tracks(trajectories: pd.DataFrame, tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the trajectories that a table of tracks lists."""
    return trajectories[trajectories["particle"].isin(tracks["particle"])].reset_index(drop=True)
