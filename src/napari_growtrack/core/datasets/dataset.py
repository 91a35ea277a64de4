"""Images of one size, each with the class it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from ..errors import DatasetError

Batch = tuple[np.ndarray, np.ndarray]
"""Images (n, Y, X, C) float32 from 0 to 1, and their labels (n,) int64."""

MAX_CHANNELS = 4


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images of one size, kept as they are stored; `Dataset.of` checks them first.

    Attributes
    ----------
    images : ndarray (n, Y, X, C), uint8, or float32 from 0 to 1
    labels : ndarray (n,) int64
        Numbers of the classes, from 0.
    classes : tuple of str
        Names of the classes.
    name : str
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    name: str

    @classmethod
    def of(cls, images: Any, labels: Any, classes: Iterable[str] | None = None, name: str = "dataset") -> Self:
        """Check images and labels, and make them a dataset.

        Parameters
        ----------
        images : array (n, Y, X) or (n, Y, X, C)
            uint8, or floating point from 0 to 1; up to four channels.
        labels : array (n,) or (n, 1)
            Whole numbers from 0.
        classes : iterable of str, optional
            Names of the classes. Without them classes are named by their
            numbers, and each needs an image.
        name : str
            What messages call it.

        Raises
        ------
        DatasetError
            When the arrays are anything else.

        Examples
        --------
        >>> Dataset.of(np.zeros((2, 8, 8), np.uint8), [1, 0], name="night")
        Dataset(classes=('0', '1'), name='night')
        """
        images, labels = _checked_images(np.asarray(images), name), _flat(np.asarray(labels), name)
        if len(images) != len(labels):
            raise DatasetError(f"{name} has {len(images)} images but {len(labels)} labels. Give each image its label.")
        named = None if classes is None else tuple(classes)
        labels = _checked_labels(labels, len(labels) if named is None else len(named), name)
        return cls(images, labels, _numbered(labels, name) if named is None else named, name)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def channels(self) -> int:
        """Values of a pixel: 1 is grey, 3 is colour."""
        return self.images.shape[3]

    @property
    def number_of_classes(self) -> int:
        """How many classes there are to tell apart."""
        return len(self.classes)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Any) -> Batch:
        """Return some images, scaled to 0..1, and their labels.

        Parameters
        ----------
        indices : array (n,) of int

        Returns
        -------
        images : ndarray (n, Y, X, C) float32
        labels : ndarray (n,) int64
        """
        indices = np.asarray(indices, np.int64)
        images = self.images[indices]
        if images.dtype == np.uint8:
            images = np.divide(images, 255, dtype=np.float32)
        return images, self.labels[indices]

    def split(self, share: float, rng: np.random.Generator) -> tuple[Self, Self]:
        """Part the images by chance: the rest, and a share (0 to 1) of them, at least one in each.

        Raises
        ------
        DatasetError
            When there are fewer than two images.
        """
        if len(self) < 2:
            raise DatasetError(f"{self.name} holds {len(self)} image; two are needed to part them.")
        order, number = rng.permutation(len(self)), min(max(1, round(share * len(self))), len(self) - 1)
        rest, part = np.sort(order[number:]), np.sort(order[:number])
        return (
            replace(self, images=self.images[rest], labels=self.labels[rest]),
            replace(self, images=self.images[part], labels=self.labels[part]),
        )

    def subset(self, number: int, rng: np.random.Generator) -> Self:
        """Draw a smaller dataset, no image twice.

        Raises
        ------
        DatasetError
            When there are fewer images than that, or none is asked for.
        """
        if not 0 < number <= len(self):
            raise DatasetError(f"{self.name} holds {len(self)} images; ask for 1 to {len(self)} of them, not {number}.")
        chosen = rng.choice(len(self), number, replace=False)
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])


def _checked_images(images: np.ndarray, name: str) -> np.ndarray:
    """Return images as (n, Y, X, C), uint8 or float32."""
    found = images.shape
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[3] > MAX_CHANNELS:
        raise DatasetError(
            f"{name} has images of shape {found}; expected (n, Y, X) or (n, Y, X, C) with C up to {MAX_CHANNELS}. "
            "Bring the axes into this order."
        )
    if 0 in images.shape:
        raise DatasetError(f"{name} is empty: its images have shape {found}. Choose another file.")
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise DatasetError(
            f"{name} has {images.dtype} images; expected uint8 from 0 to 255, or floating point from 0 to 1. "
            "Convert them."
        )
    images = images.astype(np.float32, copy=False)
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 1):  # NaN is refused as well
        raise DatasetError(
            f"{name} has floating-point images from {low:g} to {high:g}; expected 0 to 1. Scale them, and mend NaN."
        )
    return images


def _flat(labels: np.ndarray, name: str) -> np.ndarray:
    flat = labels[:, 0] if labels.shape[1:] == (1,) else labels
    if flat.ndim != 1:
        raise DatasetError(
            f"{name} has labels of shape {labels.shape}; expected one number for each image, (n,). "
            "Where each class has its column, take labels.argmax(axis=1)."
        )
    if flat.dtype.kind not in "iuf":
        raise DatasetError(f"{name} has {flat.dtype} labels; expected whole numbers from 0. Number the classes.")
    return flat


def _checked_labels(labels: np.ndarray, limit: int, name: str) -> np.ndarray:
    """Return labels as int64 where all are whole and below a limit."""
    with np.errstate(invalid="ignore"):
        good = (labels >= 0) & (labels < limit) & (labels % 1 == 0)
    if not good.all():
        raise DatasetError(
            f"{name} has the label {labels[~good][0]}; expected whole numbers from 0 to {limit - 1}. "
            "Number the classes from 0."
        )
    return labels.astype(np.int64, copy=False)


def _numbered(labels: np.ndarray, name: str) -> tuple[str, ...]:
    """Name the classes by their numbers; none may be left out."""
    number = int(labels.max()) + 1
    if missing := np.flatnonzero(np.bincount(labels, minlength=number) == 0).tolist():
        raise DatasetError(
            f"{name} has labels up to {number - 1}, but none is {missing[0]}. Number the classes without gaps."
        )
    return tuple(map(str, range(number)))
