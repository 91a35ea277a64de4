"""Tables in everybody's formats: what is written is read again, by us and by the tools they are for."""

import json
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from napari_growtrack.core.errors import GrowtrackWarning, OutputError, TableError
from napari_growtrack.core.linking import Linking, link
from napari_growtrack.core.simulation.paths import brownian_paths
from napari_growtrack.core.tables import (
    PROGRAM,
    SUFFIXES,
    read_recipe,
    read_table,
    write_table,
)

RECIPE = {"program": PROGRAM, "network": "vesicles", "pixel_size": 0.1, "frame_time": 0.02, "note": "µm, 粒子"}
EXACT = {".parquet", ".geff"}


def trajectories():
    table = brownian_paths(np.random.default_rng(0), 6, 20, 0.5, lost=0.15)
    return table.assign(sigma=np.random.default_rng(1).random(len(table)), votes=3, significance=np.nan)


TABLES = {
    "trajectories": trajectories(),
    "detections": trajectories().drop(columns="particle"),
    "empty": trajectories()[:0],
    "one frame": trajectories().query("frame == 3").reset_index(drop=True),
    "one detection": trajectories()[:1],
    "gaps": trajectories().query("frame % 7 < 3").reset_index(drop=True),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", TABLES)
def test_what_is_written_is_read_again(tmp_path, suffix, name):
    table, path = TABLES[name], tmp_path / f"Tabelle µ {name}{suffix}"
    write_table(table, path, RECIPE)
    again = read_table(path)
    assert set(again) == set(table)
    pd.testing.assert_frame_equal(
        again[list(table)], table.reset_index(drop=True), check_exact=suffix in EXACT, rtol=1e-9, atol=1e-12
    )
    assert read_recipe(path) == RECIPE
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_without_a_recipe_has_none_and_replaces_an_older_one(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(TABLES["trajectories"], path, RECIPE)
    write_table(TABLES["one frame"], path)
    assert read_recipe(path) is None
    assert len(read_table(path)) == len(TABLES["one frame"])


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s != ".csv"])
def test_pixels_stay_pixels_to_the_last_bit_where_no_size_is_known(tmp_path, suffix):
    write_table(TABLES["trajectories"], tmp_path / f"t{suffix}")
    pd.testing.assert_frame_equal(
        read_table(tmp_path / f"t{suffix}")[["y", "x"]], TABLES["trajectories"][["y", "x"]], check_exact=True
    )


# The tools they are for -----------------------------------------------------------------------------------------------


def test_geff_is_valid_and_read_by_its_own_reader(tmp_path):
    import geff
    import networkx

    table = TABLES["trajectories"]
    write_table(table, tmp_path / "t.geff", RECIPE)
    geff.validate_structure(tmp_path / "t.geff")
    graph, told = geff.read(tmp_path / "t.geff", backend="networkx")
    assert graph.number_of_nodes() == len(table)
    assert graph.number_of_edges() == len(table) - table.particle.nunique()
    assert networkx.number_weakly_connected_components(graph) == table.particle.nunique()
    y = next(axis for axis in told.axes if axis.name == "y")
    assert (y.unit, y.scale, y.scaled_unit) == ("pixel", 0.1, "micrometer")
    assert all(graph.nodes[a]["t"] < graph.nodes[b]["t"] for a, b in graph.edges)


def test_what_a_track_editor_gives_back_as_geff_has_its_particles(tmp_path):
    """Editors keep nodes and edges, not our numbers."""
    import geff

    table = TABLES["trajectories"]
    write_table(table, tmp_path / "t.geff")
    graph, _ = geff.read(tmp_path / "t.geff", backend="networkx")
    for node in graph.nodes:
        del graph.nodes[node]["particle"]
    a, b = next(iter(graph.edges))
    graph.remove_edge(a, b)  # a person splits a track
    geff.write(graph, tmp_path / "edited.geff", axis_names=["t", "y", "x"], axis_types=["time", "space", "space"])
    again = read_table(tmp_path / "edited.geff")
    assert again.particle.nunique() == table.particle.nunique() + 1


def edited(tmp_path, edit, name="edited.geff"):
    """Write trajectories, let an editor change their graph, and return what is read of it."""
    import geff

    write_table(TABLES["trajectories"], tmp_path / "t.geff")
    graph, _ = geff.read(tmp_path / "t.geff", backend="networkx")
    edit(graph)
    geff.write(graph, tmp_path / name, axis_names=["t", "y", "x"], axis_types=["time", "space", "space"])
    return read_table(tmp_path / name.split("/")[0])


