"""Spots and rings of DeepTrack 1.0 (thesis 3.5.1): sums of squared Bessel functions.

A particle is the sum over orders n of ``I 4 n**2.5 (J_n(d) / d)**2``, with ``d`` the distance from its centre in units
of its radius, read at the centre of each pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from scipy.special import jv

from ...settings import Number, Span
from .base import BRIGHTEST, FARTHEST_STRETCH, LARGEST, Ends, Particle, Profile, Weight, rounded, within

MAX_ORDER = 8

_FITTED = (3.4, 4.8, 6.0, 7.2, 8.4, 9.5, 10.6, 11.7)
"""Radii to which each order is fitted: nearly to its first zero."""
_SEARCHED = (4.0, 5.5, 6.9, 8.3, 9.6, 10.9, 12.2, 13.4)
"""Radii to which pixels count where a film is searched: a little beyond that zero, where there is light no more."""


def profile(order: int, distance: np.ndarray) -> np.ndarray:
    """Return ``4 n**2.5 (J_n(d) / d)**2`` at distances given in radii."""
    d = np.hypot(distance, 1e-3)
    return 4 * order**2.5 * (jv(order, d) / d) ** 2


class BesselParticle(Particle):
    """A kind of particle: a sum of squared Bessel functions, round or elliptical."""

    title: ClassVar[str] = "Spots and rings (Bessel)"
    integrated: ClassVar[bool] = False
    profiles: ClassVar[Mapping[int, Profile]] = {
        order: Profile(partial(profile, order), np.inf, _FITTED[order - 1], _SEARCHED[order - 1])
        for order in range(1, MAX_ORDER + 1)
    }
    candidates: ClassVar[tuple[tuple[int, ...], ...]] = ((1,), (2,), (1, 2))

    shape: Literal["bessel"] = Field("bessel", repr=False, description="The shape's name; files may leave it out.")
    radius: Number = Field(
        description="Radius in pixels; a spot looks four radii wide: there it has fallen to a third.",
        json_schema_extra={"label": "Radius", "low": 0.5, "high": 12, "step": 0.1, "unit": "px"},
    )
    rings: dict[int, Number] = Field(
        description="Intensity of each Bessel order: above 0 brighter than the background, below 0 darker; "
        "{1: 0.5} is a bright spot, {1: 0.5, 2: -0.3} a dark-ringed one.",
        json_schema_extra={
            "label": "Rings\n(order {})",
            "labels": {"1": "Spot\n(order {})", "2": "Ring\n(order {})"},
            "always": [1, 2],
            "low": -1,
            "high": 1,
            "step": 0.01,
        },
    )
    ellipticity: Number = Field(
        Span(low=1, high=1),
        description="How much longer than wide, in a direction drawn for each; 1 is round.",
        json_schema_extra={"label": "Stretch", "low": 0.5, "high": 3, "step": 0.05},
    )
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _physical(self) -> Self:
        if not self.rings or not all(1 <= order <= MAX_ORDER for order in self.rings):
            raise ValueError(f"rings need Bessel orders between 1 and {MAX_ORDER}, got {[*self.rings]}")
        if self.radius.low <= 0 or self.ellipticity.low <= 0:
            raise ValueError(f"radius and ellipticity are greater than 0, got {self.radius} and {self.ellipticity}")
        within("radius", self.radius, 1e-3, LARGEST)
        within("ellipticity", self.ellipticity, 1 / FARTHEST_STRETCH, FARTHEST_STRETCH)
        for scale in self.rings.values():
            within("the scale of a ring", scale, -BRIGHTEST, BRIGHTEST)
        return self

    @model_serializer(mode="wrap")
    def _without_shape(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the shape's name out, as files had it when there was no other."""
        return {name: value for name, value in serialized(self).items() if name != "shape"}

    @property
    def stretch(self) -> Span:
        """How much longer than wide it is."""
        return self.ellipticity

    @property
    def amplitudes(self) -> dict[int, Span]:
        """How bright each order is."""
        return self.rings

    def describe(self) -> str:
        """Return what it looks like, such as ``bright spots with a dark ring``."""
        (first, *rest) = [(order, "bright" if one.middle > 0 else "dark") for order, one in self.rings.items()]
        kind = f"{first[1]} {'spots' if first[0] == 1 else 'rings'}"
        return f"{kind} with a {rest[0][1]} ring" if rest else kind

    @classmethod
    def measured(cls, radius: Ends, stretch: Ends, amplitudes: Mapping[int, Ends]) -> Self:
        """Return such a particle as it was measured on a film, in round numbers."""
        rings = {order: rounded(one) for order, one in amplitudes.items()}
        return cls(radius=rounded(radius), rings=rings, ellipticity=rounded(stretch))
