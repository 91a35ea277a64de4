"""The whole way in a real window, as the tutorial tells it: from a sample to a saved table, a picture of every step.

With GROWTRACK_PICTURES=docs/images/tour the pictures are left there.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_growtrack.core.networks.bundled import bundled
from napari_growtrack.core.scoring import score
from napari_growtrack.core.tables import read_table
from napari_growtrack.widgets.networks.sentences import answer_line
from napari_growtrack.widgets.shared.opening import open_panel

pytestmark = pytest.mark.skipif("vesicles" not in bundled(), reason="the bundled network vesicles is not there yet")

SIZES = [(1280, 800), (2560, 1440)]


class Camera:
    """Takes pictures of a window, if they are wanted, and looks for what is cut off."""

    def __init__(self, viewer, qtbot):
        self.viewer, self._qtbot = viewer, qtbot
        folder = os.environ.get("GROWTRACK_PICTURES")
        self._folder = Path(folder).resolve() if folder else None

    def __call__(self, name):
        self._qtbot.wait(20)
        if self._folder:
            self._qtbot.wait(400)
            self._folder.mkdir(parents=True, exist_ok=True)
            self.viewer.window.screenshot(str(self._folder / f"{name}.png"), canvas_only=False, flash=False)


@pytest.fixture
def viewer(make_window):
    viewer = make_window(show=True)
    viewer.window.resize(1280, 800)
    return viewer


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_from_a_sample_to_a_saved_table(viewer, qtbot, tmp_path, monkeypatch):
    picture = Camera(viewer, qtbot)
    steps = open_panel(viewer, "First steps")
    press(qtbot, steps.rows[0].button)
    qtbot.waitUntil(lambda: "vesicles" in viewer.layers)
    viewer.reset_view()
    picture("1-sample")

    press(qtbot, steps.rows[1].button)
    track = steps.session.panels["Track"]
    qtbot.waitUntil(lambda: track.preview.candidates() is not None)
    viewer.reset_view()
    qtbot.waitUntil(lambda: track.form.speed_note.said() != "")
    picture("2-preview")
    assert len(viewer.layers["vesicles preview"].data) >= 14

    track.form.stage.setValue(1)
    picture("3-stage")
    track.form.stage.setValue(3)

    press(qtbot, track.all_frames)
    qtbot.waitUntil(lambda: not track.work.running)
    assert track.status.kind == "plain", track.status.said()
    picture("4-tracked")

    track.thresholds.significance._drag(track.thresholds.significance._place(20))
    picture("5-threshold")
    track.thresholds.significance.button.click()
    truth = pd.DataFrame(viewer.layers["truth"].data, columns=["frame", "y", "x"])
    layer = viewer.layers["vesicles detections"]
    assert score(truth, layer.features[layer.shown]).found > 0.95

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("vesicles.detections.csv", ""))
    press(qtbot, track.runs.history.saving)
    track._area.verticalScrollBar().setValue(10_000)
    picture("6-saved")
    saved = read_table("vesicles.detections.csv")
    assert len(saved) == layer.shown.sum()
    np.testing.assert_allclose(saved[["frame", "y", "x"]], layer.data[layer.shown], rtol=1e-9)

    press(qtbot, steps.rows[5].button)
    scores = steps.session.panels["Score"]
    qtbot.waitUntil(lambda: not scores.work.running)
    qtbot.wait(600)
    picture("7-score")

    press(qtbot, steps.rows[7].button)
    paths = steps.session.panels["Trajectories"]
    qtbot.waitUntil(lambda: paths.form.suggestion is not None)
    viewer.layers.selection.active = layer
    press(qtbot, paths.link)
    qtbot.waitUntil(lambda: paths.reading is not None)
    viewer.dims.set_point(0, 25)
    viewer.layers["truth"].visible = False
    paths.linking_section.set_open(False)
    picture("12-trajectories")
    d = paths.reading.report.by_covariance.coefficient
    assert d.holds(0.5)
    paths.desk.select((3, 5))
    qtbot.waitUntil(lambda: paths.reading is not None)
    paths._area.verticalScrollBar().setValue(10_000)
    picture("13-selected")
    paths.desk.select(())
    qtbot.waitUntil(lambda: paths.reading is not None, timeout=20_000)
    paths.limits_section.set_open(True)
    paths.limits.form.histogram.moved.emit(30, np.inf)
    qtbot.wait(600)
    assert (paths.table.rows["length"] >= 30).all()
    paths._area.ensureWidgetVisible(paths.limits)
    picture("14-limits")
    steps.refresh()
    assert [row.done for row in steps.rows] == [True, True, True, False, True, True, True, True]


def test_the_maps_of_the_window_under_the_cursor(viewer, qtbot):
    viewer.open_sample("napari-growtrack", "vesicles")
    panel = open_panel(viewer, "Networks")
    viewer.dims.set_point(0, 0)
    panel.sections["table"].set_open(False)
    panel.sections["maps"].set_open(True)
    panel.maps.following.setChecked(True)
    y, x = viewer.layers["truth"].data[0, 1:]
    for callback in list(viewer.mouse_move_callbacks):
        callback(viewer, SimpleNamespace(position=(0, y + 1, x - 1), dims_displayed=[1, 2]))
    qtbot.waitUntil(lambda: panel.maps.view.maps is not None)
    panel._area.ensureWidgetVisible(panel.maps.view)
    Camera(viewer, qtbot)("11-networks")
    assert panel.maps.view.answer.said() == answer_line(panel.maps.view.maps, panel.shown.card)
    assert panel.maps.view.maps.distance < 3


PANELS = ["First steps", "Track", "Simulate", "Grow", "Networks", "Score", "Trajectories"]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_its_panel(make_window, qtbot, size, theme):
    """Panel by panel in one window, for a window takes seconds to open."""
    viewer = make_window(show=True)
    viewer.theme = theme
    viewer.window.resize(*size)
    viewer.open_sample("napari-growtrack", "beads")
    picture, narrow = Camera(viewer, qtbot), {}
    for name in PANELS:
        panel = open_panel(viewer, name)
        if hasattr(panel, "live"):
            panel.live.setChecked(False)
        qtbot.wait(300)
        picture(f"{name.lower().replace(' ', '-')}-{theme}-{size[0]}")
        area = panel._area
        narrow[name] = (
            panel.width() <= 480,
            area.widget().width() <= area.viewport().width(),
            panel.width() >= panel.minimumSizeHint().width(),
        )
        viewer.window.remove_dock_widget(panel)
    assert narrow == dict.fromkeys(PANELS, (True, True, True))


def test_a_stage_that_is_slid_to_and_back_at_once_was_slid(viewer, qtbot):
    steps = open_panel(viewer, "First steps")
    steps.session.choose("vesicles")
    steps.session.choose("beads")
    steps.refresh()
    assert not steps.rows[2].done
    steps.session.change(stage=1)
    steps.session.change(stage=3)
    steps.refresh()
    assert steps.rows[2].done
