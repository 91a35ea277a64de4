"""Tables that other programs wrote: their units, axes, splits, filters and gaps mean what they mean there."""

import json
import warnings
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import GrowtrackWarning, TableError
from napari_growtrack.core.linking.correcting import join, split
from napari_growtrack.core.motion import Units
from napari_growtrack.core.motion.report import report_motion
from napari_growtrack.core.simulation.paths import brownian_paths
from napari_growtrack.core.tables import PROGRAM, RELATIVES, read_recipe, read_table, write_table

INTEROP = Path(__file__).parents[4] / "shared" / "data" / "interop"
RECIPE = {"program": PROGRAM, "pixel_size": 0.1, "frame_time": 0.02}
TABLE = brownian_paths(np.random.default_rng(0), 6, 30, 0.5).assign(sigma=0.1)
PLACES = ["frame", "y", "x", "particle"]

needs_real_files = pytest.mark.skipif(not INTEROP.exists(), reason="the real files are not here")


def in_order(table):
    return table[PLACES].sort_values(["frame", "particle"], ignore_index=True)


# GEFF -----------------------------------------------------------------------------------------------------------------


def geff_of(path, props, axes=None, edges=(), **told):
    """Write nodes with properties, each an array, or an array and which of it are missing."""
    from geff import GeffMetadata
    from geff.core_io import write_arrays

    pairs = {name: values if isinstance(values, tuple) else (values, None) for name, values in props.items()}
    arrays = {
        name: {"values": np.asarray(v), "missing": None if m is None else np.asarray(m)}
        for name, (v, m) in pairs.items()
    }
    nodes = np.arange(len(next(iter(arrays.values()))["values"]), dtype=np.uint64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metadata = GeffMetadata(directed=True, axes=axes, node_props_metadata={}, edge_props_metadata={}, **told)
        write_arrays(path, nodes, arrays, np.array(edges, np.uint64).reshape(-1, 2), {}, metadata)
    return path


def axes_of(time=None, space=None, names=("t", "y", "x")):
    kinds = ["time", *["space"] * (len(names) - 1)]
    told = [time or {}, *[space or {}] * (len(names) - 1)]
    return [{"name": name, "type": kind} | more for name, kind, more in zip(names, kinds, told, strict=True)]


def as_funtracks_saves(source, target):
    """Write what funtracks 2.2, which napari-track-edit stands on, makes of a GEFF folder.

    It multiplies positions by the axes' scale, and writes axes without unit and scale; of `extra` nothing stays but its
    own stamp, of properties all.
    """
    from geff.core_io import read_to_memory

    found = read_to_memory(source)
    scale = {axis.name: axis.scale or 1.0 for axis in found["metadata"].axes}
    props = {name: prop["values"] for name, prop in found["node_props"].items()}
    props |= {name: props[name] * scale[name] for name in ("y", "x")}
    props |= {"solution": np.ones(len(props["y"]), bool), "tracklet_id": props["particle"] + 1}
    extra = {"funtracks": {"version": "2.2.0", "features": {}}, "tracksdata": {}}
    return geff_of(target, props, axes_of(), found["edge_ids"], extra=extra)


def test_what_an_editor_scaled_comes_back_in_pixels_and_tells_the_same_diffusion(tmp_path):
    write_table(TABLE, tmp_path / "t.geff", RECIPE)
    as_funtracks_saves(tmp_path / "t.geff", tmp_path / "project" / "tracks.geff")
    again, recipe = read_table(tmp_path / "project"), read_recipe(tmp_path / "project")
    pd.testing.assert_frame_equal(in_order(again), in_order(TABLE))
    assert recipe == {"pixel_size": 0.1, "frame_time": 0.02}
    before, after = (report_motion(table, Units(**recipe)).to_dict() for table in (TABLE, again))
    assert after["diffusion_coefficient"]["value"] == pytest.approx(before["diffusion_coefficient"]["value"])


def test_what_an_editor_leaves_in_pixels_stays_in_pixels(tmp_path):
    write_table(TABLE, tmp_path / "t.geff", RECIPE)
    import geff

    graph, _ = geff.read(tmp_path / "t.geff", backend="networkx")
    geff.write(graph, tmp_path / "e.geff", axis_names=["t", "y", "x"], axis_types=["time", "space", "space"])
    pd.testing.assert_frame_equal(in_order(read_table(tmp_path / "e.geff")), in_order(TABLE))
    assert read_recipe(tmp_path / "e.geff") == {"pixel_size": 0.1, "frame_time": 0.02}


FRAMES, Y, X = np.array([0, 1, 2]), np.array([10.0, 11, 12]), np.array([20.0, 21, 22])
PIXELS = {"unit": "pixel", "scale": 0.1, "scaled_unit": "micrometer"}
SECONDS = {"unit": "frame", "scale": 20.0, "scaled_unit": "millisecond"}


@pytest.mark.parametrize(
    ("space", "time", "factor", "recipe"),
    [
        ({}, {}, 1, None),
        ({"unit": "pixel"}, {"unit": "frame"}, 1, None),
        (PIXELS, SECONDS, 1, {"pixel_size": 0.1, "frame_time": 0.02}),
        (PIXELS | {"scale": 100.0, "scaled_unit": "nanometer"}, {}, 1, {"pixel_size": 0.1}),
        ({"scale": 0.1, "scaled_unit": "micrometer"}, {}, 1, {"pixel_size": 0.1}),
        ({"scale": 0.1}, {"scale": 3.0}, 1, None),
        ({"unit": "micrometer", "scale": 10.0, "scaled_unit": "pixel"}, {}, 10, {"pixel_size": 0.1}),
        ({"unit": "micrometer"}, {}, 1, {"pixel_size": 1.0}),
        ({"unit": "nanometer", "scale": 1.0}, {}, 1, {"pixel_size": 1e-3}),
        ({"unit": "millimeter", "scale": 1000.0, "scaled_unit": "micrometer"}, {}, 1, {"pixel_size": 1e3}),
    ],
)
def test_units_and_scales_of_axes_are_kept_to(tmp_path, space, time, factor, recipe):
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes_of(time, space))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        table = read_table(path)
    assert table.y.tolist() == pytest.approx(factor * Y)
    assert table.x.tolist() == pytest.approx(factor * X)
    assert read_recipe(path) == (recipe and pytest.approx(recipe))
    assumed = space.get("unit", "").endswith("meter") and space.get("scaled_unit") != "pixel"
    assert any(issubclass(w.category, GrowtrackWarning) for w in warned) == assumed


