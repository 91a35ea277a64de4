"""Scenes and networks from a film alone: nobody points at a particle, and nothing gets worse."""

from functools import partial

import numpy as np
import pytest
import tifffile

from commands import run
from napari_growtrack.core.benchmarks.world.films import film as world_film
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.networks.bundled import bundled
from napari_growtrack.core.networks.choice import Chosen
from napari_growtrack.core.networks.load import load_network
from napari_growtrack.core.progress import finish
from napari_growtrack.core.simulation import Scene
from napari_growtrack.jobs import scene_estimate
from napari_growtrack.jobs.context import Context, FilmFacts
from napari_growtrack.jobs.growing import SavedNetwork
from napari_growtrack.jobs.scene_estimate import AdaptToFilm, MatchFilm, found_on


@pytest.fixture(scope="module")
def context():
    return Context()


@pytest.fixture(scope="module")
def judged():
    return world_film("gaussian 2", 2, 6)


@pytest.fixture(scope="module")
def film(judged, tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "film.tif"
    tifffile.imwrite(path, judged.film)
    return path


def test_a_film_is_matched_without_a_click(film, tmp_path, capsys):
    code, said, complaint = run(capsys, "match", film, "-o", tmp_path / "scene.json")
    assert code == 0, complaint
    assert "Chosen: spots" in said
    assert "growtrack track" in said
    (kind,) = Scene.from_file(tmp_path / "scene.json").particles
    assert kind.sigma.middle == pytest.approx(2.0, rel=0.1)


def test_what_is_found_is_where_particles_are(judged, context):
    from napari_growtrack.core.films import open_stack

    points = found_on(open_stack(judged.film), context).points
    assert len(points) >= 8
    for frame, y, x in points:
        mine = judged.truth[judged.truth.frame == frame]
        assert np.hypot(mine.y - y, mine.x - x).min() < 1


def test_the_panels_job_needs_no_click_either(judged, context):
    context.lay(lambda facts, frames: stack)
    from napari_growtrack.core.films import open_stack

    stack = open_stack(judged.film)
    *_, estimate = MatchFilm(FilmFacts.of(stack), np.empty((0, 3))).steps(context)
    assert estimate.scene.diameter == pytest.approx(6, rel=0.15)


def test_a_film_without_particles_is_refused(judged, context):
    from napari_growtrack.core.films import open_stack

    with pytest.raises(SettingsError, match="Point at a few"):
        found_on(open_stack(judged.empty), context)


@pytest.fixture
def growing(monkeypatch):
    """Grow nothing: leave a bundled network, and let the film say how much that explains."""

    class Grow:
        def __init__(self, recipe, path, start, quick):
            self.recipe, self.path, self.start = recipe, path, start

        def steps(self, context):
            yield "growing"
            self.path.write_bytes(bundled()["spots"].read_bytes())
            return SavedNetwork(self.path, self.start.card)

    def judge(share, self, stack, context, start, grown, before):
        mine = before.best._replace(network=str(grown), evidence=share * before.best.evidence)
        monkeypatch.setattr(scene_estimate, "choose_network", lambda *_, **__: Chosen((mine, before.best)))
        return judged(self, stack, context, start, grown, before)

    judged = AdaptToFilm._judged
    monkeypatch.setattr(scene_estimate, "Grow", Grow)
    return lambda share: monkeypatch.setattr(
        AdaptToFilm, "_judged", lambda self, *told: partial(judge, share)(self, *told)
    )


def test_an_adapted_network_is_kept_where_it_explains_the_film_better(film, tmp_path, growing, capsys):
    growing(1.2)
    result = finish(AdaptToFilm(film, tmp_path / "mine.growtrack").steps())
    assert result.saved.path == tmp_path / "mine.growtrack"
    assert load_network(result.saved.path).stages == load_network("spots").stages
    assert [*tmp_path.iterdir()] == [result.saved.path]
    assert result.estimate.scene.name == "mine"


def test_an_adapted_network_that_is_no_better_is_not_kept(film, tmp_path, growing, capsys):
    growing(0.97)
    code, _, complaint = run(capsys, "adapt", film, "-o", tmp_path / "mine.growtrack")
    assert code == 1
    assert "explains 97% of what spots" in complaint
    assert [*tmp_path.iterdir()] == []


def test_the_recipe_of_an_adapted_network_goes_on_from_the_one_that_was_chosen(film, tmp_path, growing, monkeypatch):
    growing(1.2)
    made = []
    real = scene_estimate.Grow.__init__
    monkeypatch.setattr(
        scene_estimate.Grow, "__init__", lambda self, *a, **k: (made.append(a[0]), real(self, *a, **k))[1]
    )
    finish(AdaptToFilm(film, tmp_path / "mine.growtrack", minutes=0.5).steps())
    start = load_network("spots").plan
    assert made[0].plan.stages == start.stages + 1
    assert made[0].schedule.minutes == 0.5
