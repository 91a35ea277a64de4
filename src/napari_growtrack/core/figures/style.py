"""The look that all figures share: their widths, colours, lines and legends, and what a measure is called."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..packages.plotting import load_matplotlib
from .ticks import whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ONE_COLUMN, TWO_COLUMNS = 85 / 25.4, 178 / 25.4
"""Widths in inches."""

MEASURES = {
    "median_error_px": "median error (px)",
    "mean_error_px": "mean error (px)",
    "mae_per_axis_px": "mean absolute error (px)",
    "active_units": "active units",
    "probability": "probability that a unit is active",
    "mean_activation": "mean activation",
    "loss_px": "loss (px)",
    "loss_px2": "loss (px²)",
    "loss_mixed": "loss (px and nat)",
    "loss_nat": "cross-entropy (nat)",
    "ms_per_window": "time per window (ms)",
    "ms_per_frame": "time per frame (ms)",
}
BOUND = "Cramér-Rao bound"

Colour = tuple[float, float, float]

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7")
MARKERS = "osD^vP"
TEXT, SMALL = 8, 7
LONGEST = 24


def new_figure(panels: int = 1, width: float | None = None, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """Return a figure one column wide, or two for more panels."""
    load_matplotlib()
    from matplotlib.figure import Figure

    width = width or (ONE_COLUMN if panels == 1 else TWO_COLUMNS)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for one in axes:
        tidy(one)
    return figure, axes


def tidy(axes: Axes) -> None:
    """Give axes small labels, thin ticks, and lines only below and on the left."""
    axes.tick_params(labelsize=SMALL, width=0.6, length=3)
    axes.tick_params(which="minor", width=0.4, length=1.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_linewidth(0.6)


def finished(figure: Figure, total: int = 0, what: str = "") -> Figure:
    """Set the size of labels, and lay a legend, or a colour bar for many stages, where it covers nothing."""
    for axes in figure.axes:
        axes.xaxis.label.set_fontsize(TEXT)
        axes.yaxis.label.set_fontsize(TEXT)
    found = dict(reversed(pair) for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True))
    if total > len(COLOURS):
        _bar(figure, total, what)
        found = {label: line for label, line in found.items() if label == BOUND}
    if found:
        lines = math.ceil(len(found) / (3 if figure.get_figwidth() < 5 else 6))
        figure.legend(
            found.values(), found.keys(), loc="outside upper center", ncols=math.ceil(len(found) / lines),
            fontsize=SMALL, frameon=False, handlelength=2.2, columnspacing=1.2,
        )  # fmt: skip
    return figure


def _bar(figure: Figure, total: int, what: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    mapped = ScalarMappable(Normalize(1, total), ListedColormap(shades(256)))
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]  # other bars have none
    bar = figure.colorbar(mapped, ax=panels, aspect=30, pad=0.02)
    bar.set_ticks(whole(range(1, total + 1)))
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label(what, fontsize=TEXT)
    bar.outline.set_linewidth(0.6)


def look_of(number: int, total: int, dots: int = 2) -> dict[str, Any]:
    """Return colour and marker of one of many lines through so many dots."""
    if total > len(COLOURS):
        return {"color": shades(total)[number - 1], "lw": 0.8, "marker": "o" if dots == 1 else "", "ms": 2.5}
    marker = MARKERS[number - 1] if dots <= LONGEST else ""
    return {"color": COLOURS[number - 1], "marker": marker, "ms": 4, "lw": 1.2}


def dashed() -> dict[str, Any]:
    """Return how the line of a bound looks."""
    return {"color": "black", "lw": 1.0, "ls": (0, (4, 2))}


def shades(number: int, name: str = "viridis", end: float = 0.92) -> list[Colour]:
    """Return colours from dark to light that differ to every eye."""
    from matplotlib import colormaps

    return [(red, green, blue) for red, green, blue, _ in colormaps[name](np.linspace(0, end, number))]
