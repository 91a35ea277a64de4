"""Estimate a scene from a film and the particles a person points at, or those that are found; adapt a network to it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.detection import detect
from ..core.errors import OutputError, SettingsError
from ..core.files import check_apart, check_writable, write_bytes
from ..core.films import Stack, TimeAxis, open_stack
from ..core.networks.bundled import SMALLEST
from ..core.networks.card import Recipe
from ..core.networks.choice import Chosen, choose_network, typical
from ..core.networks.load import Network
from ..core.scene_estimate import SceneEstimate, match_film
from ..core.simulation import Scene
from .context import Context, FilmFacts, Loading
from .growing import Grow, SavedNetwork, check_network

if TYPE_CHECKING:
    from ..core.networks.calibration import MakingProgress


@dataclass(frozen=True, eq=False)
class MatchFilm:
    """Estimate what a film's particles look like from some that a person clicked, (n, 3): frame, y, x.

    Without any, from some that the network finds which explains the film best.
    """

    film: FilmFacts
    points: np.ndarray
    name: str = "matched"
    diameter: float | None = None

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Loading`, where no points are given, and a `SceneEstimate`."""
        film = context.film(self.film)
        if not len(self.points):
            yield Loading("")
            yield _matched(film, *found_on(film, context, self.diameter), self.name)
        else:
            yield match_film(film, self.points, self.name, diameter=self.diameter)


@dataclass(frozen=True, eq=False)
class MatchToFile:
    """Estimate what a film's particles look like, and write that as a scene.

    Attributes
    ----------
    film : path
        Whatever `open_stack` opens.
    points : ndarray (n, 3) or None
        Where some particles are: ``frame, y, x``. Without, some that the network finds which explains the film best.
    scene : path
        Where the scene goes, as JSON.
    name : str, optional
        The scene's; by default its file's.
    diameter : float, optional
        How wide the particles look, in pixels.
    shape : str, optional
        Of the particles; see `match_film`.
    channel, z, time_axis
        As for `open_stack`.
    """

    film: str | Path
    points: np.ndarray | None
    scene: str | Path
    name: str | None = None
    diameter: float | None = None
    shape: str | None = None
    channel: int | None = None
    z: int | None = None
    time_axis: TimeAxis | None = None

    def steps(self, context: Context | None = None) -> Generator[Loading | Chosen, None, SceneEstimate]:
        """Yield `Loading`, what is `Chosen` where no points are given, and return what was estimated.

        Raises
        ------
        StackError, SettingsError
            As `match_film` does.
        OutputError
            When the scene cannot be written, or something else lies there.
        """
        check_apart(str(self.film), str(self.scene))
        check_scene(self.scene)
        yield Loading("")
        with open_stack(self.film, self.channel, self.z, self.time_axis) as stack:
            name, points = self.name or Path(self.scene).stem, self.points
            if points is None:
                points, chosen = found_on(stack, context or Context(), self.diameter)
                yield chosen
                found = _matched(stack, points, chosen, name, self.shape)
            else:
                found = match_film(stack, points, name, diameter=self.diameter, shape=self.shape)
        write_bytes(self.scene, found.scene.to_json().encode())
        return found


class Found(NamedTuple):
    """Particles of a film, (n, 3): ``frame, y, x``, and what was chosen to find them."""

    points: np.ndarray
    chosen: Chosen


