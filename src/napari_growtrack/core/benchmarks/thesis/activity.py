"""Active units by layer and added network: grown in depth and then in breadth (4.9), and in breadth alone (4.10)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ...growth.plan import Plan
from ...growth.validation import held_out_windows
from ...insight import activity
from ...simulation import named_scene
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from .common import SCENE, schedule_of
from .drawing import finished_titled, line, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN = (16, 32, 64, 32, 32)
_SEED = 3
_BOTH, _BREADTH = "depth, then breadth", "breadth only"
_FIGURES = {_BOTH: "4.9", _BREADTH: "4.10"}
_COLUMNS = ["row", "layer", "stage", "network", "units", "active_units", "probability"]


@dataclass(frozen=True)
class Size:
    """How much is done: schedule, its share of the thesis's images, units of each network, how many, windows."""

    schedule: str
    share: float
    column: tuple[int, ...]
    networks: int
    windows: int


SIZES: dict[Scale, Size] = {
    "smoke": Size("ours", 0, (2, 4, 8, 4, 4), 2, 32),
    "laptop": Size("ours", 0.05, COLUMN, 4, 2000),
    "paper": Size("thesis", 1, COLUMN, 4, 10_000),
}


def _plans(size: Size) -> dict[str, Plan]:
    both = Plan.depth(size.column[:3], size.column[3:])
    for _ in range(size.networks - 1):
        both = both.wider(size.column)
    return {_BOTH: both, _BREADTH: Plan.breadth(*[size.column] * size.networks)}


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for each way to grow."""
    plans = _plans(SIZES[bench.scale])
    return [Piece(way, partial(_counted, bench, way, plan), plan.stages) for way, plan in plans.items()]


def _counted(bench: Bench, way: str, plan: Plan) -> Work:
    size = SIZES[bench.scale]
    schedule = schedule_of(size.schedule, size.share)
    network = yield from bench.grown(
        way.replace(", ", "-").replace(" ", "-"), plan, named_scene(SCENE), schedule, _SEED
    )
    seen = held_out_windows(named_scene(SCENE), 51, schedule.normalisation, 5, size.windows, "thesis")
    table = activity(network, seen.images)[_COLUMNS]
    return {"": [{"way": way} | row for row in rows_of(table)]}


# What came out --------------------------------------------------------------------------------------------------------


def _by_network(tables: Tables) -> Any:
    """Return active units: a row for each way and layer, a column for each added network."""
    return frame_of(tables[""]).groupby(["way", "row", "network"], sort=False).active_units.sum().unstack()


def short(tables: Tables) -> Rows:
    """Return active units by layer, a column for each network."""
    table = _by_network(tables)
    table.columns = [f"network {number}" for number in table.columns]
    return rows_of(table.reset_index())


def draw(tables: Tables, _: Bench, way: str) -> Figure:
    """Draw the number of active units by layer, a line for each added network."""
    figure, (axes,) = new_figure()
    rows = frame_of(tables[""])
    mine = rows[rows.way == way]
    for number, (network, some) in enumerate(mine.groupby("network")):
        line(axes, some, "row", "active_units", number, f"network {network}")
    axes.set(ylabel="active units", ylim=(0, None))
    axes.set_xticks(sorted(set(mine.row)), list(dict.fromkeys(mine.sort_values("row").layer)))
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    table = _by_network(tables)
    sentences = []
    for way in _FIGURES:
        total = table.loc[way].sum()
        told = ", ".join(f"{value:.1f}" for value in total)
        sentences.append(f"Grown as {way}, the networks have {told} active units in all layers together.")
    return " ".join(sentences)


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    table, found = _by_network(tables), []
    for way, figure in _FIGURES.items():
        mine = table.loc[way]
        total, convs = mine.sum(), mine.loc[mine.index <= 3].sum()
        told = " ".join(f"{value:.1f}" for value in total)
        found.append(
            Claim(figure, f"{way}: the first network is the most active", told, bool(total.idxmax() == total.index[0]))
        )
        fewer = bool((convs.diff().dropna() <= 0.05 * convs.iloc[0]).all())
        told = " ".join(f"{value:.1f}" for value in convs)
        found.append(Claim(figure, f"{way}: later networks are ever less active in convolutions", told, fewer))
    return found


CASE = Case(
    "active units by layer and added network, grown in depth and breadth",
    pieces,
    shows=("4.9", "4.10"),
    settings=lambda scale: asdict(SIZES[scale]) | {"seed": _SEED},
    short=short,
    figures={figure: partial(draw, way=way) for way, figure in _FIGURES.items()},
    tell=tell,
    claims=claims,
)
