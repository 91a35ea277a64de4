"""How long each stage takes, for one window, for many, and for a frame."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..detection.windows import frame_pass
from ..detection.zoom import enlarge
from ..growth.plan import Stage
from ..networks.evaluation import SHAPE
from .asking import at_once, grown_of, stages_of

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork
    from ..networks.load import Network

BATCH = 256


def timings(
    network: GrownNetwork | Network,
    rounds: int = 15,
    stages: Sequence[Stage] | None = None,
    seconds: float = 60.0,
) -> pd.DataFrame:
    """Measure how long each stage takes; the stages take turns, so that all meet the same noise.

    Calls that compile are not counted.

    Parameters
    ----------
    network : GrownNetwork or Network
    rounds : int
        How often each stage is measured; medians are returned.
    stages : sequence of int, optional
        Which stages; all by default.
    seconds : float
        No further round begins after so long; the first is always finished.

    Returns
    -------
    DataFrame
        ``stage``; ``ms_per_window`` in batches of 256 (fewer where their maps
        would fill memory); ``ms_for_one_window`` alone; ``ms_per_frame``, one
        frame pass over 251 x 251 px of a film, NaN where a network tells classes
        apart.
    """
    grown = grown_of(network)
    stages = list(stages or stages_of(grown.plan))
    watches = _watches(grown)
    for stage in stages:
        for watch in watches.values():
            watch.run(stage)
    began = time.perf_counter()
    taken: list[list[list[float]]] = []
    while len(taken) < max(rounds, 1) and (not taken or time.perf_counter() - began < seconds):
        taken.append([[watch.milliseconds(stage) for watch in watches.values()] for stage in stages])
    table = pd.DataFrame(np.median(taken, axis=0), columns=list(watches), index=pd.Index(stages, name="stage"))
    return table.reindex(columns=["ms_per_window", "ms_for_one_window", "ms_per_frame"]).reset_index()


@dataclass(frozen=True)
class _Watch:
    """Something a stage can do, and how many windows or frames of it are done at once."""

    run: Callable[[Stage], Any]
    number: int = 1

    def milliseconds(self, stage: Stage) -> float:
        began = time.perf_counter()
        self.run(stage)
        return 1e3 * (time.perf_counter() - began) / self.number


def _watches(grown: GrownNetwork) -> dict[str, _Watch]:
    plan, rng = grown.plan, np.random.default_rng(0)
    batch = 2 ** int(math.log2(min(BATCH, at_once(plan))))
    windows = rng.normal(size=(batch, *plan.shape, plan.channels)).astype(np.float32)
    watches = {
        "ms_per_window": _Watch(lambda stage: grown.answer(windows, stage), batch),
        "ms_for_one_window": _Watch(lambda stage: grown.answer(windows[:1], stage)),
    }
    if plan.task == "locate":
        frame = enlarge(rng.normal(size=SHAPE).astype(np.float32), grown.zoom)
        watches["ms_per_frame"] = _Watch(lambda stage: frame_pass(frame, grown, stage))
    return watches
