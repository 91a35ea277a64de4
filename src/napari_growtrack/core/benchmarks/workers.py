"""How much faster several workers of one thread each track a film than one does."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..detection import iter_detections
from ..films import open_stack
from ..films.writing import write_film
from ..networks.load import load_network, network_path
from ..simulation import iter_film, named_scene
from ..tracking.distributed import Task, client_of, iter_distributed
from ..tracking.streaming import chunk_of
from .case import Rows, Scale
from .peers import on_one_core

if TYPE_CHECKING:
    from distributed import Client

_log = logging.getLogger(__name__)
_NETWORK = "vesicles"
_WORKERS = (1, 2)
_PARTICLES = 20


def measure(scale: Scale) -> Rows:
    """Track one film in a process alone, by one worker, and by two, in turns; loading and compiling are not counted."""
    frames, side, turns = (64, 96, 1) if scale == "smoke" else (1536, 512, 3)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.tif"
        scene = named_scene("big").with_(apart=12)
        number = 3 if scale == "smoke" else _PARTICLES
        write_film(iter_film(scene, frames, (side, side), np.random.default_rng(0), number), frames, (side, side), film)
        taken: dict[str, list[float]] = {"this process, one thread": []}
        for _ in range(turns):
            taken["this process, one thread"].append(_alone(film, frames))
            for workers in _WORKERS:
                with client_of(workers) as client:
                    seconds = _seconds(client, film, frames, (side, side), workers)
                taken.setdefault(f"{workers} worker{'s' * (workers > 1)}", []).append(seconds)
                _log.info("%d workers: %.1f s", workers, seconds)
    return [_row(what, frames, side, seconds, taken["1 worker"]) for what, seconds in taken.items()]


def _row(what: str, frames: int, side: int, seconds: list[float], one: list[float]) -> dict[str, Any]:
    """Return medians over turns; what is compared was measured in the same turn."""
    return {
        "tracked by": what,
        "frames": frames,
        "side (px)": side,
        "frames a second": frames / float(np.median(seconds)),
        "times one worker": float(np.median(np.divide(one, seconds))),
    }


def _alone(film: Path, frames: int) -> float:
    with on_one_core() as process:
        return process.submit(_tracked, film, frames).result()


def _tracked(film: Path, frames: int) -> float:
    """Return the seconds that tracking takes where nobody helps; the first chunk warms up."""
    network = load_network(_NETWORK)
    with open_stack(film) as stack:
        for some in (range(min(chunk_of(stack.shape[1:]), frames)), range(frames)):
            began = time.perf_counter()
            for _ in iter_detections(stack, network, network.cascade(), some, "normal"):
                pass
    return time.perf_counter() - began


def _seconds(client: Client, film: Path, frames: int, shape: tuple[int, int], workers: int) -> float:
    client.wait_for_workers(workers)
    cascade = load_network(_NETWORK).cascade().to_json()
    task = Task(str(film), None, None, str(network_path(_NETWORK)), None, cascade, "normal")
    warm = min(2 * workers * chunk_of(shape), frames)
    for _ in iter_distributed(client, task, range(warm), shape):
        pass
    began = time.perf_counter()
    for _ in iter_distributed(client, task, range(frames), shape):
        pass
    return time.perf_counter() - began
