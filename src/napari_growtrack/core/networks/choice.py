"""Choose network, size and contrast for a film by what explains a few of its frames best."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.spatial import cKDTree

from ..detection import Contrast, find_each
from ..detection.cascade import mended
from ..detection.evidence import evidence
from ..detection.survey import negative, varies
from ..errors import SettingsError, StackError
from ..films import Stack
from ..progress import finish
from .bundled import CHOSEN_FROM, DEFAULT
from .load import Network, load_network

_SIDE, _FIRST_SIDE = 256, 192
"""Of the part of a frame that is looked at, in pixels: where there is most to be seen; and of what all are tried on."""
_SMOOTH = 8.0
"""What is wider than so many pixels is background where that part is sought."""
_SURE = 5.0
"""Particles that stand out by fewer standard errors explain nothing: noise does as well."""
_TIMES, _LARGEST = (1, 2, 4), 64.0
"""How much larger than a network's own particles are tried, and how wide they are at most, in pixels."""
_AGAIN = 3
"""So many of the best are looked at again on the next frame, at the size that was measured."""
_OTHER_SIZE = 1.15
"""Sizes that differ by less need no other zoom: networks know more than a seventh more or less."""
_ENOUGH, _ENOUGH_EACH = 60.0, 4.0
"""Nats that particles have to explain in all, and each in the mean: a ghost or two, edges and texture explain up to 50,
a dozen of the dimmest true ones 70."""
_ALIKE, _CLEAR = 0.97, 0.9
"""What explains so much of what the best does is as good, for two frames tell no more; or nearly as good."""
_TOUCHING, _MOST, _AS_PIECES = 1.3, 0.35, 0.85
"""Particles touch that are less than 1.3 widths apart. Where more than a third do, they may be pieces of larger ones,
or of a cell behind others; fewer that do not touch are taken if they explain 0.85 as much: on rods and cells they do
0.9 to 1.0, on crowds less than 0.4."""
_SHORT, _FADED, _PARTS = 5, 0.6, 32
"""Films with as many frames after the middle one are looked at to their end: where the choice explains less than 0.6 of
what it did, and of what another one does there, the film changes; where, is told to a 32nd of it."""
_LEFT, _OTHERS = 0.03, 0.3
"""What the choice leaves is told of where particles explain 0.03 as much there: of 60 random films the choice leaves
such things on six, five of them hazy or of another kind than the networks'. Where another network explains 0.3 as much
there, and finds more particles, it is taken: a single bright bead outweighs many others."""
_WORTH = 0.2
"""What explains less of a film than this share of the best is not asked what it sees in what is left."""
_ALONE, _USUAL = 2.0, 1.25
"""Typical particles are two widths from any other, and as wide as the usual one within a quarter."""
_FEW = 2
"""Kinds of particles, with which a fit has few numbers to find."""


class Tried(NamedTuple):
    """What one network, at a size and a contrast, made of a film.

    Attributes
    ----------
    network : str
        Name or file.
    diameter : float
        How wide the particles look that were searched, in pixels.
    contrast : {"normal", "inverted"}
    particles : float
        How many it finds in the part of a frame that was looked at.
    width : float
        How wide they look, in pixels, where it was measured; else nan.
    touching : float
        Share of them that touch another.
    evidence : float
        Nats a frame by which they explain it; see `evidence`. Those that were tried on the smaller part alone have
        their share of what the best explained there.
    """

    network: str
    diameter: float
    contrast: Contrast
    particles: float
    width: float
    touching: float
    evidence: float

    def sized(self, load: Callable[[str], Network]) -> Network:
        """Return the network, for particles of this size."""
        return load(self.network).for_diameter(self.diameter)

    def __str__(self) -> str:
        """Return it in a few words.

        Examples
        --------
        >>> str(Tried("spots", 5.0, "inverted", 12.0, 4.1, 0.0, 900.0))
        'spots (particles 5 px wide, the negative)'
        """
        seen = ", the negative" if self.contrast == "inverted" else ""
        return f"{self.network} (particles {self.diameter:.3g} px wide{seen})"


