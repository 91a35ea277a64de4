"""Any film, be it array, TIFF or video, read one grey frame at a time."""

from __future__ import annotations

import operator
import os
import struct
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .errors import StackError

if TYPE_CHECKING:
    import av
    import tifffile

TIFF_SUFFIXES = (".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")
_PICK_COLOUR = "Convert it to grey or pick one channel, for example stack[..., 0]."


def open_stack(source: Any) -> Stack:
    """Open a film as a lazy stack of grey frames.

    Parameters
    ----------
    source
        A numpy, dask or zarr array (or anything with ``shape`` and indexing) of
        shape (T, Y, X) or (Y, X); the path of a TIFF or video; or a `Stack`,
        returned as it is.

    Returns
    -------
    Stack
        One frame in memory at a time, intensities as stored. Videos give their
        luma plane (0 to 255 for 8 bits), without any stretching of its range.

    Raises
    ------
    StackError
        When `source` is not a film of grey frames, or not a readable file.

    Examples
    --------
    >>> stack = open_stack(np.zeros((10, 32, 48), np.uint8))
    >>> stack.shape, stack[-1].dtype
    ((10, 32, 48), dtype('float32'))
    """
    if isinstance(source, Stack):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _open_file(Path(source).expanduser())
    if hasattr(source, "shape") and hasattr(source, "__getitem__"):
        return ArrayStack(source)
    raise StackError(
        f"Expected an array or the path of a TIFF or video, got {type(source).__name__}. "
        "Turn a list of frames into an array with numpy.stack."
    )


class Stack(ABC):
    """A film of grey frames; ``stack[i]`` reads frame `i` as (Y, X) float32.

    Reading is safe from several threads. Use it in a ``with`` statement, or
    `close` it, to let go of its file.
    """

    def __init__(self, name: str, shape: tuple[int, int, int]) -> None:
        self.name = name
        self.shape = shape
        self._closed = False
        self._lock = Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Read one frame.

        Raises
        ------
        IndexError
            When there is no such frame.
        StackError
            When the frame cannot be decoded, or holds NaN or infinite pixels.
        """
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"Frame {number} is outside {self.name}, which holds {len(self)} frames.")
        number %= len(self)
        with self._lock:
            if self._closed:
                raise StackError(f"{self.name} is closed. Open it again with open_stack.")
            raw = np.asarray(self._read(number))
        return self._grey(raw, number)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[number] for number in range(len(self)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; closing twice does no harm."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._release()

    @abstractmethod
    def _read(self, number: int) -> Any: ...

    @abstractmethod
    def _release(self) -> None: ...

    def _grey(self, raw: NDArray[Any], number: int) -> NDArray[np.float32]:
        _refuse_kind(raw.dtype, self.name)
        with np.errstate(over="ignore"):
            frame = raw.astype(np.float32)
        if bad := frame.size - np.count_nonzero(np.isfinite(frame)):
            raise StackError(
                f"Frame {number} of {self.name} holds {bad} NaN or infinite pixel{'s' if bad > 1 else ''}; "
                "replace them (for example numpy.nan_to_num) and try again."
            )
        return frame


class ArrayStack(Stack):
    """Frames of a numpy, dask or zarr array, fetched one by one."""

    def __init__(self, array: Any, name: str = "array") -> None:
        _refuse_shape(tuple(array.shape), name)
        _refuse_kind(getattr(array, "dtype", None), name)
        self._array = array
        self._single = len(array.shape) == 2
        super().__init__(name, _film_shape(array.shape))

    def _read(self, number: int) -> Any:
        return self._array[...] if self._single else self._array[number]

    def _release(self) -> None:
        self._array = None


class TiffStack(Stack):
    """Frames of a TIFF: memory-mapped where stored in one piece, else page by page."""

    def __init__(self, path: Path) -> None:
        import tifffile

        with _decoding(path.name):
            self._file = tifffile.TiffFile(path)
        try:
            with _decoding(path.name):
                series = _only_film(self._file, path.name)
                super().__init__(path.name, _film_shape(series.shape))
                self._pages: Any = series.pages
                self._film: Any = None
                if series.dataoffset is not None:
                    self._film = tifffile.memmap(path, mode="r").reshape(self.shape)
        except StackError:
            self._file.close()
            raise

    def _read(self, number: int) -> Any:
        if self._film is not None:
            return self._film[number]
        with _decoding(f"frame {number} of {self.name}"):
            return self._pages[number].asarray()

    def _release(self) -> None:
        self._film = None
        self._file.close()


class VideoStack(Stack):
    """Frames of a video by exact number, found by their presentation times.

    Colour is reduced to the luma plane with its values as stored: neither the
    limited range (16 to 235) is stretched nor the full one squeezed. Reading
    onwards continues decoding; any other frame is reached from the keyframe
    before it.
    """

    def __init__(self, path: Path) -> None:
        with _decoding(path.name):
            self._times = _survey(path)
        super().__init__(path.name, self._times.shape)
        self._path = path
        self._container: Any = None
        self._at = len(self)

    def _read(self, number: int) -> NDArray[Any]:
        with _decoding(f"frame {number} of {self.name}"):
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
    """

    shape: tuple[int, int, int]
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
        _refuse_empty(shape, path.name)
        # AVI stores no presentation times; where frames are reordered, the guessed ones are wrong.
        guessed = container.format.name == "avi" and stream.codec_context.has_b_frames
        return _Times(shape, *(({}, ()) if guessed else _index(shown)))


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
        raise StackError(
            f"{name} is cut short: {found} of {announced} frames are there. Copy or export it again."
        )


