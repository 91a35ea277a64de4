"""Films with known truth, made frame after frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...engine import Runs
from ...jobs.simulation import SimulateFilm
from ..napari_io.samples import LayerData, film_layers
from .sentences import FilmProgress

_BLINK = 0.05


@dataclass(frozen=True, eq=False)
class Film:
    """A film that was made.

    Attributes
    ----------
    frames : ndarray (T, Y, X) float32
    truth : DataFrame
        ``frame, y, x, particle, radius, snr``.
    limits : (float, float)
        Its darkest and its brightest pixel.
    job : SimulateFilm
    """

    frames: np.ndarray
    truth: pd.DataFrame
    limits: tuple[float, float]
    job: SimulateFilm

    def layers(self) -> list[LayerData]:
        """Return an image layer and one of points, as samples have them."""
        scene = self.job.scene
        made = {"scene": scene.model_dump(mode="json"), "seed": self.job.seed}
        return film_layers(scene.name, self.frames, self.truth, made, contrast_limits=self.limits)


def make_film(engine: Runs, job: SimulateFilm) -> Iterator[FilmProgress | Film | None]:
    """Have a film made, frame after frame; yield how it goes, None as a sign of life, and at last the film."""
    frames = np.empty((job.frames, *job.shape), np.float32)
    truths: list[pd.DataFrame] = []
    low, high, began, told_at = np.inf, -np.inf, 0.0, 0.0
    for told in engine.run(job):
        now = time.monotonic()
        if told is None:
            yield None
            continue
        frames[len(truths)], truth = told
        began = began or now
        low, high = min(low, float(told[0].min())), max(high, float(told[0].max()))
        truths.append(truth)
        news = now - told_at > _BLINK
        told_at = now if news else told_at
        left = (now - began) / max(len(truths) - 1, 1) * (job.frames - len(truths))
        yield FilmProgress(len(truths), job.frames, left) if news else None
    yield Film(frames, pd.concat(truths, ignore_index=True), (low, high if high > low else low + 1), job)
