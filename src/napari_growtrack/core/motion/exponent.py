"""The exponent of anomalous diffusion, by the likelihood of fractional Brownian motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from .diffusion import apparent_variance
from .displacement import Track, tracks_of
from .fitting import SIGMA_SURE, Family, Fitted, Question, fitted
from .fractional import blurred_msd, runs_of
from .units import Estimate, Units

_MOST = 2.0
"""Of exponents, which are fitted as a share of it between 0 and 1, by the logistic function."""

_FAR = 8.0
"""On the logistic scale: exponents are held from 0 and 2 themselves, where no covariance can be inverted."""

_END = 12.0
"""Of that scale: no exponent nearer to its ends can be told from them."""

_REFUTED = 4.5
"""How much less likely displacements may be with `sigma` before that is not believed: by three standard errors."""

_TELLS = 1.6
"""An interval as wide as this holds nearly every exponent there is."""

_NOT_TOLD = Estimate.between(np.nan, np.nan, np.nan, "")


@dataclass(frozen=True)
class Exponent:
    """How fast motion spreads, and what was found on the way.

    Attributes
    ----------
    exponent : Estimate
        1 for diffusion, less in a cage, more where something drives.
    sigma_factor : Estimate
        What the detections' `sigma` is times, by all the displacements say; not told where it was not used.
    sigma_used : bool
        Whether the localisation error is that of the column ``sigma``.
    sigma_refuted : bool
        Whether there is such a column and the positions scatter otherwise.
    """

    exponent: Estimate
    sigma_factor: Estimate
    sigma_used: bool
    sigma_refuted: bool


def anomalous_exponent(trajectories: pd.DataFrame, units: Units | None = None) -> Estimate:
    """Estimate the exponent of ``msd ~ t^a``: 1 for diffusion, less in a cage, more where something drives.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels; ``sigma`` is used where it is there, the exposure is known, and the
        positions do not contradict it.
    units : Units, optional
        With the exposure, where it is known.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few displacements in a row, or the exposure is longer than a frame.
    """
    return exponent_of(trajectories, units).exponent


def exponent_of(trajectories: pd.DataFrame, units: Units | None = None) -> Exponent:
    """Estimate the exponent, and tell whether ``sigma`` was of use; parameters and errors as `anomalous_exponent`.

    Displacements are those of fractional Brownian motion averaged over the exposure (Backlund, Joyner and Moerner,
    Phys. Rev. E 91, 062716, 2015) with localisation added. Exponent, scale and noise are those of the greatest
    likelihood. The variance of each place is the mean square of its trajectory's ``sigma`` times a factor, which is 1
    within a fifth as long as the displacements know no better. Without ``sigma`` all places are alike, and their
    variance may be below 0: so it takes in an exposure that nobody told, which shifts mean square displacements by
    nearly a constant (Berglund, Phys. Rev. E 82, 011917, 2010).
    """
    share, tracks = (units or Units()).open_share, tracks_of(trajectories)
    free = fitted(Question(_FRACTIONAL, runs_of(tracks), share or 0.0, False))
    variances = known_variances(trajectories, tracks)
    if variances is None or share is None:
        return Exponent(_exponent(free), _NOT_TOLD, False, False)
    known = fitted(Question(_FRACTIONAL, runs_of(tracks, variances), share, True))
    if known.cost - free.cost > _REFUTED:
        return Exponent(_exponent(free), _NOT_TOLD, False, True)
    return Exponent(_exponent(known), known.factor, True, False)


_FRACTIONAL = Family(
    lambda lags, number, share: blurred_msd(lags, _MOST * float(expit(number)), share), 0.0, _FAR, -_END, _END, True
)
"""Fractional Brownian motion: the number is the exponent, as a share of the most on the logistic scale."""


def _exponent(found: Fitted) -> Estimate:
    """Return the exponent; not told where nearly each one is possible."""
    value, low, high = (float(one) for one in _MOST * expit([found.parameters[1], *found.interval(1)]))
    return Estimate.between(value if high - low < _TELLS else np.nan, low, high, "")


def looks_blurred(trajectories: pd.DataFrame, spreading: Exponent) -> bool:
    """Tell whether positions look blurred by a shutter that is open for long.

    Blur makes neighbouring steps resemble each other, so that the variance of localisation seems to be below 0, or
    below what `sigma` says. So does motion that keeps its direction, but then the exponent is above 1.
    """
    variances = known_variances(trajectories, tracks_of(trajectories))
    said = 0.0 if variances is None else float(np.nanmean(np.concatenate(variances)))
    expected = said * (1 - SIGMA_SURE) ** 2
    return apparent_variance(trajectories).high < expected and not spreading.exponent.low > 1


def known_variances(trajectories: pd.DataFrame, tracks: list[Track]) -> list[np.ndarray] | None:
    """Return the variance of each place, in px², as ``sigma`` tells it; None where one detection says nothing.

    It is the mean of its trajectory: particles differ in brightness, but single values of `sigma` are noisy themselves.
    """
    if "sigma" not in trajectories:
        return None
    values = pd.to_numeric(trajectories["sigma"], errors="coerce").to_numpy(float)
    if not np.all(np.isfinite(values) & (values > 0)):
        return None
    squares = trajectories.assign(square=np.square(values)).groupby("particle")["square"].mean()
    return [np.full(len(track.places), squares[track.particle]) for track in tracks]