def test_links_that_an_editor_took_away_end_a_trajectory_whatever_its_nodes_say(tmp_path):
    def cut(graph):
        graph.remove_edge(*next(iter(graph.edges)))

    before = TABLES["trajectories"]
    again = edited(tmp_path, cut)
    assert again["particle"].nunique() == before["particle"].nunique() + 1


def test_numbers_are_kept_where_links_still_say_the_same(tmp_path):
    order = ["frame", "y", "x"]  # within a frame, rows may come in any order
    again = edited(tmp_path, lambda graph: None).sort_values(order)
    pd.testing.assert_series_equal(
        again["particle"], TABLES["trajectories"].sort_values(order)["particle"], check_index=False
    )


def test_a_particle_that_divides_ends_and_two_begin(tmp_path):
    def divide(graph):
        first = next(node for node in graph if graph.out_degree(node) == 1)
        (second,) = graph.successors(first)
        other = max(graph) + 1
        graph.add_node(other, **graph.nodes[second])
        graph.add_edge(first, other)

    before = TABLES["trajectories"]
    again = edited(tmp_path, divide)
    assert len(again) == len(before) + 1
    assert not again.duplicated(["particle", "frame"]).any()


def test_geff_within_the_folder_of_an_editor_is_found(tmp_path):
    again = edited(tmp_path, lambda graph: None, "project/tracks.geff")
    assert len(again) == len(TABLES["trajectories"])


def test_trackmates_file_has_all_that_trackmate_asks_for(tmp_path):
    """Element by element what TrackMate 7 writes and its reader (TmXmlReader) looks up."""
    table = TABLES["trajectories"]
    write_table(table, tmp_path / "t.xml", RECIPE)
    root = Xml.parse(tmp_path / "t.xml").getroot()
    assert root.tag == "TrackMate"
    assert root.get("version").startswith("7.")
    model = root.find("Model")
    assert (model.get("spatialunits"), model.get("timeunits")) == ("micron", "sec")
    for group in ("SpotFeatures", "EdgeFeatures", "TrackFeatures"):
        for feature in model.iterfind(f"FeatureDeclarations/{group}/Feature"):
            assert set(feature.attrib) == {"feature", "name", "shortname", "dimension", "isint"}
    assert int(model.find("AllSpots").get("nspots")) == len(table)
    declared = {f.get("feature") for f in model.iterfind("FeatureDeclarations/SpotFeatures/Feature")}
    spots = {}
    for group in model.iterfind("AllSpots/SpotsInFrame"):
        for spot in group.iterfind("Spot"):
            assert spot.get("FRAME") == group.get("frame")
            assert set(spot.attrib) == declared | {"ID", "name"}
            assert float(spot.get("POSITION_T")) == pytest.approx(0.02 * int(spot.get("FRAME")))
            spots[spot.get("ID")] = spot
    assert len(spots) == len(table)
    tracks = model.findall("AllTracks/Track")
    assert {t.get("TRACK_ID") for t in model.iterfind("FilteredTracks/TrackID")} == {t.get("TRACK_ID") for t in tracks}
    for track in tracks:
        edges = track.findall("Edge")
        assert len(edges) == int(track.get("NUMBER_SPOTS")) - 1
        for edge in edges:
            one, other = (spots[edge.get(f"SPOT_{end}_ID")] for end in ("SOURCE", "TARGET"))
            assert int(one.get("FRAME")) < int(other.get("FRAME"))
            assert one.get("PARTICLE") == other.get("PARTICLE") == track.get("TRACK_ID")
    image = root.find("Settings/ImageData")
    assert (image.get("pixelwidth"), image.get("timeinterval")) == ("0.1", "0.02")


