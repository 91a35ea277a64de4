"""What the package asks for, what it brings, and what it says where an optional package is missing."""

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from packaging.requirements import Requirement

from napari_growtrack.cli import main
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.packages import EXTRAS, command
from nd2_files import write_nd2

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "napari_growtrack"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOST = "napari"
"""What the panels are opened in, and so is always there with them."""
OTHER_NAMES = {"PIL": "pillow", "skimage": "scikit-image"}
"""Distributions that are not called as what is imported."""
ASKED_FOR_BY_OTHERS = {"tensorflow"}
"""Needed though never imported: Keras computes with it."""


def name_of(requirement):
    return Requirement(requirement).name.lower().replace("_", "-")


def extra(name):
    """Return the distributions of an extra, those of the extras in it included."""
    found = set()
    for requirement in map(Requirement, PROJECT["optional-dependencies"][name]):
        if requirement.name == PROJECT["name"]:
            found |= set().union(*map(extra, requirement.extras))
        else:
            found.add(name_of(str(requirement)))
    return found


BASE = {name_of(requirement) for requirement in PROJECT["dependencies"]}


# Requirements ---------------------------------------------------------------------------------------------------------


def statements(body, at_once=True):
    """Return (statement, whether it runs as soon as its file is imported) of a body, and of those within."""
    for node in body:
        yield node, at_once
        typing = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ("body", "orelse", "handlers", "finalbody"):
            within = at_once and not typing and not isinstance(node, ast.FunctionDef)
            yield from statements(getattr(node, part, ()), within)


def imported(path):
    """Return (module, whether it is imported as soon as the file is) of each import of another package."""
    for node, at_once in statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        else:
            continue
        for name in names:
            module = name.split(".")[0]
            if module not in sys.stdlib_module_names and module != "napari_growtrack":
                yield module, at_once


@pytest.fixture(scope="module")
def imports():
    """Return (file, distribution, whether at once) of every import of another package in the source."""
    return {
        (path, OTHER_NAMES.get(module, module), at_once)
        for path in SOURCE.rglob("*.py")
        for module, at_once in imported(path)
    }


def test_whatever_the_source_imports_is_declared(imports):
    used = {distribution for _, distribution, _ in imports}
    assert used - BASE - set(EXTRAS) == {HOST}


def test_whatever_is_declared_is_imported(imports):
    used = {distribution for _, distribution, _ in imports}
    assert BASE - used == ASKED_FOR_BY_OTHERS


def test_optional_packages_are_imported_only_where_they_are_used(imports):
    assert [path.name for path, distribution, at_once in imports if at_once and distribution in EXTRAS] == []


def test_the_plugin_manager_which_installs_the_base_alone_brings_what_panels_import(imports):
    panels = {distribution for path, distribution, _ in imports if path.is_relative_to(SOURCE / "widgets")}
    assert panels - {HOST} <= BASE


def test_the_base_brings_neither_napari_nor_a_qt():
    assert not [name for name in BASE if name == HOST or name.startswith(("pyqt5", "pyqt6", "pyside"))]


@pytest.mark.parametrize(("package", "name"), EXTRAS.items())
def test_the_extra_that_is_named_brings_the_package(package, name):
    assert package in extra(name)


def test_all_brings_napari_with_qt_the_formats_and_the_benchmarks():
    assert {HOST} | extra("formats") | extra("benchmark") <= extra("all")
    assert "napari[all]" in " ".join(PROJECT["optional-dependencies"]["all"])


# Without an optional package ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A small file of every kind that a command reads."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    tifffile.imwrite(folder / "film.tif", rng.integers(0, 200, (2, 64, 64), np.uint8))
    write_nd2(folder / "film.nd2", rng.integers(0, 200, (2, 1, 64, 64, 1)).astype("<u2"), 0.1, 20)
    (folder / "film.zarr").mkdir()
    (folder / "film.zarr" / "zarr.json").write_text("{}")
    table = pd.DataFrame({"frame": [0, 1, 2], "y": [5.0, 6, 7], "x": [5.0, 6, 7], "particle": 0})
    table.to_csv(folder / "t.csv", index=False)
    (folder / "t.parquet").write_bytes(b"PAR1")
    (folder / "t.geff").mkdir()
    (folder / "t.geff" / "zarr.json").write_text("{}")
    return folder


