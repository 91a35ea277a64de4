"""What the figures of a network promise: a line for everything, axes with units, nothing cut off or covered."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core import figures, insight
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.figures.pictures import save
from napari_growtrack.core.growth.plan import Block, Plan

BREADTH = Plan.breadth(base=4, repeat=3)
LONG = Plan.depth((), (512, *(32,) * 39), window=28, outputs=10, task="labels")
LEVELS = (2.0, 3.0, 5.0, 10.0, 20.0)


def errors(stages):
    rows = [
        {
            "stage": stage,
            "layers": 5,
            "first_layer_units": 4 * stage,
            "snr": snr,
            "median_error_px": 1.5 / snr + 0.3 / stage,
            "mean_error_px": 1.6 / snr + 0.3 / stage,
            "mae_per_axis_px": 1 / snr + 0.3 / stage,
            "bound_px": 1 / snr,
            "ratio_to_bound": 1.5 + 0.3 * snr / stage,
        }
        for stage in range(1, stages + 1)
        for snr in LEVELS
    ]
    return pd.DataFrame(rows)


def timings(stages, frames=True):
    times = np.arange(1, stages + 1) / 10
    per_frame = 100 * times if frames else np.nan
    return pd.DataFrame(
        {"stage": range(1, stages + 1), "ms_per_window": times, "ms_for_one_window": times, "ms_per_frame": per_frame}
    )


def activity(networks, layers):
    cells = [(row, number) for row in range(1, layers + 1) for number in range(1, networks + 1)]
    rows, numbers = np.array(cells).T
    probability = 1 / (rows + numbers)
    return pd.DataFrame(
        {
            "row": rows,
            "layer": [f"dense {row}" for row in rows],
            "stage": numbers,
            "network": numbers,
            "units": 8,
            "probability": probability,
            "active_units": 8 * probability,
            "mean_activation": probability,
            "std_over_images": probability / 4,
        }
    )


def history(stages, together):
    points = np.arange(1, 21)
    parts = [
        pd.DataFrame(
            {"images": 1000 * (points + (0 if together else 20 * i)), "stage": i + 1, "loss_px": 9 / points / (i + 1)}
        )
        for i in range(stages)
    ]
    return pd.concat(parts, ignore_index=True)


def maps(stages=3, side=6, units=45):
    rng = np.random.default_rng(0)
    shapes = {Block(1, s): (2, side, side, 4 * s) for s in range(1, stages + 1)}
    shapes |= {Block(2, s): (2, 1, 1, units // stages) for s in range(1, stages + 1)}
    return {block: np.maximum(rng.normal(size=shape), 0).astype(np.float32) for block, shape in shapes.items()}


FIGURES = {
    "errors": lambda: figures.draw_errors(errors(5)),
    "errors of many stages": lambda: figures.draw_errors(errors(40)),
    "error by stage": lambda: figures.draw_error_by_stage(errors(5)),
    "error by units": lambda: figures.draw_error_by_stage(errors(8), "first_layer_units", log=False),
    "costs": lambda: figures.draw_costs(insight.costs(BREADTH), timings(3)),
    "costs of windows": lambda: figures.draw_costs(insight.costs(LONG), timings(40, frames=False)),
    "activity": lambda: figures.draw_activity(activity(3, 5)),
    "activity of many layers, log": lambda: figures.draw_activity(activity(9, 40), log=True),
    "mean activation": lambda: figures.draw_activity(activity(3, 5), ("probability", "mean_activation")),
    "maps": lambda: figures.draw_maps(maps(), 1, window=np.eye(21)),
    "maps of many stages": lambda: figures.draw_maps(maps(9), 1),
    "units": lambda: figures.draw_maps(maps(9), 2, image=1, window=np.ones((21, 21, 3))),
    "many units": lambda: figures.draw_maps(maps(1, units=512), 2, window=np.eye(21)),
    "history": lambda: figures.draw_history(history(3, together=True), bound=0.2),
    "history, one by one": lambda: figures.draw_history(history(12, together=False)),
    "accuracies": lambda: figures.draw_accuracies(pd.DataFrame({"stage": range(1, 41), "right_share": 0.9})),
    "plan": lambda: figures.draw_plan(BREADTH),
    "large plan": lambda: figures.draw_plan(LONG),
}


@pytest.fixture(params=FIGURES.values(), ids=FIGURES)
def figure(request):
    return request.param()


def test_nothing_is_cut_off_and_no_legend_covers_data(figure):
    figure.draw_without_rendering()
    whole, paper = figure.get_tightbbox(), figure.bbox_inches
    assert paper.x0 - 0.01 <= whole.x0 < whole.x1 <= paper.x1 + 0.01
    assert paper.y0 - 0.01 <= whole.y0 < whole.y1 <= paper.y1 + 0.01
    for legend in figure.legends:
        assert not any(legend.get_window_extent().overlaps(axes.get_tightbbox()) for axes in figure.axes)


def test_axes_do_not_run_into_one_another_nor_tick_labels_into_their_neighbours(figure):
    figure.draw_without_rendering()
    pairs = [(a, b) for i, a in enumerate(figure.axes) for b in figure.axes[:i]]
    apart = [(a, b) for a, b in pairs if a.get_position().bounds != b.get_position().bounds]  # a twin lies on its own
    assert not any(a.get_tightbbox().overlaps(b.get_tightbbox()) for a, b in apart)
    for axes in figure.axes:
        shown = [label for label in axes.get_xticklabels() if label.get_text() and axes.xaxis.get_visible()]
        boxes = sorted((label.get_window_extent() for label in shown), key=lambda box: box.x0)
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_figures_fit_one_or_two_columns(figure):
    assert figure.get_figwidth() <= figures.TWO_COLUMNS + 1e-6


@pytest.mark.parametrize(
    ("name", "lines", "x", "y"),
    [
        ("errors", 5 + 1, "signal-to-noise ratio", "median error (px)"),
        ("errors of many stages", 40 + 1, "signal-to-noise ratio", "median error (px)"),
        ("error by stage", 2 * 5 + 1, "stage", "median error (px)"),
        ("error by units", 2 * 5 + 1, "units in the first layer", "median error (px)"),
        ("costs", 1, "stage", "time per window (ms)"),
        ("activity", 3, "", "active units"),
        ("activity of many layers, log", 9, "layer", "active units"),
        ("history", 3 + 1, "images used", "loss (px)"),
        ("history, one by one", 12 + 11, "images used", "loss (px)"),
        ("accuracies", 1, "stage", "right answers (%)"),
        ("plan", 0, "stage", ""),
    ],
)
def test_there_is_a_line_for_everything_and_a_unit_on_every_axis(name, lines, x, y):
    axes = FIGURES[name]().axes[0]
    assert (len(axes.lines), axes.get_xlabel(), axes.get_ylabel()) == (lines, x, y)


def test_the_bound_is_black_dashed_and_only_beside_medians():
    last = figures.draw_errors(errors(2)).axes[0].lines[-1]
    assert (last.get_color(), last.is_dashed(), last.get_label()) == ("black", True, figures.BOUND)
    assert list(last.get_ydata()) == [1 / snr for snr in LEVELS]
    assert len(figures.draw_errors(errors(2), "mae_per_axis_px").axes[0].lines) == 2


def test_errors_are_drawn_on_logarithmic_axes_with_plain_numbers():
    figure = figures.draw_errors(errors(2))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "3", "5", "10", "20"]
    assert {"0.1", "0.2", "0.5", "1"} <= {label.get_text() for label in axes.get_yticklabels()}


@pytest.mark.parametrize("stages", [3, 9])
def test_a_stage_has_the_same_colour_in_every_figure(stages):
    drawn = (figures.draw_errors(errors(stages)), figures.draw_history(history(stages, together=True)))
    first, second = ([line.get_color() for line in figure.axes[0].lines[:stages]] for figure in drawn)
    assert first == second
    assert len(set(first)) == stages


def test_the_last_stage_is_level_on_the_axes_of_time_and_cost():
    figure = figures.draw_costs(insight.costs(BREADTH), timings(3))
    for time, cost in zip(figure.axes[:2], figure.axes[2:], strict=True):
        assert cost.get_ylabel() == "relative cost"
        heights = [axes.transData.transform((3, axes.lines[0].get_ydata()[-1]))[1] for axes in (time, cost)]
        assert heights[0] == pytest.approx(heights[1])


def test_beginnings_are_marked_only_where_stages_learn_one_by_one():
    assert len(figures.draw_history(history(3, together=True)).axes[0].lines) == 3
    marks = figures.draw_history(history(3, together=False)).axes[0].lines[3:]
    assert [mark.get_xdata()[0] for mark in marks] == [20_000, 40_000]


def test_a_silent_map_is_dark_and_the_brightest_place_of_others_is_bright():
    found = {Block(1, 1): np.zeros((1, 4, 4, 17), np.float32)}
    found[Block(1, 1)][0, 2, 1, 1] = 0.03
    canvas = figures.draw_maps(found, 1).axes[0].images[0].get_array()
    side = 4 * 9
    assert canvas.shape[1] == 16 * side + 15 * 4  # sixteen wide, the seventeenth below
    assert canvas.max() == 1
    assert (canvas == 1).sum() == 9 * 9
    assert canvas[:, :side].max() == 0


def test_a_block_alone_is_drawn_alone():
    found = maps()
    assert "4 maps of 6 × 6 places" in figures.draw_maps(found, Block(1, 1)).axes[0].get_title()
    assert "24 maps" in figures.draw_maps(found, 1).axes[0].get_title()
    assert "45 units" in figures.draw_maps(found, 2).axes[0].get_title()


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match="layer 7"):
        figures.draw_maps(maps(), 7)


def test_a_plan_is_drawn_with_its_numbers_and_the_middle_of_a_large_one_left_out():
    small = [text.get_text() for text in figures.draw_plan(Plan.depth((4, 8), (16,))).axes[0].texts]
    assert small == ["4", "8", "16"]
    axes = figures.draw_plan(LONG).axes[0]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    assert (columns[0], columns[12], columns[-1], len(columns)) == ("1", "…", "40", 24)
    assert [text.get_text() for text in axes.texts if text.get_text() != "…"] == ["512"] + ["32"] * 22


@pytest.mark.parametrize(
    ("name", "head"),
    [("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml"), ("a", b"\x89PNG")],
)
def test_the_name_of_a_figure_says_its_format(tmp_path, name, head):
    save(FIGURES["errors"](), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(head)


def test_text_in_an_svg_stays_text(tmp_path):
    save(FIGURES["errors"](), tmp_path / "a.svg")
    assert "median error (px)" in (tmp_path / "a.svg").read_text(encoding="utf-8")
