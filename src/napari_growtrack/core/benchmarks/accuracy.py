"""The thesis's multi-particle scene (Table 4.2) with the bundled network."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..detection import detect
from ..networks.evaluation import SHAPE, bound, film_of
from ..networks.load import load_network
from ..scoring import score, thesis_score
from ..simulation import draw, named_scene, simulate_frame


def measure(scale: str, name: str = "vesicles") -> list[dict[str, Any]]:
    """Track 200 frames (8 at ``smoke`` scale) per SNR with every stage, and 50 frames without particles.

    Matching is one to one within 5 px; the thesis's own measures stand beside.
    """
    network = load_network(name)
    frames = 8 if scale == "smoke" else 200
    rows = []
    for snr in (3.0, 5.0, 10.0):
        rng = np.random.default_rng(int(snr) + 100)
        pictures = [draw(named_scene("table42").with_(snr=snr), SHAPE, rng, number=6) for _ in range(frames)]
        film, truth = film_of(pictures, rng)
        limit = bound(pictures[:20], rng)
        for way, cascade in _ways(network):
            found = detect(film, network, cascade, contrast="normal")
            result, thesis = score(truth, found), thesis_score(truth, found)
            rows.append(
                {
                    "SNR": snr,
                    "way": way,
                    "found": result.found,
                    "false": result.false,
                    "median error (px)": result.median_error,
                    "mean error (px)": result.mean_error,
                    "bound (px)": limit,
                    "missed (thesis)": thesis.missed,
                    "false (thesis)": thesis.false,
                }
            )
    return [*rows, _empty(network, 50 if scale == "laptop" else 4, list(rows[0]))]


def _ways(network: Any) -> list[tuple[str, Any]]:
    stages = range(1, network.stages + 1)
    ours = [(f"stage {stage}", network.cascade(stage)) for stage in stages]
    return [*ours, (f"stage {network.stages}, faithful", network.cascade(faithful=True))]


def _empty(network: Any, frames: int, header: list[str]) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    film = np.stack([simulate_frame(draw(named_scene("empty"), SHAPE, rng), rng) for _ in range(frames)])
    found = detect(film, network, network.cascade(), contrast="normal")
    row = {name: "" for name in header}
    return {**row, "SNR": 3.0, "way": f"{frames} frames without particles", "false": f"{len(found)} detections"}
