"""The Track panel, driven as a person does, over a viewer without a window."""

import json
import subprocess
import sys
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QFileDialog, QMessageBox
from spots import PATIENCE, SPOTS, busy_film, numbers_in, small_card, spot_film, why, write_network

from napari_growtrack.core.files.holding import check_free
from napari_growtrack.core.networks.archive import read_card
from napari_growtrack.core.simulation import BesselParticle, named_scene
from napari_growtrack.core.tables import DETECTION_COLUMNS, NO_LIMITS, Limits, read_table
from napari_growtrack.widgets.session.sentences import error_line, reason, stage_line
from napari_growtrack.widgets.session.session import Session
from napari_growtrack.widgets.shared.choices import OPEN
from napari_growtrack.widgets.shared.layers import layer_of, open_film
from napari_growtrack.widgets.track.keeper import compare
from napari_growtrack.widgets.track.panel import TrackPanel
from napari_growtrack.widgets.track.sentences import (
    NO_FILM,
    NO_NETWORK,
    NOTHING_SHARED,
    NOTHING_YET,
    WHOLE_FRAMES,
    accepted_line,
    compared_line,
    edited_line,
    file_left_line,
    file_written_line,
    gone_line,
    in_frame,
    in_run,
    range_words,
    restored_line,
    saved_line,
)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def panel(qtbot, viewer, session):
    panel = TrackPanel(viewer, session)
    panel.live.setChecked(False)
    panel.resize(340, 900)
    panel.show()
    qtbot.addWidget(panel)
    yield panel
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


@pytest.fixture
def film(viewer):
    return viewer.add_image(spot_film(), name="film")


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(choice, text):
    index = choice.findText(text)
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


def card_of(scene):
    card = small_card()
    scene = named_scene(scene) if isinstance(scene, str) else scene
    return card.with_(recipe=card.recipe.with_(scene=scene))


def finish(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.work.running)


