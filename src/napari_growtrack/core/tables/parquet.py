"""Tables as Parquet, every number to its last bit, with how they were made in the file's own metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import OutputError, TableError
from ..files import write_whole
from ..optional import require
from .csv_files import PROGRAM

_KEY = b"napari-growtrack"


def _pyarrow() -> None:
    require("pyarrow", "Parquet", OutputError)


def read(path: Path) -> pd.DataFrame:
    """Read a Parquet file."""
    _pyarrow()
    from pyarrow import ArrowException, parquet

    try:
        return parquet.read_table(path).to_pandas()
    except (ArrowException, ValueError) as error:
        raise TableError(f"{path.name} is not a Parquet file, or not a whole one. Write it again.") from error


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None) -> None:
    """Write a Parquet file."""
    _pyarrow()
    import pyarrow
    from pyarrow import parquet

    found = pyarrow.Table.from_pandas(table, preserve_index=False)
    story = {} if recipe is None else {_KEY: json.dumps(recipe, ensure_ascii=False).encode()}
    found = found.replace_schema_metadata({**(found.schema.metadata or {}), **story})
    write_whole(path, lambda file: parquet.write_table(found, file))


def recipe(path: Path) -> dict[str, Any] | None:
    """Return how the table was made, where the file tells."""
    _pyarrow()
    from pyarrow import ArrowException, parquet

    try:
        found = json.loads((parquet.read_schema(path).metadata or {}).get(_KEY, b"null"))
    except (ArrowException, ValueError, OSError):
        return None
    return found if isinstance(found, dict) and found.get("program") == PROGRAM else None
