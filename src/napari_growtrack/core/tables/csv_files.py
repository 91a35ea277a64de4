"""Tables as CSV, with how they were made as JSON beside them."""

from __future__ import annotations

import json
import lzma
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import OutputError, TableError
from ..files import write_bytes
from .columns import empty
from .scales import SCALE

PROGRAM = "napari-growtrack"

_NO_CSV = "{} is not a CSV table; save it as comma-separated UTF-8 text."
_DAMAGED = (EOFError, zipfile.BadZipFile, lzma.LZMAError, tarfile.TarError, zlib.error, NotImplementedError)
_PLAIN = {".csv", ".txt", ".tsv", ""}


def as_csv(table: pd.DataFrame, header: bool = True) -> bytes:
    """Return a table as the bytes of a CSV file, numbers with ten significant digits."""
    return table.to_csv(index=False, header=header, float_format="%.10g", lineterminator="\n").encode()


def read(path: Path) -> pd.DataFrame:
    """Read a CSV file."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
        try:
            found = pd.read_csv(path, index_col=False)
        except pd.errors.EmptyDataError as error:
            raise TableError(f"{path.name} is empty; expected a CSV table with a header line.") from error
        except pd.errors.ParserWarning as error:
            raise TableError(
                f"{path.name} has rows of more values than its header has names. Name every column, or drop the rest."
            ) from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise TableError(_NO_CSV.format(path.name)) from error
        except (*_DAMAGED, ValueError) as error:
            raise TableError(_NO_CSV.format(path.name)) from error
    return found if len(found) else empty(found.columns)


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
    return found if is_recipe(found) else None


def is_recipe(found: Any) -> bool:
    """Return whether what lies beside a table is its recipe, or no more than its scale."""
    return isinstance(found, dict) and (found.get("program") == PROGRAM or ({*found} <= {*SCALE} and bool(found)))


def check_path(path: Path) -> Path:
    """Return where the recipe goes; refuse where it would replace a file that is no recipe of ours."""
    if path.suffix.lower() not in _PLAIN:
        raise OutputError(f"Cannot write {path}: a table is a CSV file. Choose a name ending in .csv.")
    beside = path.with_suffix(".json")
    if beside.exists() and recipe(path) is None:
        raise OutputError(f"Cannot write {path}: its recipe would replace {beside.name}. Choose another name.")
    return beside