def test_all_frames_give_rings_over_the_film(qtbot, panel, viewer, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    layer = viewer.layers["film detections"]
    assert tuple(layer.features) == (*DETECTION_COLUMNS, "stage")
    assert layer.features.groupby("frame").size().tolist() == [2] * 6
    assert layer.metadata["growtrack"]["settings"] == panel.session.cascade().model_dump()
    assert (panel.status.kind, numbers_in(panel.status.said())[:2]) == ("plain", [12, 6])


def test_this_frame_is_the_one_on_the_slider(qtbot, panel, viewer, film):
    viewer.dims.set_point(0, 4)
    press(qtbot, panel.this_frame)
    finish(qtbot, panel)
    assert viewer.layers["film detections"].data.tolist() == [[4, 20, 22], [4, 44, 50]]


def test_without_a_film_the_panel_says_what_to_do(panel, viewer):
    assert panel.status.said() == NO_FILM
    assert not panel.all_frames.isEnabled()
    viewer.add_image(spot_film())
    assert panel.status.said() == ""
    assert panel.all_frames.isEnabled()
    viewer.layers.clear()
    assert panel.status.said() == NO_FILM


def test_without_a_network_the_panel_says_what_to_do(qtbot, viewer, film, monkeypatch):
    monkeypatch.setattr("napari_growtrack.widgets.track.network_form.NetworkForm.choose", lambda *_: None)
    panel = TrackPanel(viewer, Session(load=lambda path: None))
    qtbot.addWidget(panel)
    assert panel.status.said() == NO_NETWORK
    assert not panel.all_frames.isEnabled()


@pytest.mark.parametrize(("shape", "rgb"), [((32, 32, 3), True), ((5, 2, 32, 32), False)])
def test_an_image_that_is_no_film_is_refused_at_once(panel, viewer, shape, rgb):
    image = viewer.add_image(np.arange(np.prod(shape)).astype(np.uint8).reshape(shape), rgb=rgb)
    assert (panel.status.kind, panel.status.said()) == ("error", why(open_film, image))
    assert not panel.this_frame.isEnabled()


def test_the_choice_of_image_survives_coming_going_and_renaming(panel, viewer, film):
    viewer.add_image(spot_film(), name="other")
    viewer.layers.selection.active = film
    viewer.layers.move(0, 2)
    film.name = "renamed"
    viewer.layers.remove("other")
    assert panel.image.image is film
    assert panel.image.currentText() == "renamed"


def test_the_image_that_is_selected_in_the_viewer_is_chosen_and_so_is_one_that_is_dropped(panel, viewer, film):
    other = viewer.add_image(spot_film(), name="other")
    assert panel.image.image is other
    viewer.layers.selection.active = film
    assert panel.image.image is film
    points = viewer.add_points(np.zeros((1, 3)))
    assert viewer.layers.selection.active == points
    assert panel.image.image is film


def test_a_film_that_is_tracked_stays_chosen_whatever_is_selected(qtbot, panel, viewer, film, network):
    other = viewer.add_image(spot_film(), name="other")
    viewer.layers.selection.active = film
    panel.show_working(True)
    viewer.layers.selection.active = other
    assert panel.image.image is film
    panel.show_working(False)


def test_sliding_tells_what_a_stage_is_and_chooses_it(panel, film):
    panel.form.stage.setValue(2)
    assert panel.session.chosen.stage == 2
    assert panel.form.stage_note.said() == stage_line(small_card(), 2)
    assert panel.form.error_note.said() == error_line(small_card(), 2)


def test_a_stage_can_look_everywhere_itself(qtbot, panel, film, network):
    everywhere = next(
        i for i in range(panel.form.screening.count()) if panel.form.screening.itemData(i) == (False, None)
    )
    choose(panel.form.screening, panel.form.screening.itemText(everywhere))
    assert (panel.session.cascade().stage, panel.session.cascade().screen) == (3, 3)
    press(qtbot, panel.this_frame)
    finish(qtbot, panel)
    assert set(network.asked) == {3}


def test_the_box_says_how_wide_particles_look(qtbot, panel, viewer):
    viewer.add_image(spot_film()[:, ::2, ::2], name="film")
    viewer.dims.set_point(0, 0)
    assert panel.form.diameter.value() == 10
    panel.form.diameter.setValue(5)
    press(qtbot, panel.this_frame)
    finish(qtbot, panel)
    layer = viewer.layers["film detections"]
    assert layer.data[:, 1:] == pytest.approx(SPOTS / 2, abs=0.5)
    assert layer.metadata["growtrack"]["diameter"] == 5


def test_the_diameter_is_kept_until_another_network_is_chosen(qtbot, panel, viewer, tmp_path):
    panel.form.diameter.setValue(5)
    again = TrackPanel(viewer, panel.session)
    qtbot.addWidget(again)
    assert again.form.diameter.value() == 5
    again.form.choose(str(write_network(tmp_path / "beads.growtrack", card_of("beads"))))
    assert again.form.diameter.value() == panel.session.chosen.diameter == 20


def test_the_box_offers_what_frames_can_be_resampled_for(panel):
    box = panel.form.diameter
    assert (box.minimum(), box.maximum(), box.singleStep()) == (2.5, 80, 0.5)


def test_a_rounded_diameter_is_still_the_networks_own(panel, tmp_path):
    scene = named_scene("vesicles").with_(particles=[BesselParticle(radius=1.5625, rings={1: 0.5})])
    panel.form.choose(str(write_network(tmp_path / "odd.growtrack", card_of(scene))))
    for _ in ("up", "down"):
        assert panel.session.chosen.diameter == 6.25
        panel.form.diameter.stepUp()
        assert panel.session.chosen.diameter == pytest.approx(6.75, abs=0.06)
        panel.form.diameter.stepDown()
    assert panel.session.chosen.diameter == 6.25


@pytest.mark.parametrize(("text", "found"), [("automatic", 4), ("as it is", 0), ("inverted", 4)])
def test_dark_spots_are_tracked_in_the_negative(qtbot, panel, viewer, text, found):
    viewer.add_image(-busy_film(), name="film")
    assert panel.form.contrast.currentText() == "automatic"
    choose(panel.form.contrast, text)
    press(qtbot, panel.this_frame)
    finish(qtbot, panel)
    assert len(viewer.layers["film detections"].data) == found
    assert panel.runs.records[-1].contrast == ("normal" if text == "as it is" else "inverted")
    assert panel.status.kind == ("warning" if text == "automatic" else "plain")


def test_a_file_is_opened_through_the_dialog(panel, film, tmp_path, monkeypatch):
    path = str(write_network(tmp_path / "mine.growtrack", small_card()))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path, ""))
    choice = panel.form.network
    choice.activated.emit(choice.findText(OPEN))
    assert (panel.session.chosen.name, choice.currentText()) == (path, "mine")
    assert panel.form.about.said() == small_card().recipe.about


