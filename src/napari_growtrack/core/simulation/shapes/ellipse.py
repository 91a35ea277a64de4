"""Elongated Gaussian spots, averaged over each pixel: rods, and tips of filaments, in any direction.

A particle is ``I exp(-(u**2 / axis_ratio**2 + v**2) / (2 sigma**2))`` with `u` along a randomly turned axis and `v`
across it, averaged over the square of each pixel. Axis ratio and direction are fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ...settings import Number, Span
from .base import BRIGHTEST, LARGEST, Ends, Particle, Profile, Weight, rounded, within
from .gaussian import RADIUS, GaussianParticle

_LONGEST = 10.0
"""Times as long as wide; what is longer is a filament, and no particle with a place."""


class EllipticalParticle(Particle):
    """A kind of particle: an elongated Gaussian spot, averaged over each pixel."""

    title: ClassVar[str] = "Elongated spot (Gaussian)"
    profiles: ClassVar[Mapping[int, Profile]] = GaussianParticle.profiles
    oriented: ClassVar[bool] = True

    shape: Literal["ellipse"] = Field("ellipse", description="The shape's name.")
    sigma: Number = Field(
        description="Standard deviation across its long axis, in pixels.",
        json_schema_extra={"label": "Sigma", "low": 0.5, "high": 8, "step": 0.05, "unit": "px"},
    )
    axis_ratio: Number = Field(
        description="How much longer than wide, in a direction drawn for each; 1 is round.",
        json_schema_extra={"label": "Axis ratio", "low": 1, "high": _LONGEST, "step": 0.05},
    )
    intensity: Number = Field(
        description="Peak above the background, before it is averaged over pixels; below 0 it is darker.",
        json_schema_extra={"label": "Intensity", "low": -1, "high": 1, "step": 0.01},
    )
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _physical(self) -> Self:
        within("sigma", self.sigma, 1e-2, LARGEST)
        within("axis ratio", self.axis_ratio, 1, _LONGEST)
        within("intensity", self.intensity, -BRIGHTEST, BRIGHTEST)
        return self

    @property
    def radius(self) -> Span:
        """A quarter of how wide it looks across its long axis, in pixels."""
        return Span(low=RADIUS * self.sigma.low, high=RADIUS * self.sigma.high)

    @property
    def stretch(self) -> Span:
        """How much longer than wide it is."""
        return self.axis_ratio

    @property
    def amplitudes(self) -> dict[int, Span]:
        """How bright it is."""
        return {1: self.intensity}

    def describe(self) -> str:
        """Return what it looks like, such as ``bright spots``."""
        return f"{'bright' if self.intensity.middle > 0 else 'dark'} spots"

    @classmethod
    def measured(cls, radius: Ends, stretch: Ends, amplitudes: Mapping[int, Ends]) -> Self:
        """Return such a particle as it was measured on a film, in round numbers."""
        ratio = rounded((max(stretch[0], 1.0), max(stretch[1], 1.0)))
        return cls(sigma=rounded(radius, 1 / RADIUS), axis_ratio=ratio, intensity=rounded(amplitudes[1]))
