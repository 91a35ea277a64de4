"""What all particles move in common: the drift of a stage or a flow, measured and taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..packages.plotting import load_matplotlib
from .displacement import tracks_of
from .errors_of_means import MANY, estimate, t_reach
from .units import Estimate, Units

_PARTS = 6
"""Of a single trajectory: fewer tell their spread badly, more are too short to be independent."""


@dataclass(frozen=True)
class Drift:
    """The mean velocity of all particles along each axis, and of how many trajectories it is the mean."""

    y: Estimate
    x: Estimate
    trajectories: int

    @property
    def is_sure(self) -> bool:
        """Whether the velocity along either axis differs from 0 by more than chance."""
        return any(velocity.is_told and not velocity.holds(0) for velocity in (self.y, self.x))


def drift(trajectories: pd.DataFrame, smoothing: int = 0) -> pd.DataFrame:
    """Return how far the particles have moved in common, frame by frame.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    smoothing : int
        Frames to average displacements over; none by default.

    Returns
    -------
    DataFrame
        ``frame, y, x``: mean displacement since the first frame, in pixels.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does.
    """
    load_matplotlib()  # which it loads by itself
    import trackpy

    tracks_of(trajectories)
    moved = trackpy.compute_drift(trajectories, smoothing, pos_columns=["y", "x"])
    first = int(trajectories["frame"].min())
    frames = pd.RangeIndex(first, int(trajectories["frame"].max()) + 1, name="frame")
    return moved.reindex(frames).ffill().fillna(0.0).reset_index()


def remove_drift(trajectories: pd.DataFrame, smoothing: int = 0) -> pd.DataFrame:
    """Return trajectories without the motion that particles have in common.

    Each particle loses a part of its own motion with it, one of so many there
    are: D of five particles comes out a fifth too small.

    Parameters
    ----------
    trajectories, smoothing
        As for `drift`.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does.
    """
    common = drift(trajectories, smoothing).set_index("frame").reindex(trajectories["frame"])
    moved = {axis: trajectories[axis].to_numpy() - common[axis].to_numpy() for axis in ("y", "x")}
    return trajectories.assign(**moved)


def drift_velocity(trajectories: pd.DataFrame, units: Units | None = None) -> Drift:
    """Return the mean velocity of all particles along each axis.

    The interval of two to nine trajectories follows from how they differ along both axes, whatever the motion: steps
    that resemble one another for long do not narrow it. That of a single one follows from how its parts differ.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    units : Units, optional
        Pixels and frames by default.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does.
    """
    units = units or Units()
    tracks = tracks_of(trajectories)
    steps = [np.diff(track.places, axis=0) for track in tracks]
    scale = units.pixel / units.frame
    if len(tracks) < MANY:
        y, x = _of_few(steps, scale, units.velocity)
        return Drift(y, x, len(tracks))
    y, x = (estimate([step[:, axis] for step in steps], 1, scale, units.velocity) for axis in (0, 1))
    return Drift(y, x, len(tracks))


def _of_few(steps: list[np.ndarray], scale: float, unit: str) -> list[Estimate]:
    """Return the mean velocity along each axis with an interval that needs no more than parts moving independently.

    Both axes tell the spread together, since few differences tell it badly; Student's factor pays for those missing.
    """
    parts = steps if len(steps) > 1 else np.array_split(steps[0], _PARTS)
    counts = np.array([np.isfinite(part[:, 0]).sum() for part in parts], float)
    sums, total = np.array([np.nansum(part, axis=0) for part in parts]), counts.sum()
    there = int((counts > 0).sum())
    if there < 2:
        return [Estimate.between(np.nan, np.nan, np.nan, unit)] * 2
    means = sums.sum(0) / total
    off = sums - counts[:, None] * means
    error = np.sqrt(there / (there - 1) * np.square(off).sum(0).mean()) / total
    half = float(scale * error) * t_reach(2 * (there - 1) + 1)
    values = [float(scale * mean) for mean in means]
    return [Estimate.between(value, value - half, value + half, unit) for value in values]
