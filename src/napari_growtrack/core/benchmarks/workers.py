"""How much faster several workers of one thread each track a film than one does."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..distributed import Task, client_of, iter_distributed
from ..films import write_film
from ..networks import load_network, network_path
from ..simulation import iter_film, named_scene
from ..streaming import chunk_of
from .case import Rows, Scale

if TYPE_CHECKING:
    from distributed import Client

_log = logging.getLogger(__name__)
_NETWORK = "vesicles"
_WORKERS = (1, 2)
_PARTICLES = 20


def measure(scale: Scale) -> Rows:
    """Track one film by one worker and by two; loading and compiling are not counted."""
    frames, side = (128, 96) if scale == "smoke" else (1536, 512)
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.tif"
        scene = named_scene("big").with_(apart=12)
        number = 3 if scale == "smoke" else _PARTICLES
        write_film(iter_film(scene, frames, (side, side), np.random.default_rng(0), number), frames, (side, side), film)
        for workers in _WORKERS:
            with client_of(workers) as client:
                seconds = _seconds(client, film, frames, (side, side), workers)
            rows.append({"workers": workers, "frames": frames, "side (px)": side, "frames a second": frames / seconds})
            _log.info("%d workers: %.1f s", workers, seconds)
    return [row | {"times one worker": row["frames a second"] / rows[0]["frames a second"]} for row in rows]


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
