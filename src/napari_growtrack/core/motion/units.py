"""Numbers with units and intervals: pixels and frames, or micrometres and seconds where they are known."""

from __future__ import annotations

from pydantic import Field, PositiveFloat

from ..settings import Settings


class Units(Settings):
    """What a pixel and a frame stand for.

    Examples
    --------
    >>> Units(pixel_size=0.1, frame_time=0.02).diffusion
    'µm²/s'
    """

    pixel_size: PositiveFloat | None = Field(None, description="Side of a pixel in micrometres; unknown by default.")
    frame_time: PositiveFloat | None = Field(None, description="Seconds from frame to frame; unknown by default.")

    @property
    def length(self) -> str:
        """The unit of length."""
        return "px" if self.pixel_size is None else "µm"

    @property
    def time(self) -> str:
        """The unit of time."""
        return "frame" if self.frame_time is None else "s"

    @property
    def diffusion(self) -> str:
        """The unit of a diffusion coefficient."""
        return f"{self.length}²/{self.time}"

    @property
    def velocity(self) -> str:
        """The unit of a velocity."""
        return f"{self.length}/{self.time}"

    @property
    def pixel(self) -> float:
        """A pixel in the unit of length."""
        return self.pixel_size or 1.0

    @property
    def frame(self) -> float:
        """A frame in the unit of time."""
        return self.frame_time or 1.0


class Estimate(Settings):
    """A number with its 95 % interval.

    Examples
    --------
    >>> print(Estimate(value=0.517, low=0.466, high=0.571, unit="px²/frame"))
    0.517 (0.466 to 0.571) px²/frame
    """

    value: float
    low: float = Field(description="Lower end of the 95 % interval; NaN where it is not known.")
    high: float = Field(description="Upper end of it.")
    unit: str

    def holds(self, value: float) -> bool:
        """Return whether a value lies within the interval."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g}){unit}"