def found_on(stack: Stack, context: Context, diameter: float | None = None) -> Found:
    """Find some typical particles of a film, by the network that explains it best.

    Raises
    ------
    SettingsError
        When no network knows anything in it.
    """
    chosen = choose_network(stack, diameter=diameter, load=context.named)
    if chosen.explains:
        network = chosen.best.sized(context.named)
        table = detect(stack, network, network.cascade(), sorted({0, len(stack) // 2}), chosen.best.contrast)
        if len(points := typical(table, stack.shape[1:])):
            return Found(points, chosen)
    raise SettingsError("No network knows anything in this film. Point at a few of its particles.")


def _matched(stack: Stack, points: np.ndarray, chosen: Chosen, name: str, shape: str | None = None) -> SceneEstimate:
    """Match a film by particles that were found: as wide as they were measured, and Gaussian where that was fitted."""
    gaussian = chosen.best.network == SMALLEST
    return match_film(
        stack, points, name, diameter=chosen.best.width, shape=shape or ("gaussian" if gaussian else None)
    )


class Adapted(NamedTuple):
    """A network that was grown further on what a film looks like.

    Attributes
    ----------
    estimate : SceneEstimate
        What the film's particles look like.
    saved : SavedNetwork
    chosen : Chosen
        How it explains the film, and the network it began with.
    """

    estimate: SceneEstimate
    saved: SavedNetwork
    chosen: Chosen


@dataclass(frozen=True)
class AdaptToFilm:
    """Grow the network that explains a film best one stage further, on what the film's particles look like.

    Attributes
    ----------
    film : path
        Whatever `open_stack` opens.
    path : path
        Where the network goes; it is left only if it explains the film better than the one it began with.
    minutes : float
        Of growing.
    channel, z, time_axis
        As for `open_stack`.
    """

    film: str | Path
    path: str | Path
    minutes: float = 1.0
    channel: int | None = None
    z: int | None = None
    time_axis: TimeAxis | None = None

    def steps(
        self, context: Context | None = None
    ) -> Generator[Chosen | SceneEstimate | Loading | MakingProgress, None, Adapted]:
        """Yield what is `Chosen` to begin with, the `SceneEstimate`, and how far growing is; return what came of it.

        Raises
        ------
        SettingsError
            When no network knows anything in the film, it cannot be grown further, or is no better for it.
        OutputError
            When the network cannot be written.
        """
        check_apart(str(self.film), str(self.path))
        check_network(self.path)
        context = context or Context()
        with open_stack(self.film, self.channel, self.z, self.time_axis) as stack:
            points, chosen = found_on(stack, context)
            yield chosen
            name = Path(self.path).stem
            estimate = _matched(stack, points, chosen, name)
            yield estimate
            start, recipe = _to_adapt(chosen, estimate.scene, self.minutes, name, context)
            grown = Path(f"{self.path}.trial.growtrack")
            try:
                saved = yield from Grow(recipe, grown, start=start, quick=True).steps(context)
                judged = self._judged(stack, context, start, grown, chosen)
                grown.replace(self.path)
            finally:
                grown.unlink(missing_ok=True)
        return Adapted(estimate, saved._replace(path=Path(self.path)), judged)

    def _judged(self, stack: Stack, context: Context, start: Network, grown: Path, before: Chosen) -> Chosen:
        """Return how a grown network explains the film beside the one it began with; refuse one that is no better.

        It is tried alone, so that its best size is looked at as long as the best before it was.
        """
        judged = choose_network(stack, among=[str(grown)], load=context.named)
        mine = judged.best
        if mine.evidence <= before.best.evidence:
            share = max(mine.evidence, 0.0) / before.best.evidence
            raise SettingsError(
                f"Grown further, {start.card.name} explains {share:.0%} of what {before.best} does, so it is not kept. "
                "Track with that, or grow for longer."
            )
        left = judged.left and judged.left._replace(network=str(self.path))
        return Chosen((mine._replace(network=str(self.path)), *before.tried), left=left)


def _to_adapt(chosen: Chosen, scene: Scene, minutes: float, name: str, context: Context) -> tuple[Network, Recipe]:
    """Return the network that explains a film best among those that can be grown further on a scene, and the recipe."""
    from ..core.networks.build import adapted

    refused = None
    for network in dict.fromkeys(tried.network for tried in chosen.tried):
        start = context.named(network)
        try:
            return start, adapted(start.card, scene, minutes, name)
        except SettingsError as error:
            refused = refused or error
    raise refused or SettingsError("There is no network to grow further.")


def check_scene(path: str | Path) -> None:
    """Refuse a place where no scene can be written, or where something else lies, as how a table was made.

    Raises
    ------
    OutputError
    """
    check_writable(path, "a scene", (".json",))
    if Path(path).exists():
        try:
            Scene.from_file(path)
        except SettingsError as error:
            raise OutputError(f"Cannot write {path}: what is there is no scene. Choose another name.") from error
