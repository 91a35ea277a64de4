"""The command line, as a newcomer types it."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from commands import run
from napari_growtrack.cli import main
from napari_growtrack.cli.arguments import CAMERAS as CAMERA_NAMES
from napari_growtrack.cli.arguments import PLANS as NAMES
from napari_growtrack.cli.arguments import build_parser
from napari_growtrack.cli.growing import begin
from napari_growtrack.core import files
from napari_growtrack.core.files.holding import Hold
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.presets import PLANS
from napari_growtrack.core.growth.schedule import Phase, Schedule
from napari_growtrack.core.linking import Linking
from napari_growtrack.core.networks import build as making
from napari_growtrack.core.networks.archive import read_growing
from napari_growtrack.core.networks.calibration import Effort
from napari_growtrack.core.networks.card import Recipe
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.simulation import CAMERAS, SCENES, named_scene
from napari_growtrack.core.simulation.paths import switching_paths
from napari_growtrack.core.tables import DETECTION_COLUMNS, write_table
from napari_growtrack.jobs import track_to_table as tracking


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A short simulated film with truth."""
    folder = tmp_path_factory.mktemp("film")
    path, truth = folder / "film.tif", folder / "truth.csv"
    words = ["simulate", "table42", "-o", path, "--truth", truth, "--frames", 4, "--particles", 6, "--snr", 5]
    assert main([str(word) for word in words]) == 0
    return path, truth


def test_simulate_writes_film_truth_and_recipe(film):
    path, truth = film
    assert tifffile.imread(path).shape == (4, 251, 251)
    table = pd.read_csv(truth)
    assert table.columns.tolist() == ["frame", "y", "x", "particle", "radius", "snr"]
    assert len(table) == 24
    recipe = json.loads(truth.with_suffix(".json").read_text())
    assert (recipe["scene"]["name"], recipe["scene"]["snr"], recipe["seed"]) == ("table42", 5, 0)


def test_simulating_twice_gives_the_same_film(film, tmp_path, capsys):
    run(capsys, "simulate", "table42", "-o", tmp_path / "again.tif", "--frames", 4, "--particles", 6, "--snr", 5)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "again.tif"), tifffile.imread(film[0]))


def test_a_film_of_a_camera_holds_its_counts(tmp_path, capsys):
    path, truth = tmp_path / "counts.tif", tmp_path / "truth.csv"
    words = ["simulate", "vesicles", "-o", path, "--truth", truth, "--frames", 6, "--size", 60, 70, "--particles", 4]
    told = ["--camera", "emccd", "--blinking", 3, 3, "--bleaching", 50]
    assert run(capsys, *words, *told)[0] == 0
    film = tifffile.imread(path)
    assert (film.shape, film.dtype) == ((6, 60, 70), np.uint16)
    assert film.mean() > 200
    assert len(pd.read_csv(truth, comment="#")) < 6 * 4
    code, _, complaint = run(capsys, *words, "--camera", "kodak")
    assert code != 0
    assert "There is no camera 'kodak'. Choose one of poisson, emccd, scmos, ccd, or give a .json file." in complaint
    code, _, complaint = run(capsys, *words, "--independent", "--bleaching", 9)
    assert code != 0
    assert "do not blink or bleach" in complaint


def test_cameras_of_the_help_are_those_there_are():
    assert tuple(CAMERAS) == CAMERA_NAMES


def test_a_few_clicks_make_a_scene_to_simulate_and_grow_on(film, tmp_path, capsys):
    path, truth = film
    scene, picture = tmp_path / "mine.json", tmp_path / "mine.png"
    code, said, err = run(capsys, "match", path, "--points", truth, "-o", scene, "--picture", picture)
    assert (code, err) == (0, "")
    assert f"{scene}: bright spots, " in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run(capsys, "simulate", scene, "-o", tmp_path / "again.tif", "--frames", 1)[0] == 0
    words = ["grow", "--scene", str(scene), "-o", str(tmp_path / "x.growtrack")]
    recipe = begin(build_parser({"grow": lambda _: 0}).parse_args(words)).recipe
    assert recipe.scene == named_scene(scene)
    assert recipe.scene.name == "mine"


def test_clicks_are_typed_or_come_in_a_table_of_ours_or_of_naparis(film, tmp_path, capsys):
    path, truth = film
    points = pd.read_csv(truth)[["frame", "y", "x"]][:5]
    points.to_csv(tmp_path / "ours.csv", index=False)
    points.set_axis(["axis-0", "axis-1", "axis-2"], axis=1).astype(float).to_csv(tmp_path / "napari.csv")
    typed = [f"{t},{y},{x}" for t, y, x in points.to_numpy().tolist()]
    scenes = set()
    for words in (["--at", *typed], ["--points", tmp_path / "ours.csv"], ["--points", tmp_path / "napari.csv"]):
        code, _, err = run(capsys, "match", path, *words, "-o", tmp_path / "scene.json")
        assert code == 0, err
        scenes.add((tmp_path / "scene.json").read_text())
    assert len(scenes) == 1


def test_clicks_of_another_kind_are_left_out_in_a_sentence(tmp_path, capsys):
    two_kinds = named_scene("mixed").with_(particles=named_scene("mixed").particles[:2], snr=20)
    (tmp_path / "two.json").write_text(two_kinds.to_json())
    path, truth = tmp_path / "film.tif", tmp_path / "truth.csv"
    run(capsys, "simulate", tmp_path / "two.json", "-o", path, "--truth", truth, "--frames", 1, "--seed", 3)
    code, _, complaint = run(capsys, "match", path, "--points", truth, "-o", tmp_path / "mine.json")
    assert code == 0
    assert complaint.startswith("growtrack: Left out ")
    assert complaint.count("\n") == 1


def test_a_film_is_simulated_tracked_and_scored(film, tmp_path, capsys):
    path, truth = film
    found, picture = tmp_path / "new folder" / "found.csv", tmp_path / "overlay.png"
    code, said, _ = run(capsys, "track", path, "-n", "vesicles", "-o", found, "--overlay", picture)
    assert code == 0
    assert "detections in 4 frames" in said
    table = pd.read_csv(found)
    assert table.columns.tolist() == list(DETECTION_COLUMNS)
    recipe = json.loads(found.with_suffix(".json").read_text())
    assert (recipe["network"], recipe["film"], recipe["frames"]) == ("vesicles", "film.tif", [0, 3])
    assert {"version", "settings", "seed"} <= recipe.keys()
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, said, _ = run(capsys, "score", found, truth, "--json")
    result = json.loads(said)
    assert result["found"] > 0.95
    assert result["median_error"] < 0.5
    assert result["thesis"]["missed"] < 0.05
    assert result["trajectories"] is None
    code, said, _ = run(capsys, "score", truth, truth)
    assert "alpha 1.000, beta 1.000" in said


