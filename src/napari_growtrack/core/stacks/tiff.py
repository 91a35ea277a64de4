"""Films in TIFF files, plain, ImageJ or OME."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StackError
from .stack import PICK_COLOUR, Stack, decoding, film_shape, full_scale, refuse_empty, refuse_kind

if TYPE_CHECKING:
    import tifffile

TIFF_SUFFIXES = (".tif", ".tiff")


class TiffStack(Stack):
    """Frames of a TIFF: memory-mapped where stored in one piece, else page by page."""

    def __init__(self, path: Path) -> None:
        import tifffile

        with decoding(path.name):
            self._file = tifffile.TiffFile(path)
        try:
            with decoding(path.name):
                series = _only_film(self._file, path.name)
                super().__init__(path.name, film_shape(series.shape), full_scale(series.dtype))
                self._pages: Any = series.pages
                self._film: Any = None
                if series.dataoffset is not None:
                    self._film = tifffile.memmap(path, mode="r").reshape(self.shape)
                else:
                    series.keyframe.decode(None, 0)  # decodes nothing, but refuses an unknown compression here
        except StackError:
            self._file.close()
            raise

    def _read(self, number: int) -> Any:
        if self._film is not None:
            return self._film[number]
        with decoding(f"frame {number} of {self.name}"):
            return self._pages[number].asarray()

    def _release(self) -> None:
        self._film = None
        self._file.close()


def _only_film(file: tifffile.TiffFile, name: str) -> tifffile.TiffPageSeries:
    """Return the one series of a whole TIFF whose axes are (T, Y, X) or (Y, X)."""
    _refuse_cut_tiff(file, name)
    if len(file.series) != 1:
        raise StackError(
            f"{name} holds {len(file.series)} images of different kinds; expected one film. Save the film on its own."
        )
    (series,) = file.series
    _refuse_axes(series.axes, series.shape, name)
    refuse_kind(series.dtype, name)
    if series.dataoffset is None and len(series.pages) != film_shape(series.shape)[0]:
        raise StackError(f"{name} does not hold one page per frame. Save it again as a multi-page TIFF.")
    return series


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


def _refuse_axes(axes: str, shape: tuple[int, ...], name: str) -> None:
    got = f"{name} has axes {axes} of lengths {shape}; expected TYX or YX"
    if "S" in axes:
        raise StackError(f"{got} and this looks like colour. {PICK_COLOUR}")
    if axes not in ("YX", "TYX", "IYX", "QYX"):  # tifffile's I and Q: pages without a meaning
        raise StackError(f"{got}. Choose one channel and one z plane, or save the film again with that axis as time.")
    refuse_empty(shape, name)
