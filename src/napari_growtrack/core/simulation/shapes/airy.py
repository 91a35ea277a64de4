"""Spots of a diffraction-limited lens: Airy's pattern, averaged over each pixel as a camera does it.

A particle is ``I (2 J1(v) / v)**2`` with ``v`` the distance in units in which the first dark ring lies at 3.83,
averaged over the square of each pixel (Airy, Trans. Camb. Phil. Soc. 5, 283, 1835).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import j1

from ...settings import Number, Span
from .base import BRIGHTEST, LARGEST, Ends, Particle, Profile, Weight, rounded, within

DARK_RING = 3.8317
"""Where Airy's pattern is first dark, in its own units."""

PER_RADIUS = 0.9991
"""Units of the pattern in a radius: at two radii it has fallen to a third of its peak."""

_RADIUS = PER_RADIUS / DARK_RING
_FITTED = 1.05 / _RADIUS
_SEEN = 30.0
"""Radii beyond which its rings are below a ten-thousandth of its peak."""


def airy(distance: np.ndarray) -> np.ndarray:
    """Return ``(2 J1(v) / v)**2`` at distances given in radii."""
    v = np.hypot(PER_RADIUS * distance, 1e-4)
    return (2 * j1(v) / v) ** 2


class AiryParticle(Particle):
    """A kind of particle: a diffraction-limited spot, averaged over each pixel."""

    title: ClassVar[str] = "Spot (Airy)"
    profiles: ClassVar[Mapping[int, Profile]] = {1: Profile(airy, _SEEN, _FITTED, _FITTED)}

    shape: Literal["airy"] = Field("airy", description="The shape's name.")
    dark_ring: Number = Field(
        description="Radius of the first dark ring, 0.61 wavelengths over the numerical aperture, in pixels.",
        json_schema_extra={"label": "Dark ring", "low": 1, "high": 20, "step": 0.1, "unit": "px"},
    )
    intensity: Number = Field(
        description="Peak above the background, before it is averaged over pixels; below 0 it is darker.",
        json_schema_extra={"label": "Intensity", "low": -1, "high": 1, "step": 0.01},
    )
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _physical(self) -> Self:
        within("dark ring", self.dark_ring, 1e-2, LARGEST)
        within("intensity", self.intensity, -BRIGHTEST, BRIGHTEST)
        return self

    @property
    def radius(self) -> Span:
        """A quarter of how wide it looks, in pixels."""
        return Span(low=_RADIUS * self.dark_ring.low, high=_RADIUS * self.dark_ring.high)

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
        return cls(dark_ring=rounded(radius, 1 / _RADIUS), intensity=rounded(amplitudes[1]))
