"""Elongated Gaussian spots, averaged over each pixel: rods, and tips of filaments, in any direction.

A particle is ``I exp(-(u**2 / axis_ratio**2 + v**2) / (2 sigma**2))`` with `u` along a randomly turned axis and `v`
across it, averaged over the square of each pixel. Axis ratio and direction are fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ...settings import Number, Span
from .base import Ends, Intensity, Profile, Spot, Weight, rounded, within
from .gaussian import RADIUS, GaussianParticle

_LONGEST = 10.0
"""Times as long as wide; what is longer is a filament, and no particle with a place."""


class EllipticalParticle(Spot):
    """A kind of particle: an elongated Gaussian spot, averaged over each pixel."""

    title: ClassVar[str] = "Elongated spot (Gaussian)"
    profiles: ClassVar[Mapping[int, Profile]] = GaussianParticle.profiles
    oriented: ClassVar[bool] = True
    size: ClassVar[str] = "sigma"
    radius_of_size: ClassVar[float] = RADIUS

    shape: Literal["ellipse"] = Field("ellipse", description="The shape's name.")
    sigma: Number = Field(
        description="Standard deviation across its long axis, in pixels.",
        json_schema_extra={"label": "Sigma", "low": 0.5, "high": 8, "step": 0.05, "unit": "px"},
    )
    axis_ratio: Number = Field(
        description="How much longer than wide, in a direction drawn for each; 1 is round.",
        json_schema_extra={"label": "Axis ratio", "low": 1, "high": _LONGEST, "step": 0.05},
    )
    intensity: Intensity
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _elongated(self) -> Self:
        within("axis ratio", self.axis_ratio, 1, _LONGEST)
        return self

    @property
    def stretch(self) -> Span:
        """How much longer than wide it is."""
        return self.axis_ratio

    @classmethod
    def measured(cls, radius: Ends, stretch: Ends, amplitudes: Mapping[int, Ends], **others: Any) -> Self:
        """Return such a particle as it was measured on a film, in round numbers."""
        ratio = rounded((max(stretch[0], 1.0), max(stretch[1], 1.0)))
        return super().measured(radius, stretch, amplitudes, axis_ratio=ratio, **others)
