"""What tables promise at their edges: units, limits, names, axes and links, each by hand."""

import math
from types import SimpleNamespace
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import TableError
from napari_growtrack.core.tables import (
    PROGRAM,
    Limits,
    check,
    look_like_particles,
    relatives_of_joined,
    relatives_of_parts,
    write_table,
)
from napari_growtrack.core.tables.columns import numbers_of
from napari_growtrack.core.tables.csv_files import as_csv, is_recipe
from napari_growtrack.core.tables.geff_axes import OWN, frames_of, known_of, layout_of, scale_of
from napari_growtrack.core.tables.geff_files import _rows, _scaled
from napari_growtrack.core.tables.geff_files import _shortened as shortened
from napari_growtrack.core.tables.lineages import families, links_of, with_particles
from napari_growtrack.core.tables.scales import checked, cleaned, is_size, micrometres, sane, seconds

POINT = pd.DataFrame({"frame": [0], "y": [1.0], "x": [2.0]})

# Units ---------------------------------------------------------------------------------------------------------------

LENGTHS = {
    "m": 1e6, "meter": 1e6, "metres": 1e6, "picometer": 1e-6, "nanometre": 1e-3, "micrometer": 1, "Micrometers": 1,
    "millimetre": 1e3, "centimeter": 1e4, "kilometer": 1e9, "µm": 1, "μm": 1, " um ": 1, "micron": 1, "microns": 1,
    "nm": 1e-3, "pm": 1e-6, "mm": 1e3, "cm": 1e4, "angstrom": 1e-4, "Å": 1e-4, "inch": 25400,
}  # fmt: skip
TIMES = {
    "second": 1, "seconds": 1, "picosecond": 1e-12, "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3,
    "centisecond": 1e-2, "kilosecond": 1e3, "s": 1, "sec": 1, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6, "us": 1e-6,
    "ns": 1e-9, "min": 60, "minutes": 60, "h": 3600, "hour": 3600, "days": 86400,
}  # fmt: skip


def test_units_are_what_they_are_called():
    assert {unit: micrometres(unit) for unit in LENGTHS} == pytest.approx(LENGTHS)
    assert {unit: seconds(unit) for unit in TIMES} == pytest.approx(TIMES)
    for unit in (None, "", "pixel", "frame", "micro", "arbitrary"):
        assert micrometres(unit) is seconds(unit) is None


def test_a_scale_is_a_finite_number_above_0():
    assert [is_size(value) for value in (1, 1e-300, 0, -1, math.nan, math.inf, True, "1", None)] == [True] * 2 + [
        False
    ] * 7
    assert sane({"pixel_size": 0, "frame_time": 0.1, "seed": 0}) == {"frame_time": 0.1, "seed": 0}
    assert cleaned(None, "t.csv") is None
    assert cleaned({"pixel_size": None, "seed": 0}, "t.csv") == {"seed": 0}
    assert checked(None) is None
    for value, told in (("9" * 38, repr("9" * 38)), ("9" * 39, f"'{'9' * 39}..."), ([1], "a list")):
        with pytest.raises(TableError, match=rf"Expected a pixel_size .* got {told}\. Mend"):
            checked({"pixel_size": value})


# Columns -------------------------------------------------------------------------------------------------------------


def test_the_largest_numbers_that_fit_are_kept():
    table = check(POINT.assign(frame=9_999_999, y=1e12, x=-1e12, particle=float(2**53)), [*POINT, "particle"])
    assert table.iloc[0].tolist() == [9_999_999, 1e12, -1e12, 2**53]
    assert check(POINT.assign(particle=np.uint64(2**63 - 1)), ["particle"]).particle[0] == 2**63 - 1
    assert check(POINT.assign(particle=-(2.0**53)), ["particle"]).particle[0] == -(2**53)
    with pytest.raises(TableError, match="must hold a whole number, got"):
        check(POINT.assign(particle=2.0**53 + 2), ["particle"])
    with pytest.raises(TableError, match=r"a whole number below 9223372036854775808, got 9223372036854775808 in row 0"):
        check(POINT.assign(particle=np.uint64(2**63)), ["particle"])


def test_of_many_columns_twelve_are_named():
    names = [f"c{number}" for number in range(12)]
    with pytest.raises(TableError, match=r"got c0, .*, c11\. Rename"):
        check(pd.DataFrame(columns=names))
    with pytest.raises(TableError, match=r"got c0, .*, c11 and 2 more\. Rename"):
        check(pd.DataFrame(columns=[*names, "d", "e"]))
    with pytest.raises(TableError, match=r"got none\. Rename"):
        check(pd.DataFrame())


