"""The whole way in a real window: sample film, panel from the manifest, bundled network, rings on the particles.

With GROWTRACK_SCREENSHOT=docs/images/track-panel.png it leaves a picture of the window there.
"""

import os

import pandas as pd
import pytest

from napari_growtrack.core.networks.bundled import bundled
from napari_growtrack.core.scoring import score
from napari_growtrack.widgets.napari_io.samples import vesicles

with_vesicles = pytest.mark.skipif("vesicles" not in bundled(), reason="the bundled network vesicles is not there yet")


@with_vesicles
def test_a_person_tracks_the_sample_film(make_window, qtbot):
    viewer = make_window(show=True)
    viewer.window.resize(1400, 900)
    viewer.open_sample("napari-growtrack", "vesicles")
    _, panel = viewer.window.add_plugin_dock_widget("napari-growtrack", "Track")
    panel.form.choose("vesicles")
    panel.track_all_frames()
    qtbot.waitUntil(lambda: not panel.work.running)
    truth = pd.DataFrame(viewer.layers["truth"].data, columns=["frame", "y", "x"])
    found = viewer.layers["vesicles detections"].features
    assert panel.status.kind == "plain", panel.status.said()
    assert score(truth, found).found > 0.9
    if path := os.environ.get("GROWTRACK_SCREENSHOT"):
        viewer.reset_view()
        qtbot.wait(300)
        viewer.window.screenshot(path, canvas_only=False, flash=False)


@with_vesicles
def test_a_person_says_how_wide_the_particles_of_a_coarser_film_look(make_window, qtbot):
    viewer = make_window()
    (fine, _, _), (truth, _, _) = vesicles()
    viewer.add_image(fine[:5, :250, :250].reshape(5, 125, 2, 125, 2).mean((2, 4)), name="coarse")
    _, panel = viewer.window.add_plugin_dock_widget("napari-growtrack", "Track")
    panel.form.choose("vesicles")
    panel.form.diameter.setValue(panel.form.diameter.value() / 2)
    panel.track_all_frames()
    qtbot.waitUntil(lambda: not panel.work.running)
    truth = pd.DataFrame((truth - [0, 0.5, 0.5]) / [1, 2, 2], columns=["frame", "y", "x"]).query("frame < 5")
    found = viewer.layers["coarse detections"].features
    assert panel.status.kind == "plain", panel.status.said()
    assert score(truth, found).found > 0.95
    assert found.sigma.gt(0).all()
