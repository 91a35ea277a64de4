"""How many frames a video says it has, where they are more than are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_RIFF_HEAD = 8


def announced_frames(container: Any, path: Path, stamps: list[int | None]) -> int:
    """Return how many frames a video announces, by number, or else by its duration; 0 where it tells nothing.

    Parameters
    ----------
    container : av.container.InputContainer
    path : Path
    stamps : list of int or None
        Presentation times of the packets that are there.
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
