"""Tables as GEFF, the graph exchange format of track editors: a node for each point, an edge for each link.

Positions stay in pixels and frames; pixel size and frame time are the axes' scales.
"""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import GrowtrackWarning, OutputError, TableError
from ..packages import require
from .columns import POINT, check, numbers_of
from .csv_files import PROGRAM
from .geff_axes import OWN, Layout, Scale, frames_of, known_of, layout_of, scale_of
from .lineages import RELATIVES, lineages_of, links_of, with_particles
from .scales import sane

_NAMES = {"frame": "t"}
_LINEAGE = "lineage"
"""Node property of our folders: the trajectories that divisions and merges join have one number."""


def _geff() -> None:
    require("geff", "GEFF", OutputError)


def read(path: Path) -> pd.DataFrame:
    """Read a GEFF folder, or the one that a folder of a track editor holds, in pixels; nodes are sorted by frame.

    Links say which nodes are one particle, whatever a property says: an editor may have changed them. Where a
    particle divides, or two become one, trajectories end. Where positions are lengths and nothing tells a pixel size,
    the unit is taken for the pixel, and the recipe says so.
    """
    found, layout, props = _opened(path)
    known = sane(known_of(layout, props))
    frames, _ = frames_of(layout, props, known)
    scale = scale_of(layout, known)
    if scale.assumed:
        _warn_of_unit(path, scale)
    mine = {"frame": frames, "y": _scaled(props, layout.y, scale.y), "x": _scaled(props, layout.x, scale.x)}
    told_anyway = {*mine, *OWN, layout.t, layout.y, layout.x, *([_LINEAGE] if PROGRAM in layout.extra else [])}
    others = {name: props[name] for name in props if name not in told_anyway}
    table = check(pd.DataFrame(mine | others))
    links = _rows(found["node_ids"], found["edge_ids"])
    missing = "particle" in table and table["particle"].isna().any()
    if len(links) or missing:
        table = with_particles(table, links)
    return table.sort_values("frame", kind="stable", ignore_index=True)


def _warn_of_unit(path: Path, scale: Scale) -> None:
    unit = scale.assumed
    right = "What is told in micrometres is right" if scale.pixel_size else "No length of that name is known here"
    warnings.warn(
        f"{path.name} has positions in {unit} and tells no pixel size: 1 {unit} is taken for the pixel. {right}; to "
        "lay it over its film, write the axes' scale.",
        GrowtrackWarning,
        stacklevel=2,
    )


def _opened(path: Path, recipe_only: bool = False) -> tuple[Any, Layout, dict[str, np.ndarray]]:
    """Return what is in a folder, which property is which, and the properties, nan where they are missing."""
    _geff()
    from geff import GeffMetadata
    from geff.core_io import read_to_memory

    path = _inside(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units that are not in OME's list
            layout = layout_of(GeffMetadata.read(path))
            names = layout.needed(layout.told.node_props_metadata) if recipe_only else None
            found = read_to_memory(path, node_props=names, edge_props=())
            props = {name: _filled(prop) for name, prop in found["node_props"].items()}
    except TableError:
        raise
    except Exception as error:  # whatever zarr and geff make of a folder that is something else
        reason = _shortened(str(error))
        raise TableError(f"{path.name} is not a GEFF folder, or not a whole one ({reason}). Write it again.") from error
    props = {name: values for name, values in props.items() if values.ndim == 1}
    lost = [
        name for name in (layout.t, layout.y, layout.x) if name not in props and not (recipe_only and name != layout.t)
    ]
    if lost or any(len(values) != len(found["node_ids"]) for values in props.values()):
        raise TableError(f"It holds no whole property {lost[0] if lost else 'of its nodes'}. Write it again.")
    return found, layout, props


def _shortened(text: str, most: int = 200) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}..."


def _filled(prop: Any) -> np.ndarray:
    values, missing = prop["values"], prop["missing"]
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if missing is None or not missing.any() or values.ndim != 1:
        return values
    filled = values.astype(float if values.dtype.kind in "iufb" else object)
    filled[missing] = np.nan
    return filled


def _scaled(props: dict[str, np.ndarray], name: str, factor: float) -> np.ndarray:
    values = props[name]
    return values if factor == 1.0 or values.dtype.kind not in "iuf" else values * factor


def _inside(path: Path) -> Path:
    """Return the GEFF folder itself; track editors put it into another one, beside its segmentation."""
    inside = [*path.glob("*.geff")] if path.is_dir() else []
    return inside[0] if len(inside) == 1 else path


def _rows(nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return edges as rows of the table, refusing those that name no node."""
    if len(np.unique(nodes)) < len(nodes):
        raise TableError("It holds several nodes of one number: a part of it is lost or damaged. Write it again.")
    if not len(edges):
        return np.empty((0, 2), np.int64)
    order = np.argsort(nodes)
    places = np.minimum(np.searchsorted(nodes, edges, sorter=order), len(nodes) - 1)
    rows = order[places] if len(nodes) else places
    if not len(nodes) or (nodes[rows] != edges).any():
        raise TableError("It holds edges that name no node: a part of it is lost or damaged. Write it again.")
    return rows


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None) -> None:
    """Write a GEFF folder, whole or not at all."""
    _geff()
    from geff import GeffMetadata
    from geff.core_io import write_arrays

    check_path(path)
    table = check(table, (*POINT, "particle") if "particle" in table else POINT)
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
    if "particle" in table and {*RELATIVES} & {*columns} and _LINEAGE not in columns:
        props[_LINEAGE] = {"values": lineages_of(table), "missing": None}
        told["track_node_props"][_LINEAGE] = _LINEAGE
    for name, told_as in OWN.items():
        if story.get(told_as) is not None:
            props[name] = {"values": np.full(len(table), float(story[told_as])), "missing": None}
    nodes = np.arange(len(table), dtype=np.uint64)
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(partial, nodes, props, links_of(table).astype(np.uint64), {}, GeffMetadata(**told))
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


def recipe(path: Path) -> dict[str, Any] | None:
    """Return how the table was made, and the axes' scales."""
    try:
        _, layout, props = _opened(path, recipe_only=True)
        made = known_of(layout, props)
        known = sane(made)
        told = {
            "pixel_size": scale_of(layout, known).pixel_size,
            "frame_time": frames_of(layout, props, known)[1],
        }
    except TableError:  # not a GEFF folder
        return None
    return made | {name: value for name, value in told.items() if value is not None and name not in known} or None


def check_path(path: Path) -> None:
    """Refuse to replace anything but a GEFF folder."""
    if path.exists() and not ((path / ".zattrs").exists() or (path / "zarr.json").exists()):
        raise OutputError(f"Cannot write {path}: it is there and no GEFF folder. Choose another name.")
