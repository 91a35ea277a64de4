"""The window never waits: whatever works beside it, its heart goes on beating."""

import time

import dask.array
import numpy as np
import pytest
from heart import MOST, Heart

from napari_growtrack.core.simulation import named_scene, simulate_film
from napari_growtrack.core.zoo import bundled
from napari_growtrack.widgets.opening import open_panel

pytestmark = pytest.mark.skipif("vesicles" not in bundled(), reason="the bundled network vesicles is not there yet")


def long_film(frames=500, side=512):
    """Return frames that are made when they are read: five pictures, shown again and again."""
    some, _ = simulate_film(named_scene("vesicles").with_(snr=5), 5, (side, side), np.random.default_rng(0), 20)
    return dask.array.map_blocks(
        lambda block_id: some[block_id[0] % 5][None],
        chunks=((1,) * frames, (side,), (side,)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )


@pytest.fixture
def viewer(make_window, qtbot):
    viewer = make_window(show=True)
    viewer.window.resize(1280, 800)
    viewer.add_image(long_film(), name="film", contrast_limits=(0, 1.5))
    qtbot.wait(1000)
    return viewer


def layer_by_hand(viewer, qtbot, heart) -> float:
    """Return how long napari itself keeps a person waiting for a layer of points, in seconds."""
    heart.rest()
    layer = viewer.add_points(np.empty((0, 3)), ndim=3, name="by hand")
    qtbot.wait(300)
    longest, _ = heart.rest()
    viewer.layers.remove(layer)
    qtbot.wait(300)
    heart.rest()
    return longest


def test_loading_tensorflow_looking_and_tracking_500_frames(viewer, qtbot):
    panel = open_panel(viewer, "Track")
    qtbot.waitUntil(lambda: "film preview" in viewer.layers, timeout=5_000)
    qtbot.wait(300)  # napari makes a layer in one go, and draws it in another
    with Heart() as heart:
        qtbot.waitUntil(lambda: panel.preview.candidates() is not None, timeout=60_000)
        heart.check("loading TensorFlow and looking at a frame")
        qtbot.waitUntil(lambda: not panel.preview.work.running, timeout=20_000)
        by_hand = layer_by_hand(viewer, qtbot, heart)
        panel.track_all_frames()
        qtbot.wait(600)
        heart.rest()
        qtbot.waitUntil(lambda: panel.bar.value() >= 400, timeout=60_000)
        heart.check("tracking")
        qtbot.waitUntil(lambda: not panel.work.running, timeout=60_000)
        qtbot.wait(300)
        heart.check("showing what was found in 500 frames", max(MOST, by_hand))
        assert len(viewer.layers["film detections"].data) == len(panel.runs.records[0].table) > 9_000
        panel.track_all_frames()
        qtbot.waitUntil(lambda: panel.bar.value() >= 50, timeout=60_000)
        heart.rest()
        began = time.perf_counter()
        panel.cancel.click()
        qtbot.waitUntil(lambda: not panel.work.running, timeout=10_000)
        assert time.perf_counter() - began < 1 + heart.rest()[1]
        assert 50 <= len(panel.runs.records[1].frames) < 500


def walkers(frames=100, particles=300):
    """Return detections of so many particles, (n, 3), and the tracks they are, (n, 4)."""
    rng = np.random.default_rng(0)
    places = rng.normal(0, 0.7, (frames, particles, 2)).cumsum(0) + rng.uniform(0, 2000, (particles, 2))
    points = np.column_stack([np.repeat(np.arange(frames), particles), places.reshape(-1, 2)])
    return points, np.column_stack([np.tile(np.arange(particles), frames), points])


def test_linking_30_000_detections_and_reading_off_motion(viewer, qtbot):
    points, tracks = walkers()
    with Heart() as heart:
        viewer.add_tracks(tracks, name="by hand")
        qtbot.wait(500)
        by_hand, _ = heart.rest()
        viewer.layers.remove("by hand")
        viewer.add_points(points, name="film detections", metadata={"growtrack": {"frames": [0]}})
        panel = open_panel(viewer, "Trajectories")
        qtbot.waitUntil(lambda: panel.form.suggestion is not None, timeout=60_000)
        qtbot.wait(500)
        heart.rest()
        panel.link.click()
        qtbot.waitUntil(lambda: panel.desk.layer is not None, timeout=60_000)
        qtbot.wait(50)
        heart.check("linking", max(MOST, by_hand))
        qtbot.waitUntil(lambda: panel.reading is not None, timeout=60_000)
        qtbot.wait(200)
        heart.check("measuring motion")
        panel.desk.select((3, 4, 5))
        qtbot.waitUntil(lambda: panel.reading is not None, timeout=60_000)
        qtbot.wait(200)
        heart.check("selecting trajectories", max(MOST, by_hand))
    assert panel.reading.report.by_covariance.trajectories == 3


def test_simulating_a_film(viewer, qtbot):
    panel = open_panel(viewer, "Simulate")
    panel.film.frames.setValue(400)
    qtbot.waitUntil(lambda: panel.preview._shown is not None, timeout=30_000)
    qtbot.wait(500)
    with Heart() as heart:
        by_hand = layer_by_hand(viewer, qtbot, heart)
        panel.make_film()
        qtbot.waitUntil(lambda: panel.bar.value() >= 200 or not panel.work.running, timeout=60_000)
        heart.check("simulating")
        qtbot.waitUntil(lambda: not panel.work.running, timeout=60_000)
        qtbot.wait(30)
        heart.check("adding the film", max(MOST, by_hand))
    qtbot.waitUntil(lambda: "truth" in viewer.layers, timeout=5_000)


def test_growing_and_stopping(viewer, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTRACK_NETWORKS", str(tmp_path))
    panel = open_panel(viewer, "Grow")
    qtbot.wait(500)
    with Heart() as heart:
        panel.begin_growing()
        qtbot.waitUntil(lambda: len(panel.curve.points(1)), timeout=60_000)
        qtbot.wait(4_000)
        heart.check("growing")
        began = time.perf_counter()
        panel.cancel.click()
        qtbot.waitUntil(lambda: not panel.work.running, timeout=10_000)
        assert time.perf_counter() - began < 1 + heart.rest()[1]
    qtbot.waitUntil(lambda: any(tmp_path.glob("*.growing")), timeout=20_000)
