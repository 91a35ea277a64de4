"""The Simulate panel, driven as a person does, over a viewer without a window."""

import threading
import time

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QFileDialog
from spots import PATIENCE, numbers_in, why

from napari_growtrack.core.networks.choice import Chosen, Tried
from napari_growtrack.core.settings import Span
from napari_growtrack.core.simulation import (
    CAMERAS,
    SCENES,
    BesselParticle,
    Camera,
    GaussianParticle,
    Motion,
    Particle,
    Scene,
    named_scene,
    simulate_film,
)
from napari_growtrack.engine import Here
from napari_growtrack.jobs import scene_estimate
from napari_growtrack.jobs.scene_estimate import MatchFilm
from napari_growtrack.widgets.napari_io.samples import CROSS
from napari_growtrack.widgets.session.session import Engines, Session
from napari_growtrack.widgets.shared.layers import open_film
from napari_growtrack.widgets.shared.opening import with_ending
from napari_growtrack.widgets.shared.scenes import OPEN_SCENE
from napari_growtrack.widgets.simulate import film_form, match_form
from napari_growtrack.widgets.simulate import panel as simulate
from napari_growtrack.widgets.simulate.match_form import CLICKS, in_pixels
from napari_growtrack.widgets.simulate.panel import SimulatePanel
from napari_growtrack.widgets.simulate.scene_form import SceneForm
from napari_growtrack.widgets.simulate.sentences import (
    CLICK,
    FINDING,
    MATCHED,
    MATCHING,
    NO_CLICKS,
    NO_FILM,
    STARTING,
    STOPPED,
    bystanders_line,
    kind_words,
    made_line,
    picture_words,
    saved_line,
    used_line,
    vast_line,
)

SPOTS = named_scene("table42")
FILM, TRUTH = simulate_film(SPOTS.with_(snr=8), 2, (128, 128), np.random.default_rng(3), 6)
CLICKED = TRUTH[["frame", "y", "x"]].to_numpy()[:5]


