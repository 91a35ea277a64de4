"""The session chooses instantly, loads when it must, and can be left at any time."""

import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from spots import SPOTS, busy_film, small_card, spot_film, write_network

from napari_growtrack.core.archive import write_archive
from napari_growtrack.core.card import Card, Recipe
from napari_growtrack.core.detection import collect
from napari_growtrack.core.errors import GrowtrackWarning, NetworkFileError, SettingsError
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.networks import Network
from napari_growtrack.core.stacks import open_stack
from napari_growtrack.widgets.session import Progress, Session


def refuse_to_load(path):
    raise AssertionError("loaded")


def test_the_session_needs_neither_qt_nor_napari_nor_keras():
    code = "import sys, napari_growtrack.widgets.session; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"qtpy", "PyQt6", "napari", "keras", "tensorflow"} & set(loaded)


def test_choosing_reads_the_card_and_loads_nothing(network_file):
    session = Session(load=refuse_to_load)
    session.choose(network_file)
    assert (session.card.name, session.stage, session.card.plan.stages) == ("small", 3, 3)


def test_after_a_refused_choice_the_earlier_one_stands(session, network_file):
    with pytest.raises(NetworkFileError, match="no network 'nowhere'"):
        session.choose("nowhere")
    assert (session.name, session.card.name) == (network_file, "small")


def test_a_network_of_classes_is_refused_and_the_earlier_choice_stands(session, network_file, tmp_path):
    recipe = Recipe(
        name="digits",
        dataset="mnist train",
        plan=Plan.plain((), (3,), window=5, task="classes", outputs=10),
        schedule=Schedule.images(),
    )
    card = Card(recipe=recipe, provenance=small_card().provenance)
    weights = {name: np.zeros(shape, np.float32) for name, shape in card.plan.weight_shapes().items()}
    write_archive(tmp_path / "digits.growtrack", card, weights)
    with pytest.raises(SettingsError, match="digits tells classes of mnist train apart; it does not locate"):
        session.choose(str(tmp_path / "digits.growtrack"))
    assert (session.name, session.card.name) == (network_file, "small")


def test_before_a_choice_there_is_nothing_to_run():
    with pytest.raises(SettingsError, match="Choose a network first"):
        Session().run(open_stack(spot_film()), [0])


@pytest.mark.parametrize(
    ("stage", "screening", "screen", "expected"),
    [(3, True, None, 1), (3, True, 2, 2), (3, False, None, 3), (2, False, 1, 2), (1, True, None, 1)],
)
def test_the_screening_stage_is_calibrated_chosen_or_the_stage_itself(session, stage, screening, screen, expected):
    session.stage, session.screening, session.screen = stage, screening, screen
    assert (session.cascade().stage, session.cascade().screen) == (stage, expected)


def test_faithful_takes_the_thesis_refinement(session):
    session.faithful = True
    assert session.cascade().faithful


def test_a_network_without_thresholds_is_refused(tmp_path):
    session = Session()
    session.choose(str(write_network(tmp_path / "bare.growtrack", small_card(calibrated=False))))
    with pytest.raises(SettingsError, match="no thresholds"):
        session.cascade()


def test_a_recipe_names_what_made_a_result(session, network_file):
    recipe = session.recipe()
    assert recipe["network"] == network_file
    assert recipe["seed"] == 5
    assert recipe["settings"] == session.cascade().model_dump()
    assert (recipe["diameter"], recipe["contrast"]) == (10, "auto")
    assert recipe["version"]


def test_a_run_tracks_the_frames_it_is_given(session):
    steps = list(session.run(open_stack(spot_film()), [4, 2]))
    tracked = [step for step in steps if step.frame is not None]
    assert [(step.done, step.total, step.frame) for step in tracked] == [(1, 2, 4), (2, 2, 2)]
    table = collect(step.table for step in tracked)
    assert table[table.frame == 2][["y", "x"]].to_numpy() == pytest.approx(SPOTS + np.array([(0, 2), (0, 0)]))