def test_a_dialog_left_changes_nothing(panel, film, network_file, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choice = panel.form.network
    choice.activated.emit(choice.findText(OPEN))
    assert (panel.session.chosen.name, choice.currentText()) == (network_file, "small")
    assert panel.status.said() == ""


def test_a_broken_file_is_refused_and_the_earlier_network_stays(panel, film, tmp_path, network_file):
    broken = tmp_path / "broken.growtrack"
    broken.write_text("no zip")
    panel.form.choose(str(broken))
    assert panel.status.said() == why(read_card, broken)
    assert (panel.status.kind, panel.session.chosen.name) == ("error", network_file)
    assert panel.form.network.currentText() == "small"
    assert panel.all_frames.isEnabled()


def test_cancel_keeps_what_was_done(qtbot, panel, viewer, network):
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    press(qtbot, panel.all_frames)
    qtbot.waitUntil(lambda: panel.bar.value() >= 3)
    press(qtbot, panel.cancel)
    finish(qtbot, panel)
    tracked = viewer.layers["film detections"].metadata["growtrack"]["frames"]
    assert 3 <= len(tracked) < 500
    assert viewer.layers["film detections"].features.frame.nunique() == len(tracked)
    assert numbers_in(panel.status.said())[:3] == [len(tracked), 500, 2 * len(tracked)]


def test_while_working_nothing_that_would_change_the_run_can_be_touched(qtbot, panel, film, network):
    network.seconds = 0.05
    press(qtbot, panel.all_frames)
    assert not panel.form.isEnabled()
    assert panel.cancel.isVisible()
    assert not panel.all_frames.isVisible()
    finish(qtbot, panel)
    assert panel.form.isEnabled()
    assert not panel.cancel.isVisible()
    assert panel.all_frames.isVisible()


def test_frames_are_tracked_beside_the_gui_thread(qtbot, panel, film, network, monkeypatch):
    track, threads = network.__class__.answer, set()

    def watched(self, *args, **kwargs):
        threads.add(threading.get_ident())
        return track(self, *args, **kwargs)

    monkeypatch.setattr(network.__class__, "answer", watched)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert threads
    assert threading.get_ident() not in threads


def test_an_error_is_shown_with_what_was_done_before_it(qtbot, panel, viewer):
    film = spot_film()
    film[3, 0, 0] = np.nan
    viewer.add_image(film, name="film")
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert {3, 1} <= set(numbers_in(panel.status.said()))  # the frame, and its one pixel that is no number
    assert viewer.layers["film detections"].metadata["growtrack"]["frames"] == [0, 1, 2]
    assert panel.status.kind == "error"
    assert len(viewer.layers["film detections"].data) == 6


@pytest.mark.parametrize("error", [RuntimeError("odd"), MemoryError(), KeyError("odd")])
def test_an_unforeseen_error_is_shown_too(qtbot, panel, film, network, monkeypatch, error):
    told = []
    monkeypatch.setattr(
        "napari_growtrack.widgets.shared.panel.notification_manager.receive_error", lambda *a: told.append(a)
    )

    def fail(images, stage):
        raise error

    network.answer = fail
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert (panel.status.kind, panel.status.said()) == ("error", reason(error))
    assert [args[1] for args in told] == [error]
    assert panel.all_frames.isEnabled()


def test_warnings_of_the_core_are_shown_and_those_of_libraries_are_not(qtbot, panel, viewer, network):
    film = spot_film()
    film[[1, 2]] = 7
    viewer.add_image(film, name="film")
    answer = network.answer

    def chatty(images, stage):
        warnings.warn("old fashioned", DeprecationWarning, stacklevel=1)
        return answer(images, stage)

    network.answer = chatty
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert numbers_in(panel.status.said())[-1] == 1  # more warnings than the one that is told
    assert "old fashioned" not in panel.status.said()
    assert panel.status.kind == "warning"


def test_a_closed_panel_stops_and_lets_go(qtbot, panel, viewer, network):
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    press(qtbot, panel.all_frames)
    qtbot.waitUntil(lambda: panel.bar.value() >= 1)
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)
    qtbot.wait(20)
    assert len(viewer.layers) == 1
    listening = [viewer.layers.events.inserted, viewer.layers.events.renamed]
    assert not any("ImageChoice" in str(callback) for event in listening for callback in event.callbacks)


def test_a_panel_deleted_while_working_stops(qtbot, viewer, session, network):
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    panel = TrackPanel(viewer, session)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: len(network.asked) > 2)
    panel.deleteLater()
    del panel
    qtbot.wait(20)
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)
    assert all(len(layer.data) == 0 for layer in viewer.layers[1:])


def test_a_panel_taken_out_of_its_dock_stops(qtbot, make_window, session, network):
    viewer = make_window()
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    panel = TrackPanel(viewer, session)
    dock = viewer.window.add_dock_widget(panel)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: len(network.asked) > 2)
    viewer.window.remove_dock_widget(dock)
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)
    viewer.window.add_dock_widget(panel)
    viewer.add_image(spot_film(), name="later")
    assert panel.image.count() == 2


def test_nothing_is_cut_off_at_340_pixels(qtbot, panel, film):
    panel.status.tell("An error about /a/very/long/path" + "/and/so/on" * 20, "error")
    qtbot.wait(20)
    assert panel.width() == 340
    assert panel.minimumSizeHint().width() <= 340
    for label in (panel.form.about, panel.form.stage_note, panel.form.error_note, panel.form.screen_note, panel.status):
        assert label.height() >= label.heightForWidth(label.width())
    for part in (panel.this_frame, panel.all_frames, panel.form.screening, panel.form.diameter, panel.form.contrast):
        assert part.width() >= part.minimumSizeHint().width()


