"""Cameras that turn photons into grey levels: by counting or multiplying electrons, or pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Numbers = float | np.ndarray


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera; what differs from pixel to pixel is an array (Y, X).

    Attributes
    ----------
    gain : float or ndarray
        Grey levels for an electron.
    offset : float or ndarray
        Grey levels without light.
    read : float or ndarray
        Standard deviation of the read noise, in electrons.
    dark : float or ndarray
        Electrons a frame that no photon brought.
    multiplication : float
        By how much electrons are multiplied before they are read, each time by chance; 0 where they are not.
    dead : ndarray of bool, optional
        Pixels that always say the same.
    """

    gain: Numbers = 1.0
    offset: Numbers = 0.0
    read: Numbers = 0.0
    dark: Numbers = 0.0
    multiplication: float = 0.0
    dead: np.ndarray | None = None

    def exposed(self, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a frame (Y, X) float32 of whole grey levels, from the mean number of photons on each pixel."""
        electrons = rng.poisson(mean + self.dark).astype(float)
        if self.multiplication:
            many = rng.gamma(np.maximum(electrons, 1e-12), self.multiplication)
            electrons = np.where(electrons > 0, many, 0.0) / self.multiplication
        grey = self.offset + self.gain * (electrons + self.read * rng.normal(size=mean.shape))
        if self.dead is not None:
            grey = np.where(self.dead, self.offset, grey)
        return np.clip(np.rint(grey), 0, 65535).astype(np.float32)

    def variance(self, mean: np.ndarray) -> np.ndarray:
        """Return the variance of each pixel in photons squared; dead ones know nothing."""
        noise = (2.0 if self.multiplication else 1.0) * (mean + self.dark) + np.square(self.read)
        return noise if self.dead is None else np.where(self.dead, np.inf, noise)

    def with_(self, **changes: Numbers) -> Camera:
        """Return the camera with some of its numbers changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def counting() -> Camera:
    """Return a camera that counts photons, on an offset."""
    return Camera(gain=2.0, offset=100.0)


def emccd() -> Camera:
    """Return an electron-multiplying camera: 300 electrons for one, 60 of read noise, 12 to a grey level."""
    return Camera(gain=300 / 12, offset=200.0, read=60 / 300, multiplication=300.0)


def scmos(shape: tuple[int, int], rng: np.random.Generator) -> Camera:
    """Return a scientific CMOS camera whose pixels differ in offset, gain and read noise; a few are far noisier."""
    noisy = rng.random(shape) < 0.005
    read = rng.lognormal(np.log(1.4), 0.25, shape) * np.where(noisy, rng.uniform(3, 6, shape), 1)
    gain = 2.2 * np.maximum(1 + 0.03 * rng.normal(size=shape), 0.8)
    return Camera(gain, offset=100 + 2.5 * rng.normal(size=shape), read=read)


def with_bad_pixels(camera: Camera, shape: tuple[int, int], rng: np.random.Generator) -> Camera:
    """Return a camera with one pixel in a thousand hot, by 200 to 3000 electrons a frame, and half as many dead."""
    chance = rng.random(shape)
    hot = np.where(chance < 1e-3, np.exp(rng.uniform(np.log(200), np.log(3000), shape)), 0.0)
    return camera.with_(dark=hot, dead=(chance >= 1e-3) & (chance < 1.5e-3))


def with_stripes(camera: Camera, strength: float, shape: tuple[int, int], rng: np.random.Generator) -> Camera:
    """Return a camera with an offset of its own for each column and each row, together of some electrons' strength."""
    columns, rows = rng.normal(size=(1, shape[1])), rng.normal(size=(shape[0], 1))
    return camera.with_(offset=camera.offset + strength * camera.gain * (columns + rows) / np.sqrt(2))
