"""Cats and dogs: accuracy by layers and epochs, augmented or not (3.11-3.16), and a look inside (3.17, 3.18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...datasets import Augmentation, Dataset, load_dataset
from ...figures.maps import tiled
from ...growth.plan import Plan
from ...growth.schedule import Schedule
from ...growth.training import Growth
from ...insight import activity
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, fractions, frame_of, rows_of
from ..sources import CATS_DOGS, path_of
from ..standins import Halves, pets
from .common import GROWN, PLAIN, counted
from .drawing import COLOURS, finished_titled, line, new_figure, plain_log_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...growth.network import GrownNetwork

_WAYS = (GROWN, PLAIN)
_FEW = 3
"""Layers of the network that is compared with and without augmentation (3.15)."""


@dataclass(frozen=True)
class Size:
    """How much is done.

    Side of the pictures, units of the convolutions, epochs a stage, epochs of the long runs with augmentation, runs,
    pictures tested with, pictures in a batch, and the learning rate of RMSprop.
    """

    side: int
    conv: tuple[int, ...]
    epochs: int
    long: int
    runs: int
    tested: int
    batch: int
    learning_rate: float


SIZES: dict[Scale, Size] = {
    "smoke": Size(75, (2, 4, 4), 1, 2, 1, 30, 20, 1e-3),
    "laptop": Size(75, (16, 32, 64, 64), 40, 100, 2, 1000, 20, 5e-4),
    "paper": Size(150, (32, 64, 128, 128, 128), 80, 200, 5, 2000, 20, 1e-4),
}


@dataclass(frozen=True)
class _Run:
    """A network to train: how, with what, for how long."""

    way: str
    augmented: bool
    layers: int
    epochs: int
    run: int

    @property
    def name(self) -> str:
        """Different for each."""
        more = ", augmented" if self.augmented else ""
        return f"{self.way}, {self.layers} layers{more}, {self.epochs} epochs, run {self.run}"

    @property
    def key(self) -> str:
        """What its network is kept under."""
        return self.way.replace(" ", "-")


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every network: grown ones hold those with fewer layers, plain ones are trained for each."""
    size = SIZES[bench.scale]
    layers = len(size.conv)
    runs = [
        run
        for number in range(1, size.runs + 1)
        for augmented in (False, True)
        for run in (
            _Run(GROWN, augmented, layers, size.epochs, number),
            *(_Run(PLAIN, augmented, depth, size.epochs, number) for depth in range(1, layers + 1)),
        )
    ]
    runs += [_Run(way, True, layers, size.long, 1) for way in _WAYS]
    return [Piece(run.name, partial(_trained, bench, run), _weight(run, size)) for run in runs]


def _weight(run: _Run, size: Size) -> float:
    cost = _plan(replace(run, way=PLAIN), size).cost(1)
    return run.epochs * cost * (1.8 if run.augmented and run.way == GROWN else 1)


def _plan(run: _Run, size: Size) -> Plan:
    kind = Plan.depth if run.way == GROWN else Plan.plain
    return kind(size.conv[: run.layers], (), window=size.side, channels=3, task="binary", outputs=1)


def pictures(bench: Bench) -> Halves:
    """Return what is trained on and tested with: cats and dogs, or drawn bodies at smoke scale."""
    size = SIZES[bench.scale]
    if bench.scale == "smoke":
        return pets(side=size.side)
    train, test = load_dataset(path_of(CATS_DOGS, bench.data))
    some = test.subset(min(size.tested, len(test)), np.random.default_rng(0))
    return _shrunk(train, size.side), _shrunk(some, size.side)


