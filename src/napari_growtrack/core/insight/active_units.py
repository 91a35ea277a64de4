"""Which units of a network are active when it looks at windows, and how strongly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import SettingsError
from ..growth.plan import Plan, Stage
from .asking import chunks, grown_of, stages_of

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork
    from ..networks.load import Network


def activity(network: GrownNetwork | Network, images: np.ndarray, stage: Stage | None = None) -> pd.DataFrame:
    """Measure which units are active: those whose activation is greater than 0 (thesis 3.4.2, 3.4.4 and 4.1.3).

    A unit of a convolution has one activation at every place of its map, after
    the pooling; one of a dense layer has a single place.

    Parameters
    ----------
    network : GrownNetwork or Network
    images : ndarray (n, height, width) or (n, height, width, channels)
        Normalised windows of the plan's size, taken in bits that fit into memory.
    stage : int, optional
        Only the units that this stage's answer needs; the last by default.

    Returns
    -------
    DataFrame
        ``row``, ``layer`` and ``stage`` of each block, and the ``network`` it
        belongs to, see `added_networks`; ``units``; ``probability`` that a unit is active at a place;
        ``active_units``, expected at a place; ``silent_share`` of the units, active
        nowhere in all the images; ``mean_activation`` and ``std_over_images`` of it;
        ``mean_of_active``, the mean of those greater than 0, NaN without any.

    Raises
    ------
    SettingsError
        When there are no images, or not of a window's size.
    """
    grown = grown_of(network)
    plan, stage = grown.plan, stage or grown.stages
    plan.check(stage)
    tallies = {block: _Tally(np.zeros(plan.width(block), np.int64)) for block in plan.needs(stage)}
    for some in chunks(_windows(images, plan), plan):
        for block, maps in grown.activations(some, stage).items():
            tallies[block].add(maps)
    names, networks = plan.row_names(), added_networks(plan)
    return pd.DataFrame(
        [
            {
                "row": block.row,
                "layer": names[block.row - 1],
                "stage": block.stage,
                "network": networks[block.stage],
                **tally.summary(),
            }
            for block, tally in sorted(tallies.items())
        ]
    )


def _windows(images: np.ndarray, plan: Plan) -> np.ndarray:
    """Refuse images that are not windows of the plan's size."""
    images = np.asarray(images)
    if images.ndim not in (3, 4) or not len(images) or images.shape[1:3] != plan.shape:
        height, width = plan.shape
        raise SettingsError(f"Expected one or more windows of {height} x {width} px, got shape {images.shape}.")
    return images


@dataclass
class _Tally:
    """What a block's units did so far; `active` counts, for each, the places where it was."""

    active: np.ndarray
    places: int = 0
    total: float = 0.0
    of_images: list[np.ndarray] = field(default_factory=list)

    def add(self, maps: np.ndarray) -> None:
        """Count maps (n, rows, columns, units)."""
        self.places += math.prod(maps.shape[:3])
        self.active += (maps > 0).sum((0, 1, 2))
        self.total += float(maps.sum(dtype=np.float64))
        self.of_images.append(maps.mean((1, 2, 3), dtype=np.float64))

    def summary(self) -> dict[str, float]:
        units, times = len(self.active), int(self.active.sum())
        probability = times / (self.places * units)
        return {
            "units": units,
            "probability": probability,
            "active_units": probability * units,
            "silent_share": float((self.active == 0).mean()),
            "mean_activation": self.total / (self.places * units),
            "std_over_images": float(np.concatenate(self.of_images).std()),
            "mean_of_active": self.total / times if times else math.nan,
        }


def added_networks(plan: Plan) -> dict[Stage, int]:
    """Return which added network, counted from 1, each stage belongs to.

    What is laid on top of a member's only network belongs to it: growing in
    depth makes one network, in breadth one a stage.
    """
    found: dict[Stage, int] = {}
    for stage in stages_of(plan):
        before = [earlier for earlier in found if plan.member(earlier) == plan.member(stage)]
        mine = {found[earlier] for earlier in before}
        on_top = len(mine) == 1 and plan.column(stage)[0].row > plan.top(before[-1])
        found[stage] = mine.pop() if on_top else max(found.values(), default=0) + 1
    return found
