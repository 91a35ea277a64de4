"""What trajectories tell of motion: diffusion, states, drift, a trap's stiffness, each with a 95 % interval."""

from .confinement import Confinement, confinement
from .correlation import velocity_autocorrelation
from .diffusion import Diffusion, diffusion, diffusion_of_each, fit_msd
from .displacement import emsd, imsd
from .drift import Drift, drift, drift_velocity, remove_drift
from .exponent import Exponent, anomalous_exponent, exponent_of, looks_blurred
from .liquid import hydrodynamic_radius, viscosity
from .states import States, assign_states, diffusive_states
from .steps import StepLengths, step_lengths
from .trap import Trap, check_temperature, trap_stiffness
from .units import Estimate, Units

__all__ = [
    "Confinement",
    "Diffusion",
    "Drift",
    "Estimate",
    "Exponent",
    "States",
    "StepLengths",
    "Trap",
    "Units",
    "anomalous_exponent",
    "assign_states",
    "check_temperature",
    "confinement",
    "diffusion",
    "diffusion_of_each",
    "diffusive_states",
    "drift",
    "drift_velocity",
    "emsd",
    "exponent_of",
    "fit_msd",
    "hydrodynamic_radius",
    "imsd",
    "looks_blurred",
    "remove_drift",
    "step_lengths",
    "trap_stiffness",
    "velocity_autocorrelation",
    "viscosity",
]
