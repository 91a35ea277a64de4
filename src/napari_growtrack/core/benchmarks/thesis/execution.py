"""How long networks take: by width with a quadratic fit (4.13), and by stage of depth and breadth (4.14, 4.15)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...detection.windows import View, frame_passes, look_at, margin_of
from ...growth.backend import device_name
from ...growth.network import GrownNetwork
from ...growth.plan import Plan
from ...networks.evaluation import SHAPE
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from .common import GROWN, PLAIN, WIDTH
from .drawing import COLOURS, finished_titled, new_figure
from .multi_particle import EXTRA, box_centres

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TIME, _COST = "ms per image", "relative cost"
_BREADTH = "breadth"
_PARTICLES = 6
_BATCH = 1000
_CENTRED = 2


@dataclass(frozen=True)
class Size:
    """How much is done: images for each network, turns they are taken in, widths, stages of breadth, frames."""

    images: int
    turns: int
    widths: tuple[int, ...]
    stages: int
    frames: int


SIZES: dict[Scale, Size] = {
    "smoke": Size(64, 1, (2, 4, 6), 2, 1),
    "laptop": Size(20_000, 10, (4, 8, 16, 24, 32, 48, 64), 4, 20),
    "paper": Size(200_000, 20, (4, 8, 16, 24, 32, 48, 64, 96, 128), 8, 100),
}


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece each for widths, stages, and ways to look over a frame."""
    size = SIZES[bench.scale]
    plans = [_plan(width) for width in size.widths]
    stages = [Plan.depth(), _breadth(size)]
    weights = [
        sum(plan.cost(stage) for plan in some for stage in range(1, plan.stages + 1)) for some in (plans, stages)
    ]
    return [
        Piece("widths", partial(_by_width, size), weights[0]),
        Piece("stages", partial(_by_stage, size), weights[1]),
        Piece("frames", partial(_by_frame, size), 0.02 * sum(weights)),
    ]


def _plan(width: int) -> Plan:
    return Plan.breadth(base=width)


def _breadth(size: Size) -> Plan:
    return Plan.breadth(base=min(16, max(size.widths)), repeat=size.stages)


def _by_width(size: Size) -> Work:
    networks = {width: GrownNetwork(_plan(width)) for width in size.widths}
    answers = {width: partial(_answer, network, 1) for width, network in networks.items()}
    taken = yield from in_turns(answers, size.images, size.turns)
    costs = {width: network.plan.cost(1) for width, network in networks.items()}
    return {
        "": [
            {
                "device": device_name(),
                "kind": PLAIN,
                "stage": 1,
                WIDTH: width,
                _TIME: taken[width],
                "operations": costs[width],
            }
            for width in size.widths
        ]
    }


def _by_stage(size: Size) -> Work:
    networks = {GROWN: GrownNetwork(Plan.depth()), _BREADTH: GrownNetwork(_breadth(size))}
    every = {
        (kind, stage): partial(_answer, network, stage)
        for kind, network in networks.items()
        for stage in range(1, network.stages + 1)
    }
    taken = yield from in_turns(every, size.images, size.turns)
    rows = []
    for (kind, stage), milliseconds in taken.items():
        plan = networks[kind].plan
        width = sum(plan.units[0][:stage])
        told = {"device": device_name(), "kind": kind, "stage": stage, WIDTH: width, _TIME: milliseconds}
        rows.append(told | {"operations": plan.cost(stage)})
    return {"": rows}


def _answer(network: GrownNetwork, stage: int, images: np.ndarray) -> None:
    network.answer(images, stage)


