"""How much of a frame its particles explain: the evidence by which networks, sizes and contrasts are compared."""

from __future__ import annotations

import numpy as np

_RINGS = 64
"""Of spatial frequencies, from none to one cycle a pixel; those beyond the corner of the square are empty."""
_COST = 8.0
"""Nats that a particle costs: place, size and light are four numbers, each known to about an eighth of its range."""
_FLOOR = 1e-12
"""Of a frame's mean power: frames without any noise are compared as if they had so little."""


def evidence(frame: np.ndarray, left: np.ndarray, particles: int) -> float:
    """Return by how many nats particles explain a frame better than none do.

    What they leave is taken for a random field, of background and noise, with whatever power spectrum it has; its
    likelihood is Whittle's (Ark. Mat. 2, 423, 1953). So a large soft shape that is explained counts little, since a
    field has such shapes anyway, and halos that are left around particles count much.

    Parameters
    ----------
    frame : ndarray (Y, X)
    left : ndarray (Y, X)
        The frame without its particles; see `without_particles`.
    particles : int

    Examples
    --------
    >>> field = np.random.default_rng(0).normal(size=(64, 64))
    >>> spots = np.zeros((64, 64))
    >>> spots[8::16, 8::16] = 20
    >>> evidence(field + spots, field, 16) > 500, evidence(field, field, 3)
    (True, -24.0)
    """
    before, number = _spectrum(frame)
    after, _ = _spectrum(left)
    floor = _FLOOR * float(before.max(initial=0.0))
    if floor == 0:
        return -_COST * particles
    gained = number * (np.log(before + floor) - np.log(after + floor))
    return float(gained.sum()) / 2 - _COST * particles


def _spectrum(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean power in each ring of frequencies, and how many of them are in it."""
    height, width = image.shape
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[1:-1]
    power = np.abs(np.fft.rfft2((image - image.mean()) * window)) ** 2
    twice = np.full(power.shape, 2.0)  # all but the first and, of an even number, the last column stand for two
    twice[:, 0] = 1
    if width % 2 == 0:
        twice[:, -1] = 1
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    ring = np.minimum((frequency * _RINGS).astype(int), _RINGS - 1)
    number = np.bincount(ring.ravel(), twice.ravel(), _RINGS)
    total = np.bincount(ring.ravel(), (twice * power).ravel(), _RINGS)
    seen = number > 0
    return total[seen] / number[seen], number[seen]
