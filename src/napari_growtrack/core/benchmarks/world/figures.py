"""Draw the world: a picture of every rung, and how near to the bound everybody comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...figures.style import BOUND, COLOURS, MARKERS, SMALL, TWO_COLUMNS, dashed, finished, new_figure
from ...figures.ticks import plain_log
from ...packages.plotting import load_matplotlib
from ..case import Bench, Tables
from .films import Judged, film
from .methods import METHODS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 6
_PART = 96  # px of a frame's side that are shown, so that single pixels are seen


def draw_sheet(tables: Tables, _: Bench) -> Figure:
    """Draw a quarter of the first frame of each rung that was measured, with rings around its particles."""
    load_matplotlib()
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row["rung"] for row in tables[""]))
    lines = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(TWO_COLUMNS, (TWO_COLUMNS / _COLUMNS + 0.16) * lines), layout="constrained")
    panels = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        _thumbnail(axes, film(name, "smoke"))
    return figure


def _thumbnail(axes: Axes, judged: Judged) -> None:
    first = judged.truth[judged.truth.frame == 0]
    top, left = _fullest(first[["y", "x"]].to_numpy(), judged.film.shape[1])
    part = judged.film[0, top : top + _PART, left : left + _PART]
    low, high = np.percentile(part, (0.5, 99.8))
    axes.imshow(part, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    ring = min(max(1.3 * judged.rung.diameter, 7), 2 * judged.rung.within)  # px
    size = ring / _PART * TWO_COLUMNS / _COLUMNS * 72
    axes.scatter(first.x - left, first.y - top, s=size**2, fc="none", ec="#ffb000", lw=0.5)
    axes.set(xlim=(-0.5, _PART - 0.5), ylim=(_PART - 0.5, -0.5))
    axes.set_title(judged.rung.name, fontsize=SMALL, pad=2)


def _fullest(places: np.ndarray, side: int) -> tuple[int, int]:
    """Return the corner of the part of a frame that holds the most particles."""
    corners = [(y, x) for y in range(0, side - _PART + 1, 16) for x in range(0, side - _PART + 1, 16)]
    inside = [((places >= corner) & (places < np.add(corner, _PART))).all(1).sum() for corner in corners]
    return corners[int(np.argmax(inside))]


def draw_errors(tables: Tables, _: Bench) -> Figure:
    """Draw error over bound of every method on every rung."""
    figure, (axes,) = new_figure(width=TWO_COLUMNS, height=3.2)
    names = list(dict.fromkeys(row["rung"] for row in tables[""]))
    for i, method in enumerate(METHODS):
        shown = {
            row["rung"]: row["error / bound"]
            for row in tables[""]
            if row["method"] == method and row["error / bound"] != ""
        }
        places = [names.index(name) + 0.12 * (i - 1.5) for name in shown]
        axes.plot(places, [*shown.values()], MARKERS[i], color=COLOURS[i], ms=3.5, label=method)
    axes.axhline(1, **dashed(), label=BOUND)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set(ylabel="median error / bound", yscale="log", xlim=(-0.6, len(names) - 0.4))
    plain_log(axes)
    axes.tick_params(labelsize=SMALL)
    return finished(figure)