def test_a_pixel_size_in_the_recipe_turns_lengths_into_pixels(tmp_path):
    axes = axes_of(space={"unit": "micrometer"})
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes, extra={PROGRAM: {"pixel_size": 0.5}})
    assert read_table(path).y.tolist() == pytest.approx(2 * Y)
    assert read_recipe(path) == {"pixel_size": 0.5}


def test_pixels_that_are_not_square_are_told_in_those_of_x(tmp_path):
    axes = axes_of(space=PIXELS)
    axes[1] = axes[1] | {"scale": 0.2}
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes)
    assert read_table(path).y.tolist() == pytest.approx(2 * Y)
    assert read_table(path).x.tolist() == pytest.approx(X)
    assert read_recipe(path) == {"pixel_size": 0.1}


def test_axes_of_which_one_is_a_length_and_one_is_not_are_refused(tmp_path):
    axes = axes_of(space={"unit": "pixel"})
    axes[1] = axes[1] | {"unit": "micrometer"}
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes)
    with pytest.raises(TableError, match=r"y in micrometer and x in pixel: a length and no length"):
        read_table(path)


@pytest.mark.parametrize(("unit", "said"), [("furlong", "furlong is taken for the pixel. No length"), ("px", "")])
def test_a_length_that_nobody_knows_is_taken_for_the_pixel_and_said(tmp_path, unit, said):
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes_of(space={"unit": unit}))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert read_table(path).y.tolist() == pytest.approx(Y)
    assert said in "".join(str(w.message) for w in warned if issubclass(w.category, GrowtrackWarning))
    assert any(issubclass(w.category, GrowtrackWarning) for w in warned) == bool(said)


