"""What a network learns from: endless simulated windows of a scene, or a fixed set of labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..datasets import Dataset, draw_batch, shown
from ..errors import SettingsError
from ..films.normalisation import normalise_each
from ..simulation.scene import Scene
from ..simulation.windows import NEAR_REACH, draw_windows
from .feeding import Turn
from .plan import Plan
from .schedule import Schedule
from .tasks import scaled, wanted

Batch = tuple[np.ndarray, np.ndarray]
"""Images (n, Y, X, channels) as a network takes them, and what its heads should answer, (n, outputs)."""

_NEAREST = 3.5
"""Windows farther from a particle than the step asks teach how far it is."""


class Source(Protocol):
    """Anything that draws the batch of a turn; it follows from the turn alone, so that learning may resume anywhere."""

    def batch(self, turn: Turn) -> Batch:
        """Draw a batch."""

    @property
    def images(self) -> int:
        """How many images there are; 0 where they are endless."""


@dataclass(frozen=True)
class Windows:
    """Endless windows of a scene.

    Attributes
    ----------
    scene : Scene
    plan : Plan
    schedule : Schedule
    seed : tuple of int
    """

    scene: Scene
    plan: Plan
    schedule: Schedule
    seed: tuple[int, ...]
    images: int = 0

    def batch(self, turn: Turn) -> Batch:
        """Simulate a batch."""
        rng = np.random.default_rng([*self.seed, turn.number])
        kind, normalisation = self.schedule.windows, self.schedule.normalisation
        near = min(NEAR_REACH, max(NEAR_REACH * self.plan.step / 8, _NEAREST))
        images, targets = draw_windows(kind, self.scene, self.plan.side, turn.size, rng, normalisation, near)
        return images[..., None], scaled(targets, self.schedule)


@dataclass(frozen=True)
class Images:
    """A fixed set of labelled images, shown in a new order in every epoch.

    Attributes
    ----------
    dataset : Dataset
    plan : Plan
    schedule : Schedule
    seed : int
    """

    dataset: Dataset
    plan: Plan
    schedule: Schedule
    seed: int

    @property
    def images(self) -> int:
        """How many images there are."""
        return len(self.dataset)

    def indices(self, turn: Turn) -> np.ndarray:
        """Return which images a turn shows."""
        return shown(len(self.dataset), self.seed, turn.first, turn.size)

    def batch(self, turn: Turn) -> Batch:
        """Show a batch, each image varied where the schedule says so."""
        images, labels = draw_batch(self.dataset, self.seed, turn.first, turn.size, self.schedule.augmentation)
        return normalise_each(images, self.schedule.normalisation), wanted(labels, self.plan)

    def labels(self, turn: Turn) -> np.ndarray:
        """Return what the heads should answer in a turn."""
        return wanted(self.dataset.labels[self.indices(turn)], self.plan)


def source_of(data: Scene | Dataset, plan: Plan, schedule: Schedule, seed: int, round_: int) -> Source:
    """Return what a round learns from.

    Raises
    ------
    SettingsError
        When the plan does not fit the scene or the dataset.
    """
    if isinstance(data, Dataset):
        _check_fit(data, plan, schedule)
        return Images(data, plan, schedule, seed * 10_007 + round_)
    if plan.task != "locate" or plan.channels != 1:
        raise SettingsError(
            f"A scene teaches to locate in grey windows; this plan's task is {plan.task!r} with {plan.channels} "
            "channel(s). Give it a dataset, or change the plan."
        )
    if schedule.epochs is not None:
        raise SettingsError("A scene has no epochs, its windows are endless. Give minutes or batches.")
    return Windows(data, plan, schedule, (seed, round_))


def _check_fit(data: Dataset, plan: Plan, schedule: Schedule) -> None:
    if plan.task == "locate":
        raise SettingsError(f"{data.name} has classes, but this plan locates. Set its task to binary or classes.")
    outputs = 1 if plan.task == "binary" else data.number_of_classes
    wants = (*data.shape, data.channels, outputs)
    has = (*plan.shape, plan.channels, plan.outputs)
    if has != wants or (plan.task == "binary" and data.number_of_classes != 2):
        raise SettingsError(
            f"{data.name} has images of {data.shape[0]} x {data.shape[1]} px with {data.channels} channel(s) and "
            f"{data.number_of_classes} classes; the plan is for {plan.shape[0]} x {plan.shape[1]} px, {plan.channels} "
            f"channel(s) and {plan.outputs} output(s), task {plan.task!r}. Make the plan's window, channels, outputs "
            "and task fit."
        )
