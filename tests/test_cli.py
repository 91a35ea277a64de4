"""The command line, as a newcomer types it."""

import errno
import json
import os

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_growtrack.cli import main
from napari_growtrack.core import files
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.simulation import SCENES, named_scene


def run(capsys, *words):
    """Run a command; return exit code, what it printed, and its complaint."""
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


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


def test_a_film_is_simulated_tracked_and_scored(film, tmp_path, capsys):
    path, truth = film
    found, picture = tmp_path / "new folder" / "found.csv", tmp_path / "overlay.png"
    code, said, _ = run(capsys, "track", path, "-n", "vesicles", "-o", found, "--overlay", picture)
    assert code == 0
    assert "detections in 4 frames" in said
    table = pd.read_csv(found)
    assert table.columns.tolist() == ["frame", "y", "x", "distance", "votes"]
    recipe = json.loads(found.with_suffix(".json").read_text())
    assert (recipe["network"], recipe["film"], recipe["frames"]) == ("vesicles", "film.tif", [0, 3])
    assert {"version", "settings", "seed"} <= recipe.keys()
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, said, _ = run(capsys, "score", found, truth, "--json")
    result = json.loads(said)
    assert result["found"] > 0.95
    assert result["median_error"] < 0.5
    assert result["thesis"]["missed"] < 0.05


@pytest.mark.parametrize(
    "options", [["--stage", 1], ["--faithful"], ["--screen", 3], ["--frames", "1:3"], ["--frames", 2]]
)
def test_every_option_of_track_gives_detections(film, tmp_path, capsys, options):
    code, _, _ = run(capsys, "track", film[0], "-o", tmp_path / "found.csv", *options)
    assert code == 0
    frames = pd.read_csv(tmp_path / "found.csv").frame.unique().tolist()
    assert frames == {"1:3": [1, 2], 2: [2]}.get(options[-1], [0, 1, 2, 3])


def test_a_film_without_particles_scores_without_nan_in_json(tmp_path, capsys):
    film, truth, found = tmp_path / "f.tif", tmp_path / "t.csv", tmp_path / "d.csv"
    run(capsys, "simulate", "empty", "-o", film, "--truth", truth, "--frames", 2)
    assert run(capsys, "track", film, "-o", found)[0] == 0
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


def test_demo_tracks_a_film_of_the_users(film, tmp_path, capsys):
    code, said, _ = run(capsys, "demo", film[0], "-o", tmp_path / "mine")
    assert code == 0
    assert "6 typically (no truth, no score)" in said
    assert not (tmp_path / "mine" / "film.tif").exists()


def test_grow_makes_a_network_that_tracks(film, tmp_path, capsys):
    plan, network = tmp_path / "plan.json", tmp_path / "mine.growtrack"
    plan.write_text(Plan.breadth((2, 3, 4), (3, 4, 6), conv=2, window=25).to_json())
    code, said, err = run(capsys, "grow", "--scene", "table42", "--plan", plan, "--minutes", "0.1", "-o", network)
    assert code == 0, err
    assert "stage 2: 5 7 10 units" in said
    assert run(capsys, "track", film[0], "-n", network, "-o", tmp_path / "found.csv")[0] == 0
    assert "Grown on the scene table42" in run(capsys, "networks", "show", network)[1]


def test_networks_lists_what_is_bundled(capsys):
    code, said, _ = run(capsys, "networks")
    assert code == 0
    for words in ("vesicles", "beads", "of full cost", "px at SNR"):
        assert words in said
    assert "conv 1" in run(capsys, "networks", "show", "beads")[1]


def test_benchmarks_run_at_smoke_scale(tmp_path, capsys):
    code, said, _ = run(capsys, "benchmark", "all", "--scale", "smoke", "-o", tmp_path)
    assert code == 0
    assert "one predict call a window" in said
    assert len(json.loads((tmp_path / "accuracy.json").read_text())["rows"]) > 9
    assert "speed" in run(capsys, "benchmark", "list")[1]


# Refusals ---------------------------------------------------------------------------------------------------------