def test_a_scale_that_leads_to_no_unit_is_refused(tmp_path):
    axes = axes_of(space={"unit": "micrometer", "scale": 0.1})
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes)
    with pytest.raises(TableError, match=r"in micrometer and has a scale of 0.1 to no unit.*Set its unit to pixel"):
        read_table(path)


@pytest.mark.parametrize("stamp", [{"version": "2.2.0"}, {}])
def test_a_segmentation_tells_an_editors_pixels(tmp_path, stamp):
    """Older funtracks wrote it as the axes' scale."""
    axes = axes_of(space={} if stamp else {"scale": 0.5})
    extra = {"funtracks": stamp, "tracksdata": {"scale": [0.5, 0.5]} if stamp else {}}
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes, extra=extra)
    assert read_table(path).y.tolist() == pytest.approx(2 * Y)
    assert read_recipe(path) is None


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("t", "y", "x"), None),
        (("POSITION_T", "POSITION_X", "POSITION_Y", "POSITION_Z"), ("POSITION_T", "POSITION_Y", "POSITION_X")),
        (("time", "z", "y", "x"), ("time", "y", "x")),
        (("Zeit", "Zeile", "Spalte"), None),
        (("frame", "depth", "row", "column"), ("frame", "row", "column")),
    ],
)
def test_axes_may_have_any_name(tmp_path, names, order):
    time, y, x = order or names
    props = {name: np.zeros(3) for name in names} | {time: FRAMES, y: Y, x: X}
    table = read_table(geff_of(tmp_path / "t.geff", props, axes_of(names=names)))
    assert table[["frame", "y", "x"]].to_numpy().tolist() == np.stack([FRAMES, Y, X], 1).tolist()


def test_hints_for_a_display_say_which_axis_is_which(tmp_path):
    hints = {"display_horizontal": "a", "display_vertical": "b", "display_time": "c"}
    path = geff_of(
        tmp_path / "t.geff", {"c": FRAMES, "a": X, "b": Y}, axes_of(names=("c", "a", "b")), display_hints=hints
    )
    assert read_table(path).y.tolist() == Y.tolist()


@pytest.mark.parametrize("axes", [axes_of(names=("t", "x")), [{"name": "x", "type": "space"}], axes_of()[1:]])
def test_a_graph_without_time_and_two_axes_of_space_is_refused(tmp_path, axes):
    props = {axis["name"]: Y for axis in axes}
    with pytest.raises(TableError, match="Expected one axis of time and two of space, got"):
        read_table(geff_of(tmp_path / "t.geff", props, axes))


@pytest.mark.parametrize(
    ("times", "more", "frames", "step"),
    [
        ([0.5, 1.0, 2.0], {}, [1, 2, 4], 0.5),
        ([0.0, 0.1, 0.3], {"FRAME": [0, 2, 6]}, [0, 2, 6], 0.05),
        ([3.0, 3.0, 3.0], {}, [0, 0, 0], None),
        ([0.25, 1.25, 2.25], {}, [0, 1, 2], 1.0),
    ],
)
def test_times_become_frames(tmp_path, times, more, frames, step):
    props = {"t": np.array(times), "y": Y, "x": X} | {name: np.array(values) for name, values in more.items()}
    path = geff_of(tmp_path / "t.geff", props, axes_of(time={"unit": "second"}))
    assert read_table(path).frame.tolist() == frames
    assert read_recipe(path) == (step and {"frame_time": pytest.approx(step)})


