"""Pages whose compressed bytes unpack to far more than their pixels."""

from __future__ import annotations

import lzma
import zlib
from importlib.util import find_spec
from typing import Any

from ..errors import StackError

_UNPACKERS: dict[int, Any] = {
    8: zlib.decompressobj,
    32946: zlib.decompressobj,
    34925: lzma.LZMADecompressor,
}
"""By TIFF's number of a compression; without imagecodecs these are unpacked whole, however much that is."""

_HARMLESS = 2**17
"""Compressed bytes that unpack to less than a gigabyte at any rate."""

_PIECE = 2**24
_SPARE = 2**20


def refuse_bomb(page: Any, name: str) -> None:
    """Refuse a page that holds more than its pixels, unpacking it piece by piece.

    Parameters
    ----------
    page : tifffile.TiffPage or tifffile.TiffFrame
    name : str
        Of the film, for the message.

    Raises
    ------
    StackError
        When there is more than the page's own size.
    """
    unpacker = _UNPACKERS.get(int(page.compression))
    if unpacker is None or max(page.databytecounts, default=0) <= _HARMLESS or find_spec("imagecodecs"):
        return
    most = 2 * page.keyframe.nbytes + _SPARE
    handle = page.parent.filehandle
    for start, size in zip(page.dataoffsets, page.databytecounts, strict=False):
        handle.seek(start)
        if size > _HARMLESS and _unpacks_to_more(unpacker(), handle.read(size), most):
            raise StackError(f"{name} holds a page that unpacks to far more than its pixels. Copy or export it again.")


def _unpacks_to_more(unpacker: Any, packed: bytes, most: int) -> bool:
    total, rest = 0, packed
    try:
        while rest or not unpacker.eof:
            piece = unpacker.decompress(rest, _PIECE)
            total += len(piece)
            if total > most:
                return True
            rest = getattr(unpacker, "unconsumed_tail", b"")
            if unpacker.eof or not (piece or rest):
                return False
    except (zlib.error, lzma.LZMAError, EOFError):  # whoever decodes it says what is wrong
        return False
    return False
