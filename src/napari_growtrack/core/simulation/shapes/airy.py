"""Spots of a diffraction-limited lens: Airy's pattern, averaged over each pixel as a camera does it.

A particle is ``I (2 J1(v) / v)**2`` with ``v`` the distance in units in which the first dark ring lies at 3.83,
averaged over the square of each pixel (Airy, Trans. Camb. Phil. Soc. 5, 283, 1835).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import j1

from ...settings import Number
from .base import Intensity, Profile, Spot, Weight

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


class AiryParticle(Spot):
    """A kind of particle: a diffraction-limited spot, averaged over each pixel."""

    title: ClassVar[str] = "Spot (Airy)"
    profiles: ClassVar[Mapping[int, Profile]] = {1: Profile(airy, _SEEN, _FITTED, _FITTED)}
    size: ClassVar[str] = "dark_ring"
    radius_of_size: ClassVar[float] = _RADIUS

    shape: Literal["airy"] = Field("airy", description="The shape's name.")
    dark_ring: Number = Field(
        description="Radius of the first dark ring, 0.61 wavelengths over the numerical aperture, in pixels.",
        json_schema_extra={"label": "Dark ring", "low": 1, "high": 20, "step": 0.1, "unit": "px"},
    )
    intensity: Intensity
    weight: Weight = 1.0
