"""Drop trajectories that are no particles: a ghost rarely appears twice in a place (thesis 4.2.3)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import TableError
from ..tables import check

_LINKED = ("frame", "y", "x", "particle")


def drop_short(trajectories: pd.DataFrame, least: int) -> pd.DataFrame:
    """Return trajectories of at least so many detections.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``.
    least : int

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    """
    table = check(trajectories, _LINKED)
    lengths = table.groupby("particle")["frame"].transform("size")
    return table[lengths >= least].reset_index(drop=True)


def drop_doubtful(
    trajectories: pd.DataFrame, farthest: float | None = None, least_significance: float | None = None
) -> pd.DataFrame:
    """Return trajectories whose detections are typically sure: whole ones, so that no gaps are torn.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, and the columns that are asked about.
    farthest : float, optional
        Largest median ``distance`` of a trajectory's detections, in pixels.
    least_significance : float, optional
        Least median ``significance``; detections that were not fitted do not count.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    """
    table = check(trajectories, _LINKED)
    stays = np.ones(len(table), bool)
    for name, value, sign in (("distance", farthest, 1), ("significance", least_significance, -1)):
        if value is not None:
            if name not in table:
                raise TableError(
                    f"Expected a column {name}, got {', '.join(map(str, table))}. Track with a network of ours."
                )
            typical = table.groupby("particle")[name].transform("median")
            stays &= ((sign * typical) <= sign * value).to_numpy() | typical.isna().to_numpy()
    return table[stays].reset_index(drop=True)
