"""Which network tracks and how, and the run that does it: what panels share, free of Qt and napari."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..core.archive import read_card
from ..core.card import Card
from ..core.detection import Cascade, Contrast, iter_detections
from ..core.errors import SettingsError
from ..core.networks import Network, load_network, network_path
from ..core.stacks import Stack
from ..core.tables import DETECTION_COLUMNS, empty

HEARTBEAT = 0.1
"""Seconds between signs of life while a network is being loaded."""

_RECENT = 101
_ENOUGH = 3
_File = tuple[Path, int]  # and when it was last written, so that a file grown anew is loaded anew


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    done, total : int
        Frames.
    frame : int or None
        The frame just tracked; None while the network is being loaded.
    table : DataFrame
        That frame's detections, ``frame, y, x, distance, votes, sigma``.
    seconds : float
        Time a frame takes: the median of the latest, so that the first one's
        compilation is left out.
    """

    done: int
    total: int
    frame: int | None = None
    table: pd.DataFrame = field(default_factory=lambda: empty(DETECTION_COLUMNS))
    seconds: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time the rest will take; None before there is enough to judge by."""
        return (self.total - self.done) * self.seconds if self.done >= _ENOUGH else None


class _Chosen(NamedTuple):
    """What a run keeps to, whatever is chosen while it works."""

    file: _File
    cascade: Cascade
    diameter: float
    contrast: Contrast

    def sized(self, network: Network) -> Network:
        """Return the network for particles of the chosen diameter."""
        return network if self.diameter == network.diameter else network.for_diameter(self.diameter)


class Session:
    """The chosen network, its stage and its cascade, and what particles look like in the film.

    Choosing reads the card only, which is instant; the network itself, and
    Keras with it, is loaded by the first run and kept.

    Parameters
    ----------
    load : callable
        Loads the network of a path.

    Attributes
    ----------
    name : str or None
        Name of a bundled network, or the path of a file; None before one is chosen.
    stage : int
        The stage that gives the answer.
    screening : bool
        Whether another stage may screen; otherwise `stage` does.
    screen : int or None
        The stage that screens; None for the calibrated choice.
    faithful : bool
        Refine as the thesis does.
    diameter : float
        How wide particles look in the film, in pixels; choosing a network sets it to the network's own.
    contrast : {"auto", "normal", "inverted"}
        Whether the film or its negative is tracked; see `iter_detections`.

    Examples
    --------
    >>> session = Session()
    >>> session.choose("vesicles")  # doctest: +SKIP
    >>> [p.table for p in session.run(open_stack("film.tif"), range(10))]  # doctest: +SKIP
    """

    def __init__(self, load: Callable[[Path], Network] = load_network) -> None:
        self.name: str | None = None
        self.stage = 1
        self.screening = True
        self.screen: int | None = None
        self.faithful = False
        self.diameter = 0.0
        self.contrast: Contrast = "auto"
        self._card: Card | None = None
        self._file = (Path(), 0)
        self._load = load
        self._loader = ThreadPoolExecutor(1, "growtrack-load")
        self._networks: dict[_File, Future[Network]] = {}

    @property
    def card(self) -> Card:
        """The chosen network's card.

        Raises
        ------
        SettingsError
            When no network is chosen.
        """
        if self._card is None:
            raise SettingsError("Choose a network first.")
        return self._card

    def choose(self, name: str) -> None:
        """Take a bundled network or a file, its last stage and its diameter; after an error the earlier choice stands.

        Raises
        ------
        NetworkFileError
            When there is none, or the file is damaged.
        SettingsError
            When it tells classes apart instead of locating particles.
        """
        path = network_path(name)
        card = read_card(path)
        _ = card.recipe.located_scene
        self.name, self._card = name, card
        self._file = (path, path.stat().st_mtime_ns)
        self.stage, self.screen = card.plan.stages, None
        self.diameter = self.own_diameter

    @property
    def own_diameter(self) -> float:
        """How wide the particles look that the network knows, in pixels; see `Scene.diameter`."""
        return self.card.recipe.located_scene.diameter

    @property
    def diameters(self) -> tuple[float, float]:
        """The least and the greatest diameter that frames can be resampled for, in pixels."""
        return self.card.diameters

    def cascade(self) -> Cascade:
        """Return the calibrated cascade of what is chosen.

        Raises
        ------
        SettingsError
            When nothing is chosen, or it was never calibrated.
        """
        return self.card.cascade(self.stage, self.screen if self.screening else self.stage, self.faithful)

    def recipe(self) -> dict[str, Any]:
        """Return what a result carries to be made again: network, settings, version and seed."""
        seen = {"diameter": self.diameter, "contrast": self.contrast}
        return {**self.card.made_with(self.cascade()), "network": self.name, **seen}

    def run(self, stack: Stack, frames: Sequence[int]) -> Iterator[Progress]:
        """Return a generator that loads the network where needed, then tracks frame after frame.

        What is chosen now counts, whatever is chosen while it works. It never
        waits long before it yields, so it can be left at any time; a network
        whose loading was left is loaded to its end and kept.

        Raises
        ------
        SettingsError
            When nothing is chosen, or it was never calibrated.
        """
        chosen = _Chosen(self._file, self.cascade(), self.diameter, self.contrast)
        return self._run(chosen, stack, frames)

    def _run(self, chosen: _Chosen, stack: Stack, frames: Sequence[int]) -> Iterator[Progress]:
        waiting = Progress(0, len(frames))
        network = chosen.sized((yield from self._loaded(chosen.file, waiting)))
        yield waiting
        times: deque[float] = deque(maxlen=_RECENT)
        tracked = iter_detections(stack, network, chosen.cascade, frames, chosen.contrast)
        for done, (frame, table, seconds) in enumerate(tracked, start=1):
            times.append(seconds)
            yield Progress(done, len(frames), frame, table, statistics.median(times))

    def _loaded(self, file: _File, waiting: Progress) -> Generator[Progress, None, Network]:
        """Return the network of a file, loaded in a thread of its own because loading cannot be interrupted."""
        if file not in self._networks:
            self._networks[file] = self._loader.submit(self._load, file[0])
        loading = self._networks[file]
        while not loading.done():
            yield waiting
            wait([loading], timeout=HEARTBEAT)
        if loading.exception():
            self._networks.pop(file, None)
        return loading.result()
