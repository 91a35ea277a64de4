"""What is known of each trajectory: a table of tracks, and limits that choose among them."""

from .choosing import NO_TRACK_LIMITS, TrackLimits, keep_tracks, of_tracks
from .columns import TRACK_COLUMNS, Column
from .measuring import iter_tracks, measure_tracks

__all__ = [
    "NO_TRACK_LIMITS",
    "TRACK_COLUMNS",
    "Column",
    "TrackLimits",
    "iter_tracks",
    "keep_tracks",
    "measure_tracks",
    "of_tracks",
]
