"""Tables as Parquet, every number to its last bit, with how they were made in the file's own metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import OutputError, TableError
from ..files import write_whole
from ..packages import require
from .csv_files import is_recipe

_KEY = b"napari-growtrack"


def _pyarrow() -> None:
    require("pyarrow", "Parquet", OutputError)


def read(path: Path) -> pd.DataFrame:
    """Read a Parquet file."""
    _pyarrow()
    from pyarrow import parquet

    if path.exists() and not path.is_file():
        raise TableError(f"{path.name} is not a Parquet file. Give the name of one.")
    try:
        return parquet.read_table(path, page_checksum_verification=True).to_pandas()
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # whatever pyarrow and pandas make of a file that is something else
        raise TableError(f"{path.name} is not a Parquet file, or not a whole one. Write it again.") from error


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None) -> None:
    """Write a Parquet file."""
    _pyarrow()
    import pyarrow
    from pyarrow import parquet

    try:
        found = pyarrow.Table.from_pandas(table, preserve_index=False)
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        raise TableError(f"Cannot write {path}: a column holds values of several kinds ({error}). Drop it.") from error
    story = {} if recipe is None else {_KEY: json.dumps(recipe, ensure_ascii=False).encode()}
    found = found.replace_schema_metadata({**(found.schema.metadata or {}), **story})
    write_whole(path, lambda file: parquet.write_table(found, file, write_page_checksum=True))


def recipe(path: Path) -> dict[str, Any] | None:
    """Return how the table was made, where the file tells."""
    _pyarrow()
    from pyarrow import parquet

    try:
        found = json.loads((parquet.read_schema(path).metadata or {}).get(_KEY, b"null"))
    except Exception:  # not a Parquet file, or a recipe that is none
        return None
    return found if is_recipe(found) else None
