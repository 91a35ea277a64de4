"""Very deep dense networks on written digits: accuracy against depth (3.5, 3.6), and how active they are (3.7, 3.8)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Dataset
from ...figures.style import shades
from ...growth.plan import Plan
from ...growth.schedule import Schedule
from ...growth.training import Growth
from ...growth.validation import held_out_images
from ...insight import activity
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, fractions, frame_of, rows_of
from ..peers import resident_memory
from ..sources import MNIST
from .common import GROWN, PLAIN, counted
from .drawing import COLOURS, finished_titled, new_figure
from .mnist_conv import images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...growth.network import GrownNetwork

_DIGITS: dict[str, Any] = {"window": 28, "task": "labels", "outputs": 10}
FIRST, WIDTH = 512, 32
_FAILED = 0.2
_BATCH, _RATE = 64, 5e-3


@dataclass(frozen=True)
class Size:
    """How much is done.

    Runs for each number of epochs a stage, layers grown, layers of the one long run with the fewest epochs, layers of
    plain networks, and test images to count active units on.
    """

    runs: dict[int, int]
    layers: int
    longest: int
    plain: tuple[int, ...]
    looked_at: int


_PLAIN_LAYERS = (1, 2, 5, 10, 20, 50, 100)
SIZES: dict[Scale, Size] = {
    "smoke": Size({1: 1}, 4, 5, (1, 4), 100),
    "laptop": Size({1: 1, 3: 1}, 100, 301, _PLAIN_LAYERS, 10_000),
    "paper": Size({5: 5, 20: 5}, 100, 500, _PLAIN_LAYERS, 10_000),
}


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every network; the first run with the fewest epochs is the long one."""
    size = SIZES[bench.scale]
    found = []
    for epochs, runs in size.runs.items():
        for run in range(1, runs + 1):
            long = epochs == min(size.runs) and run == 1
            layers = size.longest if long else size.layers
            work = partial(_grown, bench, epochs, run, layers)
            found.append(Piece(f"{GROWN}, {epochs} epochs, run {run}", work, epochs * layers))
            found += [
                Piece(
                    f"{PLAIN}, {epochs} epochs, run {run}, {layers} layers",
                    partial(_plain, bench, epochs, run, layers),
                    epochs * (1 + 0.1 * layers),
                )
                for layers in size.plain
            ]
    return found


def _schedule(epochs: int) -> Schedule:
    return Schedule.images(epochs, _BATCH, learning_rate=_RATE)


def _grown(bench: Bench, epochs: int, run: int, layers: int) -> Work:
    train, test = images(bench)
    plan = Plan.depth((), (FIRST, *[WIDTH] * (layers - 1)), **_DIGITS)
    growth = Growth(plan, train, _schedule(epochs), run, held_out=test)
    about: dict[str, Any] = {"way": GROWN, "epochs": epochs, "run": run}
    rows: Rows = []
    began = time.perf_counter()
    for step in growth.steps():
        if step.finished and step.error is not None:
            now = time.perf_counter()
            told = {"accuracy": 1 - step.error, "seconds": now - began, "memory (MiB)": resident_memory()}
            rows.append(about | {"layers": step.stages[-1]} | told)
            began = now
        yield step.fraction
    return {"": rows, "activity": _activity(growth.network, test, about, SIZES[bench.scale])}


def _plain(bench: Bench, epochs: int, run: int, layers: int) -> Work:
    train, test = images(bench)
    plan = Plan.plain((), (FIRST, *[WIDTH] * (layers - 1)), **_DIGITS)
    growth = Growth(plan, train, _schedule(epochs), run, held_out=test)
    began = time.perf_counter()
    network = yield from fractions(growth.steps())
    about = {"way": PLAIN, "epochs": epochs, "run": run}
    told = {"layers": layers, "accuracy": 1 - growth.errors[1], "seconds": time.perf_counter() - began}
    return {
        "": [about | told | {"memory (MiB)": resident_memory()}],
        "activity": _activity(network, test, about, SIZES[bench.scale]),
    }


