"""What a picture may look like: kinds of particles, their number, background and noise, as ranges.

The image model is that of DeepTrack 1.0 (thesis section 3.5.1), with particles of any shape in `shapes`.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import (
    Field,
    NonNegativeFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from ..settings import Number, Settings, Span, Text
from .cameras import Camera
from .shapes import AnyParticle, Component
from .shapes.base import within

MAX_SNR = 1e4

_NONE = Span(low=0, high=0)
_LATER = ("camera", "vignetting", "texture", "texture_size", "motion_blur", "compression")
"""Fields that files leave out where they say nothing, so that those of scenes without them are as they were."""


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
    particles: tuple[AnyParticle, ...] = Field(min_length=1, description="Kinds of particles to be found.")
    density: Number = Field(Span(low=1, high=1), description="Particles to be found per 100 x 100 px of a frame.")
    apart: NonNegativeFloat = Field(0.0, description="Least distance between two centres, in pixels.")
    rim: float = Field(0.0, ge=0, lt=0.5, description="Part of each side of a frame kept free of particles.")
    distractors: tuple[AnyParticle, ...] = Field((), description="Kinds that are drawn but are not to be found.")
    distractor_density: Number = Field(Span(low=0, high=0), description="Distractors per 100 x 100 px of a frame.")
    background: Number = Field(description="Background level, 0 to 1.")
    gradient: Number = Field(Span(low=0, high=0), description="Background change over the longer side.")
    snr: Number = Field(description="Signal-to-noise ratio: intensity 1 gives SNR squared photons.")
    snr_drawn: Literal["evenly", "by ratio"] = Field(
        "evenly", description="Draw SNR evenly, or its logarithm evenly: as often from 2 to 4 as from 10 to 20."
    )
    camera: Camera = Field(Camera(), description="What turns photons into counts; as it comes, it only counts them.")
    vignetting: Number = Field(
        _NONE,
        description="How much darker the corners of a frame are than its middle, 0 to 1: background and particles.",
        json_schema_extra={"label": "Vignetting", "low": 0, "high": 1, "step": 0.01},
    )
    texture: Number = Field(
        _NONE,
        description="How much the background varies as it does in cells: its standard deviation over its level.",
        json_schema_extra={"label": "Texture", "low": 0, "high": 2, "step": 0.01},
    )
    texture_size: Number = Field(
        Span(low=6, high=20),
        description="How large the structures of the texture are; others a quarter as large go with them.",
        json_schema_extra={"label": "Texture size", "low": 2, "high": 60, "step": 0.5, "unit": "px"},
    )
    motion_blur: Number = Field(
        _NONE,
        description="Diffusion during the exposure: a particle is the mean over its path, and lies at the path's mean.",
        json_schema_extra={"label": "Motion blur (px²)", "low": 0, "high": 5, "step": 0.05},
    )
    compression: Number = Field(
        _NONE,
        description="Step of a video codec in levels of grey of 255, in blocks of 8 x 8 px; of h264 at crf 18, 23 and "
        "28 it is about 5, 9 and 16.",
        json_schema_extra={"label": "Compression (levels)", "low": 0, "high": 40, "step": 0.5},
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
        within("the signal-to-noise ratio", self.snr, 1e-3, MAX_SNR)
        for what, span in (("background", self.background), ("gradient", self.gradient)):
            within(what, span, -1e3, 1e3)
        for what, span in (("density", self.density), ("distractor density", self.distractor_density)):
            within(what, span, -1e3, 1e3)
        for what, span, most in (
            ("vignetting", self.vignetting, 1),
            ("texture", self.texture, 10),
            ("motion blur", self.motion_blur, 1e3),
            ("compression", self.compression, 255),
        ):
            within(what, span, 0, most)
        within("texture size", self.texture_size, 1, 1e4)
        if self.density.low < 0 or self.distractor_density.low < 0:
            raise ValueError(f"densities are 0 or more, got {self.density} and {self.distractor_density}")
        if self.distractor_density.high > 0 and not self.distractors:
            raise ValueError("distractors are wanted, but none is described in `distractors`")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_off(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = usual(self)
        off = {name for name in _LATER if getattr(self, name) == type(self).model_fields[name].default}
        return {name: value for name, value in fields.items() if name not in off}

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
    def dtype(self) -> np.dtype[Any]:
        """The number type of files of its films: whole counts where a camera rounds them and no codec follows."""
        return self.camera.dtype if self.compression.high == 0 else np.dtype(np.float32)

    @property
    def kinds(self) -> int:
        """How many kinds of particles are to be found, by what sets their looks apart; see `Particle.look`."""
        return len({kind.look for kind in self.particles})

    @property
    def components(self) -> tuple[Component, ...]:
        """The profiles that its particles' light is the sum of: of each shape, those up to the last that occurs."""
        last: dict[str, int] = {}
        for kind in (*self.particles, *self.distractors):
            last[kind.named()] = max(last.get(kind.named(), 0), *kind.amplitudes)
        return tuple(Component(shape, n) for shape in sorted(last) for n in range(1, last[shape] + 1))