# Live preview -----------------------------------------------------------------------------------------------------


@pytest.fixture
def watching(qtbot, panel, film):
    """A panel whose preview has looked at the first frame."""
    panel.viewer.dims.set_point(0, 0)
    panel.live.setChecked(True)
    settle(qtbot, panel)
    return panel


def settle(qtbot, panel):
    """Wait until the preview has looked its fill."""
    qtbot.waitUntil(lambda: not panel.preview.work.running and not panel.preview._timer.isActive())
    qtbot.wait(5)


def preview(viewer):
    return viewer.layers["film preview"]


def test_the_preview_shows_the_frame_that_is_looked_at(qtbot, watching, viewer):
    assert preview(viewer).data.tolist() == [[0, 20, 18], [0, 44, 50]]
    viewer.dims.set_point(0, 3)
    settle(qtbot, watching)
    assert preview(viewer).data.tolist() == [[3, 20, 21], [3, 44, 50]]
    assert watching.thresholds.about.said() == accepted_line(2, 2, in_frame(3))


def test_the_preview_follows_what_is_chosen(qtbot, watching, viewer, network):
    watching.form.diameter.setValue(7)
    settle(qtbot, watching)
    assert set(preview(viewer).size) == {7}
    choose(watching.form.contrast, "inverted")
    settle(qtbot, watching)
    assert len(preview(viewer).data) == 0


def test_all_stages_were_asked_so_that_sliding_asks_none(qtbot, watching, viewer, network):
    network.asked.clear()
    for stage in (1, 2, 3):
        watching.form.stage.setValue(stage)
        assert set(preview(viewer).features["stage"]) == {stage}
    qtbot.wait(30)
    assert network.asked == []


def test_after_many_frames_only_the_last_is_shown(qtbot, watching, viewer, network):
    network.seconds = 0.05
    for frame in (1, 2, 3, 4, 5):
        viewer.dims.set_point(0, frame)
        qtbot.wait(10)
    settle(qtbot, watching)
    assert {place[0] for place in preview(viewer).data} == {5}


def test_speed_and_share_are_told_once_measured(watching):
    frames_a_second, *side, passed_on = numbers_in(watching.form.speed_note.said())
    assert frames_a_second > 0
    assert side == [64, 64]
    assert 0 <= passed_on <= 100


def test_the_preview_goes_away_when_it_is_turned_off(qtbot, watching, viewer):
    watching.live.setChecked(False)
    assert [layer.name for layer in viewer.layers] == ["film"]
    assert watching.thresholds.about.said() == NOTHING_YET
    viewer.dims.set_point(0, 2)
    qtbot.wait(50)
    assert [layer.name for layer in viewer.layers] == ["film"]


def test_the_preview_hides_behind_a_run_that_shows_the_same(qtbot, watching, viewer):
    press(qtbot, watching.all_frames)
    finish(qtbot, watching)
    settle(qtbot, watching)
    assert not preview(viewer).visible
    watching.form.stage.setValue(1)
    settle(qtbot, watching)
    assert preview(viewer).visible


def test_a_frame_that_cannot_be_looked_at_is_told(qtbot, panel, viewer):
    film = spot_film()
    film[2, 0, 0] = np.nan
    viewer.add_image(film, name="film")
    viewer.dims.set_point(0, 2)
    panel.live.setChecked(True)
    settle(qtbot, panel)
    assert {2, 1} <= set(numbers_in(panel.status.said()))
    assert panel.preview.candidates() is None


def test_the_preview_looks_at_another_image_when_that_is_chosen(qtbot, watching, viewer):
    viewer.add_image(spot_film()[:, ::-1], name="other")
    choose(watching.image, "other")
    settle(qtbot, watching)
    assert "film preview" not in viewer.layers
    assert viewer.layers["other preview"].data.tolist() == [[0, 19, 50], [0, 43, 18]]


def test_removing_the_previews_layer_turns_the_preview_off(qtbot, watching, viewer):
    viewer.layers.remove("film preview")
    qtbot.waitUntil(lambda: not watching.live.isChecked())
    viewer.dims.set_point(0, 3)
    qtbot.wait(50)
    assert [layer.name for layer in viewer.layers] == ["film"]


def test_clearing_all_layers_leaves_none_and_the_preview_on(qtbot, watching, viewer):
    viewer.layers.clear()
    qtbot.wait(50)
    assert (len(viewer.layers), watching.live.isChecked()) == (0, True)
    viewer.add_image(spot_film(), name="next")
    settle(qtbot, watching)
    assert "next preview" in viewer.layers


# Thresholds -------------------------------------------------------------------------------------------------------


def drag(histogram, mark):
    histogram._drag(histogram._place(mark))