def test_trackmates_own_files_are_read(tmp_path):
    """As Fiji writes them: no column of ours, names of its own, and spots that belong to no track."""
    (tmp_path / "fiji.xml").write_text(
        """<?xml version="1.0" encoding="UTF-8"?>
<TrackMate version="7.11.1">
  <Log>TrackMate started.</Log>
  <Model spatialunits="micron" timeunits="sec">
    <FeatureDeclarations>
      <SpotFeatures>
        <Feature feature="QUALITY" name="Quality" shortname="Quality" dimension="QUALITY" isint="false"/>
        <Feature feature="MEAN_INTENSITY_CH1" name="Mean" shortname="Mean" dimension="INTENSITY" isint="false"/>
      </SpotFeatures><EdgeFeatures/><TrackFeatures/>
    </FeatureDeclarations>
    <AllSpots nspots="3">
      <SpotsInFrame frame="0">
        <Spot ID="41" name="ID41" QUALITY="7.5" POSITION_T="0.0" MEAN_INTENSITY_CH1="12.5" RADIUS="0.5" FRAME="0"
              POSITION_X="1.5" POSITION_Y="2.0" POSITION_Z="0.0" VISIBILITY="1"/>
        <Spot ID="42" name="ID42" QUALITY="3.5" POSITION_T="0.0" MEAN_INTENSITY_CH1="9" RADIUS="0.5" FRAME="0"
              POSITION_X="8.5" POSITION_Y="2.0" POSITION_Z="0.0" VISIBILITY="1"/>
      </SpotsInFrame>
      <SpotsInFrame frame="1">
        <Spot ID="47" name="ID47" QUALITY="7.1" POSITION_T="0.5" MEAN_INTENSITY_CH1="12" RADIUS="0.5" FRAME="1"
              POSITION_X="1.6" POSITION_Y="2.1" POSITION_Z="0.0" VISIBILITY="1"/>
      </SpotsInFrame>
    </AllSpots>
    <AllTracks><Track name="Track_3" TRACK_INDEX="3" TRACK_ID="3">
      <Edge SPOT_SOURCE_ID="41" SPOT_TARGET_ID="47" LINK_COST="0.02"/></Track></AllTracks>
    <FilteredTracks><TrackID TRACK_ID="3"/></FilteredTracks>
  </Model>
  <Settings><ImageData filename="a.tif" folder="." width="100" height="80" nslices="1" nframes="2" pixelwidth="0.1"
      pixelheight="0.1" voxeldepth="1.0" timeinterval="0.5"/></Settings>
</TrackMate>"""
    )
    table = read_table(tmp_path / "fiji.xml")
    assert table.particle.tolist() == [3, 3]
    assert table.y.tolist() == pytest.approx([20, 21])
    assert table.x.tolist() == pytest.approx([15, 16])
    assert table.radius.tolist() == pytest.approx([5, 5])
    assert table.mean_intensity_ch1.tolist() == [12.5, 12]
    assert read_recipe(tmp_path / "fiji.xml") == {"pixel_size": 0.1, "frame_time": 0.5}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_read_is_linked_by_trackpy_and_by_us(tmp_path, suffix):
    import trackpy

    write_table(TABLES["detections"], tmp_path / f"d{suffix}", RECIPE)
    table = read_table(tmp_path / f"d{suffix}")
    trackpy.quiet()
    theirs = trackpy.link(table, 6, memory=3)
    assert theirs.particle.nunique() == link(table, Linking(search_radius=6, memory=3, min_length=1)).particle.nunique()


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.parquet", b"PAR1 nothing", "is not a Parquet file"),
        ("t.xml", b"<TrackMate><Model>", "is not XML, or not a whole file"),
        ("t.xml", b"<svg/>", "not TrackMate's"),
        ("t.xml", b'<!DOCTYPE b [<!ENTITY a "aaaa">]><TrackMate>&a;</TrackMate>', "declares entities"),
        ("t.xml", b"<!DOCTYPE TrackMate><TrackMate/>", "declares entities"),
        ("t.xml", b"<TrackMate><!-- <!ENTITY --></TrackMate>", "declares entities"),
        ("t.geff", b"a file", "is not a GEFF folder"),
        ("t.csv", b"", "is empty"),
    ],
)
def test_files_that_are_something_else_are_refused_in_a_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=words):
        read_table(tmp_path / name)


def test_a_truncated_file_of_any_format_is_refused(tmp_path):
    for suffix in (".parquet", ".xml"):
        path = tmp_path / f"t{suffix}"
        write_table(TABLES["trajectories"], path, RECIPE)
        whole = path.read_bytes()
        for part in (0.1, 0.5, 0.95):
            path.write_bytes(whole[: int(part * len(whole))])
            with pytest.raises(TableError, match="not a whole"):
                read_table(path)
    write_table(TABLES["trajectories"], tmp_path / "t.geff")
    next((tmp_path / "t.geff" / "nodes" / "props" / "y").rglob("values/.zarray")).unlink()
    with pytest.raises(TableError, match="not a GEFF folder, or not a whole one"):
        read_table(tmp_path / "t.geff")


def test_missing_files_and_places_that_are_taken_are_told(tmp_path):
    for suffix in SUFFIXES:
        with pytest.raises(TableError, match=r"Cannot read|is not a"):
            read_table(tmp_path / f"none{suffix}")
    (tmp_path / "t.geff").write_text("mine")
    with pytest.raises(OutputError, match=r"no GEFF folder\. Choose another name"):
        write_table(TABLES["detections"], tmp_path / "t.geff")
    assert (tmp_path / "t.geff").read_text() == "mine"
    with pytest.raises(TableError, match="Column note holds"):
        write_table(TABLES["detections"].assign(note="a"), tmp_path / "t.xml")


