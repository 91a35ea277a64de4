"""Images go in lazily and are refused kindly; points come out where the image is."""

import dask.array
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_growtrack.core.errors import StackError
from napari_growtrack.core.tables import DETECTION_COLUMNS
from napari_growtrack.widgets.layers import Detected, open_film, show_detections, shown_frame

RECIPE = {"network": "small", "settings": {"stage": 1}, "version": "0", "seed": 0}


@pytest.fixture
def viewer():
    return ViewerModel()


def found(frames) -> Detected:
    rows = [
        {"frame": frame, "y": 10.0 + frame, "x": 20.0, "distance": 0.5, "votes": 4, "sigma": 0.1} for frame in frames
    ]
    table = pd.DataFrame(rows, columns=DETECTION_COLUMNS)
    return Detected(table, frames, RECIPE)


def add_film(viewer, shape=(5, 32, 32), **other):
    return viewer.add_image(np.zeros(shape, np.uint8), **{"name": "film", **other})


def test_only_the_frames_asked_for_are_read(viewer):
    read = []

    def block(block_info=None):
        read.append(block_info[None]["chunk-location"][0])
        return np.zeros((1, 32, 32), np.uint8)

    lazy = dask.array.map_blocks(
        block, chunks=((1,) * 1000, 32, 32), dtype=np.uint8, meta=np.zeros((0, 0, 0), np.uint8)
    )
    film = open_film(viewer.add_image(lazy, contrast_limits=(0, 1)))
    read.clear()
    film[700]
    assert read == [700]


def test_a_multiscale_image_gives_its_finest_level(viewer):
    levels = [np.zeros((5, 64, 64)), np.zeros((5, 32, 32))]
    assert open_film(viewer.add_image(levels, multiscale=True)).shape == (5, 64, 64)


def test_a_single_image_is_a_film_of_one_frame(viewer):
    assert open_film(add_film(viewer, (32, 40))).shape == (1, 32, 40)


@pytest.mark.parametrize(
    ("shape", "rgb", "sentence"),
    [
        ((32, 32, 3), True, "film is a colour image; expected grey frames"),
        ((5, 2, 32, 32), False, r"film has shape \(5, 2, 32, 32\); expected \(T, Y, X\)"),
    ],
)
def test_what_is_no_film_is_refused_with_a_sentence(viewer, shape, rgb, sentence):
    with pytest.raises(StackError, match=sentence):
        open_film(add_film(viewer, shape, rgb=rgb))


def test_the_shown_frame_counts_in_the_images_own_frames(viewer):
    image = add_film(viewer, scale=(0.5, 1, 1), translate=(10, 0, 0))
    viewer.dims.set_point(0, 11)
    assert shown_frame(viewer, image, open_film(image)) == 2


def test_a_slider_beside_the_film_is_refused(viewer):
    image = add_film(viewer)
    add_film(viewer, (20, 32, 32), name="longer")
    viewer.dims.set_point(0, 12)
    with pytest.raises(StackError, match="shows no frame of film, which has 5"):
        shown_frame(viewer, image, open_film(image))


def test_detections_lie_where_the_image_is(viewer):
    image = add_film(
        viewer, scale=(2, 0.1, 0.1), translate=(0, 5, 6), units=("s", "um", "um"), axis_labels=("t", "y", "x")
    )
    layer = show_detections(viewer, image, found([1, 3]))
    assert layer.name == "film detections"
    assert layer.data.tolist() == [[1, 11, 20], [3, 13, 20]]
    assert layer.data_to_world((1, 11, 20)) == pytest.approx(image.data_to_world((1, 11, 20)))
    assert (layer.units, layer.axis_labels) == (image.units, image.axis_labels)
    assert tuple(layer.features) == DETECTION_COLUMNS


def test_detections_carry_their_recipe(viewer):
    layer = show_detections(viewer, add_film(viewer), found([1, 3]))
    assert layer.metadata["growtrack"] == {**RECIPE, "image": "film", "frames": [1, 3]}


def test_detections_of_a_single_image_have_two_coordinates(viewer):
    layer = show_detections(viewer, add_film(viewer, (32, 32)), found([0]))
    assert layer.data.tolist() == [[10, 20]]
    assert layer.features.frame.tolist() == [0]


def test_finding_nothing_gives_an_empty_layer(viewer):
    layer = show_detections(viewer, add_film(viewer), Detected(found([]).table, [0], RECIPE))
    assert (len(layer.data), layer.ndim) == (0, 3)
    assert tuple(layer.features) == DETECTION_COLUMNS


@pytest.mark.parametrize(("first", "second"), [([0], [3]), ([0], range(5)), (range(5), range(5)), (range(2), range(4))])
def test_a_run_of_as_many_frames_updates_the_layer(viewer, first, second):
    image = add_film(viewer)
    layer = show_detections(viewer, image, found(first))
    assert show_detections(viewer, image, found(second)) is layer
    assert layer.features.frame.tolist() == layer.data[:, 0].tolist() == list(second)


def test_a_shorter_run_leaves_the_long_one_alone(viewer):
    image = add_film(viewer)
    whole = show_detections(viewer, image, found(range(5)))
    trial = show_detections(viewer, image, found([2]))
    again = show_detections(viewer, image, found([3]))
    assert (len(whole.data), again is trial, len(viewer.layers)) == (5, True, 3)


def test_a_renamed_layer_is_kept(viewer):
    image = add_film(viewer)
    kept = show_detections(viewer, image, found([1]))
    kept.name = "my favourite"
    assert show_detections(viewer, image, found([2])) is not kept


def test_points_of_others_are_left_alone(viewer):
    image = add_film(viewer)
    foreign = viewer.add_points([[0, 1, 2]], name="film detections")
    assert show_detections(viewer, image, found([2])) is not foreign
