"""The whole way from clicks on a film to a scene, with pictures to judge it by."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..errors import GrowtrackWarning, SettingsError, short
from ..films import open_stack
from ..simulation import Scene, draw, simulate_frame
from ..simulation.shapes import DEFAULT, Particle
from .clicks import Clicked, clicked_on
from .crops import crop, crop_filled
from .measuring import Measured, measure
from .model import reach_of
from .scene import described, sentence
from .starting import radii_to_try

POOR = 5.0
"""Times the noise that fits leave where particles are of another shape; a good one leaves 1 to 2."""


@dataclass(frozen=True)
class SceneEstimate:
    """A scene made to look like a film, and pictures to judge it by.

    Attributes
    ----------
    scene : Scene
        What the film's particles look like, in ranges.
    unit : float
        Intensity of the film that a scene's intensity of 1 stands for.
    offset : float
        Value of the film that a scene's level of 0 stands for.
    real : ndarray (n, side, side) float32
        Crops of the film around the particles that were clicked, in the scene's units.
    simulated : ndarray (n, side, side) float32
        Crops of simulated frames, on the same scale.
    residual : float
        Spread of what the fits leave, in units of the noise: about 1 is perfect.
    """

    scene: Scene
    unit: float
    offset: float
    real: np.ndarray
    simulated: np.ndarray
    residual: float

    def __str__(self) -> str:
        return estimate_sentence(self)


def match_film(
    film: Any,
    points: np.ndarray,
    name: str = "matched",
    seed: int = 0,
    diameter: float | None = None,
    shape: str | None = None,
) -> SceneEstimate:
    """Describe the particles of a film, by a few that were clicked, as a scene.

    Where bright and dark particles were clicked, those of the rarer kind are left out, with a warning.

    Parameters
    ----------
    film
        Anything `open_stack` takes.
    points : ndarray (n, 3) or (n, 2)
        ``(frame, y, x)``, or ``(y, x)`` on frame 0, in pixels; within about
        4 px of a particle's centre, or a third of its diameter. All of one kind.
    name : str
        Name of the scene.
    seed : int
        Chooses the simulated pictures.
    diameter : float, optional
        How wide the particles look, in pixels, if that is known.
    shape : str, optional
        Of the particles, as scene files name it; Gaussian ones that are clearly elongated become ellipses. By default
        they are of rings (``bessel``), and where those leave more than five times the noise, of the shape that leaves
        least, if it is less than half as much.

    Raises
    ------
    SettingsError
        When there are no points, they lie outside the film, or nothing that looks like one kind of
        particle is there.
    StackError
        When the film cannot be read.

    Examples
    --------
    >>> from napari_growtrack.core.simulation import named_scene, simulate_film
    >>> film, truth = simulate_film(named_scene("table42"), 1, (128, 128), np.random.default_rng(0), number=4)
    >>> sorted(match_film(film, truth[["frame", "y", "x"]].to_numpy()).scene.particles[0].rings)
    [1]
    """
    if shape is not None and shape not in Particle.shapes:
        raise SettingsError(f"Expected a shape of {', '.join(Particle.shapes)}, got {short(shape)}.")
    stack = open_stack(film)
    sides = stack.shape[1:]
    clicked, radii = clicked_on(stack, points), radii_to_try(diameter, min(sides))
    looked_at = partial(_measured, clicked, radii, sides, stack.full_scale)
    measured, sentences = looked_at(shape) if shape else _best(looked_at)
    for told in sentences:
        warnings.warn(told, GrowtrackWarning, stacklevel=2)
    scene = described(name, measured)
    real = _film_crops(measured)
    simulated = _simulated_crops(scene, real.shape, max(sides), np.random.default_rng(seed))
    return SceneEstimate(scene, *measured.scale, real, simulated, measured.residual)


class _Told(NamedTuple):
    """What was measured, and what was to be said of it."""

    measured: Measured
    sentences: list[str]


def _measured(clicked: Clicked, radii: np.ndarray, sides: tuple[int, int], full_scale: float, shape: str) -> _Told:
    """Measure particles of a shape, keeping back what is to be said until it is chosen."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", GrowtrackWarning)
        measured = measure(clicked, radii, sides, full_scale, shape)
    return _Told(measured, [str(one.message) for one in heard if issubclass(one.category, GrowtrackWarning)])


def _best(looked_at: Callable[[str], _Told]) -> _Told:
    """Return what the usual shape measures, or another one where that fits poorly and this leaves less than half."""
    usual = looked_at(DEFAULT)
    if usual.measured.residual <= POOR:
        return usual
    others = []
    for shape in [name for name in Particle.shapes if name != DEFAULT]:
        with suppress(SettingsError):  # nothing of that shape is there
            others.append(looked_at(shape))
    best = min(others, key=lambda one: one.measured.residual, default=usual)
    return best if best.measured.residual < usual.measured.residual / 2 else usual


def estimate_sentence(likeness: SceneEstimate) -> str:
    """Say what the particles look like, such as ``bright spots, 10 px wide, SNR about 5, 1.1 per 100 x 100 px``."""
    return sentence(likeness.scene)


def _film_crops(measured: Measured) -> np.ndarray:
    """Return crops of the film around the fitted particles, (n, side, side) float32, in the scene's units.

    Beyond the film they show the background around their particle.
    """
    side = 2 * int(np.ceil(reach_of(measured.look.radius))) + 1
    crops = np.stack([crop_filled(fit.click.frame, fit.place, side, fit.level) for fit in measured.look.fits])
    return measured.scale.to_scene(crops).astype(np.float32)


def _simulated_crops(scene: Scene, shape: tuple[int, ...], longest: int, rng: np.random.Generator) -> np.ndarray:
    """Return crops around simulated particles, (n, side, side) float32, each of a frame of its own."""
    number, side, _ = shape
    return np.stack([_simulated_crop(scene, side, longest, rng) for _ in range(number)])


def _simulated_crop(scene: Scene, side: int, longest: int, rng: np.random.Generator) -> np.ndarray:
    """Crop a frame around its first particle, its background as steep as on a frame so long."""
    wide = 2 * side
    picture = draw(scene, (wide, wide), rng, max(1, round(scene.density.draw(rng) * wide**2 / 1e4)))
    shift = np.rint(picture.positions[0] - side)
    picture = replace(picture, positions=picture.positions - shift, gradient=picture.gradient * wide / longest)
    return crop(simulate_frame(picture, rng), picture.positions[0], side)