def _open_video(path: Path) -> Any:
    import av

    return av.open(str(path.resolve()))


def _luma(frame: av.VideoFrame) -> NDArray[Any]:
    depth = max(component.bits for component in frame.format.components)
    if frame.format.has_palette:  # the direct way to grey is off by one
        frame = frame.reformat(format="rgb24")
    # Naming the same range on both sides keeps swscale from stretching it.
    return frame.to_ndarray(
        format="gray" if depth <= 8 else f"gray{depth}le", src_color_range="JPEG", dst_color_range="JPEG"
    )


def _open_file(path: Path) -> Stack:
    if not path.exists():
        raise StackError(f"Cannot find {path}. Check the path.")
    if path.is_dir():
        raise StackError(f"{path} is a folder; expected one TIFF or video. Choose a file inside it.")
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        return TiffStack(path)
    if suffix in VIDEO_SUFFIXES:
        return VideoStack(path)
    known = ", ".join(TIFF_SUFFIXES + VIDEO_SUFFIXES)
    raise StackError(f"Cannot open {path.name}: expected {known}, got {suffix!r}. Save the film as TIFF.")


def _only_film(file: tifffile.TiffFile, name: str) -> tifffile.TiffPageSeries:
    """Return the one series of a whole TIFF whose axes are (T, Y, X) or (Y, X)."""
    _refuse_cut_tiff(file, name)
    if len(file.series) != 1:
        raise StackError(
            f"{name} holds {len(file.series)} images of different kinds; expected one film. "
            "Save the film on its own."
        )
    (series,) = file.series
    _refuse_axes(series.axes, series.shape, name)
    _refuse_kind(series.dtype, name)
    if series.dataoffset is None and len(series.pages) != _film_shape(series.shape)[0]:
        raise StackError(f"{name} does not hold one page per frame. Save it again as a multi-page TIFF.")
    return series


def _refuse_cut_tiff(file: tifffile.TiffFile, name: str) -> None:
    """Follow the chain of pages to its end; tifffile only logs when it breaks off."""
    last, tiff, handle = file.pages[-1], file.tiff, file.filehandle
    handle.seek(last.offset)
    (tags,) = struct.unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
    handle.seek(last.offset + tiff.tagnosize + tags * tiff.tagsize)
    (following,) = struct.unpack(tiff.offsetformat, handle.read(tiff.offsetsize))
    ends = [start + size for start, size in zip(last.dataoffsets, last.databytecounts, strict=False)]
    if following or max(ends, default=0) > handle.size:
        raise StackError(f"{name} is cut short after page {len(file.pages)}. Copy or export it again.")


@contextmanager
def _decoding(what: str) -> Iterator[None]:
    """Put whatever a decoder raises into one sentence."""
    try:
        yield
    except (StackError, MemoryError):
        raise
    except Exception as error:  # each codec has its own kinds
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise StackError(
            f"Cannot read {what}: {reason}. It may be damaged or cut short; copy or export it again."
        ) from error


def _film_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    frames, height, width = shape if len(shape) == 3 else (1, *shape)
    return int(frames), int(height), int(width)


def _refuse_shape(shape: tuple[int, ...], name: str) -> None:
    got = f"{name} has shape {shape}; expected (T, Y, X) or (Y, X)"
    if any(length != length for length in shape):
        raise StackError(f"{got}. Ask dask for the lengths first, with compute_chunk_sizes().")
    if len(shape) >= 3 and shape[-1] in (3, 4):
        raise StackError(f"{got} and this looks like colour. {_PICK_COLOUR}")
    if len(shape) > 3:
        first = ", ".join("0" * (len(shape) - 3))
        raise StackError(f"{got}. Choose one channel and one z plane, for example stack[:, {first}].")
    if len(shape) < 2:
        raise StackError(f"{got}. Pass grey frames, one after the other.")
    _refuse_empty(shape, name)


def _refuse_axes(axes: str, shape: tuple[int, ...], name: str) -> None:
    got = f"{name} has axes {axes} of lengths {shape}; expected TYX or YX"
    if "S" in axes:
        raise StackError(f"{got} and this looks like colour. {_PICK_COLOUR}")
    if axes not in ("YX", "TYX", "IYX", "QYX"):  # tifffile's I and Q: pages without a meaning
        raise StackError(
            f"{got}. Choose one channel and one z plane, or save the film again with that axis as time."
        )
    _refuse_empty(shape, name)


def _refuse_empty(shape: tuple[int, ...], name: str) -> None:
    if len(shape) == 3 and shape[0] == 0:
        raise StackError(f"{name} is a film without frames: got shape {shape}. Choose another film.")
    if 0 in shape:
        raise StackError(f"{name} has frames without pixels: got shape {shape}. Choose another film.")


def _refuse_kind(dtype: Any, name: str) -> None:
    if getattr(dtype, "kind", "f") not in "biuf":
        raise StackError(f"{name} holds {dtype} values; expected real numbers. Convert them first.")
