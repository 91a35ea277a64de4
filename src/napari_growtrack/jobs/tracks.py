"""Measure each trajectory by itself, and choose among them: those of a layer, or those of a table on the disk."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..core.errors import OutputError
from ..core.files import check_apart
from ..core.motion import Units
from ..core.motion.report import chosen_motion
from ..core.motion.tracks import NO_TRACK_LIMITS, TRACK_COLUMNS, TrackLimits, iter_tracks, of_tracks
from ..core.packages.version import package_version
from ..core.progress import Progress
from ..core.tables import PROGRAM, Limits, check_table, read_recipe, read_table, write_table
from .context import Context
from .motion import MotionOf, told_units

SUFFIXES = (".csv", ".parquet")
"""Endings of tables of tracks: other formats are made of detections."""


class TrackSurvey(NamedTuple):
    """What each of some trajectories tells by itself: a table of tracks."""

    table: pd.DataFrame


@dataclass(frozen=True, eq=False)
class SurveyTracks:
    """Measure every trajectory by itself, in the units and without the drift as it is asked."""

    motion: MotionOf

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield a `TrackSurvey`."""
        table = yield from iter_tracks(
            chosen_motion(self.motion.trajectories, self.motion.without_drift), self.motion.units
        )
        yield TrackSurvey(table)


class MeasuredTracks(NamedTuple):
    """What came of measuring a table.

    Attributes
    ----------
    tracks : DataFrame
        The table of tracks that was written: of those within the limits.
    measured : int
        How many there were before.
    files : list of Path
        What was written.
    """

    tracks: pd.DataFrame
    measured: int
    files: list[Path]


@dataclass(frozen=True)
class MeasureTracks:
    """Write a table of tracks of a table's trajectories, and, where that is asked, the trajectories it lists.

    Attributes
    ----------
    trajectories, tracks : path
        The table to read, and the one to write, as CSV or Parquet.
    limits : TrackLimits
        Which are kept; in the units told.
    kept : path, optional
        Where their trajectories go, by its ending.
    pixel_size, frame_time : float, optional
        In micrometres and seconds; by default as the table's recipe tells them.
    exposure : str, optional
        Seconds, or a share of a frame such as ``50%``; by default as the recipe tells. The exponent needs it.
    without_drift, exponent : bool
        Whether common motion is taken away first; whether the exponent of each is told.
    """

    trajectories: str | Path
    tracks: str | Path = "tracks.csv"
    limits: TrackLimits = NO_TRACK_LIMITS
    kept: str | Path | None = None
    pixel_size: float | None = None
    frame_time: float | None = None
    exposure: str | None = None
    without_drift: bool = False
    exponent: bool = False

    def steps(self, context: Context | None = None) -> Generator[Progress, None, MeasuredTracks]:
        """Yield `Progress`.

        Raises
        ------
        TableError, MotionError
            As `core.motion.tracks.measure_tracks` does.
        OutputError
            When a table cannot be written.
        """
        self._check()
        known: dict[str, Any] = read_recipe(self.trajectories) or {}
        units = told_units(known, self.exposure, pixel_size=self.pixel_size, frame_time=self.frame_time)
        table = read_table(self.trajectories, ("frame", "y", "x", "particle"))
        asked = self.exponent or self.limits.needs_exponent
        measured = yield from iter_tracks(chosen_motion(table, self.without_drift), units, asked)
        tracks = measured[self.limits.inside(measured)].reset_index(drop=True)
        write_table(tracks, self.tracks, self._recipe(known, units, tracks))
        files = [Path(self.tracks)]
        if self.kept is not None:
            told = {name: getattr(units, name) for name in ("pixel_size", "frame_time", "exposure_time")}
            told = {name: value for name, value in told.items() if value is not None}
            recipe = {"program": PROGRAM, "version": package_version(), **known, **told, "limits": self.limits.plain()}
            write_table(of_tracks(table, tracks), self.kept, recipe, tracks)
            files.append(Path(self.kept))
        return MeasuredTracks(tracks, len(measured), files)

    def _check(self) -> None:
        """Refuse places where nothing can be written, before long work."""
        check_suffix(self.tracks)
        places = [str(self.tracks), *([] if self.kept is None else [str(self.kept)])]
        check_apart(str(self.trajectories), *places)
        for place in places:
            check_table(place)

    def _recipe(self, known: dict[str, Any], units: Units, tracks: pd.DataFrame) -> dict[str, Any]:
        return recipe_of_tracks(Path(self.trajectories).name, known, units, [*tracks], self.without_drift, self.limits)


def check_suffix(path: str | Path) -> None:
    """Refuse a format that is made of detections.

    Raises
    ------
    OutputError
        When the ending is another than those of `SUFFIXES`.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise OutputError(f"Cannot write {path}: a table of tracks is CSV or Parquet. Choose a name ending in .csv.")


def recipe_of_tracks(
    trajectories: str,
    linked: Mapping[str, Any],
    units: Units,
    columns: Sequence[str],
    without_drift: bool,
    limits: Limits,
) -> dict[str, Any]:
    """Return how a table of tracks was made, with the unit of each column, as plain values."""
    return {
        "program": PROGRAM,
        "version": package_version(),
        "trajectories": trajectories,
        "linked": dict(linked) or None,
        **{name: value for name, value in units.model_dump().items() if value is not None},
        "units": {name: TRACK_COLUMNS[name].unit(units) for name in columns},
        "without_drift": without_drift,
        "limits": limits.plain(),
    }
