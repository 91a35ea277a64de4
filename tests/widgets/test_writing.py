"""Points layers go out as the points that are shown, in pixels, and come back equal."""

import errno
import json
import os

import npe2
import numpy as np
import pandas as pd
import pytest
from napari.layers import Layer, Points

import napari_growtrack
from napari_growtrack.core.errors import OutputError, TableError
from napari_growtrack.core.packages import command
from napari_growtrack.core.tables import DETECTION_COLUMNS, MEASURES, PROGRAM
from napari_growtrack.widgets.napari_io.reading import read_tables
from napari_growtrack.widgets.napari_io.writing import write_points, write_tracks

RECIPE = {"program": PROGRAM, "version": "0.1", "network": "small", "settings": {"stage": 1}, "seed": 5}
PLACE = {
    "scale": (2, 0.1, 0.1),
    "translate": (0, 5, 6),
    "units": ("second", "micrometer", "micrometer"),
    "axis_labels": ("t", "y", "x"),
}


@pytest.fixture
def layer() -> Points:
    """Detections, one in each of five frames, with the columns that the panel gives them."""
    table = pd.DataFrame({"frame": range(5), "y": np.arange(5) + 1 / 3, "x": 20.125, "distance": 0.5, "votes": 4})
    made = {**RECIPE, "image": "film", "frames": [*range(5)], "run": 2}
    return Points(table[["frame", "y", "x"]].to_numpy(), features=table, metadata={"growtrack": made}, **PLACE)


def written(path, layer) -> pd.DataFrame:
    data, about, _ = layer.as_layer_data_tuple()
    assert write_points(str(path), data, about) == [str(path), str(path.with_suffix(".json"))]
    return pd.read_csv(path)


def again(path) -> Points:
    [layer] = read_tables(str(path))
    return Layer.create(*layer)


def test_a_table_has_pixels_whatever_the_scale(tmp_path, layer):
    table = written(tmp_path / "found.csv", layer)
    assert list(table) == ["frame", "y", "x", "distance", "votes"]
    assert table.frame.tolist() == [0, 1, 2, 3, 4]
    assert table.x.tolist() == [20.125] * 5


@pytest.mark.parametrize(("package", "ending"), [("pyarrow", ".parquet"), ("geff", ".geff")])
def test_a_format_whose_package_is_missing_says_how_to_get_it_and_leaves_nothing(
    tmp_path, request, without, package, ending
):
    without(package)
    data, about, _ = request.getfixturevalue("layer").as_layer_data_tuple()
    points, tracks = tmp_path / f"points{ending}", tmp_path / f"tracks{ending}"
    for write, path, these in (
        (write_points, points, data),
        (write_tracks, tracks, np.insert(data, 0, 7, axis=1)),
        (lambda path, *_: read_tables(path), points, None),
    ):
        with pytest.raises(OutputError, match=f"needs the package {package}") as refused:
            write(path, these, about)
        assert command(package) in str(refused.value)
    assert [*tmp_path.iterdir()] == []


def test_settings_scale_and_units_lie_beside(tmp_path, layer):
    written(tmp_path / "found.csv", layer)
    recipe = json.loads((tmp_path / "found.json").read_text())
    place = recipe.pop("layer")
    assert recipe == {**RECIPE, "image": "film", "frames": [0, 1, 2, 3, 4]}
    assert {key: tuple(value) for key, value in place.items()} == PLACE


def test_what_is_written_reads_back_equal(tmp_path, layer):
    path = tmp_path / "ordner 網" / "gefunden é.csv"
    written(path, layer)
    back = again(path)
    np.testing.assert_allclose(back.data, layer.data, rtol=0, atol=1e-8)
    pd.testing.assert_frame_equal(back.features, layer.features, rtol=1e-9)
    assert back.metadata["growtrack"] == {**RECIPE, "image": "film", "frames": [0, 1, 2, 3, 4]}
    assert back.data_to_world((3, 1, 2)) == pytest.approx(layer.data_to_world((3, 1, 2)))
    assert (back.units, back.axis_labels) == (layer.units, layer.axis_labels)


@pytest.mark.parametrize(
    "columns", [DETECTION_COLUMNS, DETECTION_COLUMNS[: -len(MEASURES)]], ids=["measured", "earlier"]
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".geff"])
def test_detections_keep_what_was_measured_and_come_back_as_rings(tmp_path, columns, suffix):
    table = pd.DataFrame({name: np.arange(1.0, 4.0) for name in columns}).astype({"frame": int, "votes": int})
    table.loc[1, [*{*MEASURES} & {*columns}]] = np.nan  # nothing was fitted
    layer = Points(table[["frame", "y", "x"]].to_numpy(), features=table, metadata={"growtrack": RECIPE})
    path = tmp_path / f"found{suffix}"
    write_points(str(path), *layer.as_layer_data_tuple()[:2])
    back = again(path)
    assert set(columns) <= {*back.features}
    pd.testing.assert_frame_equal(back.features[[*columns]], table, check_dtype=False)
    assert [str(symbol) for symbol in {*back.symbol}] == ["disc"]


