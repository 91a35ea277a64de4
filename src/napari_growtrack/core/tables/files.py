"""Read and write tables by the ending of their names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from ..errors import OutputError, TableError, check_regular
from ..files import check_writable
from . import csv_files, geff_files, parquet, trackmate
from .columns import POINT, check
from .scales import checked, cleaned

_FORMATS: dict[str, ModuleType] = {
    ".csv": csv_files,
    ".parquet": parquet,
    ".geff": geff_files,
    ".xml": trackmate,
}
SUFFIXES = tuple(_FORMATS)
"""Endings of tables: CSV, Parquet, GEFF, and TrackMate's XML; anything else is read and written as CSV."""


def _format(path: Path) -> ModuleType:
    return _FORMATS.get(path.suffix.lower(), csv_files)


def _format_of(path: Path) -> ModuleType:
    """Return the format of a table that is there; editors give a folder that holds GEFF any name."""
    return geff_files if path.is_dir() else _format(path)


def _named(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path):
        raise TableError("Expected the name of a table, got an empty one.")
    return Path(path)


def _sentence(path: Path, error: TableError) -> str:
    return str(error) if str(error).startswith(path.name) else f"{path.name}: {error}"


def read_table(path: str | os.PathLike[str], required: Iterable[str] = POINT) -> pd.DataFrame:
    """Read a table and check it: CSV, Parquet, GEFF or TrackMate's XML, by the ending of its name.

    Raises
    ------
    TableError
        When the file is missing, is not what its name says, or fails `check`; the
        sentence names the file.
    OutputError
        When a format needs a package that is not installed.
    """
    path = _named(path)
    try:
        check_regular(path)
        return check(_format_of(path).read(path), required)
    except MemoryError as error:
        raise TableError(f"{path.name} does not fit into the memory, or is damaged. Take a part of it.") from error
    except OutputError:
        raise
    except OSError as error:
        raise TableError(f"Cannot read {path}: {error.strerror or error}. Check the path.") from error
    except TableError as error:
        raise TableError(_sentence(path, error)) from error


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return how a table was made, with ``pixel_size`` (µm) and ``frame_time`` (s); None where nobody tells.

    Raises
    ------
    TableError
        When the file is not what its name says.
    """
    path = _named(path)
    try:
        check_regular(path)
        return cleaned(_format_of(path).recipe(path), path.name)
    except MemoryError:
        return None
    except TableError as error:
        raise TableError(_sentence(path, error)) from error
    except OSError as error:
        raise TableError(f"Cannot read {path}: {error.strerror or error}. Check the path.") from error


def write_table(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    recipe: dict[str, Any] | None = None,
    tracks: pd.DataFrame | None = None,
) -> None:
    """Write a table, and how it was made, by the ending of its name; whole or not at all.

    As CSV, numbers keep ten significant digits and the recipe lies beside it, as ``<stem>.json``; the other
    formats hold it, and keep every number to its last bit.

    Parameters
    ----------
    table : DataFrame
        With ``frame, y, x`` in pixels, and ``particle`` where it is linked.
    path : path
    recipe : dict, optional
        Plain values; ``pixel_size`` in micrometres and ``frame_time`` in seconds become the format's own scale.
    tracks : DataFrame, optional
        What is told of each trajectory, in the units of that scale, as `core.motion.tracks.measure_tracks` returns it:
        TrackMate's files hold it, as features of its tracks.

    Raises
    ------
    OutputError
        When a file cannot be written, or `check_table_path` refuses.
    TableError
        When a format cannot hold a column, or the recipe's scale is none.
    TypeError
        When `recipe` holds what JSON cannot; nothing is written then.
    """
    path = Path(path)
    check_table_path(path)
    told = {"tracks": tracks} if _format(path) is trackmate else {}
    _format(path).write(table, path, checked(recipe), **told)


def check_table(path: str | os.PathLike[str]) -> None:
    """Refuse a place where no table can be written, before long work.

    Raises
    ------
    OutputError
        When the ending is that of no table, the disk refuses, or `check_table_path` does.
    """
    check_writable(path, "a table", SUFFIXES)
    check_table_path(path)


def check_table_path(path: str | os.PathLike[str]) -> Path:
    """Return where the recipe of a table goes, before long work whose table would be refused.

    Raises
    ------
    OutputError
        When table and recipe would have the same name, or one of them would
        replace a file that is none of its kind.
    """
    path = Path(path)
    folder = _format(path) is geff_files
    if not path.name or (path.is_dir() and not folder):
        raise OutputError(f"Cannot write {path}: it is a folder. Choose a file name, ending in .csv.")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OutputError(f"Cannot write {path}: it is no regular file. Choose a file name, ending in .csv.")
    if _format(path) is csv_files:
        return csv_files.check_path(path)
    if folder:
        geff_files.check_path(path)
    return path
