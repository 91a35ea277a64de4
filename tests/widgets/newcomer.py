"""A newcomer's path, timed and counted: a film that no network knows, matched, adapted to for a minute, tracked, saved.

Run it under a virtual screen; it leaves pictures and how long it took::

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python tests/widgets/newcomer.py FILM PICTURES FIGURES
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import napari
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_growtrack.core.tables import read_table
from napari_growtrack.widgets.shared.opening import open_panel

SEEN = [(24, 183, 218), (24, 231, 232), (24, 85, 418)]
"""Three particles of the frame that the Brownian film opens with, frame, y, x, as well as a hand aims."""


class Person:
    """Clicks, waits and looks; counts the clicks."""

    def __init__(self, viewer, pictures):
        self.viewer, self.clicks, self._pictures = viewer, 0, pictures
        self._app, self._began = QApplication.instance(), time.perf_counter()

    def wait(self, seconds, until=lambda: False):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and not until():
            self._app.processEvents()
            time.sleep(0.001)

    def click(self, what, times=1):
        """Click a button, or count the clicks of something that is not one of ours."""
        self.clicks += times
        if hasattr(what, "click"):
            QTest.mouseClick(what, Qt.MouseButton.LeftButton)
        self.note(what.text() if hasattr(what, "text") else what)

    def note(self, what):
        print(f"{time.perf_counter() - self._began:6.1f} s, {self.clicks:2d} clicks: {what}", flush=True)

    def picture(self, name):
        self.wait(0.5)
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.viewer.window.screenshot(str(self._pictures / f"{name}.png"), canvas_only=False, flash=False)


def walk(film: Path, pictures: Path, folder: Path) -> None:
    """Go the whole way."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1280, 800)
    person = Person(viewer, pictures)
    saved = Path(tempfile.mkdtemp()) / "brownian.csv"
    QFileDialog.getSaveFileName = lambda *_: (str(saved), "")  # the dialog's own Save is counted below
    person.wait(1)
    viewer.open(film, plugin="napari-growtrack")
    person.click("the film is dropped, and napari asks which reader: OK")
    simulate = open_panel(viewer, "Simulate")
    person.click("Plugins > GrowTrack > Simulate", 2)
    person.wait(1)
    person.click(simulate.sections["Match my film"].title)
    person.wait(0.5)
    points = viewer.layers.selection.active
    for place in SEEN:
        points.add(place)
        person.click(f"a particle at {place}")
        person.wait(0.3)
    person.wait(60, lambda: simulate.matching.adapt.isVisible())
    person.note(f"matched: {simulate.session.scene.about} {simulate.matching.note.said()}")
    person.picture("8-match")
    person.click(simulate.matching.adapt)
    grow = simulate.session.panels["Grow"]
    person.wait(45, lambda: False)
    person.picture("9-grow")
    person.wait(300, lambda: not grow.work.running)
    person.note(grow.status.said())
    person.click(grow.track)
    track = grow.session.panels["Track"]
    person.wait(60, lambda: track.preview.candidates() is not None)
    person.click(track.all_frames)
    person.wait(120, lambda: not track.work.running)
    person.note(track.status.said())
    person.click(track.runs.history.saving)
    person.click("Save, in the dialog")
    seconds = time.perf_counter() - person._began
    person.picture("10-adapted")
    table = read_table(saved)
    counts = table.groupby("frame").size()
    story = {
        "seconds": round(seconds),
        "clicks": person.clicks,
        "frames": int(table["frame"].nunique()),
        "detections": len(table),
        "in_a_frame": [int(counts.min()), float(counts.median()), int(counts.max())],
        "network": track.session.card.name,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "newcomer.json").write_text(json.dumps(story, indent=1) + "\n")
    print(story)
    viewer.close()


if __name__ == "__main__":
    walk(*map(Path, sys.argv[1:4]))
