"""Choose a network for a film, where the film's frames are."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from ..core.networks.choice import Chosen, Tried, iter_choice
from .context import Context, FilmFacts, Loading


@dataclass(frozen=True)
class ChooseNetwork:
    """Choose network, size and contrast by what explains a few frames of a film best; see `choose_network`."""

    film: FilmFacts

    def steps(self, context: Context) -> Generator[Loading | Tried | Chosen, None, None]:
        """Yield `Loading`, what each network makes of the film, and in the end what is `Chosen`."""
        yield Loading("")
        last = self.film.shape[0]
        film = context.film(self.film, sorted({0, last // 2}))
        yield (yield from iter_choice(film, load=context.named))