def test_times_at_no_even_steps_are_refused(tmp_path):
    path = geff_of(tmp_path / "t.geff", {"t": [0.0, 1, 2.4], "y": Y, "x": X}, axes_of(time={"unit": "second"}))
    with pytest.raises(TableError, match="not evenly spaced"):
        read_table(path)


def test_what_is_missing_is_no_number(tmp_path):
    props = {"t": FRAMES, "y": Y, "x": X, "area": ([5, 0, 7], [False, True, False])}
    table = read_table(geff_of(tmp_path / "t.geff", props, axes_of()))
    assert np.isnan(table.area[1])
    assert table.area[[0, 2]].tolist() == [5, 7]


def test_a_node_that_an_editor_added_is_of_the_trajectory_it_is_linked_to(tmp_path):
    props = {
        "t": [0, 1, 2, 0],
        "y": [1.0, 2, 3, 9],
        "x": [1.0, 2, 3, 9],
        "particle": ([7, 0, 7, 0], [False, True, False, True]),
    }
    table = read_table(geff_of(tmp_path / "t.geff", props, axes_of(), [(0, 1), (1, 2)]))
    assert sorted(zip(table.particle, table.frame, strict=True)) == [(7, 0), (7, 1), (7, 2), (8, 0)]


@pytest.mark.parametrize("edges", [[(0, 99)], [(99, 100)]])
def test_an_edge_that_names_no_node_is_refused(tmp_path, edges):
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes_of())
    import zarr

    array = zarr.open_group(path / "edges").create_array("ids", data=np.array(edges, np.uint64), overwrite=True)
    assert array.shape == (1, 2)
    with pytest.raises(TableError, match=r"t.geff: It holds edges that name no node"):
        read_table(path)


def test_a_lost_chunk_of_node_numbers_is_refused(tmp_path):
    path = geff_of(tmp_path / "t.geff", {"t": FRAMES, "y": Y, "x": X}, axes_of(), [(0, 1)])
    for chunk in (path / "nodes" / "ids").rglob("*"):
        if chunk.is_file() and not chunk.name.startswith(".z") and chunk.name != "zarr.json":
            chunk.unlink()
    with pytest.raises(TableError, match=r"several nodes of one number"):
        read_table(path)


@needs_real_files
@pytest.mark.parametrize("name", ["FakeTracks", "trackmate_with_splitting_merging"])
def test_geffs_own_converter_of_trackmates_files_tells_what_we_read_of_them(tmp_path, name):
    from geff.convert import from_trackmate_xml_to_geff

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from_trackmate_xml_to_geff(INTEROP / f"{name}.xml", tmp_path / "t.geff", True, True)
        theirs = read_table(tmp_path / "t.geff")
    ours = read_table(INTEROP / f"{name}.xml")
    both = [table.sort_values(["frame", "y"], ignore_index=True)[["frame", "y", "x"]] for table in (ours, theirs)]
    pd.testing.assert_frame_equal(*both)
    assert theirs.particle.nunique() == ours.particle.nunique()
    assert read_recipe(tmp_path / "t.geff") == read_recipe(INTEROP / f"{name}.xml")


# TrackMate ------------------------------------------------------------------------------------------------------------


IMAGE = 'pixelwidth="0.5" timeinterval="0.02"'


