"""Films as OME-Zarr (NGFF 0.4 to 0.6), or as a plain Zarr array, read chunk by chunk."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

from ..errors import StackError
from ..packages import require
from .axes import NOTHING_CHOSEN, Choice, plane_of, slices_sentence, squares
from .ngff_scales import Scales, letters_of, scales_of
from .refusals import refuse_kind
from .stack import Stack, decoding, full_scale, warn
from .units import micrometres, seconds

_LETTERS = {2: "YX", 3: "TYX", 4: "TCYX", 5: "TCZYX"}
_LARGEST_CHUNK = 2**31
"""Bytes that are unpacked for every frame of a chunk."""


class ZarrStack(Stack):
    """Frames of the full resolution of an OME-Zarr image."""

    def __init__(self, path: Path, choice: Choice = NOTHING_CHOSEN) -> None:
        require("zarr", f"{path.name} is Zarr, which", StackError)
        with decoding(path.name):
            array, axes, scales, said = _opened(path)
            _refuse_large_chunks(array, path.name)
        self._plane = plane_of(axes, array.shape, path.name, choice)
        refuse_kind(array.dtype, path.name)
        super().__init__(path.name, self._plane.film, full_scale(array.dtype))
        self._array, self._folder = array, path / array.path
        self.time_axis = "z" if self._plane.slices else None
        self.frame_time = seconds(*scales.get("T", (None, None)))
        width, height = (micrometres(*scales.get(letter, (None, None))) for letter in "XY")
        self.pixel_size, odd = squares(width, height, path.name)
        for sentence in filter(None, (slices_sentence(path.name, self._plane, choice), said, odd)):
            warn(sentence)

    def _read(self, number: int) -> Any:
        place = self._plane.at(number)
        with decoding(f"frame {number} of {self.name}"):
            frame = self._array[place]
            lost, chunks = self._lost(place)
        if lost:
            self._doubt(number, f"{lost} of its {chunks} chunks are not stored, and read as {self._array.fill_value}")
        return frame

    def _lost(self, place: tuple[int, ...]) -> tuple[int, int]:
        """Count the chunks of a frame that no file holds, and all of them."""
        sides = _stored_chunks(self._array)
        along = [range(at // side, at // side + 1) for at, side in zip(place, sides, strict=False)]
        across = [range(math.ceil(length / side)) for length, side in zip(self.shape[1:], sides[-2:], strict=True)]
        keys = [self._array.metadata.encode_chunk_key(chunk) for chunk in product(*along, *across)]
        return sum(not (self._folder / key).exists() for key in keys), len(keys)

    def _release(self) -> None:
        self._array = None


def is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr array or group."""
    return any((folder / name).exists() for name in (".zarray", ".zgroup", ".zattrs", "zarr.json"))


def _opened(path: Path) -> tuple[Any, str, Scales, str | None]:
    """Return the array, a letter for each of its axes, the scale and unit of each, and what is to be said of them."""
    import zarr

    found: Any = zarr.open(path, mode="r")
    if isinstance(found, zarr.Array):
        if found.ndim not in _LETTERS:
            raise StackError(f"{path.name} has {found.ndim} axes; expected (T, Y, X) or (Y, X).")
        return found, _LETTERS[found.ndim], {}, None
    told: dict[str, Any] = dict(found.attrs)
    images = told.get("ome", told).get("multiscales")
    if not images:
        raise StackError(f"{path.name} is a Zarr group without an image. Choose the image inside it.")
    array = found[images[0]["datasets"][0]["path"]]
    axes, scales, said = scales_of(images[0], path.name)
    return array, letters_of(axes), scales, said


def _stored_chunks(array: Any) -> tuple[int, ...]:
    """Return the sides of what is stored in a file of its own: a shard, or else a chunk."""
    return tuple(getattr(array, "shards", None) or array.chunks)


def _refuse_large_chunks(array: Any, name: str) -> None:
    size = math.prod(array.chunks) * array.dtype.itemsize
    if size > _LARGEST_CHUNK:
        raise StackError(
            f"{name} is stored in chunks of {size / 2**30:.3g} GiB; a frame needs one of them whole, and 2 GiB are "
            "the most that is unpacked at a time. Store it again in smaller chunks."
        )
