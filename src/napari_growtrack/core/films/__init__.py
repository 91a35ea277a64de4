"""Any film, be it array, TIFF, video, ND2, OME-Zarr or a folder of pictures, read one grey frame at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import GrowtrackError, StackError
from .axes import Choice, TimeAxis, refuse_choice
from .identity import film_identity
from .ngff import ZarrStack, is_zarr
from .nikon import ND2_SUFFIXES, Nd2Stack
from .refusals import shortened
from .sequence import SequenceStack, natural, pictures_in
from .stack import ArrayStack, CroppedStack, Stack
from .tiff import TIFF_SUFFIXES, TiffStack, frames_of
from .video import VIDEO_SUFFIXES, VideoStack

_READERS: dict[str, Callable[[Path, Choice], Stack]] = {
    **dict.fromkeys(TIFF_SUFFIXES, TiffStack),
    **dict.fromkeys(VIDEO_SUFFIXES, VideoStack),
    **dict.fromkeys(ND2_SUFFIXES, Nd2Stack),
}
SUFFIXES = tuple(_READERS)
"""Endings of films that are one file; folders are pictures or OME-Zarr images."""

__all__ = [
    "SUFFIXES",
    "VIDEO_SUFFIXES",
    "ArrayStack",
    "CroppedStack",
    "Nd2Stack",
    "SequenceStack",
    "Stack",
    "TiffStack",
    "TimeAxis",
    "VideoStack",
    "ZarrStack",
    "film_identity",
    "films_in",
    "open_stack",
]


def open_stack(
    source: Any, channel: int | None = None, z: int | None = None, time_axis: TimeAxis | None = None
) -> Stack:
    """Open a film as a lazy stack of grey frames.

    Parameters
    ----------
    source
        A numpy, dask or zarr array (or anything with ``shape`` and indexing) of
        shape (T, Y, X) or (Y, X); the path of a TIFF, a video, an ND2 file, an OME-Zarr image, a
        folder of pictures or a pattern of their names such as ``frames/img_*.png``; or
        a `Stack`, returned as it is.
    channel, z : int, optional
        Which channel and which z plane of a file that has several, from 0.
    time_axis : {"t", "z"}, optional
        ``z`` takes a file's slices as time, ``t`` never does. Without it they are, with a warning, where nothing
        else is time and no plane is chosen.

    Returns
    -------
    Stack
        One frame in memory at a time, intensities as stored. Videos give their
        luma plane (0 to 255 for 8 bits), without any stretching of its range.

    Raises
    ------
    StackError
        When `source` is not a film of grey frames, or not a readable file, or has
        several channels or z planes and none is chosen.

    Warns
    -----
    GrowtrackWarning
        When slices were taken as time, pixels are not square, or the file is damaged but can be read.

    Examples
    --------
    >>> import numpy as np
    >>> stack = open_stack(np.zeros((10, 32, 48), np.uint8))
    >>> stack.shape, stack[-1].dtype
    ((10, 32, 48), dtype('float32'))
    """
    if isinstance(source, Stack):
        return source
    choice = Choice(channel, z, time_axis)
    if isinstance(source, (str, os.PathLike)):
        with _finding(source):
            return _open_path(Path(source).expanduser(), choice)
    if hasattr(source, "shape") and hasattr(source, "__getitem__"):
        refuse_choice("array", choice)
        return ArrayStack(source)
    raise StackError(
        f"Expected an array or the path of a TIFF or video, got {type(source).__name__}. "
        "Turn a list of frames into an array with numpy.stack."
    )


def films_in(path: str | os.PathLike[str]) -> list[Path]:
    """Return the films that a folder holds, in the order of the numbers in their names.

    Films are videos, ND2 files, OME-Zarr images and TIFFs of several frames. A folder of pictures, one a frame, holds
    none: it is a film itself.

    Parameters
    ----------
    path : path
        Where it is no folder, or an OME-Zarr image, there are none.

    Raises
    ------
    StackError
        When a TIFF cannot be read.
    """
    with _finding(path):
        folder = Path(path).expanduser()
        if not folder.is_dir() or is_zarr(folder):
            return []
        inside = sorted((one for one in folder.iterdir() if not one.name.startswith(".")), key=natural)
        films = [one for one in inside if _is_film(one)]
        tiffs = [one for one in inside if one.suffix.lower() in TIFF_SUFFIXES and one.is_file()]
        if tiffs and (films or frames_of(tiffs[0]) > 1):
            films += tiffs
        return sorted(films, key=natural)


@contextmanager
def _finding(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put what the file system, or a name that is none, raises into a sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, GrowtrackError):
            raise
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise StackError(f"Cannot find {shortened(os.fspath(path))}: {reason}. Check the path.") from error


def _is_film(path: Path) -> bool:
    """Tell whether there is a film; a TIFF may be one picture of many."""
    suffix = path.suffix.lower()
    return (suffix in SUFFIXES and suffix not in TIFF_SUFFIXES) or (path.is_dir() and is_zarr(path))


def _open_path(path: Path, choice: Choice) -> Stack:
    if not path.exists() and any(sign in path.name for sign in "*?["):
        refuse_choice(path.name, choice)
        found = sorted(path.parent.glob(path.name))
        if not found:
            raise StackError(f"No file is called {path}. Check the pattern.")
        return SequenceStack(found, path.name)
    if not path.exists():
        raise StackError(f"Cannot find {path}. Check the path.")
    if path.is_dir():
        return _open_folder(path, choice)
    if not path.is_file():
        raise StackError(f"{path.name} is no regular file; expected a film. Save it as a file first.")
    return _open_file(path, choice)


def _open_file(path: Path, choice: Choice) -> Stack:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise StackError(
            f"Cannot open {path.name}: expected {', '.join(SUFFIXES)}, got {suffix!r}. Save the film as TIFF."
        )
    return _READERS[suffix](path, choice)


def _open_folder(path: Path, choice: Choice) -> Stack:
    if is_zarr(path):
        return ZarrStack(path, choice)
    refuse_choice(path.name, choice)
    if pictures := pictures_in(path):
        return SequenceStack(pictures, path.name)
    raise StackError(
        f"{path} is a folder; expected one TIFF or video. Choose a file inside it, or a folder of pictures or OME-Zarr."
    )
