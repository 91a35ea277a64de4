"""Whatever is given to a command, it answers with a sentence: no traceback, no absurd memory, no hang."""

from __future__ import annotations

import json
import os
import struct
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_growtrack.cli import main
from napari_growtrack.core.networks.bundled import bundled
from napari_growtrack.core.simulation import named_scene

ROOM = 3 * 2**30
"""Bytes that a command may take beside what is there."""

LONGEST = 400
LONG = "n" * 300
DEEP = "[" * 50_000

POINTS = pd.DataFrame({"frame": [0, 0, 1, 1], "y": [5.0, 20, 6, 21], "x": [5.0, 20, 5, 22], "particle": [0, 1, 0, 1]})


def tables(folder):
    """Write tables that are none."""
    (folder / "good.csv").write_text(POINTS.to_csv(index=False))
    texts = {
        "empty.csv": "",
        "newlines.csv": "\n" * 100,
        "words.csv": "this is no table",
        "header.csv": "frame,y\n0,1\n",
        "unnamed.csv": "1,2,3\n4,5,6\n",
        "worded.csv": "frame,y,x,particle\n0,one,two,three\n",
        "nan.csv": "frame,y,x,particle\nnan,1,1,0\n",
        "inf.csv": "frame,y,x,particle\n0,inf,1,0\n",
        "negative.csv": "frame,y,x,particle\n-5,1,1,0\n0,1,1,0\n",
        "halves.csv": "frame,y,x,particle\n0.5,1,1,0\n1,1,1,0\n",
        "trillionth.csv": "frame,y,x,particle\n0,1,1,0\n1000000000000,1,1,0\n",
        "beyond.csv": "frame,y,x,particle\n0,1,1,0\n1e300,1,1,0\n",
        "twice.csv": "frame,y,x,particle\n0,1,1,0\n0,2,2,0\n1,1,1,0\n",
        "dates.csv": "frame,y,x,particle\n2020-01-01,1,1,0\n",
        "quote.csv": 'frame,y,x,particle\n0,"1,1,0\n',
        "ragged.csv": "frame,y,x\n0,1,2\n0,1,2,3,4,5\n",
        "words.xml": "this is no table",
        "cut.xml": '<?xml version="1.0"?><TrackMate version="7"><Model spatialunits="pixel"',
        "other.xml": '<?xml version="1.0"?><svg/>',
        "bomb.xml": '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{10 * f"&{a};"}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "]><l>&i;</l>",
        "deep.xml": "<a>" * 50_000,
        "words.parquet": "this is no table",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "bytes.csv").write_bytes(bytes(range(256)) * 40)
    (folder / "zeros.csv").write_bytes(bytes(10_000))
    (folder / "zip.csv.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    (folder / "xz.csv.xz").write_bytes(b"\xfd7zXZ\x00" + bytes(50))
    (folder / "gz.csv.gz").write_bytes(b"\x1f\x8b" + bytes(50))
    (folder / "folder.csv").mkdir()
    for name, text in (("nothing.geff", None), ("words.geff", "no json"), ("deep.geff", DEEP), ("list.geff", "[]")):
        (folder / name).mkdir()
        if text is not None:
            (folder / name / "zarr.json").write_text(text)
            (folder / name / ".zattrs").write_text(text)
            (folder / name / ".zgroup").write_text('{"zarr_format": 2}')


def films(folder):
    """Write films that are none."""
    rng = np.random.default_rng(0)
    tifffile.imwrite(folder / "good.tif", rng.normal(100, 5, (2, 60, 60)).astype("f4"), photometric="minisblack")
    whole = (folder / "good.tif").read_bytes()
    for name, content in {
        "empty.tif": b"",
        "words.tif": b"this is no film",
        "cut.tif": whole[: len(whole) // 2],
        "header.tif": whole[:8],
        "exabytes.tif": exabytes(),
        "words.avi": b"this is no film",
        "words.mp4": bytes(5000),
        "words.nd2": b"\xda\xce\xbe\x0a" + bytes(500),
        "words.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "words": b"this is no film",
    }.items():
        (folder / name).write_bytes(content)
    tifffile.imwrite(folder / "nan.tif", np.full((2, 60, 60), np.nan, "f4"), photometric="minisblack")
    tifffile.imwrite(folder / "complex.tif", np.ones((2, 60, 60), "c8"))
    tifffile.imwrite(folder / "five.tif", np.zeros((2, 2, 2, 60, 60), "u1"))
    (folder / "folder.tif").mkdir()
    (folder / "texts").mkdir()
    (folder / "texts" / "0.txt").write_text("no picture")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "1²3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name, text in zarrs().items():
        (folder / name).mkdir()
        (folder / name / ".zgroup").write_text('{"zarr_format": 2}')
        (folder / name / ".zattrs").write_text(text)
    array = {"zarr_format": 2, "shape": [2**40] * 3, "chunks": [1, 2**20, 2**20], "dtype": "<u2"}
    array |= {"compressor": None, "fill_value": 0, "order": "C", "filters": None}
    (folder / "exabytes.zarr" / "0").mkdir()
    (folder / "exabytes.zarr" / "0" / ".zarray").write_text(json.dumps(array))


def exabytes():
    """Return the header of a BigTIFF that promises a frame of 2^31 x 2^31 px."""
    tags = [(256, 4, 2**31), (257, 4, 2**31), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 16, 16), (277, 3, 1)]
    tags += [(278, 4, 2**31), (279, 16, 2**63)]
    entries = b"".join(struct.pack("<HHQQ", tag, kind, 1, value) for tag, kind, value in tags)
    return struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) + struct.pack("<Q", len(tags)) + entries + bytes(8)