def in_turns(
    works: Mapping[Any, Callable[[np.ndarray], None]], images: int, turns: int
) -> Generator[float, None, dict[Any, float]]:
    """Return the time of each work for an image in ms: the median of turns that all take, each on a part of the images.

    The first call of each, which compiles, is not counted.
    """
    some = np.random.default_rng(0).random((min(_BATCH, max(images // turns, 1)), 51, 51), np.float32)
    rounds = max(1, images // (turns * len(some)))
    seconds: dict[Any, list[float]] = {key: [] for key in works}
    for turn in range(turns + 1):
        for number, (key, work) in enumerate(works.items()):
            began = time.perf_counter()
            for _ in range(rounds if turn else 1):
                work(some)
            seconds[key].append((time.perf_counter() - began) / (rounds * len(some)))
            yield (turn + number / len(works)) / (turns + 1)
    return {key: 1e3 * float(np.median(values[1:])) for key, values in seconds.items()}


def _by_frame(size: Size) -> Work:
    """Time a frame of 251 x 251 px with six particles, by the thesis's network, the ways in turns."""
    network = GrownNetwork(Plan.depth())
    view = View.of(np.random.default_rng(0).normal(size=SHAPE).astype(np.float32), margin_of(network) + 8)
    boxes, last = box_centres(SHAPE), network.stages
    extra, centred = boxes[: round(EXTRA * _PARTICLES)], boxes[: _CENTRED * _PARTICLES]

    def scan(stage: int, centres: np.ndarray) -> None:
        look_at([view], [centres], network, stage, batch=len(boxes))

    def passed(stage: int) -> None:
        frame_passes([view], network, stage)

    whole, few, fewer = partial(scan, centres=boxes), partial(scan, last, extra), partial(scan, last, centred)
    ways: dict[str, tuple[Callable[[], None], ...]] = {
        f"{len(boxes)} windows, one layer": (partial(whole, 1),),
        f"{len(boxes)} windows, five layers": (partial(whole, last),),
        f"{len(boxes)} windows by one layer, {len(extra)} by five (the thesis's cascade)": (partial(whole, 1), few),
        "frame pass, one layer": (partial(passed, 1),),
        "frame pass, five layers": (partial(passed, last),),
        f"frame pass by one layer, {len(centred)} windows by five (recentred)": (partial(passed, 1), fewer),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(size.frames + 1):
        for way, works in ways.items():
            began = time.perf_counter()
            for work in works:
                work()
            seconds[way] += [time.perf_counter() - began] * (turn > 0)
        yield turn / (size.frames + 1)
    times = {way: 1e3 * float(np.median(values)) for way, values in seconds.items()}
    return {"frames": [{"device": device_name(), "way": way, "ms per frame": value} for way, value in times.items()]}


# What came out --------------------------------------------------------------------------------------------------------


def _table(tables: Tables, kind: str) -> Any:
    rows = frame_of(tables[""])
    mine = rows[rows.kind == kind]
    return mine.assign(**{_COST: mine.operations / mine.operations.iloc[-1]})


def fitted(tables: Tables) -> tuple[np.ndarray, float]:
    """Return ``(a0, a1, a2)`` of T(N) = a0 + a1 N + a2 N² in ms (equation 4.3) by least squares, and R²."""
    mine = _table(tables, PLAIN)
    widths, times = mine[WIDTH].to_numpy(float), mine[_TIME].to_numpy()
    coefficients = np.polynomial.Polynomial.fit(widths, times, 2).convert().coef
    left = times - np.polynomial.Polynomial(coefficients)(widths)
    return coefficients, float(1 - np.square(left).sum() / np.square(times - times.mean()).sum())


def short(tables: Tables) -> Rows:
    """Return all times with relative costs."""
    parts = [_table(tables, kind) for kind in (PLAIN, GROWN, _BREADTH)]
    return rows_of(pd.concat(parts).drop(columns="operations"))


def draw_widths(tables: Tables, _: Bench) -> Figure:
    """Draw time against width with the quadratic fit (4.13)."""
    figure, (axes,) = new_figure(width=4.0)
    mine, (coefficients, _r2) = _table(tables, PLAIN), fitted(tables)
    widths = np.linspace(0, mine[WIDTH].max(), 200)
    axes.plot(mine[WIDTH], mine[_TIME], "o", color=COLOURS[0], ms=4, label="measured")
    line = np.polynomial.Polynomial(coefficients)(widths)
    axes.plot(widths, line, color="black", lw=1, ls=(0, (4, 2)), label="a0 + a1 N + a2 N²")
    axes.set(xlabel=WIDTH, ylabel="time per image (ms)", ylim=(0, None), xlim=(0, None), title=_device(tables))
    return finished_titled(figure)


def draw_stages(tables: Tables, _: Bench) -> Figure:
    """Draw time against stage of depth and of breadth, with the relative cost beside it (4.14, 4.15)."""
    figure, panels = new_figure(2)
    for axes, kind, x, label in zip(
        panels, (GROWN, _BREADTH), ("stage", WIDTH), ("layers", f"{WIDTH}, grown in breadth"), strict=True
    ):
        _time_and_cost(axes, _table(tables, kind), x)
        axes.set(xlabel=label, ylabel="time per image (ms)", title=_device(tables))
    return finished_titled(figure)


def _device(tables: Tables) -> str:
    return str(tables[""][0]["device"]).upper()


def _time_and_cost(axes: Axes, table: pd.DataFrame, x: str) -> None:
    from ...figures.style import TEXT, tidy

    axes.plot(table[x], table[_TIME], "*-", color=COLOURS[0], ms=6, lw=1, label="measured time")
    beside = axes.twinx()
    tidy(beside)
    beside.spines["right"].set_visible(True)
    beside.plot(table[x], table[_COST], "s--", color=COLOURS[3], ms=4, lw=1, label="relative cost")
    beside.set_ylabel("relative cost", fontsize=TEXT)
    beside.set_ylim(0, 1.08)
    axes.set_ylim(0, 1.08 * table[_TIME].max())
    axes.set_xticks(table[x])


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    (a0, a1, a2), r2 = fitted(tables)
    depth = _table(tables, GROWN)
    frames = ", ".join(f"{row['ms per frame']:.1f} ms for {row['way']}" for row in tables["frames"])
    return (
        f"On the {_device(tables)}, T(N) = {a0:.3g} + {a1:.3g} N + {a2:.3g} N² ms for an image with N units in the "
        f"first layer, R² {r2:.4f}. By layers {' '.join(f'{value:.3f}' for value in depth[_TIME])} ms, at "
        f"{' '.join(f'{value:.2f}' for value in depth[_COST])} of the full cost. A frame of 251 x 251 px: {frames}."
    )


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    (a0, a1, a2), r2 = fitted(tables)
    depth, breadth = _table(tables, GROWN), _table(tables, _BREADTH)
    slope, offset = np.polyfit(depth[_COST], depth[_TIME], 1)
    share = depth[_TIME].iloc[0] / depth[_TIME].iloc[-1]
    correlation = float(np.corrcoef(depth[_COST], depth[_TIME])[0, 1])
    frames = {row["way"]: row["ms per frame"] for row in tables["frames"]}
    scans = list(frames.values())
    return [
        Claim(
            "4.13", "time is quadratic in the width",
            f"{a0:.3g} + {a1:.3g} N + {a2:.3g} N² ms, R² {r2:.4f}", bool(r2 > 0.99 and a2 > 0),
        ),
        Claim(
            "4.14", "time follows the cost of layers, but for an offset",
            f"{offset:.3f} + {slope:.3f} cost ms, correlation {correlation:.2f}; one layer costs "
            f"{depth[_COST].iloc[0]:.2f} and takes {share:.2f} of the whole network's time",
            bool(correlation > 0.9 and offset > 0),
        ),
        Claim(
            "4.14", "time grows with every network added in breadth",
            " ".join(f"{value:.3f}" for value in breadth[_TIME]) + " ms",
            bool((np.diff(breadth[_TIME]) > 0).all()),
        ),
        Claim(
            "4.14", "the cascade spares most of the full network's time",
            f"{scans[2]:.0f} instead of {scans[1]:.0f} ms a frame; one frame pass takes {scans[4]:.1f} ms",
            bool(scans[2] < scans[1]),
        ),
    ]  # fmt: skip


CASE = Case(
    "time for an image by width, by layers and by breadth, with costs; a frame by windows, by one pass, by cascades",
    pieces,
    shows=("4.13", "4.14", "4.15"),
    settings=lambda scale: asdict(SIZES[scale]),
    short=short,
    figures={"4.13": draw_widths, "4.14": draw_stages},
    tell=tell,
    claims=claims,
)
