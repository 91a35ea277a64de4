"""From frames to detections: windows, cascade, merging and calibration, for any staged network."""

from .calibrate import Calibrated, Calibration, Pair, all_pairs, calibrate
from .cascade import Cascade, find
from .detect import FrameDetections, collect, detect, iter_detections, median_milliseconds
from .network import StagedNetwork
from .windows import Looks, frame_pass, look_at, window_scan

__all__ = [
    "Calibrated",
    "Calibration",
    "Cascade",
    "FrameDetections",
    "Looks",
    "Pair",
    "StagedNetwork",
    "all_pairs",
    "calibrate",
    "collect",
    "detect",
    "find",
    "frame_pass",
    "iter_detections",
    "look_at",
    "median_milliseconds",
    "window_scan",
]
