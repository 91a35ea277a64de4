"""Reading of TrackMate's XML: of Fiji's files as much as of ours."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd

from ..errors import TableError
from .columns import check
from .csv_files import PROGRAM
from .lineages import with_particles
from .scales import micrometres, seconds

RADIUS = 3.0
"""Of the rings TrackMate draws where a table has no radius, in pixels."""
RADII = "radii"
"""Attribute of all spots that says that their radii are the table's."""

_PLACES = {"FRAME": "frame", "POSITION_Y": "y", "POSITION_X": "x"}
_UNREAD = {*_PLACES, "POSITION_Z", "POSITION_T", "QUALITY", "RADIUS", "VISIBILITY"}


def _root(path: Path) -> Xml.Element:
    try:
        text = path.read_bytes()
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # what bombs are made of; TrackMate writes none
            raise TableError(f"{path.name} declares entities, which no TrackMate file does. It is not read.")
        root = Xml.fromstring(text)
    except TableError:
        raise
    except (Xml.ParseError, ValueError, LookupError) as error:
        raise TableError(f"{path.name} is not XML, or not a whole file ({error}). Write it again.") from error
    if root.tag != "TrackMate" or root.find("Model/AllSpots") is None:
        tag = root.tag[:40]
        raise TableError(f"{path.name} is XML, but not TrackMate's: expected TrackMate/Model/AllSpots, got {tag}.")
    return root


def read(path: Path) -> pd.DataFrame:
    """Read the spots of a TrackMate file, ours or another's, in pixels; those of tracks get a ``particle``.

    As TrackMate shows them: without hidden spots, and without tracks that were filtered out. A track that splits or
    merges becomes several trajectories.
    """
    root = _root(path)
    spots = [spot.attrib for spot in root.iterfind("Model/AllSpots/SpotsInFrame/Spot") if _is_shown(spot)]
    table = check(_features(root, spots))
    pixel = _size(root)
    table = table.assign(**{axis: table[axis] / pixel for axis in ("y", "x", "radius") if axis in table})
    table = _linked(root, spots, table)
    if "radius" in table and _has_no_radii(root, table):
        table = table.drop(columns="radius")
    return table.sort_values("frame", kind="stable", ignore_index=True)


def _is_shown(spot: Xml.Element) -> bool:
    return spot.get("VISIBILITY", "1") not in ("0", "0.0")


def _features(root: Xml.Element, spots: list[dict[str, str]]) -> pd.DataFrame:
    """Return a column for each feature that any spot has."""
    declared = {"FRAME": True}
    for feature in root.iterfind("Model/FeatureDeclarations/SpotFeatures/Feature"):
        declared[feature.get("feature", "")] = feature.get("isint") == "true"
    names = _PLACES | {name: name.lower() for name in declared if name not in _UNREAD} | {"RADIUS": "radius"}
    there = set().union(*spots) if spots else {*names}
    return pd.DataFrame(
        {column: _column(spots, name, declared.get(name, False)) for name, column in names.items() if name in there}
    )


def _column(spots: list[dict[str, str]], feature: str, whole: bool) -> np.ndarray:
    """Return a feature as numbers; whole ones where it is whole in every spot."""
    told = np.array([spot.get(feature, "nan") for spot in spots], object)
    try:
        if whole:
            return told.astype(np.int64)
    except (ValueError, OverflowError):
        pass  # some spots have none, or it was written as 1.0
    try:
        values = told.astype(float)
    except ValueError as error:
        raise TableError(f"Spots have features that are no numbers: {feature} ({_short(error)}). Mend them.") from error
    exact = whole and bool((np.abs(values) < 2**53).all() and (values == np.floor(values)).all())
    return values.astype(np.int64) if exact else values


def _short(error: Exception) -> str:
    return str(error)[:80]


def _number(element: Xml.Element | None, name: str) -> float:
    """Return a number of the image, 1 where it has none.

    Raises
    ------
    TableError
        When it is no number, such as one with a decimal comma.
    """
    text = element.get(name, "1") if element is not None else "1"
    try:
        return float(text)
    except ValueError:
        raise TableError(
            f"Expected a number as {name} of its image, got {text[:40]!r}. Write it with a point, such as 0.5."
        ) from None


