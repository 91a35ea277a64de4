"""Everything the core refuses, each with what was expected, what came and what to do.

::

    GrowtrackError
    ├── SettingsError       a scene, plan, schedule or cascade that cannot be
    ├── StackError          images that are not a stack of grey frames
    ├── DatasetError        labelled images that cannot be learned from
    ├── TableError          a table of points without the columns or values it needs
    ├── LinkingError        detections too crowded to be linked
    ├── MotionError         trajectories that do not tell what was asked
    ├── NetworkFileError    a file that is not a grown network, or not a whole one
    ├── OutputError         a result that could not be written
    └── EngineError         the process that works beside a window has ended

    GrowtrackWarning        work goes on, but the person should know
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
import traceback
from pathlib import Path
from typing import Any


def check_regular(path: Path) -> None:
    """Raise an OSError where a path names a pipe or a device, from which reading may never come back."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is no regular file")


def short(value: Any, limit: int = 60) -> str:
    """Return a value as a sentence can hold it: as JSON where it can be, cut where it is long, one line, no escapes.

    Examples
    --------
    >>> short([1, "two"])
    '[1, "two"]'
    >>> short("a" * 100, 10)
    '"aaaaaaaa…'
    """
    if isinstance(value, str | bytes | list | tuple):
        value = value[: limit + 1]  # a million more would only be thrown away
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = _as_python(value)
    return cut(text, limit)


def _as_python(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # whatever another's class may raise, and lists that hold themselves too deep
        return type(value).__name__


def cut(text: str, limit: int = 300) -> str:
    """Return text no longer than a sentence may be, without what steers a terminal."""
    text = (
        text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text[: 2 * limit])
    )
    return text if len(text) <= limit else text[: limit - 1] + "…"


class GrowtrackError(Exception):
    """Base of all errors a person can mend; the message says how."""


class SettingsError(GrowtrackError, ValueError):
    """A scene, plan, schedule or cascade that cannot be."""


class StackError(GrowtrackError, ValueError):
    """Images that are not a stack of grey frames."""


class DatasetError(GrowtrackError, ValueError):
    """Labelled images that cannot be learned from."""


class TableError(GrowtrackError, ValueError):
    """A table of points without the columns or values it needs."""


class LinkingError(GrowtrackError, ValueError):
    """Detections too crowded to be linked."""


class MotionError(GrowtrackError, ValueError):
    """Trajectories that do not tell what was asked."""


class NetworkFileError(GrowtrackError, ValueError):
    """A file that is not a grown network, or not a whole one."""


class OutputError(GrowtrackError, OSError):
    """A result that could not be written."""


class EngineError(GrowtrackError, RuntimeError):
    """The process that works beside a window has ended, or could not be started."""


class GrowtrackWarning(UserWarning):
    """Work goes on, but the person should know."""


# What nobody thought of: a sentence, and a file for whoever can mend it -------------------------------------------

_LETTERS = 160
"""Of another program's words that a sentence prints."""


def told_of(error: BaseException) -> str:
    """Return a sentence about an error that is none of ours; where it is our fault, its traceback goes into a file."""
    if out_of_memory(error):
        return f"There is not enough memory for this{_why(error)}. Close other programs, or do it on less at a time."
    if isinstance(error, OSError):
        where = f"{_short(str(error.filename))}: " if error.filename else ""
        return f"{where}{error.strerror or _short(str(error))}. Check the path, the disk, and what you may write to."
    what = f"{type(error).__name__}: {_short(str(error))}".removesuffix(": ")
    return f"Something went wrong that should not have, which is our fault ({what}). {_left(error)}"


def out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, whoever found out."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's


def _why(error: BaseException) -> str:
    said = _short(str(error)).rstrip(".")
    return f" ({said})" if said else ""


def _left(error: BaseException) -> str:
    """Leave a traceback in a file, and say where."""
    text = "".join(traceback.format_exception(error))
    try:
        handle, path = tempfile.mkstemp(".txt", "growtrack-")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return "Please report what you did."
    return f"Please report it with {path}, which tells where."


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LETTERS else f"{line[:_LETTERS]}…"
