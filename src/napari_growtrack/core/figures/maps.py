"""Draw what every unit of a layer answers to one window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SettingsError
from ..growth.plan import Block
from ..packages.plotting import load_matplotlib
from .style import SMALL, TEXT, TWO_COLUMNS, finished, look_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE, _STRIP = 16, 32
_TILE = 36


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
    canvas, corners, side = tiled(maps, wide, dense)
    figure, (*front, axes) = _map_axes(canvas.shape, window, 1.2 if dense else 0.6)
    for one in front:
        _show_window(one, np.asarray(window))
    shown = axes.imshow(np.ma.masked_invalid(canvas), cmap="inferno", vmin=0, interpolation="nearest")
    if dense:
        bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.3, aspect=22)
        bar.set_label("activation", fontsize=SMALL)
        bar.ax.tick_params(labelsize=SMALL, width=0.6, length=3)
        bar.outline.set_linewidth(0.6)
    else:
        shown.set_clim(0, 1)
    size = "" if dense else f" of {maps.shape[1]} × {maps.shape[2]} places"
    axes.set_title(f"layer {blocks[0].row}: {len(maps)} {'units' if dense else 'maps'}{size}", fontsize=TEXT)
    if len(blocks) > 1:
        _mark_stages(axes, corners, side, added_by, max(block.stage for block in activations))
        return finished(figure, max(block.stage for block in activations), "stage")
    return figure


def tiled(maps: np.ndarray, wide: int, dense: bool) -> tuple[np.ndarray, np.ndarray, int]:
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
    load_matplotlib()
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
    axes.set_title("window", fontsize=TEXT)


def _mark_stages(axes: Axes, corners: np.ndarray, side: int, added_by: np.ndarray, total: int) -> None:
    """Draw a line above every map in the colour of the stage that added it."""
    for stage in sorted(set(added_by)):
        mine = corners[added_by == stage]
        axes.hlines(
            mine[:, 0] - 0.5 - 0.07 * side, mine[:, 1] - 0.5, mine[:, 1] + side - 0.5, lw=1.6,
            colors=[look_of(int(stage), total)["color"]], label=f"stage {stage}",
        )  # fmt: skip
