"""What an engine can be asked to do to show a network: windows it was grown on, and what its units make of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ..core.detection.cascade import mended
from ..core.detection.survey import negative
from ..core.detection.windows import View, margin_of
from ..core.detection.zoom import enlarge, to_film, to_network
from ..core.films.normalisation import normalise
from ..core.growth.plan import Block, Stage
from ..core.networks.load import Network
from ..core.simulation import Scene, draw, simulate_frame
from .context import Context, FilmFacts, SizedNetwork

_ROOM = 3
_TRIES = 20


@dataclass(frozen=True)
class SampleWindows:
    """Simulate windows of a scene, each around a particle.

    Attributes
    ----------
    scene : Scene
    side : int
        Odd, in pixels.
    snrs : tuple of float
        Signal-to-noise ratios, a row of windows each.
    number : int
        Windows in a row; rows show the same particles.
    seed : int
    """

    scene: Scene
    side: int
    snrs: tuple[float, ...]
    number: int = 4
    seed: int = 0

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield the windows of each ratio, (number, side, side) float32."""
        yield {snr: np.stack([self._window(snr, place) for place in range(self.number)]) for snr in self.snrs}

    def _window(self, snr: float, place: int) -> np.ndarray:
        rng = np.random.default_rng((self.seed, place))
        shape = _ROOM * self.side, _ROOM * self.side
        scene = self.scene.with_(snr=snr)
        for _ in range(_TRIES):
            picture = draw(scene, shape, rng)
            inside = _inside(picture.positions[picture.wanted], self.side)
            if len(inside):
                return _around(simulate_frame(picture, rng), inside[0], self.side)
        return _around(simulate_frame(picture, rng), np.array(shape) / 2, self.side)


def _inside(positions: np.ndarray, side: int) -> np.ndarray:
    """Return those positions (n, 2) around which a window fits into a frame of sample windows."""
    return positions[np.all((positions > side / 2) & (positions < (_ROOM - 0.5) * side - 1), axis=1)]


def _around(frame: np.ndarray, position: np.ndarray, side: int) -> np.ndarray:
    top, left = np.rint(position).astype(int) - side // 2
    return frame[top : top + side, left : left + side]


class Maps(NamedTuple):
    """What the units of a network made of one window.

    Attributes
    ----------
    stage : int
    window : ndarray (side, side) float32
        As the network saw it: resampled and normalised.
    maps : dict of Block to ndarray (rows, columns, units) float32
        Of all blocks that the stage needs, after activation and pooling.
    centre : (float, float)
        The window's middle ``(y, x)`` in pixels of the film.
    offset : (float, float)
        Where the stage believes the nearest particle to be, from there, in
        pixels of the film.
    distance : float
        How far it believes it to be, likewise.
    zoom : float
        How much larger the network sees the film than it is.
    """

    stage: Stage
    window: np.ndarray
    maps: dict[Block, np.ndarray]
    centre: tuple[float, float]
    offset: tuple[float, float]
    distance: float
    zoom: float


@dataclass(frozen=True)
class ActivationMaps:
    """Ask the units of a network what they make of one window of a film.

    Attributes
    ----------
    network : SizedNetwork
    stage : int
    film : FilmFacts
    frame : int
    place : (float, float)
        The window's middle ``(y, x)``, in pixels of the film.
    inverted : bool
        Look at the frame's negative.
    version : int
        Another number than before wherever the film's pixels may be other ones;
        otherwise the frame is not asked for again.
    """

    network: SizedNetwork
    stage: Stage
    film: FilmFacts
    frame: int
    place: tuple[float, float]
    inverted: bool = False
    version: int = 0

    def steps(self, context: Context) -> Iterator[Any]:
        """Yield `Loading` where the network has to be loaded, then `Maps`."""
        network = yield from self.network.at(context)
        view = self._view(context, network)
        half, side = network.window // 2, network.window
        seen = to_network(np.array(self.place), network.zoom)
        y, x = np.clip(np.rint(seen).astype(int), 0, np.array(view.shape) - 1)
        window = view.cut(y - half, x - half, side, side).copy()
        answer = network.answer(window[None], self.stage)[0, 0, 0] / network.zoom
        centre = to_film(np.array([y, x]), network.zoom)
        yield Maps(
            self.stage,
            window,
            activation_maps(network, window, self.stage),
            (float(centre[0]), float(centre[1])),
            (float(answer[0]), float(answer[1])),
            float(answer[2]),
            network.zoom,
        )

    def _view(self, context: Context, network: Network) -> View:
        """Return the frame as detection sees it; the latest is kept."""
        key = self.network, self.film, self.frame, self.inverted, self.version
        kept = _VIEWS.get(context)
        if kept is None or kept[0] != key:
            frame = context.film(self.film, [self.frame])[self.frame]
            if self.inverted:
                frame = negative(frame, network, self.film.full_scale)
            even = normalise(mended(frame, network), network.normalisation, self.film.full_scale)
            kept = _VIEWS[context] = key, View.of(enlarge(even, network.zoom), margin_of(network))
        return kept[1]


_VIEWS: WeakKeyDictionary[Context, tuple[Any, View]] = WeakKeyDictionary()


def activation_maps(network: Network, window: np.ndarray, stage: Stage) -> dict[Block, np.ndarray]:
    """Return what `GrownNetwork.activations` does of one normalised window, (side, side), thirty times as fast.

    A model for each stage's column is built once and kept.

    Returns
    -------
    dict of Block to ndarray (rows, columns, units) float32
    """
    plan = network.plan
    found: dict[Block, np.ndarray] = {}
    image = window[None, ..., None]
    for number in range(1, stage + 1):
        given = plan.frontier(number)
        made = _column(network.grown, number).predict_on_batch([image, *(found[b] for b in given)] if given else image)
        found.update(zip(plan.column(number), made if isinstance(made, list) else [made], strict=True))
    return {block: found[block][0] for block in plan.needs(stage)}


def _column(grown: Any, stage: Stage) -> Any:
    columns = _COLUMNS.setdefault(grown, {})
    if stage not in columns:
        columns[stage] = grown.column_model(stage, grown.plan.frontier(stage))
    return columns[stage]


_COLUMNS: WeakKeyDictionary[Any, dict[Stage, Any]] = WeakKeyDictionary()
