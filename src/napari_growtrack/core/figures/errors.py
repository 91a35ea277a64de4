"""Draw how far a network's answers lie from the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import BOUND, LONGEST, MARKERS, MEASURES, dashed, finished, look_of, new_figure, shades
from .ticks import plain_log, ticks_at, whole_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_errors(table: pd.DataFrame, measure: str = "median_error_px") -> Figure:
    """Draw error against signal-to-noise ratio, a line for each stage (thesis figs 3.22, 4.4 and 4.5).

    Parameters
    ----------
    table : DataFrame
        Of `insight.errors`.
    measure : {"median_error_px", "mean_error_px", "mae_per_axis_px"}
        The bound is a median, and only drawn beside one.
    """
    figure, (axes,) = new_figure()
    total = int(table.stage.max())
    for stage, rows in table.groupby("stage"):
        axes.plot(rows.snr, rows[measure], label=f"stage {stage}", **look_of(int(str(stage)), total))
    if measure == "median_error_px":
        bound = table.drop_duplicates("snr").sort_values("snr")
        axes.plot(bound.snr, bound.bound_px, **dashed(), label=BOUND)
    axes.set(xlabel="signal-to-noise ratio", ylabel=MEASURES[measure], xscale="log", yscale="log")
    ticks_at(axes, sorted(table.snr.unique()))
    plain_log(axes)
    return finished(figure, total, "stage")


def draw_error_by_stage(
    table: pd.DataFrame, against: str = "stage", measure: str = "median_error_px", log: bool = True
) -> Figure:
    """Draw error against stage, a line for each signal-to-noise ratio (thesis figs 3.21, 4.6 and 4.7).

    Parameters
    ----------
    table : DataFrame
        Of `insight.errors`.
    against : {"stage", "layers", "first_layer_units"}
        ``layers`` suits depth growth, ``first_layer_units`` breadth growth.
    measure : {"median_error_px", "mean_error_px", "mae_per_axis_px"}
        The bound is a median, and only drawn beside one.
    log : bool
        Whether the errors' axis is logarithmic.
    """
    figure, (axes,) = new_figure()
    levels = sorted(table.snr.unique())
    for colour, (i, snr) in zip(shades(len(levels), "plasma", 0.85), enumerate(levels), strict=True):
        rows = table[table.snr == snr].sort_values(against)
        marker = MARKERS[i % len(MARKERS)] if len(rows) <= LONGEST else ""
        axes.plot(rows[against], rows[measure], color=colour, marker=marker, ms=4, lw=1.2, label=f"SNR {snr:g}")
        if measure == "median_error_px":
            axes.axhline(rows.bound_px.iloc[0], color=colour, lw=0.9, ls=(0, (4, 2)))
    if measure == "median_error_px":
        axes.plot([], [], **dashed(), label=BOUND)
    names = {"stage": "stage", "layers": "layers", "first_layer_units": "units in the first layer"}
    axes.set(xlabel=names[against], ylabel=MEASURES[measure], yscale="log" if log else "linear")
    whole_ticks(axes, table[against])
    if log:
        plain_log(axes)
    return finished(figure)
