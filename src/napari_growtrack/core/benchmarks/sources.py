"""Where the films and data sets that benchmarks need are found, and how to get them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatasetError

DATA = "GROWTRACK_DATA"
"""The environment variable that names a folder of films and data sets."""


@dataclass(frozen=True)
class Source:
    """A file that benchmarks read where it lies.

    Attributes
    ----------
    file : str
        Its path within the data folder.
    how : str
        A sentence that tells how to get it.
    """

    file: str
    how: str

    def __str__(self) -> str:
        return self.file


_DEEPTRACK = "It is one of the example files of the public repository DeepTrack-1.0."

MNIST = Source(
    "mnist.npz",
    'Keras fetches it: python -c "import keras; keras.datasets.mnist.load_data()" puts it into its cache, where it is '
    "found by itself.",
)
CATS_DOGS = Source(
    "cats_dogs_150.zip",
    "It holds 1000 cats and 1000 dogs to train on, and as many to test with, of Kaggle's Dogs vs. Cats, resized to "
    "150 x 150 px, as train/cats, train/dogs, test/cats and test/dogs.",
)
TRAPPED_GOOD = Source("deeptrack1/optically_trapped_good.mp4", _DEEPTRACK)
TRAPPED_BAD = Source("deeptrack1/optically_trapped_bad.mp4", _DEEPTRACK)
BROWNIAN = Source("deeptrack1/brownian_particles.mp4", _DEEPTRACK)
PRETRAINED_BROWNIAN = Source("deeptrack1/pretrained_brownian.h5", _DEEPTRACK)
PRETRAINED_VESICLES = Source("deeptrack1/pretrained_vesicles.h5", _DEEPTRACK)
BULK_WATER = Source("real/bulk-water.mov", "It is an example film of the public repository soft-matter/trackpy.")
COLLOIDS = Source(
    "real/colloids.mp4", "It is an example film of the public repository MikeSmithLabTeam/particletracker."
)
FOCAL_PLANES = Source("real/focal_planes.mp4", f"{_DEEPTRACK} It belongs to example 5.")
HYBISS = Source("real/hybiss_2d.tif", "It is an example image of the public repository weigertlab/spotiflow.")
SPHERES = Source(
    "real/spheres_afm.tif", "It is an example image of the public repository softmatterlab/ParticleTracking."
)


def find(source: Source, data: Path | None = None) -> Path | None:
    """Return where a file lies: at a path that was given, in the environment's folder, or in Keras's own cache.

    Parameters
    ----------
    source : Source
    data : Path, optional
        The file itself, or a folder that holds it, directly or as the data folder does.
    """
    return next((path for path in _places(source, data) if path.is_file()), None)


def _places(source: Source, data: Path | None) -> Iterator[Path]:
    name = Path(source.file).name
    if data is not None and data.name == name:
        yield data
    for folder in (data, os.environ.get(DATA)):
        if folder is not None:
            yield Path(folder) / source.file
            yield Path(folder) / name
    cache = os.environ.get("KERAS_HOME")
    yield (Path(cache) if cache else Path.home() / ".keras") / "datasets" / name


def path_of(source: Source, data: Path | None = None) -> Path:
    """Return where a file lies; see `find`.

    Raises
    ------
    DatasetError
        When it is nowhere.
    """
    path = find(source, data)
    if path is None:
        raise DatasetError(f"Cannot find {source.file}. {source.how}")
    return path
