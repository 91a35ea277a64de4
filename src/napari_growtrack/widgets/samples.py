"""Sample films with known truth, simulated when they are opened."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.simulation import Motion, named_scene, simulate_film

SEED = 7
FRAMES = 30

LayerData = tuple[Any, dict[str, Any], str]

_CROSS = {"symbol": "cross", "size": 5, "face_color": "#3ddc97", "border_width": 0}


def vesicles() -> list[LayerData]:
    """Return a film of 15 diffusing bright spots at SNR 5, and where they truly are."""
    return _film("vesicles", snr=5, side=251, number=15, motion=Motion(diffusion=0.5))


def beads() -> list[LayerData]:
    """Return a film of 8 beads with a bright core and a dark ring, drifting slowly, and where they truly are."""
    return _film("beads", snr=20, side=300, number=8, motion=Motion(diffusion=0.3, drift=(0.2, 0.4)))


def _film(name: str, snr: float, side: int, number: int, motion: Motion) -> list[LayerData]:
    rng = np.random.default_rng(SEED)
    film, truth = simulate_film(named_scene(name).with_(snr=snr), FRAMES, (side, side), rng, number, motion)
    axes = {"axis_labels": ("frame", "y", "x")}
    image = {"name": name, **axes, "metadata": {"growtrack": {"scene": name, "snr": snr, "seed": SEED}}}
    points = {"name": "truth", **axes, "features": truth[["frame", "particle", "radius"]], **_CROSS}
    return [(film, image, "image"), (truth[["frame", "y", "x"]].to_numpy(), points, "points")]
