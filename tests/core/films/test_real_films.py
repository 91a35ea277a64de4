"""Real films, where there is no truth but what one sees."""

import pytest
from scipy.spatial.distance import pdist

from napari_growtrack import detect, load_network, open_stack


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
