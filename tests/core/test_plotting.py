"""Settings of matplotlib that are made for windows, or are damaged, stop no work and end in no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from napari_growtrack.core.errors import OutputError
from napari_growtrack.core.figures.pictures import save

LOAD = """
from napari_growtrack.core.errors import OutputError
from napari_growtrack.core.packages.plotting import load_matplotlib
import os
try:
    print(load_matplotlib().__name__, os.environ.get("MPLBACKEND"))
except OutputError as error:
    print(error)
"""


def loaded(**env):
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, env=os.environ | env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_wrong_backend_for_windows_is_passed_over():
    assert loaded(MPLBACKEND="nonsense") == "matplotlib nonsense"


def test_a_right_one_stays():
    assert loaded(MPLBACKEND="svg") == "matplotlib svg"


def test_settings_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe")
    assert loaded(MATPLOTLIBRC=str(tmp_path)).startswith("matplotlib cannot be loaded (UnicodeDecodeError: ")


def test_a_figure_too_large_to_draw_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"Cannot draw .*huge\.png \(Image size .* too large.*Look at matplotlib's"):
        save(Figure(figsize=(1e6, 1e6)), tmp_path / "huge.png")
    assert not [*tmp_path.iterdir()]
