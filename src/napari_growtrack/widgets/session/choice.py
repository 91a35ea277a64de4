"""What a person looks at or has chosen to track with, as values that can be kept, compared and restored; free of Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from ...core.detection import Cascade, Contrast
from ...core.networks.archive import read_card
from ...core.networks.card import Card
from ...core.networks.load import network_path
from ...core.tables import NO_LIMITS, Limits
from ...jobs.context import NetworkFile, SizedNetwork


class Shown(NamedTuple):
    """The name or path of a network, its file, and its card."""

    name: str
    file: NetworkFile
    card: Card

    @classmethod
    def of(cls, name: str) -> Self:
        """Read a bundled network's card, or a file's.

        Raises
        ------
        NetworkFileError
            When there is none, or the file is damaged.
        """
        path = network_path(name)
        file = NetworkFile.of(path) if path.exists() else NetworkFile(path, 0)
        return cls(name, file, read_card(path))

    @property
    def locates(self) -> bool:
        """Whether it locates particles, rather than telling classes of images apart."""
        return self.card.recipe.scene is not None


@dataclass(frozen=True)
class Choice:
    """A network, its stage, how it screens, what particles look like, and what is accepted.

    Attributes
    ----------
    name : str
        Name of a bundled network, or the path of a file.
    card : Card
    file : NetworkFile
    stage : int
        The stage that gives the answer.
    diameter : float
        How wide particles look in the film, in pixels.
    screening : bool
        Whether another stage may screen; otherwise `stage` does.
    screen : int or None
        The stage that screens; None for the calibrated choice.
    faithful : bool
        Refine as the thesis does.
    contrast : {"auto", "normal", "inverted"}
        Whether the film or its negative is tracked; see `iter_detections`.
    accept_distance : float or None
        T2 in pixels of the film; None for the calibrated one.
    least_significance : float or None
        How many standard errors particles have to stand out; None for the
        calibrated number.
    limits : Limits
        Of what the fit measured; without any, all is accepted.
    """

    name: str
    card: Card
    file: NetworkFile
    stage: int
    diameter: float
    screening: bool = True
    screen: int | None = None
    faithful: bool = False
    contrast: Contrast = "auto"
    accept_distance: float | None = None
    least_significance: float | None = None
    limits: Limits = NO_LIMITS

    @classmethod
    def of(cls, name: str) -> Self:
        """Choose a bundled network or a file, its last stage and its own diameter.

        Raises
        ------
        NetworkFileError
            When there is none, or the file is damaged.
        SettingsError
            When it tells classes apart instead of locating particles.
        """
        _, file, card = Shown.of(name)
        return cls(name, card, file, card.plan.stages, card.recipe.located_scene.diameter)

    def with_(self, **changes: Any) -> Self:
        """Return a choice that differs."""
        return replace(self, **changes)

    @property
    def zoom(self) -> float:
        """How much larger the network sees a frame than it is."""
        return self.card.recipe.zoom * self.card.magnification(self.diameter)

    @property
    def network(self) -> SizedNetwork:
        """What an engine is told of the network."""
        return SizedNetwork(self.file, self.diameter)

    def calibrated(self, stage: int | None = None) -> Cascade:
        """Return the calibrated cascade of a stage, by default the chosen one.

        Raises
        ------
        SettingsError
            When it was never calibrated.
        """
        stage = stage or self.stage
        screen = self.screen if self.screen is None else min(self.screen, stage)
        cascade = self.card.cascade(stage, screen if self.screening else stage, self.faithful)
        return cascade.for_films(self.card.magnification(self.diameter))

    def cascade(self, known: Cascade | None = None) -> Cascade:
        """Return the cascade as it is chosen: with the thresholds that were moved.

        Else as a film was looked at, if that is `known`, or calibrated.
        """
        cascade = (known or self.calibrated()).on_film(self.zoom, accept_distance=self.accept_distance)
        return cascade if self.least_significance is None else cascade.with_(least_significance=self.least_significance)

    def finds_the_same(self, other: Choice) -> bool:
        """Tell whether another choice has the same candidates, and differs at most in what it accepts of them."""
        one, two = (each.with_(accept_distance=None, least_significance=None) for each in (self, other))
        return (one.file, *one._ways) == (two.file, *two._ways)

    @property
    def _ways(self) -> tuple[Any, ...]:
        return self.stage, self.diameter, self.screening, self.screen, self.faithful, self.contrast

    def recipe(self, known: Cascade | None = None) -> dict[str, Any]:
        """Return what a result carries to be made again: network, settings, version and seed; see `cascade`."""
        seen = {"diameter": self.diameter, "contrast": self.contrast}
        limited = {"limits": self.limits.plain()} if self.limits else {}
        return {**self.card.made_with(self.cascade(known)), "network": self.name, **seen, **limited}
