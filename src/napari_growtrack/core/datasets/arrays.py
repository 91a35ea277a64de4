"""Labelled images as numpy's arrays, in an ``.npz`` file."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from .dataset import Dataset
from .reading import Halves, alike, listed, reading

KEYS = ("x_train", "y_train", "x_test", "y_test")


def arrays(path: Path, archive: zipfile.ZipFile) -> Halves:
    """Read both halves from the arrays of an ``.npz`` file."""
    found = [name.removesuffix(".npy") for name in archive.namelist()]
    if missing := [key for key in KEYS if key not in found]:
        raise DatasetError(
            f"{path.name} has no {missing[0]}; expected arrays {', '.join(KEYS)}, got {listed(found)}. "
            "Save them with numpy.savez."
        )
    x_train, y_train, x_test, y_test = (_array(path, archive, key) for key in KEYS)
    train = Dataset.of(x_train, y_train, name=f"{path.stem} train")
    return alike(train, Dataset.of(x_test, y_test, train.classes, name=f"{path.stem} test"))


def _array(path: Path, archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """Read one array after a look at its header: it holds no objects, and no more than its part of the file."""
    member = archive.getinfo(f"{key}.npy")
    with reading(f"{key} in {path.name}"), archive.open(member) as header, archive.open(member) as whole:
        formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = formats[np.lib.format.read_magic(header)](header)
        if dtype.hasobject:
            raise DatasetError(f"{key} in {path.name} holds Python objects; expected numbers. Convert it first.")
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"it should hold {shape} {dtype} values, but has only {member.file_size} bytes")
        return np.lib.format.read_array(whole, allow_pickle=False)
