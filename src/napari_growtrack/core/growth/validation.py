"""Images that no stage learns from, to judge stages by: an error, and how small it could be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..datasets import Dataset
from ..films.normalisation import Normalisation, normalise, normalise_each, surrounded
from ..simulation import Scene, draw, simulate_frame
from ..simulation.bound import cramer_rao, median_radial_error
from ..simulation.picture import draw_window
from ..simulation.windows import FIELD_SIDE, WindowKind

NEAR = 4.0
_PATIENCE = 50
_ROOM = 2 * 2**30


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Images with the truth about them.

    Attributes
    ----------
    images : ndarray (n, Y, X) or (n, Y, X, channels) float32
        Normalised.
    truth : ndarray (n, 2) float or (n,) int64
        Offset ``(y, x)`` of the particle from each window's centre in pixels, or
        classes.
    bound : float
        Median error at the Cramer-Rao bound in pixels; NaN for classes.
    """

    images: np.ndarray
    truth: np.ndarray
    bound: float = float("nan")

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def located(self) -> bool:
        """Whether the truth is a place, not a class."""
        return self.truth.ndim == 2

    def errors(self, answers: np.ndarray) -> np.ndarray:
        """Return each image's error, (n,): a distance in pixels, or 1 where the class is wrong.

        Parameters
        ----------
        answers : ndarray (n, outputs)
            One stage's, as `GrownNetwork.answer` gives them for single windows.
        """
        if self.located:
            return np.hypot(*(answers[:, :2] - self.truth).T)
        chosen = answers[:, 0] > 0.5 if answers.shape[1] == 1 else answers.argmax(1)
        return (chosen != self.truth).astype(float)

    def error(self, answers: np.ndarray) -> float:
        """Return the median distance in pixels, or the share of wrong answers."""
        errors = self.errors(answers)
        return float(np.median(errors) if self.located else errors.mean())


def held_out_windows(
    scene: Scene,
    side: int,
    normalisation: Normalisation,
    seed: int = 0,
    number: int = 512,
    kind: WindowKind = "field",
) -> HeldOut:
    """Simulate windows with a particle to find near the centre, with the bound of its position.

    Parameters
    ----------
    scene : Scene
    side : int
        Odd side of the windows in pixels.
    normalisation : {"standard", "unit"}
    seed : int
    number : int
        Windows; none where the scene has no particles to find.
    kind : {"field", "thesis"}
        Cut from frames with a particle within 4 px of the centre, or the
        thesis's own, in which the first particle is the one to find.
    """
    rng = np.random.default_rng([seed, 3_000_017])
    examples = (_thesis_windows if kind == "thesis" else _field_windows)(scene, side, rng, normalisation)
    images, offsets, bounds = [], [], []
    for image, offset, bound in islice(examples, number):
        images.append(image)
        offsets.append(offset)
        bounds.append(bound)
    if not images:
        return HeldOut(np.empty((0, side, side), np.float32), np.empty((0, 2)))
    least = median_radial_error(np.array(bounds), rng, draws=200)
    return HeldOut(np.stack(images), np.array(offsets), least)


Example = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A window, the offset of its particle from the centre, and the least covariance of that."""


def _thesis_windows(scene: Scene, side: int, rng: np.random.Generator, how: Normalisation) -> Iterator[Example]:
    while True:
        picture = draw_window(scene, side, rng)
        image = normalise(simulate_frame(picture, rng), how)
        yield image, picture.positions[0] - (side - 1) / 2, cramer_rao(picture)[0]


def _field_windows(scene: Scene, side: int, rng: np.random.Generator, how: Normalisation) -> Iterator[Example]:
    """Yield windows cut near every particle of endless frames; end where frames stay empty."""
    empty = 0
    while empty < _PATIENCE:
        picture = draw(scene, (FIELD_SIDE, FIELD_SIDE), rng)
        places = picture.positions[picture.wanted]
        empty = 0 if len(places) else empty + 1
        if len(places):
            frame = surrounded(normalise(simulate_frame(picture, rng), how), side // 2)
            centres = np.rint(places + _near(len(places), rng)).astype(int).clip(0, FIELD_SIDE - 1)
            for (y, x), place, bound in zip(centres, places, cramer_rao(picture), strict=True):
                yield frame[y : y + side, x : x + side], place - (y, x), bound


def _near(number: int, rng: np.random.Generator) -> np.ndarray:
    """Draw offsets evenly over a disc."""
    distance, angle = NEAR * np.sqrt(rng.random(number)), rng.uniform(0, 2 * np.pi, number)
    return np.stack([distance * np.sin(angle), distance * np.cos(angle)], 1)


def held_out_images(
    dataset: Dataset, normalisation: Normalisation = "unit", number: int | None = None, seed: int = 0
) -> HeldOut:
    """Take images of a dataset, all or some drawn by chance, never more than fit into 2 GiB."""
    fit = max(1, _ROOM // (4 * dataset.shape[0] * dataset.shape[1] * dataset.channels))
    number = min(len(dataset), fit, number or len(dataset))
    some = dataset if number == len(dataset) else dataset.subset(number, np.random.default_rng(seed))
    images, labels = some.batch(np.arange(len(some)))
    return HeldOut(normalise_each(images, normalisation), labels)
