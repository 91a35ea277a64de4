"""Fixed sets of labelled images: learn to tell cats from dogs, or one written digit from another."""

from __future__ import annotations

from .augmentation import Augmentation, augment
from .batches import draw_batch, shown
from .dataset import Batch, Dataset
from .loading import load_dataset

__all__ = [
    "Augmentation",
    "Batch",
    "Dataset",
    "augment",
    "draw_batch",
    "load_dataset",
    "shown",
]
