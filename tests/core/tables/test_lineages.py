"""Trajectories that divide or merge are one lineage, in the words of GEFF."""

import numpy as np
import pandas as pd

from napari_growtrack.core.tables import PROGRAM, read_table, write_table
from napari_growtrack.core.tables.lineages import lineages_of

FRAMES, PARTICLES = [0, 1, 2, 3, 2, 3, 0, 1], [4, 4, 2, 2, 7, 7, 5, 5]
DIVIDING = pd.DataFrame({"frame": FRAMES, "y": np.arange(8.0), "x": 0.0, "particle": PARTICLES})
DIVIDING = DIVIDING.assign(parent=[-1, -1, 4, 4, 4, 4, -1, -1])


def test_what_branches_join_has_the_least_number_of_them():
    assert lineages_of(DIVIDING).tolist() == [2, 2, 2, 2, 2, 2, 5, 5]
    assert lineages_of(DIVIDING[:0]).tolist() == []


def test_geff_names_lineages_and_tracklets_and_brings_neither_back_as_a_column(tmp_path):
    from geff import GeffMetadata

    write_table(DIVIDING, tmp_path / "film.geff", {"program": PROGRAM})
    told = GeffMetadata.read(tmp_path / "film.geff")
    assert told.track_node_props == {"tracklet": "particle", "lineage": "lineage"}
    assert "lineage" in told.node_props_metadata
    found = read_table(tmp_path / "film.geff", ("frame", "y", "x", "particle"))
    assert "lineage" not in found
    assert sorted(found["particle"].unique()) == [2, 4, 5, 7]
    assert (found.query("particle == 7")["parent"] == 4).all()


def test_a_lineage_of_somebody_else_stays_a_column(tmp_path):
    theirs = DIVIDING.drop(columns="parent").assign(lineage=9)
    write_table(theirs, tmp_path / "film.geff")
    assert (read_table(tmp_path / "film.geff")["lineage"] == 9).all()
