"""Track one film in several processes, of this machine or of many, as tasks of dask.distributed.

A task is a chunk of frames, the same ones that are written together, so that results do not depend on how many
workers there are. Workers read the film by its path; only tables travel. What a lost worker had is done by another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .detection import Cascade, FrameDetections, iter_detections
from .detection.detect import Contrast
from .errors import EngineError, GrowtrackError, SettingsError
from .networks import Network, load_network
from .optional import require
from .stacks import TimeAxis, open_stack
from .streaming import chunk_of

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 3
"""Chunks that each worker has at hand."""

_RETRIES = 3
_PATIENCE = 30
"""Seconds to wait for a scheduler's first worker."""


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
        As JSON.
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


def track(task: Task, frames: range) -> tuple[list[FrameDetections], GrowtrackError | None]:
    """Track a chunk of frames; what is refused comes back beside those before it, and so is not tried again."""
    found: list[FrameDetections] = []
    try:
        cascade = Cascade.from_json(task.cascade)
        with open_stack(task.film, task.channel, task.z, task.time_axis) as stack:
            found.extend(iter_detections(stack, _network(task), cascade, frames, task.contrast))
    except GrowtrackError as error:
        return found, error
    return found, None


@cache
def _loaded(path: str, diameter: float | None) -> Network:
    network = load_network(path)
    return network if diameter is None else network.for_diameter(diameter)


def _network(task: Task) -> Network:
    return _loaded(task.network, task.diameter)


@contextmanager
def client_of(workers: int | None = None, scheduler: str | None = None) -> Iterator[Client]:
    """Connect to a scheduler, or start a cluster on this machine with so many workers of one thread each.

    Raises
    ------
    SettingsError
        When dask.distributed is not installed, or nobody answers at the address.
    """
    require("distributed", "Tracking with several workers", SettingsError)
    import dask
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=10)
        except (OSError, ValueError) as error:
            raise SettingsError(f"No dask scheduler answers at {scheduler} ({error}). Check the address.") from error
        with client:
            _wait(client, scheduler)
            yield client
        return
    alone = {"OMP_NUM_THREADS": "1", "GROWTRACK_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    one_thread = {"distributed.nanny.pre-spawn-environ": alone}
    with (
        dask.config.set(one_thread),
        LocalCluster(n_workers=workers or 2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _wait(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        raise SettingsError(
            f"The scheduler at {scheduler} has no workers. Start some: dask worker {scheduler} --nthreads 1"
        ) from error


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
    from distributed import KilledWorker

    size = chunk_of(shape)
    chunks = iter([frames[first : first + size] for first in range(0, len(frames), size)])
    waiting: deque[Future] = deque()
    try:
        while True:
            while len(waiting) < _AHEAD * max(1, len(client.nthreads())) and (chunk := next(chunks, None)) is not None:
                waiting.append(client.submit(track, task, chunk, retries=_RETRIES, pure=False))
            if not waiting:
                return
            try:
                found, refused = waiting.popleft().result()
            except KilledWorker as error:
                raise EngineError(
                    "Workers were lost again and again, perhaps for want of memory. Use fewer of them."
                ) from error
            except Exception as error:  # whatever a worker of another make raises, or a scheduler that is gone
                raise EngineError(f"A worker could not go on: {error}. Check that all have this package.") from error
            yield from found
            if refused is not None:
                raise refused
    finally:
        client.cancel(list(waiting))
