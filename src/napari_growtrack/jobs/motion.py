"""What an engine can be asked to do with detections: link them, and read off motion."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..core.errors import MotionError
from ..core.files import write_bytes
from ..core.motion import Units, diffusion_of_each, drift, emsd, hydrodynamic_radius, imsd, viscosity
from ..core.motion.report import MotionReport, chosen_motion, report_motion, write_motion
from ..core.motion.tracks import NO_TRACK_LIMITS, TrackLimits, keep_tracks, of_tracks
from ..core.tables import read_recipe, read_table, write_table
from .context import Context


class FromFile(NamedTuple):
    """Trajectories of a file, and how they were made, as far as it tells."""

    path: Path
    table: pd.DataFrame
    recipe: dict[str, Any]


class Doing(NamedTuple):
    """What is done now, in words."""

    what: str


class Survey(NamedTuple):
    """What each trajectory tells by itself.

    Attributes
    ----------
    msd : DataFrame
        Of `core.motion.imsd`.
    diffusion : DataFrame
        Of `core.motion.diffusion_of_each`.
    drift : DataFrame
        Of `core.motion.drift`, in pixels.
    """

    msd: pd.DataFrame
    diffusion: pd.DataFrame
    drift: pd.DataFrame

    @property
    def coefficients(self) -> pd.Series:
        """The diffusion coefficient of each, by its number."""
        return self.diffusion.set_index("particle")["diffusion_coefficient"]


class Reading(NamedTuple):
    """What some trajectories tell together.

    Attributes
    ----------
    particles : tuple of int or None
        Which; None for all.
    msd : DataFrame
        Of `core.motion.emsd`.
    drift : DataFrame
        Of `core.motion.drift`, in pixels, whether or not it is removed.
    report : MotionReport or None
        None where they are too short.
    why : str
        Why there is none.
    """

    particles: tuple[int, ...] | None
    msd: pd.DataFrame
    drift: pd.DataFrame
    report: MotionReport | None
    why: str


@dataclass(frozen=True, eq=False)
class MotionOf:
    """Trajectories, and how their motion is read off.

    Attributes
    ----------
    trajectories : DataFrame
        ``frame, y, x, particle`` in pixels.
    particles : tuple of int or None
        Of which; None for all. The drift is that of all.
    units : Units
    without_drift, trap : bool
    temperature : float or None
        In kelvin.
    """

    trajectories: pd.DataFrame
    particles: tuple[int, ...] | None
    units: Units
    without_drift: bool = False
    trap: bool = False
    temperature: float | None = None

    def report(self) -> MotionReport:
        """Return what they tell.

        Raises
        ------
        TableError, MotionError
            As `core.motion_report.report_motion` does.
        """
        return report_motion(
            self.trajectories, self.units, self.without_drift, self.trap, self.temperature, self.particles
        )


@dataclass(frozen=True, eq=False)
class SurveyMotion:
    """Look at every trajectory by itself."""

    motion: MotionOf

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Doing`, a `Survey` at last."""
        yield Doing("Measuring the drift...")
        common = drift(self.motion.trajectories)
        table = chosen_motion(self.motion.trajectories, self.motion.without_drift)
        yield Doing("Measuring mean square displacements...")
        each = imsd(table, units=self.motion.units)
        yield Doing("Measuring the diffusion of each trajectory...")
        yield Survey(each, diffusion_of_each(table, self.motion.units), common)


