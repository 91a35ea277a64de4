"""How the thesis's figures are drawn: lines through means, with what repeated runs spread over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from ...figures.style import COLOURS, MARKERS, TEXT, finished, new_figure
from ..case import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "MARKERS",
    "finished_titled",
    "line",
    "log_log",
    "new_figure",
    "plain_log_axes",
    "spread_line",
]

Spread = Literal["range", "std"]


def line(axes: Axes, rows: Rows | pd.DataFrame, x: str, y: str, number: int, label: str | None, **look: Any) -> None:
    """Draw the mean of `y` at every `x`, in the colour and with the marker of this number."""
    table = pd.DataFrame(rows).groupby(x)[y].mean()
    usual: dict[str, Any] = {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "ms": 4,
        "lw": 1.2,
    }
    axes.plot(table.index, table, label=label, **(usual | look))


def spread_line(
    axes: Axes,
    rows: Rows | pd.DataFrame,
    x: str,
    y: str,
    number: int,
    label: str,
    spread: Spread = "range",
    **look: Any,
) -> None:
    """Draw the mean of `y` at every `x`, and what runs spread over: best to worst, or a standard deviation each way."""
    groups = pd.DataFrame(rows).groupby(x)[y]
    mean, several = groups.mean(), groups.size().max() > 1
    if several:
        off = groups.std().fillna(0)
        low, high = (groups.min(), groups.max()) if spread == "range" else (mean - off, mean + off)
        axes.fill_between(mean.index, low, high, color=COLOURS[number % len(COLOURS)], alpha=0.2, lw=0)
    line(axes, rows, x, y, number, label, **look)


def plain_log_axes(axes: Axes, which: str = "xy") -> None:
    """Make axes logarithmic, labelled with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for name in which:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axes.set(**{f"{name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def log_log(axes: Axes) -> None:
    """Prepare axes for error against signal-to-noise ratio."""
    plain_log_axes(axes)
    axes.set(xlabel="SNR", ylabel="mean absolute error (px)")


def finished_titled(figure: Figure) -> Figure:
    """Finish a figure whose panels have titles."""
    for axes in figure.axes:
        axes.title.set_fontsize(TEXT)
    return finished(figure)
