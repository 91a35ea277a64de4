"""How long velocities resemble each other: their autocorrelation, with a band."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .displacement import tracks_of
from .errors_of_means import mean_and_error
from .units import Units

_MAX_LAG = 20
"""Frames. Velocities of diffusion forget each other within one; those of cells within a few."""


def velocity_autocorrelation(
    trajectories: pd.DataFrame, max_lag: int = _MAX_LAG, units: Units | None = None
) -> pd.DataFrame:
    """Return the mean product of velocities, from frame to frame, that are a lag apart.

    Free diffusion has none from the second lag on; at the first, localisation error makes it negative, by its variance
    over the square of the frame time, and an open shutter positive. What keeps its direction has a positive
    correlation for as long as it does; what is held has a negative one.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels. Steps across gaps are left out.
    max_lag : int
        Largest lag in frames.
    units : Units, optional
        Pixels and frames by default.

    Returns
    -------
    DataFrame
        ``lag`` in the unit of time, ``correlation`` of the velocity along an axis in its unit squared, ``low`` and
        ``high`` of its 95 % band, ``pairs`` of steps.

    Raises
    ------
    TableError, MotionError
        As `tracks_of` does.
    """
    units, tracks = units or Units(), tracks_of(trajectories)
    steps = [np.diff(track.places, axis=0) for track in tracks]
    longest, scale, rows = max(len(one) for one in steps), (units.pixel / units.frame) ** 2, []
    for lag in range(min(max_lag, longest - 1) + 1):
        products = [(one[lag:] * one[: len(one) - lag]).mean(1) for one in steps if len(one) > lag]
        pairs = int(sum(np.isfinite(one).sum() for one in products))
        if pairs:
            mean, error, reach = mean_and_error(products, lag + 1)
            half = scale * reach * error or np.nan
            rows.append((lag * units.frame, scale * mean, scale * mean - half, scale * mean + half, pairs))
    return pd.DataFrame(rows, columns=["lag", "correlation", "low", "high", "pairs"])