class Gate:
    """An engine that lets jobs through only while it is open, and counts them."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.jobs = []

    def run(self, job, film=None):
        self.jobs.append(job)
        while not self.open.is_set():
            yield None
            time.sleep(0.002)
        for told in Here().run(job, film):
            yield told
            yield None

    def close(self) -> None:
        pass


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def make_panel(qtbot, viewer):
    panels = []

    def make(session=None, wrapped=False) -> SimulatePanel:
        given = PublicOnlyProxy(viewer) if wrapped else viewer  # napari wraps the viewer it gives to plugins
        panel = SimulatePanel(given, session or Session(load=lambda path: None))
        panel.resize(320, 900)
        panel.show()
        qtbot.addWidget(panel)
        panels.append(panel)
        return panel

    yield make
    for panel in panels:
        panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


@pytest.fixture
def panel(make_panel):
    return make_panel()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def form(qtbot):
    form = SceneForm()
    qtbot.addWidget(form)
    form.show()
    return form


def heard(signal) -> list:
    said = []
    signal.connect(lambda *values: said.append(values[0] if values else None))
    return said


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def settle(qtbot, panel):
    works = (panel.work, panel.preview.frames, panel.matches)
    qtbot.waitUntil(lambda: not any(work.running for work in works))


def slide(row, low, high):
    row.slider.setValue((low, high))


def choose(choice, text):
    index = choice.findText(text)
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


# The scene's sliders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_scene_that_nobody_touches_comes_back_as_it_was(form, scene):
    said = heard(form.changed)
    form.set_scene(scene)
    for kind in range(len(scene.particles)):
        form.which.setCurrentIndex(kind)
    assert form.scene() == scene
    assert form.which.count() == len(scene.particles)
    assert not said


def test_what_rounds_in_its_box_is_kept_until_it_is_changed(form):
    form.set_scene(
        SPOTS.with_(apart=20.04, density=0.95236, particles=[BesselParticle(radius=2.345, rings={1: 0.4567})])
    )
    slide(form.spans["background"], 0.1, 0.3)
    scene = form.scene()
    assert (scene.apart, scene.density.low, scene.particles[0].radius.low) == (20.04, 0.95236, 2.345)
    assert scene.background == Span(low=0.1, high=0.3)


@pytest.mark.parametrize("name", ["background", "gradient", "snr", "density"])
def test_a_slider_changes_its_range_and_nothing_else(form, name):
    said = heard(form.changed)
    form.set_scene(SPOTS)
    form.spans[name].low.setValue(0.9)
    scene = form.scene()
    assert len(said) == 1
    assert getattr(scene, name).low == 0.9
    same = {"name": SPOTS.name, "about": SPOTS.about, name: getattr(SPOTS, name)}
    assert scene.with_(**same) == SPOTS
    assert scene.name == "table42 changed"


def test_a_scene_that_was_changed_back_is_the_same_again(form):
    form.set_scene(SPOTS)
    form.apart.setValue(30)
    assert form.scene().apart == 30
    form.apart.setValue(20)
    assert form.scene() is SPOTS


def test_each_kind_of_particle_has_sliders_of_its_own(form):
    form.set_scene(named_scene("default"))
    form.which.setCurrentIndex(2)
    slide(form.kind.spans["radius"], 4, 5)
    slide(form.kind.series["rings"][1], -0.5, 0.1)
    form.which.setCurrentIndex(0)
    kinds = form.scene().particles
    assert kinds[2].radius == Span(low=4, high=5)
    assert kinds[2].rings == {1: Span(low=-0.5, high=0.1), 2: Span(low=0.2, high=0.6)}
    assert kinds[:2] + kinds[3:] == tuple(k for n, k in enumerate(named_scene("default").particles) if n != 2)


def test_kinds_are_added_and_removed_but_one_stays(qtbot, form):
    form.set_scene(SPOTS)
    assert not form.remove.isEnabled()
    press(qtbot, form.add)
    assert (form.which.currentIndex(), form.which.currentText()) == (1, kind_words(2, 2))
    form.kind.weight.setValue(3)
    assert [kind.weight for kind in form.scene().particles] == [1, 3]
    form.which.setCurrentIndex(0)
    press(qtbot, form.remove)
    assert [kind.weight for kind in form.scene().particles] == [3]
    assert not form.remove.isEnabled()


def test_orders_beyond_the_second_have_sliders_where_a_kind_has_them(form):
    scene = SPOTS.with_(
        particles=[BesselParticle(radius=2, rings={1: 0.5}), BesselParticle(radius=3, rings={3: (0.1, 0.2)})]
    )
    form.set_scene(scene)
    for kind, shown in ((0, False), (1, True), (0, False), (1, True)):
        form.which.setCurrentIndex(kind)
        assert (3 in form.kind.series["rings"] and form.kind.series["rings"][3].isVisible()) == shown
    slide(form.kind.series["rings"][3], 0.1, 0.6)
    assert form.scene().particles[1].rings == {3: Span(low=0.1, high=0.6)}


def test_bystanders_stay_and_are_mentioned(form):
    form.set_scene(named_scene("species"))
    form.apart.setValue(30)
    assert form.bystanders.said() == bystanders_line(2)
    assert form.scene().distractors == named_scene("species").distractors


@pytest.mark.parametrize(
    ("row", "value", "label"),
    [
        (lambda form: form.spans["density"], -2, "Particles per\n100 x 100 px"),
        (lambda form: form.spans["background"], -2e3, "Background"),
        (lambda form: form.kind.spans["radius"], 0, "Radius"),
        (lambda form: form.kind.spans["ellipticity"], -1, "Stretch"),
        (lambda form: form.kind.series["rings"][1], -2e3, "Spot\n(order 1)"),
    ],
)
def test_a_scene_that_cannot_be_is_refused_and_says_where(form, row, value, label):
    form.set_scene(SPOTS)
    row(form).low.setValue(value)
    assert form.refusal() == why(form.scene)
    assert (form.note.kind, form.note.said()) == ("error", form.refusal())
    assert form.marked() == [label]
    row(form).low.setValue(0.5)
    assert not form.refusal()
    assert not form.note.said()
    assert form.marked() == []


# Presets and files ----------------------------------------------------------------------------------------------------


def test_presets_tell_what_they_look_like(panel):
    choose(panel.presets, "beads")
    assert panel.form.scene() == named_scene("beads")
    assert panel.about.said() == named_scene("beads").about
    tip = panel.presets.itemData(panel.presets.findText("beads"), Qt.ItemDataRole.ToolTipRole)
    assert tip == named_scene("beads").about


def test_a_scene_is_saved_and_opened_again(qtbot, panel, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    slide(panel.form.spans["background"], 0.5, 0.6)
    scene = panel.form.scene()
    press(qtbot, panel.save)
    assert Scene.from_file(tmp_path / "mine.json") == scene
    assert (panel.status.kind, panel.status.said()) == ("plain", saved_line(tmp_path / "mine.json"))
    press(qtbot, panel.save)
    assert (panel.status.kind, panel.status.said()) == ("error", why(with_ending, tmp_path / "mine", ".json"))
    choose(panel.presets, "beads")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "mine.json"), ""))
    choose(panel.presets, OPEN_SCENE)
    assert panel.form.scene() == scene
    assert panel.presets.currentText() == scene.name


@pytest.mark.parametrize("text", ["{}", "no"])
def test_a_file_that_holds_no_scene_leaves_the_earlier_one(panel, tmp_path, monkeypatch, text):
    (tmp_path / "bad.json").write_text(text)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "bad.json"), ""))
    choose(panel.presets, OPEN_SCENE)
    assert (panel.status.kind, panel.status.said()) == ("error", why(named_scene, tmp_path / "bad.json"))
    assert panel.presets.currentText() == "vesicles"
    assert panel.form.scene() == named_scene("vesicles")


def test_opening_no_file_changes_nothing(panel, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choose(panel.presets, OPEN_SCENE)
    assert panel.presets.currentText() == "vesicles"


def test_a_scene_from_elsewhere_is_offered_and_kept_for_the_next_panel(make_panel):
    session = Session(load=lambda path: None)
    first = make_panel(session)
    session.take_scene(SPOTS.with_(name="matched"))
    assert first.presets.findText("matched") >= 0
    assert make_panel(session).form.scene().name == "matched"


def test_a_scene_called_like_a_preset_does_not_replace_it(panel):
    title = panel.presets.offer(named_scene("beads").with_(snr=3))
    assert title != "beads"
    choose(panel.presets, "beads")
    assert panel.form.scene() == named_scene("beads")


# The live preview -----------------------------------------------------------------------------------------------------


def test_until_the_first_picture_the_simulator_is_starting(qtbot, make_panel, gate):
    panel = make_panel(Session(Engines(lambda: gate)))
    assert panel.preview.caption.said() == STARTING
    gate.open.set()
    settle(qtbot, panel)
    *numbers, snr = numbers_in(panel.preview.caption.said())
    assert numbers == [11, *panel.preview.shape]
    assert panel.preview.caption.said() == picture_words(11, 200, 200, snr)
    assert 2 <= snr <= 8


def test_the_picture_follows_the_sliders_and_only_the_latest_counts(qtbot, make_panel, gate):
    panel = make_panel(Session(Engines(lambda: gate)))
    qtbot.waitUntil(lambda: len(gate.jobs) > 0)
    for high in range(10, 60, 10):
        panel.form.spans["snr"].high.setValue(high)
    assert len(gate.jobs) == 1
    gate.open.set()
    settle(qtbot, panel)
    assert [job.scene.snr.high for job in gate.jobs] == [8, 50]


def test_the_picture_stays_until_another_is_asked_for(qtbot, make_panel, gate):
    gate.open.set()
    panel = make_panel(Session(Engines(lambda: gate)))
    panel.form.apart.setValue(11)
    settle(qtbot, panel)
    shown = len(gate.jobs)
    panel.preview.show_scene(panel.form.scene())
    settle(qtbot, panel)
    assert len(gate.jobs) == shown
    press(qtbot, panel.preview.dice)
    settle(qtbot, panel)
    assert len(gate.jobs) == shown + 1
    assert len({job.seed for job in gate.jobs[:shown]}) == 1
    assert gate.jobs[-1].seed != gate.jobs[0].seed


def test_circles_are_where_the_particles_are(qtbot, panel):
    settle(qtbot, panel)
    picture = panel.preview.picture
    assert picture.circles() == []
    panel.preview.circles.setChecked(True)
    assert len(picture.circles()) == numbers_in(panel.preview.caption.said())[0]
    picture.show_frame(np.zeros((10, 20)), TRUTH[:1].assign(y=2.0, x=4.0))
    ((centre, _),) = picture.circles()
    assert (centre.x(), centre.y()) == (pytest.approx(picture.side * 4.5 / 20), pytest.approx(picture.side * 2.5 / 20))


def test_a_scene_that_cannot_be_leaves_the_picture(qtbot, make_panel, gate):
    gate.open.set()
    panel = make_panel(Session(Engines(lambda: gate)))
    settle(qtbot, panel)
    panel.form.spans["density"].low.setValue(-1)
    settle(qtbot, panel)
    assert len(gate.jobs) == 1


# Films ----------------------------------------------------------------------------------------------------------------


def small_film(panel, frames=4, rows=64, columns=80, number=3):
    for box, value in zip(
        (panel.film.frames, panel.film.rows, panel.film.columns, panel.film.number),
        (frames, rows, columns, number),
        strict=True,
    ):
        box.setValue(value)


def await_film(qtbot, panel):
    settle(qtbot, panel)
    qtbot.waitUntil(lambda: "truth" in panel.viewer.layers)


def test_a_film_comes_with_its_truth_and_can_be_made_again(qtbot, panel, viewer):
    choose(panel.presets, "table42")
    panel.form.apart.setValue(12)
    small_film(panel)
    panel.film.seed.setValue(5)
    panel.film.right.setValue(1.5)
    press(qtbot, panel.make)
    await_film(qtbot, panel)
    image, truth = viewer.layers
    made = image.metadata["growtrack"]
    motion = Motion(diffusion=0.5, drift=(0, 1.5))
    frames, table = simulate_film(Scene(**made["scene"]), 4, (64, 80), np.random.default_rng(made["seed"]), 3, motion)
    assert Scene(**made["scene"]) == panel.form.scene()
    assert image.data.dtype == np.float32
    np.testing.assert_array_equal(image.data, frames)
    np.testing.assert_array_equal(truth.data, table[["frame", "y", "x"]])
    assert image.name == "table42 changed"
    assert image.axis_labels == truth.axis_labels == ("frame", "y", "x")
    assert tuple(image.contrast_limits) == (frames.min(), frames.max())
    assert truth.name == "truth"
    assert truth.symbol[0] == CROSS["symbol"]
    assert [*truth.features] == ["frame", "particle", "radius"]
    assert (panel.status.kind, panel.status.said()) == ("plain", made_line(4, 64, 80, 3))


@pytest.mark.parametrize("moving", [True, False])
def test_particles_move_or_are_scattered_anew(qtbot, panel, viewer, moving):
    choose(panel.presets, "table42")
    small_film(panel, frames=6, rows=200, columns=200, number=1)
    panel.film.moving.setChecked(moving)
    assert panel.film.diffusion.isEnabled() == moving
    press(qtbot, panel.make)
    await_film(qtbot, panel)
    steps = np.hypot(*np.diff(viewer.layers["truth"].data[:, 1:], axis=0).T)
    assert (steps.max() < 12) == moving


def test_an_empty_film_has_a_truth_without_points(qtbot, panel, viewer):
    choose(panel.presets, "empty")
    small_film(panel, number=-1)
    press(qtbot, panel.make)
    await_film(qtbot, panel)
    assert viewer.layers["empty"].data.shape == (4, 64, 80)
    assert viewer.layers["truth"].data.shape == (0, 3)


def test_progress_tells_frames_and_time_left_and_cancelling_keeps_nothing(qtbot, panel, viewer):
    small_film(panel, frames=5_000, rows=251, columns=251)
    settle(qtbot, panel)
    press(qtbot, panel.make)
    assert not panel.make.isEnabled()
    qtbot.waitUntil(lambda: len(numbers_in(panel.status.said())) > 2)
    assert numbers_in(panel.status.said())[:2] == [panel.bar.value(), 5_000]
    assert 0 < panel.bar.value() < panel.bar.maximum() == 5_000
    press(qtbot, panel.cancel)
    settle(qtbot, panel)
    assert len(viewer.layers) == 0
    assert panel.status.said() == STOPPED
    assert panel.make.isEnabled()


def test_a_film_too_large_for_the_memory_is_refused_with_its_size(qtbot, panel, monkeypatch):
    size = 4 * 30 * 251 * 251
    free = 2 * size - 1
    monkeypatch.setattr(film_form, "free_memory", lambda: free)
    press(qtbot, panel.make)
    assert (panel.status.kind, panel.status.said()) == ("error", vast_line(30, (251, 251), size, free))
    assert not panel.work.running
    small_film(panel, frames=10_000, rows=1_000, columns=1_000)
    press(qtbot, panel.make)
    expected = vast_line(10_000, (1_000, 1_000), 40_000_000_000, free)
    assert (panel.status.kind, panel.status.said()) == ("error", expected)
    assert not panel.work.running


def test_particles_that_do_not_fit_are_refused(qtbot, panel, viewer):
    small_film(panel, number=500)
    press(qtbot, panel.make)
    settle(qtbot, panel)
    assert panel.status.kind == "error"
    assert {500, 64, 80} <= {*numbers_in(panel.status.said())}
    assert len(viewer.layers) == 0


def test_an_impossible_scene_makes_no_film_and_is_not_handed_on(qtbot, panel):
    panel.form.spans["density"].low.setValue(-1)
    for button in (panel.make, panel.use, panel.save):
        panel.status.tell("")
        press(qtbot, button)
        assert (panel.status.kind, panel.status.said()) == ("error", why(panel.form.scene))
    assert panel.session.scene is None
    assert not panel.work.running


@pytest.mark.parametrize("box", ["frames", "rows", "columns"])
def test_no_film_is_without_frames_or_pixels(panel, box):
    getattr(panel.film, box).setValue(0)
    assert getattr(panel.film, box).value() == 1


def test_a_process_beside_the_window_makes_the_same_film(qtbot, make_panel, viewer):
    engines = Engines()
    panel = make_panel(Session(engines))
    choose(panel.presets, "table42")
    small_film(panel, frames=2)
    press(qtbot, panel.make)
    await_film(qtbot, panel)
    panel.close()
    engines.close()
    frames, _ = simulate_film(SPOTS, 2, (64, 80), np.random.default_rng(0), 3, Motion())
    np.testing.assert_array_equal(viewer.layers["table42"].data, frames)


# Matching -------------------------------------------------------------------------------------------------------------


def click(panel, qtbot, points):
    press(qtbot, panel.matching.click)
    layer = panel.viewer.layers[CLICKS]
    layer.data = points
    return layer


def test_clicked_particles_become_a_scene_with_pictures_to_judge_it_by(qtbot, panel, viewer):
    viewer.add_image(FILM, name="film")
    layer = click(panel, qtbot, CLICKED)
    assert panel.status.said() == CLICK
    assert layer.mode == "add"
    assert viewer.layers.selection.active is layer
    press(qtbot, panel.matching.match)
    settle(qtbot, panel)
    scene = panel.session.scene
    assert panel.form.scene() == scene
    assert panel.presets.currentText() == "matched"
    assert [*scene.particles[0].rings] == [1]
    assert scene.particles[0].radius.low < TRUTH["radius"].median() < scene.particles[0].radius.high
    assert panel.matching.strip.heading("film").startswith("film")
    assert panel.matching.strip.heading("simulated").startswith("simulated")
    assert panel.about.said() == scene.about
    assert numbers_in(panel.matching.note.said())[0] == 0.9  # times the noise
    assert not panel.matching.adapt.isHidden()


@pytest.mark.parametrize("ndim", [2, 3])
def test_clicks_are_found_wherever_film_and_clicks_lie_in_the_world(viewer, ndim):
    image = viewer.add_image(FILM, scale=(2, 0.1, 0.1), translate=(10, 5, -3))
    world = np.array([image.data_to_world(point) for point in CLICKED])[:, -ndim:]
    points = viewer.add_points((world - 1) / 0.5, scale=[0.5] * ndim, translate=[1] * ndim)
    viewer.dims.set_point(0, 12)
    expected = CLICKED if ndim == 3 else np.column_stack([np.ones(len(CLICKED)), CLICKED[:, 1:]])
    np.testing.assert_allclose(in_pixels(viewer, points, image), expected, atol=1e-6)


def test_a_single_picture_is_matched_too(qtbot, panel, viewer):
    viewer.add_image(FILM[0])
    click(panel, qtbot, CLICKED[:, 1:])
    press(qtbot, panel.matching.match)
    settle(qtbot, panel)
    assert panel.session.scene is not None, panel.status.said()


def test_clicking_again_goes_on_with_the_same_layer(qtbot, panel, viewer):
    viewer.add_image(FILM)
    layer = click(panel, qtbot, CLICKED)
    viewer.layers.selection.active = viewer.layers[0]
    layer.mode = "pan_zoom"
    press(qtbot, panel.matching.click)
    assert [each.name for each in viewer.layers].count(CLICKS) == 1
    assert len(layer.data) == len(CLICKED)
    assert layer.mode == "add"


def test_points_of_other_layers_are_no_clicks_unless_they_are_selected(viewer, panel):
    viewer.add_image(FILM)
    other = viewer.add_points(CLICKED, name="picked")
    assert panel.matching.clicks.layer() is other
    viewer.layers.selection.active = viewer.layers[0]
    assert panel.matching.clicks.layer() is None
    mine = viewer.add_points(CLICKED, name=CLICKS)
    viewer.layers.selection.active = other
    assert panel.matching.clicks.layer() is mine


def test_without_a_film_there_is_nothing_to_match(qtbot, panel, viewer):
    for button in (panel.matching.click, panel.matching.match):
        panel.status.tell("")
        press(qtbot, button)
        assert panel.status.said() == NO_FILM
    assert len(viewer.layers) == 0


@pytest.mark.parametrize(
    ("pixels", "rgb"),
    [
        (np.arange(3 * 32**2).astype(np.uint8).reshape(32, 32, 3), True),
        (np.zeros((2, 2, 32, 32), np.uint8), False),
        (np.zeros((0, 32, 32), np.uint8), False),
    ],
    ids=["in colour", "of four axes", "without frames"],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_image_that_is_no_film_is_refused(qtbot, panel, viewer, pixels, rgb):
    image = viewer.add_image(pixels, rgb=rgb, contrast_limits=None if rgb else (0, 1))
    for button in (panel.matching.click, panel.matching.match):
        panel.status.tell("")
        press(qtbot, button)
        assert (panel.status.kind, panel.status.said()) == ("error", why(open_film, image))


@pytest.mark.parametrize(
    ("film", "clicks"),
    [
        (FILM, np.empty((0, 3))),
        (FILM, [[0, 300, 5]]),
        (FILM, [[9, 30, 5]]),
        (np.full_like(FILM, np.nan), CLICKED),
        (np.ones_like(FILM), CLICKED),
    ],
    ids=["no clicks", "beside it", "after it", "NaN", "flat"],
)
def test_what_cannot_be_matched_is_refused_and_the_scene_stays(qtbot, panel, viewer, film, clicks):
    viewer.add_image(film, name="film", contrast_limits=(0, 1))
    click(panel, qtbot, clicks)
    press(qtbot, panel.matching.match)
    settle(qtbot, panel)
    refusal = why(lambda: [*Here().run(*panel.matching.job())])
    assert (panel.status.kind, panel.status.said()) == ("error", refusal)
    assert (refusal == NO_CLICKS) == (len(clicks) == 0)
    assert panel.form.scene() == named_scene("vesicles")
    assert panel.session.scene is None
    assert panel.matching.match.isEnabled()


def test_a_film_is_matched_without_a_click(qtbot, panel, viewer, monkeypatch):
    def found(film, context, diameter=None):
        best = Tried("vesicles", 10.2, "normal", 6.0, named_scene("table42").diameter, 0.0, 100.0)
        return scene_estimate.Found(CLICKED, Chosen((best,)))

    monkeypatch.setattr(scene_estimate, "found_on", found)
    viewer.add_image(FILM, name="film")
    press(qtbot, panel.matching.unclicked)
    assert panel.status.said() == FINDING
    assert not panel.matching.match.isEnabled()
    settle(qtbot, panel)
    assert panel.session.scene.diameter == pytest.approx(SPOTS.diameter, rel=0.15)
    assert panel.matching.unclicked.isEnabled()


def test_a_film_that_is_deleted_meanwhile_is_matched_to_the_end(qtbot, make_panel, viewer):
    panel = make_panel()
    viewer.add_image(FILM)
    click(panel, qtbot, CLICKED)
    press(qtbot, panel.matching.match)
    viewer.layers.clear()
    settle(qtbot, panel)
    assert panel.session.scene.name == "matched"
    press(qtbot, panel.matching.match)
    assert panel.status.said() == NO_FILM


# A match that follows the clicks --------------------------------------------------------------------------------------


def matched(gate) -> list[int]:
    """Return how many clicks were matched, each time."""
    return [len(job.points) for job in gate.jobs if isinstance(job, MatchFilm)]


@pytest.fixture
def live(qtbot, make_panel, viewer, gate, monkeypatch):
    """Return a panel that soon follows the clicks, and their layer."""
    monkeypatch.setattr(match_form, "REST", 20)
    gate.open.set()
    viewer.add_image(FILM, name="film")
    panel = make_panel(Session(Engines(lambda: gate)), wrapped=True)
    layer = click(panel, qtbot, np.empty((0, 3)))
    return panel, layer


def rested(qtbot, panel):
    """Wait until no click has come for as long as a match waits for others."""
    qtbot.waitUntil(lambda: not panel.matching.clicks._timer.isActive())


def rest(qtbot, panel):
    rested(qtbot, panel)
    settle(qtbot, panel)


def test_from_the_third_click_on_the_match_follows_by_itself(qtbot, live, gate):
    panel, layer = live
    for point in CLICKED[:2]:
        layer.add(point)
    rest(qtbot, panel)
    assert matched(gate) == []
    for point in CLICKED[2:4]:
        layer.add(point)
    rest(qtbot, panel)
    assert matched(gate) == [4]
    assert panel.session.scene.name == "matched"
    assert (panel.status.kind, panel.status.said()) == ("plain", MATCHED)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda layer: layer.add(CLICKED[3]), [4]),
        (lambda layer: setattr(layer, "data", layer.data + 0.5), [3]),
        (lambda layer: (layer.add(CLICKED[3]), layer.remove_selected()), []),
        (lambda layer: (layer.selected_data.add(0), layer.remove_selected()), []),
        (lambda layer: layer.events.data(value=layer.data, action="changed"), []),
    ],
    ids=["added", "moved", "added and removed", "too few left", "only selected"],
)
def test_only_clicks_that_are_others_are_matched_again(qtbot, live, gate, change, again):
    panel, layer = live
    layer.data = CLICKED[:3]
    rest(qtbot, panel)
    change(layer)
    rest(qtbot, panel)
    assert matched(gate) == [3, *again]


def test_one_match_runs_at_a_time_and_then_the_newest(qtbot, live, gate):
    panel, layer = live
    settle(qtbot, panel)
    gate.open.clear()
    for number in (3, 4, 5):
        layer.data = CLICKED[:number]
        rested(qtbot, panel)
        qtbot.waitUntil(lambda: len(matched(gate)) > 0)
        assert matched(gate) == [3]
        assert panel.status.said() == MATCHING
        assert not panel.matching.match.isEnabled()
    gate.open.set()
    settle(qtbot, panel)
    assert matched(gate) == [3, 5]
    assert panel.matching.match.isEnabled()


def test_a_closed_panel_matches_no_more_and_does_not_say_so(qtbot, live, gate):
    panel, layer = live
    settle(qtbot, panel)
    gate.open.clear()
    layer.data = CLICKED[:3]
    qtbot.waitUntil(lambda: panel.status.said() == MATCHING)
    panel.close()
    assert panel.status.said() == ""
    assert panel.matching.match.isEnabled()


def test_pressing_match_is_not_followed_by_a_second_match(qtbot, live, gate):
    panel, layer = live
    layer.data = CLICKED[:3]
    press(qtbot, panel.matching.match)
    rest(qtbot, panel)
    assert matched(gate) == [3]


def test_a_scene_that_is_chosen_meanwhile_is_not_replaced_by_a_match(qtbot, live, gate):
    panel, layer = live
    settle(qtbot, panel)
    gate.open.clear()
    layer.data = CLICKED[:3]
    qtbot.waitUntil(lambda: matched(gate) == [3])
    choose(panel.presets, "beads")
    gate.open.set()
    rest(qtbot, panel)
    assert panel.form.scene() == named_scene("beads")
    assert panel.matching.match.isEnabled()


def test_a_layer_that_is_deleted_meanwhile_is_not_matched(qtbot, live, gate):
    panel, layer = live
    layer.data = CLICKED[:3]
    panel.viewer.layers.remove(layer)
    rest(qtbot, panel)
    assert matched(gate) == []
    assert panel.status.kind == "plain"


def test_a_panel_that_is_opened_again_goes_on_following(qtbot, live, make_panel, gate):
    panel, layer = live
    layer.data = CLICKED[:3]
    rest(qtbot, panel)
    panel.close()
    assert layer.mode == "pan_zoom"
    layer.data = CLICKED[:4]
    again = make_panel(Session(Engines(lambda: gate)), wrapped=True)
    rest(qtbot, again)
    assert matched(gate) == [3]
    layer.data = CLICKED[:5]
    rest(qtbot, again)
    assert matched(gate) == [3, 5]


def test_opening_the_section_lets_the_person_click_and_folding_it_no_more(panel, viewer):
    section = panel.sections["Match my film"]
    section.set_open(True)
    assert panel.status.said() == NO_FILM
    assert len(viewer.layers) == 0
    section.set_open(False)
    viewer.add_image(FILM)
    section.set_open(True)
    assert viewer.layers[CLICKS].mode == "add"
    assert viewer.layers.selection.active is viewer.layers[CLICKS]
    section.set_open(False)
    assert viewer.layers[CLICKS].mode == "pan_zoom"


# With other panels ----------------------------------------------------------------------------------------------------


def test_the_scene_is_handed_to_growing(qtbot, panel):
    panel.form.apart.setValue(17)
    press(qtbot, panel.use)
    assert panel.session.scene == panel.form.scene()
    assert panel.session.scene.apart == 17
    assert (panel.status.kind, panel.status.said()) == ("plain", used_line(panel.session.scene.name))


class Grows:
    """A Grow panel that notes what it is to adapt a network to."""

    def __init__(self) -> None:
        self.scenes = []

    def adapt(self, scene):
        self.scenes.append(scene)


@pytest.mark.parametrize("grow", [Grows(), object(), None], ids=["adapts", "cannot adapt", "no window"])
def test_adapting_opens_the_grow_panel_and_begins_at_once(panel, viewer, monkeypatch, grow):
    opened = []
    monkeypatch.setattr(simulate, "open_panel", lambda *asked: opened.append(asked) or grow)
    panel.form.apart.setValue(17)
    panel.matching.adapt.show()
    panel.matching.adapt.click()
    assert opened == [(viewer, "Grow")]
    assert panel.session.scene == panel.form.scene()
    assert getattr(grow, "scenes", [panel.session.scene]) == [panel.session.scene]


def test_an_impossible_scene_is_adapted_to_by_nobody(panel, monkeypatch):
    monkeypatch.setattr(simulate, "open_panel", lambda *_: pytest.fail("the Grow panel was opened"))
    panel.form.spans["density"].low.setValue(-1)
    panel.adapt()
    assert panel.status.kind == "error"


def test_a_closed_panel_lets_go_of_viewer_session_and_work(qtbot, make_panel, viewer, gate):
    panel = make_panel(Session(Engines(lambda: gate)))
    press(qtbot, panel.make)
    before = len(panel.session.scene_changed)
    panel.close()
    panel.leave()
    assert before == 1
    assert len(panel.session.scene_changed) == 0
    assert not panel.work.running
    assert not panel.preview.frames.running
    assert not panel.matches.running
    gate.open.set()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)
    qtbot.wait(20)
    assert len(viewer.layers) == 0


# Shapes of particles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [name for name in Particle.shapes if name != "bessel"])
def test_another_shape_is_as_large_and_as_bright_and_has_numbers_of_its_own(form, shape):
    form.set_scene(SPOTS)
    before = form.scene().particles[0]
    choose(form.kind.shape, Particle.shapes[shape].title)
    kind = form.scene().particles[0]
    assert kind.named() == shape
    assert kind.radius.middle == pytest.approx(before.radius.middle, rel=0.01)
    assert kind.amplitudes[1] == before.amplitudes[1]
    assert not form.kind.series
    numbers = [name for name, field in type(kind).model_fields.items() if (field.json_schema_extra or {}).get("label")]
    assert [*form.kind.spans] == numbers
    size, label = numbers[0], type(kind).model_fields[numbers[0]].json_schema_extra["label"]
    slide(form.kind.spans[size], 2.5, 3)
    assert getattr(form.scene().particles[0], size) == Span(low=2.5, high=3)
    form.kind.spans[size].low.setValue(-1)
    assert form.marked() == [label]
    choose(form.kind.shape, Particle.shapes["bessel"].title)
    assert form.scene().particles[0].named() == "bessel"
    assert [*form.kind.series["rings"]] == [1, 2]


def test_a_kind_of_another_shape_is_shown_and_stays_as_it_is(form):
    spot = GaussianParticle(sigma=(1.1, 1.3), intensity=0.4, weight=2)
    scene = SPOTS.with_(particles=[SPOTS.particles[0], spot])
    form.set_scene(scene)
    form.which.setCurrentIndex(1)
    assert form.kind.shape.currentText() == GaussianParticle.title
    assert form.kind.spans["sigma"].value() == spot.sigma
    form.which.setCurrentIndex(0)
    assert form.scene() == scene


# light, camera, motion


@pytest.mark.parametrize("name", CAMERAS)
def test_a_camera_comes_with_its_numbers_and_only_those_it_has(form, name):
    form.set_scene(SPOTS)
    form.camera.which.setCurrentIndex(form.camera.which.findData(name))
    form.camera.which.activated.emit(form.camera.which.currentIndex())
    camera = form.scene().camera
    assert camera == CAMERAS[name]
    shown = {name for name, row in form.camera.spans.items() if not row.isHidden()}
    assert ("multiplication" in shown) == (camera.name == "emccd")
    assert ("gain_spread" in shown) == (camera.name == "scmos")


def test_numbers_of_a_camera_and_its_light_are_those_of_the_scene(form):
    form.set_scene(SPOTS)
    slide(form.camera.spans["read_noise"], 2, 4)
    form.camera.bits.setValue(12)
    form.camera.well.setValue(20_000)
    slide(form.light.spans["vignetting"], 0.1, 0.3)
    slide(form.exposure.spans["compression"], 0, 8)
    scene = form.scene()
    assert scene.camera == Camera(read_noise=(2, 4), bit_depth=12, full_well=20_000)
    assert (scene.vignetting, scene.compression) == (Span(low=0.1, high=0.3), Span(low=0, high=8))
    assert scene.name.endswith("changed")
    form.camera.spans["gain"].low.setValue(-1)
    form.light.spans["texture"].low.setValue(-1)
    assert form.marked() == ["Texture", "Gain (counts/e)"]


@pytest.mark.parametrize("name", ["tirf", "scmos", "species"])
def test_a_scene_that_is_shown_keeps_its_camera_and_light(form, name):
    form.set_scene(named_scene(name))
    assert form.scene() == named_scene(name)


def test_particles_of_a_film_blink_and_bleach_as_the_form_says(qtbot):
    asked = film_form.FilmForm()
    qtbot.addWidget(asked)
    assert asked.job(SPOTS).motion == Motion()
    assert not asked.off.isEnabled()
    asked.on.setValue(10)
    asked.off.setValue(4)
    asked.bleaching.setValue(100)
    assert asked.off.isEnabled()
    assert asked.job(SPOTS).motion == Motion(blinking=(10, 4), bleaching=100)
    asked.moving.setChecked(False)
    assert not asked.off.isEnabled()
    assert asked.job(SPOTS).motion is None
