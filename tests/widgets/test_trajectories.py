"""A person links detections in the Trajectories panel, corrects them, reads off motion, and saves."""

import io
import json
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Tracks
from qtpy.QtCore import QModelIndex, Qt, QThreadPool
from qtpy.QtWidgets import QApplication, QFileDialog
from spots import PATIENCE, numbers_in, why

from napari_growtrack.core.linking import Linking, join, link, split
from napari_growtrack.core.motion import Units, diffusion, diffusion_of_each, drift
from napari_growtrack.core.motion.report import report_motion
from napari_growtrack.core.motion.tracks import TRACK_COLUMNS, measure_tracks
from napari_growtrack.core.tables import read_recipe, read_table, write_table
from napari_growtrack.jobs.tracks import check_suffix
from napari_growtrack.widgets.napari_io.tracks import MARK, SHADE, table_of
from napari_growtrack.widgets.session.sentences import saved_as_line
from napari_growtrack.widgets.shared import layers as layers_module
from napari_growtrack.widgets.shared.layers import RING
from napari_growtrack.widgets.shared.plot_menu import picture_of
from napari_growtrack.widgets.trajectories import forms as linking_form
from napari_growtrack.widgets.trajectories import panel as trajectories
from napari_growtrack.widgets.trajectories import track_limits
from napari_growtrack.widgets.trajectories.context import ELSEWHERE
from napari_growtrack.widgets.trajectories.forms import NO_DETECTIONS, ONE_FRAME
from napari_growtrack.widgets.trajectories.motion_plots import MotionPlots
from napari_growtrack.widgets.trajectories.panel import TrajectoriesPanel
from napari_growtrack.widgets.trajectories.sentences import (
    DRIFTS,
    HOW,
    NONE_LEFT,
    NONE_LONG_ENOUGH,
    STOPPED,
    bin_line,
    corrected_line,
    deletion,
    drift_line,
    empty_line,
    joining,
    keeping,
    lag_line,
    of_line,
    opened_line,
    particle_line,
    redone_line,
    splitting,
    taken_back_line,
    undone_line,
    within_line,
)

FRAMES, PARTICLES = 60, 6


def walks(frames=FRAMES, particles=PARTICLES, step=0.5, drift=(0.0, 0.0), seed=0):
    """Return walkers far apart from one another, as detections in the order of frames."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, step, (frames, particles, 2)) + drift
    places = steps.cumsum(0) + 40 * np.arange(1, particles + 1)[:, None]
    frame = np.repeat(np.arange(frames), particles)
    table = pd.DataFrame({"frame": frame, "y": places[..., 0].ravel(), "x": places[..., 1].ravel()})
    sigma = np.where(rng.random(len(table)) < 0.1, np.nan, 0.1)
    return table.assign(distance=0.5, sigma=sigma, significance=20.0)


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Wait less than a person would have to."""
    monkeypatch.setattr(layers_module, "_WAIT", 1)
    for pause in ("_BREATH", "_REST"):
        monkeypatch.setattr(trajectories, pause, 1)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def panel(qtbot, viewer, session):
    panel = TrajectoriesPanel(viewer, session)
    panel.resize(340, 900)
    panel.show()
    qtbot.addWidget(panel)
    yield panel
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


def add_detections(viewer, table=None, name="film detections", **about):
    table = walks() if table is None else table
    features = table.drop(columns=["frame", "y", "x"])
    metadata = {"growtrack": {"image": "film", "frames": [*range(FRAMES)], "stage": 2}}
    points = table[["frame", "y", "x"]].to_numpy(float)
    return viewer.add_points(points, name=name, features=features, metadata=metadata, **RING, **about)


@pytest.fixture
def detections(viewer):
    return add_detections(viewer)


@pytest.fixture
def linked(qtbot, panel, detections):
    return linking(qtbot, panel)


def settle(qtbot, panel):
    """Wait until all is measured."""
    timers = panel._showing, panel._resting
    qtbot.waitUntil(lambda: not panel.work.running and not any(timer.isActive() for timer in timers))


def linking(qtbot, panel):
    qtbot.waitUntil(lambda: panel.form.suggestion is not None)
    press(qtbot, panel.link)
    settle(qtbot, panel)
    return panel


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def particles_of(panel):
    return sorted({*panel.desk.table["particle"].tolist()})


def click_in_picture(panel, frame, y, x, *keys, moved=False):
    """Press and release the mouse over a point of the layer, as napari tells its layers of it."""
    layer = panel.desk.layer
    event = SimpleNamespace(position=layer.data_to_world((frame, y, x)), type="mouse_press", modifiers=keys)
    for heard in layer.mouse_drag_callbacks:
        steps = heard(layer, event)
        next(steps)
        for kind in ("mouse_move", "mouse_release") if moved else ("mouse_release",):
            event.type = kind
            next(steps, None)


def move_in_picture(panel, frame, y, x):
    layer = panel.desk.layer
    for heard in layer.mouse_move_callbacks:
        heard(layer, SimpleNamespace(position=layer.data_to_world((frame, y, x))))


# linking


def test_nothing_is_offered_before_there_is_anything_to_link(panel):
    assert not panel.link.isEnabled()
    assert not panel.results.isVisible()
    assert not panel.save.isEnabled()
    assert panel.status.said() == NO_DETECTIONS