@pytest.mark.parametrize(
    "options", [["--stage", 1], ["--faithful"], ["--screen", 3], ["--frames", "1:3"], ["--frames", 2]]
)
def test_every_option_of_track_gives_detections(film, tmp_path, capsys, options):
    code, _, _ = run(capsys, "track", film[0], "-n", "vesicles", "-o", tmp_path / "found.csv", *options)
    assert code == 0
    frames = pd.read_csv(tmp_path / "found.csv").frame.unique().tolist()
    assert frames == {"1:3": [1, 2], 2: [2]}.get(options[-1], [0, 1, 2, 3])


@pytest.mark.parametrize(
    "words", [["-o", "FILM"], ["-o", "found.csv", "--overlay", "FILM"], ["-o", "x.png", "--overlay", "x.png"]]
)
def test_a_film_is_never_written_over(film, tmp_path, capsys, words):
    path = tmp_path / "film.tif"
    path.write_bytes(film[0].read_bytes())
    words = [str(path) if word == "FILM" else str(tmp_path / word) if "." in word else word for word in words]
    code, _, complaint = run(capsys, "track", path, "-n", "vesicles", *words)
    assert code == 1
    assert "would be written over" in complaint
    assert path.read_bytes() == film[0].read_bytes()


@pytest.mark.parametrize("option", ["-o", "--picture"])
def test_the_clicks_are_never_written_over(film, tmp_path, capsys, option):
    points = tmp_path / "points.json"
    points.write_bytes(film[1].read_bytes())
    words = {"-o": tmp_path / "mine.json", option: points}
    code, _, complaint = run(
        capsys, "match", film[0], "--points", points, *(word for pair in words.items() for word in pair)
    )
    assert code == 1
    assert "would be written over" in complaint
    assert points.read_bytes() == film[1].read_bytes()


def test_a_film_and_its_truth_need_two_names(tmp_path, capsys):
    same = tmp_path / "same.csv"
    code, _, complaint = run(capsys, "simulate", "table42", "--frames", 1, "-o", same, "--truth", same)
    assert code == 1
    assert "would be written over" in complaint


def test_a_film_without_particles_scores_without_nan_in_json(tmp_path, capsys):
    film, truth, found = tmp_path / "f.tif", tmp_path / "t.csv", tmp_path / "d.csv"
    run(capsys, "simulate", "empty", "-o", film, "--truth", truth, "--frames", 2)
    assert run(capsys, "track", film, "-n", "vesicles", "-o", found)[0] == 0
    code, said, _ = run(capsys, "score", found, truth, "--json")
    assert code == 0
    assert json.loads(said)["particles"] == 0
    assert "NaN" not in said


def test_demo_leaves_everything_in_its_folder(tmp_path, capsys):
    code, said, _ = run(capsys, "demo", "-o", tmp_path / "demo", "--frames", 3)
    assert code == 0
    left = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"film.tif", "truth.csv", "detections.csv", "detections.json", "overlay.png", "points.csv"} <= left
    for words in ("found 100", "median error", "Cramer-Rao bound", "ms per frame", "napari "):
        assert words in said


def test_demo_links_as_link_does_and_tells_what_it_chose(film, tmp_path, capsys):
    code, said, err = run(capsys, "demo", film[0], "-o", tmp_path / "mine", "--frames", 4)
    assert code == 0, err
    detected, linked = (
        json.loads((tmp_path / "mine" / f"{name}.json").read_text()) for name in ("detections", "trajectories")
    )
    assert detected["chosen"][0]["network"] in said
    assert {"network", "evidence", "diameter"} <= {*detected["chosen"][0]}
    assert linked["detected"]["chosen"] == detected["chosen"]
    assert (linked["linking"]["linker"], linked["linking"]["memory"]) == ("evidence", None)
    assert {"link_chance", "track_q"} <= {*pd.read_csv(tmp_path / "mine" / "trajectories.csv")}
    assert "linked by evidence" in said.lower()


def test_demo_tracks_a_film_of_the_users(film, tmp_path, capsys):
    code, said, _ = run(capsys, "demo", film[0], "-o", tmp_path / "mine")
    assert code == 0
    assert "6 typically (no truth, no score)" in said
    assert not (tmp_path / "mine" / "film.tif").exists()


@pytest.fixture(scope="module")
def _brief_judging():
    """Calibrate and measure on a few frames: what grows here in seconds is of no use, and slow to judge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "THOROUGH", Effort(samples=2, faithful=False, frames=1, levels=2))
        yield


@pytest.mark.usefixtures("_brief_judging")
def test_grow_makes_a_network_that_tracks(film, tmp_path, capsys):
    plan, network = tmp_path / "plan.json", tmp_path / "mine.growtrack"
    plan.write_text(Plan.breadth((2, 4), (4, 6), conv=1, window=25, pool=8).to_json())
    code, said, err = run(capsys, "grow", "--scene", "table42", "--plan", plan, "--minutes", "0.05", "-o", network)
    assert code == 0, err
    assert "stage 2: 6 10 units" in said
    assert run(capsys, "track", film[0], "-n", network, "-o", tmp_path / "found.csv")[0] == 0
    assert "Grown on the scene table42" in run(capsys, "show", network)[1]
    assert [path.name for path in tmp_path.iterdir() if "growing" in path.name] == []


TINY = Plan.depth((4,), (6,), window=25, pool=8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, _brief_judging):
    """A network grown in a moment, its plan's file, and its own."""
    folder = tmp_path_factory.mktemp("tiny")
    plan, network = folder / "plan.json", folder / "tiny.growtrack"
    plan.write_text(TINY.to_json())
    words = ["grow", "--scene", "table42", "--plan", plan, "--minutes", "0.03", "-o", network, "--seed", 4]
    assert main([str(word) for word in words]) == 0
    return plan, network


def test_a_network_grows_further_on_another_scene(tiny, tmp_path, capsys):
    further = tmp_path / "further.growtrack"
    words = ["--from", tiny[1], "--deeper", "dense:4", "--wider", "2,2,2", "--scene", "beads", "--minutes", "0.03"]
    code, _, err = run(capsys, "grow", *words, "-o", further)
    assert code == 0, err
    said = run(capsys, "show", further)[1]
    assert "beginning with tiny (2 stages, scene table42)" in said
    old, new = load_network(tiny[1]), load_network(further)
    assert new.plan == TINY.deeper("dense", 4).wider((2, 2, 2))
    images = np.random.default_rng(0).normal(size=(2, 25, 25)).astype("f4")
    for stage in (1, 2):
        np.testing.assert_array_equal(old.answer(images, stage), new.answer(images, stage))


