"""The whole way in a real window: sample film, panel from the manifest, bundled network, rings on the particles.

With GROWTRACK_SCREENSHOT=docs/images/track-panel.png it leaves a picture of the window there.
"""

import os

import pandas as pd
import pytest

from napari_growtrack.core.scoring import score
from napari_growtrack.core.zoo import bundled


@pytest.mark.skipif("vesicles" not in bundled(), reason="the bundled network vesicles is not there yet")
def test_a_person_tracks_the_sample_film(make_window, qtbot):
    viewer = make_window(show=True)
    viewer.window.resize(1400, 900)
    viewer.open_sample("napari-growtrack", "vesicles")
    _, panel = viewer.window.add_plugin_dock_widget("napari-growtrack", "Track")
    panel.form.choose("vesicles")
    panel.track_all_frames()
    qtbot.waitUntil(lambda: not panel.work.running, timeout=120_000)
    truth = pd.DataFrame(viewer.layers["truth"].data, columns=["frame", "y", "x"])
    found = viewer.layers["vesicles detections"].features
    assert panel.status.kind == "plain", panel.status.said()
    assert score(truth, found).found > 0.9
    if path := os.environ.get("GROWTRACK_SCREENSHOT"):
        viewer.reset_view()
        qtbot.wait(300)
        viewer.window.screenshot(path, canvas_only=False, flash=False)
