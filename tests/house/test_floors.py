"""The directions of import, and how light the package is to open."""

import subprocess
import sys

import pytest
import sizes

HEAVY = ("keras", "tensorflow", "napari", "qtpy", "magicgui", "pandas", "numba", "matplotlib")


def loaded_by(code):
    """Run code in a fresh Python and return the heavy modules it brought in."""
    script = f"{code}\nimport sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "code",
    [
        "import napari_growtrack",
        "import napari_growtrack; napari_growtrack.__version__; dir(napari_growtrack)",
        "from napari_growtrack.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_opening_the_package_and_asking_for_help_load_nothing_heavy(code):
    assert loaded_by(code) == "[]"


@pytest.mark.parametrize(
    "code",
    [
        "import napari_growtrack; napari_growtrack.Plan.depth(); napari_growtrack.named_scene('beads')",
        "from napari_growtrack.cli import main; main(['networks']); main(['show', 'vesicles'])",
        "import napari_growtrack as g; g.open_stack; g.score; g.Cascade; g.find",
    ],
)
def test_plans_scenes_cards_and_scores_need_neither_keras_nor_napari(code):
    loaded = loaded_by(code)
    assert not any(name in loaded for name in ("keras", "tensorflow", "napari'", "qtpy"))


def test_imports_go_down_never_up_never_across():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout


def test_every_public_name_can_be_loaded():
    import napari_growtrack

    for name in napari_growtrack.__all__:
        assert getattr(napari_growtrack, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(napari_growtrack, "nothing")  # noqa: B009


def test_the_house_grows_no_larger_than_is_allowed():
    found = sizes.measured()
    assert {what: number for what, number in found.items() if number > sizes.ALLOWED[what]} == {}
    assert found.keys() == sizes.ALLOWED.keys()
