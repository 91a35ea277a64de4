"""Whatever a panel asks for is done in processes of their own; `make panels` measures how smooth that is."""

import os
import sys

import numpy as np
import pytest

from napari_growtrack.core.networks.bundled import bundled
from napari_growtrack.core.simulation import named_scene, simulate_film
from napari_growtrack.widgets.session.session import shared_engines
from napari_growtrack.widgets.shared.opening import open_panel

pytestmark = pytest.mark.skipif("vesicles" not in bundled(), reason="the bundled network vesicles is not there yet")

HEAVY = {"keras", "tensorflow", "jax", "torch"}
FRAMES = 8


@pytest.fixture
def viewer(make_window):
    """A window, in whose process nothing that computes with networks is loaded by what follows."""
    viewer, before = make_window(), HEAVY & set(sys.modules)
    film, _ = simulate_film(named_scene("vesicles").with_(snr=5), FRAMES, (96, 96), np.random.default_rng(0), 4)
    viewer.add_image(film, name="film")
    yield viewer
    assert HEAVY & set(sys.modules) == before


def process_of(engine):
    """Return the number of an engine's process, which is another one than the window's."""
    assert engine.running
    number = engine._process.pid
    assert number != os.getpid()
    return number


def test_looking_and_tracking(viewer, qtbot):
    panel = open_panel(viewer, "Track")
    qtbot.waitUntil(lambda: panel.preview.candidates() is not None)
    looked = process_of(shared_engines().tracking)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: not panel.work.running)
    assert process_of(shared_engines().tracking) == looked
    assert len(viewer.layers["film detections"].data) == len(panel.runs.records[0].table) > FRAMES


def test_linking_and_reading_off_motion(viewer, qtbot):
    steps = np.random.default_rng(0).normal(0, 0.7, (20, 9, 2)).cumsum(0)
    places = steps + 30 * np.stack(np.divmod(np.arange(9), 3), axis=1)
    points = np.column_stack([np.repeat(np.arange(20), 9), places.reshape(-1, 2)])
    viewer.add_points(points, name="film detections", metadata={"growtrack": {"frames": [0]}})
    panel = open_panel(viewer, "Trajectories")
    qtbot.waitUntil(lambda: panel.form.suggestion is not None)
    panel.link.click()
    qtbot.waitUntil(lambda: panel.reading is not None)
    process_of(shared_engines().motion)
    panel.desk.select((3, 4, 5))
    qtbot.waitUntil(lambda: panel.reading is not None)
    assert panel.reading.report.by_covariance.trajectories == 3


def test_simulating_a_film(viewer, qtbot):
    panel = open_panel(viewer, "Simulate")
    panel.film.frames.setValue(FRAMES)
    panel.make_film()
    qtbot.waitUntil(lambda: "truth" in viewer.layers)
    process_of(shared_engines().simulating)


def test_growing_and_stopping(viewer, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTRACK_NETWORKS", str(tmp_path))
    panel = open_panel(viewer, "Grow")
    panel.begin_growing()
    qtbot.waitUntil(lambda: len(panel.curve.points(1)))
    process_of(shared_engines().growing)
    panel.cancel.click()
    qtbot.waitUntil(lambda: not panel.work.running)
    qtbot.waitUntil(lambda: any(tmp_path.glob("*.growing")))


def test_the_engines_of_all_panels_are_four_processes():
    engines = shared_engines()
    assert len({id(engine) for engine in (engines.tracking, engines.motion, engines.simulating, engines.growing)}) == 4
