"""Look into a grown network: what its stages cost, how fast and how accurate they are, which units they use.

Every table is a plain DataFrame with the units in its column names. Nothing here trains.
"""

from .active_units import activity, added_networks
from .card_tables import accuracies, history
from .costing import breadth_against_plain, costs
from .held_out_errors import NUMBER, errors, windows_seen
from .timing import BATCH, timings
from .writing import write_insight

__all__ = [
    "BATCH",
    "NUMBER",
    "accuracies",
    "activity",
    "added_networks",
    "breadth_against_plain",
    "costs",
    "errors",
    "history",
    "timings",
    "windows_seen",
    "write_insight",
]
