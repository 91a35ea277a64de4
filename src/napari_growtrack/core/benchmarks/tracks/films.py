"""Films of moving particles: spots as a camera that counts photons sees them, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
import pandas as pd

from ...errors import SettingsError
from ..case import Scale
from ..world.exposures import Exposure, Particle
from ..world.looks import Cloud
from .paths import KINDS, Kind, paths

SIGMA = 0.9
"""Of a spot, in pixels."""

DIAMETER = 4 * 0.75 * SIGMA
"""How wide a spot looks to our networks, in pixels: four radii, a Gaussian's radius is 0.75 sigma."""

_BACKGROUND = 10.0  # photons a pixel
_WHOLE = 512  # px, the side for which densities are given
SIDES: dict[Scale, int] = {"smoke": 96, "laptop": 256, "paper": 512}
FRAMES: dict[Scale, int] = {"smoke": 12, "laptop": 60, "paper": 100}


@dataclass(frozen=True, eq=False)
class TrackFilm:
    """A film whose trajectories are known.

    Attributes
    ----------
    name : str
    film : ndarray (T, Y, X) float32
        Photons.
    truth : DataFrame
        ``frame, y, x, particle, angle``.
    """

    name: str
    film: np.ndarray
    truth: pd.DataFrame


@lru_cache(8)
def film(name: str, scale: Scale = "laptop", seed: int = 0) -> TrackFilm:
    """Return a film by its name; the same name, scale and seed give the same film.

    Parameters
    ----------
    name : str
        Kind, density and signal-to-noise ratio: ``vesicles mid 4``.
    scale : {"smoke", "laptop", "paper"}
        96 px and 12 frames, 256 px and 60, or the challenge's own 512 px and 100.
    seed : int

    Raises
    ------
    SettingsError
        When there is no such film.

    Examples
    --------
    >>> film("receptors low 4", "smoke").film.shape
    (12, 96, 96)
    """
    kind, density, snr = _read(name)
    rng, noise = np.random.default_rng([crc32(name.encode()), seed]).spawn(2)
    side = SIDES[scale]
    truth = paths(kind, kind.densities[density] * (side / _WHOLE) ** 2, FRAMES[scale], side, rng)
    photons = 2 * np.pi * kind.elongation * SIGMA**2 * peak(snr)
    each = dict(iter(truth.groupby("frame")))
    frames = [
        noise.poisson(_mean(each.get(frame, truth[:0]), kind, photons, side)).astype(np.float32)
        for frame in range(FRAMES[scale])
    ]
    return TrackFilm(name, np.stack(frames), truth)


def peak(snr: float) -> float:
    """Return how high a spot stands above the background: by the challenge, SNR times the root of peak and background.

    Examples
    --------
    >>> round(peak(4), 1)
    23.0
    """
    return float((snr**2 + snr * np.sqrt(snr**2 + 4 * _BACKGROUND)) / 2)


def _read(name: str) -> tuple[Kind, str, float]:
    kind, density, snr = [*name.split(), "", "", ""][:3]
    if kind not in KINDS or density not in KINDS[kind].densities or not snr.isdigit() or not int(snr):
        raise SettingsError(
            f"There is no film {name!r}. Name one of {', '.join(KINDS)}, then low, mid or high, then the SNR: "
            "vesicles mid 4."
        )
    return KINDS[kind], density, float(snr)


def _mean(table: pd.DataFrame, kind: Kind, photons: float, side: int) -> np.ndarray:
    """Return the mean number of photons on each pixel."""
    looks = [_look(kind, angle) for angle in table["angle"]]
    places = table[["y", "x"]].to_numpy()
    particles = [Particle(y, x, photons, look) for (y, x), look in zip(places, looks, strict=True)]
    flat = np.full((side, side), _BACKGROUND)
    return Exposure(particles, flat, np.ones_like(flat)).mean()


def _look(kind: Kind, angle: float) -> Cloud:
    if kind.elongation == 1:
        return Cloud(SIGMA)
    along = SIGMA * np.sqrt(3 * (kind.elongation**2 - 1)) * np.linspace(-1, 1, 7) * np.sqrt(6 / 8)
    return Cloud(SIGMA, along[:, None] * (np.sin(angle), np.cos(angle)), np.full(7, 1 / 7))
