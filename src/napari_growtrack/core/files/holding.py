"""One process at a time writes a file: a lock beside it that ends with its process, and says whose it is."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import warnings
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import GrowtrackWarning, OutputError
from . import refusal

SUFFIX = ".lock"
_BEYOND = 1 << 20
"""The byte that is locked, beyond what is written: on Windows nobody can read one that is."""

_UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class Hold:
    """A file that this process writes, and no other one meanwhile.

    The operating system keeps the lock and drops it when the process ends,
    however that happens, so one that was killed is in nobody's way. On network
    drives this holds between machines where the drive keeps locks between them,
    as NFS 4 and SMB do; where it knows no locks at all, a warning says so.

    Parameters
    ----------
    path : path
        The file; the lock is ``<name>.lock`` beside it, and goes with the hold.

    Raises
    ------
    OutputError
        When another one holds it; the sentence tells which. Or when the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> with Hold(Path(tempfile.mkdtemp()) / "found.csv"):
    ...     pass
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._place = self.path.with_name(f"{self.path.name}{SUFFIX}")
        self._file: BinaryIO | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while self._file is None:
                self._file = self._taken()
            self._sign(self._file)
        except OutputError:  # what is there is another's
            if self._file is not None:
                self._file.close()
            raise
        except OSError as error:
            self.release()
            raise refusal(self._place, error) from error

    def _taken(self) -> BinaryIO | None:
        """Return the lock's file, locked; None where it was removed meanwhile."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(self._place, flags, 0o666), "r+b")
        try:
            _lock(file, self._place)
            if self._place.exists() and os.path.samestat(os.fstat(file.fileno()), self._place.stat()):
                return file
        except BlockingIOError as error:
            whose = _whose(_read(file))
            file.close()
            raise OutputError(
                f"{self.path} is being written by {whose}. Wait until it has ended, stop it, or choose another name."
            ) from error
        except BaseException:
            file.close()
            raise
        file.close()
        return None

    def _sign(self, file: BinaryIO) -> None:
        """Write down who holds it; where the one before did not say goodbye and may live elsewhere, tell."""
        before = _read(file)
        if before is None:
            raise OutputError(f"{self._place} is no lock of this program. Remove it, or choose another name.")
        host = socket.gethostname()
        if before and before.get("host") != host:
            warnings.warn(
                f"{self.path} was left by {_whose(before)}, which has not said that it ended. "
                "Should it still run, stop one of the two.",
                GrowtrackWarning,
                stacklevel=3,
            )
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "host": host, "since": since}).encode())
        file.flush()

    def release(self) -> None:
        """Let others write it; doing so twice is no harm."""
        file, self._file = self._file, None
        if file is None:
            return
        with suppress(OSError):  # while it is still held, so that nobody takes a lock that goes
            self._place.unlink()
        with suppress(OSError):
            file.close()
        if sys.platform == "win32":
            with suppress(OSError):
                self._place.unlink()

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def check_free(path: str | os.PathLike[str]) -> None:
    """Refuse a file that another process writes, before anything is asked of it.

    Raises
    ------
    OutputError
        As `Hold` does.
    """
    Hold(path).release()


def _lock(file: BinaryIO, place: Path) -> None:
    """Lock an open file.

    Raises
    ------
    BlockingIOError
        When another one has.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_BEYOND)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _UNKNOWN:
            warnings.warn(
                f"The drive of {place} knows no locks: see to it yourself that no second run writes there.",
                GrowtrackWarning,
                stacklevel=4,
            )
        elif error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise BlockingIOError from error
        else:
            raise


def _read(file: BinaryIO) -> dict[str, Any] | None:
    """Return who signed a lock; nothing where nobody has yet, None where it is something else."""
    file.seek(0)
    text = file.read(4096)
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and {"pid", "host", "since"} <= found.keys() else None


def _whose(signed: dict[str, Any] | None) -> str:
    if not signed:
        return "another run"
    since = str(signed["since"])[:16].replace("T", " ")
    return f"process {str(signed['pid'])[:20]} on {str(signed['host'])[:80]} since {since}"
