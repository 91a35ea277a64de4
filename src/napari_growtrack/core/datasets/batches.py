"""Batches of labelled images without end; each follows from what was shown before, so training may resume anywhere."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .augmentation import Augmentation, augment
from .dataset import Batch, Dataset

_ORDERS, _MAPS = 0, 1  # keys of independent streams of chance


@lru_cache(maxsize=4)
def epoch_order(number: int, seed: int, epoch: int) -> np.ndarray:
    """Shuffle the indices of some images for one epoch.

    Returns
    -------
    ndarray (number,) of int
        Read-only. The same three numbers give the same order.

    Examples
    --------
    >>> sorted(epoch_order(4, seed=1, epoch=7).tolist())
    [0, 1, 2, 3]
    """
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_ORDERS, epoch))).permutation(number)
    order.flags.writeable = False
    return order


def shown(number: int, seed: int, first: int, size: int) -> np.ndarray:
    """Return which images an endless training shows after so many others.

    Each epoch shows every image once in an order of its own. What is shown
    follows from the four numbers alone, so that training may resume anywhere.

    Parameters
    ----------
    number : int
        How many images there are.
    seed : int
        From 0 on.
    first : int
        Images shown before, over all epochs.
    size : int
        Images to show.

    Returns
    -------
    ndarray (size,) of int

    Examples
    --------
    >>> sorted(shown(number=5, seed=1, first=10, size=5).tolist())
    [0, 1, 2, 3, 4]
    """
    epochs = range(first // number, (first + size - 1) // number + 1)
    order = np.concatenate([epoch_order(number, seed, epoch) for epoch in epochs])
    return order[first % number :][:size]


def draw_batch(dataset: Dataset, seed: int, first: int, size: int, augmentation: Augmentation | None = None) -> Batch:
    """Draw the batch of an endless training that follows after so many images; see `shown`.

    Parameters
    ----------
    dataset : Dataset
    seed, first, size : int
        As for `shown`.
    augmentation : Augmentation, optional
        Without it images are shown as they are.

    Returns
    -------
    images : ndarray (size, Y, X, C) float32
        From 0 to 1.
    labels : ndarray (size,) int64

    Examples
    --------
    >>> dataset = Dataset.of(np.zeros((5, 8, 8), np.uint8), [0, 1, 0, 1, 0])
    >>> images, labels = draw_batch(dataset, 1, first=4, size=3)
    >>> images.shape
    (3, 8, 8, 1)
    """
    images, labels = dataset.batch(shown(len(dataset), seed, first, size))
    if augmentation is not None:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_MAPS, first)))
        images = augment(images, augmentation, rng)
    return images, labels
