"""Look into a grown network: what its stages cost, how fast and how accurate they are, which units they use.

Every table is a plain DataFrame with the units in its column names. Nothing here trains.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import figures
from .assessment import SHAPE, snr_levels
from .card import Card
from .detection.windows import frame_pass
from .detection.zoom import enlarge, to_network
from .errors import SettingsError
from .growth.plan import Plan, Stage
from .heldout import HeldOut, held_out_windows
from .pictures import save
from .simulation.scene import Scene
from .tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .growth.network import GrownNetwork
    from .networks import Network

BATCH = 256
NUMBER = 400
_MEMORY = 2**28
_ROUNDS, _MOST, _LOOKED_AT = 7, 12, 256


# Costs ----------------------------------------------------------------------------------------------------------


def costs(plan: Plan) -> pd.DataFrame:
    """Return what each stage's answer costs, by the table alone.

    Returns
    -------
    DataFrame
        ``stage``; ``layers`` reached; ``units`` of each layer so far, as text;
        ``first_layer_units``, the units that read the image's layer so far;
        ``parameters``; ``operations_per_window``, equations (2.15) to (2.18);
        ``share_of_last``, relative to the last stage's.

    Examples
    --------
    >>> costs(Plan.depth((16, 32), (32,)))[["stage", "units", "parameters"]]
       stage     units  parameters
    0      1        16       27811
    1      2     16 32       16419
    2      3  16 32 32      128835
    """
    operations = [plan.cost(stage) for stage in _stages(plan)]
    units = [_units(plan, stage) for stage in _stages(plan)]
    return pd.DataFrame(
        {
            "stage": _stages(plan),
            "layers": list(map(len, units)),
            "units": [" ".join(map(str, row)) for row in units],
            "first_layer_units": [row[0] for row in units],
            "parameters": [plan.parameters(stage) for stage in _stages(plan)],
            "operations_per_window": operations,
            "share_of_last": [cost / operations[-1] for cost in operations],
        }
    )


def breadth_against_plain(plan: Plan) -> pd.DataFrame:
    """Return how many connections each layer has, beside those of a plain network of the same width (thesis 4.1.2).

    A kernel of a convolution counts as one connection. Where equal networks were
    added, these are equations (4.1) and (4.2).

    Returns
    -------
    DataFrame
        ``layer``; ``networks`` that have units in it; ``units``; ``units_below``,
        for the first layer the image's channels; ``connections``;
        ``plain_connections``; ``share_of_plain``.
    """
    blocks = plan.blocks(plan.stages)
    below, rows = plan.channels, []
    for row, name in enumerate(plan.row_names(), start=1):
        here = [block for block in blocks if block.row == row]
        units = sum(map(plan.width, here))
        connections = sum(plan.width(block) * plan.inputs(block) for block in here)
        rows.append((name, len(here), units, below, connections, units * below, connections / (units * below)))
        below = units
    names = ["layer", "networks", "units", "units_below", "connections", "plain_connections", "share_of_plain"]
    return pd.DataFrame(rows, columns=names)


# Times ----------------------------------------------------------------------------------------------------------


def timings(
    network: GrownNetwork | Network,
    rounds: int = 15,
    stages: Sequence[Stage] | None = None,
    seconds: float = 60.0,
) -> pd.DataFrame:
    """Measure how long each stage takes; the stages take turns, so that all meet the same noise.

    Calls that compile are not counted.

    Parameters
    ----------
    network : GrownNetwork or Network
    rounds : int
        How often each stage is measured; medians are returned.
    stages : sequence of int, optional
        Which stages; all by default.
    seconds : float
        No further round begins after so long; the first is always finished.

    Returns
    -------
    DataFrame
        ``stage``; ``ms_per_window`` in batches of 256 (fewer where their maps
        would fill memory); ``ms_for_one_window`` alone; ``ms_per_frame``, one
        frame pass over 251 x 251 px of a film, NaN where a network tells classes
        apart.
    """
    grown = _grown(network)
    stages = list(stages or _stages(grown.plan))
    watches = _watches(grown)
    for stage in stages:
        for watch in watches.values():
            watch.run(stage)
    began = time.perf_counter()
    taken: list[list[list[float]]] = []
    while len(taken) < max(rounds, 1) and (not taken or time.perf_counter() - began < seconds):
        taken.append([[watch.milliseconds(stage) for watch in watches.values()] for stage in stages])
    table = pd.DataFrame(np.median(taken, axis=0), columns=list(watches), index=pd.Index(stages, name="stage"))
    return table.reindex(columns=["ms_per_window", "ms_for_one_window", "ms_per_frame"]).reset_index()


@dataclass(frozen=True)
class _Watch:
    """Something a stage can do, and how many windows or frames of it are done at once."""

    run: Callable[[Stage], Any]
    number: int = 1

    def milliseconds(self, stage: Stage) -> float:
        began = time.perf_counter()
        self.run(stage)
        return 1e3 * (time.perf_counter() - began) / self.number


def _watches(grown: GrownNetwork) -> dict[str, _Watch]:
    plan, rng = grown.plan, np.random.default_rng(0)
    batch = 2 ** int(math.log2(min(BATCH, _at_once(plan))))
    windows = rng.normal(size=(batch, *plan.shape, plan.channels)).astype(np.float32)
    watches = {
        "ms_per_window": _Watch(lambda stage: grown.answer(windows, stage), batch),
        "ms_for_one_window": _Watch(lambda stage: grown.answer(windows[:1], stage)),
    }
    if plan.task == "locate":
        frame = enlarge(rng.normal(size=SHAPE).astype(np.float32), grown.zoom)
        watches["ms_per_frame"] = _Watch(lambda stage: frame_pass(frame, grown, stage))
    return watches


# Errors ---------------------------------------------------------------------------------------------------------


def errors(
    network: GrownNetwork | Network,
    scene: Scene,
    levels: Iterable[float] | None = None,
    number: int = NUMBER,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure every stage on simulated windows that it has not seen, beside the Cramer-Rao bound.

    All pixels are those of the film, whatever the network's zoom.

    Parameters
    ----------
    network : GrownNetwork or Network
        One that locates.
    scene : Scene
    levels : iterable of float, optional
        Signal-to-noise ratios; by default those that networks are assessed at.
    number : int
        Windows for each, with a particle within 4 px of the centre.
    seed : int

    Returns
    -------
    DataFrame
        ``stage``, its ``layers`` and ``first_layer_units``; ``snr``;
        ``median_error_px`` and ``mean_error_px``, distances from the truth;
        ``mae_per_axis_px``, the thesis's mean absolute error of y and x;
        ``bound_px``, the median error at the bound; ``ratio_to_bound``.

    Raises
    ------
    SettingsError
        When the network does not locate, or the scene has nothing to find.
    """
    grown = _grown(network)
    if grown.plan.task != "locate":
        raise SettingsError(f"Only networks that locate have errors in pixels; this one's task is {grown.plan.task!r}.")
    levels = snr_levels(scene) if levels is None else sorted(levels)
    parts = []
    for snr in levels:
        held_out = windows_seen(grown, scene.with_(snr=snr), number, seed)
        parts += [
            {"stage": stage, "snr": float(snr), **_error(held_out, answers, grown.zoom)}
            for stage, answers in enumerate(_answers(grown, held_out.images), start=1)
        ]
    sizes = costs(grown.plan)[["stage", "layers", "first_layer_units"]]
    return sizes.merge(pd.DataFrame(parts), on="stage").sort_values(["stage", "snr"], ignore_index=True)