@pytest.mark.parametrize(("letters", "end"), [(60, "a in row 0"), (61, r"a\.\.\. in row 0")])
def test_long_values_are_shortened_after_sixty_letters(letters, end):
    with pytest.raises(TableError, match=rf"got a{{59}}{end}"):
        check(POINT.assign(y="a" * letters))


def test_formats_of_numbers_take_numbers():
    for values in ([1], [True], [1.5], np.array([1], np.uint8)):
        assert len(numbers_of(pd.DataFrame({"a": values}), "a", "GEFF")) == 1
    for values in (["b"], pd.to_datetime(["2020-01-01"]), [1j]):
        with pytest.raises(TableError, match=r"Column a holds .*; GEFF takes numbers only\. Drop"):
            numbers_of(pd.DataFrame({"a": values}), "a", "GEFF")


def test_csv_has_ten_digits_and_a_header_where_asked():
    table = pd.DataFrame({"a": [1 / 3], "b": [2]})
    assert as_csv(table) == b"a,b\n0.3333333333,2\n"
    assert as_csv(table, header=False) == b"0.3333333333,2\n"


def test_a_recipe_is_ours_or_no_more_than_a_scale():
    for found in ({"program": PROGRAM, "a": 1}, {"pixel_size": 1}, {"pixel_size": 1, "frame_time": 2}):
        assert is_recipe(found)
    for found in ({}, [], None, {"a": 1}, {"pixel_size": 1, "a": 1}, {"program": "another"}):
        assert not is_recipe(found)


def test_limits_keep_both_ends_and_what_is_known():
    table = pd.DataFrame({"radius": [1, 3, 0.9, 3.1, np.nan, 2], "signal": [5.0, 5, 5, 5, 5, 4]})
    assert Limits.of({"radius": (1, 3), "signal": (5, None)}).inside(table).tolist() == [True] * 2 + [False] * 4
    assert Limits().inside(table).all()
    with pytest.raises(TableError, match=r"Expected a column q, got radius, signal\. Track the film anew\."):
        Limits.of({"q": (0, 1)}).inside(table)
    assert Limits.of({"radius": (2, 2)}).of_column("radius") == (2, 2)


@pytest.mark.parametrize(
    ("ratios", "like"),
    [
        ([1.0] * 13 + [3.0, 9] * 3 + [9], False),  # 7 of 20 are long, but the middle half is round
        ([1.0] * 14 + [2.1, 9] * 4 + [2.1, 9], False),
        ([1.0] * 16 + [2.0] * 14, True),  # twice as long is not more than twice
        ([1.0] * 20 + [9.0] * 10, True),  # a third is not more than a third
        ([1.0] * 6 + [2.5, 9] * 6 + [9], True),  # 19
        ([1.0] * 6 + [2.5, 9] * 7, False),  # 20
        ([2.2, 3.2] * 20, True),
        ([2.2, 3.4] * 20 + [np.nan, np.inf] * 30, False),
        ([2.2, 3.4] * 20, False),
        ([2.2, 3.2, 2.6, 2.6] * 10, True),
    ],
)
def test_likeness_at_its_edges(ratios, like):
    assert look_like_particles(pd.DataFrame({"axis_ratio": ratios})) is like


# Links ---------------------------------------------------------------------------------------------------------------

BRANCHES = pd.DataFrame(
    [(0, 5, -1, -1), (1, 5, -1, -1), (2, 3, 5, 8), (2, 4, 5, 8), (3, 3, 5, 8), (4, 8, -1, -1), (0, 9, -1, -1)],
    columns=["frame", "particle", "parent", "child"],
)


def test_links_lead_along_trajectories_and_into_the_next():
    assert links_of(BRANCHES).tolist() == [[0, 1], [1, 2], [1, 3], [2, 4], [3, 5], [4, 5]]
    assert links_of(BRANCHES.drop(columns="parent")).tolist() == [[0, 1], [2, 4], [3, 5], [4, 5]]
    assert links_of(BRANCHES.drop(columns="child")).tolist() == [[0, 1], [1, 2], [1, 3], [2, 4]]
    assert links_of(BRANCHES.drop(columns="particle")).shape == links_of(BRANCHES[:1]).shape == (0, 2)
    backwards = BRANCHES.assign(parent=[8, 8, -1, -1, -1, -1, 77], child=-1)  # out of what comes later, and of none
    assert links_of(backwards).tolist() == [[0, 1], [2, 4]]
    assert links_of(BRANCHES[:2]).tolist() == [[0, 1]]


