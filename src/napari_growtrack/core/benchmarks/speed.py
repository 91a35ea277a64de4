"""Time for one frame: the cascade against the same network on every window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..detection import Looks, find, window_scan
from ..films.normalisation import normalise, surrounded
from ..networks.evaluation import SHAPE
from ..networks.load import Network, load_network
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
    rounds, some = (2, centres[:: len(centres) // 16]) if scale == "smoke" else (8, centres)
    cascade, alone = network.cascade(), network.cascade(stage, screen=stage)
    ways = {
        "cascade, default": (10, lambda: find(frame, network, cascade)),
        "frame pass and votes by the last stage alone": (10, lambda: find(frame, network, alone)),
        "all step-8 windows in one batch": (2, lambda: window_scan(normal, network, stage, batch=len(centres))),
    }
    times = {way: float(np.median(seconds)) for way, seconds in _alternating(ways, rounds).items()}
    one_by_one = _one_predict_a_window(network, normal, some, stage) * len(centres) / len(some)
    times[f"one predict call a window ({len(some)} of {len(centres)} measured)"] = one_by_one
    first = times["cascade, default"]
    return [{"way": way, "ms per frame": 1e3 * t, "times the cascade": t / first} for way, t in times.items()]


def _alternating(ways: dict[str, tuple[int, Callable[[], Any]]], rounds: int) -> dict[str, list[float]]:
    """Return each way's times in seconds, taken in turns so that all see the same noise; the first round warms up."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, (calls, work) in ways.items():
            for _ in range(calls):
                began = time.perf_counter()
                work()
                times[way] += [time.perf_counter() - began] * (turn > 0)
    return times


def _one_predict_a_window(network: Network, frame: np.ndarray, centres: np.ndarray, stage: int) -> float:
    """Answer windows by one Keras ``predict`` each, as DeepTrack 1.0 does, and return the time in seconds."""
    model = network.grown.model((stage,))
    side = network.window
    padded = surrounded(frame, side // 2)
    began = time.perf_counter()
    for y, x in centres:
        window = padded[y : y + side, x : x + side]
        Looks.of(np.array([[y, x]]), model.predict(window[None, ..., None], verbose=0))
    return time.perf_counter() - began