def trackmate(path, spots, tracks=(), filtered=None, units=("micron", "sec"), image=IMAGE, features=()):
    """Write a file as Fiji does: spots are attributes, tracks are lists of links."""
    root = Xml.Element("TrackMate", version="7.11.1")
    model = Xml.SubElement(root, "Model", spatialunits=units[0], timeunits=units[1])
    declared = Xml.SubElement(Xml.SubElement(model, "FeatureDeclarations"), "SpotFeatures")
    for name, whole in features:
        Xml.SubElement(declared, "Feature", feature=name, isint=whole)
    every = Xml.SubElement(Xml.SubElement(model, "AllSpots"), "SpotsInFrame", frame="0")
    for number, told in enumerate(spots):
        told = {"ID": number, "RADIUS": 1.5} | told
        Xml.SubElement(every, "Spot", {key: str(value) for key, value in told.items() if value is not None})
    kept = Xml.SubElement(model, "AllTracks")
    for number, links in tracks:
        track = Xml.SubElement(kept, "Track", TRACK_ID=str(number))
        for one, other in links:
            Xml.SubElement(track, "Edge", SPOT_SOURCE_ID=str(one), SPOT_TARGET_ID=str(other))
    if filtered is not None:
        shown = Xml.SubElement(model, "FilteredTracks")
        for number in filtered:
            Xml.SubElement(shown, "TrackID", TRACK_ID=str(number))
    settings = Xml.SubElement(root, "Settings")
    settings.append(Xml.fromstring(f"<ImageData {image}/>"))
    Xml.SubElement(settings, "DetectorSettings")
    path.write_bytes(Xml.tostring(root))
    return path


def spot(frame, place, **more):
    return {"FRAME": frame, "POSITION_Y": place, "POSITION_X": place} | more


LINE = [spot(0, 1), spot(1, 2), spot(2, 3)]
CHAIN = [(4, [(0, 1), (1, 2)])]


@needs_real_files
@pytest.mark.parametrize(
    ("name", "rows", "particles", "parents", "children"),
    [
        ("FakeTracks", 84, 6, 4, 0),
        ("trackmate_with_gap_closing", 133, 5, 0, 0),
        ("trackmate_without_gap_closing", 133, 6, 0, 0),
        ("trackmate_with_splitting", 133, 7, 4, 0),
        ("trackmate_with_merging", 133, 6, 0, 2),
        ("trackmate_with_splitting_merging", 183, 9, 4, 2),
    ],
)
def test_trackmates_real_files_are_cut_at_branches_and_tell_motion(name, rows, particles, parents, children):
    table = read_table(INTEROP / f"{name}.xml")
    assert (len(table), table.particle.nunique()) == (rows, particles)
    assert not table.duplicated(["particle", "frame"]).any()
    kin = [table.loc[table[c] >= 0, "particle"].nunique() if c in table else 0 for c in RELATIVES]
    assert kin == [parents, children]
    whole = table.select_dtypes("integer")
    assert (whole.abs() < 2**53).all(axis=None)
    assert report_motion(table, Units()).to_dict()["diffusion_coefficient"]["value"] > 0


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".geff", ".xml"])
def test_who_came_out_of_whom_travels_through_every_format(tmp_path, suffix):
    spots = [
        spot(0, 1),
        spot(1, 2),
        spot(2, 3),
        spot(2, 1),
        spot(3, 3),
        spot(3, 1),
        spot(4, 2),
        spot(0, 50),
        spot(1, 50),
    ]
    tracks = [(4, [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6)]), (9, [(7, 8)])]
    table = read_table(trackmate(tmp_path / "f.xml", spots, tracks))
    assert table[[*PLACES, *RELATIVES]].to_numpy().tolist() == [
        [0, 2, 2, 4, -1, -1],
        [0, 100, 100, 9, -1, -1],
        [1, 4, 4, 4, -1, -1],
        [1, 100, 100, 9, -1, -1],
        [2, 6, 6, 10, 4, 12],
        [2, 2, 2, 11, 4, 12],
        [3, 6, 6, 10, 4, 12],
        [3, 2, 2, 11, 4, 12],
        [4, 4, 4, 12, -1, -1],
    ]
    write_table(table, tmp_path / f"t{suffix}", {"program": PROGRAM})
    again = read_table(tmp_path / f"t{suffix}")
    pd.testing.assert_frame_equal(again[[*PLACES, *RELATIVES]], table[[*PLACES, *RELATIVES]])


