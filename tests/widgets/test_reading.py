"""Videos open lazily and exactly, tables as points, networks in the panel; what is broken is said in a sentence."""

import json
from concurrent.futures import ThreadPoolExecutor

import av
import napari
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import notification_manager
from spots import small_card, write_network

from napari_growtrack.core.errors import GrowtrackWarning, StackError, TableError
from napari_growtrack.core.films import ArrayStack, open_stack
from napari_growtrack.core.tables import PROGRAM, read_recipe, read_table, write_table
from napari_growtrack.widgets.napari_io import reading
from napari_growtrack.widgets.napari_io.reading import (
    film_reader,
    lazy_frames,
    network_reader,
    read_films,
    read_network,
    read_tables,
    show_network,
    table_reader,
)
from napari_growtrack.widgets.napari_io.writing import write_tracks

LENGTH, HEIGHT, WIDTH = 40, 48, 64
DETECTIONS = "frame,y,x,distance\n0,1.25,2.5,0.5\n3,10,20,0.125\n"
TRUTH = "frame,y,x,particle,radius,snr\n0,1.5,2,0,3,5\n"
PLACE = {
    "scale": [1, 0.1, 0.1],
    "translate": [0, 5, 6],
    "units": ["second", "micrometer", "micrometer"],
    "axis_labels": ["t", "y", "x"],
}


