"""The Track panel, driven as a person does, over a viewer without a window."""

import time
import warnings

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt, QThreadPool, QTimer
from qtpy.QtWidgets import QFileDialog
from spots import SPOTS, BrightSpots, busy_film, small_card, spot_film, write_network

from napari_growtrack.core.simulation import Particle, named_scene
from napari_growtrack.core.tables import DETECTION_COLUMNS
from napari_growtrack.widgets.choices import OPEN
from napari_growtrack.widgets.session import Session
from napari_growtrack.widgets.track import NO_FILM, NO_NETWORK, TrackPanel


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def panel(qtbot, viewer, session):
    panel = TrackPanel(viewer, session)
    panel.resize(320, 600)
    panel.show()
    qtbot.addWidget(panel)
    yield panel
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(10_000)


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
    qtbot.waitUntil(lambda: not panel.work.running, timeout=20_000)


def test_all_frames_give_rings_over_the_film(qtbot, panel, viewer, film):
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    layer = viewer.layers["film detections"]
    assert tuple(layer.features) == DETECTION_COLUMNS
    assert layer.features.groupby("frame").size().tolist() == [2] * 6
    assert layer.metadata["growtrack"]["settings"] == panel.session.cascade().model_dump()
    assert panel.status.said().startswith("12 detections in 6 frames, ")
    assert panel.status.kind == "plain"


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
    monkeypatch.setattr("napari_growtrack.widgets.track.bundled", dict)
    panel = TrackPanel(viewer)
    qtbot.addWidget(panel)
    assert panel.status.said() == NO_NETWORK
    assert not panel.all_frames.isEnabled()


@pytest.mark.parametrize(
    ("shape", "rgb", "sentence"),
    [((32, 32, 3), True, "colour image"), ((5, 2, 32, 32), False, "expected (T, Y, X)")],
)
def test_an_image_that_is_no_film_is_refused_at_once(panel, viewer, shape, rgb, sentence):
    viewer.add_image(np.zeros(shape, np.uint8), rgb=rgb)
    assert sentence in panel.status.said()
    assert panel.status.kind == "error"
    assert not panel.this_frame.isEnabled()


def test_the_choice_of_image_survives_coming_going_and_renaming(panel, viewer, film):
    viewer.add_image(spot_film(), name="other")
    viewer.layers.move(0, 2)
    film.name = "renamed"
    viewer.layers.remove("other")
    assert panel.image.image is film
    assert panel.image.currentText() == "renamed"


def test_sliding_tells_what_a_stage_is_and_chooses_it(panel, film):
    panel.form.stage.setValue(2)
    assert panel.session.stage == 2
    assert panel.form.stage_note.said().startswith("Stage 2 of 3: 4 8 8 8 8 units")
    assert panel.form.error_note.said().startswith("Expected error 0.17 px at SNR 3, 0.05 px at SNR 10 (simulated")


def test_the_box_takes_the_screen_away(qtbot, panel, film, network):
    panel.form.screening.setChecked(False)
    assert panel.form.screen_note.said() == "Stage 3 looks everywhere"
    press(qtbot, panel.this_frame)
    finish(qtbot, panel)
    assert set(network.asked) == {3}


def test_the_box_says_how_wide_particles_look(qtbot, panel, viewer):
    viewer.add_image(spot_film()[:, ::2, ::2], name="film")
    viewer.dims.set_point(0, 0)
    assert panel.form.diameter.text() == "10.0 px"
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
    assert again.form.diameter.value() == panel.session.diameter == 20


def test_the_box_offers_what_frames_can_be_resampled_for(panel):
    box = panel.form.diameter
    assert (box.minimum(), box.maximum(), box.singleStep()) == (2.5, 80, 0.5)


def test_a_rounded_diameter_is_still_the_networks_own(panel, tmp_path):
    scene = named_scene("vesicles").with_(particles=[Particle(radius=1.5625, rings={1: 0.5})])
    panel.form.choose(str(write_network(tmp_path / "odd.growtrack", card_of(scene))))
    for _ in ("up", "down"):
        assert panel.session.diameter == 6.25
        panel.form.diameter.stepUp()
        assert panel.session.diameter == pytest.approx(6.75, abs=0.06)
        panel.form.diameter.stepDown()
    assert panel.session.diameter == 6.25


@pytest.mark.parametrize(("text", "found"), [("automatic", 4), ("as it is", 0), ("inverted", 4)])
def test_dark_spots_are_tracked_in_the_negative(qtbot, panel, viewer, text, found):
    viewer.add_image(-busy_film(), name="film")
    assert panel.form.contrast.currentText() == "automatic"
    choose(panel.form.contrast, text)
    press(qtbot, panel.this_frame)
    finish(qtbot, panel)
    assert len(viewer.layers["film detections"].data) == found
    assert ("the negative is tracked" in panel.status.said()) == (text == "automatic")
    assert panel.status.kind == ("warning" if text == "automatic" else "plain")


def test_a_file_is_opened_through_the_dialog(panel, film, tmp_path, monkeypatch):
    path = str(write_network(tmp_path / "mine.growtrack", small_card()))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path, ""))
    choice = panel.form.network
    choice.activated.emit(choice.findText(OPEN))
    assert (panel.session.name, choice.currentText()) == (path, "mine")
    assert panel.form.about.said() == "Bright spots, for tests."


