"""What tells a film from another that lies, or lay, at the same place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .ngff import is_zarr
from .sequence import pictures_in

_LISTED = 100_000
"""Files of a folder that are looked at one by one; of more, their number and the folders' own times tell."""

_METADATA = (".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json")


def film_identity(path: str | os.PathLike[str]) -> list[Any]:
    """Return what tells a film from another of the same name, as plain values to be compared.

    Parameters
    ----------
    path
        Of a file, a folder of pictures, an OME-Zarr image, or a pattern of names.

    Returns
    -------
    list
        Where it lies; of a file its size and when it was written; of several files how many they are, and a digest
        of their names, sizes and times, and of what is in an OME-Zarr's metadata. Of a film that is not there only
        the place.
    """
    try:
        place = Path(path).expanduser().resolve()
        if place.is_file():
            told = place.stat()
            return [str(place), told.st_size, told.st_mtime_ns]
        files = _files_of(place)
        return [str(place)] if files is None else [str(place), *_digest(place, files)]
    except (OSError, RuntimeError, ValueError):
        return [os.fspath(path)]


def _files_of(place: Path) -> Iterable[Path] | None:
    if place.is_dir():
        return _walk(place) if is_zarr(place) else pictures_in(place)
    return place.parent.glob(place.name) if any(sign in place.name for sign in "*?[") else None


def _walk(folder: Path) -> Iterator[Path]:
    for inside, folders, names in os.walk(folder):
        folders.sort()
        yield Path(inside)
        for name in sorted(names):
            yield Path(inside, name)


def _digest(place: Path, files: Iterable[Path]) -> tuple[int, str]:
    """Return how many files there are, and what is made of their names, sizes, times and metadata."""
    made, number = hashlib.sha256(), 0
    for number, file in enumerate(sorted(files), 1):
        if number > _LISTED and file.name not in _METADATA and not file.is_dir():
            continue
        told = file.stat()
        size = 0 if file.is_dir() else told.st_size
        made.update(repr((os.path.relpath(file, place), size, told.st_mtime_ns)).encode())
        if file.name in _METADATA:
            made.update(file.read_bytes())
    return number, made.hexdigest()