COMMANDS = [
    ("pyarrow", "export t.csv -o {out}/t.parquet"),
    ("pyarrow", "link t.parquet -o {out}/t.csv"),
    ("pyarrow", "motion t.parquet"),
    ("pyarrow", "score t.parquet t.csv"),
    ("geff", "export t.csv -o {out}/t.geff"),
    ("geff", "link t.geff -o {out}/t.csv"),
    ("geff", "motion t.geff"),
    ("geff", "score t.geff t.csv"),
    ("nd2", "track film.nd2 -o {out}/t.csv"),
    ("nd2", "match film.nd2 --at 0,20,20 -o {out}/s.json"),
    ("zarr", "track film.zarr -o {out}/t.csv"),
    ("zarr", "match film.zarr --at 0,20,20 -o {out}/s.json"),
    ("distributed", "track film.tif --workers 2 -o {out}/t.csv"),
]


@pytest.mark.parametrize(("package", "words"), COMMANDS)
def test_a_command_whose_package_is_missing_says_how_to_get_it(
    inputs, tmp_path, monkeypatch, capsys, without, package, words
):
    monkeypatch.chdir(inputs)
    without(package)
    assert main(words.format(out=tmp_path).split()) == 1
    said = capsys.readouterr().err
    assert f"needs the package {package}." in said
    assert command(package) in said
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".unfinished"]


def test_a_stage_is_not_exported_as_onnx_without_its_writer(tmp_path, capsys, without):
    without("tf2onnx")
    assert main(["export", "vesicles", "--stage", "1", "-o", str(tmp_path / "one.onnx")]) == 1
    assert command("tf2onnx") in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_linkers_are_compared_without_the_one_that_is_missing(without, caplog):
    from napari_growtrack.core.benchmarks import linking

    without("laptrack")
    assert {row["linker"] for row in linking.measure("smoke")} == {"trackpy (ours)"}
    assert command("laptrack") in caplog.text


def test_a_compressed_film_asks_for_imagecodecs(tmp_path):
    """In a Python of its own: tifffile looks for its codecs once, when it is imported."""
    from PIL import Image

    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "film.tif", compression="tiff_lzw")
    script = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from napari_growtrack import open_stack\nfrom napari_growtrack.core.errors import StackError\n"
        "try: open_stack('film.tif')[0]\nexcept StackError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SOURCE.parent)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(r"requires the 'imagecodecs' package", done.stdout)
    assert command("imagecodecs") in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzw"},
        {"compression": "jpeg"},
        {"compression": "zstd"},
        {"compression": "zlib", "predictor": 3, "dtype": np.float32},
    ],
)
def test_a_compressed_film_is_read_with_imagecodecs(tmp_path, options):
    pytest.importorskip("imagecodecs")
    options = dict(options)
    film = np.full((2, 16, 16), 7, options.pop("dtype", np.uint8))
    tifffile.imwrite(tmp_path / "film.tif", film, **options)
    with open_stack(tmp_path / "film.tif") as stack:
        assert np.array_equal(stack[1], film[1])


# Built ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package as it is installed, built with what is installed here."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    pytest.importorskip("hatch_fancy_pypi_readme")
    (path,) = builder.build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    with zipfile.ZipFile(path) as file:
        yield file


def test_the_wheel_holds_networks_recipes_manifest_and_types(wheel):
    inside = {name.removeprefix("napari_growtrack/") for name in wheel.namelist()}
    ours = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "core" / "networks" / "bundled").rglob("*")
        if path.is_file()
    }
    beside = {name for name in ours if name.endswith((".growtrack", ".json"))}
    assert len(beside) >= 8
    assert {"napari.yaml", "py.typed", *beside} <= inside


