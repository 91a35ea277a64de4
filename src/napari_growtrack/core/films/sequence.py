"""Films as a picture a frame, in a folder or by a pattern of names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StackError
from .pixels import grey_of
from .refusals import PICK_COLOUR, refuse_kind
from .stack import Stack, decoding, full_scale
from .tiff import picture_of

PICTURE_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")

_AS_STORED = ("1", "L", "LA", "I", "F", "RGB", "RGBA")
"""Pillow's kinds of pictures whose values are intensities; others, such as palettes, are turned into colours."""


class SequenceStack(Stack):
    """Frames in files of their own, in the order of the numbers in their names."""

    def __init__(self, paths: Iterable[Path], name: str) -> None:
        self._paths = sorted(paths, key=natural)
        first = _picture(self._paths[0])
        super().__init__(name, (len(self._paths), *first.shape), full_scale(first.dtype))
        self._kind = first.dtype

    def _read(self, number: int) -> Any:
        frame = _picture(self._paths[number])
        if frame.shape != self.shape[1:] or frame.dtype != self._kind:
            raise StackError(
                f"{self._paths[number].name} is {_told(frame.shape, frame.dtype)}, the first picture of {self.name} "
                f"{_told(self.shape[1:], self._kind)}. Keep pictures of one film only."
            )
        return frame

    def _release(self) -> None:
        self._paths = []


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder, of the kind that most of them are; hidden files are passed over."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
    if not found:
        return []
    (suffix, _), *_ = Counter(path.suffix.lower() for path in found).most_common()
    return [path for path in found if path.suffix.lower() == suffix]


def _told(shape: tuple[int, ...], kind: Any) -> str:
    return f"{shape[0]} x {shape[1]} px of {kind}"


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Return a key by which 2 comes before 10 in names of files."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if place % 2 else (1, 0, part) for place, part in enumerate(parts)]


def _picture(path: Path) -> np.ndarray:
    """Read one grey picture, (Y, X)."""
    if path.exists() and not path.is_file():
        raise StackError(f"{path.name} is no regular file; expected a picture. Take it out of the film.")
    with decoding(path.name):
        stored = picture_of(path) if path.suffix.lower() in (".tif", ".tiff") else _pillow(path)
    picture = grey_of(stored, path.name)
    if picture.ndim != 2:
        raise StackError(f"{path.name} has shape {picture.shape}; expected one grey picture a file. {PICK_COLOUR}")
    refuse_kind(picture.dtype, path.name)
    return picture


def _pillow(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        as_stored = image.mode in _AS_STORED or image.mode.startswith("I;")
        return np.asarray(image if as_stored else image.convert("RGB"))
