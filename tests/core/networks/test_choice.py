"""Choosing by evidence: what explains a film best, and what is said of it."""

import json
from functools import cache

import numpy as np
import pytest
import tifffile

from napari_growtrack.core.benchmarks.world.films import film
from napari_growtrack.core.detection import detect
from napari_growtrack.core.detection.evidence import evidence
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.networks.choice import Chosen, Tried, _part, _sees_others, choose_network, iter_choice
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.progress import finish
from napari_growtrack.core.scoring import score
from napari_growtrack.jobs import TrackToTable, track

load = cache(load_network)


def choice(frames, **told):
    return choose_network(open_stack(np.asarray(frames)), load=load, **told)


@pytest.mark.parametrize(
    ("rung", "networks"),
    [
        ("gaussian 1.3", {"spots"}),
        ("sizes", {"spots", "vesicles"}),
        ("rings", {"general", "beads"}),
        ("cell", {"spots"}),
        ("rods", {"vesicles"}),
    ],
)
def test_the_network_that_fits_a_film_is_chosen_and_finds_its_particles(rung, networks):
    judged = film(rung, 2, 3)
    best = choice(judged.film).best
    assert best.network in networks
    sized = load(best.network).for_diameter(best.diameter)
    found = detect(judged.film, sized, sized.cascade(), contrast=best.contrast)
    assert score(judged.truth, found, judged.rung.within).f1 > 0.85


def test_dark_spots_are_tracked_on_the_negative():
    judged = film("gaussian 1.3", 2, 4)
    light, dark = choice(judged.film), choice(-judged.film)
    assert (light.best.contrast, dark.best.contrast) == ("normal", "inverted")
    assert dark.best.network == light.best.network
    assert dark.best.evidence == pytest.approx(light.best.evidence, rel=1e-3)


def test_a_crowd_is_no_particle_in_pieces():
    judged = film("crowd 5", 2, 3)
    best = choice(judged.film).best
    assert best.network == "spots"
    assert best.particles > 40


@pytest.mark.parametrize("rung", ["gaussian 1.3", "emccd 200", "touching"])
def test_a_film_without_particles_is_told_so(rung):
    chosen = choice(film(rung, 2, 3).empty)
    assert not chosen.explains
    assert chosen.runner_up is None
    assert chosen.best.particles == 0
    assert "match" in str(chosen)


def test_shares_compare_what_was_looked_at_alike():
    """All are tried on a part, the best again on a larger one: the others keep the share that they had of the part."""
    frames = np.tile(film("gaussian 1.3", 2, 3).film, (1, 2, 2))[:, :300, :300]
    told = []
    chosen = finish(iter_choice(open_stack(frames), load=load), told.append)
    keys = [one[:3] for one in told]
    number = next(place for place, key in enumerate(keys) if key in keys[:place])
    first, again = ({one[:3]: one.evidence for one in some} for some in (told[:number], told[number:]))
    once = [one for one in chosen.tried if one[:3] in first and one[:3] not in again and one.evidence > 0]
    assert len(once) >= 3
    best = max(one.evidence for one in chosen.tried)
    assert best > 1.2 * max(first.values())
    for one in once:
        assert one.evidence / best == pytest.approx(first[one[:3]] / max(first.values()))


def test_constant_frames_choose_nothing_and_raise_nothing():
    assert not choice(np.ones((3, 64, 64))).explains


def test_the_choice_is_the_same_every_time():
    frames = film("mixture", 2, 3).film
    assert choice(frames).told() == choice(frames).told()


def test_what_is_known_is_not_chosen():
    judged = film("gaussian 1.3", 2, 3)
    assert {one.diameter for one in choice(judged.film, diameter=6).tried} == {5.025, 6.0, 15.0}
    assert {one.contrast for one in choice(judged.film, contrast="inverted").tried} == {"inverted"}
    assert {one.network for one in choice(judged.film, among=["vesicles", "spots"]).tried} == {"vesicles", "spots"}


def test_a_film_that_changes_is_told_with_the_frame_where_it_does():
    small, large = (film(rung, 2, 3).film for rung in ("gaussian 1.3", "rings"))
    frames = np.concatenate([np.tile(small, (20, 1, 1)), np.tile(large, (12, 1, 1))])
    chosen = choice(frames)
    assert chosen.best.network == "spots"
    assert chosen.change.tried.network in {"general", "beads"}
    assert chosen.change.frame == pytest.approx(40, abs=2)
    assert "frame 4" in str(chosen)
    assert choice(np.tile(small, (20, 1, 1))).change is None


def test_a_film_that_bleaches_does_not_change():
    frames = film("gaussian 1.3", 2, 3).film
    faded = np.concatenate([np.tile(frames, (12, 1, 1)), np.tile(film("gaussian 1.3", 2, 3).empty, (12, 1, 1))])
    assert choice(faded).change is None


def test_no_network_of_that_size_is_refused():
    with pytest.raises(SettingsError, match="500 px wide"):
        choice(np.zeros((1, 64, 64)), diameter=500)


def test_progress_is_told_of_each_network():
    frames = film("gaussian 1.3", 2, 3).film
    steps = iter_choice(open_stack(frames), among=["vesicles"], load=load)
    assert isinstance(next(steps), Tried)


def test_the_part_that_shows_most_is_looked_at():
    frame = np.random.default_rng(0).normal(size=(600, 700)).astype(np.float32)
    frame[420:440:4, 610:630:4] += 50
    part = _part(frame)
    assert part.shape == (256, 256)
    assert np.count_nonzero(part > 40) == 25
    assert _part(frame[:100, :90]).shape == (100, 90)


