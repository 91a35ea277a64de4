"""Particles that come back: the radius of the room they stay in, and how soon they have crossed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .displacement import tracks_of
from .exponent import known_variances
from .fitting import Family, Fitted, Question, fitted
from .fractional import runs_of
from .units import Estimate, Units, plain

_LEAST, _MOST = -4.0, 10.0
"""Logarithms of relaxation times, in frames: what comes back sooner is noise, what comes back later diffuses."""

_START = 1.0
"""Of that logarithm, where the fit starts."""


@dataclass(frozen=True)
class Confinement:
    """The room that particles stay in.

    Attributes
    ----------
    radius : Estimate
        Of a round room with a wall in which places would scatter as much: twice their standard deviation along an axis.
        Not told where particles may as well diffuse freely.
    relaxation_time : Estimate
        After which a particle has forgotten where in the room it was, but for a share of 1/e.
    """

    radius: Estimate
    relaxation_time: Estimate

    @property
    def lines(self) -> list[str]:
        """What is told, to be read."""
        if not self.radius.is_told:
            return ["confinement radius     cannot be told: particles may as well diffuse freely"]
        return [f"confinement radius     {self.radius}", f"  forgotten after      {self.relaxation_time}"]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; what is not known is None."""
        return {"radius": plain(self.radius), "relaxation_time": plain(self.relaxation_time)}


def confinement(trajectories: pd.DataFrame, units: Units | None = None) -> Confinement:
    """Tell the radius of the rooms that particles stay in, all alike, each with its own middle.

    Their mean square displacement levels off, ``2 v (1 - exp(-t / T))`` along an axis, averaged over the exposure and
    with localisation added. That is exact on a tether, and nearly so in a round room with a wall, of radius
    ``2 sqrt(v)`` and with ``D = v / 0.85 T`` (Bickel, Physica A 377, 24, 2007), where T comes out up to 5 % short.
    Variance v and relaxation time T are those of the greatest likelihood of steps that are normal; of ten trajectories
    and more, intervals follow from how these differ. The localisation error is that of ``sigma`` where it is there and
    the exposure is known, times a factor that is 1 within a tenth; else it is fitted. Free diffusion is where T is
    infinite: unless the interval of T ends before, nothing is told.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels. Gaps are allowed. Of long trajectories 64 steps are looked at
        together, so that rooms that take longer to cross are not told from none.
    units : Units, optional
        Pixels and frames by default. They should tell the exposure.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are too few displacements in a row.

    Examples
    --------
    >>> from napari_growtrack.core.simulation.paths import confined_paths
    >>> film = confined_paths(np.random.default_rng(0), 20, 60, 0.5, 3.0, 0.2)
    >>> confinement(film.assign(sigma=0.2), Units(exposure_share=0)).radius.holds(3.0)
    True
    """
    units, tracks = units or Units(), tracks_of(trajectories)
    share = units.open_share
    variances = known_variances(trajectories, tracks) if share is not None else None
    question = Question(_TETHERED, runs_of(tracks, variances), share or 0.0, variances is not None)
    return _told(fitted(question), units)


def tethered_msd(lags: np.ndarray, number: float, share: float) -> np.ndarray:
    """Return the mean square displacement along an axis on a tether, over twice the variance of places.

    Parameters
    ----------
    lags : (n,) array
        In frames.
    number : float
        The logarithm of the relaxation time in frames.
    share : float
        Of a frame in which the shutter is open.
    """
    lags, rate = np.asarray(lags, float), float(np.exp(-number))
    if share < 0.001:
        return -np.expm1(-lags * rate)
    open_for = share * rate
    apart = np.square(np.expm1(-open_for) / open_for) * np.exp(open_for - lags * rate)
    alike = 2 * (open_for + np.expm1(-open_for)) / open_for**2
    return np.where(lags > 0, alike - apart, 0.0)


_TETHERED = Family(tethered_msd, _START, np.inf, _LEAST, _MOST, normal=False)


def _told(found: Fitted, units: Units) -> Confinement:
    free, _ = found.cost_at(1, _MOST, found.parameters[[0, 2]])
    nothing = Estimate.between(np.nan, np.nan, np.nan, "")
    if not 2 * (free - found.cost) > found.rises[1] ** 2:
        return Confinement(nothing, nothing)
    scale, time = ((found.parameters[which], *found.interval(which)) for which in (0, 1))
    times = units.frame * np.exp(np.array(time))
    radius = units.pixel * np.sqrt(2) * np.exp(np.array(scale) / 2)  # the scale is twice the variance
    return Confinement(
        Estimate.between(float(radius[0]), float(radius[1]), float(radius[2]), units.length),
        Estimate.between(float(times[0]), float(times[1]), float(times[2]), units.time),
    )
