"""How a stage learns: which images, how many, in what batches, with which optimiser, and when it is enough."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ..datasets import Augmentation
from ..films.normalisation import Normalisation
from ..settings import Settings
from ..simulation.windows import WindowKind

MOMENTS = 200
"""A schedule by the clock changes batch size and learning rate at this many moments."""

Initial = Literal["he", "glorot"]

Record = tuple[tuple[Annotated[int, Field(ge=0, le=10**9)], ...], ...]
"""Batches at each moment of every round."""


class Phase(Settings):
    """A part of the schedule with one batch size."""

    share: PositiveFloat = Field(
        description="Batches in this phase, or its share of the whole where minutes or epochs are given."
    )
    size: PositiveInt = Field(le=65536, description="Images in a batch.")


class Until(Settings):
    """When it is enough, judged on images that no stage learns from."""

    bound: Annotated[float, Field(ge=1)] | None = Field(
        None, description="Grow no further once the median error is within this ratio of the Cramer-Rao bound."
    )
    error: PositiveFloat | None = Field(
        None, description="Grow no further once the error is as low as this: in pixels, or the share of wrong answers."
    )
    gain: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Leave off a stage, and grow no further, where it lowers the error by less than this share: "
        "the gain is gone (thesis 5.5.2).",
    )
    patience: PositiveInt | None = Field(
        None, description="End a round after so many of its 20 looks at the error without a better one; keep the best."
    )

    @property
    def between_stages(self) -> bool:
        """Whether growing may end after a stage."""
        return any(rule is not None for rule in (self.bound, self.error, self.gain))


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
        None, description="Time for the whole network; without it, and without epochs, phases count batches."
    )
    epochs: PositiveInt | None = Field(None, description="For a fixed dataset: how often a stage sees each image.")
    phases: tuple[Phase, ...] = Field(
        (Phase(share=0.25, size=32), Phase(share=0.35, size=128), Phase(share=0.4, size=256)),
        min_length=1,
        description="Batch sizes in order.",
    )
    together: bool = Field(
        True,
        description="Let all stages learn side by side on the same images (gradients stop between stages), "
        "or one stage after the other, earlier ones frozen, as in the thesis.",
    )
    until: Until = Field(Until(), description="When it is enough.")
    windows: WindowKind = Field("field", description="Cut windows from frames of many particles, or the thesis's own.")
    augmentation: Augmentation | None = Field(None, description="How images of a fixed dataset are varied.")
    normalisation: Normalisation = Field("standard", description="How frames are scaled before the network.")
    loss: Literal["robust", "squared"] = Field("robust", description="Distance in pixels, or its square (thesis).")
    reach: PositiveFloat = Field(
        12.0, description="Distances are clipped here, in pixels; positions beyond do not count."
    )
    unit: PositiveFloat = Field(1.0, description="Pixels that one unit of the outputs stands for; thesis: 25.")
    optimiser: Literal["adam", "rmsprop"] = Field("adam")
    learning_rate: PositiveFloat = Field(3e-3, description="Greatest learning rate.")
    decay: Literal["cosine", "constant"] = Field("cosine")
    initial: Initial = Field("he", description="First values of layers with an activation: He's, or Glorot's (thesis).")
    looks: PositiveInt | None = Field(
        None,
        le=MOMENTS,
        description="How often a round looks at the error on held-out images, evenly spread; its end is one of them. "
        "By default 20 times where patience asks for it.",
    )
    record: Record | None = Field(
        None,
        description="Batches at each of 200 moments of every round, as a run by the clock left them: "
        "repeats that run exactly.",
    )

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.minutes is not None and self.epochs is not None:
            raise ValueError("expected minutes or epochs, got both")
        counted = self.minutes is None and self.epochs is None
        if counted and any(phase.share % 1 for phase in self.phases):
            raise ValueError("without minutes or epochs every phase's share is a whole number of batches")
        if self.until.between_stages and self.together:
            raise ValueError("growing can end after a stage only where stages learn one by one (together=false)")
        if self.record is not None and self.minutes is None:
            raise ValueError("only a schedule in minutes has a record")
        if self.record is not None and any(len(one) != MOMENTS or not any(one) for one in self.record):
            raise ValueError(f"expected {MOMENTS} moments, and a batch at one of them, in every round of the record")
        return self

    @classmethod
    def thesis(cls, scale: float = 1.0) -> Self:
        """Return the thesis's schedule (3.5.1); `scale` below 1 shortens every phase alike."""
        phases = zip((4000, 3000, 2000, 1000, 500), (8, 32, 128, 512, 1024), strict=True)
        return cls(
            phases=[Phase(share=max(1, round(batches * scale)), size=size) for batches, size in phases],
            together=False,
            windows="thesis",
            normalisation="unit",
            loss="squared",
            reach=1000.0,
            unit=25.0,
            optimiser="rmsprop",
            learning_rate=1e-3,
            decay="constant",
            initial="glorot",
        )

    @classmethod
    def images(cls, epochs: int = 5, size: int = 32, **other: object) -> Self:
        """Return a schedule for a fixed dataset: images from 0 to 1, one stage after the other."""
        usual = {"together": False, "normalisation": "unit", "learning_rate": 1e-3}
        return cls(epochs=epochs, phases=[Phase(share=1, size=size)], **{**usual, **other})

    @property
    def images_per_stage(self) -> int | None:
        """Images each stage sees; unknown beforehand where minutes or epochs are given."""
        return None if self.minutes or self.epochs else round(sum(phase.share * phase.size for phase in self.phases))

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
