"""What a shape of particles has to tell, so that it is drawn, fitted, bounded, stored, and shown in a panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field, PositiveFloat, model_validator

from ...errors import SettingsError
from ...settings import Number, Settings, Span

LARGEST = 1e4
"""Radius in pixels: wider particles cover any frame."""
FARTHEST_STRETCH = 1e2
BRIGHTEST = 1e3
ROUND = Span(low=1, high=1)

Ends = tuple[float, float]
"""The least and the greatest."""

NODES = np.array([-0.5 * np.sqrt(0.6), 0.0, 0.5 * np.sqrt(0.6)])
WEIGHTS = np.array([5, 8, 5]) / 18
"""Where a pixel is read whose light is averaged, along each side, and how much that counts (Gauss and Legendre)."""

Intensity = Annotated[
    Number,
    Field(
        description="Peak above the background, before it is averaged over pixels; below 0 it is darker.",
        json_schema_extra={"label": "Intensity", "low": -1, "high": 1, "step": 0.01},
    ),
]
Weight = Annotated[PositiveFloat, Field(description="How often this kind is drawn, relative to the others.")]


class Profile(NamedTuple):
    """How the light of a particle falls off from its centre, for a peak of about 1.

    Attributes
    ----------
    values : callable
        Intensity at distances, an array, in radii.
    seen : float
        Radii beyond which there is none; infinite where it never ends.
    fitted : float
        Radii to which it is fitted.
    searched : float
        Radii to which pixels count where a film is searched for its like.
    """

    values: Callable[[np.ndarray], np.ndarray]
    seen: float
    fitted: float
    searched: float


class Component(NamedTuple):
    """One of the profiles that the light of particles is the sum of."""

    shape: str
    number: int

    @property
    def profile(self) -> Profile:
        """How it falls off."""
        return Particle.shapes[self.shape].profiles[self.number]

    @property
    def integrated(self) -> bool:
        """Whether its light is averaged over each pixel's square, not read at the pixel's centre."""
        return Particle.shapes[self.shape].integrated

    @property
    def oriented(self) -> bool:
        """Whether its axis ratio and direction are fitted."""
        return Particle.shapes[self.shape].oriented


class Particle(Settings):
    """A kind of particle; every shape is a subclass in a module of its own, with its parameters as fields.

    A radius is a quarter of how wide a particle looks: there a spot has fallen
    to a third of its peak. The fields of a shape that are ranges become sliders
    in the panel, by their description and their `json_schema_extra`: ``label``,
    ``low``, ``high``, ``step`` and ``unit``; what there are several of, as rings,
    tells besides which of them are ``always`` shown, and may have ``labels`` of its own.

    Attributes
    ----------
    shape : str
        Its name in scene files.
    title : str
        Its name in panels.
    profiles : mapping of int to Profile
        What its light is the sum of.
    integrated : bool
        Whether light is averaged over each pixel's square, as a camera does it.
    oriented : bool
        Whether axis ratio and direction are fitted as well.
    candidates : tuple of tuple of int
        Sets of profiles that a film's particles may be made of when their scene
        is estimated.
    elongated : str
        The shape that such particles have where they are elongated; by default their own.
    """

    shapes: ClassVar[dict[str, type[Particle]]] = {}
    title: ClassVar[str] = ""
    profiles: ClassVar[Mapping[int, Profile]] = {}
    integrated: ClassVar[bool] = True
    oriented: ClassVar[bool] = False
    candidates: ClassVar[tuple[tuple[int, ...], ...]] = ((1,),)
    elongated: ClassVar[str] = ""

    if TYPE_CHECKING:
        weight: float

        @property
        def radius(self) -> Span:
            """A quarter of how wide it looks, in pixels."""

    def __init__(self, **values: Any) -> None:
        if type(self) is Particle:
            known = ", ".join(one.__name__ for one in Particle.shapes.values())
            raise SettingsError(f"A particle has a shape. Make one of {known}; that of rings is BesselParticle.")
        super().__init__(**values)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "shape" in cls.model_fields:  # others are what several shapes share
            Particle.shapes[cls.named()] = cls

    @classmethod
    def named(cls) -> str:
        """Return the name of this shape in scene files."""
        return str(cls.model_fields["shape"].default)

    @property
    def stretch(self) -> Span:
        """How much longer than wide it is."""
        return ROUND

    @property
    def amplitudes(self) -> dict[int, Span]:
        """How bright each of its profiles is, by its number."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return what it looks like, such as ``bright spots``."""
        raise NotImplementedError

    @classmethod
    def measured(cls, radius: Ends, stretch: Ends, amplitudes: Mapping[int, Ends]) -> Particle:
        """Return such a particle as it was measured on a film: the least and the greatest of each, in round numbers."""
        raise NotImplementedError

    @property
    def look(self) -> frozenset[tuple[str, int, bool]]:
        """Which profiles it is made of, and whether those are bright; what sets it apart whatever its size."""
        return frozenset((self.named(), number, one.middle > 0) for number, one in self.amplitudes.items())


class Spot(Particle):
    """A kind of particle of one profile; its shape declares a size and the intensity as fields.

    Attributes
    ----------
    size : str
        The field that tells its size, in pixels.
    radius_of_size : float
        Its radius where that is 1.
    """

    size: ClassVar[str]
    radius_of_size: ClassVar[float]

    if TYPE_CHECKING:
        intensity: Span

    @model_validator(mode="after")
    def _physical(self) -> Self:
        within(self.size.replace("_", " "), getattr(self, self.size), 1e-2, LARGEST)
        within("intensity", self.intensity, -BRIGHTEST, BRIGHTEST)
        return self

    @property
    def radius(self) -> Span:
        """A quarter of how wide it looks, across its long axis, in pixels."""
        size: Span = getattr(self, self.size)
        return Span(low=self.radius_of_size * size.low, high=self.radius_of_size * size.high)

    @property
    def amplitudes(self) -> dict[int, Span]:
        """How bright it is."""
        return {1: self.intensity}

    def describe(self) -> str:
        """Return what it looks like, such as ``bright spots``."""
        return f"{'bright' if self.intensity.middle > 0 else 'dark'} spots"

    @classmethod
    def measured(cls, radius: Ends, stretch: Ends, amplitudes: Mapping[int, Ends], **others: Any) -> Self:
        """Return such a particle as it was measured on a film, in round numbers, with other fields as given."""
        size = {cls.size: rounded(radius, 1 / cls.radius_of_size)}
        return cls(**size, intensity=rounded(amplitudes[1]), **others)


def within(what: str, span: Span, low: float, high: float) -> None:
    """Refuse a range that goes farther.

    Raises
    ------
    ValueError
    """
    if span.low < low or span.high > high:
        raise ValueError(f"expected {what} from {low:g} to {high:g}, got {span}")


def rounded(ends: Ends, times: float = 1.0) -> Ends:
    """Return the ends of a range, times a factor, to three digits."""
    low, high = (float(f"{times * end:.3g}") for end in ends)
    return low, high
