"""The thesis's facts about growing, at a scale that fits a laptop: depth, breadth, and what is active inside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..growth.network import GrownNetwork
from ..growth.plan import Plan
from ..growth.schedule import Phase, Schedule
from ..growth.training import grow
from ..heldout import HeldOut, held_out_windows
from ..insight import activity
from ..simulation import named_scene
from .rows import Rows, Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_SCENE = "default"
_LEVELS = (5.0, 10.0, 20.0, 50.0, 100.0)
WIDTH = 32


def _ways(scale: Scale, share: float) -> dict[str, Schedule]:
    """Return the thesis's schedule, shortened, and ours with as many images a stage, one stage after the other."""
    thesis = Schedule.thesis(1e-4 if scale == "smoke" else share)
    images = thesis.images_per_stage or 1
    phases = [
        Phase(share=max(1, round(images * part / size)), size=size)
        for part, size in ((0.2, 32), (0.4, 128), (0.4, 256))
    ]
    return {"thesis": thesis, "ours": Schedule(phases=phases, together=False, windows="thesis")}


def _judges(normalisation: str, scale: Scale) -> dict[float, HeldOut]:
    number = 32 if scale == "smoke" else 1000
    scene = named_scene(_SCENE)
    return {
        snr: held_out_windows(scene.with_(snr=snr), 51, normalisation, number=number, kind="thesis")  # type: ignore[arg-type]
        for snr in _LEVELS
    }


def mean_absolute_error(judge: HeldOut, answers: np.ndarray) -> float:
    """Return the thesis's measure: the mean absolute error along an axis, in pixels."""
    return float(np.abs(answers[:, :2] - judge.truth).mean())


def _errors(network: GrownNetwork, judges: dict[float, HeldOut], about: dict[str, object]) -> Rows:
    rows: Rows = []
    for snr, judge in judges.items():
        for stage, answers in enumerate(network.answers(judge.images), start=1):
            error = mean_absolute_error(judge, answers[:, 0, 0])
            median = judge.error(answers[:, 0, 0])
            rows.append(
                about
                | {"stage": stage, "SNR": snr, "MAE (px)": error, "median (px)": median, "bound (px)": judge.bound}
            )
    return rows


# Depth ----------------------------------------------------------------------------------------------------------------


def layers(scale: Scale) -> Rows:
    """Grow DeepTrack's network layer by layer and train it plainly, on the thesis's single particles (3.21, 3.22)."""
    rows: Rows = []
    for name, schedule in _ways(scale, 0.15).items():
        judges = _judges(schedule.normalisation, scale)
        for way, plan in (("layer by layer", Plan.depth()), ("plain", Plan.plain())):
            network = grow(plan, named_scene(_SCENE), schedule, seed=1)
            _log.info("%s schedule, %s: grown", name, way)
            rows += _errors(network, judges, {"schedule": name, "way": way})
    return rows


