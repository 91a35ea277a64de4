"""Measurements of speed and accuracy that anybody can run again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from ..files import write_whole
from ..pictures import save
from ..version import package_version
from . import accuracy, deep, deeptrack, growing, simulator, speed, thesis
from .rows import Rows, Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DATA = "GROWTRACK_DATA"


@dataclass(frozen=True)
class Case:
    """A benchmark: what it shows, the function that measures it, its figure, and the files it needs."""

    about: str
    measure: Callable[..., Rows]
    draw: Callable[[Rows], Figure] | None = None
    needs: tuple[str, ...] = ()


CASES = {
    "speed": Case(
        "one frame by the cascade, by all windows in one batch, and by one predict call a window", speed.measure
    ),
    "accuracy": Case(
        "the thesis's multi-particle scene: found, false and error for every stage and SNR", accuracy.measure
    ),
    "simulator": Case("training windows a second, against plain NumPy and SciPy", simulator.measure),
    "side-by-side": Case("a network grown side by side, against plain and one stage at a time", growing.side_by_side),
    "budget": Case("what one minute and five minutes of growing reach", growing.budget),
    "layers": Case(
        "error against layers and SNR: grown, plain, first layer (3.21, 3.22)", thesis.layers, thesis.draw_layers
    ),
    "breadth": Case("error of breadth growth for every base (4.5 to 4.7)", thesis.breadth, thesis.draw_breadth),
    "active": Case("active units by layer and network (4.9, 4.10)", thesis.active_nodes, thesis.draw_active_nodes),
    "deep": Case("300 dense layers on MNIST, grown and plain (3.5, 3.6)", deep.deep, deep.draw_deep, ("mnist.npz",)),
    "deeptrack": Case(
        "a network of DeepTrack 1.0 and ours on the film of Brownian beads",
        deeptrack.measure,
        None,
        ("deeptrack1/pretrained_brownian.h5", "deeptrack1/brownian_particles.mp4"),
    ),
}


def run(
    name: str,
    scale: Scale = "laptop",
    folder: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
) -> str:
    """Run a benchmark and return its table as Markdown.

    Parameters
    ----------
    name : str
        One of `CASES`.
    scale : {"smoke", "laptop"}
    folder : path, optional
        Where to leave the results as JSON, and the figure.
    data : path, optional
        The folder of films and data sets that some need; by default the one that
        the environment's ``GROWTRACK_DATA`` names.

    Raises
    ------
    SettingsError
        When there is no such benchmark, or its data is not there.
    """
    if name not in CASES:
        raise SettingsError(f"There is no benchmark {name!r}. Choose one of {', '.join(CASES)}, or all.")
    case = CASES[name]
    measure = partial(case.measure, data=_checked(name, case, data)) if case.needs else case.measure
    rows = measure(scale)
    if folder is not None:
        story = {"benchmark": name, "scale": scale, "machine": machine(), "rows": rows}
        text = json.dumps(story, indent=2).encode()
        write_whole(Path(folder) / f"{name}.json", lambda file: file.write(text))
        if case.draw is not None:
            save(case.draw(rows), Path(folder) / f"{name}.png")
    return f"{name} ({scale}): {case.about}\n\n{markdown(rows)}"


def has_data(name: str, data: str | os.PathLike[str] | None = None) -> bool:
    """Return whether the files that a benchmark needs are there."""
    folder = data or os.environ.get(_DATA)
    return all(folder is not None and (Path(folder) / need).exists() for need in CASES[name].needs)


def _checked(name: str, case: Case, data: str | os.PathLike[str] | None) -> Path:
    if not has_data(name, data):
        raise SettingsError(
            f"The benchmark {name} needs {' and '.join(case.needs)}. Give their folder with --data, or in {_DATA}."
        )
    return Path(data or os.environ[_DATA])


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        "version": package_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def markdown(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    header = list(rows[0])
    lines = [header, ["---"] * len(header), *([_cell(row[name]) for name in header] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
