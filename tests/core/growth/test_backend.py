"""A backend of Keras that cannot be had is refused in a sentence that says which can."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.growth import backend


@pytest.mark.parametrize(
    ("name", "there", "sentence"),
    [
        (
            "jax",
            ["tensorflow", "torch"],
            "KERAS_BACKEND is jax, which is not installed. Installed here: tensorflow, torch.",
        ),
        ("torhc", ["jax"], "KERAS_BACKEND is 'torhc'; expected one of tensorflow, jax, torch. Installed here: jax."),
        (
            "numpy",
            ["tensorflow"],
            "KERAS_BACKEND is 'numpy'; expected one of tensorflow, jax, torch. Inst",
        ),
        (
            "x" * 5000,
            [],
            f"KERAS_BACKEND is {'x' * 40!r}; expected one of tensorflow, jax, torch. None is",
        ),
    ],
)
def test_a_backend_that_is_not_there_is_refused(monkeypatch, name, there, sentence):
    monkeypatch.setattr(backend, "find_spec", lambda asked: asked in there or None)
    with pytest.raises(SettingsError) as caught:
        backend.check_backend(name)
    assert str(caught.value).startswith(sentence)
    assert len(str(caught.value)) < 400


def test_a_backend_that_is_there_is_taken(monkeypatch):
    monkeypatch.setattr(backend, "find_spec", lambda asked: asked == "jax" or None)
    backend.check_backend("jax")


def test_a_misspelt_backend_is_no_traceback():
    program = "import napari_growtrack as g\ntry: g.grow\nexcept g.GrowtrackError as error: print(error)"
    env = os.environ | {"KERAS_BACKEND": "jaks"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env)
    assert done.stdout.startswith("KERAS_BACKEND is 'jaks'; expected one of tensorflow, jax, torch.")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "tensoflow",
            "growtrack: KERAS_BACKEND is 'tensoflow'; expected one of tensorflow, jax, torch. Installed here: ",
        ),
        ("jax", "growtrack: KERAS_BACKEND is jax, which is not installed. Installed"),
    ],
)
def test_a_command_says_which_backends_are_there(tmp_path, name, sentence):
    tifffile.imwrite(tmp_path / "film.tif", np.zeros((2, 64, 64), np.uint8))
    program = (
        "import importlib.util as at, sys\nfind = at.find_spec\n"
        "at.find_spec = lambda name, *more: None if name == 'jax' else find(name, *more)\n"
        "from napari_growtrack.cli import main\nsys.exit(main(['track', 'film.tif', '-n', 'spots']))"
    )
    env = os.environ | {"KERAS_BACKEND": name}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_a_wrong_backend_of_matplotlib_does_not_keep_keras_from_loading():
    program = "import napari_growtrack.core.growth.backend as b; print(b.keras.__name__)"
    env = os.environ | {"MPLBACKEND": "nonsense"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "keras"