@dataclass(frozen=True, eq=False)
class ReadMotion:
    """Read off the motion of some trajectories together."""

    motion: MotionOf

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Doing`, a `Reading` at last."""
        motion = self.motion
        yield Doing("Measuring the mean square displacement...")
        chosen = chosen_motion(motion.trajectories, motion.without_drift, motion.particles)
        together = emsd(chosen, units=motion.units)
        yield Doing("Measuring the drift...")
        moved = drift(chosen_motion(motion.trajectories, particles=motion.particles))
        yield Doing("Estimating diffusion with its interval...")
        report, why = None, ""
        try:
            report = motion.report()
        except MotionError as error:
            why = str(error)
        yield Reading(motion.particles, together, moved, report, why)


@dataclass(frozen=True, eq=False)
class SaveTable:
    """Write a table and how it was made, by the ending of its name."""

    table: pd.DataFrame
    path: Path
    recipe: dict[str, Any]

    def steps(self, context: Context) -> Iterator[Path]:
        """Yield the path."""
        write_table(self.table, self.path, self.recipe)
        yield self.path


@dataclass(frozen=True, eq=False)
class SaveMotion:
    """Leave tables and figures of motion in a folder, and what `MotionOf.report` tells as JSON."""

    motion: MotionOf
    folder: Path

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Doing`, the folder at last."""
        yield Doing("Estimating...")
        motion, told = self.motion, json.dumps(self.motion.report().to_dict(), indent=2, ensure_ascii=False)
        yield Doing("Drawing...")
        write_motion(motion.trajectories, self.folder, motion.units, motion.without_drift, motion.particles)
        write_bytes(self.folder / "motion.json", told.encode())
        yield self.folder


@dataclass(frozen=True, eq=False)
class ReadTrajectories:
    """Read trajectories from a file that another program may have written."""

    path: Path

    def steps(self, context: Context) -> Iterator[FromFile]:
        """Yield them."""
        table = read_table(self.path, ("frame", "y", "x", "particle"))
        yield FromFile(self.path, table, read_recipe(self.path) or {})


class MeasuredTable(NamedTuple):
    """What the trajectories of a table tell.

    Attributes
    ----------
    report : MotionReport
    files : list of Path
        Tables and figures that were left.
    """

    report: MotionReport
    files: list[Path]


@dataclass(frozen=True)
class MeasureTable:
    """Read off the motion of a table's trajectories, and leave tables and figures where a folder is given.

    Attributes
    ----------
    trajectories : path
    folder : path, optional
    pixel_size, frame_time : float, optional
        In micrometres and seconds; by default as the table's recipe tells them.
    exposure : str, optional
        Seconds, or a share of a frame such as ``50%``; by default as the recipe tells.
    without_drift, trap : bool
    temperature : float, optional
        In kelvin.
    limits : TrackLimits
        Which trajectories are measured; in the units told.
    states, populations : int, optional
        Whether states of motion, or populations by the lengths of steps, are told: so many, or 0 for as many as there
        are.
    confined : bool
        Whether the radius of the rooms that particles stay in is told.
    viscosity, radius : float, optional
        Of the liquid, in mPa s, or of the particles, in µm: with either and the temperature the other is told.
    """

    trajectories: str | Path
    folder: str | Path | None = None
    pixel_size: float | None = None
    frame_time: float | None = None
    exposure: str | None = None
    without_drift: bool = False
    trap: bool = False
    temperature: float | None = None
    limits: TrackLimits = NO_TRACK_LIMITS
    states: int | None = None
    viscosity: float | None = None
    radius: float | None = None
    populations: int | None = None
    confined: bool = False

    def steps(self, context: Context | None = None) -> Generator[Doing, None, MeasuredTable]:
        """Yield `Doing`.

        Raises
        ------
        TableError, MotionError
            As `core.motion.report.report_motion` and `core.motion.tracks.keep_tracks` do.
        OutputError
            When the folder cannot be written.
        """
        given = {"pixel_size": self.pixel_size, "frame_time": self.frame_time}
        units = told_units(read_recipe(self.trajectories) or {}, self.exposure, **given)
        table = read_table(self.trajectories, ("frame", "y", "x", "particle"))
        if self.limits:
            yield Doing("Choosing trajectories...")
            moved = chosen_motion(table, self.without_drift)
            table = of_tracks(table, keep_tracks(moved, self.limits, units))
        yield Doing("Estimating...")
        extras: dict[str, Any] = {"states": self.states, "steps": self.populations, "confined": self.confined}
        report = report_motion(table, units, self.without_drift, self.trap, self.temperature, **extras)
        report = self._with_liquid(report)
        if self.folder is None:
            return MeasuredTable(report, [])
        yield Doing("Drawing...")
        files = write_motion(table, self.folder, units, self.without_drift, states=report.states, steps=report.steps)
        return MeasuredTable(report, files)

    def _with_liquid(self, report: MotionReport) -> MotionReport:
        """Return a report with what Stokes and Einstein say of liquid or particles, where that is asked."""
        coefficient, kelvin = report.by_covariance.coefficient, self.temperature
        if self.viscosity is None and self.radius is None:
            return report
        if kelvin is None or (self.viscosity is not None and self.radius is not None):
            raise MotionError(
                "Expected a temperature, and either the liquid's viscosity or the particles' radius. The other follows."
            )
        if self.viscosity is not None:
            return replace(report, radius=hydrodynamic_radius(coefficient, kelvin, self.viscosity))
        return replace(report, viscosity=viscosity(coefficient, kelvin, self.radius or 0.0))


def told_units(known: Mapping[str, Any], exposure: str | None, **given: float | None) -> Units:
    """Return units as a person gives them, else as a table's recipe knows them.

    Raises
    ------
    SettingsError
        When a number is none, or cannot be.
    """
    told = {name: known.get(name) if value is None else value for name, value in given.items()}
    return Units.told(exposure, **told, exposure_time=known.get("exposure_time"))
