"""Figures of a network that can be printed as they are: one or two columns wide, the same colour for a stage in all.

They draw the tables of `insight`. Up to six stages have colours and markers of their own (Okabe and Ito's, which
differ to every eye and in grey); more are shaded from dark to light, with a colour bar.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .errors import SettingsError
from .growth.plan import Block, Plan

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
    "loss_nat": "cross-entropy (nat)",
    "ms_per_window": "time per window (ms)",
    "ms_per_frame": "time per frame (ms)",
}
BOUND = "Cramér-Rao bound"

Colour = tuple[float, float, float]

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7")
_MARKERS = "osD^vP"
_TEXT, _SMALL = 8, 7
_LONGEST = 24
_WIDE, _STRIP = 16, 32
_TILE = 36


# Errors ---------------------------------------------------------------------------------------------------------


def draw_errors(table: pd.DataFrame, measure: str = "median_error_px") -> Figure:
    """Draw error against signal-to-noise ratio, a line for each stage (thesis figs 3.22, 4.4 and 4.5).

    Parameters
    ----------
    table : DataFrame
        Of `insight.errors`.
    measure : {"median_error_px", "mean_error_px", "mae_per_axis_px"}
        The bound is a median, and only drawn beside one.
    """
    figure, (axes,) = _figure()
    total = int(table.stage.max())
    for stage, rows in table.groupby("stage"):
        axes.plot(rows.snr, rows[measure], label=f"stage {stage}", **_look(int(str(stage)), total))
    if measure == "median_error_px":
        bound = table.drop_duplicates("snr").sort_values("snr")
        axes.plot(bound.snr, bound.bound_px, **_dashed(), label=BOUND)
    axes.set(xlabel="signal-to-noise ratio", ylabel=MEASURES[measure], xscale="log", yscale="log")
    _ticks_at(axes, sorted(table.snr.unique()))
    _plain_log(axes)
    return _finished(figure, total, "stage")


def draw_error_by_stage(
    table: pd.DataFrame, against: str = "stage", measure: str = "median_error_px", log: bool = True
) -> Figure:
    """Draw error against stage, a line for each signal-to-noise ratio (thesis figs 3.21, 4.6 and 4.7).

    Parameters
    ----------
    table : DataFrame
        Of `insight.errors`.
    against : {"stage", "layers", "first_layer_units"}
        ``layers`` suits depth growth, ``first_layer_units`` breadth growth.
    measure : {"median_error_px", "mean_error_px", "mae_per_axis_px"}
        The bound is a median, and only drawn beside one.
    log : bool
        Whether the errors' axis is logarithmic.
    """
    figure, (axes,) = _figure()
    levels = sorted(table.snr.unique())
    for colour, (i, snr) in zip(_shades(len(levels), "plasma", 0.85), enumerate(levels), strict=True):
        rows = table[table.snr == snr].sort_values(against)
        marker = _MARKERS[i % len(_MARKERS)] if len(rows) <= _LONGEST else ""
        axes.plot(rows[against], rows[measure], color=colour, marker=marker, ms=4, lw=1.2, label=f"SNR {snr:g}")
        if measure == "median_error_px":
            axes.axhline(rows.bound_px.iloc[0], color=colour, lw=0.9, ls=(0, (4, 2)))
    if measure == "median_error_px":
        axes.plot([], [], **_dashed(), label=BOUND)
    names = {"stage": "stage", "layers": "layers", "first_layer_units": "units in the first layer"}
    axes.set(xlabel=names[against], ylabel=MEASURES[measure], yscale="log" if log else "linear")
    _whole_ticks(axes, table[against])
    if log:
        _plain_log(axes)
    return _finished(figure)


# Costs and times ------------------------------------------------------------------------------------------------


def draw_costs(costs: pd.DataFrame, timings: pd.DataFrame) -> Figure:
    """Draw the time per window, and per frame, beside the relative cost (thesis figs 4.14 and 4.15).

    The axis of the cost is laid so that the last stage's is level with its
    time: where the two lines agree, time follows cost.

    Parameters
    ----------
    costs : DataFrame
        Of `insight.costs`.
    timings : DataFrame
        Of `insight.timings`.
    """
    names = [name for name in ("ms_per_window", "ms_per_frame") if timings[name].notna().all()]
    figure, panels = _figure(len(names))
    marker = "o" if len(timings) <= _LONGEST else ""
    for axes, name in zip(panels, names, strict=True):
        axes.plot(timings.stage, timings[name], color=_COLOURS[0], marker=marker, ms=4, lw=1.2, label="measured time")
        axes.set(xlabel="stage", ylabel=MEASURES[name])
        _whole_ticks(axes, costs.stage)
        beside = axes.twinx()
        _tidy(beside)
        beside.spines["right"].set_visible(True)
        shares = costs[costs.stage.isin(timings.stage)]
        beside.plot(
            shares.stage, shares.share_of_last, color=_COLOURS[3], marker=marker and "s", ms=3.5, lw=1, ls=(0, (4, 2)),
            label="relative cost",
        )  # fmt: skip
        beside.set_ylabel("relative cost", fontsize=_TEXT)
        last = timings[name].iloc[-1] / shares.share_of_last.iloc[-1]
        top = 1.08 * max(timings[name].max(), last * shares.share_of_last.max())
        axes.set_ylim(0, top)
        beside.set_ylim(0, top / last)
    return _finished(figure)


# Activity -------------------------------------------------------------------------------------------------------


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
    figure, panels = _figure(len(show))
    total = int(table.network.max())
    for axes, name in zip(panels, show, strict=True):
        for number, rows in table.groupby("network"):
            look = _look(int(str(number)), total, dots=len(rows))
            axes.plot(rows.row, rows[name], label=f"network {number}" if total > 1 else None, **look)
            if name == "mean_activation":
                low, high = (rows[name] + sign * rows.std_over_images for sign in (-1, 1))
                axes.fill_between(rows.row, low.clip(lower=0), high, color=look["color"], alpha=0.2, lw=0)
        axes.set(ylabel=MEASURES[name])
        _layer_ticks(axes, table)
        if log:
            axes.set_yscale("log", nonpositive="mask")
            _plain_log(axes)
        else:
            axes.set_ylim(bottom=0)
    return _finished(figure, total, "added network")


def draw_maps(
    activations: Mapping[Block, np.ndarray], what: Block | int, image: int = 0, window: np.ndarray | None = None
) -> Figure:
    """Draw all maps of a layer on a grid 16 wide, dark where nothing is active (thesis fig. 3.17).

    Every map is as bright as its own greatest activation allows; a dense
    layer is a strip of its units, 32 to a line, on one scale. Lines above the
    maps tell which stage added them.

    Parameters
    ----------
    activations : dict of Block to ndarray (n, rows, columns, units)
        As `GrownNetwork.activations` returns them.
    what : Block or int
        A block, or a row, counted from 1: all blocks of it.
    image : int
        Which of the n images.
    window : ndarray (height, width) or (height, width, channels), optional
        The image itself, drawn in front.
    """
    blocks = [block for block in sorted(activations) if what in (block, block.row)]
    if not blocks:
        raise SettingsError(f"Nothing is known of layer {what}; there are {', '.join(map(str, sorted(activations)))}.")
    maps = np.concatenate([activations[block][image] for block in blocks], axis=-1).transpose(2, 0, 1)
    added_by = np.repeat([block.stage for block in blocks], [activations[block].shape[-1] for block in blocks])
    dense = maps.shape[1:] == (1, 1)
    wide = min(len(maps), _STRIP if dense else _WIDE)
    canvas, corners, side = _tiled(maps, wide, dense)
    figure, (*front, axes) = _map_axes(canvas.shape, window, 1.2 if dense else 0.6)
    for one in front:
        _show_window(one, np.asarray(window))
    shown = axes.imshow(np.ma.masked_invalid(canvas), cmap="inferno", vmin=0, interpolation="nearest")
    if dense:
        bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.3, aspect=22)
        bar.set_label("activation", fontsize=_SMALL)
        bar.ax.tick_params(labelsize=_SMALL, width=0.6, length=3)
        bar.outline.set_linewidth(0.6)
    else:
        shown.set_clim(0, 1)
    size = "" if dense else f" of {maps.shape[1]} × {maps.shape[2]} places"
    axes.set_title(f"layer {blocks[0].row}: {len(maps)} {'units' if dense else 'maps'}{size}", fontsize=_TEXT)
    if len(blocks) > 1:
        _mark_stages(axes, corners, side, added_by, max(block.stage for block in activations))
        return _finished(figure, max(block.stage for block in activations), "stage")
    return figure


# Growing --------------------------------------------------------------------------------------------------------


def draw_history(table: pd.DataFrame, bound: float | None = None) -> Figure:
    """Draw the loss against the images used, with a mark where each later stage begins.

    Parameters
    ----------
    table : DataFrame
        Of `insight.history`.
    bound : float, optional
        The least loss there can be, in the table's unit.
    """
    measure = next(name for name in table.columns if name.startswith("loss_"))
    figure, (axes,) = _figure()
    total = int(table.stage.max())
    for stage, rows in table.groupby("stage"):
        axes.plot(
            rows.images,
            rows[measure],
            label=f"stage {stage}",
            **_look(int(str(stage)), total) | {"marker": "", "lw": 1},
        )
    if bound is not None:
        axes.axhline(bound, **_dashed(), label=BOUND)
    axes.set(xlabel="images used", ylabel=MEASURES[measure], xlim=(0, None))
    axes.set_yscale("log", nonpositive="mask")
    _plain_log(axes)
    _large_numbers(axes)
    _mark_beginnings(axes, table)
    return _finished(figure, total, "stage")


def draw_accuracies(table: pd.DataFrame) -> Figure:
    """Draw the share of right answers against stage (thesis figs 3.5, 3.6 and 3.11).

    Parameters
    ----------
    table : DataFrame
        Of `insight.accuracies`.
    """
    figure, (axes,) = _figure()
    marker = "o" if len(table) <= _LONGEST else ""
    axes.plot(table.stage, 100 * table.right_share, color=_COLOURS[0], marker=marker, ms=4, lw=1.2)
    axes.set(xlabel="stage", ylabel="right answers (%)")
    _whole_ticks(axes, table.stage)
    return _finished(figure)


def draw_plan(plan: Plan) -> Figure:
    """Draw the growth table: a row for each layer, a column for each stage, darker the more units are added.

    The middle of more than 24 rows or columns is left out.
    """
    from matplotlib.patches import Rectangle

    rows, columns = _elided(len(plan.layers)), _elided(plan.stages)
    most = max(map(max, plan.units))
    blues = [(1.0, 1.0, 1.0), *_shades(101, "Blues", 0.9)[17:]]
    figure, (axes,) = _figure(width=max(0.245 * len(columns) + 0.85, 1.9), height=0.24 * len(rows) + 0.5)
    names = plan.row_names()
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            if row is None or column is None:
                axes.text(x, y, "…", ha="center", va="center", fontsize=_SMALL, color="0.5")
                continue
            units = plan.units[row][column]
            colour = blues[math.ceil(units / most * (len(blues) - 1))]
            axes.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=colour, edgecolor="0.85", lw=0.5))
            if units:
                ink = "white" if np.dot(colour, (0.3, 0.6, 0.1)) < 0.5 else "black"
                size = _SMALL if units < 1000 else 5
                axes.text(x, y, str(units), ha="center", va="center", fontsize=size, color=ink)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), xlabel="stage")
    axes.set_xticks(range(len(columns)), ["…" if i is None else str(i + 1) for i in columns], fontsize=_SMALL)
    axes.set_yticks(range(len(rows)), ["…" if i is None else names[i] for i in rows], fontsize=_SMALL)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return _finished(figure)


# Canvas ---------------------------------------------------------------------------------------------------------


def _figure(panels: int = 1, width: float | None = None, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """Return a figure one column wide, or two for more panels."""
    from matplotlib.figure import Figure

    width = width or (ONE_COLUMN if panels == 1 else TWO_COLUMNS)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for one in axes:
        _tidy(one)
    return figure, axes


def _tidy(axes: Axes) -> None:
    axes.tick_params(labelsize=_SMALL, width=0.6, length=3)
    axes.tick_params(which="minor", width=0.4, length=1.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_linewidth(0.6)


def _finished(figure: Figure, total: int = 0, what: str = "") -> Figure:
    """Set the size of labels, and lay a legend, or a colour bar for many stages, where it covers nothing."""
    for axes in figure.axes:
        axes.xaxis.label.set_fontsize(_TEXT)
        axes.yaxis.label.set_fontsize(_TEXT)
    found = dict(reversed(pair) for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True))
    if total > len(_COLOURS):
        _bar(figure, total, what)
        found = {label: line for label, line in found.items() if label == BOUND}
    if found:
        lines = math.ceil(len(found) / (3 if figure.get_figwidth() < 5 else 6))
        figure.legend(
            found.values(), found.keys(), loc="outside upper center", ncols=math.ceil(len(found) / lines),
            fontsize=_SMALL, frameon=False, handlelength=2.2, columnspacing=1.2,
        )  # fmt: skip
    return figure


def _bar(figure: Figure, total: int, what: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    shades = ScalarMappable(Normalize(1, total), ListedColormap(_shades(256)))
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]  # other bars have none
    bar = figure.colorbar(shades, ax=panels, aspect=30, pad=0.02)
    bar.set_ticks(_whole(range(1, total + 1)))
    bar.ax.tick_params(labelsize=_SMALL)
    bar.set_label(what, fontsize=_TEXT)
    bar.outline.set_linewidth(0.6)


def _look(number: int, total: int, dots: int = 2) -> dict[str, Any]:
    """Return colour and marker of one of many lines through so many dots."""
    if total > len(_COLOURS):
        return {"color": _shades(total)[number - 1], "lw": 0.8, "marker": "o" if dots == 1 else "", "ms": 2.5}
    marker = _MARKERS[number - 1] if dots <= _LONGEST else ""
    return {"color": _COLOURS[number - 1], "marker": marker, "ms": 4, "lw": 1.2}


def _dashed() -> dict[str, Any]:
    return {"color": "black", "lw": 1.0, "ls": (0, (4, 2))}


def _shades(number: int, name: str = "viridis", end: float = 0.92) -> list[Colour]:
    """Return colours from dark to light that differ to every eye."""
    from matplotlib import colormaps

    return [(red, green, blue) for red, green, blue, _ in colormaps[name](np.linspace(0, end, number))]


# Axes -----------------------------------------------------------------------------------------------------------


def _plain_log(axes: Axes) -> None:
    """Label a logarithmic y axis with plain numbers: 1, 2, 5 over few decades, powers of ten over many."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    few = low > 0 and high / low < 300
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _ticks_at(axes: Axes, values: Sequence[float]) -> None:
    """Label a logarithmic x axis at measured values, leaving out those too close to the one before."""
    shown = [values[0]]
    for value in values[1:]:
        if value / shown[-1] > (values[-1] / values[0]) ** 0.06:
            shown.append(value)
    axes.set_xticks(shown, [f"{value:g}" for value in shown])
    axes.set_xticks([], minor=True)