def _activity(network: GrownNetwork, test: Dataset, about: dict[str, Any], size: Size) -> Rows:
    """Return how active every layer is, up to as many layers as plain networks have."""
    seen = held_out_images(test, network.normalisation, min(size.looked_at, len(test))).images
    plan = network.plan
    stage = min(plan.stages, size.layers) if plan.stages > 1 else 1
    table = activity(network, seen, stage)
    told = table[["row", "probability", "mean_activation", "std_over_images"]].rename(columns={"row": "layer"})
    return [about | {"layers": int(table.row.max())} | row for row in rows_of(told)]


# What came out --------------------------------------------------------------------------------------------------------


def _accuracy(tables: Tables) -> Any:
    """Return the mean accuracy over runs by way, epochs and layers."""
    return frame_of(tables[""]).groupby(["way", "epochs", "layers"]).accuracy.mean()


def short(tables: Tables) -> Rows:
    """Return mean, worst and best accuracy at some depths."""
    rows = frame_of(tables[""])
    deepest = rows[rows.way == GROWN].layers.max()
    wanted = sorted({*rows[rows.way == PLAIN].layers, 200, 300, deepest})
    groups = rows[rows.layers.isin(wanted)].groupby(["way", "epochs", "layers"])
    table = groups.accuracy.agg(["mean", "min", "max", "count"]).join(groups.seconds.mean())
    return rows_of(table.reset_index().rename(columns={"count": "runs", "seconds": "seconds a stage"}))


def draw_depth(tables: Tables, _: Bench) -> Figure:
    """Draw accuracy against depth for both ways and every number of epochs (3.5)."""
    rows = frame_of(tables[""])
    plain_deepest = rows[rows.way == PLAIN].layers.max()
    epochs = sorted(set(rows.epochs))
    figure, panels = new_figure(2 * len(epochs), width=7.0)
    for axes, (count, way) in zip(panels, ((e, w) for e in epochs for w in (GROWN, PLAIN)), strict=True):
        mine = rows[(rows.epochs == count) & (rows.way == way) & (rows.layers <= plain_deepest)]
        table = mine.groupby("layers").accuracy.agg(["mean", "min", "max"]) * 100
        gaps = np.abs(table[["min", "max"]].T.to_numpy() - table["mean"].to_numpy())
        axes.errorbar(table.index, table["mean"], gaps, color=COLOURS[3], ecolor=COLOURS[0], lw=1, elinewidth=0.7)
        axes.set(xlabel="layers", ylim=(0, 102), title=f"{way}, {counted(count, 'epoch')}", ylabel="test accuracy (%)")
    for axes in panels[1:]:
        axes.set_ylabel("")
    return finished_titled(figure)


def draw_deepest(tables: Tables, _: Bench) -> Figure:
    """Draw accuracy against depth for the longest run (3.6)."""
    rows = frame_of(tables[""])
    grown = rows[rows.way == GROWN]
    longest = grown[(grown.epochs == grown.epochs.min()) & (grown.run == 1)]
    figure, (axes,) = new_figure(width=4.0)
    axes.plot(longest.layers, 100 * longest.accuracy, ".", color=COLOURS[0], ms=3)
    axes.set(xlabel="layers", ylabel="test accuracy (%)")
    return finished_titled(figure)


def draw_probability(tables: Tables, _: Bench) -> Figure:
    """Draw how probably a unit is active, layer by layer (3.7)."""
    return _by_layer(tables, "probability", "probability that a unit is active")


def draw_activation(tables: Tables, _: Bench) -> Figure:
    """Draw the mean activation of every layer, and what it spreads over between images (3.8)."""
    return _by_layer(tables, "mean_activation", "mean activation")


