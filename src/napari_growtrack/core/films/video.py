"""Films in video files, where any frame is found by its exact number."""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from ..errors import StackError
from .axes import Choice, refuse_choice
from .refusals import refuse_empty
from .stack import Stack, decoding, warn
from .video_losses import announced_frames, damaged_parts, far_apart, told_gaps, which

if TYPE_CHECKING:
    import av

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")

_REORDERED = 16
"""Frames that a video may hold in another order than it shows them."""

_HEAD = 8
"""Bytes before a packet in AVI."""


class VideoStack(Stack):
    """Frames of a video by exact number, found by their presentation times.

    Colour is reduced to the luma plane with its values as stored: neither the
    limited range (16 to 235) is stretched nor the full one squeezed. Reading
    onwards continues decoding; any other frame is reached from the keyframe
    before it.
    """

    def __init__(self, path: Path, choice: Choice | None = None) -> None:
        if choice is not None:
            refuse_choice(path.name, choice)
        with decoding(path.name):
            self._times, doubts = _survey(path)
        for doubt in doubts:
            warn(doubt)
        super().__init__(path.name, self._times.shape, 2.0**self._times.depth - 1)
        self._path = path
        self._spoilt = -1
        self._container: Any = None
        self._at = len(self)

    def _read(self, number: int) -> NDArray[Any]:
        with decoding(f"frame {number} of {self.name}"):
            if not self._times.start(number)[0] - 1 <= self._at < number:
                self._jump(number)
            frame = self._walk(number)
            if frame is None:  # the container landed behind it
                self._rewind()
                frame = self._walk(number)
            if frame is None:
                raise ValueError("the decoder skips it")
            grey = _luma(frame)
        if number <= self._spoilt:
            self._doubt(number, "its decoder had to guess at parts")
        return grey

    def _jump(self, number: int) -> None:
        first, stamp = self._times.start(number)
        if first == 0 or self._container is None:
            self._rewind()
        if first > 0:
            stream = self._container.streams.video[0]
            self._container.seek(stamp, stream=stream)
            self._decoded = self._times.numbered(self._container.decode(stream))

    def _rewind(self) -> None:
        self._release()
        self._container, self._at = _open_video(self._path), -1
        self._decoded = self._times.numbered(self._container.decode(video=0))

    def _walk(self, number: int) -> av.VideoFrame | None:
        """Decode up to frame `number`; None when decoding passes it by."""
        for at, frame in self._decoded:
            self._at = at
            if frame.is_corrupt:  # and so are those that are made of it, up to the next keyframe
                self._spoilt = self._times.before_next_start(at)
            if at >= number:
                return frame if at == number else None
        self._at = len(self)
        return None

    def _release(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None


@dataclass(frozen=True)
class _Times:
    """When the frames of a video are shown, and where decoding can begin.

    `numbers` maps presentation stamps to frame numbers; it is empty where the
    file has no stamps to trust, and frames are then counted from the start.
    `starts` holds (frame number, stamp to seek) of the keyframes, in order.
    `depth` is the bits of a pixel.
    """

    shape: tuple[int, int, int]
    depth: int
    numbers: dict[int, int]
    starts: tuple[tuple[int, int], ...]

    def start(self, number: int) -> tuple[int, int]:
        """Return the last keyframe at or before a frame, and the stamp to seek."""
        place = bisect_right(self.starts, number, key=operator.itemgetter(0))
        return self.starts[place - 1] if place else (0, 0)

    def before_next_start(self, number: int) -> int:
        """Return the last frame that may depend on a frame."""
        place = bisect_right(self.starts, number, key=operator.itemgetter(0))
        return (self.starts[place][0] if place < len(self.starts) else len(self)) - 1

    def __len__(self) -> int:
        return self.shape[0]

    def numbered(self, frames: Iterator[av.VideoFrame]) -> Iterator[tuple[int, av.VideoFrame]]:
        if not self.numbers:
            return enumerate(frames)
        return ((self.numbers[f.pts], f) for f in frames if f.pts in self.numbers)


class _Packet(NamedTuple):
    """What the index keeps of a packet, so that its compressed pixels can go."""

    pts: int | None
    dts: int | None
    key: bool
    shown: bool
    end: int


def _survey(path: Path) -> tuple[_Times, list[str]]:
    """Read the packets of a video without decoding them; also return what is to be said of frames that it lacks."""
    with _open_video(path) as container:
        if not container.streams.video:
            raise StackError(f"{path.name} holds no pictures; expected a video. Choose another file.")
        stream = container.streams.video[0]
        packets = [
            _Packet(p.pts, p.dts, p.is_keyframe, bool(p.size) and not p.is_discard, (p.pos or 0) + p.size)
            for p in container.demux(stream)
            if (p.size or p.pts is not None) and not p.is_corrupt
        ]
        shown = [packet for packet in packets if packet.shown]
        # AVI stores no presentation times; where frames are reordered, the guessed ones are wrong.
        guessed = (avi := container.format.name == "avi") and stream.codec_context.has_b_frames
        stamps = [packet.pts for packet in packets if packet.pts is not None] if avi else []
        # Announced as well: what a trimmed film hides, and in AVI, where times are numbers, what a camera dropped.
        hidden = max(len(packets), max(stamps, default=0) - min(stamps, default=0) + 1) - len(shown)
        announced = announced_frames(container, path, [packet.pts for packet in packets]) - hidden
        if announced > len(shown):
            shown = _without_ragged_end(shown, guessed, path.stat().st_size)
        shape = (len(shown), stream.height, stream.width)
        refuse_empty(shape, path.name)
        times = _Times(shape, _depth(stream.format), *(({}, ()) if guessed else _index(shown)))
        doubts, parts = told_gaps(path.name, [*times.numbers], container.format.name), damaged_parts(path)
        if hurt := {times.numbers[p.pts] for p in shown if p.pts in times.numbers and bisect_left(parts, p.end) % 2}:
            wrong = f"{path.name} is damaged: something in {which(hurt)} is not as it was written."
            doubts.append(f"{wrong} It is read as it is; what is found there, or soon after, may be wrong.")
        if announced > len(times):
            found = f"{path.name} is cut short: {len(times)} of {announced} frames are there, and these are read."
            doubts.append(f"{found} Copy or export it again to have them all.")
        return times, doubts


def _without_ragged_end(shown: list[_Packet], guessed: bool, size: int) -> list[_Packet]:
    """Take away, of a video cut short, the packet that was cut, and what is shown after frames that are lost."""
    if shown and shown[-1].end + _HEAD >= size:
        shown = shown[:-1]
    stamps = sorted(packet.pts for packet in shown if packet.pts is not None)
    if guessed or len(stamps) < len(shown):
        return shown[:-_REORDERED]
    tail = [stamps[place] for place in far_apart(stamps) if place >= len(stamps) - 1 - _REORDERED]
    last = (tail or stamps[-1:] or [0])[0]
    return [packet for packet in shown if packet.pts is not None and packet.pts <= last]


def _index(shown: list[_Packet]) -> tuple[dict[int, int], tuple[tuple[int, int], ...]]:
    stamps = sorted({packet.pts for packet in shown if packet.pts is not None})
    if len(stamps) < len(shown):
        return {}, ()
    numbers = {stamp: number for number, stamp in enumerate(stamps)}
    # Some containers seek by decoding time: it never lies behind the presentation time.
    keys = [(numbers[p.pts], p.pts if p.dts is None else p.dts) for p in shown if p.key and p.pts is not None]
    return numbers, tuple(sorted(keys))


def _open_video(path: Path) -> Any:
    import av

    container = av.open(str(path.resolve()))
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.codec_context.name == "mjpeg":
            stream.codec_context.options = {"err_detect": "explode"}  # else damage is not told
    return container


def _depth(pixels: av.VideoFormat | None) -> int:
    """Return the bits of a grey pixel made of these, 8 where there are fewer."""
    return max(8, *(component.bits for component in pixels.components)) if pixels else 8


def _luma(frame: av.VideoFrame) -> NDArray[Any]:
    depth = _depth(frame.format)
    if frame.format.has_palette:  # the direct way to grey is off by one
        frame = frame.reformat(format="rgb24")
    # Naming the same range on both sides keeps swscale from stretching it.
    return frame.to_ndarray(
        format="gray" if depth == 8 else f"gray{depth}le", src_color_range="JPEG", dst_color_range="JPEG"
    )
