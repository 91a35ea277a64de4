"""Track one film in several processes, of this machine or of many, as tasks of dask.distributed.

A task is a chunk of frames, the same ones that are written together, so that results do not depend on how many
workers there are. Workers read the film by its path; only tables travel. What a lost worker had is done by another.
"""

from __future__ import annotations

import os
import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..detection import Cascade, Contrast, FrameDetections, iter_detections
from ..errors import EngineError, GrowtrackError, GrowtrackWarning, SettingsError
from ..films import TimeAxis, open_stack
from ..networks.load import Network, load_network
from ..packages import require
from .streaming import chunk_of

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 3
"""Chunks that each worker has at hand."""

_A_PROCESSOR = 4
"""Workers at most for each processor of this machine."""

_RETRIES = 3
_LOSSES = 4
"""Workers that may be lost over one chunk, for each that there is."""

_LOOK = 1.0
"""Seconds between looks at the workers."""

_PATIENCE = 30
"""Seconds to wait for a scheduler's first worker."""

_ABSENT = 120
"""Seconds to wait for a worker when all are lost."""

_ALONE: dict[str, Any] = {
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": "1",
        "GROWTRACK_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
    },
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Workers of this machine: one thread each, and nothing to see for whoever looks at their ports."""


@dataclass(frozen=True)
class Task:
    """What workers need to track frames of a film, as plain values.

    Attributes
    ----------
    film : str
        A path that all workers see.
    channel, z : int or None
        As for `open_stack`.
    network : str
        A network's file, which all workers see.
    diameter : float or None
        As for `Network.for_diameter`.
    cascade : str
        As JSON, as `survey` returned it for the whole film: workers see only parts.
    contrast : {"normal", "inverted"}
    time_axis : {"t", "z"} or None
        As for `open_stack`.
    """

    film: str
    channel: int | None
    z: int | None
    network: str
    diameter: float | None
    cascade: str
    contrast: Contrast
    time_axis: TimeAxis | None = None


class Tracked(NamedTuple):
    """What comes back of a chunk of frames."""

    found: list[FrameDetections]
    refused: GrowtrackError | None
    """What ended it; it is not tried again."""
    warned: list[str]


def track(task: Task, frames: range) -> Tracked:
    """Track a chunk of frames; what is refused or warned of comes back beside those before it."""
    found: list[FrameDetections] = []
    refused = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GrowtrackWarning)
        try:
            cascade = Cascade.from_json(task.cascade)
            with open_stack(task.film, task.channel, task.z, task.time_axis) as stack:
                del caught[:]  # what is to be said of the film as a whole is said where it is opened first
                found.extend(iter_detections(stack, _network(task), cascade, frames, task.contrast))
        except GrowtrackError as error:
            refused = error
    warned = []
    for one in caught:
        if issubclass(one.category, GrowtrackWarning):
            warned.append(str(one.message))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return Tracked(found, refused, warned)


@cache
def _loaded(path: str, diameter: float | None) -> Network:
    network = load_network(path)
    return network if diameter is None else network.for_diameter(diameter)


def _network(task: Task) -> Network:
    return _loaded(task.network, task.diameter)


@contextmanager
def client_of(workers: int | None = None, scheduler: str | None = None) -> Iterator[Client]:
    """Connect to a scheduler, or start a cluster on this machine with so many workers of one thread each.

    What runs on this machine is talked to by TLS, with a key that lives in memory as long as it does, so that no
    other user can send it anything. A scheduler that is named is trusted: whoever may send it tasks has them run
    by its workers, and what they send back is unpacked here. For a ``tls://`` address, certificates are those of
    dask's own configuration, ``distributed.comm.tls``.

    Raises
    ------
    SettingsError
        When a package is missing, when there are to be far more workers than
        processors, or when nobody answers at the address.
    EngineError
        When the cluster cannot be started.
    """
    for package in ["distributed"] if scheduler else ["distributed", "cryptography"]:
        require(package, "Tracking with several workers", SettingsError)
    with ExitStack() as stack:
        yield _connected(stack, scheduler) if scheduler is not None else _started(stack, workers or 2)


def _connected(stack: ExitStack, scheduler: str) -> Client:
    from distributed import Client
    from distributed.security import Security

    security: Any = Security()
    if scheduler.startswith("tls:") and not (security.tls_ca_file and security.tls_client_cert):
        raise SettingsError(
            f"{scheduler} wants certificates. Tell dask where they are: distributed.comm.tls.ca-file, client.cert and "
            "client.key in its configuration, or DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on."
        )
    try:
        client = stack.enter_context(Client(scheduler, timeout=10, security=security))
    except Exception as error:  # each of dask's protocols has its own
        raise SettingsError(
            f"No dask scheduler answers at {scheduler} ({_short(error)}). Check the address."
        ) from error
    _wait(client, scheduler)
    return client


def _started(stack: ExitStack, workers: int) -> Client:
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    most = _A_PROCESSOR * (os.cpu_count() or 1)
    if workers > most:
        raise SettingsError(
            f"Expected up to {most} workers on this machine, {_A_PROCESSOR} a processor, got {workers}."
        )
    stack.enter_context(dask.config.set(_ALONE))
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            security=Security.temporary(),
            silence_logs=50,
        )
        return stack.enter_context(Client(stack.enter_context(cluster)))
    except Exception as error:  # sockets, processes, keys: a cluster has many ways not to start
        raise EngineError(
            f"Cannot start {workers} workers on this machine ({_short(error)}). Track without workers, or with fewer."
        ) from error


def _wait(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        raise SettingsError(
            f"The scheduler at {scheduler} has no workers. Start some: dask worker {scheduler} --nthreads 1"
        ) from error


def _short(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")
    return text if len(text) <= 120 else f"{text[:120]}…"


def iter_distributed(client: Client, task: Task, frames: range, shape: tuple[int, int]) -> Iterator[FrameDetections]:
    """Yield the detections of each frame in order, found by a cluster's workers.

    A few chunks a worker are under way at a time, so memory stays bounded; closing
    it takes back those that are.

    Parameters
    ----------
    client : distributed.Client
    task : Task
    frames : range
        From the beginning of a chunk on.
    shape : (int, int)
        Height and width of a frame.

    Raises
    ------
    StackError
        When a frame cannot be read; frames before its chunk have come.
    EngineError
        When workers are lost again and again.
    """
    size = chunk_of(shape)
    chunks = iter([frames[first : first + size] for first in range(0, len(frames), size)])
    waiting: deque[tuple[range, Future]] = deque()
    said: set[str] = set()
    try:
        while True:
            while len(waiting) < _AHEAD * max(1, len(client.nthreads())) and (chunk := next(chunks, None)) is not None:
                waiting.append((chunk, client.submit(track, task, chunk, retries=_RETRIES, pure=False)))
            if not waiting:
                return
            found, refused, warned = _result(client, *waiting.popleft())
            for sentence in warned:
                if sentence not in said:
                    said.add(sentence)
                    warnings.warn(sentence, GrowtrackWarning, stacklevel=2)
            yield from found
            if refused is not None:
                raise refused
    finally:
        client.cancel([future for _, future in waiting])


def _result(client: Client, chunk: range, future: Future) -> Tracked:
    """Wait for a chunk; give up where its workers are lost again and again, or there are none any more."""
    from distributed import KilledWorker

    watch = _Watch(chunk)
    while True:
        try:
            return future.result(timeout=_LOOK)
        except KilledWorker as error:
            raise watch.given_up() from error
        except Exception as error:  # whatever a worker of another make raises, or a scheduler that is gone
            if not isinstance(error, TimeoutError) or future.status == "error":
                raise EngineError(
                    f"A worker could not go on: {_short(error)}. Check that all have this package."
                ) from error
        watch.look(client)


class _Watch:
    """Watches the workers while a chunk is waited for."""

    def __init__(self, chunk: range) -> None:
        self._chunk = chunk
        self._seen: set[str] = set()
        self._lost: set[str] = set()
        self._there = time.monotonic()

    def look(self, client: Client) -> None:
        """Count the workers that went since the last look.

        Raises
        ------
        EngineError
            When they are too many, or none is left for long.
        """
        now, there = time.monotonic(), {*client.nthreads()}
        if there:
            self._there = now
        if (gone := self._seen - there - self._lost) and not self._lost:
            warnings.warn(
                f"A worker was lost; its frames are done again, now {_span(self._chunk)}.",
                GrowtrackWarning,
                stacklevel=2,
            )
        self._lost |= gone
        self._seen |= there
        if len(self._lost) > _LOSSES * max(1, len(there)) or now - self._there > _ABSENT:
            raise self.given_up()

    def given_up(self) -> EngineError:
        """Return what to tell."""
        return EngineError(
            f"Workers were lost again and again, or none was left, over {_span(self._chunk)}, perhaps for want of "
            "memory. Use fewer of them."
        )


def _span(chunk: range) -> str:
    return f"frames {chunk[0]} to {chunk[-1]}"
