"""Link detections: by evidence, or by trackpy's linker (Crocker and Grier, J. Colloid Interf. Sci. 179, 298, 1996)."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..errors import GrowtrackWarning, LinkingError
from ..packages.plotting import load_matplotlib
from ..progress import Progress, finish
from ..tables import RELATIVES, check
from .evidence import link_by_evidence
from .filtering import drop_short
from .linkage import Linkage, Linking
from .radius import is_cut, suggest_radius
from .repeats import repeated_frames, steps_of

_ADAPTIVE_STEP = 0.9
_LEAST_SHARE = 0.1
"""In a crowd the search shrinks down to this part of the radius."""

_MOST_EMPTY = 200_000
"""Through more frames without detections nothing is remembered: it would take minutes."""


def iter_linkage(detections: pd.DataFrame, linking: Linking | None = None) -> Generator[Progress, None, Linkage]:
    """Link as `iter_link` does; the generator returns the trajectories and what was left out."""
    linking = linking or Linking()
    table = check(detections).sort_values("frame", kind="stable", ignore_index=True)
    table = table.drop(columns=[*RELATIVES], errors="ignore")  # of trajectories that are no more
    frames = table["frame"].nunique()
    repeated = np.empty(0, int) if linking.keep_repeats else repeated_frames(table)
    table = table[~table["frame"].isin(repeated)].reset_index(drop=True)
    steps = steps_of(table["frame"].to_numpy(), repeated)
    if linking.linker == "trackpy":
        linking = linking.with_(memory=linking.memory or 0)
        linked, linking = yield from _by_trackpy(table, steps, linking)
    else:
        linked = yield from _by_evidence(table, steps, linking)
    true = linked if linking.linker == "trackpy" else linked[linked["track_q"] <= linking.most_false]
    kept = drop_short(true, linking.min_length)
    number, sure, long = (some["particle"].nunique() for some in (linked, true, kept))
    cut = (
        linking.linker == "trackpy"
        and len(kept) > 0
        and is_cut(_moves(kept, steps_of(kept["frame"].to_numpy(), repeated)), linking.search_radius or 0.0)
    )
    return Linkage(kept, linking, frames, repeated, sure - long, cut, number - sure)


def _by_evidence(table: pd.DataFrame, steps: np.ndarray, linking: Linking) -> Generator[Progress, None, pd.DataFrame]:
    """Return the table with ``particle``, ``link_chance`` and ``track_q``."""
    if not len(table):
        none = np.empty(0)
        return table.assign(particle=none.astype(np.int64), link_chance=none, track_q=none)
    longest = np.inf if linking.memory is None else linking.memory
    evidence = yield from link_by_evidence(table, steps, longest, linking.search_radius or np.inf, linking.directed)
    return table.assign(particle=evidence.particle, link_chance=evidence.link_chance, track_q=evidence.track_q)


def _by_trackpy(
    table: pd.DataFrame, steps: np.ndarray, linking: Linking
) -> Generator[Progress, None, tuple[pd.DataFrame, Linking]]:
    """Return the table with ``particle``, and the search radius that was used."""
    particle = np.empty(len(table), np.int64)
    if len(table):
        radius = linking.search_radius or suggest_radius(table.assign(frame=steps), keep_repeats=True).radius
        linking = linking.with_(search_radius=radius)
        yield from _linked(table, steps, particle, radius, linking.memory or 0)
    return table.assign(particle=particle), linking


def iter_link(detections: pd.DataFrame, linking: Linking | None = None) -> Generator[Progress, None, pd.DataFrame]:
    """Link detections, reporting after every frame; the generator returns the trajectories.

    The parameters, the result and the errors are those of `link`.
    """
    linkage = yield from iter_linkage(detections, linking)
    return linkage.trajectories


def _moves(trajectories: pd.DataFrame, steps: np.ndarray) -> np.ndarray:
    """Return how far particles moved from each step to the next one, in pixels."""
    ordered = trajectories.assign(frame=steps).sort_values(["particle", "frame"])
    changes = np.diff(ordered[["particle", "frame", "y", "x"]].to_numpy(float), axis=0)
    return np.hypot(*changes[(changes[:, 0] == 0) & (changes[:, 1] == 1), 2:].T)


def _linked(
    table: pd.DataFrame, steps: np.ndarray, particle: np.ndarray, radius: float, memory: int
) -> Generator[Progress, None, None]:
    """Fill in which particle each row is; steps count frames without the repeated ones."""
    places, frames = table[["y", "x"]].to_numpy(float), table["frame"].to_numpy()
    memory = int(min(memory, steps[-1] - steps[0]))
    starts, ends, gaps = _parts(steps, memory)
    began = time.perf_counter()

    def each() -> Iterator[tuple[int, np.ndarray]]:
        for start, end, gap in zip(starts, ends, gaps, strict=True):
            for _ in range(gap):
                yield int(frames[start]), places[:0]
            yield int(frames[start]), places[start:end]

    linked = _trackpys_linker(each(), radius, memory)
    for done, (start, end, gap) in enumerate(zip(starts, ends, gaps, strict=True), start=1):
        for _ in range(gap + 1):
            frame, ids = _next(linked, radius, int(frames[start]), end - start)
        particle[start:end] = ids
        yield Progress.at(f"linking frame {frame}", done / len(starts), time.perf_counter() - began)


def _parts(steps: np.ndarray, memory: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the rows of each step start and end, and how many empty steps before it matter to the memory."""
    found, starts = np.unique(steps, return_index=True)
    gaps = np.minimum(np.diff(found, prepend=found[0] - 1) - 1, memory + 1)
    if gaps.sum() > _MOST_EMPTY:
        raise LinkingError(
            f"A memory of {memory:,} frames would be kept through {gaps.sum():,} frames without detections. "
            f"Choose a memory below {_MOST_EMPTY // len(found):,} frames, or check the frame numbers."
        )
    return starts, np.append(starts[1:], len(steps)), gaps


