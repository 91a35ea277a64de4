"""A table of tracks has a row for each trajectory, right to the last digit where it can be worked out by hand."""

from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.errors import MotionError, SettingsError, TableError
from napari_growtrack.core.motion import Units, anomalous_exponent, diffusion_of_each
from napari_growtrack.core.motion.tracks import TRACK_COLUMNS, TrackLimits, keep_tracks, measure_tracks
from napari_growtrack.core.tables import empty, read_table, write_table

FILM = Units(pixel_size=0.1, frame_time=0.5)


def track(particle, frames, y, x, **more):
    return pd.DataFrame({"frame": frames, "y": y, "x": x, "particle": particle}).assign(**more)


SQUARE = track(3, [10, 11, 13, 16], [0.0, 0, 4, 4], [0.0, 3, 3, 0], signal=[100.0, 90, 70, 40], q=0.01)
"""Three steps, of 3, 4 and 3 px over 1, 2 and 3 frames."""

LINE = track(1, [0, 1, 2, 3], 5.0, [0.0, 2, 4, 6], signal=[10.0, np.nan, 10, np.nan], q=np.nan)


def walkers(number, frames, step, seed, lost=0.0):
    rng = np.random.default_rng(seed)
    places = rng.normal(0, step, (number, frames, 2)).cumsum(1)
    table = pd.DataFrame(places.reshape(-1, 2), columns=["y", "x"])
    table = table.assign(frame=np.tile(np.arange(frames), number), particle=np.repeat(np.arange(number), frames))
    return table[rng.random(len(table)) >= lost]


@pytest.mark.parametrize(
    ("name", "pixels", "micrometres"),
    [
        ("first_frame", 10, 10),
        ("last_frame", 16, 16),
        ("length", 4, 4),
        ("gaps", 2, 2),
        ("missed_frames", 3, 3),
        ("duration", 6, 3),
        ("y", 2, 2),
        ("x", 1.5, 1.5),
        ("net_distance", 4, 0.4),
        ("path_length", 10, 1),
        ("straightness", 0.4, 0.4),
        ("mean_speed", (3 / 1 + 4 / 2 + 3 / 3) / 3, 0.4),
        ("max_speed", 3, 0.6),
        ("radius_of_gyration", 2.5, 0.25),
        ("mean_signal", 75, 75),
        ("signal_slope", -10, -20),
        ("q", 0.08**4, 0.08**4),
    ],
)
def test_a_track_that_can_be_worked_out_by_hand(name, pixels, micrometres):
    both = pd.concat([LINE, SQUARE])
    for units, expected in ((None, pixels), (FILM, micrometres)):
        for rows in (both, both.sample(frac=1, random_state=0)):  # the order of rows is of no matter
            found = measure_tracks(rows, units).set_index("particle")
            assert found.index.tolist() == [1, 3]
            assert found.loc[3, name] == pytest.approx(expected)


def test_what_a_straight_dim_and_short_track_tells():
    (found,) = measure_tracks(LINE).to_dict("records")
    assert (found["straightness"], found["mean_speed"], found["gaps"]) == (1, 2, 0)
    assert found["mean_signal"] == 10
    unknown = {"signal_slope", "diffusion_coefficient", "diffusion_low", "diffusion_high", "q"}
    assert {name for name, value in found.items() if value != value} == unknown


def test_a_single_detection_and_one_that_never_moves_are_ordinary():
    table = pd.concat([track(1, [4], 2.0, 3.0), track(2, [0, 1], 7.0, 7.0)])
    found = measure_tracks(table).set_index("particle")
    assert found["length"].tolist() == [1, 2]
    assert found[["net_distance", "path_length", "radius_of_gyration"]].to_numpy().tolist() == [[0, 0, 0]] * 2
    assert np.isnan(found["straightness"]).all()
    assert np.isnan(found.loc[1, "max_speed"])
    assert found.loc[2, "max_speed"] == 0


def test_a_table_without_rows_has_the_columns_of_a_full_one():
    found = measure_tracks(empty(SQUARE.columns))
    full = measure_tracks(SQUARE)
    assert (len(found), [*found]) == (0, [*full])
    assert (found.dtypes == full.dtypes).all()


