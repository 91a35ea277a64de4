"""What layers cost, in operations (thesis 2.6 and 4.1.2)."""

from __future__ import annotations


def dense_cost(inputs: int, units: int, activation: int = 0) -> int:
    """Return the operations of a dense layer, equation (2.15); `activation` is that of one unit's activation."""
    return 2 * inputs * units + units + units * activation


def conv_cost(channels: int, units: int, kernel: int, side: int) -> int:
    """Return the operations of a convolution with a square output map, equation (2.16)."""
    return 2 * units * kernel**2 * side**2 * channels + units * side**2


def pool_cost(channels: int, side: int, pool: int) -> int:
    """Return the operations of max-pooling a square map by its own side, equation (2.17)."""
    return channels * side**2 if pool > 1 else 0


def breadth_cost(units: int, below: int, networks: int) -> int:
    """Return the connections of a layer grown in breadth by equal networks, equation (4.1)."""
    return units * below * networks * (networks + 1) // 2


def plain_cost(units: int, below: int, networks: int) -> int:
    """Return the connections of a plain layer of the same total width, equation (4.2)."""
    return networks**2 * units * below
