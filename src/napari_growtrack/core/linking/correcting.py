"""Correct trajectories by hand: delete, split, join; each returns a new table and leaves the old one alone."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..errors import LinkingError
from ..tables import check, relatives_of_joined, relatives_of_parts

_LINKED = ("frame", "y", "x", "particle")


def delete(trajectories: pd.DataFrame, particles: Iterable[int]) -> pd.DataFrame:
    """Return all trajectories but these.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``.
    particles : iterable of int

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    LinkingError
        When there is no such trajectory.
    """
    table, particles = check(trajectories, _LINKED), [*particles]
    _refuse_others(table, particles)
    return table[~table["particle"].isin(particles)].reset_index(drop=True)


def split(trajectories: pd.DataFrame, particle: int, frame: int) -> pd.DataFrame:
    """Return trajectories of which one ends before a frame; what comes from there on gets the next free number.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``.
    particle : int
    frame : int
        The first frame of the second part.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    LinkingError
        When there is no such trajectory, or all of it lies on one side of the frame.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 1, 2], "y": [5.0, 6, 7], "x": [5.0, 5, 5], "particle": [3, 3, 3]})
    >>> split(film, 3, 2).particle.tolist()
    [3, 3, 4]
    """
    table = check(trajectories, _LINKED)
    _refuse_others(table, [particle])
    rows = table["particle"] == particle
    later = rows & (table["frame"] >= frame)
    if not later.any() or later.sum() == rows.sum():
        first, last = table.loc[rows, "frame"].agg(["min", "max"])
        raise LinkingError(
            f"Trajectory {particle} lasts from frame {first} to {last}: it cannot be split at frame {frame}. "
            f"Go to a frame from {first + 1} to {last}."
        )
    new = table["particle"].max() + 1
    return relatives_of_parts(table, later, particle, new).assign(particle=table["particle"].mask(later, new))


def join(trajectories: pd.DataFrame, particles: Iterable[int]) -> pd.DataFrame:
    """Return trajectories of which some are one, under the number of the one that begins first.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``.
    particles : iterable of int
        Two or more, in any order.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    LinkingError
        When there is no such trajectory, or two of them are in the same frame.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 1, 2], "y": [5.0, 6, 7], "x": [5.0, 5, 5], "particle": [3, 3, 4]})
    >>> join(film, [4, 3]).particle.tolist()
    [3, 3, 3]
    """
    table, particles = check(trajectories, _LINKED), [*dict.fromkeys(particles)]
    if len(particles) < 2:
        raise LinkingError(f"Expected two trajectories or more to join, got {len(particles)}. Select them first.")
    _refuse_others(table, particles)
    rows = table["particle"].isin(particles)
    seen = table[rows].sort_values("frame", kind="stable")
    double = seen["frame"].duplicated(keep=False)
    if double.any():
        frame = seen.loc[double, "frame"].iloc[0]
        both = seen.loc[seen["frame"] == frame, "particle"].tolist()
        raise LinkingError(
            f"Trajectories {both[0]} and {both[1]} are both in frame {frame}, so they are two particles. "
            "Split one of them, or delete it."
        )
    first = seen["particle"].iloc[0]
    return relatives_of_joined(table, rows, first).assign(particle=table["particle"].mask(rows, first))


def _refuse_others(table: pd.DataFrame, particles: Iterable[int]) -> None:
    """Refuse numbers that no trajectory has."""
    there = {*table["particle"].tolist()}
    for particle in particles:
        if particle not in there:
            raise LinkingError(f"There is no trajectory {particle}.")
