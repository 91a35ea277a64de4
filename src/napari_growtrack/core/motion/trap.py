"""The stiffness of a trap, by the trajectory of the one bead in it: how far it strays, and how fast it returns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MotionError
from .displacement import tracks_of
from .harmonic import Harmonic, fit_harmonic
from .units import Estimate, Units

BOLTZMANN = 1.380649e-23
"""Joule per kelvin."""

_LEAST = 20
"""Positions: fewer do not tell stiffness, time and noise from one another."""

_UNSURE = 2.0
"""Largest standard error of the noise's logarithm that counts: a noise of nearly nothing is unsure by far more."""

_TELLS = math.log(100)
"""An interval that reaches so far to either side, in logarithms, tells nothing."""

_BLURRED = 0.5
"""Relaxation within an exposure above which how far a bead strays tells no more than the likelihood."""

_COLDEST = 200.0
"""Kelvin. What is colder is meant in degrees Celsius; no liquid that beads are trapped in is."""

_APART = 5.99
"""95 % of chi square with two degrees of freedom: two stiffnesses that differ by less do not tell their axes."""


_MEAN, _ALONG = (0.5, 0, 0.5, 0), (1, 0, 0, 0)
"""Weights of the logarithms of the stiffness matrix and of diffusion: both axes, and the only one."""


@dataclass(frozen=True)
class Trap:
    """A harmonic trap; what cannot be told is NaN.

    Attributes
    ----------
    stiffness : Estimate
        The geometric mean of both axes, in kT per unit of length squared, or pN/µm where temperature and pixel size
        are known; by maximum likelihood.
    stiff, soft : Estimate
        Along the trap's own axes, at a right angle to each other.
    angle : Estimate
        Of the stiff axis from the x axis, in degrees, counter-clockwise as the picture is seen, from -90 to 90.
    rotation : Estimate
        How fast forces that go around turn the bead, in radians per unit of time, counter-clockwise.
    equipartition : Estimate
        The geometric mean by the covariance of the positions alone, corrected for the localisation error; not
        told of a trap that rotates, whose bead strays otherwise.
    relaxation_time : Estimate
        In which the bead returns by a factor e; the geometric mean of both axes.
    localisation_error : float
        Standard deviation of a position along one axis, in the unit of length.
    positions : int
    """

    stiffness: Estimate
    stiff: Estimate
    soft: Estimate
    angle: Estimate
    rotation: Estimate
    equipartition: Estimate
    relaxation_time: Estimate
    localisation_error: float
    positions: int


def trap_stiffness(
    trajectories: pd.DataFrame,
    units: Units | None = None,
    temperature: float | None = None,
    particle: int | None = None,
) -> Trap:
    """Estimate the stiffness of the trap that holds a bead.

    A bead in a harmonic trap is an Ornstein-Uhlenbeck process seen with noise;
    both stiffnesses, their axes, rotation, diffusion and the noise are those of the greatest
    likelihood, gaps in the trajectory being allowed for. Intervals follow from the
    curvature of the likelihood, so that a slow bead counts as few independent
    positions.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    units : Units, optional
        Pixels and frames by default.
    temperature : float, optional
        In kelvin; with it, and with the pixel size, stiffness is in pN/µm.
    particle : int, optional
        Which one, where there are several.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    MotionError
        When there are several particles and none is named, or too few positions.

    Examples
    --------
    >>> trap = trap_stiffness(trajectories, Units(pixel_size=0.1), temperature=298)  # doctest: +SKIP
    >>> print(trap.stiffness)  # doctest: +SKIP
    1.2 (0.9 to 1.6) pN/µm
    """
    units = units or Units()
    check_temperature(temperature)
    places = _places(trajectories, particle)
    if units.open_share is None:
        return _of_either(*(_trap(places, units, temperature, share) for share in (0.0, 1.0)))
    return _trap(places, units, temperature, units.open_share)


