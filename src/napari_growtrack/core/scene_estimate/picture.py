"""Draw a film's particles above simulated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..packages.plotting import load_matplotlib
from .match import SceneEstimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CROPS = 10


def side_by_side(likeness: SceneEstimate) -> Figure:
    """Draw crops of the film above as many of its simulation, all on one grey scale."""
    load_matplotlib()
    from matplotlib.figure import Figure

    rows = {"film": likeness.real[:_MOST_CROPS], "simulated": likeness.simulated[:_MOST_CROPS]}
    low, high = np.percentile(np.stack([*rows.values()]), (0.2, 99.8))
    number = len(rows["film"])
    figure = Figure(figsize=(max(1.1 * number, 4.5) + 0.4, 3.0), layout="constrained")
    figure.suptitle(str(likeness), fontsize=9)
    for axes, (name, crops) in zip(figure.subplots(2, 1), rows.items(), strict=True):
        axes.imshow(_in_a_row(crops), cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
        axes.set(ylabel=name, xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure


def _in_a_row(crops: np.ndarray) -> np.ndarray:
    """Lay crops (n, side, side) beside one another, a little apart; what lies between is NaN."""
    gap = max(1, crops.shape[-1] // 16)
    return np.hstack([*np.pad(crops, ((0, 0), (0, 0), (0, gap)), constant_values=np.nan)])[:, :-gap]