def test_columns_are_those_that_are_declared_in_their_order():
    found = [*measure_tracks(pd.concat([walkers(1, 40, 0.5, 0), SQUARE]), exponent=True)]
    assert found == [*TRACK_COLUMNS]
    known = [*measure_tracks(SQUARE.drop(columns=["signal", "q"]))]
    assert known == [name for name in found if name not in {"mean_signal", "signal_slope", "q"} and "expo" not in name]
    units = {column.unit(FILM) for column in TRACK_COLUMNS.values()}
    assert units == {"", "detections", "frames", "s", "px", "µm", "µm/s", "µm²/s", "counts", "counts/s"}
    assert all(column.about.endswith(".") for column in TRACK_COLUMNS.values())


def test_diffusion_and_exponent_of_each_are_those_of_the_estimators():
    table = walkers(2, 40, 1.0, seed=1, lost=0.05)
    found = measure_tracks(table, FILM, exponent=True)
    expected = diffusion_of_each(table, FILM)
    names = ["diffusion_coefficient", "diffusion_low", "diffusion_high"]
    np.testing.assert_array_equal(found[names], expected[["diffusion_coefficient", "low", "high"]])
    for row in found.itertuples():
        told = anomalous_exponent(table[table["particle"] == row.particle], FILM)
        np.testing.assert_array_equal(
            [row.exponent, row.exponent_low, row.exponent_high], [told.value, told.low, told.high]
        )


def test_intervals_of_brownian_tracks_hold_the_truth():
    found = measure_tracks(walkers(400, 200, 1.0, seed=7, lost=0.05), FILM)
    truth = 0.5 * 0.1**2 / 0.5
    assert found["diffusion_coefficient"].mean() == pytest.approx(truth, rel=0.03)
    held = (found["diffusion_low"] <= truth) & (truth <= found["diffusion_high"])
    assert 0.9 < held.mean() < 0.98
    # a walk of n steps: the mean square distance from the middle is n/6 times that of a step, of 2 px² a frame
    assert np.square(found["radius_of_gyration"]).mean() == pytest.approx(2 * 200 / 6 * 0.1**2, rel=0.06)


def test_a_mirror_or_a_shift_of_the_film_changes_nothing_but_places():
    table = walkers(20, 30, 1.0, seed=3, lost=0.1)
    moved = table.assign(y=100 - table["y"], x=table["x"] + 40, frame=table["frame"] + 5)
    same = [name for name in measure_tracks(table) if name not in {"y", "x", "first_frame", "last_frame"}]
    pd.testing.assert_frame_equal(measure_tracks(table)[same], measure_tracks(moved)[same])


def test_ghosts_that_do_not_live_are_told_by_their_q():
    """Detections of noise and of particles, with `q` as it is defined, and chance links between those of noise."""
    rng = np.random.default_rng(5)
    ghosts = pd.concat([track(n, np.arange(1 + n % 3), 0.0, 0.0, q=rng.uniform(0.1, 0.3)) for n in range(200)])
    real = pd.concat([track(n, np.arange(8), 0.0, 0.0, q=rng.uniform(0, 0.02, 8)) for n in range(500, 600)])
    found = measure_tracks(pd.concat([ghosts, real])).set_index("particle")["q"]
    assert (found.loc[500:] < 1e-6).all()
    assert 0 <= (found.loc[:199] <= 0.01).sum() <= 3  # one in a hundred of what a limit of 0.01 keeps may be a ghost
    assert found.idxmax() < 200
    assert found.max() == pytest.approx(200 / 300, abs=0.1)  # of all, two thirds are ghosts


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        (SQUARE.drop(columns="particle"), TableError, "particle"),
        (pd.concat([SQUARE, SQUARE]), MotionError, "twice in frame 10"),
    ],
)
def test_what_is_no_table_of_trajectories_is_refused(table, error, said):
    with pytest.raises(error, match=said):
        measure_tracks(table)