def _trackpys_linker(frames: Iterator[tuple[int, np.ndarray]], radius: float, memory: int) -> Iterator[Any]:
    """Return trackpy's links, frame by frame; where a crowd is too large to resolve, it searches less far there."""
    load_matplotlib()  # which it loads by itself
    import trackpy

    trackpy.ignore_logging()  # it writes to stdout by itself
    adaptive = {"adaptive_stop": _LEAST_SHARE * radius, "adaptive_step": _ADAPTIVE_STEP}
    return trackpy.link_iter(frames, radius, memory=memory, **adaptive)


def _next(linked: Iterator[Any], radius: float, frame: int, number: int) -> tuple[int, Any]:
    from trackpy.linking import SubnetOversizeException

    try:
        return next(linked)
    except SubnetOversizeException as error:
        raise LinkingError(
            f"Frame {frame} holds {number} detections so near to each other that a search of {radius:.3g} px finds too "
            f"many ways to link them, and so does one of {_LEAST_SHARE * radius:.2g} px. Choose a search radius well "
            "below the distance of neighbouring particles, or keep surer detections only."
        ) from error


def link(detections: pd.DataFrame, linking: Linking | None = None) -> pd.DataFrame:
    """Link the detections of a film to trajectories.

    Parameters
    ----------
    detections : DataFrame
        With ``frame, y, x`` in pixels, in any order; other columns are kept.
    linking : Linking, optional
        By default all evidence counts, and nothing needs to be set.

    Returns
    -------
    DataFrame
        Sorted by frame, with a column ``particle``: whole numbers, the same for
        all detections of a trajectory. Linking by evidence adds ``link_chance``, the
        chance that the link to the detection before is right (nan where there is none), and
        ``track_q``, the chance that the whole trajectory is false.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    LinkingError
        When trackpy's linker cannot resolve a crowd even by a search that is ten times nearer.

    Warns
    -----
    GrowtrackWarning
        When frames repeat the one before and are left out, and when moves do not end
        before the search radius of trackpy's linker, so that some are cut off.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 0, 1, 1], "y": [5.0, 50.0, 6.0, 51.0], "x": [5.0, 5.0, 5.0, 5.0]})
    >>> link(film, Linking(search_radius=3, min_length=2)).particle.tolist()
    [0, 1, 0, 1]
    """
    linkage = finish(iter_linkage(detections, linking))
    for told in (linkage.repeats, linkage.warning):
        if told:
            warnings.warn(told, GrowtrackWarning, stacklevel=2)
    return linkage.trajectories
