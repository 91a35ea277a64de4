"""Tables as CSV, with how they were made as JSON beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import OutputError, TableError
from ..files import write_bytes
from .columns import empty

PROGRAM = "napari-growtrack"


def as_csv(table: pd.DataFrame, header: bool = True) -> bytes:
    """Return a table as the bytes of a CSV file, numbers with ten significant digits."""
    return table.to_csv(index=False, header=header, float_format="%.10g", lineterminator="\n").encode()


def read(path: Path) -> pd.DataFrame:
    """Read a CSV file."""
    try:
        found = pd.read_csv(path)
        return found if len(found) else empty(found.columns)
    except pd.errors.EmptyDataError as error:
        raise TableError(f"{path.name} is empty; expected a CSV table with a header line.") from error
    except (pd.errors.ParserError, UnicodeError) as error:
        raise TableError(f"{path.name} is not a CSV table; save it as comma-separated UTF-8 text.") from error


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None) -> None:
    """Write a CSV file, and a recipe beside it."""
    beside = check_path(path)
    story = None if recipe is None else json.dumps(recipe, indent=2, ensure_ascii=False).encode()
    text = as_csv(table)
    write_bytes(path, text)
    if story is None:
        beside.unlink(missing_ok=True)  # it was of another table
    else:
        write_bytes(beside, story)


def recipe(path: Path) -> dict[str, Any] | None:
    """Return how the table was made, where a recipe of ours is beside it."""
    try:
        found = json.loads(path.with_suffix(".json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("program") == PROGRAM else None


def check_path(path: Path) -> Path:
    """Return where the recipe goes; refuse where it would replace a file that is no recipe of ours."""
    beside = path.with_suffix(".json")
    if beside == path:
        raise OutputError(f"Cannot write {path}: a table is a CSV file. Choose a name ending in .csv.")
    if beside.exists() and recipe(path) is None:
        raise OutputError(f"Cannot write {path}: its recipe would replace {beside.name}. Choose another name.")
    return beside