def test_a_radius_is_suggested_as_soon_as_there_are_detections(qtbot, panel, detections):
    qtbot.waitUntil(lambda: panel.form.suggestion is not None)
    assert panel.status.said() == ""
    assert panel.form.note.said() == panel.form.suggestion.reason
    assert panel.form.radius.value() == 0
    assert numbers_in(panel.form.radius.text()) == [pytest.approx(panel.form.suggestion.radius, rel=0.005)]
    panel.form.radius.setValue(7)
    assert panel.form.linking() == Linking(search_radius=7)
    assert panel.form.note.said() == ""


def test_linked_trajectories_are_those_of_the_core_and_lie_where_the_detections_do(qtbot, panel, viewer):
    place = {"scale": (0.05, 0.1, 0.1), "units": ("s", "um", "um"), "axis_labels": ("t", "y", "x")}
    layer = add_detections(viewer, **place)
    linking(qtbot, panel)
    made = viewer.layers["film trajectories"]
    assert isinstance(made, Tracks)
    assert np.array_equal(made.scale, layer.scale)
    assert made.units == layer.units
    expected = link(walks(), panel.form.linking()).sort_values(["particle", "frame"])
    assert np.array_equal(made.data, expected[["particle", "frame", "y", "x"]])
    assert np.array_equal(made.features["sigma"], expected["sigma"], equal_nan=True)
    assert made.metadata["growtrack"]["linking"]["search_radius"] == panel.form.linking().search_radius
    assert made.metadata["growtrack"]["detected"]["stage"] == 2
    assert viewer.layers.selection.active == made
    assert (panel.status.kind, numbers_in(panel.status.said())) == ("plain", [6, 360, 360, 60])


def test_points_that_a_threshold_hides_are_not_linked(qtbot, panel, viewer, detections):
    detections.shown = detections.data[:, 1] < 100
    linking(qtbot, panel)
    assert panel.desk.table["y"].max() < 100


def test_short_and_doubtful_trajectories_are_dropped(qtbot, panel, viewer):
    table = walks()
    table.loc[table.index % PARTICLES == 2, "distance"] = 3.0
    table = table[(table.index % PARTICLES != 4) | (table["frame"] < 2)]
    add_detections(viewer, table)
    panel.form.farthest.setValue(1)
    linking(qtbot, panel)
    assert particles_of(panel) == [0, 1, 3, 5]


@pytest.mark.parametrize("data", [np.array([[0, 1, 1], [0, 9, 9]], float), np.ones((3, 4))])
def test_what_cannot_be_linked_is_said(qtbot, panel, viewer, data):
    viewer.add_points(data, name="film detections", metadata={"growtrack": {"frames": [0]}})
    press(qtbot, panel.link)
    expected = why(panel.form.job)
    assert (panel.status.kind, panel.status.said()) == ("error", expected)
    assert (expected == ONE_FRAME) == (data.shape[1] == 3)
    assert "film trajectories" not in viewer.layers


def test_a_crowd_that_cannot_be_resolved_ends_in_a_sentence(qtbot, panel, viewer):
    crowd = np.random.default_rng(0).normal(50, 0.05, (600, 2))
    data = np.concatenate([np.insert(crowd, 0, frame, axis=1) for frame in range(2)])
    viewer.add_points(data, name="film detections", metadata={"growtrack": {"frames": [0, 1]}})
    panel.form.radius.setValue(50)
    linking(qtbot, panel)
    assert panel.status.kind == "error"
    assert numbers_in(panel.status.said())[1:3] == [600, 50]  # detections in a frame, and how far the search reaches
    assert panel.desk.layer is None
    assert panel.link.isEnabled()


def test_all_gone_by_the_filters_is_said(qtbot, panel, detections):
    panel.form.shortest.setValue(999)
    linking(qtbot, panel)
    assert (panel.status.kind, panel.status.said()) == ("warning", NONE_LONG_ENOUGH)
    assert panel.desk.layer is None


def test_linking_can_be_cancelled(qtbot, panel, viewer, detections):
    qtbot.waitUntil(lambda: panel.form.suggestion is not None)

    def slow(job, film=None):
        while True:
            time.sleep(0.01)
            yield None

    panel.session.engines.motion.run = slow
    press(qtbot, panel.link)
    assert panel.cancel.isVisible()
    assert not panel.link.isEnabled()
    press(qtbot, panel.cancel)
    qtbot.waitUntil(lambda: not panel.work.running)
    assert panel.status.said() == STOPPED
    assert panel.link.isEnabled()
    assert "film trajectories" not in viewer.layers


def test_linking_anew_fills_the_same_layer_and_can_be_undone(qtbot, linked, viewer):
    before = linked.desk.table
    linked.form.shortest.setValue(61)
    linked.form.memory.setValue(3)
    linked.form.shortest.setValue(10)
    linking(qtbot, linked)
    assert sum(isinstance(layer, Tracks) for layer in viewer.layers) == 1
    assert linked.desk.layer.metadata["growtrack"]["linking"]["memory"] == 3
    press(qtbot, linked.buttons.undo)
    pd.testing.assert_frame_equal(linked.desk.table, before)
    settle(qtbot, linked)