def test_a_networks_own_file_is_a_recipe_that_makes_it_again(tiny, tmp_path, capsys):
    code, _, err = run(capsys, "grow", "--recipe", tiny[1], "-o", tmp_path / "again.growtrack")
    assert code == 0, err
    old, new = load_network(tiny[1]), load_network(tmp_path / "again.growtrack")
    for name, array in old.grown.weights().items():
        np.testing.assert_array_equal(new.grown.weights()[name], array)


KILLED = """
import os, signal, sys
from napari_growtrack.cli import main
from napari_growtrack.core.networks import checkpoints

def write(*given):
    written(*given)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

written, checkpoints.write_archive = checkpoints.write_archive, write
main(sys.argv[1:])
"""
"""Growtrack's command line, that is killed as soon as something was kept."""


def test_growing_that_is_killed_goes_on_with_its_finished_stages(tiny, tmp_path, capsys):
    network, kept = tmp_path / "long.growtrack", tmp_path / "long.growtrack.growing"
    words = ["--scene", "table42", "--plan", tiny[0], "--one-by-one", "--minutes", "0.06", "-o", network]
    command = [sys.executable, "-c", KILLED, "grow", *map(str, words)]
    assert subprocess.run(command, capture_output=True).returncode != 0
    first, weights, position, _ = read_growing(kept)
    assert position.round == 1
    assert not network.exists()
    assert run(capsys, "grow", *words)[0] == 1  # what is kept is not overwritten
    code, _, err = run(capsys, "grow", "--resume", "-o", network)
    assert code == 0, err
    assert not kept.exists()
    grown = load_network(network)
    for name in ("block_1_1.kernel", "head_1.bias"):
        np.testing.assert_array_equal(grown.grown.weights()[name], weights[name])
    assert grown.card.provenance.images > first.provenance.images
    assert grown.card.history[0] == first.history[0]


def cancelled_at(number):
    """Follow a job to some report of its growing, where Ctrl-C comes."""

    def follow(steps):
        with closing(steps):
            for _ in range(number + 1):  # the first says that it loads
                next(steps)
        raise KeyboardInterrupt

    return follow


def test_a_cancelled_growth_says_how_to_go_on(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("napari_growtrack.cli.networks.watched", cancelled_at(1))
    network = tmp_path / "x.growtrack"
    code, said, _ = run(capsys, "grow", "--scene", "table42", "--plan", tiny[0], "-o", network)
    assert code == 130
    assert f"Go on with: growtrack grow --resume -o {network}" in said
    assert read_growing(tmp_path / "x.growtrack.growing")[0].recipe.plan == TINY


def test_a_run_cancelled_in_the_middle_of_a_stage_goes_on(tiny, tmp_path, monkeypatch, capsys):
    from napari_growtrack.core.growth import round

    network, recipe = tmp_path / "x.growtrack", tmp_path / "recipe.json"
    schedule = Schedule(phases=[Phase(share=30, size=8)])
    recipe.write_text(Recipe(name="x", scene=named_scene("table42"), plan=TINY, schedule=schedule).to_json())
    with monkeypatch.context() as patch:
        patch.setattr(round, "REPORT_EVERY", 0)
        patch.setattr("napari_growtrack.cli.networks.watched", cancelled_at(3))
        assert run(capsys, "grow", "--recipe", recipe, "-o", network)[0] == 130
    _, _, position, memory = read_growing(tmp_path / "x.growtrack.growing")
    assert position.round == 0
    assert any(name.startswith("optimiser") for name in memory)
    code, _, err = run(capsys, "grow", "--resume", "-o", network)
    assert code == 0, err
    assert load_network(network).card.provenance.batches > sum(map(sum, position.record))


def test_growing_ends_when_the_gain_is_gone(tiny, tmp_path, capsys):
    words = ["--scene", "table42", "--plan", tiny[0], "--minutes", "0.05", "--until-gain", "0.99"]
    code, said, err = run(capsys, "grow", *words, "-o", tmp_path / "short.growtrack")
    assert code == 0, err
    assert "Growing ended at stage 1 of 2" in said
    assert load_network(tmp_path / "short.growtrack").plan == TINY.until(1)


def test_the_help_names_the_plans_there_are():
    assert tuple(PLANS) == NAMES


def test_the_help_of_link_tells_the_default_of_the_core(capsys):
    with pytest.raises(SystemExit):
        main(["link", "--help"])
    assert f"1: all stay; default: {Linking().min_length}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", PLANS)
def test_every_named_plan_is_laid(tmp_path, name):
    chosen = build_parser({"grow": lambda _: 0}).parse_args(
        ["grow", "--scene", "beads", "--plan", name, "-o", str(tmp_path / "x.growtrack")]
    )
    assert begin(chosen).recipe.plan == PLANS[name]()


def test_a_network_learns_classes_of_a_folder_of_pictures(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for half, number in (("train", 12), ("test", 6)):
        for value, name in ((40, "dark"), (200, "light")):
            folder = tmp_path / "pictures" / half / name
            folder.mkdir(parents=True)
            for i in range(number):
                Image.fromarray((value + rng.integers(0, 40, (26, 30))).astype(np.uint8)).save(folder / f"{i}.png")
    network = tmp_path / "light.growtrack"
    words = ["--dataset", tmp_path / "pictures", "--epochs", 30, "--batch", 8, "--plan", "plain", "--augment"]
    code, said, err = run(capsys, "grow", *words, "-o", network)
    assert code == 0, err
    assert "binary, window 26 x 30 px" in said
    assert load_network(network).card.accuracies[0].right > 0.9
    tifffile.imwrite(tmp_path / "f.tif", np.ones((2, 60, 60), "f4"), photometric="minisblack")
    code, _, complaint = run(capsys, "track", tmp_path / "f.tif", "-n", network)
    assert "tells classes of pictures train apart; it does not locate particles" in complaint


def test_show_leaves_tables_and_figures(tiny, tmp_path, capsys):
    code, said, err = run(capsys, "show", tiny[1], "-o", tmp_path / "insight")
    assert code == 0, err
    assert "stage 2: 4 6 units" in said
    left = {path.suffix for path in (tmp_path / "insight").iterdir()}
    assert {".csv", ".png", ".pdf"} <= left
    assert all(str(path) in said for path in (tmp_path / "insight").iterdir())


@pytest.mark.parametrize(("diameter", "zoom"), [(5.1, 2), (20.4, 0.5)])
def test_distances_count_pixels_of_the_film_whatever_its_diameter(film, tmp_path, capsys, diameter, zoom):
    words = ["--diameter", diameter, "--frames", 0, "--accept-distance", 0.75, "--screen-distance", 3]
    assert run(capsys, "track", film[0], "-n", "vesicles", *words, "-o", tmp_path / "d.csv")[0] == 0
    settings = json.loads((tmp_path / "d.json").read_text())["settings"]
    assert settings["accept_distance"] == pytest.approx(0.75 * zoom)
    assert settings["screen_distance"] == pytest.approx(3 * zoom)
    assert (pd.read_csv(tmp_path / "d.csv").distance < 0.75).all()


def test_limits_leave_out_what_lies_outside(film, tmp_path, capsys):
    words = ["track", film[0], "-n", "vesicles", "--frames", 0]
    assert run(capsys, *words, "-o", tmp_path / "all.csv")[0] == 0
    every = pd.read_csv(tmp_path / "all.csv")
    least = float(every.signal.median())
    limits = ["--limit", f"signal={least}..", "--limit", "radius=0.1..50"]
    assert run(capsys, *words, *limits, "-o", tmp_path / "some.csv")[0] == 0
    some = every[(every.signal >= least) & every.radius.between(0.1, 50)].reset_index(drop=True)
    assert 0 < len(some) < len(every)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "some.csv"), some)
    assert json.loads((tmp_path / "some.json").read_text())["limits"] == {"radius": [0.1, 50], "signal": [least, None]}