def _whole_ticks(axes: Axes, values: Iterable[int]) -> None:
    """Label an x axis at some of the whole numbers on it."""
    there = sorted(set(values))
    margin = 0.06 * (there[-1] - there[0]) or 0.5
    axes.set_xlim(there[0] - margin, there[-1] + margin)
    axes.set_xticks(_whole(there))


def _whole(values: Sequence[int]) -> list[int]:
    """Return all of few numbers, or the first of many and round ones."""
    from matplotlib.ticker import MaxNLocator

    if len(values) <= 8:
        return list(values)
    ticks = [int(tick) for tick in MaxNLocator(8, integer=True).tick_values(values[0], values[-1])]
    gap = ticks[1] - ticks[0]
    between = (tick for tick in ticks if values[0] + 0.6 * gap < tick < values[-1] - 0.6 * gap)
    return [values[0], *between, values[-1]]


def _layer_ticks(axes: Axes, table: pd.DataFrame) -> None:
    """Label an x axis with layers, by name where they are few."""
    layers = table.drop_duplicates("row").sort_values("row")
    if len(layers) > 8:
        _whole_ticks(axes, layers.row)
        axes.set_xlabel("layer")
        return
    axes.set_xticks(layers.row, layers.layer)
    axes.set_xlim(layers.row.min() - 0.4, layers.row.max() + 0.4)


