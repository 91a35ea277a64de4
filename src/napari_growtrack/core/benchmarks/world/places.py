"""Where particles are in a frame, and what lies behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

SIDE = 192
SHAPE = (SIDE, SIDE)
NUMBER = 12

_EDGE = 10.0
_TRIES = 20_000


def scattered(
    rng: np.random.Generator, number: int, apart: float, edge: float = _EDGE, inside: np.ndarray | None = None
) -> np.ndarray:
    """Return random places (n, 2), some pixels apart, off the frame's edge, and inside a mask."""
    places: list[np.ndarray] = []
    for _ in range(_TRIES):
        place = rng.uniform(edge, SIDE - 1 - edge, 2)
        free = all(np.hypot(*(place - other)) >= apart for other in places)
        if free and (inside is None or inside[tuple(np.rint(place).astype(int))]):
            places.append(place)
        if len(places) == number:
            break
    return np.array(places).reshape(-1, 2)


def groups(
    rng: np.random.Generator, number: int, size: tuple[int, int], apart: float, play: float, room: float, edge: float
) -> np.ndarray:
    """Return places (n, 2) in groups: in each, every one has a neighbour at a distance, and none is nearer.

    Parameters
    ----------
    rng : numpy.random.Generator
    number : int
        Groups.
    size : (int, int)
        Least and greatest number in a group.
    apart, play : float
        Distance of neighbours, and by how much it may be more, in pixels.
    room : float
        Distance of groups' first members, in pixels.
    edge : float
        Distance from the edge of those, in pixels.
    """
    every = []
    for seed in scattered(rng, number, room, edge):
        group, wanted = [seed], rng.integers(size[0], size[1] + 1)
        while len(group) < wanted:
            angle, far = rng.uniform(0, 2 * np.pi), apart + play * rng.random()
            place = group[rng.integers(len(group))] + far * np.array([np.sin(angle), np.cos(angle)])
            if min(np.hypot(*(place - other)) for other in group) >= apart - 1e-9:
                group.append(place)
        every += group
    return np.array(every).reshape(-1, 2)


def walks(
    rng: np.random.Generator, frames: int, step: float, apart: float, edge: float = _EDGE
) -> Iterator[np.ndarray]:
    """Yield places (n, 2) of particles that diffuse, by a step an axis and frame, and stay apart."""
    places = scattered(rng, NUMBER, 2 * apart, edge)
    for _ in range(frames):
        yield places
        for i in range(len(places)):
            moved = np.clip(places[i] + step * rng.normal(size=2), edge, SIDE - 1 - edge)
            others = np.delete(places, i, 0)
            if np.hypot(*(others - moved).T).min() >= apart:
                places = np.insert(others, i, moved, 0)


# Backgrounds ----------------------------------------------------------------------------------------------------------


def even(photons: float) -> np.ndarray:
    """Return the same background everywhere."""
    return np.full(SHAPE, float(photons))


def vignette(corner: float) -> np.ndarray:
    """Return light that falls, by the square of the distance from the middle, to a share in the corners."""
    far = np.linspace(-1, 1, SIDE) ** 2
    return 1 - (1 - corner) * (far[:, None] + far[None, :]) / 2


def texture(rng: np.random.Generator, size: float) -> np.ndarray:
    """Return random structure of a size in pixels, mean 0 and standard deviation 1."""
    noise = gaussian_filter(rng.normal(size=SHAPE), size / 2, mode="wrap")
    return (noise - noise.mean()) / noise.std()


def cell(rng: np.random.Generator) -> tuple[Callable[[np.random.Generator], np.ndarray], np.ndarray]:
    """Return a function that yields a cell's light in each following frame, and the mask of where the cell is.

    Inside it is structured over 20 px and over 4 px, the fine structure slowly
    flows; outside it is dark.
    """
    outline = texture(rng, 90)
    soft = 1 / (1 + np.exp(-(outline + 0.5) * 12))
    coarse, fine = texture(rng, 20), texture(rng, 4)

    def next_frame(rng: np.random.Generator) -> np.ndarray:
        nonlocal fine
        light = 50 * np.maximum(1 + 0.3 * coarse + 0.1 * fine, 0.2)
        fine = 0.95 * fine + np.sqrt(1 - 0.95**2) * texture(rng, 4)
        return 6 + soft * light

    return next_frame, soft > 0.9


def haze(rng: np.random.Generator, photons: float) -> np.ndarray:
    """Return light from far above and below the focus: broad clouds around a mean number of photons."""
    coarse = zoom(rng.lognormal(0, 0.5, (5, 5)), SIDE / 5, order=3, mode="nearest", grid_mode=True)
    clouds = gaussian_filter(np.maximum(coarse, 0.1), 8)
    return photons * clouds / clouds.mean()
