"""Images go in lazily and are refused kindly; points come out where the image is."""

from pathlib import Path

import dask.array
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from spots import small_card

from napari_growtrack.core.errors import StackError
from napari_growtrack.core.tables import DETECTION_COLUMNS, Limits
from napari_growtrack.jobs.context import NetworkFile
from napari_growtrack.widgets.session.choice import Choice
from napari_growtrack.widgets.session.region import Region
from napari_growtrack.widgets.session.runs import Record
from napari_growtrack.widgets.shared.choices import PointsChoice, like_detections, like_truth
from napari_growtrack.widgets.shared.layers import (
    layer_for_preview,
    layer_for_run,
    layer_of,
    open_film,
    show_preview,
    show_record,
    shown_frame,
    sift_layer,
    visible_region,
)

CHOICE = Choice("small", small_card(), NetworkFile(Path("small.growtrack"), 0), 2, 10.0)


@pytest.fixture
def viewer():
    return ViewerModel()


COLUMNS = (*DETECTION_COLUMNS, "stage")


def found(frames, number=1, distance=0.5) -> Record:
    """Return a run that found one particle in each frame, with a distance below the threshold of 2 px."""
    rows = [
        {"frame": frame, "y": 10.0 + frame, "x": 20.0, "distance": distance, "votes": 4, "sigma": 0.1, "stage": 2}
        for frame in frames
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Record(CHOICE, table, CHOICE.calibrated(), number, "film", tuple(frames), len(frames))


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
    image = add_film(viewer, shape, rgb=rgb)
    image.data[..., 0] = 9  # red, where it is in colour
    with pytest.raises(StackError, match=sentence):
        open_film(image)


@pytest.mark.parametrize(("colours", "values"), [(3, [7.0, 7.0, 7.0]), (4, [7.0, 7.0, 7.0, 255.0])])
def test_grey_that_is_stored_in_colours_is_a_film(viewer, colours, values):
    stored = np.full((5, 64, 48, colours), values).astype("uint8")
    film = open_film(viewer.add_image(stored, name="video", rgb=True))
    assert film.shape == (5, 64, 48)
    assert film[4].shape == (64, 48)


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
    layer = show_record(viewer, image, found([1, 3]))
    assert layer.name == "film detections"
    assert layer.data.tolist() == [[1, 11, 20], [3, 13, 20]]
    assert layer.data_to_world((1, 11, 20)) == pytest.approx(image.data_to_world((1, 11, 20)))
    assert (layer.units, layer.axis_labels) == (image.units, image.axis_labels)
    assert tuple(layer.features) == COLUMNS


def test_detections_carry_their_recipe(viewer):
    layer = show_record(viewer, add_film(viewer), found([1, 3]))
    told = layer.metadata["growtrack"]
    assert (told["network"], told["image"], told["frames"], told["run"]) == ("small", "film", [1, 3], 1)
    assert (told["settings"], told["contrast"]) == (CHOICE.cascade().model_dump(), "normal")


def test_detections_of_a_single_image_have_two_coordinates(viewer):
    layer = show_record(viewer, add_film(viewer, (32, 32)), found([0]))
    assert layer.data.tolist() == [[10, 20]]
    assert layer.features.frame.tolist() == [0]


def test_finding_nothing_gives_an_empty_layer(viewer):
    layer = show_record(viewer, add_film(viewer), found([]))
    assert (len(layer.data), layer.ndim) == (0, 3)
    assert tuple(layer.features) == COLUMNS


@pytest.mark.parametrize(("first", "second"), [([0], [3]), ([0], range(5)), (range(5), range(5)), (range(2), range(4))])
def test_a_run_of_as_many_frames_updates_the_layer(viewer, first, second):
    image = add_film(viewer)
    layer = show_record(viewer, image, found(first))
    assert show_record(viewer, image, found(second)) is layer
    assert layer.features.frame.tolist() == layer.data[:, 0].tolist() == list(second)


def test_a_shorter_run_leaves_the_long_one_alone(viewer):
    image = add_film(viewer)
    whole = show_record(viewer, image, found(range(5)))
    trial = show_record(viewer, image, found([2]))
    again = show_record(viewer, image, found([3]))
    assert (len(whole.data), again is trial, len(viewer.layers)) == (5, True, 3)


def test_a_renamed_layer_is_kept(viewer):
    image = add_film(viewer)
    kept = show_record(viewer, image, found([1]))
    kept.name = "my favourite"
    assert show_record(viewer, image, found([2])) is not kept


def test_points_of_others_are_left_alone(viewer):
    image = add_film(viewer)
    foreign = viewer.add_points([[0, 1, 2]], name="film detections")
    assert show_record(viewer, image, found([2])) is not foreign


def test_candidates_that_are_no_detections_are_there_but_hidden(viewer):
    record = found([1, 3])
    record.table.loc[1, "distance"] = 2.5
    layer = show_record(viewer, add_film(viewer), record)
    assert (len(layer.data), layer.shown.tolist()) == (2, [True, False])


def test_other_thresholds_hide_and_show_without_touching_the_points(viewer):
    record = found([1, 3])
    layer = show_record(viewer, add_film(viewer), record)
    sift_layer(layer, record.sifted(CHOICE.with_(accept_distance=0.4)))
    assert layer.shown.tolist() == [False, False]
    sift_layer(layer, record.sifted(CHOICE))
    assert layer.shown.tolist() == [True, True]


def test_limits_hide_and_are_kept_with_the_recipe(viewer):
    record = found([1, 3])
    record.table["radius"] = [2.0, 5.0]
    layer = show_record(viewer, add_film(viewer), record)
    limited = record.sifted(CHOICE.with_(limits=Limits.of({"radius": (None, 3)})))
    sift_layer(layer, limited)
    assert layer.shown.tolist() == [True, False]
    assert limited.recipe()["limits"] == {"radius": [None, 3.0]}
    assert "limits" not in record.recipe()


def test_a_layer_has_all_columns_of_detections(viewer):
    assert [*show_record(viewer, add_film(viewer), found([1, 3])).features] == [*COLUMNS]


def test_a_layer_is_found_by_the_number_of_its_run(viewer):
    image = add_film(viewer)
    one = show_record(viewer, image, found([1], number=1))
    assert layer_of(viewer, 1) is one
    assert layer_of(viewer, 2) is None


def test_rings_are_as_wide_as_the_particles(viewer):
    assert set(show_record(viewer, add_film(viewer), found([1])).size) == {10}


def test_the_preview_is_a_layer_of_its_own_and_leaves_the_selection(viewer):
    image = add_film(viewer)
    viewer.layers.selection.active = image
    layer = layer_for_preview(viewer, image)
    assert viewer.layers.selection.active is image
    show_preview(layer, image, found([2]))
    assert (layer.name, layer.data.tolist()) == ("film preview", [[2, 12, 20]])
    assert show_record(viewer, image, found([3])) is not layer


def test_an_empty_layer_waits_for_a_run_and_is_filled_by_it(viewer):
    image = add_film(viewer)
    layer, added = layer_for_run(viewer, image, 5)
    assert (added, len(layer.data)) == (True, 0)
    assert show_record(viewer, image, found(range(5))) is layer
    assert layer_for_run(viewer, image, 5) == (layer, False)


def test_a_region_is_what_the_window_shows_of_the_image(viewer):
    image = add_film(viewer)
    image.corner_pixels = np.array([[0, 5, 8], [0, 20, 40]])
    assert visible_region(image, open_film(image)) == Region(5, 8, 21, 32)
    image.corner_pixels = np.array([[0, 40, 8], [0, 50, 40]])
    with pytest.raises(StackError, match="shows no part of film"):
        visible_region(image, open_film(image))


def test_the_layer_of_a_preview_is_never_offered_and_that_of_a_run_is_taken_as_it_comes(qtbot):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((5, 32, 32)), name="film")
    choices = [PointsChoice(viewer, likeness) for likeness in (like_detections, like_truth)]
    for choice in choices:
        choice.follow()
    layer_for_preview(viewer, image)
    assert [choice.layers for choice in choices] == [[], []]
    run, _ = layer_for_run(viewer, image, 5)
    assert choices[0].layer == run
    for choice in choices:
        choice.leave()
