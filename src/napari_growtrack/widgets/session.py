"""What panels share: what is chosen, the networks at hand, what was tracked, and the engines that work; free of Qt."""

from __future__ import annotations

import atexit
import os
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from platformdirs import user_data_path
from psygnal import Signal

from ..core.archive import SUFFIX
from ..core.card import Card
from ..core.detection import Cascade, Contrast
from ..core.errors import SettingsError
from ..core.networks import Network
from ..core.simulation import Scene
from ..core.stacks import CroppedStack, Stack
from ..core.tables import DETECTION_COLUMNS, empty
from ..core.zoo import bundled
from ..engine import Engine, FilmFacts, Here, Runs
from ..engine.jobs import Loading, LookAtFrame, Ready, Seen, TrackFilm
from .choice import Choice

FOLDER = "GROWTRACK_NETWORKS"
"""Environment variable that says where grown networks are kept."""

_RECENT = 101
_ENOUGH = 3


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
        That frame's candidates, ``frame, y, x, distance, votes, sigma,
        significance``.
    seconds : float
        Time a frame takes: the median of the latest, so that the first one's
        compilation is left out.
    passed : float
        Share of the frame's windows that the screening stage passed on.
    contrast : {"auto", "normal", "inverted"}
        Whether frames or their negatives are tracked; "auto" while that is
        not known.
    """

    done: int
    total: int
    frame: int | None = None
    table: pd.DataFrame = field(default_factory=lambda: empty(DETECTION_COLUMNS))
    seconds: float = 0.0
    passed: float = 0.0
    contrast: Contrast = "auto"

    @property
    def seconds_left(self) -> float | None:
        """Time the rest will take; None before there is enough to judge by."""
        return (self.total - self.done) * self.seconds if self.done >= _ENOUGH else None


class Region(NamedTuple):
    """A part of a film's frames, in whole pixels: from the first row and column to before the last."""

    top: int
    left: int
    bottom: int
    right: int

    def widened(self, margin: int, shape: tuple[int, int]) -> Region:
        """Return a part larger on all sides, as far as frames (Y, X) reach."""
        top, left = max(self.top - margin, 0), max(self.left - margin, 0)
        return Region(top, left, min(self.bottom + margin, shape[0]), min(self.right + margin, shape[1]))

    def inside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that lie in it."""
        y, x = table["y"].to_numpy(), table["x"].to_numpy()
        rows = (y >= self.top - 0.5) & (y < self.bottom - 0.5)
        return table[rows & (x >= self.left - 0.5) & (x < self.right - 0.5)]


class Engines:
    """The processes that work for panels: one tracks, one grows, one simulates; each is started when it is needed."""

    def __init__(self, make: Callable[[], Runs] = Engine) -> None:
        self.tracking, self.growing, self.simulating = make(), make(), make()

    def close(self) -> None:
        """End them all."""
        for engine in (self.tracking, self.growing, self.simulating):
            engine.close()


@cache
def shared_engines() -> Engines:
    """Return the engines that all viewers of this process share."""
    engines = Engines()
    atexit.register(engines.close)
    return engines


class Session:
    """What panels share.

    Parameters
    ----------
    engines : Engines, optional
        By default those that all viewers share.
    load : callable, optional
        Loads the network of a path; then everything runs in this process.

    Attributes
    ----------
    changed : Signal()
        Something else is chosen now.
    networks_changed : Signal()
        There are more or fewer networks at hand.
    scene_changed : Signal()
        There is another scene to simulate and to grow on.
    choice : Choice or None
    opened : dict of str to Path
        Networks that were opened from elsewhere or are growing, by what they are called.
    scene : Scene or None
        The one last matched to a film, or made by sliders.
    panels : dict of str to Panel
        Those that are open, by what they are called in the menu.

    Examples
    --------
    >>> session = Session()
    >>> session.choose("vesicles")  # doctest: +SKIP
    >>> [p.table for p in session.run(open_stack("film.tif"), range(10))]  # doctest: +SKIP
    """

    changed = Signal()
    networks_changed = Signal()
    scene_changed = Signal()

    def __init__(self, engines: Engines | None = None, load: Callable[[Path], Network] | None = None) -> None:
        self.choice: Choice | None = None
        self.scene: Scene | None = None
        self.opened: dict[str, Path] = {}
        self.panels: dict[str, Any] = {}
        self._engines = Engines(lambda: Here(load)) if load else engines

    @property
    def engines(self) -> Engines:
        """The processes that work."""
        return self._engines or shared_engines()

    # Networks -----------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where networks that were grown here are kept."""
        return Path(os.environ.get(FOLDER) or user_data_path("napari-growtrack", appauthor=False) / "networks")

    def networks(self) -> dict[str, str]:
        """Return the networks at hand: what they are called, and the name or path to choose them by."""
        mine = {path.stem: str(path) for path in sorted(self.folder.glob(f"*{SUFFIX}"))}
        opened = {title: str(path) for title, path in self.opened.items() if path.exists()}
        return {**{name: name for name in bundled()}, **mine, **opened}

    def offer(self, title: str, path: Path) -> None:
        """Add a network to those at hand."""
        self.opened[title] = path
        self.networks_changed.emit()

    def withdraw(self, title: str) -> None:
        """Take a network away from those at hand."""
        if self.opened.pop(title, None) is not None:
            self.networks_changed.emit()

    # What is chosen -----------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Choice:
        """What is chosen.

        Raises
        ------
        SettingsError
            When no network is.
        """
        if self.choice is None:
            raise SettingsError("Choose a network first.")
        return self.choice

    @property
    def card(self) -> Card:
        """The chosen network's card."""
        return self.chosen.card

    def choose(self, name: str) -> None:
        """Take a bundled network or a file, its last stage and its diameter; after an error the earlier choice stands.

        Contrast and whether to screen are kept from what was chosen before.

        Raises
        ------
        NetworkFileError
            When there is none, or the file is damaged.
        SettingsError
            When it tells classes apart instead of locating particles.
        """
        chosen = Choice.of(name)
        if self.choice is not None:
            chosen = chosen.with_(contrast=self.choice.contrast, screening=self.choice.screening)
        if name not in self.networks().values():
            self.offer(Path(name).stem, Path(name))
        self.restore(chosen)

    def change(self, **changes: Any) -> None:
        """Choose something else of the same network; another stage or screen has thresholds of its own."""
        if {"stage", "screening", "screen", "faithful"} & {*changes}:
            changes = {"accept_distance": None, "least_significance": None, **changes}
        self.restore(self.chosen.with_(**changes))

    def restore(self, choice: Choice) -> None:
        """Choose what was chosen before."""
        if choice != self.choice:
            self.choice = choice
            self.changed.emit()

    def take_scene(self, scene: Scene) -> None:
        """Keep a scene, to simulate and to grow on."""
        self.scene = scene
        self.scene_changed.emit()

    def cascade(self) -> Cascade:
        """Return the cascade of what is chosen.

        Raises
        ------
        SettingsError
            When nothing is chosen, or it was never calibrated.
        """
        return self.chosen.cascade()

    # Tracking -----------------------------------------------------------------------------------------------------

    def run(self, film: Stack, frames: Sequence[int], region: Region | None = None) -> Iterator[Progress | None]:
        """Return a generator that loads the network where needed, then tracks frame after frame.

        What is chosen now counts, whatever is chosen while it works. None comes
        now and then while there is nothing to tell, so it can be left at any time.

        Parameters
        ----------
        film : Stack
        frames : sequence of int
        region : Region, optional
            The part of the frames to track; a margin around it is looked at too.

        Raises
        ------
        SettingsError
            When nothing is chosen, or it was never calibrated.
        """
        choice = self.chosen
        return self._run(choice, choice.calibrated(), film, frames, region)

    def _run(
        self, choice: Choice, cascade: Cascade, film: Stack, frames: Sequence[int], region: Region | None
    ) -> Iterator[Progress | None]:
        part = _Part(film, region, choice)
        job = TrackFilm(choice.network, cascade, choice.contrast, FilmFacts.of(part.film), frames)
        contrast, done = choice.contrast, 0
        times: deque[float] = deque(maxlen=_RECENT)
        yield Progress(0, len(frames))
        for told in self.engines.tracking.run(job, part.film):
            if isinstance(told, Ready):
                contrast = told.contrast
                yield Progress(0, len(frames), contrast=contrast)
            elif isinstance(told, Seen):
                done += 1
                times.append(told.seconds)
                typical = statistics.median(times)
                yield Progress(done, len(frames), told.frame, part.on_film(told.table), typical, told.passed, contrast)
            else:
                yield None

    def look(
        self,
        film: Stack,
        frame: int,
        stages: Sequence[int],
        contrast: Contrast,
        region: Region | None = None,
        measure: bool = False,
    ) -> Iterator[Loading | Ready | Seen | None]:
        """Return a generator that lets stages look at one frame, and with `measure` tells how long each takes."""
        choice = self.chosen
        cascades = {stage: choice.calibrated(stage) for stage in stages}
        return self._look(choice, cascades, film, frame, contrast, region, measure)

    def _look(
        self,
        choice: Choice,
        cascades: dict[int, Cascade],
        film: Stack,
        frame: int,
        contrast: Contrast,
        region: Region | None,
        measure: bool,
    ) -> Iterator[Loading | Ready | Seen | None]:
        part = _Part(film, region, choice)
        yield None
        pixels = part.film[frame]
        job = LookAtFrame(choice.network, cascades, contrast, FilmFacts.of(part.film), frame, pixels, measure)
        for told in self.engines.tracking.run(job):
            yield told._replace(table=part.on_film(told.table)) if isinstance(told, Seen) else told


class _Part:
    """A film, or the part of it that is looked at, and how to bring what was found there back."""

    def __init__(self, film: Stack, region: Region | None, choice: Choice) -> None:
        self.film, self._region = film, region
        if region is not None:
            margin = int(np.ceil(choice.card.plan.side / choice.zoom / 2))
            self._wide = region.widened(margin, film.shape[1:])
            rows, columns = slice(self._wide.top, self._wide.bottom), slice(self._wide.left, self._wide.right)
            self.film = CroppedStack(film, rows, columns)

    def on_film(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return what was found in the part, in pixels of the whole film."""
        if self._region is None:
            return table
        return self._region.inside(table.assign(y=table["y"] + self._wide.top, x=table["x"] + self._wide.left))


_SESSIONS: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


def session_of(viewer: Any) -> Session:
    """Return the session that all panels of a viewer share."""
    if viewer not in _SESSIONS:
        _SESSIONS[viewer] = Session()
    return _SESSIONS[viewer]
