"""Linking: the right detections belong together, whatever the table looks like, and crowds end in a sentence."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.detection import detect
from napari_growtrack.core.errors import GrowtrackWarning, LinkingError, SettingsError, TableError
from napari_growtrack.core.linking import (
    Linking,
    drop_doubtful,
    drop_short,
    iter_link,
    iter_linkage,
    link,
    repeated_frames,
    suggest_radius,
)
from napari_growtrack.core.linking.judging import score_links
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.progress import finish
from napari_growtrack.core.scoring import score
from napari_growtrack.core.simulation import Motion, named_scene, simulate_film
from napari_growtrack.core.simulation.paths import brownian_paths


def film(particles=40, frames=30, diffusion=1.0, lost=0.03, side=300.0, seed=0):
    table = brownian_paths(np.random.default_rng(seed), particles, frames, diffusion, lost=lost, side=side)
    return table.rename(columns={"particle": "truth"})


def test_links_are_those_of_the_truth():
    linked = link(film(), Linking(search_radius=7, memory=3))
    purity, completeness = score_links(linked)
    assert purity > 0.98
    assert completeness > 0.98
    assert linked.particle.dtype == np.int64


def test_links_are_those_of_laptrack():
    """An independent linker by linear assignment, where neighbours are far enough apart to agree."""
    from laptrack import LapTrack

    table = film(particles=15, lost=0.0, side=600.0)
    tracker = LapTrack(cutoff=7**2, gap_closing_cutoff=False, splitting_cutoff=False, merging_cutoff=False)
    found, _, _ = tracker.predict_dataframe(
        table.assign(row=table.index), coordinate_cols=["y", "x"], frame_col="frame", only_coordinate_cols=False
    )
    theirs = table.assign(theirs=found.reset_index(drop=True).set_index("row").track_id.reindex(table.index))
    both = theirs.assign(particle=link(table, Linking(search_radius=7)).particle)
    assert both.groupby("particle").theirs.nunique().max() == 1
    assert both.groupby("theirs").particle.nunique().max() == 1


def test_the_order_of_rows_and_their_labels_do_not_matter():
    table = film()
    shuffled = table.sample(frac=1, random_state=1)
    shuffled.index = [0] * len(shuffled)
    one, other = (link(some, Linking(search_radius=7)).sort_values(["frame", "truth"]) for some in (table, shuffled))
    assert one.groupby("truth").particle.nunique().tolist() == other.groupby("truth").particle.nunique().tolist()
    assert other.frame.is_monotonic_increasing


def test_a_particle_is_remembered_as_long_as_is_asked():
    table = pd.DataFrame({"frame": [0, 1, 4, 5], "y": [5.0, 5.5, 6.0, 6.5], "x": 5.0})
    for memory, particles in ((0, 2), (1, 2), (2, 1)):
        assert link(table, Linking(search_radius=3, memory=memory, min_length=1)).particle.nunique() == particles


@pytest.mark.parametrize("linker", ["trackpy", "evidence"])
@pytest.mark.parametrize("rows", [0, 1, 3], ids=["empty", "one detection", "one frame"])
def test_small_tables_are_ordinary(rows, linker):
    table = pd.DataFrame({"frame": np.zeros(rows, int), "y": 20.0 * np.arange(rows), "x": np.zeros(rows), "votes": 1})
    linked = link(table, Linking(linker=linker, min_length=1, most_false=1))
    assert list(linked)[:5] == ["frame", "y", "x", "votes", "particle"]
    assert linked.particle.dtype == np.int64
    assert linked.particle.tolist() == list(range(rows))


def test_every_frame_is_reported_with_the_time_left():
    steps = list(iter_link(film(frames=10), Linking(search_radius=7)))
    assert [step.doing for step in steps] == [f"linking frame {number}" for number in range(10)]
    assert steps[-1].fraction == 1
    assert steps[-1].seconds_left == 0


def test_bad_tables_are_refused():
    with pytest.raises(TableError, match="missing x"):
        link(pd.DataFrame({"frame": [0], "y": [1.0]}))
    with pytest.raises(TableError, match="Column y must hold a number, got nan in row 1"):
        link(pd.DataFrame({"frame": [0, 1], "y": [1.0, np.nan], "x": [1.0, 1.0]}))
    with pytest.raises(SettingsError, match="search_radius"):
        Linking(search_radius=0)


def test_a_crowd_that_can_be_resolved_by_a_nearer_search_is():
    """A search of 20 px among 400 particles meets hundreds at once; searching less far there still links most."""
    linked = link(film(particles=400, frames=6, diffusion=0.2, side=250.0), Linking(search_radius=20))
    purity, completeness = score_links(linked)
    assert purity > 0.9
    assert completeness > 0.9


def test_a_crowd_that_cannot_be_resolved_ends_in_a_sentence():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"frame": np.repeat([0, 1], 300), "y": rng.uniform(0, 10, 600), "x": rng.uniform(0, 10, 600)})
    with pytest.raises(
        LinkingError, match=r"Frame 1 holds 300 detections so near .* Choose a search radius well below"
    ):
        link(table, Linking(search_radius=30))


@pytest.mark.parametrize(
    ("particle", "purity", "completeness"),
    [([0, 1, 0, 1], 1, 1), ([0, 1, 1, 0], 0, 0), ([0, 1, 0, 2], 1, 0.5), ([0, 1, 2, 3], 1, 0)],
    ids=["right", "swapped", "one missing", "no links"],
)
def test_links_are_judged_by_the_pairs_of_detections_they_join(particle, purity, completeness):
    table = pd.DataFrame({"frame": [0, 0, 1, 1], "truth": [5, 6, 5, 6], "particle": particle})
    assert score_links(table) == (purity, completeness)
    assert score_links(table.assign(truth=[5, 6, 7, 8])).completeness == 1


# The radius -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("diffusion", [0.1, 1.0, 4.0])
def test_the_suggested_radius_follows_the_moves(diffusion):
    suggestion = suggest_radius(film(particles=15, diffusion=diffusion, side=1000.0))
    deviation = np.sqrt(2 * diffusion)
    assert 4 * deviation < suggestion.radius < 6 * deviation
    assert not suggestion.crowded
    assert "nearly all moves are shorter" in suggestion.reason


def test_in_a_crowd_the_suggested_radius_leaves_room_and_says_so():
    suggestion = suggest_radius(film(particles=400, diffusion=4.0, side=200.0))
    assert suggestion.crowded
    assert suggestion.radius < 8
    assert "record faster" in suggestion.warning
    assert suggestion.reason.endswith(suggestion.warning)


def test_where_nothing_moves_a_radius_is_suggested_all_the_same():
    for table in (film()[:0], film(frames=1), pd.DataFrame({"frame": [0, 5], "y": [1.0, 1.0], "x": [1.0, 1.0]})):
        assert suggest_radius(table).radius == 5


def stuck(table, share):
    """Let a share of the particles stay where they are seen first, but for a localisation error of 0.05 px."""
    still = table["truth"] < share * table["truth"].nunique()
    first = table.groupby("truth")[["y", "x"]].transform("first")
    seen = first + np.random.default_rng(5).normal(0, 0.05, first.shape)
    return table.assign(y=table["y"].mask(still, seen["y"]), x=table["x"].mask(still, seen["x"]))


def with_false(table, share, side):
    """Add detections anywhere, none twice."""
    rng, number = np.random.default_rng(6), int(len(table) * share / (1 - share))
    places = {"y": rng.uniform(0, side, number), "x": rng.uniform(0, side, number)}
    false = pd.DataFrame({"frame": rng.integers(0, 60, number), **places, "truth": 10_000 + np.arange(number)})
    return pd.concat([table, false], ignore_index=True)


SPARSE = {"particles": 50, "frames": 60, "side": 500.0}


@pytest.mark.parametrize(
    "table",
    [
        film(**SPARSE),
        stuck(film(**SPARSE), 0.3),
        stuck(film(**SPARSE), 0.6),
        with_false(film(**SPARSE), 0.2, 500),
        with_false(stuck(film(**SPARSE), 0.3), 0.2, 500),
    ],
    ids=["all move", "30 % stuck", "60 % stuck", "20 % false", "stuck and false"],
)
def test_moves_end_before_the_suggested_radius(table):
    """The true mean square move of those that move is 4 px²; what is told may lack 3 % of it."""
    linkage = finish(iter_linkage(table, Linking(linker="trackpy")))
    assert linkage.warning == suggest_radius(table).warning == ""
    ordered = linkage.trajectories.sort_values(["particle", "frame"])
    steps = ordered[["frame", "y", "x"]].diff()[ordered["particle"].diff() == 0]
    steps = steps[steps["frame"] == 1]
    squares = steps["y"] ** 2 + steps["x"] ** 2
    moving = squares[squares > 0.3**2]  # a move of a Brownian particle is shorter in 2 % of cases
    assert moving.mean() == pytest.approx(4.09, rel=0.05)


def test_a_radius_that_cuts_moves_off_is_warned_of():
    with pytest.warns(GrowtrackWarning, match="Moves do not end before the search radius of 2 px"):
        link(film(), Linking(search_radius=2))
    assert finish(iter_linkage(film(), Linking(search_radius=7))).warning == ""


def test_detections_that_come_and_go_are_warned_of():
    suggestion = suggest_radius(with_false(film(frames=60, diffusion=0.05), 0.7, 300))
    assert not suggestion.crowded
    assert "keep surer detections only" in suggestion.warning


# Frames that repeat the one before ------------------------------------------------------------------------------------


def stored(table, times, moved=0.0):
    """Return detections of a film that stores every frame so many times; copies differ by a little."""
    rng = np.random.default_rng(7)
    copies = [table.assign(frame=times * table["frame"] + number) for number in range(times)]
    for copy in copies[1:]:
        copy[["y", "x"]] += rng.normal(0, 1, (len(copy), 2)) * moved
    return pd.concat(copies, ignore_index=True)


@pytest.mark.parametrize(
    ("table", "repeated"),
    [
        (film(), []),
        (film(diffusion=0.0001), []),
        (film(particles=1, frames=200), []),
        (film(frames=1), []),
        (film(particles=6, frames=200, lost=0.15), []),
        (film(diffusion=0.01).round(), []),
        (film(particles=2, diffusion=0.3).round(), []),
        (film()[:0], []),
        (stored(film()[film()["frame"] == 0], 30), []),
        (stored(film(), 2), range(1, 60, 2)),
        (stored(film(), 2, 0.1), range(1, 60, 2)),
        (stored(film().round(1), 2), range(1, 60, 2)),
        (stored(film(particles=1, frames=200, lost=0.0), 2), range(1, 400, 2)),
        (stored(film(), 3), [frame for frame in range(90) if frame % 3]),
    ],
    ids=["none", "slow", "one", "one frame", "some lost", "rounded", "few, rounded", "empty", "a still picture",
         "doubled", "compressed", "rounded, doubled", "one, doubled", "three times"],
)  # fmt: skip
def test_frames_that_repeat_the_one_before_are_found(table, repeated):
    assert repeated_frames(table).tolist() == [*repeated]


def test_particles_that_stand_still_for_a_while_are_no_repeats():
    table = film(frames=60)
    still = table["frame"].between(20, 40)
    resting = table[table["frame"] == 20].set_index("truth")[["y", "x"]].reindex(table["truth"])
    noise = np.random.default_rng(0).normal(0, 0.1, resting.shape)
    places = {axis: table[axis].mask(still, resting[axis].to_numpy() + noise[:, i]) for i, axis in enumerate("yx")}
    assert len(repeated_frames(table.assign(**places).dropna())) == 0


def test_repeated_frames_are_left_out_and_the_others_keep_their_numbers():
    table = stored(film(), 2)
    with pytest.warns(GrowtrackWarning, match="30 of 60 frames repeat the one before and are left out"):
        linked = link(table)
    expected = link(film())
    assert linked["frame"].tolist() == (2 * expected["frame"]).tolist()
    assert linked["particle"].tolist() == expected["particle"].tolist()
    assert suggest_radius(table).radius == suggest_radius(film()).radius
    kept = finish(iter_linkage(table, Linking(search_radius=7, keep_repeats=True)))
    assert kept.trajectories["frame"].nunique() == 60
    assert kept.repeats == ""


# Frames far apart -----------------------------------------------------------------------------------------------------


def test_frames_far_apart_and_a_long_memory_end_soon():
    table = pd.DataFrame({"frame": [0, 1, 9_000_000, 9_000_001], "y": [5.0, 5.5, 6.0, 6.5], "x": 5.0})
    assert link(table, Linking(search_radius=3, min_length=1, memory=2)).particle.tolist() == [0, 0, 1, 1]
    with pytest.raises(LinkingError, match=r"memory of 9,000,001 frames would be kept through .* without detections"):
        link(table, Linking(search_radius=3, memory=999_999_999))
    near = table.assign(frame=[0, 1, 400, 401])
    assert link(near, Linking(search_radius=3, memory=999_999_999)).particle.tolist() == [0] * 4


# Filters --------------------------------------------------------------------------------------------------------------


def test_short_trajectories_are_dropped():
    table = pd.DataFrame({"frame": [0, 1, 2, 0], "y": 1.0, "x": 1.0, "particle": [7, 7, 7, 8]})
    assert drop_short(table, 2).particle.unique().tolist() == [7]
    assert len(drop_short(table, 4)) == 0
    assert (
        link(table.drop(columns="particle").assign(y=[1, 2, 3, 90]), Linking(search_radius=3, min_length=3)).y.max() < 9
    )


def test_by_default_ghosts_are_dropped_and_counted():
    linkage = finish(iter_linkage(with_false(film(**SPARSE), 0.2, 500), Linking(linker="trackpy")))
    assert linkage.trajectories.groupby("particle").size().min() == Linking().min_length == 3
    assert (linkage.trajectories["truth"] >= 10_000).sum() < 0.05 * linkage.short
    assert linkage.left_out == f"{linkage.short} trajectories of fewer than 3 detections dropped."
    assert finish(iter_linkage(film(), Linking(linker="trackpy", min_length=1))).left_out == ""


def test_a_recipe_that_says_its_least_length_keeps_it():
    assert Linking.from_json('{"search_radius": 5, "memory": 1, "min_length": 1}').min_length == 1


def test_doubtful_trajectories_are_dropped_as_a_whole():
    table = pd.DataFrame(
        {
            "frame": [0, 1, 2] * 2,
            "y": 1.0,
            "x": 1.0,
            "particle": [1] * 3 + [2] * 3,
            "distance": [0.1, 0.2, 5, 3, 3, 0.1],
        }
    )
    kept = drop_doubtful(table, farthest=1.0)
    assert (kept.columns.tolist(), kept.index.tolist()) == (table.columns.tolist(), [0, 1, 2])
    assert drop_doubtful(table, farthest=1.0).particle.tolist() == [1, 1, 1]
    with pytest.raises(TableError, match="Expected a column significance"):
        drop_doubtful(table, least_significance=4.0)


def test_linking_drops_false_detections_and_keeps_the_particles():
    """The thesis's suggestion (4.2.3): ghosts do not come back frame after frame."""
    rng = np.random.default_rng(3)
    pixels, truth = simulate_film(named_scene("table42"), 24, (251, 251), rng, 6, Motion(diffusion=0.3))
    network = load_network("vesicles")
    cascade = network.cascade(polish=False)
    loose = cascade.with_(accept_distance=3 * cascade.accept_distance)
    found = detect(pixels, network, loose, contrast="normal")
    before, after = (score(truth, some) for some in (found, link(found, Linking(memory=1, min_length=8))))
    assert before.false > 0.05
    assert after.false < 0.25 * before.false
    assert after.found > before.found - 0.02
