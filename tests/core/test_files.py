"""A result reaches the disk whole, or leaves no trace."""

from __future__ import annotations

import errno
import os

import pytest

from napari_growtrack.core.errors import OutputError
from napari_growtrack.core.files import check_apart, check_writable, write_whole


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


@pytest.mark.parametrize("name", ["", ".", "/", "..", "a\0b.csv"])
@pytest.mark.parametrize("refuses", [check_writable, lambda path: write_whole(path, print)])
def test_what_names_no_file_is_refused(tmp_path, monkeypatch, name, refuses):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="Expected the name of a file"):
        refuses(name)
    assert os.listdir(tmp_path) == []


def test_a_device_or_a_pipe_is_never_replaced(tmp_path):
    pipe, link = tmp_path / "pipe.csv", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to(os.devnull)
    for path in (pipe, link, os.devnull):
        for refuses in (check_writable, lambda path: write_whole(path, lambda file: file.write(b"done"))):
            with pytest.raises(OutputError, match=r"it is a device or a pipe\. Choose the name of a file"):
                refuses(path)
    assert sorted(os.listdir(tmp_path)) == ["link.csv", "pipe.csv"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("name", "endings", "sentence"),
    [
        ("film.tif", (".csv", ".xml"), r"film\.tif: the name of a table ends in \.csv or \.xml\."),
        ("film", (".csv",), r"film: the name of a table ends in \.csv\."),
        ("found.CSV", (".csv", ".xml", ".geff"), None),
        ("found.geff", (".csv", ".xml", ".geff"), None),
    ],
)
def test_a_result_never_takes_the_name_of_another_kind(tmp_path, name, endings, sentence):
    (tmp_path / name).write_bytes(b"older")
    if sentence is None:
        check_writable(tmp_path / name, "a table", endings)
    else:
        with pytest.raises(OutputError, match=sentence):
            check_writable(tmp_path / name, "a table", endings)
    assert (tmp_path / name).read_bytes() == b"older"
    assert os.listdir(tmp_path) == [name]


def test_a_folder_is_no_file_unless_it_is_geff(tmp_path):
    for name in ("folder", "graph.geff"):
        (tmp_path / name).mkdir()
    check_writable(tmp_path / "graph.geff")
    with pytest.raises(OutputError, match="Choose a file name, not a folder"):
        check_writable(tmp_path / "folder")


def test_long_paths_are_told_in_short(tmp_path):
    for path in (tmp_path / f"{'n' * 300}.csv", tmp_path / "/".join(["folder"] * 1000) / "t.csv"):
        with pytest.raises(OutputError, match=r"File name too long\. Choose a shorter name") as caught:
            check_writable(path)
        assert len(str(caught.value)) < 300
        assert str(caught.value).startswith(f"Cannot write {str(path)[:80]}…{str(path)[-80:]}: ")


def test_two_names_of_one_file_are_told_apart_from_two_files(tmp_path):
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    check_apart(tmp_path / "a.csv", None, tmp_path / "c.csv", None)
    with pytest.raises(OutputError, match=r"b\.csv would be written over"):
        check_apart(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(OutputError, match="Expected the name of a file"):
        check_apart("a\0.csv")


def test_two_programs_that_write_one_name_do_not_mix(tmp_path):
    def write(file):
        file.write(b"mine")
        file.flush()
        (partial,) = tmp_path.iterdir()
        assert str(os.getpid()) in partial.name  # another program's is another

    write_whole(tmp_path / "t.csv", write)
    assert (tmp_path / "t.csv").read_bytes() == b"mine"
