"""The film of a rung: frames, truth, bound and the empty twin, always the same for the same seed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from ...errors import SettingsError
from ..case import Scale
from .exposures import Exposure, median_radius
from .rungs import FRAMES, RUNGS, Rung

_CRF = 28
_CODEC = "libx264"
_COLUMNS = ("frame", "y", "x", "photons", "bound")


@dataclass(frozen=True, eq=False)
class Judged:
    """What a detector is judged on.

    Attributes
    ----------
    rung : Rung
    film : ndarray (T, Y, X) float32
    truth : DataFrame
        ``frame, y, x, photons``, and ``bound``: the least median distance from
        the truth, in pixels. Positions are means over the exposure.
    bound : float
        Least median distance of all particles together, in pixels.
    empty : ndarray (T, Y, X) float32
        The same film without any particle.
    """

    rung: Rung
    film: np.ndarray
    truth: pd.DataFrame
    bound: float
    empty: np.ndarray

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.film)

    def start(self, particles: int) -> Judged:
        """Return the first frames, with at least so many particles where there are."""
        counts = np.bincount(self.truth.frame, minlength=self.frames).cumsum()
        frames = min(self.frames, max(2, int(np.searchsorted(counts, particles)) + 1))
        some = self.truth[self.truth.frame < frames]
        return Judged(self.rung, self.film[:frames], some, self.bound, self.empty[:frames])


def rung(name: str) -> Rung:
    """Return a rung by its name.

    Raises
    ------
    SettingsError
        When there is none.
    """
    for one in RUNGS:
        if one.name == name:
            return one
    raise SettingsError(f"There is no rung {name!r}. Choose one of: {', '.join(one.name for one in RUNGS)}.")


def film(name: str, frames: int | Scale = "laptop", seed: int = 0) -> Judged:
    """Return the film of a rung; what was made once is kept.

    Parameters
    ----------
    name : str
        Of the rung.
    frames : int or {"smoke", "laptop"}
        How many.
    seed : int
        Another one gives another film of the same kind; the benchmark takes 0.

    Examples
    --------
    >>> film("airy", 2).film.shape
    (2, 192, 192)
    """
    return _kept(name, FRAMES[frames] if isinstance(frames, str) else frames, seed)


@lru_cache(40)
def _kept(name: str, frames: int, seed: int) -> Judged:
    return made(rung(name), frames, seed)


def made(one: Rung, frames: int, seed: int = 0) -> Judged:
    """Make the film of a rung."""
    scene, camera_rng, noise, other_noise = np.random.default_rng([crc32(one.name.encode()), seed]).spawn(4)
    camera = one.camera(camera_rng)
    exposures = list(one.draw(scene, frames))
    pictures = [
        np.stack([camera.exposed(exposure.mean(), rng) for exposure in some])
        for some, rng in ((exposures, noise), ([exposure.without_particles() for exposure in exposures], other_noise))
    ]
    shown, empty = _compressed(pictures) if one.codec else pictures
    covariances = [exposure.covariances(camera) for exposure in exposures]
    return Judged(one, shown, _truth(exposures, covariances), median_radius(np.concatenate(covariances)), empty)


def _truth(exposures: Sequence[Exposure], covariances: Sequence[np.ndarray]) -> pd.DataFrame:
    rows = [
        (frame, one.y, one.x, one.photons, median_radius(covariance[None]))
        for frame, (exposure, several) in enumerate(zip(exposures, covariances, strict=True))
        for one, covariance in zip(exposure.wanted, several, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"frame": np.int64})


# Video ----------------------------------------------------------------------------------------------------------------


def can_compress() -> bool:
    """Tell whether PyAV has an encoder of H.264 here."""
    av: Any = import_module("av")
    try:
        av.codec.Codec(_CODEC, "w")
    except (ValueError, av.error.FFmpegError):  # what it raises has changed with its versions
        return False
    return True


def _compressed(films: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return films (T, Y, X) as they come back from a video of 8 bits, all on one scale of grey."""
    low, high = np.min(films[0]), np.max(films[0])
    grey = [np.clip(np.rint(20 + 215 * (one - low) / (high - low)), 0, 255).astype(np.uint8) for one in films]
    return [np.stack(list(_played(_recorded(one)))).astype(np.float32) for one in grey]


def _recorded(frames: np.ndarray) -> bytes:
    av: Any = import_module("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(_CODEC, rate=25)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt, stream.options = "yuv420p", {"crf": str(_CRF), "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())
    return file.getvalue()


def _played(video: bytes) -> Iterator[np.ndarray]:
    av: Any = import_module("av")
    with av.open(io.BytesIO(video)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="gray")