# motion


def test_motion_is_that_of_the_core_in_the_units_of_the_layer(qtbot, panel, viewer):
    add_detections(viewer, scale=(50, 0.1, 0.1), units=("ms", "um", "um"))
    linking(qtbot, panel)
    assert (panel.motion.pixel.value(), panel.motion.frame.value()) == (0.1, 0.05)
    expected = diffusion(panel.desk.table, Units(pixel_size=0.1, frame_time=0.05))
    assert panel.numbers.said("D") == str(expected.coefficient)
    assert panel.numbers.said("Localisation") == str(expected.localisation_error)
    assert panel.whose.said() == of_line(None, 6)
    assert panel.numbers.said("Trap") == ""


def test_units_of_the_person_are_kept_with_the_layer(qtbot, linked):
    table = linked.desk.table
    assert linked.numbers.said("D") == str(diffusion(table).coefficient)
    expected = str(diffusion(table, Units(pixel_size=0.2, frame_time=0.5)).coefficient)
    linked.motion.pixel.setValue(0.2)
    linked.motion.frame.setValue(0.5)
    qtbot.waitUntil(lambda: linked.numbers.said("D") == expected)
    told = linked.desk.layer.metadata["growtrack"]
    assert (told["pixel_size"], told["frame_time"]) == (0.2, 0.5)
    settle(qtbot, linked)


def test_the_exposure_is_that_of_the_layer_or_the_persons_and_is_kept_and_used(qtbot, panel, viewer):
    known = {"frames": [*range(20)], "frame_time": 0.05, "exposure_time": 0.025}
    add_detections(viewer).metadata = {"growtrack": known}
    linking(qtbot, panel)
    assert panel.motion.exposure.value() == 0.025
    short = panel.numbers.said("Localisation")
    panel.motion.exposure.setValue(0.05)
    qtbot.waitUntil(lambda: panel.numbers.said("Localisation") != short)
    settle(qtbot, panel)
    expected = diffusion(panel.desk.table, Units(frame_time=0.05, exposure_time=0.05)).localisation_error
    assert panel.numbers.said("Localisation") == str(expected)
    assert panel.desk.layer.metadata["growtrack"]["exposure_time"] == 0.05
    panel.motion.exposure.setValue(0.5)
    qtbot.waitUntil(lambda: panel.reading is not None and panel.reading.report is None)
    settle(qtbot, panel)
    assert panel.warning.said() == panel.reading.why
    assert {0.5, 0.05} <= {*numbers_in(panel.reading.why)}  # longer than a frame takes


def test_what_is_selected_is_what_is_told(qtbot, linked):
    linked.desk.select((1, 4))
    settle(qtbot, linked)
    table = linked.desk.table
    expected = diffusion(table[table["particle"].isin([1, 4])])
    assert linked.numbers.said("D") == str(expected.coefficient)
    assert linked.whose.said() == of_line(2, 6)
    press(qtbot, linked.buttons.nothing)
    settle(qtbot, linked)
    assert linked.numbers.said("D") == str(diffusion(table).coefficient)


def test_drift_is_told_and_removed_for_all_alike(qtbot, panel, viewer):
    add_detections(viewer, walks(drift=(0.0, 1.0)))
    linking(qtbot, panel)
    assert panel.warning.said() == DRIFTS
    panel.motion.no_drift.setChecked(True)
    panel.desk.select((0,))
    qtbot.waitUntil(lambda: panel.reading is not None and panel.reading.report.drift_removed)
    assert panel.warning.said() == ""
    assert 0.7 < float(panel.numbers.said("Drift x").split()[0]) < 1.3  # that of all, of which it was freed
    settle(qtbot, panel)


def test_the_drift_of_those_selected_is_drawn_beside_that_of_all(qtbot, linked):
    plot = linked.plots.drift
    assert len(plot._picked["x"].getData()[0]) == 0
    linked.desk.select((1, 4))
    settle(qtbot, linked)
    table = linked.desk.table
    expected = drift(table[table["particle"].isin([1, 4])])
    np.testing.assert_allclose(plot._picked["x"].getData()[1], expected["x"])
    np.testing.assert_allclose(plot._curves["x"].getData()[1], drift(table)["x"])


def test_a_bead_in_a_trap_has_a_stiffness(qtbot, panel, viewer):
    rng = np.random.default_rng(0)
    place = np.zeros((2000, 2))
    for frame in range(1, len(place)):
        place[frame] = 0.8 * place[frame - 1] + rng.normal(0, 0.6, 2)
    points = np.column_stack([np.arange(len(place)), place + 50])
    viewer.add_points(points, name="film detections", metadata={"growtrack": {"frames": [*range(2000)]}})
    linking(qtbot, panel)
    panel.motion.trap.setChecked(True)
    assert panel.motion.temperature.isVisible()
    qtbot.waitUntil(lambda: panel.numbers.said("Trap") != "")
    trap = panel.reading.report.trap
    told = {"Trap": trap.stiffness, "Rotates": trap.rotation, "Turned by": trap.angle}
    assert {name: panel.numbers.said(name) for name in told} == {name: str(number) for name, number in told.items()}
    assert (trap.stiffness.unit, trap.rotation.unit) == ("kT/px²", "rad/frame")
    assert not trap.angle.is_told  # it is alike along both axes
    assert trap.stiffness.value == pytest.approx(1.0, rel=0.25)  # (1 - 0.8²) / 0.6²


