"""A film of 100 000 frames, tracked into a table on the disk and linked: memory and pace stay as they were."""

from __future__ import annotations

import logging
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..detection import iter_detections
from ..films import Stack
from ..linking import Linking, link
from ..networks.load import load_network
from ..simulation import draw, named_scene, simulate_frame
from ..tables import read_table
from ..tracking.streaming import TableStream, chunk_of, iter_into
from .case import Rows, Scale
from .peers import on_one_core, peak_memory

_log = logging.getLogger(__name__)
_NETWORK, _SIDE, _PARTICLES = "vesicles", 256, 6
_FIRST = 1000


class SimulatedStack(Stack):
    """Frames that are simulated when they are read, the same ones each time."""

    def __init__(self, frames: int) -> None:
        super().__init__("simulated", (frames, _SIDE, _SIDE), 1.0)
        self._scene = named_scene("table42").with_(snr=5)

    def _read(self, number: int) -> Any:
        rng = np.random.default_rng(number)
        return simulate_frame(draw(self._scene, (_SIDE, _SIDE), rng, _PARTICLES), rng)

    def _release(self) -> None:
        pass


def measure(scale: Scale) -> Rows:
    """Track and link in a process of its own, on one core; compare the pace of the first frames with that of all."""
    frames, first = (200, 100) if scale == "smoke" else (100_000, _FIRST)
    with on_one_core() as process:
        return process.submit(_tracked, frames, first).result()


def _tracked(frames: int, first: int) -> Rows:
    network = load_network(_NETWORK)
    cascade, stack = network.cascade(), SimulatedStack(frames)
    for _ in iter_detections(stack, network, cascade, range(16), "normal"):
        pass  # compiles
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detections.csv"
        stream = TableStream(path, {}, chunk_of(stack.shape[1:]))
        steps = iter_into(stream, iter_detections(stack, network, cascade, range(frames), "normal"))
        began = time.perf_counter()
        for _ in islice(steps, first):
            pass
        rows = [_row(f"tracked, first {first} frames", first, time.perf_counter() - began)]
        for _ in steps:
            pass
        rows.append(_row("tracked, all frames", frames, time.perf_counter() - began))
        stream.finish({})
        stream.close()
        began = time.perf_counter()
        link(read_table(path), Linking(search_radius=5))
        rows.append(_row("linked, all frames", frames, time.perf_counter() - began))
    return rows


def _row(what: str, frames: int, seconds: float) -> dict[str, Any]:
    return {
        "what": what,
        "frames": frames,
        "seconds": seconds,
        "frames a second": frames / seconds,
        "peak memory so far (MiB)": peak_memory(),
    }
