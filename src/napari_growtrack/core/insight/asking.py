"""Ask a network stage by stage, about as many windows at once as fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..growth.plan import Plan

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork

_MEMORY = 2**28


def grown_of(network: Any) -> GrownNetwork:
    """Return a network without its card; one that has none as it is."""
    return getattr(network, "grown", network)


def stages_of(plan: Plan) -> range:
    """Return the numbers of a plan's stages, from 1."""
    return range(1, plan.stages + 1)


def at_once(plan: Plan) -> int:
    """Return how many windows' maps fit into the memory we allow ourselves."""
    numbers = (math.prod(plan.conv_shape(block.row)) * plan.width(block) for block in plan.blocks(plan.stages))
    return max(1, min(1024, _MEMORY // (4 * sum(numbers))))


def chunks(images: np.ndarray, plan: Plan) -> Iterator[np.ndarray]:
    """Return images in parts whose maps fit into memory."""
    size = at_once(plan)
    return (images[i : i + size] for i in range(0, len(images), size))
