"""Labelled images as pictures, sorted into folders by class."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

import numpy as np

from ..errors import DatasetError
from .dataset import Dataset
from .reading import Halves, alike, listed, reading, refuse_larger

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_FORMATS = ("JPEG", "PNG", "TIFF")
_MODES = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}

_PICTURE_LIMIT = 64 * 2**20
_PIXEL_LIMIT = 2**24

ByClass = dict[str, list[str]]
Opened = Callable[[str], IO[bytes]]


def pictures(path: Path, names: Iterable[str], opened: Opened) -> Halves:
    """Decode both halves from pictures in folders."""
    halves = _by_class(path, names)
    classes = sorted(halves[0])
    images = _decoded(path, [name for half in halves for kind in classes for name in half[kind]], opened)
    numbers = np.arange(len(classes))
    labels = [np.repeat(numbers, [len(half[kind]) for kind in classes]) for half in halves]
    cut = len(labels[0])
    return alike(
        Dataset.of(images[:cut], labels[0], classes, f"{path.stem} train"),
        Dataset.of(images[cut:], labels[1], classes, f"{path.stem} test"),
    )


def names_in(folder: Path) -> list[str]:
    """Return the names of all files three levels down, as a zip of the folder would have them."""
    return [path.relative_to(folder).as_posix() for path in folder.glob("*/*/*")]


def _by_class(path: Path, names: Iterable[str]) -> tuple[ByClass, ByClass]:
    """Sort names of pictures into two halves, and there into the same classes."""
    halves: dict[str, ByClass] = {"train": {}, "test": {}, "validation": {}}
    for name in sorted(set(names)):
        half, kind, file = ("", "", "", *PurePosixPath(name).parts)[-3:]
        hidden = kind.startswith(".") or file.startswith(".")
        if half in halves and file.lower().endswith(SUFFIXES) and not hidden:
            halves[half].setdefault(kind, []).append(name)
    train, test = halves["train"], halves["test"] or halves["validation"]
    if not train or not test:
        half = "test" if train else "train"
        raise DatasetError(
            f"{path.name} has no pictures in {half}/CLASS/; expected {', '.join(SUFFIXES)} files in folders named "
            "after their class, under train/ and test/. Sort them so."
        )
    if train.keys() != test.keys():
        raise DatasetError(
            f"{path.name} has the classes {listed(train)} to train on, but {listed(test)} to test with. "
            "Give both the same."
        )
    return train, test


def _decoded(path: Path, names: list[str], opened: Opened) -> np.ndarray:
    """Decode pictures of one size, (n, Y, X, C) uint8."""
    first = _picture(path, names[0], opened)
    refuse_larger(len(names) * first.size, path.name)
    images = np.empty((len(names), *first.shape), np.uint8)
    for image, name in zip(images, names, strict=True):
        image[...] = _picture(path, name, opened, first.shape)
    return images


def _picture(path: Path, name: str, opened: Opened, wanted: tuple[int, ...] | None = None) -> np.ndarray:
    """Decode one picture, (Y, X, C) uint8, once its header says that it is as wanted."""
    from PIL import Image, UnidentifiedImageError

    with reading(f"{name} in {path.name}"), opened(name) as file:
        raw = file.read(_PICTURE_LIMIT + 1)
        if len(raw) > _PICTURE_LIMIT:
            raise DatasetError(f"{name} in {path.name} is larger than {_PICTURE_LIMIT // 2**20} MiB. Leave it out.")
        try:
            picture = Image.open(io.BytesIO(raw), formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise ValueError(f"it is no {', '.join(_FORMATS)} picture") from error
        with picture:
            shape = _shape(picture, f"{name} in {path.name}")
            if wanted is not None and shape != wanted:
                raise DatasetError(
                    f"{name} in {path.name} is {_told(shape)}, the first picture {_told(wanted)}. "
                    "Bring all to one size, all grey or all in colour."
                )
            return np.asarray(picture.convert(_MODES[picture.mode])).reshape(shape)


def _shape(picture: Image.Image, what: str) -> tuple[int, int, int]:
    """Return (Y, X, C) of a picture that is not decoded yet."""
    if picture.mode not in _MODES:
        raise DatasetError(f"{what} has pixels of kind {picture.mode}; expected 8 bits, grey or colour. Convert it.")
    if picture.width * picture.height > _PIXEL_LIMIT:
        raise DatasetError(
            f"{what} has {picture.width} x {picture.height} pixels; expected at most {_PIXEL_LIMIT:,}. Make it smaller."
        )
    return picture.height, picture.width, len(_MODES[picture.mode])


def _told(shape: tuple[int, ...]) -> str:
    height, width, channels = shape
    return f"{width} x {height} {'grey' if channels == 1 else 'in colour'}"
