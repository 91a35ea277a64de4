"""Draw the numbers of one picture: how many particles, where, how large and how bright."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import SettingsError
from ..settings import Span
from .drawing import Numbers, Pair, Ranges, Stage, draw_around_centre, draw_frame, place_apart
from .scene import Placement, Scene
from .sensor import COUNTS, PLAIN
from .shapes import DEFAULT, Component, Particle

Shape = tuple[int, int]

BESSEL = tuple(Component(DEFAULT, order) for order in Particle.shapes[DEFAULT].profiles)
"""What the light of pictures is made of that say nothing else."""

BARE: Stage = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
"""Even light, nothing behind particles that stand still, and no codec."""


@dataclass(frozen=True)
class Picture:
    """The numbers of one picture before any pixel exists.

    Attributes
    ----------
    shape : (int, int)
        Height and width in pixels.
    positions : ndarray (n, 2)
        Centres ``(y, x)`` in pixels, pixel centres on integers.
    radius, ellipticity, angle : ndarray (n,)
        Radius in pixels, stretch, and direction of the stretch in radians.
    intensity : ndarray (n, components)
        How bright each of the profiles is that their light is the sum of.
    wanted : ndarray (n,) of bool
        Whether the particle is to be found (a distractor is not).
    background, gradient, gradient_angle, snr : float
        Background level, its change over the longer side and direction, and
        the signal-to-noise ratio.
    components : tuple of Component
        Which profiles those are; Bessel orders from 1 on unless something else is said.
    paths : ndarray (n, stations, 2), optional
        Where each particle is on its way during the exposure, ``(y, x)`` from its position, which is their mean.
    stage : tuple of float
        Vignetting, texture, its size in pixels, motion blur in square pixels, compression in levels of grey, and a
        key from 0 to 1: the same texture and the same pixels of the sensor follow from the same key.
    sensor : ndarray (numbers,)
        The camera's numbers; see `sensor`.
    """

    shape: Shape
    positions: np.ndarray
    radius: np.ndarray
    ellipticity: np.ndarray
    angle: np.ndarray
    intensity: np.ndarray
    wanted: np.ndarray
    background: float
    gradient: float
    gradient_angle: float
    snr: float
    components: tuple[Component, ...] = BESSEL
    paths: np.ndarray | None = None
    stage: Stage = BARE
    sensor: np.ndarray = field(default_factory=lambda: np.array(PLAIN))

    @classmethod
    def of(cls, shape: Shape, numbers: Numbers, components: tuple[Component, ...]) -> Picture:
        """Make a picture of what compiled code has drawn."""
        (positions, radius, ellipticity, angle, intensity, paths), wanted, light, snr, stage, sensor = numbers
        particles = positions, radius, ellipticity, angle, intensity
        return cls(shape, *particles, wanted, *light, snr, components, paths, stage, sensor)

    @property
    def numbers(self) -> Numbers:
        """The same for compiled code."""
        arrays = self.positions, self.radius, self.ellipticity, self.angle, self.intensity
        positions, radius, ellipticity, angle, intensity = (np.ascontiguousarray(array, float) for array in arrays)
        light = float(self.background), float(self.gradient), float(self.gradient_angle)
        wanted = np.ascontiguousarray(self.wanted, bool)
        paths = np.zeros((len(radius), 0, 2)) if self.paths is None else np.ascontiguousarray(self.paths, float)
        particles = positions, radius, ellipticity, angle, intensity, paths
        return particles, wanted, light, float(self.snr), self.stage, self.sensor

    def moved_to(self, positions: np.ndarray) -> Picture:
        """Return the same picture with its particles elsewhere, ``(n, 2)``."""
        return replace(self, positions=positions)

    @property
    def in_counts(self) -> bool:
        """Whether its frame is in a camera's counts, not in units of intensity."""
        return bool(self.sensor[COUNTS])

    def only(self, lit: np.ndarray) -> Picture:
        """Return the same picture with some particles dark, where `lit` (n,) is false; they are not to be found."""
        return replace(self, intensity=self.intensity * lit[:, None], wanted=self.wanted & lit)

    @property
    def motion_blur(self) -> float:
        """Diffusion during the exposure, in square pixels."""
        return self.stage[3]

    def truth(self, frame: int = 0) -> pd.DataFrame:
        """Return the particles to be found as a truth table."""
        wanted = np.flatnonzero(self.wanted)
        return pd.DataFrame(
            {
                "frame": np.full(len(wanted), frame, np.int64),
                "y": self.positions[wanted, 0],
                "x": self.positions[wanted, 1],
                "particle": wanted.astype(np.int64),
                "radius": self.radius[wanted],
                "snr": np.full(len(wanted), float(self.snr)),
            }
        )


