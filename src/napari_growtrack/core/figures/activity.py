"""Draw how many units are active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from .style import MEASURES, finished, look_of, new_figure
from .ticks import layer_ticks, plain_log

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_activity(
    table: pd.DataFrame, show: Sequence[str] = ("active_units", "probability"), log: bool = False
) -> Figure:
    """Draw how many units of each layer are active, and how probably one is, a line for each added network.

    Parameters
    ----------
    table : DataFrame
        Of `insight.activity`.
    show : sequence of str
        A panel each, of ``active_units`` (thesis figs 4.8 to 4.10), ``probability``
        (3.7, 3.18) and ``mean_activation``, with its spread over the images (3.8).
    log : bool
        Whether the axes of the panels are logarithmic.
    """
    figure, panels = new_figure(len(show))
    total = int(table.network.max())
    for axes, name in zip(panels, show, strict=True):
        for number, rows in table.groupby("network"):
            look = look_of(int(str(number)), total, dots=len(rows))
            axes.plot(rows.row, rows[name], label=f"network {number}" if total > 1 else None, **look)
            if name == "mean_activation":
                low, high = (rows[name] + sign * rows.std_over_images for sign in (-1, 1))
                axes.fill_between(rows.row, low.clip(lower=0), high, color=look["color"], alpha=0.2, lw=0)
        axes.set(ylabel=MEASURES[name])
        layer_ticks(axes, table)
        if log:
            axes.set_yscale("log", nonpositive="mask")
            plain_log(axes)
        else:
            axes.set_ylim(bottom=0)
    return finished(figure, total, "added network")
