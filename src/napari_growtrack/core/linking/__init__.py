"""Link the detections of a film to trajectories, and drop those that are none."""

from .filtering import drop_doubtful, drop_short
from .link import Linking, LinkingProgress, iter_link, link
from .radius import Suggestion, suggest_radius

__all__ = [
    "Linking",
    "LinkingProgress",
    "Suggestion",
    "drop_doubtful",
    "drop_short",
    "iter_link",
    "link",
    "suggest_radius",
]
