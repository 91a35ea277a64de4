"""Who is judged: our networks with nothing told and with everything told, and peers tuned on the very rung."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from ...detection import Contrast, detect
from ...errors import GrowtrackWarning
from ...films import open_stack
from ...networks.bundled import AUTO, bundled
from ...networks.choice import choose_network
from ...networks.load import Network, load_network
from ..peers import Baseline, Detector, laplacian_baseline, trackpy_baseline
from ..peers.laplacian import SIGMAS
from ..peers.trackpy_locate import DIAMETERS
from .films import Judged
from .rungs import Rung

UNTOLD, TOLD = "growtrack", "growtrack, told"
LOG, TRACKPY = "LoG + parabola", "trackpy, tuned"
METHODS = (UNTOLD, TOLD, LOG, TRACKPY)

KINDS = {
    "spots": ("spots", "vesicles"),
    "vesicles": ("vesicles",),
    "beads": ("beads",),
    "general": ("general",),
}
"""What a rung's network stands for: the first of these that is bundled."""

_SIGMAS = (0.7, 0.85, 1.0, 1.25, *SIGMAS)
_DIAMETERS = (3, 5, *DIAMETERS)
_TUNED_ON = 150


@dataclass(frozen=True, eq=False)
class Ours:
    """A network as it tracks a film, with what a person says of it.

    Attributes
    ----------
    network : str or Network
        A bundled name, a file, or a network; ``auto`` lets each film choose, size and contrast too.
    diameter : float, optional
        How wide the particles look, in pixels; what a network refuses is the
        nearest that it takes.
    contrast : {"auto", "normal", "inverted"}
    stage : int, optional
        The last by default.
    """

    network: str | Network
    diameter: float | None = None
    contrast: Contrast = "auto"
    stage: int | None = None

    def __call__(self, frame: np.ndarray) -> pd.DataFrame:
        """Return a frame's detections."""
        return self.film(frame[None]).drop(columns="frame")

    def film(self, frames: np.ndarray) -> pd.DataFrame:
        """Return the detections of a film (T, Y, X)."""
        if self.network == AUTO:
            network, diameter, contrast = choose_network(open_stack(frames), load=_loaded).best[:3]
            return Ours(network, diameter, contrast, self.stage).film(frames)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GrowtrackWarning)
            return detect(frames, self.sized, self.sized.cascade(self.stage), contrast=self.contrast)

    @cached_property
    def sized(self) -> Network:
        """The network, for particles of this size."""
        network = _loaded(self.network) if isinstance(self.network, str) else self.network
        if self.diameter is None:
            return network
        return network.for_diameter(float(np.clip(self.diameter, *network.card.diameters)))

    @property
    def name(self) -> str:
        """What the network is called."""
        return self.network if isinstance(self.network, str) else self.network.card.name


def network_of(rung: Rung) -> str:
    """Return the bundled network that is told on a rung."""
    return next(name for name in KINDS[rung.network] if name in bundled())


def told(rung: Rung, network: str | Network | None = None) -> Ours:
    """Return ours with network, diameter and contrast of a rung, or with another network."""
    return Ours(network_of(rung) if network is None else network, rung.diameter, rung.contrast)


def untold() -> Ours:
    """Return ours as it comes, with no option at all."""
    return Ours(AUTO)


def peers(judged: Judged) -> dict[str, Baseline]:
    """Return the peers of a rung, with all that is worth trying there."""
    dark = judged.rung.contrast == "inverted"
    baselines = laplacian_baseline(dark, _SIGMAS), trackpy_baseline(dark=dark, diameters=_DIAMETERS)
    return {one.name: one for one in baselines}


def tuned(judged: Judged, baseline: Baseline) -> Detector:
    """Return a peer tuned on the first 150 particles of a rung's film."""
    some = judged.start(_TUNED_ON)
    return baseline.tuned(some.film, some.truth, judged.rung.within)


@cache
def _loaded(name: str) -> Network:
    return load_network(name)
