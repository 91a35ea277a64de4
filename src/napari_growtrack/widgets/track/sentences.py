"""What the Track panel says of what is in the way, of candidates and of its runs; free of Qt."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..session.sentences import count, noise_words

NO_FILM = "Open a film first (File > Open, or File > Open Sample > GrowTrack)"
NO_NETWORK = "Choose a network first."
NOTHING_YET = "Nothing found yet: turn on the live preview, or track."
NOTHING_SHARED = "These two runs have no frame in common. Choose two of the same image."


def loading_line(name: str) -> str:
    """Say which network is loaded."""
    return f"Loading the network {name}..."


def range_words(first: int, last: int, whole: bool) -> str:
    """Return which frames a button tracks; `whole` where these are all."""
    return "Track all frames" if whole else f"Track frames {first} to {last}"


# Candidates -----------------------------------------------------------------------------------------------------------


def in_run(number: int) -> str:
    """Say that something is of a run."""
    return f"in run {number}"


def in_frame(frame: int | None) -> str:
    """Say that something is of a frame."""
    return f"in frame {frame}"


def accepted_line(accepted: int, candidates: int, of: str, noise: float | None = None) -> str:
    """Say how many candidates the thresholds accept, and how many of these are expected to be noise."""
    line = f"{accepted:,} of {candidates:,} candidates accepted {of}"
    return f"{line}; {noise_words(noise)}" if accepted and noise is not None else line


# Runs -----------------------------------------------------------------------------------------------------------------


class Compared(NamedTuple):
    """How two runs differ, on the frames they share.

    Attributes
    ----------
    runs : (int, int)
        Their numbers.
    frames : int
        How many they share.
    both : int
        Detections that both have.
    apart : float
        Median distance of those in pixels; NaN without any.
    only : (int, int)
        Detections that only the one has, or only the other.
    """

    runs: tuple[int, int]
    frames: int
    both: int
    apart: float
    only: tuple[int, int]


def compared_line(told: Compared) -> str:
    """Say how two runs differ."""
    apart = "" if math.isnan(told.apart) else f", {told.apart:.2f} px apart (median)"
    (one, other), (mine, theirs) = told.runs, told.only
    return (
        f"Runs {one} and {other}, {told.frames:,} frames: {told.both:,} detections in both{apart}; "
        f"{mine:,} only in run {one}, {theirs:,} only in run {other}"
    )


def edited_line(layer: str) -> str:
    """Say that thresholds leave a layer alone, and why."""
    return f"{layer} was edited by hand, so thresholds do not change it any more."


def gone_line(image: str, number: int) -> str:
    """Say that the image of a run has been removed."""
    return f"The image {image} is not there any more. Open it again to see run {number}."


def restored_line(number: int) -> str:
    """Say that a run's settings are chosen again."""
    return f"The settings of run {number} are chosen again."


def saved_line(detections: int, path: str) -> str:
    """Say where a run's detections are."""
    return f"Saved {detections:,} detections as {path}, their settings beside it."


# Into a file ----------------------------------------------------------------------------------------------------------

WHOLE_FRAMES = "Into a file go whole frames. Untick Field of view only."


def file_written_line(detections: int, frames: int, name: str) -> str:
    """Say what is in a file now."""
    return f"Wrote {count(detections, 'detection')} in {count(frames, 'frame')} to {name}, their settings beside it."


def file_left_line(done: int, total: int, name: str) -> str:
    """Say how far a file is, and how to go on."""
    if not done:
        return "Stopped before the first frame; nothing was written."
    return f"Stopped after {done:,} of {count(total, 'frame')}, kept in {name}. Track into it again to go on."


def go_on_question(name: str) -> str:
    """Ask whether to go on with a file."""
    return f"An earlier run into {name} was not finished. Go on with it? No begins anew."
