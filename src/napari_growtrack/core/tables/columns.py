"""The columns of tables of points, by trackpy's names, and what they hold.

Coordinates are in pixels, pixel centres on integers; frames count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..errors import TableError

MEASURES = (
    "signal",
    "signal_error",
    "radius",
    "radius_error",
    "background",
    "background_error",
    "axis_ratio",
    "angle",
)
"""What a fit measures of a particle beside its place: its light in all (counts above the background, summed over
pixels), its radius in pixels (across the long axis), and the level of the background at its centre in counts, each with
its standard error; how much longer than wide it is, and the direction of its long axis in radians from x towards y."""

DETECTION_COLUMNS = ("frame", "y", "x", "distance", "votes", "sigma", "significance", *MEASURES, "q")
TRUTH_COLUMNS = ("frame", "y", "x", "particle", "radius", "snr")
POINT = ("frame", "y", "x")
MOST_FRAMES = 10_000_000
"""Most frames that a table may tell of: almost three hours at a thousand frames a second."""
_WHOLE = frozenset({"frame", "particle", "votes"})
_EXACT = 2**53
_SHOWN, _LETTERS = 12, 60
_FARTHEST = 1e12


def empty(columns: Iterable[str]) -> pd.DataFrame:
    """Return a table without rows, its columns typed as in a full one.

    ``frame``, ``particle`` and ``votes`` are int64, all others float64.

    Examples
    --------
    >>> empty(DETECTION_COLUMNS).shape
    (0, 16)
    """
    return pd.DataFrame({column: pd.Series(dtype=_dtype(column)) for column in columns})


def check(table: pd.DataFrame, required: Iterable[str] = POINT) -> pd.DataFrame:
    """Return a copy whose required columns are present, numeric and finite.

    Parameters
    ----------
    table
        One row per point.
    required
        Columns that must be there. ``frame``, ``particle`` and ``votes`` hold
        whole numbers, ``frame`` from 0 on and below `MOST_FRAMES`; other columns are kept untouched.

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


def numbers_of(table: pd.DataFrame, name: str, takes: str) -> np.ndarray:
    """Return a column of numbers, refusing others for a format that takes none.

    Raises
    ------
    TableError
        When the column holds anything else.
    """
    values = table[name].to_numpy()
    if values.dtype.kind not in "iufb":
        raise TableError(f"Column {name} holds {values.dtype}; {takes} takes numbers only. Drop it first.")
    return values


def _dtype(column: str) -> type[np.generic]:
    return np.int64 if column in _WHOLE else np.float64


def _refuse_missing(table: pd.DataFrame, required: tuple[str, ...]) -> None:
    twice = [column for column in required if (table.columns == column).sum() > 1]
    if twice:
        raise TableError(f"Expected one column {twice[0]}, got several. Rename or drop the others.")
    missing = [column for column in required if column not in table.columns]
    if missing:
        there = ", ".join(map(_short, table.columns[:_SHOWN])) or "none"
        there += f" and {len(table.columns) - _SHOWN} more" if len(table.columns) > _SHOWN else ""
        raise TableError(
            f"Expected columns {', '.join(required)}; missing {', '.join(missing)}, got {there}. Rename or add them."
        )


def _numbers(series: pd.Series, column: str) -> np.ndarray:
    """Return a column as float64 or int64, refusing the first value that does not fit."""
    if series.dtype.kind in "mMc" or isinstance(series.dtype, pd.PeriodDtype):
        raise TableError(f"Column {column} must hold numbers, got {series.dtype}. Write it as numbers.")
    try:
        exact = pd.to_numeric(series, errors="coerce")
        values = exact.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise TableError(f"Column {column} must hold numbers, got {series.dtype}. Write it as numbers.") from error
    bad, expected = _bad(exact, values, column)
    if bad.any():
        row = int(bad.argmax())
        raise TableError(
            f"Column {column} must hold {expected}, got {_short(series.iloc[row])} in row {row} (counting from 0). "
            "Mend or drop that row."
        )
    return (exact.to_numpy() if exact.dtype.kind in "iu" else values).astype(_dtype(column))


def _bad(exact: pd.Series, values: np.ndarray, column: str) -> tuple[np.ndarray, str]:
    """Return which values do not fit, and what was expected of them."""
    if column not in _WHOLE:
        return ~(np.abs(values) <= _FARTHEST), "a number"
    if column == "frame":
        bad = (values != np.floor(values)) | ~(values >= 0)
        return bad | (values >= MOST_FRAMES), f"a whole number from 0{'' if bad.any() else f' below {MOST_FRAMES}'}"
    if exact.dtype.kind in "iu":
        large = exact > np.iinfo(np.int64).max
        return large.to_numpy(bool, na_value=True), f"a whole number below {2**63}"
    return (values != np.floor(values)) | ~(np.abs(values) <= _EXACT), "a whole number"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LETTERS else f"{text[:_LETTERS]}..."
