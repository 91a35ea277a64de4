"""A person compares layers in the Score panel, visits what is wrong, mends it, and saves the score."""

import json
import threading
import time

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Points
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QApplication, QFileDialog
from spots import PATIENCE, numbers_in, why

from napari_growtrack.core import scoring
from napari_growtrack.core.errors import TableError
from napari_growtrack.widgets.napari_io.samples import vesicles
from napari_growtrack.widgets.score import panel as score
from napari_growtrack.widgets.score import question as score_question
from napari_growtrack.widgets.score.histogram import ErrorHistogram
from napari_growtrack.widgets.score.panel import ScorePanel
from napari_growtrack.widgets.score.places import MARK
from napari_growtrack.widgets.score.question import NO_DETECTIONS, NO_TRUTH, ask
from napari_growtrack.widgets.score.sentences import (
    NOTHING,
    NUMBERS,
    STOPPED,
    comparing_line,
    errors_line,
    frames_line,
    numbers,
    saved_line,
    sigma_line,
    thesis_line,
    verdict,
)
from napari_growtrack.widgets.session.sentences import reason
from napari_growtrack.widgets.shared import layers as layers_module
from napari_growtrack.widgets.shared.choices import like_detections, like_truth
from napari_growtrack.widgets.shared.layers import RING
from napari_growtrack.widgets.shared.opening import with_ending

