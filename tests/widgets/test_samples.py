"""Samples open as a film and its truth, the same each time."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_growtrack.core.simulation import SCENES
from napari_growtrack.widgets.napari_io import samples
from napari_growtrack.widgets.napari_io.samples import beads, vesicles


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Let numba compile before anything is timed."""
    samples.species()


def opened(sample):
    viewer = ViewerModel()
    for data in sample():
        viewer.add_layer(Layer.create(*data))
    return viewer.layers


@pytest.mark.parametrize(("sample", "shape"), [(vesicles, (30, 251, 251)), (beads, (30, 300, 300))])
def test_a_sample_is_a_film_with_its_truth(sample, shape):
    film, truth = opened(sample)
    assert film.data.shape == shape
    assert {"particle", "radius"} <= set(truth.features)
    assert truth.name == "truth"
    assert np.array_equal(truth.features.frame, truth.data[:, 0])
    points = truth.data[truth.data[:, 0] == 3].astype(int)
    assert film.data[3][tuple(points[:, 1:].T)].mean() > film.data[3].mean() + 2 * film.data[3].std()


@pytest.mark.parametrize("name", SCENES)
def test_every_named_scene_is_a_sample_of_few_frames(name):
    film, truth = opened(getattr(samples, name))
    assert (film.name, len(film.data), film.metadata["growtrack"]["scene"]) == (name, samples.FRAMES, name)
    assert (truth.name, list(truth.features)) == ("truth", ["frame", "particle", "radius"])
    assert truth.ndim == 3
    assert np.isfinite(film.data).all()
    if len(truth.data):
        assert set(truth.data[:, 0]) == set(range(samples.FRAMES))
        assert (truth.data >= -0.5).all()
        assert (truth.data <= np.subtract(film.data.shape, 0.5)).all()


def test_only_the_empty_sample_has_no_particles():
    assert [name for name in SCENES if not len(getattr(samples, name)()[1][0])] == ["empty"]


def test_a_sample_is_the_same_each_time():
    assert np.array_equal(vesicles()[0][0], vesicles()[0][0])
