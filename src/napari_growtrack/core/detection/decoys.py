"""What noise alone would show: the network is asked about frames of nothing but a film's own noise.

Two kinds are made of a frame, its sure particles kept where they are, so that it looks the same to the network as a
whole. In the mirrored one what is dark becomes bright: it keeps the grain of texture, of compression and of noise that
neighbours share. In the shuffled one pixels change places with others nearby: it keeps how far the noise of a camera
leans towards bright pixels, and how heavy its tails are. What is found in them is no particle, and tells how often the
like is found in the frame itself (target and decoy: Elias and Gygi, Nat. Methods 4, 207, 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from scipy import ndimage

_SIDE = 16
_LIGHT = 24.0
"""Light is mirrored about its mean within so many pixels."""
NO_NOISE = 12.0
"""What stands out by more in a decoy is a real thing that is dark where particles are bright."""
_EXTREME = 2.0
_FEWEST, _MOST = 8, 24
"""So many of the most significant decoys a frame, at least and at most, tell how their number falls."""
_UNSEEN = 3.5
"""Where decoys are fewer, one is taken to stand out by so much."""
_STEEPEST, _FLATTEST = 1.25, 5.0
"""Even noise falls so, with places and sizes to choose from; flatter tails are of things that are no noise."""


class Noise(NamedTuple):
    """How often noise looks like a particle: ``exp((once**2 - s**2) / 2 / fall)`` times a frame, more than `s`.

    Attributes
    ----------
    once : float
        The significance that noise exceeds once a frame.
    fall : float
        1.25 for even noise; more where its tails are heavy.
    """

    once: float
    fall: float

    @classmethod
    def of(cls, significances: np.ndarray, frames: float) -> Self:
        """Return how often noise exceeds a significance, from those of decoys in so many frames.

        Their number falls exponentially with half the square of the significance, at a rate that follows from how far
        the most significant ones exceed the least of them on average.
        """
        usable = significances[np.isfinite(significances) & (significances > 0) & (significances < NO_NOISE)]
        number = int(np.clip(_EXTREME * frames, _FEWEST, _MOST))
        extreme = np.sort(usable)[::-1][:number]
        if len(extreme) < _FEWEST:
            extreme = np.append(extreme[extreme > _UNSEEN], _UNSEEN)
        energy = extreme**2 / 2
        fall = float(np.clip((np.sum(energy - energy[-1]) + 1.0) / len(energy), _STEEPEST, _FLATTEST))
        once = energy[-1] + fall * np.log(len(energy) / frames)
        return cls(round(float(np.sqrt(2 * max(once, 0.0))), 3), round(fall, 3))

    def often(self, significances: np.ndarray | float) -> np.ndarray:
        """Return how often a frame shows noise that exceeds each of some significances."""
        return np.asarray(np.exp((self.once**2 - np.maximum(significances, 0) ** 2) / 2 / self.fall))

    def among(self, detections: int, frames: int, least: float) -> float:
        """Return how many of the detections of some frames, from a least significance on, are expected to be noise."""
        return min(float(self.often(least)) * frames, float(detections))

    def exceeded(self, times: float) -> float:
        """Return the significance that noise exceeds so many times a frame."""
        return float(np.sqrt(max(self.once**2 - 2 * self.fall * np.log(times), 0.0)))


def q_values(significances: np.ndarray, counted: np.ndarray, noise: Noise) -> np.ndarray:
    """Return which share of a frame's detections that stand out as much is expected to be noise, (n,), 0 to 1.

    Parameters
    ----------
    significances : ndarray (n,)
    counted : ndarray (n,) of bool
        Which of them are detections.
    noise : Noise
    """
    ordered = np.sort(significances[counted & np.isfinite(significances)])
    as_much = len(ordered) - np.searchsorted(ordered, significances) + ~counted
    return np.asarray(np.minimum(noise.often(significances) / np.maximum(as_much, 1), 1))


def free(shape: tuple[int, int], places: np.ndarray, half: float) -> np.ndarray:
    """Tell which pixels of a frame lie farther than `half` from all places (n, 2), (Y, X) of bool."""
    taken = np.zeros(shape, bool)
    if len(places):
        inside = np.rint(np.clip(places, 0, np.array(shape) - 1)).astype(int)
        taken[tuple(inside.T)] = True
        return np.asarray(ndimage.distance_transform_edt(~taken) > half)
    return ~taken


def mirrored(frame: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return a frame whose usable pixels are as dark as they were bright, about the light around them."""
    weight = ndimage.gaussian_filter(usable.astype(np.float32), _LIGHT)
    light = ndimage.gaussian_filter(np.where(usable, frame, 0).astype(np.float32), _LIGHT) / np.maximum(weight, 1e-6)
    return np.where(usable, 2 * light - frame, frame).astype(np.float32)


def shuffled(frame: np.ndarray, usable: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a frame whose usable pixels have changed places within blocks of 16 x 16 px."""
    mixed = np.array(frame, np.float32)
    for top in range(0, frame.shape[0], _SIDE):
        for left in range(0, frame.shape[1], _SIDE):
            block = np.s_[top : top + _SIDE, left : left + _SIDE]
            mine = usable[block]
            part = mixed[block]
            part[mine] = rng.permutation(part[mine])
    return mixed


def apart(table: pd.DataFrame, usable: np.ndarray) -> pd.DataFrame:
    """Return those of some detections that lie on usable pixels."""
    places = np.clip(np.rint(table[["y", "x"]].to_numpy(float)).astype(int), 0, np.array(usable.shape) - 1)
    return table[usable[tuple(places.T)]]


def least_significance(found: np.ndarray, frames: float, noise: Sequence[Noise], share: float) -> tuple[float, Noise]:
    """Return the least significance at which no more than a share of what is found is expected to be noise.

    Where a frame shows less than one particle, such noise is seen in no more than that share of frames. More is asked
    where that leaves out noise and next to nothing else, as among bright particles.

    Parameters
    ----------
    found : ndarray (n,)
        Significances of what was found in `frames` frames.
    noise : sequence of Noise
        The one that asks for most counts.
    share : float

    Returns
    -------
    float
    Noise
        That which counted.
    """
    worst = max(noise, key=lambda one: one.exceeded(share))
    levels = np.arange(1.0, NO_NOISE, 0.05)
    ordered = np.sort(found[np.isfinite(found)])
    above = (len(ordered) - np.searchsorted(ordered, levels)) / frames
    often = worst.often(levels)
    gain = np.where(often <= share * np.maximum(above, 1.0), above - 2 * often, -np.inf)  # particles less noise
    good = levels[(gain >= gain.max() - share) & np.isfinite(gain)]
    return (float(good[0]) if len(good) else NO_NOISE), worst
