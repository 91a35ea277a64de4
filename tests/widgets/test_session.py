"""The session chooses instantly, loads when it must, and can be left at any time."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from spots import SPOTS, busy_film, small_card, spot_film, write_network

from napari_growtrack.core.detection import collect
from napari_growtrack.core.detection.decoys import Noise
from napari_growtrack.core.errors import GrowtrackWarning, NetworkFileError, SettingsError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.networks.archive import write_archive
from napari_growtrack.core.networks.card import Card, Recipe
from napari_growtrack.core.networks.load import Network
from napari_growtrack.core.tables import DETECTION_COLUMNS, MEASURES, Limits
from napari_growtrack.jobs.tracking import Seen
from napari_growtrack.widgets.session.region import Region, TrackingProgress
from napari_growtrack.widgets.session.runs import Run
from napari_growtrack.widgets.session.session import Session, session_of


def told(steps):
    """Leave out signs of life and what comes before the first frame."""
    return [step for step in steps if step is not None and step.frame is not None]


def refuse_to_load(path):
    raise AssertionError("loaded")


def test_the_session_needs_neither_qt_nor_napari_nor_keras():
    code = "import sys, napari_growtrack.widgets.session.session; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"qtpy", "PyQt6", "napari", "keras", "tensorflow"} & set(loaded)


def test_choosing_reads_the_card_and_loads_nothing(network_file):
    session = Session(load=refuse_to_load)
    session.choose(network_file)
    assert (session.card.name, session.chosen.stage, session.card.plan.stages) == ("small", 3, 3)


def test_after_a_refused_choice_the_earlier_one_stands(session, network_file):
    with pytest.raises(NetworkFileError, match="no network 'nowhere'"):
        session.choose("nowhere")
    assert (session.chosen.name, session.card.name) == (network_file, "small")


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
    assert (session.chosen.name, session.card.name) == (network_file, "small")


def test_before_a_choice_there_is_nothing_to_run():
    with pytest.raises(SettingsError, match="Choose a network first"):
        Session(load=refuse_to_load).run(open_stack(spot_film()), [0])


@pytest.mark.parametrize(
    ("stage", "screening", "screen", "expected"),
    [(3, True, None, 1), (3, True, 2, 2), (3, False, None, 3), (2, False, 1, 2), (1, True, None, 1), (1, True, 2, 1)],
)
def test_the_screening_stage_is_calibrated_chosen_or_the_stage_itself(session, stage, screening, screen, expected):
    session.change(stage=stage, screening=screening, screen=screen)
    assert (session.cascade().stage, session.cascade().screen) == (stage, expected)


def test_faithful_takes_the_thesis_refinement(session):
    session.change(faithful=True)
    assert session.cascade().faithful


def test_a_network_without_thresholds_is_refused(tmp_path):
    session = Session(load=refuse_to_load)
    session.choose(str(write_network(tmp_path / "bare.growtrack", small_card(calibrated=False))))
    with pytest.raises(SettingsError, match="no thresholds"):
        session.cascade()


def test_a_recipe_names_what_made_a_result(session, network_file):
    recipe = session.chosen.recipe()
    assert recipe["network"] == network_file
    assert recipe["seed"] == 5
    assert recipe["settings"] == session.cascade().model_dump()
    assert (recipe["diameter"], recipe["contrast"]) == (10, "auto")
    assert recipe["version"]


def test_a_run_tracks_the_frames_it_is_given(session):
    tracked = list(told(session.run(open_stack(spot_film()), [4, 2])))
    assert [(step.done, step.total, step.frame) for step in tracked] == [(1, 2, 4), (2, 2, 2)]
    table = collect(step.table for step in tracked)
    assert table[table.frame == 2][["y", "x"]].to_numpy() == pytest.approx(SPOTS + np.array([(0, 2), (0, 0)]))


def test_a_film_of_smaller_particles_is_enlarged_for_the_network(session):
    session.change(diameter=5)
    table = list(session.run(open_stack(spot_film()[:, ::2, ::2]), [0]))[-1].table
    assert table[["y", "x"]].to_numpy() == pytest.approx(SPOTS / 2, abs=0.5)
    assert session.chosen.recipe()["diameter"] == 5


def test_choosing_another_network_returns_to_its_own_diameter(session, network_file):
    session.change(diameter=5)
    session.choose(network_file)
    assert session.chosen.diameter == 10


@pytest.mark.parametrize("zoom", [1, 2, 0.25])
def test_a_network_can_be_made_for_all_diameters_that_are_offered(session, zoom, tmp_path):
    card = small_card()
    card = card.with_(recipe=card.recipe.with_(zoom=zoom))
    session.choose(str(write_network(tmp_path / "zoomed.growtrack", card)))
    network = Network(SimpleNamespace(zoom=zoom), card)
    for diameter, beyond in zip(session.card.diameters, (0.99, 1.01), strict=True):
        assert network.for_diameter(diameter).diameter == pytest.approx(diameter)
        with pytest.raises(SettingsError, match="expected a diameter"):
            network.for_diameter(beyond * diameter)


@pytest.mark.parametrize(
    ("sign", "contrast", "found"), [(1, "normal", 4), (1, "inverted", 0), (-1, "normal", 0), (-1, "inverted", 4)]
)
def test_the_contrast_says_whether_the_film_or_its_negative_is_tracked(session, sign, contrast, found):
    session.change(contrast=contrast)
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
    session.change(stage=2, screening=False)
    steps = session.run(open_stack(spot_film()), [0])
    session.change(stage=3, diameter=40, contrast="inverted")
    assert len(list(steps)[-1].table) == 2
    assert set(network.asked) == {2}


@pytest.mark.parametrize(("done", "left"), [(0, None), (2, None), (3, 0.7), (10, 0.0)])
def test_time_left_is_told_once_there_is_something_to_judge_by(done, left):
    expected = left if left is None else pytest.approx(left)
    assert TrackingProgress(done, 10, 0, seconds=0.1).seconds_left == expected


def test_whoever_listens_hears_of_a_choice_once(session, network_file):
    heard = []
    session.changed.connect(lambda: heard.append(session.chosen.stage))
    session.change(stage=2)
    session.change(stage=2)
    session.choose(network_file)
    assert heard == [2, 3]


def test_another_stage_has_thresholds_of_its_own_and_another_diameter_keeps_them(session):
    session.change(accept_distance=0.5, least_significance=9)
    assert (session.cascade().accept_distance, session.cascade().least_significance) == (0.5, 9)
    session.change(diameter=12)
    assert session.chosen.accept_distance == 0.5
    session.change(stage=2)
    assert session.cascade() == session.card.cascade(2)


def test_another_stage_keeps_limits_and_another_network_has_none(session, network_file):
    session.change(limits=Limits.of({"radius": (1, 3)}))
    session.change(stage=2)
    assert session.chosen.limits.plain() == {"radius": [1, 3]}
    session.choose(network_file)
    assert not session.chosen.limits


def test_a_moved_threshold_is_in_pixels_of_the_film(session):
    session.change(diameter=5, accept_distance=0.5)
    assert session.cascade().accept_distance == 1


def test_an_earlier_choice_is_restored_whole(session):
    before = session.chosen
    session.change(stage=1, diameter=7, contrast="inverted")
    session.restore(before)
    assert session.chosen == before


def test_contrast_and_screening_outlast_a_network(session, network_file):
    session.change(contrast="inverted", screening=False)
    session.choose(network_file)
    assert (session.chosen.contrast, session.chosen.screening) == ("inverted", False)


def test_networks_at_hand_are_bundled_grown_here_or_opened(session, network_file, tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTRACK_NETWORKS", str(tmp_path))
    mine = write_network(tmp_path / "mine.growtrack", small_card())
    heard = []
    session.networks_changed.connect(lambda: heard.append(1))
    session.offer("mine (growing)", mine)
    at_hand = session.networks()
    assert {"vesicles", "mine", "small", "mine (growing)"} <= set(at_hand)
    assert (at_hand["vesicles"], at_hand["mine"], at_hand["small"]) == ("vesicles", str(mine), network_file)
    session.withdraw("mine (growing)")
    assert "mine (growing)" not in session.networks()
    assert heard == [1, 1]


def test_a_region_is_tracked_as_if_the_rest_were_not_there_and_lands_where_it_is(session):
    steps = told(session.run(open_stack(spot_film()), [0], Region(30, 30, 64, 64)))
    assert steps[0].table[["y", "x"]].to_numpy() == pytest.approx(SPOTS[1:])


def test_panels_of_one_viewer_share_a_session_and_those_of_another_do_not():
    one, other = ViewerModel(), ViewerModel()
    assert session_of(one) is session_of(one)
    assert session_of(one) is not session_of(other)


def test_a_run_of_earlier_columns_knows_nothing_of_what_was_measured(session):
    earlier = ("frame", "y", "x", "distance", "votes", "sigma", "significance")
    table = pd.DataFrame([[0, 5, 6, 0.5, 4, 0.1, 20]], columns=[*earlier])
    run = Run(ViewerModel().add_image(np.zeros((8, 8)), name="film"), session.chosen, 1)
    assert len([*run.follow([TrackingProgress(1, 1, 0, table)])]) == 1
    assert [*run.record.table] == [*DETECTION_COLUMNS, "stage"]
    assert run.record.table[[*MEASURES]].isna().all(axis=None)
    assert run.record.accepted.tolist() == [True]
    limited = run.record.sifted(session.chosen.with_(limits=Limits.of({"radius": (1, 3)})))
    assert limited.accepted.tolist() == [False]


def test_a_run_says_how_much_of_it_is_noise_by_the_thresholds_in_force(session):
    noise = Noise(4.0, 1.5)
    cascade = session.chosen.calibrated().with_(polish=True, least_significance=6.0, noise=noise, false_share=0.01)
    rows = [[frame, 5, 6 + 9 * n, 0.5, 4, 0.1, 5 + n] for frame in range(10) for n in range(4)]
    table = pd.DataFrame(rows, columns=["frame", "y", "x", "distance", "votes", "sigma", "significance"])
    run = Run(ViewerModel().add_image(np.zeros((10, 8, 60)), name="film"), session.chosen, 10)
    steps = [TrackingProgress(n + 1, 10, n, table[table.frame == n], cascade=cascade) for n in range(10)]
    assert len([*run.follow(steps)]) == 10
    assert int(run.record.accepted.sum()) == 30
    assert run.record.noise == pytest.approx(10 * noise.often(6.0))
    assert run.record.recipe()["settings"]["noise"] == noise
    looser = run.record.sifted(session.chosen.with_(least_significance=5.0))
    assert int(looser.accepted.sum()) == 40
    assert looser.noise == pytest.approx(10 * noise.often(5.0))
    assert run.record.sifted(session.chosen.with_(least_significance=0.0)).noise == 40  # no more than there are


def test_a_film_that_was_looked_at_is_not_asked_for_its_noise_again(session):
    known = session.chosen.calibrated(1).with_(noise=Noise(4.0, 1.5))
    film = open_stack(spot_film(2))
    seen = [step for step in session.look(film, 0, [1, 2], "normal", known={1: known}) if isinstance(step, Seen)]
    assert [one.stage for one in seen] == [1, 2]
    assert seen[0].cascade == known
    assert seen[1].cascade == session.chosen.calibrated(2)