def test_a_dialog_left_changes_nothing(panel, film, network_file, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choice = panel.form.network
    choice.activated.emit(choice.findText(OPEN))
    assert (panel.session.name, choice.currentText()) == (network_file, "small")
    assert panel.status.said() == ""


def test_a_broken_file_is_refused_and_the_earlier_network_stays(panel, film, tmp_path, network_file):
    broken = tmp_path / "broken.growtrack"
    broken.write_text("no zip")
    panel.form.choose(str(broken))
    assert "broken.growtrack is not a grown network" in panel.status.said()
    assert (panel.status.kind, panel.session.name) == ("error", network_file)
    assert panel.form.network.currentText() == "small"
    assert panel.all_frames.isEnabled()


def test_cancel_keeps_what_was_done(qtbot, panel, viewer, network):
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    press(qtbot, panel.all_frames)
    qtbot.waitUntil(lambda: panel.bar.value() >= 3, timeout=20_000)
    began = time.perf_counter()
    press(qtbot, panel.cancel)
    finish(qtbot, panel)
    assert time.perf_counter() - began < 1
    tracked = viewer.layers["film detections"].metadata["growtrack"]["frames"]
    assert 3 <= len(tracked) < 500
    assert viewer.layers["film detections"].features.frame.nunique() == len(tracked)
    assert panel.status.said().startswith(f"Stopped after {len(tracked)} of 500 frames: {2 * len(tracked)} detections")


def test_cancel_while_loading_changes_nothing(qtbot, viewer, film, network_file):
    def slow(path):
        time.sleep(1.5)
        return BrightSpots()

    session = Session(load=slow)
    session.choose(network_file)
    panel = TrackPanel(viewer, session)
    qtbot.addWidget(panel)
    panel.show()
    press(qtbot, panel.all_frames)
    assert panel.status.said() == "Loading the network..."
    assert (panel.bar.minimum(), panel.bar.maximum()) == (0, 0)
    began = time.perf_counter()
    press(qtbot, panel.cancel)
    finish(qtbot, panel)
    assert time.perf_counter() - began < 1
    assert panel.status.said() == "Stopped before the first frame; nothing was changed."
    assert len(viewer.layers) == 1


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


def test_the_gui_goes_on_while_frames_are_tracked(qtbot, panel, film, network):
    network.seconds, gaps, before = 0.4, [], [0.0]

    def tick():
        gaps.append(time.perf_counter() - before[0])
        before[0] = time.perf_counter()

    timer = QTimer()
    timer.timeout.connect(tick)
    before[0] = time.perf_counter()
    timer.start(5)
    press(qtbot, panel.all_frames)
    qtbot.waitUntil(lambda: panel.bar.value() >= 2, timeout=20_000)
    timer.stop()
    assert max(gaps) < 0.25  # less than a frame takes; far more than an idle machine needs
    assert np.median(gaps) < 0.05


def test_an_error_is_shown_with_what_was_done_before_it(qtbot, panel, viewer):
    film = spot_film()
    film[3, 0, 0] = np.nan
    viewer.add_image(film, name="film")
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert "Frame 3 of film holds 1 NaN or infinite pixel" in panel.status.said()
    assert "Stopped after 3 of 6 frames" in panel.status.said()
    assert panel.status.kind == "error"
    assert len(viewer.layers["film detections"].data) == 6


@pytest.mark.parametrize("error", [RuntimeError("odd"), MemoryError(), KeyError("odd")])
def test_an_unforeseen_error_is_shown_too(qtbot, panel, film, network, monkeypatch, error):
    told = []
    monkeypatch.setattr("napari_growtrack.widgets.track.notification_manager.receive_error", lambda *a: told.append(a))

    def fail(images, stage):
        raise error

    network.answer = fail
    press(qtbot, panel.all_frames)
    finish(qtbot, panel)
    assert type(error).__name__ in panel.status.said()
    assert panel.status.kind == "error"
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
    assert "Frame 1 of film is constant" in panel.status.said()
    assert "(and 1 more warning)" in panel.status.said()
    assert "old fashioned" not in panel.status.said()
    assert panel.status.kind == "warning"


def test_a_closed_panel_stops_and_lets_go(qtbot, panel, viewer, network):
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    press(qtbot, panel.all_frames)
    qtbot.waitUntil(lambda: panel.bar.value() >= 1, timeout=20_000)
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(5_000)
    qtbot.wait(20)
    assert len(viewer.layers) == 1
    listening = [viewer.layers.events.inserted, viewer.layers.events.renamed]
    assert not any("ImageChoice" in str(callback) for event in listening for callback in event.callbacks)


def test_a_panel_deleted_while_working_stops(qtbot, viewer, session, network):
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    panel = TrackPanel(viewer, session)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: len(network.asked) > 2, timeout=20_000)
    panel.deleteLater()
    del panel
    qtbot.wait(20)
    assert QThreadPool.globalInstance().waitForDone(5_000)
    assert len(viewer.layers) == 1


def test_a_panel_taken_out_of_its_dock_stops(qtbot, make_window, session, network):
    viewer = make_window()
    viewer.add_image(spot_film(500), name="film")
    network.seconds = 0.01
    panel = TrackPanel(viewer, session)
    dock = viewer.window.add_dock_widget(panel)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: len(network.asked) > 2, timeout=20_000)
    viewer.window.remove_dock_widget(dock)
    assert QThreadPool.globalInstance().waitForDone(5_000)
    viewer.window.add_dock_widget(panel)
    viewer.add_image(spot_film(), name="later")
    assert panel.image.count() == 2


def test_nothing_is_cut_off_at_320_pixels(qtbot, panel, film):
    panel.status.tell("An error about /a/very/long/path" + "/and/so/on" * 20, "error")
    qtbot.wait(20)
    assert panel.width() == 320
    assert panel.minimumSizeHint().width() <= 320
    for label in (panel.form.about, panel.form.stage_note, panel.form.error_note, panel.form.screen_note, panel.status):
        assert label.height() >= label.heightForWidth(label.width())
    for part in (panel.this_frame, panel.all_frames, panel.form.screening, panel.form.diameter, panel.form.contrast):
        assert part.width() >= part.minimumSizeHint().width()
