"""How trajectories were made, as it is written beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..packages.version import package_version
from ..tables import PROGRAM
from .linkage import Linkage

UNITS = ("pixel_size", "frame_time", "exposure_time")
"""What trajectories keep of a film: micrometres, seconds, seconds."""


def provenance_of(
    linkage: Linkage,
    detections: str,
    detected: Mapping[str, Any],
    units: Mapping[str, Any],
    farthest: float | None,
    least_significance: float | None,
) -> dict[str, Any]:
    """Return how trajectories were made, as plain values.

    Parameters
    ----------
    linkage : Linkage
    detections : str
        What the detections are called.
    detected : mapping
        How they were made; empty where nobody tells.
    units : mapping
        ``pixel_size``, ``frame_time`` and ``exposure_time``, where they are known.
    farthest, least_significance : float or None
        As for `drop_doubtful`.
    """
    return {
        "program": PROGRAM,
        "version": package_version(),
        **{name: units[name] for name in UNITS if units.get(name) is not None},
        "detections": detections,
        "detected": dict(detected) or None,
        "linking": json.loads(linkage.linking.to_json()),
        "repeated_frames": len(linkage.repeated),
        "short_trajectories": linkage.short,
        "false_trajectories": linkage.false,
        "warning": linkage.warning or None,
        "max_distance": farthest,
        "min_significance": least_significance,
    }
