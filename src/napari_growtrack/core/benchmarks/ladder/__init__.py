"""How far up the ladder everybody gets: our networks untuned, and peers tuned on each rung, in accuracy and in time."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...scoring import matched_pairs, score
from ...scoring.matching import WITHIN, spread
from ..case import Rows, Scale
from ..peers import detections, on_one_core, peak_of
from ..sources import PRETRAINED_VESICLES, find
from .methods import DEEPTRACK, LOG, OURS, TRACKPY_13, Method, import_deeptrack, ours, peers
from .rungs import Judge, Rung, rungs

_log = logging.getLogger(__name__)

Detect = Callable[[np.ndarray], pd.DataFrame]

# Times of Spotiflow over those of trackpy (diameter 13, numba), measured side by side on one core.
SPOTIFLOW = {"table42, SNR 3": 245.5 / 6.3, "big": 6172 / 105}


def measure(scale: Scale, data: Path | None = None) -> Rows:
    """Judge every method on every rung, in one process on one core.

    Times of a rung's methods are taken in turns. Memory is that of a fresh process
    that does nothing else.

    Parameters
    ----------
    scale : {"smoke", "laptop"}
    data : Path, optional
        Folder with DeepTrack 1.0's network, which is left out without.
    """
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder, on_one_core() as process:
        deeptrack = None
        pretrained = find(PRETRAINED_VESICLES, data)
        if pretrained is not None:
            deeptrack = str(Path(folder) / "deeptrack.growtrack")
            process.submit(import_deeptrack, pretrained, deeptrack).result()
            _log.info("DeepTrack 1.0 imported")
        for rung in rungs(scale):
            began = time.perf_counter()
            judged = process.submit(climb, rung, scale, deeptrack).result()
            if rung.weighed:
                _weigh(rung, judged, scale)
            rows += [row for _, row in judged]
            _log.info("%s: %d methods, %.0f s", rung.name, len(judged), time.perf_counter() - began)
    return rows


def climb(rung: Rung, scale: Scale, deeptrack: str | None) -> list[tuple[Method, dict[str, Any]]]:
    """Judge all methods on one rung, each with its row."""
    judge = Judge.of(rung, scale)
    lesson = judge if rung.tuned_on is None else Judge.of(rung.tuned_on, scale)
    methods = [*ours(rung), *peers(rung.tuned_on or rung, lesson, deeptrack)]
    rows = [_row(rung, method, judge) for method in methods]
    some = 1 if scale == "smoke" else max(2, min(8, 8 * 251**2 // rung.pixels))
    times = in_turns([one.detector for one in methods], judge.film, some, 1 if scale == "smoke" else 7)
    for row, milliseconds in zip(rows, times, strict=True):
        row["ms per frame"] = milliseconds
    return list(zip(methods, rows, strict=True))


def _row(rung: Rung, method: Method, judge: Judge) -> dict[str, Any]:
    found = detections(method.detector, judge.film)
    result = score(judge.truth, found)
    false = 100 * (result.detections - result.matched) / judge.frames
    particles = rung.number > 0
    row = {
        "found": result.found,
        "false": result.false,
        "F1": result.f1,
        "median error (px)": result.median_error,
        "mean error (px)": result.mean_error,
        "bound (px)": judge.bound,
        "error / bound": result.median_error / judge.bound,
        "pull": pull(judge.truth, found),
    }
    blank = {name: value if particles and np.isfinite(value) else "" for name, value in row.items()}
    times = {"false per 100 frames": false, "ms per frame": "", "peak memory (MiB)": ""}
    return {"rung": rung.name} | method.columns | blank | times | {"setting": method.setting}


def pull(truth: pd.DataFrame, found: pd.DataFrame) -> float:
    """Return how widely errors spread in units of the ``sigma`` that comes with each detection; 1 is honest.

    Half the width from the 16th to the 84th percentile, both axes together; NaN
    without such a column, or without a match.
    """
    some = pulls(truth, found)
    return spread(some) if len(some) else float("nan")


def pulls(truth: pd.DataFrame, found: pd.DataFrame, within: float = WITHIN) -> np.ndarray:
    """Return errors along y and x in units of the ``sigma`` of each detection, (n, 2); none without that column."""
    pairs = matched_pairs(truth, found, within)
    if "sigma" not in found or not len(pairs):
        return np.empty((0, 2))
    theirs, mine = found.loc[pairs.detection], truth.loc[pairs.truth]
    errors = theirs[["y", "x"]].to_numpy() - mine[["y", "x"]].to_numpy()
    return np.asarray(errors / theirs.sigma.to_numpy()[:, None])


def in_turns(detectors: Sequence[Detect], film: np.ndarray, some: int, turns: int) -> list[float]:
    """Return each detector's time for a frame in ms: the median of turns in which it tracks some frames as a film.

    The first turn warms up.
    """
    seconds: list[list[float]] = []
    for turn in range(turns + 1):
        first = turn * some % max(len(film) - some + 1, 1)
        seconds.append([_seconds(detector, film[first : first + some]) / some for detector in detectors])
    return [1e3 * float(median) for median in np.median(seconds[1:], axis=0)]


def _seconds(detector: Detect, frames: np.ndarray) -> float:
    """Return the time a detector takes for a few frames; ours tracks them as a film, others one by one."""
    as_film = getattr(detector, "film", None)
    began = time.perf_counter()
    if as_film is not None:
        as_film(frames)
    else:
        for frame in frames:
            detector(frame)
    return time.perf_counter() - began


def _weigh(rung: Rung, judged: Sequence[tuple[Method, dict[str, Any]]], scale: Scale) -> None:
    """Write into the rows how much memory methods need: one of a kind; at ``smoke`` scale a single one."""
    frames = [*Judge.of(rung, "smoke").film]
    for method, row in judged:
        of_its_kind = method.name in (OURS, LOG, TRACKPY_13, DEEPTRACK) and method.way != "faithful"
        if of_its_kind and (scale == "laptop" or method.name == LOG):
            row["peak memory (MiB)"] = peak_of(method.detector, frames)


def speed(rows: Rows) -> Rows:
    """Return the times of ours beside those of LoG, trackpy and Spotiflow.

    Spotiflow's is trackpy's in this run, times the ratio of the two in a run side by side.
    """
    table: Rows = []
    for rung, ratio in SPOTIFLOW.items():
        mine = [row for row in rows if row["rung"] == rung]
        times = {row["method"]: row["ms per frame"] for row in mine}
        others = {"LoG": times.get(LOG), "trackpy": times.get(TRACKPY_13)}
        others["Spotiflow, scaled"] = others["trackpy"] and others["trackpy"] * ratio
        table += [_beside(row, others) for row in mine if row["method"] == OURS]
    return table


def _beside(row: dict[str, Any], others: dict[str, float | None]) -> dict[str, Any]:
    ours = row["ms per frame"]
    told = {name: row[name] for name in ("rung", "network", "stage", "way")} | {"ours (ms)": ours}
    times = {f"{name} (ms)": value or "" for name, value in others.items()}
    return told | times | {f"{name} / ours": value / ours if value else "" for name, value in others.items()}
