"""Points in films as pandas tables, with trackpy's column names.

Coordinates are in pixels, pixel centres on integers; frames count from 0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import OutputError, TableError
from .files import write_whole

DETECTION_COLUMNS = ("frame", "y", "x", "distance", "votes", "sigma", "significance")
TRUTH_COLUMNS = ("frame", "y", "x", "particle", "radius", "snr")
PROGRAM = "napari-growtrack"
_POINT = ("frame", "y", "x")
_WHOLE = frozenset({"frame", "particle", "votes"})


def empty(columns: Iterable[str]) -> pd.DataFrame:
    """Return a table without rows, its columns typed as in a full one.

    ``frame``, ``particle`` and ``votes`` are int64, all others float64.

    Examples
    --------
    >>> empty(DETECTION_COLUMNS).shape
    (0, 7)
    """
    return pd.DataFrame({column: pd.Series(dtype=_dtype(column)) for column in columns})


def check(table: pd.DataFrame, required: Iterable[str] = _POINT) -> pd.DataFrame:
    """Return a copy whose required columns are present, numeric and finite.

    Parameters
    ----------
    table
        One row per point.
    required
        Columns that must be there. ``frame``, ``particle`` and ``votes`` hold
        whole numbers, ``frame`` from 0 on; other columns are kept untouched.

    Raises
    ------
    TableError
        Naming the missing columns, or the first row (from 0) with a bad value.

    Examples
    --------
    >>> check(pd.DataFrame({"frame": [0], "y": ["1.5"], "x": [2]})).y[0]
    np.float64(1.5)
    """
    if not isinstance(table, pd.DataFrame):
        raise TableError(f"Expected a pandas DataFrame, got {type(table).__name__}. Convert it first.")
    required = tuple(required)
    _refuse_missing(table, required)
    return table.assign(**{column: _numbers(table[column], column) for column in required})


def read_table(path: str | os.PathLike[str], required: Iterable[str] = _POINT) -> pd.DataFrame:
    """Read a table from a CSV file and check it.

    Raises
    ------
    TableError
        When the file is missing, is not CSV text, or fails `check`; the
        sentence names the file.
    """
    path = Path(path)
    try:
        return check(pd.read_csv(path), required)
    except OSError as error:
        raise TableError(f"Cannot read {path}: {error.strerror or error}. Check the path.") from error
    except pd.errors.EmptyDataError as error:
        raise TableError(f"{path.name} is empty; expected a CSV table with a header line.") from error
    except (pd.errors.ParserError, UnicodeError) as error:
        raise TableError(f"{path.name} is not a CSV table; save it as comma-separated UTF-8 text.") from error
    except TableError as error:
        raise TableError(f"{path.name}: {error}") from error


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], recipe: dict[str, Any] | None = None) -> None:
    """Write a table as CSV and, beside it as ``<stem>.json``, how it was made.

    Numbers keep ten significant digits. Each file is written whole or not at all.

    Raises
    ------
    OutputError
        When a file cannot be written, or `check_table_path` refuses.
    TypeError
        When `recipe` holds what JSON cannot; nothing is written then.
    """
    beside = check_table_path(path)
    story = None if recipe is None else json.dumps(recipe, indent=2, ensure_ascii=False).encode()
    text = as_csv(table)
    write_whole(path, lambda file: file.write(text))
    if story is not None:
        write_whole(beside, lambda file: file.write(story))


def as_csv(table: pd.DataFrame, header: bool = True) -> bytes:
    """Return a table as the bytes of a CSV file, numbers with ten significant digits."""
    return table.to_csv(index=False, header=header, float_format="%.10g", lineterminator="\n").encode()


def check_table_path(path: str | os.PathLike[str]) -> Path:
    """Return where the recipe beside a table goes, before long work whose table would be refused.

    Raises
    ------
    OutputError
        When table and recipe would have the same name, or the recipe would
        replace a file that is no recipe of ours.
    """
    path = Path(path)
    beside = path.with_suffix(".json")
    if beside == path:
        raise OutputError(f"Cannot write {path}: a table is a CSV file. Choose a name ending in .csv.")
    if beside.exists() and not _is_recipe(beside):
        raise OutputError(f"Cannot write {path}: its recipe would replace {beside.name}. Choose another name.")
    return beside


def _is_recipe(path: Path) -> bool:
    try:
        return json.loads(path.read_bytes()).get("program") == PROGRAM
    except (OSError, ValueError, AttributeError):
        return False


def _dtype(column: str) -> type[np.generic]:
    return np.int64 if column in _WHOLE else np.float64


def _refuse_missing(table: pd.DataFrame, required: tuple[str, ...]) -> None:
    missing = [column for column in required if column not in table.columns]
    if missing:
        there = ", ".join(map(str, table.columns)) or "none"
        raise TableError(
            f"Expected columns {', '.join(required)}; missing {', '.join(missing)}, got {there}. Rename or add them."
        )


def _numbers(series: pd.Series, column: str) -> np.ndarray:
    """Return a column as float64 or int64, refusing the first value that does not fit."""
    values = pd.to_numeric(series, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad, expected = ~np.isfinite(values), "a number"
    if column in _WHOLE:
        bad |= values != np.floor(values)
        expected = "a whole number"
    if column == "frame":
        bad |= values < 0
        expected = "a whole number from 0"
    if bad.any():
        row = int(bad.argmax())
        raise TableError(
            f"Column {column} must hold {expected}, got {series.iloc[row]} in row {row} (counting from 0). "
            "Mend or drop that row."
        )
    return values.astype(_dtype(column))
