"""What the tests of panels start from: a session with a network that needs no Keras."""

import sys
from functools import partial

import pytest
from spots import PATIENCE, BrightSpots, small_card, write_network

from napari_growtrack.widgets.session.session import Session


@pytest.fixture
def qtbot(qtbot):
    """A bot that waits for what is to come as long as the busiest machine takes for it."""
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=PATIENCE)
    qtbot.waitSignal = partial(qtbot.waitSignal, timeout=PATIENCE)
    return qtbot


@pytest.fixture(scope="session")
def network_file(tmp_path_factory) -> str:
    return str(write_network(tmp_path_factory.mktemp("networks") / "small.growtrack", small_card()))


@pytest.fixture
def network() -> BrightSpots:
    return BrightSpots()


@pytest.fixture
def session(network, network_file) -> Session:
    session = Session(load=lambda path: network)
    session.choose(network_file)
    return session


@pytest.fixture(scope="session")
def opengl_first() -> bool:
    """Tell whether the first window comes before TensorFlow, as in napari.

    The other way round, OpenGL crashes on Linux with Mesa, because both bring
    an LLVM (tensorflow/tensorflow#109933).
    """
    return sys.platform != "linux" or "tensorflow" not in sys.modules


@pytest.fixture
def make_window(request, opengl_first):
    """Make a napari viewer with a window, where that is safe."""
    if not opengl_first:
        pytest.skip("TensorFlow was imported before OpenGL; run tests/widgets in a process of its own")
    return request.getfixturevalue("make_napari_viewer")
