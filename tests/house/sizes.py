"""How the house is laid: rooms of the core, files of a folder, lines of a module, and how far imports reach.

    python tests/house/sizes.py

prints what is measured and how much is allowed; it ends with 1 where something is more. `make lint` runs it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "napari_growtrack"

ALLOWED = {
    "names in core": 20,
    "files in a folder, at most": 20,
    "modules of the panels": 66,
    "lines of the panels": 14_900,
    "lines of the package": 55_750,
    "lines of a module, at most": 640,
    "longest chain of imports": 26,
}
"""What there is now, or a little more: it should become less. Lines count docstrings and blank ones too."""


def modules() -> dict[str, Path]:
    """Return the modules of the package by their dotted names."""
    return {_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = [SOURCE.name, *path.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports() -> dict[str, set[str]]:
    """Return which modules each module needs to be loaded; imports inside functions are of another hour."""
    known = modules()
    return {name: {*_needed(name, path, known)} - {name} for name, path in known.items()}


def _needed(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    room = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            base = room.split(".")[: len(room.split(".")) - node.level + 1] if node.level else []
            told = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{told}.{alias.name}"
                if full in known or told in known:
                    yield full if full in known else told


def longest_chain() -> list[str]:
    """Return the modules of the longest chain, each of which needs the next."""
    needed = imports()

    @cache
    def below(module: str) -> tuple[str, ...]:
        return (module, *max((below(one) for one in sorted(needed[module])), key=len, default=()))

    return list(max((below(module) for module in needed), key=len))


def measured() -> dict[str, int]:
    """Return what `ALLOWED` bounds."""
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules().values()}
    panels = [path for path in lines if "widgets" in path.parts]
    folders = {path.parent for path in lines}
    core = {path.stem for path in (SOURCE / "core").glob("*.py")}
    core |= {path.parent.name for path in (SOURCE / "core").glob("*/__init__.py")}
    return {
        "names in core": len(core - {"__init__"}),
        "files in a folder, at most": max(len([*folder.glob("*.py")]) for folder in folders),
        "modules of the panels": sum(path.name != "__init__.py" for path in panels),
        "lines of the panels": sum(lines[path] for path in panels),
        "lines of the package": sum(lines.values()),
        "lines of a module, at most": max(lines.values()),
        "longest chain of imports": len(longest_chain()),
    }


def main() -> int:
    """Print what is measured, and return 1 where it is more than allowed."""
    found = measured()
    for what, number in found.items():
        print(f"{what:30} {number:7,} of {ALLOWED[what]:,}{'' if number <= ALLOWED[what] else '  TOO MANY'}")
    print("chain:", " > ".join(name.removeprefix(f"{SOURCE.name}.") for name in longest_chain()))
    return int(any(number > ALLOWED[what] for what, number in found.items()))


if __name__ == "__main__":
    sys.exit(main())