def test_links_alone_say_who_is_a_particle_and_who_comes_out_of_whom():
    rows = BRANCHES[["frame"]]
    told = with_particles(rows, np.array([[1, 0], [1, 2], [1, 3], [4, 2], [5, 4], [3, 5], [3, 5], [2, 3]]))
    mine = told["particle"].to_numpy()
    assert mine[0] == mine[1] != mine[2] == mine[4] != mine[3] != mine[5]
    assert len({*mine}) == 5
    assert told["parent"].tolist() == [-1, -1, mine[0], mine[0], mine[0], -1, -1]
    assert told["child"].tolist() == [-1, -1, mine[5], mine[5], mine[5], -1, -1]
    plain = with_particles(BRANCHES, np.array([[0, 1]]))
    assert not {"parent", "child"} & {*plain}


def test_numbers_from_before_are_kept_by_the_first_who_has_them():
    table = pd.DataFrame({"frame": [0, 1, 2, 3, 0, 5], "particle": [7, 7, 7, 7, -1, np.nan]})
    told = with_particles(table, np.array([[0, 1], [2, 3]]))
    assert told["particle"].tolist() == [7, 7, 8, 8, 9, 10]
    assert with_particles(table.assign(particle=-1), np.array([[0, 1]]))["particle"].tolist() == [0, 0, 1, 2, 3, 4]
    assert with_particles(table[:0], np.empty((0, 2)))["particle"].tolist() == []


def test_families_have_the_least_number_of_their_own():
    assert families(np.array([2, 4, 5, 9]), np.array([[9, 4], [4, 4]])) == {2: 2, 4: 4, 5: 5, 9: 4}


def test_relatives_follow_numbers_that_change():
    later = (BRANCHES["particle"] == 5) & (BRANCHES["frame"] >= 1)
    parts = relatives_of_parts(BRANCHES, later, 5, 10)
    assert parts["parent"].tolist() == [-1, -1, 10, 10, 10, -1, -1]
    assert parts["child"].tolist() == [-1, -1, 8, 8, 8, -1, -1]
    assert relatives_of_parts(BRANCHES[["frame", "particle"]], later, 5, 10).equals(BRANCHES[["frame", "particle"]])
    joined = relatives_of_joined(BRANCHES, BRANCHES["particle"].isin([3, 8]), 3)
    assert joined["parent"].tolist() == [-1, -1, 5, 5, 5, 5, -1]
    assert joined["child"].tolist() == [-1, -1, -1, 3, -1, -1, -1]


def test_edges_are_rows_of_the_nodes_they_name():
    nodes = np.array([30, 10, 20], np.uint64)
    assert _rows(nodes, np.array([[10, 30], [20, 10]], np.uint64)).tolist() == [[1, 0], [2, 1]]
    assert _rows(nodes, np.empty((0, 2), np.uint64)).shape == (0, 2)
    for named in (9, 15, 31):
        with pytest.raises(TableError, match="edges that name no node"):
            _rows(nodes, np.array([[10, named]], np.uint64))
    with pytest.raises(TableError, match="edges that name no node"):
        _rows(nodes[:0], np.array([[10, 20]], np.uint64))
    with pytest.raises(TableError, match="several nodes of one number"):
        _rows(nodes[[0, 0]], np.array([[30, 30]], np.uint64))


# Axes of GEFF --------------------------------------------------------------------------------------------------------


def axis(name, kind=None, unit=None, scale=None, scaled_unit=None):
    return SimpleNamespace(name=name, type=kind, unit=unit, scale=scale, scaled_unit=scaled_unit)


def told(*axes, hints=None, extra=None, props=()):
    return SimpleNamespace(
        axes=axes or None, display_hints=hints, extra=extra, node_props_metadata=dict.fromkeys(props)
    )


def hints(t, y, x):
    return SimpleNamespace(display_time=t, display_vertical=y, display_horizontal=x)


T, Y, X = axis("t", "time"), axis("y", "space"), axis("x", "space")


