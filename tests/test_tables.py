"""Tables of points keep their columns, and bad ones are refused in one sentence."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import OutputError, TableError
from napari_growtrack.core.tables import (
    DETECTION_COLUMNS,
    TRUTH_COLUMNS,
    check,
    empty,
    read_table,
    write_table,
)

POINTS = pd.DataFrame({"frame": [0, 0, 2], "y": [1.25, 2.0, -0.5], "x": [3.0, 1e-7, 1234.5678], "note": list("abc")})


@pytest.mark.parametrize("columns", [DETECTION_COLUMNS, TRUTH_COLUMNS])
def test_an_empty_table_is_typed_like_a_full_one(columns):
    table = empty(columns)
    assert tuple(table.columns) == columns
    assert len(table) == 0
    whole = {column for column in columns if table[column].dtype == np.int64}
    assert whole == {"frame", "particle", "votes"} & set(columns)
    assert all(table[column].dtype == np.float64 for column in set(columns) - whole)


def test_checking_types_the_required_columns_and_leaves_the_table_untouched():
    table = POINTS.assign(frame=[0.0, 0.0, 2.0], y=["1.25", "2", "-0.5"])
    before = table.copy()
    checked = check(table)
    assert checked.dtypes[["frame", "y", "x"]].tolist() == [np.int64, np.float64, np.float64]
    assert checked.note.tolist() == ["a", "b", "c"]
    pd.testing.assert_frame_equal(table, before)


def test_an_empty_table_passes():
    pd.testing.assert_frame_equal(check(empty(TRUTH_COLUMNS), TRUTH_COLUMNS), empty(TRUTH_COLUMNS))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"y": [1, np.nan, np.nan]}, "Column y must hold a number, got nan in row 1 (counting from 0)."),
        ({"x": [1, 2, "left"]}, "Column x must hold a number, got left in row 2"),
        ({"x": [np.inf, 2, 3]}, "Column x must hold a number, got inf in row 0"),
        ({"frame": [0, -1, 2]}, "Column frame must hold a whole number from 0, got -1 in row 1"),
        ({"frame": [0, 1, 2.5]}, "Column frame must hold a whole number from 0, got 2.5 in row 2"),
        ({"frame": [0, None, 2]}, "Column frame must hold a whole number from 0, got nan in row 1"),
        ({"particle": [0.5, 1, 2]}, "Column particle must hold a whole number, got 0.5 in row 0"),
    ],
)
def test_the_first_bad_row_is_named(changes, sentence):
    table = POINTS.assign(particle=0).assign(**changes)
    with pytest.raises(TableError) as caught:
        check(table, ("frame", "y", "x", "particle"))
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith("Mend or drop that row.")


def test_missing_columns_are_named_beside_those_there_are():
    with pytest.raises(TableError) as caught:
        check(pd.DataFrame({"t": [0], "x": [1]}))
    assert str(caught.value) == "Expected columns frame, y, x; missing frame, y, got t, x. Rename or add them."


def test_what_is_no_table_is_refused():
    with pytest.raises(TableError, match=r"Expected a pandas DataFrame, got dict\. Convert it first\."):
        check({"frame": [0]})


def test_a_written_table_is_read_back_with_its_extra_columns(tmp_path):
    write_table(POINTS, tmp_path / "new" / "points.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "new" / "points.csv"), POINTS)
    assert os.listdir(tmp_path / "new") == ["points.csv"]


def test_an_empty_table_is_read_back(tmp_path):
    write_table(empty(DETECTION_COLUMNS), tmp_path / "none.csv")
    table = read_table(tmp_path / "none.csv", DETECTION_COLUMNS)
    pd.testing.assert_frame_equal(table, empty(DETECTION_COLUMNS), check_index_type=False)


def test_the_recipe_lies_beside_the_table(tmp_path):
    recipe = {"seed": 3, "network": "µ.growtrack"}
    write_table(POINTS, tmp_path / "points.csv", recipe)
    text = (tmp_path / "points.json").read_text(encoding="utf-8")
    assert json.loads(text) == recipe
    assert text.startswith('{\n  "seed": 3')


def test_a_recipe_that_is_not_json_stops_before_anything_is_written(tmp_path):
    with pytest.raises(TypeError):
        write_table(POINTS, tmp_path / "points.csv", {"rng": object()})
    assert os.listdir(tmp_path) == []


def test_a_table_does_not_take_the_name_of_its_recipe(tmp_path):
    with pytest.raises(OutputError, match=r"a table is a CSV file\. Choose a name ending in \.csv\."):
        write_table(POINTS, tmp_path / "points.json", {})


def test_a_full_disk_leaves_no_table(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match=r"points.csv: No space left on device\. Free some room"):
        write_table(POINTS, tmp_path / "points.csv")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"Cannot read .*points.csv: No such file or directory\. Check the path\."),
        (b"", r"points.csv is empty; expected a CSV table with a header line\."),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", r"points.csv is not a CSV table; save it as comma-separated"),
        (b"a\n1,2\n1,2,3,4\n", r"points.csv is not a CSV table"),
        (b"frame;y;x\n0;1;2\n", r"points.csv: Expected columns frame, y, x; missing .*, got frame;y;x\."),
        (b"frame,y,x\n0,1,2\n0,,2\n", r"points.csv: Column y must hold a number, got nan in row 1"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, sentence):
    path = tmp_path / "points.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TableError, match=sentence):
        read_table(path)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(TableError, match=r"is not a GEFF folder, or not a whole one"):
        read_table(tmp_path)