def test_evidence_does_not_depend_on_units_and_charges_each_particle():
    rng = np.random.default_rng(1)
    left = rng.normal(size=(80, 90))
    frame = left.copy()
    frame[20:60:10, 20:60:10] += 30
    assert evidence(frame, left, 16) == pytest.approx(evidence(7 * frame + 3, 7 * left + 3, 16))
    assert evidence(frame, left, 16) - evidence(frame, left, 26) == pytest.approx(80)
    assert evidence(frame, frame, 2) == -16
    assert evidence(np.zeros((8, 8)), np.zeros((8, 8)), 1) == -8


def test_a_soft_background_that_is_explained_counts_less_than_small_spots_of_the_same_energy():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:128, :128]
    noise = rng.normal(size=(128, 128))
    soft = 8 * np.exp(-((y - 64) ** 2 + (x - 64) ** 2) / 2 / 25**2)
    spots = np.zeros((128, 128))
    spots[8::16, 8::16] = np.sqrt((soft**2).sum() / 64)
    assert evidence(noise + spots, noise, 64) > 3 * evidence(noise + soft, noise, 1)


@pytest.mark.parametrize(("share", "word"), [(0.99, "as good"), (0.95, "a little better"), (0.4, "clearly the best")])
def test_how_sure_a_choice_is_is_said(share, word):
    best = Tried("spots", 5.0, "normal", 9, 4.0, 0.0, 1000.0)
    other = Tried("vesicles", 10.0, "inverted", 9, 8.0, 0.0, 1000.0 * share)
    same = Tried("spots", 10.0, "normal", 9, 8.0, 0.0, 999.0)
    told = str(Chosen((best, same, other)))
    assert word in told
    assert "vesicles (particles 10 px wide, the negative)" in told


def of_spots(heights, widths):
    """Return two frames of 25 Gaussian spots, of such heights and standard deviations."""
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(np.arange(24, 180, 36), np.arange(24, 180, 36), indexing="ij"), -1).reshape(-1, 2)
    y, x = np.indices((192, 192))
    frames = np.float32(100 + rng.normal(0, 2, (2, 192, 192)))
    for frame in frames:
        for (py, px), height, width in zip(places + rng.normal(0, 1, places.shape), heights, widths, strict=True):
            frame += height * np.exp(-((y - py) ** 2 + (x - px) ** 2) / 2 / width**2)
    return frames


def test_particles_of_another_kind_that_are_left_are_told():
    dark = np.arange(25) % 5 == 0
    alike, some_dark = (choice(of_spots(heights, [1.5] * 25)) for heights in ([40] * 25, np.where(dark, -40, 40)))
    assert alike.misses == 0
    assert "missed" not in str(alike)
    assert some_dark.doubted
    assert not some_dark.clear
    assert "general" in str(some_dark)
    assert "missed" in str(some_dark)


def test_a_film_of_bright_and_dark_is_for_the_network_that_knows_both():
    both = choice(of_spots(np.where(np.arange(25) % 2, 40, -40), [1.5] * 25))
    assert both.best.network == "general"
    assert both.best.particles == 25
    assert both.clear


def test_spots_beside_a_glaring_one_are_told_to_be_missed():
    giant = np.arange(25) == 12
    chosen = choice(of_spots(np.where(giant, 4000, 25), np.where(giant, 6, 1.5)))
    assert chosen.misses > 0.3
    assert "it still sees particles" in str(chosen)


def test_what_sees_more_than_the_best_leaves_is_taken():
    """A bead far brighter than all others does not choose the network that knows only beads as bright."""
    best, other = (
        Tried(name, 20.0, "normal", number, 20.0, 0.0, 300.0) for name, number in (("beads", 3), ("general", 10))
    )
    assert _sees_others(other._replace(evidence=120.0), best)
    assert not _sees_others(other._replace(evidence=60.0), best)
    assert not _sees_others(other._replace(evidence=120.0, particles=2), best)
    assert not _sees_others(best._replace(evidence=120.0, particles=10), best)


def test_a_tracked_film_tells_what_was_chosen_and_is_tracked_as_if_that_had_been_named(tmp_path):
    judged = film("rings", 2, 3)
    path, told = tmp_path / "film.tif", []
    tifffile.imwrite(path, judged.film)
    track(path, tmp_path / "auto.csv", watch=told.append)
    (chosen,) = (one for one in told if isinstance(one, Chosen))
    network, diameter, contrast = chosen.best[:3]
    track(path, tmp_path / "named.csv", network, diameter=diameter, contrast=contrast)
    auto, named = ((tmp_path / name).read_text() for name in ("auto.csv", "named.csv"))
    rows = [[line for line in text.splitlines() if not line.startswith("#")] for text in (auto, named)]
    assert rows[0] == rows[1]
    made, other = (json.loads((tmp_path / name).read_text()) for name in ("auto.json", "named.json"))
    assert made.pop("chosen")[0]["network"] == network
    assert made == other


def test_a_cascade_without_its_network_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "film.tif", np.zeros((2, 64, 64), np.float32))
    job = TrackToTable(tmp_path / "film.tif", tmp_path / "table.csv", cascade=load("vesicles").cascade())
    with pytest.raises(SettingsError, match="Name the network"):
        list(job.steps())
