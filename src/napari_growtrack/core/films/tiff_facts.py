"""What a TIFF tells of its pixels and times, by OME, ImageJ or Micro-Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from .units import exposure_in, micrometres, seconds

if TYPE_CHECKING:
    import tifffile

Pair = tuple[float | None, float | None]

_UNLIKE = 0.01
"""Share by which exposures of one film may differ."""


def pixel_sides_of(file: tifffile.TiffFile) -> Pair:
    """Return width and height of a pixel in micrometres, where OME or ImageJ tell them."""
    if (pixels := _pixels_of(file)) is not None:
        told = pixels.attrib
        width, height = (
            micrometres(told.get(f"PhysicalSize{axis}"), told.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "XY"
        )
        return width, height
    if imagej := _imagej_of(file):
        width, height = (micrometres(_step(file, f"{axis}Resolution"), imagej.get("unit")) for axis in "XY")
        return width, height
    return None, None


def frame_time_of(file: tifffile.TiffFile) -> float | None:
    """Return seconds from frame to frame, where OME or ImageJ tell them."""
    if (pixels := _pixels_of(file)) is not None:
        return seconds(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"))
    imagej = _imagej_of(file)
    return seconds(imagej.get("finterval"), imagej.get("tunit", "s"))


def exposure_of(file: tifffile.TiffFile, channel: int | None) -> float | None:
    """Return for how many seconds the shutter was open, where the file tells one time for all frames of a channel."""
    if (pixels := _pixels_of(file)) is not None:
        wanted = [plane for plane in pixels.findall("{*}Plane") if plane.get("TheC", "0") == str(channel or 0)]
        told = [seconds(plane.get("ExposureTime"), plane.get("ExposureTimeUnit", "s")) for plane in wanted]
        times = [time for time in told if time is not None]
        return times[0] if times and max(times) - min(times) <= _UNLIKE * max(times) else None
    tag = file.pages.first.tags.get("MicroManagerMetadata")
    if tag is not None and isinstance(tag.value, dict) and (time := seconds(tag.value.get("Exposure-ms"), "ms")):
        return time
    return exposure_in(str(_imagej_of(file).get("Info", "")))


def _pixels_of(file: tifffile.TiffFile) -> ElementTree.Element | None:
    if not file.is_ome or not file.ome_metadata:
        return None
    try:
        return ElementTree.fromstring(file.ome_metadata).find(".//{*}Pixels")
    except ElementTree.ParseError:
        return None


def _imagej_of(file: tifffile.TiffFile) -> dict[str, Any]:
    return (file.imagej_metadata if file.is_imagej else None) or {}


def _step(file: tifffile.TiffFile, name: str) -> float | None:
    """Return how long a pixel is in the file's own unit, which is stored as pixels a unit."""
    tag = file.pages.first.tags.get(name)
    number, per = tag.value if tag is not None else (0, 1)
    return per / number if number else None
