"""Judge a network on simulated frames it has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..detection import Cascade, StagedNetwork, collect, iter_detections, median_milliseconds
from ..detection.calibrate import Sample
from ..scoring import score
from ..simulation import Picture, Scene, draw, simulate_frame
from ..simulation.bound import cramer_rao, median_radial_error
from ..simulation.picture import Shape
from ..tables import TRUTH_COLUMNS
from .card import Report

SHAPE: Shape = (251, 251)
_ENOUGH_A_FRAME = 40


def calibration_samples(scene: Scene, seed: int, number: int = 64, shape: Shape = SHAPE) -> list[Sample]:
    """Simulate frames of a scene with their truth: a quarter empty, a quarter at the least SNR, half as they come.

    Of crowded scenes fewer frames show as many particles.
    """
    number = min(number, max(number * _ENOUGH_A_FRAME // max(_particles(scene, shape), 1), number // 3))
    rng = np.random.default_rng([seed, 1_000_001])
    dimmest = scene.with_(snr=scene.snr.low)
    pictures = [
        draw(dimmest if i % 4 == 1 else scene, shape, rng, number=0 if i % 4 == 0 else None) for i in range(number)
    ]
    return _exposed(pictures, rng)


def _particles(scene: Scene, shape: Shape) -> int:
    return round(scene.density.middle * shape[0] * shape[1] / 1e4)


def noise_samples(scene: Scene, seed: int, number: int = 64, shape: Shape = SHAPE) -> list[Sample]:
    """Simulate frames that show nothing but the noise of a scene's least SNR, evenly lit, with their empty truth.

    Texture, stripes and hot pixels are no noise: they are mended, or measured around each detection.
    """
    rng = np.random.default_rng([seed, 4_000_037])
    gradient = min(max(0.0, scene.gradient.low), scene.gradient.high)
    camera = scene.camera.with_(hot=0, dead=0, columns=0, rows=0)
    plain = {"texture": 0, "compression": 0, "vignetting": 0, "camera": camera}
    bare = scene.with_(snr=scene.snr.low, gradient=gradient, distractors=(), distractor_density=0, **plain)
    return _exposed([draw(bare, shape, rng, number=0) for _ in range(number)], rng)


def _exposed(pictures: list[Picture], rng: np.random.Generator) -> list[Sample]:
    return [(simulate_frame(picture, rng), picture.truth()) for picture in pictures]


def snr_levels(scene: Scene) -> list[float]:
    """Return the signal-to-noise ratios that a network of a scene is measured at."""
    low, high = scene.snr.low, scene.snr.high
    return sorted({low, *(snr for snr in (3, 5, 10, 20) if low < snr < high), high})


def report(network: StagedNetwork, cascade: Cascade, scene: Scene, seed: int = 0, number: int = 24) -> Report:
    """Track simulated frames of a scene and compare with the truth and the Cramer-Rao bound.

    Parameters
    ----------
    network : StagedNetwork
    cascade : Cascade
    scene : Scene
    seed : int
        The same seed gives the same frames.
    number : int
        Frames of 251 x 251 px.
    """
    rng = np.random.default_rng([seed, 2_000_003])
    pictures = [draw(scene, SHAPE, rng) for _ in range(number)]
    film, truth = film_of(pictures, rng)
    found = list(iter_detections(film, network, cascade, contrast="normal"))
    result = score(truth, collect(one.table for one in found))
    return Report(
        stage=cascade.stage,
        screen=cascade.screen,
        snr=scene.snr.middle,
        found=result.found,
        false=result.false,
        median_error=result.median_error,
        bound=bound(pictures, rng),
        milliseconds=median_milliseconds(found),
    )


def film_of(pictures: list[Picture], rng: np.random.Generator) -> tuple[np.ndarray, pd.DataFrame]:
    """Return pictures of one size as a film, (T, Y, X) float32, and its truth table."""
    film = np.stack([simulate_frame(picture, rng) for picture in pictures])
    return film, collect((picture.truth(t) for t, picture in enumerate(pictures)), TRUTH_COLUMNS)


def bound(pictures: list[Picture], rng: np.random.Generator) -> float:
    """Return the median radial error at the Cramer-Rao bound over some pictures, in pixels."""
    parts = [cramer_rao(picture) for picture in pictures]
    return median_radial_error(np.concatenate(parts), rng) if parts else float("nan")