class Change(NamedTuple):
    """From about which frame on something else explains a film far better, and what."""

    frame: int
    tried: Tried


@dataclass(frozen=True)
class Chosen:
    """What was chosen for a film.

    Attributes
    ----------
    tried : tuple of Tried
        All that were tried, the chosen one first, then by their evidence.
    change : Change, optional
        Where the film changes, so that the choice is not right to its end.
    left : Tried, optional
        What explains most of a frame without the particles of the best, tried on that.
    """

    tried: tuple[Tried, ...]
    change: Change | None = None
    left: Tried | None = None

    @property
    def best(self) -> Tried:
        """What was chosen."""
        return self.tried[0]

    @property
    def explains(self) -> bool:
        """Whether it explains anything of the frames; see `explains`."""
        return explains(self.best)

    @cached_property
    def runner_up(self) -> Tried | None:
        """The best of another network or contrast, if it explains anything."""
        mine = self.best.network, self.best.contrast
        others = (one for one in self.tried[1:] if (one.network, one.contrast) != mine and explains(one))
        return next(others, None)

    @property
    def misses(self) -> float:
        """How much particles still explain in what the best leaves, of what it explains; 0 where that is nothing."""
        if self.left is None or not explains(self.left) or not self.explains:
            return 0.0
        return self.left.evidence / self.best.evidence

    @property
    def doubted(self) -> bool:
        """Whether the best leaves so much that particles are missed, or are not what it takes them for."""
        return self.misses > _LEFT

    @property
    def clear(self) -> bool:
        """Whether nothing else is nearly as good, and nothing is left that looks like particles."""
        near = self.runner_up is not None and self.runner_up.evidence > _CLEAR * self.best.evidence
        return self.explains and not near and not self.doubted

    def __str__(self) -> str:
        """Say what was chosen, how sure that is, and what comes next.

        Examples
        --------
        >>> best = Tried("spots", 5.0, "normal", 12.0, 4.1, 0.0, 1000.0)
        >>> print(Chosen((best, Tried("beads", 20.0, "normal", 9.0, 8.0, 0.0, 300.0))))
        Chosen: spots (particles 5 px wide), clearly the best; next beads (particles 20 px wide), which explains 30%.
        """
        if not self.explains:
            return (
                f"No network knows anything in these frames, so {self.best.network} is taken. If you see particles, "
                "name a network and a diameter, or match the film: growtrack match, Match my film in the Grow panel."
            )
        return self._choice() + self._missed() + self._changes()

    def _missed(self) -> str:
        if self.left is None or not self.doubted:
            return ""
        again = (self.left.network, self.left.contrast) == (self.best.network, self.best.contrast)
        return (
            f" Look at the rings: {'it' if again else self.left} still sees particles in what is left, which explain "
            f"{self.misses:.0%} as much. Some are missed, or of another kind."
        )

    def _changes(self) -> str:
        if self.change is None:
            return ""
        frame, other = self.change
        return (
            f" From about frame {frame} on the film looks different: {other} explains it far better there. Track it in "
            "two parts."
        )

    def _choice(self) -> str:
        if self.runner_up is None:
            return f"Chosen: {self.best}; nothing else explains anything."
        share = self.runner_up.evidence / self.best.evidence
        better = "a little better" if share > _CLEAR else "the best of them" if self.doubted else "clearly the best"
        said = "as good as the next" if share >= _ALIKE else better
        return f"Chosen: {self.best}, {said}; next {self.runner_up}, which explains {min(share, 1):.0%}."

    def told(self) -> list[dict[str, Any]]:
        """Return all that was tried as plain values, as recipes keep them."""
        return [{**one._asdict(), "width": None if np.isnan(one.width) else one.width} for one in self.tried]


