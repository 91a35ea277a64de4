"""Measure each trajectory by itself: when and where it was, how it moved, how bright it was, and whether it is real."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import MotionError
from ...progress import Progress, finish
from ...tables import check
from .. import Units, anomalous_exponent, diffusion_of_each
from .columns import EXPONENT, INTEGERS, TRACK_COLUMNS
from .doubt import q_of_tracks

_POINT = ("frame", "y", "x", "particle")
_FEWEST = 3
"""Through two points there is always a line."""


def measure_tracks(trajectories: pd.DataFrame, units: Units | None = None, exponent: bool = False) -> pd.DataFrame:
    """Return a table of tracks: a row for each trajectory, in the order of their numbers.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels; ``signal`` and ``q`` are read where they are there.
    units : Units, optional
        Pixels and frames by default.
    exponent : bool
        Whether to tell the exponent of each, too: of 40 detections that takes about 30 ms, all else 0.1 ms.

    Returns
    -------
    DataFrame
        The columns of `TRACK_COLUMNS`, as far as they are known; NaN where a trajectory is too short to tell.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When a particle is twice in a frame, or the exposure is longer than a frame.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 1, 3], "y": [0, 3, 3], "x": [0, 4, 4], "particle": 7})
    >>> measure_tracks(film)[["length", "gaps", "net_distance", "path_length"]].to_numpy().tolist()
    [[3.0, 1.0, 5.0, 5.0]]
    """
    return finish(iter_tracks(trajectories, units, exponent))


def iter_tracks(
    trajectories: pd.DataFrame, units: Units | None = None, exponent: bool = False
) -> Generator[Progress, None, pd.DataFrame]:
    """Measure as `measure_tracks` does, reporting after each exponent; the generator returns the table."""
    units, table = units or Units(), check(trajectories, _POINT)
    parts = _Parts.of(table)
    known = {"particle": parts.numbers, **_when(parts, units), **_where(parts, units), **_how_fast(parts, units)}
    told = pd.DataFrame(known)
    if len(told):
        told = told.merge(_diffusion(table, units), on="particle", how="left")
        if exponent:
            told = told.merge((yield from _exponents(table, units)), on="particle", how="left")
    told = told.assign(**_light(parts, units), **_doubt(parts))
    told = told.reindex(columns=[name for name in TRACK_COLUMNS if name in told or not _is_asked_for(name)])
    return told.astype({name: np.int64 if name in INTEGERS else np.float64 for name in told})


def _is_asked_for(name: str) -> bool:
    """Tell whether a column is there only where something else is: a wish, or a column of detections."""
    return name in (*EXPONENT, "mean_signal", "signal_slope", "q")


@dataclass(frozen=True, eq=False)
class _Parts:
    """Detections sorted by trajectory and frame, (n,) each, and where each of the k trajectories starts."""

    table: pd.DataFrame
    starts: np.ndarray
    whose: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Parts:
        table = table.sort_values(["particle", "frame"], kind="stable", ignore_index=True)
        particle = table["particle"].to_numpy()
        first = np.append(np.ones(min(len(particle), 1), bool), particle[1:] != particle[:-1])
        return cls(table, np.flatnonzero(first), np.cumsum(first) - 1)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.table[name].to_numpy(float)

    @property
    def numbers(self) -> np.ndarray:
        return self.table["particle"].to_numpy()[self.starts]

    @property
    def ends(self) -> np.ndarray:
        return np.append(self.starts[1:], len(self.table))[: len(self.starts)] - 1

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return sums over each trajectory, (k,)."""
        return np.bincount(self.whose, values, len(self.starts))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return means over each trajectory, (k,), of the values that are known."""
        there = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return self.sum(np.where(there, values, 0)) / self.sum(there)

    def steps(self, name: str) -> np.ndarray:
        """Return by how much a column differs from the detection before, (n,); NaN for the first of each."""
        differences = np.diff(self[name], prepend=np.nan)
        differences[self.starts] = np.nan
        return differences


def _when(parts: _Parts, units: Units) -> dict[str, np.ndarray]:
    frames, apart = parts["frame"], parts.steps("frame")
    first, last = frames[parts.starts], frames[parts.ends]
    length = parts.sum(np.ones(len(frames)))
    return {
        "first_frame": first,
        "last_frame": last,
        "length": length,
        "gaps": parts.sum(apart > 1),
        "missed_frames": last - first + 1 - length,
        "duration": units.frame * (last - first),
    }


def _where(parts: _Parts, units: Units) -> dict[str, np.ndarray]:
    y, x = parts["y"], parts["x"]
    middle = {"y": parts.mean(y), "x": parts.mean(x)}
    away = np.square(y - middle["y"][parts.whose]) + np.square(x - middle["x"][parts.whose])
    net = np.hypot(y[parts.ends] - y[parts.starts], x[parts.ends] - x[parts.starts])
    path = parts.sum(np.nan_to_num(_moves(parts)))
    with np.errstate(invalid="ignore"):
        straightness = net / np.where(path > 0, path, np.nan)
    lengths = {"net_distance": net, "path_length": path, "radius_of_gyration": np.sqrt(parts.mean(away))}
    return {**middle, **{name: units.pixel * value for name, value in lengths.items()}, "straightness": straightness}


def _moves(parts: _Parts) -> np.ndarray:
    return np.hypot(parts.steps("y"), parts.steps("x"))


def _how_fast(parts: _Parts, units: Units) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore", divide="ignore"):  # twice in a frame, which is refused where D is measured
        speeds = units.pixel / units.frame * _moves(parts) / parts.steps("frame")
    fastest = np.fmax.reduceat(speeds, parts.starts) if len(parts.starts) else speeds
    return {"mean_speed": parts.mean(speeds), "max_speed": fastest}


def _diffusion(table: pd.DataFrame, units: Units) -> pd.DataFrame:
    names = {"low": "diffusion_low", "high": "diffusion_high"}
    return diffusion_of_each(table, units).rename(columns=names).drop(columns="positions")


def _exponents(table: pd.DataFrame, units: Units) -> Generator[Progress, None, pd.DataFrame]:
    """Return the exponent of each trajectory that is long enough."""
    _ = units.open_share  # refuses what cannot be, before long work
    groups, began, rows = table.groupby("particle"), time.perf_counter(), []
    for done, (particle, mine) in enumerate(groups, start=1):
        try:
            told = anomalous_exponent(mine, units)
            rows.append((particle, told.value, told.low, told.high))
        except MotionError:  # too short
            pass
        yield Progress.at(f"exponent of trajectory {particle}", done / len(groups), time.perf_counter() - began)
    return pd.DataFrame(rows, columns=["particle", *EXPONENT])


def _light(parts: _Parts, units: Units) -> dict[str, np.ndarray]:
    """Return the mean light, and the slope of a straight line through it."""
    if "signal" not in parts.table:
        return {}
    signal = np.where(np.isfinite(parts["signal"]), parts["signal"], np.nan)
    time = np.where(np.isfinite(signal), units.frame * parts["frame"], np.nan)
    mean = parts.mean(signal)
    light, when = signal - mean[parts.whose], time - parts.mean(time)[parts.whose]
    spread = parts.sum(np.nan_to_num(np.square(when)))
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = parts.sum(np.nan_to_num(light * when)) / spread
    enough = parts.sum(np.isfinite(signal)) >= _FEWEST
    return {"mean_signal": mean, "signal_slope": np.where(enough, slope, np.nan)}


def _doubt(parts: _Parts) -> dict[str, np.ndarray]:
    return {"q": q_of_tracks(parts["q"], parts.whose)} if "q" in parts.table else {}