def _trap(places: np.ndarray, units: Units, temperature: float | None, open_share: float) -> Trap:
    found = fit_harmonic(places[:, ::-1] * (1, -1), open_share)  # x to the right and y up, as the picture is seen
    per_kt, unit = _scale(units, temperature)
    mean = _exponential(found, _MEAN if found.turned is None else _ALONG, per_kt, unit)
    stiff, soft, angle = _axes(found, mean, per_kt, unit)
    rotation = _rotation(found, units)
    rate = np.add(_MEAN if found.turned is None else _ALONG, (0, 0, 0, 1))
    return Trap(
        mean,
        stiff,
        soft,
        angle,
        rotation,
        _unknown(unit)
        if not math.isfinite(found.noise_error) or (rotation.is_told and not rotation.holds(0))
        else _by_equipartition(places, found, per_kt, unit, open_share),
        _exponential(found, -rate, units.frame, units.time),
        units.pixel * math.sqrt(found.noise),
        int(np.isfinite(places[:, 0]).sum()),
    )


def _of_either(one: Trap, other: Trap) -> Trap:
    """Return what a trap is at the first exposure, with intervals that hold what it is at either."""
    wider: dict[str, Any] = {}
    for name in (field.name for field in fields(Trap) if isinstance(getattr(one, field.name), Estimate)):
        a, b = getattr(one, name), getattr(other, name)
        value = a.value if b.is_told else math.nan
        wider[name] = Estimate.between(value, min(a.low, b.low), max(a.high, b.high), a.unit)
    return replace(one, **wider)


def check_temperature(kelvin: float | None) -> None:
    """Check that a temperature can be one, in kelvin.

    Raises
    ------
    MotionError
        When it cannot.
    """
    if kelvin is None or (math.isfinite(kelvin) and kelvin >= _COLDEST):
        return
    celsius = f" {kelvin:g} °C are {kelvin + 273.15:g} K." if math.isfinite(kelvin) and kelvin > -_COLDEST else ""
    raise MotionError(f"Expected the temperature in kelvin, such as 298, got {kelvin:g}.{celsius}")


def _places(trajectories: pd.DataFrame, particle: int | None) -> np.ndarray:
    tracks = tracks_of(trajectories)
    if particle is None and len(tracks) > 1:
        raise MotionError(
            f"A trap holds one bead, and there are {len(tracks)} trajectories. Name the particle, or link with more "
            "memory and a least length."
        )
    chosen = [track for track in tracks if particle in (None, track.particle)]
    if not chosen:
        raise MotionError(f"There is no particle {particle}. Choose one of the trajectories' own.")
    places = chosen[0].places
    if np.isfinite(places[:, 0]).sum() < _LEAST:
        raise MotionError(f"Expected at least {_LEAST} positions of the bead, got {np.isfinite(places[:, 0]).sum()}.")
    return places


def _scale(units: Units, temperature: float | None) -> tuple[float, str]:
    """Return what 1 kT per square pixel is, and in which unit."""
    if temperature is None or units.pixel_size is None:
        return 1 / units.pixel**2, f"kT/{units.length}²"
    return BOLTZMANN * temperature * 1e18 / units.pixel_size**2, "pN/µm"  # J/µm² is 1e12 N/m, and N/m is 1e6 pN/µm


def _unknown(unit: str) -> Estimate:
    return Estimate.between(math.nan, math.nan, math.nan, unit)


def _exponential(found: Harmonic, weights: Sequence[float] | np.ndarray, scale: float, unit: str) -> Estimate:
    """Return the exponential of a weighted sum of the logarithms of stiffness and diffusion, with its interval."""
    chosen = np.asarray(weights)
    mean = float(chosen @ np.append(found.stiffness, found.diffusion))
    return _of_logarithm(mean, found.reach, float(chosen @ found.covariance[:4, :4] @ chosen), scale, unit)


