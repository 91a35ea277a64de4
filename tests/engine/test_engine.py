"""Work in a process of its own: answers come as they are, frames go as they are wanted, it can be left at any time."""

import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from napari_growtrack.core.errors import EngineError, GrowtrackWarning, SettingsError, StackError
from napari_growtrack.core.films import ArrayStack
from napari_growtrack.engine import Engine, Here
from napari_growtrack.jobs.context import FilmFacts
from slow_jobs import Count, Gated, Sums, Trouble


@pytest.fixture(scope="module")
def engine():
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    engine = Engine()
    list(engine.run(Count(1)))
    yield engine
    engine.close()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


def told(steps):
    """Leave out signs of life."""
    return [value for value in steps if value is not None]


def film(frames=20, side=8) -> ArrayStack:
    return ArrayStack(np.arange(frames * side**2, dtype=np.uint16).reshape(frames, side, side), "film")


@pytest.mark.parametrize("make", [Engine, Here])
def test_a_job_yields_and_returns_as_it_would_here(engine, make):
    runs = engine if make is Engine else Here()
    heard, steps = [], runs.run(Count(3))
    while True:
        try:
            heard.append(next(steps))
        except StopIteration as end:
            result = end.value
            break
    assert ([value for value in heard if value is not None], result) == ([0, 1, 2], "counted")


@pytest.mark.parametrize("frames", [(0, 1, 2, 3), (7, 3, 19, 3), (5,), tuple(range(20))])
def test_frames_come_as_they_are_wanted(engine, frames):
    stack = film()
    job = Sums(FilmFacts.of(stack), frames)
    assert told(engine.run(job, stack)) == [(number, float(stack[number].sum())) for number in frames]


def test_only_a_few_frames_are_read_ahead(engine):
    stack, read = film(200, 1024 // 8), []
    take = stack._read
    stack._read = lambda number: read.append(number) or take(number)
    steps = engine.run(Sums(FilmFacts.of(stack), tuple(range(200))), stack)
    while next(steps) is None:
        pass
    steps.close()
    time.sleep(0.2)
    assert max(read) < 30


def test_a_frame_of_an_earlier_film_is_never_taken_for_one_of_the_next(engine):
    slow, quick = film(), ArrayStack(np.ones((20, 8, 8), np.uint8), "other")
    take = slow._read
    slow._read = lambda number: time.sleep(0.2) or take(number)
    steps = engine.run(Sums(FilmFacts.of(slow), tuple(range(20))), slow)
    next(steps)
    time.sleep(0.1)
    steps.close()
    assert told(engine.run(Sums(FilmFacts.of(quick), (0, 1)), quick)) == [(0, 64.0), (1, 64.0)]


def test_a_frame_that_cannot_be_read_ends_the_job_with_its_sentence(engine):
    bad = np.zeros((3, 8, 8))
    bad[1] = np.nan
    stack = ArrayStack(bad, "bad")
    with pytest.raises(StackError, match="Frame 1 of bad holds 64 NaN"):
        told(engine.run(Sums(FilmFacts.of(stack), (0, 1)), stack))


def test_whatever_a_lazy_array_raises_becomes_a_sentence(engine):
    stack = film()

    def fail(number):
        raise ConnectionError("the server is gone")

    stack._read = fail
    with pytest.raises(StackError, match="Cannot read frame 0: ConnectionError: the server is gone"):
        told(engine.run(Sums(FilmFacts.of(stack), (0,)), stack))


def test_it_gives_signs_of_life_while_there_is_nothing_to_tell(engine, tmp_path):
    gate = tmp_path / "gate"
    steps = engine.run(Gated(str(gate), str(tmp_path / "left")))
    while next(steps) is None:
        pass
    assert [next(steps) for _ in range(3)] == [None] * 3
    gate.touch()
    assert [value for value in steps if value is not None] == ["open"]


def test_leaving_a_job_waits_for_nothing_and_lets_it_put_things_away(engine, tmp_path):
    gate, left = tmp_path / "gate", tmp_path / "left"
    steps = engine.run(Gated(str(gate), str(left)))
    while next(steps) is None:
        pass
    steps.close()  # though the job cannot end before the gate is there
    assert not left.exists()
    gate.touch()
    assert told(engine.run(Count(1))) == [0]
    assert left.read_text() == "left"


def test_the_next_job_waits_until_one_that_is_busy_has_been_left(engine, tmp_path):
    gate = tmp_path / "gate"
    steps = engine.run(Gated(str(gate), str(tmp_path / "left")))
    while next(steps) is None:
        pass
    steps.close()
    following = engine.run(Count(2))
    assert next(following) is None  # a sign of life while it waits
    gate.touch()
    assert told(following) == [0, 1]


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "queue.py").write_text("print('not ours')\n")
    monkeypatch.chdir(tmp_path)
    other = Engine()
    assert len(told(other.run(simulation()))) == 1
    other.close()


