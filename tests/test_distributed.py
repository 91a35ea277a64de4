"""Several workers: the same table, byte for byte, whatever happens to them."""

import os
import signal
import time

import numpy as np
import pytest

from napari_growtrack.cli import main
from napari_growtrack.core import distributed
from napari_growtrack.core.distributed import Task, client_of, iter_distributed
from napari_growtrack.core.errors import SettingsError, StackError
from napari_growtrack.core.films import write_film
from napari_growtrack.core.networks import load_network, network_path
from napari_growtrack.core.simulation import iter_film, named_scene

FRAMES, SHAPE = 400, (96, 96)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.tif"
    scene = named_scene("table42").with_(snr=5)
    write_film(iter_film(scene, FRAMES, SHAPE, np.random.default_rng(0), 3), FRAMES, SHAPE, path)
    return path


@pytest.fixture(scope="module")
def alone(film, tmp_path_factory):
    """Return the table of one process."""
    path = tmp_path_factory.mktemp("alone") / "found.csv"
    assert main(["track", str(film), "-o", str(path)]) == 0
    return path.read_bytes()


@pytest.fixture(scope="module")
def client():
    with client_of(2) as client:
        client.wait_for_workers(2, timeout=60)
        assert list(client.nthreads().values()) == [1, 1]
        yield client


def task(film):
    network = load_network("vesicles")
    return Task(str(film), None, None, str(network_path("vesicles")), None, network.cascade().to_json(), "normal")


def test_two_workers_find_what_one_process_finds(film, alone, client, tmp_path, capsys):
    path = tmp_path / "found.csv"
    address = client.scheduler.address
    assert main(["track", str(film), "-o", str(path), "--scheduler", address]) == 0
    assert path.read_bytes() == alone
    assert f"in {FRAMES} frames" in capsys.readouterr().out


def test_a_lost_workers_frames_are_done_again(film, alone, client):
    from napari_growtrack.core.detection import collect
    from napari_growtrack.core.tables import as_csv

    steps = iter_distributed(client, task(film), range(FRAMES), SHAPE)
    found = [next(steps)]
    pids = client.run(os.getpid)
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    found += list(steps)
    assert [one.frame for one in found] == list(range(FRAMES))
    assert as_csv(collect(one.table for one in found)) == alone


def test_closing_takes_back_what_is_under_way_at_once(film, client):
    client.wait_for_workers(2, timeout=60)
    steps = iter_distributed(client, task(film), range(FRAMES), SHAPE)
    next(steps)
    began = time.monotonic()
    steps.close()
    assert time.monotonic() - began < 5  # a hang, not a delay
    assert len(list(iter_distributed(client, task(film), range(8), SHAPE))) == 8


def test_a_frame_that_cannot_be_read_is_told_and_not_tried_again(film, client, tmp_path):
    missing = task(tmp_path / "gone.tif")
    with pytest.raises(StackError, match="Cannot find"):
        list(iter_distributed(client, missing, range(64), SHAPE))


def test_frames_before_one_that_cannot_be_read_come(client, tmp_path):
    import tifffile

    pixels = np.random.default_rng(0).normal(size=(8, 60, 60)).astype("f4")
    pixels[5, 3, 3] = np.nan
    tifffile.imwrite(tmp_path / "bad.tif", pixels, photometric="minisblack")
    steps = iter_distributed(client, task(tmp_path / "bad.tif"), range(8), (60, 60))
    assert [next(steps).frame for _ in range(5)] == list(range(5))
    with pytest.raises(StackError, match=r"Frame 5 of bad\.tif holds 1 NaN"):
        next(steps)


def test_a_scheduler_without_workers_is_told(monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(distributed, "_PATIENCE", 0.5)
    with LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(SettingsError, match=r"has no workers\. Start some"), client_of(None, address):
            pass


def test_a_scheduler_that_does_not_answer_is_told():
    with (
        pytest.raises(SettingsError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:9"),
        client_of(None, "tcp://127.0.0.1:9"),
    ):
        pass
