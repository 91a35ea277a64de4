"""What the panels say: one line each, with units."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ...core.detection import Cascade
from ...core.errors import GrowtrackError
from ...core.networks.card import Card, Report
from ...core.networks.choice import Tried
from .region import TrackingProgress

Kind = Literal["plain", "warning", "error"]
"""How a sentence is to be taken."""

_TOLD = (3.0, 10.0)


def reason(error: Exception) -> str:
    """Say why something failed."""
    if isinstance(error, GrowtrackError):
        return str(error)
    return f"This stopped by an error that was not foreseen ({type(error).__name__}: {error}). Please report it."


def saved_as_line(path: Path) -> str:
    """Say where something is saved."""
    return f"Saved as {path}."


def tried_words(tried: Tried, best: Tried) -> tuple[str, ...]:
    """Say in a few words what was tried, how many particles it found, and how much it explains of what the best does.

    Examples
    --------
    >>> best = Tried("spots", 5.0, "inverted", 12.5, 4.1, 0.0, 900.0)
    >>> tried_words(best, best)
    ('spots, inverted', '5.0 px', '12', '100%')
    """
    share = max(tried.evidence, 0.0) / best.evidence if best.evidence > 0 else 0.0
    network = f"{tried.network}, inverted" if tried.contrast == "inverted" else tried.network
    return network, f"{tried.diameter:.1f} px", f"{tried.particles:.0f}", f"{share:.0%}"


def stage_line(card: Card, stage: int) -> str:
    """Say which stage this is, its units a layer and its cost."""
    return f"Stage {stage} of {card.plan.stages}: {card.plan.describe(stage)}"


def speed_line(seconds: float, passed: float, shape: tuple[int, int]) -> str:
    """Say how fast a stage is here, and how much of a frame (Y, X) it was shown."""
    share = f"{passed:.2%}" if passed < 0.01 else f"{passed:.1%}"
    speed = f"{frequency(1 / seconds)} frames/s on this computer ({shape[0]} x {shape[1]} px)"
    return f"{speed}; {share} of the windows passed on"


def frequency(hertz: float) -> str:
    """Return how often something happens in a second.

    Examples
    --------
    >>> frequency(312.4), frequency(4.26)
    ('312', '4.3')
    """
    return f"{hertz:.0f}" if hertz >= 9.95 else f"{hertz:.1f}"


def film_line(error: float) -> str:
    """Say which error to expect where the fits have this one, in pixels.

    How many particles are found is not said: it was measured on simulated frames, and no film is like them.
    """
    return f"Expected error here {error:.2f} px (median, as the fits to this film tell)"


def error_of(detections: pd.DataFrame) -> float | None:
    """Return the median radial error that the fits of some detections expect, in pixels; None without any."""
    sigma = detections["sigma"].to_numpy(float)
    sigma = sigma[np.isfinite(sigma)]
    return float(np.median(sigma)) * math.sqrt(2 * math.log(2)) if len(sigma) else None


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


def screen_line(stage: int, cascade: Cascade | None) -> str:
    """Say which stage looks where."""
    if cascade is None:
        return ""
    if cascade.screen < stage:
        return f"Stage {cascade.screen} looks everywhere, stage {stage} only where it finds something"
    return f"Stage {stage} looks everywhere"


def progress_line(progress: TrackingProgress) -> str:
    """Say what a run is doing."""
    if progress.frame is None:
        return "Loading the network..." if progress.contrast == "auto" else "Reading the first frame..."
    left = progress.seconds_left
    return f"Frame {progress.done} of {progress.total}" + ("" if left is None else f", {duration(left)} left")


def outcome_line(detections: int, progress: TrackingProgress) -> str:
    """Say what a run found, in how many frames, and how fast."""
    if not progress.done:
        return "Stopped before the first frame; nothing was changed."
    found = count(detections, "detection")
    speed = f"{milliseconds(progress.seconds)} per frame"
    if progress.done < progress.total:
        frames = f"{progress.done:,} of {count(progress.total, 'frame')}"
        return f"Stopped after {frames}: {found}, {speed}"
    return f"{found} in {count(progress.done, 'frame')}, {speed}"


def noise_words(number: float) -> str:
    """Say how many detections are expected to be noise.

    Examples
    --------
    >>> noise_words(12.4), noise_words(0.42), noise_words(0.003)
    ('about 12 of them noise', 'about 0.4 of them noise', 'none of them noise')
    """
    if number < 0.05:
        return "none of them noise"
    return f"about {number:,.0f} of them noise" if number >= 9.5 else f"about {number:.1g} of them noise"


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
