"""All that trajectories tell of motion in one value, and the tables and figures it is read off."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import MotionError
from ..figures import draw_diffusion, draw_drift, draw_msd, draw_states, draw_step_lengths, draw_trajectories
from ..figures.pictures import save
from ..files import write_bytes
from ..tables import UNLIKE_PARTICLES, as_csv, look_like_particles
from . import (
    Confinement,
    Diffusion,
    Drift,
    Estimate,
    Exponent,
    States,
    StepLengths,
    Trap,
    Units,
    assign_states,
    check_temperature,
    confinement,
    diffusion,
    diffusion_of_each,
    diffusive_states,
    drift,
    drift_velocity,
    emsd,
    exponent_of,
    fit_msd,
    imsd,
    looks_blurred,
    remove_drift,
    step_lengths,
    trap_stiffness,
)
from .states import step_variances
from .units import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class MotionReport:
    """What trajectories tell of motion.

    Attributes
    ----------
    by_covariance, by_msd : Diffusion
    exponent : Estimate
    drift : Drift
        As it was, also where it was removed before all else was estimated.
    trap : Trap or None
        Where it was asked for.
    drift_removed : bool
    remarks : tuple of str
        What a person should know before believing the numbers, a sentence each.
    states : States or None
    steps : StepLengths or None
    room : Confinement or None
        Where they were asked for.
    radius, viscosity : Estimate or None
        Of the particles, in µm, or of the liquid, in mPa s, where the other was told.
    """

    by_covariance: Diffusion
    by_msd: Diffusion
    exponent: Estimate
    drift: Drift
    trap: Trap | None
    drift_removed: bool
    remarks: tuple[str, ...] = ()
    states: States | None = None
    radius: Estimate | None = None
    viscosity: Estimate | None = None
    steps: StepLengths | None = None
    room: Confinement | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; what is not known is None."""
        found: dict[str, Any] = {
            "diffusion_coefficient": plain(self.by_covariance.coefficient),
            "localisation_error": plain(self.by_covariance.localisation_error),
            "diffusion_coefficient_by_msd": plain(self.by_msd.coefficient),
            "localisation_error_by_msd": plain(self.by_msd.localisation_error),
            "anomalous_exponent": plain(self.exponent),
            "drift_velocity": {"y": plain(self.drift.y), "x": plain(self.drift.x)},
            "drift_removed": self.drift_removed,
            "trajectories": self.by_covariance.trajectories,
            "displacements": self.by_covariance.displacements,
            "remarks": list(self.remarks),
        }
        if self.trap is not None:
            found["trap"] = {
                "stiffness": plain(self.trap.stiffness),
                "stiffness_along_stiff_axis": plain(self.trap.stiff),
                "stiffness_along_soft_axis": plain(self.trap.soft),
                "angle_of_stiff_axis": plain(self.trap.angle),
                "rotation": plain(self.trap.rotation),
                "stiffness_by_equipartition": plain(self.trap.equipartition),
                "relaxation_time": plain(self.trap.relaxation_time),
            }
        if self.states is not None:
            found["states"] = self.states.to_dict()
        if self.steps is not None:
            found["step_lengths"] = self.steps.to_dict()
        if self.room is not None:
            found["confinement"] = self.room.to_dict()
        found |= {name: plain(one) for name, one in (("radius", self.radius), ("viscosity", self.viscosity)) if one}
        return found

    def __str__(self) -> str:
        lines = [
            f"{self.by_covariance.trajectories} trajectories, "
            f"{self.by_covariance.displacements} pairs of displacements in a row",
            f"diffusion coefficient  {self.by_covariance.coefficient}  (by covariance)",
            f"                       {self.by_msd.coefficient}  (by mean square displacement)",
            f"localisation error     {self.by_covariance.localisation_error}",
            f"anomalous exponent     {self.exponent}",
            f"drift                  y {self.drift.y}, x {self.drift.x}{', removed' if self.drift_removed else ''}",
        ]
        if self.trap is not None:
            lines += [
                f"trap stiffness         {self.trap.stiffness}",
                f"  along its stiff axis {self.trap.stiff}",
                f"  along its soft axis  {self.trap.soft}",
                f"  by equipartition     {self.trap.equipartition}",
                f"angle of stiff axis    {self.trap.angle}",
                f"rotation               {self.trap.rotation}",
                f"relaxation time        {self.trap.relaxation_time}",
            ]
        lines += [f"radius of particles    {self.radius}"] if self.radius else []
        lines += [f"viscosity              {self.viscosity}"] if self.viscosity else []
        for one in (self.room, self.steps, self.states):
            lines += one.lines if one else []
        if UNLIKE_PARTICLES in self.remarks:  # the first thing to know, and nothing below is of particles
            return "\n".join([UNLIKE_PARTICLES, *(f"({line.strip()})" for line in lines), *self.remarks[1:]])
        return "\n".join([*lines, *self.remarks])


