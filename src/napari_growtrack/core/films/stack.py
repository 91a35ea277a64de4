"""A film is a stack of grey frames: what all of them share, and what none of them may be."""

from __future__ import annotations

import operator
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import GrowtrackWarning, StackError
from ..packages import command
from .pixels import as_float32, grey_of, values_of
from .refusals import refuse_empty, refuse_kind, refuse_large, refuse_shape, shortened

_TOLD = 5
"""Groups of frames that a sentence names."""

_LONGEST_REASON = 200


class Stack(ABC):
    """A film of grey frames; ``stack[i]`` reads frame `i` as (Y, X) float32.

    Reading is safe from several threads. Use it in a ``with`` statement, or
    `close` it, to let go of its file.

    Attributes
    ----------
    name : str
    shape : (int, int, int)
        Frames, height and width.
    full_scale : float
        The largest value that pixels of this type can have: 255 for 8 bits,
        65535 for 16, 1 for floats.
    pixel_size, frame_time, exposure_time : float or None
        Side of a pixel in micrometres, seconds from frame to frame, and seconds that the
        shutter was open for a frame, where the file tells them.
    time_axis : str or None
        ``z`` where the file's slices are taken as time.
    """

    pixel_size: float | None = None
    frame_time: float | None = None
    exposure_time: float | None = None
    time_axis: Literal["z"] | None = None

    def __init__(self, name: str, shape: tuple[int, int, int], full_scale: float) -> None:
        refuse_large(shape, name)
        self.name = name
        self.shape = shape
        self.full_scale = full_scale
        self._closed = False
        self._lock = Lock()
        self._doubtful: set[int] = set()

    @property
    def told(self) -> dict[str, Any]:
        """What the film tells of its scale and time, as recipes keep it; without what is not known."""
        names = ("pixel_size", "frame_time", "exposure_time", "time_axis")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Read one frame.

        Raises
        ------
        IndexError
            When there is no such frame.
        StackError
            When the frame cannot be decoded, is not of the film's shape, has colours, or
            holds NaN, infinite or masked pixels, or values that do not fit float32.
        """
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"Frame {number} is outside {self.name}, which holds {len(self)} frames.")
        number %= len(self)
        with self._lock:
            if self._closed:
                raise StackError(f"{self.name} is closed. Open it again with open_stack.")
            raw = values_of(self._read(number), self._called(number))
        return self._grey(raw, number)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[number] for number in range(len(self)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, and say which frames that were read are damaged; closing twice does no harm."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._release()
        if (number := len(self._doubtful)) > 1:
            which = in_short(self._doubtful)
            wrong = "What is found in them may be wrong."
            warn(f"{number} frames of {self.name} that were read are damaged: {which}. {wrong}")

    @abstractmethod
    def _read(self, number: int) -> Any: ...

    @abstractmethod
    def _release(self) -> None: ...

    def _called(self, number: int) -> str:
        return f"Frame {number} of {self.name}"

    def _doubt(self, number: int, why: str) -> None:
        """Remember a damaged frame; say so of the first one, and of all when the film is closed."""
        if not self._doubtful:
            warn(f"{self._called(number)} is damaged: {why}. It is read as it is; what is found in it may be wrong.")
        self._doubtful.add(number)

    def _grey(self, raw: NDArray[Any], number: int) -> NDArray[np.float32]:
        refuse_kind(raw.dtype, self.name)
        what = self._called(number)
        grey = grey_of(raw, what)
        if grey.shape != self.shape[1:]:
            raise StackError(
                f"{what} has shape {grey.shape}; the film was said to be {self.shape[1]} x {self.shape[2]} px. "
                "Make all its frames of one size."
            )
        return as_float32(grey, what)


class ArrayStack(Stack):
    """Frames of a numpy, dask or zarr array, fetched one by one.

    With ``colours`` its last axis is red, green, blue and perhaps alpha; frames must be grey all the same.
    """

    def __init__(self, array: Any, name: str = "array", colours: bool = False) -> None:
        shape = tuple(array.shape[:-1] if colours else array.shape)
        refuse_shape(shape, name)
        dtype = getattr(array, "dtype", None)
        refuse_kind(dtype, name)
        self._array = array
        self._single = len(shape) == 2
        super().__init__(name, film_shape(shape), full_scale(dtype))

    def _read(self, number: int) -> Any:
        return self._array[...] if self._single else self._array[number]

    def _release(self) -> None:
        self._array = None


class CroppedStack(Stack):
    """A part of every frame of another film.

    Parameters
    ----------
    stack : Stack
    rows, columns : slice
        With whole starts and stops from 0, inside the frames.
    """

    def __init__(self, stack: Stack, rows: slice, columns: slice) -> None:
        shape = (len(stack), rows.stop - rows.start, columns.stop - columns.start)
        refuse_empty(shape, f"That part of {stack.name}")
        super().__init__(stack.name, shape, stack.full_scale)
        for name, value in stack.told.items():
            setattr(self, name, value)
        self._stack, self._part = stack, (rows, columns)

    def _read(self, number: int) -> Any:
        return self._stack[number][self._part]

    def _release(self) -> None:
        self._stack.close()


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Put whatever a decoder raises into one sentence."""
    try:
        yield
    except StackError:
        raise
    except MemoryError as error:
        raise StackError(f"Cannot read {what}: it asks for more memory than there is. {_remedy('')}") from error
    except Exception as error:  # each codec has its own kinds
        reason = shortened(_reason(error), _LONGEST_REASON)
        raise StackError(f"Cannot read {what}: {_plain(reason)}. {_remedy(reason)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, ZeroDivisionError):
        return "a length in it is 0"
    reason = str(getattr(error, "strerror", None) or error).rstrip(".")
    # Without imagecodecs tifffile looks for a module of Python 3.14 to unpack ZSTD with.
    lacks_zstd = isinstance(error, ImportError) and "compression" in reason
    return "ZSTD requires the 'imagecodecs' package" if lacks_zstd else reason


def _plain(reason: str) -> str:
    """Turn tifffile's ``<COMPRESSION.LZW: 5>`` into ``LZW``: a rich-text label takes it for a tag and shows nothing."""
    return re.sub(r"<\w+\.(\w+): \d+>", r"\1", reason)


def _remedy(reason: str) -> str:
    if "imagecodecs" in reason:
        return f"Install it ({command('imagecodecs')}), or save the film again without compression."
    return "It may be damaged or cut short; copy or export it again."


def film_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """Return (T, Y, X) for a film, and for a single picture, which is a film of one frame."""
    frames, height, width = shape if len(shape) == 3 else (1, *shape)
    return int(frames), int(height), int(width)


def full_scale(dtype: Any) -> float:
    """Return the largest value of a type of whole numbers, and 1 for booleans and floats."""
    return float(np.iinfo(dtype).max) if getattr(dtype, "kind", "f") in "iu" else 1.0


def warn(sentence: str) -> None:
    """Say something about a film that is read all the same."""
    warnings.warn(GrowtrackWarning(sentence), stacklevel=3)


def in_short(numbers: Iterable[int]) -> str:
    """Return whole numbers in few words: ``2, 5 to 9, 12``."""
    groups: list[list[int]] = []
    for number in sorted(numbers):
        if groups and number == groups[-1][-1] + 1:
            groups[-1][1:] = [number]
        else:
            groups.append([number])
    told = [" to ".join(map(str, group)) for group in groups[:_TOLD]]
    more = len(groups) - len(told)
    return f"{', '.join(told)} and {more} more places" if more else ", ".join(told)
