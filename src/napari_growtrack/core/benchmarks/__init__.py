"""Measurements of speed and accuracy that anybody can run again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pandas as pd

from ..errors import SettingsError
from ..files import write_whole
from ..pictures import save
from ..version import package_version
from . import (
    accuracy,
    deep,
    deeptrack,
    growing,
    ladder,
    ladder_figures,
    ladder_methods,
    scaling,
    simulator,
    speed,
    stream,
    thesis,
)
from .rows import Rows, Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DATA = "GROWTRACK_DATA"


@dataclass(frozen=True)
class Case:
    """A benchmark.

    Attributes
    ----------
    about : str
        What it shows.
    measure : callable
    draw : callable, optional
        Its figure.
    needs, uses : tuple of str
        Files of the data folder without which it cannot be measured, and
        without which something is left out.
    tables : mapping of str to callable
        Further tables made of the measured rows.
    figures : mapping of str to callable
        Further figures.
    """

    about: str
    measure: Callable[..., Rows]
    draw: Callable[[Rows], Figure] | None = None
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    tables: Mapping[str, Callable[[Rows], Rows]] = field(default_factory=dict)
    figures: Mapping[str, Callable[[Rows], Figure]] = field(default_factory=dict)


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
    "ladder": Case(
        "scenes from easy to hard and large: every stage of ours, LoG, trackpy and DeepTrack 1.0",
        ladder.measure,
        uses=(ladder_methods.PRETRAINED,),
        tables={"speed": ladder.speed},
        figures={"snr": ladder_figures.draw_snr, "front": ladder_figures.draw_front},
    ),
    "scaling": Case(
        "our time on one core against the size of a frame and the number of particles",
        scaling.measure,
        scaling.draw_scaling,
        tables={"costs": scaling.costs},
    ),
    "stream": Case("latency and memory of a stream of 5000 frames through Tracker, beside trackpy", stream.measure),
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
        Where to leave the results as JSON, tables as CSV and Markdown, and figures.
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
    folder_of_data = _checked(name, case, data)
    measure = partial(case.measure, data=folder_of_data) if case.needs or case.uses else case.measure
    rows = measure(scale)
    tables = {name: rows} | {f"{name}-{key}": make(rows) for key, make in case.tables.items()}
    text = "\n\n".join([f"{name} ({scale}): {case.about}", *(markdown(table) for table in tables.values() if table)])
    if folder is not None:
        story = {"benchmark": name, "scale": scale, "machine": machine(), "rows": rows}
        _leave(Path(folder), name, story, text, tables)
        figures = {name: case.draw} | {f"{name}-{key}": draw for key, draw in case.figures.items()}
        for stem, draw in figures.items():
            if draw is not None:
                save(draw(rows), Path(folder) / f"{stem}.png")
    return text


def _leave(folder: Path, name: str, story: dict[str, Any], text: str, tables: Mapping[str, Rows]) -> None:
    """Write what was measured as JSON, and its tables as Markdown and CSV."""
    files = {f"{name}.json": json.dumps(story, indent=2), f"{name}.md": f"{text}\n"}
    files |= {f"{stem}.csv": pd.DataFrame(rows).to_csv(index=False) for stem, rows in tables.items()}
    for file, content in files.items():
        write_whole(folder / file, partial(_write, content.encode()))


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def has_data(name: str, data: str | os.PathLike[str] | None = None) -> bool:
    """Return whether the files that a benchmark needs are there."""
    folder = data or os.environ.get(_DATA)
    return all(folder is not None and (Path(folder) / need).exists() for need in CASES[name].needs)


def _checked(name: str, case: Case, data: str | os.PathLike[str] | None) -> Path | None:
    """Return the data folder, if there is any."""
    if not has_data(name, data):
        raise SettingsError(
            f"The benchmark {name} needs {' and '.join(case.needs)}. Give their folder with --data, or in {_DATA}."
        )
    folder = data or os.environ.get(_DATA)
    return None if folder is None else Path(folder)


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