def branching():
    """Return trajectories of which 0 divides into 1 and 2, which become 3."""
    told = [(0, range(4), -1, -1), (1, range(4, 6), 0, 3), (2, range(4, 6), 0, 3), (3, range(6, 8), -1, -1)]
    rows = [(frame, 1.0, 1.0, particle, *kin) for particle, frames, *kin in told for frame in frames]
    return pd.DataFrame(rows, columns=[*PLACES, *RELATIVES])


def test_relatives_stay_right_when_trajectories_are_split_and_joined():
    parts = split(branching(), 0, 2)
    assert parts.drop_duplicates("particle")[["particle", *RELATIVES]].to_numpy().tolist() == [
        [0, -1, -1], [4, -1, -1], [1, 4, 3], [2, 4, 3], [3, -1, -1],
    ]  # fmt: skip
    one = join(branching(), [0, 1])
    assert one.drop_duplicates("particle")[["particle", *RELATIVES]].to_numpy().tolist() == [
        [0, -1, 3], [2, 0, 3], [3, -1, -1],
    ]  # fmt: skip
    early = split(branching(), 1, 5)
    assert early.drop_duplicates("particle")[["particle", *RELATIVES]].to_numpy().tolist() == [
        [0, -1, -1], [1, 0, -1], [4, -1, 3], [2, 0, 3], [3, -1, -1],
    ]  # fmt: skip


def test_relatives_of_detections_that_are_linked_anew_are_gone():
    from napari_growtrack.core.linking import Linking, link

    assert not {*RELATIVES} & {*link(branching(), Linking(search_radius=5))}


@pytest.mark.parametrize(
    ("filtered", "spots", "particles"),
    [
        (None, LINE, [4, 4, 4]),
        ([4], LINE, [4, 4, 4]),
        ([], LINE, []),
        ([7], LINE, []),
        (None, [*LINE, spot(0, 50, VISIBILITY=0)], [4, 4, 4]),
        (None, [*LINE[:2], LINE[2] | {"VISIBILITY": 0}], [4, 4]),
        (None, [*LINE, spot(0, 50)], [4, 4, 4]),
    ],
)
def test_hidden_spots_and_tracks_that_were_filtered_out_are_not_read(tmp_path, filtered, spots, particles):
    assert read_table(trackmate(tmp_path / "t.xml", spots, CHAIN, filtered)).particle.tolist() == particles


def test_hidden_spots_of_a_file_without_tracks_are_not_read(tmp_path):
    assert len(read_table(trackmate(tmp_path / "t.xml", [*LINE, spot(0, 50, VISIBILITY=0)]))) == 3


def test_links_may_go_against_time_and_be_told_twice(tmp_path):
    path = trackmate(tmp_path / "t.xml", LINE, [(4, [(1, 0), (2, 1), (1, 2)])])
    assert read_table(path).particle.tolist() == [4, 4, 4]


def test_links_count_where_a_number_of_ours_says_otherwise(tmp_path):
    """TrackMate keeps the features of a file of ours while a person edits its tracks."""
    spots = [row | {"PARTICLE": 0} for row in LINE] + [spot(0, 50, PARTICLE=5)]
    path = trackmate(tmp_path / "t.xml", spots, [(0, [(0, 1)])], features=[("PARTICLE", "true")])
    assert read_table(path).particle.tolist() == [0, 5, 0, 6]


def test_whole_numbers_that_some_spots_lack_are_missing_there_and_gone_where_all_lack_them(tmp_path):
    spots = [LINE[0] | {"N": 3}, LINE[1] | {"N": "4.0"}, LINE[2]]
    features = [("N", "true"), ("MANUAL_SPOT_COLOR", "true"), ("ALL", "true")]
    table = read_table(trackmate(tmp_path / "t.xml", [s | {"ALL": "7.0"} for s in spots], features=features))
    assert table.n[:2].tolist() == [3, 4]
    assert np.isnan(table.n[2])
    assert "manual_spot_color" not in table
    assert table["all"].tolist() == [7, 7, 7]
    assert table["all"].dtype == np.int64


