"""`growtrack benchmark`: every case at smoke scale, as a newcomer types it."""

import json

import pytest

from commands import run
from napari_growtrack.core.benchmarks.catalogue import CASES
from napari_growtrack.core.networks import build as making
from napari_growtrack.core.networks.calibration import Effort


@pytest.fixture(autouse=True)
def _brief_judging(monkeypatch):
    """Calibrate and measure imported networks on a few frames."""
    monkeypatch.setattr(making, "THOROUGH", Effort(samples=2, faithful=False, frames=1, levels=2))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.shows and not case.needs])
def test_benchmarks_run_at_smoke_scale(tmp_path, capsys, name):
    code, said, err = run(capsys, "benchmark", name, "--scale", "smoke", "-o", tmp_path)
    assert code == 0, err
    assert said.startswith(f"{name} (smoke): {CASES[name].about}\n\n| ")
    assert len(json.loads((tmp_path / f"{name}.json").read_text())["rows"]) > 1
    assert (tmp_path / f"{name}.png").exists() == ("" in CASES[name].figures)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.shows and case.needs])
def test_benchmarks_of_real_data_run_at_smoke_scale(shared_data, tmp_path, capsys, name):
    code, _, err = run(capsys, "benchmark", name, "--scale", "smoke", "-o", tmp_path, "--data", shared_data)
    assert code == 0, err
    assert len(json.loads((tmp_path / f"{name}.json").read_text())["rows"]) > 1


def test_a_benchmark_of_the_thesis_is_called_by_its_figure(tmp_path, capsys):
    code, said, err = run(capsys, "benchmark", "4.8", "--scale", "smoke", "-o", tmp_path)
    assert code == 0, err
    assert said.startswith("widths (smoke): ")
    assert (tmp_path / "widths-4.8.png").exists()
    code, _, complaint = run(capsys, "benchmark", "pages")
    assert code == 1
    assert "Give it with -o" in complaint


def test_benchmarks_are_listed_and_say_what_they_need(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GROWTRACK_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    said = run(capsys, "benchmark", "list")[1]
    assert "speed" in said
    assert "(3.5, 3.6, 3.7, 3.8); needs mnist.npz" in said
    code, _, complaint = run(capsys, "benchmark", "mnist-deep", "--data", tmp_path)
    assert code == 1
    assert "needs mnist.npz. Keras fetches it" in complaint
    assert "Give the folder with --data" in complaint
