"""How long a live image waits for its table: `Tracker` on a stream, beside trackpy on the same frames."""

from __future__ import annotations

import logging
import time
from itertools import cycle, islice
from typing import Any

import numpy as np

from ..detection import Tracker
from ..networks.load import load_network
from ..simulation import draw, named_scene, simulate_frame
from .case import Rows, Scale
from .peers import Locator, on_one_core, resident_memory, trackpy_baseline

_log = logging.getLogger(__name__)
_NETWORK, _SIDE, _PARTICLES, _FRAMES, _DIFFERENT = "vesicles", 512, 20, 5000, 100
_EVERY = 10


def measure(scale: Scale) -> Rows:
    """Send 5000 frames of 512 x 512 px with 20 particles through `Tracker`, by every stage, on one core.

    Between ours, `trackpy.locate` (diameter 13, numba) takes every tenth frame. Memory
    is what the process holds after a tenth of the frames, and at the end.
    """
    frames = 11 if scale == "smoke" else _FRAMES
    stages = range(1, load_network(_NETWORK).stages + 1)
    with on_one_core() as process:
        rows = []
        for stage in stages:
            rows.append(process.submit(stream, stage, frames).result())
            _log.info("stage %d streamed", stage)
    return rows


def stream(stage: int, frames: int) -> dict[str, Any]:
    """Track a stream by one stage of our network, and return its row."""
    network = load_network(_NETWORK)
    tracker = Tracker(network, network.cascade(stage))
    film = [_frame(seed) for seed in range(min(_DIFFERENT, frames))]
    tracker.warm_up((_SIDE, _SIDE))
    peer = trackpy_baseline(13, "numba").locators[0]
    theirs, memory = [], float("nan")
    for number, frame in enumerate(islice(cycle(film), frames)):
        tracker(frame)
        if number % _EVERY == 0:
            theirs.append(_milliseconds(peer, frame))
        if number == frames // 10:
            memory = resident_memory()
    latency, locate = tracker.latency, float(np.median(theirs[1:])) if len(theirs) > 1 else float("nan")
    return {
        "tracked by": f"{_NETWORK}, stage {stage}",
        "frames": latency.frames,
        "median (ms)": latency.median,
        "99th percentile (ms)": latency.percentile_99,
        "99th / median": latency.percentile_99 / latency.median,
        "trackpy 13, numba, median (ms)": locate,
        "of trackpy's time": latency.median / locate,
        "memory at a tenth (MiB)": memory,
        "memory at the end (MiB)": resident_memory(),
    }


def _frame(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return simulate_frame(draw(named_scene("big"), (_SIDE, _SIDE), rng, _PARTICLES), rng)


def _milliseconds(locate: Locator, frame: np.ndarray) -> float:
    began = time.perf_counter()
    locate(frame)
    return 1e3 * (time.perf_counter() - began)
