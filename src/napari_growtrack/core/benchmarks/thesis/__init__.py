"""The thesis's experiments: every figure and table of it, at three scales, with what it says and what we measure."""

from __future__ import annotations

from ..case import Case
from . import (
    activity,
    breadth,
    cats_dogs,
    depth,
    execution,
    mnist_conv,
    mnist_deep,
    multi_particle,
    trapped_bead,
    widths,
)

THESIS: dict[str, Case] = {
    "mnist-conv": mnist_conv.CASE,
    "mnist-deep": mnist_deep.CASE,
    "cats-dogs": cats_dogs.CASE,
    "depth": depth.CASE,
    "trapped-bead": trapped_bead.CASE,
    "widths": widths.CASE,
    "breadth": breadth.CASE,
    "activity": activity.CASE,
    "multi-particle": multi_particle.CASE,
    "execution": execution.CASE,
}

__all__ = ["THESIS"]
