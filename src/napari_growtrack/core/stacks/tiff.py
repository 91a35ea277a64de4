"""Films in TIFF files, plain, ImageJ or OME."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ..errors import StackError
from .axes import Plane, micrometres, plane_of, seconds
from .stack import Stack, decoding, full_scale, refuse_kind

if TYPE_CHECKING:
    import tifffile

TIFF_SUFFIXES = (".tif", ".tiff")


class TiffStack(Stack):
    """Frames of a TIFF, of one channel and one z plane: memory-mapped where stored in one piece, else page by page."""

    def __init__(self, path: Path, channel: int | None = None, z: int | None = None) -> None:
        import tifffile

        with decoding(path.name):
            self._file = tifffile.TiffFile(path)
        try:
            with decoding(path.name):
                series = _only_image(self._file, path.name)
                self._plane = plane_of(series.axes, series.shape, path.name, channel, z)
                _refuse_odd_pages(series, self._plane, path.name)
                super().__init__(path.name, self._plane.film, full_scale(series.dtype))
                self._pages: Any = series.pages
                self._image: Any = None
                if series.dataoffset is not None:
                    self._image = tifffile.memmap(path, mode="r").reshape(series.shape)
                else:
                    series.keyframe.decode(None, 0)  # decodes nothing, but refuses an unknown compression here
                self.pixel_size, self.frame_time = _scales(self._file)
        except StackError:
            self._file.close()
            raise

    def _read(self, number: int) -> Any:
        if self._image is not None:
            return self._image[self._plane.at(number)]
        with decoding(f"frame {number} of {self.name}"):
            return self._pages[self._plane.page(number)].asarray()

    def _release(self) -> None:
        self._image = None
        self._file.close()


def frames_of(path: Path) -> int:
    """Return how many pages a TIFF holds.

    Raises
    ------
    StackError
        When it cannot be read.
    """
    import tifffile

    with decoding(path.name), tifffile.TiffFile(path) as file:
        return len(file.pages)


def _only_image(file: tifffile.TiffFile, name: str) -> tifffile.TiffPageSeries:
    """Return the one series of a whole TIFF."""
    _refuse_cut_tiff(file, name)
    if len(file.series) != 1:
        raise StackError(
            f"{name} holds {len(file.series)} images of different kinds; expected one film. Save the film on its own."
        )
    (series,) = file.series
    return series


def _refuse_odd_pages(series: tifffile.TiffPageSeries, plane: Plane, name: str) -> None:
    refuse_kind(series.dtype, name)
    if series.dataoffset is None and len(series.pages) != plane.planes:
        raise StackError(f"{name} does not hold one page per frame. Save it again as a multi-page TIFF.")


def _scales(file: tifffile.TiffFile) -> tuple[float | None, float | None]:
    """Return pixel size in micrometres and frame time in seconds, where OME or ImageJ tell them."""
    if file.is_ome and file.ome_metadata:
        try:
            pixels = ElementTree.fromstring(file.ome_metadata).find(".//{*}Pixels")
        except ElementTree.ParseError:
            pixels = None
        if pixels is not None:
            told = pixels.attrib
            return (
                micrometres(told.get("PhysicalSizeX"), told.get("PhysicalSizeXUnit", "µm")),
                seconds(told.get("TimeIncrement"), told.get("TimeIncrementUnit", "s")),
            )
    if file.is_imagej and file.imagej_metadata:
        told = file.imagej_metadata
        tag = file.pages.first.tags.get("XResolution")
        number, per = tag.value if tag is not None else (0, 1)
        size = per / number if number else None
        return micrometres(size, told.get("unit")), seconds(told.get("finterval"), told.get("tunit", "s"))
    return None, None


def _refuse_cut_tiff(file: tifffile.TiffFile, name: str) -> None:
    """Follow the chain of pages to its end; tifffile only logs when it breaks off."""
    last, tiff, handle = file.pages[-1], file.tiff, file.filehandle
    handle.seek(last.offset)
    (tags,) = struct.unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
    handle.seek(last.offset + tiff.tagnosize + tags * tiff.tagsize)
    (following,) = struct.unpack(tiff.offsetformat, handle.read(tiff.offsetsize))
    ends = [start + size for start, size in zip(last.dataoffsets, last.databytecounts, strict=False)]
    if following or max(ends, default=0) > handle.size:
        raise StackError(f"{name} is cut short after page {len(file.pages)}. Copy or export it again.")
