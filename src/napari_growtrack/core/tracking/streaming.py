"""Track a film into a table on the disk, chunk by chunk: long films take little memory, and go on after a kill."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pandas as pd

from ..detection import FrameDetections, collect
from ..detection.detect import at_once
from ..errors import OutputError
from ..files import check_writable, write_bytes, write_whole
from ..files.holding import Hold
from ..tables import DETECTION_COLUMNS, SUFFIXES, as_csv, check_table_path, empty, write_table

CHUNK = 64
"""Frames, about, that are written at a time; the most that a kill loses."""

SUFFIX = ".unfinished"
_GONE = ".gone"
"""Ends the name of what is being removed, so that what a kill leaves of it is never taken for a run."""

_OTHERS = tuple(suffix for suffix in SUFFIXES if suffix != ".csv")


class _Written(NamedTuple):
    """How far a table is written, as each line of the journal tells."""

    frames: int
    rows: int
    bytes: int

    @classmethod
    def read(cls, line: str) -> _Written:
        """Read a line.

        Raises
        ------
        ValueError
            When it tells no such thing.
        """
        told = json.loads(line)
        numbers: list[Any] = [told.get(name) for name in cls._fields] if isinstance(told, dict) else []
        if not numbers or any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError(f"expected three numbers, got {line[:100]!r}")
        return cls(*numbers)


class TableStream:
    """A table of detections that grows on the disk, beside where it will lie, until it is whole.

    While there is one, no other process can write the same table; `close` lets it, and so does leaving a ``with``.

    Parameters
    ----------
    path : path
        Where the table will lie.
    story : dict
        What it is a table of: plain values that a run which goes on has to have, too; its ``frames`` are the first
        and the one after the last.
    chunk : int
        Frames to write at a time.
    resume : bool
        Whether to go on from what an earlier run left.
    anew : bool
        Whether to throw that away.

    Attributes
    ----------
    frames : int
        Frames that are there for good.
    seen : int
        Frames that were put in, also those of a chunk that is not full yet.
    rows : int
        Detections in all of them.

    Raises
    ------
    OutputError
        When another process writes the table, when an earlier run left something
        and neither is asked for, when what it left is another story, when there
        is nothing to go on with, or when the disk refuses.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        story: dict[str, Any],
        chunk: int = CHUNK,
        resume: bool = False,
        anew: bool = False,
    ) -> None:
        check_writable(path)
        self.path = Path(path)
        self.folder = self.path.with_name(f"{self.path.name}{SUFFIX}")
        self.frames = self.rows = 0
        self._bytes, self._chunk = 0, chunk
        self._waiting: list[pd.DataFrame] = []
        self._story: dict[str, Any] = json.loads(json.dumps(story))
        self._hold = Hold(self.path)
        try:
            self._begin(resume, anew)
        except BaseException:
            self.close()
            raise

    def _begin(self, resume: bool, anew: bool) -> None:
        if anew:
            self.remove()
        if self.folder.exists():
            self._take_up(resume)
        elif resume:
            self._refuse_nothing()
        else:
            header = as_csv(empty(DETECTION_COLUMNS))
            write_bytes(self._rows, header)
            write_bytes(self._told, json.dumps(self._story).encode())
            self._bytes = len(header)
        self._sweep()

    def close(self) -> None:
        """Let other processes write the table; what is there stays."""
        self._hold.release()

    def __enter__(self) -> TableStream:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None and not self.seen:  # nothing that anybody could go on with
            self.remove()
        self.close()

    @property
    def _rows(self) -> Path:
        return self.folder / "rows.csv"

    @property
    def _chunks(self) -> Path:
        return self.folder / "chunks.jsonl"

    @property
    def _told(self) -> Path:
        return self.folder / "story.json"

    @property
    def _going(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}{_GONE}")

    def _take_up(self, resume: bool) -> None:
        """Read what an earlier run left."""
        try:
            told, lines = json.loads(self._told.read_bytes()), self._journal()
            last = _Written.read(lines[-1]) if lines else _Written(0, 0, len(as_csv(empty(DETECTION_COLUMNS))))
            there = self._rows.stat().st_size if self._rows.exists() else None
            if not isinstance(told, dict):
                raise ValueError("expected a story")
        except (OSError, ValueError, RecursionError) as error:
            raise OutputError(f"What is left in {self.folder} cannot be read. Begin with anew=True.") from error
        if there is None:
            self._refuse_finished(last)
        if not resume:
            raise OutputError(
                f"An earlier run left {last.frames} frames in {self.folder}. "
                "Go on with resume=True, or begin with anew=True."
            )
        other = [name for name, value in self._story.items() if told.get(name) != value]
        if other or there is None or there < last.bytes or last.frames > self._wanted:
            what = f"is of another {' and '.join(other)}" if other else "is torn"
            raise OutputError(f"What an earlier run left in {self.folder} {what}. Run it as before, or with anew=True.")
        with self._rows.open("rb") as rows:
            if rows.readline() != as_csv(empty(DETECTION_COLUMNS)):
                raise OutputError(
                    f"What an earlier run left in {self.folder} has other columns: another version wrote it. "
                    "Finish it with that, or begin with anew=True."
                )
        self.frames, self.rows, self._bytes = last
        _cut(self._rows, self._bytes)
        _cut(self._chunks, sum(len(line.encode()) for line in lines))

    def _journal(self) -> list[str]:
        """Return the lines of the journal, but one that a kill cut off."""
        text = self._chunks.read_bytes().decode() if self._chunks.exists() else ""
        return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]

    @property
    def _wanted(self) -> float:
        """Frames that the whole table is of."""
        first, last = self._story.get("frames", (0, math.inf))
        return last - first

    def _refuse_finished(self, last: _Written) -> None:
        """Tell of a run that was killed when all was done but to tidy up."""
        if self.path.exists() and self.path.stat().st_size == last.bytes:
            self.remove()
            self._refuse_whole()

    def _refuse_nothing(self) -> None:
        """Tell that there is nothing to go on with, and why."""
        if self._going.exists() and self.path.exists():
            self._sweep()
            self._refuse_whole()
        raise OutputError(f"There is no {self.folder.name} to go on with. Leave resume=True out to begin.")

    def _refuse_whole(self) -> None:
        raise OutputError(f"{self.path} is whole: an earlier run finished it. What it kept beside it is removed now.")

    @property
    def seen(self) -> int:
        """Frames that were put in."""
        return self.frames + len(self._waiting)

    def put(self, table: pd.DataFrame) -> None:
        """Put in the detections of one more frame; they are written when a chunk is full.

        Raises
        ------
        OutputError
            When the disk refuses; what was written before stays.
        """
        self._waiting.append(table)
        self.rows += len(table)
        if len(self._waiting) == self._chunk:
            self._write_waiting()

    def _write_waiting(self) -> None:
        text = as_csv(collect(self._waiting), header=False)
        told = {"frames": self.seen, "rows": self.rows, "bytes": self._bytes + len(text)}
        try:
            _append(self._rows, text)
            _append(self._chunks, f"{json.dumps(told)}\n".encode())
        except OSError as error:
            with suppress(OSError):
                _cut(self._rows, self._bytes)  # what of the chunk did reach the disk
            raise OutputError(
                f"Cannot write {self._rows}: {error.strerror or error}. {self.frames} frames are kept; make room, and "
                "go on with resume=True."
            ) from error
        self.frames, self._bytes = self.seen, told["bytes"]
        self._waiting = []

    def finish(self, recipe: dict[str, Any]) -> None:
        """Put the whole table, and how it was made, in place.

        Raises
        ------
        OutputError
            When the disk refuses; what was written stays.
        """
        if self._waiting:
            self._write_waiting()
        if self.path.suffix.lower() in _OTHERS:
            write_table(pd.read_csv(self._rows), self.path, recipe)
            self.remove()
            return
        write_bytes(check_table_path(self.path), _story(recipe))
        try:
            os.replace(self._rows, self.path)
        except OSError as error:
            raise OutputError(
                f"Cannot write {self.path}: {error.strerror or error}. The table is whole, in {self._rows}."
            ) from error
        self.remove()

    def leave(self, recipe: dict[str, Any]) -> None:
        """Put a copy of what there is in place, and stay ready to go on.

        Raises
        ------
        OutputError
            When the disk refuses; what was written stays.
        """
        _cut(self._rows, self._bytes)  # a chunk that was being written is still among those that wait
        if self.path.suffix.lower() in _OTHERS:
            write_table(collect([pd.read_csv(self._rows), *self._waiting]), self.path, recipe)
            return

        def copy(file: BinaryIO) -> None:
            with self._rows.open("rb") as rows:
                shutil.copyfileobj(rows, file)
            file.write(as_csv(collect(self._waiting), header=False))

        write_whole(self.path, copy)
        write_bytes(check_table_path(self.path), _story(recipe))

    def remove(self) -> None:
        """Remove what is kept beside the table: all of it, or, to whoever is killed here, nothing."""
        self._sweep()
        try:
            os.replace(self.folder, self._going)
        except OSError:  # not there, or, on Windows, a file of it is open somewhere
            shutil.rmtree(self.folder, ignore_errors=True)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what a kill left of an earlier run: while the table is held, nobody else writes it or its recipe."""
        shutil.rmtree(self._going, ignore_errors=True)
        for name in (self.path.name, self.path.with_suffix(".json").name):
            for stray in self.path.parent.glob(f"{escape(name)}.[0-9]*.partial"):
                with suppress(OSError):
                    stray.unlink()


def _story(recipe: dict[str, Any]) -> bytes:
    return json.dumps(recipe, indent=2, ensure_ascii=False).encode()


def _append(path: Path, content: bytes) -> None:
    """Append to a file so that it outlives a power cut."""
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _cut(path: Path, size: int) -> None:
    """Cut off what follows so many bytes: of a chunk or line that a kill left torn."""
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(size)


def chunk_of(shape: tuple[int, int]) -> int:
    """Return how many frames (Y, X) are written at a time: as many as are tracked together, or a multiple.

    So a run that goes on tracks the same frames together, and finds the same to the last bit.
    """
    together = at_once(shape)
    return together * max(1, round(CHUNK / together))


def iter_into(stream: TableStream, found: Iterator[FrameDetections]) -> Iterator[FrameDetections]:
    """Put the detections of frames into a stream, and pass them on.

    Whoever stops it, with Ctrl-C or by closing it, finds all finished chunks
    in the stream.

    Parameters
    ----------
    stream : TableStream
        With chunks of `chunk_of` frames, so that one that goes on finds the same to the last bit.
    found : iterator of FrameDetections
        Of the frames that are not in the stream yet.

    Raises
    ------
    StackError
        When a frame cannot be read.
    OutputError
        When the disk refuses.
    """
    for one in found:
        stream.put(one.table)
        yield one
