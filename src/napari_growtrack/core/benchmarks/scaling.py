"""How our time grows with the size of a frame and the number of particles in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..networks.load import load_network
from ..simulation import draw, named_scene, simulate_frame
from .case import Rows, Scale
from .ladder.figures import plain_axes
from .ladder.methods import Tracked
from .peers import on_one_core, peak_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_NETWORK = "vesicles"
_FEW, _SIDE = 10, 1024
_SIDE_NAME, _TIME, _LINE = "frame side (px)", "ms per frame", "line (ms)"

Size = tuple[int, int]
"""Side of a frame in pixels, and how many particles are in it."""


def measure(scale: Scale) -> Rows:
    """Time the default cascade on frames of growing size, and of growing number of particles, on one core.

    The line is the least-squares fit ``a + b pixels + c particles`` to all of them. Memory
    is that of a fresh process for the largest frame, not measured at ``smoke`` scale.
    """
    sides, numbers = ((256, 384, 512), (1, 40)) if scale == "smoke" else ((256, 512, 1024, 2048, 4096), (1, 100, 1000))
    fixed = sides[-1] if scale == "smoke" else _SIDE
    sizes = [(side, _FEW) for side in sides] + [(fixed, number) for number in numbers]
    detector = Tracked(_NETWORK, load_network(_NETWORK).cascade())
    with on_one_core() as process:
        times = process.submit(milliseconds, detector, sizes, 1 if scale == "smoke" else 5).result()
    _, line, r2 = fitted(sizes, times)
    _log.info("times measured, R² %.4f", r2)
    peak = peak_of(detector, [frame_of((sides[-1], _FEW))]) if scale == "laptop" else ""
    return [
        {_SIDE_NAME: side, "particles": number, _TIME: taken, _LINE: expected, "R²": r2}
        | {"peak memory (MiB)": peak if (side, number) == (sides[-1], _FEW) else ""}
        for (side, number), taken, expected in zip(sizes, times, line, strict=True)
    ]


def milliseconds(detector: Tracked, sizes: Sequence[Size], turns: int) -> list[float]:
    """Return the time of a frame of each size, the median of turns; the first turn warms up."""
    frames = [frame_of(size) for size in sizes]
    seconds: list[list[float]] = []
    for _ in range(turns + 1):
        seconds.append([])
        for frame in frames:
            began = time.perf_counter()
            detector(frame)
            seconds[-1].append(time.perf_counter() - began)
    return [1e3 * float(median) for median in np.median(seconds[1:], axis=0)]


def frame_of(size: Size) -> np.ndarray:
    """Simulate a frame (Y, X) of bright spots at SNR 5, at least 12 px apart."""
    side, number = size
    rng = np.random.default_rng(size)
    return simulate_frame(draw(named_scene("big").with_(apart=12), (side, side), rng, number), rng)


def fitted(sizes: Sequence[Size], times: Sequence[float]) -> tuple[np.ndarray, np.ndarray, float]:
    """Return ``(a, b, c)`` of the line in ms, ms a pixel and ms a particle, its value at each size, and R².

    The least squares are of relative errors.
    """
    terms, measured = np.array([(1.0, side**2, number) for side, number in sizes]), np.array(times)
    scale = terms.max(0)  # columns of like size, for the sake of the solver
    relative = terms / scale / measured[:, None]  # a tenth too much counts alike for small frames and large
    coefficients = np.linalg.lstsq(relative, np.ones(len(times)), rcond=None)[0] / scale
    line = terms @ coefficients
    left, spread = np.square(measured - line).sum(), np.square(measured - measured.mean()).sum()
    return coefficients, line, float(1 - left / spread)


def costs(rows: Rows) -> Rows:
    """Return the line's coefficients."""
    sizes = [(row[_SIDE_NAME], row["particles"]) for row in rows]
    (start, pixel, particle), _, r2 = fitted(sizes, [row[_TIME] for row in rows])
    return [{"ms a frame": start, "ms a megapixel": 1e6 * pixel, "ms a particle": particle, "R²": r2}]


def draw_scaling(rows: Rows) -> Figure:
    """Draw time against pixels and against particles, with the line that is fitted to both."""
    from ..figures.style import COLOURS, finished, new_figure

    figure, panels = new_figure(2)
    sides = [row for row in rows if row["particles"] == _FEW]
    fixed = next(row[_SIDE_NAME] for row in rows if row["particles"] != _FEW)
    numbers = sorted((row for row in rows if row[_SIDE_NAME] == fixed), key=lambda row: row["particles"])
    lines: list[tuple[Any, Rows, list[float], str]] = [
        (panels[0], sides, [row[_SIDE_NAME] ** 2 / 1e6 for row in sides], f"pixels (millions), {_FEW} particles"),
        (panels[1], numbers, [row["particles"] for row in numbers], f"particles, {fixed} x {fixed} px"),
    ]
    for axes, some, x, label in lines:
        axes.plot(
            x, [row[_LINE] for row in some], color="black", lw=1, ls=(0, (4, 2)), label="a + b pixels + c particles"
        )
        axes.plot(x, [row[_TIME] for row in some], "o", color=COLOURS[0], ms=4, label="measured, one core")
        axes.set(xlabel=label, ylabel="time per frame (ms)", xscale="log", yscale="log")
        plain_axes(axes)
    return finished(figure)
