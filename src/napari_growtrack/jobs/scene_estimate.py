"""Estimate a scene from a film and the particles a person points at."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import OutputError, SettingsError
from ..core.files import check_apart, check_writable, write_bytes
from ..core.films import TimeAxis, open_stack
from ..core.scene_estimate import SceneEstimate, match_film
from ..core.simulation import Scene
from .context import Context, FilmFacts


@dataclass(frozen=True, eq=False)
class MatchFilm:
    """Estimate what a film's particles look like from some that a person clicked, (n, 3): frame, y, x."""

    film: FilmFacts
    points: np.ndarray
    name: str = "matched"
    diameter: float | None = None

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield a `SceneEstimate`."""
        film = context.film(self.film)
        yield match_film(film, self.points, self.name, diameter=self.diameter)


@dataclass(frozen=True, eq=False)
class MatchToFile:
    """Estimate what a film's particles look like, and write that as a scene.

    Attributes
    ----------
    film : path
        Whatever `open_stack` opens.
    points : ndarray (n, 3)
        Where some particles are: ``frame, y, x``.
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
    points: np.ndarray
    scene: str | Path
    name: str | None = None
    diameter: float | None = None
    shape: str | None = None
    channel: int | None = None
    z: int | None = None
    time_axis: TimeAxis | None = None

    def steps(self, context: Context | None = None) -> Generator[None, None, SceneEstimate]:
        """Return what was estimated; there is nothing to tell meanwhile.

        Raises
        ------
        StackError, SettingsError
            As `match_film` does.
        OutputError
            When the scene cannot be written, or something else lies there.
        """
        check_apart(str(self.film), str(self.scene))
        check_scene(self.scene)
        yield
        with open_stack(self.film, self.channel, self.z, self.time_axis) as stack:
            name = self.name or Path(self.scene).stem
            found = match_film(stack, self.points, name, diameter=self.diameter, shape=self.shape)
        write_bytes(self.scene, found.scene.to_json().encode())
        return found


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