@pytest.mark.parametrize("suffix", [".parquet", ".xml"])
def test_a_recipe_inside_a_table_tells_no_scale_that_is_none(tmp_path, suffix):
    path = damaged(tmp_path, suffix)
    with pytest.warns(GrowtrackWarning, match=r"tells a .* It is left out"):
        assert read_recipe(path) == {"program": PROGRAM, "network": "vesicles", "note": "µm, 粒子"}
    assert len(read_table(path)) == len(TABLES["trajectories"])


def test_axes_tell_the_scale_where_a_recipe_tells_none(tmp_path):
    path = damaged(tmp_path, ".geff")
    assert read_recipe(path) == RECIPE
    pd.testing.assert_series_equal(read_table(path)["y"], TABLES["trajectories"]["y"])


def damaged(folder, suffix):
    """Write a table, and put a recipe into it whose scale is none."""
    path = folder / f"t{suffix}"
    write_table(TABLES["trajectories"], path, RECIPE)
    damage(path, suffix, RECIPE | {"pixel_size": "abc", "frame_time": [1]})
    return path


def damage(path, suffix, recipe):
    if suffix == ".xml":
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(json.dumps(RECIPE, ensure_ascii=False), json.dumps(recipe)), encoding="utf-8")
    elif suffix == ".geff":
        about = json.loads((path / ".zattrs").read_text())
        about["geff"]["extra"][PROGRAM] = recipe
        (path / ".zattrs").write_text(json.dumps(about))
    else:
        found = pyarrow.parquet.read_table(path)
        pyarrow.parquet.write_table(found.replace_schema_metadata({PROGRAM: json.dumps(recipe)}), path)


def test_a_recipe_in_parquet_that_is_nested_without_end_is_none(tmp_path):
    found = pyarrow.Table.from_pandas(TABLES["one frame"])
    pyarrow.parquet.write_table(found.replace_schema_metadata({PROGRAM: "[" * 100_000}), tmp_path / "t.parquet")
    assert read_recipe(tmp_path / "t.parquet") is None


def test_a_flipped_bit_in_parquet_is_noticed(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(TABLES["trajectories"], path)
    whole = bytearray(path.read_bytes())
    whole[600] ^= 16  # within the numbers of a page
    path.write_bytes(whole)
    with pytest.raises(TableError, match="not a Parquet file, or not a whole one"):
        read_table(path)


def test_dates_in_parquet_are_no_numbers(tmp_path):
    frames = pd.to_datetime(["2020-01-01"] * len(TABLES["one frame"]))
    TABLES["one frame"].assign(frame=frames).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r"t.parquet: Column frame must hold numbers, got datetime64"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("column", [["a", 1, 2.5], [object()] * 3])
def test_columns_of_several_kinds_are_not_written_as_parquet(tmp_path, column):
    table = TABLES["trajectories"][:3].assign(note=pd.Series(column, dtype=object))
    with pytest.raises(TableError, match="a column holds values of several kinds"):
        write_table(table, tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".geff", ".xml"])
@pytest.mark.parametrize("bad", [{"frame": 0.5}, {"particle": np.nan}, {"y": np.nan}])
def test_a_table_that_is_none_is_not_written(tmp_path, suffix, bad):
    with pytest.raises(TableError, match="must hold"):
        write_table(TABLES["trajectories"].assign(**bad), tmp_path / f"t{suffix}")
    with pytest.raises(TableError, match="missing y"):
        write_table(TABLES["trajectories"].drop(columns="y"), tmp_path / f"t{suffix}")
    assert not list(tmp_path.iterdir())


# Command line ---------------------------------------------------------------------------------------------------------


def test_a_table_goes_through_all_formats_with_its_units(tmp_path, capsys):
    from napari_growtrack.cli import main

    write_table(TABLES["trajectories"], tmp_path / "t.csv", {"program": PROGRAM})
    source = tmp_path / "t.csv"
    for suffix in (".xml", ".geff", ".parquet"):
        options = ["--pixel-size", "0.1", "--frame-time", "0.02"] if suffix == ".xml" else []
        assert main(["export", str(source), "-o", str(tmp_path / f"t{suffix}"), *options]) == 0
        source = tmp_path / f"t{suffix}"
    capsys.readouterr()
    assert main(["motion", str(source), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diffusion_coefficient"]["unit"] == "µm²/s"
    assert main(["export", str(source), "-o", str(tmp_path / "t.txt")]) == 1
    assert "the name of a table ends in .csv, .parquet, .geff or .xml" in capsys.readouterr().err
