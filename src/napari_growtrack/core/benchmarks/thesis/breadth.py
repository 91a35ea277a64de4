"""Growing narrow networks in breadth to one width: error of first and last stage (4.5), and of every one (4.6, 4.7)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...growth.plan import Plan
from ...simulation import named_scene
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from .common import MAE, SCENE, WIDTH, errors, judges, schedule_of
from .drawing import finished_titled, line, log_log, new_figure, plain_log_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BASES = (4, 8, 16, 32)
_FEW, _MANY = 5.0, 100.0
_SEED = 2


@dataclass(frozen=True)
class Size:
    """How much is done: the schedule, its share of the thesis's images, the final width, windows to judge by."""

    schedule: str
    share: float
    width: int
    windows: int


SIZES: dict[Scale, Size] = {
    "smoke": Size("ours", 0, 8, 32),
    "laptop": Size("ours", 0.05, 32, 1000),
    "paper": Size("thesis", 1, 32, 2000),
}


def _plan(base: int, width: int) -> Plan:
    return Plan.breadth(base=base, repeat=width // base)


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every base."""
    width = SIZES[bench.scale].width
    plans = {base: _plan(base, width) for base in BASES if base <= width}
    return [
        Piece(f"base {base}", partial(_judged, bench, base, plan), sum(map(plan.cost, range(1, plan.stages + 1))))
        for base, plan in plans.items()
    ]


def _judged(bench: Bench, base: int, plan: Plan) -> Work:
    size = SIZES[bench.scale]
    schedule = schedule_of(size.schedule, size.share)
    network = yield from bench.grown(f"base-{base}", plan, named_scene(SCENE), schedule, _SEED)
    rows = errors(network, judges(schedule.normalisation, size.windows), {"base": base})
    return {"": [row | {WIDTH: base * row["stage"]} for row in rows]}


# What came out --------------------------------------------------------------------------------------------------------


def short(tables: Tables) -> Rows:
    """Return errors at all levels of noise in one row a stage."""
    means = frame_of(tables[""]).set_index(["base", "stage", WIDTH, "SNR"])[MAE].unstack()
    means.columns = [f"SNR {snr:g}" for snr in means.columns]
    return rows_of(means.reset_index())


def draw_noise(tables: Tables, _: Bench) -> Figure:
    """Draw error against noise for the first stage and the last of every base (4.5)."""
    figure, (axes,) = new_figure(width=4.2, height=3.2)
    rows = frame_of(tables[""])
    for number, (base, mine) in enumerate(rows.groupby("base")):
        last = mine.stage.max()
        if last > 1:
            line(axes, mine[mine.stage == last], "SNR", MAE, number, f"base {base}, grown")
        line(axes, mine[mine.stage == 1], "SNR", MAE, number, f"base {base}, first", ls=(0, (4, 2)), mfc="white")
    log_log(axes)
    return finished_titled(figure)


def draw_stages(tables: Tables, _: Bench, snr: float) -> Figure:
    """Draw error against the width reached, at one level of noise (4.6, 4.7)."""
    figure, (axes,) = new_figure()
    rows = frame_of(tables[""])
    for number, (base, mine) in enumerate(rows[snr == rows.SNR].groupby("base")):
        line(axes, mine, WIDTH, MAE, number, f"base {base}")
    axes.set(xlabel=WIDTH, ylabel="mean absolute error (px)")
    plain_log_axes(axes, "y")
    return finished_titled(figure)


def _ends(tables: Tables) -> Any:
    """Return each base's error at its first and its last stage, by SNR."""
    rows = frame_of(tables[""])
    by_stage = rows.set_index(["base", "SNR", "stage"])[MAE].sort_index()
    groups = by_stage.groupby(["base", "SNR"])
    return pd.DataFrame({"first": groups.first(), "last": groups.last(), "stages": groups.size()})


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    ends = _ends(tables)
    several = ends[ends.stages > 1]
    told = "; ".join(
        f"base {base} from {row['first']:.3f} to {row['last']:.3f} px at SNR {snr:g}"
        for (base, snr), row in several.iterrows()
        if snr in (_FEW, _MANY)
    )
    widest = ends[ends.stages == 1]
    alone = ", ".join(
        f"{row['first']:.3f} px at SNR {snr:g}" for (_, snr), row in widest.iterrows() if snr in (_FEW, _MANY)
    )
    return f"Mean absolute error from first to last stage: {told}. One network of the full width: {alone}."


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    ends = _ends(tables)
    several = ends[ends.stages > 1]
    found = []
    for base, mine in several.groupby("base"):
        ratios = mine["last"] / mine["first"]
        told = ", ".join(f"{ratio:.2f} at SNR {snr:g}" for (_, snr), ratio in ratios.items())
        found.append(
            Claim("4.5", f"base {base}: growing lowers the error", f"last / first {told}", bool(ratios.mean() < 1))
        )
    for figure, snr in (("4.6", _FEW), ("4.7", _MANY)):
        ratios = (several["last"] / several["first"]).xs(snr, level="SNR")
        told = ", ".join(f"{ratio:.2f} for base {base}" for base, ratio in ratios.items())
        found.append(Claim(figure, f"SNR {snr:g}: every base gains", f"last / first {told}", bool((ratios < 1).all())))
    single, grown = ends[ends.stages == 1]["first"].xs(_MANY, level="SNR"), several["last"].xs(_MANY, level="SNR")
    if len(single) and len(grown):
        told = f"best grown {grown.min():.3f} px, one wide network {single.min():.3f} px at SNR {_MANY:g}"
        found.append(Claim("4.5", "grown networks beat one network as wide", told, bool(grown.min() < single.min())))
    return found


CASE = Case(
    "error of networks grown in breadth to one width, for every base of Table 4.1",
    pieces,
    shows=("4.5", "4.6", "4.7"),
    settings=lambda scale: asdict(SIZES[scale]) | {"seed": _SEED},
    short=short,
    figures={
        "4.5": draw_noise,
        "4.6": partial(draw_stages, snr=_FEW),
        "4.7": partial(draw_stages, snr=_MANY),
    },
    tell=tell,
    claims=claims,
)
