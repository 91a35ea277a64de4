"""What panels share: what is chosen, the networks at hand, the scene, and the engines that work; free of Qt."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from platformdirs import user_data_path
from psygnal import Signal

from ...core.detection import Cascade, Contrast
from ...core.errors import SettingsError
from ...core.films import Stack
from ...core.networks.archive import SUFFIX
from ...core.networks.bundled import bundled
from ...core.networks.card import Card
from ...core.networks.choice import Tried
from ...core.networks.load import Network
from ...core.simulation import Scene
from ...engine import Engine, Here, Runs
from ...jobs.choosing import ChooseNetwork
from ...jobs.context import FilmFacts, Loading
from ...jobs.tracking import LookAtFrame, Ready, Seen, TrackFilm
from .choice import Choice
from .region import Pace, Part, Region, TrackingProgress

_TO_KEEP = 25.0
"""Seconds in which a network that is growing is kept, at the end of the program."""

FOLDER = "GROWTRACK_NETWORKS"
"""Environment variable that says where grown networks are kept."""


class Engines:
    """The processes that work for panels: one each tracks, grows, simulates, links and reads off motion.

    Each is started when it is needed.
    """

    def __init__(self, make: Callable[[], Runs] | None = None) -> None:
        self.tracking, self.simulating = (make or Engine)(), (make or Engine)()
        self.motion = (make or Engine)()
        self.growing = make() if make else Engine(patience=_TO_KEEP)

    def close(self) -> None:
        """End them all."""
        for engine in (self.tracking, self.growing, self.simulating, self.motion):
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
    automatic : bool
        Whether the film tells which network is chosen, until a person does.
    opened : dict of str to Path
        Networks that were opened from elsewhere or are growing, by what they are called.
    scene : Scene or None
        The one last matched to a film, or made by sliders.
    panels : dict of str to Panel
        Those that are open, by what they are called in the menu.
    records : list of Record
        The runs so far.

    Examples
    --------
    >>> session = Session()
    >>> session.choose("vesicles")  # doctest: +SKIP
    >>> [p.table for p in session.run(open_stack("film.tif"), range(10)) if p is not None]  # doctest: +SKIP
    """

    changed = Signal()
    networks_changed = Signal()
    scene_changed = Signal()

    def __init__(self, engines: Engines | None = None, load: Callable[[Path], Network] | None = None) -> None:
        self.choice: Choice | None = None
        self.automatic = False
        self.scene: Scene | None = None
        self.opened: dict[str, Path] = {}
        self.panels: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.records: list[Any] = []
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
        """Add a network to those at hand; another one of that title keeps its place."""
        taken = {name: Path(known) for name, known in self.networks().items()}
        number, called = 2, title
        while taken.get(called, path) != path:
            called, number = f"{title} ({number})", number + 1
        self.opened[called] = path
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

    def take(self, tried: Tried) -> None:
        """Choose what was tried on a film: network, size and contrast."""
        chosen = Choice.of(tried.network)
        screening = chosen.screening if self.choice is None else self.choice.screening
        self.restore(chosen.with_(diameter=tried.diameter, contrast=tried.contrast, screening=screening))

    def by_hand(self) -> None:
        """Keep what a person chooses from now on, whatever films tell."""
        if self.automatic:
            self.automatic = False
            self.changed.emit()

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

    def tries(self, film: Stack) -> Iterator[Any]:
        """Return a generator that tries networks on a film, and yields what each makes of it and what is `Chosen`."""
        return self.engines.tracking.run(ChooseNetwork(FilmFacts.of(film)), film)

    # Tracking -----------------------------------------------------------------------------------------------------

    def run(
        self, film: Stack, frames: Sequence[int], region: Region | None = None
    ) -> Iterator[TrackingProgress | None]:
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
    ) -> Iterator[TrackingProgress | None]:
        part = Part(film, region, choice)
        job = TrackFilm(choice.network, cascade, choice.contrast, FilmFacts.of(part.film), frames)
        contrast, done = choice.contrast, 0
        pace = Pace()
        yield TrackingProgress(0, len(frames))
        for told in self.engines.tracking.run(job, part.film):
            if isinstance(told, Ready):
                contrast = told.contrast
                yield TrackingProgress(0, len(frames), contrast=contrast)
            elif isinstance(told, Seen):
                done += 1
                typical = pace.after(told.seconds)
                table = part.on_film(told.table)
                yield TrackingProgress(
                    done, len(frames), told.frame, table, typical, told.passed, contrast, told.cascade
                )
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
        known: Mapping[int, Cascade] | None = None,
    ) -> Iterator[Loading | Ready | Seen | None]:
        """Return a generator that lets stages look at one frame, and with `measure` tells how long each takes.

        Stages whose cascades are `known` from another frame do not ask for the film's noise again.
        """
        choice = self.chosen
        cascades = {stage: (known or {}).get(stage) or choice.calibrated(stage) for stage in stages}
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
        part = Part(film, region, choice)
        yield None
        pixels = part.film[frame]
        job = LookAtFrame(choice.network, cascades, contrast, FilmFacts.of(part.film), frame, pixels, measure)
        for told in self.engines.tracking.run(job):
            yield told._replace(table=part.on_film(told.table)) if isinstance(told, Seen) else told


_SESSIONS: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


def session_of(viewer: Any) -> Session:
    """Return the session that all panels of a viewer share."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # napari wraps it anew for every panel
    if viewer not in _SESSIONS:
        _SESSIONS[viewer] = Session()
    return _SESSIONS[viewer]