def test_a_job_that_does_not_end_is_killed_after_some_patience(engine, monkeypatch, tmp_path):
    monkeypatch.setattr("napari_growtrack.engine.process.PATIENCE", 0.2)
    steps = engine.run(Gated(str(tmp_path / "never"), str(tmp_path / "left")))
    while next(steps) is None:
        pass
    steps.close()
    assert told(engine.run(Count(2))) == [0, 1]


def test_two_threads_take_turns(engine):
    heard = []
    threads = [threading.Thread(target=lambda: heard.append(told(engine.run(Count(20, 0.01))))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [[*range(20)]] * 2


@pytest.mark.parametrize(
    ("how", "kind", "sentence"),
    [
        ("refused", SettingsError, "Expected another."),
        ("unforeseen", RuntimeError, "KeyError: 'odd'"),
        ("disk", RuntimeError, "No space left on device"),
        ("killed", EngineError, "ended unexpectedly"),
    ],
)
def test_an_error_comes_back_and_the_next_job_runs(engine, how, kind, sentence):
    with pytest.warns(GrowtrackWarning, match="dark"), pytest.raises(kind, match=sentence):
        told(engine.run(Trouble(how)))
    assert told(engine.run(Count(2))) == [0, 1]


def test_only_our_warnings_and_nothing_printed_comes_back(engine):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = told(engine.run(Trouble("")))
    assert [str(one.message) for one in caught] == ["dark"]
    assert values[0].tolist() == [0, 1, 2]
    assert values[1] != os.getpid()


def test_closing_ends_the_process_and_leaves_no_thread():
    other = Engine(patience=120)
    told(other.run(simulation()))
    process, threads = other._process, threading.active_count()
    other.close()
    assert process.poll() == 0
    assert threading.active_count() == threads - 1
    assert not other.running


def simulation():
    """Return a job that needs no test module in the other process."""
    from napari_growtrack.core.simulation import named_scene
    from napari_growtrack.jobs.simulation import SimulateFrame

    return SimulateFrame(named_scene("vesicles"), (64, 64), seed=0)


def test_an_interpreter_that_is_not_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EngineError, match="Cannot start /nowhere/python"):
        told(Engine().run(Count(1)))


def test_the_process_ends_when_its_parent_is_killed(tmp_path):
    code = (
        "import sys, time, os, signal\n"
        "from napari_growtrack.engine import Engine\n"
        "from napari_growtrack.jobs.simulation import SimulateFrame\n"
        "from napari_growtrack.core.simulation import named_scene\n"
        "e = Engine()\n"
        "list(e.run(SimulateFrame(named_scene('vesicles'), (64, 64), 0)))\n"
        "print(e._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_starting_an_engine_imports_neither_keras_nor_napari_here():
    code = "import sys, napari_growtrack.jobs.tracking; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"qtpy", "PyQt6", "napari", "keras", "tensorflow"} & {*loaded}
