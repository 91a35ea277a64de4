"""The Networks panel: cards, what networks were grown on and what they reached, and maps of what is at the cursor."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QFileDialog, QMessageBox
from spots import PATIENCE, SPOTS, BrightSpots, classes_card, numbers_in, small_card, spot_film, why, write_network

from napari_growtrack.core.detection.cascade import view_of
from napari_growtrack.core.detection.zoom import to_network
from napari_growtrack.core.errors import NetworkFileError
from napari_growtrack.core.films import ArrayStack
from napari_growtrack.core.growth.plan import Block, Plan
from napari_growtrack.core.networks.archive import read_archive, read_card, write_archive
from napari_growtrack.core.networks.bundled import DEFAULT, bundled
from napari_growtrack.core.networks.card import Accuracy, Card
from napari_growtrack.core.simulation import named_scene
from napari_growtrack.jobs.context import Context, FilmFacts, NetworkFile, SizedNetwork
from napari_growtrack.jobs.network_views import ActivationMaps, SampleWindows
from napari_growtrack.widgets.networks.buttons import copy_network
from napari_growtrack.widgets.networks.card_view import sample_windows
from napari_growtrack.widgets.networks.maps_view import layers
from napari_growtrack.widgets.networks.panel import NetworksPanel
from napari_growtrack.widgets.networks.sentences import (
    NO_IMAGE,
    NOT_FLAT,
    NOT_FOR_TRACKING,
    answer_line,
    chosen_line,
    delete_question,
    deleted_line,
    outside_line,
)
from napari_growtrack.widgets.session.card_facts import cost_lines, error_lines, grown_on_line, measured_line
from napari_growtrack.widgets.session.sentences import saved_as_line
from napari_growtrack.widgets.session.session import Session
from napari_growtrack.widgets.shared.layers import open_film, shown_frame
from napari_growtrack.widgets.shared.opening import with_ending

PLAN = small_card().plan


class Grown:
    """Makes maps that hold the number of their stage."""

    plan = PLAN

    def column_model(self, stage, given):
        maps = [np.full((1, *PLAN.map_shape(b.row), PLAN.width(b)), stage, "f4") for b in PLAN.column(stage)]
        return SimpleNamespace(predict_on_batch=lambda images: maps)


class Units(BrightSpots):
    """Finds bright spots, has maps, and keeps each window it was shown; may be held until told to go on."""

    window, step, plan = PLAN.side, PLAN.step, PLAN

    def __init__(self) -> None:
        super().__init__()
        self.grown, self.shown = Grown(), []
        self.go_on = threading.Event()
        self.go_on.set()

    def answer(self, images, stage):
        assert self.go_on.wait(PATIENCE / 1000)
        self.shown.append(images[0])
        self.asked.append(stage)
        y, x = np.array(np.unravel_index(images[0].argmax(), images[0].shape)) - self.window // 2
        return np.array([[[[y, x, np.hypot(y, x)]]]], np.float32)


@pytest.fixture
def units():
    return Units()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTRACK_NETWORKS", str(tmp_path / "mine"))
    return tmp_path / "mine"


@pytest.fixture
def session(units, network_file, folder):
    session = Session(load=lambda path: units)
    session.choose(network_file)
    return session


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def open_panel(qtbot, viewer):
    opened = []

    def open_one(session):
        panel = NetworksPanel(viewer, session)
        panel.resize(320, 900)
        panel.show()
        qtbot.addWidget(panel)
        opened.append(panel)
        return panel

    yield open_one
    for panel in opened:
        panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


@pytest.fixture
def panel(open_panel, session):
    return open_panel(session)


@pytest.fixture
def film(viewer):
    image = viewer.add_image(spot_film(), name="film")
    viewer.dims.set_point(0, 0)
    return image


@pytest.fixture
def watching(panel):
    """Return the panel with its maps following the cursor."""
    panel.sections["maps"].set_open(True)
    panel.maps.following.setChecked(True)
    return panel


def point_at(viewer, *position):
    for told in viewer.mouse_move_callbacks:
        told(viewer, SimpleNamespace(position=position))


def finish(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.maps.work.running)


def told_maps(panel):
    """Return the maps that are shown; the answer beside them is theirs."""
    maps = panel.maps.view.maps
    assert panel.maps.view.answer.said() == answer_line(maps, panel.shown.card)
    return maps


def answer(monkeypatch, reply):
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda parent, title, text: asked.append(text) or reply)
    return asked


def pick_file(monkeypatch, path):
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: (str(path), ""))


def pick(panel, text):
    index = panel.network.findText(text)
    panel.network.setCurrentIndex(index)
    panel.network.activated.emit(index)


CLASSES = classes_card(
    accuracies=[Accuracy(stage=1, right=0.5, images=1000), Accuracy(stage=2, right=0.975, images=1000)],
)


# Which network --------------------------------------------------------------------------------------------------------


def test_the_panel_starts_with_the_chosen_network_and_then_keeps_its_own(panel, session, network_file):
    assert panel.shown.name == network_file
    assert panel.network.currentData() == network_file
    panel.choose(DEFAULT)
    assert session.choice.name == network_file
    session.change(stage=1)
    assert panel.shown.name == panel.network.currentData() == DEFAULT


def test_without_a_choice_the_panel_starts_with_the_default(open_panel, folder):
    assert open_panel(Session(load=None)).shown.name == DEFAULT


def test_where_the_chosen_file_has_gone_the_panel_says_so_and_shows_the_default(open_panel, session, tmp_path):
    path = write_network(tmp_path / "gone.growtrack", small_card())
    session.choose(str(path))
    path.unlink()
    panel = open_panel(session)
    assert (panel.status.kind, panel.status.said()) == ("error", why(read_card, path))
    assert panel.shown.name == panel.network.currentData() == DEFAULT


def test_of_a_network_of_very_many_stages_only_some_are_listed(panel, tmp_path):
    card = small_card()
    many = card.recipe.with_(plan=Plan.features((16, 32, 64), (32, 32)))
    path = write_network(tmp_path / "many.growtrack", Card(recipe=many, provenance=card.provenance))
    panel.choose(str(path))
    assert panel.stage.count() == 176
    stages = [numbers_in(line)[0] for line in panel.costs.said().splitlines()]
    assert (len(stages), stages[0], stages[-1]) == (8, 1, 176)


def test_networks_that_come_later_are_offered(panel, session, folder):
    write_network(folder / "own.growtrack", small_card())
    session.networks_changed.emit()
    pick(panel, "own")
    assert panel.shown.file.path == folder / "own.growtrack"


def test_an_opened_file_is_shown_and_offered_to_other_panels(panel, session, tmp_path, monkeypatch):
    path = write_network(tmp_path / "elsewhere.growtrack", small_card())
    pick_file(monkeypatch, path)
    pick(panel, "Open file...")
    assert panel.shown.name == str(path)
    assert session.networks()["elsewhere"] == str(path)


def test_a_dialog_that_is_closed_changes_nothing(panel, monkeypatch, network_file):
    pick_file(monkeypatch, "")
    pick(panel, "Open file...")
    assert panel.shown.name == panel.network.currentData() == network_file


@pytest.mark.parametrize("content", [None, b"PK nonsense"])
def test_a_file_that_cannot_be_read_is_refused_and_the_card_stays(
    panel, session, tmp_path, monkeypatch, network_file, content
):
    path = tmp_path / "broken.growtrack"
    if content:
        path.write_bytes(content)
    pick_file(monkeypatch, path)
    pick(panel, "Open file...")
    assert (panel.status.kind, panel.status.said()) == ("error", why(read_card, path))
    assert panel.shown.name == panel.network.currentData() == network_file
    assert str(path) not in session.networks().values()
    panel.choose(DEFAULT)
    assert panel.status.said() == ""


def test_a_card_is_read_again_when_its_file_was_written_anew(panel, session, folder):
    path = write_network(folder / "growing.growtrack", small_card())
    panel.choose(str(path))
    card = small_card()
    further = card.with_(recipe=card.recipe.with_(about="Grown further."))
    write_network(path, further)
    os.utime(path, ns=(1, 1))
    session.networks_changed.emit()
    assert panel.shown.card == further
    assert panel.card.about.said() == further.recipe.about


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_bundled_network_is_shown(panel, name):
    panel.choose(name)
    assert panel.shown.card.name == name
    assert panel.status.said() == ""
    assert panel.table.plan() == panel.shown.card.plan


# What can be done with it ---------------------------------------------------------------------------------------------


def test_a_network_is_taken_to_track(panel, session):
    panel.choose(DEFAULT)
    panel.buttons.use.click()
    assert session.choice.name == DEFAULT
    assert (panel.status.kind, panel.status.said()) == ("plain", chosen_line(panel.shown.card.name))


def test_the_track_panel_opens_where_there_is_a_window(panel, viewer, monkeypatch):
    opened = []
    monkeypatch.setattr("napari_growtrack.widgets.networks.buttons.open_panel", lambda *asked: opened.append(asked))
    panel.buttons.use.click()
    assert opened == [(viewer, "Track")]


def test_a_network_whose_file_has_gone_is_neither_taken_nor_copied(panel, folder, tmp_path, monkeypatch, session):
    path = write_network(folder / "gone.growtrack", small_card())
    panel.choose(str(path))
    path.unlink()
    before = session.choice
    panel.buttons.use.click()
    assert (panel.status.kind, panel.status.said()) == ("error", why(read_card, path))
    assert session.choice == before
    pick_file(monkeypatch, tmp_path / "copy.growtrack")
    panel.buttons.copy.click()
    assert (panel.status.kind, panel.status.said()) == ("error", why(copy_network, path, tmp_path / "copy.growtrack"))
    assert not (tmp_path / "copy.growtrack").exists()


@pytest.mark.parametrize("name", ["copy.growtrack", "copy"])
def test_a_copy_has_the_same_bytes(panel, tmp_path, monkeypatch, name):
    pick_file(monkeypatch, tmp_path / name)
    panel.buttons.copy.click()
    assert (tmp_path / "copy.growtrack").read_bytes() == panel.shown.file.path.read_bytes()
    assert (panel.status.kind, panel.status.said()) == ("plain", saved_as_line(tmp_path / "copy.growtrack"))


def test_a_copy_replaces_only_the_file_that_was_picked(panel, tmp_path, monkeypatch):
    (tmp_path / "copy.growtrack").write_bytes(b"another network")
    pick_file(monkeypatch, tmp_path / "copy")
    panel.buttons.copy.click()
    assert (panel.status.kind, panel.status.said()) == ("error", why(with_ending, tmp_path / "copy", ".growtrack"))
    assert (tmp_path / "copy.growtrack").read_bytes() == b"another network"


def test_a_network_is_not_copied_onto_itself(panel, monkeypatch):
    path = panel.shown.file.path
    before = path.read_bytes()
    pick_file(monkeypatch, path)
    panel.buttons.copy.click()
    assert (panel.status.kind, panel.status.said()) == ("error", why(copy_network, path, path))
    assert path.read_bytes() == before


def test_only_networks_grown_here_can_be_deleted(panel, folder, network_file):
    assert not panel.buttons.delete.isVisible()
    panel.choose(DEFAULT)
    assert not panel.buttons.delete.isVisible()
    panel.choose(str(write_network(folder / "own.growtrack", small_card())))
    assert panel.buttons.delete.isVisible()


def test_a_network_is_deleted_when_the_person_is_sure(panel, session, folder, monkeypatch):
    path = write_network(folder / "own.growtrack", small_card())
    panel.choose(str(path))
    session.choose(str(path))
    asked = answer(monkeypatch, QMessageBox.StandardButton.No)
    panel.buttons.delete.click()
    assert path.exists()
    assert asked == [delete_question("small", path, chosen=True)]
    answer(monkeypatch, QMessageBox.StandardButton.Yes)
    panel.buttons.delete.click()
    assert not path.exists()
    assert panel.shown.name == DEFAULT
    assert panel.network.findText("own") < 0
    assert (panel.status.kind, panel.status.said()) == ("plain", deleted_line("small"))


# The card -------------------------------------------------------------------------------------------------------------


def test_the_growth_table_is_drawn_and_cannot_be_changed(panel):
    table = panel.table
    assert table.plan() == PLAN
    assert not any(b.isVisible() for b in (table.add_stage, table.remove_stage, table.add_conv, table.remove_row))
    for row in range(len(PLAN.layers)):
        for column in range(PLAN.stages):
            assert not table.cells.item(row, column).flags() & table.cells.item(row, column).flags().ItemIsEditable
    assert panel.costs.said() == cost_lines(PLAN)


def test_a_network_of_classes_shows_how_many_answers_are_right_but_cannot_track(panel, tmp_path):
    panel.choose(str(write_network(tmp_path / "digits.growtrack", CLASSES)))
    assert panel.status.said() == ""
    assert not panel.buttons.use.isEnabled()
    assert panel.buttons.use.toolTip() == NOT_FOR_TRACKING
    assert [panel.sections[name].isVisible() for name in ("table", "grown on", "errors", "maps")] == [1, 1, 0, 0]
    panel.sections["grown on"].set_open(True)
    assert panel.grown_on.note.said() == grown_on_line(CLASSES)
    numbers = panel.grown_on.accuracies
    assert [numbers.item(1, column).text() for column in range(3)] == ["2", "97.50%", "1,000"]
    panel.choose(DEFAULT)
    assert panel.buttons.use.isEnabled()
    assert panel.sections["maps"].isVisible()


# What it was grown on -------------------------------------------------------------------------------------------------

VESICLES = named_scene("vesicles")


def test_sample_windows_show_a_particle_in_the_middle_and_less_noise_at_a_higher_ratio():
    (rows,) = SampleWindows(VESICLES.with_(density=0.5), 39, (2.0, 200.0), 4).steps(Context())
    assert {snr: windows.shape for snr, windows in rows.items()} == {2.0: (4, 39, 39), 200.0: (4, 39, 39)}
    brightest = [np.unravel_index(window.argmax(), window.shape) for window in rows[200.0]]
    assert np.abs(np.array(brightest) - 19).max() <= 2
    assert all(rough[:5].std() > 5 * fine[:5].std() for rough, fine in zip(rows[2.0], rows[200.0], strict=True))


def test_the_same_samples_come_every_time_and_of_an_empty_scene_too():
    job = SampleWindows(VESICLES.with_(density=0), 15, (3.0,), 2)
    (one,), (two,) = job.steps(Context()), job.steps(Context())
    np.testing.assert_array_equal(one[3.0], two[3.0])
    assert one[3.0].shape == (2, 15, 15)


@pytest.mark.parametrize(
    ("snr", "zoom", "snrs", "side"),
    [((2, 18), 1, (2, 6, 18), 39), (5, 1, (5,), 39), (5, 1.5, (5,), 27), (5, 100, (5,), 3)],
)
def test_samples_span_the_ratios_of_the_scene_in_pixels_of_the_film(snr, zoom, snrs, side):
    scene = VESICLES.with_(snr={"low": snr[0], "high": snr[1]} if isinstance(snr, tuple) else snr)
    job = sample_windows(scene, 39, zoom)
    assert (job.snrs, job.side) == (snrs, side)


def test_samples_are_simulated_only_where_they_are_seen(qtbot, panel):
    grown_on = panel.grown_on
    assert not grown_on.work.running
    panel.sections["grown on"].set_open(True)
    qtbot.waitUntil(lambda: grown_on.windows.height() > 0 and not grown_on.told.said())
    panel.choose(DEFAULT)
    assert grown_on.windows.height() == 0
    qtbot.waitUntil(lambda: grown_on.windows.height() > 0)


def test_samples_of_a_panel_that_was_closed_come_when_it_is_opened_again(qtbot, panel):
    panel.sections["grown on"].set_open(True)
    panel.close()
    assert panel.grown_on.told.said() == ""
    panel.follow()
    qtbot.waitUntil(lambda: panel.grown_on.windows.height() > 0)
    assert panel.grown_on.told.said() == ""


# What it reached ------------------------------------------------------------------------------------------------------


def test_errors_are_drawn_of_every_stage_and_told_of_one(panel):
    assert {stage: line.tolist() for stage, line in error_lines(small_card()).items()} == {
        stage: [[snr, 1 / stage / snr] for snr in (2, 3, 10)] for stage in (1, 2, 3)
    }
    panel.sections["errors"].set_open(True)
    panel.stage.setCurrentIndex(1)
    numbers = panel.errors.numbers
    assert [numbers.item(0, column).text() for column in range(6)] == ["2", "0.25", "0.1", "90.0%", "0.0%", "5.0"]
    assert numbers.rowCount() == 3
    assert panel.errors.note.said() == measured_line(small_card(), 2)


def test_where_nothing_was_found_there_is_no_error(panel, tmp_path):
    card = small_card()
    blind = [card.reports[0].with_(found=0, median_error=float("nan")), card.reports[1]]
    lines = error_lines(card.with_(reports=blind))
    assert {stage: len(line) for stage, line in lines.items()} == {1: 1}


def test_a_network_without_reports_says_so(panel, tmp_path):
    card = small_card().with_(reports=())
    panel.choose(str(write_network(tmp_path / "new.growtrack", card)))
    panel.sections["errors"].set_open(True)
    assert panel.errors.note.said() == measured_line(card, 3)
    assert panel.errors.numbers.rowCount() == 0
    assert not panel.errors.plot.isVisible()


# Maps under the cursor ------------------------------------------------------------------------------------------------


def test_maps_follow_the_cursor(qtbot, watching, viewer, film, units):
    point_at(viewer, 0, SPOTS[0][0] + 2, SPOTS[0][1] + 1)
    finish(qtbot, watching)
    maps, told = watching.maps, told_maps(watching)
    assert (told.stage, told.offset, told.centre) == (3, (-2, -1), (22, 19))
    assert told.distance == pytest.approx(np.hypot(2, 1))
    assert maps.view.tiles.tiles() == 6
    assert maps.view.seen.isVisible()
    assert maps.told.said() == ""
    assert len(units.shown) == 1


def test_nothing_is_asked_before_the_person_wants_it(qtbot, panel, viewer, film, units):
    assert viewer.mouse_move_callbacks == []
    panel.maps.following.setChecked(True)
    panel.maps.following.setChecked(False)
    assert viewer.mouse_move_callbacks == []
    assert units.shown == []


def test_a_layer_and_one_stage_of_it_are_chosen_without_asking_again(qtbot, watching, viewer, film, units):
    point_at(viewer, 0, 20, 20)
    finish(qtbot, watching)
    found = {}
    for index in range(watching.maps.view.layer.count()):
        watching.maps.view.layer.setCurrentIndex(index)
        found[watching.maps.view.layer.currentData()] = watching.maps.view.tiles.tiles()
    dense = next(row for row, layer in enumerate(PLAN.layers, start=1) if layer.kind == "dense")
    assert (found[2, None], found[2, 3], found[dense, None]) == (12, 4, 12)
    assert len(units.shown) == 1


def test_another_stage_looks_at_the_same_place_and_keeps_the_layer(qtbot, watching, viewer, film, units):
    layer = watching.maps.view.layer
    layer.setCurrentIndex(next(i for i in range(layer.count()) if layer.itemData(i) == (3, None)))
    point_at(viewer, 0, 20, 20)
    finish(qtbot, watching)
    watching.stage.setCurrentIndex(0)
    finish(qtbot, watching)
    told = told_maps(watching)
    assert (told.stage, told.distance, told.offset, told.centre) == (1, 2, (0, -2), (20, 20))
    assert layer.currentData() == (3, None)
    assert units.asked == [3, 1]


def test_layers_are_those_the_stage_has_reached():
    assert [*layers(Plan.depth((16, 32), (8,)), 2).values()] == [(1, None), (2, None)]
    broad = layers(Plan.breadth((2, 4), (3, 5), conv=1), 2)
    assert [*broad.values()] == [(1, None), (1, 1), (1, 2), (2, None), (2, 1), (2, 2)]
    assert [numbers_in(text)[-1] for text in broad] == [5, 2, 3, 9, 4, 5]  # how many maps or units


def test_of_many_moves_only_the_first_and_the_newest_are_looked_at(qtbot, watching, viewer, film, units):
    units.go_on.clear()
    for x in range(10, 30):
        point_at(viewer, 0, 20, x)
    units.go_on.set()
    finish(qtbot, watching)
    assert len(units.shown) == 2
    assert told_maps(watching).centre == (20, 29)


def test_moves_within_a_pixel_ask_nothing(qtbot, watching, viewer, film, units):
    for x in (20, 20.3, 19.7):
        point_at(viewer, 0, 20, x)
        finish(qtbot, watching)
    assert len(units.shown) == 1


def test_the_slider_moves_on_to_another_frame(qtbot, watching, viewer, film, units):
    viewer.dims.set_point(0, 0)
    point_at(viewer, 0, 20, 18)
    finish(qtbot, watching)
    viewer.dims.set_point(0, 4)
    finish(qtbot, watching)
    told = told_maps(watching)
    assert (told.stage, told.distance, told.offset) == (3, 4, (0, 4))


def test_the_cursor_is_read_in_the_image_and_not_in_the_world(qtbot, watching, viewer):
    viewer.add_image(spot_film()[0], name="still", scale=(0.1, 0.1), translate=(5, 7))
    point_at(viewer, 5 + 2.0, 7 + 1.8)
    finish(qtbot, watching)
    assert told_maps(watching).centre == (20, 18)


def test_frames_are_resampled_as_in_track(qtbot, watching, viewer, film, session):
    session.change(diameter=5.0)
    point_at(viewer, 0, 20, 22)
    finish(qtbot, watching)
    told = told_maps(watching)
    assert told.zoom == 2
    assert told.offset == pytest.approx((0, -4), abs=0.5)
    assert told.distance == pytest.approx(4, abs=0.5)
    assert told.centre == pytest.approx((19.75, 21.75))


def test_other_pixels_of_the_film_are_looked_at(qtbot, watching, viewer, film):
    point_at(viewer, 0, 20, 18)
    finish(qtbot, watching)
    film.data = np.roll(film.data, 3, axis=1)
    finish(qtbot, watching)
    assert told_maps(watching).offset == (3, 0)


def test_dark_particles_are_looked_at_in_the_negative(qtbot, watching, viewer, units):
    viewer.add_image(-spot_film()[0], name="dark")
    point_at(viewer, 20, 18)
    finish(qtbot, watching)
    watching.maps.inverted.setChecked(True)
    finish(qtbot, watching)
    np.testing.assert_allclose(units.shown[1], -units.shown[0], atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "at"), [(None, (0, 20, 20)), ((5, 64, 64), (0, 64, 20)), ((5, 64, 64), (0, 20, -0.6))]
)
def test_where_there_is_nothing_to_look_at_the_panel_says_so(watching, viewer, units, shape, at):
    if shape:
        viewer.add_image(np.zeros(shape, np.uint8), name="picture")
    point_at(viewer, *at)
    expected = outside_line("picture") if shape else NO_IMAGE
    assert (watching.maps.told.kind, watching.maps.told.said()) == ("plain", expected)
    assert not watching.maps.work.running
    assert units.shown == []


@pytest.mark.parametrize(
    ("shape", "rgb", "at"), [((64, 64, 3), True, (20, 20)), ((5, 2, 64, 64), False, (0, 0, 20, 20))]
)
def test_what_is_no_film_is_refused(watching, viewer, units, shape, rgb, at):
    image = viewer.add_image(np.arange(np.prod(shape)).astype(np.uint8).reshape(shape), rgb=rgb, name="picture")
    point_at(viewer, *at)
    assert (watching.maps.told.kind, watching.maps.told.said()) == ("error", why(open_film, image))
    assert not watching.maps.work.running
    assert units.shown == []


def test_in_three_dimensions_there_is_no_window(watching, viewer, film):
    viewer.dims.ndisplay = 3
    point_at(viewer, 0, 20, 20)
    assert (watching.maps.told.kind, watching.maps.told.said()) == ("error", NOT_FLAT)


def test_before_the_film_there_is_no_window(watching, viewer, film):
    viewer.add_points([[-9, 0, 0]])
    viewer.dims.set_point(0, -5)
    point_at(viewer, -5, 20, 20)
    expected = why(shown_frame, viewer, film, open_film(film))
    assert (watching.maps.told.kind, watching.maps.told.said()) == ("error", expected)


def test_a_film_that_comes_later_is_looked_at(qtbot, watching, viewer):
    assert watching.maps.told.said() == NO_IMAGE
    viewer.add_image(spot_film(), name="film")
    assert watching.maps.told.said() == ""
    point_at(viewer, 0, 20, 20)
    finish(qtbot, watching)
    assert told_maps(watching).centre == (20, 20)


def test_a_frame_that_cannot_be_used_is_told_and_another_one_mends_it(qtbot, watching, viewer):
    film = spot_film()
    film[1, 0, 0] = np.nan
    viewer.add_image(film, name="film")
    viewer.dims.set_point(0, 1)
    point_at(viewer, 1, 20, 20)
    finish(qtbot, watching)
    assert watching.maps.told.kind == "error"
    assert numbers_in(watching.maps.told.said())[:2] == [1, 1]  # the frame, and its pixels that are no numbers
    assert watching.maps.view.maps is None
    viewer.dims.set_point(0, 2)
    finish(qtbot, watching)
    assert watching.maps.told.said() == ""
    assert told_maps(watching).centre == (20, 20)
    assert watching.maps.following.isChecked()


def test_a_network_that_cannot_be_loaded_is_told_and_the_cursor_followed_no_more(
    qtbot, open_panel, viewer, film, network_file, folder
):
    error = NetworkFileError("small.growtrack cannot be read: No such file. Check the path.")

    def refuse(path):
        raise error

    session = Session(load=refuse)
    session.choose(network_file)
    panel = open_panel(session)
    panel.maps.following.setChecked(True)
    point_at(viewer, 0, 20, 20)
    finish(qtbot, panel)
    assert (panel.maps.told.kind, panel.maps.told.said()) == ("error", str(error))
    assert not panel.maps.following.isChecked()


def test_a_panel_that_is_left_follows_nothing_and_may_follow_again(qtbot, watching, viewer, film, units, session):
    watching.maps.following.setChecked(False)
    before = len(film.events.data.callbacks)
    watching.maps.following.setChecked(True)
    assert len(film.events.data.callbacks) == before + 1
    watching.leave()
    watching.leave()
    assert viewer.mouse_move_callbacks == []
    assert len(film.events.data.callbacks) == before
    point_at(viewer, 0, 20, 20)
    viewer.dims.set_point(0, 3)
    assert units.shown == []
    watching.follow()
    watching.follow()
    assert len(viewer.mouse_move_callbacks) == 1
    point_at(viewer, 0, 20, 20)
    finish(qtbot, watching)
    assert len(units.shown) == 1


def test_another_network_clears_the_picture(qtbot, watching, viewer, film):
    point_at(viewer, 0, 20, 20)
    finish(qtbot, watching)
    watching.maps.following.setChecked(False)
    watching.choose(DEFAULT)
    assert watching.maps.view.answer.said() == ""
    assert watching.maps.view.tiles.tiles() == 0


# The job itself -------------------------------------------------------------------------------------------------------


class Counted(ArrayStack):
    read = 0

    def _read(self, number):
        self.read += 1
        return super()._read(number)


def desk_with(units, film):
    context = Context(lambda path: units)
    context.lay(lambda facts, frames: film)
    return context


def look(context, film, network_file, place=(20.0, 18.0), diameter=10.0, **other):
    network = SizedNetwork(NetworkFile.of(network_file), diameter)
    *_, maps = ActivationMaps(network, 1, FilmFacts.of(film), other.pop("frame", 0), place, **other).steps(context)
    return maps


@pytest.fixture
def file(network_file):
    return Path(network_file)


def test_a_frame_is_asked_for_once_until_its_pixels_may_be_others(units, file):
    film = Counted(spot_film())
    context = desk_with(units, film)
    look(context, film, file)
    look(context, film, file, place=(30.0, 30.0))
    assert film.read == 1
    for number, other in enumerate(({"frame": 1}, {"version": 1}, {"inverted": True}, {"diameter": 5.0}), start=2):
        look(context, film, file, **other)
        assert film.read == number


@pytest.mark.parametrize("diameter", [10.0, 5.0, 20.0])
@pytest.mark.parametrize("place", [(20.0, 18.0), (0.0, 63.0)])
def test_windows_are_cut_as_detection_cuts_them(units, file, diameter, place):
    film = ArrayStack(np.random.default_rng(0).normal(size=(1, 64, 64)).astype("f4"))
    maps = look(desk_with(units, film), film, file, place, diameter)
    network = units.for_diameter(diameter)
    view = view_of(film[0], network, small_card().cascade(1, 1))
    y, x = np.rint(to_network(np.array(place), network.zoom)).astype(int) - PLAN.side // 2
    np.testing.assert_allclose(maps.window, view.cut(y, x, PLAN.side, PLAN.side), atol=1e-6)
    np.testing.assert_allclose(maps.centre, place, atol=0.5 / network.zoom)


# With real processes --------------------------------------------------------------------------------------------------

SCRIPT = """
import json, sys, time
import numpy as np
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication
from types import SimpleNamespace
from napari_growtrack.widgets.networks.panel import NetworksPanel
from napari_growtrack.widgets.session.session import Engines
from napari_growtrack.widgets.session.session import Session