def test_a_film_of_smaller_particles_is_enlarged_for_the_network(session):
    session.diameter = 5
    table = list(session.run(open_stack(spot_film()[:, ::2, ::2]), [0]))[-1].table
    assert table[["y", "x"]].to_numpy() == pytest.approx(SPOTS / 2, abs=0.5)
    assert session.recipe()["diameter"] == 5


def test_choosing_another_network_returns_to_its_own_diameter(session, network_file):
    session.diameter = 5
    session.choose(network_file)
    assert session.diameter == session.own_diameter == 10


@pytest.mark.parametrize("zoom", [1, 2, 0.25])
def test_a_network_can_be_made_for_all_diameters_that_are_offered(session, zoom, tmp_path):
    card = small_card()
    card = card.with_(recipe=card.recipe.with_(zoom=zoom))
    session.choose(str(write_network(tmp_path / "zoomed.growtrack", card)))
    network = Network(SimpleNamespace(zoom=zoom), card)
    for diameter, beyond in zip(session.diameters, (0.99, 1.01), strict=True):
        assert network.for_diameter(diameter).diameter == pytest.approx(diameter)
        with pytest.raises(SettingsError, match="expected a diameter"):
            network.for_diameter(beyond * diameter)


@pytest.mark.parametrize(
    ("sign", "contrast", "found"), [(1, "normal", 4), (1, "inverted", 0), (-1, "normal", 0), (-1, "inverted", 4)]
)
def test_the_contrast_says_whether_the_film_or_its_negative_is_tracked(session, sign, contrast, found):
    session.contrast = contrast
    assert len(list(session.run(open_stack(sign * busy_film()), [2]))[-1].table) == found


def test_the_negative_of_dark_spots_is_tracked_with_a_warning(session):
    with pytest.warns(GrowtrackWarning, match="the negative is tracked"):
        steps = list(session.run(open_stack(-busy_film()), [0]))
    assert len(steps[-1].table) == 4


def test_a_network_is_loaded_once(network, network_file):
    loads = []
    session = Session(load=lambda path: loads.append(path) or network)
    session.choose(network_file)
    for _ in range(2):
        list(session.run(open_stack(spot_film()), [0]))
    assert len(loads) == 1


def test_a_run_can_be_left_while_the_network_is_loaded_which_is_kept(network, network_file):
    loads = []

    def slow(path):
        time.sleep(0.6)
        loads.append(path)
        return network

    session = Session(load=slow)
    session.choose(network_file)
    steps = session.run(open_stack(spot_film()), [0])
    for _ in range(2):
        began = time.perf_counter()
        assert next(steps).frame is None
        assert time.perf_counter() - began < 0.4
    steps.close()
    assert [step.done for step in session.run(open_stack(spot_film()), [0])][-1] == 1
    assert len(loads) == 1


def test_a_failed_load_is_tried_again(network, network_file):
    tries = iter([MemoryError("too little"), network])

    def load(path):
        got = next(tries)
        if isinstance(got, Exception):
            raise got
        return got

    session = Session(load=load)
    session.choose(network_file)
    with pytest.raises(MemoryError):
        list(session.run(open_stack(spot_film()), [0]))
    assert list(session.run(open_stack(spot_film()), [0]))[-1].done == 1


def test_what_is_chosen_while_it_works_does_not_change_a_run(session, network):
    session.stage, session.screening = 2, False
    steps = session.run(open_stack(spot_film()), [0])
    session.stage, session.diameter, session.contrast = 3, 40, "inverted"
    assert len(list(steps)[-1].table) == 2
    assert set(network.asked) == {2}


@pytest.mark.parametrize(("done", "left"), [(0, None), (2, None), (3, 0.7), (10, 0.0)])
def test_time_left_is_told_once_there_is_something_to_judge_by(done, left):
    expected = left if left is None else pytest.approx(left)
    assert Progress(done, 10, 0, seconds=0.1).seconds_left == expected