@pytest.mark.parametrize("suffix", [".keras", ".onnx"])
def test_a_stage_is_exported(tiny, tmp_path, capsys, suffix):
    if suffix == ".onnx":
        pytest.importorskip("tf2onnx")
    code, said, err = run(capsys, "export", tiny[1], "--stage", 1, "-o", tmp_path / f"one{suffix}")
    assert code == 0, err
    assert "stage 1 of tiny" in said
    assert (tmp_path / f"one{suffix}").stat().st_size > 1000


def test_a_network_of_deeptrack_is_imported_and_tracks(shared_data, film, tmp_path, capsys):
    network = tmp_path / "vesicles.growtrack"
    path = shared_data / "deeptrack1" / "pretrained_vesicles.h5"
    code, said, err = run(capsys, "import", path, "--scene", "table42", "--box", 51, "-o", network)
    assert code == 0, err
    assert "imported from pretrained_vesicles.h5, a network of DeepTrack 1.0" in said
    assert run(capsys, "track", film[0], "-n", network, "-o", tmp_path / "d.csv", "--accept-distance", 5)[0] == 0
    settings = json.loads((tmp_path / "d.json").read_text())["settings"]
    assert settings["accept_distance"] == 5  # a box of 51 px is the network's own window: nothing is enlarged
    code, _, complaint = run(capsys, "grow", "--recipe", network, "-o", tmp_path / "x.growtrack")
    assert "its recipe alone does not make it again" in complaint


def test_networks_lists_what_is_bundled(capsys):
    code, said, _ = run(capsys, "networks")
    assert code == 0
    for words in ("vesicles", "beads", "of full cost", "px at SNR"):
        assert words in said
    assert "conv 1" in run(capsys, "show", "beads")[1]


# Trajectories -----------------------------------------------------------------------------------------------------


@pytest.fixture
def walking(tmp_path):
    """Return the path of detections of ten diffusing particles."""
    from napari_growtrack.core.simulation.paths import brownian_paths

    table = brownian_paths(np.random.default_rng(0), 10, 80, 0.5, 0.2, drift=(0.3, 0.0), side=900)
    table.drop(columns="particle").to_csv(tmp_path / "detections.csv", index=False)
    return tmp_path / "detections.csv"


def test_repeats_and_short_trajectories_are_told_and_kept_where_they_are_wanted(tmp_path, capsys, walking):
    table = pd.read_csv(walking)
    twice = pd.concat([table.assign(frame=2 * table["frame"] + copy) for copy in (0, 1)])
    ghost = pd.DataFrame({"frame": [4], "y": [-99.0], "x": [-99.0]})
    pd.concat([twice, ghost]).to_csv(walking, index=False)
    linked = tmp_path / "trajectories.csv"
    code, said, err = run(capsys, "link", walking, "-o", linked, "--linker", "trackpy")
    assert code == 0, err
    assert "80 of 160 frames repeat the one before and are left out" in said
    assert "1 trajectory of fewer than 3 detections dropped" in said
    recipe = json.loads(linked.with_suffix(".json").read_text())
    assert (recipe["repeated_frames"], recipe["short_trajectories"], recipe["linking"]["min_length"]) == (80, 1, 3)
    code, said, err = run(capsys, "link", walking, "-o", linked, "--keep-repeats", "--min-length", 1, "--radius", 0.5)
    assert code == 0, err
    assert "repeat the one before" not in said
    assert "Moves do not end before the search radius of 0.5 px" in said


def test_detections_are_linked_and_their_motion_told(tmp_path, capsys, walking):
    linked = tmp_path / "trajectories.csv"
    code, said, err = run(capsys, "link", walking, "-o", linked, "--most-false", 0.001)
    assert code == 0, err
    assert "10 trajectories of 800 of 800 detections" in said
    recipe = json.loads(linked.with_suffix(".json").read_text())
    assert (recipe["linking"]["linker"], recipe["linking"]["search_radius"]) == ("evidence", None)
    assert {"link_chance", "track_q"} <= {*pd.read_csv(linked)}
    code, said, err = run(capsys, "link", walking, "-o", linked, "--min-length", 5, "--linker", "trackpy")
    assert code == 0, err
    assert said.startswith("Search radius ")
    assert "10 trajectories of 800 of 800 detections, 80 detections long typically" in said
    recipe = json.loads(linked.with_suffix(".json").read_text())
    assert recipe["linking"]["min_length"] == 5
    assert recipe["linking"]["search_radius"] > 3
    code, said, _ = run(capsys, "motion", linked)
    assert code == 0
    assert "px²/frame" in said
    assert "The particles drift in common" in said
    folder = tmp_path / "motion"
    code, said, _ = run(
        capsys, "motion", linked, "--json", "--pixel-size", 0.1, "--frame-time", 0.02, "--remove-drift", "-o", folder
    )
    told = json.loads(said)
    assert set(told["diffusion_coefficient"]) == {"value", "low", "high", "unit"}
    assert told["diffusion_coefficient"]["low"] < 0.5 * 0.01 / 0.02 < 1.15 * told["diffusion_coefficient"]["high"]
    assert told["diffusion_coefficient"]["unit"] == "µm²/s"
    assert told["localisation_error"]["unit"] == "µm"
    assert (folder / "msd.png").exists()


