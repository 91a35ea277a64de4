"""What a detector makes of a rung: what it finds, how exact it is, whether it knows, and its ghosts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ...scoring import score
from ...scoring.matching import spread
from ..case import Scale
from ..ladder import pulls
from ..peers import detections
from .films import Judged, film

Detect = Callable[[np.ndarray], pd.DataFrame]

_BLANK = ""


def judge(detector: Detect, on: str | Judged, frames: int | Scale = "laptop", seed: int = 0) -> dict[str, Any]:
    """Return the row of a detector on a rung.

    Parameters
    ----------
    detector : callable
        Returns the table ``y, x`` and perhaps ``sigma`` of a frame (Y, X); where
        it has a method ``film``, that is given the film (T, Y, X) instead.
    on : str or Judged
        A rung's name, or its film.
    frames, seed
        See `film`.

    Returns
    -------
    dict
        ``found, false, F1, median error (px), bound (px), error / bound, pull,
        68 %, 95 %, ghosts a frame, ms a frame``. `pull` is how widely errors
        spread in units of `sigma`, ``68 %`` and ``95 %`` how many of them are
        within 1 and 1.96 of it, along both axes.

    Examples
    --------
    >>> from napari_growtrack.core.benchmarks.world import Ours, judge
    >>> judge(Ours("vesicles", diameter=4), "airy", frames=2)["found"]  # doctest: +SKIP
    1.0
    """
    judged = film(on, frames, seed) if isinstance(on, str) else on
    began = time.perf_counter()
    found = seen(detector, judged.film)
    seconds = time.perf_counter() - began
    result = score(judged.truth, found, judged.rung.within)
    row = {
        "found": result.found,
        "false": result.false,
        "F1": result.f1,
        "median error (px)": result.median_error,
        "bound (px)": judged.bound,
        "error / bound": result.median_error / judged.bound,
        **honesty(judged.truth, found, judged.rung.within),
        "ghosts a frame": len(seen(detector, judged.empty)) / judged.frames,
        "ms a frame": 1e3 * seconds / judged.frames,
    }
    return {name: value if np.isfinite(value) else _BLANK for name, value in row.items()}


def seen(detector: Detect, frames: np.ndarray) -> pd.DataFrame:
    """Return what a detector finds in a film."""
    as_film = getattr(detector, "film", None)
    table: pd.DataFrame = detections(detector, frames) if as_film is None else as_film(frames)
    return table


def honesty(truth: pd.DataFrame, found: pd.DataFrame, within: float) -> dict[str, float]:
    """Return how errors spread in units of ``sigma``, and how many lie within 1 and 1.96 of it; nan without it."""
    some = pulls(truth, found, within)
    some = some[np.isfinite(some).all(1)]
    if not len(some):
        return dict.fromkeys(("pull", "68 %", "95 %"), float("nan"))
    shares = {name: float(np.mean(np.abs(some) <= most)) for name, most in (("68 %", 1.0), ("95 %", 1.96))}
    return {"pull": spread(some), **shares}
