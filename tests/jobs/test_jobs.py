"""Jobs: what the command line does to a film is had from Python in one line, and stopped as safely."""

import json

import pandas as pd
import pytest

import napari_growtrack as gt
from commands import run
from napari_growtrack.core.errors import NetworkFileError, OutputError, SettingsError, StackError
from napari_growtrack.core.linking import Suggestion
from napari_growtrack.core.progress import finish
from napari_growtrack.jobs import Begun, TrackToTable
from napari_growtrack.jobs import track_to_table as tracking
from napari_growtrack.jobs.growing import Calibrate
from napari_growtrack.jobs.linking import LinkTable
from napari_growtrack.jobs.motion import MeasureTable
from napari_growtrack.jobs.scene_estimate import MatchToFile
from napari_growtrack.jobs.simulation import SimulateToFile
from small_films import film_of_spots

FRAMES = 150


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return film_of_spots(tmp_path_factory.mktemp("film"), FRAMES, 64, 2)


def test_one_line_of_python_leaves_what_the_command_line_leaves(film, tmp_path, capsys):
    heard = []
    result = gt.track(film, tmp_path / "python.csv", "vesicles", stage=2, frames=slice(0, 40), watch=heard.append)
    options = ("--stage", 2, "--frames", "0:40")
    assert run(capsys, "track", film, "-n", "vesicles", "-o", tmp_path / "typed.csv", *options)[0] == 0
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
    gt.track(film, whole, "vesicles")
    steps = TrackToTable(film, torn, "vesicles").steps()
    for step in steps:
        if not isinstance(step, Begun) and step.frame == 100:
            break
    steps.close()
    assert pd.read_csv(torn)["frame"].max() == 100
    assert json.loads(torn.with_suffix(".json").read_text())["frames"] == [0, 100]
    heard = []
    assert gt.track(film, torn, "vesicles", resume=True, watch=heard.append).frames == range(FRAMES)
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
        gt.track(film, tmp_path / "inside.csv", "vesicles")
    monkeypatch.undo()

    def watch(step):
        if not isinstance(step, Begun):
            raise stop("No more.")

    with pytest.raises(stop):
        gt.track(film, tmp_path / "outside.csv", "vesicles", watch=watch)
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
        gt.track(film, film, "vesicles")
    assert [*tmp_path.iterdir()] == []


def test_a_job_returns_what_it_made_even_to_whoever_does_not_listen(film, tmp_path):
    network = gt.load_network("vesicles")
    result = finish(TrackToTable(film, tmp_path / "t.parquet", network, frames=slice(0, 2)).steps())
    assert (result.frames, result.diameter) == (range(2), network.diameter)
    assert len(gt.read_table(result.path)) == result.rows


# Jobs other than tracking leave what their commands leave ------------------------------------------------------------


@pytest.fixture(scope="module")
def detections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("found")
    scene, motion = gt.named_scene("table42"), gt.Motion(diffusion=0.5)
    finish(SimulateToFile(folder / "film.tif", scene, 30, (128, 128), number=4, motion=motion).steps())
    gt.track(folder / "film.tif", folder / "detections.csv", "vesicles")
    return folder / "detections.csv"


def same_bytes(folder, *names):
    """Whether what a job and what a command left is the same."""
    return all((folder / "python" / name).read_bytes() == (folder / "typed" / name).read_bytes() for name in names)


@pytest.mark.parametrize("radius", [None, 4.0])
def test_linking_a_table_leaves_what_the_command_leaves(detections, tmp_path, capsys, radius):
    job = LinkTable(detections, tmp_path / "python" / "t.csv", gt.Linking(search_radius=radius, memory=2))
    heard = []
    linked = finish(job.steps(), heard.append)
    words = ["--radius", radius] if radius else []
    code, said, _ = run(capsys, "link", detections, "-o", tmp_path / "typed" / "t.csv", "--memory", 2, *words)
    assert code == 0
    assert same_bytes(tmp_path, "t.csv", "t.json")
    assert isinstance(heard[0], Suggestion) == (radius is None)
    assert heard[-1].fraction == 1
    assert linked.detections == len(pd.read_csv(detections))
    assert f"{linked.linkage.trajectories['particle'].nunique()} trajectories" in said


def test_the_motion_of_a_table_is_what_the_command_tells(detections, tmp_path, capsys):
    path = tmp_path / "t.csv"
    finish(LinkTable(detections, path, gt.Linking(search_radius=4)).steps())
    report, written = finish(MeasureTable(path, tmp_path / "python", 0.1, 0.02, "50%").steps())
    told = ["--pixel-size", 0.1, "--frame-time", 0.02, "--exposure", "50%", "--json"]
    code, said, _ = run(capsys, "motion", path, "-o", tmp_path / "typed", *told)
    assert code == 0
    assert json.loads(said) == json.loads(json.dumps(report.to_dict()))
    assert len(written) == 8
    assert same_bytes(tmp_path, *(one.name for one in written if one.suffix == ".csv"))


def test_a_simulated_file_is_what_the_command_writes(tmp_path, capsys):
    film, truth = (tmp_path / "python" / name for name in ("film.tif", "truth.csv"))
    job = SimulateToFile(film, gt.named_scene("vesicles"), 3, (64, 80), truth, seed=4, motion=gt.Motion(diffusion=1))
    heard = []
    true = finish(job.steps(), heard.append)
    typed = tmp_path / "typed"
    options = ["--frames", 3, "--size", 64, 80, "--truth", typed / "truth.csv", "--seed", 4, "--diffusion", 1]
    code, _, err = run(capsys, "simulate", "vesicles", "-o", typed / "film.tif", *options)
    assert code == 0, err
    assert same_bytes(tmp_path, "film.tif", "truth.csv", "truth.json")
    assert heard == [1, 2, 3]
    assert len(true) == len(pd.read_csv(truth))


def test_a_matched_scene_is_what_the_command_writes(tmp_path, capsys):
    film, true = tmp_path / "film.tif", tmp_path / "truth.csv"
    scene = gt.named_scene("table42")
    points = finish(SimulateToFile(film, scene, 1, (128, 128), true, number=4).steps())[["frame", "y", "x"]]
    found = finish(MatchToFile(film, points.to_numpy(), tmp_path / "python" / "mine.json").steps())
    code, _, err = run(capsys, "match", film, "--points", true, "-o", tmp_path / "typed" / "mine.json")
    assert code == 0, err
    assert same_bytes(tmp_path, "mine.json")
    assert gt.Scene.from_file(tmp_path / "python" / "mine.json") == found.scene


def test_an_interrupted_film_leaves_no_file(tmp_path):
    path = tmp_path / "film.tif"
    steps = SimulateToFile(path, gt.named_scene("vesicles"), 3, (64, 64)).steps()
    next(steps)
    steps.close()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("job", "error", "sentence"),
    [
        (lambda at: LinkTable(at / "t.csv", at / "t.csv"), OutputError, "t.csv"),
        (lambda at: SimulateToFile(at / "f.png", gt.named_scene("vesicles"), 1, (64, 64)), OutputError, "a film"),
        (lambda at: Calibrate("vesicles", at / "n.txt"), OutputError, "a network"),
        (lambda at: Calibrate(at / "none.growtrack", at / "n.growtrack"), NetworkFileError, "none.growtrack"),
    ],
)
def test_a_job_is_refused_before_it_begins(tmp_path, job, error, sentence):
    with pytest.raises(error, match=sentence):
        finish(job(tmp_path).steps())