def choose_network(
    stack: Stack,
    frames: Sequence[int] | None = None,
    among: Sequence[str] = CHOSEN_FROM,
    diameter: float | None = None,
    contrast: Contrast = "auto",
    load: Callable[[str], Network] = load_network,
) -> Chosen:
    """Choose a network for a film, with the size and contrast of its particles, by what explains it best.

    Each is tried on a part of a frame, at its own size and on larger particles, as it is and as the negative. The best
    are tried on a second frame as well, at the size that was measured. The same film gives the same choice.

    Parameters
    ----------
    stack : Stack
    frames : sequence of int, optional
        The frames to be tracked; all by default. The first and the middle one are looked at.
    among : sequence of str
        Names or files of networks.
    diameter : float, optional
        How wide particles look, in pixels, if that is known.
    contrast : {"auto", "normal", "inverted"}
        Whether that is known.
    load : callable
        Loads a network.

    Returns
    -------
    Chosen

    Raises
    ------
    SettingsError
        When none of the networks can be tried.

    Examples
    --------
    >>> chosen = choose_network(open_stack("film.tif"))  # doctest: +SKIP
    >>> chosen.best.network, chosen.best.diameter  # doctest: +SKIP
    ('spots', 5.025)
    """
    return finish(iter_choice(stack, frames, among, diameter, contrast, load))


