"""Link the detections of a film to trajectories, and drop or correct those that are wrong."""

from .correcting import delete, join, split
from .filtering import drop_doubtful, drop_short
from .link import Linking, LinkingProgress, iter_link, link
from .radius import Suggestion, suggest_radius
from .story import story_of

__all__ = [
    "Linking",
    "LinkingProgress",
    "Suggestion",
    "delete",
    "drop_doubtful",
    "drop_short",
    "iter_link",
    "join",
    "link",
    "split",
    "story_of",
    "suggest_radius",
]
