"""Compiled code is kept where it can be, and a person hears of it where compiling takes a while."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from types import SimpleNamespace

import pytest

from napari_growtrack.cli.console import told_of_compiling
from napari_growtrack.core.errors import OutputError
from napari_growtrack.core.packages import compiling


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Let Numba find no folder that it may write; temporary folders lie in a new one."""

    def refuses(**_):
        def decorate(function):
            raise RuntimeError(f"cannot cache function {function.__name__!r}: no locator available")

        return decorate

    monkeypatch.setattr(compiling, "numba", SimpleNamespace(njit=refuses, config=SimpleNamespace(CACHE_DIR="")))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return compiling.numba.config


def test_numbas_own_choice_of_a_folder_stays(monkeypatch):
    before = compiling.numba.config.CACHE_DIR
    compiling.find_cache()
    assert before == compiling.numba.config.CACHE_DIR


def test_where_numba_finds_no_folder_a_private_one_is_taken_again_and_again(nowhere, tmp_path):
    compiling.find_cache()
    chosen = nowhere.CACHE_DIR
    assert os.path.dirname(chosen) == str(tmp_path)
    if os.name != "nt":
        assert stat.S_IMODE(os.stat(chosen).st_mode) == 0o700
    compiling.find_cache()
    assert chosen == nowhere.CACHE_DIR


@pytest.mark.skipif(os.name == "nt", reason="folders of other users are a matter of Unix")
@pytest.mark.parametrize("trap", ["open to all", "a link", "a file"])
def test_code_is_not_taken_from_a_folder_that_others_can_write(nowhere, tmp_path, trap):
    theirs = tmp_path / f"growtrack-compiled-{os.getuid()}"
    if trap == "open to all":
        theirs.mkdir()
        theirs.chmod(0o777)
    elif trap == "a link":
        theirs.symlink_to(tmp_path)
    else:
        theirs.write_bytes(b"")
    compiling.find_cache()
    assert os.path.dirname(nowhere.CACHE_DIR) == str(tmp_path)
    assert str(theirs) != nowhere.CACHE_DIR


def test_where_nothing_can_be_written_a_sentence_says_what_to_set(nowhere, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OutputError, match=r"no folder to keep compiled code in .*NUMBA_CACHE_DIR\.$"):
        compiling.find_cache()


# A word while it compiles -----------------------------------------------------------------------------------------


class AtOnce:
    """A timer that has run out when it is started."""

    def __init__(self, seconds, act):
        self.start = act

    def cancel(self):
        pass


class Never(AtOnce):
    def __init__(self, seconds, act):
        self.start = lambda: None


@pytest.mark.parametrize(("timer", "times"), [(AtOnce, 1), (Never, 0)])
def test_compiling_is_told_once_and_only_where_it_takes_a_while(monkeypatch, caplog, timer, times):
    monkeypatch.setattr(compiling.threading, "Timer", timer)
    clock = compiling.Clock()
    with caplog.at_level(logging.INFO, "napari_growtrack"):
        for step in "([([])][()])":
            (clock.on_start if step in "([" else clock.on_end)(None)
    assert caplog.text.count("Compiling for this computer") == times


@pytest.mark.parametrize(("terminal", "said"), [(True, "growtrack: Compiling\n"), (False, "")])
def test_a_terminal_is_told_and_a_file_is_not(monkeypatch, capsys, terminal, said):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with told_of_compiling():
        logging.getLogger("napari_growtrack.core.packages.compiling").info("Compiling")
    logging.getLogger("napari_growtrack.core.packages.compiling").info("Again")
    assert capsys.readouterr().err == said


def test_numba_tells_when_it_compiles():
    with compiling.event.install_recorder("numba:compile") as heard:
        compiling.numba.njit(lambda: 1)()
    assert [one.is_start for _, one in heard.buffer] == [True, False]
    assert any(isinstance(one, compiling.Clock) for one in compiling.event._registered["numba:compile"])
