"""Numba, which compiles a few loops for the computer at hand, once, and keeps them in a folder that can be written.

It keeps them beside the package or in the user's own cache. Where neither can be written, as in a container or on a
cluster's nodes, every run would compile anew, for a minute; a private folder among the temporary ones takes them then.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import event

from ..errors import OutputError

__all__ = ["numba"]

_log = logging.getLogger(__name__)
PATIENCE = 1.0
"""Seconds of compiling that nobody needs to hear of."""


def find_cache() -> None:
    """Choose a private temporary folder for what is compiled where Numba itself finds none.

    Raises
    ------
    OutputError
        When there is none either.
    """
    try:
        numba.njit(cache=True)(_probe)
    except RuntimeError:  # no place that Numba knows can be written
        numba.config.CACHE_DIR = _private_folder()  # type: ignore[attr-defined]


def _probe() -> None:
    """Do nothing; Numba is only asked where it would keep this."""


def _private_folder() -> str:
    """Return a folder that nobody else can write: what lies in it will be run."""
    try:
        own = Path(tempfile.gettempdir()) / f"growtrack-compiled-{getattr(os, 'getuid', lambda: 'mine')()}"
        with suppress(FileExistsError):
            own.mkdir(mode=0o700)
        return str(own) if _is_private(own) else tempfile.mkdtemp(prefix="growtrack-compiled-")
    except OSError as error:
        raise OutputError(
            f"There is no folder to keep compiled code in ({error.strerror or error}). "
            "Name one that can be written in the environment's NUMBA_CACHE_DIR."
        ) from error


def _is_private(folder: Path) -> bool:
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or not os.access(folder, os.W_OK):
        return False
    return not hasattr(os, "getuid") or (facts.st_uid == os.getuid() and not facts.st_mode & 0o077)


class Clock(event.Listener):
    """Notes once, in the log, that Numba compiles and not for the first second."""

    def __init__(self) -> None:
        self._depth, self._spent, self._began = 0, 0.0, 0.0
        self._timer: threading.Timer | None = None
        self._told = False

    def on_start(self, event: Any) -> None:
        """Begin to wait with the outermost of functions that are compiled within one another."""
        self._depth += 1
        if self._depth == 1 and not self._told:
            self._began = time.perf_counter()
            self._timer = threading.Timer(max(PATIENCE - self._spent, 0), self._tell)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event: Any) -> None:
        """Stop waiting."""
        self._depth -= 1
        if self._depth == 0 and self._timer is not None:
            self._timer.cancel()
            self._timer, self._spent = None, self._spent + time.perf_counter() - self._began

    def _tell(self) -> None:
        self._told = True
        _log.info("Compiling for this computer, which is done once and takes a minute or so.")


find_cache()
event.register("numba:compile", Clock())