@pytest.mark.parametrize(
    ("about", "chosen"),
    [
        (told(T, Y, X), "tyx"),
        (told(T, X, Y), "tyx"),
        (told(axis("t"), axis("y"), axis("x")), "tyx"),
        (told(props=["x", "id", "frame", "y"]), ("frame", "y", "x")),
        (told(props=["cell_x", "time", "cell_y"]), ("time", "cell_y", "cell_x")),
        (told(T, axis("a", "space"), axis("b", "space"), axis("c", "space")), "tbc"),
        (told(T, Y, X, hints=hints(None, "x", "y")), "txy"),
        (told(T, Y, X, hints=hints(None, None, None)), "tyx"),
    ],
)
def test_axes_are_found_by_kind_name_or_order(about, chosen):
    layout = layout_of(about)
    assert (layout.t, layout.y, layout.x) == tuple(chosen)


@pytest.mark.parametrize(
    ("about", "there"),
    [
        (told(), "none"),
        (told(props=["t", "a", "b"]), "none"),
        (told(T, Y), r"t \(time\), y \(space\)"),
        (told(Y, X), r"y \(space\), x \(space\)"),
        (told(T, Y, X, hints=hints("t", "x", "x")), r"t \(time\), y \(space\), x \(space\)"),
    ],
)
def test_what_axes_there_are_is_told_where_some_are_missing(about, there):
    with pytest.raises(TableError, match=rf"Expected one axis of time and two of space, got {there}\. Name them"):
        layout_of(about)


def space(unit=None, scale=None, scaled_unit=None, known=None, extra=None, of_y=None):
    y = axis("y", "space", unit, of_y or scale, scaled_unit)
    layout = layout_of(told(T, y, axis("x", "space", unit, scale, scaled_unit), extra=extra))
    found = scale_of(layout, {} if known is None else {"pixel_size": known})
    return found.y, found.x, found.pixel_size, found.assumed


EDITED = {"funtracks": {"version": "2"}, "tracksdata": {"scale": [9, 0.25, 0.5]}}


@pytest.mark.parametrize(
    ("given", "y", "x", "size", "assumed"),
    [
        ({}, 1, 1, None, ""),
        ({"known": 0.3}, 1, 1, 0.3, ""),
        ({"unit": "pixel", "scale": 0.1, "scaled_unit": "mm"}, 1, 1, 100, ""),
        ({"unit": "pixel", "scale": 0.1, "scaled_unit": "mm", "known": 0.3}, 1, 1, 100, ""),
        ({"unit": "pixel", "scale": 0.1, "scaled_unit": "mm", "of_y": 0.3}, 3, 1, 100, ""),
        ({"unit": "pixel", "scale": -1.0, "scaled_unit": "mm"}, 1, 1, None, ""),
        ({"unit": "mm", "scale": 4.0, "scaled_unit": "pixels"}, 4, 4, 250, ""),
        ({"unit": "mm"}, 1, 1, 1000, "mm"),
        ({"unit": "mm", "scale": 1.0}, 1, 1, 1000, "mm"),
        ({"unit": "mm", "known": 2.0}, 500, 500, 2, ""),
        ({"extra": {"funtracks": {}}, "scale": 0.5}, 2, 2, None, ""),
        ({"extra": {"funtracks": {}}, "scale": 0.5, "known": 0.25}, 4, 4, 0.25, ""),
        ({"extra": {"funtracks": {"version": "2"}}, "scale": 0.5}, 1, 1, None, ""),
        ({"extra": EDITED}, 4, 2, None, ""),
        ({"extra": EDITED | {"tracksdata": {"scale": [0.5]}}}, 1, 1, None, ""),
        ({"extra": EDITED | {"tracksdata": {"scale": [0.5, 0.5]}}}, 2, 2, None, ""),
        ({"extra": EDITED | {"tracksdata": {"scale": [0, 0]}}}, 1, 1, None, ""),
        ({"extra": EDITED | {"funtracks": {}}, "scale": 0.1}, 10, 10, None, ""),
    ],
)
def test_values_become_pixels_by_what_axes_and_editors_tell(given, y, x, size, assumed):
    assert space(**given) == (pytest.approx(y), pytest.approx(x), size and pytest.approx(size), assumed)