@pytest.mark.parametrize("radius", [3.0, 2.0])
@pytest.mark.parametrize("recipe", [None, RECIPE])
def test_radii_that_are_all_the_same_are_kept(tmp_path, radius, recipe):
    write_table(TABLE.assign(radius=radius), tmp_path / "t.xml", recipe)
    assert read_table(tmp_path / "t.xml").radius.tolist() == pytest.approx([radius] * len(TABLE))


def test_radii_of_fijis_files_are_kept_whatever_they_are(tmp_path):
    assert read_table(trackmate(tmp_path / "t.xml", LINE)).radius.tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("image", "units", "recipe"),
    [
        ('pixelwidth="0.5" timeinterval="0.02"', ("micron", "sec"), {"pixel_size": 0.5, "frame_time": 0.02}),
        ('pixelwidth="500" timeinterval="20"', ("nm", "ms"), {"pixel_size": 0.5, "frame_time": 0.02}),
        ('pixelwidth="0.5" timeinterval="2"', ("µm", "minutes"), {"pixel_size": 0.5, "frame_time": 120}),
        ('pixelwidth="0.5" timeinterval="0.5"', ("cm", "h"), {"pixel_size": 5000, "frame_time": 1800}),
        ('pixelwidth="0.5" timeinterval="0.5"', ("mm", "hours"), {"pixel_size": 500, "frame_time": 1800}),
        ('pixelwidth="0.5" timeinterval="0.5"', ("m", "day"), {"pixel_size": 500000, "frame_time": 43200}),
        ('pixelwidth="0.5" timeinterval="0.0"', ("micrometer", "second"), {"pixel_size": 0.5}),
        ('pixelwidth="0.5"', ("microns", "frame"), {"pixel_size": 0.5}),
        ("", ("pixel", "frame"), None),
    ],
)
def test_trackmates_units_are_read(tmp_path, image, units, recipe):
    path = trackmate(tmp_path / "t.xml", LINE, image=image, units=units)
    assert read_recipe(path) == (recipe and pytest.approx(recipe))


def test_a_log_that_trackmate_wrote_on_still_tells_our_recipe(tmp_path):
    write_table(TABLE, tmp_path / "t.xml", RECIPE)
    text = (tmp_path / "t.xml").read_text(encoding="utf-8")
    (tmp_path / "t.xml").write_text(text.replace("</Log>", "\nSaved.</Log>"), encoding="utf-8")
    assert read_recipe(tmp_path / "t.xml") == RECIPE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": 'pixelwidth="0,1"'}, r"Expected a number as pixelwidth of its image, got '0,1'"),
        ({"image": 'pixelwidth="abc"'}, r"Expected a number as pixelwidth"),
        ({"image": 'pixelwidth="0"'}, r"Expected a pixelwidth above 0, got 0"),
        ({"image": 'pixelwidth="nan"'}, r"Expected a pixelwidth above 0, got nan"),
        ({"tracks": [("abc", [(0, 1)])]}, r"Expected a whole number from 0 as TRACK_ID, got 'abc'"),
        ({"tracks": [("1e20", [(0, 1)])]}, r"as TRACK_ID, got '1e20'"),
        ({"tracks": [("-1", [(0, 1)])]}, r"as TRACK_ID, got '-1'"),
        ({"tracks": [("inf", [(0, 1)])]}, r"as TRACK_ID, got 'inf'"),
        ({"tracks": [(4, [(0, 77)])]}, r"A link names spot '77', which is not there"),
        ({"tracks": CHAIN, "spots": [row | {"ID": None} for row in LINE]}, r"spots without an ID"),
        ({"tracks": CHAIN, "spots": [row | {"ID": 0} for row in LINE]}, r"several spots of one ID"),
        ({"spots": [spot("a", 1)]}, r"features that are no numbers: FRAME"),
        ({"spots": [{"FRAME": 0, "POSITION_X": 1}]}, r"missing y"),
        ({"spots": [spot(10**12, 1)]}, r"Column frame must hold a whole number from 0 below 10000000"),
    ],
)
def test_what_trackmate_would_not_write_is_refused_in_a_sentence(tmp_path, changes, words):
    with pytest.raises(TableError, match=rf"t.xml: .*{words}"):
        read_table(trackmate(tmp_path / "t.xml", **{"spots": LINE, "tracks": CHAIN} | changes))