def test_states_of_motion_are_told_and_left(tmp_path, capsys):
    path, folder = tmp_path / "switching.csv", tmp_path / "motion"
    table = switching_paths(np.random.default_rng(0), 40, 30, (0.05, 1.0), 0.05, 0.1)
    write_table(table.drop(columns="true_state").assign(sigma=0.1), path)
    code, said, complaint = run(capsys, "motion", path, "--exposure", 0, "--states", "--frame-time", 0.02, "-o", folder)
    assert code == 0, complaint
    assert "states of motion       2  (information criterion above the least: " in said
    assert (folder / "states.png").exists()
    assert set(pd.read_csv(folder / "states.csv")["state"]) == {0, 1}
    code, said, _ = run(capsys, "motion", path, "--exposure", "0%", "--states", 1, "--json")
    assert json.loads(said)["states"]["number"] == 1
    assert "states" not in json.loads(run(capsys, "motion", path, "--json")[1])


def test_populations_and_rooms_are_told_and_left(tmp_path, capsys):
    path, folder = tmp_path / "walking.csv", tmp_path / "motion"
    table = switching_paths(np.random.default_rng(0), 40, 30, (0.05, 1.0), 0.0, 0.1)
    write_table(table.drop(columns="true_state").assign(sigma=0.1), path)
    code, said, complaint = run(capsys, "motion", path, "--exposure", 0, "--steps", "--confined", "-o", folder)
    assert code == 0, complaint
    assert "populations by steps   2  (information criterion above the least: " in said
    assert "confinement radius     cannot be told: particles may as well diffuse freely" in said
    assert (folder / "steps.png").exists()
    assert "population_2" in pd.read_csv(folder / "steps.csv")
    told = json.loads(run(capsys, "motion", path, "--exposure", "0%", "--steps", 1, "--confined", "--json")[1])
    assert told["step_lengths"]["number"] == 1
    assert told["confinement"]["radius"]["value"] is None


def test_radius_or_viscosity_follow_from_diffusion(capsys, walking, tmp_path):
    linked = tmp_path / "trajectories.csv"
    assert run(capsys, "link", walking, "-o", linked)[0] == 0
    scale = ("motion", linked, "--json", "--pixel-size", 0.1, "--frame-time", 0.02, "--temperature", 298)
    code, said, complaint = run(capsys, *scale, "--viscosity", 1)
    assert code == 0, complaint
    radius = json.loads(said)["radius"]
    back = json.loads(run(capsys, *scale, "--particle-radius", radius["value"])[1])["viscosity"]
    assert (radius["unit"], back["unit"]) == ("µm", "mPa s")
    assert back["value"] == pytest.approx(1)
    for told in ((*scale, "--viscosity", 1, "--particle-radius", 1), ("motion", linked, "--viscosity", 1)):
        code, _, complaint = run(capsys, *told)
        assert code == 1
        assert "Expected a temperature, and either" in complaint


@pytest.fixture
def blurred(tmp_path):
    """Write trajectories of an always open shutter, and a recipe that tells scale and exposure."""
    rng = np.random.default_rng(0)
    places = rng.normal(0, 0.5, (40 * 8, 12, 2)).cumsum(0).reshape(40, 8, 12, 2).mean(1)
    places += rng.normal(0, 0.2, places.shape)
    frame, particle = np.indices((40, 12)).reshape(2, -1)
    y, x = places.reshape(-1, 2).T
    path = tmp_path / "blurred.csv"
    recipe = {"program": "napari-growtrack", "pixel_size": 0.1, "frame_time": 0.02, "exposure_time": 0.02}
    write_table(pd.DataFrame({"frame": frame, "y": y, "x": x, "particle": particle}), path, recipe)
    return path


def test_exposure_is_taken_from_the_recipe_and_from_the_command_line(capsys, blurred):
    def error_of(*told):
        code, said, complaint = run(capsys, "motion", blurred, "--json", *told)
        assert code == 0, complaint
        return json.loads(said)["localisation_error"]

    known = error_of()
    assert known["low"] < 0.02 < known["high"]
    assert error_of("--exposure", "100%") == error_of("--exposure", 0.02) == known
    assert error_of("--exposure", "50%") == error_of("--exposure", 0.01) != known
    assert error_of("--exposure", 0)["value"] is None  # blurred as it is, it cannot be told with a short exposure


def test_positions_that_look_blurred_are_said_to_be_where_nobody_tells_the_exposure(capsys, blurred):
    assert "blurred" not in run(capsys, "motion", blurred)[1]
    blurred.with_suffix(".json").unlink()
    assert "Positions look blurred by an open shutter" in run(capsys, "motion", blurred)[1]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--exposure", "soon"), "Expected an exposure in seconds"),
        (("--exposure=-1",), "Expected an exposure in seconds"),
        (("--exposure", 0.5), "longer than the 0.02 s from frame to frame"),
        (("--temperature", 25), "25 °C are 298.15 K"),
        (("--temperature", "nan"), "temperature in kelvin"),
    ],
)
def test_an_exposure_or_temperature_that_cannot_be_is_refused_in_a_sentence(capsys, blurred, option, words):
    code, _, complaint = run(capsys, "motion", blurred, *option)
    assert code == 1
    assert words in complaint


def test_what_cannot_be_linked_or_measured_is_refused(tmp_path, capsys, walking):
    for arguments, words in (
        (["link", walking, "-o", walking], "would be written over"),
        (["link", tmp_path / "none.csv", "-o", tmp_path / "t.csv"], "Cannot read"),
        (["link", walking, "-o", tmp_path / "t.csv", "--radius", 0], "search_radius"),
        (["link", walking, "-o", tmp_path / "t.csv", "--max-distance", 1], "Expected a column distance"),
        (["motion", walking], "missing particle"),
    ):
        code, _, complaint = run(capsys, *arguments)
        assert code == 1
        assert words in complaint


# Refusals ---------------------------------------------------------------------------------------------------------