def zarrs():
    """Return attributes of OME-Zarrs that are none."""
    axes = [{"name": name, "type": "time" if name == "t" else "space"} for name in "tyx"]
    scales = {"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}
    return {
        "nothing.zarr": "{}",
        "words.zarr": "no json",
        "deep.zarr": DEEP,
        "list.zarr": "[]",
        "axes.zarr": json.dumps({"multiscales": [scales | {"axes": 7}]}),
        "paths.zarr": json.dumps({"multiscales": [scales | {"datasets": None}]}),
        "outside.zarr": json.dumps({"multiscales": [scales | {"datasets": [{"path": "../../../etc"}]}]}),
        "exabytes.zarr": json.dumps({"multiscales": [scales]}),
    }


def networks(folder):
    """Write networks, scenes and plans that are none."""
    whole = next(iter(bundled().values())).read_bytes()
    (folder / "cut.growtrack").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.growtrack").write_bytes(b"")
    (folder / "words.growtrack").write_text("no network")
    (folder / "folder.growtrack").mkdir()
    with zipfile.ZipFile(folder / "other.growtrack", "w") as archive:
        archive.writestr("schema.json", DEEP)
    (folder / "stopped.growtrack.growing").write_text("no network")
    (folder / "words.h5").write_text("no network")
    (folder / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    for name, text in (("words", "no json"), ("list", "[]"), ("null", "null"), ("deep", DEEP), ("other", '{"a": 1}')):
        (folder / f"{name}.json").write_text(text)
    (folder / "bytes.json").write_bytes(b"\xff\xfe\x00")
    scene = json.loads(named_scene("table42").to_json())
    for name, changed in {"dense": {"density": 1e300}, "noisy": {"snr": -1}, "nameless": {"name": None}}.items():
        (folder / f"{name}.json").write_text(json.dumps(scene | changed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    tables(folder)
    films(folder)
    networks(folder)
    return folder


FILMS = [
    "nowhere.tif",
    "empty.tif",
    "words.tif",
    "cut.tif",
    "header.tif",
    "exabytes.tif",
    "words.avi",
    "words.mp4",
    "words.nd2",
    "words.png",
    "words",
    "nan.tif",
    "complex.tif",
    "five.tif",
    "folder.tif",
    "texts",
    "pictures",
    "nothing.zarr",
    "words.zarr",
    "deep.zarr",
    "list.zarr",
    "axes.zarr",
    "paths.zarr",
    "outside.zarr",
    "exabytes.zarr",
    "good.csv",
    "*.nothing",
    "~nobody/film.tif",
]

TABLES = [
    "nowhere.csv",
    "empty.csv",
    "newlines.csv",
    "words.csv",
    "header.csv",
    "unnamed.csv",
    "worded.csv",
    "nan.csv",
    "inf.csv",
    "halves.csv",
    "beyond.csv",
    "dates.csv",
    "quote.csv",
    "ragged.csv",
    "words.xml",
    "cut.xml",
    "other.xml",
    "bomb.xml",
    "deep.xml",
    "words.parquet",
    "bytes.csv",
    "zeros.csv",
    "zip.csv.zip",
    "xz.csv.xz",
    "gz.csv.gz",
    "folder.csv",
    "nothing.geff",
    "words.geff",
    "deep.geff",
    "list.geff",
    "good.tif",
]

NETWORKS = [
    "nowhere.growtrack",
    "cut.growtrack",
    "empty.growtrack",
    "words.growtrack",
    "folder.growtrack",
    "other.growtrack",
]

SCENES = [
    "nowhere.json",
    "words.json",
    "list.json",
    "null.json",
    "deep.json",
    "other.json",
    "bytes.json",
    "dense.json",
    "noisy.json",
]

NAMES = ["", ".", "/", "/dev/null", f"{LONG}.csv", f"{LONG}/t.csv", "good.tif", "folder.csv", "nowhere/../", "a\0b.csv"]

OTHERS = {
    "track: a film of a long name": ["track", f"{LONG}.tif", "-o", "t.csv"],
    "track: a film without a name": ["track", "", "-o", "t.csv"],
    "track: no such stage": ["track", "good.tif", "--stage", "999999999999"],
    "track: no such frames": ["track", "good.tif", "--frames", "99999999999:"],
    "track: no diameter": ["track", "good.tif", "--diameter", "nan"],
    "track: an endless diameter": ["track", "good.tif", "--diameter", "inf"],
    "track: a diameter of nothing": ["track", "good.tif", "--diameter", "0"],
    "track: a diameter beyond all frames": ["track", "good.tif", "--diameter", "1e300"],
    "track: a tiny diameter": ["track", "good.tif", "--diameter", "1e-300"],
    "track: no limits": ["track", "good.tif", "--limit", "radius=.."],
    "track: limits of nothing": ["track", "good.tif", "--limit", "radus=1..3"],
    "track: limits of no number": ["track", "good.tif", "--limit", "radius=nan..3"],
    "track: no distance": ["track", "good.tif", "--accept-distance", "nan"],
    "track: a million workers": ["track", "good.tif", "--workers", "1000000"],
    "track: endless threads": ["track", "good.tif", "--threads", "99999999999"],
    "track: no scheduler": ["track", "good.tif", "--scheduler", "nonsense://x"],
    "track: a scheduler without a name": ["track", "good.tif", "--scheduler", " "],
    "track: a scheduler of nothing": ["track", "good.tif", "--scheduler", ""],
    "track: a channel that is not there": ["track", "good.tif", "--channel", "7"],
    "track: a plane that is not there": ["track", "good.tif", "--z", "-99999999999"],
    "track: nothing to resume": ["track", "good.tif", "-o", "none.csv", "--resume"],
    "track: no such network": ["track", "good.tif", "-n", LONG],
    "link: no radius": ["link", "good.csv", "-o", "t.csv", "--radius", "nan"],
    "link: a length of less than nothing": ["link", "good.csv", "-o", "t.csv", "--min-length", "-1"],
    "link: itself": ["link", "good.csv", "-o", "good.csv"],
    "motion: no size": ["motion", "good.csv", "--pixel-size", "nan"],
    "motion: an endless time": ["motion", "good.csv", "--frame-time", "inf"],
    "motion: colder than cold": ["motion", "good.csv", "--trap", "--temperature", "-5"],
    "motion: a particle twice": ["motion", "twice.csv"],
    "motion: too short": ["motion", "good.csv"],
    "score: no distance": ["score", "good.csv", "good.csv", "--within", "nan"],
    "score: less than no distance": ["score", "good.csv", "good.csv", "--within", "-1"],
    "match: a click of no number": ["match", "good.tif", "--at", "0,nan,5", "-o", "s.json"],
    "match: an endless click": ["match", "good.tif", "--at", "0,inf,5", "-o", "s.json"],
    "match: a click in another film": ["match", "good.tif", "--at", "1e12,5,5", "-o", "s.json"],
    "match: no diameter": ["match", "good.tif", "--at", "0,5,5", "--diameter", "nan", "-o", "s.json"],
    "simulate: no noise": ["simulate", "beads", "-o", "f.tif", "--snr", "nan"],
    "simulate: an endless frame": ["simulate", "beads", "-o", "f.tif", "--size", "100000", "100000"],
    "simulate: a long strip": ["simulate", "beads", "-o", "f.tif", "--size", "1", "999999999999"],
    "simulate: an endless film": ["simulate", "beads", "-o", "f.tif", "--frames", "99999999999"],
    "simulate: endless particles": ["simulate", "beads", "-o", "f.tif", "--particles", "999999999999"],
    "simulate: no walk": ["simulate", "beads", "-o", "f.tif", "--diffusion", "nan"],
    "simulate: a long walk": ["simulate", "beads", "-o", "f.tif", "--diffusion=-1"],
    "simulate: no drift": ["simulate", "beads", "-o", "f.tif", "--drift", "nan", "nan"],
    "grow: nothing": ["grow", "-o", "n.growtrack"],
    "grow: endless": ["grow", "--scene", "beads", "--minutes", "inf", "-o", "n.growtrack"],
    "grow: no time": ["grow", "--scene", "beads", "--minutes", "nan", "-o", "n.growtrack"],
    "grow: less than no time": ["grow", "--scene", "beads", "--minutes=-1", "-o", "n.growtrack"],
    "grow: no noise": ["grow", "--scene", "beads", "--snr", "nan", "nan", "-o", "n.growtrack"],
    "grow: endless units": ["grow", "--from", "beads", "--deeper", "dense:99999999999", "-o", "n.growtrack"],
    "grow: units of another kind": ["grow", "--from", "beads", "--wider", "²", "-o", "n.growtrack"],
    "grow: what was stopped is none": ["grow", "--resume", "-o", "stopped.growtrack"],
    "grow: a dataset that is none": ["grow", "--dataset", "texts", "-o", "n.growtrack"],
    "grow: a dataset of words": ["grow", "--dataset", "words.json", "-o", "n.growtrack"],
    "grow: a recipe of a table": ["grow", "--recipe", "good.csv", "-o", "n.growtrack"],
    "export: no size": ["export", "good.csv", "-o", "t.xml", "--pixel-size", "nan"],
    "export: less than no time": ["export", "good.csv", "-o", "t.xml", "--frame-time", "-2"],
    "export: a table as a network": ["export", "good.csv", "-o", "t.keras"],
    "export: a network as a table": ["export", "beads", "-o", "t.csv"],
    "export: no such stage": ["export", "beads", "--stage", "99", "-o", "t.keras"],
    "import: a box of a galaxy": [
        "import",
        "words.h5",
        "--scene",
        "beads",
        "--box",
        "99999999999",
        "-o",
        "n.growtrack",
    ],
    "import: no network": ["import", "cut.h5", "--scene", "beads", "-o", "n.growtrack"],
    "import: a folder": ["import", "texts", "--scene", "beads", "-o", "n.growtrack"],
    "demo: endless": ["demo", "-o", "demo", "--frames", "99999999999"],
    "demo: a folder that is a file": ["demo", "good.tif", "-o", "words"],
    "benchmark: none": ["benchmark", LONG],
    "benchmark: into a file": ["benchmark", "pages", "-o", "words"],
    "show: into a file": ["show", "beads", "-o", "words"],
}

CASES = {
    **{f"track: {name}": ["track", name, "-o", "t.csv"] for name in FILMS},
    **{f"match: {name}": ["match", name, "--at", "0,20,20", "-o", "s.json"] for name in FILMS},
    **{f"demo: {name}": ["demo", name, "-o", "demo"] for name in ("words.tif", "exabytes.tif", "texts")},
    **{f"link: {name}": ["link", name, "-o", "t.csv"] for name in TABLES},
    **{f"motion: {name}": ["motion", name] for name in [*TABLES, "trillionth.csv", "negative.csv"]},
    **{f"score: {name}": ["score", name, "good.csv"] for name in TABLES},
    **{f"score against: {name}": ["score", "good.csv", name] for name in TABLES},
    **{f"export: {name}": ["export", name, "-o", "t.xml"] for name in TABLES},
    **{f"match by: {name}": ["match", "good.tif", "--points", name, "-o", "s.json"] for name in TABLES},
    **{f"track with: {name}": ["track", "good.tif", "-n", name] for name in NETWORKS},
    **{f"show: {name}": ["show", name] for name in NETWORKS},
    **{f"calibrate: {name}": ["calibrate", name, "-o", "n.growtrack"] for name in NETWORKS},
    **{f"grow from: {name}": ["grow", "--from", name, "--deeper", "dense:4", "-o", "n.growtrack"] for name in NETWORKS},
    **{f"import: {name}": ["import", name, "--scene", "beads", "-o", "n.growtrack"] for name in NETWORKS},
    **{f"simulate: {name}": ["simulate", name, "-o", "f.tif", "--frames", "1"] for name in SCENES},
    **{f"grow: {name}": ["grow", "--scene", name, "-o", "n.growtrack"] for name in SCENES},
    **{f"plan: {name}": ["grow", "--scene", "beads", "--plan", name, "-o", "n.growtrack"] for name in SCENES},
    **{f"recipe: {name}": ["grow", "--recipe", name, "-o", "n.growtrack"] for name in SCENES},
    **{f"track into: {name!r:.20}": ["track", "good.tif", "-o", name] for name in NAMES},
    **{f"link into: {name!r:.20}": ["link", "good.csv", "-o", name] for name in NAMES},
    **{f"grow into: {name!r:.20}": ["grow", "--scene", "beads", "-o", name] for name in NAMES},
    **{
        f"simulate into: {name!r:.20}": ["simulate", "beads", "--frames", "1", "-o", name]
        for name in NAMES
        if name != "good.tif"
    },
    **{f"match into: {name!r:.20}": ["match", "good.tif", "--at", "0,20,20", "-o", name] for name in NAMES},
    **OTHERS,
}


@pytest.fixture
def room():
    """Let a command have only so much memory."""
    resource = pytest.importorskip("resource")
    if sys.platform != "linux":
        yield
        return
    with open("/proc/self/statm") as file:
        there = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (there + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_every_refusal_is_a_sentence(folder, monkeypatch, capsys, words):
    monkeypatch.chdir(folder)
    before = sorted(os.listdir())
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code
    complaint = capsys.readouterr().err
    last = complaint.rstrip("\n").rsplit("\n", 1)[-1]
    assert code in (1, 2), complaint
    assert last.startswith("growtrack"), complaint
    assert "Traceback" not in complaint
    assert "our fault" not in complaint
    assert len(last) <= LONGEST
    assert sorted(os.listdir()) == before
