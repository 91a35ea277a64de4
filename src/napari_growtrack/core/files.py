"""Results reach the disk whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "Free some room or choose another folder.",
    errno.EACCES: "Close it in other programs, or choose a folder you may write to.",
    errno.EPERM: "Close it in other programs, or choose a folder you may write to.",
    errno.EROFS: "Choose a folder you may write to.",
    errno.EISDIR: "Choose a file name, not a folder.",
}


def write_whole(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that a failure leaves whatever was there before.

    The bytes go to a sibling named ``<name>.partial``, which takes the place of
    `path` only once it is complete. Missing parent folders are created.

    Parameters
    ----------
    path
        The file to create or replace.
    write
        Called once with the file open for binary writing.

    Raises
    ------
    OutputError
        When the disk refuses; the sentence says why and what to do. What else
        `write` raises passes through, and no partial file stays behind.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new" / "note.txt"
    >>> write_whole(path, lambda file: file.write(b"done"))
    >>> path.read_text()
    'done'
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            write(file)
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(_sentence(path, error)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write bytes as a file, whole or not at all; see `write_whole`.

    Raises
    ------
    OutputError
        When the disk refuses.
    """
    write_whole(path, lambda file: file.write(content))


def _sentence(path: Path, error: OSError) -> str:
    remedy = _REMEDIES.get(error.errno or 0, "Check the path or choose another folder.")
    return f"Cannot write {path}: {error.strerror or error}. {remedy}"


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a place that cannot be written, before long work whose result would go there.

    Raises
    ------
    OutputError
        As `write_whole` would.
    """
    probe = Path(path).with_name(f"{Path(path).name}.probe")
    write_whole(probe, lambda file: file.write(b"growtrack"))
    probe.unlink(missing_ok=True)
    if Path(path).is_dir() and Path(path).suffix != ".geff":  # which is a folder, checked by those who write it
        raise OutputError(_sentence(Path(path), IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))))


def check_apart(*paths: str | os.PathLike[str] | None) -> None:
    """Refuse results that would replace what they are made of, or one another.

    Raises
    ------
    OutputError
        When two of the paths are the same file.
    """
    seen: set[Path] = set()
    for path in paths:
        if path is None:
            continue
        if (full := Path(path).resolve()) in seen:
            raise OutputError(f"{path} would be written over by another file of this run. Choose another name.")
        seen.add(full)


def write_or_rescue(path: str | os.PathLike[str], write: Callable[[Path], object]) -> None:
    """Write a result that took long to make; where its place refuses, into the temporary folder instead.

    Raises
    ------
    OutputError
        When its place refused; the sentence says where it lies instead, if it does.
    """
    path = Path(path)
    try:
        write(path)
    except OutputError as error:
        try:
            refuge = Path(tempfile.mkdtemp(prefix="growtrack-")) / path.name
            write(refuge)
        except OSError:
            raise error from None
        raise OutputError(f"{error} Your result is not lost: it was saved as {refuge}.") from error
