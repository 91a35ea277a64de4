"""Write simulated films frame by frame, with their truth."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from ..errors import OutputError
from ..files import write_whole
from ..tables import TRUTH_COLUMNS, empty


def write_film(
    pairs: Iterable[tuple[np.ndarray, pd.DataFrame]], frames: int, shape: tuple[int, int], path: str | os.PathLike[str]
) -> pd.DataFrame:
    """Write frames to a float32 TIFF as they come, and return their joined truth.

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

    Raises
    ------
    OutputError
        When the disk refuses, or has less room than the film takes.
    """
    import tifffile

    _refuse_no_room(path, 4 * frames * shape[0] * shape[1])

    truths: list[pd.DataFrame] = []

    def images() -> Iterator[np.ndarray]:
        for frame, truth in pairs:
            truths.append(truth)
            yield frame

    def write(file: BinaryIO) -> None:
        large = 4 * frames * shape[0] * shape[1] > 2**31
        with tifffile.TiffWriter(file, bigtiff=large) as tiff:
            tiff.write(images(), shape=(frames, *shape), dtype=np.float32, metadata={"axes": "TYX"})

    write_whole(path, write)
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
