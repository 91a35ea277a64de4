"""Long work as plain values: each is checked when it begins, tells how far it is, and may be stopped at any step.

The command line and scripts go through them; `track` and its like drive them for a script.
"""

from .track_to_table import Begun, TrackedTable, TrackToTable, track

__all__ = ["Begun", "TrackToTable", "TrackedTable", "track"]
