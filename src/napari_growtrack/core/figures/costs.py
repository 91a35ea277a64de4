"""Draw how long stages take, beside what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import COLOURS, LONGEST, MEASURES, TEXT, finished, new_figure, tidy
from .ticks import whole_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_costs(costs: pd.DataFrame, timings: pd.DataFrame) -> Figure:
    """Draw the time per window, and per frame, beside the relative cost (thesis figs 4.14 and 4.15).

    The axis of the cost is laid so that the last stage's is level with its
    time: where the two lines agree, time follows cost.

    Parameters
    ----------
    costs : DataFrame
        Of `insight.costs`.
    timings : DataFrame
        Of `insight.timings`.
    """
    names = [name for name in ("ms_per_window", "ms_per_frame") if timings[name].notna().all()]
    figure, panels = new_figure(len(names))
    marker = "o" if len(timings) <= LONGEST else ""
    for axes, name in zip(panels, names, strict=True):
        axes.plot(timings.stage, timings[name], color=COLOURS[0], marker=marker, ms=4, lw=1.2, label="measured time")
        axes.set(xlabel="stage", ylabel=MEASURES[name])
        whole_ticks(axes, costs.stage)
        beside = axes.twinx()
        tidy(beside)
        beside.spines["right"].set_visible(True)
        shares = costs[costs.stage.isin(timings.stage)]
        beside.plot(
            shares.stage, shares.share_of_last, color=COLOURS[3], marker=marker and "s", ms=3.5, lw=1, ls=(0, (4, 2)),
            label="relative cost",
        )  # fmt: skip
        beside.set_ylabel("relative cost", fontsize=TEXT)
        last = timings[name].iloc[-1] / shares.share_of_last.iloc[-1]
        top = 1.08 * max(timings[name].max(), last * shares.share_of_last.max())
        axes.set_ylim(0, top)
        beside.set_ylim(0, top / last)
    return finished(figure)