def iter_choice(
    stack: Stack,
    frames: Sequence[int] | None = None,
    among: Sequence[str] = CHOSEN_FROM,
    diameter: float | None = None,
    contrast: Contrast = "auto",
    load: Callable[[str], Network] = load_network,
) -> Generator[Tried, None, Chosen]:
    """Yield what each network makes of a film, and return the choice; see `choose_network`."""
    numbers = range(len(stack)) if frames is None else frames
    looked_at = [_part(frame) for frame in _readable(stack, sorted({numbers[0], numbers[len(numbers) // 2]}))]
    looked_at = [frame for frame in looked_at if varies(frame)]
    first: list[tuple[Tried, Trial]] = []
    beginning = [_part(frame, _FIRST_SIDE) for frame in looked_at[:1]]
    for trial in _trials(among, diameter, contrast, load):
        first.append((trial.on(beginning, stack.full_scale), trial))
        yield first[-1][0]
    if not first:
        raise SettingsError(
            f"None of {', '.join(among)} can be tried: expected networks that fit particles"
            f"{'' if diameter is None else f' {diameter:g} px wide'}. Name another network."
        )
    first.sort(key=lambda pair: -pair[0].evidence)
    again = _at_measured_size(first[:_AGAIN], fixed=diameter is not None)
    second: list[tuple[Tried, Trial]] = []
    looks: dict[Trial, list[_Look]] = {}
    for trial in again:
        looks[trial] = trial.looks(looked_at, stack.full_scale)
        second.append((trial.told(looks[trial]), trial))
        yield second[-1][0]
    second.sort(key=lambda pair: -pair[0].evidence)
    rest = [pair for pair in first if all(not pair[1].same_as(one) for one in again)]
    every = second + _as_if_again(rest, first[0][0].evidence, second[0][0].evidence)
    best = _best(second)
    if not explains(best[0]):
        best = min(
            every, key=lambda pair: (pair[0].particles, pair[0].network != DEFAULT, pair[0].contrast != "normal")
        )
        return Chosen(_ranked(best, every))
    left = _left(best, looks[best[1]], every, stack.full_scale)
    if _sees_others(left[0], best[0]):
        trial = left[1]
        looked = looks.get(trial) or trial.looks(looked_at, stack.full_scale)
        best = trial.told(looked), trial
        left = _left(best, looked, every, stack.full_scale)
    change = _change(stack, numbers, best, [trial for _, trial in every])
    return Chosen(_ranked(best, every), change, left[0])


def _ranked(best: tuple[Tried, Trial], every: Sequence[tuple[Tried, Trial]]) -> tuple[Tried, ...]:
    """Return all that were tried, the best first, then by their evidence."""
    return best[0], *(tried for tried, trial in every if not trial.same_as(best[1]))


def _left(
    best: tuple[Tried, Trial], looks: Sequence[_Look], every: Sequence[tuple[Tried, Trial]], full_scale: float
) -> tuple[Tried, Trial]:
    """Return what explains most of frames without the particles of the best, of all that explain anything of them."""
    found = [table for _, table, _ in looks]
    left = [best[1].seen(frame, full_scale) for _, _, frame in looks]
    asked = {(trial.name, trial.contrast): trial for tried, trial in reversed(every) if _worth(tried, best[0])}
    asked |= {(best[1].name, best[1].contrast): best[1]}
    tries = [(one.beside(found, left, full_scale, best[0].width), one) for one in asked.values()]
    return max(tries, key=lambda pair: pair[0].evidence)


def _worth(tried: Tried, best: Tried) -> bool:
    return tried.evidence >= _WORTH * best.evidence


def _sees_others(left: Tried, best: Tried) -> bool:
    """Tell whether what is left by the best holds the most particles, and they explain a good part as much."""
    other = (left.network, left.contrast) != (best.network, best.contrast)
    more = left.particles > best.particles and left.touching <= _MOST
    return other and more and explains(left) and left.evidence > _OTHERS * best.evidence


def _change(stack: Stack, numbers: Sequence[int], best: tuple[Tried, Trial], trials: Sequence[Trial]) -> Change | None:
    """Return where another trial explains a film far better than the best of its beginning; None where none does."""

    def on(trial: Trial, number: int) -> Tried:
        looked_at = [_part(frame) for frame in _readable(stack, [number])]
        return trial.on([frame for frame in looked_at if varies(frame)], stack.full_scale)

    tried, mine = best
    low, high = len(numbers) // 2, len(numbers) - 1
    if high - low < _SHORT:
        return None
    last = on(mine, numbers[high]).evidence
    if last >= _FADED * tried.evidence:
        return None
    there, other = max(((on(one, numbers[high]), one) for one in trials), key=lambda pair: pair[0].evidence)
    if not explains(there) or last >= _FADED * there.evidence:
        return None
    while high - low > max(1, len(numbers) // _PARTS):
        middle = (low + high) // 2
        faded = on(mine, numbers[middle]).evidence < _FADED * on(other, numbers[middle]).evidence
        low, high = (low, middle) if faded else (middle, high)
    return Change(numbers[high], there)


def _as_if_again(rest: Sequence[tuple[Tried, Trial]], before: float, after: float) -> list[tuple[Tried, Trial]]:
    """Return those that were tried on the smaller part alone, with their share of what the best explained there."""
    more = after / before if before > 0 and after > 0 else 1.0
    return [(tried._replace(evidence=more * tried.evidence), trial) for tried, trial in rest]


_Look = tuple[np.ndarray, pd.DataFrame, np.ndarray]
"""A frame as it is searched, what is found in it, and the frame without that."""


def explains(tried: Tried) -> bool:
    """Tell whether what was found explains anything of a frame: enough in all, and for each particle."""
    return tried.evidence >= max(_ENOUGH, _ENOUGH_EACH * tried.particles)


@dataclass(frozen=True, eq=False)
class Trial:
    """A network that is tried on a film, at a size and a contrast."""

    name: str
    network: Network
    contrast: Contrast

    def on(self, frames: Sequence[np.ndarray], full_scale: float) -> Tried:
        """Try it on some frames."""
        return self.told(self.looks(frames, full_scale))

    def beside(
        self, found: Sequence[pd.DataFrame], left: Sequence[np.ndarray], full_scale: float, width: float
    ) -> Tried:
        """Try it on frames of which particles were taken away, each so wide, in pixels; their halos do not count."""
        looks = self.looks(left, full_scale)
        number = sum(len(table) for _, table, _ in looks)
        apart = sum(_apart(table, known, width) for (_, table, _), known in zip(looks, found, strict=True))
        told, share = self.told(looks), apart / max(number, 1)
        return told._replace(particles=share * told.particles, evidence=share * told.evidence)

    def told(self, looks: Sequence[_Look]) -> Tried:
        """Return what it makes of frames that it looked at."""
        total = sum(evidence(frame, left, len(table)) for frame, table, left in looks)
        tables = [table for _, table, _ in looks]
        each, number = max(len(looks), 1), sum(map(len, tables))
        width = _width(tables)
        touching = sum(_touching(table, width) for table in tables) / max(number, 1)
        return Tried(self.name, self.network.diameter, self.contrast, number / each, width, touching, total / each)

    def looks(self, frames: Sequence[np.ndarray], full_scale: float) -> list[_Look]:
        """Return each frame as it is searched, what is found in it, and the frame without that."""
        network = self.network
        cascade = network.cascade().with_(least_significance=_SURE)
        frames = [self.seen(mended(frame, network), full_scale) for frame in frames]
        tables = find_each(frames, network, cascade, full_scale)
        places, near = (table[["y", "x"]].to_numpy(float) for table in tables), cascade.merge_distance / network.zoom
        lefts = (network.without_particles(frame, some, near) for frame, some in zip(frames, places, strict=True))
        return [*zip(frames, tables, lefts, strict=True)]

    def seen(self, frame: np.ndarray, full_scale: float) -> np.ndarray:
        """Return a frame, or its negative where that is searched; twice gives the frame back."""
        return negative(frame, self.network, full_scale) if self.contrast == "inverted" else frame

    def same_as(self, other: Trial) -> bool:
        """Tell whether another trial searches the same."""
        return (self.name, self.contrast, self.network.magnification) == (
            other.name,
            other.contrast,
            other.network.magnification,
        )

    def preferred(self, width: float) -> tuple[bool, ...]:
        """Return what speaks for it where particles are so wide, in pixels, the most important first.

        That its network learned such, that frames are not enlarged, nor made smaller, and that it knows few kinds.
        """
        network, scene = self.network, self.network.card.recipe.located_scene
        low, high = scene.diameters
        known = low / _OTHER_SIZE <= width * network.zoom <= high * _OTHER_SIZE
        return known, network.magnification <= 1, network.magnification == 1, scene.kinds <= _FEW


def _width(tables: Sequence[pd.DataFrame]) -> float:
    """Return how wide particles look in the middle, in pixels; nan where there are none. Rods count with their area."""
    widths = [4 * table["radius"] * np.sqrt(table["axis_ratio"]) for table in tables]
    known = np.concatenate([*widths, np.empty(0)])
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def _touching(table: pd.DataFrame, width: float) -> int:
    """Return how many particles of a frame are nearer to another than they are wide, and a bit."""
    if len(table) < 2 or not width > 0:
        return 0
    positions = table[["y", "x"]].to_numpy(float)
    nearest = cKDTree(positions).query(positions, 2)[0][:, 1]
    return int(np.count_nonzero(nearest < _TOUCHING * width))


def _apart(table: pd.DataFrame, known: pd.DataFrame, width: float) -> int:
    """Return how many particles of a frame lie farther than a width from all known ones."""
    if table.empty or known.empty:
        return len(table)
    nearest = cKDTree(known[["y", "x"]].to_numpy(float)).query(table[["y", "x"]].to_numpy(float))[0]
    return int(np.count_nonzero(nearest > width))


def typical(table: pd.DataFrame, shape: tuple[int, ...], most: int = 12) -> np.ndarray:
    """Return ``frame, y, x`` of some detections that are sure, usual and alone, (n, 3), the surest first.

    Parameters
    ----------
    table : DataFrame
        Fitted detections.
    shape : (int, int)
        Height and width of the frames, in pixels.
    most : int
    """
    width = _width([table])
    if not width > 0:
        return np.empty((0, 3))
    alone = pd.Series(True, index=table.index)
    for _, mine in table.groupby("frame"):
        positions = mine[["y", "x"]].to_numpy(float)
        if len(mine) > 1:
            alone[mine.index] = cKDTree(positions).query(positions, 2)[0][:, 1] > _ALONE * width
    size = table["radius"] * np.sqrt(table["axis_ratio"])
    usual = (size / size.median()).between(1 / _USUAL, _USUAL)
    inside = table["y"].between(width, shape[0] - width) & table["x"].between(width, shape[1] - width)
    ranked = table.assign(good=alone.astype(int) + usual + inside).sort_values(
        ["good", "significance"], ascending=False
    )
    best = ranked[ranked["good"] == ranked["good"].max()]
    return best[["frame", "y", "x"]].to_numpy(float)[:most]


def _trials(
    among: Sequence[str], diameter: float | None, contrast: Contrast, load: Callable[[str], Network]
) -> Iterator[Trial]:
    for name in among:
        network = replace(load(name), pairs=False)  # two small ones explain whatever is longer than wide
        card = network.card
        if card.recipe.scene is None or not network.cascade().polish:
            continue
        least, most = card.diameters
        if diameter is not None:
            sizes = [diameter] if least <= diameter <= most else []
        else:
            sizes = [times * network.diameter for times in _TIMES if times * network.diameter <= min(most, _LARGEST)]
        for size in sizes:
            sized = network if size == network.diameter else network.for_diameter(size)
            for each in _contrasts(network, contrast):
                yield Trial(name, sized, each)


def _contrasts(network: Network, contrast: Contrast) -> tuple[Contrast, ...]:
    """Return the contrasts worth trying: networks that know bright and dark particles need no negative."""
    if contrast != "auto":
        return (contrast,)
    amplitudes = [kind.amplitudes.values() for kind in network.card.recipe.located_scene.particles]
    bright = any(all(one.low >= 0 for one in some) for some in amplitudes)
    dark = any(all(one.high <= 0 for one in some) for some in amplitudes)
    return ("normal",) if bright and dark else ("normal", "inverted")


def _at_measured_size(best: Sequence[tuple[Tried, Trial]], fixed: bool) -> list[Trial]:
    """Return the best trials, each also for particles as wide as it measured, where that is another zoom."""
    trials = [trial for _, trial in best]
    for tried, trial in best:
        if fixed or not tried.width > 0 or tried.evidence <= 0:
            continue
        card = trial.network.card
        sized = trial.network.for_diameter(float(np.clip(tried.width, *card.diameters)))
        ratio = sized.magnification / trial.network.magnification
        other = Trial(trial.name, sized, trial.contrast)
        if max(ratio, 1 / ratio) > _OTHER_SIZE and all(not other.same_as(one) for one in trials):
            trials.append(other)
    return trials


def _best(tried: Sequence[tuple[Tried, Trial]]) -> tuple[Tried, Trial]:
    """Return the trial that explains most; of those as good, the preferred one.

    Where many particles of the best touch, they may be pieces of others: fewer that do not are as good sooner.
    """
    first = max((one for one, _ in tried), key=lambda one: one.evidence)
    least = first.evidence - (1 - _ALIKE) * abs(first.evidence)
    good = [pair for pair in tried if pair[0].evidence >= least]
    if first.touching > _MOST:
        whole = [
            pair for pair in tried if pair[0].touching <= _MOST and pair[0].evidence >= _AS_PIECES * first.evidence
        ]
        good = whole or good
    return max(good, key=lambda pair: (pair[1].preferred(pair[0].width), pair[0].evidence))


def _readable(stack: Stack, numbers: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the frames that can be read; what is wrong with the others is said when their turn comes."""
    for number in numbers:
        with suppress(StackError):
            yield stack[number]


def _part(frame: np.ndarray, most: int = _SIDE) -> np.ndarray:
    """Return the part of a frame, at most so many pixels high and wide, in which there is most to be seen."""
    frame = np.ascontiguousarray(frame, np.float32)
    sides = [min(most, side) for side in frame.shape]
    if tuple(sides) == frame.shape:
        return frame
    detail = (frame - gaussian_filter(frame, _SMOOTH)) ** 2
    detail = np.minimum(detail, np.percentile(detail, 99.5))  # a hot pixel is not much to be seen
    middles = uniform_filter(detail, sides)
    y, x = (side // 2 for side in sides)
    inner = middles[y : frame.shape[0] - (sides[0] - y) + 1, x : frame.shape[1] - (sides[1] - x) + 1]
    top, left = np.unravel_index(np.argmax(inner), inner.shape)
    return frame[top : top + sides[0], left : left + sides[1]]
