"""What the axes of a GEFF folder mean: which are time, y and x, and how they become frames and pixels.

Editors scale positions and forget by how much, so each node of a folder of ours tells the scale, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import TableError
from .csv_files import PROGRAM
from .scales import SCALE, is_size, micrometres, seconds

OWN = {f"growtrack_{name}": name for name in SCALE}
"""Node properties that tell the scale, and what of it."""

_FRAMES = ("frame", "FRAME", "Frame")
_PIXELS = ("pixel", "pixels", "px", "voxel", "voxels")


@dataclass(frozen=True)
class Layout:
    """Which property is which, by what its axis tells.

    Attributes
    ----------
    t, y, x : str
        Names of node properties.
    told : GeffMetadata
        What the folder tells about itself.
    """

    t: str
    y: str
    x: str
    told: Any

    @property
    def extra(self) -> dict[str, Any]:
        """What programs left in the folder, by their names."""
        return self.told.extra or {}

    def needed(self, props: Any) -> list[str]:
        """Return which of some properties tell the scale."""
        return [name for name in (self.t, *_FRAMES, *OWN) if name in props]

    def axis(self, name: str) -> Any:
        """Return an axis, or an empty one."""
        return next((axis for axis in self.told.axes or () if axis.name == name), None)


def layout_of(told: Any) -> Layout:
    """Return which properties are time, y and x: as axes and hints say, else by their names or order.

    Raises
    ------
    TableError
        Where there is no time or fewer than two axes of space.
    """
    axes, hints = told.axes or [], told.display_hints
    names = [axis.name for axis in axes] or [*told.node_props_metadata]
    times = [axis.name for axis in axes if axis.type == "time"] or _called(names, ("t", "time", "frame"))
    spaces = [axis.name for axis in axes if axis.type == "space"] or [name for name in names if name not in times]
    hinted = hints and {"t": hints.display_time, "y": hints.display_vertical, "x": hints.display_horizontal}
    y, x = ([*_called(spaces, (axis,)), *_called(spaces, (f"_{axis}",), "end")] for axis in "yx")
    if not (y and x) and axes:
        y, x = spaces[-2:-1], spaces[-1:]  # the order of a picture's axes
    found = {"t": times, "y": y, "x": x}
    chosen = {axis: (hinted or {}).get(axis) or next(iter(found[axis]), "") for axis in found}
    if "" in chosen.values() or len(set(chosen.values())) < 3:
        there = ", ".join(f"{axis.name} ({axis.type})" for axis in axes) or "none"
        raise TableError(f"Expected one axis of time and two of space, got {there}. Name them in its metadata.")
    return Layout(**chosen, told=told)


def _called(names: list[str], wanted: tuple[str, ...], where: str = "all") -> list[str]:
    if where == "end":
        return [name for name in names if name.lower().endswith(wanted)]
    return [name for name in names if name.lower() in wanted]


@dataclass(frozen=True)
class Scale:
    """How values become pixels: by which factors, and how large a pixel is.

    Attributes
    ----------
    y, x : float
        Pixels in a value of 1.
    pixel_size : float or None
        In micrometres.
    assumed : str
        The unit that is taken for the pixel, where nothing tells its size.
    """

    y: float
    x: float
    pixel_size: float | None
    assumed: str = ""


def scale_of(layout: Layout, known: dict[str, Any]) -> Scale:
    """Return how positions become pixels.

    Raises
    ------
    TableError
        Where a scale says of no unit what it leads to, or only one axis is a length.
    """
    size = known.get("pixel_size")
    y, x = (_space(layout, name, size) for name in (layout.y, layout.x))
    if (y[1] is None) != (x[1] is None) and (y[2] or x[2]):
        units = " and ".join(f"{name} in {getattr(layout.axis(name), 'unit', None)}" for name in (layout.y, layout.x))
        raise TableError(f"Its axes are {units}: a length and no length. Give both the same unit in its metadata.")
    ratio = y[1] / x[1] if y[1] and x[1] else 1.0  # one pixel size for both
    unit = layout.axis(layout.x) and layout.axis(layout.x).unit
    return Scale(y[0] * ratio, x[0], x[1], unit if x[2] else "")


def _space(layout: Layout, name: str, known: float | None) -> tuple[float, float | None, bool]:
    """Return pixels in a value, micrometres in a pixel, and whether that is but assumed."""
    axis = layout.axis(name)
    scale = axis.scale if axis is not None and is_size(axis.scale) else None
    length = micrometres(axis.unit) if axis is not None else None
    funtracks = layout.extra.get("funtracks")
    if isinstance(funtracks, dict):
        return _edited(layout, name, scale if "version" not in funtracks else None, known)
    if length is None:
        told = micrometres(axis.scaled_unit) if scale is not None else None
        size = known if told is None or scale is None else told * scale
        return 1.0, size, size is None and axis is not None and (axis.unit or "pixel").lower() not in _PIXELS
    if scale is not None and axis.scaled_unit in _PIXELS:
        return scale, length / scale, False
    if scale not in (None, 1.0) and axis.scaled_unit is None:
        raise TableError(
            f"Axis {name} is in {axis.unit} and has a scale of {scale:g} to no unit: it cannot be told whether its "
            "values are pixels. Set its unit to pixel and its scaled_unit, or take the scale away."
        )
    return (length / known, known, False) if known else (1.0, length, True)


def _edited(layout: Layout, name: str, scale: float | None, known: float | None) -> tuple[float, float | None, bool]:
    """As `_space`, of a folder that funtracks wrote: positions are scaled already, and it tells by how much or not."""
    told = layout.extra.get("tracksdata")
    sizes = told.get("scale") if isinstance(told, dict) else None
    if isinstance(sizes, (list, tuple)) and len(sizes) >= 2:
        last = sizes[-1] if name == layout.x else sizes[-2]
        scale = scale or (float(last) if is_size(last) else None)
    return 1 / (known or scale or 1.0), known, False


def known_of(layout: Layout, props: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the recipe in a folder, or the scale that its nodes tell."""
    found = layout.extra.get(PROGRAM)
    if isinstance(found, dict):
        return found
    told = {OWN[name]: float(np.nanmedian(props[name])) for name in OWN if name in props and _any(props[name])}
    return {name: value for name, value in told.items() if is_size(value)}


