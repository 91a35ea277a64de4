"""The rungs: films whose optics, cameras and backgrounds the networks' own simulation does not share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from ...detection import Contrast
from ..case import Scale
from . import places
from .cameras import Camera, counting, emccd, scmos, with_bad_pixels, with_stripes
from .exposures import Exposure, Particle
from .looks import Look, airy, bright_field, disc, gaussian, rod, smeared, sphere
from .places import NUMBER, SHAPE, even, groups, scattered, vignette, walks

FRAMES: dict[Scale, int] = {"smoke": 2, "laptop": 30}

Ask = Literal["spots", "hard", "shapes"]
"""What is asked of our networks on a rung; see `asked`."""

Film = Iterator[Exposure]
Draw = Callable[[np.random.Generator, int], Film]
Choose = Callable[[np.random.Generator], Camera]

_WIDE = 2 * np.sqrt(2 * np.log(3))  # of a Gaussian at a third of its height, in sigmas
_SIGMA = 1.3


@dataclass(frozen=True)
class Rung:
    """A kind of film.

    Attributes
    ----------
    name, about : str
    draw : callable
        Yields the exposures of a film, from a generator of chance and their number.
    network : str
        The kind of network that is told; see `methods.KINDS`.
    diameter : float
        How wide its particles look, in pixels: what is told.
    asks : {"spots", "hard", "shapes"}
    camera : callable
        Chooses a camera.
    within : float
        Farthest that a detection may be from its particle, in pixels.
    ghosts : float
        How many ghosts a frame are allowed on the empty twin.
    f1 : float, optional
        The F1 that is asked for, where it is not that of its kind.
    contrast : {"normal", "inverted"}
        What is told: whether our network's bright particles are dark here. Peers then look for either sign.
    codec : bool
        Whether the film is compressed as a video.
    in_smoke : bool
        Whether the rung is part of the smoke scale.
    """

    name: str
    about: str
    draw: Draw
    network: str = "spots"
    diameter: float = _WIDE * _SIGMA
    asks: Ask = "spots"
    camera: Choose = field(default=lambda rng: counting())
    within: float = 5.0
    ghosts: float = 0.02
    f1: float | None = None
    contrast: Contrast = "normal"
    codec: bool = False
    in_smoke: bool = False


def rungs(scale: Scale) -> list[Rung]:
    """Return the rungs in their order; only some at ``smoke`` scale."""
    return [one for one in RUNGS if scale != "smoke" or one.in_smoke]


# What is drawn --------------------------------------------------------------------------------------------------------


def _varied(rng: np.random.Generator, photons: float) -> float:
    return photons * rng.uniform(0.8, 1.2)


def _spots(
    rng: np.random.Generator,
    frames: int,
    look: Look,
    photons: float,
    background: float = 20.0,
    apart: float = 12.0,
    light: np.ndarray | None = None,
) -> Film:
    """Yield frames of the same spots, scattered anew in each."""
    lit = even(1) if light is None else light
    for _ in range(frames):
        some = [Particle(y, x, _varied(rng, photons), look) for y, x in scattered(rng, NUMBER, apart)]
        yield Exposure(some, even(background), lit)


def _in_a_cell(rng: np.random.Generator, frames: int) -> Film:
    next_frame, inside = places.cell(rng)
    for _ in range(frames):
        where = scattered(rng, NUMBER, 12.0, inside=inside)
        some = [Particle(y, x, _varied(rng, 1000), gaussian(_SIGMA)) for y, x in where]
        yield Exposure(some, next_frame(rng), even(1))


def _bright_and_dim(rng: np.random.Generator, frames: int) -> Film:
    for _ in range(frames):
        where = scattered(rng, NUMBER, 12.0)
        some = [
            Particle(y, x, _varied(rng, 2000 if i % 2 else 200), gaussian(_SIGMA)) for i, (y, x) in enumerate(where)
        ]
        yield Exposure(some, even(20), even(1))


def _bleaching(rng: np.random.Generator, frames: int) -> Film:
    """Yield molecules that go dark for a while, and fade to a quarter over the film."""
    on = rng.random(NUMBER) < 0.75
    for t in range(frames):
        before, on = on, np.where(on, rng.random(NUMBER) > 0.1, rng.random(NUMBER) < 0.3)
        share = np.where(before | (t == 0), 1.0, rng.uniform(0.4, 1, NUMBER))
        left = 0.25 ** (t / max(frames - 1, 1))
        where = scattered(rng, NUMBER, 12.0)
        some = [
            Particle(y, x, _varied(rng, 1200) * left * lit, gaussian(_SIGMA))
            for (y, x), lit, there in zip(where, share, on, strict=True)
            if there
        ]
        yield Exposure(some, even(8 + 12 * left), even(1))


def _blurred_by_motion(rng: np.random.Generator, frames: int, diffusion: float = 2.0, steps: int = 40) -> Film:
    """Yield spots that diffuse while the shutter is open, by px² a frame."""
    for _ in range(frames):
        some = []
        for y, x in scattered(rng, NUMBER, 18.0):
            path = np.cumsum(np.sqrt(2 * diffusion / steps) * rng.normal(size=(steps, 2)), 0)
            some.append(Particle(y, x, _varied(rng, 1000), smeared(_SIGMA, path)))
        yield Exposure(some, even(20), even(1))


def _in_haze(rng: np.random.Generator, frames: int, zero: float = 3.8) -> Film:
    """Yield spots in focus among others far out of it, under haze."""
    for _ in range(frames):
        where = scattered(rng, NUMBER + 8, 14.0)
        some = [
            Particle(y, x, _varied(rng, 1200), airy(zero))
            if i < NUMBER
            else Particle(y, x, _varied(rng, 7000), airy(zero, rng.choice((7.0, 8.5, 10.0))), wanted=False)
            for i, (y, x) in enumerate(where)
        ]
        yield Exposure(some, places.haze(rng, 25), even(1))


def _crowd(rng: np.random.Generator, frames: int, apart: float) -> Film:
    for _ in range(frames):
        where = groups(rng, 12, (4, 6), apart, 0.5, 30.0, 20.0)
        yield Exposure([Particle(y, x, _varied(rng, 1200), gaussian(_SIGMA)) for y, x in where], even(20), even(1))


def _diffusing(rng: np.random.Generator, frames: int) -> Film:
    photons = [_varied(rng, 1500) for _ in range(NUMBER)]
    for where in walks(rng, frames, 0.8, 12.0):
        some = [Particle(y, x, one, gaussian(_SIGMA)) for (y, x), one in zip(where, photons, strict=True)]
        yield Exposure(some, even(30), even(1))


def _rods(rng: np.random.Generator, frames: int) -> Film:
    for _ in range(frames):
        where = scattered(rng, NUMBER, 26.0)
        some = [Particle(y, x, _varied(rng, 4000), rod(5, 3, rng.uniform(0, np.pi), 1.2)) for y, x in where]
        yield Exposure(some, even(20), even(1))


def _of_all_sizes(rng: np.random.Generator, frames: int) -> Film:
    """Yield filled spheres of 1.5 to 8 px, equally bright in the middle."""
    sizes = np.round(np.geomspace(1.5, 8, 12), 2)
    for _ in range(frames):
        where = scattered(rng, NUMBER, 27.0, edge=14.0)
        some = [
            Particle(y, x, _varied(rng, 60 * (2 / 3) * np.pi * (radius**2 + 4)), sphere(radius, 1.2))
            for (y, x), radius in zip(where, rng.permutation(sizes), strict=False)
        ]
        yield Exposure(some, even(20), even(1))


def _rings(rng: np.random.Generator, frames: int) -> Film:
    """Yield transparent beads in bright field, each somewhat out of focus."""
    for _ in range(frames):
        where = scattered(rng, NUMBER, 34.0, edge=16.0)
        some = [Particle(y, x, 800, bright_field(4.2, rng.integers(16, 25) / 4, 2.5, 0.35)) for y, x in where]
        yield Exposure(some, even(800), even(1))


def _touching(rng: np.random.Generator, frames: int) -> Film:
    for _ in range(frames):
        where = groups(rng, 4, (3, 5), 12.0, 0.3, 76.0, 38.0)
        some = [Particle(y, x, _varied(rng, 40 * np.pi * 36), disc(6, 1.2)) for y, x in where]
        yield Exposure(some, even(20), even(1))


# The rungs ------------------------------------------------------------------------------------------------------------


def _gaussian(sigma: float, photons: float) -> Rung:
    draw = partial(_spots, look=gaussian(sigma), photons=photons, apart=max(12.0, 6 * sigma))
    return Rung(f"gaussian {sigma:g}", f"Gaussian spots, sigma {sigma:g} px", draw, diameter=_WIDE * sigma)


def _emccd(photons: float) -> Rung:
    draw = partial(_spots, look=gaussian(_SIGMA), photons=photons, background=5)
    return Rung(f"emccd {photons:g}", f"an EMCCD, {photons:g} photons a spot", draw, camera=lambda rng: emccd())


def _scmos(photons: float, asks: Ask = "spots", in_smoke: bool = False) -> Rung:
    draw = partial(_spots, look=gaussian(_SIGMA), photons=photons, background=15)
    about = f"an sCMOS camera, {photons:g} photons a spot"
    return Rung(f"scmos {photons:g}", about, draw, asks=asks, camera=partial(scmos, SHAPE), in_smoke=in_smoke)


def _crowded(apart: float, in_smoke: bool = False) -> Rung:
    about = f"groups of spots {apart:g} px apart"
    draw = partial(_crowd, apart=apart)
    return Rung(f"crowd {apart:g}", about, draw, asks="hard", within=apart / 2, in_smoke=in_smoke)


_AIRY = airy(3.8)
_THOUSAND = partial(_spots, look=gaussian(_SIGMA), photons=1000)

RUNGS: Sequence[Rung] = (
    Rung("airy", "Airy spots in focus", partial(_spots, look=_AIRY, photons=1000)),
    _gaussian(0.8, 800),
    _gaussian(1.3, 1000),
    _gaussian(2, 1500),
    _gaussian(3, 2500),
    _gaussian(4, 4000),
    _emccd(200),
    _emccd(800),
    _emccd(3200),
    _scmos(150, "hard"),
    _scmos(500, in_smoke=True),
    _scmos(2000),
    Rung("vignetting", "light that falls to half in the corners", partial(_THOUSAND, light=vignette(0.5))),
    Rung(
        "bad pixels",
        "one pixel in a thousand hot, half as many dead",
        _THOUSAND,
        camera=lambda rng: with_bad_pixels(counting(), SHAPE, rng),
    ),
    Rung(
        "stripes",
        "offsets of columns and rows, as strong as the shot noise",
        _THOUSAND,
        asks="hard",
        camera=lambda rng: with_stripes(counting(), np.sqrt(20), SHAPE, rng),
    ),
    Rung("cell", "the structured light of a cell, dark around it", _in_a_cell, asks="hard", ghosts=0.1),
    Rung("mixture", "bright and dim molecules, 10 to 1", _bright_and_dim, asks="hard"),
    Rung("bleaching", "molecules that blink and bleach", _bleaching, asks="hard"),
    Rung("motion blur", "diffusion by 2 px² during the exposure", _blurred_by_motion),
    Rung("haze", "haze, and neighbours out of focus", _in_haze),
    _crowded(4, in_smoke=True),
    _crowded(5),
    Rung("video", "an H.264 video (crf 28)", _diffusing, asks="shapes", codec=True, ghosts=0.05),
    Rung("rods", "rods three times as long as wide", _rods, "vesicles", 8.0, "shapes", ghosts=0.05, in_smoke=True),
    Rung("sizes", "spheres of 1.5 to 8 px radius", _of_all_sizes, "vesicles", 10.0, "shapes", ghosts=0.05),
    Rung(
        "rings", "beads out of focus in bright field", _rings, "beads", 12.0, "shapes", ghosts=0.05, contrast="inverted"
    ),
    Rung("touching", "touching discs", _touching, "vesicles", 12.6, "shapes", ghosts=0.05, f1=0.95),
)
