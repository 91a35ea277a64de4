"""What trajectories tell of motion: diffusion, drift, and the stiffness of a trap, each with a 95 % interval."""

from .diffusion import Diffusion, anomalous_exponent, diffusion, diffusion_of_each, fit_msd
from .displacement import emsd, imsd
from .drift import Drift, drift, drift_velocity, remove_drift
from .trap import Trap, trap_stiffness
from .units import Estimate, Units

__all__ = [
    "Diffusion",
    "Drift",
    "Estimate",
    "Trap",
    "Units",
    "anomalous_exponent",
    "diffusion",
    "diffusion_of_each",
    "drift",
    "drift_velocity",
    "emsd",
    "fit_msd",
    "imsd",
    "remove_drift",
    "trap_stiffness",
]
