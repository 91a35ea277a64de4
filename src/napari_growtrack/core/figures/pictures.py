"""Pictures that show results: a frame with its detections, ready to look at or to print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import OutputError
from ..files import write_whole
from ..packages.plotting import load_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def overlay(
    frame: np.ndarray,
    detections: pd.DataFrame,
    truth: pd.DataFrame | None = None,
    title: str = "",
    diameter: float = 12.0,
) -> Figure:
    """Draw a frame with a ring around every detection, and a cross on every true particle.

    Parameters
    ----------
    frame : ndarray (Y, X)
    detections : DataFrame
        Of this frame, with ``y, x`` in pixels.
    truth : DataFrame, optional
        Of this frame.
    title : str
    diameter : float
        Of the particles, in pixels; rings are a little wider.
    """
    load_matplotlib()
    from matplotlib.figure import Figure

    height, width = frame.shape
    figure = Figure(figsize=(7, 7 * height / width + 0.8), layout="constrained")
    axes = figure.add_subplot()
    low, high = np.percentile(frame, (0.5, 99.8))
    axes.imshow(frame, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
    size = (max(1.25 * diameter / width, 0.012) * 6.3 * 72) ** 2
    axes.scatter(
        detections.x, detections.y, s=size, facecolors="none", edgecolors="#ffb000", linewidths=1.3, label="found"
    )
    if truth is not None:
        axes.scatter(truth.x, truth.y, s=min(size / 4, 60), c="#35b5ff", marker="+", linewidths=1.0, label="true")
    axes.set(xlabel="x (px)", ylabel="y (px)", title=title, xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def save(figure: Figure, path: str | os.PathLike[str], dpi: int = 130) -> None:
    """Write a figure as PNG, or as PDF or SVG where the name says so, whole or not at all.

    Text stays text in PDF and SVG; `dpi` then only counts for pictures inside the figure.

    Raises
    ------
    OutputError
        When the disk refuses, or matplotlib with the settings it has.
    """
    matplotlib = load_matplotlib()
    suffix = Path(path).suffix.lower()
    kind = suffix[1:] if suffix in (".pdf", ".svg") else "png"
    try:
        with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
            write_whole(path, lambda file: figure.savefig(file, format=kind, dpi=dpi))
    except (RuntimeError, ValueError) as error:  # LaTeX that is not there, a font, a number of pixels
        settings = f"matplotlib's settings in {matplotlib.matplotlib_fname()}"
        raise OutputError(f"Cannot draw {path} ({str(error)[:200]}). Look at {settings}.") from error
