"""Films in TIFF files, plain, ImageJ or OME."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import StackError
from .axes import NOTHING_CHOSEN, Choice, Plane, plane_of, slices_sentence, squares
from .bombs import refuse_bomb
from .refusals import LARGEST_FRAME, refuse_kind
from .stack import Stack, decoding, full_scale, warn
from .tiff_facts import exposure_of, frame_time_of, pixel_sides_of

if TYPE_CHECKING:
    import tifffile

TIFF_SUFFIXES = (".tif", ".tiff")

_PALETTE = 3


class TiffStack(Stack):
    """Frames of a TIFF, of one channel and one z plane: memory-mapped where stored in one piece, else page by page."""

    def __init__(self, path: Path, choice: Choice = NOTHING_CHOSEN) -> None:
        import tifffile

        with decoding(path.name):
            self._file = tifffile.TiffFile(path)
        try:
            with decoding(path.name):
                self._look(path, choice)
        except BaseException:
            self._file.close()
            raise

    def _look(self, path: Path, choice: Choice) -> None:
        import tifffile

        series = _only_image(self._file, path.name)
        self._plane = plane_of(series.axes, series.shape, path.name, choice)
        _refuse_odd_pages(series, self._plane, path.name)
        super().__init__(path.name, self._plane.film, full_scale(series.dtype))
        self._pages: Any = series.pages
        self._image: Any = None
        self._greys = _greys_of(self._file, series.keyframe, path.name)
        if series.dataoffset is not None:
            self._image = tifffile.memmap(path, mode="r").reshape(series.shape)
        else:
            series.keyframe.decode(None, 0)  # decodes nothing, but refuses an unknown compression here
        self.time_axis = "z" if self._plane.slices else None
        self.frame_time, self.exposure_time = frame_time_of(self._file), exposure_of(self._file, choice.channel)
        self.pixel_size, odd = squares(*pixel_sides_of(self._file), path.name)
        for sentence in filter(None, (slices_sentence(path.name, self._plane, choice), odd)):
            warn(sentence)

    def _read(self, number: int) -> Any:
        with decoding(f"frame {number} of {self.name}"):
            stored = self._stored(number)
            if self._plane.colour == -3:
                stored = np.moveaxis(stored, 0, -1)
            if self._plane.colour is not None and stored.shape[-1] == 1:
                stored = stored[..., 0]
            return stored if self._greys is None else self._greys[stored]

    def _stored(self, number: int) -> Any:
        if self._image is not None:
            return self._image[self._plane.at(number)]
        page = self._pages[self._plane.page(number)]
        refuse_bomb(page, self.name)
        return page.asarray()

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


def picture_of(path: Path) -> np.ndarray:
    """Read the one picture of a TIFF.

    Raises
    ------
    StackError
        When it holds more than a picture, or too large a one.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if len(file.pages) > 1:
            raise StackError(
                f"{path.name} holds {len(file.pages)} pictures; expected one. Open it as a film of its own."
            )
        if page.imagewidth * page.imagelength > LARGEST_FRAME:
            raise StackError(
                f"{path.name} has {page.imagelength} x {page.imagewidth} px; {LARGEST_FRAME:,} are the most."
            )
        refuse_bomb(page, path.name)
        greys = _greys_of(file, page, path.name)
        picture = page.asarray()
        picture = np.moveaxis(picture, 0, -1) if page.planarconfig == 2 and picture.ndim == 3 else picture
        return picture if greys is None else greys[picture]


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


def _greys_of(file: tifffile.TiffFile, page: tifffile.TiffPage | tifffile.TiffFrame, name: str) -> np.ndarray | None:
    """Return the grey value of each number of a palette; None where pixels are intensities themselves.

    ImageJ, and others whose palette only grows brighter, lay colours over intensities.
    """
    key: Any = page.keyframe
    table = key.colormap if key.photometric == _PALETTE else None
    if table is None or file.is_imagej:
        return None
    if np.array_equal(table[0], table[1]) and np.array_equal(table[0], table[2]):
        return (table[0] >> 8).astype(np.uint8)
    if (np.diff(table.astype(int), axis=1) < 0).any():
        raise StackError(f"{name} has a palette of colours; expected grey. Convert it to grey first.")
    return None


def _refuse_cut_tiff(file: tifffile.TiffFile, name: str) -> None:
    """Follow the chain of pages to its end; tifffile only logs when it breaks off."""
    last, tiff, handle = file.pages[-1], file.tiff, file.filehandle
    handle.seek(last.offset)
    (tags,) = struct.unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
    handle.seek(last.offset + tiff.tagnosize + tags * tiff.tagsize)
    (following,) = struct.unpack(tiff.offsetformat, handle.read(tiff.offsetsize))
    most = _strip_size(last)  # some programs count bits where bytes are meant
    ends = [start + min(size, most) for start, size in zip(last.dataoffsets, last.databytecounts, strict=False)]
    if following or max(ends, default=0) > handle.size:
        raise StackError(f"{name} is cut short after page {len(file.pages)}. Copy or export it again.")


def _strip_size(page: tifffile.TiffPage | tifffile.TiffFrame) -> float:
    """Return how many bytes a strip of a page holds at most, which is known where it is not compressed."""
    key: Any = page.keyframe
    if key.compression != 1 or key.is_tiled or key.dtype is None:
        return math.inf
    return float(key.rowsperstrip * key.imagewidth * key.samplesperpixel * key.dtype.itemsize)
