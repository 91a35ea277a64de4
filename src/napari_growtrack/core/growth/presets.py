"""The plans that have names: command line, panel and documentation read this one list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .plan import Plan

_ADDED = (8, 16, 32, 16, 16)


def _in_depth_then_breadth(**other: Any) -> Plan:
    return Plan.depth(**other).wider(_ADDED).wider(_ADDED)


PLANS: dict[str, Callable[..., Plan]] = {
    "strided": Plan.strided,
    "depth": Plan.depth,
    "breadth": partial(Plan.breadth, (4, 8, 16, 8, 8), _ADDED, (16, 32, 64, 32, 32)),
    **{f"breadth-{base}": partial(Plan.breadth, base=base, repeat=3) for base in (4, 8, 16, 32)},
    "depth+breadth": _in_depth_then_breadth,
    "features": Plan.features,
    "plain": Plan.plain,
}
"""What lays each plan, given further fields such as ``window=39``."""
