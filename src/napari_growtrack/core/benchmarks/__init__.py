"""Measurements of speed and accuracy that anybody can run again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import SettingsError
from ..files import write_whole
from ..version import package_version
from . import accuracy, speed

Scale = Literal["smoke", "laptop"]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A benchmark: what it shows, and the function that measures it."""

    about: str
    measure: Callable[[Scale], Rows]


CASES = {
    "speed": Case(
        "one frame by the cascade, by all windows in one batch, and by one predict call a window", speed.measure
    ),
    "accuracy": Case(
        "the thesis's multi-particle scene: found, false and error for every stage and SNR", accuracy.measure
    ),
}


def run(name: str, scale: Scale = "laptop", folder: str | os.PathLike[str] | None = None) -> str:
    """Run a benchmark and return its table as Markdown; with a folder, write the results there as JSON.

    Raises
    ------
    SettingsError
        When there is no such benchmark.
    """
    if name not in CASES:
        raise SettingsError(f"There is no benchmark {name!r}. Choose one of {', '.join(CASES)}, or all.")
    rows = CASES[name].measure(scale)
    if folder is not None:
        story = {"benchmark": name, "scale": scale, "machine": machine(), "rows": rows}
        text = json.dumps(story, indent=2).encode()
        write_whole(Path(folder) / f"{name}.json", lambda file: file.write(text))
    return f"{name} ({scale}): {CASES[name].about}\n\n{markdown(rows)}"


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
