"""Put what was measured into the ranges of a scene, a little wider than measured, and into a sentence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..simulation import Particle, Scene
from .fitting import ellipticity
from .measuring import Measured

Ends = tuple[float, float]

_RADIUS, _INTENSITY, _STRETCH, _BACKGROUND = (0.85, 1.15), (0.7, 1.3), (0.9, 1.1), (0.85, 1.15)
_DENSITY, _SNR = (0.7, 1.4), (0.7, 1.5)
_FEW, _WIDER = 3, 1.5
_MOST_SNR, _MOST_DOUBT = 100.0, 2.0
_SPARSE = 0.5


def described(name: str, measured: Measured) -> Scene:
    """Describe what was measured as a scene; what the fits leave counts as some more noise."""
    wider = 1.0 if len(measured.look.fits) >= _FEW else _WIDER
    levels, unit = measured.scale.to_scene(measured.levels), measured.scale.unit
    level = float(np.clip(np.median(levels), 0.05, 0.95))
    snr = float(np.clip(np.sqrt(level) * unit / measured.noise, 0.5, _MOST_SNR))
    density = _density(measured, wider)
    scene = Scene(
        name=name,
        particles=[_particle(measured, wider)],
        density=_rounded(density),
        apart=_apart(measured, density[1]),
        background=_rounded(np.clip(_around(np.array([level]), _BACKGROUND, wider), 0.02, 0.98)),
        gradient=_rounded((0, min(1.3 * measured.gradient / unit + 0.05, 2 * level))),
        snr=_rounded((_SNR[0] * snr / np.clip(measured.residual, 1, _MOST_DOUBT), _SNR[1] * snr)),
        snr_drawn="by ratio",
    )
    about = sentence(scene)
    return scene.with_(about=f"{about[0].upper()}{about[1:]}.")


def sentence(scene: Scene) -> str:
    """Say what a described scene looks like; see `estimate_sentence`."""
    snr = scene.snr.high / _SNR[1]
    noise = f"SNR about {snr:.0f}" if snr < 0.99 * _MOST_SNR else f"SNR {_MOST_SNR:.0f} or more"
    density = 2 * scene.density.middle / sum(_DENSITY)
    return f"{_kind(scene.particles[0])}, {scene.diameter:.0f} px wide, {noise}, {density:.1f} per 100 x 100 px"


def _density(measured: Measured, wider: float) -> Ends:
    found = measured.crowd.densities
    return _around(found[found > 0] if found.any() else np.array([_SPARSE]), _DENSITY, wider)


def _apart(measured: Measured, density: float) -> float:
    """Return how near two centres may come: nearer than any two do, and never so far that the film looks ordered."""
    return round(0.9 * min(measured.crowd.nearest, 8 * measured.look.radius, 60 / float(np.sqrt(density))), 1)


def _particle(measured: Measured, wider: float) -> Particle:
    look = measured.look
    radii = np.array([fit.radius_across for fit in look.fits])
    scales = np.array([fit.scales for fit in look.fits]) / measured.scale.unit
    stretches = np.array([ellipticity(fit.squeeze) for fit in look.fits])
    stretch = _around(stretches, _STRETCH, wider) if look.model.elliptical else (1.0, 1.0)
    amplitudes = {
        component.number: _around(some, _INTENSITY, wider)
        for component, some in zip(look.components, scales.T, strict=True)
    }
    shape = Particle.shapes[look.model.shape]
    if look.model.elliptical and shape.elongated:
        shape = Particle.shapes[shape.elongated]
    return shape.measured(_around(radii, _RADIUS, wider), (max(stretch[0], 1), max(stretch[1], 1)), amplitudes)


def _around(values: np.ndarray, factors: Ends, wider: float) -> Ends:
    """Return a range around values of one sign: their middle times the factors, and at least most of them."""
    middle = float(np.median(values))
    sizes = values[np.sign(values) == np.sign(middle)] / middle
    low, high = 1 - wider * (1 - factors[0]), 1 + wider * (factors[1] - 1)
    least, most = np.clip(np.quantile(sizes, (0.1, 0.9)), 0.5 * low, 1.5 * high)
    ends = middle * min(low, least), middle * max(high, most)
    return min(ends), max(ends)


def _rounded(ends: Iterable[float]) -> Ends:
    low, high = (float(f"{end:.3g}") for end in ends)
    return low, high


def _kind(particle: Particle) -> str:
    return f"{'elongated ' if particle.stretch.high > 1 else ''}{particle.describe()}"
