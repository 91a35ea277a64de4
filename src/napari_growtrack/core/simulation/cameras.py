"""Cameras: what they make of photons, by name and by numbers.

Photons are counted (Poisson). An EMCCD multiplies each electron by chance, which doubles the variance; a pixel of an
sCMOS has an offset, a gain and a noise of its own. Then there are the noise of reading, columns and rows that are a
little brighter than others, hot and dead pixels, and whole counts of so many bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ..settings import Number, Settings, Span, named
from . import sensor
from .shapes.base import within

CameraName = Literal["poisson", "emccd", "scmos"]

_NONE = Span(low=0, high=0)
_ONE = Span(low=1, high=1)
_MOST_BITS = 24


def _shown(label: str, high: float, step: float, low: float = 0) -> Any:
    return {"label": label, "low": low, "high": high, "step": step}


class Camera(Settings):
    """How a camera turns photons into what is in a film; as it comes, photons are counted and nothing is added.

    Then a film is in units of intensity; every other camera's is in counts:
    ``offset + gain * (multiplied electrons + noise)``. Numbers are values or
    ranges; a camera is drawn for a film, and for every field that training
    windows are cut from. What belongs to a pixel, a column or a row stays the
    same for all frames of a film.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import CAMERAS
    >>> CAMERAS["emccd"].with_(offset=100).offset.low
    100.0
    """

    name: CameraName = Field(
        "poisson", description="poisson: photons are counted; emccd: electrons are multiplied; scmos: pixels differ."
    )
    gain: Number = Field(
        _ONE,
        description="Counts for an electron, after its multiplication.",
        json_schema_extra=_shown("Gain (counts/e)", 10, 0.01),
    )
    offset: Number = Field(
        _NONE, description="Counts in the dark.", json_schema_extra=_shown("Offset (counts)", 1000, 1)
    )
    read_noise: Number = Field(
        _NONE,
        description="Noise of reading a pixel after multiplication, electrons rms; of an scmos the median pixel's.",
        json_schema_extra=_shown("Read noise (e)", 100, 0.1),
    )
    multiplication: Number = Field(
        _ONE,
        description="Electrons that an emccd makes of each, on average.",
        json_schema_extra=_shown("EM gain", 1000, 1, low=1),
    )
    full_well: Number | None = Field(None, description="Electrons that a pixel holds, before multiplication.")
    bit_depth: int | None = Field(
        None, ge=1, le=_MOST_BITS, description="Bits of a count; without it, counts are not rounded or clipped."
    )
    offset_spread: Number = Field(
        _NONE,
        description="How much offsets differ from pixel to pixel (scmos).",
        json_schema_extra=_shown("Offset spread\n(counts)", 50, 0.1),
    )
    gain_spread: Number = Field(
        _NONE,
        description="How much gains differ from pixel to pixel, relatively (scmos).",
        json_schema_extra=_shown("Gain spread", 0.2, 0.001),
    )
    read_spread: Number = Field(
        _NONE,
        description="How much the logarithm of the read noise differs from pixel to pixel (scmos).",
        json_schema_extra=_shown("Read noise spread", 1, 0.01),
    )
    hot: Number = Field(
        _NONE,
        description="Share of pixels that are bright in the dark, as if they saw an intensity of 0.2 to 1 besides.",
        json_schema_extra=_shown("Hot pixels", 0.01, 0.0001),
    )
    dead: Number = Field(
        _NONE,
        description="Share of pixels that see nothing.",
        json_schema_extra=_shown("Dead pixels", 0.01, 0.0001),
    )
    columns: Number = Field(
        _NONE,
        description="How much the offsets of columns differ, electrons rms, the same in every frame.",
        json_schema_extra=_shown("Columns (e)", 20, 0.1),
    )
    rows: Number = Field(
        _NONE,
        description="How much the offsets of rows differ, electrons rms, the same in every frame.",
        json_schema_extra=_shown("Rows (e)", 20, 0.1),
    )

    @model_validator(mode="after")
    def _physical(self) -> Self:
        within("gain", self.gain, 1e-6, 1e6)
        within("offset", self.offset, -1e6, 1e6)
        within("multiplication", self.multiplication, 1, 1e5)
        for name in ("read_noise", "offset_spread", "columns", "rows"):
            within(name.replace("_", " "), getattr(self, name), 0, 1e6)
        for name in ("gain_spread", "read_spread", "hot", "dead"):
            within(name.replace("_", " "), getattr(self, name), 0, 1)
        within("hot and dead pixels together", Span(low=0, high=self.hot.high + self.dead.high), 0, 1)
        if self.full_well is not None:
            within("full well", self.full_well, 1, 1e9)
        self._refuse_others()
        return self

    def _refuse_others(self) -> None:
        """Refuse numbers that only another camera has."""
        if self.name != "emccd" and self.multiplication != _ONE:
            raise ValueError(f"expected a multiplication of 1 where the camera is no emccd, got {self.multiplication}")
        for name in ("offset_spread", "gain_spread", "read_spread"):
            if self.name != "scmos" and getattr(self, name) != _NONE:
                what = name.replace("_", " ")
                raise ValueError(f"expected a {what} of 0 where the camera is no scmos, got {getattr(self, name)}")

    @property
    def plain(self) -> bool:
        """Whether photons are counted and nothing else happens, so that films are in units of intensity."""
        return self == _PLAIN

    @property
    def dtype(self) -> np.dtype[Any]:
        """The number type of its files: the least that holds a count, or float32 where counts are not rounded."""
        if self.bit_depth is None or self.bit_depth > 16:
            return np.dtype(np.float32)
        return np.dtype(np.uint8 if self.bit_depth <= 8 else np.uint16)

    @property
    def ranges(self) -> np.ndarray:
        """The least and the greatest of a sensor's numbers, (numbers, 2); see `sensor`."""
        ranges = np.repeat(np.array(sensor.PLAIN)[:, None], 2, axis=1)
        for name, row in _ROWS.items():
            span = getattr(self, name)
            if span is not None:
                ranges[row] = span.low, span.high
        ranges[sensor.TOP] = 0 if self.bit_depth is None else 2**self.bit_depth - 1
        ranges[sensor.COUNTS] = not self.plain
        return ranges


