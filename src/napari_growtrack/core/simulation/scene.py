"""What a picture may look like: kinds of particles, their number, background and noise, as ranges.

The image model is that of DeepTrack 1.0 (thesis section 3.5.1).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from ..settings import Number, Settings, Span, Text

MAX_ORDER = 8
MAX_SNR = 1e4


def _within(what: str, span: Span, low: float, high: float) -> None:
    if span.low < low or span.high > high:
        raise ValueError(f"expected {what} from {low:g} to {high:g}, got {span}")


class Particle(Settings):
    """A kind of particle: a sum of squared Bessel functions, round or elliptical."""

    radius: Number = Field(description="Radius R of the particle, in pixels.")
    rings: dict[int, Number] = Field(
        description="Peak scale I of each Bessel order: {1: 0.5} is a bright spot, {1: 0.5, 2: -0.3} a dark-ringed one."
    )
    ellipticity: Number = Field(Span(low=1, high=1), description="Stretch along one randomly turned axis.")
    weight: PositiveFloat = Field(1.0, description="How often this kind is drawn, relative to the others.")

    @model_validator(mode="after")
    def _physical(self) -> Self:
        if not self.rings or not all(1 <= order <= MAX_ORDER for order in self.rings):
            raise ValueError(f"rings need Bessel orders between 1 and {MAX_ORDER}, got {[*self.rings]}")
        if self.radius.low <= 0 or self.ellipticity.low <= 0:
            raise ValueError(f"radius and ellipticity are greater than 0, got {self.radius} and {self.ellipticity}")
        _within("radius", self.radius, 1e-3, 1e4)
        _within("ellipticity", self.ellipticity, 1e-2, 1e2)
        for scale in self.rings.values():
            _within("the scale of a ring", scale, -1e3, 1e3)
        return self


class Placement(Settings):
    """Where a particle lies in one of the thesis's windows, per axis, measured from its centre."""

    shape: Literal["normal", "box", "away"] = Field(
        description="normal: spread by `size`; box: evenly within +-size; away: at least size.low, at most size.high."
    )
    size: Number = Field(description="Pixels.")


class Scene(Settings):
    """What pictures may look like; every number is a value or a range.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import named_scene
    >>> named_scene("vesicles").with_(snr=3).snr.low
    3.0
    """

    name: Text = Field(description="Short name.")
    about: str = Field("", description="What the pictures look like, in a sentence.")
    particles: tuple[Particle, ...] = Field(min_length=1, description="Kinds of particles to be found.")
    density: Number = Field(Span(low=1, high=1), description="Particles to be found per 100 x 100 px of a frame.")
    apart: NonNegativeFloat = Field(0.0, description="Least distance between two centres, in pixels.")
    rim: float = Field(0.0, ge=0, lt=0.5, description="Part of each side of a frame kept free of particles.")
    distractors: tuple[Particle, ...] = Field((), description="Kinds that are drawn but are not to be found.")
    distractor_density: Number = Field(Span(low=0, high=0), description="Distractors per 100 x 100 px of a frame.")
    background: Number = Field(description="Background level, 0 to 1.")
    gradient: Number = Field(Span(low=0, high=0), description="Background change over the longer side.")
    snr: Number = Field(description="Signal-to-noise ratio: intensity 1 gives SNR squared photons.")
    snr_drawn: Literal["evenly", "by ratio"] = Field(
        "evenly", description="Draw SNR evenly, or its logarithm evenly: as often from 2 to 4 as from 10 to 20."
    )
    window_number: int = Field(1, ge=1, description="Particles in one of the thesis's windows.")
    window_first: Placement = Field(
        Placement(shape="normal", size=1), description="Where the first of them lies; it is the one to find."
    )
    window_others: Placement = Field(Placement(shape="box", size=25), description="Where the others lie.")

    @model_validator(mode="after")
    def _physical(self) -> Self:
        if self.snr.high > MAX_SNR:
            raise ValueError(f"expected a signal-to-noise ratio up to {MAX_SNR:g}, got {self.snr.high:g}")
        if self.snr.low <= 0:
            raise ValueError(f"the signal-to-noise ratio is greater than 0, got {self.snr}")
        _within("the signal-to-noise ratio", self.snr, 1e-3, MAX_SNR)
        for what, span in (("background", self.background), ("gradient", self.gradient)):
            _within(what, span, -1e3, 1e3)
        for what, span in (("density", self.density), ("distractor density", self.distractor_density)):
            _within(what, span, -1e3, 1e3)
        if self.density.low < 0 or self.distractor_density.low < 0:
            raise ValueError(f"densities are 0 or more, got {self.density} and {self.distractor_density}")
        if self.distractor_density.high > 0 and not self.distractors:
            raise ValueError("distractors are wanted, but none is described in `distractors`")
        return self

    @property
    def diameter(self) -> float:
        """How wide its particles look, in pixels: four radii R of the middle of what there is.

        At this width a spot has fallen to a third of its peak; it is the diameter a
        Laplacian of Gaussian is best tuned to.
        """
        return sum(self.diameters) / 2

    @property
    def diameters(self) -> tuple[float, float]:
        """How wide the narrowest and the widest particles look, in pixels; see `diameter`."""
        least, greatest = self.radii
        return 4 * least, 4 * greatest

    @property
    def radii(self) -> tuple[float, float]:
        """The least and the greatest radius R of its particles, in pixels."""
        radii = [kind.radius for kind in self.particles]
        return min(radius.low for radius in radii), max(radius.high for radius in radii)

    @property
    def kinds(self) -> int:
        """How many kinds of particles are to be found, by their rings and whether those are bright or dark."""
        return len({frozenset((n, one.middle > 0) for n, one in kind.rings.items()) for kind in self.particles})

    @property
    def orders(self) -> int:
        """The highest Bessel order that occurs."""
        return max(order for kind in (*self.particles, *self.distractors) for order in kind.rings)
