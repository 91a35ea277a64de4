"""Very deep dense networks on MNIST: grown layer by layer, and trained plainly beside it (thesis 3.5, 3.6)."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..baselines import resident_memory
from ..datasets import Dataset, load_dataset
from ..growth.plan import Plan
from ..growth.schedule import Schedule
from ..growth.training import Growth
from .rows import Rows, Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_FIT: dict[str, Any] = {"window": 28, "task": "classes", "outputs": 10}


def deep(scale: Scale, data: Path) -> Rows:
    """Grow 512 and then 300 layers of 32 units one by one, and train networks of some of these depths plainly.

    Each stage, and each plain network, sees the images as often.
    """
    train, test = load_dataset(data / "mnist.npz")
    if scale == "smoke":
        train, test = (half.subset(500, np.random.default_rng(0)) for half in (train, test))
    number, depths, epochs = (6, (1, 5), 1) if scale == "smoke" else (300, (1, 5, 10, 20, 50, 100, 300), 2)
    schedule = Schedule.images(epochs, 64, learning_rate=5e-3)
    rows = _grown(Plan.depth((), (512, *[32] * number), **_FIT), train, test, schedule)
    for layers in depths:
        rows += _plain(layers, train, test, schedule)
    return rows


def _grown(plan: Plan, train: Dataset, test: Dataset, schedule: Schedule) -> Rows:
    growth = Growth(plan, train, schedule, held_out=test)
    rows: Rows = []
    began = time.perf_counter()
    for step in growth.steps():
        if step.finished and step.error is not None:
            now = time.perf_counter()
            layers = step.stages[-1]
            memory = resident_memory()
            rows.append(
                {
                    "way": "layer by layer",
                    "layers": layers,
                    "accuracy": 1 - step.error,
                    "seconds": now - began,
                    "memory (MiB)": memory,
                }
            )
            _log.info("layer %d: %.1f %%, %.1f s, %.0f MiB", layers, 100 - 100 * step.error, now - began, memory)
            began = now
    return rows


def _plain(layers: int, train: Dataset, test: Dataset, schedule: Schedule) -> Rows:
    plan = Plan.plain((), (512, *[32] * (layers - 1)), **_FIT)
    began = time.perf_counter()
    growth = Growth(plan, train, schedule, held_out=test)
    for _ in growth.steps():
        pass
    seconds = time.perf_counter() - began
    accuracy = 1 - growth.errors[1]
    _log.info("plain, %d layers: %.1f %%, %.1f s", layers, 100 * accuracy, seconds)
    return [{"way": "plain", "layers": layers, "accuracy": accuracy, "seconds": seconds, "memory (MiB)": ""}]


def draw_deep(rows: Rows) -> Figure:
    """Draw accuracy and time of a stage against depth (3.5, 3.6)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    grown = [row for row in rows if row["way"] == "layer by layer"]
    plain = [row for row in rows if row["way"] == "plain"]
    left.plot([r["layers"] for r in grown], [100 * r["accuracy"] for r in grown], ".", ms=4, label="layer by layer")
    left.plot([r["layers"] for r in plain], [100 * r["accuracy"] for r in plain], "s--", ms=5, label="plain")
    left.set(xlabel="layers", ylabel="test accuracy (%)", ylim=(0, 101))
    right.plot([r["layers"] for r in grown], [r["seconds"] for r in grown], ".", ms=4, label="one more layer, grown")
    right.plot(
        [r["layers"] for r in plain], [r["seconds"] for r in plain], "s--", ms=5, label="the whole network, plain"
    )
    right.set(xlabel="layers", ylabel="time (s)", ylim=(0, None))
    for panel in (left, right):
        panel.grid(alpha=0.3, lw=0.4)
        panel.legend(frameon=False, fontsize=7)
    return figure
