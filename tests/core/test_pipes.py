"""Only regular files are read: a device may never end, and a pipe that nobody writes to never begins."""

import os
from pathlib import Path

import pytest

from napari_growtrack.core.datasets import load_dataset
from napari_growtrack.core.errors import GrowtrackError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.networks.deeptrack.hdf5 import refuse_other_files
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.simulation import Scene
from napari_growtrack.core.tables import read_recipe, read_table


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="Windows has no devices among its files")
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("t.csv", read_table),
        ("t.csv", read_recipe),
        ("t.xml", read_table),
        ("t.xml", read_recipe),
        ("t.parquet", read_table),
        ("t.parquet", read_recipe),
        ("n.growtrack", load_network),
        ("n.h5", refuse_other_files),
        ("s.json", Scene.from_file),
        ("f.tif", open_stack),
    ],
)
def test_what_is_no_regular_file_is_not_read(tmp_path, name, read):
    (tmp_path / name).symlink_to("/dev/null")
    with pytest.raises(GrowtrackError, match="no regular file"):
        read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_dataset(tmp_path):
    os.mkfifo(tmp_path / "d.zip")
    writer = os.open(tmp_path / "d.zip", os.O_RDWR)  # or a reader would wait
    with pytest.raises(GrowtrackError, match="no regular file"):
        load_dataset(tmp_path / "d.zip")
    os.close(writer)
