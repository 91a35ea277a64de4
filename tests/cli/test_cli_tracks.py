"""`growtrack tracks` writes a table of tracks, and chooses among trajectories before their motion is read off."""

import json

import numpy as np
import pandas as pd
import pytest

from commands import run
from napari_growtrack.cli.arguments import TRACKS
from napari_growtrack.core.motion import Units, diffusion, remove_drift
from napari_growtrack.core.motion.tracks import TRACK_COLUMNS, keep_tracks, measure_tracks
from napari_growtrack.core.tables import read_recipe, read_table, write_table

UNITS = {"pixel_size": 0.1, "frame_time": 0.5}
LONG = {"length": (20, None), "straightness": (None, 0.9)}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    lengths = rng.integers(12, 40, 12)
    rows = [
        pd.DataFrame(rng.normal(0, 1, (n, 2)).cumsum(0), columns=["y", "x"]).assign(frame=range(n), particle=k)
        for k, n in enumerate(lengths)
    ]
    return pd.concat(rows, ignore_index=True)[["frame", "y", "x", "particle"]]


@pytest.fixture
def trajectories(tmp_path, table):
    write_table(table, tmp_path / "trajectories.csv", {"program": "napari-growtrack", **UNITS})
    return tmp_path / "trajectories.csv"


def limited(limits):
    ends = {name: "..".join("" if end is None else str(end) for end in span) for name, span in limits.items()}
    return [word for name, span in ends.items() for word in ("--limit", f"{name}={span}")]


def test_the_help_names_the_columns_that_there_are():
    assert tuple(TRACK_COLUMNS) == TRACKS


def test_a_table_of_tracks_is_that_of_the_core_with_its_units_beside_it(tmp_path, capsys, trajectories, table):
    code, said, _ = run(capsys, "tracks", trajectories, "-o", tmp_path / "tracks.csv")
    assert (code, said) == (0, f"{tmp_path / 'tracks.csv'}: 12 of 12 trajectories\n")
    expected = measure_tracks(table, Units(**UNITS))
    found = read_table(tmp_path / "tracks.csv", ("particle",))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)
    recipe = read_recipe(tmp_path / "tracks.csv")
    assert (recipe["units"]["mean_speed"], recipe["units"]["x"]) == ("µm/s", "px")
    assert (recipe["pixel_size"], recipe["frame_time"]) == (0.1, 0.5)


def test_limits_choose_tracks_and_the_trajectories_that_are_kept(tmp_path, capsys, trajectories, table):
    kept = tmp_path / "kept.csv"
    command = ["tracks", trajectories, "-o", tmp_path / "tracks.parquet", "--trajectories", kept, *limited(LONG)]
    assert run(capsys, *command)[0] == 0
    expected = keep_tracks(table, LONG, Units(**UNITS))
    assert 0 < expected["particle"].nunique() < 12
    pd.testing.assert_frame_equal(read_table(kept), expected, rtol=1e-6)
    found = read_table(tmp_path / "tracks.parquet", ("particle",))
    assert found["particle"].tolist() == expected["particle"].unique().tolist()
    assert read_recipe(kept)["limits"] == {"length": [20, None], "straightness": [None, 0.9]}
    assert read_recipe(kept)["pixel_size"] == 0.1


def test_limits_are_in_the_units_that_are_told(tmp_path, capsys, trajectories, table):
    path = ["tracks", trajectories, "-o", tmp_path / "tracks.csv", "--pixel-size", 1, "--frame-time", 1]
    assert run(capsys, *path, "--limit", "path_length=30..")[0] == 0
    expected = measure_tracks(table).query("path_length >= 30")["particle"]
    assert read_table(tmp_path / "tracks.csv", ("particle",))["particle"].tolist() == expected.tolist()


def test_motion_is_that_of_the_trajectories_within_limits(capsys, trajectories, table):
    code, said, _ = run(capsys, "motion", trajectories, "--json", *limited(LONG))
    expected = diffusion(keep_tracks(table, LONG), Units(**UNITS)).coefficient.value
    assert code == 0
    assert json.loads(said)["diffusion_coefficient"]["value"] == pytest.approx(expected)


def test_limits_are_of_motion_without_the_drift_where_that_is_taken_away(tmp_path, capsys, table):
    drifting = table.assign(x=table["x"] + 3 * table["frame"])
    write_table(drifting, tmp_path / "drifting.csv")
    words = ["motion", tmp_path / "drifting.csv", "--json", "--limit", "straightness=..0.7"]
    assert run(capsys, *words)[0] == 1  # with the drift all are straight, and none is left
    code, said, _ = run(capsys, *words, "--remove-drift")
    straight = measure_tracks(remove_drift(drifting))["straightness"]
    assert (code, json.loads(said)["trajectories"]) == (0, (straight <= 0.7).sum())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "tracks.geff"], "a table of tracks is CSV or Parquet"),
        (["-o", "trajectories.csv"], "Choose another name"),
        (["--limit", "lenght=3.."], "Expected a column of tracks, got lenght"),
        (["--limit", "q=..0.01"], "Expected a column q"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys, trajectories, words, said):
    monkeypatch.chdir(tmp_path)
    before = trajectories.read_bytes()
    code, _, complaint = run(capsys, "tracks", "trajectories.csv", *words)
    assert code == 1
    assert said in complaint
    assert trajectories.read_bytes() == before
    assert not (tmp_path / "tracks.csv").exists()
