"""Real films: what the eye counts, and how what is found is set beside it."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.benchmarks import films
from napari_growtrack.core.benchmarks.case import Bench
from napari_growtrack.core.benchmarks.films import FILMS, METHODS, OURS, TRACKPY, counted
from napari_growtrack.core.benchmarks.sources import DATA
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.progress import finish

BROWNIAN = FILMS[0]


@pytest.fixture
def eye():
    return pd.DataFrame({"frame": 0, "y": [50.0, 100.0, 150.0], "x": [50.0, 100.0, 150.0], "doubtful": [0, 0, 1]})


@pytest.mark.parametrize(
    ("y", "x", "outcomes"),
    [
        ([54], [50], ["found"]),
        ([50, 51, 75], [50, 50, 50], ["found", "double", "double"]),
        ([10, 85], [10, 50], ["ghost", "ghost"]),
        ([150, 151], [165, 165], ["doubtful", "ghost"]),
        ([], [], []),
    ],
)
def test_what_is_found_is_a_particle_a_double_a_ghost_or_doubtful(eye, y, x, outcomes):
    found = pd.DataFrame({"y": np.array(y, float), "x": np.array(x, float)})
    assert sorted(films._judged(BROWNIAN, eye, found)["outcome"]) == sorted(outcomes)


def test_a_peer_gets_the_threshold_that_suits_the_eye(eye):
    found = pd.DataFrame({"frame": 0, "y": [50.0, 100, 150, 10], "x": [50.0, 100, 150, 10], "strength": [9.0, 8, 3, 2]})
    f1, left = films._by_eye(BROWNIAN, eye, found)
    assert f1 == 1
    assert left["strength"].tolist() == [9, 8]


def test_films_that_are_absent_are_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.delenv(DATA, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "none"))
    (tmp_path / BROWNIAN.name).write_bytes(b"")
    assert [piece.name for piece in films.pieces(Bench("laptop", tmp_path))] == [BROWNIAN.name]
    row = {"film": BROWNIAN.name}
    assert "Left out" in films.tell({"": [row]})
    assert FILMS[-1].name in films.tell({"": [row]})
    assert "Left out" not in films.tell({"": [{"film": film.name} for film in FILMS]})


def test_the_eye_counts_in_frames_that_there_are_and_once_each(shared_data):
    for film in FILMS:
        eye = counted(film)
        with open_stack(shared_data / film.source.file) as stack:
            assert set(eye["frame"]) == {0, len(stack) // 2, len(stack) - 1}
            sides = np.minimum(stack.shape[1:], 200)
        sure = eye[eye["doubtful"] == 0]
        assert ((sure[["y", "x"]] >= 0) & (sure[["y", "x"]] < sides)).all(axis=None)
        for _, mine in sure.groupby("frame"):
            apart = np.hypot(*(np.subtract.outer(*[mine[axis].to_numpy()] * 2) for axis in ("y", "x")))
            assert (apart + np.diag(np.full(len(mine), np.inf)) > film.width / 2).all()


@pytest.fixture(scope="module")
def smoked(shared_data):
    bench = Bench("smoke", shared_data)
    return bench, [finish(piece.work()) for piece in films.pieces(bench)]


def test_every_method_has_its_count_and_its_rings(smoked):
    bench, parts = smoked
    tables = {name: [row for part in parts for row in part[name]] for name in ("", "rings")}
    assert [(row["film"], row["frame"]) for row in tables[""]] == [(FILMS[0].name, 25), (FILMS[1].name, 50)]
    for row in tables[""]:
        assert row[f"{OURS}: found"] == row[f"{TRACKPY}, by eye: found"] == row["by eye"]
        assert row[f"{OURS}: double"] == row[f"{OURS}: ghost"] == 0
    *_, total = films.short(tables)
    assert (total["film"], total["by eye"], total[OURS]) == ("all", 5, "5 + 0 + 0")
    figure = films.draw_rings(tables, bench)
    assert [axes.get_title() for axes in figure.axes[: len(METHODS)]] == [*METHODS]
    drawn = [len(axes.collections[0].get_offsets()) for axes in figure.axes]
    assert sum(drawn) == len(tables["rings"])
