"""Get at the text and the arrays of an HDF5 file that may be damaged, or made to do harm."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import NetworkFileError, SettingsError, check_regular

if TYPE_CHECKING:
    import h5py

_DESCRIPTION = "model_config"
# Message 12 of an object, version 1: the sizes of name, type and space, which lie before the value, and then the name.
_ATTRIBUTE = re.compile(rb"\x0c\0.{6}\x01\0(..)(..)(..)(?=" + _DESCRIPTION.encode() + rb"\0)", re.DOTALL)
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FILE_LIMIT = 2**28
_TEXT_LIMIT = 2**20


class Misfit(Exception):
    """What keeps a file from being a network of DeepTrack 1.0."""


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file; every failure becomes a sentence that names it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (Misfit, SettingsError) as error:
        reason = str(error).rstrip(".")
        raise NetworkFileError(
            f"{path.name} is not a network of DeepTrack 1.0: {reason}. Choose a file that DeepTrack 1.0 has saved."
        ) from error
    except Exception as error:  # damaged files fail in many ways: OSError, RuntimeError, KeyError, UnicodeError
        raise NetworkFileError(
            f"{path.name} is damaged or cut short ({short(error)}). Copy or download it again."
        ) from error


def refuse_other_files(path: Path) -> None:
    """Refuse what is no HDF5 file, or too large a one, before anything else looks at it."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            start, size = file.read(len(_SIGNATURE)), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise NetworkFileError(f"{path.name} cannot be read: {error.strerror or error}. Check the path.") from error
    if start != _SIGNATURE:
        raise NetworkFileError(
            f"{path.name} is not an HDF5 file, in which DeepTrack 1.0 saves its networks. Choose another file."
        )
    if size > _FILE_LIMIT:
        raise NetworkFileError(f"{path.name} has {size:,} bytes, more than the {_FILE_LIMIT:,} allowed. Do not use it.")


def description(path: Path, file: h5py.File) -> bytes | str:
    """Return the JSON text that describes the layers of a network."""
    if _DESCRIPTION not in file.attrs:
        raise Misfit(f"it does not describe its layers (no {_DESCRIPTION}); expected a whole model, not only weights")
    in_heap = file.attrs.get_id(_DESCRIPTION).get_type().is_variable_str()
    return _from_heap(path.read_bytes()) if in_heap else file.attrs[_DESCRIPTION]


def _from_heap(raw: bytes) -> bytes:
    """Return the description out of the bytes of a file.

    HDF5 itself believes a damaged file: it reserves up to 4 GiB for a text that
    claims to be so long, and walks in circles through a heap whose sizes are wrong.
    """
    attributes = list(_ATTRIBUTE.finditer(raw))
    if len(attributes) != 1:
        raise Misfit(f"its {_DESCRIPTION} is not stored as Keras stores it")
    parts = [_padded(int.from_bytes(size, "little")) for size in attributes[0].groups()]
    length, heap, wanted = struct.unpack_from("<IQI", raw, attributes[0].end() + sum(parts))
    place = heap + 16
    while place < len(raw):
        number, size = struct.unpack_from("<H6xQ", raw, place)
        place += 16
        if number == wanted and length <= min(size, _TEXT_LIMIT):
            return raw[place : place + length]
        place += _padded(size)
    raise Misfit(f"its {_DESCRIPTION} is longer than {_TEXT_LIMIT:,} bytes or not there")


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def inside(group: h5py.Group, path: str) -> Any:
    """Follow a path step by step, never out of the file or round a corner."""
    import h5py

    node: Any = group
    for part in path.split("/"):
        link = node.get(part, getlink=True)
        if link is None:
            raise Misfit(f"it has no part {short(part)} in {short(node.name)}")
        if not isinstance(link, h5py.HardLink):
            raise Misfit(f"part {short(part)} in {short(node.name)} is only a link; expected it in the file itself")
        node = node[part]
    return node


def array_of(dataset: h5py.Dataset, shape: tuple[int, ...]) -> np.ndarray:
    """Return finite weights of a shape as float32, from where they lie in one piece."""
    name = short(dataset.name)
    if dataset.shape != shape or dataset.dtype.kind != "f":
        raise Misfit(f"{name} holds {dataset.dtype} values of shape {dataset.shape}, expected floats of shape {shape}")
    if dataset.chunks or dataset.external or dataset.is_virtual:
        raise Misfit(f"{name} is scattered or compressed; expected it in one piece")
    with np.errstate(over="ignore"):
        array = dataset[...].astype(np.float32)
    if not np.isfinite(array).all():
        raise Misfit(f"{name} holds NaN or infinite weights")
    return array


def short(value: Any) -> str:
    """Return how Python writes a value, no longer than fits into a sentence."""
    return f"{value!r:.60}"
