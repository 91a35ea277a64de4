"""How a stage learns: which windows, how many, in what batches, with which optimiser."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ..normalisation import Normalisation
from ..settings import Settings
from ..simulation.windows import WindowKind


class Phase(Settings):
    """A part of the schedule with one batch size."""

    share: PositiveFloat = Field(description="Batches in this phase, or its share of the time where minutes are given.")
    size: PositiveInt = Field(description="Windows in a batch.")


class Schedule(Settings):
    """How every stage learns.

    Examples
    --------
    >>> Schedule.thesis().images_per_stage
    1408000
    >>> Schedule(minutes=5).together
    True
    """

    minutes: PositiveFloat | None = Field(
        None, description="Time for the whole network; without it, phases count batches."
    )
    phases: tuple[Phase, ...] = Field(
        (Phase(share=0.25, size=32), Phase(share=0.35, size=128), Phase(share=0.4, size=256)),
        min_length=1,
        description="Batch sizes in order.",
    )
    together: bool = Field(
        True,
        description="Let all stages learn side by side on the same windows (gradients stop between stages), "
        "or one stage after the other, earlier ones frozen, as in the thesis.",
    )
    windows: WindowKind = Field("field", description="Cut windows from frames of many particles, or the thesis's own.")
    normalisation: Normalisation = Field("standard", description="How frames are scaled before the network.")
    loss: Literal["robust", "squared"] = Field("robust", description="Distance in pixels, or its square (thesis).")
    reach: PositiveFloat = Field(
        12.0, description="Distances are clipped here, in pixels; positions beyond do not count."
    )
    unit: PositiveFloat = Field(1.0, description="Pixels that one unit of the outputs stands for; thesis: 25.")
    optimiser: Literal["adam", "rmsprop"] = Field("adam")
    learning_rate: PositiveFloat = Field(3e-3, description="Greatest learning rate.")
    decay: Literal["cosine", "constant"] = Field("cosine")

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.minutes is None and any(phase.share % 1 for phase in self.phases):
            raise ValueError("without minutes every phase's share is a whole number of batches")
        return self

    @classmethod
    def thesis(cls, scale: float = 1.0) -> Self:
        """Return the thesis's schedule (3.5.1); `scale` below 1 shortens every phase alike."""
        phases = zip((4000, 3000, 2000, 1000, 500), (8, 32, 128, 512, 1024), strict=True)
        return cls(
            phases=[Phase(share=max(1, round(batches * scale)), size=size) for batches, size in phases],
            together=False,
            windows="thesis",
            normalisation="none",
            loss="squared",
            reach=1000.0,
            unit=25.0,
            optimiser="rmsprop",
            learning_rate=1e-3,
            decay="constant",
        )

    @property
    def images_per_stage(self) -> int | None:
        """Windows each stage sees; unknown beforehand where minutes are given."""
        return None if self.minutes else round(sum(phase.share * phase.size for phase in self.phases))

    def at(self, fraction: float) -> tuple[int, float]:
        """Return batch size and learning rate when a fraction (0 to 1) of the schedule is done."""
        total, passed = sum(phase.share for phase in self.phases), 0.0
        size = self.phases[-1].size
        for phase in self.phases:
            passed += phase.share
            if fraction * total < passed - 1e-9:
                size = phase.size
                break
        warm = min(1.0, 0.1 + fraction / 0.02) if self.decay == "cosine" else 1.0
        slope = 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0))) if self.decay == "cosine" else 1.0
        return size, self.learning_rate * warm * max(slope, 0.01)