def report_motion(
    trajectories: pd.DataFrame,
    units: Units | None = None,
    without_drift: bool = False,
    trap: bool = False,
    temperature: float | None = None,
    particles: Collection[int] | None = None,
    states: int | None = None,
    steps: int | None = None,
    confined: bool = False,
) -> MotionReport:
    """Estimate everything that trajectories tell of motion.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    units : Units, optional
        Pixels and frames by default.
    without_drift : bool
        Whether the motion that all particles have in common is removed first.
    trap : bool
        Whether they are the one bead in a trap.
    temperature : float, optional
        In kelvin, for the stiffness in pN/µm.
    particles : collection of int, optional
        Only of these; the drift is that of all.
    states : int, optional
        Whether they are told by states between which particles switch: by so many, or by 0 for as many as they tell.
    steps : int, optional
        Whether the lengths of steps are told by populations, likewise.
    confined : bool
        Whether the rooms that particles stay in are told.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there is too little to tell.
    """
    check_temperature(temperature)
    moved = drift_velocity(trajectories, units)
    trajectories = chosen_motion(trajectories, without_drift, particles)
    spreading = exponent_of(trajectories, units)
    return MotionReport(
        diffusion(trajectories, units),
        fit_msd(trajectories, units),
        spreading.exponent,
        moved,
        trap_stiffness(trajectories, units, temperature) if trap else None,
        without_drift,
        tuple(_remarks(trajectories, units or Units(), spreading)),
        None if states is None else diffusive_states(trajectories, units, states or None),
        steps=None if steps is None else step_lengths(trajectories, units, steps or None),
        room=confinement(trajectories, units) if confined else None,
    )


def _remarks(trajectories: pd.DataFrame, units: Units, spreading: Exponent) -> Iterator[str]:
    """Yield what should be known of exposure, `sigma` and of what was tracked."""
    if not look_like_particles(trajectories):
        yield UNLIKE_PARTICLES
    if units.exposure_time is not None and units.open_share is None:
        yield f"An exposure of {units.exposure_time:g} s tells nothing without the time from frame to frame; say both."
    if units.open_share is None and looks_blurred(trajectories, spreading):
        yield (
            "Positions look blurred by an open shutter: neighbouring steps resemble each other more than diffusion "
            "allows. Say the exposure time. Without it the interval of the localisation error is that of any exposure."
        )
    if spreading.sigma_refuted:
        yield "The exponent does not rely on the column sigma, which the displacements contradict."


def chosen_motion(
    trajectories: pd.DataFrame, without_drift: bool = False, particles: Collection[int] | None = None
) -> pd.DataFrame:
    """Return the trajectories that are asked about, without the drift of all where that is not wanted.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there is only one, whose drift nobody can tell.
    """
    if without_drift:
        if trajectories["particle"].nunique() < 2:
            raise MotionError("The drift of a single particle cannot be told from its own motion. Keep it.")
        trajectories = remove_drift(trajectories)
    if particles is None:
        return trajectories
    return trajectories[trajectories["particle"].isin([*particles])].reset_index(drop=True)


def write_motion(
    trajectories: pd.DataFrame,
    folder: str | os.PathLike[str],
    units: Units | None = None,
    without_drift: bool = False,
    particles: Collection[int] | None = None,
    states: States | None = None,
    steps: StepLengths | None = None,
) -> list[Path]:
    """Leave tables (CSV) and figures (PNG) of motion in a folder, and return their paths.

    ``msd.csv`` of all, ``imsd.csv`` of each trajectory, ``diffusion.csv`` of each,
    ``drift.csv`` in pixels; a figure of each and of the paths. Where states are told, ``states.csv`` has that of each
    position, and a figure shows how long steps are in each and where; where populations are, ``steps.csv`` and a figure
    have the distribution of step lengths.

    Parameters
    ----------
    trajectories, units, without_drift, particles
        As for `report_motion`.
    folder : path
    states, steps : optional
        Of the report.

    Raises
    ------
    TableError, MotionError
        As `report_motion` does.
    OutputError
        When the folder cannot be written.
    """
    units, folder = units or Units(), Path(folder)
    common = drift(trajectories)
    trajectories = chosen_motion(trajectories, without_drift, particles)
    each, together, single = (
        imsd(trajectories, units=units),
        emsd(trajectories, units=units),
        diffusion_of_each(trajectories, units),
    )
    scale = {"frame": units.frame, "pixel": units.pixel, "length": units.length, "time": units.time}
    mean = diffusion(trajectories, units).coefficient.value
    figures: dict[str, Figure] = {
        "msd": draw_msd(each, together, units.length, units.time),
        "diffusion": draw_diffusion(single.diffusion_coefficient, mean, units.diffusion),
        "drift": draw_drift(common, **scale),  # type: ignore[arg-type]
        "trajectories": draw_trajectories(trajectories),
    }
    tables = {"msd": together, "imsd": each.reset_index(), "diffusion": single, "drift": common}
    if states is not None:
        tables["states"] = assign_states(trajectories, states)
        lengths, variances = step_variances(trajectories, states)
        figures["states"] = draw_states(lengths, states.model.shares, variances, tables["states"])
    if steps is not None:
        tables["steps"] = steps.distribution
        figures["steps"] = draw_step_lengths(steps.distribution, units.length)
    for name, table in tables.items():
        write_bytes(folder / f"{name}.csv", as_csv(table))
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")
    return [*(folder / f"{name}.csv" for name in tables), *(folder / f"{name}.png" for name in figures)]
