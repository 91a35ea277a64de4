"""Read labelled images from a file of arrays, or from pictures sorted into folders by class.

Such files come from anywhere, so nothing in them is run, unpickled or unpacked to the disk, and sizes are looked at
before and while anything is read.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

import numpy as np

from ..errors import DatasetError
from .dataset import Dataset

if TYPE_CHECKING:
    from PIL import Image

KEYS = ("x_train", "y_train", "x_test", "y_test")
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_FORMATS = ("JPEG", "PNG", "TIFF")
_MODES = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}

_TOTAL_LIMIT = 8 * 2**30
_PICTURE_LIMIT = 64 * 2**20
_PIXEL_LIMIT = 2**24

Halves = tuple[Dataset, Dataset]
ByClass = dict[str, list[str]]
Opened = Callable[[str], IO[bytes]]


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
        return _pictures(path, _names_in(path), lambda name: (path / name).open("rb"))
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".zip"):
        raise DatasetError(f"Cannot load {path.name}: expected .npz, .zip or a folder, got {suffix!r}.")
    with _unzipped(path) as archive:
        return _arrays(path, archive) if suffix == ".npz" else _pictures(path, archive.namelist(), archive.open)


@contextmanager
def _unzipped(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose parts, taken together, are not larger than allowed."""
    with _reading(path.name):
        archive = zipfile.ZipFile(path)
    with archive:
        _refuse_larger(sum(part.file_size for part in archive.infolist()), path.name)
        # Other methods unpack a whole part at once, however large.
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in archive.infolist()):
            raise DatasetError(f"{path.name} is compressed in a way that is not read. Zip it again with deflate.")
        yield archive


@contextmanager
def _reading(what: str) -> Iterator[None]:
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


def _refuse_larger(size: int, name: str) -> None:
    if size > _TOTAL_LIMIT:
        raise DatasetError(
            f"{name} unpacks to {size / 2**30:.1f} GiB, more than the {_TOTAL_LIMIT / 2**30:g} GiB allowed. "
            "Take fewer or smaller images."
        )


def _alike(train: Dataset, test: Dataset) -> Halves:
    """Refuse halves of which one cannot test the other."""
    if train.number_of_classes < 2:
        raise DatasetError(f"{train.name} has one class, {train.classes[0]}; expected two or more to tell apart.")
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DatasetError(
            f"{train.name} has images of shape {train.images.shape[1:]}, {test.name} of {test.images.shape[1:]}. "
            "Bring them to one size."
        )
    return train, test


def _arrays(path: Path, archive: zipfile.ZipFile) -> Halves:
    """Read both halves from the arrays of an ``.npz`` file."""
    found = [name.removesuffix(".npy") for name in archive.namelist()]
    if missing := [key for key in KEYS if key not in found]:
        raise DatasetError(
            f"{path.name} has no {missing[0]}; expected arrays {', '.join(KEYS)}, got {_listed(found)}. "
            "Save them with numpy.savez."
        )
    x_train, y_train, x_test, y_test = (_array(path, archive, key) for key in KEYS)
    train = Dataset.of(x_train, y_train, name=f"{path.stem} train")
    return _alike(train, Dataset.of(x_test, y_test, train.classes, name=f"{path.stem} test"))


def _array(path: Path, archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """Read one array after a look at its header: it holds no objects, and no more than its part of the file."""
    member = archive.getinfo(f"{key}.npy")
    with _reading(f"{key} in {path.name}"), archive.open(member) as header, archive.open(member) as whole:
        formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = formats[np.lib.format.read_magic(header)](header)
        if dtype.hasobject:
            raise DatasetError(f"{key} in {path.name} holds Python objects; expected numbers. Convert it first.")
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"it should hold {shape} {dtype} values, but has only {member.file_size} bytes")
        return np.lib.format.read_array(whole, allow_pickle=False)


def _pictures(path: Path, names: Iterable[str], opened: Opened) -> Halves:
    """Decode both halves from pictures in folders."""
    halves = _by_class(path, names)
    classes = sorted(halves[0])
    images = _decoded(path, [name for half in halves for kind in classes for name in half[kind]], opened)
    numbers = np.arange(len(classes))
    labels = [np.repeat(numbers, [len(half[kind]) for kind in classes]) for half in halves]
    cut = len(labels[0])
    return _alike(
        Dataset.of(images[:cut], labels[0], classes, f"{path.stem} train"),
        Dataset.of(images[cut:], labels[1], classes, f"{path.stem} test"),
    )


def _names_in(folder: Path) -> list[str]:
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
            f"{path.name} has the classes {_listed(train)} to train on, but {_listed(test)} to test with. "
            "Give both the same."
        )
    return train, test


def _decoded(path: Path, names: list[str], opened: Opened) -> np.ndarray:
    """Decode pictures of one size, (n, Y, X, C) uint8."""
    first = _picture(path, names[0], opened)
    _refuse_larger(len(names) * first.size, path.name)
    images = np.empty((len(names), *first.shape), np.uint8)
    for image, name in zip(images, names, strict=True):
        image[...] = _picture(path, name, opened, first.shape)
    return images


def _picture(path: Path, name: str, opened: Opened, wanted: tuple[int, ...] | None = None) -> np.ndarray:
    """Decode one picture, (Y, X, C) uint8, once its header says that it is as wanted."""
    from PIL import Image, UnidentifiedImageError

    with _reading(f"{name} in {path.name}"), opened(name) as file:
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


def _listed(names: Iterable[str], limit: int = 8) -> str:
    first = sorted(names)
    return ", ".join(first[:limit]) + (f" and {len(first) - limit} more" if len(first) > limit else "")
