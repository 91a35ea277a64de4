"""Tables as TrackMate's XML, which Fiji opens with Plugins > Tracking > Load a TrackMate file.

Positions are in micrometres and seconds where the recipe tells their size, else in pixels and frames. All columns that
TrackMate does not know are spot features of their own names.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd

from ..errors import TableError
from ..files import write_bytes
from .columns import numbers_of
from .csv_files import PROGRAM

VERSION = "7.11.1"
RADIUS = 3.0
"""Of the rings TrackMate draws where a table has no radius, in pixels."""

_OWN = {
    "QUALITY": ("Quality", "Quality", "QUALITY", False),
    "POSITION_X": ("X", "X", "POSITION", False),
    "POSITION_Y": ("Y", "Y", "POSITION", False),
    "POSITION_Z": ("Z", "Z", "POSITION", False),
    "POSITION_T": ("T", "T", "TIME", False),
    "FRAME": ("Frame", "Frame", "NONE", True),
    "RADIUS": ("Radius", "R", "LENGTH", False),
    "VISIBILITY": ("Visibility", "Visibility", "NONE", True),
}
_EDGE = {
    "SPOT_SOURCE_ID": ("Source spot ID", "Source ID", "NONE", True),
    "SPOT_TARGET_ID": ("Target spot ID", "Target ID", "NONE", True),
    "LINK_COST": ("Edge cost", "Cost", "COST", False),
}
_TRACK = {
    "TRACK_INDEX": ("Track index", "Index", "NONE", True),
    "TRACK_ID": ("Track ID", "ID", "NONE", True),
    "NUMBER_SPOTS": ("Number of spots in track", "N spots", "NONE", True),
}
_COLUMNS = {"frame", "y", "x", "radius"}


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None) -> None:
    """Write a TrackMate file."""
    story = recipe or {}
    pixel, time = (float(story.get(name) or 1.0) for name in ("pixel_size", "frame_time"))
    root = Xml.Element("TrackMate", version=VERSION)
    if recipe is not None:
        Xml.SubElement(root, "Log").text = f"{PROGRAM} {json.dumps(recipe, ensure_ascii=False)}"
    units = {
        "spatialunits": "pixel" if story.get("pixel_size") is None else "micron",
        "timeunits": "frame" if story.get("frame_time") is None else "sec",
    }
    model = Xml.SubElement(root, "Model", units)
    extra = [str(name) for name in table if name not in _COLUMNS]
    _declare(model, table, extra)
    _spots(model, table, extra, pixel, time)
    _tracks(model, table)
    _settings(root, table, pixel, time)
    Xml.indent(root)
    write_bytes(path, Xml.tostring(root, "UTF-8", xml_declaration=True))


def _declare(model: Xml.Element, table: pd.DataFrame, extra: list[str]) -> None:
    features = Xml.SubElement(model, "FeatureDeclarations")
    own = {name.upper(): (name, name, "NONE", table[name].dtype.kind in "iub") for name in extra}
    for group, known in (("SpotFeatures", _OWN | own), ("EdgeFeatures", _EDGE), ("TrackFeatures", _TRACK)):
        parent = Xml.SubElement(features, group)
        for feature, (name, short, dimension, whole) in known.items():
            told = {"feature": feature, "name": name, "shortname": short, "dimension": dimension}
            Xml.SubElement(parent, "Feature", told | {"isint": str(whole).lower()})


def _spots(model: Xml.Element, table: pd.DataFrame, extra: list[str], pixel: float, time: float) -> None:
    every = Xml.SubElement(model, "AllSpots", nspots=str(len(table)))
    numbers = {str(name): numbers_of(table, str(name), "TrackMate") for name in table}
    quality = numbers.get("significance", -numbers["distance"] if "distance" in numbers else None)
    for frame in np.unique(numbers["frame"]):
        parent = Xml.SubElement(every, "SpotsInFrame", frame=str(int(frame)))
        for i in np.flatnonzero(numbers["frame"] == frame):
            radius = numbers["radius"][i] if "radius" in numbers else RADIUS
            told = {
                "ID": str(i),
                "name": f"ID{i}",
                "QUALITY": _text(1.0 if quality is None or not math.isfinite(quality[i]) else quality[i]),
                "POSITION_X": _text(pixel * numbers["x"][i]),
                "POSITION_Y": _text(pixel * numbers["y"][i]),
                "POSITION_Z": "0.0",
                "POSITION_T": _text(time * frame),
                "FRAME": str(int(frame)),
                "RADIUS": _text(pixel * radius),
                "VISIBILITY": "1",
            }
            Xml.SubElement(parent, "Spot", told | {name.upper(): _text(numbers[name][i]) for name in extra})


def _tracks(model: Xml.Element, table: pd.DataFrame) -> None:
    """Write a track for each trajectory of two detections or more; TrackMate knows no shorter ones."""
    every, kept = Xml.SubElement(model, "AllTracks"), Xml.Element("FilteredTracks")
    if "particle" in table:
        ordered = table.reset_index(drop=True).sort_values(["particle", "frame"])
        for index, (particle, rows) in enumerate(ordered.groupby("particle")):
            if len(rows) < 2:
                continue
            told = {"name": f"Track_{particle}", "TRACK_INDEX": str(index), "TRACK_ID": str(particle)}
            track = Xml.SubElement(every, "Track", told | {"NUMBER_SPOTS": str(len(rows))})
            for one, next_ in zip(rows.index[:-1], rows.index[1:], strict=True):
                edge = {"SPOT_SOURCE_ID": str(one), "SPOT_TARGET_ID": str(next_), "LINK_COST": "-1.0"}
                Xml.SubElement(track, "Edge", edge)
            Xml.SubElement(kept, "TrackID", TRACK_ID=str(particle))
    model.append(kept)


def _settings(root: Xml.Element, table: pd.DataFrame, pixel: float, time: float) -> None:
    size = {axis: int(table[axis].max()) + 1 if len(table) else 1 for axis in ("y", "x", "frame")}
    settings = Xml.SubElement(root, "Settings")
    image = {
        "filename": "", "folder": "", "width": str(size["x"]), "height": str(size["y"]), "nslices": "1",
        "nframes": str(size["frame"]), "pixelwidth": _text(pixel), "pixelheight": _text(pixel), "voxeldepth": "1.0",
        "timeinterval": _text(time),
    }  # fmt: skip
    Xml.SubElement(settings, "ImageData", image)
    ends = {"xstart": 0, "xend": size["x"] - 1, "ystart": 0, "yend": size["y"] - 1, "zstart": 0, "zend": 0}
    ends |= {"tstart": 0, "tend": size["frame"] - 1}
    Xml.SubElement(settings, "BasicSettings", {name: str(end) for name, end in ends.items()})
    Xml.SubElement(root, "GUIState", state="ConfigureViews")


def _text(value: Any) -> str:
    """Return a number so that it is read as the same, to the bit."""
    if isinstance(value, (np.integer, np.bool_, int)):
        return str(int(value))
    return repr(float(value)).replace("nan", "NaN")


# Reading --------------------------------------------------------------------------------------------------------------


def _root(path: Path) -> Xml.Element:
    try:
        text = path.read_bytes()
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # what bombs are made of; TrackMate writes none
            raise TableError(f"{path.name} declares entities, which no TrackMate file does. It is not read.")
        root = Xml.fromstring(text)
    except Xml.ParseError as error:
        raise TableError(f"{path.name} is not XML, or not a whole file ({error}). Write it again.") from error
    if root.tag != "TrackMate" or root.find("Model/AllSpots") is None:
        raise TableError(f"{path.name} is XML, but not TrackMate's: expected TrackMate/Model/AllSpots, got {root.tag}.")
    return root


def read(path: Path) -> pd.DataFrame:
    """Read the spots of a TrackMate file, ours or another's, in pixels; those of tracks get a ``particle``."""
    root = _root(path)
    spots = [dict(spot.attrib) for spot in root.iterfind("Model/AllSpots/SpotsInFrame/Spot")]
    names, whole, pixel = _names(root), _whole(root), _size(root)
    try:
        table = pd.DataFrame({names[feature]: _column(spots, feature, feature in whole) for feature in names})
    except (ValueError, TypeError) as error:
        raise TableError(f"{path.name} has spots whose features are no numbers ({error}).") from error
    table = table.assign(**{axis: table[axis] / pixel for axis in ("y", "x", "radius")})
    if "particle" not in table:
        table = _numbered(root, spots, table)
    if np.isclose(table["radius"], RADIUS, rtol=1e-12).all():  # ours, of a table without
        table = table.drop(columns="radius")
    return table.sort_values("frame", kind="stable", ignore_index=True)


