"""What a terminal can write, and what happens where nobody reads: never a traceback, and an exit code that tells."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest

from napari_growtrack.cli import main
from napari_growtrack.cli.terminal import UNREAD, heard

SAID = "D 1.5 ± 0.2 µm²/s, 3 × 4 px … Cramér → μ 日本 \U0001f52c"


def said_to(encoding, text=SAID):
    """Return what reaches a terminal of this encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert heard(lambda: 0 * sys.stdout.write(text))() == 0
    return raw.getvalue().decode(encoding).rstrip("\r\n")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", SAID),
        ("ascii", "D 1.5 +- 0.2 um^2/s, 3 x 4 px ... Cramer -> u ?? ?"),
        ("cp1251", "D 1.5 ± 0.2 µm^2/s, 3 x 4 px … Cramer -> u ?? ?"),
        ("cp1252", "D 1.5 ± 0.2 µm²/s, 3 × 4 px … Cramér -> u ?? ?"),
        ("cp932", "D 1.5 ± 0.2 um^2/s, 3 × 4 px … Cramer → μ 日本 ?"),
        ("cp936", "D 1.5 ± 0.2 um^2/s, 3 × 4 px … Cramér → μ 日本 ?"),
    ],
)
def test_a_terminal_gets_what_it_can_write(encoding, text):
    assert said_to(encoding) == text


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "bell\x07", "\x9b31mred", "half \ud800 a letter"])
def test_nothing_said_steers_a_terminal(text):
    assert said_to("utf-8", text).isprintable()


@pytest.mark.parametrize("encoding", ["cp932", "cp936", "cp1251", "ascii"])
def test_a_help_page_is_read_on_every_code_page(encoding):
    program = "import sys; from napari_growtrack.cli import main; sys.exit(main(['motion', '--help']))"
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"usage: growtrack motion" in done.stdout


def test_motion_is_told_on_a_code_page_without_its_letters(tmp_path, monkeypatch):
    walks = np.random.default_rng(0).normal(size=(3, 40, 2)).cumsum(axis=1)
    rows = [f"{frame},{y},{x},{particle}" for particle, walk in enumerate(walks) for frame, (y, x) in enumerate(walk)]
    (tmp_path / "t.csv").write_text("\n".join(["frame,y,x,particle", *rows]))
    (tmp_path / "t.json").write_text('{"program": "napari-growtrack", "pixel_size": 0.1, "frame_time": 0.02}')
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["motion", str(tmp_path / "t.csv")]) == 0
    assert b"um^2/s" in raw.getvalue()


# Nobody reads ---------------------------------------------------------------------------------------------------------

FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
SAY = "import sys; from napari_growtrack.cli.terminal import heard\n@heard\ndef main():\n    {}\nsys.exit(main())"
LOUD = "[print('x' * 100) for _ in range(2000)]; return 0"
QUIET = "print('only a word'); return 0"
COMPLAIN = "print('beware', file=sys.stderr); return 0"


def shell(script, code):
    """Run Python code by a line of the shell, in which it is called $SAY; return exit code, output and complaint."""
    env = os.environ | {"SAY": SAY.format(code), "PYTHON": sys.executable}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=env)
    return done.returncode, done.stdout, done.stderr


CANNOT = "growtrack: Cannot write what is to be said: No space left on device. Free some room, or send it elsewhere.\n"


@pytest.mark.parametrize(
    ("script", "code", "ends"),
    [
        pytest.param('"$PYTHON" -c "$SAY" >/dev/full', LOUD, (1, "", CANNOT), marks=FULL),
        pytest.param('"$PYTHON" -c "$SAY" >/dev/full', QUIET, (1, "", CANNOT), marks=FULL),
        pytest.param('"$PYTHON" -c "$SAY" >/dev/full 2>/dev/full', QUIET, (1, "", ""), marks=FULL),
        pytest.param('"$PYTHON" -c "$SAY" 2>/dev/full', COMPLAIN, (0, "", ""), marks=FULL),
        ('"$PYTHON" -c "$SAY" >&-', LOUD, (0, "", "")),
        ('"$PYTHON" -c "$SAY" 2>&-', COMPLAIN, (0, "", "")),
        ('"$PYTHON" -c "$SAY" <&- >&- 2>&-', COMPLAIN, (0, "", "")),
        ('"$PYTHON" -c "$SAY" | head -n 1; exit ${PIPESTATUS[0]}', LOUD, (UNREAD, "x" * 100 + "\n", "")),
        ('"$PYTHON" -c "$SAY" | :; exit ${PIPESTATUS[0]}', f"import time; time.sleep(0.3); {QUIET}", (UNREAD, "", "")),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="a line for a shell of Unix")
def test_no_traceback_where_nobody_reads(script, code, ends):
    assert shell(script, code) == ends


@pytest.mark.skipif(os.name == "nt", reason="a line for a shell of Unix")
def test_a_file_is_not_mixed_with_what_is_said_where_stdout_is_closed(tmp_path):
    code = f"open({str(tmp_path / 'table.csv')!r}, 'w').write('rows'); import os; os.write(1, b'said'); {QUIET}"
    assert shell('"$PYTHON" -c "$SAY" >&-', code)[0] == 0
    assert (tmp_path / "table.csv").read_text() == "rows"


def test_what_fails_while_it_speaks_is_not_taken_for_a_closed_door():
    def fails():
        raise FileNotFoundError("a film")

    with pytest.raises(FileNotFoundError, match="a film"):
        heard(fails)()


def test_streams_are_given_back():
    before = sys.stdout, sys.stderr
    heard(lambda: 0)()
    assert (sys.stdout, sys.stderr) == before
