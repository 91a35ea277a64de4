"""From what a person wants to grow to a recipe, and the files it leaves; free of Qt."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ...core.errors import SettingsError
from ...core.files.holding import Hold, check_free
from ...core.growth.plan import Plan
from ...core.growth.presets import PLANS
from ...core.growth.schedule import Schedule
from ...core.networks.archive import SUFFIX
from ...core.networks.build import adapted
from ...core.networks.card import Card, Recipe
from ...core.settings import Span
from ...core.simulation import Scene
from ...engine import Runs
from ...jobs.growing import KEPT, Grow

UNFINISHED = "growing"
"""The folder of networks that can be tracked with while they grow."""

STRIDED, DEPTH = "strided (recommended)", "depth (thesis)"
_TITLES = {"strided": STRIDED, "depth": DEPTH}

PRESETS: dict[str, Callable[..., Plan]] = {_TITLES.get(name, name): lay for name, lay in PLANS.items()}
"""What lays each named plan, by what it is called here."""

BRIEF = 2.0
"""A network that grows no longer than so many minutes is calibrated and measured quickly, too."""

BETTER = 0.95
"""A stage whose error is less than this part of the last one's is better."""

_UNLIKE = 1.5
_NARROW, _WIDE = (12.0, 39), (24.0, 51)
_DIAMETERS = 2.2
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 80


@dataclass(frozen=True)
class Wish:
    """What is to be grown.

    Attributes
    ----------
    name : str
        Of the new network, and of its file.
    scene : Scene
    plan : Plan
    minutes : float or None
        Time to grow; None for the thesis's schedule.
    together : bool
        Whether stages learn side by side.
    start : Card or None
        Of the network whose stages the plan begins with.
    """

    name: str
    scene: Scene
    plan: Plan
    minutes: float | None = 5.0
    together: bool = True
    start: Card | None = None

    def recipe(self) -> Recipe:
        """Return the recipe to grow by.

        Raises
        ------
        SettingsError
            When scene, plan, schedule and the network to begin with do not fit one another.
        """
        if self.scene.density.high == 0:
            raise SettingsError(f"The scene {self.scene.name} has no particles to learn from. Choose another one.")
        if self.minutes is None and self.plan.outputs == 4:
            raise SettingsError(
                "The thesis's schedule does not go with this plan, whose fourth output learns how uncertain a position "
                f"is. Choose another plan, such as {DEPTH}, or grow by the clock."
            )
        schedule = thesis() if self.minutes is None else by_the_clock(self.minutes, self.together)
        if self.start is None:
            about = f"Grown on the scene {self.scene.name}. {self.scene.about}".rstrip()
            return Recipe(name=self.name, about=about, plan=self.plan, scene=self.scene, schedule=schedule)
        further = adapted(self.start, self.scene, self.minutes or 1.0, self.name)
        if self.plan.stages <= self.start.plan.stages:
            raise SettingsError(f"There is nothing to grow: add a stage to those of {self.start.name}.")
        same = {name: getattr(further.schedule, name) for name in ("normalisation", "unit")}
        return further.with_(plan=self.plan, schedule=schedule.with_(**same))


def by_the_clock(minutes: float, together: bool) -> Schedule:
    """Return a schedule of some minutes for the whole network."""
    return Schedule(minutes=minutes, together=together)


def thesis() -> Schedule:
    """Return the thesis's schedule."""
    return Schedule.thesis()


def likest(scene: Scene, cards: Mapping[str, Card]) -> str | None:
    """Return the network that knows the particles most like a scene's and can be grown further on it, by its name.

    They are compared by size, by which orders they are made of, and by whether
    those are bright or dark; None where all are too different.
    """
    likeness: dict[str, float] = {}
    for name, card in cards.items():
        with suppress(SettingsError):
            adapted(card, scene, 1.0, name)
            likeness[name] = _unlikeness(scene, card.recipe.located_scene)
    best = min(likeness, key=lambda name: likeness[name], default=None)
    return best if best is not None and likeness[best] < _UNLIKE else None


def _unlikeness(scene: Scene, other: Scene) -> float:
    """Return how much two scenes' particles differ: 1 for twice the size, or for another make."""
    makes = [_makes(one) for one in (scene, other)]
    shared = len(makes[0] & makes[1]) / max(len(makes[0] | makes[1]), 1)
    return abs(math.log2(scene.diameter / other.diameter)) + 1 - shared


