"""What layers cost, in operations (thesis 2.6 and 4.1.2)."""

from __future__ import annotations

import math

Shape = tuple[int, int]


def dense_cost(inputs: int, units: int, activation: int = 0) -> int:
    """Return the operations of a dense layer, equation (2.15); `activation` is that of one unit's activation."""
    return 2 * inputs * units + units + units * activation


def conv_cost(channels: int, units: int, kernel: int, shape: Shape) -> int:
    """Return the operations of a convolution with a square kernel and an output map of this shape, equation (2.16)."""
    return 2 * units * kernel**2 * math.prod(shape) * channels + units * math.prod(shape)


def pool_cost(channels: int, shape: Shape, pool: int) -> int:
    """Return the operations of max-pooling a map of this shape by its own side, equation (2.17)."""
    return channels * math.prod(shape) if pool > 1 else 0


def breadth_cost(units: int, below: int, networks: int) -> int:
    """Return the connections of a layer grown in breadth by equal networks, equation (4.1)."""
    return units * below * networks * (networks + 1) // 2


def plain_cost(units: int, below: int, networks: int) -> int:
    """Return the connections of a plain layer of the same total width, equation (4.2)."""
    return networks**2 * units * below
