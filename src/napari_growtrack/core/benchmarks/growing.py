"""What growing costs and reaches: side by side against plain and one by one, and in a minute or five from nothing."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from ..assessment import SHAPE, bound, calibration_samples, film_of
from ..detection import Calibration, Pair, calibrate, detect
from ..growth.network import GrownNetwork
from ..growth.plan import Plan
from ..growth.schedule import Phase, Schedule
from ..growth.training import grow
from ..heldout import held_out_windows
from ..scoring import score
from ..simulation import draw, named_scene
from .rows import Rows, Scale

_log = logging.getLogger(__name__)
_SCENE = "vesicles"
_PHASES = ((500, 32), (500, 128), (250, 256))


def side_by_side(scale: Scale) -> Rows:
    """Train the depth-five network plainly, side by side, and one stage after the other, on as many images a stage.

    Errors are medians of single windows at SNR 3 that no network learned from.
    """
    seeds, share = (1, 0.004) if scale == "smoke" else (3, 1.0)
    phases = [Phase(share=max(1, round(batches * share)), size=size) for batches, size in _PHASES]
    depth, plain = Plan.depth(), Plan.plain()
    ways = {
        "plain": (plain, Schedule(phases=phases)),
        "side by side": (depth, Schedule(phases=phases)),
        "one by one": (depth, Schedule(phases=phases, together=False)),
    }
    scene = named_scene(_SCENE)
    judge = held_out_windows(scene.with_(snr=3), depth.side, "standard", number=64 if scale == "smoke" else 2000)
    rows: Rows = []
    for seed in range(seeds):
        for way, (plan, schedule) in ways.items():
            began = time.perf_counter()
            network = grow(plan, scene, schedule, seed)
            seconds = time.perf_counter() - began
            errors = [judge.error(answers[:, 0, 0]) for answers in network.answers(judge.images)]
            _log.info("seed %d, %s: %.0f s, errors %s", seed, way, seconds, np.round(errors, 3))
            images = (schedule.images_per_stage or 0) * (1 if schedule.together else plan.stages)
            row = {"seed": seed, "way": way, "seconds": seconds, "images": images}
            first = depth.stages - len(errors) + 1
            rows.append(row | {f"stage {s} (px)": "" for s in range(1, first)} | _stages(errors, first))
    return [*rows, *_ratios(rows, depth.stages)]


def _stages(values: list[float], first: int = 1) -> dict[str, Any]:
    return {f"stage {stage} (px)": value for stage, value in enumerate(values, start=first)}


def _ratios(rows: Rows, stages: int) -> Rows:
    """Return the median over seeds of the ratios that growing side by side is judged by."""

    def median(key: str, way: str, other: str) -> float:
        pairs = zip(
            (row[key] for row in rows if row["way"] == way),
            (row[key] for row in rows if row["way"] == other),
            strict=True,
        )
        return float(np.median([one / two for one, two in pairs]))

    time_ratio: dict[str, Any] = {
        "seed": "",
        "way": "side by side / plain",
        "seconds": median("seconds", "side by side", "plain"),
    }
    last = f"stage {stages} (px)"
    error_ratio: dict[str, Any] = {"seed": "", "way": "side by side / one by one"}
    error_ratio |= {"seconds": median("seconds", "side by side", "one by one"), "images": ""}
    errors = [median(f"stage {s} (px)", "side by side", "one by one") for s in range(1, stages + 1)]
    empty = {f"stage {s} (px)": "" for s in range(1, stages)}
    return [
        time_ratio | {"images": ""} | empty | {last: median(last, "side by side", "plain")},
        error_ratio | _stages(errors),
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