REFUSALS = {
    "missing film": (["track", "nowhere.tif"], "nowhere.tif"),
    "unknown network": (
        ["track", "FILM", "-n", "vesicle"],
        "There is no network 'vesicle'. Choose one of beads, vesicles",
    ),
    "unknown stage": (["track", "FILM", "--stage", 9], "There is no stage 9; this network has stages 1 to 3"),
    "screen above stage": (
        ["track", "FILM", "--stage", 1, "--screen", 2],
        "no thresholds for stage 1 screened by stage 2",
    ),
    "unknown scene": (["simulate", "moon", "-o", "x.tif"], "There is no scene 'moon'. Choose one of default, vesicles"),
    "too many particles": (
        ["simulate", "table42", "-o", "x.tif", "--particles", 999],
        "of 999 particles fit into 251 x 251 px",
    ),
    "unknown plan": (["grow", "--scene", "beads", "--plan", "up", "-o", "x.growtrack"], "There is no plan 'up'"),
    "no scene": (["grow", "-o", "x.growtrack"], "Expected --scene NAME or --recipe FILE.json"),
    "no table": (["score", "nowhere.csv", "nowhere.csv"], "Cannot read nowhere.csv"),
    "no such frames": (
        ["track", "FILM", "--frames", "9:"],
        "There are no such frames in film.tif, which has frames 0 to 3",
    ),
    "a table named as its recipe": (["track", "FILM", "-o", "x.json"], "a table is a CSV file"),
    "recipe and scene": (["grow", "--recipe", "x.json", "--scene", "beads", "-o", "x.growtrack"], "not both"),
    "absurd noise": (
        ["simulate", "beads", "-o", "x.tif", "--snr", "1e10"],
        "expected a signal-to-noise ratio up to 10000",
    ),
    "no benchmark": (["benchmark", "moon"], "There is no benchmark 'moon'. Choose one of speed, accuracy"),
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
    "colour": (np.zeros((20, 40, 3), np.uint8), "colour"),
    "NaN": (np.full((2, 60, 60), np.nan, np.float32), "Frame 0 of bad.tif holds 3600 NaN or infinite pixels"),
    "four dimensions": (np.zeros((2, 2, 60, 60), np.float32), "bad.tif"),
}


@pytest.mark.parametrize(("film", "sentence"), BAD_FILMS.values(), ids=BAD_FILMS)
def test_bad_films_are_refused_in_one_sentence(tmp_path, capsys, film, sentence):
    tifffile.imwrite(tmp_path / "bad.tif", film)
    code, _, complaint = run(capsys, "track", tmp_path / "bad.tif", "-o", tmp_path / "found.csv")
    assert code == 1
    assert sentence in complaint


ODD_FILMS = {
    "constant": (
        np.full((2, 60, 60), 7, np.uint8),
        "Frame 1 of odd.tif is constant (every pixel is 7): nothing to find.",
    ),
    "small": (
        np.random.default_rng(0).normal(size=(2, 20, 30)).astype("f4"),
        "20 x 30 px, smaller than the network's 51 px",
    ),
}


@pytest.mark.parametrize(("film", "sentence"), ODD_FILMS.values(), ids=ODD_FILMS)
def test_odd_films_are_tracked_with_a_word_of_warning(tmp_path, capsys, film, sentence):
    tifffile.imwrite(tmp_path / "odd.tif", film, photometric="minisblack")
    code, _, complaint = run(capsys, "track", tmp_path / "odd.tif", "-o", tmp_path / "found.csv")
    assert code == 0
    assert sentence in complaint
    assert (tmp_path / "found.csv").exists()


def test_a_cancelled_run_keeps_what_was_done(film, tmp_path, monkeypatch, capsys):
    from napari_growtrack.core import detection

    def stopped(*arguments):
        steps = detection.detect.__globals__["iter_detections"](*arguments)
        yield next(steps)
        yield next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(detection, "iter_detections", stopped)
    code, _, complaint = run(capsys, "track", film[0], "-o", tmp_path / "found.csv")
    assert code == 130
    assert "cancelled after 2 of 4 frames; they are kept" in complaint
    assert pd.read_csv(tmp_path / "found.csv").frame.unique().tolist() == [0, 1]


def test_a_broken_frame_in_mid_film_keeps_those_before_it(tmp_path, capsys):
    film = np.random.default_rng(0).normal(size=(4, 60, 60)).astype("f4")
    film[2, 5, 5] = np.nan
    tifffile.imwrite(tmp_path / "bad.tif", film, photometric="minisblack")
    code, _, complaint = run(capsys, "track", tmp_path / "bad.tif", "-o", tmp_path / "found.csv")
    assert code == 1
    assert "Frame 2 of bad.tif holds 1 NaN" in complaint
    assert "Stopped after 2 of 4 frames; they are kept" in complaint
    assert (tmp_path / "found.csv").exists()


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
    code, _, complaint = run(capsys, "track", film[0], "-o", tmp_path / "found.csv")
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
    code, _, complaint = run(capsys, "track", film[0], "-o", tmp_path / "found.csv")
    assert code == 1
    assert "No space left" in complaint
    refuge = complaint.split("it was saved as ")[1].strip().removesuffix(".")
    assert len(pd.read_csv(refuge)) > 20


WRONG = [
    [],
    ["track"],
    ["nonsense"],
    ["simulate", "beads"],
    ["score", "a.csv"],
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
