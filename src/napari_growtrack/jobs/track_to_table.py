"""Track a film into a table on the disk, in bounded memory, with how it was made; a run that was killed goes on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from ..core.detection import Cascade, Contrast, FrameDetections, iter_detections, survey
from ..core.errors import GrowtrackError, OutputError, SettingsError
from ..core.files import check_apart
from ..core.files.holding import check_free
from ..core.films import Stack, TimeAxis, film_identity, open_stack
from ..core.networks.bundled import AUTO
from ..core.networks.choice import Chosen, choose_network
from ..core.networks.load import Network, network_path
from ..core.progress import finish
from ..core.tables import NO_LIMITS, Limits, check_table
from ..core.tracking.streaming import TableStream, chunk_of, iter_into
from .context import Context, FilmFacts


class Begun(NamedTuple):
    """What is going to be tracked, and how many of these frames an earlier run has done already."""

    frames: range
    done: int


class TrackedTable(NamedTuple):
    """What came of tracking a film into a table.

    Attributes
    ----------
    path : Path
    rows : int
        Detections in the table.
    frames : range
        The film's frames that it tells of.
    wanted : int
        Frames that it was to tell of.
    milliseconds : float
        Median time of a frame in this run, 0 where none was tracked.
    diameter : float
        How wide the particles look that were searched, in pixels.
    noise : float or None
        How many of the detections are expected to be noise; None where that is not known.
    in_place : bool
        Whether the table lies at `path`; else what there is of it is kept beside that, to go on with.
    stopped : BaseException or None
        What stopped it before its end.
    """

    path: Path
    rows: int
    frames: range
    wanted: int
    milliseconds: float
    diameter: float
    noise: float | None
    in_place: bool
    stopped: BaseException | None


@dataclass(frozen=True)
class TrackToTable:
    """Track a film into a table on the disk.

    Attributes
    ----------
    film : path or FilmFacts
        Whatever `open_stack` opens, or the film of a context: what a layer shows.
    table : path
        Where the table goes: CSV with its recipe in ``<stem>.json``, Parquet, GEFF or TrackMate's XML, by its ending.
        It is put in place whole; until then what is done lies beside it, in ``<name>.unfinished``.
    network : str, path or Network
        A bundled network's name, a file, or a network; workers take the first two. ``auto`` takes the bundled one that
        explains a few frames best, with size and contrast; see `choose_network`.
    frames : slice, optional
        Which frames of the film; all by default.
    channel, z, time_axis
        As for `open_stack`.
    stage, screen : int, optional
        Stages that answer and screen; by default the last one and the cheapest good one.
    faithful : bool
        Whether the cascade is the thesis's.
    fit : bool
        Whether positions are fitted after the network gave them.
    screen_distance, accept_distance : float, optional
        The cascade's limits in pixels of the film; calibrated ones by default.
    diameter : float, optional
        How wide particles look, in pixels; by default as the network knows them.
    contrast : {"auto", "normal", "inverted"}
    false_share : float, optional
        The share of false detections to keep by the film's own noise, `FALSE_SHARE` by default; 0 takes the
        network's own least significance.
    cascade : Cascade, optional
        Instead of `stage` to `accept_distance`: the cascade itself, in pixels of the network at that diameter.
    limits : Limits
        Of the columns of detections: what lies outside does not come into the table.
    workers : int, optional
        Processes of this machine to track in.
    scheduler : str, optional
        Address of a dask scheduler on whose workers to track.
    resume, anew : bool
        Whether to go on from what an earlier run left, or to throw that away.
    """

    film: str | Path | FilmFacts
    table: str | Path = "detections.csv"
    network: str | Path | Network = AUTO
    frames: slice | None = None
    channel: int | None = None
    z: int | None = None
    time_axis: TimeAxis | None = None
    stage: int | None = None
    screen: int | None = None
    faithful: bool = False
    fit: bool = True
    screen_distance: float | None = None
    accept_distance: float | None = None
    diameter: float | None = None
    contrast: Contrast = "auto"
    false_share: float | None = None
    cascade: Cascade | None = None
    limits: Limits = NO_LIMITS
    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False
    anew: bool = False

    def steps(self, context: Context | None = None) -> Generator[Begun | Chosen | FrameDetections, None, TrackedTable]:
        """Yield `Begun`, before a network is loaded, what was `Chosen` with ``auto``, and each frame's detections.

        Returns what came of it.

        What stops it at a step, an error of ours or a Ctrl-C that is thrown in, is handed back in the result: what
        was tracked is in place by then, and kept to go on with. Closing it keeps as much.

        Raises
        ------
        GrowtrackError
            When film, network, settings or the place of the table are refused, and before the first frame is done.
        """
        context = context or Context()
        if self.scheduler is not None and not self.scheduler.strip():
            raise SettingsError("Expected the address of a scheduler, such as tls://node1:8786, got an empty one.")
        if self.workers or self.scheduler:
            if isinstance(self.network, Network):
                raise SettingsError("Workers read the network from its file. Save it, and give its path as network.")
            if isinstance(self.film, FilmFacts):
                raise SettingsError("Workers open the film themselves. Give its path as film.")
        if not isinstance(self.film, FilmFacts):
            check_apart(str(self.film), str(self.table))
        check_table(self.table)
        check_free(self.table)
        with self._opened(context) as stack:
            frames = range(len(stack))[self.frames or slice(None)]
            if not frames:
                raise SettingsError(
                    f"There are no such frames in {stack.name}, which has frames 0 to {len(stack) - 1}."
                )
            yield Begun(frames, 0)
            if self.network != AUTO:
                return (yield from self._tracked(stack, frames, context))
            if self.cascade is not None:
                raise SettingsError("A cascade is that of one network. Name the network as well.")
            chosen = choose_network(stack, frames, diameter=self.diameter, contrast=self.contrast, load=context.named)
            yield chosen
            network, diameter, contrast = chosen.best[:3]
            named = replace(self, network=network, diameter=diameter, contrast=contrast)
            return (yield from named._tracked(stack, frames, context, {"chosen": chosen.told()}))

    def _tracked(
        self, stack: Stack, frames: range, context: Context, known: dict[str, Any] | None = None
    ) -> Generator[Begun | Chosen | FrameDetections, None, TrackedTable]:
        network = self._network(context)
        cascade = self.cascade or network.cascade(self.stage, self.screen, self.faithful, self.fit).on_film(
            network.zoom, self.screen_distance, self.accept_distance
        )
        if self.false_share is not None:
            cascade = cascade.with_(false_share=self.false_share, noise=None)
        contrast, cascade = survey(stack, network, cascade, self.contrast, frames)
        made = {
            **network.card.made_with(cascade),
            "diameter": network.diameter,
            "contrast": contrast,
            **({"limits": self.limits.plain()} if self.limits else {}),
            "film": stack.name,
            **self._known_of(stack),
        }
        story = made | {"weights": network.fingerprint, "shape": stack.shape, "frames": [frames.start, frames.stop]}
        story |= {"film": self._identity(stack, frames)}
        seconds: list[float] = []
        stopped: BaseException | None = None
        with TableStream(self.table, story, chunk_of(stack.shape[1:]), self.resume, self.anew) as stream:
            if stream.frames:
                yield Begun(frames, stream.frames)
            rest = frames[stream.frames :]
            try:
                with self._detections(stack, network, cascade, contrast, rest) as found:
                    for one in iter_into(stream, map(self._limited, found)):
                        seconds.append(one.seconds)
                        yield one
            except (GrowtrackError, KeyboardInterrupt, GeneratorExit) as stop:
                if not stream.seen:
                    raise
                stopped = stop
            seen = frames[: stream.seen]
            refused = _put_in_place(stream, made | (known or {}) | {"frames": [seen[0], seen[-1]]}, stopped)
        if isinstance(stopped, GeneratorExit):
            raise stopped
        return TrackedTable(
            Path(self.table),
            stream.rows,
            frames[: stream.frames] if refused else seen,
            len(frames),
            1e3 * median(seconds) if seconds else 0.0,
            network.diameter,
            cascade.noise and cascade.noise.among(stream.rows, stream.seen, cascade.least_significance),
            refused is None,
            stopped or refused,
        )

    def _limited(self, one: FrameDetections) -> FrameDetections:
        if not self.limits:
            return one
        return one._replace(table=one.table[self.limits.inside(one.table)].reset_index(drop=True))

    def _opened(self, context: Context) -> AbstractContextManager[Stack]:
        """Return the film, to be closed where it was opened here."""
        if isinstance(self.film, FilmFacts):
            return nullcontext(context.film(self.film, range(self.film.shape[0])[self.frames or slice(None)]))
        return open_stack(self.film, self.channel, self.z, self.time_axis)

    def _identity(self, stack: Stack, frames: range) -> list[Any]:
        """Return what tells the film from another, which another run must not go on with."""
        if isinstance(self.film, FilmFacts):
            return [stack.name, *(zlib.crc32(stack[number].tobytes()) for number in (frames[0], frames[-1]))]
        return film_identity(str(self.film))

    def _network(self, context: Context) -> Network:
        network = self.network if isinstance(self.network, Network) else context.named(self.network)
        return network if self.diameter is None else network.for_diameter(self.diameter)

    def _known_of(self, stack: Stack) -> dict[str, Any]:
        """Return what is known of a film: its scale and times, and which plane of it is tracked."""
        told = dict(self.film.told) if isinstance(self.film, FilmFacts) else stack.told
        known = {**told, "channel": self.channel, "z": self.z}
        return {name: value for name, value in known.items() if value is not None}

    @contextmanager
    def _detections(
        self, stack: Stack, network: Network, cascade: Cascade, contrast: Contrast, frames: range
    ) -> Iterator[Iterator[FrameDetections]]:
        """Hand out the detections of frames, found here, or by workers."""
        if not (self.workers or self.scheduler):
            yield iter_detections(stack, network, cascade, frames, contrast)
            return
        from ..core.tracking.distributed import Task, client_of, iter_distributed

        weights = network_path(str(self.network)).resolve()
        path = Path(str(self.film)).expanduser().resolve()
        told = (str(weights), self.diameter, cascade.to_json(), contrast, stack.time_axis or self.time_axis)
        task = Task(str(path), self.channel, self.z, *told)
        with client_of(self.workers, self.scheduler) as client:
            yield iter_distributed(client, task, frames, stack.shape[1:])


def track(
    film: str | Path,
    table: str | Path,
    network: str | Path | Network = AUTO,
    *,
    watch: Callable[[Begun | Chosen | FrameDetections], object] | None = None,
    **settings: Any,
) -> TrackedTable:
    """Track a film into a table on the disk; the film's length costs no memory, and a run that was killed goes on.

    Parameters
    ----------
    film, table, network
        As for `TrackToTable`.
    watch : callable, optional
        Told of `Begun`, of what was `Chosen`, and of each frame's detections.
    **settings
        Whatever else `TrackToTable` takes, such as ``resume=True``.

    Returns
    -------
    TrackedTable

    Raises
    ------
    GrowtrackError
        When something is refused, or stops it; what was tracked before is kept, to go on with `resume`.

    Examples
    --------
    >>> track("film.tif", "detections.csv", resume=True)  # doctest: +SKIP
    """
    result = finish(TrackToTable(film, table, network, **settings).steps(), watch)
    if result.stopped is not None:
        raise result.stopped
    return result


def _put_in_place(stream: TableStream, recipe: dict[str, Any], stop: BaseException | None) -> OutputError | None:
    """Put the table in place, what there is of it where something stopped the run; return what was in its way."""
    try:
        stream.finish(recipe) if stop is None else stream.leave(recipe)
    except OutputError as error:
        return error
    return None
