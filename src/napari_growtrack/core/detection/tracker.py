"""Track a stream frame by frame, as fast as a microscope delivers it."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import StackError
from ..films import ArrayStack
from .cascade import Cascade, find
from .detect import sightings_of
from .network import StagedNetwork
from .survey import negative

_REMEMBERED = 10_000


class Latency(NamedTuple):
    """How long frames took from their arrival to their table, in milliseconds."""

    median: float
    percentile_99: float
    frames: int

    def __str__(self) -> str:
        return f"median {self.median:.2f} ms, 99th percentile {self.percentile_99:.2f} ms, of {self.frames} frames"


class Tracker:
    """Finds the particles of one frame after another, for live images whose end nobody knows.

    Nothing is kept from frame to frame but the time the last ten thousand
    took, so memory does not grow.

    Parameters
    ----------
    network : StagedNetwork
    cascade : Cascade, optional
        By default the one that the network was calibrated with.
    inverted : bool
        Track the negatives; see `iter_detections`.

    Examples
    --------
    >>> from napari_growtrack import Tracker, load_network
    >>> tracker = Tracker(load_network("vesicles"))  # doctest: +SKIP
    >>> tracker.warm_up((512, 512))  # doctest: +SKIP
    >>> tracker(camera.snap())  # doctest: +SKIP
    """

    def __init__(self, network: StagedNetwork, cascade: Cascade | None = None, inverted: bool = False) -> None:
        self.network = network
        self.cascade = network.cascade() if cascade is None else cascade  # type: ignore[attr-defined]
        self.frames = 0
        self._inverted = inverted
        self._milliseconds: deque[float] = deque(maxlen=_REMEMBERED)

    def warm_up(self, shape: tuple[int, int], frames: int = 3) -> None:
        """Compile what frames of this shape (Y, X) need, so that the first real one does not wait for it."""
        noise = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        noise[shape[0] // 2 :, shape[1] // 2 :] += 5  # something to refine
        wide = self.cascade.with_(screen_distance=1e3, accept_distance=1e3)
        for cascade in (wide, *[self.cascade] * frames):
            find(noise, self.network, cascade)

    def __call__(self, frame: Any) -> pd.DataFrame:
        """Find the particles of the next frame.

        Parameters
        ----------
        frame : array (Y, X)

        Returns
        -------
        DataFrame
            ``frame, y, x, distance, votes, sigma, significance``; frames count from 0.

        Raises
        ------
        StackError
            When the frame is no grey picture, or holds pixels that are no numbers.
        """
        began = time.perf_counter()
        frame = np.asarray(frame)
        if frame.ndim != 2:
            raise StackError(f"Expected one grey frame (Y, X), got shape {frame.shape}. Hand frames over one by one.")
        stack = ArrayStack(frame, f"frame {self.frames} of the stream")
        pixels = negative(stack[0], self.network, stack.full_scale) if self._inverted else stack[0]
        ((table, _),) = sightings_of([pixels], [self.frames], self.network, self.cascade, stack.full_scale)
        self.frames += 1
        self._milliseconds.append(1e3 * (time.perf_counter() - began))
        return table

    @property
    def latency(self) -> Latency:
        """How long the last frames took, up to ten thousand; zeros before the first."""
        times = np.array(self._milliseconds)
        if not len(times):
            return Latency(0.0, 0.0, 0)
        return Latency(float(np.median(times)), float(np.percentile(times, 99)), len(times))
