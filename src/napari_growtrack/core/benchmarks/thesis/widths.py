"""Plain networks of several widths: error against noise (4.4), and how many of their units are active (4.8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ...growth.plan import Plan
from ...growth.validation import held_out_windows
from ...insight import activity
from ...simulation import named_scene
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from .common import MAE, SCENE, WIDTH, counted, errors, judges, schedule_of
from .drawing import finished_titled, line, log_log, new_figure, spread_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Size:
    """How much is done.

    The schedule, its share of the thesis's images, widths of the first layer, networks of each, windows to
    judge by at each SNR, and windows to count active units on.
    """

    schedule: str
    share: float
    widths: tuple[int, ...]
    networks: int
    windows: int
    looked_at: int


SIZES: dict[Scale, Size] = {
    "smoke": Size("thesis", 0, (2, 4), 1, 32, 32),
    "laptop": Size("ours", 0.03, (4, 8, 16, 32, 48), 2, 1000, 2000),
    "paper": Size("thesis", 1, (4, 8, 16, 32, 64, 96, 128), 9, 2000, 10_000),
}


def plan_of(width: int) -> Plan:
    """Return a plain network in the proportions of Table 4.1."""
    return Plan.breadth(base=width)


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every network."""
    size = SIZES[bench.scale]
    return [
        Piece(f"width {width}, network {run}", partial(_judged, bench, width, run), plan_of(width).cost(1))
        for run in range(1, size.networks + 1)
        for width in size.widths
    ]


def _judged(bench: Bench, width: int, run: int) -> Work:
    size = SIZES[bench.scale]
    schedule = schedule_of(size.schedule, size.share)
    network = yield from bench.grown(f"{width}-{run}", plan_of(width), named_scene(SCENE), schedule, run)
    about = {WIDTH: width, "network": run}
    rows = errors(network, judges(schedule.normalisation, size.windows), dict(about))
    seen = held_out_windows(named_scene(SCENE), 51, schedule.normalisation, 5, size.looked_at, "thesis")
    table = activity(network, seen.images)[["row", "layer", "units", "active_units", "probability", "silent_share"]]
    return {"": rows, "units": [about | row for row in rows_of(table)]}


# What came out --------------------------------------------------------------------------------------------------------


def _means(tables: Tables) -> Any:
    """Return the mean error over networks: a row for each width, a column for each SNR."""
    return frame_of(tables[""]).groupby([WIDTH, "SNR"])[MAE].mean().unstack()


def short(tables: Tables) -> Rows:
    """Return mean errors over networks, one row a width."""
    means = _means(tables)
    means.columns = [f"SNR {snr:g}" for snr in means.columns]
    return rows_of(means.reset_index())


def draw_noise(tables: Tables, _: Bench) -> Figure:
    """Draw error against noise for every width (4.4)."""
    figure, (axes,) = new_figure(width=4.2, height=3.2)
    for number, (width, rows) in enumerate(frame_of(tables[""]).groupby(WIDTH)):
        line(axes, rows, "SNR", MAE, number, f"{width} units")
    log_log(axes)
    return finished_titled(figure)


def draw_active(tables: Tables, _: Bench) -> Figure:
    """Draw how many units of every layer are active, and how probably one is (4.8)."""
    figure, panels = new_figure(2)
    rows = frame_of(tables["units"])
    for axes, y, label in zip(
        panels,
        ("active_units", "probability"),
        ("active units", "probability that a unit is active"),
        strict=True,
    ):
        for number, (width, mine) in enumerate(rows.groupby(WIDTH)):
            spread_line(axes, mine, "row", y, number, f"{width} units", "std")
        axes.set(ylabel=label, ylim=(0, None))
        axes.set_xticks(sorted(set(rows.row)), list(dict.fromkeys(rows.sort_values("row").layer)))
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    means, units = _means(tables), frame_of(tables["units"])
    networks = max(row["network"] for row in tables[""])
    low, high = means.columns[0], means.columns[-1]
    errors_ = ", ".join(f"{row[low]:.3f} and {row[high]:.3f} px with {width}" for width, row in means.iterrows())
    third = units[units.row == 3].groupby(WIDTH).active_units.mean()
    active = ", ".join(f"{value:.1f} of {4 * width}" for width, value in third.items())
    return (
        f"Mean absolute error at SNR {low:g} and {high:g}, {counted(networks, 'network')} of each width: "
        f"{errors_} units in the first layer. Of the third layer's units {active} are active on average."
    )


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    means, units = _means(tables), frame_of(tables["units"])
    overall = means.mean(axis=1)
    told = ", ".join(f"{value:.3f} px with {width}" for width, value in overall.items())
    widest, best = overall.iloc[-1], overall.idxmin()
    third = units.groupby([WIDTH, "row"])[["active_units", "probability"]].mean().groupby(WIDTH).mean()
    chances = ", ".join(f"{value:.2f} with {width}" for width, value in third.probability.items())
    numbers = ", ".join(f"{value:.1f} with {width}" for width, value in third.active_units.items())
    growth = third.active_units.iloc[-1] / third.active_units.iloc[0]
    wider = third.index[-1] / third.index[0]
    return [
        Claim("4.4", "the widest networks do not do best", f"mean over SNR {told}", bool(best != overall.index[-1])),
        Claim("4.4", "wider is not clearly better from 16 units on", f"widest {widest:.3f} px", None),
        Claim(
            "4.8", "a wider network's units are active less often", chances,
            bool(third.probability.iloc[-1] < third.probability.iloc[0]),
        ),
        Claim(
            "4.8", "the number of active units hardly depends on the width",
            f"{numbers}: {growth:.1f} times as many in networks {wider:g} times as wide", bool(growth < wider / 2),
        ),
    ]  # fmt: skip


CASE = Case(
    "error and active units of plain networks of several widths",
    pieces,
    shows=("4.4", "4.8"),
    settings=lambda scale: asdict(SIZES[scale]) | {"seed": "the network's number"},
    short=short,
    figures={"4.4": draw_noise, "4.8": draw_active},
    tell=tell,
    claims=claims,
)
