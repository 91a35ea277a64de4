"""What to say where something went wrong that nobody thought of: a sentence, and a file for whoever can mend it."""

from __future__ import annotations

import os
import tempfile
import traceback

_LETTERS = 160


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
