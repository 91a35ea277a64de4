"""Spots of a Gaussian point spread function, averaged over each pixel as a camera does it.

A particle is ``I exp(-r**2 / (2 sigma**2))``, averaged over the square of each pixel: what a microscope in focus makes
of a point (Thompson, Larson and Webb, Biophys. J. 82, 2775, 2002).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ...settings import Number
from .base import Intensity, Profile, Spot, Weight

RADIUS = 0.75
"""Radius of a Gaussian of sigma 1: at two of them it has fallen to a third, and a quarter of its width is that."""

_SEEN = 5 / RADIUS
_FITTED = 3 / RADIUS


def gaussian(distance: np.ndarray) -> np.ndarray:
    """Return ``exp(-r**2 / (2 sigma**2))`` at distances given in radii."""
    return np.exp(-((RADIUS * distance) ** 2) / 2)


class GaussianParticle(Spot):
    """A kind of particle: a Gaussian spot, averaged over each pixel."""

    title: ClassVar[str] = "Spot (Gaussian)"
    profiles: ClassVar[Mapping[int, Profile]] = {1: Profile(gaussian, _SEEN, _FITTED, _FITTED)}
    elongated: ClassVar[str] = "ellipse"
    size: ClassVar[str] = "sigma"
    radius_of_size: ClassVar[float] = RADIUS

    shape: Literal["gaussian"] = Field("gaussian", description="The shape's name.")
    sigma: Number = Field(
        description="Standard deviation of the point spread function, in pixels.",
        json_schema_extra={"label": "Sigma", "low": 0.5, "high": 8, "step": 0.05, "unit": "px"},
    )
    intensity: Intensity
    weight: Weight = 1.0
