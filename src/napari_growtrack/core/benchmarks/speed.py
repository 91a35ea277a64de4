"""Time for one frame: the cascade against the same network on every window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..assessment import SHAPE
from ..detection import Looks, find, window_scan
from ..networks import Network, load_network
from ..normalisation import normalise, pad
from ..simulation import draw, named_scene, simulate_frame


def measure(scale: str, name: str = "vesicles") -> list[dict[str, Any]]:
    """Time one 251 x 251 frame of the thesis's scene four ways, in one run.

    At ``smoke`` scale only some windows are predicted one by one, and their
    time is scaled up; the row says so.
    """
    network = load_network(name)
    rng = np.random.default_rng(0)
    frame = simulate_frame(draw(named_scene("table42"), SHAPE, rng, number=6), rng)
    normal = normalise(frame, network.normalisation)
    stage = network.stages
    centres = window_scan(normal, network, 1).centres
    repeats = 5 if scale == "smoke" else 50
    some = centres[:: len(centres) // 16] if scale == "smoke" else centres
    alone = network.cascade(stage, screen=stage)
    times = {
        "cascade, default": _median(lambda: find(frame, network, network.cascade()), repeats),
        "frame pass and votes by the last stage alone": _median(lambda: find(frame, network, alone), repeats),
        "all step-8 windows in one batch": _median(
            lambda: window_scan(normal, network, stage, batch=len(centres)), max(3, repeats // 5)
        ),
    }
    one_by_one = _one_predict_a_window(network, normal, some, stage) * len(centres) / len(some)
    times[f"one predict call a window ({len(some)} of {len(centres)} measured)"] = one_by_one
    first = times["cascade, default"]
    return [{"way": way, "ms per frame": 1e3 * t, "times the cascade": t / first} for way, t in times.items()]


def _median(work: Callable[[], Any], repeats: int) -> float:
    """Return the median time in seconds after two calls that warm up."""
    times = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times[2:]))


def _one_predict_a_window(network: Network, frame: np.ndarray, centres: np.ndarray, stage: int) -> float:
    """Answer windows by one Keras ``predict`` each, as DeepTrack 1.0 does, and return the time in seconds."""
    model = network.grown.model((stage,))
    side = network.window
    padded = pad(frame, side // 2)
    began = time.perf_counter()
    for y, x in centres:
        window = padded[y : y + side, x : x + side]
        Looks.of(np.array([[y, x]]), model.predict(window[None, ..., None], verbose=0))
    return time.perf_counter() - began