def _makes(scene: Scene) -> set[tuple[str, int, bool]]:
    """Return the profiles that a scene's particles are made of, and whether they are bright."""
    scales = ((kind.named(), n, scale) for kind in scene.particles for n, scale in kind.amplitudes.items())
    return {(name, n, bright) for name, n, scale in scales for bright in (True, False) if _reaches(scale, bright)}


def _reaches(scale: Span, bright: bool) -> bool:
    return scale.high > 0 if bright else scale.low < 0


def window_for(scene: Scene) -> int:
    """Return the side in pixels of windows that a scene's particles are found with.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import named_scene
    >>> window_for(named_scene("vesicles")), window_for(named_scene("beads"))
    (39, 51)
    """
    widest = scene.diameters[1]
    for most, window in (_NARROW, _WIDE):
        if widest <= most:
            return window
    return 2 * math.ceil(_DIAMETERS * widest / 2) + 1


# Names and files ------------------------------------------------------------------------------------------------------


class Files(NamedTuple):
    """Where a network goes, where its growing is kept, and where a network is left meanwhile."""

    path: Path
    keep: Path
    usable: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Files:
        """Return the files of a network's name."""
        return cls(folder / f"{name}{SUFFIX}", folder / f"{name}{KEPT}", folder / UNFINISHED / f"{name}{SUFFIX}")

    @property
    def name(self) -> str:
        """The network's name."""
        return self.keep.name.removesuffix(KEPT)

    @property
    def title(self) -> str:
        """What the network is called while it grows."""
        return f"{self.name} (growing)"

    def beginning(self, recipe: Recipe) -> Grow:
        """Return the job that grows a network by a recipe; `start` is for the caller to add."""
        return Grow(recipe, self.path, self.keep, self.usable, quick=_brief(recipe), watch=True)

    def check_free(self) -> None:
        """Refuse where another process, as a second napari, grows this network.

        Raises
        ------
        OutputError
            With which process that is.
        """
        for path in (self.keep, self.path):
            check_free(path)

    def discard(self) -> None:
        """Remove what was kept.

        Raises
        ------
        OutputError
            When another process goes on with it.
        """
        with Hold(self.keep), Hold(self.path):
            for path in (self.keep, self.usable):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _brief(recipe: Recipe) -> bool:
    return (recipe.schedule.minutes or math.inf) <= BRIEF


def names_kept(folder: Path) -> list[str]:
    """Return the names of networks whose growing was left, the latest first."""
    found = {}
    for path in folder.glob(f"*{KEPT}"):
        with suppress(OSError):
            found[path.name.removesuffix(KEPT)] = path.stat().st_mtime
    return sorted(found, key=lambda name: -found[name])


def check_name(name: str, taken: Collection[str]) -> None:
    """Refuse a name that no file can have, or that another network has.

    Raises
    ------
    SettingsError
        With a name to take instead, where there is one.
    """
    if not name.strip():
        raise SettingsError("Give the network a name.")
    if (wrong := _FORBIDDEN.search(name)) is not None:
        raise SettingsError(f"A network's name becomes a file's name, which cannot contain {wrong.group()!r}.")
    if name != name.strip() or name.startswith(".") or name.endswith(".") or _RESERVED.fullmatch(name):
        raise SettingsError(f"A network's name becomes a file's name, which cannot be {name!r}.")
    if len(name) > _LONGEST:
        raise SettingsError(f"Expected a name of up to {_LONGEST} letters, got {len(name)}.")
    if (free := free_name(name, taken)) != name:
        raise SettingsError(f"There is a network named {name} already. Take another name, such as {free}.")


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that a file can have and that nobody has: the name itself, or with a number.

    Examples
    --------
    >>> free_name("matched", ["beads"]), free_name("matched", ["Matched", "matched 2"])
    ('matched', 'matched 3')
    """
    name = _FORBIDDEN.sub("-", name)[:_LONGEST].strip(" .") or "network"
    used, number, free = {other.casefold() for other in taken}, 1, name
    while free.casefold() in used:
        number += 1
        free = f"{name[: _LONGEST - 4]} {number}"
    return free


# While it grows -------------------------------------------------------------------------------------------------------


class Grown(NamedTuple):
    """A network is finished, and lies there."""

    path: Path


def grow(engine: Runs, job: Grow) -> Generator[Any, None, None]:
    """Have a network grown: yield what its job yields, and at last where it lies."""
    saved = yield from engine.run(job)
    yield Grown(saved.path)


def best_stage(errors: Mapping[int, float], last: int) -> int:
    """Return the stage to track with: the last one, unless the error of an earlier one is markedly less."""
    best = min(errors, key=lambda one: errors[one], default=last)
    return best if last in errors and errors[best] < BETTER * errors[last] else last