def test_trajectories_that_are_too_short_say_so(qtbot, panel, viewer):
    viewer.add_tracks(np.array([[1, 0, 5, 5], [1, 1, 6, 5], [2, 0, 9, 9], [2, 1, 9, 9]], float), name="short")
    settle(qtbot, panel)
    assert panel.reading.report is None
    assert panel.warning.said() == panel.reading.why == why(report_motion, panel.desk.table)
    assert panel.numbers.said("D") == ""


def test_trajectories_of_a_volume_are_refused(qtbot, panel, viewer):
    layer = viewer.add_tracks(np.array([[1, 0, 5, 5, 5], [1, 1, 6, 5, 5]], float), name="volume")
    assert (panel.status.kind, panel.status.said()) == ("error", why(table_of, layer))
    assert not panel.results.isVisible()


# the list, the plots and the picture


def test_the_list_tells_of_each_and_can_be_sorted(qtbot, linked):
    rows = linked.table.rows
    assert rows["particle"].tolist() == [0, 1, 2, 3, 4, 5]
    known = diffusion_of_each(linked.desk.table)
    assert rows["diffusion_coefficient"].tolist() == known["diffusion_coefficient"].tolist()
    linked.desk.select((2, 3))
    linked.table.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    assert linked.table.rows["diffusion_coefficient"].is_monotonic_decreasing
    assert sorted(linked.table.selected()) == [2, 3]
    assert Units().diffusion in linked.table.model().headerData(4, Qt.Orientation.Horizontal)
    settle(qtbot, linked)


