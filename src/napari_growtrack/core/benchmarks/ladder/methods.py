"""Who climbs the ladder: our networks as they come, and peers tuned on the very rung."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ...detection import Cascade, detect, find
from ...networks.build import iter_import
from ...networks.bundled import bundled
from ...networks.load import Network, load_network
from ...progress import finish
from ...simulation import named_scene
from ..peers import Baseline, laplacian_baseline, trackpy_baseline
from .rungs import Judge, Rung

OURS, LOG, DEEPTRACK = "growtrack", "LoG + parabola", "DeepTrack 1.0"
TRACKPY, TRACKPY_13, TRACKPY_19 = "trackpy, tuned", "trackpy 13, numba", "trackpy 19, Python"
_BOX = 51
_GENERAL = "general"
_TUNING_PARTICLES = 150


@dataclass(frozen=True)
class Tracked:
    """A network with a cascade as a detector.

    Attributes
    ----------
    network : str
        A bundled network's name, or a file.
    cascade : Cascade
    """

    network: str
    cascade: Cascade

    def __call__(self, frame: np.ndarray) -> pd.DataFrame:
        """Return a frame's detections; see `find`."""
        return find(frame, _loaded(self.network), self.cascade)

    def film(self, frames: np.ndarray) -> pd.DataFrame:
        """Return the detections of a film (T, Y, X); see `detect`."""
        return detect(frames, _loaded(self.network), self.cascade, contrast="normal")


@dataclass(frozen=True)
class TrackedBySureness(Tracked):
    """The same with its accepted distance open: the strength of a detection is how near it is believed to be."""

    def __call__(self, frame: np.ndarray, least: float = -1e6) -> pd.DataFrame:
        """Return ``y, x, strength``, the strength being the distance below zero, in pixels."""
        network = _loaded(self.network)
        farthest = max(-least, 1e-3) * network.zoom
        found = find(frame, network, self.cascade.with_(accept_distance=farthest))
        return found[["y", "x"]].assign(strength=-found.distance)

    def __str__(self) -> str:
        return f"T1 {self.cascade.screen_distance:.3g}, Dp {self.cascade.merge_distance:.3g}"


@dataclass(frozen=True)
class Method:
    """A detector ready for a rung, and what it is called there."""

    name: str
    detector: Callable[[np.ndarray], pd.DataFrame]
    network: str = ""
    stage: int | str = ""
    way: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """What a row says of it."""
        return {"method": self.name, "network": self.network, "stage": self.stage, "way": self.way}

    @property
    def setting(self) -> str:
        """What was tuned; nothing of ours is."""
        return "" if self.name == OURS else str(self.detector)


def ours(rung: Rung) -> Iterator[Method]:
    """Yield every stage of the rung's network in every way, and the default of the general network.

    Networks that are not bundled are left out.
    """
    names = bundled()
    if rung.judges in names:
        network = load_network(rung.judges)
        for stage in range(1, network.stages + 1):
            for way, cascade in _ways(network, stage).items():
                yield Method(OURS, Tracked(rung.judges, cascade), rung.judges, stage, way)
    if _GENERAL in names and rung.judges != _GENERAL:
        network = load_network(_GENERAL)
        yield Method(OURS, Tracked(_GENERAL, network.cascade()), _GENERAL, network.stages, "default")


def _ways(network: Network, stage: int) -> dict[str, Cascade]:
    ways = {
        "recentred": network.cascade(stage, polish=False),
        "polished": network.cascade(stage),
        "faithful": network.cascade(stage, faithful=True, polish=False),
    }
    return {way: cascade for way, cascade in ways.items() if cascade.polish == (way == "polished")}


def peers(rung: Rung, judge: Judge, deeptrack: str | None) -> Iterator[Method]:
    """Yield the peers, tuned on some frames of the rung itself.

    Parameters
    ----------
    rung : Rung
    judge : Judge
        What they are tuned on.
    deeptrack : str, optional
        File of the imported network of DeepTrack 1.0.
    """
    some = judge.start(max(2, _TUNING_PARTICLES // max(rung.number, 1)))
    for baseline in _classical(rung.dark):
        yield Method(baseline.name, baseline.tuned(some.film, some.truth))
    if deeptrack is not None:
        for way in ("recentred", "faithful"):
            yield Method(DEEPTRACK, _pretrained(deeptrack, way).tuned(some.film, some.truth), way=way)


def _classical(dark: bool) -> list[Baseline]:
    return [
        laplacian_baseline(dark),
        trackpy_baseline(dark=dark),
        trackpy_baseline(13, "numba", dark),
        trackpy_baseline(19, "python", dark),
    ]


def _pretrained(path: str, way: str) -> Baseline:
    """Return DeepTrack's network, recentred or faithful, with thresholds around those calibrated on our scene."""
    cascade = _loaded(path).cascade(faithful=way == "faithful")
    grid = [
        cascade.with_(
            screen_distance=more * cascade.screen_distance, merge_distance=wider * cascade.merge_distance, polish=False
        )
        for more in (1, 2)
        for wider in (1, 2.5)
    ]
    return Baseline(DEEPTRACK, tuple(TrackedBySureness(path, one) for one in grid))


def import_deeptrack(path: str | os.PathLike[str], to: str | os.PathLike[str]) -> None:
    """Import DeepTrack 1.0's network for vesicles, calibrated on the thesis's scene, and save it."""
    scene = named_scene("table42").with_(snr=(2, 10))
    finish(iter_import(path, scene, _BOX)).save(to)


@cache
def _loaded(name: str) -> Network:
    return load_network(name)
