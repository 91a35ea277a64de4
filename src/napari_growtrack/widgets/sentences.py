"""What the panels say: one line each, with units."""

from __future__ import annotations

import math
from typing import Literal

from ..core.card import Card, Report
from ..core.detection import Cascade
from .session import Progress

Kind = Literal["plain", "warning", "error"]
"""How a sentence is to be taken."""

_TOLD = (3.0, 10.0)


def stage_line(card: Card, stage: int) -> str:
    """Say which stage this is, its units a layer and its cost."""
    return f"Stage {stage} of {card.plan.stages}: {card.plan.describe(stage)}"


def error_line(card: Card, stage: int) -> str:
    """Say which error to expect of a stage, near two signal-to-noise ratios."""
    reports = [report for report in _reports(card, stage) if not math.isnan(report.median_error)]
    if not reports:
        return "Expected error: not measured for this network"
    told = {min(reports, key=lambda report: abs(math.log(report.snr / snr))).snr for snr in _TOLD}
    parts = [f"{report.median_error:.2f} px at SNR {report.snr:g}" for report in reports if report.snr in told]
    return f"Expected error {', '.join(parts)} (simulated, {_diameter(card)} wide)"


def error_table(card: Card, stage: int) -> str:
    """Say all that was measured of a stage, a line for each signal-to-noise ratio."""
    lines = [
        f"SNR {report.snr:g}: {report.found:.0%} found, {report.false:.0%} false, "
        f"median error {report.median_error:.2f} px, {report.milliseconds:.1f} ms per frame"
        for report in _reports(card, stage)
    ]
    title = f"On simulated frames of 251 x 251 px, with particles {_diameter(card)} wide:"
    return "\n".join([title, *lines]) if lines else ""


def screen_line(stage: int, screening: bool, cascade: Cascade | None) -> str:
    """Say which stage looks where."""
    if stage == 1:
        return "Stage 1 is the cheapest, it looks everywhere"
    if cascade is not None and cascade.screen < stage:
        return f"Stage {cascade.screen} looks everywhere, stage {stage} only where it finds something"
    why = ": no cheaper one screens as well" if screening and cascade is not None else ""
    return f"Stage {stage} looks everywhere{why}"


def progress_line(progress: Progress) -> str:
    """Say what a run is doing."""
    if progress.frame is None:
        return "Loading the network..."
    left = progress.seconds_left
    return f"Frame {progress.done} of {progress.total}" + ("" if left is None else f", {duration(left)} left")


def outcome_line(detections: int, progress: Progress) -> str:
    """Say what a run found, in how many frames, and how fast."""
    if not progress.done:
        return "Stopped before the first frame; nothing was changed."
    found = count(detections, "detection")
    speed = f"{milliseconds(progress.seconds)} per frame"
    if progress.done < progress.total:
        frames = f"{progress.done:,} of {count(progress.total, 'frame')}"
        return f"Stopped after {frames}: {found}, {speed}"
    return f"{found} in {count(progress.done, 'frame')}, {speed}"


def warning_line(warnings: list[str]) -> str:
    """Say the first warning and how many more there are."""
    return warnings[0] + (f" (and {count(len(warnings) - 1, 'more warning')})" if len(warnings) > 1 else "")


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "frame"), count(1200, "frame")
    ('1 frame', '1,200 frames')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def milliseconds(seconds: float) -> str:
    """Return a short time.

    Examples
    --------
    >>> milliseconds(0.0063), milliseconds(0.25), milliseconds(2.5)
    ('6.3 ms', '250 ms', '2.5 s')
    """
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.1f} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"


def duration(seconds: float) -> str:
    """Return a time to wait.

    Examples
    --------
    >>> duration(7.6), duration(150), duration(7500)
    ('8 s', '3 min', '2 h 5 min')
    """
    if seconds < 99.5:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _diameter(card: Card) -> str:
    return f"{card.recipe.located_scene.diameter:.3g} px"


def _reports(card: Card, stage: int) -> list[Report]:
    return [report for report in card.reports if report.stage == stage]
