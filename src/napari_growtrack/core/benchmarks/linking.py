"""Linkers on simulated detections of known trajectories: time, and how many links are right."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..linking import Linking, link
from ..linking.judging import score_links
from ..packages import command, is_here
from ..simulation.paths import brownian_paths
from .case import Rows, Scale

_log = logging.getLogger(__name__)
_MEMORY = 2
_LOST = 0.03

Film = tuple[int, int, float, float, float]
"""Frames, particles, side in pixels, diffusion coefficient in px²/frame, search radius in pixels."""

FILMS: dict[str, Film] = {
    "1000 frames, 300 particles": (1000, 300, 1024, 1.0, 7.0),
    "100 frames, 5000 particles": (100, 5000, 4096, 1.0, 7.0),
    "crowded: 100 frames, 400 particles, moves a third of the distance": (100, 400, 256, 1.5, 7.0),
}
_SMOKE: dict[str, Film] = {"10 frames, 30 particles": (10, 30, 300, 1.0, 7.0), "crowded": (10, 60, 100, 1.5, 7.0)}


def measure(scale: Scale) -> Rows:
    """Link the same detections by trackpy's linker, which we use, and by laptrack's where it is installed."""
    linkers: dict[str, Callable[[pd.DataFrame, float], pd.DataFrame]] = {"trackpy (ours)": _ours}
    if not is_here("laptrack"):
        _log.warning("laptrack is not installed and left out. Install it with: %s", command("laptrack"))
    else:
        linkers["laptrack"] = _laptrack
    rows: Rows = []
    _ours(_film(_SMOKE["crowded"]), 7.0)  # what is compiled is compiled now
    for name, film in (_SMOKE if scale == "smoke" else FILMS).items():
        table = _film(film)
        for linker, linked_by in linkers.items():
            began = time.perf_counter()
            linked = linked_by(table, film[-1])
            seconds = time.perf_counter() - began
            judged = score_links(linked)
            rows.append(
                {
                    "film": name,
                    "linker": linker,
                    "detections": len(table),
                    "seconds": seconds,
                    "right of links": judged.purity,
                    "of right links": judged.completeness,
                }
            )
            _log.info("%s, %s: %.1f s", name, linker, seconds)
    return rows


def _film(film: Film) -> pd.DataFrame:
    frames, particles, side, diffusion, _ = film
    rng = np.random.default_rng([frames, particles])
    table = brownian_paths(rng, particles, frames, diffusion, error=0.2, lost=_LOST, side=side)
    return table.rename(columns={"particle": "truth"})


def _ours(table: pd.DataFrame, radius: float) -> pd.DataFrame:
    return link(table, Linking(search_radius=radius, memory=_MEMORY, min_length=1))


def _laptrack(table: pd.DataFrame, radius: float) -> pd.DataFrame:
    from laptrack import LapTrack

    tracker = LapTrack(
        cutoff=radius**2,
        gap_closing_cutoff=radius**2,
        gap_closing_max_frame_count=_MEMORY,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    numbered = table.assign(row=table.index)
    linked: Any = tracker.predict_dataframe(numbered, ["y", "x"], frame_col="frame", only_coordinate_cols=False)[0]
    return (
        linked.set_index("row")
        .sort_index()[["truth", "track_id"]]
        .rename(columns={"track_id": "particle"})
        .assign(frame=table["frame"])
    )
