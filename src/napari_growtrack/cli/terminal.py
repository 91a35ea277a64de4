"""Where the command line speaks: what a terminal cannot write is written otherwise, and nobody has to be there to read.

A program whose words cannot be written ends with exit code 1 and a sentence; where the reader has left (``| head -1``),
with 141 and without one, as a shell expects. What stderr cannot take is let go: warnings stop no work.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TextIO

UNREAD = 141
"""Exit code where whoever read has left: 128 and the number of SIGPIPE."""

_PLAIN = str.maketrans(
    {
        "²": "^2", "³": "^3", "µ": "u", "μ": "u", "×": "x", "±": "+-", "…": "...", "−": "-", "–": "-", "—": "-",
        "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~", "°": " deg", "·": "*", "•": "*",
        "„": '"', "“": '"', "”": '"', "‘": "'", "’": "'", "ø": "o", "ß": "ss", "æ": "ae",
    }
)  # fmt: skip
_STEERING = dict.fromkeys({*range(32), *range(127, 160)} - {*map(ord, "\n\r\t")})

Words = ParamSpec("Words")


def heard(main: Callable[Words, int]) -> Callable[Words, int]:
    """Let a program's main function speak to whatever its streams are, and let it end well where they are shut.

    Raises
    ------
    SystemExit
        With 1 where stdout cannot be written, with `UNREAD` where its reader has left.
    """

    @functools.wraps(main)
    def run(*args: Words.args, **kwargs: Words.kwargs) -> int:
        _plug()
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(sys.stdout, _end), _Stream(sys.stderr, lambda _: None)
        try:
            return main(*args, **kwargs)
        finally:
            try:
                sys.stdout.flush()
            finally:
                sys.stderr.flush()
                sys.stdout, sys.stderr = before

    return run


def _plug() -> None:
    """Lead streams that were closed nowhere: else the next file to be opened takes their place, and their words."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _end(error: OSError) -> None:
    """End the program, since what it says cannot be written."""
    if error.errno == errno.EPIPE:
        raise SystemExit(UNREAD)
    reason = error.strerror or error
    sys.stderr.write(f"growtrack: Cannot write what is to be said: {reason}. Free some room, or send it elsewhere.\n")
    raise SystemExit(1)


class _Stream:
    """A standard stream that dies of no character and steers no terminal; what it cannot write, it is told once."""

    def __init__(self, stream: TextIO | None, failed: Callable[[OSError], None]) -> None:
        self._stream = stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        self._failed = failed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text as far as it can be written."""
        self._try(lambda: self._stream.write(writable(text, self._stream.encoding or "ascii")))
        return len(text)

    def flush(self) -> None:
        """Write what was held back."""
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            self._silence()
            self._failed(error)

    def _silence(self) -> None:
        """Lead what is still held back nowhere; Python would complain about it at its very end."""
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


def writable(text: str, encoding: str) -> str:
    """Return text as it can be written in an encoding, without what steers a terminal.

    Examples
    --------
    >>> writable("1.5 ± 0.2 µm²/s, café", "ascii")
    '1.5 +- 0.2 um^2/s, cafe'
    """
    text = text.translate(_STEERING)
    return text if _has(encoding, text) else "".join(_letter(letter, encoding) for letter in text)


def _letter(letter: str, encoding: str) -> str:
    """Return a letter, or what stands best for it in an encoding that does not have it."""
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return next((one for one in (letter, letter.translate(_PLAIN), bare) if _has(encoding, one)), "?")


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeError:
        return False
    return True
