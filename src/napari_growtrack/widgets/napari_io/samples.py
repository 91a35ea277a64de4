"""Sample films with known truth, simulated when they are opened: one of every named scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...core.simulation import Motion, named_scene, simulate_film

SEED = 7
FRAMES = 30

LayerData = tuple[Any, dict[str, Any], str]

CROSS = {"symbol": "cross", "size": 5, "face_color": "#3ddc97", "border_width": 0}
"""How truth is drawn: not to be taken for a detection."""

_DIFFUSING = Motion(diffusion=0.5)
_CALM = Motion(diffusion=0.1)
_DRIFTING = Motion(diffusion=0.3, drift=(0.2, 0.4))


def vesicles() -> list[LayerData]:
    """Return a film of 15 diffusing bright spots at SNR 5, and where they truly are."""
    return _film("vesicles", (251, 251), 15, _DIFFUSING, snr=5)


def beads() -> list[LayerData]:
    """Return a film of 8 beads with a bright core and a dark ring, drifting slowly, and where they truly are."""
    return _film("beads", (300, 300), 8, _DRIFTING, snr=20)


def default() -> list[LayerData]:
    """Return a film of one diffusing particle, and where it truly is."""
    return _film("default", (101, 101), 1, _DIFFUSING, snr=20)


def trapped() -> list[LayerData]:
    """Return a film of one dark bead that hardly moves, and where it truly is."""
    return _film("trapped", (121, 121), 1, _CALM, snr=40)


def film() -> list[LayerData]:
    """Return a film of one bright particle with a darker ring, and where it truly is."""
    return _film("film", (151, 151), 1, _DIFFUSING, snr=20)


def table42() -> list[LayerData]:
    """Return a film like the thesis's frames: six diffusing bright spots at SNR 3, and where they truly are."""
    return _film("table42", (251, 251), 6, _DIFFUSING)


def dense() -> list[LayerData]:
    """Return a film of a crowd of 60 bright spots, and where they truly are."""
    return _film("dense", (251, 251), 60, _DIFFUSING)


def gradient() -> list[LayerData]:
    """Return a film of 8 weak spots on a steep background, and where they truly are."""
    return _film("gradient", (251, 251), 8, _DIFFUSING)


def mixed() -> list[LayerData]:
    """Return a film of 8 bright and dark spots and rings, and where they truly are."""
    return _film("mixed", (251, 251), 8, _DIFFUSING)


def rings() -> list[LayerData]:
    """Return a film of 6 large beads, and where they truly are."""
    return _film("rings", (251, 251), 6, _DIFFUSING)


def wide() -> list[LayerData]:
    """Return a film of 20 bright spots in a wide strip, flowing along it, and where they truly are."""
    return _film("wide", (300, 700), 20, Motion(diffusion=0.3, drift=(0, 1)))


def big() -> list[LayerData]:
    """Return a quarter of the scene, which would take seconds: 25 bright spots in 512 x 512 px, and where they are."""
    return _film("big", (512, 512), 25, _DIFFUSING)


def species() -> list[LayerData]:
    """Return a film of 6 spots among rods and donuts that are to be left alone, and where the spots truly are."""
    return _film("species", (251, 251), 6, _DIFFUSING)


def general() -> list[LayerData]:
    """Return a film of 12 spots and rings of many sizes, and where they truly are."""
    return _film("general", (251, 251), 12, _DIFFUSING, snr=20)


def tirf() -> list[LayerData]:
    """Return a film of 20 small spots, dim and bright, on a cell-like background by an EMCCD, and where they are."""
    return _film("tirf", (251, 251), 20, _DIFFUSING)


def scmos() -> list[LayerData]:
    """Return a film of 20 small spots by an sCMOS camera, and where they truly are."""
    return _film("scmos", (251, 251), 20, _DIFFUSING)


def empty() -> list[LayerData]:
    """Return a film of nothing but noise, and a truth without points."""
    return _film("empty", (251, 251), 0, _DIFFUSING)


def _film(name: str, shape: tuple[int, int], number: int, motion: Motion, snr: float | None = None) -> list[LayerData]:
    """Simulate a film (T, Y, X) of a scene, at its own SNR unless another is given, and its truth."""
    scene = named_scene(name) if snr is None else named_scene(name).with_(snr=snr)
    rng = np.random.default_rng(SEED)
    frames, truth = simulate_film(scene, FRAMES, shape, rng, number, motion)
    return film_layers(name, frames, truth, {"scene": name, "snr": scene.snr.middle, "seed": SEED})


def film_layers(
    name: str, frames: np.ndarray, truth: pd.DataFrame, made: dict[str, Any], **look: Any
) -> list[LayerData]:
    """Return an image layer of a simulated film and one of points, where its particles truly are.

    Parameters
    ----------
    name : str
    frames : ndarray (T, Y, X)
    truth : DataFrame
        At least ``frame, y, x, particle, radius``.
    made : dict
        How the film was made; the image's metadata tell it.
    **look
        What else napari is to know of the image.
    """
    axes = {"axis_labels": ("frame", "y", "x")}
    image = {"name": name, **axes, "metadata": {"growtrack": made}, **look}
    points = {"name": "truth", **axes, "features": truth[["frame", "particle", "radius"]], **CROSS}
    return [(frames, image, "image"), (truth[["frame", "y", "x"]].to_numpy(float), points, "points")]
