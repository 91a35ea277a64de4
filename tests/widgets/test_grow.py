"""The Grow panel, driven as a person does, over growing that follows a script; at last over a process that grows."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QMessageBox
from spots import PATIENCE, BrightSpots, numbers_in, small_card, why, write_network

from brief_jobs import GrowUntilKilled
from napari_growtrack.core.errors import EngineError, OutputError, SettingsError
from napari_growtrack.core.files.holding import check_free
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Phase, Schedule
from napari_growtrack.core.networks import build as making
from napari_growtrack.core.networks.archive import read_card
from napari_growtrack.core.networks.bundled import bundled
from napari_growtrack.core.networks.calibration import MakingProgress
from napari_growtrack.core.simulation import SCENES, BesselParticle, named_scene
from napari_growtrack.engine import Engine, Here
from napari_growtrack.widgets.grow import growing
from napari_growtrack.widgets.grow.form import CLOCK, THESIS
from napari_growtrack.widgets.grow.growing import (
    DEPTH,
    PRESETS,
    STRIDED,
    Files,
    Wish,
    check_name,
    free_name,
    window_for,
)
from napari_growtrack.widgets.grow.panel import GrowPanel
from napari_growtrack.widgets.grow.sentences import (
    GROWS_ALREADY,
    discarded_line,
    failed_line,
    left_words,
    making_line,
    outcome_line,
    paused_line,
    plan_line,
    schedule_line,
    stages_words,
    stopped_line,
    unfinished_line,
)
from napari_growtrack.widgets.session.card_facts import scene_line
from napari_growtrack.widgets.session.session import FOLDER, Engines, Session

VESICLES, BEADS = named_scene("vesicles"), named_scene("beads")
WIDE = BEADS.with_(name="wide beads", particles=[BesselParticle(radius=(8, 10), rings={1: 0.5})])


class Script:
    """Growing as it might go: two stages one after the other, a report at a time, when it is let.

    It keeps a file when it is left, and leaves a network to track with after its first stage.
    """

    reports = (
        MakingProgress("growing stage 1, loss 2.0", 0.25, 90.0, (1,), (2.0,), 30.0, {1: 1.2}, 0.3),
        MakingProgress("growing stage 1, loss 1.0", 0.5, 60.0, (1,), (1.0,), 60.0, {1: 0.8}, 0.3, 1),
        MakingProgress("growing stage 2, loss 1.0", 0.75, 30.0, (2,), (1.0,), 90.0, {1: 0.8, 2: 0.41}, 0.3, 1),
        MakingProgress("calibrating", 0.5, 12.0),
        MakingProgress("measuring", 1.0, 0.0),
    )

    def __init__(self):
        self.begun = []
        self.ends_with = None
        self._turns = threading.Semaphore(0)
        self._told = 0

    def let(self, reports=6):
        """Let it go on for some reports; after all five, one more lets it end."""
        for _ in range(reports):
            self._turns.release()

    def __call__(self, recipe, data=None, start=None, **options):
        self.begun.append((recipe, start, options))
        try:
            for report in self.reports[self._told :]:
                while not self._turns.acquire(timeout=0.01):
                    yield None
                self._told += 1
                if report.usable:
                    write_network(options["usable"], small_card())
                yield report
            while not self._turns.acquire(timeout=0.01):
                yield None
        except GeneratorExit:
            options["keep"].write_bytes(b"what was grown")
            raise
        if self.ends_with is not None:
            options["keep"].write_bytes(b"what was grown")
            raise self.ends_with
        return Result()


class Result:
    card = small_card()

    def save(self, path):
        write_network(path, small_card())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "networks"))
    (tmp_path / "networks").mkdir()
    return tmp_path / "networks"


@pytest.fixture
def script(monkeypatch):
    script = Script()
    monkeypatch.setattr(making, "iter_make", script)
    monkeypatch.setattr(making, "recipe_kept", lambda path: Wish("kept", VESICLES, Plan.strided()).recipe())
    monkeypatch.setattr("napari_growtrack.widgets.grow.panel.recipe_kept", making.recipe_kept)
    yield script
    script.let(100)


@pytest.fixture
def session():
    return Session(load=lambda path: BrightSpots())


@pytest.fixture
def opened(qtbot, session):
    panels = []

    def opened():
        panel = GrowPanel(ViewerModel(), session)
        panel.resize(340, 700)
        panel.show()
        qtbot.addWidget(panel)
        panels.append(panel)
        return panel

    yield opened
    for panel in panels:
        panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)


@pytest.fixture
def panel(opened):
    return opened()


def press(qtbot, button):
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(choice, text):
    index = choice.findText(text)
    assert index >= 0, text
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


def begin(qtbot, panel, name="mine"):
    panel.form.name.setText(name)
    panel.form.name.textEdited.emit(name)
    press(qtbot, panel.grow)


def until_told(qtbot, panel, line):
    qtbot.waitUntil(lambda: panel.status.said() == line)


def until_reported(qtbot, panel, number):
    """Wait until the panel tells what the script reports at some turn, the first being 1."""
    report = Script.reports[number - 1]
    error = report.errors[report.stages[-1]] if report.stages else None
    until_told(qtbot, panel, making_line(report, error, 0.3))


def ended(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.work.running)


# What a person wants --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scene", "side"), [(VESICLES, 39), (BEADS, 51), (WIDE, 89), (SCENES["table42"], 39)])
def test_windows_hold_the_widest_particle_with_room_around(scene, side):
    assert window_for(scene) == side
    assert side > 2 * scene.diameters[1]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("scene", [VESICLES, WIDE])
def test_every_preset_is_a_plan_to_grow_by(preset, scene):
    recipe = Wish("mine", scene, PRESETS[preset](window=window_for(scene))).recipe()
    assert recipe.plan.side == window_for(scene)
    assert recipe.schedule == Schedule(minutes=5)
    assert recipe.scene == scene


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the network a name"),
        ("a/b", "cannot contain '/'"),
        ("a:b", "cannot contain ':'"),
        (" mine", "cannot be ' mine'"),
        (".mine", "cannot be '.mine'"),
        ("con", "cannot be 'con'"),
        ("a" * 81, "up to 80 letters, got 81"),
        ("Beads", "named Beads already.*such as Beads 2"),
    ],
)
def test_a_name_that_no_file_can_have_or_another_network_has_is_refused(name, sentence):
    with pytest.raises(SettingsError, match=sentence):
        check_name(name, ["beads"])


def test_a_name_may_have_eighty_letters():
    check_name("a" * 80, ["beads"])


@pytest.mark.parametrize(
    ("name", "taken", "free"),
    [
        ("mine", [], "mine"),
        ("mine", ["Mine", "mine 2"], "mine 3"),
        ("a/b", [], "a-b"),
        ("..", [], "network"),
        ("a" * 80, ["a" * 80], "a" * 76 + " 2"),
    ],
)
def test_a_free_name_is_a_name_that_can_be_given(name, taken, free):
    assert free_name(name, taken) == free
    check_name(free, taken)


def test_the_thesis_schedule_needs_a_plan_of_three_outputs():
    with pytest.raises(SettingsError, match=r"thesis's schedule does not go with this plan.*depth"):
        Wish("mine", VESICLES, Plan.strided(), minutes=None).recipe()
    assert Wish("mine", VESICLES, Plan.depth(), minutes=None).recipe().schedule == Schedule.thesis()


def test_a_scene_without_particles_teaches_nothing():
    with pytest.raises(SettingsError, match="scene empty has no particles"):
        Wish("mine", named_scene("empty"), Plan.strided()).recipe()


def test_a_network_that_is_grown_further_keeps_its_normalisation_and_unit():
    card = small_card()
    schedule = card.recipe.schedule.with_(normalisation="unit", unit=25.0)
    card = card.with_(recipe=card.recipe.with_(schedule=schedule))
    plan = card.plan.wider((2, 2, 2, 2, 2))
    for minutes in (1.0, None):
        made = Wish("mine", VESICLES, plan, minutes, start=card).recipe()
        assert (made.schedule.normalisation, made.schedule.unit) == ("unit", 25.0)
        assert made.plan == plan
    with pytest.raises(SettingsError, match="nothing to grow: add a stage"):
        Wish("mine", VESICLES, card.plan, 1.0, start=card).recipe()


# The form -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "expected"),
    [("vesicles", "vesicles"), ("rings", "beads"), ("table42", "vesicles"), ("trapped", "general")],
)
def test_the_likest_network_knows_particles_of_that_size_and_make(scene, expected):
    cards = {name: read_card(path) for name, path in bundled().items() if name != "species"}
    assert growing.likest(named_scene(scene), cards) == expected


def test_no_network_is_like_particles_that_none_knows():
    huge = named_scene("beads").with_(particles=[BesselParticle(radius=(20, 25), rings={1: 0.5})])
    assert growing.likest(huge, {name: read_card(path) for name, path in bundled().items()}) is None


def test_adapting_takes_the_likest_network_and_begins_at_once(qtbot, panel, script, session):
    panel.adapt(named_scene("rings").with_(name="matched"))
    assert (panel.form.start.name, panel.form.minutes.value(), panel.state) == ("beads", 1.0, "growing")
    panel.adapt(named_scene("vesicles"))
    assert (panel.status.kind, panel.status.said()) == ("error", GROWS_ALREADY)
    assert panel.form.start.name == "beads"
    panel.work.stop()
    ended(qtbot, panel)


def test_at_first_it_offers_to_grow_on_vesicles(panel):
    recipe = panel.form.wish().recipe()
    assert recipe.scene == VESICLES
    assert recipe.plan == Plan.strided()
    assert recipe.schedule == Schedule(minutes=5, together=True)
    assert recipe.name == "vesicles 2"
    assert panel.form.scene_note.said() == scene_line(VESICLES)
    assert panel.form.plan_note.said() == plan_line(recipe.plan)
    assert panel.grow.isEnabled()


def test_the_scene_matched_to_the_film_is_followed(panel, session):
    session.take_scene(WIDE.with_(name="matched"))
    assert panel.form.scene.currentText() == "matched"
    assert panel.form.name.text() == "matched"
    assert panel.form.wish().plan.side == 89


def test_what_was_edited_outlives_another_scene(panel):
    panel.form.table.cells.item(0, 0).setText("9")
    assert panel.form.preset.currentText() != STRIDED
    choose(panel.form.scene, "beads")
    plan = panel.form.wish().plan
    assert (plan.units[0][0], plan.side) == (9, 51)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_fill_the_table(panel, preset):
    choose(panel.form.preset, preset)
    assert panel.form.wish().plan == PRESETS[preset](window=39)


def test_a_table_that_is_no_plan_cannot_be_grown(panel):
    panel.form.table.cells.item(0, 0).setText("many")
    assert not panel.grow.isEnabled()
    assert panel.form.plan_note.said() == ""
    assert (panel.status.kind, panel.status.said()) == ("error", why(panel.form.table.plan))
    panel.form.table.cells.item(0, 0).setText("6")
    assert panel.grow.isEnabled()
    assert panel.status.said() == ""


def test_beginning_with_a_network_adds_a_stage_to_its_own(panel):
    choose(panel.form.start, "vesicles")
    choose(panel.form.scene, "table42")
    wish = panel.form.wish()
    before = wish.start.plan
    assert wish.plan.until(before.stages) == before
    assert wish.plan.stages == before.stages + 1
    assert (wish.name, wish.minutes) == ("vesicles for table42", 1.0)
    assert not panel.form.side.isEnabled()
    frozen, new = (panel.form.table.cells.item(0, column) for column in (0, before.stages))
    assert not frozen.flags() & Qt.ItemFlag.ItemIsEditable
    assert new.flags() & Qt.ItemFlag.ItemIsEditable
    choose(panel.form.start, panel.form.start.itemText(0))
    assert (panel.form.wish().plan, panel.form.wish().minutes) == (Plan.strided(), 5.0)


def test_particles_too_wide_for_a_network_are_refused_until_another_scene_is_chosen(panel):
    choose(panel.form.start, "vesicles")
    choose(panel.form.scene, "beads")
    assert not panel.grow.isEnabled()
    assert (panel.status.kind, panel.status.said()) == ("error", why(panel.form.wish().recipe))
    assert {39, 23} <= {*numbers_in(panel.status.said())}  # the side of a window, and the widest particles it covers
    choose(panel.form.scene, "table42")
    assert panel.grow.isEnabled()


def test_a_damaged_network_to_begin_with_is_refused(panel, session, folder):
    (folder / "broken.growtrack").write_bytes(b"nonsense")
    session.networks_changed.emit()
    choose(panel.form.start, "broken")
    assert (panel.status.kind, panel.status.said()) == ("error", why(read_card, folder / "broken.growtrack"))
    assert panel.form.start.name is None
    assert panel.form.wish().start is None


def test_the_thesis_schedule_takes_a_plan_that_it_goes_with(panel):
    choose(panel.form.schedule, THESIS)
    assert panel.form.preset.currentText() == DEPTH
    wish = panel.form.wish()
    assert panel.form.schedule_note.said() == schedule_line(None, True, wish.plan)
    assert wish.recipe().schedule == Schedule.thesis()
    choose(panel.form.preset, STRIDED)
    assert (panel.status.kind, panel.status.said()) == ("error", why(panel.form.wish().recipe))
    assert not panel.grow.isEnabled()
    choose(panel.form.schedule, CLOCK)
    assert panel.grow.isEnabled()
    assert panel.form.schedule_note.said() == schedule_line(5.0, True, panel.form.wish().plan)


def test_a_name_that_is_taken_is_refused_where_it_is_typed(panel, folder):
    write_network(folder / "mine.growtrack", small_card())
    panel.form.name.setText("mine")
    panel.form.name.textEdited.emit("mine")
    expected = why(check_name, "mine", panel.form.taken())
    assert panel.form.name_note.said() == panel.status.said() == expected
    assert panel.form.name.styleSheet()
    assert not panel.grow.isEnabled()


# While it grows -------------------------------------------------------------------------------------------------------


def test_the_error_falls_before_the_eyes_and_stages_are_marked(qtbot, panel, script):
    begin(qtbot, panel)
    script.let(3)
    until_reported(qtbot, panel, 3)
    np.testing.assert_allclose(panel.curve.points(1), [[0.5, 1.2], [1.0, 0.8], [1.5, 0.8]])
    np.testing.assert_allclose(panel.curve.points(2), [[1.5, 0.41]])
    marks = [(line.value(), line.label.format) for line in panel.curve._marks]
    assert marks == [(0, stages_words((1,))), (1.0, stages_words((2,)))]
    assert panel.curve.isVisible()
    assert panel.bar.text() == left_words(30)
    assert panel.bar.value() == 0.75 * panel.bar.maximum()
    script.let(1)
    until_reported(qtbot, panel, 4)


def test_nothing_can_be_changed_while_it_grows(qtbot, panel, script, session):
    begin(qtbot, panel)
    assert not any(part.isEnabled() for part in (panel.form.scene, panel.form.table, panel.form.minutes))
    assert not panel.grow.isVisible()
    session.take_scene(WIDE)
    assert panel.form.scene.currentText() == "vesicles"


def test_a_stage_can_be_tracked_with_while_the_next_one_grows(qtbot, panel, script, session, folder):
    begin(qtbot, panel)
    script.let(2)
    qtbot.waitUntil(lambda: "mine (growing)" in session.networks())
    usable = session.networks()["mine (growing)"]
    session.choose(usable)
    session.change(stage=2, diameter=9.0)
    before = session.choice
    qtbot.wait(20)
    write_network(Files.of(folder, "mine").usable, small_card())
    script.let(1)
    qtbot.waitUntil(lambda: session.choice.file != before.file)
    assert (session.choice.name, session.choice.stage, session.choice.diameter) == (usable, 2, 9.0)
    script.let()
    ended(qtbot, panel)
    assert (session.choice.name, session.choice.stage) == (str(folder / "mine.growtrack"), 2)
    assert "mine (growing)" not in session.networks()


def test_a_finished_network_is_at_hand_and_can_be_tracked_with(qtbot, panel, script, session, folder):
    begin(qtbot, panel)
    script.let()
    ended(qtbot, panel)
    assert (panel.status.said(), panel.status.kind) == outcome_line("mine", {1: 0.8, 2: 0.41}, 0.3)
    assert session.networks()["mine"] == str(folder / "mine.growtrack")
    assert panel.form.start.findText("mine") >= 0
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["mine.growtrack"]
    press(qtbot, panel.track)
    assert session.choice.name == str(folder / "mine.growtrack")
    assert (panel.grow.isVisible(), panel.pause.isVisible(), panel.form.name.text()) == (True, False, "vesicles 2")


@pytest.mark.parametrize(
    ("errors", "stage"),
    [({}, 3), ({1: 0.5, 2: 0.3, 3: 0.2}, 3), ({1: 0.5, 2: 0.1, 3: 0.2}, 2), ({2: 0.198, 3: 0.2}, 3)],
)
def test_the_last_stage_is_tracked_with_unless_an_earlier_one_is_better(errors, stage):
    assert growing.best_stage(errors, 3) == stage


def test_what_is_paused_goes_on_from_there(qtbot, panel, script, folder):
    begin(qtbot, panel)
    script.let(2)
    until_reported(qtbot, panel, 2)
    press(qtbot, panel.pause)
    until_told(qtbot, panel, paused_line("mine"))
    assert panel.state == "paused"
    assert not panel.kept_section.isVisible()
    press(qtbot, panel.resume)
    script.let()
    ended(qtbot, panel)
    assert [options["resume"] for *_, options in script.begun] == [False, True]
    assert panel.curve.points(1)[:, 0].tolist() == pytest.approx([0.5, 1.0, 1.5])
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["mine.growtrack"]


def test_what_is_stopped_is_listed_and_can_be_taken_up(qtbot, opened, script, folder):
    panel = opened()
    begin(qtbot, panel)
    script.let(1)
    until_reported(qtbot, panel, 1)
    press(qtbot, panel.cancel)
    until_told(qtbot, panel, stopped_line("mine", grown=True))
    assert panel.grow.isVisible()
    panel.close()
    another = opened()
    assert another.status.said() == unfinished_line("mine")
    assert another.kept.shown() == ["mine"]
    press(qtbot, another.kept.resume)
    script.let()
    ended(qtbot, another)
    assert script.begun[-1][2]["resume"]
    assert (folder / "mine.growtrack").exists()
    assert another.kept.shown() == []


def test_growing_goes_to_another_file_where_its_own_has_been_taken(qtbot, panel, script, folder):
    (folder / "mine.growing").write_bytes(b"what was grown")
    qtbot.waitUntil(panel.kept_section.isVisible)
    write_network(folder / "mine.growtrack", small_card())
    before = (folder / "mine.growtrack").stat().st_mtime_ns
    press(qtbot, panel.kept.resume)
    script.let()
    ended(qtbot, panel)
    assert (folder / "mine 2.growtrack").exists()
    assert (folder / "mine.growtrack").stat().st_mtime_ns == before


def test_a_panel_that_is_closed_while_it_grows_keeps_what_was_grown(qtbot, opened, script, folder):
    panel = opened()
    begin(qtbot, panel)
    script.let(1)
    until_reported(qtbot, panel, 1)
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE)
    assert (folder / "mine.growing").exists()
    assert panel._watcher.directories() == []
    again = opened()
    assert again.kept.shown() == ["mine"]
    assert again.status.said() == unfinished_line("mine")


def test_what_is_discarded_is_asked_about_and_gone(qtbot, panel, folder, monkeypatch):
    (folder / "mine.growing").write_bytes(b"what was grown")
    qtbot.waitUntil(panel.kept_section.isVisible)
    for answer, there in ((QMessageBox.StandardButton.No, True), (QMessageBox.StandardButton.Yes, False)):
        monkeypatch.setattr(QMessageBox, "question", lambda *_, answer=answer: answer)
        press(qtbot, panel.kept.drop)
        assert (folder / "mine.growing").exists() == there
    assert not panel.kept_section.isVisible()
    assert panel.status.said() == discarded_line("mine")


@pytest.fixture(params=["mine.growing", "mine.growtrack"])
def elsewhere(request, folder):
    """Another napari, or a command line, that grows mine; return why nobody else can."""
    code = (
        "import sys; from napari_growtrack.core.files.holding import Hold; hold = Hold(sys.argv[1]); print(); input()"
    )
    path = folder / request.param
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        refusal = why(check_free, path)
        assert process.pid in numbers_in(refusal)
        yield refusal
        process.communicate(b"\n")


def test_what_another_process_grows_is_neither_begun_nor_taken_up_nor_discarded(
    qtbot, panel, script, folder, elsewhere, monkeypatch
):
    begin(qtbot, panel)
    assert (panel.status.kind, panel.status.said()) == ("error", elsewhere)
    assert panel.grow.isVisible()
    (folder / "mine.growing").write_bytes(b"what was grown")
    qtbot.waitUntil(panel.kept_section.isVisible)
    press(qtbot, panel.kept.resume)
    assert (panel.status.kind, panel.status.said()) == ("error", elsewhere)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    panel.discard("mine")
    assert (panel.status.kind, panel.status.said()) == ("error", elsewhere)
    assert (folder / "mine.growing").read_bytes() == b"what was grown"
    assert script.begun == []


def test_a_job_that_grows_what_another_process_grows_is_refused(folder, elsewhere, script):
    files = Files.of(folder, "mine")
    job = files.beginning(Wish("mine", VESICLES, Plan.strided()).recipe())
    assert why(lambda: list(Here().run(job))) == elsewhere
    assert script.begun == []


@pytest.mark.parametrize("error", [EngineError("The process ended."), OutputError("No room. It was saved elsewhere.")])
def test_what_fails_is_told_and_goes_on_from_what_was_kept(qtbot, panel, script, folder, error):
    script.ends_with = error
    begin(qtbot, panel)
    script.let()
    ended(qtbot, panel)
    assert (panel.status.kind, panel.status.said()) == ("error", failed_line(str(error)))
    script.ends_with = None
    script.let()
    press(qtbot, panel.resume)
    ended(qtbot, panel)
    assert (folder / "mine.growtrack").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_it_grows(qtbot, panel, script, tmp_path, monkeypatch):
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setenv(FOLDER, str(tmp_path / "a file"))
    begin(qtbot, panel)
    ended(qtbot, panel)
    assert panel.status.kind == "error"
    assert "a file" in panel.status.said()
    assert script.begun == []
    assert panel.grow.isVisible()


def test_a_result_that_cannot_be_written_is_saved_elsewhere(qtbot, panel, script, folder, monkeypatch):
    asked = []

    def save(self, path):
        asked.append(path)
        if len(asked) == 1:
            raise OutputError("Cannot write: no room.")
        write_network(path, small_card())

    monkeypatch.setattr(Result, "save", save)
    begin(qtbot, panel)
    script.let()
    ended(qtbot, panel)
    refused, saved = asked
    assert refused.parent == folder
    assert read_card(saved).name == "small"
    assert panel.status.kind == "error"
    assert str(saved) in panel.status.said()


# A process that grows -------------------------------------------------------------------------------------------------


@pytest.fixture
def processes(monkeypatch):
    """Engines whose processes know the jobs of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)
    engines = Engines(Engine)
    yield engines
    engines.close()