def test_dragging_a_threshold_chooses_among_candidates_without_asking(qtbot, watching, viewer, network):
    network.asked.clear()
    layer = preview(viewer)
    drag(watching.thresholds.distance, watching.thresholds.distance.limits()[0])
    assert watching.session.chosen.accept_distance is not None
    watching.session.change(accept_distance=0.2)
    assert layer.shown.tolist() == [False, False]
    watching.thresholds.distance.button.click()
    assert watching.session.chosen.accept_distance is None
    assert layer.shown.tolist() == [True, True]
    assert network.asked == []


def test_the_accepted_distance_counts_pixels_of_the_film_where_frames_are_enlarged(qtbot, panel, viewer):
    viewer.add_image(spot_film()[:, ::2, ::2], name="film")
    own = panel.session.cascade().accept_distance
    panel.form.diameter.setValue(5)  # half as wide as the network's own: frames are enlarged twice
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert panel.thresholds.distance.mark() == pytest.approx(own / 2)
    drag(panel.thresholds.distance, 0.3)
    story = viewer.layers["film detections"].metadata["growtrack"]
    assert panel.session.chosen.accept_distance == pytest.approx(0.3, abs=0.05)
    assert story["settings"]["accept_distance"] == pytest.approx(2 * panel.session.chosen.accept_distance)
    assert panel.thresholds.distance.mark() == pytest.approx(panel.session.chosen.accept_distance)


def test_a_threshold_moved_after_a_run_changes_its_points_its_recipe_and_its_place_in_the_history(
    qtbot, panel, viewer, film, network
):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    network.asked.clear()
    panel.session.change(accept_distance=0.2)
    layer = viewer.layers["film detections"]
    assert layer.shown.sum() == 0
    assert layer.metadata["growtrack"]["settings"]["accept_distance"] == 0.2
    assert panel.runs.history.table.item(0, 4).text() == "0"
    assert panel.thresholds.about.said() == accepted_line(0, 12, in_run(1))
    panel.session.change(accept_distance=None)
    assert (layer.shown.sum(), panel.runs.history.table.item(0, 4).text(), network.asked) == (12, "12", [])


