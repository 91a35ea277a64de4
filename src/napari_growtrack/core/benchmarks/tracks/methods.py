"""Who links, and whose detections: ours, LoG's, or the true places; peers' linkers are tuned on the very film."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import pandas as pd

from ...errors import GrowtrackWarning, LinkingError
from ...linking import Linking, link
from ...networks.bundled import AUTO
from ...packages import is_here
from ...scoring import matched_pairs
from ...scoring.trajectories import GATE, TrackScore, score_tracks
from ..case import Scale
from ..peers import detections, laplacian_baseline
from ..world.methods import Ours
from .films import DIAMETER, TrackFilm

EVIDENCE, TRACKPY, LAPTRACK, PERFECT = "evidence", "trackpy", "laptrack", "perfect"
UNTOLD, TOLD, LOG, TRUTH = "growtrack", "growtrack, told", "LoG + parabola", "true places"

_NETWORK = "spots"
_SIGMAS = (0.7, 0.85, 1.0, 1.25, 1.5)  # px
_TUNED_ON = 8  # frames, generously of the film itself
_RADII = (3.0, 4.0, 5.0, 6.0, 8.0)  # px
_MEMORIES = (0, 2)

Linked = Callable[[pd.DataFrame], pd.DataFrame]


def found(who: str, film: TrackFilm) -> pd.DataFrame:
    """Return somebody's detections in a film, ``frame, y, x, ...``."""
    if who == TRUTH:
        return film.truth[["frame", "y", "x"]]
    if who == LOG:
        some = film.truth[film.truth["frame"] < _TUNED_ON]
        return detections(laplacian_baseline(sigmas=_SIGMAS).tuned(film.film[:_TUNED_ON], some), film.film)
    return _ours(who).film(film.film)


@lru_cache
def _ours(who: str) -> Ours:
    return Ours(AUTO) if who == UNTOLD else Ours(_NETWORK, DIAMETER)


def linkers(who: str, scale: Scale) -> list[str]:
    """Return who links somebody's detections."""
    peers = [TRACKPY] + ([LAPTRACK] if is_here(LAPTRACK) and scale != "smoke" else [])
    return {
        UNTOLD: [EVIDENCE, PERFECT],
        TOLD: [EVIDENCE, *peers, PERFECT],
        LOG: peers,
        TRUTH: [EVIDENCE, *peers],
    }[who]


def scored(linker: str, table: pd.DataFrame, truth: pd.DataFrame) -> tuple[TrackScore, str]:
    """Return how a linker's trajectories compare with the truth, and by which settings: of peers the best by beta."""
    if linker == EVIDENCE:
        return score_tracks(truth, _linked(table, Linking())), ""
    if linker == PERFECT:
        return score_tracks(truth, perfect(truth, table)), ""
    each = _by_trackpy if linker == TRACKPY else _by_laptrack
    tried = [
        (score_tracks(truth, linked), f"{radius:g} px, memory {memory}")
        for radius in _RADII
        for memory in _MEMORIES
        if (linked := each(table, radius, memory)) is not None
    ]
    return max(tried, key=lambda one: one[0].beta)


def _linked(table: pd.DataFrame, linking: Linking) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GrowtrackWarning)
        return link(table, linking)


def _by_trackpy(table: pd.DataFrame, radius: float, memory: int) -> pd.DataFrame | None:
    try:
        return _linked(table, Linking(linker="trackpy", search_radius=radius, memory=memory, min_length=2))
    except LinkingError:  # too crowded for it
        return None


def _by_laptrack(table: pd.DataFrame, radius: float, memory: int) -> pd.DataFrame:
    from laptrack import LapTrack

    tracker = LapTrack(
        cutoff=radius**2,
        gap_closing_cutoff=radius**2 if memory else False,
        gap_closing_max_frame_count=memory,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    read = partial(tracker.predict_dataframe, coordinate_cols=["y", "x"], frame_col="frame")
    linked: Any = read(table[["frame", "y", "x"]].reset_index(drop=True), only_coordinate_cols=False)[0]
    return linked.reset_index(drop=True).rename(columns={"track_id": "particle"})[["frame", "y", "x", "particle"]]


def perfect(truth: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return detections linked as the truth is: what no linker of them can pass."""
    pairs = matched_pairs(truth, table, GATE)
    return table.loc[pairs["detection"]].assign(particle=truth.loc[pairs["truth"], "particle"].to_numpy())
