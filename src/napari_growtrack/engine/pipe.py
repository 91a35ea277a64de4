"""Send Python values through a pipe; large arrays travel beside the pickle, uncopied."""

from __future__ import annotations

import pickle
import struct
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_COUNT = struct.Struct("<I")
_SIZE = struct.Struct("<Q")


class Begin(NamedTuple):
    """To the engine: run this job; frames carry its serial number, so that none of an earlier film is taken for its."""

    serial: int
    job: Any


class Stop(NamedTuple):
    """To the engine: leave the job."""


class Frame(NamedTuple):
    """To the engine: a frame it asked for, or why it cannot be had."""

    serial: int
    number: int
    pixels: np.ndarray | Exception


class Wanted(NamedTuple):
    """From the engine: send this frame."""

    number: int


class Told(NamedTuple):
    """From the engine: what the job yielded."""

    value: Any


class Warned(NamedTuple):
    """From the engine: what a person should know."""

    sentence: str


class Ended(NamedTuple):
    """From the engine: the job is over; what it returned, or the error that ended it."""

    result: Any = None
    error: Exception | None = None


class Sender:
    """Writes values to a pipe, from any thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._lock = file, Lock()

    def __call__(self, value: Any) -> None:
        """Send a value.

        Raises
        ------
        OSError
            When nobody reads any more.
        """
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
        head = _COUNT.pack(len(parts)) + b"".join(_SIZE.pack(part.nbytes) for part in parts)
        with self._lock:
            self._file.write(head)
            for part in parts:
                self._file.write(part)
            self._file.flush()


def receive(file: BinaryIO) -> Any:
    """Read the next value.

    Raises
    ------
    EOFError
        When the other end is closed.
    """
    (number,) = _COUNT.unpack(_read(file, _COUNT.size))
    sizes = [_SIZE.unpack(_read(file, _SIZE.size))[0] for _ in range(number)]
    body, *buffers = [_read(file, size) for size in sizes]
    return pickle.loads(body, buffers=buffers)


def _read(file: BinaryIO, size: int) -> bytearray:
    """Read exactly so many bytes; arrays made of them can be written to."""
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        count = file.readinto(view[done:])  # type: ignore[attr-defined]  # both ends are buffered readers
        if not count:
            raise EOFError("the other end is closed")
        done += count
    return data
