"""The last polish: fit the scene's own particle to the pixels around each detection."""

from .polish import ParticleModel, Polished, polish

__all__ = ["ParticleModel", "Polished", "polish"]
