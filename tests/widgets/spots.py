"""A small film of bright spots, a network that finds them without Keras, and files of networks."""

import copy
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from napari_growtrack.core.detection import Calibrated, Calibration, Cascade, all_pairs
from napari_growtrack.core.errors import GrowtrackError
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.networks.archive import write_archive
from napari_growtrack.core.networks.card import Card, Provenance, Recipe, Report
from napari_growtrack.core.simulation import named_scene

PATIENCE = 900_000
"""Milliseconds that the busiest machine may take for whatever is waited for: to load TensorFlow twice over, say."""

UNSURE = 0.5
"""How far off the network believes every spot to be, in pixels."""

SPOTS = np.array([(20.0, 18.0), (44.0, 50.0)])


class BrightSpots:
    """Finds the brightest pixel of each window, if it is bright; sleeps as long as told."""

    window, step, stages, normalisation, zoom, diameter = 15, 4, 3, "standard", 1, 10
    fingerprint = "spots"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[int] = []

    @property
    def card(self) -> Card:
        return small_card()

    def for_diameter(self, diameter: float) -> Self:
        sized = copy.copy(self)
        sized.zoom, sized.diameter = self.diameter / diameter, diameter
        return sized

    def answer(self, images: np.ndarray, stage: int) -> np.ndarray:
        self.asked.append(stage)
        time.sleep(self.seconds)
        views = np.lib.stride_tricks.sliding_window_view(images, (self.window, self.window), axis=(1, 2))
        views = views[:, :: self.step, :: self.step]
        flat = views.reshape(*views.shape[:3], -1)
        offsets = np.stack(np.divmod(flat.argmax(-1), self.window), axis=-1) - self.window // 2
        distances = np.where(flat.max(-1) > 4, np.hypot(offsets[..., 0], offsets[..., 1]) + UNSURE, 12)
        return np.concatenate([offsets, distances[..., None]], axis=-1).astype(np.float32)


def spot_film(frames: int = 6) -> np.ndarray:
    """Return (frames, 64, 64) with a spot moving one pixel a frame along x, and one at rest."""
    y, x = np.mgrid[:64, :64]
    film = np.zeros((frames, 64, 64), np.float32)
    for frame in range(frames):
        for (row, column), speed in zip(SPOTS, (1, 0), strict=True):
            film[frame] += np.exp(-((y - row) ** 2 + (x - column - speed * frame) ** 2) / 4)
    return film


def busy_film(frames: int = 6) -> np.ndarray:
    """Return (frames, 64, 128), the film of spots twice side by side: enough spots to tell bright ones from dark."""
    return np.tile(spot_film(frames), (1, 1, 2))


def classes_card(**more: Any) -> Card:
    """Return the card of a network that tells digits apart."""
    return Card(
        recipe=Recipe(
            name="digits",
            dataset="mnist train",
            plan=Plan.depth((), (4, 3), window=28, task="classes", outputs=10),
            schedule=Schedule.images(3),
        ),
        provenance=Provenance(version="0.1.0", backend="none", images=60000, batches=1, seconds=90),
        **more,
    )


def small_card(calibrated: bool = True) -> Card:
    def cascade(pair):
        return Cascade(**pair._asdict(), screen_distance=9, accept_distance=2, merge_distance=4)

    pairs = [Calibrated(cascade=cascade(pair), score=0.9) for pair in all_pairs(3)] if calibrated else []
    reports = [
        Report(
            stage=stage, screen=1, snr=snr, found=0.9, false=0, median_error=1 / stage / snr, bound=0.1, milliseconds=5
        )
        for stage in (1, 2, 3)
        for snr in (2, 3, 10)
    ]
    return Card(
        recipe=Recipe(
            name="small",
            about="Bright spots, for tests.",
            plan=Plan.breadth((2, 4, 4, 4, 4), repeat=3),
            scene=named_scene("vesicles"),
            schedule=Schedule(minutes=1),
            seed=5,
        ),
        provenance=Provenance(version="0", backend="none", images=0, batches=0, seconds=1),
        calibration=Calibration(pairs=pairs),
        reports=reports,
    )


def write_network(path: Path, card: Card) -> Path:
    rng = np.random.default_rng(0)
    shapes = card.plan.weight_shapes()
    write_archive(path, card, {name: rng.normal(0, 0.1, shape) for name, shape in shapes.items()})
    return path


def numbers_in(text: str) -> list[float]:
    """Return the numbers of a sentence, whatever its words: what a test of a panel compares."""
    found = re.findall(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", text)
    return [float(each.rstrip(",").replace(",", "")) for each in found]


def why(act: Callable[..., Any], *given: Any) -> str:
    """Return the sentence by which something is refused: what a panel has to pass on."""
    with pytest.raises(GrowtrackError) as refused:
        act(*given)
    return str(refused.value)
