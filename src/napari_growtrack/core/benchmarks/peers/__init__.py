"""What a network is measured against: classical detectors, each with its best settings for the frames it is judged on.

A `Locator` finds spots of some strength, a `Baseline` is a grid of locators, and tuning it on frames of known truth
gives a `Detector`. Detectors are plain values, so that they can be sent to a process of their own; see `on_one_core`.
"""

from .alone import on_one_core, peak_memory, peak_of, resident_memory
from .laplacian import Laplacian, laplacian_baseline
from .trackpy_locate import Trackpy, trackpy_baseline
from .tuning import Baseline, Detector, Locator, detections

__all__ = [
    "Baseline",
    "Detector",
    "Laplacian",
    "Locator",
    "Trackpy",
    "detections",
    "laplacian_baseline",
    "on_one_core",
    "peak_memory",
    "peak_of",
    "resident_memory",
    "trackpy_baseline",
]
