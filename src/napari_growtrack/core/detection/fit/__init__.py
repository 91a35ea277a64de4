"""The last fit: the scene's own particle, on the pixels around each detection."""

from .particles import Fits, ParticleModel, fit_particles, without_particles

__all__ = ["Fits", "ParticleModel", "fit_particles", "without_particles"]