def test_a_recipe_or_else_each_node_tells_the_scale():
    props = {name: np.array([np.nan, 0.5, 0.5, 0.7]) for name in OWN}
    layout = layout_of(told(T, Y, X))
    assert known_of(layout, props) == dict.fromkeys(OWN.values(), 0.5)
    assert known_of(layout_of(told(T, Y, X, extra={PROGRAM: {"seed": 1}})), props) == {"seed": 1}
    pixel = "growtrack_pixel_size"
    for none in (np.array([np.nan]), np.array([-1.0]), np.array(["a"])):
        assert known_of(layout, {pixel: none}) == {}
    assert layout.needed({"t": 0, "y": 0, "frame": 0, pixel: 0}) == ["t", "frame", pixel]


@pytest.mark.parametrize(
    ("times", "more", "known", "frames", "step"),
    [
        ([0.0, 60, 120], {}, {}, [0, 1, 2], 60),
        ([0.0, 60, 120], {}, {"frame_time": 3}, [0, 1, 2], 3),
        ([7, 7, 7], {}, {}, [0, 0, 0], None),
        ([120.0, 180, 300], {}, {}, [2, 3, 5], 60),
        ([-60.0, 0, 60], {}, {}, [0, 1, 2], 60),
        ([0.0, 60, 122], {}, {}, [0, 1, 2], 60),  # within a twentieth of a step
        ([0.0, 60, 180], {"FRAME": [5, 7, 11]}, {}, [5, 7, 11], 30),
        ([180.0, 0, 60], {"frame": [3, 0, 1]}, {}, [3, 0, 1], 60),
        ([0.0, 60, 180], {"Frame": [5, 5, 5]}, {}, [5, 5, 5], None),
        ([180.0, 60, 0], {"frame": [5, 7, 11]}, {}, [5, 7, 11], None),  # backwards
        ([0.0, 1e-12, 60], {}, {}, [0, 0, 1], 60),  # what differs by rounding is one time
        ([np.nan, 0, 60], {}, {}, [np.nan, 0, 60], None),
    ],
)
def test_times_are_frames_of_even_steps(times, more, known, frames, step):
    layout = layout_of(told(axis("t", "time", "second"), Y, X))
    props = {"t": np.array(times), **{name: np.array(each) for name, each in more.items()}}
    found, seconds_ = frames_of(layout, props, known)
    np.testing.assert_array_equal(found, frames)
    assert seconds_ == (step and pytest.approx(step))


def test_times_that_are_frames_stay_what_they_are():
    props = {"t": np.array([3, 5])}
    scaled = axis("t", "time", "frame", 20.0, "millisecond")
    assert frames_of(layout_of(told(scaled, Y, X)), props, {"frame_time": 7})[1] == pytest.approx(0.02)
    for plain in (T, axis("t", "time", "frame", 3.0), axis("t", "time", "frame", -1.0, "second")):
        found, step = frames_of(layout_of(told(plain, Y, X)), props, {"frame_time": 7})
        assert (found.tolist(), step) == ([3, 5], 7)
    minutes = layout_of(told(axis("t", "time", "minute"), Y, X))
    assert frames_of(minutes, {"t": np.array([0.0, 0.5])}, {})[1] == pytest.approx(30)
    with pytest.raises(TableError, match="Axis t holds times that are not evenly spaced"):
        frames_of(minutes, {"t": np.array([0.0, 1, 2.06])}, {})


def test_only_numbers_are_scaled_and_long_reasons_shortened():
    props = {"y": np.array([1, 2]), "x": np.array(["a"])}
    assert _scaled(props, "y", 2.5).tolist() == [2.5, 5]
    assert _scaled(props, "y", 1.0) is props["y"]
    assert _scaled(props, "x", 2.5) is props["x"]
    assert shortened("a \n b" + "c" * 197) == "a b" + "c" * 197
    assert shortened("a" * 201) == "a" * 200 + "..."


# TrackMate's files ---------------------------------------------------------------------------------------------------


def written(path, table, *more):
    write_table(table, path, *more)
    return Xml.parse(path).getroot()