_ROWS = {
    "gain": sensor.GAIN,
    "offset": sensor.OFFSET,
    "read_noise": sensor.READ,
    "multiplication": sensor.MULTIPLICATION,
    "full_well": sensor.WELL,
    "offset_spread": sensor.OFFSETS,
    "gain_spread": sensor.GAINS,
    "read_spread": sensor.READS,
    "hot": sensor.HOT,
    "dead": sensor.DEAD,
    "columns": sensor.COLUMNS,
    "rows": sensor.ROWS,
}

_PLAIN = Camera()

CAMERAS: dict[str, Camera] = {
    "poisson": _PLAIN,
    "emccd": Camera(
        name="emccd", gain=0.08, offset=200, read_noise=60, multiplication=300, full_well=180_000, bit_depth=16
    ),
    "scmos": Camera(
        name="scmos",
        gain=2.2,
        offset=100,
        read_noise=1.4,
        full_well=30_000,
        bit_depth=16,
        offset_spread=2,
        gain_spread=0.01,
        read_spread=0.3,
        hot=0.0002,
    ),
    "ccd": Camera(name="poisson", gain=1, offset=100, read_noise=6, full_well=18_000, bit_depth=14),
}
"""Cameras with usual numbers: a back-illuminated EMCCD at a gain of 300, a scientific CMOS, and an interline CCD."""


def named_camera(name: str | Path) -> Camera:
    """Return a named camera, or read one from a JSON file.

    Raises
    ------
    SettingsError
        When there is neither a camera nor a file of that name.
    """
    return named(name, CAMERAS, "camera", Camera)
