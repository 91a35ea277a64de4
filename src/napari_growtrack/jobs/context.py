"""What a job finds where it is run: networks, loaded once and kept, and the film it works on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..core.errors import NetworkFileError
from ..core.films import Stack
from ..core.networks.load import Network, load_network, network_path

_KEPT = 4


class NetworkFile(NamedTuple):
    """A network's file, and when it was last written, so that a file grown anew is loaded anew."""

    path: Path
    written: int

    @classmethod
    def of(cls, path: Path) -> NetworkFile:
        """Look when a file was written."""
        return cls(path, path.stat().st_mtime_ns)


class FilmFacts(NamedTuple):
    """What is known of a film before a frame is read."""

    name: str
    shape: tuple[int, int, int]
    full_scale: float
    told: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, film: Stack) -> FilmFacts:
        """Note what is known of a film."""
        return cls(film.name, film.shape, film.full_scale, tuple(film.told.items()))


class Loading(NamedTuple):
    """A network is being loaded; the first one takes seconds."""

    name: str


class Job(Protocol):
    """Something to be done, as a plain value that can be sent."""

    def steps(self, context: Context) -> Iterator[Any]:
        """Do it, yielding whatever there is to tell; values have to be sent as well."""


class Context:
    """Networks, and the film that is at hand.

    Parameters
    ----------
    load : callable
        Loads the network of a path.
    """

    def __init__(self, load: Callable[[Path], Network] = load_network) -> None:
        self._load = load
        self._networks: OrderedDict[NetworkFile, Network] = OrderedDict()
        self._film: Callable[[FilmFacts, Sequence[int]], Stack] | None = None

    def network(self, file: NetworkFile) -> Network:
        """Return the network of a file, loaded where that was not done before.

        Raises
        ------
        NetworkFileError
            When there is none, it is damaged, or was written anew meanwhile.
        """
        if file not in self._networks:
            if file.path.exists() and NetworkFile.of(file.path) != file:
                raise NetworkFileError(f"{file.path.name} was written anew since it was chosen. Choose it again.")
            self._networks[file] = self._load(file.path)
        self._networks.move_to_end(file)
        while len(self._networks) > _KEPT:
            self._networks.popitem(last=False)
        return self._networks[file]

    def named(self, name: str | Path) -> Network:
        """Return a bundled network by its name, or the network of a file.

        Raises
        ------
        NetworkFileError
            When there is none, or it is damaged.
        """
        path = network_path(name)
        return self.network(NetworkFile.of(path)) if path.exists() else self._load(path)

    def has(self, file: NetworkFile) -> bool:
        """Tell whether a network is loaded."""
        return file in self._networks

    def lay(self, film: Callable[[FilmFacts, Sequence[int]], Stack]) -> None:
        """Say how a job's film is to be had."""
        self._film = film

    def film(self, facts: FilmFacts, frames: Sequence[int] = ()) -> Stack:
        """Return the film that the job works on; `frames` are those it will want, in order."""
        if self._film is None:
            raise ValueError(f"the job wants the film {facts.name}, and was given none")
        return self._film(facts, frames)


@dataclass(frozen=True)
class SizedNetwork:
    """A network's file, and how wide particles look that it is to find, in pixels."""

    file: NetworkFile
    diameter: float

    def at(self, context: Context) -> Generator[Any, None, Network]:
        """Return the network itself, saying so where it has to be loaded."""
        if not context.has(self.file):
            yield Loading(self.file.path.stem)
        network = context.network(self.file)
        return network if self.diameter == network.diameter else network.for_diameter(self.diameter)
