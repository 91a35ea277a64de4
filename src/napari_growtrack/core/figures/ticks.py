"""Where the axes of figures are labelled: plain numbers on logarithmic axes, whole ones where stages are counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plain_log(axes: Axes) -> None:
    """Label a logarithmic y axis with plain numbers: 1, 2, 5 over few decades, powers of ten over many."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    few = low > 0 and high / low < 300
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def ticks_at(axes: Axes, values: Sequence[float]) -> None:
    """Label a logarithmic x axis at measured values, leaving out those too close to the one before."""
    shown = [values[0]]
    for value in values[1:]:
        if value / shown[-1] > (values[-1] / values[0]) ** 0.06:
            shown.append(value)
    axes.set_xticks(shown, [f"{value:g}" for value in shown])
    axes.set_xticks([], minor=True)


def whole_ticks(axes: Axes, values: Iterable[int]) -> None:
    """Label an x axis at some of the whole numbers on it."""
    there = sorted(set(values))
    margin = 0.06 * (there[-1] - there[0]) or 0.5
    axes.set_xlim(there[0] - margin, there[-1] + margin)
    axes.set_xticks(whole(there))


def whole(values: Sequence[int]) -> list[int]:
    """Return all of few numbers, or the first of many and round ones."""
    from matplotlib.ticker import MaxNLocator

    if len(values) <= 8:
        return list(values)
    ticks = [int(tick) for tick in MaxNLocator(8, integer=True).tick_values(values[0], values[-1])]
    gap = ticks[1] - ticks[0]
    between = (tick for tick in ticks if values[0] + 0.6 * gap < tick < values[-1] - 0.6 * gap)
    return [values[0], *between, values[-1]]


def layer_ticks(axes: Axes, table: pd.DataFrame) -> None:
    """Label an x axis with layers, by name where they are few."""
    layers = table.drop_duplicates("row").sort_values("row")
    if len(layers) > 8:
        whole_ticks(axes, layers.row)
        axes.set_xlabel("layer")
        return
    axes.set_xticks(layers.row, layers.layer)
    axes.set_xlim(layers.row.min() - 0.4, layers.row.max() + 0.4)


def large_numbers(axes: Axes) -> None:
    """Label an x axis with 10k and 2M in place of 10000 and 2000000."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