def _by_layer(tables: Tables, y: str, label: str) -> Figure:
    rows = frame_of(tables["activity"])
    rows = rows[rows.epochs == rows.epochs.min()]
    sizes = sorted(set(rows.layers))
    colours = dict(zip(sizes, shades(len(sizes)), strict=True))
    figure, panels = new_figure(2)
    for axes, way in zip(panels, (GROWN, PLAIN), strict=True):
        for layers, some in rows[rows.way == way].groupby("layers"):
            mean = some.groupby("layer")[[y, "std_over_images"]].mean()
            look: dict[str, Any] = {"color": colours[layers], "lw": 1.2}
            axes.plot(
                mean.index, mean[y], label=counted(layers, "layer"), marker="" if layers > 20 else "o", ms=3, **look
            )
            if y == "mean_activation":
                low, high = (mean[y] + sign * mean.std_over_images for sign in (-1, 1))
                axes.fill_between(mean.index, low.clip(lower=0), high, color=colours[layers], alpha=0.15, lw=0)
        axes.set(xlabel="layer", ylabel=label, title=way, ylim=(0, None))
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    accuracy = _accuracy(tables)
    fewest = accuracy.index.get_level_values("epochs").min()
    grown, plain = accuracy[GROWN, fewest], accuracy[PLAIN, fewest]
    some = [depth for depth in (1, 10, 50, 100, 200, 300) if depth in grown]
    told = ", ".join(f"{100 * grown[depth]:.1f} % with {depth}" for depth in some)
    beside = ", ".join(f"{100 * value:.1f} % with {depth}" for depth, value in plain.items())
    return (
        f"Test accuracy after {counted(fewest, 'epoch')} a layer: grown {told} and {100 * grown.iloc[-1]:.1f} % with "
        f"{grown.index[-1]} layers; plain networks {beside}."
    )


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    accuracy = _accuracy(tables)
    epochs = sorted(set(accuracy.index.get_level_values("epochs")))
    found = []
    for count in epochs:
        grown, plain = accuracy[GROWN, count], accuracy[PLAIN, count]
        depth = plain.index.max()
        told = f"{depth} layers: grown {100 * grown[depth]:.1f} %, plain {100 * plain[depth]:.1f} %"
        holds = bool(grown[depth] >= 0.94 and plain[depth] <= _FAILED)
        found.append(Claim("3.5", f"grown learns where plain fails ({counted(count, 'epoch')} a layer)", told, holds))
    if len(epochs) > 1:
        depth = accuracy[PLAIN].index.get_level_values("layers").max()
        values = [accuracy[GROWN, count, depth] for count in epochs]
        told = ", ".join(f"{100 * v:.2f} % after {e}" for v, e in zip(values, epochs, strict=True))
        found.append(
            Claim("3.5", "fewer epochs suit growing", f"{depth} layers: {told} epochs a layer", values[0] >= values[-1])
        )
    grown = accuracy[GROWN, epochs[0]]
    told = f"{100 * grown.iloc[-1]:.1f} % with {grown.index[-1]} layers, at least {100 * grown.min():.1f} % on the way"
    found.append(Claim("3.6", "300 layers and more still tell digits apart", told, bool(grown.iloc[-1] >= 0.94)))
    return [*found, *_activity_claims(tables)]


def _activity_claims(tables: Tables) -> list[Claim]:
    rows = frame_of(tables["activity"])
    rows = rows[(rows.epochs == rows.epochs.min()) & (rows.way == GROWN)]
    found = []
    for figure, name in (("3.7", "probability"), ("3.8", "mean_activation")):
        by_layer = rows.groupby("layer")[name].mean()
        tenth = max(1, len(by_layer) // 10)
        first, last = by_layer.iloc[:tenth], by_layer.iloc[-tenth:]
        scatter = float(np.hypot(*(part.std(ddof=0) / np.sqrt(tenth) for part in (first, last))))
        told = f"{first.mean():.3f} in the first {tenth}, {last.mean():.3f} in the last {tenth} layers, ± {scatter:.3f}"
        holds = bool(first.mean() - last.mean() > 2 * scatter)
        name = name.replace("_", " ")
        found.append(Claim(figure, f"early grown layers are more active than later ones ({name})", told, holds))
    return found


CASE = Case(
    "networks of hundreds of dense layers on written digits, grown and plain: accuracy and activity",
    pieces,
    shows=("3.5", "3.6", "3.7", "3.8"),
    settings=lambda scale: asdict(SIZES[scale]) | {"batch": _BATCH, "learning_rate": _RATE, "seed": "the run's number"},
    needs=(MNIST,),
    stands_in=True,
    short=short,
    figures={"3.5": draw_depth, "3.6": draw_deepest, "3.7": draw_probability, "3.8": draw_activation},
    tell=tell,
    claims=claims,
)
