"""What is said of frames that a video lacks between others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from .stack import in_short

_FAR = 1.5
"""How many usual intervals lie between two frames where others may be missing."""

_FEW, _EVEN = 0.1, 0.1
"""At a constant rate: the largest share of such intervals; how far, in usual ones, any is from a whole number."""


def told_gaps(name: str, stamps: Sequence[int], container: str) -> list[str]:
    """Return a sentence where frames lie too far apart: shown at these ticks, in FFmpeg's kind of container."""
    steps = np.diff(stamps)
    rounding = "matroska" in container  # to whole milliseconds, whatever the rate
    usual = np.median(steps) if len(steps) else 0
    far = (steps > _FAR * usual) & (steps - usual > rounding)
    if not far.any():
        return []
    counts = steps / steps[~far].mean()
    off = np.abs(counts - np.rint(counts)).max()
    missing, places = int((np.rint(counts) - 1)[far].sum()), which(np.flatnonzero(far))
    # An MP4 tells how long each frame lasts: what is lost of it leaves no gap. Where more are missing than are there,
    # a time is damaged.
    if "mp4" in container or far.mean() > _FEW or off > _EVEN + rounding / usual or missing > len(stamps):
        wrong = f"In {name} frames are missing, or its rate changes, after {places}."
        return [f"{wrong} All are taken to be equally far apart in time: what moves there may seem too fast."]
    return [
        f"{name} lacks {missing} frame{'s' * (missing > 1)}, after {places}. The others are numbered as if none were "
        "missing: what moves there seems too fast. Copy or export it again to have them all."
    ]


def which(numbers: Collection[int]) -> str:
    """Return numbers of frames as a sentence names them: ``frame 3``, ``frames 2, 5 to 7``."""
    return f"frame{'s' * (len(numbers) > 1)} {in_short(numbers)}"