def windows_seen(network: GrownNetwork | Network, scene: Scene, number: int = NUMBER, seed: int = 0) -> HeldOut:
    """Simulate held-out windows as a network sees them: normalised, and enlarged by its zoom.

    Truth and bound are in network pixels.

    Raises
    ------
    SettingsError
        When the scene has nothing to find.
    """
    zoom, side = network.zoom, network.window
    half = side // 2 if zoom == 1 else math.ceil(side / zoom / 2 + 2 / zoom) + 3  # a rim for the splines
    film = held_out_windows(scene, 2 * half + 1, network.normalisation, seed, number)
    if not len(film):
        raise SettingsError(f"The scene {scene.name} has no particles to find. Raise its density.")
    centre = round(float(to_network(np.array(half), zoom)))
    cut = slice(centre - side // 2, centre + side // 2 + 1)
    images = np.stack([enlarge(image, zoom)[cut, cut] for image in film.images])
    return HeldOut(images, to_network(half + film.truth, zoom) - centre, zoom * film.bound)


def _error(held_out: HeldOut, answers: np.ndarray, zoom: float) -> dict[str, float]:
    """Return what the answers to windows are wrong by, in pixels of the film."""
    distances, median = held_out.errors(answers) / zoom, held_out.error(answers) / zoom
    return {
        "median_error_px": median,
        "mean_error_px": float(distances.mean()),
        "mae_per_axis_px": float(np.abs(answers[:, :2] - held_out.truth).mean() / zoom),
        "bound_px": held_out.bound / zoom,
        "ratio_to_bound": median * zoom / held_out.bound,
    }


def _answers(grown: GrownNetwork, images: np.ndarray) -> list[np.ndarray]:
    """Return every stage's answers to windows, (n, outputs) each."""
    parts = [grown.answers(some) for some in _chunks(images, grown.plan)]
    return [np.concatenate(several)[:, 0, 0] for several in zip(*parts, strict=True)]


# Activity -------------------------------------------------------------------------------------------------------


def activity(network: GrownNetwork | Network, images: np.ndarray, stage: Stage | None = None) -> pd.DataFrame:
    """Measure which units are active: those whose activation is greater than 0 (thesis 3.4.2, 3.4.4 and 4.1.3).

    A unit of a convolution has one activation at every place of its map, after
    the pooling; one of a dense layer has a single place.

    Parameters
    ----------
    network : GrownNetwork or Network
    images : ndarray (n, height, width) or (n, height, width, channels)
        Normalised windows of the plan's size, taken in bits that fit into memory.
    stage : int, optional
        Only the units that this stage's answer needs; the last by default.

    Returns
    -------
    DataFrame
        ``row``, ``layer`` and ``stage`` of each block, and the ``network`` it
        belongs to, see `added_networks`; ``units``; ``probability`` that a unit is active at a place;
        ``active_units``, expected at a place; ``silent_share`` of the units, active
        nowhere in all the images; ``mean_activation`` and ``std_over_images`` of it;
        ``mean_of_active``, the mean of those greater than 0, NaN without any.

    Raises
    ------
    SettingsError
        When there are no images, or not of a window's size.
    """
    grown = _grown(network)
    plan, stage = grown.plan, stage or grown.stages
    plan.check(stage)
    tallies = {block: _Tally(np.zeros(plan.width(block), np.int64)) for block in plan.needs(stage)}
    for some in _chunks(_windows(images, plan), plan):
        for block, maps in grown.activations(some, stage).items():
            tallies[block].add(maps)
    names, networks = plan.row_names(), added_networks(plan)
    return pd.DataFrame(
        [
            {
                "row": block.row,
                "layer": names[block.row - 1],
                "stage": block.stage,
                "network": networks[block.stage],
                **tally.summary(),
            }
            for block, tally in sorted(tallies.items())
        ]
    )


@dataclass
class _Tally:
    """What a block's units did so far; `active` counts, for each, the places where it was."""

    active: np.ndarray
    places: int = 0
    total: float = 0.0
    of_images: list[np.ndarray] = field(default_factory=list)

    def add(self, maps: np.ndarray) -> None:
        """Count maps (n, rows, columns, units)."""
        self.places += math.prod(maps.shape[:3])
        self.active += (maps > 0).sum((0, 1, 2))
        self.total += float(maps.sum(dtype=np.float64))
        self.of_images.append(maps.mean((1, 2, 3), dtype=np.float64))

    def summary(self) -> dict[str, float]:
        units, times = len(self.active), int(self.active.sum())
        probability = times / (self.places * units)
        return {
            "units": units,
            "probability": probability,
            "active_units": probability * units,
            "silent_share": float((self.active == 0).mean()),
            "mean_activation": self.total / (self.places * units),
            "std_over_images": float(np.concatenate(self.of_images).std()),
            "mean_of_active": self.total / times if times else math.nan,
        }


def added_networks(plan: Plan) -> dict[Stage, int]:
    """Return which added network, counted from 1, each stage belongs to.

    What is laid on top of a member's only network belongs to it: growing in
    depth makes one network, in breadth one a stage.
    """
    found: dict[Stage, int] = {}
    for stage in _stages(plan):
        before = [earlier for earlier in found if plan.member(earlier) == plan.member(stage)]
        mine = {found[earlier] for earlier in before}
        on_top = len(mine) == 1 and plan.column(stage)[0].row > plan.top(before[-1])
        found[stage] = mine.pop() if on_top else max(found.values(), default=0) + 1
    return found


# What the card tells --------------------------------------------------------------------------------------------


def history(card: Card) -> pd.DataFrame:
    """Return how the loss fell while the network grew.

    Returns
    -------
    DataFrame
        ``images`` used so far, over all stages; ``stage``; and the mean loss since
        the last point: ``loss_px`` for the robust loss, ``loss_px2`` for the
        squared one, ``loss_nat`` for the cross-entropy of classes.
    """
    schedule, points = card.recipe.schedule, card.history
    name, scale = "loss_nat", 1.0
    if card.plan.task == "locate":
        name, scale = ("loss_px", 1.0) if schedule.loss == "robust" else ("loss_px2", schedule.unit**2)
    rows = [(point.images, point.stage, scale * point.loss) for point in points]
    return pd.DataFrame(rows, columns=["images", "stage", name])


def accuracies(card: Card) -> pd.DataFrame:
    """Return how many images that it never learned from each stage gives the right class.

    Returns
    -------
    DataFrame
        ``stage``; ``right_share``, 0 to 1; ``images`` it was asked about.
    """
    rows = [(one.stage, one.right, one.images) for one in card.accuracies]
    return pd.DataFrame(rows, columns=["stage", "right_share", "images"])


# All of it ------------------------------------------------------------------------------------------------------


def write_insight(
    network: GrownNetwork | Network,
    folder: str | os.PathLike[str],
    scene: Scene | None = None,
    images: np.ndarray | None = None,
    say: Callable[[str], object] | None = None,
) -> list[Path]:
    """Write every table that can be had of a network as CSV, and every figure as PNG and PDF.

    Of very many stages a dozen are timed, and of very many layers the maps of a
    dozen are drawn.

    Parameters
    ----------
    network : GrownNetwork or Network
    folder : path
        Made where it is missing; files of the same names are replaced.
    scene : Scene, optional
        What to measure errors on; by default the one the network learned from.
    images : ndarray (n, height, width) or (n, height, width, channels), optional
        Normalised windows to look at activity with; by default held-out windows of
        the scene.
    say : callable, optional
        Called with a few words before each piece of work.

    Returns
    -------
    list of Path
        The files, in the order they were written.

    Raises
    ------
    OutputError
        When the disk refuses.
    SettingsError
        When images are not of a window's size, or the scene has nothing to find.

    Examples
    --------
    >>> from napari_growtrack.core.networks import load_network
    >>> files = write_insight(load_network("vesicles"), "vesicles")  # doctest: +SKIP
    """
    grown = _grown(network)
    card: Card | None = getattr(network, "card", None)
    out, say = _Folder(Path(folder)), say or (lambda _: None)
    scene = _scene_of(grown, scene, card)
    if scene is not None and images is None:
        say("simulating windows")
        images = windows_seen(grown, scene, NUMBER).images
    say("measuring times")
    _write_costs(grown, out)
    if scene is not None:
        say("measuring errors")
        _write_errors(grown, scene, out)
    if images is not None:
        say("measuring activity")
        _write_activity(grown, images, out)
    if card is not None:
        _write_card(card, out)
    return out.written


def _scene_of(grown: GrownNetwork, scene: Scene | None, card: Card | None) -> Scene | None:
    """Return the scene to measure on; none for a network that tells classes apart."""
    if grown.plan.task != "locate":
        return None
    return scene or (card.recipe.scene if card else None)


def _write_costs(grown: GrownNetwork, out: _Folder) -> None:
    plan = grown.plan
    out.figure("plan", figures.draw_plan(plan))
    price = out.table("costs", costs(plan))
    if len(set(added_networks(plan).values())) > 1:
        out.table("breadth", breadth_against_plain(plan))
    times = out.table("timings", timings(grown, _ROUNDS, _some(plan.stages)))
    out.figure("costs", figures.draw_costs(price, times))


def _write_errors(grown: GrownNetwork, scene: Scene, out: _Folder) -> None:
    table = out.table("errors", errors(grown, scene, number=NUMBER))
    out.figure("errors", figures.draw_errors(table))
    if grown.stages > 1:
        out.figure("error_by_stage", figures.draw_error_by_stage(table))


def _write_activity(grown: GrownNetwork, images: np.ndarray, out: _Folder) -> None:
    plan = grown.plan
    out.figure("activity", figures.draw_activity(out.table("activity", activity(grown, images))))
    window = _fullest(images[:_LOOKED_AT])
    maps = grown.activations(window[None])
    for row in _some(len(plan.layers)):
        name = plan.row_names()[row - 1].replace(" ", "_")
        out.figure(f"maps_{name}", figures.draw_maps(maps, row, window=window))


def _write_card(card: Card, out: _Folder) -> None:
    if card.history:
        out.figure("history", figures.draw_history(out.table("history", history(card))))
    if card.accuracies:
        out.figure("accuracies", figures.draw_accuracies(out.table("accuracies", accuracies(card))))


class _Folder:
    """A folder, and what was written into it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.written: list[Path] = []

    def table(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Write a table, and return it."""
        self.written.append(self._path / f"{name}.csv")
        write_table(table, self.written[-1])
        return table

    def figure(self, name: str, figure: Figure) -> None:
        for suffix in ("png", "pdf"):
            self.written.append(self._path / f"{name}.{suffix}")
            save(figure, self.written[-1], dpi=300)


# Pieces ---------------------------------------------------------------------------------------------------------


def _grown(network: Any) -> GrownNetwork:
    return getattr(network, "grown", network)


def _stages(plan: Plan) -> range:
    return range(1, plan.stages + 1)


def _units(plan: Plan, stage: Stage) -> list[int]:
    """Return the units of each layer up to a stage."""
    return [sum(plan.units[row][:stage]) for row in range(plan.top(stage))]


def _at_once(plan: Plan) -> int:
    """Return how many windows' maps fit into the memory we allow ourselves."""
    numbers = (math.prod(plan.conv_shape(block.row)) * plan.width(block) for block in plan.blocks(plan.stages))
    return max(1, min(1024, _MEMORY // (4 * sum(numbers))))


def _chunks(images: np.ndarray, plan: Plan) -> Iterator[np.ndarray]:
    size = _at_once(plan)
    return (images[i : i + size] for i in range(0, len(images), size))


def _windows(images: np.ndarray, plan: Plan) -> np.ndarray:
    """Refuse images that are not windows of the plan's size."""
    images = np.asarray(images)
    if images.ndim not in (3, 4) or not len(images) or images.shape[1:3] != plan.shape:
        height, width = plan.shape
        raise SettingsError(f"Expected one or more windows of {height} x {width} px, got shape {images.shape}.")
    return images


def _some(number: int) -> list[int]:
    """Return 1 to number, or a dozen of them, spread evenly with the first and the last."""
    return sorted({round(i) for i in np.linspace(1, number, min(number, _MOST))})


def _fullest(images: np.ndarray) -> np.ndarray:
    """Return the first image with the fewest rows and columns of one value: the least padded."""
    return min(images, key=lambda image: sum(int((np.ptp(image, axis) == 0).sum()) for axis in (0, 1)))