film, network, out = sys.argv[1:]
app = QApplication([])
engines = Engines()
session, viewer = Session(engines), ViewerModel()
session.choose(network)
viewer.add_image(np.load(film), name="film")
panel = NetworksPanel(viewer, session)

def wait(done):
    end = time.monotonic() + 600
    while not done() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.002)

panel.maps.following.setChecked(True)
for place in ((30, 31), (20, 18), (22, 40)):
    panel.maps.view.show_maps(None)
    viewer.mouse_move_callbacks[-1](viewer, SimpleNamespace(position=(0, *place)))
    wait(lambda: panel.maps.view.maps)
panel.sections["grown on"].set_open(True)
wait(lambda: panel.grown_on.windows.height() > 0)
samples = panel.grown_on.told.said()
panel.choose("vesicles")
panel.choose(network)
wait(lambda: panel.maps.view.maps)
maps = panel.maps.view.maps
np.savez(out, window=maps.window, answer=[*maps.offset, maps.distance],
         **{f"{block.row} {block.stage}": found for block, found in maps.maps.items()})
heavy = [name for name in ("keras", "tensorflow") if name in sys.modules]
told = {"heavy": heavy, "samples": samples, "centre": maps.centre}
panel.leave()
print(json.dumps(told))
"""
"""Its engines end by themselves when it is gone; nobody waits for that."""


@pytest.fixture(scope="module")
def used(tmp_path_factory, network_file):
    """Return what a panel with real engines told, the maps it was sent, and the film it looked at."""
    folder = tmp_path_factory.mktemp("used")
    film = np.random.default_rng(1).normal(size=(2, 64, 64)).astype("f4")
    np.save(folder / "film.npy", film)
    command = [sys.executable, "-c", SCRIPT, str(folder / "film.npy"), network_file, str(folder / "maps.npz")]
    surroundings = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with (folder / "errors.txt").open("w") as errors:  # engines write there too, and a pipe would wait for them
        done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, stderr=errors)
    assert done.returncode == 0, (folder / "errors.txt").read_text()
    return json.loads(done.stdout.splitlines()[-1]), np.load(folder / "maps.npz"), film


def test_the_window_s_process_never_loads_keras(used):
    told, _, _ = used
    assert told["heavy"] == []
    assert told["samples"] == ""
    assert told["centre"] == [22, 40]


def responses(weights, name, image, stride, pool):
    kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
    views = np.lib.stride_tricks.sliding_window_view(image, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
    found = np.einsum("yxcij,ijcu->yxu", views, kernel) + bias
    rows, columns = found.shape[0] // pool, found.shape[1] // pool
    cut = found[: rows * pool, : columns * pool]
    return cut.reshape(rows, pool, columns, pool, -1)


def test_maps_and_answer_are_those_the_weights_give(used, network_file):
    """By the plan's rules in plain numpy: what a block reads, convolves, rectifies and pools."""
    _, sent, _ = used
    _, weights = read_archive(network_file)
    found: dict[Block, np.ndarray] = {}
    for block in PLAN.blocks(3):
        layer = PLAN.layers[block.row - 1]
        below = [found[read] for read in PLAN.reads(block)] or [sent["window"][..., None]]
        conv = layer.kind == "conv"
        made = responses(
            weights, f"block_{block.row}_{block.stage}", np.concatenate(below, -1), layer.stride if conv else 1,
            layer.pool if conv else 1,
        )  # fmt: skip
        found[block] = np.maximum(made, 0).max((1, 3))
        np.testing.assert_allclose(sent[f"{block.row} {block.stage}"], found[block], rtol=1e-4, atol=1e-5)
    top = np.concatenate([found[block] for block in PLAN.head_reads(3)], -1)
    answer = responses(weights, "head_3", top, 1, 1).ravel()
    np.testing.assert_allclose(sent["answer"], answer[:3], rtol=1e-4, atol=1e-5)


def test_the_window_is_of_the_whole_frame_normalised(used):
    _, sent, film = used
    frame = (film[0] - film[0].mean()) / film[0].std()
    wide = np.pad(frame, 25)
    np.testing.assert_allclose(sent["window"], wide[22 : 22 + 51, 40 : 40 + 51], atol=1e-4)


def test_opened_networks_of_another_format_are_refused_by_name(panel, tmp_path):
    path = tmp_path / "newer.growtrack"
    write_archive(path, small_card(), {})
    path.write_bytes(path.read_bytes()[:200])
    panel.choose(str(path))
    assert (panel.status.kind, panel.status.said()) == ("error", why(read_card, path))
    assert path.name in panel.status.said()
