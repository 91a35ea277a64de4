"""Networks ready to track with: load them by name or from a file, and save them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from ..detection.cascade import Cascade
from ..detection.fit import Fits, ParticleModel, fit_particles, without_particles
from ..errors import NetworkFileError
from ..films.normalisation import Normalisation
from .archive import SUFFIX, Weights, read_archive, write_archive
from .bundled import bundled
from .card import Card

if TYPE_CHECKING:
    from ..growth.network import GrownNetwork
    from ..growth.plan import Plan


@dataclass(frozen=True, repr=False)
class Network:
    """A grown network with its card; it is a `StagedNetwork`.

    Attributes
    ----------
    grown : GrownNetwork
    card : Card
    magnification : float
        How much larger frames are made for it than it was grown for; see
        `for_diameter`.
    pairs : bool
        Whether two particles are fitted where one looks like two.
    """

    grown: GrownNetwork
    card: Card
    magnification: float = 1.0
    pairs: bool = True

    def __repr__(self) -> str:
        size = "" if self.magnification == 1 else f", particles {self.diameter:.3g} px wide"
        return f"Network({self.card.name}, {self.stages} stages, window {self.window} px{size})"

    @property
    def fingerprint(self) -> str:
        """What tells these weights from all others: 64 letters and digits."""
        arrays = sorted(self.grown.weights().items())
        return sha256(b"".join(name.encode() + array.tobytes() for name, array in arrays)).hexdigest()

    @property
    def plan(self) -> Plan:
        """The growth table."""
        return self.grown.plan

    @property
    def window(self) -> int:
        """Side of the window in pixels."""
        return self.grown.window

    @property
    def step(self) -> int:
        """Distance of neighbouring windows in an answer, in pixels."""
        return self.grown.step

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return self.grown.stages

    @property
    def normalisation(self) -> Normalisation:
        """How frames are scaled."""
        return self.grown.normalisation

    @property
    def zoom(self) -> float:
        """How much larger the network sees a frame than it is."""
        return self.grown.zoom * self.magnification

    @property
    def diameter(self) -> float:
        """How wide particles of a film are that it knows best, in pixels; see `Scene.diameter`."""
        return self.card.recipe.located_scene.diameter / self.magnification

    def for_diameter(self, diameter: float) -> Self:
        """Return the same network for a film with particles of another size: frames are resampled for it.

        Parameters
        ----------
        diameter : float
            How wide the particles look in the film, in pixels; see `Scene.diameter`.

        Raises
        ------
        SettingsError
            When frames would have to be made too large or too small; see `Card.magnification`.
        """
        return replace(self, magnification=self.card.magnification(diameter))

    @cached_property
    def _model(self) -> ParticleModel:
        return ParticleModel.of(self.card.recipe.located_scene, self.magnification, self.pairs)

    def fit(self, frame: np.ndarray, positions: np.ndarray, farthest: float) -> Fits:
        """Fit the scene's particles to a frame of the film, beginning at some positions; see `fit_particles`."""
        return fit_particles(frame, positions, self._model, farthest)

    def without_particles(self, frame: np.ndarray, positions: np.ndarray, farthest: float) -> np.ndarray:
        """Return a frame without the particles that are fitted at some positions; see `without_particles`."""
        return without_particles(frame, positions, self._model, farthest)

    def answer(self, images: np.ndarray, stage: int) -> np.ndarray:
        """Answer every aligned window of normalised images; see `GrownNetwork.answer`."""
        return self.grown.answer(images, stage)

    def cascade(
        self, stage: int | None = None, screen: int | None = None, faithful: bool = False, polish: bool = True
    ) -> Cascade:
        """Return the calibrated cascade for a stage; see `Card.cascade` and `Cascade.for_films`."""
        return self.card.cascade(stage, screen, faithful, polish).for_films(self.magnification)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file, whole or not at all.

        Raises
        ------
        OutputError
            When the disk refuses.
        """
        write_archive(path, self.card, self.grown.weights())


def network_path(name: str | os.PathLike[str]) -> Path:
    """Return the file of a bundled network's name, or the path itself.

    Raises
    ------
    NetworkFileError
        When there is neither.
    """
    names = bundled()
    if str(name) in names:
        return names[str(name)]
    path = Path(name)
    if path.suffix == SUFFIX or path.exists():
        return path
    raise NetworkFileError(
        f"There is no network {str(name)!r}. Choose one of {', '.join(names)}, or the path of a {SUFFIX} file."
    )


def load_network(name: str | os.PathLike[str]) -> Network:
    """Load a bundled network by name, or one from a file.

    Raises
    ------
    NetworkFileError
        When there is no such network, or the file is truncated, foreign or newer.

    Examples
    --------
    >>> load_network("vesicles").stages  # doctest: +SKIP
    3
    """
    card, weights = read_archive(network_path(name))
    return Network(filled(card, weights), card)


def filled(card: Card, weights: Weights, stage: int | None = None) -> GrownNetwork:
    """Build a card's network, whole or up to a stage, and put its weights in place."""
    from ..growth.network import GrownNetwork

    recipe = card.recipe
    plan = card.plan if stage is None else card.plan.until(stage)
    schedule = recipe.schedule
    return GrownNetwork(plan, recipe.seed, schedule.normalisation, schedule.unit, recipe.zoom).fill(weights)
