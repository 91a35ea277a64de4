"""A result reaches the disk whole, or leaves no trace."""

from __future__ import annotations

import errno
import os

import pytest

from napari_growtrack.core.errors import OutputError
from napari_growtrack.core.files import write_whole


def fail_with(number):
    def write(file):
        file.write(b"half of")
        raise OSError(number, os.strerror(number))

    return write


def test_a_file_is_written_and_its_folders_are_made(tmp_path):
    path = tmp_path / "new" / "folder" / "note.txt"
    write_whole(path, lambda file: file.write(b"done"))
    assert path.read_bytes() == b"done"
    assert os.listdir(path.parent) == ["note.txt"]


def test_an_older_file_is_replaced(tmp_path):
    (tmp_path / "note.txt").write_bytes(b"a much longer older text")
    write_whole(str(tmp_path / "note.txt"), lambda file: file.write(b"new"))
    assert (tmp_path / "note.txt").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "No space left on device. Free some room or choose another folder."),
        (
            errno.EACCES,
            "Permission denied. Close it in other programs, or choose a folder you may write to.",
        ),
        (errno.EIO, "Input/output error. Check the path or choose another folder."),
    ],
)
def test_a_disk_that_refuses_leaves_the_older_file_and_no_partial_one(tmp_path, number, sentence):
    path = tmp_path / "note.txt"
    path.write_bytes(b"older")
    with pytest.raises(OutputError) as caught:
        write_whole(path, fail_with(number))
    assert str(caught.value) == f"Cannot write {path}: {sentence}"
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["note.txt"]


def test_a_read_only_folder_is_reported(tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    with pytest.raises(OutputError, match=r"note.txt: Permission denied\..* a folder you may write to\."):
        write_whole(tmp_path / "note.txt", lambda file: file.write(b"done"))


def test_a_failing_replacement_leaves_no_partial_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"Is a directory\. Choose a file name, not a folder\."):
        write_whole(tmp_path / "folder", lambda file: file.write(b"done"))
    assert os.listdir(tmp_path) == ["folder"]


def test_other_errors_pass_through_and_leave_no_partial_file(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_whole(tmp_path / "note.txt", lambda _: 1 / 0)
    assert os.listdir(tmp_path) == []
