"""Keras on whichever backend this process uses, brought in so that it can live beside OpenGL.

TensorFlow carries an LLVM of its own. On Linux, where Mesa's OpenGL has loaded another, importing TensorFlow crashes
the process unless its libraries look up symbols in themselves first (tensorflow/tensorflow#109933).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ..errors import SettingsError
from ..packages.plotting import load_matplotlib

BACKENDS = ("tensorflow", "jax", "torch")

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


def _refused(why: str) -> SettingsError:
    """Return the sentence about a backend that cannot be had."""
    there = [name for name in BACKENDS if find_spec(name)]
    if not there:
        return SettingsError(f"{why} None is installed here: pip install tensorflow brings the usual one.")
    return SettingsError(
        f"{why} Installed here: {', '.join(there)}. Choose one of them with KERAS_BACKEND={there[0]}, in the "
        "environment or as backend in .keras/keras.json of your home, or install another "
        '(pip install "napari-growtrack[jax]", or [torch]).'
    )


def check_backend(name: str) -> None:
    """Refuse a backend that Keras cannot run networks on here.

    Raises
    ------
    SettingsError
        When it is none of `BACKENDS`, or is not installed.
    """
    if name not in BACKENDS:
        raise _refused(f"KERAS_BACKEND is {name[:40]!r}; expected one of {', '.join(BACKENDS)}.")
    if find_spec(name) is None:
        raise _refused(f"KERAS_BACKEND is {name}, which is not installed.")


_respect_thread_count()
if "keras" not in sys.modules and os.environ.get("KERAS_BACKEND"):
    check_backend(os.environ["KERAS_BACKEND"])
load_matplotlib()  # Keras brings it in, and would stop at an MPLBACKEND that is wrong
try:
    with _own_symbols_first():
        import keras
except (ImportError, ValueError) as error:
    raise _refused(f"Keras cannot be loaded ({str(error)[:200]}).") from error


def backend_name() -> str:
    """Return Keras's backend and version, such as ``tensorflow, keras 3.15.1``."""
    return f"{keras.backend.backend()}, keras {keras.version()}"


def device_name() -> str:
    """Return what networks run on here: ``gpu``, ``tpu`` or ``cpu``."""
    devices = [device.split(":")[0].lower() for device in keras.distribution.list_devices()]
    return next((name for name in ("gpu", "tpu") if name in devices), "cpu")