def test_a_threshold_moved_for_another_stage_leaves_the_run_alone(qtbot, panel, viewer, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.form.stage.setValue(1)
    panel.session.change(accept_distance=0.2)
    assert viewer.layers["film detections"].shown.sum() == 12


def measured(panel, radii):
    """Show the run as if its fits had found these radii, one in each frame's first place."""
    run = panel.runs.shown
    run.table["radius"] = np.resize(radii, len(run.table))
    panel.thresholds.limits.setVisible(True)
    panel.thresholds.limits.show_table(run.table, panel.session.chosen.limits)
    panel.thresholds.limits.column.setCurrentIndex(panel.thresholds.limits.column.findData("radius"))
    return panel.thresholds.limits


def test_limits_of_several_columns_choose_and_are_marked_kept_and_taken_back(qtbot, panel, viewer, film, network):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    network.asked.clear()
    layer, limits = viewer.layers["film detections"], measured(panel, [2.0, 4.0])
    panel.runs.shown.table["signal"] = np.arange(12.0)
    drag(limits.histogram, 3.0)
    assert layer.shown.sum() == 6
    assert [limits.column.itemText(row) for row in range(2)] == ["signal", "radius •"]
    panel.session.change(limits=panel.session.chosen.limits.with_("signal", None, 5))
    assert layer.shown.sum() == 3
    assert [limits.column.itemText(row) for row in range(2)] == ["signal •", "radius •"]
    assert layer.metadata["growtrack"]["limits"] == {"radius": [pytest.approx(3), None], "signal": [None, 5]}
    limited = panel.runs.shown.choice
    limits.histogram.button.click()
    assert (layer.shown.sum(), layer.metadata["growtrack"]["limits"]) == (6, {"signal": [None, 5]})
    panel.session.restore(limited)
    assert layer.shown.sum() == 3
    panel.session.change(limits=NO_LIMITS)
    assert (layer.shown.sum(), network.asked) == (12, [])
    assert "limits" not in layer.metadata["growtrack"]


@pytest.mark.parametrize(
    ("least", "greatest", "kept"),
    [("3", "", (3, np.inf)), ("", "3,5", (-np.inf, 3.5)), ("5", "3", (3, 5)), ("many", "3", (-np.inf, 3))],
)
def test_limits_can_be_typed(qtbot, panel, film, least, greatest, kept):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    limits = measured(panel, [2.0, 4.0])
    for box, text in ((limits.least, least), (limits.greatest, greatest)):
        box.clear()
        qtbot.keyClicks(box, text)
    limits.greatest.editingFinished.emit()
    assert panel.session.chosen.limits.of_column("radius") == kept


# Frames, view, history --------------------------------------------------------------------------------------------


def test_a_range_of_frames_is_tracked(qtbot, panel, viewer, film):
    assert panel.all_frames.text() == range_words(0, 5, whole=True)
    panel.first.setValue(2)
    panel.last.setValue(3)
    assert panel.all_frames.text() == range_words(2, 3, whole=False)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert viewer.layers["film detections"].metadata["growtrack"]["frames"] == [2, 3]


def test_a_range_cannot_end_before_it_begins(panel, film):
    panel.first.setValue(4)
    panel.last.setValue(1)
    assert (panel.first.value(), panel.last.value()) == (4, 4)


def test_only_the_field_of_view_is_tracked(qtbot, panel, viewer, film):
    film.corner_pixels = np.array([[0, 30, 30], [0, 63, 63]])
    panel.view_only.setChecked(True)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    layer = viewer.layers["film detections"]
    assert layer.data.tolist() == [[frame, 44, 50] for frame in range(6)]
    assert layer.metadata["growtrack"]["region"] == [30, 30, 64, 64]


def test_the_settings_of_any_run_are_restored(qtbot, panel, film):
    panel.form.stage.setValue(1)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.form.stage.setValue(3)
    panel.form.diameter.setValue(12)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.runs.history.table.selectRow(1)
    press(qtbot, panel.runs.history.restoring)
    assert (panel.form.stage.value(), panel.form.diameter.value()) == (1, 10)
    assert (panel.status.kind, panel.status.said()) == ("plain", restored_line(1))


def test_two_runs_are_compared(qtbot, panel, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.first.setValue(3)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.runs.history.table.selectAll()
    press(qtbot, panel.runs.history.comparing)
    told = compare(*panel.runs.records)
    assert told == ((1, 2), 3, 6, 0, (0, 0))
    assert panel.runs.history.difference.said() == compared_line(told)


def test_runs_of_different_frames_are_not_compared(qtbot, panel, film):
    panel.last.setValue(2)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.last.setValue(5)
    panel.first.setValue(3)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.runs.compare(1, 2)
    assert (panel.status.kind, panel.status.said()) == ("error", NOTHING_SHARED)


def test_a_run_is_shown_again(qtbot, panel, viewer, film):
    for first in (0, 2):
        panel.first.setValue(first)
        press(qtbot, panel.all_frames)
        finish(qtbot, panel)
    viewer.layers.remove("film detections")
    panel.runs.history.table.selectRow(1)
    press(qtbot, panel.runs.history.showing)
    assert len(layer_of(viewer, 1).data) == 12
    viewer.layers.remove("film")
    panel.runs.show_run(1)
    assert (panel.status.kind, panel.status.said()) == ("error", gone_line("film", 1))


def test_a_run_is_saved_with_its_settings(qtbot, panel, film, tmp_path, monkeypatch):
    path = tmp_path / "Körner.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.session.change(accept_distance=1.5)
    press(qtbot, panel.runs.history.saving)
    assert len(read_table(path)) == 12
    story = json.loads(path.with_suffix(".json").read_text())
    assert (story["settings"]["accept_distance"], story["image"]) == (1.5, "film")
    assert (panel.status.kind, panel.status.said()) == ("plain", saved_line(12, str(path)))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path / "x.csv"), ""))
    press(qtbot, panel.runs.history.saving)
    assert panel.status.kind == "error"


# Coming and going ----------------------------------------------------------------------------------------------------


def test_an_image_deleted_while_it_is_tracked_leaves_the_run_and_nothing_else(qtbot, panel, viewer, network):
    viewer.add_image(spot_film(60), name="film")
    network.seconds = 0.01
    press(qtbot, panel.all_frames)
    qtbot.waitUntil(lambda: panel.bar.value() >= 3)
    viewer.layers.clear()
    finish(qtbot, panel)
    assert len(viewer.layers) == 0
    assert panel.runs.records[0].number == 1
    assert not panel.all_frames.isEnabled()


def test_a_second_run_does_not_begin_while_one_goes_on(qtbot, panel, viewer, network):
    viewer.add_image(spot_film(60), name="film")
    network.seconds = 0.01
    press(qtbot, panel.all_frames)
    run = panel._run
    panel.track_this_frame()
    assert panel._run is run
    press(qtbot, panel.cancel)
    finish(qtbot, panel)


def test_keys_do_what_the_list_says_and_are_given_back(qtbot, panel, viewer, film):
    keys = {str(key): action for key, action in viewer.keymap.items()}
    assert {"Alt+T", "Shift+Alt+T", "Alt+P", "Alt+Left", "Alt+Right", "Alt+C"} <= {*keys}
    keys["Alt+Left"](viewer)
    assert panel.session.chosen.stage == 2
    keys["Shift+Alt+T"](viewer)
    finish(qtbot, panel)
    assert len(panel.runs.records[0].frames) == 6
    panel.leave()
    assert not any(str(key).startswith("Alt+T") for key in viewer.keymap)


