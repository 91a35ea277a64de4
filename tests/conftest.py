"""What every test starts from: quiet libraries, napari's thread check, and the shared data."""

import os
import sys
from pathlib import Path

import pandas as pd
import pytest

# Read when keras, tensorflow and napari are first imported, so they are set before any test module is.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["NAPARI_ENSURE_PLUGIN_MAIN_THREAD"] = "1"

# Tests run beside each other, one on each core, and more threads than cores wait for one another. NumPy may be there
# already; but what is started from here (pytest-xdist's processes, the engine, the command line) begins with this.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real films and data sets, or skip where it is absent."""
    beside = Path(__file__).parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("GROWTRACK_DATA", beside)).resolve()
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; set GROWTRACK_DATA to the folder that holds it")
    return folder


@pytest.fixture
def without(monkeypatch):
    """Return a function that makes a package as if it were not installed."""
    stored = pd.get_option("mode.string_storage")

    def mask(package):
        if package == "pyarrow":
            pd.set_option("mode.string_storage", "python")  # pandas would ask for it at every comparison
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, package, None)

    yield mask
    pd.set_option("mode.string_storage", stored)
