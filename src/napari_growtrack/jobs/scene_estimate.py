"""Estimate a scene from a film and the particles a person points at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .context import Context, FilmFacts


@dataclass(frozen=True, eq=False)
class MatchFilm:
    """Estimate what a film's particles look like from some that a person clicked, (n, 3): frame, y, x."""

    film: FilmFacts
    points: np.ndarray
    name: str = "matched"
    diameter: float | None = None

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield a `Likeness`."""
        from ..core.scene_estimate import match_film

        film = context.film(self.film)
        yield match_film(film, self.points, self.name, diameter=self.diameter)
