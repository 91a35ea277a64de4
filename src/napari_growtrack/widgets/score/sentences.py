"""What the Score panel says: a few lines, with units; free of Qt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.scoring import Comparison, Score, ThesisScore
from ..session.region import Region
from ..session.sentences import Kind, count
from .question import Answer, Question

NUMBERS = {
    "Found": "Share of the particles that have a detection.",
    "False": "Share of the detections that match no particle.",
    "Matched": "Pairs of a particle and a detection, one to one. F1 is 2 x pairs / (particles + detections).",
    "Median error": "Distance of a matched pair. The second number is in units of the layer's scale.",
    "Mean error": "Distance of a matched pair. The second number is in units of the layer's scale.",
    "Shift y, x": "How far detections lie from their particles on average. Half a pixel means that the two "
    "count pixels differently.",
}
"""What is told of every score, and what it means."""

NOTHING = "There is nothing to compare yet: open a truth (File > Open, a CSV table) and track its film."
STOPPED = "Stopped. Change a layer, or Within, to compare again."

_FEW = 4


def numbers(answer: Answer) -> dict[str, str]:
    """Return what is told under each name of `NUMBERS`."""
    score, (y, x) = answer.comparison.score, answer.comparison.shift
    return {
        "Found": f"{score.found:.1%} of {count(score.particles, 'particle')}",
        "False": f"{score.false:.1%} of {count(score.detections, 'detection')}",
        "Matched": f"{count(score.matched, 'pair')}, F1 {score.f1:.3f}",
        "Median error": _distance(score.median_error, answer, np.median),
        "Mean error": _distance(score.mean_error, answer, np.mean),
        "Shift y, x": f"{y:+.3f}, {x:+.3f} px" if score.matched else "none",
    }


def _distance(error: float, answer: Answer, middle: Callable[[np.ndarray], Any]) -> str:
    if math.isnan(error):
        return f"none: no pair within {answer.question.within:g} px"
    unit = answer.question.unit
    return f"{error:.3f} px" + (f" = {middle(answer.world_errors):.3g} {unit}" if unit else "")


def frames_line(question: Question) -> str:
    """Say which frames are compared."""
    frames = question.frames
    number = count(len(frames), "tracked frame") if question.tracked else f"{count(len(frames), 'frame')} with points"
    bare = len({*frames} - {*question.truth["frame"].tolist()})
    without = f"; {bare:,} of them without truth" if bare else ""
    return f"Compared: {number} ({_span(frames)}){_part(question.region)}{without}"


def _span(frames: Sequence[int]) -> str:
    if len(frames) <= _FEW:
        return ", ".join(map(str, frames)) or "none"
    gaps = "" if frames[-1] - frames[0] + 1 == len(frames) else ", not all"
    return f"{frames[0]} to {frames[-1]}{gaps}"


def _part(region: Region | None) -> str:
    if region is None:
        return ""
    return f", the part that was tracked (y {region.top} to {region.bottom - 1}, x {region.left} to {region.right - 1})"


def comparing_line(frames: int) -> str:
    """Say that so many frames are being compared."""
    return f"Comparing {count(frames, 'frame')}..."


def errors_line(median: float, most: float, beyond: int) -> str:
    """Say how errors are distributed: their median, what 90 % are below, how many are too large to be drawn."""
    last = f"; the last bar holds {beyond:,} beyond" if beyond else ""
    return f"Median {median:.3g} px, 90 % below {most:.3g} px{last}"


def saved_line(path: Path) -> str:
    """Say where a score is saved."""
    return f"Saved {path.name} and {path.with_suffix('.json').name} in {path.parent}"


def sigma_line(comparison: Comparison) -> str:
    """Say whether `sigma` promises what was measured."""
    pull = comparison.pull
    if pull is None:
        return ""
    return (
        f"Along one axis: sigma says {pull.told:.2f} px, measured {pull.measured:.2f} px "
        f"({pull.spread:.2f} times as wide)"
    )


def thesis_line(thesis: ThesisScore | None) -> str:
    """Say how the thesis would judge."""
    if thesis is None:
        return ""
    median = "none" if math.isnan(thesis.median_error) else f"{thesis.median_error:.2f} px"
    return f"Thesis's measures: missed {thesis.missed:.1%}, false {thesis.false:.1%}, median error {median}"


def verdict(score: Score) -> tuple[str, Kind]:
    """Say what is odd about a score."""
    if not score.particles:
        return "There is no truth in what is compared: every detection counts as false.", "warning"
    if not score.detections:
        return "There are no detections in what is compared: every particle counts as missed.", "warning"
    if not score.matched:
        return f"No detection is within {score.within:g} px of a particle. Are both layers of one film?", "warning"
    return "", "plain"