def test_a_process_that_is_killed_loses_nothing_that_was_kept(qtbot, processes, folder, monkeypatch):
    """Two stages of 40 batches; it is killed when the first one is kept, and another process goes on from there."""
    schedule = Schedule(phases=[Phase(share=40, size=8)], together=False)
    monkeypatch.setattr(growing, "by_the_clock", lambda minutes, together: schedule)
    monkeypatch.setattr(growing, "_brief", lambda recipe: True)
    monkeypatch.setattr(growing, "Grow", GrowUntilKilled)
    panel = GrowPanel(ViewerModel(), Session(processes))
    qtbot.addWidget(panel)
    panel.show()
    panel.form.show_scene(named_scene("table42").with_(snr=20))
    panel.form.table.set_plan(Plan.breadth((2, 3, 4), conv=2, repeat=2, window=23))
    begin(qtbot, panel)
    ended(qtbot, panel)
    assert (folder / "mine.growing").exists()
    assert (panel.status.kind, panel.state) == ("error", "paused")
    press(qtbot, panel.resume)
    qtbot.waitUntil(lambda: not panel.work.running)
    assert panel.session.networks()["mine"] == str(folder / "mine.growtrack")
    card = read_card(folder / "mine.growtrack")
    assert card.provenance.batches == 80
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["mine.growtrack"]
    panel.close()
