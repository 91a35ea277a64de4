"""Spots of a Gaussian point spread function, averaged over each pixel as a camera does it.

A particle is ``I exp(-r**2 / (2 sigma**2))``, averaged over the square of each pixel: what a microscope in focus makes
of a point (Thompson, Larson and Webb, Biophys. J. 82, 2775, 2002).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ...settings import Number, Span
from .base import BRIGHTEST, LARGEST, Ends, Particle, Profile, Weight, rounded, within

RADIUS = 0.75
"""Radius of a Gaussian of sigma 1: at two of them it has fallen to a third, and a quarter of its width is that."""

_SEEN = 5 / RADIUS
_FITTED = 3 / RADIUS


def gaussian(distance: np.ndarray) -> np.ndarray:
    """Return ``exp(-r**2 / (2 sigma**2))`` at distances given in radii."""
    return np.exp(-((RADIUS * distance) ** 2) / 2)


class GaussianParticle(Particle):
    """A kind of particle: a Gaussian spot, averaged over each pixel."""

    title: ClassVar[str] = "Spot (Gaussian)"
    profiles: ClassVar[Mapping[int, Profile]] = {1: Profile(gaussian, _SEEN, _FITTED, _FITTED)}
    elongated: ClassVar[str] = "ellipse"

    shape: Literal["gaussian"] = Field("gaussian", description="The shape's name.")
    sigma: Number = Field(
        description="Standard deviation of the point spread function, in pixels.",
        json_schema_extra={"label": "Sigma", "low": 0.5, "high": 8, "step": 0.05, "unit": "px"},
    )
    intensity: Number = Field(
        description="Peak above the background, before it is averaged over pixels; below 0 it is darker.",
        json_schema_extra={"label": "Intensity", "low": -1, "high": 1, "step": 0.01},
    )
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _physical(self) -> Self:
        within("sigma", self.sigma, 1e-2, LARGEST)
        within("intensity", self.intensity, -BRIGHTEST, BRIGHTEST)
        return self

    @property
    def radius(self) -> Span:
        """A quarter of how wide it looks, in pixels."""
        return Span(low=RADIUS * self.sigma.low, high=RADIUS * self.sigma.high)

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
        return cls(sigma=rounded(radius, 1 / RADIUS), intensity=rounded(amplitudes[1]))