def _column(spots: list[dict[str, str]], feature: str, whole: bool) -> np.ndarray:
    values = np.array([spot.get(feature, "nan") for spot in spots], object).astype(float)
    return values.astype(np.int64) if whole else values


def _whole(root: Xml.Element) -> set[str]:
    features = root.iterfind("Model/FeatureDeclarations/SpotFeatures/Feature")
    return {"FRAME", *(feature.get("feature", "") for feature in features if feature.get("isint") == "true")}


def _names(root: Xml.Element) -> dict[str, str]:
    """Return which feature is which column."""
    found = {"FRAME": "frame", "POSITION_Y": "y", "POSITION_X": "x"}
    for feature in root.iterfind("Model/FeatureDeclarations/SpotFeatures/Feature"):
        name = feature.get("feature", "")
        if name not in _OWN:
            found[name] = name.lower()
    found["RADIUS"] = "radius"
    return found


def _size(root: Xml.Element) -> float:
    image = root.find("Settings/ImageData")
    size = float(image.get("pixelwidth", "1")) if image is not None else 1.0
    return size if math.isfinite(size) and size > 0 else 1.0


def _numbered(root: Xml.Element, spots: list[dict[str, str]], table: pd.DataFrame) -> pd.DataFrame:
    """Return spots with the track each belongs to, without those of none; as they are where there are no tracks."""
    track_of: dict[str, int] = {}
    for track in root.iterfind("Model/AllTracks/Track"):
        for edge in track.iterfind("Edge"):
            for end in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID"):
                track_of[edge.get(end, "")] = int(track.get("TRACK_ID", "0"))
    if not track_of:
        return table
    numbers = np.array([track_of.get(spot.get("ID", ""), -1) for spot in spots], np.int64)
    return table.assign(particle=numbers)[numbers >= 0]


def _log(root: Xml.Element) -> dict[str, Any] | None:
    text = root.findtext("Log") or ""
    if not text.startswith(f"{PROGRAM} "):
        return None
    try:
        found = json.loads(text.removeprefix(f"{PROGRAM} "))
    except ValueError:
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
    known = {}
    if model.get("spatialunits") in ("micron", "µm", "um", "micrometer"):
        known["pixel_size"] = _size(root)
    if model.get("timeunits") in ("sec", "s", "second", "seconds"):
        known["frame_time"] = float(image.get("timeinterval", "1"))
    return known or None
