"""Numbers with units and intervals: pixels and frames, or micrometres and seconds where they are known."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import Field, FiniteFloat

from ..errors import MotionError, SettingsError
from ..settings import Settings

_Positive = Annotated[FiniteFloat, Field(gt=0)]
_NotNegative = Annotated[FiniteFloat, Field(ge=0)]

_ROUNDED = 1.02
"""Cameras tell exposure and frame time rounded, so that a shutter always open may seem open for longer than a frame."""

_SHORT = 30
"""Letters of what was given that a sentence repeats."""

_TOLD = 3
_APART = 2
_MOST = 15
"""Significant digits of a number that is told: these, more where the ends of its interval would look alike, all at most
that a float has."""


class Units(Settings):
    """What a pixel and a frame stand for, and for how long the shutter is open.

    Examples
    --------
    >>> Units(pixel_size=0.1, frame_time=0.02).diffusion
    'µm²/s'
    >>> Units(frame_time=0.02, exposure_time=0.01).open_share
    0.5
    """

    pixel_size: _Positive | None = Field(
        None,
        description="Side of a pixel in micrometres; unknown by default. A layer's scale tells it, where that is in a "
        "unit of length.",
        json_schema_extra={"label": "Pixel", "unit": "µm", "decimals": 5, "none": "unknown"},
    )
    frame_time: _Positive | None = Field(
        None,
        description="Seconds from frame to frame; unknown by default. A layer's scale tells it, where that is in a "
        "unit of time.",
        json_schema_extra={"label": "Frame to frame", "unit": "s", "decimals": 5, "none": "unknown"},
    )
    exposure_time: _NotNegative | None = Field(
        None,
        description="Seconds for which the shutter is open in each frame; unknown by default. It is the frame time "
        "where the camera never rests. Particles that move meanwhile are blurred, which shifts localisation error and "
        "exponent.",
        json_schema_extra={"label": "Exposure", "unit": "s", "decimals": 5, "none": "unknown"},
    )
    exposure_share: Annotated[_NotNegative, Field(le=1)] | None = Field(
        None, description="The same as a share of the time from frame to frame, where that is what is known."
    )

    @classmethod
    def told(cls, exposure: str | None = None, **known: Any) -> Self:
        """Return units of what somebody told, with the exposure as text: seconds, or ``50%`` of a frame.

        Parameters
        ----------
        exposure : str, optional
        **known
            Fields; an exposure told as text takes their place.

        Raises
        ------
        SettingsError
            When a number is none, or cannot be.
        """
        if exposure is None:
            return cls(**known)
        known = {name: value for name, value in known.items() if not name.startswith("exposure")}
        text = exposure.strip()
        number = _number(text.removesuffix("%"))
        if number is None or number < 0 or (text.endswith("%") and number > 100):
            raise SettingsError(
                f"Expected an exposure in seconds, such as 0.02, or of a frame, such as 50%, got {text[:_SHORT]!r}."
            )
        return cls(**known, **({"exposure_share": number / 100} if text.endswith("%") else {"exposure_time": number}))

    @property
    def open_share(self) -> float | None:
        """Share of the time from frame to frame in which the shutter is open; None where nobody tells.

        Raises
        ------
        MotionError
            When the shutter would be open for longer than a frame takes.
        """
        if self.exposure_share is not None or self.exposure_time is None or self.frame_time is None:
            return self.exposure_share
        share = self.exposure_time / self.frame_time
        if share > _ROUNDED:
            raise MotionError(
                f"An exposure of {self.exposure_time:g} s is longer than the {self.frame_time:g} s from frame to "
                "frame. Correct one of them."
            )
        return min(share, 1.0)

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


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class Estimate(Settings):
    """A number with its 95 % interval; all NaN where it cannot be told.

    Examples
    --------
    >>> print(Estimate(value=0.517, low=0.466, high=0.571, unit="px²/frame"))
    0.517 (0.466 to 0.571) px²/frame
    >>> print(Estimate.between(0.0, 0.0, 0.0, "px"))
    cannot be told
    """

    value: float
    low: float = Field(description="Lower end of the 95 % interval; NaN where it is not known.")
    high: float = Field(description="Upper end of it.")
    unit: str

    @classmethod
    def between(cls, value: float, low: float, high: float, unit: str) -> Self:
        """Return a number with its interval, or what cannot be told where the interval has no width or no end."""
        if not (math.isfinite(value) and math.isfinite(low) and math.isfinite(high) and low < high):
            value = low = high = math.nan
        return cls(value=value, low=low, high=high, unit=unit)

    @property
    def is_told(self) -> bool:
        """Whether there is a number."""
        return not math.isnan(self.value)

    def holds(self, value: float) -> bool:
        """Return whether a value lies within the interval."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if not self.is_told:
            return "cannot be told"
        digits, unit = self._digits(), f" {self.unit}" if self.unit else ""
        return f"{self.value:.{digits}g} ({self.low:.{digits}g} to {self.high:.{digits}g}){unit}"

    def _digits(self) -> int:
        """Return with how many digits the two ends of the interval look different."""
        largest, width = max(abs(self.low), abs(self.high)), self.high - self.low
        apart = math.log10(largest / width) if width > 0 else 0.0
        return min(max(_TOLD, math.ceil(apart) + _APART), _MOST)


def plain(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as plain values, ready for JSON; what is not known is None."""
    return {name: None if value != value else value for name, value in estimate.model_dump().items()}
