"""How detections are linked, and what linking brought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ..settings import Settings


class Linking(Settings):
    """How detections are linked.

    Examples
    --------
    >>> Linking(search_radius=4, memory=2).min_length
    3
    """

    search_radius: PositiveFloat | None = Field(
        None,
        description="Farthest a particle moves from a frame to the next, in pixels; by default from the data.",
        json_schema_extra={
            **{"label": "Search radius", "unit": "px", "high": 9999, "step": 0.5, "decimals": 1},
            "none": "automatic",
        },
    )
    memory: NonNegativeInt = Field(
        0,
        description="Frames for which a particle may be lost and still be the same.",
        json_schema_extra={"label": "Memory", "unit": "frames", "high": 999},
    )
    min_length: PositiveInt = Field(
        3,
        description="Least number of detections in a trajectory; shorter ones go: a false one rarely comes thrice.",
        json_schema_extra={"label": "Shortest", "unit": "detections"},
    )
    keep_repeats: bool = Field(
        False,
        description="Link frames that repeat the one before, too; by default such copies are left out.",
        json_schema_extra={"label": "Keep frames that repeat"},
    )


@dataclass(frozen=True, eq=False)
class Linkage:
    """What linking brought.

    Attributes
    ----------
    trajectories : DataFrame
        As `link` returns them.
    linking : Linking
        How they were linked, with the search radius that was used.
    frames : int
        How many frames held detections.
    repeated : ndarray of int
        Frames that were left out, because each repeats the one before.
    short : int
        How many trajectories were dropped, because they are too short.
    cut : bool
        Whether moves do not end before the search radius, so that some are cut off, or detections that do not belong
        together are linked.
    """

    trajectories: pd.DataFrame
    linking: Linking
    frames: int
    repeated: np.ndarray
    short: int
    cut: bool

    @property
    def warning(self) -> str:
        """Why links, and what is read off them, may be wrong; empty where nothing tells so."""
        if not self.cut:
            return ""
        return (
            f"Moves do not end before the search radius of {self.linking.search_radius:.3g} px: it cuts long ones off, "
            "or neighbours are linked, and D is wrong with them. Search farther; where particles are too near "
            "for that, record faster or keep surer detections only."
        )

    @property
    def repeats(self) -> str:
        """Which part of the film repeats the frame before, in a sentence; empty where none does."""
        if not len(self.repeated):
            return ""
        return (
            f"{len(self.repeated):,} of {self.frames:,} frames repeat the one before and are left out; "
            "the others keep their numbers."
        )

    @property
    def left_out(self) -> str:
        """What was left out, in sentences; empty where nothing was."""
        shorter = f"{self.short:,} {'trajectory' if self.short == 1 else 'trajectories'}"
        dropped = f"{shorter} of fewer than {self.linking.min_length} detections dropped." if self.short else ""
        return " ".join(filter(None, (self.repeats, dropped)))
