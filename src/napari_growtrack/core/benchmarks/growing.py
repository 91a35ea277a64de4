"""What growing costs and reaches: side by side against plain and one by one, and in a minute or five from nothing."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from ..detection import Calibration, Pair, calibrate, detect
from ..growth.network import GrownNetwork
from ..growth.plan import Plan
from ..growth.schedule import Phase, Schedule
from ..growth.training import grow
from ..growth.validation import HeldOut, held_out_windows
from ..networks.evaluation import SHAPE, bound, calibration_samples, film_of
from ..scoring import score
from ..simulation import Scene, draw, named_scene
from .case import Rows, Scale

_log = logging.getLogger(__name__)
_SCENE = "vesicles"
_PHASES = ((500, 32), (500, 128), (250, 256))


def side_by_side(scale: Scale) -> Rows:
    """Train the depth-five network plainly, side by side, and one stage after the other, on as many images a stage.

    Errors are medians of single windows at SNR 3 that no network learned from.
    """
    seeds, shares = (1, (0.004,)) if scale == "smoke" else (3, (1.0, 2.5))
    scene, side = named_scene(_SCENE), Plan.depth().side
    judge = held_out_windows(scene.with_(snr=3), side, "standard", number=64 if scale == "smoke" else 2000)
    rows: Rows = []
    for share in shares:
        mine = [row for seed in range(seeds) for row in _three_ways(share, seed, scene, judge)]
        rows += [*mine, *_ratios(mine)]
    return rows


def _three_ways(share: float, seed: int, scene: Scene, judge: HeldOut) -> Rows:
    phases = [Phase(share=max(1, round(batches * share)), size=size) for batches, size in _PHASES]
    together, one_by_one = Schedule(phases=phases), Schedule(phases=phases, together=False)
    ways = {
        "plain": (Plan.plain(), together),
        "side by side": (Plan.depth(), together),
        "one by one": (Plan.depth(), one_by_one),
    }
    rows: Rows = []
    for way, (plan, schedule) in ways.items():
        began = time.perf_counter()
        network = grow(plan, scene, schedule, seed)
        seconds = time.perf_counter() - began
        errors = [judge.error(answers[:, 0, 0]) for answers in network.answers(judge.images)]
        _log.info("seed %d, %s: %.0f s, errors %s", seed, way, seconds, np.round(errors, 3))
        row = {"windows a stage": together.images_per_stage, "seed": seed, "way": way, "seconds": seconds}
        first = Plan.depth().stages - len(errors) + 1
        rows.append(row | {f"stage {s} (px)": "" for s in range(1, first)} | _stages(errors, first))
    return rows


def _stages(values: list[float], first: int = 1) -> dict[str, Any]:
    return {f"stage {stage} (px)": value for stage, value in enumerate(values, start=first)}


def _ratios(rows: Rows) -> Rows:
    """Return the median over seeds of the ratios that growing side by side is judged by."""
    numbers = [name for name in rows[0] if name == "seconds" or name.startswith("stage")]

    def ratios(other: str) -> dict[str, Any]:
        ours, theirs = ([row for row in rows if row["way"] == way] for way in ("side by side", other))
        pairs = {name: [(a[name], b[name]) for a, b in zip(ours, theirs, strict=True)] for name in numbers}
        return {
            name: "" if "" in many[0] else float(np.median([a / b for a, b in many])) for name, many in pairs.items()
        }

    return [
        {"windows a stage": rows[0]["windows a stage"], "seed": "", "way": f"side by side / {other}"} | ratios(other)
        for other in ("plain", "one by one")
    ]


def budget(scale: Scale) -> Rows:
    """Grow the depth-five network from nothing, side by side, in one minute and in five, and track at SNR 3.

    Growing alone is timed; thresholds are calibrated afterwards.
    """
    budgets = (0.05,) if scale == "smoke" else (1.0, 1.0, 1.0, 5.0)
    rows: Rows = []
    for seed, minutes in enumerate(budgets):
        began = time.perf_counter()
        network = grow(Plan.depth(), named_scene(_SCENE), Schedule(minutes=minutes), seed)
        seconds = time.perf_counter() - began
        _log.info("%g minutes, seed %d: grown", minutes, seed)
        rows += [{"minutes": minutes, "seed": seed, "seconds": seconds} | row for row in tracked(network, scale)]
    return rows


def tracked(network: GrownNetwork, scale: Scale) -> Rows:
    """Track frames at SNR 3 with the first, the middle and the last stage, and judge single windows as well."""
    scene, frames = named_scene(_SCENE), 4 if scale == "smoke" else 100
    samples = calibration_samples(scene, 0, 8 if scale == "smoke" else 64)
    stages = sorted({1, (network.stages + 1) // 2, network.stages})
    pairs = [Pair(stage, 1) for stage in stages]
    calibration = Calibration(pairs=list(calibrate(network, samples, pairs)))
    rows: Rows = []
    for name in (_SCENE, "table42"):
        rng = np.random.default_rng(77)
        pictures = [draw(named_scene(name).with_(snr=3), SHAPE, rng) for _ in range(frames)]
        film, truth = film_of(pictures, rng)
        least = bound(pictures[:20], rng)
        judge = held_out_windows(named_scene(name).with_(snr=3), network.window, network.normalisation, number=1000)
        for stage in stages:
            result = score(truth, detect(film, network, calibration.cascade(stage, 1)))
            single = judge.error(network.answer(judge.images, stage)[:, 0, 0])
            rows.append(
                {
                    "scene": f"{name}, SNR 3",
                    "stage": stage,
                    "found": result.found,
                    "false": result.false,
                    "median error (px)": result.median_error,
                    "of single windows (px)": single,
                    "bound (px)": least,
                }
            )
    return rows