def test_the_wheel_holds_nothing_but_the_package(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"napari_growtrack", f"napari_growtrack-{PROJECT['version']}.dist-info"}


def test_the_page_of_a_release_names_pictures_and_pages_in_full(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    page = wheel.read(name).decode()
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith("https://")] == []
    told = [target.split(f"/v{PROJECT['version']}/")[1] for target in targets if "/blob/" in target or "raw." in target]
    assert [target for target in told if not (ROOT / target).is_file()] == []


def test_napari_accepts_the_manifest():
    npe2 = pytest.importorskip("npe2.cli")
    from typer.testing import CliRunner

    done = CliRunner().invoke(npe2.app, ["validate", str(SOURCE / "napari.yaml")])
    assert done.exit_code == 0, done.output


# Recipe and workflows -------------------------------------------------------------------------------------------------

IN_CONDA = {"dask[array]": "dask-core", "matplotlib": "matplotlib-base"}
"""Requirements that conda-forge calls otherwise."""


def yaml_of(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_recipe_of_conda_asks_for_what_the_package_does():
    recipe = yaml_of("conda/recipe.yaml")
    asked = [tuple(requirement.split(">=")) for requirement in PROJECT["dependencies"]]
    told = {"python >=${{ python_min }}", *(f"{IN_CONDA.get(name, name)} >={floor}" for name, floor in asked)}
    assert set(recipe["requirements"]["run"]) == told
    assert recipe["context"]["version"] == PROJECT["version"]
    assert PROJECT["requires-python"] == f">={recipe['context']['python_min']}"


def test_the_recipe_of_a_release_takes_its_source(tmp_path):
    (tmp_path / "source.tar.gz").write_bytes(b"source")
    words = [ROOT / "conda" / "released.py", tmp_path / "source.tar.gz", tmp_path / "recipe.yaml"]
    subprocess.run([sys.executable, *words], check=True)
    source = yaml.safe_load((tmp_path / "recipe.yaml").read_text())["source"]
    assert source["url"].endswith("/v${{ version }}/source.tar.gz")
    assert source["sha256"] == hashlib.sha256(b"source").hexdigest()


def test_version_and_address_are_the_same_everywhere():
    cited = yaml_of("CITATION.cff")
    about = yaml_of("conda/recipe.yaml")["about"]
    assert cited["version"] == PROJECT["version"]
    assert cited["repository-code"] == about["homepage"] == PROJECT["urls"]["Homepage"]
    assert about["documentation"] == PROJECT["urls"]["Documentation"]
    for path in ("mkdocs.yml", "conda/released.py", "pyproject.toml"):
        assert PROJECT["urls"]["Homepage"] in (ROOT / path).read_text(encoding="utf-8")


WORKFLOWS = {path.stem: yaml_of(path) for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def test_oldest_and_newest_python_are_tested_on_every_system():
    told = [text.rsplit(" ", 1)[1] for text in PROJECT["classifiers"] if "Python :: 3." in text]
    cases = WORKFLOWS["checks"]["jobs"]["test"]["strategy"]["matrix"]["include"]
    tested = {(case["os"], case["python"]) for case in cases} | {("ubuntu-latest", "3.11")}  # the gate's
    systems = ("ubuntu-latest", "macos-latest", "windows-latest")
    assert tested == {(system, python) for system in systems for python in (told[0], told[-1])}


def test_workflows_run_what_a_person_can():
    steps = [step for flow in WORKFLOWS.values() for job in flow["jobs"].values() for step in job.get("steps", ())]
    targets = {step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert {"test", "test-lowest", "test-jax", "test-pyside", "docs", "package"} <= targets <= known
    assert "bash .ci/run" in [step.get("run") for step in steps]
