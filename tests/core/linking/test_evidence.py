"""Linking by evidence: nothing is set, all is learned, and what is uncertain says so."""

import numpy as np
import pandas as pd
import pytest

from napari_growtrack.core.benchmarks.tracks.paths import RECEPTORS, VESICLES, paths
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.linking import Linking, iter_linkage, link
from napari_growtrack.core.linking.evidence import link_by_evidence
from napari_growtrack.core.linking.evidence.clutter import chances
from napari_growtrack.core.linking.evidence.marginals import link_chances
from napari_growtrack.core.linking.evidence.motion import Modes, begin, meeting, predict, update
from napari_growtrack.core.linking.judging import score_links
from napari_growtrack.core.progress import finish
from napari_growtrack.core.scoring.trajectories import score_tracks
from napari_growtrack.core.simulation.paths import brownian_paths

ALL = Linking(min_length=1, most_false=1)


def places(kind=RECEPTORS, number=60, frames=25, side=160, error=0.1, seed=0):
    rng = np.random.default_rng(seed)
    table = paths(kind, number, frames, side, rng)[["frame", "y", "x", "particle"]]
    table[["y", "x"]] += rng.normal(0, error, (len(table), 2))
    return table.rename(columns={"particle": "truth"}).assign(sigma=error)


@pytest.fixture(scope="module")
def receptors():
    return places()


@pytest.fixture(scope="module")
def linked(receptors):
    return link(receptors, ALL)


def pairs(table):
    """Return the links of a table, by the numbers that its detections have in the column `name`."""
    ordered = table.sort_values(["particle", "frame"])
    same = ordered["particle"].to_numpy()[1:] == ordered["particle"].to_numpy()[:-1]
    names = ordered["name"].to_numpy()
    return {*zip(names[:-1][same].tolist(), names[1:][same].tolist(), strict=True)}


@pytest.mark.parametrize("change", ["shuffled", "mirrored", "turned", "shifted", "later"])
def test_no_link_depends_on_how_the_film_lies(receptors, change):
    named = receptors.assign(name=np.arange(len(receptors)))
    changed = {
        "shuffled": named.sample(frac=1, random_state=3),
        "mirrored": named.assign(y=160 - named.y),
        "turned": named.assign(y=named.x, x=named.y),
        "shifted": named.assign(y=named.y + 1000, x=named.x - 300),
        "later": named.assign(frame=named.frame + 77),
    }[change]
    assert pairs(link(changed, ALL)) == pairs(link(named, ALL))


def test_particles_that_go_straight_are_followed_where_nearest_neighbours_are_lost(receptors, linked):
    truth = receptors.rename(columns={"truth": "particle"})
    nearest = [link(receptors, Linking(search_radius=radius, min_length=1)) for radius in (4, 5, 6)]
    mine, theirs = score_tracks(truth, linked).beta, max(score_tracks(truth, one).beta for one in nearest)
    assert mine > 0.93
    assert mine > theirs + 0.05


def test_how_particles_move_is_learned():
    table = brownian_paths(np.random.default_rng(2), 50, 40, diffusion=1.0, error=0.2).assign(sigma=0.2)
    evidence = finish(link_by_evidence(table, table["frame"].to_numpy()))
    assert evidence.modes.typical == pytest.approx(np.sqrt(2), rel=0.05)
    assert evidence.rates.hide < 0.005


def test_links_are_as_often_right_as_their_chance_says():
    table = places(VESICLES, 90, 40, 160, seed=4)
    found = link(table, ALL)
    ordered = found.sort_values(["particle", "frame"])
    right = (ordered["truth"] == ordered["truth"].shift())[ordered["link_chance"].notna()]
    chance = ordered["link_chance"].dropna()
    doubts = finish(iter_linkage(table, ALL)).doubts
    assert doubts == f"{(chance < 0.9).sum():,} of {len(chance):,} links are less sure than 90% (link_chance)."
    assert right.mean() == pytest.approx(chance.mean(), abs=0.02)
    unsure = chance < 0.9
    assert unsure.sum() > 50
    assert right[unsure].mean() == pytest.approx(chance[unsure].mean(), abs=0.15)
    assert right[chance > 0.99].mean() > 0.98


