"""Samples open as a film and its truth, the same each time."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_growtrack.widgets.samples import beads, vesicles


@pytest.mark.parametrize(("sample", "shape"), [(vesicles, (30, 251, 251)), (beads, (30, 300, 300))])
def test_a_sample_is_a_film_with_its_truth(sample, shape):
    viewer = ViewerModel()
    for data in sample():
        viewer.add_layer(Layer.create(*data))
    film, truth = viewer.layers
    assert film.data.shape == shape
    assert {"particle", "radius"} <= set(truth.features)
    assert truth.name == "truth"
    assert np.array_equal(truth.features.frame, truth.data[:, 0])
    points = truth.data[truth.data[:, 0] == 3].astype(int)
    assert film.data[3][tuple(points[:, 1:].T)].mean() > film.data[3].mean() + 2 * film.data[3].std()


def test_a_sample_is_the_same_each_time():
    assert np.array_equal(vesicles()[0][0], vesicles()[0][0])
