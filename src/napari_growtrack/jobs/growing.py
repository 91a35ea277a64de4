"""Grow a network, import one, or find its thresholds again, and save it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.datasets import Dataset
from ..core.files import check_writable, write_or_rescue
from ..core.files.holding import Hold
from ..core.networks.archive import SUFFIX
from ..core.networks.card import Card, Recipe
from ..core.networks.load import Network
from ..core.simulation import Scene
from .context import Context, Loading, NetworkFile

if TYPE_CHECKING:
    from ..core.networks.calibration import MakingProgress

KEPT = ".growing"
"""What is added to a network's name where growing is kept."""


class SavedNetwork(NamedTuple):
    """A network that was made.

    Attributes
    ----------
    path : Path
        Where it is.
    card : Card
        What it is and what it reaches.
    """

    path: Path
    card: Card


@dataclass(frozen=True, eq=False)
class Grow:
    """Grow a network and save it.

    Attributes
    ----------
    recipe : Recipe
    path : Path
        Where the network goes.
    keep : Path, optional
        Where growing is kept when it is paused or stopped; by default ``<path>.growing``. It goes at the end.
    usable : Path, optional
        Where a network that can be used already is left meanwhile. It goes at the end.
    start : NetworkFile or Network, optional
        A network whose stages the recipe's plan begins with.
    data : (Dataset, Dataset), optional
        Images to learn from and to judge by, for a recipe of classes.
    resume : bool
        Go on from what was kept, if anything was, by the recipe that is kept with it.
    quick : bool
        Calibrate on fewer frames.
    watch : bool
        Report errors on images that no stage learns from meanwhile.
    """

    recipe: Recipe
    path: Path
    keep: Path | None = None
    usable: Path | None = None
    start: NetworkFile | Network | None = None
    data: tuple[Dataset, Dataset] | None = None
    resume: bool = False
    quick: bool = False
    watch: bool = False

    @property
    def kept(self) -> Path:
        """Where growing is kept."""
        return self.keep or Path(f"{self.path}{KEPT}")

    def steps(self, context: Context | None = None) -> Generator[Loading | MakingProgress, None, SavedNetwork]:
        """Yield `Loading` and `MakingProgress`; return what was made.

        Raises
        ------
        OutputError
            Before growing, when `path` cannot be written, or another process grows
            the same network; or after it: then the network lies in the temporary
            folder, and what was kept is still there.
        """
        check_network(self.path)
        with Hold(self.kept), Hold(self.path):
            return (yield from self._grown(context or Context()))

    def _grown(self, context: Context) -> Generator[Any, None, SavedNetwork]:
        from ..core.networks.build import iter_make, recipe_kept

        yield Loading(self.recipe.name)
        resume = self.resume and self.kept.exists()
        recipe = recipe_kept(self.kept) if resume else self.recipe
        start = context.network(self.start) if isinstance(self.start, NetworkFile) else self.start
        network = yield from iter_make(
            recipe,
            self.data,
            None if resume else start,
            keep=self.kept,
            resume=resume,
            watch=self.watch,
            usable=self.usable,
            quick=self.quick,
        )
        write_or_rescue(self.path, network.save)
        for path in filter(None, (self.kept, self.usable)):
            with suppress(OSError):  # somebody may have it open
                path.unlink(missing_ok=True)
        return SavedNetwork(Path(self.path), network.card)


@dataclass(frozen=True)
class Calibrate:
    """Find a network's thresholds again, measure what it reaches, and save it; its weights stay.

    Attributes
    ----------
    network : str or path
        A bundled network's name, or a file.
    path : path
        Where it goes.
    """

    network: str | Path
    path: str | Path

    def steps(self, context: Context | None = None) -> Generator[Loading | MakingProgress, None, SavedNetwork]:
        """Yield `Loading` and `MakingProgress`; return what was made.

        Raises
        ------
        NetworkFileError, SettingsError
            When it cannot be loaded, or does not locate.
        OutputError
            When `path` cannot be written.
        """
        check_network(self.path)
        yield Loading(str(self.network))
        from ..core.networks.build import iter_calibrate

        network = (context or Context()).named(self.network)
        return (yield from _saved(iter_calibrate(network), self.path))


@dataclass(frozen=True)
class ImportDeepTrack:
    """Make a network of DeepTrack 1.0 ready to track with, and save it.

    Attributes
    ----------
    file : path
        HDF5, as DeepTrack 1.0 publishes them.
    path : path
        Where the network goes.
    scene : Scene
        What its particles look like.
    box : int, optional
        Side in pixels of the boxes it looks at.
    """

    file: str | Path
    path: str | Path
    scene: Scene
    box: int | None = None

    def steps(self, context: Context | None = None) -> Generator[MakingProgress, None, SavedNetwork]:
        """Yield `MakingProgress`; return what was made.

        Raises
        ------
        NetworkFileError
            When the file is not such a network.
        OutputError
            When `path` cannot be written.
        """
        from ..core.networks.build import iter_import

        check_network(self.path)
        return (yield from _saved(iter_import(self.file, self.scene, self.box), self.path))


def _saved(
    making: Generator[MakingProgress, None, Network], path: str | Path
) -> Generator[MakingProgress, None, SavedNetwork]:
    network = yield from making
    write_or_rescue(path, network.save)
    return SavedNetwork(Path(path), network.card)


def check_network(path: str | Path) -> None:
    """Refuse a place where no network can be written, before it is made.

    Raises
    ------
    OutputError
    """
    check_writable(path, "a network", (SUFFIX,))
