"""Growing DeepTrack's network layer by layer: error against layers (3.21) and against noise, beside plain (3.22)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ...growth.plan import Plan
from ...simulation import named_scene
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from .common import GROWN, MAE, PLAIN, SCENE, counted, errors, judges, schedule_of
from .drawing import finished_titled, line, log_log, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLANS = {GROWN: Plan.depth(), PLAIN: Plan.plain()}
_WEIGHTS = {GROWN: 2.7, PLAIN: 1.0}
_TITLES = {"thesis": "the thesis's schedule", "ours": "our schedule"}


@dataclass(frozen=True)
class Size:
    """How much is done: the share of the thesis's images, runs by schedule, and windows to judge by at each SNR."""

    share: float
    runs: dict[str, int]
    windows: int


SIZES: dict[Scale, Size] = {
    "smoke": Size(0, {"thesis": 1, "ours": 1}, 32),
    "laptop": Size(0.15, {"thesis": 2, "ours": 1}, 1000),
    "paper": Size(1, {"thesis": 1}, 2000),
}


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every network."""
    return [
        Piece(f"{schedule} schedule, {way}, run {run}", partial(_judged, bench, schedule, way, run), _WEIGHTS[way])
        for schedule, runs in SIZES[bench.scale].runs.items()
        for run in range(1, runs + 1)
        for way in _PLANS
    ]


def _judged(bench: Bench, name: str, way: str, run: int) -> Work:
    size = SIZES[bench.scale]
    schedule = schedule_of(name, size.share)
    network = yield from bench.grown(f"{name}-{way}-{run}", _PLANS[way], named_scene(SCENE), schedule, run)
    judged = judges(schedule.normalisation, size.windows)
    return {"": errors(network, judged, {"schedule": name, "way": way, "run": run})}


# What came out --------------------------------------------------------------------------------------------------------


def _table(tables: Tables) -> Any:
    """Return mean errors over runs, those of the thesis's schedule."""
    rows = frame_of(tables[""])
    return rows[rows.schedule == "thesis"].groupby(["way", "stage", "SNR"])[MAE].mean()


def short(tables: Tables) -> Rows:
    """Return the mean error over runs for the last stage, the first one and the plain network."""
    rows = frame_of(tables[""])
    means = rows.groupby(["schedule", "way", "stage", "SNR"], sort=False)[MAE].mean().unstack()
    means.columns = [f"SNR {snr:g}" for snr in means.columns]
    return rows_of(means.reset_index())


def draw_layers(tables: Tables, _: Bench) -> Figure:
    """Draw error against the number of layers at SNR 10 and 100 (3.21)."""
    figure, panels = new_figure(2)
    rows = frame_of(tables[""])
    rows = rows[rows.way == GROWN]
    for axes, snr in zip(panels, (10.0, 100.0), strict=True):
        for number, name in enumerate(dict.fromkeys(rows.schedule)):
            some = rows[(rows.schedule == name) & (snr == rows.SNR)]
            line(axes, some, "stage", MAE, number, _TITLES[name])
        axes.set(xlabel="layers", ylabel="mean absolute error (px)", title=f"SNR {snr:g}", ylim=(0, None))
        axes.set_xticks(range(1, 6))
    return finished_titled(figure)


def draw_noise(tables: Tables, _: Bench) -> Figure:
    """Draw error against noise: grown, plain, and the first layer alone (3.22)."""
    rows = frame_of(tables[""])
    schedules = list(dict.fromkeys(rows.schedule))
    figure, panels = new_figure(len(schedules), width=4.2 if len(schedules) == 1 else None)
    for axes, name in zip(panels, schedules, strict=True):
        mine = rows[rows.schedule == name]
        grown, plain = mine[mine.way == GROWN], mine[mine.way == PLAIN]
        line(axes, grown[grown.stage == grown.stage.max()], "SNR", MAE, 0, "grown layer by layer")
        line(axes, plain, "SNR", MAE, 1, "plain")
        line(axes, grown[grown.stage == 1], "SNR", MAE, 2, "grown, first layer alone")
        log_log(axes)
        axes.set_title(_TITLES[name])
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    errors_ = _table(tables)
    runs = max(row["run"] for row in tables[""] if row["schedule"] == "thesis")
    by_layer = {snr: " ".join(f"{value:.3f}" for value in errors_[GROWN, :, snr]) for snr in (10.0, 100.0)}
    last = errors_[GROWN].index.get_level_values("stage").max()
    pairs = ", ".join(
        f"{errors_[GROWN, last, snr]:.3f} and {errors_[PLAIN, 1, snr]:.3f} px at SNR {snr:g}"
        for snr in (5.0, 20.0, 100.0)
    )
    return (
        f"With the thesis's schedule ({counted(runs, 'run')}), the mean absolute error by number of layers is "
        f"{by_layer[10.0]} px at SNR 10 and {by_layer[100.0]} px at SNR 100. Grown and plain reach {pairs}."
    )


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    errors_ = _table(tables)
    last = errors_[GROWN].index.get_level_values("stage").max()
    found = []
    for snr in (10.0, 100.0):
        values = errors_[GROWN, :, snr].tolist()
        told = " ".join(f"{value:.3f}" for value in values)
        found.append(Claim("3.21", f"error falls with layers, SNR {snr:g}", f"{told} px", values[-1] < 0.8 * values[0]))
    ratio = (errors_[GROWN, last] / errors_[PLAIN, 1]).sort_index()
    told = ", ".join(f"{value:.2f} at SNR {snr:g}" for snr, value in ratio.items())
    found.append(Claim("3.22", "grown is comparable to plain over SNR", f"ratio of errors {told}", ratio.mean() < 1.25))
    first = (errors_[GROWN, 1] / errors_[GROWN, last]).min()
    found.append(
        Claim("3.22", "a single layer is clearly worse", f"{first:.2f} times the error at least", bool(first > 1.1))
    )
    return found


CASE = Case(
    "error of DeepTrack's network grown layer by layer, against layers and noise, beside plain",
    pieces,
    shows=("3.21", "3.22"),
    settings=lambda scale: asdict(SIZES[scale]) | {"seed": "the run's number"},
    short=short,
    figures={"3.21": draw_layers, "3.22": draw_noise},
    tell=tell,
    claims=claims,
)