def test_writing_again_what_was_read_changes_no_byte(tmp_path, layer):
    written(tmp_path / "a.csv", layer)
    written(tmp_path / "b.csv", again(tmp_path / "a.csv"))
    for suffix in (".csv", ".json"):
        assert (tmp_path / f"b{suffix}").read_bytes() == (tmp_path / f"a{suffix}").read_bytes()


def test_a_point_moved_by_hand_is_written_where_it_lies(tmp_path, layer):
    data = layer.data.copy()
    data[2] = (2, 7.0625, 9.5)
    layer.data = data
    table = written(tmp_path / "found.csv", layer)
    assert table.loc[2, ["frame", "y", "x"]].tolist() == [2, 7.0625, 9.5]


def test_hidden_points_are_left_out(tmp_path, layer):
    layer.shown = [True, False, True, False, True]
    assert written(tmp_path / "found.csv", layer).frame.tolist() == [0, 2, 4]
    assert len(layer.data) == 5


def test_a_frame_that_rounding_has_moved_is_whole_again(tmp_path):
    layer = Points([[2.9999999, 1, 2], [3.0000002, 4, 5]])
    assert written(tmp_path / "found.csv", layer).frame.tolist() == [3, 3]


def test_points_of_a_single_picture_are_in_frame_0_and_come_back_flat(tmp_path):
    layer = Points([[1.5, 2.25], [3, 4]], scale=(0.5, 0.5), features={"kind": ["a", "b"]})
    table = written(tmp_path / "found.csv", layer)
    assert table.frame.tolist() == [0, 0]
    back = again(tmp_path / "found.csv")
    assert back.data.tolist() == layer.data.tolist()
    assert (back.ndim, back.scale.tolist(), back.features.kind.tolist()) == (2, [0.5, 0.5], ["a", "b"])


@pytest.mark.parametrize("ndim", [2, 3])
def test_no_points_are_a_table_without_rows(tmp_path, ndim):
    layer = Points(ndim=ndim)
    assert written(tmp_path / "found.csv", layer).empty
    assert again(tmp_path / "found.csv").data.shape == (0, ndim)


@pytest.mark.parametrize("metadata", [{}, {"growtrack": "by hand"}, {"other": 1}])
def test_points_drawn_by_hand_need_no_recipe(tmp_path, metadata):
    written(tmp_path / "found.csv", Points([[0, 1, 2]], metadata=metadata))
    assert json.loads((tmp_path / "found.json").read_text())["program"] == PROGRAM


def test_any_metadata_finds_its_way_into_json(tmp_path):
    odd = {"frames": range(2), "snr": np.float32(0.5), "limits": np.array([1, 2]), 3: {"path": tmp_path}}
    written(tmp_path / "found.csv", Points([[0, 1, 2]], metadata={"growtrack": odd}))
    recipe = json.loads((tmp_path / "found.json").read_text())
    assert (recipe["frames"], recipe["snr"], recipe["limits"]) == ([0, 1], 0.5, [1, 2])
    assert recipe["3"] == {"path": str(tmp_path)}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("found", "found.detections.csv"),
        ("film v1.2", "film v1.2.detections.csv"),
        ("film detections", "film detections.csv"),
        ("any.CSV", "any.CSV"),
    ],
)
def test_a_name_without_suffix_gets_one_by_which_it_is_known_again(tmp_path, typed, name):
    assert write_points(str(tmp_path / typed), np.zeros((1, 3)), {})[0] == str(tmp_path / name)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (np.zeros((1, 4)), r"found.csv: its points have 4 coordinates; expected \(frame, y, x\) or \(y, x\)"),
        ([[-1, 2, 3]], "Column frame must hold a whole number from 0, got -1"),
        ([[0, np.nan, 3]], "Column y must hold a number, got nan"),
    ],
)
def test_points_that_are_in_no_frame_are_refused(tmp_path, points, sentence):
    with pytest.raises(TableError, match=sentence):
        write_points(tmp_path / "found.csv", points, {})
    assert list(tmp_path.iterdir()) == []


def test_a_json_of_others_is_not_replaced(tmp_path):
    (tmp_path / "found.json").write_text("{}")
    with pytest.raises(OutputError, match=r"its recipe would replace found.json"):
        write_points(tmp_path / "found.csv", np.zeros((1, 3)), {})


def test_a_folder_that_cannot_be_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write .*found.csv"):
        write_points(tmp_path / "file" / "found.csv", np.zeros((1, 3)), {})


def test_a_full_disk_leaves_what_was_there(tmp_path, layer, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = written(tmp_path / "found.csv", layer)
    monkeypatch.setattr("napari_growtrack.core.files.os.replace", full)
    with pytest.raises(OutputError, match="Free some room"):
        write_points(tmp_path / "found.csv", np.zeros((1, 3)), {})
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "found.csv"), before)
    assert {path.name for path in tmp_path.iterdir()} == {"found.csv", "found.json"}


def test_points_of_others_are_still_saved_by_napari(tmp_path):
    plugins = npe2.PluginManager()
    ours = os.path.join(os.path.dirname(napari_growtrack.__file__), "napari.yaml")
    plugins.register(npe2.PluginManifest.from_file(ours))
    plugins.register(npe2.PluginManifest.from_distribution("napari"))
    writer, _ = plugins.get_writer(str(tmp_path / "any.csv"), ["points"])
    assert writer.command == "napari.write_points"
