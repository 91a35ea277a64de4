"""Tables as GEFF, the graph exchange format of track editors: a node for each point, an edge for each link.

Positions stay in pixels and frames; pixel size and frame time are the axes' scales.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import OutputError, TableError
from ..optional import require
from .columns import numbers_of
from .csv_files import PROGRAM

_AXES = {"t": "frame", "y": "y", "x": "x"}
_NAMES = {column: name for name, column in _AXES.items()}


def _geff() -> None:
    require("geff", "GEFF", OutputError)


def read(path: Path) -> pd.DataFrame:
    """Read a GEFF folder, or the one that a folder of a track editor holds; nodes are sorted by frame.

    Links say which nodes are one particle, whatever a property says: an editor may have changed them. Where a
    particle divides, or two become one, trajectories end.
    """
    _geff()
    from geff.core_io import read_to_memory

    path = _inside(path)
    try:
        found = read_to_memory(path)
    except Exception as error:  # whatever zarr and geff make of a folder that is something else
        raise TableError(f"{path.name} is not a GEFF folder, or not a whole one ({error}). Write it again.") from error
    columns = {_AXES.get(name, name): prop["values"] for name, prop in found["node_props"].items()}
    table = pd.DataFrame({name: values for name, values in columns.items() if values.ndim == 1})
    if len(found["edge_ids"]):
        table["particle"] = _numbered(table, found["node_ids"], found["edge_ids"])
    return table.sort_values("frame", kind="stable", ignore_index=True) if "frame" in table else table


def _inside(path: Path) -> Path:
    """Return the GEFF folder itself; motile-tracker puts it into another one, beside its segmentation."""
    inside = [*path.glob("*.geff")] if path.is_dir() else []
    return inside[0] if len(inside) == 1 else path


def _numbered(table: pd.DataFrame, nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return which particle each node is, by the links; numbers that still say the same are kept."""
    found = _components(nodes, edges)
    if "particle" not in table:
        return found
    said = table["particle"].to_numpy()
    pairs = pd.DataFrame({"found": found, "said": said}).drop_duplicates()
    return said if pairs["found"].is_unique and pairs["said"].is_unique else found


def _components(nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return a number for each node, the same for all that a chain of links joins."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    order = np.argsort(nodes)
    ends = order[np.searchsorted(nodes, edges, sorter=order)]
    leaving, coming = (np.bincount(ends[:, side], minlength=len(nodes)) for side in (0, 1))
    ends = ends[(leaving[ends[:, 0]] == 1) & (coming[ends[:, 1]] == 1)]
    graph = coo_array((np.ones(len(ends)), ends.T), shape=(len(nodes), len(nodes)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None) -> None:
    """Write a GEFF folder, whole or not at all."""
    _geff()
    from geff import GeffMetadata
    from geff.core_io import write_arrays

    check_path(path)
    story = recipe or {}
    axes = [
        _axis("t", "time", "frame", story.get("frame_time"), "second"),
        _axis("y", "space", "pixel", story.get("pixel_size"), "micrometer"),
        _axis("x", "space", "pixel", story.get("pixel_size"), "micrometer"),
    ]
    told: dict[str, Any] = {
        "directed": True,
        "axes": axes,
        "node_props_metadata": {},
        "edge_props_metadata": {},
        "extra": {} if recipe is None else {PROGRAM: recipe},
    }
    if "particle" in table:
        told["track_node_props"] = {"tracklet": "particle"}
    columns = [str(name) for name in table]
    props: Any = {
        _NAMES.get(name, name): {"values": numbers_of(table, name, "GEFF"), "missing": None} for name in columns
    }
    nodes = np.arange(len(table), dtype=np.uint64)
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(partial, nodes, props, _links(table), {}, GeffMetadata(**told))
        if path.exists():
            shutil.rmtree(path)
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"Cannot write {path}: {reason}. Free some room or choose another folder.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _axis(name: str, kind: str, unit: str, scale: float | None, scaled_unit: str) -> dict[str, Any]:
    scaled = {} if scale is None else {"scale": float(scale), "scaled_unit": scaled_unit}
    return {"name": name, "type": kind, "unit": unit} | scaled


def _links(table: pd.DataFrame) -> np.ndarray:
    """Return the rows of detections that follow one another in a trajectory, (n, 2) uint64."""
    if "particle" not in table or len(table) < 2:
        return np.empty((0, 2), np.uint64)
    order = np.lexsort([table["frame"].to_numpy(), table["particle"].to_numpy()])
    particle = table["particle"].to_numpy()[order]
    same = particle[1:] == particle[:-1]
    return np.stack([order[:-1][same], order[1:][same]], 1).astype(np.uint64)


def recipe(path: Path) -> dict[str, Any] | None:
    """Return how the table was made, and the axes' scales."""
    _geff()
    from geff import GeffMetadata

    try:
        told = GeffMetadata.read(_inside(path))
    except Exception:  # not a GEFF folder
        return None
    found = (told.extra or {}).get(PROGRAM)
    return found if isinstance(found, dict) else None


def check_path(path: Path) -> None:
    """Refuse to replace anything but a GEFF folder."""
    if path.exists() and not ((path / ".zattrs").exists() or (path / "zarr.json").exists()):
        raise OutputError(f"Cannot write {path}: it is there and no GEFF folder. Choose another name.")