REFUSALS = {
    "missing film": (["track", "nowhere.tif"], "nowhere.tif"),
    "unknown network": (
        ["track", "FILM", "-n", "vesicle"],
        "There is no network 'vesicle'. Choose one of beads, general, species, spots, vesicles",
    ),
    "unknown stage": (
        ["track", "FILM", "-n", "vesicles", "--stage", 9],
        "There is no stage 9; this network has stages 1 to 3",
    ),
    "screen above stage": (
        ["track", "FILM", "-n", "vesicles", "--stage", 1, "--screen", 2],
        "no thresholds for stage 1 screened by stage 2",
    ),
    "unknown scene": (["simulate", "moon", "-o", "x.tif"], "There is no scene 'moon'. Choose one of default, vesicles"),
    "too many particles": (
        ["simulate", "table42", "-o", "x.tif", "--particles", 999],
        "of 999 particles fit into 251 x 251 px",
    ),
    "a click beside the film": (
        ["match", "FILM", "--at", "0,20,300", "-o", "x.json"],
        "The point at frame 0, y 20, x 300 lies outside film.tif",
    ),
    "a scene that is no JSON": (
        ["match", "FILM", "--at", "0,20,20", "-o", "x.scene"],
        "the name of a scene ends in .json",
    ),
    "clicks on a missing film": (["match", "nowhere.tif", "--at", "0,20,20", "-o", "x.json"], "nowhere.tif"),
    "clicks in a missing table": (
        ["match", "FILM", "--points", "nowhere.csv", "-o", "x.json"],
        "Cannot read nowhere.csv",
    ),
    "a diameter beyond the frame": (
        ["match", "FILM", "--at", "0,20,20", "--diameter", 999, "-o", "x.json"],
        "Expected a diameter from 1 px to the side of a frame, got 999",
    ),
    "unknown plan": (["grow", "--scene", "beads", "--plan", "up", "-o", "x.growtrack"], "There is no plan 'up'"),
    "no scene": (["grow", "-o", "x.growtrack"], "Expected --scene NAME, --dataset PATH or --recipe FILE"),
    "nothing to resume": (["grow", "--resume", "-o", "x.growtrack"], "There is no x.growtrack.growing to go on with"),
    "no further stage": (["grow", "--from", "beads", "-o", "x.growtrack"], "Say what to add: --deeper dense:32"),
    "a misspelt stage": (
        ["grow", "--from", "beads", "--deeper", "dense", "-o", "x.growtrack"],
        "Expected whole numbers, as in dense:32 or 8,16,32,16,16, got 'dense'",
    ),
    "epochs of a scene": (
        ["grow", "--scene", "beads", "--epochs", 3, "-o", "x.growtrack"],
        "--epochs: only for a --dataset",
    ),
    "a scene and a dataset": (
        ["grow", "--scene", "beads", "--dataset", "x.npz", "-o", "x.growtrack"],
        "give --scene or --dataset, not both",
    ),
    "resuming otherwise": (
        ["grow", "--resume", "--minutes", 3, "--seed", 1, "-o", "x.growtrack"],
        "give --resume, or --minutes, --seed, not both",
    ),
    "deeper without a network": (
        ["grow", "--scene", "beads", "--deeper", "dense:3", "-o", "x.growtrack"],
        "--deeper adds to a network: give it with --from",
    ),
    "a layer of another kind": (
        ["grow", "--from", "beads", "--deeper", "lstm:3", "-o", "x.growtrack"],
        "Expected --deeper conv:UNITS or dense:UNITS, got 'lstm:3'",
    ),
    "a column too short": (
        ["grow", "--from", "beads", "--wider", "3,4", "-o", "x.growtrack"],
        "A column needs 5 numbers, one a layer, got 2",
    ),
    "a named plan for a grown network": (
        ["grow", "--from", "beads", "--plan", "depth", "-o", "x.growtrack"],
        "With --from, a --plan is a .json file",
    ),
    "no time": (["grow", "--scene", "beads", "--minutes", 0, "-o", "x.growtrack"], "Expected --minutes greater than 0"),
    "no dataset": (["grow", "--dataset", "nowhere.npz", "-o", "x.growtrack"], "nowhere.npz"),
    "not a network of DeepTrack": (["import", "FILM", "--scene", "beads", "-o", "x.growtrack"], "film.tif"),
    "an export of another kind": (["export", "beads", "-o", "x.pt"], "Expected a file ending in .keras, .h5, .onnx"),
    "no table": (["score", "nowhere.csv", "nowhere.csv"], "Cannot read nowhere.csv"),
    "no such frames": (
        ["track", "FILM", "--frames", "9:"],
        "There are no such frames in film.tif, which has frames 0 to 3",
    ),
    "a table named as its recipe": (["track", "FILM", "-o", "x.json"], "the name of a table ends in .csv"),
    "a table named as a film": (["track", "FILM", "-o", "b.tif"], "the name of a table ends in .csv"),
    "a table without a name": (["track", "FILM", "-o", ""], "Expected the name of a file to write, got '.'"),
    "a device": (["track", "FILM", "-o", "/dev/null"], "/dev/null: it is a device or a pipe"),
    "a picture named as a film": (["track", "FILM", "--overlay", "b.tif"], "the name of a picture ends in .png"),
    "a picture of no frame": (
        ["track", "FILM", "--frames", "1:3", "--overlay", "b.png", "--overlay-frame", 3],
        "Expected --overlay-frame from 1 to 2, got 3",
    ),
    "a network named as a film": (["grow", "--scene", "beads", "-o", "b.tif"], "the name of a network ends in .growtr"),
    "a calibrated network named as a film": (["calibrate", "beads", "-o", "b.tif"], "the name of a network ends in"),
    "a film named as a table": (["simulate", "beads", "-o", "b.csv"], "the name of a film ends in .tif or .tiff"),
    "a frame beyond all memory": (
        ["simulate", "beads", "-o", "x.tif", "--size", 100_000, 100_000],
        "A frame of 100000 x 100000 px takes 37.3 GiB of memory",
    ),
    "a film beyond all disks": (
        ["simulate", "beads", "-o", "x.tif", "--frames", 99_999_999_999],
        "it would take 2.35e+07 GiB, and ",
    ),
    "a demonstration beyond all disks": (["demo", "-o", "x", "--frames", 99_999_999_999], "it would take 2.35e+07 GiB"),
    "endless growing": (["grow", "--scene", "beads", "--minutes", "inf", "-o", "x.growtrack"], "(a year), got inf"),
    "growing for no number": (["grow", "--scene", "beads", "--minutes", "nan", "-o", "x.growtrack"], "got nan"),
    "growing for less than nothing": (["grow", "--scene", "beads", "--minutes=-1", "-o", "x.growtrack"], "got -1"),
    "a walk of no number": (["simulate", "beads", "-o", "x.tif", "--diffusion", "nan"], "diffusion"),
    "an endless walk": (["simulate", "beads", "-o", "x.tif", "--diffusion", "inf"], "diffusion"),
    "a drift of no number": (["simulate", "beads", "-o", "x.tif", "--drift", "nan", "1"], "drift"),
    "recipe and scene": (["grow", "--recipe", "x.json", "--scene", "beads", "-o", "x.growtrack"], "not both"),
    "absurd noise": (
        ["simulate", "beads", "-o", "x.tif", "--snr", "1e10"],
        "expected a signal-to-noise ratio up to 10000",
    ),
    "no benchmark": (["benchmark", "moon"], "There is no benchmark 'moon'. Choose one of mnist-conv, mnist-deep"),
    "a film as network": (["track", "FILM", "-n", "FILM"], "film.tif is not a grown network, or was cut short"),
    "a network as film": (["track", "x.growtrack"], "x.growtrack"),
}


