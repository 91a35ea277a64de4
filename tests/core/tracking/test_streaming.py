"""Long films: written chunk by chunk, and after a kill at any moment the result is the one of an undisturbed run."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.cli import main
from napari_growtrack.core.detection import iter_detections, survey
from napari_growtrack.core.errors import OutputError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.tables import DETECTION_COLUMNS, PROGRAM, as_csv, empty, read_table
from napari_growtrack.core.tracking.streaming import SUFFIX, TableStream, chunk_of, iter_into
from small_films import film_of_spots

FRAMES = 300
PATIENCE = 600
"""Seconds that the busiest machine may take for a run of so many frames."""
STORY = {"film": "a.tif", "frames": [0, FRAMES]}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return film_of_spots(tmp_path_factory.mktemp("film"), FRAMES, 96, 3)


def rows(frame):
    return pd.DataFrame({name: [frame, frame] if name == "frame" else 1 for name in DETECTION_COLUMNS})


def track(film, output, *options):
    command = [sys.executable, "-m", "napari_growtrack.cli", "track", str(film), "-o", str(output), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Killed and taken up --------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(film, tmp_path):
    """Killed with SIGKILL twice at random moments, each after at least one more chunk."""
    whole, torn = tmp_path / "whole.csv", tmp_path / "torn.csv"
    assert track(film, whole).wait(PATIENCE) == 0
    journal, rng = tmp_path / f"torn.csv{SUFFIX}" / "chunks.jsonl", np.random.default_rng(5)
    written = 0
    for kill in range(2):
        process = track(film, torn, *(["--resume"] if kill else []))
        until = time.monotonic() + PATIENCE
        while (lines := len(journal.read_bytes().splitlines()) if journal.exists() else 0) <= written:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        written = lines
        if not journal.parent.exists():  # it was faster than the kill
            break
    if journal.parent.exists():
        process = track(film, torn, "--resume")
        assert process.wait(PATIENCE) == 0, process.stderr.read()
    assert torn.read_bytes() == whole.read_bytes()
    assert json.loads(torn.with_suffix(".json").read_text()) == json.loads(whole.with_suffix(".json").read_text())
    assert not journal.parent.exists()


@pytest.mark.parametrize("shape", [(96, 96), (251, 251), (300, 300), (1024, 1024)])
def test_chunks_hold_whole_groups_of_frames_that_are_tracked_together(shape):
    from napari_growtrack.core.detection.detect import at_once

    assert chunk_of(shape) % at_once(shape) == 0
    assert 32 <= chunk_of(shape) <= 96


def test_what_is_streamed_is_what_is_detected_wherever_it_was_stopped(film, tmp_path):
    network = load_network("vesicles")
    cascade, frames = network.cascade(), range(20, 150)
    with open_stack(film) as stack:
        contrast, cascade = survey(stack, network, cascade, "auto", frames)
        expected = as_csv(pd.concat([f.table for f in iter_detections(stack, network, cascade, frames, contrast)]))
        chunk = chunk_of(stack.shape[1:])
        for stop in (1, chunk - 1, chunk, chunk + 7):
            path = tmp_path / f"{stop}.csv"
            stream = TableStream(path, STORY, chunk)
            steps = iter_into(stream, iter_detections(stack, network, cascade, frames[stream.frames :], contrast))
            for _ in range(stop):
                next(steps)
            steps.close()
            stream.close()
            again = TableStream(path, STORY, chunk, resume=True)
            assert again.frames == stop // chunk * chunk
            for _ in iter_into(again, iter_detections(stack, network, cascade, frames[again.frames :], contrast)):
                pass
            again.finish({})
            again.close()
            assert path.read_bytes() == expected


# The stream -----------------------------------------------------------------------------------------------------------


def stream_of(path, frames, chunk=4, **options):
    stream = TableStream(path, STORY, chunk, **options)
    for frame in range(stream.frames, frames):
        stream.put(rows(frame))
    return stream


def killed_at(path, frames, chunk=4):
    """Leave what a process leaves that is killed when it has seen so many frames."""
    stream_of(path, frames, chunk).close()


def test_only_whole_chunks_are_there_for_good(tmp_path):
    stream = stream_of(tmp_path / "t.csv", 10)
    assert (stream.frames, stream.seen, stream.rows) == (8, 10, 20)
    stream.close()
    again = TableStream(tmp_path / "t.csv", STORY, 4, resume=True)
    assert (again.frames, again.seen, again.rows) == (8, 8, 16)


def test_what_a_kill_cut_off_is_written_again(tmp_path):
    killed_at(tmp_path / "t.csv", 8)
    folder = tmp_path / f"t.csv{SUFFIX}"
    with (folder / "rows.csv").open("a") as file:
        file.write("8,1,1")  # rows without their chunk
    with (folder / "chunks.jsonl").open("a") as file:
        file.write('{"frames": 12, "ro')  # a chunk whose line is torn
    stream_of(tmp_path / "t.csv", 12, resume=True).finish({})
    assert pd.read_csv(tmp_path / "t.csv").frame.tolist() == [frame for frame in range(12) for _ in range(2)]


def test_a_stopped_run_leaves_a_table_of_all_it_has_seen(tmp_path):
    stream = stream_of(tmp_path / "t.csv", 10)
    stream.leave({"frames": [0, 9]})
    assert len(pd.read_csv(tmp_path / "t.csv")) == 20
    assert json.loads((tmp_path / "t.json").read_text()) == {"frames": [0, 9]}
    stream.close()
    assert TableStream(tmp_path / "t.csv", STORY, 4, resume=True).frames == 8


def test_frames_without_detections_count(tmp_path):
    stream = TableStream(tmp_path / "t.csv", STORY, 2)
    for _ in range(5):
        stream.put(empty(DETECTION_COLUMNS))
    assert stream.frames == 4
    stream.finish({})
    assert (tmp_path / "t.csv").read_text() == ",".join(DETECTION_COLUMNS) + "\n"


def test_an_earlier_run_is_neither_mixed_nor_thrown_away_unasked(tmp_path):
    path = tmp_path / "t.csv"
    with pytest.raises(OutputError, match=r"There is no t\.csv\.unfinished to go on with"):
        TableStream(path, STORY, resume=True)
    killed_at(path, 8)
    with pytest.raises(OutputError, match=r"left 8 frames in .* Go on with resume=True, or begin with anew=True"):
        TableStream(path, STORY)
    with pytest.raises(OutputError, match=r"is of another film\. Run it as before"):
        TableStream(path, STORY | {"film": "b.tif"}, resume=True)
    rows_ = tmp_path / f"t.csv{SUFFIX}" / "rows.csv"
    rows_.write_bytes(rows_.read_bytes()[:30])
    with pytest.raises(OutputError, match="is torn"):
        TableStream(path, STORY, resume=True)
    (tmp_path / f"t.csv{SUFFIX}" / "story.json").write_text("{")
    with pytest.raises(OutputError, match=r"cannot be read\. Begin with anew=True"):
        TableStream(path, STORY, resume=True)
    assert TableStream(path, STORY, anew=True).frames == 0


def test_a_kill_when_all_is_done_but_to_tidy_up_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(TableStream, "remove", lambda self: None)
    with stream_of(tmp_path / "t.csv", 8) as stream:
        stream.finish({})
    monkeypatch.undo()
    with pytest.raises(OutputError, match="is whole: an earlier run finished it"):
        TableStream(tmp_path / "t.csv", STORY, resume=True)
    assert not list(tmp_path.glob("*.unfinished"))
    assert pd.read_csv(tmp_path / "t.csv").frame.nunique() == 8


def test_what_a_kill_left_half_written_is_removed_by_the_next_run(tmp_path):
    others = ["t.csv.probe.77.partial", "t2.json.77.partial"]
    for name in ("t.csv.77.partial", "t.json.77.partial", *others):
        (tmp_path / name).write_bytes(b"half")
    with stream_of(tmp_path / "t.csv", 8) as stream:
        stream.finish({})
    assert sorted(os.listdir(tmp_path)) == sorted(["t.csv", "t.json", *others])


def test_a_stop_between_rows_and_journal_leaves_no_row_twice(tmp_path, monkeypatch):
    from napari_growtrack.core.tracking import streaming

    real, stream = streaming._append, stream_of(tmp_path / "t.csv", 7)

    def stopped(path, content):
        if path.name == "chunks.jsonl":
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(streaming, "_append", stopped)
    with pytest.raises(KeyboardInterrupt):
        stream.put(rows(7))
    for name in ("t.csv", "t.parquet"):
        stream.path = tmp_path / name
        stream.leave({"program": PROGRAM})
        assert read_table(tmp_path / name).frame.tolist() == [frame for frame in range(8) for _ in range(2)]


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    from napari_growtrack.core.tracking import streaming

    stream = stream_of(tmp_path / "t.csv", 4)

    for frame in range(4, 7):
        stream.put(rows(frame))
    real = streaming._append

    def full(path, content):
        real(path, content[:10])  # some of it still fits
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(streaming, "_append", full)
    with pytest.raises(OutputError, match="4 frames are kept; make room, and go on with resume=True"):
        stream.put(rows(7))
    monkeypatch.undo()
    stream.leave({"program": PROGRAM})
    stream.close()
    assert pd.read_csv(tmp_path / "t.csv").frame.tolist() == [frame for frame in range(8) for _ in range(2)]
    stream_of(tmp_path / "t.csv", 8, resume=True).finish({})
    assert pd.read_csv(tmp_path / "t.csv").frame.nunique() == 8


# Two at once, and what lies there -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"anew": True}, {"resume": True}])
def test_a_second_run_on_a_table_is_refused_and_leaves_the_first_alone(tmp_path, options):
    path = tmp_path / "t.csv"
    with stream_of(path, 6) as first:
        with pytest.raises(OutputError, match=rf"is being written by process {os.getpid()} on"):
            TableStream(path, STORY, 4, **options)
        first.put(rows(6))
        first.finish({})
    assert pd.read_csv(path).frame.tolist() == [frame for frame in range(7) for _ in range(2)]
    assert sorted(os.listdir(tmp_path)) == ["t.csv", "t.json"]


def test_a_second_command_on_a_table_names_the_first_process(film, tmp_path, capsys):
    code = (
        "import sys; from napari_growtrack.core.files.holding import Hold; hold = Hold(sys.argv[1]); print(); input()"
    )
    path = tmp_path / "t.csv"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=-1, stdout=-1) as first:
        first.stdout.readline()
        for option in ("--anew", "--resume"):
            assert main(["track", str(film), "-o", str(path), option]) == 1
            assert f"{path} is being written by process {first.pid} on" in capsys.readouterr().err
        first.communicate(b"\n")
    assert os.listdir(tmp_path) == ["t.csv.lock"]  # it went without a word, and is in nobody's way
    TableStream(path, STORY).close()


UNREADABLE = {
    "a list": ("story.json", "[]"),
    "nothing": ("story.json", "null"),
    "no text": ("story.json", b"\xff\xfe"),
    "a story nested too deep": ("story.json", "[" * 100_000),
    "chunks that are a list": ("chunks.jsonl", "[1, 2, 3]\n"),
    "chunks nested": ("chunks.jsonl", "[" * 100_000 + "\n"),
    "chunks in chunks": ("chunks.jsonl", '{"frames": {"frames": 4}, "rows": 8, "bytes": 99}\n'),
    "fewer than no frames": ("chunks.jsonl", '{"frames": -4, "rows": 8, "bytes": 99}\n'),
    "fewer than no bytes": ("chunks.jsonl", '{"frames": 4, "rows": 8, "bytes": -1}\n'),
    "half a row": ("chunks.jsonl", '{"frames": 4, "rows": 8.5, "bytes": 99}\n'),
    "endless": ("chunks.jsonl", '{"frames": 1e999, "rows": 8, "bytes": 99}\n'),
    "without bytes": ("chunks.jsonl", '{"frames": 4, "rows": 8}\n'),
    "chunks that are no text": ("chunks.jsonl", b"\xff\n"),
}


@pytest.mark.parametrize(("name", "content"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_damaged_is_not_gone_on_with(tmp_path, name, content):
    path = tmp_path / "t.csv"
    killed_at(path, 8)
    (tmp_path / f"t.csv{SUFFIX}" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OutputError, match=r"cannot be read\. Begin with anew=True"):
        TableStream(path, STORY, 4, resume=True)
    TableStream(path, STORY, 4, anew=True).close()


@pytest.mark.parametrize(("frames", "fits"), [(8, True), (9, True), (7, False), (1, False)])
def test_more_frames_than_the_film_has_are_not_gone_on_with(tmp_path, frames, fits):
    path, story = tmp_path / "t.csv", STORY | {"frames": [20, 20 + frames]}
    with TableStream(path, story, 4) as stream:
        for frame in range(8):
            stream.put(rows(frame))
    if fits:
        with TableStream(path, story, 4, resume=True) as stream:
            assert stream.frames == 8
    else:
        with pytest.raises(OutputError, match="is torn"):
            TableStream(path, story, 4, resume=True)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("left", [("story.json",), ("chunks.jsonl",), ("story.json", "chunks.jsonl"), ()])
def test_a_kill_while_the_folder_is_tidied_leaves_a_whole_table_and_says_so(tmp_path, monkeypatch, name, left):
    from napari_growtrack.core.tracking import streaming

    def killed(folder, **_):
        if folder.exists():
            for path in folder.iterdir():
                if path.name not in left:
                    path.unlink()
            raise KeyboardInterrupt

    path = tmp_path / name
    stream = stream_of(path, 8)
    with monkeypatch.context() as patch:
        patch.setattr(streaming.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            stream.finish({"program": PROGRAM})
    stream.close()
    with pytest.raises(OutputError, match="is whole: an earlier run finished it"):
        TableStream(path, STORY, 4, resume=True)
    assert read_table(path).frame.nunique() == 8
    assert not [entry for entry in os.listdir(tmp_path) if SUFFIX in entry]
    TableStream(path, STORY, 4).close()


@pytest.mark.parametrize(("frames", "left"), [(0, []), (1, [f"t.csv{SUFFIX}"]), (4, [f"t.csv{SUFFIX}"])])
def test_a_run_that_fails_before_its_first_frame_leaves_nothing(tmp_path, frames, left):
    with pytest.raises(ZeroDivisionError), stream_of(tmp_path / "t.csv", frames):
        _ = 1 / 0
    assert os.listdir(tmp_path) == left


def test_a_table_never_takes_the_place_of_a_folder_or_a_device(tmp_path):
    (tmp_path / "t.csv").mkdir()
    for path, sentence in ((tmp_path / "t.csv", "not a folder"), (os.devnull, "a device"), ("", "name of a file")):
        with pytest.raises(OutputError, match=sentence):
            TableStream(path, STORY)
    assert os.listdir(tmp_path) == ["t.csv"]