TRUE = np.array([(0, 10, 10), (0, 30, 40), (1, 11, 10), (2, 30, 40), (4, 50, 50)], float)
FOUND = np.array([(0, 10, 10.3), (0, 30.4, 40), (1, 11, 10), (1, 60, 60), (2, 30, 46)], float)
"""Three pairs, 0.3, 0.4 and 0 px apart; missed in frames 2 and 4; false in frames 1 and 2."""


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Wait less than a person would have to."""
    monkeypatch.setattr(layers_module, "_WAIT", 1)
    monkeypatch.setattr(score, "_PATIENCE", 50)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def panel(qtbot, viewer, session):
    panel = ScorePanel(viewer, session)
    panel.resize(320, 800)
    panel.show()
    qtbot.addWidget(panel)
    yield panel
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


@pytest.fixture
def truth(viewer):
    return viewer.add_points(TRUE, name="truth")


@pytest.fixture
def detections(viewer):
    return add_detections(viewer)


def add_detections(viewer, data=FOUND, frames=range(5), name="film detections", **kwargs):
    return viewer.add_points(data, name=name, metadata={"growtrack": {"frames": [*frames], "stage": 2}}, **kwargs)


@pytest.fixture
def compared(qtbot, panel, truth, detections):
    settle(qtbot, panel)
    return panel


def settle(qtbot, panel):
    """Wait until nothing is to be compared any more."""
    qtbot.waitUntil(lambda: not panel.form.watch.waiting and not panel.work.running)


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def click(qtbot, table, row):
    place = table.visualRect(table.model().index(row, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def answer_to(true, found, of_truth=None, within=5, **about):
    """Compare two layers without a panel."""
    question = ask(Points(true, name="truth", **(of_truth or {})), Points(found, name="found", **about), within)
    *_, answer = question.answered()
    return answer


def places_of(table):
    return [tuple(row) for row in table[["frame", "y", "x"]].to_numpy().tolist()]


def bring_to_front(panel, title):
    panel.places.tabs.setCurrentWidget(panel.places.tables[title])


def tabs(panel):
    return [panel.places.tabs.tabText(index) for index in range(panel.places.tabs.count())]


def camera_of(viewer):
    return getattr(viewer, "scene", viewer).camera


def ring(viewer):
    """Where the ring of the last point that was visited lies."""
    return viewer.layers[MARK].data.tolist()


# what it tells


def test_the_score_is_told_as_soon_as_both_layers_are_there(compared):
    assert compared.results.isVisible()
    told = [numbers_in(compared.numbers.said(name)) for name in NUMBERS]
    assert told == [[60, 5], [40, 5], [3, 0.6], [0.3], [0.233], [0.133, 0.1]]
    assert numbers_in(compared.frames.said()) == [5, 0, 4, 1]
    assert [len(table.rows) for table in compared.places.tables.values()] == [2, 2, 3]
    assert [numbers_in(title) for title in tabs(compared)] == [[2], [2], [3]]
    assert compared.status.said() == ""


def test_the_panel_says_what_the_core_says_of_a_simulated_film(qtbot, panel, viewer):
    (_, _, _), (data, about, _) = vesicles()
    viewer.add_points(data, **about)
    rng = np.random.default_rng(0)
    found = data[rng.random(len(data)) > 0.1] + [0, 0.1, -0.2]
    add_detections(viewer, found, range(10))
    settle(qtbot, panel)
    true, seen = (pd.DataFrame(each[each[:, 0] < 10], columns=["frame", "y", "x"]) for each in (data, found))
    assert panel.answer.comparison.score == scoring.score(true, seen)
    radii = about["features"].radius[data[:, 0] < 10].to_numpy()
    assert panel.answer.thesis == scoring.thesis_score(true.assign(radius=radii), seen)
    assert panel.thesis.said() == thesis_line(panel.answer.thesis)


def test_only_tracked_frames_count():
    answer = answer_to(TRUE, FOUND[:2], metadata={"growtrack": {"frames": [0]}})
    assert (answer.comparison.score.found, answer.comparison.score.particles) == (1, 2)
    assert (answer.question.frames, answer.question.tracked) == ((0,), True)


@pytest.mark.parametrize("frames", [[], "all", ["0", "1"], None, 3])
def test_without_a_record_of_frames_to_believe_those_with_points_count(frames):
    answer = answer_to(TRUE, FOUND[:3], metadata={"growtrack": {"frames": frames}})
    assert (answer.question.frames, answer.question.tracked) == ((0, 1, 2, 4), False)
    assert (answer.comparison.score.found, answer.comparison.score.particles) == (0.6, 5)


@pytest.mark.parametrize(
    ("region", "missed"),
    [
        ([0, 0, 64, 64], [(2, 30, 40), (4, 50, 50)]),
        ([0, 0, 50, 64], [(2, 30, 40)]),
        ([20, 0, 64, 50], [(2, 30, 40)]),
        ((0, 0, 31, 40), []),
        ([51, 41, 64, 64], []),
    ],
)
def test_truth_outside_the_part_that_was_tracked_is_not_missed(region, missed):
    answer = answer_to(TRUE, FOUND, metadata={"growtrack": {"frames": [*range(5)], "region": region}})
    assert places_of(answer.comparison.missed) == missed
    top, left, bottom, right = region
    assert numbers_in(frames_line(answer.question))[:7] == [5, 0, 4, top, bottom - 1, left, right - 1]


@pytest.mark.parametrize("region", [None, [], [0, 0, 9], [0, 0, 9.5, 9], "0099", [9, 0, 9, 9], [0, 9, 9, 0], 4])
def test_an_odd_record_of_the_part_is_not_believed(region):
    answer = answer_to(TRUE, FOUND, metadata={"growtrack": {"frames": [*range(5)], "region": region}})
    assert answer.question.region is None
    assert places_of(answer.comparison.missed) == [(2, 30, 40), (4, 50, 50)]


def test_the_part_is_in_pixels_of_the_detections():
    about = {"metadata": {"growtrack": {"frames": [*range(5)], "region": [0, 0, 50, 64]}}}
    assert len(answer_to(TRUE * [1, 4, 4], FOUND, {"scale": (1, 0.25, 0.25)}, **about).comparison.missed) == 1
    assert len(answer_to(TRUE, FOUND, {"scale": (1, 9, 9)}, scale=(1, 9, 9), **about).comparison.missed) == 1


def test_frames_nobody_marked_can_be_left_out(qtbot, compared, truth):
    truth.data = TRUE[:2]
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("False")) == [60, 5]
    press(qtbot, compared.form.only_marked)
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("False")) == [0, 2]
    assert compared.answer.question.frames == (0,)


def test_hidden_points_do_not_count(qtbot, compared, detections):
    detections.shown = [True, True, True, False, False]
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("False")) == [0, 3]


def test_a_pair_may_be_as_far_apart_as_the_box_says(qtbot, compared):
    compared.form.within.setValue(6)
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("Found")) == [80, 5]
    compared.form.within.setValue(0.2)
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("Matched")) == [1, 0.2]


def test_a_single_picture_is_compared_too(qtbot, panel, viewer):
    viewer.add_points(TRUE[:2, 1:], name="truth")
    viewer.add_points(FOUND[:2, 1:], name="found", features={"votes": [1, 1]})
    settle(qtbot, panel)
    assert numbers_in(panel.numbers.said("Found")) == [100, 2]
    bring_to_front(panel, "Worst")
    press(qtbot, panel.places.next)
    assert ring(viewer) == [[30.4, 40]]


@pytest.mark.parametrize(
    ("place", "told", "unit"),
    [
        ({}, [0.3], ""),
        ({"scale": (1, 0.5, 0.5), "units": ("pixel", "um", "um")}, [0.3, 0.15], "µm"),
        ({"scale": (1, 0.5, 0.5)}, [0.3, 0.15], "world units"),
        ({"scale": (1, 4, 0.5)}, [0.3, 0.15], "world units"),
        ({"rotate": 30, "translate": (0, 5, 5)}, [0.3, 0.3], "world units"),
    ],
)
def test_errors_are_told_in_the_units_of_the_layer_too(place, told, unit):
    answer = answer_to(TRUE, FOUND, place, **place)
    assert numbers_in(numbers(answer)["Median error"]) == told
    assert answer.question.unit == unit


def test_layers_of_another_scale_are_compared_in_the_detections_pixels():
    place = {"scale": (1, 0.25, 0.25), "translate": (0, 3, 7)}
    answer = answer_to((TRUE - [0, 3, 7]) * [1, 4, 4], FOUND, {**place, "features": {"radius": [8.0] * 5}})
    assert answer.comparison.score.median_error == pytest.approx(0.3)
    assert answer.question.unit == ""
    assert answer.question.truth.radius.tolist() == pytest.approx([2] * 5)
    assert answer.comparison.missed[["y", "x"]].to_numpy() == pytest.approx(TRUE[3:, 1:])


@pytest.mark.parametrize("factor", [1, 0.5])
def test_sigma_is_checked_against_what_was_measured(factor):
    rng = np.random.default_rng(3)
    data = np.column_stack([np.zeros(400), *np.divmod(np.arange(400), 20)]) * [1, 20, 20]
    found = data + np.column_stack([np.zeros(400), rng.normal(0, 0.3, (400, 2))])
    compared = answer_to(data, found, features={"sigma": np.full(400, 0.3 * factor)}).comparison
    assert numbers_in(sigma_line(compared))[:2] == [0.3 * factor, 0.29]
    assert compared.pull.spread == pytest.approx(1 / factor, rel=0.06)


def test_nothing_is_said_of_sigma_and_radius_where_they_are_unknown(compared):
    assert (compared.sigma.said(), compared.thesis.said()) == ("", "")
    assert not compared.sigma.isVisible()


def test_the_histogram_counts_every_error_and_marks_the_median(compared):
    bars, median = compared.histogram._bars, compared.histogram._median
    assert sum(bars.opts["height"]) == 3
    assert median.value() == pytest.approx(0.3)
    errors = compared.answer.comparison.pairs["error"]
    assert compared.histogram.caption.said() == errors_line(0.3, np.percentile(errors, 90), 0)


def test_a_few_large_errors_do_not_squeeze_the_histogram(qtbot):
    histogram = ErrorHistogram()
    qtbot.addWidget(histogram)
    histogram.set_errors(np.append(np.full(99, 0.2), 4.9))
    assert histogram._bars.opts["x1"].max() == pytest.approx(1.2)
    assert histogram.caption.said() == errors_line(0.2, 0.2, 1)


def test_without_pairs_there_is_no_histogram(qtbot, compared, detections):
    detections.data = FOUND + np.array([0, 200, 200])
    settle(qtbot, compared)
    assert not compared.histogram.isVisible()
    assert numbers_in(compared.numbers.said("Median error")) == [5]  # how far apart a pair may be
    assert (compared.status.kind, numbers_in(compared.status.said())) == ("warning", [5])


# which layers


@pytest.mark.parametrize(
    ("name", "features", "metadata", "truth", "detections"),
    [
        ("truth", {}, {}, 3, 0),
        ("film_truth", {}, {"growtrack": {"scene": "beads"}}, 3, 0),
        ("beads", {"particle": [0], "radius": [2.0]}, {"growtrack": {"scene": "beads"}}, 2, 0),
        ("Points", {}, {}, 1, 0),
        ("film detections", {"votes": [1]}, {"growtrack": {"frames": [0]}}, 0, 2),
        ("linked", {"particle": [0], "votes": [1]}, {"growtrack": {"stage": 2}}, 0, 1),
        ("film preview", {"votes": [1]}, {}, 0, 1),
        ("measured", {"votes": [1], "radius": [2.0]}, {"growtrack": {"frames": [0]}}, 0, 2),
        ("odd", {}, {"growtrack": "nothing of ours"}, 1, 0),
    ],
)
def test_layers_are_taken_for_what_they_look_like(name, features, metadata, truth, detections):
    layer = Points([[0, 1, 1]], name=name, features=features, metadata=metadata)
    assert (like_truth(layer), like_detections(layer)) == (truth, detections)


def test_likelier_layers_are_taken_until_the_person_chooses(panel, viewer):
    by_hand = viewer.add_points(TRUE, name="Points")
    assert panel.form.truth.layer is by_hand
    simulated = viewer.add_points(TRUE, name="truth")
    assert panel.form.truth.layer is simulated
    panel.form.truth.setCurrentIndex(0)
    panel.form.truth.activated.emit(0)
    viewer.add_points(TRUE, name="another truth")
    assert panel.form.truth.layer is by_hand


def test_the_choice_survives_coming_going_and_renaming(panel, viewer, truth, detections):
    viewer.add_points(TRUE, name="other")
    viewer.layers.move(0, 3)
    truth.name = "renamed"
    viewer.layers.remove("other")
    assert (panel.form.truth.layer, panel.form.truth.currentText()) == (truth, "renamed")


def test_images_are_not_offered(panel, viewer, truth):
    viewer.add_image(np.zeros((3, 9, 9)))
    assert panel.form.truth.count() == 1


# what is refused


def test_without_points_the_panel_says_what_to_do(qtbot, panel):
    settle(qtbot, panel)
    assert (panel.status.said(), panel.status.kind) == (NOTHING, "plain")
    assert not panel.results.isVisible()


@pytest.mark.parametrize(("there", "sentence"), [("truth", NO_DETECTIONS), ("detections", NO_TRUTH)])
def test_one_layer_alone_is_not_enough(qtbot, panel, request, there, sentence):
    request.getfixturevalue(there)
    settle(qtbot, panel)
    assert (panel.status.said(), panel.status.kind) == (sentence, "error")


def test_the_same_layer_twice_is_refused(qtbot, compared, detections):
    compared.form.truth.setCurrentIndex(compared.form.detections.currentIndex())
    settle(qtbot, compared)
    assert (compared.status.kind, compared.status.said()) == ("error", why(compared.form.question))
    assert detections.name in compared.status.said()
    assert not compared.results.isVisible()
    compared.form.truth.setCurrentIndex(0)
    settle(qtbot, compared)
    assert compared.results.isVisible()
    assert (compared.status.said(), compared.status.kind) == ("", "plain")


@pytest.mark.parametrize("which", ["truth", "detections"])
@pytest.mark.parametrize("how", ["empty", "hidden"])
def test_a_layer_that_shows_nothing_is_refused(qtbot, compared, request, which, how):
    layer = request.getfixturevalue(which)
    if how == "empty":
        layer.data = np.empty((0, 3))
    else:
        layer.shown = False
    settle(qtbot, compared)
    assert (compared.status.kind, compared.status.said()) == ("error", why(compared.form.question))
    assert layer.name in compared.status.said()
    assert not compared.results.isVisible()
    assert len(compared.places.tables["Missed"].rows) == 0


@pytest.mark.parametrize(
    ("true", "found", "kwargs", "sentence"),
    [
        (TRUE[:, 1:], FOUND, {}, "truth holds points of a single picture (y, x), found those of a film (frame, y, x)"),
        (TRUE, FOUND[:, 1:], {}, "found holds points of a single picture (y, x), truth those of a film"),
        (np.zeros((2, 4)), FOUND, {}, "truth has 4 axes; expected points as (frame, y, x) or (y, x)"),
        (TRUE, np.zeros((2, 4)), {}, "found has 4 axes; expected"),
        (
            TRUE,
            FOUND,
            {"units": ("pixel", "um", "um")},
            "truth is in pixel, micrometer, micrometer, found in pixel, pi",
        ),
        (TRUE - [1, 0, 0], FOUND, {}, "truth: Column frame must hold a whole number from 0, got -1"),
    ],
)
def test_layers_that_do_not_go_together_are_refused(true, found, kwargs, sentence):
    with pytest.raises(TableError) as refused:
        answer_to(true, found, kwargs)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("which", ["truth", "detections"])
def test_a_layer_removed_while_it_is_compared_is_let_go(qtbot, compared, viewer, request, monkeypatch, which):
    slow_down(monkeypatch)
    layer = request.getfixturevalue(which)
    compared.form.within.setValue(2)
    qtbot.waitUntil(lambda: compared.work.running)
    viewer.layers.remove(layer)
    settle(qtbot, compared)
    assert compared.status.said() == (NO_TRUTH if which == "truth" else NO_DETECTIONS)
    assert compared.answer is None
    assert not compared.results.isVisible()


def slow_down(monkeypatch, seconds=0.1):
    quick = score_question.iter_compare

    def slow(*args):
        for told in quick(*args):
            time.sleep(seconds)
            yield told

    monkeypatch.setattr(score_question, "iter_compare", slow)


def test_frames_without_truth_or_detections_are_pointed_out(qtbot, panel, viewer, truth):
    layer = add_detections(viewer, FOUND + np.array([9, 0, 0]), range(9, 14))
    settle(qtbot, panel)
    assert (panel.status.said(), panel.status.kind) == verdict(panel.answer.comparison.score)
    assert (panel.status.kind, panel.answer.comparison.score.particles) == ("warning", 0)
    layer.metadata = {"growtrack": {"frames": [0]}}
    settle(qtbot, panel)
    assert (panel.status.said(), panel.status.kind) == verdict(panel.answer.comparison.score)
    assert (panel.status.kind, panel.answer.comparison.score.detections) == ("warning", 0)


# keeping up


def test_mending_the_truth_changes_the_score(qtbot, compared, truth, detections):
    truth.add([[1, 60, 60]])
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("False")) == [20, 5]
    detections.selected_data = {4}
    detections.remove_selected()
    settle(qtbot, compared)
    assert tabs(compared) == ["Missed (2)", "False (0)", "Worst (4)"]


def test_what_is_saved_tells_how_the_detections_were_found_last(qtbot, compared, detections):
    detections.metadata = {"growtrack": {"frames": [*range(5)], "stage": 3, "odd": {1, 2}}}
    settle(qtbot, compared)
    assert compared.answer.recipe()["found_with"] == {"stage": 3, "odd": [1, 2]}


def test_playing_the_film_and_selecting_points_compares_nothing_again(qtbot, compared, viewer, truth):
    before = compared.answer
    for frame in range(5):
        viewer.dims.set_point(0, frame)
    truth.selected_data = {0}
    settle(qtbot, compared)
    assert compared.answer is before


def test_many_changes_in_a_row_are_compared_once(qtbot, compared, truth, monkeypatch):
    shown = []
    compared.form.watch._timer.setInterval(100)
    compared.work.advanced.connect(shown.append)
    for step in range(5):
        truth.data = TRUE + np.array([0, 0.1 * step, 0])
        qtbot.wait(5)
    settle(qtbot, compared)
    assert [answer.question.truth.y[0] for answer in shown] == pytest.approx([10.4])


def test_changes_while_it_compares_are_not_lost(qtbot, compared, truth, monkeypatch):
    slow_down(monkeypatch)
    compared.form.within.setValue(6)
    qtbot.waitUntil(lambda: compared.work.running)
    truth.data = TRUE[:2]
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("Found")) == [100, 2]
    assert compared.answer.question.within == 6


def test_what_takes_long_can_be_stopped(qtbot, compared, monkeypatch):
    slow_down(monkeypatch)
    compared.form.within.setValue(6)
    qtbot.waitUntil(lambda: compared.cancel.isVisible())
    assert (compared.status.kind, compared.status.said()) == ("plain", comparing_line(5))
    press(qtbot, compared.cancel)
    settle(qtbot, compared)
    assert compared.answer is None
    assert (compared.status.kind, compared.status.said()) == ("plain", STOPPED)
    assert not compared.results.isVisible()
    assert not compared.bar.isVisible()


def test_an_unforeseen_error_is_told(qtbot, compared, monkeypatch):
    error = RuntimeError("odd")

    def fail(*_):
        raise error
        yield

    monkeypatch.setattr(score_question, "iter_compare", fail)
    monkeypatch.setattr("napari_growtrack.widgets.shared.panel.notification_manager.receive_error", lambda *_: None)
    compared.form.within.setValue(6)
    settle(qtbot, compared)
    assert (compared.status.kind, compared.status.said()) == ("error", reason(error))
    assert not compared.results.isVisible()


# going there


def test_a_click_shows_what_was_missed(qtbot, compared, viewer):
    click(qtbot, compared.places.tables["Missed"], 1)
    assert viewer.dims.point[0] == 4
    assert camera_of(viewer).center[-2:] == (50, 50)
    assert camera_of(viewer).zoom >= 8
    assert ring(viewer) == [[4, 50, 50]]
    assert viewer.layers[MARK].size.tolist() == [10]


def test_the_camera_goes_where_a_scaled_layer_lies(qtbot, panel, viewer):
    place = {"scale": (2, 0.5, 0.5), "translate": (0, 100, 200)}
    viewer.add_points(TRUE, name="truth", **place)
    add_detections(viewer, **place)
    settle(qtbot, panel)
    click(qtbot, panel.places.tables["Missed"], 1)
    assert viewer.dims.point[0] == 8
    assert camera_of(viewer).center[-2:] == (125, 225)
    assert camera_of(viewer).zoom >= 16
    assert viewer.layers[MARK].scale.tolist() == [2, 0.5, 0.5]


def test_the_zoom_of_a_person_who_looks_closer_is_kept(qtbot, compared, viewer):
    camera_of(viewer).zoom = 50
    press(qtbot, compared.places.next)
    assert camera_of(viewer).zoom == 50


def test_buttons_and_keys_go_through_the_list_in_front(qtbot, compared, viewer):
    bring_to_front(compared, "False")
    press(qtbot, compared.places.next)
    assert ring(viewer) == [[1, 60, 60]]
    QApplication.setActiveWindow(compared)
    qtbot.keyClick(compared, Qt.Key.Key_N)
    assert ring(viewer) == [[2, 30, 46]]
    qtbot.keyClick(compared, Qt.Key.Key_N)
    assert ring(viewer) == [[1, 60, 60]]
    press(qtbot, compared.places.previous)
    qtbot.keyClick(compared, Qt.Key.Key_P)
    assert ring(viewer) == [[1, 60, 60]]
    bring_to_front(compared, "Worst")
    press(qtbot, compared.places.next)
    assert ring(viewer) == [[0, 30.4, 40]]


def test_arrow_keys_go_through_a_list(qtbot, compared, viewer):
    table = compared.places.tables["Missed"]
    click(qtbot, table, 0)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert ring(viewer) == [[4, 50, 50]]


def test_the_next_miss_is_next_when_one_was_mended(qtbot, compared, viewer, detections):
    press(qtbot, compared.places.next)
    assert ring(viewer) == [[2, 30, 40]]
    detections.add([[2, 30, 40]])
    settle(qtbot, compared)
    assert tabs(compared)[0] == "Missed (1)"
    press(qtbot, compared.places.next)
    assert ring(viewer) == [[4, 50, 50]]


def test_a_list_stays_at_its_point_while_others_change(qtbot, compared, viewer, detections):
    click(qtbot, compared.places.tables["Missed"], 1)
    detections.add([[2, 30, 40]])
    settle(qtbot, compared)
    assert compared.places.tables["Missed"].currentIndex().row() == 0
    press(qtbot, compared.places.next)
    assert ring(viewer) == [[4, 50, 50]]


def test_an_empty_list_goes_nowhere(qtbot, compared, viewer, detections):
    detections.data = TRUE
    settle(qtbot, compared)
    press(qtbot, compared.places.next)
    press(qtbot, compared.places.previous)
    assert MARK not in viewer.layers


def test_the_lists_tell_how_far_the_nearest_is(compared):
    table = compared.places.tables["Missed"]
    shown = [[table.model().index(row, column).data() for column in range(4)] for row in range(2)]
    assert shown == [["2", "30.0", "40.0", "6.00"], ["4", "50.0", "50.0", "none"]]
    assert compared.places.tables["Worst"].rows.error.tolist() == pytest.approx([0.4, 0.3, 0])


# layers of its own


def test_a_tick_shows_what_is_wrong_as_layers_that_keep_up(qtbot, compared, viewer, truth, detections):
    viewer.layers.selection.active = truth
    press(qtbot, compared.marks)
    assert viewer.layers["missed"].data.tolist() == TRUE[3:].tolist()
    assert viewer.layers["false"].data.tolist() == FOUND[3:].tolist()
    assert viewer.layers.selection.active is truth
    detections.add([[2, 30, 40]])
    settle(qtbot, compared)
    assert viewer.layers["missed"].data.tolist() == TRUE[4:].tolist()
    assert {layer.name for layer in compared.form.truth.layers} == {"truth", "film detections"}
    press(qtbot, compared.marks)
    assert [layer.name for layer in viewer.layers] == ["truth", "film detections"]


def test_its_layers_lie_where_the_detections_lie(qtbot, panel, viewer):
    place = {"scale": (1, 0.5, 0.5), "translate": (0, 1, 2), "rotate": 30, "units": ("pixel", "um", "um")}
    viewer.add_points(TRUE, name="truth", **place)
    layer = add_detections(viewer, **place)
    settle(qtbot, panel)
    press(qtbot, panel.marks)
    assert viewer.layers["missed"].data_to_world((4, 50, 50)) == pytest.approx(layer.data_to_world((4, 50, 50)))
    assert viewer.layers["missed"].units == layer.units
    layer.scale = viewer.layers["truth"].scale = (1, 0.25, 0.25)
    settle(qtbot, panel)
    assert viewer.layers["false"].scale.tolist() == [1, 0.25, 0.25]


def test_removing_one_of_its_layers_unticks_the_box(qtbot, compared, viewer):
    press(qtbot, compared.marks)
    viewer.layers.remove("missed")
    assert not compared.marks.isChecked()
    assert "false" not in viewer.layers


def test_its_layers_go_while_there_is_nothing_to_compare_and_come_back(qtbot, compared, viewer, truth):
    press(qtbot, compared.marks)
    press(qtbot, compared.places.next)
    truth.shown = False
    settle(qtbot, compared)
    assert [layer.name for layer in viewer.layers] == ["truth", "film detections"]
    truth.shown = True
    settle(qtbot, compared)
    assert {"missed", "false"} <= {layer.name for layer in viewer.layers}


# saving


def test_the_score_is_saved_with_its_pairs_and_layers(qtbot, compared, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    press(qtbot, compared.save)
    qtbot.waitUntil(lambda: not compared.saving.running)
    assert (compared.status.kind, compared.status.said()) == ("plain", saved_line(tmp_path / "mine.csv"))
    table = pd.read_csv(tmp_path / "mine.csv")
    assert table.outcome.value_counts().to_dict() == {"matched": 3, "missed": 2, "false": 2}
    assert table.error.median() == pytest.approx(0.3)
    told = json.loads((tmp_path / "mine.json").read_text())
    assert (told["truth"], told["detections"]) == ("truth", "film detections")
    assert (told["within_px"], told["frames"], told["found_with"]) == (5, [0, 1, 2, 3, 4], {"stage": 2})
    assert told["score"]["found"] == 0.6
    assert told["thesis"] is None
    press(qtbot, compared.save)
    qtbot.waitUntil(lambda: not compared.saving.running)
    assert (compared.status.kind, compared.status.said()) == ("error", why(with_ending, tmp_path / "mine", ".csv"))


def test_a_score_that_cannot_be_written_is_told(qtbot, compared, tmp_path, monkeypatch):
    (tmp_path / "mine.json").write_text("{}")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine.csv"), ""))
    press(qtbot, compared.save)
    qtbot.waitUntil(lambda: not compared.saving.running)
    expected = why(lambda: [*compared.answer.saved(tmp_path / "mine.csv")])
    assert (compared.status.kind, compared.status.said()) == ("error", expected)
    assert "mine.json" in expected
    assert not (tmp_path / "mine.csv").exists()


def test_a_dialog_left_saves_nothing(qtbot, compared, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    press(qtbot, compared.save)
    assert not compared.saving.running


# manners


def test_many_points_are_compared_beside_the_gui_thread(qtbot, compared, detections, monkeypatch):
    quick, threads = score_question.iter_compare, set()

    def watched(*args):
        for told in quick(*args):
            threads.add(threading.get_ident())
            yield told

    monkeypatch.setattr(score_question, "iter_compare", watched)
    detections.shown = [True, True, True, True, False]
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("False")) == [25, 4]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_closed_panel_lets_go(qtbot, compared, viewer, truth):
    def listeners():
        layers, points = viewer.layers.events, truth.events
        heard = [layers.removed, layers.inserted, layers.reordered, layers.renamed]
        told = [str(callback) for event in (*heard, points.data, points.set_data) for callback in event.callbacks]
        ours = ("LayerWatch", "PointsChoice", "ScoreLayers")
        return {name for name in ours if any(name in each for each in told)}

    assert listeners() == {"LayerWatch", "PointsChoice", "ScoreLayers"}
    compared.close()
    truth.data = TRUE[:1]
    assert not compared.form.watch.waiting
    assert not compared.work.running
    assert listeners() == set()


def test_a_closed_panel_takes_its_layers_along(qtbot, compared, viewer):
    press(qtbot, compared.marks)
    press(qtbot, compared.places.next)
    assert len(viewer.layers) == 5
    compared.close()
    assert [layer.name for layer in viewer.layers] == ["truth", "film detections"]


def test_following_and_leaving_twice_does_no_harm(qtbot, compared, truth):
    compared.leave()
    compared.leave()
    compared.follow()
    compared.follow()
    truth.data = TRUE[:2]
    settle(qtbot, compared)
    assert numbers_in(compared.numbers.said("Found")) == [100, 2]


def test_nothing_is_cut_off_at_320_pixels(qtbot, compared):
    qtbot.wait(20)
    assert compared.width() == 320
    bar = compared._area.verticalScrollBar()
    room = 320 - bar.sizeHint().width()
    assert compared._inner.minimumSizeHint().width() <= room
    for note in (compared.frames, compared.histogram.caption):
        assert note.height() >= note.heightForWidth(note.width())
    for part in (compared.places.next, compared.places.previous, compared.marks, compared.save, compared.form.within):
        assert part.width() >= part.minimumSizeHint().width()


def test_in_a_window_a_click_shows_the_miss_and_a_panel_taken_out_takes_its_layers_along(qtbot, make_window, session):
    viewer = make_window()
    viewer.add_image(np.zeros((5, 64, 64)), name="film")
    viewer.add_points(TRUE, name="truth")
    add_detections(viewer, **RING)
    panel = ScorePanel(viewer, session)
    dock = viewer.window.add_dock_widget(panel)
    settle(qtbot, panel)
    panel.marks.setChecked(True)
    press(qtbot, panel.places.next)
    assert (viewer.dims.current_step[0], *camera_of(viewer).center[-2:]) == (2, 30, 40)
    viewer.window.remove_dock_widget(dock)
    assert [layer.name for layer in viewer.layers] == ["film", "truth", "film detections"]
    viewer.layers["truth"].data = TRUE[[0, 4]]
    assert not panel.form.watch.waiting
    viewer.window.add_dock_widget(panel)
    settle(qtbot, panel)
    assert numbers_in(panel.numbers.said("Found")) == [50, 2]
    assert viewer.layers["missed"].data.tolist() == TRUE[4:].tolist()


def test_a_question_reads_layers_without_a_panel():
    question = ask(Points(TRUE, name="a"), Points(FOUND, name="b"), 5)
    *_, answer = question.answered()
    assert answer.comparison.score.matched == 3
    assert question.world(1, 2, 3).tolist() == [1, 2, 3]