def test_a_track_id_may_be_written_as_a_float(tmp_path):
    assert read_table(trackmate(tmp_path / "t.xml", LINE, [("1.0", [(0, 1), (1, 2)])])).particle.tolist() == [1, 1, 1]


def test_a_frame_time_with_a_comma_is_refused(tmp_path):
    path = trackmate(tmp_path / "t.xml", LINE, image='pixelwidth="0.5" timeinterval="0,05"')
    with pytest.raises(TableError, match=r"t.xml: Expected a number as timeinterval"):
        read_recipe(path)


@pytest.mark.parametrize("name", ["mean intensity", "µ", "1st", "a<b", "", "position_x", "id", "Quality", "SIGMA"])
def test_names_that_cannot_be_features_are_refused(tmp_path, name):
    with pytest.raises(TableError, match="Rename"):
        write_table(TABLE.assign(**{name: 1.0}), tmp_path / "t.xml")
    assert not (tmp_path / "t.xml").exists()


# The command line -----------------------------------------------------------------------------------------------------


def test_an_export_of_fijis_file_keeps_its_scale_and_can_be_written_again(tmp_path, capsys):
    from napari_growtrack.cli import main

    path = trackmate(tmp_path / "fiji.xml", [spot(f, y) for f, y in enumerate([1, 2, 1, 3, 2, 1, 2, 4] * 3)],
                     [(0, [(i, i + 1) for i in range(23)])])  # fmt: skip
    for _ in range(2):
        assert main(["export", str(path), "-o", str(tmp_path / "t.csv")]) == 0
    capsys.readouterr()
    assert main(["motion", str(tmp_path / "t.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diffusion_coefficient"]["unit"] == "µm²/s"


def test_a_scale_that_an_earlier_version_left_beside_a_table_is_read(tmp_path):
    write_table(TABLE, tmp_path / "t.csv")
    (tmp_path / "t.json").write_text('{"pixel_size": 0.1, "frame_time": 0.5}')
    assert read_recipe(tmp_path / "t.csv") == {"pixel_size": 0.1, "frame_time": 0.5}
    write_table(TABLE, tmp_path / "t.csv", RECIPE)
    assert read_recipe(tmp_path / "t.csv") == RECIPE


@pytest.mark.parametrize("option", ["--pixel-size", "--frame-time"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "a"])
@pytest.mark.parametrize("command", ["motion", "export"])
def test_a_scale_that_is_none_is_refused_at_the_door(tmp_path, capsys, command, option, value):
    from napari_growtrack.cli import main

    with pytest.raises(SystemExit) as stop:
        main([command, "t.csv", "-o", str(tmp_path / "o.csv"), f"{option}={value}"])
    assert stop.value.code == 2
    assert "expected a number above 0, got" in capsys.readouterr().err


def test_an_empty_name_is_no_table(capsys):
    from napari_growtrack.cli import main

    assert main(["link", "", "-o", "t.csv"]) == 1
    assert "Expected the name of a table, got an empty one." in capsys.readouterr().err


def test_an_empty_name_is_no_film(capsys):
    from napari_growtrack.cli import main

    assert main(["track", "", "-o", "t.csv"]) == 1
    assert "Expected the name of a film, got an empty one." in capsys.readouterr().err
