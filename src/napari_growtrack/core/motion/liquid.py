"""What diffusion says of a sphere and the liquid around it, by Stokes and Einstein: D = kT / 6 pi viscosity radius."""

from __future__ import annotations

import math

from ..errors import MotionError
from .trap import BOLTZMANN, check_temperature
from .units import Estimate

_SI = 1e-12
"""Of a diffusion coefficient: m²/s in µm²/s."""

_MICRO, _MILLI = 1e6, 1e3


def hydrodynamic_radius(coefficient: Estimate, temperature: float, viscosity: float) -> Estimate:
    """Return the radius in µm of a sphere that diffuses so fast.

    Parameters
    ----------
    coefficient : Estimate
        Diffusion coefficient in µm²/s.
    temperature : float
        In kelvin.
    viscosity : float
        Of the liquid, in mPa s; that of water is 1.002 at 293.15 K.

    Raises
    ------
    MotionError
        When the coefficient is in pixels or frames, or a number cannot be.

    Examples
    --------
    >>> found = Estimate(value=2.14, low=2.0, high=2.3, unit="µm²/s")
    >>> print(hydrodynamic_radius(found, 293.15, 1.002))
    0.1001 (0.0932 to 0.1072) µm
    """
    return _over(coefficient, temperature, viscosity / _MILLI, "viscosity in mPa s", _MICRO, "µm")


def viscosity(coefficient: Estimate, temperature: float, radius: float) -> Estimate:
    """Return the viscosity in mPa s of the liquid in which a sphere of this radius in µm diffuses so fast.

    Parameters, errors as `hydrodynamic_radius`.

    Examples
    --------
    >>> found = Estimate(value=2.14, low=2.0, high=2.3, unit="µm²/s")
    >>> print(viscosity(found, 293.15, 0.1))
    1.003 (0.933 to 1.073) mPa s
    """
    return _over(coefficient, temperature, radius / _MICRO, "radius in µm", _MILLI, "mPa s")


def _over(coefficient: Estimate, temperature: float, other: float, what: str, scale: float, unit: str) -> Estimate:
    """Return kT over 6 pi, the coefficient, and the other of radius and viscosity."""
    check_temperature(temperature)
    if coefficient.unit != "µm²/s":
        raise MotionError(
            f"Expected a diffusion coefficient in µm²/s, got one in {coefficient.unit}. "
            "Say the size of a pixel and the time from frame to frame."
        )
    if not 0 < other < math.inf:
        raise MotionError(f"Expected a {what} above 0, got {other * (_MICRO if 'µm' in what else _MILLI):g}.")
    ends = (coefficient.value, coefficient.high, coefficient.low)
    told = [scale * BOLTZMANN * temperature / (6 * math.pi * other * _SI * max(one, 1e-30)) for one in ends]
    known = coefficient.is_told and coefficient.low > 0
    return Estimate.between(told[0] if known else math.nan, told[1], told[2], unit)
