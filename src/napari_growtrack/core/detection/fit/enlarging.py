"""Judge fits to particles smaller than a network was calibrated on, as if it had been calibrated on them.

A network that sees frames enlarged finds its thresholds calibrated on particles that cover more pixels. Of small ones
a frame holds more places for noise to look like a particle; a fit takes away a larger share of the few pixels' noise;
and where noise leans towards bright pixels, as photons and multiplied electrons do, few pixels average less of that
away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .particles import Fits, ParticleModel

_SURE = 8.0
"""What stands out by more is no noise, however noise leans, and is left out where that is measured."""
_LEANS_AT_MOST = 2.0
"""Skewness of pixels: that of electrons multiplied from one photon a pixel. More comes of hot pixels, not of noise."""
_LEFT_OF_SKEWNESS = 0.67
"""Of a pixel less the mean of its four neighbours: (1 - 4 / 64) / (1 + 4 / 16)**1.5."""
_OF_FEW_PIXELS = 1.4
"""How much more the light of few pixels leans than their weighted sum says: with 1, frames of multiplied electrons
without particles show 3.5 times the ghosts at 4 px that they show unenlarged, with this half as many as unenlarged."""
_FEWEST_PIXELS = 500
"""The third moment of fewer is a guess: its standard error is the root of 6 over their number, 0.1."""


def as_calibrated(found: Fits, frame: np.ndarray, model: ParticleModel) -> Fits:
    """Return fits with the errors and significances that hold where a frame is enlarged for a network.

    A fit that failed stands out by nothing: its place was the network's answer
    to noise it has never seen.

    Parameters
    ----------
    found : Fits
    frame : ndarray (Y, X)
        Of the film, as it was fitted.
    model : ParticleModel
        Whose `zoom` is how much larger frames are made than those of the calibration.
    """
    own = replace(model, radius=(model.zoom * model.radius[0], model.zoom * model.radius[1]), zoom=1.0)
    known = np.sqrt(_freedom(model) / _freedom(own))
    standing = known * found.significances
    lean = _OF_FEW_PIXELS * (1 - 1 / model.zoom) * _kept_skewness(model) * skewness(frame, found, _half(model))
    standing = np.sqrt(np.maximum(_as_if_even(standing, lean) ** 2 - 2 * np.log(model.zoom**2), 0))
    failed = ~np.isfinite(found.sigmas)
    return found._replace(sigmas=found.sigmas / known, significances=np.where(failed, np.nan, standing))


def _half(model: ParticleModel) -> float:
    """Return how far from its centre a usual particle is fitted, in pixels."""
    return float(model.reach * np.mean(model.radius))


def _freedom(model: ParticleModel) -> float:
    """Return the share of the noise around a particle that is left when its unknowns are fitted."""
    unknowns = model.unknowns
    return 1 - min(unknowns / (np.pi * _half(model) ** 2), 0.5)


def _kept_skewness(model: ParticleModel) -> float:
    """Return which part of the pixels' skewness the light of a usual particle, their weighted sum, keeps."""
    half = int(np.ceil(_half(model)))
    distance = np.hypot(*np.mgrid[-half : half + 1, -half : half + 1])
    weights = model.components[0].profile.values(distance / np.mean(model.radius))
    weights[distance > _half(model)] = 0
    return float((weights**3).sum() / (weights**2).sum() ** 1.5)


def skewness(frame: np.ndarray, found: Fits, half: float) -> float:
    """Return the skewness of a frame's noise, 0 to 2, apart from sure particles; 0 where few pixels are left.

    Of pixels less their neighbours' mean, so that uneven light does not count.
    """
    noise = frame[1:-1, 1:-1] - (frame[:-2, 1:-1] + frame[2:, 1:-1] + frame[1:-1, :-2] + frame[1:-1, 2:]) / 4
    dark, wide = np.ones(noise.shape, bool), int(np.ceil(half)) + 1
    for y, x in np.rint(found.positions[found.significances > _SURE]).astype(int) - 1:
        dark[max(0, y - wide) : y + wide + 1, max(0, x - wide) : x + wide + 1] = False
    rest = noise[dark].astype(float)
    if len(rest) < _FEWEST_PIXELS or np.ptp(rest) == 0:
        return 0.0
    rest -= rest.mean()
    found_skewness = (rest**3).mean() / (rest**2).mean() ** 1.5 / _LEFT_OF_SKEWNESS
    return float(np.clip(found_skewness, 0, _LEANS_AT_MOST))


def _as_if_even(significances: np.ndarray, skew: float) -> np.ndarray:
    """Return the significances that even noise exceeds as often as noise of some skewness exceeds these.

    By the deviance of a gamma distribution of that skewness, whose shape is four over its square.
    """
    if skew < 1e-3:
        return significances
    above = skew / 2 * significances
    return np.sqrt(2 * (above - np.log1p(above))) * 2 / skew
