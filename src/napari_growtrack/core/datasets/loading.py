"""Read labelled images from a file of arrays, or from pictures sorted into folders by class.

Such files come from anywhere, so nothing in them is run, unpickled or unpacked to the disk, and sizes are looked at
before and while anything is read.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DatasetError, check_regular
from .arrays import arrays
from .folders import names_in, pictures
from .reading import Halves, reading, refuse_larger


def load_dataset(path: str | os.PathLike[str]) -> Halves:
    """Load the images to train on, and those to test with.

    Parameters
    ----------
    path
        One of

        - ``.npz`` with ``x_train, y_train, x_test, y_test``, as Keras's
          ``mnist.npz``; what arrays may be, `Dataset.of` says.
        - a folder, or a ``.zip`` of one, with pictures (JPEG, PNG, TIFF of 8
          bits) in ``train/CLASS/`` and ``test/CLASS/`` (or
          ``validation/CLASS/``). All have one size, and all are grey or all in
          colour. Classes are sorted by name. Files of other kinds, and hidden
          ones, are passed over.

    Returns
    -------
    train, test : Dataset
        With the same classes and sizes.

    Raises
    ------
    DatasetError
        When there is no such file, or it holds anything else.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "tiny.npz"
    >>> images = np.zeros((2, 8, 8), np.uint8)
    >>> np.savez(path, x_train=images, y_train=[0, 1], x_test=images, y_test=[1, 0])
    >>> train, test = load_dataset(path)
    >>> train.name, train.shape, test.classes
    ('tiny train', (8, 8), ('0', '1'))
    """
    path = Path(path).expanduser().resolve()
    if not path.exists():
        raise DatasetError(f"Cannot find {path}. Check the path.")
    if path.is_dir():
        return pictures(path, names_in(path), lambda name: (path / name).open("rb"))
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".zip"):
        raise DatasetError(f"Cannot load {path.name}: expected .npz, .zip or a folder, got {suffix!r}.")
    with _unzipped(path) as archive:
        return arrays(path, archive) if suffix == ".npz" else pictures(path, archive.namelist(), archive.open)


@contextmanager
def _unzipped(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose parts, taken together, are not larger than allowed."""
    with reading(path.name):
        check_regular(path)
        archive = zipfile.ZipFile(path)
    with archive:
        refuse_larger(sum(part.file_size for part in archive.infolist()), path.name)
        # Other methods unpack a whole part at once, however large.
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in archive.infolist()):
            raise DatasetError(f"{path.name} is compressed in a way that is not read. Zip it again with deflate.")
        yield archive