def _large_numbers(axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _mark_beginnings(axes: Axes, table: pd.DataFrame) -> None:
    """Mark where a stage begins after another has ended; of many, number only some."""
    ends, begins = table.groupby("stage").images.max(), table.groupby("stage").images.min()
    later = [stage for stage in begins.index[1:] if begins[stage] > ends[stage - 1]]
    every = math.ceil(len(later) / 12)
    for i, stage in enumerate(later):
        axes.axvline(ends[stage - 1], color="0.6", lw=0.5, zorder=0)
        if i % every == 0:
            axes.annotate(
                str(stage), (ends[stage - 1], 1), (0, 1), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", va="bottom", fontsize=_SMALL - 1, color="0.35",
            )  # fmt: skip


# Maps -----------------------------------------------------------------------------------------------------------


def _tiled(maps: np.ndarray, wide: int, dense: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Lay maps (units, rows, columns) on a grid; NaN between them.

    Returns the canvas, every map's corner (units, 2), and a map's width on it.
    """
    if not dense:
        greatest = maps.max((1, 2), keepdims=True)
        maps = np.divide(maps, greatest, out=np.zeros_like(maps), where=greatest > 0)
    larger = math.ceil(_TILE / maps.shape[2])
    maps = maps.repeat(larger, 1).repeat(larger, 2)
    number, rows, columns = maps.shape
    gap, above = round(0.1 * columns), round(0.2 * columns)
    tall = math.ceil(number / wide)
    canvas = np.full((tall * (rows + above), wide * (columns + gap) - gap), np.nan, np.float32)
    ys, xs = np.divmod(np.arange(number), wide)
    corners = np.stack([ys * (rows + above) + above, xs * (columns + gap)], 1)
    for one, (y, x) in zip(maps, corners, strict=True):
        canvas[y : y + rows, x : x + columns] = one
    return canvas, corners, columns


def _map_axes(shape: tuple[int, ...], window: np.ndarray | None, room: float) -> tuple[Figure, list[Axes]]:
    """Return axes for a grid, after one for a window where it is drawn; `room` in inches is for title and legend."""
    from matplotlib.figure import Figure

    front = 0 if window is None else 1.1
    wide = TWO_COLUMNS - front - 0.1
    tall = min(max(wide * shape[0] / shape[1], 0.35 if window is None else 0.9), 9.0)
    figure = Figure(figsize=(TWO_COLUMNS, tall + room), layout="constrained")
    ratios = (wide,) if window is None else (front, wide)
    panels = list(figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0])
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    return figure, panels


def _show_window(axes: Axes, window: np.ndarray) -> None:
    picture = window[..., 0] if window.ndim == 3 and window.shape[-1] != 3 else window
    low, high = float(picture.min()), float(picture.max())
    axes.imshow((picture - low) / max(high - low, 1e-6), cmap="gray", interpolation="nearest")
    axes.set_title("window", fontsize=_TEXT)


def _mark_stages(axes: Axes, corners: np.ndarray, side: int, added_by: np.ndarray, total: int) -> None:
    """Draw a line above every map in the colour of the stage that added it."""
    for stage in sorted(set(added_by)):
        mine = corners[added_by == stage]
        axes.hlines(
            mine[:, 0] - 0.5 - 0.07 * side, mine[:, 1] - 0.5, mine[:, 1] + side - 0.5, lw=1.6,
            colors=[_look(int(stage), total)["color"]], label=f"stage {stage}",
        )  # fmt: skip


def _elided(number: int) -> list[int | None]:
    """Return indices to draw, None where the middle of many is left out."""
    if number <= _LONGEST:
        return list(range(number))
    return [*range(_LONGEST // 2), None, *range(number - _LONGEST // 2 + 1, number)]
