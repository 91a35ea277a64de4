"""One process at a time writes a file; who is killed is in nobody's way."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from napari_growtrack.core.errors import GrowtrackWarning, OutputError
from napari_growtrack.core.files import holding
from napari_growtrack.core.files.holding import Hold, check_free

HOLDER = """
import sys, time
from napari_growtrack.core.files.holding import Hold
hold = Hold(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds t.csv."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "t.csv")], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_the_first_is(tmp_path, other):
    for refuses in (Hold, check_free):
        with pytest.raises(OutputError) as caught:
            refuses(tmp_path / "t.csv")
        since = json.loads((tmp_path / "t.csv.lock").read_text())["since"][:16].replace("T", " ")
        assert str(caught.value) == (
            f"{tmp_path / 't.csv'} is being written by process {other.pid} on {socket.gethostname()} since {since}. "
            "Wait until it has ended, stop it, or choose another name."
        )


def test_the_lock_of_a_killed_process_is_taken_over_without_a_word(tmp_path, other, recwarn):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / "t.csv.lock").exists()
    with Hold(tmp_path / "t.csv"):
        assert json.loads((tmp_path / "t.csv.lock").read_text())["pid"] == os.getpid()
    assert os.listdir(tmp_path) == []
    assert not recwarn.list


def test_a_lock_is_let_go_and_leaves_nothing(tmp_path):
    hold = Hold(tmp_path / "new" / "t.csv")
    with pytest.raises(OutputError, match=f"process {os.getpid()} on"):
        Hold(tmp_path / "new" / "t.csv")
    Hold(tmp_path / "new" / "u.csv").release()  # another name is another lock
    hold.release()
    hold.release()
    assert os.listdir(tmp_path / "new") == []
    Hold(tmp_path / "new" / "t.csv").release()


def test_a_lock_that_went_while_it_was_waited_for_is_not_taken_for_one(tmp_path, monkeypatch):
    """The one before removes its file after we have opened it, and before we lock it."""
    real, first = holding._lock, Hold(tmp_path / "t.csv")

    def late(file, place):
        first.release()
        real(file, place)

    monkeypatch.setattr(holding, "_lock", late)
    with Hold(tmp_path / "t.csv"):
        monkeypatch.undo()
        with pytest.raises(OutputError, match="is being written by"):
            Hold(tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["mine", "[]", '{"pid": 1}', "[" * 4000])
def test_a_file_that_is_no_lock_is_left_alone(tmp_path, text):
    (tmp_path / "t.csv.lock").write_text(text)
    with pytest.raises(OutputError, match=r"t\.csv\.lock is no lock of this program\. Remove it"):
        Hold(tmp_path / "t.csv")
    assert (tmp_path / "t.csv.lock").read_text() == text


def test_what_another_machine_left_is_taken_over_with_a_word(tmp_path):
    signed = {"pid": 7, "host": "elsewhere", "since": "2026-03-01T10:20:30+00:00"}
    (tmp_path / "t.csv.lock").write_text(json.dumps(signed))
    with (
        pytest.warns(GrowtrackWarning, match="was left by process 7 on elsewhere since 2026-03-01 10:20"),
        Hold(tmp_path / "t.csv"),
    ):
        pass


def test_a_drive_without_locks_is_told_and_one_that_refuses_refused(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def fail(number):
        def flock(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)

    fail(errno.ENOLCK)
    with pytest.warns(GrowtrackWarning, match="knows no locks"):
        Hold(tmp_path / "t.csv").release()
    fail(errno.EIO)
    with pytest.raises(OutputError, match=r"Cannot write .*t\.csv\.lock: Input/output error"):
        Hold(tmp_path / "t.csv")
    (tmp_path / "folder.lock").mkdir()
    with pytest.raises(OutputError, match=r"folder\.lock: Is a directory"):
        Hold(tmp_path / "folder")
