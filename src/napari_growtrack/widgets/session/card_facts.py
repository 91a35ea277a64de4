"""What a network's card has to say: sentences, rows and lines to draw; free of Qt."""

from __future__ import annotations

import math

import numpy as np

from ...core.figures.style import COLOURS
from ...core.growth.plan import Plan, Stage
from ...core.networks.card import Card, Report
from ...core.settings import Span
from ...core.simulation import Scene
from .sentences import count, duration

REPORTED = ("SNR", "error\npx", "bound\npx", "found", "false", "ms")
"""What the columns of `report_rows` are."""

_FEW_STAGES = 8
_SHORT = 99


def facts(card: Card) -> dict[str, str]:
    """Return what a card says of a network, by what it is about."""
    plan, made = card.plan, card.provenance
    said = {
        "Size": f"{count(plan.stages, 'stage')}, {plan.parameters(plan.stages):,} parameters, window {_window(card)}",
        "Grown": _grown(card),
        "Made by": f"napari-growtrack {made.version}, {made.backend}",
    }
    if (scene := card.recipe.scene) is not None:
        least, most = card.diameters
        said["Particles"] = f"{least:.3g} to {most:.3g} px wide; grown on {_span(*scene.diameters)} px"
    return said


def _window(card: Card) -> str:
    height, width = card.plan.shape
    zoom = card.recipe.zoom
    enlarged = "" if zoom == 1 else f", of a film enlarged {zoom:.3g} times"
    return f"{height} x {width} px{enlarged}"


def _grown(card: Card) -> str:
    made = card.provenance
    if made.imported_from:
        return f"elsewhere; imported from {made.imported_from}"
    began = f", beginning with {made.began_with}" if made.began_with else ""
    time = duration(made.seconds) if made.seconds < _SHORT else f"{made.seconds / 60:.1f} min"
    return f"{time} on {made.images:,} images{began}"


def cost_lines(plan: Plan) -> str:
    """Say what the units and the cost of each stage are; of very many stages, of some."""
    stages = np.unique(np.linspace(1, plan.stages, min(plan.stages, _FEW_STAGES)).round()).astype(int)
    return "\n".join(f"Stage {stage}: {plan.describe(int(stage))}" for stage in stages)


# What it was grown on -------------------------------------------------------------------------------------------------


def grown_on_line(card: Card) -> str:
    """Say what a network was grown on: a scene, or labelled images."""
    scene = card.recipe.scene
    if scene is None:
        return f"Labelled images: {card.recipe.dataset}. Right answers on images it never learned from:"
    return scene_line(scene)


def scene_line(scene: Scene) -> str:
    """Say what a scene's pictures look like."""
    about = f"{scene.about} " if scene.about else ""
    many = f"{_of(scene.density)} particles per 100 x 100 px"
    others = f", {_of(scene.distractor_density)} others to be left alone" if scene.distractors else ""
    return f"{about}SNR {_of(scene.snr)}; {many}{others}; {_span(*scene.diameters)} px wide."


def _of(span: Span) -> str:
    return _span(span.low, span.high)


def _span(low: float, high: float) -> str:
    return f"{low:.3g}" if math.isclose(low, high) else f"{low:.3g} to {high:.3g}"


# What it reached ------------------------------------------------------------------------------------------------------


def accuracy_rows(card: Card) -> list[tuple[str, ...]]:
    """Return each stage, how many of its answers are right, and of how many images."""
    return [(f"{one.stage}", f"{one.right:.2%}", f"{one.images:,}") for one in card.accuracies]


def error_lines(card: Card) -> dict[Stage, np.ndarray]:
    """Return SNR and median error in pixels of each stage that has any, (n, 2); of very many stages, of some."""
    found: dict[Stage, list[tuple[float, float]]] = {}
    for report in sorted(card.reports, key=lambda report: (report.stage, report.snr)):
        if report.median_error > 0:
            found.setdefault(report.stage, []).append((report.snr, report.median_error))
    stages = list(found)
    some = {stages[round(i)] for i in np.linspace(0, len(stages) - 1, min(len(stages), len(COLOURS)))}
    return {stage: np.array(found[stage]) for stage in stages if stage in some}


def bound_line(card: Card) -> np.ndarray:
    """Return SNR and Cramér-Rao bound in pixels where that is known, (n, 2)."""
    return np.array(sorted({(report.snr, report.bound) for report in card.reports if report.bound > 0})).reshape(-1, 2)


def report_rows(card: Card, stage: Stage) -> list[tuple[str, ...]]:
    """Return all that was measured of a stage, a row for each signal-to-noise ratio."""
    return [_row(report) for report in sorted(_reports(card, stage), key=lambda report: report.snr)]


def _row(report: Report) -> tuple[str, ...]:
    error = "-" if math.isnan(report.median_error) else f"{report.median_error:.2g}"
    found = f"{report.found:.1%}", f"{report.false:.1%}"
    return f"{report.snr:g}", error, f"{report.bound:.2g}", *found, f"{report.milliseconds:.1f}"


def measured_line(card: Card, stage: Stage) -> str:
    """Say how the errors of a stage were measured."""
    reports = _reports(card, stage)
    if not reports:
        return "Errors were not measured for this network."
    screens = sorted({report.screen for report in reports} - {stage})
    screened = f", screened by stage {screens[0]}" if screens else ""
    return (
        f"Stage {stage}{screened}, on simulated frames of 251 x 251 px; ms per frame, on the computer that grew it. "
        "Errors are of the particles found, the bound of all."
    )


def _reports(card: Card, stage: Stage) -> list[Report]:
    return [report for report in card.reports if report.stage == stage]