def _size(root: Xml.Element) -> float:
    size = _number(root.find("Settings/ImageData"), "pixelwidth")
    if not (math.isfinite(size) and size > 0):
        raise TableError(f"Expected a pixelwidth above 0, got {size:g}. Mend its ImageData.")
    return size


def _has_no_radii(root: Xml.Element, table: pd.DataFrame) -> bool:
    """Return whether radii are those of a file of ours whose table had none; TrackMate names its detector."""
    every = root.find("Model/AllSpots")
    measured = every is not None and every.get(RADII) is not None
    if measured or root.find("Settings/DetectorSettings") is not None:
        return False
    return bool(np.isclose(table["radius"], RADIUS, rtol=1e-12).all())


def _linked(root: Xml.Element, spots: list[dict[str, str]], table: pd.DataFrame) -> pd.DataFrame:
    """Return spots with the particle each is, without those of no shown track; all where there are no tracks."""
    tracks = [(_track_id(track), track) for track in root.iterfind("Model/AllTracks/Track")]
    edges = [(number, *_ends(edge)) for number, track in tracks for edge in track.iterfind("Edge")]
    if not edges:
        return table
    filtered = root.find("Model/FilteredTracks")
    shown = {number for number, _ in tracks} if filtered is None else {_track_id(track) for track in filtered}
    every = _spot_ids(root)
    row_of = {spot["ID"]: row for row, spot in enumerate(spots)}
    lost = next((end for _, *ends in edges for end in ends if end not in every), None)
    if lost is not None:
        raise TableError(f"A link names spot {lost[:40]!r}, which is not there. Write the file again.")
    track_of = np.full(len(spots), -1, np.int64)
    hidden = np.zeros(len(spots), bool)
    links = []
    for number, *ends in edges:
        rows = [row_of[end] for end in ends if end in row_of]
        track_of[rows] = number
        hidden[rows] = number not in shown
        links += [rows] if len(rows) == 2 and number in shown else []
    kept = ~hidden if "particle" in table else (track_of >= 0) & ~hidden
    place = np.cumsum(kept) - 1
    table = table if "particle" in table else table.assign(particle=track_of)
    return with_particles(table[kept].reset_index(drop=True), place[np.array(links, np.int64).reshape(-1, 2)])


def _ends(edge: Xml.Element) -> tuple[str, str]:
    return edge.get("SPOT_SOURCE_ID", ""), edge.get("SPOT_TARGET_ID", "")


def _spot_ids(root: Xml.Element) -> set[str]:
    """Return the numbers of all spots, refusing spots of none, or of one number."""
    numbers = [spot.get("ID") for spot in root.iterfind("Model/AllSpots/SpotsInFrame/Spot")]
    if None in numbers:
        raise TableError("It holds spots without an ID, so that links lead nowhere. Write the file again.")
    if len({*numbers}) < len(numbers):
        raise TableError("It holds several spots of one ID. Write the file again.")
    return {str(number) for number in numbers}


def _track_id(track: Xml.Element) -> int:
    text = track.get("TRACK_ID", "0")
    try:
        number = float(text)
        if number == math.floor(number) and 0 <= number < 2**53:
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise TableError(f"Expected a whole number from 0 as TRACK_ID, got {text[:40]!r}. Write the file again.")


def _log(root: Xml.Element) -> dict[str, Any] | None:
    text = root.findtext("Log") or ""
    if not text.startswith(f"{PROGRAM} "):
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text.removeprefix(f"{PROGRAM} "))  # TrackMate writes on behind it
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def recipe(path: Path) -> dict[str, Any] | None:
    """Return how the table was made, where it is ours, or the pixel size and frame time of another's."""
    root = _root(path)
    if (found := _log(root)) is not None:
        return found
    image, model = root.find("Settings/ImageData"), root.find("Model")
    if image is None or model is None:
        return None
    length, second = micrometres(model.get("spatialunits")), seconds(model.get("timeunits"))
    known = {}
    if length is not None:
        known["pixel_size"] = _size(root) * length
    step = _number(image, "timeinterval")
    if second is not None and math.isfinite(step) and step > 0:  # TrackMate writes 0 where it does not know
        known["frame_time"] = step * second
    return known or None