def draw_layers(rows: Rows) -> Figure:
    """Draw error against layers (3.21) above error against SNR of grown, plain and first layer (3.22)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6.0), layout="constrained")
    panels = figure.subplots(2, 2, sharey="row")
    for column, schedule in enumerate(("thesis", "ours")):
        mine = [row for row in rows if row["schedule"] == schedule]
        grown = [row for row in mine if row["way"] == "layer by layer"]
        last = max(row["stage"] for row in grown)
        for snr, marker in ((10.0, "o"), (100.0, "s")):
            _line(panels[0, column], [r for r in grown if r["SNR"] == snr], "stage", f"SNR {snr:g}", marker)
        for label, marker, some in (
            ("grown, five layers", "o", [r for r in grown if r["stage"] == last]),
            ("plain", "s", [r for r in mine if r["way"] == "plain"]),
            ("grown, first layer", "^", [r for r in grown if r["stage"] == 1]),
        ):
            _line(panels[1, column], some, "SNR", label, marker)
        panels[0, column].set(
            title={"thesis": "the thesis's schedule", "ours": "our schedule"}[schedule], xlabel="layers"
        )
        panels[1, column].set(xlabel="SNR", xscale="log")
    for panel in panels[:, 0]:
        panel.set_ylabel("mean absolute error (px)")
    _finish(panels)
    return figure


# Breadth --------------------------------------------------------------------------------------------------------------


def breadth(scale: Scale) -> Rows:
    """Grow narrow networks in breadth to equal total width, for every base of Table 4.1 (4.5 to 4.7)."""
    width = 8 if scale == "smoke" else WIDTH
    rows: Rows = []
    schedule = _ways(scale, 0.05)["ours"]
    judges = _judges(schedule.normalisation, scale)
    for base in (4, 8, 16, 32):
        if base > width:
            continue
        plan = Plan.breadth(base=base, repeat=width // base)
        network = grow(plan, named_scene(_SCENE), schedule, seed=2)
        _log.info("base %d: grown", base)
        for row in _errors(network, judges, {"base": base}):
            rows.append(row | {"units in the first layer": base * row["stage"]})
    return rows


def draw_breadth(rows: Rows) -> Figure:
    """Draw error against SNR of first and final stage (4.5), and against width at SNR 5 and 100 (4.6, 4.7)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    panels = figure.subplots(1, 3)
    for number, base in enumerate(sorted({row["base"] for row in rows})):
        mine = [row for row in rows if row["base"] == base]
        last = max(row["stage"] for row in mine)
        colour = f"C{number}"
        _line(panels[0], [r for r in mine if r["stage"] == last], "SNR", f"base {base}", "o", colour)
        if last > 1:
            _line(panels[0], [r for r in mine if r["stage"] == 1], "SNR", None, "^", colour, "--")
        for panel, snr in zip(panels[1:], (5.0, 100.0), strict=True):
            _line(panel, [r for r in mine if r["SNR"] == snr], "units in the first layer", None, "o", colour)
    panels[0].set(xlabel="SNR", xscale="log", ylabel="mean absolute error (px)", title="first (dashed) and last stage")
    for panel, snr in zip(panels[1:], (5, 100), strict=True):
        panel.set(xlabel="units in the first layer", title=f"SNR {snr}")
    _finish(panels)
    return figure


# Activity -------------------------------------------------------------------------------------------------------------


def active_nodes(scale: Scale) -> Rows:
    """Count active units by layer and network: grown in depth and then in breadth (4.9), in breadth only (4.10)."""
    column = (8, 16, 32, 16, 16)
    both = Plan.depth(column[:3], column[3:]).wider(column).wider(column).wider(column)
    plans = {"depth, then breadth (4.9)": both, "breadth only (4.10)": Plan.breadth(*[column] * 4)}
    schedule = _ways(scale, 0.03)["ours"]
    windows = held_out_windows(
        named_scene(_SCENE), 51, schedule.normalisation, 5, 64 if scale == "smoke" else 2000, "thesis"
    )
    rows: Rows = []
    for way, plan in plans.items():
        network = grow(plan, named_scene(_SCENE), schedule, seed=3)
        _log.info("%s: grown", way)
        table = activity(network, windows.images)
        rows += [{"way": way} | {str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    return rows


def draw_active_nodes(rows: Rows) -> Figure:
    """Draw the number of active units by layer, a line for each added network (4.9, 4.10)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, way in zip(panels, sorted({row["way"] for row in rows}, reverse=True), strict=True):
        mine = [row for row in rows if row["way"] == way]
        for number in sorted({row["network"] for row in mine}):
            some = [row for row in mine if row["network"] == number]
            _line(panel, some, "row", f"network {number}", "o", f"C{number}", y="active_units")
        panel.set(title=way, xlabel="layer")
    panels[0].set_ylabel("active units")
    _finish(panels, log=False)
    return figure


def _line(panel, rows, x, label, marker, colour=None, style="-", y="MAE (px)"):  # type: ignore[no-untyped-def]
    panel.plot([r[x] for r in rows], [r[y] for r in rows], style, marker=marker, ms=4, label=label, color=colour)


def _finish(panels: Sequence[object] | np.ndarray, log: bool = True) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for panel in np.ravel(panels):  # type: ignore[arg-type]
        if log:
            panel.set_yscale("log")
        for axis in (panel.xaxis, panel.yaxis):
            if axis.get_scale() == "log":
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter(NullFormatter())
        panel.grid(alpha=0.3, lw=0.4)
        panel.title.set_fontsize(9)
        if panel.get_legend_handles_labels()[1]:
            panel.legend(frameon=False, fontsize=7)
