"""The cascade: a cheap stage screens the whole frame, an expensive one looks only where there is something to see."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ..normalisation import normalise
from ..settings import Settings
from .merge import agree, merge
from .network import StagedNetwork
from .windows import Looks, frame_pass, look_at, window_scan
from .zoom import enlarge

# Patches a few pixels apart meet the pooling grid differently, so that their errors are less alike.
_SHIFTS = {
    1: ((0, 0),),
    2: ((-1, 1), (2, -2)),
    3: ((0, 0), (3, 1), (-1, -3)),
    4: ((-1, -2), (2, -1), (1, 2), (-2, 1)),
}


class Cascade(Settings):
    """Which stage screens, which refines, and what they accept.

    With `screen` equal to `stage` a single stage does both. Distances are in
    network pixels: pixels of the film, or of the enlarged film where the
    network has a `zoom`.
    """

    stage: PositiveInt = Field(description="The stage that gives the answer.")
    screen: PositiveInt = Field(description="The stage that screens the frame; not above `stage`.")
    screen_distance: PositiveFloat = Field(
        description="T1: windows are passed on below this distance, in network pixels."
    )
    accept_distance: PositiveFloat = Field(
        description="T2: detections are accepted below this distance, in network pixels."
    )
    merge_distance: PositiveFloat = Field(description="Dp: answers this close are one particle, in network pixels.")
    looks: int = Field(2, ge=1, le=4, description="Patches cut around each candidate, a network pixel or two apart.")
    votes: int = Field(
        1, ge=1, le=5, description="Windows per side of a patch; all windows of all patches are averaged."
    )
    faithful: bool = Field(False, description="Refine the screened windows themselves, as the thesis does.")
    step: PositiveInt | None = Field(
        None, description="Window step of a scan, in network pixels; by default one shared pass."
    )

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        if self.screen > self.stage:
            raise ValueError(f"expected a screening stage up to {self.stage}, got {self.screen}")
        return self


def find(frame: np.ndarray, network: StagedNetwork, cascade: Cascade, full_scale: float = 1.0) -> pd.DataFrame:
    """Find the particles of one frame.

    Parameters
    ----------
    frame : ndarray (Y, X)
        Intensities in any unit.
    network : StagedNetwork
    cascade : Cascade
    full_scale : float
        The largest intensity there can be; see `Stack.full_scale`.

    Returns
    -------
    DataFrame
        ``y, x`` in pixels of the frame, ``distance`` likewise (small is sure)
        and ``votes``, the windows that were averaged.
    """
    zoom = network.zoom
    seen = enlarge(normalise(frame, network.normalisation, full_scale), zoom)
    candidates = screen(seen, network, cascade)
    looks, votes = refine(seen, network, cascade, candidates)
    kept = accept(looks, zoom * np.array(frame.shape), cascade)
    return table(looks[kept].on_film(zoom), votes[kept])


def screen(frame: np.ndarray, network: StagedNetwork, cascade: Cascade) -> Looks:
    """Return the windows of a normalised frame that the screening stage passes on."""
    step = cascade.step or network.step
    if step == network.step:
        looks = frame_pass(frame, network, cascade.screen)
    else:
        looks = window_scan(frame, network, cascade.screen, step)
    return looks[looks.distances < cascade.screen_distance]


def refine(frame: np.ndarray, network: StagedNetwork, cascade: Cascade, candidates: Looks) -> tuple[Looks, np.ndarray]:
    """Return what the answering stage makes of the candidates, and how many votes each is the mean of."""
    way = climb if cascade.faithful else recentre
    return way(frame, network, cascade, candidates)


def climb(frame: np.ndarray, network: StagedNetwork, cascade: Cascade, candidates: Looks) -> tuple[Looks, np.ndarray]:
    """Refine the very windows that were passed on (thesis 4.2.2)."""
    if cascade.screen == cascade.stage:
        return candidates, np.ones(len(candidates), int)
    looks = look_at(frame, candidates.centres.astype(int), network, cascade.stage)
    return looks, np.ones(len(looks), int)


def recentre(
    frame: np.ndarray, network: StagedNetwork, cascade: Cascade, candidates: Looks
) -> tuple[Looks, np.ndarray]:
    """Look again once a particle: cut windows centred on each candidate and average their votes."""
    spots = candidates.positions[merge(candidates, cascade.merge_distance)]
    centres = np.clip(np.rint(spots).astype(int), 0, np.array(frame.shape) - 1)
    shifts = _SHIFTS[cascade.looks]
    looks = look_at(frame, centres, network, cascade.stage, cascade.votes, shifts)
    return agree(looks, len(shifts) * cascade.votes**2, cascade.merge_distance / 2)


def accept(looks: Looks, size: np.ndarray, cascade: Cascade) -> np.ndarray:
    """Return the indices of looks that are sure enough, inside the frame, and not another's double.

    The size of the frame, height and width in network pixels, need not be whole.
    """
    inside = np.all((looks.positions >= -0.5) & (looks.positions <= size - 0.5), axis=1)
    sure = np.flatnonzero(inside & (looks.distances < cascade.accept_distance))
    return sure[merge(looks[sure], cascade.merge_distance)]


def table(looks: Looks, votes: np.ndarray) -> pd.DataFrame:
    """Return looks as a table, from top to bottom."""
    order = np.lexsort(looks.positions.T[::-1])
    return pd.DataFrame(
        {
            "y": looks.positions[order, 0].astype(float),
            "x": looks.positions[order, 1].astype(float),
            "distance": np.maximum(looks.distances[order], 0).astype(float),
            "votes": votes[order].astype(np.int64),
        }
    )
