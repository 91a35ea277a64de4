"""Hear the warnings of one thread, and leave those of others to whoever hears them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...core.errors import GrowtrackWarning

_listeners: dict[int, Callable[[str], object]] = {}
_lock = threading.Lock()
_before: Callable[..., Any] = warnings.showwarning


@contextmanager
def hearing(heard: Callable[[str], object]) -> Iterator[None]:
    """Call with every `GrowtrackWarning` of this thread; libraries' warnings in it are nobody's concern.

    Python has one way of showing warnings for all threads, and putting it back
    where two overlap goes wrong; so it is changed once and stays.
    """
    _install()
    thread = threading.get_ident()
    _listeners[thread] = heard
    try:
        yield
    finally:
        _listeners.pop(thread, None)


def _install() -> None:
    global _before
    with _lock:
        if warnings.showwarning is not _show:
            _before, warnings.showwarning = warnings.showwarning, _show
        warnings.simplefilter("always", GrowtrackWarning)


def _show(message: Any, category: type[Warning], *where: Any, **how: Any) -> None:
    heard = _listeners.get(threading.get_ident())
    if heard is None:
        _before(message, category, *where, **how)
    elif issubclass(category, GrowtrackWarning):
        heard(str(message))
