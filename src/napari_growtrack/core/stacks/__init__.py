"""Any film, be it array, TIFF or video, read one grey frame at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import StackError
from .stack import ArrayStack, CroppedStack, Stack
from .tiff import TIFF_SUFFIXES, TiffStack
from .video import VIDEO_SUFFIXES, VideoStack

__all__ = [
    "TIFF_SUFFIXES",
    "VIDEO_SUFFIXES",
    "ArrayStack",
    "CroppedStack",
    "Stack",
    "TiffStack",
    "VideoStack",
    "open_stack",
]


def open_stack(source: Any) -> Stack:
    """Open a film as a lazy stack of grey frames.

    Parameters
    ----------
    source
        A numpy, dask or zarr array (or anything with ``shape`` and indexing) of
        shape (T, Y, X) or (Y, X); the path of a TIFF or video; or a `Stack`,
        returned as it is.

    Returns
    -------
    Stack
        One frame in memory at a time, intensities as stored. Videos give their
        luma plane (0 to 255 for 8 bits), without any stretching of its range.

    Raises
    ------
    StackError
        When `source` is not a film of grey frames, or not a readable file.

    Examples
    --------
    >>> import numpy as np
    >>> stack = open_stack(np.zeros((10, 32, 48), np.uint8))
    >>> stack.shape, stack[-1].dtype
    ((10, 32, 48), dtype('float32'))
    """
    if isinstance(source, Stack):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _open_file(Path(source).expanduser())
    if hasattr(source, "shape") and hasattr(source, "__getitem__"):
        return ArrayStack(source)
    raise StackError(
        f"Expected an array or the path of a TIFF or video, got {type(source).__name__}. "
        "Turn a list of frames into an array with numpy.stack."
    )


def _open_file(path: Path) -> Stack:
    if not path.exists():
        raise StackError(f"Cannot find {path}. Check the path.")
    if path.is_dir():
        raise StackError(f"{path} is a folder; expected one TIFF or video. Choose a file inside it.")
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        return TiffStack(path)
    if suffix in VIDEO_SUFFIXES:
        return VideoStack(path)
    known = ", ".join(TIFF_SUFFIXES + VIDEO_SUFFIXES)
    raise StackError(f"Cannot open {path.name}: expected {known}, got {suffix!r}. Save the film as TIFF.")
