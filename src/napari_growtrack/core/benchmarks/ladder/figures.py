"""Draw the ladder: error against signal-to-noise ratio, and what accuracy costs in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...figures.style import BOUND, COLOURS, MARKERS, SMALL, TEXT, dashed, finished, new_figure
from ...figures.ticks import plain_log, ticks_at
from ..case import Rows
from .methods import DEEPTRACK, LOG, OURS, TRACKPY, TRACKPY_13, TRACKPY_19

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ERROR, _RELATIVE, _TIME = "median error (px)", "error / bound", "ms per frame"
_LOOKS = {name: i for i, name in enumerate((OURS, LOG, TRACKPY, DEEPTRACK, TRACKPY_13, TRACKPY_19))}
_FRONTS = ("table42, SNR 3", "mixed")
_WAYS = {
    "recentred": ("o", COLOURS[0], "white"),
    "polished": ("s", COLOURS[0], "white"),
    "faithful": ("o", "white", COLOURS[0]),
    "default": ("D", "white", COLOURS[0]),
}
"""Marker, its face, and the number on it."""
_MANY, _SOME = (1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


def draw_snr(rows: Rows) -> Figure:
    """Draw the median error against SNR on the thesis's scene: our best stage, the peers, and the bound."""
    figure, (axes,) = new_figure(width=4.6, height=3.2)
    levels = {row["rung"]: float(row["rung"].rpartition(" ")[2]) for row in rows if row["rung"].startswith("table42")}
    for name in (OURS, LOG, TRACKPY, DEEPTRACK):
        best = {levels[row["rung"]]: row[_ERROR] for row in _best(rows, name) if row["rung"] in levels}
        if best:
            axes.plot(sorted(best), [best[snr] for snr in sorted(best)], label=name, **_look(name))
    bounds = {levels[row["rung"]]: row["bound (px)"] for row in rows if row["rung"] in levels}
    axes.plot(sorted(bounds), [bounds[snr] for snr in sorted(bounds)], **dashed(), label=BOUND)
    axes.set(xlabel="signal-to-noise ratio", ylabel=_ERROR, xscale="log", yscale="log")
    ticks_at(axes, sorted(bounds))
    plain_log(axes)
    return finished(figure)


def draw_front(rows: Rows) -> Figure:
    """Draw error over bound against time for a frame: every stage of ours, numbered, and the peers."""
    shown = [rung for rung in _FRONTS if any(row["rung"] == rung and row[_RELATIVE] != "" for row in rows)]
    figure, panels = new_figure(len(shown), height=3.2)
    for axes, rung in zip(panels, shown, strict=True):
        _front(axes, [row for row in rows if row["rung"] == rung and row[_RELATIVE] != ""])
        axes.set_title(rung, fontsize=TEXT)
        axes.set(xlabel="time per frame (ms), one core", ylabel="median error / bound", xscale="log", yscale="log")
        axes.margins(0.12)
        plain_axes(axes)
    return finished(figure)


def _best(rows: Rows, name: str) -> Rows:
    """Return of each rung the row of a method with the least error."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["method"] == name and row[_ERROR] != "":
            best[row["rung"]] = min(best.get(row["rung"], row), row, key=lambda one: float(one[_ERROR]))
    return [*best.values()]


def _look(name: str) -> dict[str, Any]:
    i = _LOOKS[name]
    return {"color": COLOURS[i], "marker": MARKERS[i], "ms": 4.5, "lw": 1.2}


def _front(axes: Axes, rows: Rows) -> None:
    for network, way in dict.fromkeys((row["network"], row["way"]) for row in rows if row["method"] == OURS):
        whose = network if way == "default" else OURS
        _stages(axes, [row for row in rows if (row["network"], row["way"]) == (network, way)], f"{whose}, {way}")
    for name in _LOOKS:
        for row in _best(rows, name) if name != OURS else ():
            axes.plot(row[_TIME], row[_RELATIVE], label=name, **_look(name) | {"lw": 0})


def _stages(axes: Axes, rows: Rows, label: str) -> None:
    """Draw stages as numbered discs, joined."""
    marker, disc, ink = _WAYS[rows[0]["way"]]
    times, errors = [row[_TIME] for row in rows], [row[_RELATIVE] for row in rows]
    axes.plot(times, errors, marker=marker, ms=8, mfc=disc, color=COLOURS[0], lw=0.7, label=label)
    for row, x, y in zip(rows, times, errors, strict=True):
        axes.annotate(str(row["stage"]), (x, y), ha="center", va="center_baseline", fontsize=SMALL - 1, color=ink)


def plain_axes(axes: Axes) -> None:
    """Label both logarithmic axes with plain numbers, more of them over less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        subs = _MANY if high < 3 * low else _SOME if high < 10 * low else (1.0, 2.0, 5.0)
        axis.set_major_locator(LogLocator(subs=subs if high < 300 * low else (1.0,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
