"""What a video lacks: frames at its end or between others, and bytes as they were written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from .stack import in_short

_FEW, _EVEN = 0.1, 0.1
"""At a constant rate: share of intervals that are too long, at most; how far, in usual ones, any is from whole."""

_FIRST = 16
"""Frames whose times some programs move to begin at 0, where there is sound beside them."""

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_RIFF_HEAD, _LARGEST = 8, 1 << 28


def announced_frames(container: Any, path: Path, stamps: list[int | None]) -> int:
    """Return how many frames a video announces, by number, or else by its duration; 0 where it tells nothing.

    It has packets of these presentation times.
    """
    stream, found = container.streams.video[0], len(stamps)
    if stream.frames:
        return int(stream.frames)
    known = [stamp for stamp in stamps if stamp is not None]
    if not container.duration or not known:
        return 0
    step = _step(stream, known)
    missing = (container.duration / 1e6 - max(known) * float(stream.time_base)) / step - 1 if step else 0
    if _is_cut(path):
        return found + max(0, round(missing))
    return found + round(missing) if missing > 1.5 and len(container.streams) == 1 else 0


def told_gaps(name: str, stamps: Sequence[int], container: str) -> list[str]:
    """Return a sentence where frames lie too far apart: shown at these ticks, in FFmpeg's kind of container."""
    rounding = "matroska" in container  # to whole milliseconds, whatever the rate
    steps, far = np.diff(stamps), far_apart(stamps, rounding)
    if not len(far):
        return []
    usual = np.delete(steps, far).mean()
    counts = np.rint(steps / usual)
    uneven = (np.abs(steps - counts * usual) > _EVEN * usual + rounding).any()
    missing, places = int((counts[far] - 1).sum()), which(far)
    # An MP4 tells how long each frame lasts: what is lost of it leaves no gap. Where more are missing than are there,
    # a time is damaged.
    if "mp4" in container or len(far) > _FEW * len(steps) or uneven or missing > len(stamps):
        if far[-1] < _FIRST:
            return []
        wrong = f"In {name} frames are missing, or its rate changes, after {places}."
        return [f"{wrong} All are taken to be equally far apart in time: what moves there may seem too fast."]
    return [
        f"{name} lacks {missing} frame{'s' * (missing > 1)}, after {places}. The others are numbered as if none were "
        "missing: what moves there seems too fast. Copy or export it again to have them all."
    ]


def far_apart(stamps: Sequence[int], rounding: int = 0) -> NDArray[np.intp]:
    """Return the frames, shown at these times, after which more than 1.5 usual intervals pass."""
    steps = np.diff(stamps)
    usual = np.median(steps) if len(steps) else 0
    return np.flatnonzero(steps > max(1.5 * usual, usual + rounding))


def which(numbers: Collection[int]) -> str:
    """Return numbers of frames as a sentence names them: ``frame 3``, ``frames 2, 5 to 7``."""
    return f"frame{'s' * (len(numbers) > 1)} {in_short(numbers)}"


def _step(stream: Any, stamps: list[int]) -> float:
    """Return the seconds from frame to frame, as measured, or of a single frame as announced."""
    if len(stamps) > 1:
        return (max(stamps) - min(stamps)) / (len(stamps) - 1) * float(stream.time_base)
    return 1 / float(stream.average_rate) if stream.average_rate else 0.0


def _is_cut(path: Path) -> bool:
    """Tell whether a Matroska or AVI file ends before it says it does."""
    with path.open("rb") as file:
        end = _end_of_matroska(file) or _end_of_riff(file)
        return end is not None and end > path.stat().st_size


def _end_of_riff(file: BinaryIO) -> int | None:
    file.seek(0)
    head = file.read(_RIFF_HEAD)
    size = int.from_bytes(head[4:], "little")
    return _RIFF_HEAD + size if head[:4] == b"RIFF" and 0 < size < 2**32 - 1 else None


def _end_of_matroska(file: BinaryIO) -> int | None:
    """Return where the segment ends, behind the head; None where it does not say, or it is no Matroska."""
    file.seek(0)
    name, size = _number(file, keep_mark=True), _number(file)
    if name != _EBML or size is None:
        return None
    file.seek(size, 1)
    name, size = _number(file, keep_mark=True), _number(file)
    return file.tell() + size if name == _SEGMENT and size is not None else None


def damaged_parts(path: Path) -> list[int]:
    """Return where clusters of a Matroska file begin and end, one after another, that do not fit their checksums."""
    parts: list[int] = []
    with path.open("rb") as file:
        end = _end_of_matroska(file) or 0
        while file.tell() < end and (name := _number(file, keep_mark=True)) and (size := _number(file)) is not None:
            start = file.tell()
            if name == _CLUSTER and 6 < size < _LARGEST and (head := file.read(6))[:2] == b"\xbf\x84":
                rest = file.read(size - 6)
                if len(rest) == size - 6 and crc32(rest) != int.from_bytes(head[2:], "little"):
                    parts += start, start + size
            file.seek(start + size)
    return parts


def _number(file: BinaryIO, keep_mark: bool = False) -> int | None:
    """Read a number of EBML: the zeros before its first one tell how many bytes follow; all ones mean unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(more), "big")
    if keep_mark:
        return value
    value -= 1 << 7 * (more + 1)
    return None if value == (1 << 7 * (more + 1)) - 1 else value