def test_a_closed_panel_takes_its_preview_along(qtbot, watching, viewer):
    watching.close()
    assert [layer.name for layer in viewer.layers] == ["film"]
    assert watching.session.panels == {}


def test_a_network_that_is_offered_while_the_panel_is_open_can_be_chosen(panel, film, tmp_path):
    path = write_network(tmp_path / "late.growtrack", small_card())
    panel.session.offer("late (growing)", path)
    assert panel.form.network.findText("late (growing)") >= 0
    panel.session.withdraw("late (growing)")
    assert panel.form.network.findText("late (growing)") < 0


# Runs and their images ------------------------------------------------------------------------------------------------


def test_another_image_has_its_own_preview_and_thresholds(qtbot, watching, viewer):
    press(qtbot, watching.all_frames)
    finish(qtbot, watching)
    viewer.add_image(spot_film()[:, ::-1], name="other")
    choose(watching.image, "other")
    settle(qtbot, watching)
    assert viewer.layers["other preview"].visible
    assert watching.thresholds.about.said() == accepted_line(2, 2, in_frame(0))
    watching.session.change(accept_distance=0.2)
    assert viewer.layers["film detections"].shown.sum() == 12


def test_runs_outlast_a_panel_and_go_on_counting(qtbot, panel, viewer, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    panel.close()
    again = TrackPanel(viewer, panel.session)
    qtbot.addWidget(again)
    assert again.runs.history.table.rowCount() == 1
    again.track_this_frame()
    finish(qtbot, again)
    assert [record.number for record in again.runs.records] == [1, 2]
    again.close()


def test_a_run_finds_its_image_by_what_it_is_not_by_its_name(qtbot, panel, viewer, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    film.name = "renamed"
    panel.runs.show_run(1)
    assert len(viewer.layers["renamed detections"].data) == 12
    viewer.layers.remove("renamed")
    viewer.add_image(spot_film(), name="film")
    panel.runs.show_run(1)
    assert (panel.status.kind, panel.status.said()) == ("error", gone_line("film", 1))


def test_points_edited_by_hand_are_left_as_they_are(qtbot, panel, viewer, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    layer = viewer.layers["film detections"]
    layer.data = layer.data[1:]
    settings = dict(layer.metadata["growtrack"]["settings"])
    panel.session.change(accept_distance=0.2)
    assert (layer.shown.sum(), layer.metadata["growtrack"]["settings"]) == (11, settings)
    assert (panel.status.kind, panel.status.said()) == ("warning", edited_line("film detections"))


def test_new_data_in_an_image_are_a_new_film(qtbot, panel, film):
    film.data = spot_film(9)
    assert panel.last.value() == 8
    film.data = spot_film(3)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert list(panel.runs.records[-1].frames) == [0, 1, 2]


def test_a_renamed_image_keeps_the_chosen_frames(panel, film):
    panel.first.setValue(2)
    film.name = "renamed"
    assert (panel.first.value(), panel.image.currentText()) == (2, "renamed")


def test_a_part_of_the_frames_tells_nothing_of_the_speed_on_whole_ones(qtbot, panel, film):
    film.corner_pixels = np.array([[0, 30, 30], [0, 63, 63]])
    panel.view_only.setChecked(True)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert panel.preview.speed((64, 64)) is None


def test_going_back_before_the_next_frame_was_looked_at_stays_there(qtbot, watching, viewer):
    viewer.dims.set_point(0, 3)
    viewer.dims.set_point(0, 0)
    settle(qtbot, watching)
    assert watching.preview.frame == 0
    assert {place[0] for place in preview(viewer).data} == {0}


def test_a_constant_frame_is_told_once_and_by_its_number(qtbot, panel, viewer):
    film = spot_film()
    film[3] = 7
    viewer.add_image(film, name="film")
    viewer.dims.set_point(0, 3)
    told = []
    panel.preview.work.warned.connect(told.append)
    panel.live.setChecked(True)
    settle(qtbot, panel)
    assert [numbers_in(sentence) for sentence in told] == [[3]]


def test_opening_the_panel_again_keeps_the_contrast(qtbot, panel, viewer):
    panel.session.change(contrast="inverted")
    again = TrackPanel(viewer, panel.session)
    qtbot.addWidget(again)
    assert panel.session.chosen.contrast == "inverted"
    again.close()


def test_a_viewer_closed_while_it_tracks_ends_the_work(qtbot, make_window, session, network):
    viewer = make_window()
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    panel = TrackPanel(viewer, session)
    viewer.window.add_dock_widget(panel)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: len(network.asked) > 5)
    viewer.close()
    qtbot.wait(50)
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


# Into a file ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The file that the person picks."""
    path = tmp_path / "long.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    return path


def answers(monkeypatch, button):
    """Let a person answer what is asked, and tell how often that was."""
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *told: asked.append(told) or getattr(QMessageBox, button))
    return asked


def test_limits_hold_in_a_file_too(qtbot, panel, film, table):
    panel.session.change(limits=Limits.of({"distance": (0, 0.6), "x": (None, 30)}))
    press(qtbot, panel.into_file)
    finish(qtbot, panel)
    assert len(read_table(table)) == len(film.data)
    assert json.loads(table.with_suffix(".json").read_text())["limits"] == {"distance": [0, 0.6], "x": [None, 30]}


def test_a_film_is_tracked_into_a_file_as_its_layer_would_be(qtbot, panel, film, table):
    film.metadata["growtrack"] = {"pixel_size": 0.1, "frame_time": 0.02}
    panel.session.change(accept_distance=1.0)
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    layer = panel.runs.records[0].detections
    press(qtbot, panel.into_file)
    assert (panel.cancel.isVisible(), panel.into_file.isVisible()) == (True, False)
    finish(qtbot, panel)
    written = read_table(table)
    pd.testing.assert_frame_equal(written[["frame", "y", "x"]], layer[["frame", "y", "x"]].reset_index(drop=True))
    told = json.loads(table.with_suffix(".json").read_text())
    assert (told["film"], told["pixel_size"], told["frame_time"]) == ("film", 0.1, 0.02)
    assert told["settings"]["accept_distance"] == panel.session.cascade().accept_distance
    assert (panel.status.said(), panel.status.kind) == (
        file_written_line(len(written), len(film.data), "long.csv"),
        "plain",
    )
    assert len(panel.runs.records) == 1


def test_a_file_that_was_left_is_gone_on_with_or_begun_anew(qtbot, panel, viewer, table, monkeypatch):
    viewer.add_image(np.concatenate([spot_film()] * 40), name="film")
    press(qtbot, panel.into_file)
    qtbot.waitUntil(lambda: panel.work.running and panel.bar.value() >= 70)
    press(qtbot, panel.cancel)
    finish(qtbot, panel)
    kept = table.with_name("long.csv.unfinished")
    qtbot.waitUntil(kept.exists)
    assert panel.status.said().endswith(file_left_line(70, 240, "long.csv").partition(",")[2])
    asked = answers(monkeypatch, "Cancel")
    press(qtbot, panel.into_file)
    assert (len(asked), panel.work.running) == (1, False)
    answers(monkeypatch, "Yes")
    press(qtbot, panel.into_file)
    finish(qtbot, panel)
    assert not kept.exists(), panel.status.said()
    whole = read_table(table)
    assert sorted(set(whole["frame"])) == [*range(len(panel.image.image.data))]
    table.unlink()
    press(qtbot, panel.into_file)
    finish(qtbot, panel)
    pd.testing.assert_frame_equal(read_table(table), whole)


def test_a_file_takes_whole_frames(qtbot, panel, film, table):
    panel.view_only.setChecked(True)
    press(qtbot, panel.into_file)
    assert (panel.status.said(), panel.work.running) == (WHOLE_FRAMES, False)
    assert not table.exists()


def test_a_file_that_cannot_be_written_is_refused(qtbot, panel, film, tmp_path, monkeypatch):
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "folder.csv"), ""))
    press(qtbot, panel.into_file)
    finish(qtbot, panel)
    assert panel.status.kind == "error"
    assert "folder.csv" in panel.status.said()


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_a_file_that_another_process_writes_is_refused_and_nothing_of_it_is_lost(
    qtbot, panel, film, table, monkeypatch, answer
):
    answers(monkeypatch, answer)  # to whether to go on with what the first has written, or to throw it away
    kept = {"long.csv": b"what is there", "long.csv.unfinished/rows.csv": b"what the first run wrote"}
    for name, content in kept.items():
        (table.parent / name).parent.mkdir(exist_ok=True)
        (table.parent / name).write_bytes(content)
    code = (
        "import sys; from napari_growtrack.core.files.holding import Hold; hold = Hold(sys.argv[1]); print(); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(table)], stdin=-1, stdout=-1) as first:
        first.stdout.readline()
        refusal = why(check_free, table)
        press(qtbot, panel.into_file)
        finish(qtbot, panel)
        assert (panel.status.kind, panel.status.said()) == ("error", refusal)
        assert f"{table} is being written by process {first.pid} on" in refusal
        assert {name: (table.parent / name).read_bytes() for name in kept} == kept
        first.communicate(b"\n")


def test_what_a_run_told_stays_while_the_preview_looks_again(qtbot, panel, film, table):
    panel.live.setChecked(True)
    press(qtbot, panel.into_file)
    finish(qtbot, panel)
    said = file_written_line(len(read_table(table)), len(film.data), "long.csv")
    qtbot.waitUntil(lambda: panel.preview.candidates() is not None)
    qtbot.wait(50)
    assert panel.status.said() == said