@pytest.mark.parametrize(("words", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_is_refused_in_one_sentence(film, tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = run(capsys, *(film[0] if word == "FILM" else word for word in words))
    assert code == 1
    assert complaint.startswith("growtrack: ")
    assert sentence in complaint
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


BAD_FILMS = {
    "colour": (np.arange(20 * 40 * 3, dtype=np.uint8).reshape(20, 40, 3), "colour"),
    "NaN": (np.full((2, 60, 60), np.nan, np.float32), "Frame 0 of bad.tif holds 3600 NaN or infinite pixels"),
    "four dimensions": (np.zeros((2, 2, 60, 60), np.float32), "bad.tif"),
}


@pytest.mark.parametrize(("film", "sentence"), BAD_FILMS.values(), ids=BAD_FILMS)
def test_bad_films_are_refused_in_one_sentence(tmp_path, capsys, film, sentence):
    tifffile.imwrite(tmp_path / "bad.tif", film)
    code, _, complaint = run(capsys, "track", tmp_path / "bad.tif", "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 1
    assert sentence in complaint


ODD_FILMS = {
    "constant": (
        np.full((2, 60, 60), 7, np.uint8),
        "Frame 1 of odd.tif is constant (every pixel is 7): nothing to find.",
    ),
    "small": (
        np.random.default_rng(0).normal(size=(2, 20, 30)).astype("f4"),
        "20 x 30 px, smaller than the network's 39 px",
    ),
}


@pytest.mark.parametrize(("film", "sentence"), ODD_FILMS.values(), ids=ODD_FILMS)
def test_odd_films_are_tracked_with_a_word_of_warning(tmp_path, capsys, film, sentence):
    tifffile.imwrite(tmp_path / "odd.tif", film, photometric="minisblack")
    code, _, complaint = run(capsys, "track", tmp_path / "odd.tif", "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 0
    assert sentence in complaint
    assert (tmp_path / "found.csv").exists()


def test_several_films_are_tracked_into_a_folder_and_a_bad_one_does_not_stop_them(film, tmp_path, capsys):
    (tmp_path / "b.tif").write_bytes(film[0].read_bytes())
    (tmp_path / "bad.tif").write_text("no film")
    films = [film[0], tmp_path / "bad.tif", tmp_path / "b.tif"]
    code, said, complaint = run(capsys, "track", *films, "-n", "vesicles", "-o", tmp_path / "tables")
    assert code == 1
    assert "bad.tif: Cannot read bad.tif" in complaint
    assert "1 of 3 films could not be tracked" in complaint
    tables = [tmp_path / "tables" / f"{name}.csv" for name in (film[0].stem, "b")]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    assert said.count("detections in 4 frames") == 2
    code, _, complaint = run(
        capsys, "track", film[0], film[0].with_suffix(".avi"), "-n", "vesicles", "-o", tmp_path / "tables"
    )
    assert code == 1
    assert "the same name" in complaint


def test_a_cancelled_run_keeps_what_was_done(film, tmp_path, monkeypatch, capsys):
    real = tracking.iter_detections

    def stopped(*arguments):
        steps = real(*arguments)
        yield next(steps)
        yield next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "iter_detections", stopped)
    code, _, complaint = run(capsys, "track", film[0], "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 130
    assert "cancelled after 2 of 4 frames; they are kept" in complaint
    assert pd.read_csv(tmp_path / "found.csv").frame.unique().tolist() == [0, 1]
    code, _, complaint = run(capsys, "track", film[0], "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 1
    assert "An earlier run left 0 frames" in complaint
    monkeypatch.setattr(tracking, "iter_detections", real)
    assert run(capsys, "track", film[0], "-n", "vesicles", "-o", tmp_path / "found.csv", "--resume")[0] == 0
    assert pd.read_csv(tmp_path / "found.csv").frame.unique().tolist() == [0, 1, 2, 3]
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_broken_frame_in_mid_film_keeps_those_before_it(tmp_path, capsys):
    film = np.random.default_rng(0).normal(size=(4, 60, 60)).astype("f4")
    film[2, 5, 5] = np.nan
    tifffile.imwrite(tmp_path / "bad.tif", film, photometric="minisblack")
    code, _, complaint = run(capsys, "track", tmp_path / "bad.tif", "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 1
    assert "Frame 2 of bad.tif holds 1 NaN" in complaint
    assert "Stopped after 2 of 4 frames; they are kept" in complaint
    assert (tmp_path / "found.csv").exists()


def test_a_recipe_is_not_replaced_by_a_scene(film, tmp_path, capsys):
    """A scene may be written again, what tells of a table may not."""
    points, recipe = tmp_path / "mine.csv", tmp_path / "mine.json"
    for source, copy in ((film[1], points), (film[1].with_suffix(".json"), recipe)):
        copy.write_bytes(source.read_bytes())
    before = recipe.read_bytes()
    code, _, complaint = run(capsys, "match", film[0], "--points", points, "-o", recipe)
    assert code == 1
    assert "mine.json: what is there is no scene. Choose another name" in complaint
    assert recipe.read_bytes() == before
    (tmp_path / "scene.json").write_text(named_scene("table42").to_json())
    assert run(capsys, "match", film[0], "--points", points, "-o", tmp_path / "scene.json")[0] == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_that_could_not_be_put_in_place_is_not_told_of(film, tmp_path, monkeypatch, capsys, suffix):
    real, found = os.replace, tmp_path / f"found.{suffix}"

    def full(source, target):
        if str(target) == str(found):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, target)

    monkeypatch.setattr(files.os, "replace", full)
    code, said, complaint = run(
        capsys, "track", film[0], "-n", "vesicles", "-o", found, "--overlay", tmp_path / "x.png"
    )
    assert code == 1
    assert said == ""
    assert "No space left" in complaint
    assert complaint.count("\n") == 1
    monkeypatch.undo()
    assert run(capsys, "track", film[0], "-n", "vesicles", "-o", found, "--resume")[0] == 0
    assert found.exists()


def test_the_picture_shows_the_frame_with_most_detections_or_the_one_asked_for(tmp_path, capsys):
    one, three = (tmp_path / f"{number}.tif" for number in (1, 3))
    words = ["--size", 128, 128, "--snr", 20, "--seed", 1]
    for path, number in ((one, 1), (three, 3)):
        run(capsys, "simulate", "table42", "-o", path, "--frames", 2, "--particles", number, *words)
    film = np.concatenate([tifffile.imread(one), tifffile.imread(three)[:1], tifffile.imread(one)])
    tifffile.imwrite(tmp_path / "f.tif", film, photometric="minisblack")
    for options, shown in (([], 2), (["--overlay-frame", 4], 4), (["--frames", "3:"], 3)):
        words = [
            "track",
            tmp_path / "f.tif",
            "-n",
            "vesicles",
            "-o",
            tmp_path / "t.csv",
            "--overlay",
            tmp_path / "p.png",
        ]
        code, said, err = run(capsys, *words, *options)
        assert code == 0, err
        assert f"frame {shown} with its detections" in said


SEQUENCES = ["folder", "pattern", "zarr"]


@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_run_does_not_go_on_with_another_film_in_the_same_place(tmp_path, monkeypatch, capsys, kind):
    rng, real = np.random.default_rng(0), tracking.iter_detections

    def put():
        pixels = rng.normal(100, 5, size=(3, 64, 64)).astype(np.uint16)
        if kind == "zarr":
            return _zarr(tmp_path / "film.zarr", pixels)
        (tmp_path / "film").mkdir(exist_ok=True)
        for number, frame in enumerate(pixels):
            tifffile.imwrite(tmp_path / "film" / f"{number}.tif", frame)
        return tmp_path / "film" / ("*.tif" if kind == "pattern" else "")

    def stopped(*arguments):
        yield next(real(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "iter_detections", stopped)
    film, table = put(), tmp_path / "t.csv"
    assert run(capsys, "track", film, "-n", "vesicles", "-o", table)[0] == 130
    monkeypatch.undo()
    put()
    code, _, complaint = run(capsys, "track", film, "-n", "vesicles", "-o", table, "--resume")
    assert code == 1
    assert "is of another film" in complaint
    assert run(capsys, "track", film, "-n", "vesicles", "-o", table, "--anew")[0] == 0


def _zarr(path, pixels):
    """Write an OME-Zarr in place, as a program does that writes it again."""
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(path, mode="a", zarr_format=2)
    array = group.require_array("0", shape=pixels.shape, chunks=(1, *pixels.shape[1:]), dtype=pixels.dtype)
    array[:] = pixels
    if "multiscales" not in group.attrs:
        axes = [{"name": name, "type": "time" if name == "t" else "space"} for name in "tyx"]
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]
    return path


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "There is not enough memory for this. Close other programs"),
        (MemoryError("Unable to allocate 8.00 TiB"), "not enough memory for this (Unable to allocate 8.00 TiB). Close"),
        (OSError(errno.EIO, "Input/output error", "/a/b"), "/a/b: Input/output error. Check the path"),
        (KeyError("odd\nlines" * 99), "our fault (KeyError: "),
    ],
)
def test_nothing_escapes_as_a_traceback(tmp_path, monkeypatch, capsys, error, sentence):
    from napari_growtrack.core.networks import load as networks

    def fail(*_):
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(networks, "network_path", fail)
    code, _, complaint = run(capsys, "show", "beads")
    assert code == 1
    assert complaint.startswith("growtrack: ")
    assert sentence in complaint
    assert (complaint.count("\n"), len(complaint) < 400) == (1, True)
    left = [path.read_text() for path in tmp_path.iterdir()]
    assert len(left) == isinstance(error, KeyError)
    assert all("Traceback" in text and "network_path(chosen.network)" in text for text in left)
    assert all(str(path) in complaint for path in tmp_path.iterdir())


def test_a_film_that_runs_out_of_memory_does_not_stop_the_others(film, tmp_path, monkeypatch, capsys):
    def large(path, *_):
        if "large" in str(path):
            raise MemoryError
        return real(path, *_)

    real = tracking.open_stack
    monkeypatch.setattr(tracking, "open_stack", large)
    code, said, complaint = run(
        capsys, "track", tmp_path / "large.tif", film[0], "-n", "vesicles", "-o", tmp_path / "tables"
    )
    assert code == 1
    assert "large.tif: There is not enough memory" in complaint
    assert "detections in 4 frames" in said


def test_a_demonstration_on_one_frame_says_what_is_true_of_one(tmp_path, capsys):
    code, said, err = run(capsys, "demo", "-o", tmp_path / "demo", "--frames", 1)
    assert code == 0, err
    assert "One frame tells nothing of motion" in said
    assert "trajectories" not in said
    assert "link" not in said.lower()
    assert not (tmp_path / "demo" / "trajectories.csv").exists()


def test_a_second_growing_of_a_name_is_refused_and_names_the_first(tmp_path, capsys):
    network = tmp_path / "x.growtrack"
    with Hold(network):
        for words in (["--scene", "beads"], ["--resume"]):
            code, _, complaint = run(capsys, "grow", *words, "-o", network)
            assert code == 1
            assert f"{network} is being written by process {os.getpid()} on" in complaint


def test_a_file_of_the_users_is_not_replaced_by_a_recipe(tmp_path, capsys):
    scene = tmp_path / "mine.json"
    scene.write_text(named_scene("table42").to_json())
    code, _, complaint = run(capsys, "simulate", scene, "-o", tmp_path / "mine.tif", "--truth", tmp_path / "mine.csv")
    assert code == 1
    assert "its recipe would replace mine.json. Choose another name" in complaint
    assert (
        run(capsys, "simulate", scene, "-o", tmp_path / "mine.tif", "--truth", tmp_path / "t.csv", "--frames", 1)[0]
        == 0
    )


def test_help_names_every_scene(capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in SCENES)


@pytest.mark.parametrize(("number", "sentence"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")])
def test_a_full_or_read_only_disk_is_named_before_the_work(film, tmp_path, monkeypatch, capsys, number, sentence):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "replace", refuse)
    code, _, complaint = run(capsys, "track", film[0], "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 1
    assert "Cannot write" in complaint
    assert sentence in complaint
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_during_the_work_loses_nothing(film, tmp_path, monkeypatch, capsys):
    real = os.replace

    def fills_up(source, target):
        if str(target).endswith("found.csv") and str(target).startswith(str(tmp_path)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, target)

    monkeypatch.setattr(files.os, "replace", fills_up)
    code, _, complaint = run(capsys, "track", film[0], "-n", "vesicles", "-o", tmp_path / "found.csv")
    assert code == 1
    assert "No space left" in complaint
    refuge = complaint.split("The table is whole, in ")[1].split(". Stopped")[0]
    assert len(pd.read_csv(refuge)) > 20


WRONG = [
    [],
    ["track"],
    ["nonsense"],
    ["simulate", "beads"],
    ["score", "a.csv"],
    ["adapt", "f.tif"],
    ["match", "f.tif", "--at", "5,6", "-o", "x.json"],
    ["match", "f.tif", "--at", "0,5,6", "--points", "a.csv", "-o", "x.json"],
    ["track", "f.tif", "--frames", "a:b"],
    ["track", "f.tif", "--frames", "1:2:0"],
    ["simulate", "beads", "-o", "x.tif", "--seed", "-1"],
]


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage_exits_with_two(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: growtrack" in capsys.readouterr().err
