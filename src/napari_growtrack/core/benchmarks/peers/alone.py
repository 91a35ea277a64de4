"""Work in a fresh process on one core, so that times compare and memory is a method's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

_STATUS = Path("/proc/self/status")
_ONE_THREAD = {
    name: "1"
    for name in (
        "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS",
        "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    )
}  # fmt: skip


@contextmanager
def on_one_core() -> Iterator[Executor]:
    """Start a process with one thread on one core (where the system lets it be chosen), and end it afterwards.

    What libraries mutter there on stderr is not heard; errors come back as errors.

    Examples
    --------
    >>> with on_one_core() as process:  # doctest: +SKIP
    ...     process.submit(peak_memory).result()
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        with _one_core():
            process.submit(_hush).result()  # it starts now, and takes core and threads over from here
        yield process


def peak_of(detector: Callable[[np.ndarray], Any], frames: Sequence[np.ndarray]) -> float:
    """Return the most memory a fresh process held while it ran a detector on frames, in MiB; see `peak_memory`.

    What the running script imports at its top is imported there as well, and counts.
    """
    with on_one_core() as process:
        return process.submit(_peak_after, detector, frames).result()


def peak_memory() -> float:
    """Return the most memory this process has held, in MiB: Python, libraries, and all; NaN where nobody tells."""
    if _STATUS.exists():  # `ru_maxrss` would begin with what the parent held
        return _told_by_linux("VmHWM")
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def resident_memory() -> float:
    """Return how much memory this process holds now, in MiB; NaN where the system does not tell."""
    return _told_by_linux("VmRSS") if _STATUS.exists() else float("nan")


def _told_by_linux(name: str) -> float:
    """Return a number of this process's status, in MiB."""
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 2**10


def _hush() -> None:
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 2)


def _peak_after(detector: Callable[[np.ndarray], Any], frames: Sequence[np.ndarray]) -> float:
    for frame in frames:
        detector(frame)
    return peak_memory()


@contextmanager
def _one_core() -> Iterator[None]:
    """Confine what is started meanwhile."""
    kept = dict(os.environ)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    os.environ.update(_ONE_THREAD)
    try:
        if cores:
            os.sched_setaffinity(0, {max(cores)})
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        os.environ.clear()
        os.environ.update(kept)
