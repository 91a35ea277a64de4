"""Measure what the panels cost, in a real window: heartbeats, latencies, memory, and the work beside the window.

Run it under a virtual screen; it writes docs/panels/measured.json and the table of docs/napari.md::

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python tests/widgets/measure_panels.py docs/panels
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import dask.array
import napari
import numpy as np
import pandas as pd
from heart import Heart
from qtpy.QtWidgets import QApplication

from napari_growtrack.core.detection import iter_detections
from napari_growtrack.core.films import ArrayStack
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.scene_estimate import match_film
from napari_growtrack.core.simulation import SCENES, named_scene, simulate_film
from napari_growtrack.widgets.napari_io import samples
from napari_growtrack.widgets.session.runs import Record
from napari_growtrack.widgets.shared.opening import open_panel

APART = """
import json, sys, time
from measure_panels import direct
print(json.dumps(direct()))
"""
FRAMES, SIDE = 500, 512


def long_film(frames=500, side=512):
    """Return frames that are made when they are read: five pictures, shown again and again."""
    some, _ = simulate_film(named_scene("vesicles").with_(snr=5), 5, (side, side), np.random.default_rng(0), 20)
    return dask.array.map_blocks(
        lambda block_id: some[block_id[0] % 5][None],
        chunks=((1,) * frames, (side,), (side,)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )


def walkers(frames=100, particles=300):
    """Return detections of so many particles, (n, 3), and the tracks they are, (n, 4)."""
    rng = np.random.default_rng(0)
    places = rng.normal(0, 0.7, (frames, particles, 2)).cumsum(0) + rng.uniform(0, 2000, (particles, 2))
    points = np.column_stack([np.repeat(np.arange(frames), particles), places.reshape(-1, 2)])
    return points, np.column_stack([np.tile(np.arange(particles), frames), points])


def direct() -> float:
    """Return the seconds that tracking the film takes in a process of its own, without napari."""
    network, film = load_network("vesicles"), ArrayStack(long_film(FRAMES, SIDE), "film")
    list(iter_detections(film, network, network.cascade(3), range(20)))
    began = time.perf_counter()
    for _ in iter_detections(film, network, network.cascade(3)):
        pass
    return time.perf_counter() - began


class Window:
    """A napari window, and how to wait in it."""

    def __init__(self):
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 800)
        self.app = QApplication.instance()
        self.wait(1)

    def wait(self, seconds, until=lambda: False):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and not until():
            self.app.processEvents()
            time.sleep(0.0005)


def measure(folder: Path) -> None:
    """Measure everything, and write it down."""
    window, rows = Window(), []

    def row(what, value, unit, machine=float("nan")):
        rows.append({"what": what, "value": value, "unit": unit, "machine": machine})
        print(rows[-1], flush=True)

    viewer = window.viewer
    viewer.add_image(long_film(FRAMES, SIDE), name="film", contrast_limits=(0, 1.5))
    window.wait(1)
    with Heart() as heart:
        viewer.layers.remove(viewer.add_points(np.empty((0, 3)), ndim=3))
        window.wait(1)
        heart.rest()
        viewer.add_points(np.empty((0, 3)), ndim=3, name="by hand")
        window.wait(1)
        longest, machine = heart.rest()
        row("longest gap: a layer of points is added by hand, with no panel open", 1e3 * longest, "ms", 1e3 * machine)
        viewer.layers.remove("by hand")
    for name in ("First steps", "Networks", "Score", "Trajectories", "Simulate", "Grow", "Track"):
        began = time.perf_counter()
        panel = open_panel(viewer, name)
        row(f"open {name}", 1e3 * (time.perf_counter() - began), "ms")
        if name == "Track":
            panel.live.setChecked(False)
        window.wait(1.5)
    track = panel
    with Heart() as heart:

        def gap(what):
            longest, machine = heart.rest()
            row(f"longest gap: {what}", 1e3 * longest, "ms", 1e3 * machine)

        track.live.setChecked(True)
        window.wait(0.5)
        gap("the preview's layer is added")
        window.wait(60, lambda: track.preview.candidates() is not None)
        gap("loading TensorFlow, first preview")
        window.wait(3)
        heart.rest()
        times = []
        for frame in range(0, 200, 10):
            began = time.perf_counter()
            viewer.dims.set_point(0, frame)
            window.wait(2, lambda frame=frame: track.preview.frame == frame and track.preview.candidates() is not None)
            times.append(time.perf_counter() - began)
        row("frame slider to rings of the preview, median", 1e3 * np.median(times), "ms")
        gap("moving the frame slider")
        track.track_all_frames()
        window.wait(0.5)
        gap("a run begins, and its layer is added")
        window.wait(120, lambda: not track.work.running)
        window.wait(0.3)
        gap("tracking 500 frames of 512 x 512")
        track.track_all_frames()
        window.wait(60, lambda: track.bar.value() >= 50)
        began = time.perf_counter()
        track.cancel.click()
        window.wait(10, lambda: not track.work.running)
        row("cancel a run", 1e3 * (time.perf_counter() - began), "ms")
        window.wait(2)
        heart.rest()
        beside, apart = costs(window, track)
        drags(window, track, row)
        slowest_sample(row)
        ten_clicks(row)
        chosen_network(window, row)
        heart.rest()
        simulate = open_panel(viewer, "Simulate")
        layers = len(viewer.layers)
        window.wait(3)
        heart.rest()
        for box, value in ((simulate.film.frames, 60), (simulate.film.rows, SIDE), (simulate.film.columns, SIDE)):
            box.setValue(value)
        began = time.perf_counter()
        simulate.make_film()
        window.wait(60, lambda: not simulate.work.running or len(viewer.layers) > layers)
        gap("simulating 60 frames of 512 x 512, and adding them")
        window.wait(1.5)
        grow = open_panel(viewer, "Grow")
        window.wait(1)
        heart.rest()
        grow.begin_growing()
        window.wait(25)
        gap("growing for 25 s")
        began = time.perf_counter()
        grow.cancel.click()
        window.wait(10, lambda: not grow.work.running)
        row("stop growing", 1e3 * (time.perf_counter() - began), "ms")
        gap("stopping")
        trajectories(window, gap, row)
    film_memory(window, track, row)
    window.viewer.close()
    row("tracking 500 frames beside the window / without napari", np.median(beside) / np.median(apart), "times")
    row("the same, without napari", FRAMES / np.median(apart), "frames/s")
    write(folder, rows)


def costs(window, track) -> tuple[list[float], list[float]]:
    """Return the seconds that tracking takes beside the window, and without napari, taking turns."""
    beside, apart = [], []
    for _ in range(3):
        began = time.perf_counter()
        track.track_all_frames()
        window.wait(120, lambda: not track.work.running)
        beside.append(time.perf_counter() - began)
        window.wait(1)
        found = subprocess.run(
            [sys.executable, "-c", APART], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
        apart.append(json.loads(found.stdout.splitlines()[-1]))
    return beside, apart


def drags(window, track, row) -> None:
    """Drag a threshold over 20 000 candidates."""
    record = track.runs.records[0]
    some = pd.concat([record.table] * (20_000 // max(len(record.table), 1) + 1), ignore_index=True)[:20_000]
    many = Record(**{**{f: getattr(record, f) for f in record.__dataclass_fields__}, "table": some})
    track.runs.records.clear()
    track.runs.keep(replace(many, number=1), track.image.image)
    window.wait(2)
    times = []
    for mark in np.linspace(0.2, 2.5, 30):
        began = time.perf_counter()
        track.thresholds.distance._drag(mark)
        window.app.processEvents()
        times.append(time.perf_counter() - began)
        window.wait(0.05)
    row("drag a threshold over 20 000 candidates to the picture, median", 1e3 * np.median(times), "ms")
    row("the same, longest", 1e3 * max(times), "ms")
    times = []
    for stage in (1, 2, 3, 1, 2, 3):
        began = time.perf_counter()
        track.form.stage.setValue(stage)
        window.app.processEvents()
        times.append(time.perf_counter() - began)
        window.wait(0.3)
    row("slide the stage to its rings, median", 1e3 * np.median(times), "ms")


def slowest_sample(row) -> None:
    """Make every sample film."""
    times = {}
    for name in SCENES:
        began = time.perf_counter()
        getattr(samples, name)()
        times[name] = time.perf_counter() - began
    row(f"make a sample film, the slowest ({max(times, key=times.get)})", max(times.values()), "s")


def ten_clicks(row) -> None:
    """Match ten clicked particles of a film."""
    film, truth = simulate_film(named_scene("rings"), 2, (SIDE, SIDE), np.random.default_rng(0))
    points = np.add(truth.loc[truth.frame == 0, ["frame", "y", "x"]].to_numpy()[:10], (0, 1, -1))
    match_film(film, points)
    began = time.perf_counter()
    match_film(film, points)
    row("match ten clicked particles in frames of 512 x 512 px", time.perf_counter() - began, "s")


def chosen_network(window, row) -> None:
    """Choose another network in the Networks panel, and look at its maps."""
    panel = open_panel(window.viewer, "Networks")
    window.wait(1)
    began = time.perf_counter()
    panel.choose("beads")
    row("choose another network in Networks", 1e3 * (time.perf_counter() - began), "ms")
    window.wait(1)
    panel.maps.following.setChecked(True)
    times = []
    for place in range(100, 400, 20):
        panel.maps.view.show_maps(None)
        began = time.perf_counter()
        window.viewer.mouse_move_callbacks[-1](window.viewer, SimpleNamespace(position=(0, place, place)))
        window.wait(60, lambda: panel.maps.view.maps)
        times.append(time.perf_counter() - began)
    row("move the cursor to the maps of the window under it, median", 1e3 * np.median(times), "ms")
    panel.maps.following.setChecked(False)


def trajectories(window, gap, row) -> None:
    """Link 30 000 detections of 300 particles, read off motion, select, and delete."""
    viewer, (points, tracks) = window.viewer, walkers()
    viewer.layers.clear()
    viewer.add_tracks(tracks, name="by hand")
    window.wait(1)
    gap("tracks of 30 000 points are added by hand")
    viewer.layers.clear()
    panel = open_panel(viewer, "Trajectories")
    viewer.add_points(points, name="film detections", metadata={"growtrack": {"frames": [0]}})
    window.wait(60, lambda: panel.form.suggestion is not None)
    window.wait(1)
    gap("30 000 points are added by hand, and a search radius is suggested")
    began = time.perf_counter()
    panel.link.click()
    window.wait(60, lambda: panel.desk.layer is not None)
    row("link 30 000 detections in 100 frames, and show them", time.perf_counter() - began, "s")
    window.wait(60, lambda: panel.reading is not None)
    row("the same, and read off motion", time.perf_counter() - began, "s")
    window.wait(0.5)
    gap("linking 30 000 detections, showing them, reading off motion")
    began = time.perf_counter()
    panel.desk.select((3, 4, 5))
    window.wait(60, lambda: panel.reading is not None)
    row("select three trajectories, to their diffusion coefficient", 1e3 * (time.perf_counter() - began), "ms")
    window.wait(0.5)
    gap("selecting three trajectories")
    panel.buttons.delete.click()
    window.wait(60, lambda: panel.reading is not None)
    panel.buttons.undo.click()
    window.wait(60, lambda: panel.reading is not None)
    window.wait(0.5)
    gap("deleting them, and undoing it")


def film_memory(window, track, row) -> None:
    """Preview and track some of a film of 20 GB."""
    side, frames = 1024, 20_000
    picture = np.random.default_rng(0).integers(0, 255, (side, side), dtype=np.uint8)
    film = dask.array.map_blocks(
        lambda block_id: np.roll(picture, block_id[0], 0)[None],
        chunks=((1,) * frames, (side,), (side,)),
        dtype=np.uint8,
        meta=np.empty((0, 0, 0), np.uint8),
    )
    window.viewer.layers.clear()
    image = window.viewer.add_image(film, name="long", contrast_limits=(0, 255))
    track.image._refresh()
    window.wait(3)
    track.first.setValue(0)
    track.last.setValue(49)
    track.track_all_frames()
    window.wait(60, lambda: not track.work.running)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    track.last.setMaximum(frames)
    track.last.setValue(399)
    track.track_all_frames()
    window.wait(120, lambda: not track.work.running)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row(f"film of {image.data.nbytes / 1e9:.0f} GB: peak memory after 400 more frames", (after - before) / 1024, "MiB")


def write(folder: Path, rows: list) -> None:
    """Write the figures, and the table of the documentation."""
    folder.mkdir(parents=True, exist_ok=True)
    story = {"python": platform.python_version(), "napari": napari.__version__, "cores": os.cpu_count(), "rows": rows}
    (folder / "measured.json").write_text(json.dumps(story, indent=1) + "\n")
    lines = ["| what | measured | the machine's own lateness |", "|---|---|---|"]
    for one in rows:
        late = "" if np.isnan(one["machine"]) else f"{one['machine']:.0f} ms"
        value = f"{one['value']:.2f}" if one["value"] < 10 else f"{one['value']:.0f}"
        lines.append(f"| {one['what']} | {value} {one['unit']} | {late} |")
    (folder / "measured.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