def draw(scene: Scene, shape: Shape, rng: np.random.Generator, number: int | None = None) -> Picture:
    """Draw one picture of a scene.

    Parameters
    ----------
    scene : Scene
    shape : (int, int)
        Height and width of the frame in pixels.
    rng : numpy.random.Generator
    number : int, optional
        Particles to be found. By default it follows from the scene's density
        (then as many as fit are drawn).

    Raises
    ------
    SettingsError
        When `number` particles do not fit `scene.apart` pixels apart.
    """
    if min(shape) < 1:
        raise SettingsError(f"A frame has at least one pixel along each side, got {shape[0]} x {shape[1]}.")
    if number is not None and number < 0:
        raise SettingsError(f"Expected a number of particles from 0, got {number}.")
    ranges = frame_ranges(scene, shape)
    wanted = ranges[0] if number is None else (float(number), float(number))
    picture = Picture.of(shape, draw_frame(ranges, wanted, rng), scene.components)
    found = len(picture.positions)
    if number is not None and found < number:
        raise SettingsError(
            f"Only {found} of {number} particles fit into {shape[0]} x {shape[1]} px at least "
            f"{scene.apart:g} px apart. Ask for fewer, or for a larger frame."
        )
    return picture


def draw_window(scene: Scene, side: int, rng: np.random.Generator) -> Picture:
    """Draw one of the thesis's windows: the first particle is the one to find.

    Particles lie as the scene's `window_first` and `window_others` say, those
    in a box at least `scene.apart` pixels from each other where there is room
    (thesis 3.5.1).
    """
    return Picture.of((side, side), draw_around_centre(window_ranges(scene, side), rng), scene.components)


def place(number: int, shape: Shape, rng: np.random.Generator, apart: float = 0.0, rim: float = 0.0) -> np.ndarray:
    """Place up to `number` centres evenly over a frame, at least `apart` pixels from each other.

    Returns
    -------
    ndarray (n, 2)
        ``(y, x)``; fewer than `number` where they do not fit.
    """
    return place_apart(number, *bounds(shape, rim), float(apart), rng)


def bounds(shape: Shape, rim: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest ``(y, x)`` a centre may have; both the middle where the rim leaves nothing."""
    side = np.asarray(shape, float)
    low = np.minimum(rim * side - 0.5 * (rim == 0), (side - 1) / 2)
    return low, side - 1 - low


def frame_ranges(scene: Scene, shape: Shape) -> Ranges:
    """Return what frames are drawn from: counts of particles and distractors, where they lie, and their looks."""
    area = shape[0] * shape[1] / 1e4
    counts = _pair(scene.density, area), _pair(scene.distractor_density, area)
    return *counts, (*bounds(shape, scene.rim), float(scene.apart)), _looks(scene)


def window_ranges(scene: Scene, side: int) -> Ranges:
    """Return what the thesis's windows are drawn from: where how many particles lie, and their looks."""
    apart = float(scene.apart) if scene.window_others.shape == "box" else 0.0
    places = (side - 1) / 2, scene.window_number, apart, _spread(scene.window_first), _spread(scene.window_others)
    return places, _looks(scene)


def _pair(span: Span, times: float = 1.0) -> Pair:
    return float(span.low * times), float(span.high * times)


def _spread(placement: Placement) -> tuple[float, float, float]:
    """Return a placement as its normal spread, and its least and greatest distance; a box is at least 0 away."""
    low, high = _pair(placement.size)
    return {"normal": (high, 0.0, 0.0), "box": (0.0, 0.0, high), "away": (0.0, low, high)}[placement.shape]


def _looks(scene: Scene) -> tuple[Any, ...]:
    kinds = _kinds(scene.particles, scene.components), _kinds(scene.distractors, scene.components)
    by_ratio = scene.snr_drawn == "by ratio"
    light = _pair(scene.background), _pair(scene.gradient), _pair(scene.snr), by_ratio
    stages = scene.vignetting, scene.texture, scene.texture_size, scene.motion_blur, scene.compression
    if scene.texture.high == 0:  # then its size is nothing to be drawn
        stages = *stages[:2], Span(low=1, high=1), *stages[3:]
    return *kinds, light, (np.array([_pair(span) for span in stages]), scene.camera.ranges)


def _kinds(kinds: tuple[Particle, ...], components: tuple[Component, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the running sum of weights, and ranges of radius, stretch and components, (kinds, 2 + components, 2)."""
    spans = np.zeros((len(kinds), 2 + len(components), 2))
    for row, kind in zip(spans, kinds, strict=True):
        row[0], row[1] = _pair(kind.radius), _pair(kind.stretch)
        for number, scale in kind.amplitudes.items():
            row[2 + components.index(Component(kind.named(), number))] = _pair(scale)
    return np.cumsum([float(kind.weight) for kind in kinds]), spans