def test_a_gap_is_closed_however_far_the_particle_went_meanwhile():
    table = brownian_paths(np.random.default_rng(5), 12, 60, diffusion=2.0, side=400)
    table = table.rename(columns={"particle": "truth"})
    hidden = table["frame"].between(30, 32) & (table["truth"] < 8)
    linked = link(table[~hidden], ALL)
    assert score_links(linked).completeness > 0.98
    never = link(table[~hidden], ALL.with_(memory=2))
    across = never.sort_values("frame").groupby("particle")["frame"].diff().max()
    assert across <= 3


def test_no_particle_is_faster_than_allowed(receptors):
    linked = link(receptors, ALL.with_(search_radius=2.0)).sort_values(["particle", "frame"])
    moves = linked[linked["particle"] == linked["particle"].shift()].index
    steps = linked[["frame", "y", "x"]].diff().loc[moves]
    assert (np.hypot(steps["y"], steps["x"]) <= 2.0 * steps["frame"]).all()


def test_ghosts_are_told_from_particles_by_how_they_go_on():
    rng = np.random.default_rng(6)
    table = brownian_paths(rng, 30, 40, 0.5, side=300).rename(columns={"particle": "truth"})
    ghosts = pd.DataFrame(
        {"frame": rng.integers(0, 40, 400), "y": rng.uniform(0, 300, 400), "x": rng.uniform(0, 300, 400)}
    )
    linkage = finish(
        iter_linkage(pd.concat([table, ghosts.assign(truth=-1)], ignore_index=True), Linking(min_length=1))
    )
    kept = linkage.trajectories
    assert (kept["truth"] == -1).sum() <= 4
    assert (kept["truth"] >= 0).sum() > 0.98 * len(table)
    assert linkage.left_out.startswith(f"{linkage.false:,} trajectories dropped that may be false.")


def test_the_columns_of_q_count():
    table = pd.DataFrame({"frame": [0, 1] * 2, "y": [5.0, 5.1, 80.0, 80.1], "x": 5.0, "q": [1e-4, 1e-4, 0.6, 0.6]})
    linked = link(table, ALL).groupby("y")["track_q"].first()
    assert linked[5.0] < 0.05 * linked[80.0]


