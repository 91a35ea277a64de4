"""DeepTrack 1.0's network for Brownian beads and our bundled one, on the film that DeepTrack 1.0 tracked with it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from ..detection import Cascade, collect, iter_detections, median_milliseconds
from ..films import open_stack
from ..networks.build import iter_import
from ..networks.load import load_network
from ..progress import finish
from ..scoring.matching import WITHIN, match
from ..simulation import named_scene
from .case import Rows, Scale
from .sources import BROWNIAN, PRETRAINED_BROWNIAN, path_of

_log = logging.getLogger(__name__)
_EXAMPLE = Cascade(
    stage=1, screen=1, screen_distance=7.5, accept_distance=7.5, merge_distance=15, faithful=True, step=5
)
_BY_HAND = Cascade(stage=1, screen=1, screen_distance=10, accept_distance=6, merge_distance=8)


def measure(scale: Scale, data: Path | None = None) -> Rows:
    """Track the film with DeepTrack 1.0's network and with `beads`, and compare bead by bead with `beads`.

    DeepTrack's network looks through boxes of 51 px with the step and distances of its own example; through boxes of
    61 px, which suit the film best, with distances calibrated on the scene `beads`, and with distances set by hand.
    At ``smoke`` scale there are no boxes of 61 px.
    """
    scene = named_scene("beads")
    film, network = path_of(BROWNIAN, data), path_of(PRETRAINED_BROWNIAN, data)
    frames = range(2 if scale == "smoke" else 50)
    beads = load_network("beads")
    plain = finish(iter_import(network, scene, 51))
    ways = {
        "beads": (beads, beads.cascade()),
        "DeepTrack 1.0, box 51, as in its example": (plain, _EXAMPLE),
        "DeepTrack 1.0, box 51, calibrated": (plain, plain.cascade()),
    }
    if scale != "smoke":
        wide = finish(iter_import(network, scene, 61))
        ways["DeepTrack 1.0, box 61, calibrated"] = wide, wide.cascade()
        ways["DeepTrack 1.0, box 61, by hand"] = wide, _BY_HAND
    _log.info("imported and calibrated")
    rows: Rows = []
    ours = None
    for way, (one, cascade) in ways.items():
        with open_stack(film) as stack:
            found = list(iter_detections(stack, one, cascade, frames))
        table = collect(each.table for each in found)
        ours = table if ours is None else ours
        rows.append({"way": way} | _compared(ours, table, frames) | {"ms per frame": median_milliseconds(found)})
    return rows


def _compared(ours: pd.DataFrame, table: pd.DataFrame, frames: range) -> dict[str, float]:
    """Count detections, those that `beads` has too, and how far apart the two are."""
    apart: list[float] = []
    for frame in frames:
        one, other = (t.loc[t.frame == frame, ["y", "x"]].to_numpy(float) for t in (ours, table))
        apart += [*match(one, other, WITHIN)[2]]
    return {
        "found per frame": len(table) / len(frames),
        "of those that beads finds": len(apart) / max(len(ours), 1),
        "found only here": (len(table) - len(apart)) / max(len(table), 1),
        "median distance from beads (px)": float(np.median(apart)) if apart else float("nan"),
    }
