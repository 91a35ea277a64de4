"""What trajectories tell of motion: diffusion, drift, and the stiffness of a trap, each with a 95 % interval."""

from .diffusion import Diffusion, diffusion, diffusion_of_each, fit_msd
from .displacement import emsd, imsd
from .drift import Drift, drift, drift_velocity, remove_drift
from .exponent import Exponent, anomalous_exponent, exponent_of, looks_blurred
from .trap import Trap, check_temperature, trap_stiffness
from .units import Estimate, Units

__all__ = [
    "Diffusion",
    "Drift",
    "Estimate",
    "Exponent",
    "Trap",
    "Units",
    "anomalous_exponent",
    "check_temperature",
    "diffusion",
    "diffusion_of_each",
    "drift",
    "drift_velocity",
    "emsd",
    "exponent_of",
    "fit_msd",
    "imsd",
    "looks_blurred",
    "remove_drift",
    "trap_stiffness",
]
