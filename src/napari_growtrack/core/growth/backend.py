"""Keras on whichever backend this process uses, brought in so that it can live beside OpenGL.

TensorFlow carries an LLVM of its own. On Linux, where Mesa's OpenGL has loaded another, importing TensorFlow crashes
the process unless its libraries look up symbols in themselves first (tensorflow/tensorflow#109933).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["backend_name", "device_name", "keras"]


@contextmanager
def _own_symbols_first() -> Iterator[None]:
    if not (hasattr(os, "RTLD_DEEPBIND") and _another_llvm_is_loaded()):
        yield
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)


def _another_llvm_is_loaded() -> bool:
    try:
        return "libLLVM" in Path("/proc/self/maps").read_text()
    except OSError:
        return False


def _respect_thread_count() -> None:
    """Let TensorFlow use as many threads as were asked for, or as other numerical libraries may use."""
    asked, usual = (os.environ.get(name, "") for name in ("GROWTRACK_THREADS", "OMP_NUM_THREADS"))
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        if asked.isdecimal() and int(asked) > 0:
            os.environ[name] = asked
        elif usual.isdecimal() and int(usual) > 0:
            os.environ.setdefault(name, usual)


_respect_thread_count()
with _own_symbols_first():
    import keras


def backend_name() -> str:
    """Return Keras's backend and version, such as ``tensorflow, keras 3.15.1``."""
    return f"{keras.backend.backend()}, keras {keras.version()}"


def device_name() -> str:
    """Return what networks run on here: ``gpu``, ``tpu`` or ``cpu``."""
    devices = [device.split(":")[0].lower() for device in keras.distribution.list_devices()]
    return next((name for name in ("gpu", "tpu") if name in devices), "cpu")