def test_rows_that_are_clicked_are_selected_and_marked_in_the_picture(qtbot, linked, viewer):
    place = linked.table.visualRect(linked.table.model().index(3, 1)).center()
    qtbot.mouseClick(linked.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert linked.desk.selected == (3,)
    mark = viewer.layers[MARK]
    assert {*mark.data[:, 0]} == {3.0}
    assert mark.visible
    assert viewer.layers.selection.active == linked.desk.layer
    assert linked.tracks.layer == linked.desk.layer
    linked.desk.select(())
    assert not viewer.layers[MARK].visible
    settle(qtbot, linked)


def test_clicks_in_the_picture_select(qtbot, linked):
    table = linked.desk.table.set_index(["particle", "frame"])
    y, x = table.loc[(4, 30), ["y", "x"]]
    click_in_picture(linked, 30, y + 0.3, x)
    assert linked.desk.selected == (4,)
    click_in_picture(linked, 30, *table.loc[(1, 30), ["y", "x"]], SimpleNamespace(name="Control"))
    assert linked.desk.selected == (4, 1)
    click_in_picture(linked, 30, y, x, SimpleNamespace(name="Control"))
    assert linked.desk.selected == (1,)
    click_in_picture(linked, 30, y, x, moved=True)  # the view was dragged
    assert linked.desk.selected == (1,)
    click_in_picture(linked, 30, 1000, 1000)
    assert linked.desk.selected == ()
    settle(qtbot, linked)


def test_the_trajectory_under_the_mouse_is_told(qtbot, linked):
    table = linked.desk.table
    move_in_picture(linked, 30, *table.set_index(["particle", "frame"]).loc[(4, 30), ["y", "x"]])
    expected = particle_line(4, table[table["particle"] == 4], linked.survey.coefficients[4], Units())
    assert linked.under.said() == expected
    move_in_picture(linked, 30, 1000, 1000)
    assert linked.under.said() == HOW


def test_plots_tell_what_is_under_the_mouse_and_select_what_is_clicked(qtbot, linked):
    plots: MotionPlots = linked.plots
    plots.msd.tell(np.log10(3), 0)
    row = linked.reading.msd.query("lag == 3").iloc[0]
    assert row.pairs == 342
    assert plots.msd.caption.said() == lag_line(row, Units())
    curve = linked.survey.msd[5]
    plots.msd.pick(np.log10(59), np.log10(curve.iloc[58]))
    assert linked.desk.selected == (5,)
    values = linked.survey.diffusion.set_index("particle")["diffusion_coefficient"]
    plots.diffusion.pick(values[2], 0)
    assert 2 in linked.desk.selected
    plots.diffusion.tell(values[2], 0)
    low, high, number = plots.diffusion.bar_at(values[2])
    assert low <= values[2] <= high
    assert number == len(linked.desk.selected)
    assert plots.diffusion.caption.said() == bin_line(low, high, number, Units())
    hint = plots.drift.caption.said()
    plots.drift.tell(10, 0)
    row = linked.survey.drift.query("frame == 10").iloc[0]
    assert plots.drift.caption.said() == drift_line(row, Units()) != hint
    plots.drift.plot.left.emit()
    assert plots.drift.caption.said() == hint
    settle(qtbot, linked)


def test_a_double_click_goes_to_where_a_trajectory_begins(qtbot, linked, viewer):
    viewer.dims.set_point(0, 20)
    linked.table.doubleClicked.emit(linked.table.model().index(5, 0, QModelIndex()))
    assert viewer.dims.point[0] == 0
    first = linked.desk.table.query("particle == 5").iloc[0]
    camera = getattr(viewer, "scene", viewer).camera
    assert camera.center[-2:] == pytest.approx((first.y, first.x))


def test_colours_follow_what_is_chosen(qtbot, linked):
    layer, by = linked.desk.layer, linked.shading.by
    names = [by.itemText(index) for index in range(by.count())]
    assert names[:5] == ["particle", "time", "speed", "detections", "diffusion coefficient"]
    assert {"distance", "sigma", "significance"} <= {*names}
    for name in names:
        by.setCurrentText(name)
        by.activated.emit(by.currentIndex())
        assert layer.color_by == SHADE
        assert np.isfinite(layer.features[SHADE]).all()
    by.setCurrentText("time")
    by.activated.emit(by.currentIndex())
    assert np.corrcoef(layer.features[SHADE], layer.data[:, 1])[0, 1] > 0.99
    linked.shading.tail.setValue(12)
    assert layer.tail_length == 12


# choosing by what each tells


@pytest.fixture
def limited(qtbot, panel, viewer, monkeypatch):
    """Link walkers of which the first three are lost early, and show their histograms."""
    monkeypatch.setattr(track_limits, "_REST", 1)
    table = walks().assign(signal=100.0)
    table = table[(table.index % PARTICLES > 2) | (table["frame"] < 20 + 10 * (table.index % PARTICLES))]
    add_detections(viewer, table.reset_index(drop=True))
    linking(qtbot, panel)
    panel.limits_section.set_open(True)
    return panel


def limit(qtbot, panel, column, low, high):
    """Put the lines of a column somewhere, as a person does, and wait until the picture follows."""
    form = panel.limits.form
    form.column.setCurrentIndex(form.column.findData(column))
    form.histogram.set_span(low, high)
    form.histogram.moved.emit(low, high)
    qtbot.waitUntil(lambda: not panel.limits._timer.isActive(), timeout=5_000)


def seen(layer):
    """Return the trajectories of a layer that are not clear."""
    return sorted({int(particle) for particle in layer.data[layer.track_colors[:, 3] > 0, 0]})


def test_the_list_is_the_table_of_tracks_of_the_core(qtbot, limited):
    expected = measure_tracks(limited.desk.table)
    rows = limited.table.rows
    pd.testing.assert_frame_equal(rows[[*expected]], expected)
    assert [*rows][:5] == ["particle", "first_frame", "last_frame", "length", "diffusion_coefficient"]
    titles = [limited.table.model().headerData(i, Qt.Orientation.Horizontal) for i in range(len([*rows]))]
    assert titles[:4] == ["particle", "from", "to", "seen"]
    assert "mean speed (px/frame)" in titles
    tip = limited.table.model().headerData(3, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert tip == TRACK_COLUMNS["length"].about


def test_units_of_the_person_are_those_of_the_table(qtbot, limited):
    units = Units(pixel_size=0.2, frame_time=0.5)
    limited.motion.pixel.setValue(0.2)
    limited.motion.frame.setValue(0.5)
    expected = measure_tracks(limited.desk.table, units)["max_speed"].tolist()
    qtbot.waitUntil(lambda: limited.table.rows["max_speed"].tolist() == expected, timeout=20_000)
    settle(qtbot, limited)
    assert limited.limits.form._units["max_speed"] == "µm/s"


def test_lines_that_are_dragged_choose_what_is_listed_and_seen(qtbot, limited):
    layer = limited.desk.layer
    assert seen(layer) == [0, 1, 2, 3, 4, 5]
    limit(qtbot, limited, "length", 30, np.inf)
    assert limited.table.rows["particle"].tolist() == seen(layer) == [1, 2, 3, 4, 5]
    limit(qtbot, limited, "duration", -np.inf, 50)
    assert limited.table.rows["particle"].tolist() == seen(layer) == [1, 2]
    assert limited.limits.note.said() == within_line(2, 6)
    limited.shading.by.setCurrentText("straightness")
    limited.shading.by.activated.emit(0)
    assert seen(layer) == [1, 2]
    limit(qtbot, limited, "length", -np.inf, np.inf)
    limit(qtbot, limited, "duration", -np.inf, np.inf)
    assert limited.limits.note.said() == ""
    assert limited.table.rows["particle"].tolist() == seen(layer) == [0, 1, 2, 3, 4, 5]
    assert len(limited.desk.table) == len(layer.data)  # nothing was deleted


def test_only_those_within_limits_are_kept_and_that_is_undone(qtbot, limited):
    before = limited.desk.table
    limit(qtbot, limited, "length", 60, np.inf)
    press(qtbot, limited.limits.keep)
    assert particles_of(limited) == [3, 4, 5]
    assert limited.desk.corrections.done == [keeping(3, 6)]
    settle(qtbot, limited)
    assert seen(limited.desk.layer) == [3, 4, 5]
    press(qtbot, limited.buttons.undo)
    pd.testing.assert_frame_equal(limited.desk.table, before)
    settle(qtbot, limited)
    assert limited.table.rows["particle"].tolist() == seen(limited.desk.layer) == [3, 4, 5]  # limits stay


def test_those_within_limits_are_selected_and_their_motion_is_told(qtbot, limited):
    limit(qtbot, limited, "length", 60, np.inf)
    press(qtbot, limited.limits.select)
    assert limited.desk.selected == (3, 4, 5)
    settle(qtbot, limited)
    table = limited.desk.table
    assert limited.numbers.said("D") == str(diffusion(table[table["particle"] > 2]).coefficient)


def test_without_any_within_limits_nothing_is_kept(qtbot, limited):
    limit(qtbot, limited, "length", 1000, np.inf)
    assert limited.table.rows.empty
    assert not limited.limits.keep.isEnabled()
    assert seen(limited.desk.layer) == []


def test_other_trajectories_are_not_limited_and_those_that_are_left_are_seen_again(qtbot, limited, viewer):
    layer = limited.desk.layer
    limit(qtbot, limited, "length", 60, np.inf)
    viewer.add_tracks(np.array([[7, frame, 5, 5 + frame] for frame in range(20)], float), name="other")
    settle(qtbot, limited)
    assert seen(layer) == [0, 1, 2, 3, 4, 5]
    assert limited.table.rows["particle"].tolist() == [7]
    limit(qtbot, limited, "length", 60, np.inf)
    other = limited.desk.layer
    assert seen(other) == []
    limited.leave()
    assert seen(other) == [7]


def test_colours_follow_any_column_of_the_tracks(qtbot, limited):
    by = limited.shading.by
    names = [by.itemText(index) for index in range(by.count())]
    assert {"straightness", "mean speed", "radius of gyration", "mean signal", "signal"} <= {*names}
    assert len(names) == len({*names})
    by.setCurrentText("duration")
    by.activated.emit(0)
    layer, known = limited.desk.layer, limited.known.set_index("particle")["duration"]
    assert np.corrcoef(layer.features[SHADE], known[layer.data[:, 0]])[0, 1] > 0.9


def test_a_row_that_is_clicked_is_gone_to_and_a_double_click_looks_closely(qtbot, limited, viewer):
    viewer.dims.set_point(0, 40)
    camera = getattr(viewer, "scene", viewer).camera
    zoom = camera.zoom
    place = limited.table.visualRect(limited.table.model().index(4, 1)).center()
    qtbot.mouseClick(limited.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    first = limited.desk.table.query("particle == 4").iloc[0]
    assert viewer.dims.point[0] == 0
    assert camera.center[-2:] == pytest.approx((first.y, first.x))
    assert camera.zoom == zoom
    settle(qtbot, limited)


def test_numbers_are_copied_and_saved_with_their_units(qtbot, limited, monkeypatch, tmp_path):
    limit(qtbot, limited, "length", 60, np.inf)
    qtbot.keyClick(limited.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = pd.read_csv(io.StringIO(QApplication.clipboard().text()), sep="\t")
    assert copied["particle"].tolist() == [3, 4, 5]
    for ending in (".csv", ".parquet"):
        path = tmp_path / f"tracks{ending}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        press(qtbot, limited.save_tracks)
        settle(qtbot, limited)
        assert (limited.status.kind, limited.status.said()) == ("plain", saved_as_line(path))
        saved = read_table(path, ("particle",))
        np.testing.assert_allclose(saved, limited.table.rows, rtol=1e-9)
        recipe = read_recipe(path)
        assert recipe["limits"] == {"length": [60, None]}
        assert recipe["units"]["path_length"] == "px"
        assert recipe["linked"]["linking"]["min_length"] == 3
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "tracks.xml"), ""))
    press(qtbot, limited.save_tracks)
    assert (limited.status.kind, limited.status.said()) == ("error", why(check_suffix, tmp_path / "tracks.xml"))


# the plots, larger and saved


@pytest.mark.parametrize(("ending", "begins"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_plots_are_saved_as_pictures(qtbot, linked, monkeypatch, tmp_path, ending, begins):
    path = tmp_path / f"msd{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    linked.plots.msd.menu.ask()
    assert path.read_bytes().startswith(begins)
    assert (linked.status.kind, linked.status.said()) == ("plain", saved_as_line(path))
    picture = picture_of(linked.plots.msd.plot)
    assert picture.width() == 3 * linked.plots.msd.plot.view.viewport().width()
    colours = {picture.pixel(x, picture.height() // 2) for x in range(picture.width())}
    assert len(colours) > 3  # curves, band and ground


def test_numbers_of_plots_are_saved_and_copied(qtbot, linked, monkeypatch, tmp_path):
    path = tmp_path / "plot.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    plots = linked.plots
    expected = {plots.drift: linked.survey.drift, plots.diffusion: linked.survey.diffusion}
    for plot, table in expected.items():
        plot.menu.ask()
        np.testing.assert_allclose(pd.read_csv(path), table, rtol=1e-9)
    plots.msd.menu.copy_numbers()
    copied = pd.read_csv(io.StringIO(QApplication.clipboard().text()), sep="\t")
    np.testing.assert_allclose(copied["msd"], linked.reading.msd["msd"])
    np.testing.assert_allclose(copied["4"], linked.survey.msd[4])
    plots.msd.menu.copy_picture()
    assert not QApplication.clipboard().image().isNull()


def test_a_plot_that_cannot_be_saved_says_why(qtbot, linked, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("plot.gif", "file/plot.png"):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
        linked.plots.drift.menu.ask()
        assert linked.status.kind == "error"
        assert name.rpartition("/")[2] in linked.status.said()


def test_plots_pop_out_large_and_come_back_where_they_were(qtbot, linked):
    plots = linked.plots
    row, small = linked.results.layout().indexOf(plots), plots.msd.plot.height()
    plots.msd.menu.enlarged.emit()
    window = plots.window_of_its_own
    qtbot.waitUntil(lambda: plots.msd.plot.height() > 2 * small, timeout=5_000)
    plots.pop_out()  # once is enough
    assert plots.window_of_its_own is window
    window.close()
    assert plots.window_of_its_own is None
    assert linked.results.layout().indexOf(plots) == row
    qtbot.waitUntil(lambda: plots.msd.plot.height() == small, timeout=5_000)
    plots.pop_out()
    linked.leave()
    assert plots.window_of_its_own is None


# correcting


def test_trajectories_are_deleted_split_and_joined_and_all_is_undone(qtbot, linked, viewer):
    before = linked.desk.table
    linked.desk.select((0, 2))
    press(qtbot, linked.buttons.delete)
    assert particles_of(linked) == [1, 3, 4, 5]
    assert linked.status.said() == corrected_line(deletion((0, 2)))
    assert {*linked.desk.layer.data[:, 0]} == {1, 3, 4, 5}
    linked.desk.select((3,))
    viewer.dims.set_point(0, 20)
    press(qtbot, linked.buttons.split)
    assert particles_of(linked) == [1, 3, 4, 5, 6]
    assert linked.desk.table.query("particle == 6")["frame"].min() == 20
    linked.desk.select((6, 3))
    press(qtbot, linked.buttons.join)
    assert particles_of(linked) == [1, 3, 4, 5]
    assert linked.desk.corrections.done == [deletion((0, 2)), splitting(3, 20), joining((6, 3))]
    for _ in range(3):
        press(qtbot, linked.buttons.undo)
    assert linked.status.said() == undone_line(deletion((0, 2)))
    pd.testing.assert_frame_equal(linked.desk.table, before)
    assert not linked.buttons.undo.isEnabled()
    press(qtbot, linked.buttons.redo)
    assert particles_of(linked) == [1, 3, 4, 5]
    assert linked.status.said() == redone_line(deletion((0, 2)))
    settle(qtbot, linked)
    assert linked.whose.said() == of_line(1, 4)


def test_what_cannot_be_corrected_is_said_and_changes_nothing(qtbot, linked, viewer):
    before = linked.desk.table
    linked.desk.select((0, 2))
    press(qtbot, linked.buttons.join)
    assert (linked.status.kind, linked.status.said()) == ("error", why(join, before, (0, 2)))
    linked.desk.select((3,))
    viewer.dims.set_point(0, 0)
    press(qtbot, linked.buttons.split)
    assert (linked.status.kind, linked.status.said()) == ("error", why(split, before, 3, 0))
    assert linked.desk.table is before
    settle(qtbot, linked)


def test_all_cannot_be_deleted_for_napari_has_no_empty_tracks(qtbot, linked):
    linked.desk.select(range(PARTICLES))
    press(qtbot, linked.buttons.delete)
    assert (linked.status.kind, linked.status.said()) == ("error", NONE_LEFT)
    assert len(linked.desk.table) == 360
    settle(qtbot, linked)


def test_nothing_is_taken_back_from_an_empty_file(qtbot, linked, monkeypatch, tmp_path):
    path = tmp_path / "film.geff"
    write_table(linked.desk.table.iloc[:0], path)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))
    press(qtbot, linked.buttons.take_back)
    settle(qtbot, linked)
    assert (linked.status.kind, linked.status.said()) == ("error", NONE_LEFT)
    assert len(linked.desk.table) == 360


def test_what_another_plugin_does_to_the_layer_is_taken_up(qtbot, linked):
    layer = linked.desk.layer
    layer.data = layer.data[layer.data[:, 0] < 3]
    assert particles_of(linked) == [0, 1, 2]
    assert linked.desk.corrections.done == [ELSEWHERE]
    press(qtbot, linked.buttons.undo)
    assert particles_of(linked) == [0, 1, 2, 3, 4, 5]
    settle(qtbot, linked)


def test_a_layer_that_is_removed_leaves_nothing_behind(qtbot, linked, viewer):
    linked.desk.select((3,))
    viewer.layers.remove("film trajectories")
    qtbot.waitUntil(lambda: MARK not in viewer.layers)
    assert not linked.results.isVisible()
    assert not linked.save.isEnabled()


def test_all_layers_can_be_removed_at_once(qtbot, linked, viewer):
    linked.desk.select((3,))
    viewer.layers.clear()
    qtbot.wait(50)
    assert len(viewer.layers) == 0
    assert not linked.results.isVisible()


def test_trajectories_of_two_layers_are_kept_apart(qtbot, linked, viewer):
    linked.desk.select((1,))
    press(qtbot, linked.buttons.delete)
    viewer.add_tracks(np.array([[7, frame, 5, 5 + frame] for frame in range(20)], float), name="other")
    assert particles_of(linked) == [7]
    linked.tracks.setCurrentText("film trajectories")
    assert particles_of(linked) == [0, 2, 3, 4, 5]
    assert linked.buttons.undo.isEnabled()
    settle(qtbot, linked)


# saving


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".geff", ".xml"])
def test_trajectories_are_saved_with_what_made_them(qtbot, linked, monkeypatch, tmp_path, ending):
    linked.motion.show_units(Units(pixel_size=0.2, frame_time=0.5))
    linked.desk.select((1,))
    press(qtbot, linked.buttons.delete)
    path = tmp_path / f"found{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    linked.motion.show_units(Units(pixel_size=0.2, frame_time=0.5))
    press(qtbot, linked.save)
    settle(qtbot, linked)
    assert (linked.status.kind, linked.status.said()) == ("plain", saved_as_line(path))
    saved = read_table(path, ("frame", "y", "x", "particle"))
    assert sorted({*saved["particle"]}) == [0, 2, 3, 4, 5]
    assert "shade" not in saved
    recipe = read_recipe(path)
    assert recipe["corrected"] == [deletion((1,))]
    assert (recipe["pixel_size"], recipe["frame_time"]) == (0.2, 0.5)
    assert recipe["linking"]["min_length"] == 3


def test_motion_is_saved_as_tables_figures_and_numbers(qtbot, linked, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    linked.desk.select((1, 2, 3))
    press(qtbot, linked.save_motion)
    settle(qtbot, linked)
    assert {"msd.csv", "imsd.csv", "diffusion.csv", "drift.csv", "msd.png", "motion.json"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert len(pd.read_csv(tmp_path / "diffusion.csv")) == 3
    assert json.loads((tmp_path / "motion.json").read_text())["trajectories"] == 3


def test_a_disk_that_refuses_is_said(qtbot, linked, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "found.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    press(qtbot, linked.save)
    settle(qtbot, linked)
    assert linked.status.kind == "error"
    assert path.name in linked.status.said()


def test_trajectories_are_handed_over_and_taken_back(qtbot, linked, monkeypatch, tmp_path):
    path = tmp_path / "film.geff"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    asked = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *told: asked.append(told[2]) or str(path))
    press(qtbot, linked.buttons.hand_over)
    settle(qtbot, linked)
    edited = read_table(path).query("particle != 4")
    write_table(edited, path)
    press(qtbot, linked.buttons.take_back)
    settle(qtbot, linked)
    assert asked == [str(path)]
    assert particles_of(linked) == [0, 1, 2, 3, 5]
    assert (linked.status.kind, linked.status.said()) == ("plain", taken_back_line(300))
    press(qtbot, linked.buttons.undo)
    assert len(linked.desk.table) == 360
    settle(qtbot, linked)


def test_geff_of_an_editor_is_opened_in_a_layer_of_its_own(qtbot, panel, viewer, monkeypatch, tmp_path):
    path = tmp_path / "editor.geff"
    write_table(link(walks(), Linking(search_radius=5)), path, {"pixel_size": 0.1, "frame_time": 0.5})
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))
    press(qtbot, panel.open)
    settle(qtbot, panel)
    assert (panel.status.kind, panel.status.said()) == ("plain", opened_line(360))
    assert viewer.layers["editor.geff"] == panel.desk.layer
    expected = diffusion(panel.desk.table, Units(pixel_size=0.1, frame_time=0.5))
    assert panel.numbers.said("D") == str(expected.coefficient)
    write_table(walks().assign(particle=0).iloc[:0], path)
    press(qtbot, panel.open)
    settle(qtbot, panel)
    assert (panel.status.kind, panel.status.said()) == ("error", empty_line("editor.geff"))
    assert sum(isinstance(layer, Tracks) for layer in viewer.layers) == 1


def test_what_is_no_geff_is_not_taken_back(qtbot, linked, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    press(qtbot, linked.buttons.take_back)
    settle(qtbot, linked)
    assert linked.status.kind == "error"
    assert len(linked.desk.table) == 360


# coming and going


def test_a_panel_that_is_closed_lets_go_and_one_that_is_opened_again_goes_on(qtbot, linked, viewer):
    linked.desk.select((2,))
    linked.leave()
    assert MARK not in viewer.layers
    assert not viewer.layers["film trajectories"].mouse_drag_callbacks
    linked.follow()
    settle(qtbot, linked)
    assert particles_of(linked) == [0, 1, 2, 3, 4, 5]
    assert linked.numbers.said("D") == str(diffusion(linked.desk.table).coefficient)


def test_the_suggestion_survives_nothing_but_its_own_detections(qtbot, panel, viewer, detections, monkeypatch):
    qtbot.waitUntil(lambda: panel.form.suggestion is not None)
    slow = panel.form.suggestion.radius
    add_detections(viewer, walks(step=2.0), name="other detections")
    panel.form.detections.setCurrentText("other detections")
    assert panel.form.suggestion is None
    qtbot.waitUntil(lambda: panel.form.suggestion is not None)
    assert panel.form.suggestion.radius > 2 * slow
    assert linking_form.ONE_FRAME not in panel.status.said()
