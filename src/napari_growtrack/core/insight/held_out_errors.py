"""How far every stage's answers lie from the truth, on simulated windows that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..detection.zoom import enlarge, to_network
from ..errors import SettingsError
from ..growth.validation import HeldOut, held_out_windows
from ..networks.evaluation import snr_levels
from ..simulation.scene import Scene
from .asking import chunks, grown_of
from .costing import costs

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork
    from ..networks.load import Network

NUMBER = 400


def errors(
    network: GrownNetwork | Network,
    scene: Scene,
    levels: Iterable[float] | None = None,
    number: int = NUMBER,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure every stage on simulated windows that it has not seen, beside the Cramer-Rao bound.

    All pixels are those of the film, whatever the network's zoom.

    Parameters
    ----------
    network : GrownNetwork or Network
        One that locates.
    scene : Scene
    levels : iterable of float, optional
        Signal-to-noise ratios; by default those that networks are assessed at.
    number : int
        Windows for each, with a particle within 4 px of the centre.
    seed : int

    Returns
    -------
    DataFrame
        ``stage``, its ``layers`` and ``first_layer_units``; ``snr``;
        ``median_error_px`` and ``mean_error_px``, distances from the truth;
        ``mae_per_axis_px``, the thesis's mean absolute error of y and x;
        ``bound_px``, the median error at the bound; ``ratio_to_bound``.

    Raises
    ------
    SettingsError
        When the network does not locate, or the scene has nothing to find.
    """
    grown = grown_of(network)
    if grown.plan.task != "locate":
        raise SettingsError(f"Only networks that locate have errors in pixels; this one's task is {grown.plan.task!r}.")
    levels = snr_levels(scene) if levels is None else sorted(levels)
    parts = []
    for snr in levels:
        held_out = windows_seen(grown, scene.with_(snr=snr), number, seed)
        parts += [
            {"stage": stage, "snr": float(snr), **_error(held_out, answers, grown.zoom)}
            for stage, answers in enumerate(_answers(grown, held_out.images), start=1)
        ]
    sizes = costs(grown.plan)[["stage", "layers", "first_layer_units"]]
    return sizes.merge(pd.DataFrame(parts), on="stage").sort_values(["stage", "snr"], ignore_index=True)


def windows_seen(network: GrownNetwork | Network, scene: Scene, number: int = NUMBER, seed: int = 0) -> HeldOut:
    """Simulate held-out windows as a network sees them: normalised, and enlarged by its zoom.

    Truth and bound are in network pixels.

    Raises
    ------
    SettingsError
        When the scene has nothing to find.
    """
    zoom, side = network.zoom, network.window
    half = side // 2 if zoom == 1 else math.ceil(side / zoom / 2 + 2 / zoom) + 3  # a rim for the splines
    film = held_out_windows(scene, 2 * half + 1, network.normalisation, seed, number)
    if not len(film):
        raise SettingsError(f"The scene {scene.name} has no particles to find. Raise its density.")
    centre = round(float(to_network(np.array(half), zoom)))
    cut = slice(centre - side // 2, centre + side // 2 + 1)
    images = np.stack([enlarge(image, zoom)[cut, cut] for image in film.images])
    return HeldOut(images, to_network(half + film.truth, zoom) - centre, zoom * film.bound)


def _error(held_out: HeldOut, answers: np.ndarray, zoom: float) -> dict[str, float]:
    """Return what the answers to windows are wrong by, in pixels of the film."""
    distances, median = held_out.errors(answers) / zoom, held_out.error(answers) / zoom
    return {
        "median_error_px": median,
        "mean_error_px": float(distances.mean()),
        "mae_per_axis_px": float(np.abs(answers[:, :2] - held_out.truth).mean() / zoom),
        "bound_px": held_out.bound / zoom,
        "ratio_to_bound": median * zoom / held_out.bound,
    }


def _answers(grown: GrownNetwork, images: np.ndarray) -> list[np.ndarray]:
    """Return every stage's answers to windows, (n, outputs) each."""
    parts = [grown.answers(some) for some in chunks(images, grown.plan)]
    return [np.concatenate(several)[:, 0, 0] for several in zip(*parts, strict=True)]
