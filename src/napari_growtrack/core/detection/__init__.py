"""From frames to detections: windows, cascade, merging and calibration, for any staged network."""

from .calibrate import Calibrated, Calibration, Pair, all_pairs, calibrate
from .cascade import Cascade, find, find_each, sight_each
from .detect import FrameDetections, collect, detect, iter_detections, median_milliseconds
from .network import FittingNetwork, StagedNetwork
from .sieve import Sieve
from .survey import Contrast, Surveyed, survey, with_noise_of
from .tracker import Latency, Tracker
from .windows import Looks, frame_pass, look_at, window_scan

__all__ = [
    "Calibrated",
    "Calibration",
    "Cascade",
    "Contrast",
    "FittingNetwork",
    "FrameDetections",
    "Latency",
    "Looks",
    "Pair",
    "Sieve",
    "StagedNetwork",
    "Surveyed",
    "Tracker",
    "all_pairs",
    "calibrate",
    "collect",
    "detect",
    "find",
    "find_each",
    "frame_pass",
    "iter_detections",
    "look_at",
    "median_milliseconds",
    "sight_each",
    "survey",
    "window_scan",
    "with_noise_of",
]
