"""Write simulated films frame by frame, with their truth."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike

from ..errors import OutputError
from ..files import whole
from ..progress import finish
from ..tables import TRUTH_COLUMNS, empty


def write_film(
    pairs: Iterable[tuple[np.ndarray, pd.DataFrame]], frames: int, shape: tuple[int, int], path: str | os.PathLike[str]
) -> pd.DataFrame:
    """Write frames to a float32 TIFF as they come, and return their joined truth; see `iter_write`."""
    return finish(iter_write(pairs, frames, shape, path))


def iter_write(
    pairs: Iterable[tuple[np.ndarray, pd.DataFrame]],
    frames: int,
    shape: tuple[int, int],
    path: str | os.PathLike[str],
    dtype: DTypeLike = np.float32,
) -> Generator[int, None, pd.DataFrame]:
    """Write frames to a TIFF as they come, telling how many there are; the generator returns their truth.

    Parameters
    ----------
    pairs : iterable of (frame, truth)
        As `iter_film` yields them.
    frames : int
        How many there will be.
    shape : (int, int)
        Height and width in pixels.
    path
        The TIFF to write; written whole or not at all.
    dtype
        Its number type; that of frames has to fit.

    Raises
    ------
    OutputError
        When the disk refuses, or has less room than the film takes.
    """
    import tifffile

    dtype = np.dtype(dtype)
    size = dtype.itemsize * frames * shape[0] * shape[1]
    _refuse_no_room(path, size)
    truths: list[pd.DataFrame] = []
    with whole(path) as file:
        with tifffile.TiffWriter(file, bigtiff=size > 2**31) as tiff:
            where = tiff.write(None, shape=(frames, *shape), dtype=dtype, metadata={"axes": "TYX"}, returnoffset=True)
        file.seek(where[0] if where else 0)
        for number, (frame, truth) in zip(range(1, frames + 1), pairs, strict=True):
            file.write(np.ascontiguousarray(frame, dtype).data)
            truths.append(truth)
            yield number
    return (
        pd.concat([empty(TRUTH_COLUMNS), *truths], ignore_index=True) if any(map(len, truths)) else empty(TRUTH_COLUMNS)
    )


def _refuse_no_room(path: str | os.PathLike[str], size: int) -> None:
    """Refuse a film that is larger than the room on its disk, before any of it is made."""
    folder = next(place for place in Path(path).absolute().parents if place.exists())
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OutputError(
            f"{path} would take {_gigabytes(size)}, and {_gigabytes(free)} are free. Make fewer or smaller frames."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.3g} GB"