def clutter(rng, frames=60, side=250.0):
    """Return moving particles, noise, and folds of the background that stay where they are, with `q` as it is told."""
    real = brownian_paths(rng, 15, frames, 0.5, error=0.2, lost=0.05, side=side)
    real = real.rename(columns={"particle": "truth"}).assign(q=rng.uniform(0, 0.02, len(real)))
    folds = rng.uniform(0, side, (30, 2))
    seen = np.argwhere(rng.random((frames, len(folds))) < rng.uniform(0.1, 0.8, len(folds)))
    there = folds[seen[:, 1]] + rng.normal(0, 0.6, (len(seen), 2))
    anywhere = rng.uniform(0, side, (10 * frames, 2))
    frame = np.concatenate([seen[:, 0], rng.integers(0, frames, len(anywhere))])
    ghosts = pd.DataFrame(np.concatenate([there, anywhere]), columns=["y", "x"])
    ghosts = ghosts.assign(frame=frame, truth=-1, q=rng.uniform(0.1, 0.3, len(ghosts)))
    return pd.concat([real, ghosts], ignore_index=True).assign(sigma=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_folds_of_the_background_are_no_particles_however_long_they_stay(seed):
    kept = link(clutter(np.random.default_rng(seed)), Linking())
    true = kept.groupby("particle")["truth"].agg(lambda rows: (rows >= 0).mean() > 0.5)
    assert true.sum() >= 15
    assert (~true).sum() <= 1


def test_what_stays_but_is_sure_is_a_particle():
    rng = np.random.default_rng(3)
    stuck = pd.DataFrame({"frame": np.repeat(np.arange(40), 12), "truth": np.tile(np.arange(12), 40)})
    places = rng.uniform(0, 250, (12, 2))[stuck["truth"]] + rng.normal(0, 0.2, (len(stuck), 2))
    stuck = stuck.assign(y=places[:, 0], x=places[:, 1], q=rng.uniform(0, 0.01, len(stuck)), sigma=0.2)
    assert link(stuck, Linking())["particle"].nunique() == 12


def test_a_detections_own_chance_to_be_false_is_by_how_much_the_expected_noise_grows():
    rng = np.random.default_rng(4)
    step = np.repeat(np.arange(200), 20)
    significance = np.where(np.arange(len(step)) % 20 < 8, rng.normal(9, 2, len(step)), 0)
    noise = significance == 0
    significance[noise] = np.sqrt(4**2 + 2 * 1.25 * rng.exponential(size=noise.sum()))  # from 4 on
    rank = pd.Series(-significance).groupby(step).rank()
    often = 12 * np.exp((4**2 - np.maximum(significance, 4) ** 2) / 2 / 1.25)
    told = chances((often / rank).to_numpy(), step)
    assert told.sum() == pytest.approx(noise.sum(), rel=0.1)
    for low, high in ((0.001, 0.1), (0.1, 0.5), (0.5, 0.9)):
        some = (told > low) & (told < high)
        assert noise[some].mean() == pytest.approx(told[some].mean(), abs=0.12)


def test_a_crowd_does_not_explode():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"frame": np.repeat([0, 1, 2], 300), "y": rng.uniform(0, 10, 900), "x": rng.uniform(0, 10, 900)}
    )
    linked = link(table, ALL)
    assert len(linked) == 900
    assert not linked.duplicated(["frame", "particle"]).any()


def test_recipes_of_before_name_no_linker_and_keep_theirs():
    before = '{"search_radius": null, "memory": 0, "min_length": 3, "keep_repeats": false}'
    assert Linking.from_json(before).linker == "trackpy"
    assert Linking().linker == Linking.from_json(Linking().to_json()).linker == "evidence"
    assert Linking.from_json(Linking(search_radius=3).to_json()) == Linking(search_radius=3)
    assert Linking(linker="evidence", memory=4).linker == "evidence"
    with pytest.raises(SettingsError, match="linker"):
        Linking(linker="nearest")


# The filter -----------------------------------------------------------------------------------------------------------


def modes(step, speed=0.0, keep=0.0):
    return Modes(*(np.array([[value]], float) for value in (step, speed, keep, 1.0)), np.zeros((1, 1)))


@pytest.mark.parametrize("one", [modes(0.8), modes(0.3, 2.0, 0.9)], ids=["a random walk", "directed"])
def test_what_past_and_future_say_together_does_not_depend_on_where_they_meet(one):
    """The likelihood of a track is that of its parts, times that of their meeting: exactly, for a single mode."""
    rng = np.random.default_rng(1)
    path = np.cumsum(rng.normal((2.0, 1.0), 0.4, (7, 2)), axis=0)

    def filtered(some):
        state, total = begin(some[0, :1], some[0, 1:], np.full(1, 0.04), one), 0.0
        for place in some[1:]:
            state, density = update(predict(state, one), place[:1], place[1:], np.full(1, 0.04))
            total += np.log(density[0])
        return state, total

    whole = filtered(path)[1]
    for cut in range(1, 7):
        (past, before), (future, after) = filtered(path[:cut]), filtered(path[cut:][::-1])
        met = np.log(meeting(predict(past, one), future, one)[0])
        assert before + after + met == pytest.approx(whole)


def test_chances_of_links_are_those_of_all_ways_to_link():
    """Two particles, two detections, three possible links: 1 + 2 + 3 + 4 + 2 * 4 = 18 in all."""
    chances, alone = link_chances(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([2.0, 3.0, 4.0]), 2, 2)
    assert chances == pytest.approx([10 / 18, 3 / 18, 12 / 18], abs=2e-3)
    assert alone == pytest.approx([8 / 18, 3 / 18], abs=2e-3)
