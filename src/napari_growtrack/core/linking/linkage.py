"""How detections are linked, and what linking brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ..settings import Settings

_SURE = 0.9
"""Links of a smaller chance are worth a look."""

Linker = Literal["evidence", "trackpy"]


class Linking(Settings):
    """How detections are linked.

    Where no linker is named, a search radius or a memory means trackpy's, as it did before there was another.

    Examples
    --------
    >>> Linking().linker, Linking(search_radius=4, memory=2).linker
    ('evidence', 'trackpy')
    """

    linker: Linker = Field(
        "evidence",
        description="Who links: all evidence together, with nothing to be set, or trackpy's nearest neighbours.",
        json_schema_extra={"label": "Linker"},
    )
    search_radius: PositiveFloat | None = Field(
        None,
        description="Farthest a particle moves from a frame to the next, in pixels; by default from the data.",
        json_schema_extra={
            **{"label": "Search radius", "unit": "px", "high": 9999, "step": 0.5, "decimals": 1},
            "none": "automatic",
        },
    )
    memory: NonNegativeInt | None = Field(
        None,
        description="Frames for which a particle may be lost and still be the same; by default as the evidence has it, "
        "and none for trackpy's linker.",
        json_schema_extra={"label": "Memory", "unit": "frames", "high": 999, "none": "automatic"},
    )
    directed: bool = Field(
        True,
        description="Particles may go straight for a while; not for trackpy's linker.",
        json_schema_extra={"label": "Directed motion"},
    )
    most_false: float = Field(
        0.01,
        gt=0,
        le=1,
        description="Trajectories that are false with a larger chance than this go; not for trackpy's linker.",
        json_schema_extra={"label": "Chance to be false", "step": 0.01, "decimals": 3},
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

    @model_validator(mode="before")
    @classmethod
    def _as_before(cls, values: Any) -> Any:
        """Take trackpy's linker where its settings are given and none is named: earlier recipes name none."""
        if isinstance(values, dict) and "linker" not in values:
            meant = any(values.get(name) is not None for name in ("search_radius", "memory"))
            return {**values, "linker": "trackpy" if meant else "evidence"}
        return values


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
    false : int
        How many trajectories were dropped, because they are probably false.
    """

    trajectories: pd.DataFrame
    linking: Linking
    frames: int
    repeated: np.ndarray
    short: int
    cut: bool
    false: int = 0

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
    def doubts(self) -> str:
        """How many links are not sure, in a sentence; empty where none is, or nobody tells."""
        chances = self.trajectories.get("link_chance", pd.Series(dtype=float)).dropna()
        number = int((chances < _SURE).sum())
        return f"{number:,} of {len(chances):,} links are less sure than {_SURE:.0%} (link_chance)." if number else ""

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
        ghosts = f"{self.false:,} {'trajectory' if self.false == 1 else 'trajectories'}"
        doubted = f"{ghosts} dropped that may be false." if self.false else ""
        return " ".join(filter(None, (self.repeats, doubted, dropped)))
