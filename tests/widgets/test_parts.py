"""The parts that panels are put together from, driven as a person drives them."""

import gc
import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QWidget
from spots import numbers_in, why

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.figures.style import COLOURS
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.settings import Span
from napari_growtrack.widgets.grow.curve import ErrorCurve
from napari_growtrack.widgets.shared.histograms import LimitHistogram
from napari_growtrack.widgets.shared.labels import Note
from napari_growtrack.widgets.shared.panel import Section
from napari_growtrack.widgets.shared.pictures import CropStrip
from napari_growtrack.widgets.shared.rows import SpanRow
from napari_growtrack.widgets.shared.tables import PlanTable
from napari_growtrack.widgets.track.thresholds import ThresholdHistogram

PANEL = 320
THEMES = {"dark": ("#262930", "#f0f1f2"), "light": ("#efebe9", "#3b3a39")}


@pytest.fixture
def shown(qtbot):
    """Show a part at the width of a panel."""

    def show(part: QWidget) -> QWidget:
        qtbot.addWidget(part)
        part.resize(PANEL, part.sizeHint().height())
        with qtbot.waitExposed(part):
            part.show()
        return part

    return show


def heard(signal) -> list:
    """Return a list that fills with what a signal announces."""
    said = []
    signal.connect(lambda *values: said.append(values[0] if values else None))
    return said


def paint(part: QWidget, theme: str) -> None:
    ground, text = THEMES[theme]
    part.setStyleSheet(f"QWidget {{ background-color: {ground}; color: {text}; }}")


