"""What the Trajectories panel says of linking, correcting, files and motion: a few lines, with units; free of Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...core.linking import Linkage
from ...core.motion import Units
from ...core.motion.report import MotionReport
from ...core.progress import Progress
from ...jobs.motion import Reading
from ..session.sentences import count, duration

HOW = "Click trajectories in the picture, or here."
MEASURING = "Measuring motion..."
STOPPED = "Stopped; nothing was changed."
NONE_LEFT = "No trajectory would be left. To have none, remove the layer from the list of layers."

_FEW = 4


def linking_line(progress: Progress) -> str:
    """Say how far linking is."""
    left = f", {duration(progress.seconds_left)} left" if progress.fraction < 1 else ""
    return f"{progress.doing.capitalize()}{left}"


def opened_line(detections: int) -> str:
    """Say how much was opened."""
    return f"Opened: {count(detections, 'detection')}."


def taken_back_line(detections: int) -> str:
    """Say how much was taken back from an editor."""
    return f"Taken back: {count(detections, 'detection')}. Undo brings the others back."


def empty_line(name: str) -> str:
    """Say that a file holds nothing to show."""
    return f"{name} holds no trajectories."


# Correcting -----------------------------------------------------------------------------------------------------------


def deletion(particles: Sequence[int]) -> str:
    """Say which trajectories are deleted."""
    return f"delete {particles[0]}" if len(particles) == 1 else f"delete {len(particles):,} trajectories"


def splitting(particle: int, frame: int) -> str:
    """Say which trajectory is split, and where."""
    return f"split {particle} at frame {frame}"


def joining(particles: Sequence[int]) -> str:
    """Say which trajectories are joined; of many, the first."""
    return f"join {', '.join(map(str, particles[:_FEW]))}"


def keeping(kept: int, total: int) -> str:
    """Say that all but some trajectories are deleted."""
    return f"keep {kept:,} of {trajectories_line(total)}"


def within_line(kept: int, total: int) -> str:
    """Say how many trajectories lie within limits."""
    return f"{kept:,} of {trajectories_line(total)} within the limits"


def corrected_line(what: str) -> str:
    """Say what was done, and how to take it back."""
    return f"{what.capitalize()}: done. Ctrl+Z undoes it."


def undone_line(what: str) -> str:
    """Say what was undone."""
    return f"Undone: {what}."


def redone_line(what: str) -> str:
    """Say what was done again."""
    return f"Done again: {what}."


# Motion ---------------------------------------------------------------------------------------------------------------


NUMBERS = {
    "D": "Diffusion coefficient by the covariance of neighbouring displacements; localisation error does not bias it. "
    "In brackets its 95 % interval.",
    "D by MSD": "Diffusion coefficient by a straight line through the first mean square displacements.",
    "Localisation": "Standard deviation of a position along one axis, from the same displacements. Where the exposure "
    "is not known, the interval is that of any exposure.",
    "Exponent": "Of the mean square displacement over time: 1 is diffusion, less a cage, more where something drives.",
    "Drift y": "Mean velocity of all particles.",
    "Drift x": "Mean velocity of all particles.",
    "Trap": "Stiffness of the trap over the thermal energy, or in pN/µm where temperature and pixel are known: from "
    "how the bead relaxes, its localisation error taken away.",
    "Stiff axis": "Along the trap's own axis in which it holds the bead tighter.",
    "Soft axis": "At a right angle to it.",
    "Turned by": "Angle of the stiff axis from the x axis, counter-clockwise; not told where both are equally stiff.",
    "Rotates": "How fast forces that go around turn the bead, counter-clockwise. Light that twists does it.",
    "Relaxes in": "Time in which the bead forgets where it was.",
}
"""What is told of motion, and what it means."""

NONE_LONG_ENOUGH = "No trajectory is long enough to stay. Lower Shortest, or search farther."

DRIFTS = "The particles drift in common. Tick Remove drift: D gains from it."


def numbers(report: MotionReport) -> dict[str, str]:
    """Return what is told under each name of `NUMBERS`."""
    told = {
        "D": report.by_covariance.coefficient,
        "D by MSD": report.by_msd.coefficient,
        "Localisation": report.by_covariance.localisation_error,
        "Exponent": report.exponent,
        "Drift y": report.drift.y,
        "Drift x": report.drift.x,
    }
    if report.trap is not None:
        trap = report.trap
        told |= {"Trap": trap.stiffness, "Stiff axis": trap.stiff, "Soft axis": trap.soft, "Turned by": trap.angle}
        told |= {"Rotates": trap.rotation, "Relaxes in": trap.relaxation_time}
    return {name: str(estimate) for name, estimate in told.items()}


def remarks_line(reading: Reading, keeps_drift: bool) -> str:
    """Return what a person should know before believing the numbers: why there are none, or what they suffer from."""
    report = reading.report
    if report is None:
        return reading.why
    drifts = keeps_drift and report.drift.is_sure and report.drift.trajectories > 1
    return " ".join([DRIFTS] * drifts + [*report.remarks])


def of_line(particles: int | None, total: int) -> str:
    """Say whose motion is told."""
    if particles is None:
        return f"Of all {trajectories_line(total)}"
    return f"Of {particles:,} selected of {trajectories_line(total)}"


def linked_line(linkage: Linkage, detections: int) -> str:
    """Say what linking brought, what it left out, and what may be wrong."""
    table = linkage.trajectories
    lengths = table.groupby("particle").size()
    if not len(lengths):
        return NONE_LONG_ENOUGH
    line = (
        f"{trajectories_line(len(lengths))} of {len(table):,} of {count(detections, 'detection')}, "
        f"{np.median(lengths):g} long typically"
    )
    more = " ".join(filter(None, (linkage.left_out, linkage.warning)))
    return f"{line}. {more}" if more else line


def trajectories_line(number: int) -> str:
    """Return a number of trajectories.

    Examples
    --------
    >>> trajectories_line(1), trajectories_line(1200)
    ('1 trajectory', '1,200 trajectories')
    """
    return f"{number:,} {'trajectory' if number == 1 else 'trajectories'}"


def lag_line(row: pd.Series, units: Units) -> str:
    """Say what the mean square displacement is at a lag."""
    band = "" if math.isnan(row.low) else f" ({row.low:.3g} to {row.high:.3g})"
    time = f"{row.lag:.3g} {unit_of_time(units, row.lag)}"
    return f"After {time}: {row.msd:.3g}{band} {units.length}², {int(row.pairs):,} pairs"


def drift_line(row: pd.Series, units: Units) -> str:
    """Say how far all have moved at a time."""
    time = row.frame * units.frame
    y, x = units.pixel * row.y, units.pixel * row.x
    return f"At {time:.4g} {unit_of_time(units, time)}: y {y:+.3g}, x {x:+.3g} {units.length} since the first frame"


def bin_line(low: float, high: float, number: int, units: Units) -> str:
    """Say how many trajectories diffuse so fast."""
    return f"{low:.3g} to {high:.3g} {units.diffusion}: {trajectories_line(number)}"


def particle_line(particle: int, rows: pd.DataFrame, coefficient: float | None, units: Units) -> str:
    """Say what is known of a trajectory."""
    frames = f"frames {rows['frame'].min()} to {rows['frame'].max()}"
    told = "" if coefficient is None else f", D {coefficient:.3g} {units.diffusion}"
    return f"{particle}: {count(len(rows), 'detection')} in {frames}{told}"


def unit_of_time(units: Units, value: float = 2) -> str:
    """Return the unit of time, as it is said after a number."""
    return "s" if units.frame_time is not None else "frame" if value == 1 else "frames"
