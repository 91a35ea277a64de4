"""A film is a stack of grey frames: what all of them share, and what none of them may be."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import StackError
from ..optional import command

PICK_COLOUR = "Convert it to grey or pick one channel, for example stack[..., 0]."


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
    pixel_size, frame_time : float or None
        Side of a pixel in micrometres, and seconds from frame to frame, where the
        file tells them.
    """

    pixel_size: float | None = None
    frame_time: float | None = None

    def __init__(self, name: str, shape: tuple[int, int, int], full_scale: float) -> None:
        self.name = name
        self.shape = shape
        self.full_scale = full_scale
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
        refuse_kind(raw.dtype, self.name)
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
        dtype = getattr(array, "dtype", None)
        refuse_kind(dtype, name)
        self._array = array
        self._single = len(array.shape) == 2
        super().__init__(name, film_shape(array.shape), full_scale(dtype))

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
        self.pixel_size, self.frame_time = stack.pixel_size, stack.frame_time
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
    except (StackError, MemoryError):
        raise
    except Exception as error:  # each codec has its own kinds
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise StackError(f"Cannot read {what}: {_plain(reason)}. {_remedy(reason)}") from error


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


def _refuse_shape(shape: tuple[int, ...], name: str) -> None:
    got = f"{name} has shape {shape}; expected (T, Y, X) or (Y, X)"
    if any(length != length for length in shape):
        raise StackError(f"{got}. Ask dask for the lengths first, with compute_chunk_sizes().")
    if len(shape) >= 3 and shape[-1] in (3, 4):
        raise StackError(f"{got} and this looks like colour. {PICK_COLOUR}")
    if len(shape) > 3:
        first = ", ".join("0" * (len(shape) - 3))
        raise StackError(f"{got}. Choose one channel and one z plane, for example stack[:, {first}].")
    if len(shape) < 2:
        raise StackError(f"{got}. Pass grey frames, one after the other.")
    refuse_empty(shape, name)


def refuse_empty(shape: tuple[int, ...], name: str) -> None:
    """Refuse a film without frames or without pixels."""
    if len(shape) == 3 and shape[0] == 0:
        raise StackError(f"{name} is a film without frames: got shape {shape}. Choose another film.")
    if 0 in shape:
        raise StackError(f"{name} has frames without pixels: got shape {shape}. Choose another film.")


def refuse_kind(dtype: Any, name: str) -> None:
    """Refuse values that are not real numbers; booleans count as 0 and 1."""
    if getattr(dtype, "kind", "f") not in "biuf":
        raise StackError(f"{name} holds {dtype} values; expected real numbers. Convert them first.")
