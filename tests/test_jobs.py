"""Jobs: what the command line does to a film is had from Python in one line, and stopped as safely."""

import json

import pandas as pd
import pytest

import napari_growtrack as gt
from commands import run
from napari_growtrack.core.errors import OutputError, SettingsError, StackError
from napari_growtrack.core.progress import finish
from napari_growtrack.jobs import Begun, TrackToTable
from napari_growtrack.jobs import track_to_table as tracking
from small_films import film_of_spots

FRAMES = 150


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return film_of_spots(tmp_path_factory.mktemp("film"), FRAMES, 64, 2)


def test_one_line_of_python_leaves_what_the_command_line_leaves(film, tmp_path, capsys):
    heard = []
    result = gt.track(film, tmp_path / "python.csv", stage=2, frames=slice(0, 40), watch=heard.append)
    options = ("--stage", 2, "--frames", "0:40")
    assert run(capsys, "track", film, "-o", tmp_path / "typed.csv", *options)[0] == 0
    for ending in (".csv", ".json"):
        one, other = (tmp_path / f"{name}{ending}" for name in ("python", "typed"))
        assert one.read_bytes() == other.read_bytes()
    assert heard[0] == Begun(range(40), 0)
    assert [one.frame for one in heard[1:]] == [*range(40)]
    assert (result.path, result.frames, result.wanted) == (tmp_path / "python.csv", range(40), 40)
    assert (result.in_place, result.stopped) == (True, None)
    assert result.rows == len(pd.read_csv(tmp_path / "python.csv")) > 40
    assert result.milliseconds > 0


def test_a_job_that_is_closed_keeps_what_it_did_and_goes_on(film, tmp_path):
    whole, torn = tmp_path / "whole.csv", tmp_path / "torn.csv"
    gt.track(film, whole)
    steps = TrackToTable(film, torn).steps()
    for step in steps:
        if not isinstance(step, Begun) and step.frame == 100:
            break
    steps.close()
    assert pd.read_csv(torn)["frame"].max() == 100
    assert json.loads(torn.with_suffix(".json").read_text())["frames"] == [0, 100]
    heard = []
    assert gt.track(film, torn, resume=True, watch=heard.append).frames == range(FRAMES)
    done = heard[1].done
    assert heard[:2] == [Begun(range(FRAMES), 0), Begun(range(FRAMES), done)]
    assert 0 < done <= 101
    assert len(heard) == 2 + FRAMES - done
    assert torn.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, StackError])
def test_what_stops_a_job_is_raised_when_all_is_put_away(film, tmp_path, monkeypatch, stop):
    """Wherever it comes: in the job itself, or, as Ctrl-C may, in whoever follows it."""
    real = tracking.iter_detections

    def stopped(*arguments):
        steps = real(*arguments)
        yield next(steps)
        raise stop("Frame 1 cannot be read.")

    monkeypatch.setattr(tracking, "iter_detections", stopped)
    with pytest.raises(stop):
        gt.track(film, tmp_path / "inside.csv")
    monkeypatch.undo()

    def watch(step):
        if not isinstance(step, Begun):
            raise stop("No more.")

    with pytest.raises(stop):
        gt.track(film, tmp_path / "outside.csv", watch=watch)
    for name in ("inside", "outside"):
        assert pd.read_csv(tmp_path / f"{name}.csv")["frame"].unique().tolist() == [0]
        assert (tmp_path / f"{name}.csv.unfinished").is_dir()


def test_what_is_refused_leaves_nothing(film, tmp_path):
    network = gt.load_network("vesicles")
    for error, sentence, settings in (
        (SettingsError, "no such frames", {"frames": slice(900, 901)}),
        (SettingsError, "Workers read the network from its file", {"network": network, "workers": 1}),
        (OutputError, "to go on with", {"resume": True}),
    ):
        with pytest.raises(error, match=sentence):
            gt.track(film, tmp_path / "t.csv", **settings)
    with pytest.raises(OutputError, match="written over"):
        gt.track(film, film)
    assert [*tmp_path.iterdir()] == []


def test_a_job_returns_what_it_made_even_to_whoever_does_not_listen(film, tmp_path):
    network = gt.load_network("vesicles")
    result = finish(TrackToTable(film, tmp_path / "t.parquet", network, frames=slice(0, 2)).steps())
    assert (result.frames, result.diameter) == (range(2), network.diameter)
    assert len(gt.read_table(result.path)) == result.rows
