"""Written digits by a convolutional network: accuracy of repeated runs, grown layer by layer and plain (3.3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...growth.plan import Plan
from ...growth.schedule import Schedule
from ...growth.training import Growth
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, fractions, frame_of, rows_of
from ..sources import MNIST, path_of
from ..standins import Halves, digits
from .common import GROWN, PLAIN, counted
from .drawing import COLOURS, finished_titled, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONV, DENSE = (32, 64, 64), (64,)
_DIGITS: dict[str, Any] = {"window": 28, "task": "labels", "outputs": 10}
_PLANS = {PLAIN: Plan.plain(CONV, DENSE, **_DIGITS), GROWN: Plan.depth(CONV, DENSE, **_DIGITS)}
_WEIGHTS = {PLAIN: 1.0, GROWN: 2.5}


@dataclass(frozen=True)
class Size:
    """How much is done: repeats, epochs a stage, images in a batch."""

    repeats: int
    epochs: int
    batch: int


SIZES: dict[Scale, Size] = {"smoke": Size(1, 1, 50), "laptop": Size(3, 5, 5), "paper": Size(10, 5, 5)}


def images(bench: Bench) -> Halves:
    """Return MNIST, or drawn digits at smoke scale."""
    from ...datasets import load_dataset

    return digits() if bench.scale == "smoke" else load_dataset(path_of(MNIST, bench.data))


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every network."""
    return [
        Piece(f"{way}, run {run}", partial(_trained, bench, way, run), _WEIGHTS[way])
        for run in range(1, SIZES[bench.scale].repeats + 1)
        for way in _PLANS
    ]


def _trained(bench: Bench, way: str, run: int) -> Work:
    size = SIZES[bench.scale]
    schedule = Schedule.images(
        size.epochs, size.batch, optimiser="rmsprop", learning_rate=1e-3, decay="constant", initial="glorot"
    )
    train, test = images(bench)
    growth = Growth(_PLANS[way], train, schedule, run, held_out=test)
    yield from fractions(growth.steps())
    about = {"way": way, "run": run}
    return {"": [about | {"stage": stage, "accuracy": 1 - error} for stage, error in growth.errors.items()]}


# What came out --------------------------------------------------------------------------------------------------------


def _final(tables: Tables) -> Any:
    """Return the accuracy of the whole network in every run."""
    rows = frame_of(tables[""])
    return rows[rows.stage == rows.groupby("way").stage.transform("max")]


def short(tables: Tables) -> Rows:
    """Return mean, worst and best accuracy over runs, by stage."""
    groups = frame_of(tables[""]).groupby(["way", "stage"], sort=False).accuracy
    table = groups.agg(["mean", "min", "max", "count"]).reset_index()
    return rows_of(table.rename(columns={"count": "runs"}))


def draw(tables: Tables, _: Bench) -> Figure:
    """Draw how accuracies of repeated runs are distributed (3.3)."""
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(width=4.0)
    final = _final(tables)
    edges = np.histogram_bin_edges(100 * final.accuracy, bins=max(6, len(final)))
    for number, (way, label) in enumerate(((GROWN, "grown layer by layer"), (PLAIN, "plain"))):
        values = 100 * final[final.way == way].accuracy
        axes.hist(values, list(edges), color=COLOURS[number], alpha=0.55, label=label)
        axes.axvline(values.mean(), color=COLOURS[number], lw=1.2, ls=(0, (4, 2)))
    axes.set(xlabel="accuracy on test images (%)", ylabel="runs")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    final = 100 * _final(tables).groupby("way").accuracy.agg(["mean", "min", "max"])
    told = "; ".join(
        f"{way} {mean:.2f} % on average ({least:.2f} to {most:.2f} %)" for way, mean, least, most in final.itertuples()
    )
    runs = max(row["run"] for row in tables[""])
    return f"Accuracy on test images in {counted(runs, 'run')} each: {told}."


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    final = _final(tables).groupby("way").accuracy.mean()
    grown, plain = final[GROWN], final[PLAIN]
    both = f"layer by layer {100 * grown:.2f} %, plain {100 * plain:.2f} %"
    return [
        Claim("3.3", "both reliably high (here: at least 98.5 %)", both, bool(min(grown, plain) >= 0.985)),
        Claim("3.3", "the two are comparable", both, bool(abs(grown - plain) < 0.005)),
        Claim("3.3", "grown is shifted to slightly higher accuracies", both, bool(grown > plain)),
    ]


CASE = Case(
    "written digits by a convolutional network, grown and plain, repeatedly",
    pieces,
    shows=("3.3",),
    settings=lambda scale: asdict(SIZES[scale]) | {"seed": "the run's number"},
    needs=(MNIST,),
    stands_in=True,
    short=short,
    figures={"3.3": draw},
    tell=tell,
    claims=claims,
)
