"""Results reach the disk whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError

_LONGEST = 160
"""Letters of a path that a sentence prints."""

_REMEDIES = {
    errno.ENOSPC: "Free some room or choose another folder.",
    errno.EACCES: "Close it in other programs, or choose a folder you may write to.",
    errno.EPERM: "Close it in other programs, or choose a folder you may write to.",
    errno.EROFS: "Choose a folder you may write to.",
    errno.EISDIR: "Choose a file name, not a folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file to write so that a failure leaves whatever was there before.

    The bytes go to a sibling that ends in ``.partial``, which takes the place of
    `path` only once it is complete. Missing parent folders are created.

    Parameters
    ----------
    path
        The file to create or replace.

    Yields
    ------
    file
        Open for binary writing.

    Raises
    ------
    OutputError
        When the disk refuses, or there is something that is no file, as a device;
        the sentence says why and what to do. What else is raised meanwhile passes through, and no partial file stays
        behind.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new" / "note.txt"
    >>> with whole(path) as file:
    ...     _ = file.write(b"done")
    >>> path.read_text()
    'done'
    """
    path = Path(path)
    _check_kind(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")  # two programs may write one name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Write a file by a function that is called once with it, whole or not at all; see `whole`.

    Raises
    ------
    OutputError
        When the disk refuses.
    """
    with whole(path) as file:
        write(file)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write bytes as a file, whole or not at all; see `write_whole`.

    Raises
    ------
    OutputError
        When the disk refuses.
    """
    write_whole(path, lambda file: file.write(content))


def refusal(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """Return what to tell of a disk that refuses: why, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "Check the path or choose another folder.")
    return OutputError(f"Cannot write {_short(path)}: {error.strerror or error}. {remedy}")


def _short(path: str | os.PathLike[str]) -> str:
    """Return a path as a sentence can hold it."""
    text = str(path)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


def _check_kind(path: Path) -> None:
    """Refuse what names no file, and what is there and is neither file nor folder."""
    if path.name in ("", "..") or "\0" in str(path):
        raise OutputError(f"Expected the name of a file to write, got {_short(path)!r}.")
    try:
        mode = path.stat().st_mode
    except OSError:  # not there, or nobody may look: writing tells
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OutputError(f"Cannot write {_short(path)}: it is a device or a pipe. Choose the name of a file.")


def check_writable(path: str | os.PathLike[str], what: str = "", endings: Sequence[str] = ()) -> None:
    """Refuse a place that cannot be written, before long work whose result would go there.

    Parameters
    ----------
    path
        The file that is to be created or replaced.
    what : str
        What it is to be, as ``"a table"``.
    endings : sequence of str
        How the name of such a file may end, so that none of another kind is replaced.

    Raises
    ------
    OutputError
        As `write_whole` would; and when the name is one of something else.
    """
    path = Path(path)
    _check_kind(path)
    if endings and path.suffix.lower() not in endings:
        raise OutputError(f"Cannot write {_short(path)}: the name of {what} ends in {_either(endings)}.")
    probe = path.with_name(f"{path.name}.probe")
    try:
        write_whole(probe, lambda file: file.write(b"growtrack"))
    except OutputError as error:
        if isinstance(error.__cause__, OSError):
            raise refusal(path, error.__cause__) from error
        raise
    probe.unlink(missing_ok=True)
    if path.is_dir() and path.suffix != ".geff":  # which is a folder, checked by those who write it
        raise refusal(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))


def _either(endings: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(endings[:-1]), endings[-1])))


def check_room(path: str | os.PathLike[str], size: int) -> None:
    """Refuse a file of so many bytes where its disk has not so much room.

    Raises
    ------
    OutputError
        With what it takes, and what there is.
    """
    folder = _resolved(path).parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # nobody tells: writing will
        return
    if size > free:
        raise OutputError(
            f"Cannot write {_short(path)}: it would take {_gibibytes(size)}, and {_gibibytes(free)} are free."
        )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"


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
        if (full := _resolved(path)) in seen:
            raise OutputError(f"{_short(path)} would be written over by another file of this run. Choose another name.")
        seen.add(full)


def _resolved(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, or letters that no name has
        raise OutputError(f"Expected the name of a file, got {_short(path)!r}.") from error


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
