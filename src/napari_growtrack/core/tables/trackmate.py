"""Tables as TrackMate's XML, which Fiji opens with Plugins > Tracking > Load a TrackMate file.

Positions are in micrometres and seconds where the recipe tells their size, else in pixels and frames. All columns that
TrackMate does not know are spot features of their own names.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd

from ..errors import TableError
from ..files import write_bytes
from .columns import POINT, check, numbers_of
from .csv_files import PROGRAM
from .lineages import families, links_of
from .trackmate_reading import RADII, RADIUS, read, recipe

__all__ = ["VERSION", "read", "recipe", "write"]

VERSION = "7.11.1"
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
_OF_TRACKS = {
    "first_frame": ("FIRST_FRAME", "NONE"),
    "last_frame": ("LAST_FRAME", "NONE"),
    "gaps": ("NUMBER_GAPS", "NONE"),
    "duration": ("TRACK_DURATION", "TIME"),
    "net_distance": ("TRACK_DISPLACEMENT", "LENGTH"),
    "path_length": ("TOTAL_DISTANCE_TRAVELED", "LENGTH"),
    "straightness": ("CONFINEMENT_RATIO", "NONE"),
    "mean_speed": ("TRACK_MEAN_SPEED", "VELOCITY"),
    "max_speed": ("TRACK_MAX_SPEED", "VELOCITY"),
    "radius_of_gyration": ("RADIUS_OF_GYRATION", "LENGTH"),
}
"""Columns of a table of tracks by TrackMate's names, where it has such features, and their dimensions."""

_TOLD_ANYWAY = ("particle", "length", "y", "x")
_COLUMNS = {"frame", "y", "x", "radius"}
_FEATURE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def write(table: pd.DataFrame, path: Path, recipe: dict[str, Any] | None, tracks: pd.DataFrame | None = None) -> None:
    """Write a TrackMate file; what is told of each trajectory becomes features of TrackMate's tracks."""
    table = check(table, (*POINT, "particle") if "particle" in table else POINT)
    _refuse_names(table)
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
    features = _track_features(tracks)
    _declare(model, table, extra, features)
    _spots(model, table, extra, pixel, time)
    _tracks(model, table, features)
    _settings(root, table, pixel, time)
    Xml.indent(root)
    write_bytes(path, Xml.tostring(root, "UTF-8", xml_declaration=True))


def _refuse_names(table: pd.DataFrame) -> None:
    """Refuse columns that cannot be features: XML would not be read again, or one would replace another."""
    seen = {"ID", "NAME", *_OWN} - {name.upper() for name in _COLUMNS}
    for name in map(str, table):
        if not _FEATURE.fullmatch(name):
            raise TableError(
                f"Column {name!r} cannot be a TrackMate feature: letters a to z, digits and _ only. Rename it."
            )
        if name.upper() in seen:
            raise TableError(f"Column {name} has the name of another TrackMate feature. Rename or drop it.")
        seen.add(name.upper())


def _track_features(tracks: pd.DataFrame | None) -> pd.DataFrame:
    """Return what is told of each trajectory, by its number, under TrackMate's names where it has any."""
    if tracks is None:
        return pd.DataFrame()
    told = tracks.set_index("particle").drop(columns=[*_TOLD_ANYWAY], errors="ignore")
    return told.rename(columns={name: _OF_TRACKS.get(name, (name.upper(), ""))[0] for name in map(str, told)})


def _declare(model: Xml.Element, table: pd.DataFrame, extra: list[str], of_tracks: pd.DataFrame) -> None:
    features = Xml.SubElement(model, "FeatureDeclarations")
    own = {name.upper(): (name, name, "NONE", table[name].dtype.kind in "iub") for name in extra}
    units = dict(_OF_TRACKS.values())
    more = {
        str(name): (_said(name), _said(name), units.get(str(name), "NONE"), of_tracks[name].dtype.kind in "iub")
        for name in of_tracks
    }
    known_of = {"SpotFeatures": _OWN | own, "EdgeFeatures": _EDGE, "TrackFeatures": _TRACK | more}
    for group, known in known_of.items():
        parent = Xml.SubElement(features, group)
        for feature, (name, short, dimension, whole) in known.items():
            told = {"feature": feature, "name": name, "shortname": short, "dimension": dimension}
            Xml.SubElement(parent, "Feature", told | {"isint": str(whole).lower()})


def _spots(model: Xml.Element, table: pd.DataFrame, extra: list[str], pixel: float, time: float) -> None:
    every = Xml.SubElement(model, "AllSpots", nspots=str(len(table)))
    if "radius" in table:
        every.set(RADII, "measured")  # TrackMate's spots always have one
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


def _said(feature: object) -> str:
    return str(feature).replace("_", " ").capitalize()


def _tracks(model: Xml.Element, table: pd.DataFrame, features: pd.DataFrame) -> None:
    """Write a track for all trajectories that links join; TrackMate knows none of a single detection.

    Features are those of a trajectory, so that a track of several has none.
    """
    particle, known = table.get("particle", pd.Series(dtype=int)).to_numpy(), features.to_dict("index")
    every, kept = Xml.SubElement(model, "AllTracks"), Xml.Element("FilteredTracks")
    if "particle" in table:
        for index, (number, links) in enumerate(_families(table)):
            told = {"name": f"Track_{number}", "TRACK_INDEX": str(index), "TRACK_ID": str(number)}
            if (particle[links] == number).all():
                told |= {str(name): _text(value) for name, value in known.get(number, {}).items()}
            track = Xml.SubElement(every, "Track", told | {"NUMBER_SPOTS": str(len(np.unique(links)))})
            for one, next_ in links:
                edge = {"SPOT_SOURCE_ID": str(one), "SPOT_TARGET_ID": str(next_), "LINK_COST": "-1.0"}
                Xml.SubElement(track, "Edge", edge)
            Xml.SubElement(kept, "TrackID", TRACK_ID=str(number))
    model.append(kept)


def _families(table: pd.DataFrame) -> Iterator[tuple[int, np.ndarray]]:
    """Yield trajectories that continue one another, by the least of their numbers, with their links, (k, 2)."""
    links = links_of(table)
    if not len(links):
        return
    particle = table["particle"].to_numpy()
    ends = pd.DataFrame(particle[links], columns=["before", "after"]).drop_duplicates()
    family = families(np.unique(particle), ends.to_numpy())
    numbers = pd.Series(particle[links[:, 0]]).map(family).to_numpy()
    order = np.lexsort([links[:, 1], numbers])
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-np.inf))
    for start, mine in zip(starts, np.split(order, starts[1:]), strict=True):
        yield int(numbers[order[start]]), links[mine]


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