def test_trackmate_is_told_which_features_are_whole_numbers_and_of_what_kind(tmp_path):
    table = pd.DataFrame({"frame": [0, 1], "y": 1.0, "x": 2.0, "particle": 4, "votes": 3, "sigma": 0.5, "sure": True})
    tracks = pd.DataFrame({"particle": [4], "length": [2], "gaps": [0], "duration": [0.5], "mean_drift": [0.25]})
    root = written(tmp_path / "t.xml", table, {"pixel_size": 0.5}, tracks)
    features = {each.get("feature"): each for each in root.iterfind("Model/FeatureDeclarations/*/Feature")}
    assert {name for name, each in features.items() if each.get("isint") == "true"} == {
        "FRAME", "VISIBILITY", "SPOT_SOURCE_ID", "SPOT_TARGET_ID", "TRACK_INDEX", "TRACK_ID", "NUMBER_SPOTS",
        "PARTICLE", "VOTES", "SURE", "NUMBER_GAPS",
    }  # fmt: skip
    kinds = {name: each.get("dimension") for name, each in features.items()}
    assert [kinds[name] for name in ("POSITION_X", "POSITION_T", "RADIUS", "LINK_COST", "TRACK_DURATION")] == [
        "POSITION", "TIME", "LENGTH", "COST", "TIME",
    ]  # fmt: skip
    assert (features["MEAN_DRIFT"].get("name"), kinds["MEAN_DRIFT"]) == ("Mean drift", "NONE")
    (track,) = root.iterfind("Model/AllTracks/Track")
    names = ("TRACK_ID", "TRACK_INDEX", "NUMBER_SPOTS", "NUMBER_GAPS", "TRACK_DURATION", "MEAN_DRIFT")
    assert [track.get(name) for name in names] == ["4", "0", "2", "0", "0.5", "0.25"]
    assert "LENGTH" not in features
    assert root.find("Model").get("spatialunits") == "micron"
    assert root.find("Model").get("timeunits") == "frame"


def test_trackmates_image_is_as_large_as_the_detections_reach(tmp_path):
    table = pd.DataFrame({"frame": [2, 4], "y": [1.9, 8.2], "x": [20.7, 3.0]})
    recipe = {"pixel_size": 0.5, "frame_time": 2.0}
    for some, size in ((table, (9, 21, 5)), (table[:0], (1, 1, 1))):
        settings = written(tmp_path / "t.xml", some, recipe).find("Settings")
        image, basic = settings.find("ImageData"), settings.find("BasicSettings")
        assert tuple(int(image.get(name)) for name in ("height", "width", "nframes")) == size
        assert tuple(int(basic.get(name)) + 1 for name in ("yend", "xend", "tend")) == size
        assert {basic.get(name) for name in ("xstart", "ystart", "zstart", "zend", "tstart")} == {"0"}
        assert [image.get(name) for name in ("pixelwidth", "pixelheight", "timeinterval")] == ["0.5", "0.5", "2.0"]


def test_trackmates_spots_are_lengths_and_times(tmp_path):
    table = pd.DataFrame({"frame": [0, 3], "y": [1.0, 2.0], "x": [4.0, 6.0], "radius": [2.0, 3.0]})
    recipe = {"pixel_size": 0.5, "frame_time": 2.0}
    spots = [*written(tmp_path / "t.xml", table, recipe).iter("Spot")]
    told_of = ("POSITION_X", "POSITION_Y", "POSITION_T", "FRAME", "RADIUS", "QUALITY")
    assert [[float(spot.get(name)) for name in told_of] for spot in spots] == [
        [2, 0.5, 0, 0, 1, 1],
        [3, 1, 6, 3, 1.5, 1],
    ]
    sure = table.drop(columns="radius").assign(distance=[0.5, np.nan])
    spots = [*written(tmp_path / "t.xml", sure).iter("Spot")]
    assert [[float(spot.get(name)) for name in ("QUALITY", "RADIUS")] for spot in spots] == [[-0.5, 3], [1, 3]]
    spots = [*written(tmp_path / "t.xml", sure.assign(significance=[7.0, 8.0])).iter("Spot")]
    assert [spot.get("QUALITY") for spot in spots] == ["7.0", "8.0"]


def test_trackmates_tracks_are_all_that_links_join(tmp_path):
    table = BRANCHES.assign(y=1.0, x=1.0)
    root = written(tmp_path / "t.xml", pd.concat([table, table[:2].assign(particle=12)], ignore_index=True))
    tracks = {track.get("TRACK_ID"): track for track in root.iter("Track")}
    assert {number: track.get("NUMBER_SPOTS") for number, track in tracks.items()} == {"3": "6", "12": "2"}
    edges = [(int(e.get("SPOT_SOURCE_ID")), int(e.get("SPOT_TARGET_ID"))) for e in tracks["3"]]
    assert edges == [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 5)]
    assert [track.get("TRACK_INDEX") for track in tracks.values()] == ["0", "1"]
    assert [each.get("TRACK_ID") for each in root.find("Model/FilteredTracks")] == ["3", "12"]