def _of_logarithm(mean: float, reach: float, variance: float, scale: float, unit: str) -> Estimate:
    half = reach * math.sqrt(max(variance, 0))
    if not 0 < half <= _TELLS:
        return _unknown(unit)
    value, low, high = (scale * math.exp(one) for one in (mean, mean - half, mean + half))
    return Estimate.between(value, low, high, unit)


def _axes(found: Harmonic, mean: Estimate, scale: float, unit: str) -> tuple[Estimate, Estimate, Estimate]:
    """Return the stiffness along the stiff and the soft axis, and the angle of the stiff one.

    Of two stiffnesses that are alike, chance makes one the larger: the interval of each holds that of their mean, then.
    """
    if found.turned is not None:
        return mean, _unknown(unit), _unknown("°")
    xx, xy, yy = found.stiffness
    (low, high), vectors = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]))
    p, q = vectors.T
    soft, stiff = (_exponential(found, [v[0] ** 2, 2 * v[0] * v[1], v[1] ** 2, 0], scale, unit) for v in (p, q))
    if not _differ(found):
        stiff = Estimate.between(stiff.value, min(stiff.low, mean.low), stiff.high, unit)
        soft = Estimate.between(soft.value, soft.low, max(soft.high, mean.high), unit)
        return stiff, soft, _unknown("°")
    turn = np.array([p[0] * q[0], p[0] * q[1] + p[1] * q[0], p[1] * q[1]]) / (high - low)
    half = found.reach * math.degrees(math.sqrt(max(turn @ found.covariance[:3, :3] @ turn, 0)))
    angle = math.degrees(math.atan2(q[1], q[0]))
    angle -= 180 * round(angle / 180)
    return stiff, soft, Estimate.between(angle, angle - half, angle + half, "°")


def _rotation(found: Harmonic, units: Units) -> Estimate:
    unit = f"rad/{units.time}"
    if found.turned is not None:
        return _unknown(unit)
    value, half = found.rotation / units.frame, found.reach * math.sqrt(found.covariance[4, 4]) / units.frame
    return Estimate.between(float(value), float(value - half), float(value + half), unit)


def _differ(found: Harmonic) -> bool:
    """Tell whether the two stiffnesses differ by more than chance."""
    differences = np.array([[1.0, 0, -1], [0, 2, 0]])
    off = differences @ found.stiffness
    return bool(off @ np.linalg.pinv(differences @ found.covariance[:3, :3] @ differences.T) @ off > _APART)


def _by_equipartition(
    places: np.ndarray, found: Harmonic, scale: float, unit: str, open_share: float = 0.0
) -> Estimate:
    """Return the stiffness by how far the bead strays along the axes of its own spread."""
    seen = places[np.isfinite(places[:, 0])]
    spreads = np.linalg.eigvalsh(np.cov(seen.T, bias=True))
    spreads = spreads[1:] if found.turned is not None else spreads
    mean = found.stiffness @ (_MEAN if found.turned is None else _ALONG)[:3]
    rate = math.exp(found.diffusion + mean)
    if (turn := rate * open_share) > _BLURRED:
        return _unknown(unit)
    stays = 1 - turn / 3 + turn**2 / 12  # of a variance that is averaged over so long
    logs, variances = [], []
    for spread in spreads:
        # a bead is never taken to stray by less than a thousandth of what is seen, or its stiffness would be endless
        own = max(spread - found.noise, 1e-3 * spread)
        decay, share = math.exp(-rate), own / (own + found.noise)
        independent = len(seen) / (1 + 2 * share**2 * decay**2 / (1 - decay**2))
        noise = min(found.noise_error, _UNSURE) * found.noise
        logs.append(math.log(stays / own))
        variances.append((2 / max(independent, 2) * spread**2 + noise**2) / own**2)
    return _of_logarithm(float(np.mean(logs)), found.reach, sum(variances) / len(variances) ** 2, scale, unit)
