"""Read files that come from anywhere: none is larger than allowed, and what fails is told in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..errors import DatasetError
from .dataset import Dataset

_TOTAL_LIMIT = 8 * 2**30

Halves = tuple[Dataset, Dataset]


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Put whatever zip files, numpy and pictures raise into one sentence."""
    try:
        yield
    except (DatasetError, MemoryError):
        raise
    except Exception as error:  # each has its own kinds
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
        raise DatasetError(
            f"Cannot read {what}: {reason}. It may be damaged or cut short; copy or download it again."
        ) from error


def refuse_larger(size: int, name: str) -> None:
    """Refuse what is more bytes than allowed once it is unpacked."""
    if size > _TOTAL_LIMIT:
        raise DatasetError(
            f"{name} unpacks to {size / 2**30:.1f} GiB, more than the {_TOTAL_LIMIT / 2**30:g} GiB allowed. "
            "Take fewer or smaller images."
        )


def alike(train: Dataset, test: Dataset) -> Halves:
    """Refuse halves of which one cannot test the other."""
    if train.number_of_classes < 2:
        raise DatasetError(f"{train.name} has one class, {train.classes[0]}; expected two or more to tell apart.")
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DatasetError(
            f"{train.name} has images of shape {train.images.shape[1:]}, {test.name} of {test.images.shape[1:]}. "
            "Bring them to one size."
        )
    return train, test


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Return names as text, and of more than `limit` how many more there are."""
    first = sorted(names)
    return ", ".join(first[:limit]) + (f" and {len(first) - limit} more" if len(first) > limit else "")
