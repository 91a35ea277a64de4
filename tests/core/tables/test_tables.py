"""Tables of points keep their columns, and bad ones are refused in one sentence."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import GrowtrackWarning, OutputError, SettingsError, TableError
from napari_growtrack.core.scoring.matching import match
from napari_growtrack.core.tables import (
    DETECTION_COLUMNS,
    PROGRAM,
    TRUTH_COLUMNS,
    check,
    check_table_path,
    empty,
    read_recipe,
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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"frame": [0, 1, 10**12]},
            "Column frame must hold a whole number from 0 below 10000000, got 1000000000000 in row 2",
        ),
        ({"frame": [0, 1, 10_000_000]}, "Column frame must hold a whole number from 0 below 10000000"),
        ({"frame": pd.to_datetime(["2020-01-01"] * 3)}, "Column frame must hold numbers, got datetime64["),
        ({"x": pd.to_timedelta([1, 2, 3])}, "Column x must hold numbers, got timedelta64["),
        ({"x": [1j, 2, 3]}, "Column x must hold numbers, got complex128"),
        ({"x": [1e300, 2, 3]}, "Column x must hold a number, got 1e+300 in row 0"),
        ({"x": [[1, 2], 2, 3]}, "Column x must hold a number, got [1, 2] in row 0"),
        ({"x": ["a" * 999, 2, 3]}, "Column x must hold a number, got aaa"),
        ({"particle": [0, 1, 2**63]}, "Column particle must hold a whole number below 9223372036854775808, got 92"),
        ({"particle": [0, 1, 1e20]}, "Column particle must hold a whole number, got 1e+20 in row 2"),
        ({"particle": [0, 1, 2.0**60]}, "Column particle must hold a whole number, got 1.152921504606847e+18 in row 2"),
        (
            {"particle": pd.array([0, None, 2], "Int64")},
            "Column particle must hold a whole number below 92",
        ),
        ({"frame": pd.period_range("2020", periods=3)}, "Column frame must hold numbers, got period["),
        ({"particle": ["0", "1", "1e20"]}, "Column particle must hold a whole number, got 1e20 in row 2"),
    ],
)
def test_what_no_number_of_ours_can_be_is_refused(changes, sentence):
    with pytest.raises(TableError) as caught:
        check(POINTS.assign(particle=0).assign(**changes), ("frame", "y", "x", "particle"))
    assert str(caught.value).startswith(sentence)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**60) - 1])
def test_whole_numbers_are_kept_to_the_last_digit(tmp_path, number):
    write_table(POINTS.assign(particle=[number, 0, number - 1]), tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv", ("frame", "particle")).particle.tolist() == [number, 0, number - 1]


def test_a_column_that_is_there_twice_is_refused():
    with pytest.raises(TableError, match="Expected one column y, got several"):
        check(pd.concat([POINTS, POINTS[["y"]]], axis=1))


def test_a_sentence_names_a_dozen_columns_and_counts_the_rest():
    with pytest.raises(TableError, match=r"got c0, .*, c11 and 988 more\.") as caught:
        check(pd.DataFrame({f"c{i}": [0] for i in range(1000)}))
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("rows", ["0,1,2,9\n1,2,3,9\n", "0,1,2,9\n1,2,3\n", "0,1,2\n1,2,3,9\n"])
def test_rows_longer_than_the_header_are_refused(tmp_path, rows):
    (tmp_path / "t.csv").write_text(f"frame,y,x\n{rows}")
    with pytest.raises(TableError, match=r"t.csv (has rows of more values|is not a CSV table)"):
        read_table(tmp_path / "t.csv")


def test_a_comma_at_the_end_of_every_row_shifts_nothing(tmp_path):
    (tmp_path / "t.csv").write_text("frame,y,x\n0,1,2,\n1,3,4,\n")
    assert read_table(tmp_path / "t.csv").to_numpy().tolist() == [[0, 1, 2], [1, 3, 4]]


@pytest.mark.parametrize("suffix", [".zip", ".xz", ".gz", ".bz2", ".tar"])
def test_a_damaged_archive_of_a_table_is_refused(tmp_path, suffix):
    path = tmp_path / f"t.csv{suffix}"
    POINTS.to_csv(path, index=False)
    whole = path.read_bytes()
    assert len(read_table(path)) == 3
    for damaged in (b"", b"nothing of the kind", whole[:40]):
        path.write_bytes(damaged)
        with pytest.raises(TableError, match=r"t.csv.* is (not a CSV table|empty)"):
            read_table(path)


def test_a_table_larger_than_the_memory_is_refused(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    write_table(POINTS, tmp_path / "t.csv")
    monkeypatch.setattr(pd, "read_csv", full)
    with pytest.raises(TableError, match=r"t.csv does not fit into the memory"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["", ".", "/", "..", "folder", "folder.csv", "folder.xml", "folder.parquet"])
def test_no_table_takes_the_place_of_a_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match=r"it is a folder\. Choose a file name"):
        check_table_path(name)
    with pytest.raises(OutputError, match=r"it is a folder\. Choose a file name"):
        write_table(POINTS[["frame", "y", "x"]], name)


@pytest.mark.parametrize("name", ["film.tif", "net.growtrack", "t.csv.zip", "picture.png"])
def test_no_table_takes_the_name_of_something_else(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"a table is a CSV file\. Choose a name ending in \.csv\."):
        write_table(POINTS, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"mine"


def test_no_table_takes_the_place_of_a_device():
    with pytest.raises(OutputError, match=r"it is no regular file"):
        check_table_path("/dev/null")


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "abc", [1], True, "9" * 999])
@pytest.mark.parametrize("name", ["pixel_size", "frame_time", "exposure_time"])
def test_a_scale_that_is_none_is_not_written_and_left_out_when_read(tmp_path, name, value):
    with pytest.raises(TableError, match=f"Expected a {name} above 0, in (micrometres|seconds), got") as caught:
        write_table(POINTS, tmp_path / "t.csv", {name: value})
    assert len(str(caught.value)) < 200
    assert os.listdir(tmp_path) == []
    write_table(POINTS, tmp_path / "t.csv")
    (tmp_path / "t.json").write_text(json.dumps({"program": PROGRAM, "seed": 3, name: value}))
    with pytest.warns(GrowtrackWarning, match=f"t.csv tells a {name} of .*It is left out"):
        assert read_recipe(tmp_path / "t.csv") == {"program": PROGRAM, "seed": 3}


def test_a_recipe_that_is_nested_without_end_is_none(tmp_path):
    write_table(POINTS, tmp_path / "t.csv")
    (tmp_path / "t.json").write_text("[" * 100_000)
    assert read_recipe(tmp_path / "t.csv") is None


@pytest.mark.parametrize("within", [np.nan, -np.inf, -1.0])
@pytest.mark.parametrize("rows", [1, 60])
def test_positions_are_paired_within_a_distance_only(within, rows):
    places = np.arange(2.0 * rows).reshape(-1, 2)
    with pytest.raises(SettingsError, match="Expected a distance in pixels, a number from 0, got"):
        match(places, places, within)
    assert len(match(places, places, 0.0)[0]) == rows
