"""Draw a growth table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..growth.plan import Plan
from .style import LONGEST, SMALL, finished, new_figure, shades

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_plan(plan: Plan) -> Figure:
    """Draw the growth table: a row for each layer, a column for each stage, darker the more units are added.

    The middle of more than 24 rows or columns is left out.
    """
    from matplotlib.patches import Rectangle

    rows, columns = _elided(len(plan.layers)), _elided(plan.stages)
    most = max(map(max, plan.units))
    blues = [(1.0, 1.0, 1.0), *shades(101, "Blues", 0.9)[17:]]
    figure, (axes,) = new_figure(width=max(0.245 * len(columns) + 0.85, 1.9), height=0.24 * len(rows) + 0.5)
    names = plan.row_names()
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            if row is None or column is None:
                axes.text(x, y, "…", ha="center", va="center", fontsize=SMALL, color="0.5")
                continue
            units = plan.units[row][column]
            colour = blues[math.ceil(units / most * (len(blues) - 1))]
            axes.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=colour, edgecolor="0.85", lw=0.5))
            if units:
                ink = "white" if np.dot(colour, (0.3, 0.6, 0.1)) < 0.5 else "black"
                size = SMALL if units < 1000 else 5
                axes.text(x, y, str(units), ha="center", va="center", fontsize=size, color=ink)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), xlabel="stage")
    axes.set_xticks(range(len(columns)), ["…" if i is None else str(i + 1) for i in columns], fontsize=SMALL)
    axes.set_yticks(range(len(rows)), ["…" if i is None else names[i] for i in rows], fontsize=SMALL)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return finished(figure)


def _elided(number: int) -> list[int | None]:
    """Return indices to draw, None where the middle of many is left out."""
    if number <= LONGEST:
        return list(range(number))
    return [*range(LONGEST // 2), None, *range(number - LONGEST // 2 + 1, number)]
