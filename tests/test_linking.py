"""Linking: the right detections belong together, whatever the table looks like, and crowds end in a sentence."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.detection import detect
from napari_growtrack.core.errors import LinkingError, SettingsError, TableError
from napari_growtrack.core.linking import Linking, drop_doubtful, drop_short, iter_link, link, suggest_radius
from napari_growtrack.core.linking.judging import score_links
from napari_growtrack.core.networks import load_network
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
        assert link(table, Linking(search_radius=3, memory=memory)).particle.nunique() == particles


@pytest.mark.parametrize("rows", [0, 1, 3], ids=["empty", "one detection", "one frame"])
def test_small_tables_are_ordinary(rows):
    table = pd.DataFrame({"frame": np.zeros(rows, int), "y": 20.0 * np.arange(rows), "x": np.zeros(rows), "votes": 1})
    linked = link(table)
    assert list(linked) == ["frame", "y", "x", "votes", "particle"]
    assert linked.particle.tolist() == list(range(rows))


def test_every_frame_is_reported_with_the_time_left():
    steps = list(iter_link(film(frames=10), Linking(search_radius=7)))
    assert [step.frame for step in steps] == list(range(10))
    assert steps[-1].fraction == 1
    assert steps[-1].seconds_left == 0
    assert steps[4].doing == "linking frame 4"


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
    assert suggestion.radius < 6
    assert "record faster" in suggestion.reason


def test_where_nothing_moves_a_radius_is_suggested_all_the_same():
    for table in (film()[:0], film(frames=1), pd.DataFrame({"frame": [0, 5], "y": [1.0, 1.0], "x": [1.0, 1.0]})):
        assert suggest_radius(table).radius == 5


# Filters --------------------------------------------------------------------------------------------------------------


def test_short_trajectories_are_dropped():
    table = pd.DataFrame({"frame": [0, 1, 2, 0], "y": 1.0, "x": 1.0, "particle": [7, 7, 7, 8]})
    assert drop_short(table, 2).particle.unique().tolist() == [7]
    assert len(drop_short(table, 4)) == 0
    assert (
        link(table.drop(columns="particle").assign(y=[1, 2, 3, 90]), Linking(search_radius=3, min_length=3)).y.max() < 9
    )


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
