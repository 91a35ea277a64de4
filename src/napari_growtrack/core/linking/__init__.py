"""Link the detections of a film to trajectories, and drop or correct those that are wrong."""

from .correcting import delete, join, split
from .filtering import drop_doubtful, drop_short
from .link import iter_link, iter_linkage, link
from .linkage import Linkage, Linking
from .provenance import provenance_of
from .radius import Suggestion, suggest_radius
from .repeats import repeated_frames

__all__ = [
    "Linkage",
    "Linking",
    "Suggestion",
    "delete",
    "drop_doubtful",
    "drop_short",
    "iter_link",
    "iter_linkage",
    "join",
    "link",
    "provenance_of",
    "repeated_frames",
    "split",
    "suggest_radius",
]