def typed(qtbot, box, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box.lineEdit(), text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


# Ranges ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def radius(shown) -> SpanRow:
    row = shown(SpanRow(1, 10, 0.1, "px", 1))
    row.set_value(Span(low=2, high=3))
    return row


def test_a_span_is_shown_with_its_unit_and_returned_as_it_was_given(radius):
    said = heard(radius.changed)
    radius.set_value(Span(low=2.345, high=2.345))
    assert radius.value() == Span(low=2.345, high=2.345)
    assert radius.low.text() == "2.3 px"
    assert not said


@pytest.mark.parametrize(
    ("end", "text", "expected"),
    [("low", "1.5", (1.5, 3)), ("high", "7", (2, 7)), ("low", "4", (4, 4)), ("high", "1", (1, 1))],
)
def test_typing_an_end_moves_it_and_takes_the_other_along(qtbot, radius, end, text, expected):
    said = heard(radius.changed)
    typed(qtbot, getattr(radius, end), text)
    assert (radius.value().low, radius.value().high) == expected
    assert radius.slider.value() == pytest.approx(expected)
    assert len(said) == 1


def test_the_end_that_is_not_changed_is_not_rounded(qtbot, radius):
    radius.set_value(Span(low=2.345, high=3))
    typed(qtbot, radius.high, "4")
    assert radius.value() == Span(low=2.345, high=4)


def test_dragging_a_handle_changes_its_end_in_steps(qtbot, radius):
    said = heard(radius.changed)
    radius.slider.setValue((2.0, 6.234))
    assert radius.value() == Span(low=2, high=6.2)
    assert radius.high.text() == "6.2 px"
    assert len(said) == 1


def test_arrow_keys_change_an_end_by_a_step(qtbot, radius):
    qtbot.keyClick(radius.low, Qt.Key.Key_Up)
    qtbot.keyClick(radius.high, Qt.Key.Key_Down)
    assert (radius.value().low, radius.value().high) == pytest.approx((2.1, 2.9))


@pytest.mark.parametrize(("span", "limits"), [((0.5, 3), (0.5, 10)), ((2, 25), (1, 25)), ((2, 3), (1, 10))])
def test_values_beyond_the_limits_widen_them(radius, span, limits):
    radius.set_value(Span(low=span[0], high=span[1]))
    assert radius.limits() == limits
    assert radius.slider.value() == pytest.approx(span)
    assert (radius.low.value(), radius.high.value()) == span


def test_a_typed_value_beyond_the_limits_is_taken(qtbot, radius):
    typed(qtbot, radius.high, "40")
    assert radius.value() == Span(low=2, high=40)
    assert radius.limits() == (1, 40)


def test_every_decade_of_a_logarithmic_row_has_the_same_room(shown):
    snr = shown(SpanRow(1, 100, 0.1, decimals=1, logarithmic=True))
    snr.set_value(Span(low=1, high=10))
    low, high = snr.slider.value()
    middle = (snr.slider.minimum() + snr.slider.maximum()) / 2
    assert (low, high) == pytest.approx((snr.slider.minimum(), middle))
    snr.slider.setValue((low, 1.5))
    assert snr.value() == Span(low=1, high=31.6)


def test_a_logarithmic_row_shows_zero_without_failing(shown):
    snr = shown(SpanRow(1, 100, 0.1, decimals=1, logarithmic=True))
    snr.set_value(Span(low=0, high=10))
    assert snr.value() == Span(low=0, high=10)


@pytest.mark.parametrize(("limits", "unit"), [((0, 5000), "µm/s"), ((0, 360), "°"), ((1, 100), "px")])
def test_numbers_and_units_are_not_cut_off(shown, limits, unit):
    row = shown(SpanRow(*limits, 1, unit, 0))
    for box in (row.low, row.high):
        assert box.lineEdit().width() >= box.fontMetrics().horizontalAdvance(box.text())


# Thresholds -----------------------------------------------------------------------------------------------------------


def two_groups(number: int = 20_000) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(2, 0.4, number // 2), rng.normal(8, 0.5, number // 2)])


@pytest.fixture
def distances(shown) -> ThresholdHistogram:
    histogram = shown(ThresholdHistogram("distance", "px"))
    histogram.set_values(two_groups())
    histogram.set_mark(3)
    return histogram


def mouse(histogram: ThresholdHistogram, kind: str, value: float, button=Qt.MouseButton.LeftButton) -> None:
    """Send a mouse event where a value of a linear axis is."""
    port = histogram.plot.view.viewport()
    spot = QPointF(histogram.plot.pixel(value, 1))
    held = Qt.MouseButton.NoButton if kind == "MouseButtonRelease" else button
    pressed = Qt.MouseButton.NoButton if kind == "MouseMove" else button
    where = QPointF(port.mapToGlobal(spot.toPoint()))
    QApplication.sendEvent(
        port, QMouseEvent(getattr(QEvent.Type, kind), spot, where, pressed, held, Qt.KeyboardModifier.NoModifier)
    )


def test_dragging_the_mark_announces_every_step_and_where_it_is_left(distances):
    moved, released = heard(distances.moved), heard(distances.released)
    mouse(distances, "MouseButtonPress", 3)
    for value in (4, 5, 6):
        mouse(distances, "MouseMove", value)
    mouse(distances, "MouseButtonRelease", 6)
    pixel = (distances.limits()[1] - distances.limits()[0]) / 200
    assert moved == pytest.approx([3, 4, 5, 6], abs=pixel)
    assert released == [moved[-1]] == [distances.mark()]


def test_the_mark_does_not_leave_the_axis(distances):
    mouse(distances, "MouseButtonPress", 3)
    distances.plot.dragged.emit(1e6, 0)
    assert distances.mark() == distances.limits()[1]


def test_moving_the_mouse_without_a_button_changes_nothing(distances):
    moved = heard(distances.moved)
    mouse(distances, "MouseMove", 5, Qt.MouseButton.NoButton)
    assert not moved


def test_setting_the_mark_announces_nothing_and_widens_the_axis(distances):
    moved = heard(distances.moved)
    distances.set_mark(50)
    assert distances.mark() == 50
    assert distances.limits()[1] == 50
    assert not moved


def test_right_click_parts_the_values_where_otsu_does(distances):
    moved, released = heard(distances.moved), heard(distances.released)
    mouse(distances, "MouseButtonPress", 3, Qt.MouseButton.RightButton)
    assert 3.5 < distances.mark() < 6.5
    assert moved == released == [distances.mark()]


@pytest.mark.parametrize("values", [[], [np.nan], [2.0], [2.0, 2.0], [-1.0, 0.0]])
@pytest.mark.parametrize("log", [False, True])
def test_few_or_no_values_are_an_ordinary_case(shown, values, log):
    histogram = shown(ThresholdHistogram("significance", "", keep="above", log=log))
    histogram.set_values(values)
    histogram.set_mark(1)
    histogram.plot.asked.emit()
    low, high = histogram.limits()
    assert low <= histogram.mark() <= high


@pytest.mark.parametrize(("key", "percent"), [(Qt.Key.Key_Right, 1), (Qt.Key.Key_Left, -1)])
def test_arrow_keys_move_the_mark_by_one_percent(qtbot, distances, key, percent):
    released = heard(distances.released)
    low, high = distances.limits()
    qtbot.keyClick(distances, key)
    assert distances.mark() == pytest.approx(3 + percent * (high - low) / 100)
    assert released == [distances.mark()]


@pytest.mark.parametrize(("keep", "kept"), [("below", 3), ("above", 2)])
def test_the_caption_tells_which_share_is_kept(shown, keep, kept):
    histogram = shown(ThresholdHistogram("distance", "px", keep=keep))
    histogram.set_values([1, 2, 3, 4])
    histogram.set_mark(3)
    assert histogram.kept() == kept
    assert histogram.caption.text() == f"{keep} 3 px: {kept / 4:.1%}"


@pytest.mark.parametrize("keep", ["below", "above"])
def test_all_values_are_drawn_kept_or_not(shown, keep):
    histogram = shown(ThresholdHistogram("distance", "px", keep=keep))
    histogram.set_values(two_groups())
    histogram.set_mark(5)
    drawn = {side: float(np.sum(np.square(bars.opts["height"]))) for side, bars in histogram._bars.items()}
    assert drawn[True] == pytest.approx(histogram.kept())
    assert sum(drawn.values()) == pytest.approx(20_000)


def test_the_calibrated_button_puts_the_mark_back(qtbot, distances):
    reset, moved = heard(distances.reset), heard(distances.moved)
    assert not distances.button.isEnabled()
    distances.set_calibrated(4.5)
    qtbot.mouseClick(distances.button, Qt.MouseButton.LeftButton)
    assert distances.mark() == 4.5
    assert (len(reset), len(moved)) == (1, 0)


def test_a_logarithmic_axis_speaks_of_values_and_not_of_powers(shown):
    histogram = shown(ThresholdHistogram("significance", "", keep="above", log=True))
    histogram.set_values(np.geomspace(0.1, 1000, 500))
    histogram.set_mark(10)
    moved = heard(histogram.moved)
    mouse(histogram, "MouseButtonPress", 2)
    assert moved == pytest.approx([100], rel=0.05)
    assert histogram.limits() == pytest.approx((0.1, 1000), rel=0.05)


def test_the_wheel_is_left_to_the_panel_and_nothing_is_zoomed(distances):
    before = distances.plot.box.viewRange()
    wheel = QWheelEvent(
        QPointF(50, 20), QPointF(50, 20), QPoint(0, 120), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(distances.plot.view.viewport(), wheel)
    assert distances.plot.box.viewRange() == before
    assert not wheel.isAccepted()


def test_a_histogram_fits_the_panel(distances):
    assert distances.minimumSizeHint().width() <= PANEL - 40
    assert distances.height() <= 130


@pytest.fixture
def limited(shown) -> LimitHistogram:
    histogram = shown(LimitHistogram())
    histogram.show_column("radius", "px", two_groups(), (-math.inf, math.inf))
    return histogram


def told(histogram: LimitHistogram) -> list:
    said = []
    histogram.moved.connect(lambda *span: said.append(span))
    return said


def test_limits_are_off_until_a_line_is_moved_and_again_at_the_end_of_the_axis(limited):
    moved = told(limited)
    assert (limited.span(), limited.kept()) == ((-math.inf, math.inf), 20_000)
    assert not limited.button.isEnabled()
    mouse(limited, "MouseButtonPress", 3)
    assert limited.span() == (pytest.approx(3, abs=0.1), math.inf)
    mouse(limited, "MouseButtonPress", 9)
    assert limited.span() == (pytest.approx(3, abs=0.1), pytest.approx(9, abs=0.1))
    limited.plot.dragged.emit(1e6, 0)
    limited.plot.pressed.emit(2.5, 0)
    limited.plot.dragged.emit(-1e6, 0)
    assert limited.span() == moved[-1] == (-math.inf, math.inf)


def test_a_limit_does_not_pass_the_other(limited):
    limited.set_span(3, 5)
    limited.plot.pressed.emit(4.9, 0)
    limited.plot.dragged.emit(2, 0)
    assert limited.span() == (3, 3)


def test_no_limits_takes_both_back(qtbot, limited):
    limited.set_span(5, 50)
    assert limited.limits()[1] == 50
    assert limited.caption.text() == "5 to 50 px: 50.0%"
    moved = told(limited)
    qtbot.mouseClick(limited.button, Qt.MouseButton.LeftButton)
    assert moved == [(-math.inf, math.inf)]
    assert limited.caption.text() == "no limits: 100.0%"


def test_arrow_keys_move_the_limit_that_was_touched_last(qtbot, limited):
    limited.set_span(3, 5)
    limited.plot.pressed.emit(5, 0)
    low, high = limited.limits()
    qtbot.keyClick(limited, Qt.Key.Key_Left)
    assert limited.span() == (3, pytest.approx(5 - (high - low) / 100))


@pytest.mark.parametrize("values", [[], [np.nan], [2.0], [2.0, 2.0]])
def test_a_column_of_few_or_no_values_is_an_ordinary_case(shown, values):
    histogram = shown(LimitHistogram())
    histogram.show_column("radius", "px", values, (1, math.inf))
    low, high = histogram.limits()
    assert low < high


@pytest.mark.parametrize("theme", list(THEMES))
def test_a_plot_follows_the_theme(distances, theme):
    paint(distances, theme)
    QApplication.processEvents()
    ground, text = THEMES[theme]
    assert distances.plot.view.backgroundBrush().color().name() == ground
    assert distances.plot.axes[0].textPen().color().name() == text


@pytest.mark.parametrize("make", [lambda: ThresholdHistogram("distance"), ErrorCurve])
def test_closed_plots_leave_nothing_behind(qtbot, make):
    def left() -> set:
        gc.collect()
        return set(QApplication.topLevelWidgets()) - before

    before = set(QApplication.topLevelWidgets())
    gone = heard((part := make()).destroyed)
    part.show()
    part.close()
    part.deleteLater()
    del part
    qtbot.waitUntil(lambda: bool(gone) and not left())


def test_pyqtgraph_is_imported_with_the_first_plot_and_not_before():
    code = "import sys, napari_growtrack.widgets.track.thresholds, napari_growtrack.widgets.grow.curve as _\n"
    code += "sys.exit('pyqtgraph' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Growth tables --------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(shown) -> PlanTable:
    return shown(PlanTable())


def write(qtbot, table: PlanTable, row: int, column: int, text: str) -> None:
    """Type into a cell, counted from 0, as a person does."""
    cells = table.cells
    cells.setCurrentCell(row, column)
    cells.editItem(cells.item(row, column))
    editor = cells.viewport().findChildren(QLineEdit)[-1]
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()  # the cell takes the text a moment later


def press(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


PLANS = [
    Plan.depth(),
    Plan.strided(),
    Plan.breadth(base=8, repeat=3, residual=True),
    Plan.depth((4, 8), (8,), window=(28, 30), task="classes", outputs=10, answers="sum", head_pool=2),
    Plan.depth((4, 8), (8,), kernel=(5, 3), pool=(3, 1), stride=(2, 1)).ensemble(2),
    Plan.plain((8, 1000), (6,)),
]


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_a_plan_comes_back_as_it_was_given(table, plan):
    said = heard(table.changed)
    table.set_plan(plan)
    assert table.plan() == plan
    assert table.sentence() == ""
    assert not said


def test_the_table_is_drawn_as_the_plan_is_printed(table):
    plan = Plan.depth((16, 32), (8,))
    table.set_plan(plan)
    cells = table.cells
    drawn = [
        [cells.verticalHeaderItem(row).text().replace(" ", ""), *(cells.item(row, i).text() for i in range(3))]
        for row in range(3)
    ]
    printed = [line.replace("conv ", "conv").replace("dense ", "dense").split() for line in str(plan).split("\n")[1:]]
    assert drawn == printed


def test_a_typed_number_becomes_units_of_its_cell(qtbot, table):
    said = heard(table.changed)
    write(qtbot, table, 0, 1, "12")
    assert table.plan().units[0] == (16, 12, 0, 0, 0)
    assert len(said) == 1


@pytest.mark.parametrize("text", ["0", "."])
def test_a_cell_is_emptied(qtbot, table, text):
    table.set_plan(Plan.breadth(base=8, repeat=2))
    write(qtbot, table, 4, 1, "7")
    write(qtbot, table, 0, 1, text)
    assert table.cells.item(0, 1).text() == "."
    assert table.plan().units[0] == (8, 0)


@pytest.mark.parametrize("text", ["x", "-3", "513", "1.5", "²", "9999999999999999999"])
def test_what_is_not_a_number_of_units_is_refused_where_it_stands(qtbot, table, text):
    write(qtbot, table, 1, 2, text)
    expected = f"Expected a whole number of units from 0 to 512 in conv 2 of stage 3, got {text!r}."
    assert table.sentence() == table.note.said() == expected
    with pytest.raises(SettingsError, match="conv 2 of stage 3"):
        table.plan()


def test_a_table_that_breaks_a_rule_says_which_and_recovers(qtbot, table):
    write(qtbot, table, 1, 1, "0")
    assert (table.note.kind, table.note.said()) == ("error", why(table.plan))
    assert numbers_in(table.sentence())[0] == 2  # the stage that adds nothing
    assert table.note.isVisible()
    write(qtbot, table, 1, 1, "32")
    assert table.sentence() == ""
    assert not table.note.isVisible()


@pytest.mark.parametrize("plan", PLANS[:5], ids=str)
@pytest.mark.parametrize("action", ["add_stage", "add_conv", "add_dense", "remove_stage"])
def test_every_button_leaves_a_plan_that_can_be_grown(qtbot, table, plan, action):
    said = heard(table.changed)
    table.set_plan(plan)
    press(qtbot, getattr(table, action))
    changed = table.plan()
    rows, stages = len(changed.layers) - len(plan.layers), changed.stages - plan.stages
    expected = {"add_stage": (0, 1), "add_conv": (1, 0), "add_dense": (1, 0), "remove_stage": (0, -1)}
    assert (rows, stages) == expected[action]
    assert (changed.window, changed.outputs, changed.residual) == (plan.window, plan.outputs, plan.residual)
    assert len(said) == 1


def test_an_added_convolution_is_like_the_one_below(qtbot, table):
    plan = Plan.strided()
    table.set_plan(plan)
    press(qtbot, table.add_conv)
    assert table.plan().layers[3] == plan.layers[2]
    assert table.cells.verticalHeaderItem(3).text() == "conv 4"


def test_the_chosen_row_is_removed(qtbot, table):
    table.set_plan(Plan.breadth(base=8))
    table.cells.setCurrentCell(1, 0)
    press(qtbot, table.remove_row)
    assert [row[0] for row in table.plan().units] == [8, 32, 16, 16]


def test_the_last_row_and_the_last_stage_stay(table):
    table.set_plan(Plan.plain((8,), ()))
    assert not table.remove_row.isEnabled()
    assert not table.remove_stage.isEnabled()


def test_stages_grown_before_are_kept(qtbot, table):
    plan = Plan.breadth(base=8, repeat=2)
    table.set_plan(plan, frozen=1)
    assert not table.cells.item(0, 0).flags() & Qt.ItemFlag.ItemIsEditable
    assert table.cells.item(0, 1).flags() & Qt.ItemFlag.ItemIsEditable
    press(qtbot, table.remove_stage)
    assert not table.remove_stage.isEnabled()
    press(qtbot, table.add_stage)
    press(qtbot, table.add_dense)
    assert table.plan().until(1) == plan.until(1)


def test_rows_that_grown_stages_use_neither_move_nor_go(table):
    table.set_plan(Plan.depth((16, 32), (8,)), frozen=3)
    assert not table.add_conv.isEnabled()
    assert not table.remove_row.isEnabled()
    table.set_plan(Plan.depth((16, 32), (8,)), frozen=2)
    assert table.add_conv.isEnabled()
    assert table.remove_row.isEnabled()
    table.cells.setCurrentCell(1, 0)
    assert not table.remove_row.isEnabled()


def test_the_column_of_a_stage_stands_out(table):
    table.show_stage(3)
    tints = [table.cells.item(0, column).background().color().alpha() for column in range(3)]
    assert tints[2] > tints[1] == tints[0] > 0
    assert table.cells.item(0, 3).background().style() == Qt.BrushStyle.NoBrush


@pytest.mark.parametrize("theme", list(THEMES))
def test_numbers_are_read_in_either_theme(table, theme):
    paint(table, theme)
    QApplication.processEvents()
    assert table.cells.item(0, 0).foreground().color().name() == THEMES[theme][1]


def test_all_rows_of_an_ordinary_table_are_seen_at_once(table):
    cells = table.cells
    for plan in (Plan.depth(), Plan.breadth(base=8, repeat=20)):
        table.set_plan(plan)
        QApplication.processEvents()
        last = cells.visualItemRect(cells.item(4, 0))
        assert cells.viewport().rect().bottom() >= last.bottom()


# Curves ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def curve(shown) -> ErrorCurve:
    curve = shown(ErrorCurve("images"))
    curve.begin(0.05)
    return curve


def lines(curve: ErrorCurve) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    return {stage: item.getData() for stage, item in curve._curves.items()}


def test_errors_are_drawn_soon_after_they_are_added(qtbot, curve):
    curve.add(0, {1: 1.0})
    curve.add(10, {1: 0.1, 2: 10.0})
    qtbot.waitUntil(lambda: len(lines(curve)) == 2)
    xs, ys = lines(curve)[1]
    assert sorted(zip(xs, ys, strict=True)) == [(0, 0), (10, -1)]
    np.testing.assert_allclose(curve.points(1), [(0, 1), (10, 0.1)])


def test_axes_hold_all_errors_marks_and_the_bound(curve):
    curve.add(0, {1: 3.0})
    curve.add(100, {1: 0.2})
    curve.mark(150, "2")
    curve.draw()
    (left, right), (bottom, top) = curve.plot.box.viewRange()
    assert (left, right) == (0, 150)
    assert bottom < math.log10(0.05) < math.log10(3) < top


@pytest.mark.parametrize("error", [0.0, -1.0, math.nan, math.inf])
def test_errors_that_have_no_logarithm_are_left_out(curve, error):
    curve.add(1, {1: error})
    curve.draw()
    assert len(curve.points(1)) == 0


def test_a_stage_has_its_colour_of_the_figures(curve):
    curve.add(1, {stage: 1.0 for stage in range(1, 25)})
    curve.draw()
    pens = [curve._curves[stage].opts["pen"] for stage in range(1, 25)]
    assert [pen.color().name() for pen in pens[:6]] == list(COLOURS)
    assert len({(pen.color().name(), pen.style()) for pen in pens}) == 24


@pytest.mark.parametrize(("bound", "told"), [(0.05, True), (None, False), (0.0, False), (math.nan, False)])
def test_the_bound_is_drawn_and_named_where_it_is_known(curve, bound, told):
    curve.begin(bound)
    curve.add(1, {1: 1.0})
    curve.draw()
    assert curve._level.isVisible() == told
    assert ("bound" in curve.legend.text()) == told


def test_beginning_anew_forgets_the_last_run(curve):
    curve.add(1, {1: 1.0})
    curve.mark(1, "stage 1")
    curve.draw()
    curve.begin(None)
    assert not lines(curve)
    assert not curve.legend.text()
    assert curve.plot.box.viewRange()[0] == [0, 1]


def test_texts_of_marks_do_not_run_into_each_other(curve):
    for x in range(100):
        curve.add(x, {1: 1.0})
        curve.mark(x, f"stage {x}")
    curve.draw()
    seen = [line.label for line in curve._marks if line.label.isVisible()]
    assert 2 <= len(seen) < 20
    spans = sorted((box.left(), box.right()) for box in (label.sceneBoundingRect() for label in seen))
    assert all(right <= left for (_, right), (left, _) in pairwise(spans))
    assert spans[-1][1] <= curve.plot.width()


def test_long_runs_of_many_stages_keep_few_points_up_to_the_last(curve):
    errors = {stage: 1.0 / stage for stage in range(1, 25)}
    for x in range(5000):
        curve.add(x, errors)
    curve.draw()
    assert all(len(xs) <= 300 for xs, _ in lines(curve).values())
    assert all(max(xs) == 4999 for xs, _ in lines(curve).values())


# Pictures -------------------------------------------------------------------------------------------------------------


def grey(strip: CropStrip, x: int, y: int) -> int:
    """Return the grey value that is seen at a pixel of the screen."""
    return QColor(strip.grab().toImage().pixel(x, y)).red()


@pytest.fixture
def strip(shown) -> CropStrip:
    strip = CropStrip()
    strip.set_rows({"real": np.zeros((1, 5, 5))})
    return shown(strip)


def test_rows_share_one_grey_scale_and_pixels_stay_square(strip):
    dark, light = np.zeros((2, 3, 3)), np.full((2, 3, 3), 100.0)
    light[:, 1, 1] = 50
    strip.set_rows({"real": dark, "simulated": light})
    text, side, row = strip.fontMetrics().height(), strip.side(), strip.height() // 2
    assert grey(strip, side // 2, text + side // 2) == 0
    assert grey(strip, 2, row + text + 2) == 255
    assert grey(strip, side // 2, row + text + side // 2) == pytest.approx(127, abs=8)
    inner = side // 3 + 2
    assert grey(strip, inner, row + text + inner) == pytest.approx(127, abs=8)


@pytest.mark.parametrize(("number", "heading"), [(3, "real"), (10, "real"), (40, "real (first 10 of 40)")])
def test_as_many_pictures_are_shown_as_the_panel_has_room_for(strip, number, heading):
    strip.set_rows({"real": np.zeros((number, 5, 5))})
    assert strip.heading("real") == heading
    assert min(strip.shown(), number) * strip.side() <= PANEL


@pytest.mark.parametrize(
    "rows",
    [{}, {"real": np.zeros((0, 5, 5))}, {"real": np.full((2, 5, 5), np.nan)}, {"real": np.full((1, 4, 4), 7)}],
)
def test_no_or_empty_pictures_are_an_ordinary_case(strip, rows):
    strip.set_rows(rows)
    strip.grab()
    assert (strip.height() == 0) == (not rows)


# Folding --------------------------------------------------------------------------------------------------------------


def test_a_click_on_the_title_opens_and_folds_a_section(qtbot, shown):
    section = Section("Thresholds")
    note = Note()
    note.say("Below 3 px.")
    section.add(note)
    shown(section)
    said = heard(section.toggled)
    folded = section.sizeHint().height()
    assert not note.isVisible()
    press(qtbot, section.title)
    assert note.isVisible()
    assert section.title.isChecked()
    assert section.sizeHint().height() > folded
    press(qtbot, section.title)
    assert not note.isVisible()
    assert said == [True, False]


def test_a_section_can_begin_open(shown):
    section = shown(Section("Scene", opened=True))
    assert section.title.isChecked()
    assert section.contents.isVisible()
