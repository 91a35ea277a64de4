"""Pages made of results: figure by figure, what the thesis says, what we measured, and whether it holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from ..files import write_bytes
from .case import Case, Claim, Tables, rows_of
from .running import markdown
from .thesis import THESIS

RESULTS, NOTES = "results", "notes"
SCALES = ("paper", "laptop")
"""Where results of several scales are there, those of the first are shown."""

_HOLDS = {True: "yes", False: "**no**", None: ""}
_CHAPTERS = {
    "chapter-3": (
        "Chapter 3: growing layer by layer",
        ("mnist-conv", "mnist-deep", "cats-dogs", "depth", "trapped-bead"),
    ),
    "chapter-4": (
        "Chapter 4: modular networks",
        ("widths", "breadth", "activity", "multi-particle", "execution"),
    ),
}


class Result:
    """What a run of a benchmark left in a folder.

    Attributes
    ----------
    name, scale : str
    case : Case
    story : dict
        Settings, machine, and names of figures.
    tables : Tables
    """

    def __init__(self, folder: Path, name: str, scale: str) -> None:
        self.name, self.scale, self.case = name, scale, THESIS[name]
        self.story: dict[str, Any] = json.loads((folder / scale / f"{name}.json").read_text(encoding="utf-8"))
        self.tables = _tables(folder / scale, name, self.case)

    @property
    def claims(self) -> list[Claim]:
        """What the thesis says of it, and whether it holds, in the order of its figures."""
        claims = self.case.claims(self.tables) if self.case.claims else []
        return sorted(claims, key=lambda claim: self.case.shows.index(claim.figure))

    @property
    def images(self) -> list[str]:
        """Paths of its figures from the folder of the pages."""
        return [f"{RESULTS}/{self.scale}/{stem}.png" for stem in self.story["figures"]]

    @property
    def where(self) -> str:
        """Scale, time and machine in a sentence."""
        machine = self.story["machine"]
        packages = machine["packages"]
        return (
            f"Scale `{self.scale}`, {self.story['minutes']:.0f} minutes on {machine['cores']} cores "
            f"({machine['processor']}), Python {machine['python']}, Keras {packages.get('keras', '')} on TensorFlow "
            f"{packages.get('tensorflow', '')}."
        )


def _tables(folder: Path, name: str, case: Case) -> Tables:
    made = {f"{name}-{key}" for key in case.tables}
    paths = [folder / f"{name}.csv", *sorted(folder.glob(f"{name}-*.csv"))]
    return {
        path.stem.removeprefix(name).removeprefix("-"): rows_of(pd.read_csv(path, keep_default_na=False))
        for path in paths
        if path.stem not in made
    }


def write_pages(folder: str | os.PathLike[str]) -> list[Path]:
    """Write a page for each chapter, and one about them all, of the results that lie beside them.

    Parameters
    ----------
    folder : path
        With ``results/SCALE/`` as `iter_run` leaves them, and perhaps
        ``notes/NAME.md``: what is to be said of a result by hand.

    Returns
    -------
    list of Path
    """
    folder = Path(folder)
    results = {name: result for name in THESIS if (result := _result(folder, name)) is not None}
    pages = {"index": _index(folder, results)}
    for chapter, (title, names) in _CHAPTERS.items():
        parts = [_section(folder, results[name]) for name in names if name in results]
        pages[chapter] = "\n\n".join([f"# {title}", _MADE, *parts])
    for name, text in pages.items():
        write_bytes(folder / f"{name}.md", f"{text}\n".encode())
    return [folder / f"{name}.md" for name in pages]


_MADE = "<!-- Made by `make pages` of the results beside it; what is to be said by hand goes into notes/. -->"


def _result(folder: Path, name: str) -> Result | None:
    there = [scale for scale in SCALES if (folder / RESULTS / scale / f"{name}.json").exists()]
    return Result(folder / RESULTS, name, there[0]) if there else None


def _note(folder: Path, name: str) -> str:
    path = folder / NOTES / f"{name}.md"
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _section(folder: Path, result: Result) -> str:
    case, name = result.case, result.name
    settings = ", ".join(f"{key} {value}" for key, value in result.story["settings"].items())
    parts = [
        f"## {case.about[0].upper()}{case.about[1:]} {{ #{name} }}",
        f"Figures {', '.join(case.shows)}. `growtrack benchmark {name} --scale {result.scale} -o FOLDER`",
        case.tell(result.tables) if case.tell else "",
        _claims(result.claims),
        _note(folder, name),
        *(f"![{Path(image).stem.removeprefix(f'{name}-')}]({image})" for image in result.images),
        f'??? note "Numbers"\n\n{_indented(markdown(case.read(result.tables)))}',
        f"{result.where} Settings: {settings}. Raw results: `{RESULTS}/{result.scale}/{name}*.csv`.",
    ]
    return "\n\n".join(part for part in parts if part)


def _claims(claims: list[Claim]) -> str:
    return markdown(
        [
            {"figure": one.figure, "the thesis": one.thesis, "measured": one.measured, "holds": _HOLDS[one.holds]}
            for one in claims
        ]
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _index(folder: Path, results: dict[str, Result]) -> str:
    rows = []
    for chapter, (_title, names) in _CHAPTERS.items():
        for name in names:
            if name in results:
                claims = [claim for claim in results[name].claims if claim.holds is not None]
                held = sum(bool(claim.holds) for claim in claims)
                rows.append(
                    {
                        "figures": ", ".join(THESIS[name].shows),
                        "experiment": f"[{THESIS[name].about}]({chapter}.md#{name})",
                        "scale": results[name].scale,
                        "claims that hold": f"{held} of {len(claims)}",
                    }
                )
    parts = ["# The thesis, reproduced", _MADE, _note(folder, "index"), markdown(rows) if rows else ""]
    return "\n\n".join(part for part in parts if part)