def test_an_exposure_that_cannot_be_is_refused_before_any_exponent():
    with pytest.raises(MotionError, match="longer than"):
        measure_tracks(SQUARE, Units(frame_time=0.1, exposure_time=0.5), exponent=True)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_of_tracks_is_kept_by_the_formats_of_tables(tmp_path, ending):
    found = measure_tracks(pd.concat([LINE, SQUARE]), FILM)
    write_table(found, tmp_path / f"tracks{ending}", {"program": "napari-growtrack"})
    again = read_table(tmp_path / f"tracks{ending}", ("particle",))
    pd.testing.assert_frame_equal(again, found, rtol=1e-9, check_dtype=ending != ".csv")


# choosing


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, [1, 3]),
        ({"straightness": (0.5, None)}, [1]),
        ({"straightness": (None, 0.5)}, [3]),
        ({"length": (4, 4), "gaps": (None, 0)}, [1]),
        ({"signal_slope": (None, 0)}, [3]),  # what is not known lies outside
        ({"max_speed": (0.5, 0.7)}, [3]),
    ],
)
def test_whole_trajectories_are_kept_by_any_column(limits, kept):
    both = pd.concat([LINE, SQUARE], ignore_index=True)
    found = keep_tracks(both, limits, FILM)
    pd.testing.assert_frame_equal(found, both[both["particle"].isin(kept)].reset_index(drop=True))


def test_the_exponent_is_measured_only_where_a_limit_asks_for_it():
    table = walkers(1, 40, 1.0, seed=2)
    assert not TrackLimits.of({"length": (3, None)}).needs_exponent
    assert keep_tracks(table, {"exponent": (2.5, None)}).empty


def test_limits_on_what_there_is_not_are_refused():
    with pytest.raises(SettingsError, match="column of tracks, got lenght"):
        keep_tracks(SQUARE, {"lenght": (3, None)})
    with pytest.raises(TableError, match="Expected a column q"):
        keep_tracks(SQUARE.drop(columns="q"), {"q": (None, 0.01)})


def test_trackmate_is_told_what_each_track_tells_under_its_own_names(tmp_path):
    both = pd.concat([LINE, SQUARE], ignore_index=True)
    path, scale = tmp_path / "film.xml", {"program": "napari-growtrack", "pixel_size": 0.1, "frame_time": 0.5}
    write_table(both, path, scale, measure_tracks(both, FILM))
    root = Xml.parse(path).getroot()
    told = {track.get("TRACK_ID"): track.attrib for track in root.iterfind("Model/AllTracks/Track")}
    assert (told["3"]["NUMBER_SPOTS"], told["3"]["NUMBER_GAPS"]) == ("4", "2")
    assert float(told["3"]["TOTAL_DISTANCE_TRAVELED"]) == pytest.approx(1)
    assert float(told["3"]["TRACK_MEAN_SPEED"]) == pytest.approx(0.4)
    assert float(told["1"]["CONFINEMENT_RATIO"]) == pytest.approx(1)
    declared = {one.get("feature"): one for one in root.iterfind("Model/FeatureDeclarations/TrackFeatures/Feature")}
    assert {*told["3"]} - {"name"} == {*declared}
    assert (declared["TRACK_MAX_SPEED"].get("dimension"), declared["NUMBER_GAPS"].get("isint")) == ("VELOCITY", "true")
    assert len(read_table(path)) == len(both)


def test_a_track_of_trackmate_that_divides_has_no_features_of_one_trajectory(tmp_path):
    split = pd.concat([track(1, [0, 1], 0.0, 0.0), track(2, [2, 3], 1.0, 0.0), track(3, [2, 3], -1.0, 0.0)])
    split = split.assign(parent=[-1, -1, 1, 1, 1, 1]).reset_index(drop=True)
    write_table(split, tmp_path / "film.xml", None, measure_tracks(split))
    (one,) = Xml.parse(tmp_path / "film.xml").getroot().iterfind("Model/AllTracks/Track")
    assert {*one.attrib} == {"name", "TRACK_INDEX", "TRACK_ID", "NUMBER_SPOTS"}
