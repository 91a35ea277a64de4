"""What frozen stages make of a fixed set of images, computed once and read again in every epoch."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from ..errors import OutputError
from .network import GrownNetwork
from .plan import Block, Stage, block_name

MEMORY = 2 * 2**30
_CHUNK = 256

Read = Callable[[np.ndarray], np.ndarray]


class Features:
    """The maps of frozen blocks on a fixed set of images; on disk when they outgrow memory.

    Only what later stages read is kept: growing in depth, that is one layer,
    however deep the network.

    Parameters
    ----------
    network : GrownNetwork
    read : callable
        Returns images (n, Y, X, channels) as the network takes them, of indices (n,).
    number : int
        How many images there are.
    memory : int
        Bytes that may be kept in memory; more goes to a temporary folder.
    """

    def __init__(self, network: GrownNetwork, read: Read, number: int, memory: int = MEMORY) -> None:
        self._network, self._read, self._number, self._memory = network, read, number, memory
        self._maps: dict[Block, np.ndarray] = {}
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._maps.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept now, in memory and on disk."""
        return sum(array.nbytes for array in self._maps.values())

    @property
    def on_disk(self) -> int:
        """Bytes of them that are on disk."""
        return sum(array.nbytes for array in self._maps.values() if isinstance(array, np.memmap))

    def given(self, stage: Stage) -> list[Block]:
        """Return the blocks whose maps a stage is given."""
        return self._network.plan.frontier(stage)

    def inputs(self, stage: Stage, indices: np.ndarray) -> Any:
        """Return what a stage's model takes of some images: the image, and the maps of blocks given to it, if any."""
        plan, given = self._network.plan, self.given(stage)
        if any(plan.reads_image(block) for block in plan.column(stage)):
            image = self._read(indices)
        else:  # nothing looks at it
            image = np.zeros((len(indices), *plan.shape, plan.channels), np.float32)
        return [image, *(self._maps[block][indices] for block in given)] if given else image

    def add(self, stage: Stage) -> None:
        """Compute the maps of a finished stage, and let go of those that no later stage reads.

        Raises
        ------
        OutputError
            When the disk is full.
        """
        plan = self._network.plan
        wanted = {block for later in range(stage + 1, plan.stages + 1) for block in self.given(later)}
        new = [block for block in plan.column(stage) if block in wanted]
        if new:
            self._compute(stage, new)
        for block in set(self._maps) - wanted:
            del self._maps[block]
            if self._folder is not None:
                self._file(block).unlink(missing_ok=True)

    def _compute(self, stage: Stage, new: list[Block]) -> None:
        plan = self._network.plan
        model = self._network.column_model(stage, self.given(stage))
        where = [plan.column(stage).index(block) for block in new]
        with ExitStack() as open_files:
            kept: list[_InMemory | _OnDisk] = []
            for block in new:
                kept.append(self._room(block, sum(one.nbytes for one in kept), open_files))
            for first in range(0, self._number, _CHUNK):
                indices = np.arange(first, min(first + _CHUNK, self._number))
                found = model.predict_on_batch(self.inputs(stage, indices))
                found = found if isinstance(found, list) else [found]
                for place, keep in zip(where, kept, strict=True):
                    keep(indices, found[place])
        self._maps |= {block: keep.array() for block, keep in zip(new, kept, strict=True)}

    def _room(self, block: Block, taken: int, open_files: ExitStack) -> _InMemory | _OnDisk:
        """Find room for the maps of a block beside what is kept and what others of its stage take."""
        plan = self._network.plan
        shape = (self._number, *plan.map_shape(block.row), plan.width(block))
        size = 4 * math.prod(shape)
        if self.nbytes - self.on_disk + taken + size <= self._memory:
            return _InMemory(shape)
        with _disk(size):
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="growtrack-"))
            path = self._file(block)
            return _OnDisk(shape, path, open_files.enter_context(path.open("wb")))

    def _file(self, block: Block) -> Path:
        return (self._folder or Path()) / f"{block_name(block)}.f4"


class _InMemory:
    def __init__(self, shape: tuple[int, ...]) -> None:
        self._array = np.empty(shape, np.float32)
        self.nbytes = self._array.nbytes

    def __call__(self, indices: np.ndarray, maps: np.ndarray) -> None:
        self._array[indices] = maps

    def array(self) -> np.ndarray:
        return self._array


class _OnDisk:
    """Written from front to back, so that a full disk is an error and not a crash; mapped afterwards."""

    def __init__(self, shape: tuple[int, ...], path: Path, file: BinaryIO) -> None:
        self._shape, self._path, self._file = shape, path, file
        self.nbytes = 0  # of memory

    def __call__(self, _: np.ndarray, maps: np.ndarray) -> None:
        with _disk(4 * math.prod(self._shape)):
            self._file.write(np.ascontiguousarray(maps, np.float32).data)
            self._file.flush()

    def array(self) -> np.ndarray:
        return np.memmap(self._path, np.float32, "r", shape=self._shape)


@contextmanager
def _disk(size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The features of frozen stages need {size / 2**30:.2f} GiB in {tempfile.gettempdir()}, which cannot "
            f"be had ({error.strerror or error}). Make room there, or set TMPDIR to a folder on a larger disk."
        ) from error
