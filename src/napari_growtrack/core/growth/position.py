"""Where growing was left, so that it can be taken up again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat, NonNegativeInt, field_validator

from ..settings import Settings
from .schedule import MOMENTS, Record

Seconds = Annotated[FiniteFloat, Field(ge=0)]


class GrowthPosition(Settings):
    """Where growing was left. A round is what learns at a time: one stage, or all side by side."""

    stages_given: NonNegativeInt = Field(0, description="Stages grown before, by another run.")
    round: NonNegativeInt = Field(0, description="The round that goes on, from 0; those before are finished.")
    seconds: Seconds = Field(0.0, description="Time that growing has taken.")
    round_seconds: Seconds = Field(0.0, description="Time that this round has taken.")
    round_images: NonNegativeInt = Field(0, description="Images that this round has used.")
    record: Record = Field((), description="Batches at each moment of every round begun.")
    images: NonNegativeInt = Field(0, description="Images used, over all rounds.")
    batches: NonNegativeInt = Field(0, description="Batches used, over all rounds.")
    errors: tuple[float, ...] = Field((), description="Error of each finished round's last stage, where judged.")
    curves: tuple[tuple[float, ...], ...] = Field((), description="Errors at each look of every round begun.")
    best_error: float | None = Field(None, description="Least error in this round, where patience looks for it.")
    looks_since_best: NonNegativeInt = Field(0, description="Looks at the error since then.")

    @field_validator("record")
    @classmethod
    def _whole(cls, record: Record) -> Record:
        if any(len(one) != MOMENTS for one in record):
            raise ValueError(f"expected {MOMENTS} moments in every round")
        return record