def picture(number: int) -> np.ndarray:
    """A spot that moves one pixel per frame over a background that brightens."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (40 + 4 * number + 50 * np.exp(-((y - 24) ** 2 + (x - 10 - number) ** 2) / 20)).astype(np.uint8)


def write_video(path, codec="mpeg4", pixels="yuv420p", pictures=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.codec_context.gop_size, stream.codec_context.bit_rate = 12, 4_000_000
        for drawn in pictures or map(picture, range(LENGTH)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn, format="gray")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """The numbers of the frames that were read from videos."""
    from napari_growtrack.core.films import video

    read, numbers = video.VideoStack._read, []
    monkeypatch.setattr(video.VideoStack, "_read", lambda self, n: (numbers.append(n), read(self, n))[1])
    return numbers


@pytest.fixture
def announced(monkeypatch):
    paths = []
    monkeypatch.setattr(reading, "announce", paths.append)
    return paths


def opened(layers) -> ViewerModel:
    viewer = ViewerModel()
    for layer in layers:
        viewer.add_layer(Layer.create(*layer))
    return viewer


# films


@pytest.mark.parametrize("name", ["film.mp4", "Film.AVI", "film.mov", "film.mkv", "film.webm"])
def test_videos_are_ours(name):
    assert film_reader(name) is read_films
    assert film_reader([name, name]) is read_films


@pytest.mark.parametrize("name", ["film.tif", "film", "film.mp4.txt", ["film.mp4", "film.tif"]])
def test_other_images_are_left_to_napari(name):
    assert film_reader(name) is None


def test_a_video_is_one_grey_layer(tmp_path):
    path = write_video(tmp_path / "films of 網 é.mp4")
    (film,) = opened(read_films(str(path))).layers
    assert (film.name, film.data.shape, film.rgb) == ("films of 網 é", (LENGTH, HEIGHT, WIDTH), False)
    assert film.axis_labels == ("frame", "y", "x")
    assert film.metadata == {"growtrack": {"film": "films of 網 é"}}
    assert (film.data.dtype, film.data.chunksize) == (np.uint8, (1, HEIGHT, WIDTH))


def test_every_frame_of_a_layer_is_that_of_the_video_in_any_order(tmp_path):
    path = write_video(tmp_path / "film.mp4")
    [(frames, _, _)] = read_films(path)
    with open_stack(path) as stack:
        for number in np.random.default_rng(0).permutation(LENGTH):
            np.testing.assert_array_equal(frames[number], stack[number])


@pytest.mark.parametrize(("pixels", "kind"), [("gray", np.uint8), ("gray10le", np.uint16), ("gray16le", np.uint16)])
def test_pixels_keep_their_values_and_the_smallest_type(tmp_path, pixels, kind):
    path = write_video(tmp_path / "film.mkv", "ffv1", pixels)
    [(frames, _, _)] = read_films(path)
    assert frames.dtype == kind
    np.testing.assert_array_equal(frames[7].compute().astype(np.float32), open_stack(path)[7])


def test_opening_a_film_reads_a_few_frames_and_showing_one_reads_one(tmp_path, decoded):
    layers = read_films(write_video(tmp_path / "film.mp4"))
    assert len(decoded) == 3
    viewer = opened(layers)
    decoded.clear()
    viewer.dims.set_point(0, 31)
    assert decoded == [31]


def test_a_long_film_opens_at_once():
    class Endless:
        shape, dtype = (200_000, 4000, 4000), np.dtype(np.uint8)

        def __getitem__(self, number):
            return np.full((4000, 4000), number % 251, np.uint8)

    frames = lazy_frames(ArrayStack(Endless()))
    assert frames[123_456, 5, 5].compute() == 123_456 % 251


def test_films_of_the_same_name_do_not_share_frames(tmp_path):
    bright = write_video(tmp_path / "film.mkv", "ffv1", "gray", [np.full((HEIGHT, WIDTH), 9, np.uint8)])
    [(first, _, _)] = read_films(bright)
    [(second, _, _)] = read_films(bright)
    assert first.name != second.name


def test_several_threads_may_read_a_layer(tmp_path):
    path = write_video(tmp_path / "film.mp4")
    [(frames, _, _)], stack = read_films(path), list(open_stack(path))
    numbers = np.random.default_rng(2).integers(0, LENGTH, 60)
    with ThreadPoolExecutor(8) as pool:
        for number, frame in zip(numbers, pool.map(lambda n: frames[n].compute(), numbers), strict=True):
            np.testing.assert_array_equal(frame, stack[number])


@pytest.mark.parametrize(("value", "limits"), [((50, 200), (50, 200)), ((7, 7), (0, 255))])
def test_contrast_limits_are_those_of_a_few_frames(tmp_path, value, limits):
    drawn = np.full((HEIGHT, WIDTH), value[0], np.uint8)
    drawn[0, 0] = value[1]
    [(_, about, _)] = read_films(write_video(tmp_path / "film.mkv", "ffv1", "gray", [drawn]))
    assert about["contrast_limits"] == limits


def test_several_videos_are_a_layer_each(tmp_path):
    paths = [str(write_video(tmp_path / name)) for name in ("a.mp4", "b.mkv")]
    assert [about["name"] for _, about, _ in film_reader(paths)(paths)] == ["a", "b"]


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_video_cut_short_is_refused(tmp_path, share):
    path = write_video(tmp_path / "film.mp4")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(StackError, match=r"film.mp4.*(C|c)opy or export it again\.$"):
        read_films(path)


# tables


def test_a_table_of_detections_opens_as_rings_with_features(tmp_path):
    path = tmp_path / "found 網.csv"
    path.write_text(DETECTIONS)
    assert table_reader(str(path)) is read_tables
    (points,) = opened(read_tables(str(path))).layers
    assert (points.name, points.axis_labels) == ("found 網.csv", ("frame", "y", "x"))
    assert points.data.tolist() == [[0, 1.25, 2.5], [3, 10, 20]]
    assert points.features.distance.tolist() == [0.5, 0.125]
    assert (points.symbol[0].value, points.metadata) == ("disc", {})


def test_truth_opens_as_crosses(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    (points,) = opened(read_tables(path)).layers
    assert points.symbol[0].value == "cross"
    assert {"particle", "radius"} <= set(points.features)


def test_an_empty_table_opens_as_an_empty_layer(tmp_path):
    path = tmp_path / "none.csv"
    path.write_text("frame,y,x,distance\n")
    (points,) = opened(table_reader(path)(path)).layers
    assert (points.data.shape, list(points.features)) == ((0, 3), ["frame", "y", "x", "distance"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("napari.csv", b"index,axis-0,axis-1\n0,1,2\n"),
        ("empty.csv", b""),
        ("binary.csv", bytes(range(256))),
        ("long.csv", b"a" * 200_000),
        ("table.txt", DETECTIONS.encode()),
    ],
)
def test_tables_of_others_are_left_to_napari(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert table_reader(str(tmp_path / name)) is None


def test_a_table_that_is_not_there_is_left_to_napari(tmp_path):
    assert table_reader(str(tmp_path / "gone.csv")) is None


def test_a_bad_value_is_refused_with_its_row(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("frame,y,x\n0,1,2\n1,oops,2\n")
    with pytest.raises(TableError, match=r"bad.csv: Column y must hold a number, got oops in row 1"):
        read_tables(path)


def write_recipe(tmp_path, **recipe):
    (tmp_path / "found.csv").write_text(DETECTIONS)
    (tmp_path / "found.json").write_text(json.dumps({"program": PROGRAM, **recipe}))
    return tmp_path / "found.csv"


def test_a_recipe_beside_a_table_says_how_it_was_made_and_where_it_lies(tmp_path):
    (points,) = opened(read_tables(write_recipe(tmp_path, seed=3, layer=PLACE))).layers
    assert points.metadata == {"growtrack": {"program": PROGRAM, "seed": 3}}
    assert points.data_to_world((3, 10, 20)) == pytest.approx((3, 6, 8))
    assert [str(unit) for unit in points.units] == PLACE["units"]


def test_json_of_others_is_not_taken_for_a_recipe(tmp_path):
    (points,) = opened(read_tables(write_recipe(tmp_path, program="other"))).layers
    assert points.metadata == {}


def test_the_number_of_a_run_of_another_session_is_forgotten(tmp_path):
    (points,) = opened(read_tables(write_recipe(tmp_path, run=1))).layers
    assert "run" not in points.metadata["growtrack"]


@pytest.mark.parametrize(
    "place",
    [
        "here",
        [],
        {},
        {**PLACE, "scale": [1, 0, 1]},
        {**PLACE, "scale": [1, 1e999, 1]},
        {**PLACE, "scale": [1, 2]},
        {**PLACE, "units": ["second", "no such unit", "micrometer"]},
        {**PLACE, "units": ["second", "second"]},
    ],
)
def test_a_place_that_cannot_be_is_left_out_with_a_warning(tmp_path, place):
    path = write_recipe(tmp_path, layer=place)
    with pytest.warns(GrowtrackWarning, match=r"scale and units saved with found.csv are not used"):
        layers = read_tables(path)
    assert opened(layers).layers[0].data_to_world((3, 10, 20)) == (3, 10, 20)


# networks


def test_only_grown_networks_are_offered():
    assert network_reader("a.growtrack") is read_network
    assert network_reader(["a.growtrack", "b.txt"]) is None


def test_a_network_is_announced_and_gives_no_layer(tmp_path, announced):
    path = write_network(tmp_path / "réseau 網.growtrack", small_card())
    assert read_network(str(path)) == [(None,)]
    assert announced == [path]


@pytest.mark.parametrize("damage", [lambda raw: raw[:300], lambda raw: b"", lambda raw: b"PK\x05\x06" + bytes(18)])
def test_a_broken_network_is_told_in_a_sentence_and_not_announced(tmp_path, network_file, announced, damage):
    path = tmp_path / "broken.growtrack"
    with open(network_file, "rb") as file:
        path.write_bytes(damage(file.read()))
    notification_manager.records.clear()
    assert read_network(path) == [(None,)]
    assert announced == []
    assert [record.message.split()[0] for record in notification_manager.records] == ["broken.growtrack"]


def test_a_broken_network_does_not_keep_the_next_from_being_opened(tmp_path, network_file, announced):
    (tmp_path / "broken.growtrack").write_bytes(b"")
    read_network([tmp_path / "broken.growtrack", network_file])
    assert [str(path) for path in announced] == [network_file]


def open_panels(viewer):
    from napari_growtrack.widgets.track.panel import TrackPanel

    return viewer.window._qt_window.findChildren(TrackPanel)


def test_a_network_opens_the_panel_and_is_chosen_there(make_window, network_file):
    viewer = make_window()
    assert napari.current_viewer() is viewer
    read_network(network_file)
    (panel,) = open_panels(viewer)
    assert panel.form.network.currentText() == "small"


def test_a_network_is_chosen_in_the_panel_that_is_open_even_if_hidden(make_window, network_file):
    viewer = make_window(show=True)
    dock, panel = viewer.window.add_plugin_dock_widget("napari-growtrack", "Track")
    dock.hide()
    show_network(viewer, network_file)
    assert open_panels(viewer) == [panel]
    assert panel.form.network.currentText() == "small"
    assert dock.isVisible()


def test_a_broken_network_opens_no_panel(make_window, tmp_path):
    viewer = make_window()
    (tmp_path / "broken.growtrack").write_bytes(b"nothing")
    read_network(tmp_path / "broken.growtrack")
    assert open_panels(viewer) == []


# tables of trajectories and other formats


def linked_table():
    columns = {
        "frame": [0, 0, 1, 1, 2],
        "y": [5.5, 20, 6, 21, 6.25],
        "x": [5.0, 9, 5, 9, 5],
        "particle": [3, 4, 3, 4, 3],
    }
    return pd.DataFrame(columns).assign(sigma=[0.1, np.nan, 0.1, 0.2, 0.1])


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".geff", ".xml"])
def test_trajectories_open_as_tracks_and_are_saved_as_they_were(tmp_path, ending):
    path = tmp_path / f"ünï trajectories{ending}"
    write_table(linked_table(), path, {"program": PROGRAM, "pixel_size": 0.1, "frame_time": 0.5})
    assert table_reader(str(path)) is read_tables
    ((data, about, kind),) = read_tables(str(path))
    assert kind == "tracks"
    layer = Layer.create(data, about, kind)
    assert layer.metadata["growtrack"]["pixel_size"] == 0.1
    again = tmp_path / f"again{ending}"
    written = write_tracks(again, *layer.as_layer_data_tuple()[:2])
    assert written[0] == str(again)
    saved = read_table(again, ("frame", "y", "x", "particle"))
    expected = linked_table().sort_values(["frame", "particle"], ignore_index=True)
    pd.testing.assert_frame_equal(saved.sort_values(["frame", "particle"], ignore_index=True)[[*expected]], expected)
    recipe = read_recipe(again)
    assert (recipe["pixel_size"], recipe["frame_time"]) == (0.1, 0.5)


@pytest.mark.parametrize("ending", [".parquet", ".geff", ".xml"])
def test_detections_of_other_formats_open_as_points(tmp_path, ending):
    path = tmp_path / f"found{ending}"
    write_table(linked_table().drop(columns="particle"), path)
    ((data, about, kind),) = read_tables(str(path))
    assert kind == "points"
    assert about["symbol"] == "disc"
    assert np.array_equal(data, linked_table()[["frame", "y", "x"]])


def test_a_truth_with_particles_is_still_points(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    ((_, _, kind),) = read_tables(str(path))
    assert kind == "points"


@pytest.mark.parametrize(("name", "content"), [("other.xml", b"<html/>"), ("a.csv", b"a,b\n1,2\n"), ("a.geff", b"")])
def test_files_of_others_are_left_to_others(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert table_reader(str(path)) is None


def test_the_scale_of_a_tracks_layer_is_told_to_other_programs(tmp_path):
    data = np.array([[1, 0, 5, 5], [1, 1, 6, 5]], float)
    layer = Layer.create(data, {"scale": (20, 0.1, 0.1), "units": ("ms", "um", "um"), "name": "t"}, "tracks")
    (path,) = write_tracks(tmp_path / "t.geff", *layer.as_layer_data_tuple()[:2])
    assert (read_recipe(path)["pixel_size"], read_recipe(path)["frame_time"]) == (0.1, 0.02)


def test_tracks_of_a_volume_are_not_written(tmp_path):
    with pytest.raises(TableError, match="has tracks of 4 axes"):
        write_tracks(tmp_path / "t.csv", np.ones((2, 5)), {})
    assert not [*tmp_path.iterdir()]


def test_napari_itself_saves_and_opens_trajectories(tmp_path):
    viewer = ViewerModel()
    viewer.add_tracks(np.array([[1, 0, 5, 5], [1, 1, 6, 5]], float), name="mine")
    (path, *_) = viewer.layers.save(str(tmp_path / "mine.trajectories.csv"))
    (layer,) = viewer.open(path, plugin="napari-growtrack")
    assert np.array_equal(layer.data, viewer.layers[0].data)