def _shrunk(dataset: Dataset, side: int) -> Dataset:
    """Return the pictures at a side that divides theirs, each pixel the mean of those it covers."""
    number, height, width, channels = dataset.images.shape
    if height == side:
        return dataset
    blocks = dataset.images.reshape(number, side, height // side, side, width // side, channels)
    return replace(dataset, images=blocks.mean((2, 4), dtype=np.float32).round().astype(np.uint8))


def _trained(bench: Bench, run: _Run) -> Work:
    size = SIZES[bench.scale]
    train, test = pictures(bench)
    schedule = Schedule.images(
        run.epochs,
        size.batch,
        optimiser="rmsprop",
        learning_rate=size.learning_rate,
        decay="constant",
        initial="glorot",
        looks=run.epochs,
        augmentation=Augmentation() if run.augmented else None,
    )
    growth = Growth(_plan(run, size), train, schedule, run.run, held_out=test)
    network = yield from fractions(growth.steps())
    told: Tables = {"": _curves(growth, run)}
    if run.epochs == size.long:
        bench.keep(run.key, network)
        told["units"] = _active(network, test, run)
    return told


def _curves(growth: Growth, run: _Run) -> Rows:
    """Return the accuracy after every epoch of every stage."""
    about = {"way": run.way, "augmented": run.augmented, "epochs": run.epochs, "run": run.run}
    return [
        about | {"layers": run.layers if run.way == PLAIN else stage, "epoch": epoch, "accuracy": 1 - error}
        for stage, curve in growth.curves.items()
        for epoch, error in enumerate(curve, start=1)
    ]


def _active(network: GrownNetwork, test: Dataset, run: _Run) -> Rows:
    images, _ = test.batch(np.arange(min(len(test), 1000)))
    table = activity(network, images)[["row", "layer", "units", "probability", "silent_share"]]
    return [{"way": run.way} | row for row in rows_of(table)]


# What came out --------------------------------------------------------------------------------------------------------


def _best(tables: Tables) -> Any:
    """Return the best accuracy over epochs of every network."""
    by = ["way", "augmented", "epochs", "layers", "run"]
    return frame_of(tables[""]).groupby(by).accuracy.max()


def short(tables: Tables) -> Rows:
    """Return the mean over runs of the best accuracy, by layers."""
    groups = _best(tables).groupby(["way", "augmented", "epochs", "layers"])
    table = groups.agg(["mean", "min", "max", "count"]).reset_index()
    return rows_of(table.rename(columns={"mean": "best accuracy", "count": "runs"}))


def _usual(tables: Tables) -> tuple[Any, int]:
    """Return the rows of runs of usual length, and how many epochs those have."""
    rows = frame_of(tables[""])
    return rows[rows.epochs == rows.epochs.min()], int(rows.epochs.min())


def draw_layers(tables: Tables, _: Bench, augmented: bool) -> Figure:
    """Draw the best accuracy against the number of layers (3.11, 3.13)."""
    rows, _epochs = _usual(tables)
    rows = rows[rows.augmented == augmented]
    best = rows.groupby(["way", "layers", "run"]).accuracy.max().reset_index()
    figure, (axes,) = new_figure(width=4.0)
    for number, way in enumerate(_WAYS):
        table = 100 * best[best.way == way].groupby("layers").accuracy.agg(["mean", "min", "max"])
        gaps = np.abs(table[["min", "max"]].T.to_numpy() - table["mean"].to_numpy())
        axes.errorbar(
            table.index, table["mean"], gaps, color=COLOURS[number], marker="os"[number], ms=4, lw=1.2, label=way
        )
    axes.set(xlabel="convolutional layers", ylabel="best accuracy on test images (%)")
    axes.set_xticks(sorted(set(best.layers)))
    return finished_titled(figure)


def draw_epochs(tables: Tables, _: Bench, augmented: bool, long: bool = False) -> Figure:
    """Draw the accuracy of the whole network after every epoch, mean and extremes of the runs (3.12, 3.14, 3.16)."""
    rows = frame_of(tables[""])
    epochs = rows.epochs.max() if long else rows.epochs.min()
    rows = rows[(rows.augmented == augmented) & (rows.epochs == epochs) & (rows.layers == rows.layers.max())]
    figure, (axes,) = new_figure(width=4.0)
    for number, way in enumerate(_WAYS):
        _curve(axes, rows[rows.way == way], number, way)
    axes.set(xlabel="epochs", ylabel="accuracy on test images (%)")
    return finished_titled(figure)


def draw_augmented(tables: Tables, _: Bench) -> Figure:
    """Draw what augmentation changes for a network of three layers, plain and grown (3.15)."""
    rows, _epochs = _usual(tables)
    rows = rows[rows.layers == _FEW]
    figure, panels = new_figure(2)
    for axes, way in zip(panels, reversed(_WAYS), strict=True):
        for number, augmented in enumerate((False, True)):
            mine = rows[(rows.way == way) & (rows.augmented == augmented)]
            _curve(axes, mine, number, "augmented" if augmented else "not augmented")
        axes.set(xlabel="epochs", ylabel="accuracy on test images (%)", title=way)
    return finished_titled(figure)


def _curve(axes: Axes, rows: pd.DataFrame, number: int, label: str) -> None:
    table = 100 * rows.groupby("epoch").accuracy.agg(["mean", "min", "max"])
    axes.plot(table.index, table["mean"], color=COLOURS[number], lw=1.6, label=label)
    if rows.run.nunique() > 1:
        for end in ("min", "max"):
            axes.plot(table.index, table[end], color=COLOURS[number], lw=0.5)


def draw_maps(_: Tables, bench: Bench) -> Figure:
    """Draw what every layer makes of one picture of a cat, grown on the left and plain on the right (3.17)."""
    from matplotlib.figure import Figure

    size = SIZES[bench.scale]
    _train, test = pictures(bench)
    image, _labels = test.batch(np.flatnonzero(test.labels == 0)[:1])
    layers = range(1, len(size.conv) + 1)
    figure = Figure(figsize=(7, 1.1 + 0.42 * sum(-(-units // 16) for units in size.conv)), layout="constrained")
    heights = [1, *(-(-units // 16) for units in size.conv)]
    panels = figure.subplots(len(heights), 2, height_ratios=heights)
    for column, way in enumerate(_WAYS):
        run = _Run(way, True, len(size.conv), size.long, 1)
        plan = _plan(run, size)
        network = bench.kept(run.key, plan, Schedule.images())
        panels[0, column].imshow(image[0])
        panels[0, column].set_title("grown layer by layer" if way == GROWN else way)
        maps = {block.row: found_[0] for block, found_ in network.activations(image).items()}
        for layer in layers:
            canvas, _corners, _side = tiled(maps[layer].transpose(2, 0, 1), 16, dense=False)
            panels[layer, column].imshow(np.ma.masked_invalid(canvas), cmap="inferno", vmin=0, vmax=1)
            panels[layer, column].set_ylabel(f"layer {layer}" if column == 0 else "")
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return finished_titled(figure)


def draw_active(tables: Tables, _: Bench) -> Figure:
    """Draw how probably a unit is active, by layer, on a linear axis and a logarithmic one (3.18)."""
    rows = frame_of(tables["units"])
    figure, panels = new_figure(2)
    for axes in panels:
        for number, way in enumerate(_WAYS):
            line(axes, rows[rows.way == way], "row", "probability", number, way)
        axes.set(xlabel="convolutional layer", ylabel="probability that a unit is active")
        axes.set_xticks(sorted(set(rows.row)))
    panels[0].set_ylim(0, None)
    plain_log_axes(panels[1], "y")
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    best = _best(tables).groupby(["way", "augmented", "epochs", "layers"]).mean()
    epochs = sorted(set(best.index.get_level_values("epochs")))
    layers = best.index.get_level_values("layers").max()
    told = "; ".join(
        f"{'with' if augmented else 'without'} augmentation {100 * best[GROWN, augmented, count, layers]:.1f} % "
        f"grown, {100 * best[PLAIN, augmented, count, layers]:.1f} % plain ({counted(count, 'epoch')})"
        for augmented, count in ((False, epochs[0]), (True, epochs[0]), (True, epochs[-1]))
    )
    return f"Best accuracy on test images with {layers} convolutional layers, mean over runs: {told}."


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    best = 100 * _best(tables).groupby(["way", "augmented", "epochs", "layers"]).mean()
    usual, long = (end(set(best.index.get_level_values("epochs"))) for end in (min, max))
    layers = int(best.index.get_level_values("layers").max())
    bare, varied = (best.xs(augmented, level="augmented").xs(usual, level="epochs") for augmented in (False, True))
    gains = {way: varied[way, layers] - bare[way, layers] for way in _WAYS}
    few = {way: varied[way, _FEW] - bare[way, _FEW] for way in _WAYS}
    at_last = {way: best[way, True, long, layers] for way in _WAYS}
    by_layer, gain = " ".join(f"{value:.1f}" for value in bare[GROWN]), bare[GROWN].iloc[-1] - bare[GROWN].iloc[0]
    return [
        Claim("3.11", "grown improves with layers", f"{by_layer} %", bool(gain > 0)),
        Claim(
            "3.11", "without augmentation grown is at or above plain",
            f"grown {bare[GROWN, layers]:.1f} %, plain {bare[PLAIN, layers]:.1f} %",
            bool(bare[GROWN, layers] >= bare[PLAIN, layers] - 0.5),
        ),
        Claim("3.12", "accuracy is saturated before the end", *_saturated(tables)),
        Claim(
            "3.13", "plain gains more from augmentation",
            f"plain {gains[PLAIN]:+.1f}, grown {gains[GROWN]:+.1f} points", bool(gains[PLAIN] > gains[GROWN]),
        ),
        Claim(
            "3.15", "both gain from augmentation with three layers",
            f"plain {few[PLAIN]:+.1f}, grown {few[GROWN]:+.1f} points", bool(min(few.values()) > 0),
        ),
        Claim(
            "3.16", "trained long enough with augmentation, plain overtakes grown",
            f"after {long} epochs plain {at_last[PLAIN]:.1f} %, grown {at_last[GROWN]:.1f} %",
            bool(at_last[PLAIN] > at_last[GROWN]),
        ),
        *_inside(tables),
    ]  # fmt: skip


def _saturated(tables: Tables) -> tuple[str, bool]:
    rows, epochs = _usual(tables)
    rows = rows[~rows.augmented & (rows.layers == rows.layers.max())]
    late = rows[rows.epoch > 0.75 * epochs].groupby("way").accuracy.mean()
    before = rows[(rows.epoch > 0.5 * epochs) & (rows.epoch <= 0.75 * epochs)].groupby("way").accuracy.mean()
    change = 100 * (late - before)
    told = ", ".join(f"{way} {value:+.1f}" for way, value in change.items())
    return f"from the third to the last quarter {told} points", bool(change.max() < 1)


def _inside(tables: Tables) -> list[Claim]:
    table = frame_of(tables["units"]).set_index(["way", "row"])

    def told(column: str) -> str:
        return "; ".join(f"{way} {_listed(table.loc[way, column])}" for way in _WAYS)

    probability, silent = (table.groupby("way")[column].mean() for column in ("probability", "silent_share"))
    return [
        Claim(
            "3.17", "grown networks leave fewer maps blank", f"share of silent maps {told('silent_share')}",
            bool(silent[GROWN] <= silent[PLAIN]),
        ),
        Claim(
            "3.18", "grown networks are slightly more active", f"probability {told('probability')}",
            bool(probability[GROWN] > probability[PLAIN]),
        ),
    ]  # fmt: skip


def _listed(values: Sequence[Any]) -> str:
    return " ".join(f"{value:.2f}" for value in values)


CASE = Case(
    "cats and dogs, grown and plain: accuracy by layers and epochs, with and without augmentation, and what is inside",
    pieces,
    shows=("3.11", "3.12", "3.13", "3.14", "3.15", "3.16", "3.17", "3.18"),
    settings=lambda scale: asdict(SIZES[scale]) | {"seed": "the run's number"},
    needs=(CATS_DOGS,),
    stands_in=True,
    short=short,
    figures={
        "3.11": partial(draw_layers, augmented=False),
        "3.12": partial(draw_epochs, augmented=False),
        "3.13": partial(draw_layers, augmented=True),
        "3.14": partial(draw_epochs, augmented=True),
        "3.15": draw_augmented,
        "3.16": partial(draw_epochs, augmented=True, long=True),
        "3.17": draw_maps,
        "3.18": draw_active,
    },
    tell=tell,
    claims=claims,
)
