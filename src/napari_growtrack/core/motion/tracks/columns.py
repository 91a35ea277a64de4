"""The columns of a table of tracks: name, unit, and what each holds, told once for tables, command line and panel."""

from __future__ import annotations

from typing import NamedTuple

from .. import Units


class Column(NamedTuple):
    """A column of a table of tracks.

    Attributes
    ----------
    name : str
    kind : str
        A unit, or what a `Units` calls one: ``length``, ``time``, ``velocity``, ``diffusion``; ``counts`` a ``time``.
    about : str
        What it holds, in a sentence.

    Examples
    --------
    >>> TRACK_COLUMNS["mean_speed"].unit(Units(pixel_size=0.1, frame_time=0.02))
    'µm/s'
    """

    name: str
    kind: str
    about: str

    def unit(self, units: Units) -> str:
        """Return the unit it is told in; empty for none."""
        return "/".join(getattr(units, part, part) for part in self.kind.split("/"))


TRACK_COLUMNS = {
    column.name: column
    for column in (
        Column("particle", "", "The number of the trajectory."),
        Column("first_frame", "", "The frame of its first detection, from 0."),
        Column("last_frame", "", "The frame of its last detection."),
        Column("length", "detections", "How many detections it has."),
        Column("gaps", "", "How many times it was lost and found again."),
        Column("missed_frames", "frames", "How many frames it was lost for, in all."),
        Column("duration", "time", "Time from its first to its last detection."),
        Column("y", "px", "Its mean place; in pixels, so that it lies on the film."),
        Column("x", "px", "Its mean place; in pixels, so that it lies on the film."),
        Column("net_distance", "length", "How far its last detection is from its first."),
        Column("path_length", "length", "The sum of its steps; each error of localisation lengthens it."),
        Column("straightness", "", "Net distance over path: 1 along a line, near 0 where it returns."),
        Column("mean_speed", "velocity", "The mean over its steps; across a gap, the distance over the time it took."),
        Column("max_speed", "velocity", "The fastest of its steps: a wrong link stands out."),
        Column("radius_of_gyration", "length", "Root mean square distance of its detections from their mean place."),
        Column("diffusion_coefficient", "diffusion", "By covariance; below 0 is possible, so that means are right."),
        Column("diffusion_low", "diffusion", "The lower end of the 95 % interval of the diffusion coefficient."),
        Column("diffusion_high", "diffusion", "The upper end of it."),
        Column("exponent", "", "Of its mean square displacement: 1 for diffusion; empty where it cannot be told."),
        Column("exponent_low", "", "The lower end of the 95 % interval of the exponent."),
        Column("exponent_high", "", "The upper end of it."),
        Column("mean_signal", "counts", "Its mean light above the background."),
        Column("signal_slope", "counts/time", "How its light changes, by a straight line: below 0 where it bleaches."),
        Column("q", "", "The share of tracks as doubtful as it, or less, that are expected to be noise alone."),
    )
}
"""By their names, in their order. Those of the exponent are there where it was asked for, those of signal and q where
the detections have such columns."""

INTEGERS = ("particle", "first_frame", "last_frame", "length", "gaps", "missed_frames")
EXPONENT = ("exponent", "exponent_low", "exponent_high")
