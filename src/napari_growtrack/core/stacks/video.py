"""Films in video files, where any frame is found by its exact number."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from ..errors import StackError
from .stack import Stack, decoding, refuse_empty

if TYPE_CHECKING:
    import av

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")


class VideoStack(Stack):
    """Frames of a video by exact number, found by their presentation times.

    Colour is reduced to the luma plane with its values as stored: neither the
    limited range (16 to 235) is stretched nor the full one squeezed. Reading
    onwards continues decoding; any other frame is reached from the keyframe
    before it.
    """

    def __init__(self, path: Path) -> None:
        with decoding(path.name):
            self._times = _survey(path)
        super().__init__(path.name, self._times.shape, 2.0**self._times.depth - 1)
        self._path = path
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
            return _luma(frame)

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


def _survey(path: Path) -> _Times:
    """Read the packets of a video without decoding them."""
    with _open_video(path) as container:
        if not container.streams.video:
            raise StackError(f"{path.name} holds no pictures; expected a video. Choose another file.")
        stream = container.streams.video[0]
        packets = [
            _Packet(p.pts, p.dts, p.is_keyframe, bool(p.size) and not p.is_discard)
            for p in container.demux(stream)
            if p.size or p.pts is not None
        ]
        _refuse_cut_video(container, packets, path.name)
        shown = [packet for packet in packets if packet.shown]
        shape = (len(shown), stream.height, stream.width)
        refuse_empty(shape, path.name)
        # AVI stores no presentation times; where frames are reordered, the guessed ones are wrong.
        guessed = container.format.name == "avi" and stream.codec_context.has_b_frames
        return _Times(shape, _depth(stream.format), *(({}, ()) if guessed else _index(shown)))


def _index(shown: list[_Packet]) -> tuple[dict[int, int], tuple[tuple[int, int], ...]]:
    stamps = sorted({packet.pts for packet in shown if packet.pts is not None})
    if len(stamps) < len(shown):
        return {}, ()
    numbers = {stamp: number for number, stamp in enumerate(stamps)}
    # Some containers seek by decoding time: it never lies behind the presentation time.
    keys = [(numbers[p.pts], p.pts if p.dts is None else p.dts) for p in shown if p.key and p.pts is not None]
    return numbers, tuple(sorted(keys))


def _refuse_cut_video(container: Any, packets: list[_Packet], name: str) -> None:
    """Compare what a video announces, in frames or else in seconds, with what is there."""
    stream, found = container.streams.video[0], len(packets)
    announced = stream.frames
    if not announced and container.duration and len(container.streams) == 1 and found > 1:
        stamps = [packet.pts for packet in packets if packet.pts is not None] or [0]
        step = (max(stamps) - min(stamps)) / (found - 1) * float(stream.time_base)
        missing = (container.duration / 1e6 - max(stamps) * float(stream.time_base)) / step - 1 if step else 0
        announced = found + round(missing) if missing > 1.5 else 0
    if found < announced:
        raise StackError(f"{name} is cut short: {found} of {announced} frames are there. Copy or export it again.")


def _open_video(path: Path) -> Any:
    import av

    return av.open(str(path.resolve()))


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