def _any(values: np.ndarray) -> bool:
    return values.dtype.kind in "iuf" and bool(np.isfinite(values.astype(float)).any())


def frames_of(layout: Layout, props: dict[str, np.ndarray], known: dict[str, Any]) -> tuple[np.ndarray, float | None]:
    """Return the frame of each node, and seconds from frame to frame where they are known.

    Raises
    ------
    TableError
        Where times are no frames, and at no even steps.
    """
    axis, times = layout.axis(layout.t), props[layout.t]
    second = seconds(axis.unit) if axis is not None else None
    if second is None or times.dtype.kind not in "iuf":
        told = seconds(axis.scaled_unit) if axis is not None and is_size(axis.scale) else None
        return times, known.get("frame_time") if told is None else told * axis.scale
    frames = next((props[name] for name in _FRAMES if name in props and name != layout.t), None)
    step = _step(times, frames) if frames is not None else _least(times)
    if frames is None:
        frames = _counted(times, step, layout.t)
    return frames, known.get("frame_time") or (None if step is None else step * second)


def _step(times: np.ndarray, frames: np.ndarray) -> float | None:
    """Return the time from frame to frame."""
    if frames.dtype.kind not in "iuf" or not len(frames) or frames.min() == frames.max():
        return None
    first, last = int(np.argmin(frames)), int(np.argmax(frames))
    step = float(times[last] - times[first]) / float(frames[last] - frames[first])
    return step if is_size(step) else None


def _least(times: np.ndarray) -> float | None:
    steps = np.diff(np.unique(times.astype(float)))
    steps = steps[steps > 1e-9 * max(np.abs(times).max(), 1e-300)] if len(steps) else steps
    return float(steps.min()) if len(steps) else None


def _counted(times: np.ndarray, step: float | None, name: str) -> np.ndarray:
    """Return times as frames, the smallest step being one."""
    if not np.isfinite(times).all():
        return times
    if step is None:
        return np.zeros(len(times), np.int64)
    since = (times.astype(float) - times.min()) / step
    if np.abs(since - np.round(since)).max() > 0.05:
        raise TableError(
            f"Axis {name} holds times that are not evenly spaced, and no property frame. Write frames instead."
        )
    return np.round(since + max(np.round(times.min() / step), 0)).astype(np.int64)
