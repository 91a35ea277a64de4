"""Shapes of particles, a module each: whatever module lies here is known to scenes, fit, bound, estimate and panels."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from .base import Component, Ends, Particle, Profile
from .bessel import BesselParticle
from .ellipse import EllipticalParticle
from .gaussian import GaussianParticle

for _module in iter_modules(__path__):
    import_module(f".{_module.name}", __name__)

DEFAULT = "bessel"
"""The shape of particles whose file does not name one."""


def _shape_of(value: Any) -> str:
    if isinstance(value, Particle):
        return _tag(value.named())
    return _tag(str(value.get("shape", DEFAULT)) if isinstance(value, dict) else DEFAULT)


def _tag(name: str) -> str:
    """Return the mark of a shape in a union; sentences leave out what ends with a colon."""
    return f"{name}:"


if TYPE_CHECKING:
    AnyParticle = Particle
else:
    AnyParticle = Annotated[
        Union[tuple(Annotated[one, Tag(_tag(name))] for name, one in Particle.shapes.items())],  # noqa: UP007
        Discriminator(
            _shape_of,
            custom_error_type="shape",
            custom_error_message=f"expected a shape of {', '.join(Particle.shapes)}",
        ),
    ]

__all__ = [
    "DEFAULT",
    "AnyParticle",
    "BesselParticle",
    "Component",
    "EllipticalParticle",
    "Ends",
    "GaussianParticle",
    "Particle",
    "Profile",
]
