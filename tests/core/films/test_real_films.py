"""Real films, where there is no truth but what one sees."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_laplace, maximum_filter
from scipy.spatial.distance import pdist

from commands import run
from napari_growtrack import GrowtrackWarning, detect, load_network, open_stack
from napari_growtrack.core.scene_estimate import match_film


def test_every_bead_of_the_brownian_film_is_found_once(shared_data):
    network = load_network("beads")
    with open_stack(shared_data / "deeptrack1" / "brownian_particles.mp4") as film:
        found = detect(film, network, network.cascade(), frames=[0, 10, 22, 35, 49])
    assert found.groupby("frame").size().between(23, 24).all()  # 24 are seen, one of them cut by the edge at first
    assert min(pdist(beads[["y", "x"]]).min() for _, beads in found.groupby("frame")) > 25


@pytest.mark.parametrize("name", ["optically_trapped_good", "optically_trapped_bad"])
def test_the_trapped_bead_films_open_lazily(shared_data, name):
    with open_stack(shared_data / "deeptrack1" / f"{name}.mp4") as film:
        assert film.shape == (100, 120, 120)
        assert film[99].std() > 0


def test_every_real_film_opens_and_its_first_and_last_frame_show_something(shared_data):
    films = sorted((shared_data / "real").iterdir())
    assert films
    for path in films:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GrowtrackWarning)  # of pixels that are not square, and the like
            with open_stack(path) as film:
                assert all(film[frame].std() > 0 for frame in (0, -1)), path.name


@pytest.fixture(scope="module")
def spheres(shared_data):
    """A film of fluorescent spheres, and where twelve bright ones are."""
    path = shared_data / "real" / "spheres_afm.tif"
    with open_stack(path) as film:
        frame = film[0].astype(float)
    strength = -gaussian_laplace(frame, 4)
    y, x = np.nonzero(strength == maximum_filter(strength, 15))
    inside = (y > 15) & (y < frame.shape[0] - 15) & (x > 15) & (x < frame.shape[1] - 15)
    y, x = y[inside], x[inside]
    brightest = np.argsort(-strength[y, x])[5:17]
    return path, np.stack([np.zeros(12), y[brightest], x[brightest]], 1)


def test_fluorescent_spheres_are_bright_spots_to_a_scene_of_gaussian_ones(spheres):
    found = match_film(*spheres, shape="gaussian")
    assert 14 < found.scene.diameter < 24  # they look 18 px wide to the eye
    assert found.scene.particles[0].describe() == "bright spots"
    assert found.residual < 10


def test_spheres_that_no_rings_fit_are_taken_for_what_fits(spheres):
    """Rings alone make elongated dark ones of them, and leave 78 times the noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GrowtrackWarning)  # what rings had to say of other clicks counts no more
        found = match_film(*spheres)
    assert found.scene.particles[0].named() in ("gaussian", "airy")
    with pytest.warns(GrowtrackWarning, match="Left out"):
        rings = match_film(*spheres, shape="bessel")
    assert found.residual < 10 < rings.residual


def test_a_scene_that_does_not_fit_is_said_to(spheres, tmp_path, capsys):
    path, points = spheres
    at = [",".join(f"{number:g}" for number in point) for point in points]
    told = "look otherwise than such a scene shows them"
    code, said, _ = run(capsys, "match", path, "--at", *at, "-o", tmp_path / "mine.json", "--shape", "bessel")
    assert code == 0
    assert told in said
