"""Draw how a network learned: its loss while it grew, and its stages' right answers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from .style import BOUND, COLOURS, LONGEST, MEASURES, SMALL, dashed, finished, look_of, new_figure
from .ticks import large_numbers, plain_log, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_history(table: pd.DataFrame, bound: float | None = None) -> Figure:
    """Draw the loss against the images used, with a mark where each later stage begins.

    Parameters
    ----------
    table : DataFrame
        Of `insight.history`.
    bound : float, optional
        The least loss there can be, in the table's unit.
    """
    measure = next(name for name in table.columns if name.startswith("loss_"))
    figure, (axes,) = new_figure()
    total = int(table.stage.max())
    for stage, rows in table.groupby("stage"):
        axes.plot(
            rows.images,
            rows[measure],
            label=f"stage {stage}",
            **look_of(int(str(stage)), total) | {"marker": "", "lw": 1},
        )
    if bound is not None:
        axes.axhline(bound, **dashed(), label=BOUND)
    axes.set(xlabel="images used", ylabel=MEASURES[measure], xlim=(0, None))
    if measure != "loss_mixed":
        axes.set_yscale("log", nonpositive="mask")
        plain_log(axes)
    large_numbers(axes)
    _mark_beginnings(axes, table)
    return finished(figure, total, "stage")


def _mark_beginnings(axes: Axes, table: pd.DataFrame) -> None:
    """Mark where a stage begins after another has ended; of many, number only some."""
    ends, begins = table.groupby("stage").images.max(), table.groupby("stage").images.min()
    later = [stage for stage in begins.index[1:] if begins[stage] > ends[stage - 1]]
    every = math.ceil(len(later) / 12)
    for i, stage in enumerate(later):
        axes.axvline(ends[stage - 1], color="0.6", lw=0.5, zorder=0)
        if i % every == 0:
            axes.annotate(
                str(stage), (ends[stage - 1], 1), (0, 1), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", va="bottom", fontsize=SMALL - 1, color="0.35",
            )  # fmt: skip


def draw_accuracies(table: pd.DataFrame) -> Figure:
    """Draw the share of right answers against stage (thesis figs 3.5, 3.6 and 3.11).

    Parameters
    ----------
    table : DataFrame
        Of `insight.accuracies`.
    """
    figure, (axes,) = new_figure()
    marker = "o" if len(table) <= LONGEST else ""
    axes.plot(table.stage, 100 * table.right_share, color=COLOURS[0], marker=marker, ms=4, lw=1.2)
    axes.set(xlabel="stage", ylabel="right answers (%)")
    whole_ticks(axes, table.stage)
    return finished(figure)
