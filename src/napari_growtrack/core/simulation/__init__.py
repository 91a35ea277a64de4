"""Simulated microscopy: scenes, pictures, films with known truth, and training windows."""

from .cameras import CAMERAS, Camera, named_camera
from .film import Motion, iter_film, simulate_film
from .picture import Picture, draw, draw_window
from .presets import SCENES, named_scene
from .render import expose, profile, render, simulate_frame
from .scene import Placement, Scene
from .shapes import BesselParticle, EllipticalParticle, GaussianParticle, Particle
from .windows import draw_windows

__all__ = [
    "CAMERAS",
    "SCENES",
    "BesselParticle",
    "Camera",
    "EllipticalParticle",
    "GaussianParticle",
    "Motion",
    "Particle",
    "Picture",
    "Placement",
    "Scene",
    "draw",
    "draw_window",
    "draw_windows",
    "expose",
    "iter_film",
    "named_camera",
    "named_scene",
    "profile",
    "render",
    "simulate_film",
    "simulate_frame",
]
