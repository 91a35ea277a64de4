"""A benchmark: what it shows, the pieces of work it is made of, and what is drawn and said of its results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ..datasets import Dataset
from ..files import write_whole
from ..progress import changed
from ..simulation import Scene
from .sources import Source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..growth.network import GrownNetwork
    from ..growth.plan import Plan
    from ..growth.schedule import Schedule

Scale = Literal["smoke", "laptop", "paper"]
"""``smoke``: seconds, to see that it runs. ``laptop``: at most half an hour on two cores. ``paper``: the thesis's own
settings."""

Rows = list[dict[str, Any]]
"""What is measured: the rows of a table."""

Tables = dict[str, Rows]
"""Tables by name; the main one has the name ``""``."""

Work = Generator[float, None, Tables]
"""Work that reports which part of it is done, 0 to 1, and returns what it measured."""


def frame_of(rows: Rows) -> Any:
    """Return rows as a DataFrame; its type is left open, since what columns hold is known only here."""
    return pd.DataFrame(rows)


def rows_of(table: Any) -> Rows:
    """Return a DataFrame as rows."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


class Claim(NamedTuple):
    """Something the thesis says, and what we measured of it.

    Attributes
    ----------
    figure : str
        The figure or table of the thesis.
    thesis, measured : str
    holds : bool or None
        None where it is no yes or no.
    """

    figure: str
    thesis: str
    measured: str
    holds: bool | None


@dataclass(frozen=True)
class Bench:
    """Where a benchmark runs.

    Attributes
    ----------
    scale : {"smoke", "laptop", "paper"}
    data : Path, optional
        Folder of films and data sets, or one of their files.
    work : Path, optional
        Folder for what a run keeps until it is finished.
    """

    scale: Scale = "smoke"
    data: Path | None = None
    work: Path | None = None

    def grown(
        self, key: str, plan: Plan, data: Scene | Dataset, schedule: Schedule, seed: int
    ) -> Generator[float, None, GrownNetwork]:
        """Grow a network, or take the one that was kept under this key; yields the part that is done."""
        from ..growth.training import iter_growth

        if self._path(key).exists():
            return self.kept(key, plan, schedule)
        network = yield from fractions(iter_growth(plan, data, schedule, seed))
        self.keep(key, network)
        return network

    def keep(self, key: str, network: GrownNetwork) -> None:
        """Keep a network's weights until the run is finished."""
        if self.work is not None:
            write_whole(self._path(key), lambda file: np.savez(file, **network.weights()))  # type: ignore[arg-type]

    def kept(self, key: str, plan: Plan, schedule: Schedule) -> GrownNetwork:
        """Return the network that was kept under a key."""
        from ..growth.network import GrownNetwork

        with np.load(self._path(key), allow_pickle=False) as weights:
            return GrownNetwork(plan, 0, schedule.normalisation, schedule.unit).fill(dict(weights))

    def _path(self, key: str) -> Path:
        return (self.work or Path("/nonexistent")) / f"{key}.npz"


def fractions(steps: Generator[Any, None, Any]) -> Generator[float, None, Any]:
    """Pass on the part that is done of what reports more, and return what it returns."""
    return changed(steps, lambda step: step.fraction)


@dataclass(frozen=True)
class Piece:
    """A part of a benchmark that is done as a whole, or again.

    Attributes
    ----------
    name : str
        Different for each piece of a benchmark.
    work : callable
    weight : float
        How much work it is, in any unit.
    """

    name: str
    work: Callable[[], Work]
    weight: float = 1.0


@dataclass(frozen=True)
class Case:
    """A benchmark.

    Attributes
    ----------
    about : str
        What it shows.
    pieces : callable
        Returns the pieces of its work.
    shows : tuple of str
        Figures and tables of the thesis.
    settings : callable
        Returns the numbers that a scale stands for.
    scales : tuple of str
    needs : tuple of Source
        Without these it cannot be measured.
    stands_in : bool
        Whether something simulated takes their place at ``smoke`` scale.
    uses : tuple of Source
        Without these something is left out.
    packages : tuple of str
        Packages it imports that are not always installed, each brought by the extra of its name.
    short : callable, optional
        Returns the table to be read, where the measured one is long.
    tables : mapping of str to callable
        Further tables, made of the measured ones.
    figures : mapping of str to callable
        Figures, by the end of their files' names.
    tell : callable, optional
        Returns a paragraph of numbers.
    claims : callable, optional
        Returns what the thesis says of it, and whether it holds.
    """

    about: str
    pieces: Callable[[Bench], list[Piece]]
    shows: tuple[str, ...] = ()
    settings: Callable[[Scale], dict[str, Any]] = lambda scale: {}
    scales: tuple[Scale, ...] = ("smoke", "laptop", "paper")
    needs: tuple[Source, ...] = ()
    stands_in: bool = False
    uses: tuple[Source, ...] = ()
    packages: tuple[str, ...] = ()
    short: Callable[[Tables], Rows] | None = None
    tables: Mapping[str, Callable[[Tables], Rows]] = field(default_factory=dict)
    figures: Mapping[str, Callable[[Tables, Bench], Figure]] = field(default_factory=dict)
    tell: Callable[[Tables], str] | None = None
    claims: Callable[[Tables], list[Claim]] | None = None

    def needed(self, scale: Scale) -> tuple[Source, ...]:
        """Return the files it cannot do without at a scale."""
        return () if self.stands_in and scale == "smoke" else self.needs

    def read(self, tables: Tables) -> Rows:
        """Return the table to be read."""
        return tables[""] if self.short is None else self.short(tables)


def measured(
    about: str,
    measure: Callable[..., Rows],
    draw: Callable[[Rows], Figure] | None = None,
    tables: Mapping[str, Callable[[Rows], Rows]] | None = None,
    figures: Mapping[str, Callable[[Rows], Figure]] | None = None,
    needs: tuple[Source, ...] = (),
    uses: tuple[Source, ...] = (),
    packages: tuple[str, ...] = (),
) -> Case:
    """Return a benchmark of our own, measured by one function in one piece."""

    def pieces(bench: Bench) -> list[Piece]:
        with_data = partial(measure, data=bench.data) if needs or uses else measure
        return [Piece("all", lambda: _at_once(lambda: with_data(bench.scale)))]

    drawn = ({"": draw} if draw else {}) | dict(figures or {})
    return Case(
        about,
        pieces,
        scales=("smoke", "laptop"),
        needs=needs,
        uses=uses,
        packages=packages,
        tables={name: lambda all_, make=make: make(all_[""]) for name, make in (tables or {}).items()},  # type: ignore[misc]
        figures={name: lambda all_, _, draw=draw: draw(all_[""]) for name, draw in drawn.items()},  # type: ignore[misc]
    )


def _at_once(measure: Callable[[], Rows]) -> Work:
    yield 0.0
    return {"": measure()}
