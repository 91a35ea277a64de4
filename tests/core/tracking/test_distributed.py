"""Several workers: the same table, byte for byte, whatever happens to them."""

import io
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import dask
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_growtrack.cli import main
from napari_growtrack.core.detection import survey
from napari_growtrack.core.errors import EngineError, GrowtrackWarning, SettingsError, StackError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.networks.load import load_network, network_path
from napari_growtrack.core.tracking import distributed
from napari_growtrack.core.tracking.distributed import Task, client_of, iter_distributed
from small_films import film_of_spots

FRAMES, SHAPE = 256, (96, 96)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return film_of_spots(tmp_path_factory.mktemp("film"), FRAMES, SHAPE[0], 3)


@pytest.fixture(scope="module")
def alone(film, tmp_path_factory):
    """Return the table of one process that calculates in one thread, as a worker does."""
    path = tmp_path_factory.mktemp("alone") / "found.csv"
    call = [sys.executable, "-m", "napari_growtrack.cli", "track", str(film), "-o", str(path), "--threads", "1"]
    subprocess.run(call, check=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def client():
    with client_of(2) as client:
        client.wait_for_workers(2, timeout=600)
        assert list(client.nthreads().values()) == [1, 1]
        yield client


def task(film):
    network = load_network("vesicles")
    cascade = network.cascade()
    if film.exists():
        with open_stack(film) as stack:
            _, cascade = survey(stack, network, cascade, "normal", range(FRAMES))
    return Task(str(film), None, None, str(network_path("vesicles")), None, cascade.to_json(), "normal")


def test_two_workers_find_what_one_process_finds(film, alone, client, tmp_path, capsys):
    path = tmp_path / "found.csv"
    address, keys = client.scheduler.address, client.security
    certificates = {"ca-file": keys.tls_ca_file, "client.cert": keys.tls_client_cert, "client.key": keys.tls_client_key}
    with dask.config.set({f"distributed.comm.tls.{name}": value for name, value in certificates.items()}):
        assert main(["track", str(film), "-o", str(path), "--scheduler", address]) == 0
    assert path.read_bytes() == alone
    assert f"in {FRAMES} frames" in capsys.readouterr().out


def test_with_more_threads_only_the_last_digits_differ(film, alone, tmp_path):
    path = tmp_path / "found.csv"
    assert main(["track", str(film), "-o", str(path)]) == 0
    one, several = (pd.read_csv(table) for table in (io.BytesIO(alone), path))
    assert list(one["frame"]) == list(several["frame"])
    np.testing.assert_allclose(several, one, rtol=1e-3, atol=1e-3)


def test_what_workers_doubt_is_told_here_once(client, tmp_path):
    frames = np.random.default_rng(0).normal(100, 3, (200, *SHAPE)).astype(np.float32)
    frames[[5, 150]] = 7
    tifffile.imwrite(tmp_path / "film.tif", frames)
    steps = iter_distributed(client, task(tmp_path / "film.tif"), range(200), SHAPE)
    with pytest.warns(GrowtrackWarning) as caught:
        assert len(list(steps)) == 200
    told = [str(one.message) for one in caught if issubclass(one.category, GrowtrackWarning)]
    assert len(told) == len(set(told))
    for frame in (5, 150):
        assert f"Frame {frame} of film.tif is constant (every pixel is 7): nothing to find." in told


def test_nobody_without_the_key_talks_to_workers_of_this_machine(client):
    """Another user of the machine sees the ports, and gets nothing out of them."""
    from distributed import Client
    from distributed.security import Security

    address = client.scheduler.address
    assert address.startswith("tls://127.0.0.1:")
    for to, security in ((address, Security.temporary()), (address.replace("tls", "tcp"), Security())):
        with pytest.raises((OSError, RuntimeError)):
            Client(to, timeout=3, security=security)
    with pytest.raises(SettingsError, match="wants certificates"), client_of(None, address):
        pass


def test_what_listens_beside_the_scheduler_has_nothing_to_show(client):
    ports = [client.cluster.scheduler.http_server.port]
    ports += [worker["services"]["dashboard"] for worker in client.scheduler_info()["workers"].values()]
    assert len(ports) == 3
    for port in ports:
        for page in ("", "health", "metrics", "status", "info/main/workers.html", "json/counts.json"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=600)


def test_a_cluster_that_cannot_start_is_a_sentence(monkeypatch):
    import distributed as dask_distributed

    def fail(*_, **__):
        raise RuntimeError("Cluster failed to start:\n no sockets " + "x" * 500)

    monkeypatch.setattr(dask_distributed, "LocalCluster", fail)
    with pytest.raises(EngineError, match="Cannot start 2 workers on this machine") as caught, client_of(2):
        pass
    assert len(str(caught.value)) < 300
    with pytest.raises(SettingsError, match=r"Expected up to \d+ workers on this machine"), client_of(10**6):
        pass


class Lost:
    """A future that never comes, and a cluster whose workers are others at each look."""

    status = "pending"

    def __init__(self, number):
        self.looks, self.number = 0, number

    def result(self, timeout):
        raise TimeoutError

    def nthreads(self):
        self.looks += 1
        return {f"tcp://{self.looks}-{worker}": 1 for worker in range(self.number)}


@pytest.mark.parametrize("number", [1, 3])
def test_workers_that_are_killed_again_and_again_come_to_an_end(number):
    lost = Lost(number)
    with (
        pytest.warns(GrowtrackWarning, match="A worker was lost; its frames are done again, now frames 64 to 127"),
        pytest.raises(EngineError, match="lost again and again, or none was left, over frames 64 to 127"),
    ):
        distributed._result(lost, range(64, 128), lost)
    assert lost.looks == distributed._LOSSES + 2


def test_a_cluster_whose_workers_do_not_come_back_comes_to_an_end(monkeypatch):
    lost, now = Lost(0), iter(range(0, 10_000, 50))
    monkeypatch.setattr(distributed.time, "monotonic", lambda: next(now))
    with pytest.raises(EngineError, match="none was left, over frames 0 to 9"):
        distributed._result(lost, range(10), lost)
    assert 3 <= lost.looks <= 5


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


def test_closing_takes_back_what_is_under_way_at_once(film, client, monkeypatch):
    client.wait_for_workers(2, timeout=600)
    steps = iter_distributed(client, task(film), range(FRAMES), SHAPE)
    next(steps)
    cancel, taken_back = client.cancel, []
    monkeypatch.setattr(client, "cancel", lambda futures: (taken_back.extend(futures), cancel(futures)))
    steps.close()
    assert len(taken_back) == min(2 * distributed._AHEAD, -(-FRAMES // distributed.chunk_of(SHAPE))) - 1
    assert {future.status for future in taken_back} == {"cancelled"}
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
